"""What ``doctor`` can try of an account without a customer noticing: the token, and whether the account is ours.

Two calls at most: ``gettoken``, by the token that all processes share, and ``kf/account/list``.
"""

from typing import Any

import redis

from bot.channel import ChannelKit, Refused, Retry
from bot.finding import Finding, State
from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.transport import Deadline

TOKEN, ACCOUNT = "token", "account"
LIST_ACCOUNTS = "kf/account/list"
MOST_ACCOUNTS = 100
"""Of one page of the list; who has more sees a warning, and nothing worse."""

_CURES = {
    "token_refused": "corp_id and secret: copy both again from one 管理后台; at most one try a minute",
    "48002": "list the application under 微信客服 › API › 可调用接口的应用",
    "60020": "add this machine's address: 管理后台 › 应用管理 › the app › 企业可信IP › 配置",
    "95011": "take the Secret of the self-built application, not one of 微信客服 itself",
    "95012": "take the Secret of the self-built application, not one of 微信客服 itself",
    "95017": "switch the API on: 微信客服 › API",
}
_NOT_OURS = "list the account under 微信客服 › 通过API管理的客服账号, and copy its open_kfid from there"


def examine(open_kfid: str, application: Application, kit: ChannelKit, deadline_epoch_s: float) -> list[Finding]:
    """See :meth:`bot.channel.Channel.examine`."""
    deadline = Deadline(deadline_epoch_s, kit.clock)
    request = encode_json({"offset": 0, "limit": MOST_ACCOUNTS})
    base_url = application.client.base_url
    try:
        answer = application.call(
            lambda token: application.client.look(LIST_ACCOUNTS, token, request, deadline), deadline
        )
    except (Retry, Refused) as failure:
        detail = f"{base_url} does not list the accounts ({failure})"
        cure = _CURES.get(failure.code, f"check WECOM_API_BASE and the way to {base_url}, then look the code up")
        name = TOKEN if failure.code.startswith("token_") else ACCOUNT
        return [Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)]
    except redis.RedisError as error:
        detail = f"not tried: the token lies in Redis, which does not answer ({type(error).__name__})"
        return [Finding(name=TOKEN, state=State.SKIPPED, detail=detail)]
    good = Finding(name=TOKEN, state=State.OK, detail=f"{base_url} accepts corp_id and secret")
    return [good, _account(open_kfid, answer)]


def _account(open_kfid: str, answer: dict[str, Any]) -> Finding:
    listed = [account for account in answer.get("account_list") or [] if isinstance(account, dict)]
    found = next((account for account in listed if account.get("open_kfid") == open_kfid), None)
    if found is not None:
        if found.get("manage_privilege") is False:
            detail = f"{open_kfid} is seen, and this application may not serve it"
            return Finding(name=ACCOUNT, state=State.BROKEN, detail=detail, cure=_NOT_OURS)
        return Finding(name=ACCOUNT, state=State.OK, detail=f"{open_kfid} is ours to serve")
    if len(listed) >= MOST_ACCOUNTS:
        detail = f"{open_kfid} is not among the first {MOST_ACCOUNTS} accounts"
        return Finding(name=ACCOUNT, state=State.WARNING, detail=detail, cure=_NOT_OURS)
    detail = f"{open_kfid} is not among the {len(listed)} accounts of this application"
    return Finding(name=ACCOUNT, state=State.BROKEN, detail=detail, cure=_NOT_OURS)
