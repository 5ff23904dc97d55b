"""The group itself: ``appchat/create``, ``appchat/update`` and ``appchat/get`` (pages 90245, 90246)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis

from bot.channel import Refused, Retry, Unknown
from bot.finding import Finding, State
from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.transport import Deadline

GROUP = "group"
NAME_CHARACTERS = 50
LEAST_MEMBERS, MOST_MEMBERS = 2, 2000
_MEMBERS = "correct the user ids (管理后台 › 通讯录 › the member › 账号); each must be a member of the company"
_CURES = {
    "40003": _MEMBERS,
    "45009": "too many groups were made or changed; try again in an hour",
    "48002": "let the application's visible range be the root department (管理后台 › 应用管理 › the app › 可见范围)",
    "60011": "let the application's visible range be the root department, so that it may see every member",
    "60020": "put this server's address among the application's 企业可信IP; it takes a minute",
    "60111": _MEMBERS,
    "86001": "correct chatid",
    "86003": "correct chatid, or make the group: python -m bot group create",
    "86006": f"name {LEAST_MEMBERS} to {MOST_MEMBERS} members, or fewer where the company has set a limit",
    "86007": _MEMBERS,
    "86008": "another application made this group: put that application's secret, or make a group of this one's own",
    "86205": "take a chatid of at most 32 letters and digits",
    "86215": "there is a group of this chatid already: change it (python -m bot group update), or take another one",
    "86216": _MEMBERS,
    "token_refused": "correct corp_id and secret (python -m bot doctor)",
}

Call = Callable[[str], dict[str, Any]]


class Group:
    """The group ``chatid`` of an application; safe to share between threads."""

    def __init__(self, chatid: str, application: Application) -> None:
        self._chatid = chatid
        self._application = application

    def make(self, name: str, owner: str, members: Sequence[str], deadline: Deadline) -> Finding:
        """See :meth:`bot.group_making.GroupMaker.make_group`."""
        everybody = list(dict.fromkeys([owner, *members]))
        wrong = _wrong_name(name)
        if not LEAST_MEMBERS <= len(everybody) <= MOST_MEMBERS:
            wrong = f"a group has {LEAST_MEMBERS} to {MOST_MEMBERS} members, not {len(everybody)}"
        if wrong:
            return Finding(name=GROUP, state=State.BROKEN, detail=wrong)
        body = {"name": name, "owner": owner, "userlist": everybody, "chatid": self._chatid}
        made = f"the group {self._chatid} is made, with {len(everybody)} members"
        return self._change("appchat/create", body, deadline, made)

    def change(
        self, *, name: str, owner: str, add: Sequence[str], remove: Sequence[str], deadline: Deadline
    ) -> Finding:
        """See :meth:`bot.group_making.GroupMaker.change_group`."""
        if name and (wrong := _wrong_name(name)):
            return Finding(name=GROUP, state=State.BROKEN, detail=wrong)
        changes = {"name": name, "owner": owner, "add_user_list": list(add), "del_user_list": list(remove)}
        wanted = {key: value for key, value in changes.items() if value}
        done = f"the group {self._chatid} is changed"
        return self._change("appchat/update", {"chatid": self._chatid, **wanted}, deadline, done)

    def examine(self, deadline: Deadline) -> Finding:
        """Whether the group is this application's: ``appchat/get``, which nobody notices."""
        client, query = self._application.client, {"chatid": self._chatid}
        answer = self._answer("appchat/get", lambda token: client.get("appchat/get", token, query, deadline), deadline)
        if isinstance(answer, Finding):
            return answer
        info = answer.get("chat_info")
        members = info.get("userlist") if isinstance(info, dict) else None
        number = len(members) if isinstance(members, list) else 0
        return Finding(name=GROUP, state=State.OK, detail=f"the group is there, with {number} members")

    def _change(self, call: str, body: Mapping[str, object], deadline: Deadline, done: str) -> Finding:
        client, raw = self._application.client, encode_json(body)
        answer = self._answer(call, lambda token: client.post(call, token, raw, deadline), deadline)
        return answer if isinstance(answer, Finding) else Finding(name=GROUP, state=State.OK, detail=done)

    def _answer(self, call: str, ask: Call, deadline: Deadline) -> dict[str, Any] | Finding:
        """The answer to ``call``, or what went wrong, in words."""
        try:
            return self._application.call(ask, deadline)
        except Unknown as lost:
            detail = f"{call} left and no answer came ({lost.code}): it may have been done"
            return Finding(name=GROUP, state=State.BROKEN, detail=detail, cure="look with `python -m bot doctor`")
        except (Retry, Refused) as failure:
            said = f" {failure.detail}" if isinstance(failure, Refused) and failure.detail else ""
            cure = _CURES.get(failure.code, "look the code up: https://open.work.weixin.qq.com/devtool/query")
            detail = f"{call} failed ({failure.code}){said}"
            return Finding(name=GROUP, state=State.BROKEN, detail=detail, cure=cure)
        except redis.RedisError as error:
            detail = f"not tried: the token lies in Redis, which does not answer ({type(error).__name__})"
            return Finding(name=GROUP, state=State.SKIPPED, detail=detail)


def _wrong_name(name: str) -> str:
    """What is wrong with the name of a group; the platform would cut a longer one."""
    return "" if 1 <= len(name) <= NAME_CHARACTERS else f"a name has 1 to {NAME_CHARACTERS} characters, not {len(name)}"
