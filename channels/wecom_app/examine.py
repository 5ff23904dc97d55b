"""What ``doctor`` can try of a self-built application: token, trusted IP, clock and agent id, with three calls at most.

Nobody notices any of them: ``gettoken``, ``getcallbackip``, and a ``message/send`` to a member who does not exist.
The token is the one all processes share, so a secret that was refused is not asked about again within a minute; wrong
secrets lock an IP for an hour (page 90313).
"""

import re
import secrets
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import redis

from bot.channel import ChannelKit, Retry, Unknown
from bot.finding import Finding, State
from channels.wecom.api import OK, detail_of, encode_json, json_answer
from channels.wecom.client import SEND_MESSAGE, WeComClient
from channels.wecom.errors import Reaction, rule_of
from channels.wecom.tokens import TokenRefused, TokenStore, fetch_failure
from channels.wecom.transport import Deadline, HttpAnswer, HttpRequest, NoAnswer, exchange
from channels.wecom_app.config import Config

TOKEN, TRUSTED_IP, CLOCK, AGENT_ID = "token", "trusted IP", "clock", "agent id"
_AFTER_TOKEN = (TRUSTED_IP, CLOCK, AGENT_ID)
CLOCK_WARNING_S = 60.0
"""A clock this far from the platform's deserves a look; beyond ``CALLBACK_MAX_SKEW`` every callback is refused."""
_IP_NOT_TRUSTED = 60020
_UNKNOWN_MEMBER = frozenset({40003, 46004, 60111, 81013})
"""Codes that concern the recipient alone, so everything before it was right (pages 90236, 90313)."""
_WRONG_AGENT = frozenset({40056, 301002})
_FROM_IP = re.compile(r"from ip: ?([0-9A-Fa-f.:]{3,45}?)(?=[,\s]|$)")  # errmsg's usual tail (page 90930)

_CURES: Mapping[int, str] = {
    40001: "copy the Secret again (管理后台 › 应用管理 › the app › Secret) and see that the app is not stopped; "
    "try at most once a minute, wrong secrets lock this IP for an hour",
    40013: "copy corp_id again: 管理后台 › 我的企业 › 企业信息 › 企业ID",
    40091: "secret and corp_id belong to two companies; copy both from one 管理后台",
    45009: "too many calls, or too many wrong secrets from this IP: correct the secret, then wait an hour",
    60020: "add it: 管理后台 › 应用管理 › the app › 企业可信IP › 配置; it takes a minute to apply",
}
_WRONG_AGENT_CURE = "agent_id and secret must come from the same page: 管理后台 › 应用管理 › the app › AgentId"


def examine(config: Config, kit: ChannelKit, deadline_epoch_s: float) -> list[Finding]:
    """See :meth:`bot.channel.Channel.examine`."""
    return _Examination(config, kit, Deadline(deadline_epoch_s, kit.clock)).findings()


