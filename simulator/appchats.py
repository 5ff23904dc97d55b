"""Groups that the app made and speaks in: ``appchat/create``, ``update``, ``get``, ``send`` (§2.12, rule 24).

Not thread-safe: the API works under one lock.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from simulator.chats import Chats
from simulator.corp import Corp
from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.limits import MemberRate, Quota
from simulator.media import Media
from simulator.messages import MessageReader
from simulator.rules import Rules
from simulator.settings import Group

RULE = 24
_CHATID = re.compile(r"[0-9a-zA-Z]{1,32}")
_NAME_CHARACTERS = 50
_LEAST_MEMBERS, _MOST_MEMBERS = 2, 2000
_HOUR_S = 3600.0
_UNSENT = ("template_card", "miniprogram_notice")
"""What ``message/send`` knows and ``appchat/send`` does not."""


class AppChats:
    """The app's own groups; ``foreign`` are chatids of groups that another app made."""

    def __init__(
        self,
        *,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        media: Media,
        corp: Corp,
        name: str,
        clock: Callable[[], float],
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._corp = corp
        self._name = name
        self._clock = clock
        self._reader = MessageReader(rules, media)
        self._own: dict[str, str] = {}
        """chatid to owner."""
        self.foreign: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Forget rates; the groups stay, as members do."""
        self._rates: dict[str, MemberRate] = {}
        self._changes = Quota(_HOUR_S, _HOUR_S)

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``appchat/create``. Raises :class:`ApiError`."""
        self._changing()
        chatid = str(body.get("chatid") or secrets.token_hex(16))
        if not _CHATID.fullmatch(chatid):
            raise ApiError(86001, RULE)
        if chatid in self._own or chatid in self._corp.groups:
            raise ApiError(86215, RULE)
        members = self._members(body.get("userlist"))
        owner = str(body.get("owner") or members[0])
        if owner not in members:
            raise ApiError(86007, RULE)
        self._keep(chatid, str(body.get("name") or "群聊"), members, owner)
        return {"errcode": 0, "errmsg": "ok", "chatid": chatid}

    def update(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``appchat/update``. Raises :class:`ApiError`."""
        group = self._group(body.get("chatid"))
        self._changing()
        gone = set(_names(body.get("del_user_list")))
        everybody = dict.fromkeys([*group.members, *_names(body.get("add_user_list"))])
        members = [one for one in everybody if one not in gone]
        owner = str(body.get("owner") or self._own[group.chatid])
        self._keep(group.chatid, str(body.get("name") or group.name), self._members(members), owner)
        return {"errcode": 0, "errmsg": "ok"}

    def get(self, chatid: str) -> dict[str, Any]:
        """The answer to ``appchat/get``. Raises :class:`ApiError`."""
        group = self._group(chatid)
        info = {"chatid": chatid, "name": group.name, "owner": self._own[chatid], "userlist": list(group.members)}
        return {"errcode": 0, "errmsg": "ok", "chat_info": info}

    def send(self, body: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """The answer to ``appchat/send``. Raises :class:`ApiError`.

        Over the rate of a member the message is silently not delivered; the page shows one group, so it is lost for
        all.
        """
        group = self._group(body.get("chatid"))
        if body.get("msgtype") in _UNSENT:
            raise ApiError(40008, RULE)
        message = self._reader.read(body)
        rate = self._rates.setdefault(group.chatid, MemberRate())
        most = {"per_minute": self._rules.appchat_per_minute, "per_hour": self._rules.appchat_per_hour}
        if not rate.take(self._clock(), **most):
            self._journal.rule(RULE, "not_delivered", request_id, chat=group.chatid)
            return {"errcode": 0, "errmsg": "ok"}
        self._chats.add(
            member="",
            via="appchat",
            peer="bot",
            chat=group.chatid,
            type=message.type,
            content=message.content,
            cut=message.cut,
            fields={**message.fields, "author": self._name},
            upload=message.upload.summary() if message.upload else None,
            request_id=request_id,
        )
        return {"errcode": 0, "errmsg": "ok"}

    def _group(self, chatid: object) -> Group:
        if not self._rules.appchat_allowed:
            raise ApiError(48002, RULE)
        group = self._corp.groups.get(str(chatid))
        if str(chatid) in self.foreign:
            raise ApiError(86008, RULE)
        if group is None or group.chatid not in self._own:
            raise ApiError(86003, RULE)
        return group

    def _changing(self) -> None:
        if not self._rules.appchat_allowed:
            raise ApiError(48002, RULE)
        if not self._changes.take(self._clock(), self._rules.appchat_changes_per_hour):
            raise ApiError(45009, RULE)

    def _members(self, named: object) -> list[str]:
        members = list(dict.fromkeys(_names(named)))
        if not _LEAST_MEMBERS <= len(members) <= _MOST_MEMBERS:
            raise ApiError(86006, RULE)
        if any(one not in self._corp.members for one in members):
            raise ApiError(40003, RULE)
        return members

    def _keep(self, chatid: str, name: str, members: list[str], owner: str) -> None:
        self._corp.add_group(Group.checked(chatid, name[:_NAME_CHARACTERS], members))
        self._own[chatid] = owner


def _names(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