class _Examination:
    """One look at one application."""

    def __init__(self, config: Config, kit: ChannelKit, deadline: Deadline) -> None:
        self._config = config
        self._kit = kit
        self._deadline = deadline
        self._secret = config.secret.get_secret_value()
        self._client = WeComClient(kit.http, kit.api_base["wecom"])
        self._tokens = TokenStore(self._client, kit.redis, config.corp_id, self._secret)

    def findings(self) -> list[Finding]:
        """What each call told, in the order of the calls."""
        try:
            token = self._token()
            answer = self._callback_ips(token)
            if rule_of(_code(answer)).reaction is Reaction.REFRESH:  # it died early
                token = self._fresh_token(token)
                answer = self._callback_ips(token)
        except TokenRefused as refusal:
            return [
                _refused(refusal.errcode, refusal.detail),
                *_skipped("there is no token", *_AFTER_TOKEN),
            ]
        except (Retry, NoAnswer) as failure:
            return [self._unreachable(failure.code), *_skipped("the API gave no answer", *_AFTER_TOKEN)]
        good = Finding(name=TOKEN, state=State.OK, detail=f"{self._client.base_url} accepts corp_id and secret")
        trusted = self._trusted_ip(answer, token)
        findings = [good, trusted, self._clock(answer)]
        if trusted.state is State.BROKEN:
            return [*findings, *_skipped("the API does not let us in", AGENT_ID)]
        return [*findings, self._agent_id(token)]

    def _token(self) -> str:
        try:
            return self._tokens.get(self._deadline)
        except redis.RedisError:  # Redis has a finding of its own; one fetch without it does no harm
            return self._fetch()

    def _fresh_token(self, dead: str) -> str:
        try:
            self._tokens.invalidate(dead)
            return self._tokens.get(self._deadline)
        except redis.RedisError:
            return self._fetch()

    def _fetch(self) -> str:
        answer = self._client.get_token(self._config.corp_id, self._secret, self._deadline)
        if answer["errcode"] != OK:
            raise fetch_failure(answer["errcode"], detail_of(answer, self._secret))
        return str(answer.get("access_token") or "")

    def _callback_ips(self, token: str) -> HttpAnswer:
        """``getcallbackip``: harmless, and refused for every reason that concerns the caller."""
        url = f"{self._client.base_url}/cgi-bin/getcallbackip"
        request = HttpRequest(method="GET", url=url, query={"access_token": token})
        return exchange(self._kit.http, request, self._deadline)

    def _unreachable(self, code: str) -> Finding:
        reason = code.removeprefix("token_")
        cure = f"check WECOM_API_BASE, DNS, the firewall and any proxy on the way to {self._client.base_url}"
        if reason.lstrip("-").isdigit():
            cure = _CURES.get(int(reason), "the platform is busy or limits us; wait a minute and try again")
        return Finding(
            name=TOKEN, state=State.BROKEN, detail=f"{self._client.base_url} gives no token ({reason})", cure=cure
        )

    def _trusted_ip(self, answer: HttpAnswer, token: str) -> Finding:
        content = json_answer(answer)
        if content is None:
            detail = f"getcallbackip answered HTTP {answer.status} without an errcode: something else answers there"
            return Finding(name=TRUSTED_IP, state=State.BROKEN, detail=detail, cure="check WECOM_API_BASE and proxies")
        code, said = content["errcode"], detail_of(content, token, self._secret)
        if code == OK:
            return Finding(name=TRUSTED_IP, state=State.OK, detail="the API takes calls from this machine")
        if code == _IP_NOT_TRUSTED:
            found = _FROM_IP.search(said)
            detail = f"this machine's IP {found[1] if found else '(unnamed)'} is not in 企业可信IP (60020)"
            return Finding(name=TRUSTED_IP, state=State.BROKEN, detail=detail, cure=_CURES[_IP_NOT_TRUSTED])
        detail = f"getcallbackip answered {code} {said}"
        return Finding(name=TRUSTED_IP, state=State.WARNING, detail=detail, cure=_CURES.get(code, _look_up(code)))

    def _clock(self, answer: HttpAnswer) -> Finding:
        """Our clock against the answer's ``Date``, which has whole seconds."""
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError):
            return Finding(name=CLOCK, state=State.SKIPPED, detail="the API's answer has no readable Date")
        skew_s = self._kit.clock() - theirs
        direction = "ahead of" if skew_s > 0 else "behind"
        detail = f"{abs(skew_s):.0f} s {direction} the API's"
        cure = "set this machine's clock: timedatectl set-ntp true"
        if abs(skew_s) > self._kit.callback_max_skew_s:
            detail += f", above CALLBACK_MAX_SKEW ({self._kit.callback_max_skew_s:.0f} s): every callback is refused"
            return Finding(name=CLOCK, state=State.BROKEN, detail=detail, cure=cure)
        if abs(skew_s) > CLOCK_WARNING_S:
            return Finding(name=CLOCK, state=State.WARNING, detail=detail, cure=cure)
        return Finding(name=CLOCK, state=State.OK, detail=detail)

    def _agent_id(self, token: str) -> Finding:
        """Whether the token may send as ``agent_id``: asked with a message that reaches nobody (page 90236)."""
        nobody = f"doctor-{secrets.token_hex(12)}"
        body = {"touser": nobody, "msgtype": "text", "agentid": self._config.agent_id, "text": {"content": "doctor"}}
        try:
            answer = self._client.post(SEND_MESSAGE, token, encode_json(body), self._deadline)
        except (Retry, Unknown) as failure:
            detail = f"could not be tried: message/send gave no answer ({failure.code})"
            return Finding(name=AGENT_ID, state=State.WARNING, detail=detail, cure="run doctor again")
        code = answer["errcode"]
        if code in _UNKNOWN_MEMBER or (code == OK and nobody in str(answer.get("invaliduser"))):
            detail = f"{self._config.agent_id} may send (tried with a member who does not exist)"
            return Finding(name=AGENT_ID, state=State.OK, detail=detail)
        said = detail_of(answer, token, self._secret)
        if code in _WRONG_AGENT:
            detail = f"{self._config.agent_id} is not the app of this secret ({code} {said})"
            return Finding(name=AGENT_ID, state=State.BROKEN, detail=detail, cure=_WRONG_AGENT_CURE)
        if rule_of(code).reaction is Reaction.ALERT:
            detail = f"{self._config.agent_id} may not send ({code} {said})"
            return Finding(name=AGENT_ID, state=State.BROKEN, detail=detail, cure=_CURES.get(code, _look_up(code)))
        detail = f"could not be proved: message/send answered {code} {said}"
        return Finding(name=AGENT_ID, state=State.WARNING, detail=detail, cure=_look_up(code))


def _code(answer: HttpAnswer) -> int:
    content: dict[str, Any] | None = json_answer(answer)
    return OK if content is None else int(content["errcode"])


def _refused(code: int, detail: str) -> Finding:
    cure = _CURES.get(code, _look_up(code))
    return Finding(name=TOKEN, state=State.BROKEN, detail=detail, cure=cure)


def _skipped(why: str, *names: str) -> list[Finding]:
    return [Finding(name=name, state=State.SKIPPED, detail=f"not tried: {why}") for name in names]


def _look_up(code: int) -> str:
    return f"look the code up: https://open.work.weixin.qq.com/devtool/query?e={code}"
