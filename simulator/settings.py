"""Who the simulated corp is: its app and its bot with their secrets, its members and groups. Checked at the start."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from simulator.crypto import CryptoError, aes_key

MAX_MEMBERS = 2000
MAX_GROUPS = 200
_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_CHATID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SettingsError(ValueError):
    """Settings that cannot work; ``problems`` has one readable line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A member of the corp: ``userid``, the ``name`` people see, and a ``role`` shown in the chooser (may be empty)."""

    userid: str
    name: str
    role: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """``userid[:name[:role]]``. Raises :class:`SettingsError`."""
        userid, _, rest = text.strip().partition(":")
        name, _, role = rest.partition(":")
        return cls.checked(userid, name or userid, role)

    @classmethod
    def checked(cls, userid: str, name: str, role: str) -> Self:
        """A member with a userid that WeCom would allow. Raises :class:`SettingsError`."""
        if not _USERID.fullmatch(userid):
            raise SettingsError([f"not a userid: {userid!r} (1 to 64 letters, digits and _ . @ -)"])
        if len(name) > 64 or len(role) > 32:
            raise SettingsError([f"name or role of {userid} is too long (64 and 32 characters)"])
        return cls(userid=userid, name=name, role=role)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group chat of members, and of the bot if the corp has one."""

    chatid: str
    name: str
    members: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """``chatid:name:userid,userid``. Raises :class:`SettingsError`."""
        chatid, _, rest = text.strip().partition(":")
        name, _, userids = rest.rpartition(":")
        return cls.checked(chatid, name, [userid.strip() for userid in userids.split(",")])

    @classmethod
    def checked(cls, chatid: str, name: str, members: Sequence[str]) -> Self:
        """A group with a chatid that can stand in a URL. Raises :class:`SettingsError`."""
        if not _CHATID.fullmatch(chatid):
            raise SettingsError([f"not a chatid: {chatid!r} (1 to 64 letters, digits and _ -)"])
        if not 1 <= len(name) <= 64:
            raise SettingsError([f"the name of group {chatid} must have 1 to 64 characters"])
        if not members or len(set(members)) < len(members):
            raise SettingsError([f"the members of group {chatid} must be given, each once"])
        return cls(chatid=chatid, name=name, members=tuple(members))


@dataclass(frozen=True, kw_only=True, slots=True)
class BotSettings:
    """An AI bot in callback mode: its receiving side (§1.1), its ``aibotid``, and the name that mentions it."""

    callback_url: str
    token: str
    encoding_aes_key: str
    bot_id: str
    name: str = "智能机器人"

    def problems(self) -> list[str]:
        """What cannot work, a readable line each."""
        found = [f"bot {problem}" for problem in _secret_problems(self.token, self.encoding_aes_key)]
        if not self.bot_id:
            found.append("bot_id is missing")
        if not self.name or len(self.name) > 64 or set(self.name) & set("@ \t\n"):
            found.append("bot name must have 1 to 64 characters without @ and spaces")
        problem = url_problem(self.callback_url)
        return [*found, f"bot: {problem}"] if problem else found


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One corp with a self-built app, an AI bot, or both. Raises :class:`SettingsError` naming every problem.

    ``callback_url``, ``token`` and ``encoding_aes_key`` are the app's receiving side (§1.1), ``secret`` its gettoken
    secret; the four and ``agent_id`` are left out together where there is no app. ``examples`` are questions offered on
    the page; ``allowed_hosts`` are Host names that the page and the control API answer to besides localhost;
    ``public_url`` is where the bot reaches this simulator, empty for the address it listens on.
    """

    corp_id: str
    members: tuple[Member, ...]
    agent_id: int = 0
    secret: str = ""
    token: str = ""
    encoding_aes_key: str = ""
    callback_url: str = ""
    app_name: str = "企业应用"
    bot: BotSettings | None = None
    groups: tuple[Group, ...] = ()
    examples: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    public_url: str = ""

    def __post_init__(self) -> None:
        problems = [] if self.corp_id else ["corp_id is missing"]
        if self.has_app:
            problems += self._app_problems()
        if self.bot:
            problems += self.bot.problems()
        userids = {member.userid for member in self.members}
        if not self.members or len(userids) < len(self.members):
            problems.append("members must be given, each once")
        if len({group.chatid for group in self.groups}) < len(self.groups):
            problems.append("groups must be given once each")
        for group in self.groups:
            strangers = [userid for userid in group.members if userid not in userids]
            if strangers:
                problems.append(f"group {group.chatid} has no such members: {', '.join(strangers)}")
        if self.public_url and url_problem(self.public_url):
            problems.append(f"public_url must be http(s)://host[:port], not {self.public_url!r}")
        if problems:
            raise SettingsError(problems)

    @property
    def has_app(self) -> bool:
        """Whether the corp has a self-built app; without a bot it must have one."""
        given = (self.agent_id, self.secret, self.token, self.encoding_aes_key, self.callback_url)
        return self.bot is None or any(given)

    def _app_problems(self) -> list[str]:
        problems = [] if self.secret else ["secret is missing"]
        if self.agent_id <= 0:
            problems.append("agent_id must be a positive integer")
        problems += _secret_problems(self.token, self.encoding_aes_key)
        problem = url_problem(self.callback_url)
        return [*problems, problem] if problem else problems


def _secret_problems(token: str, encoding_aes_key: str) -> list[str]:
    problems = []
    if not re.fullmatch(r"[A-Za-z0-9]{1,32}", token):
        problems.append("token must be 1 to 32 letters and digits")
    try:
        aes_key(encoding_aes_key)
    except CryptoError:
        problems.append("encoding_aes_key must be 43 letters and digits")
    return problems


def url_problem(url: str) -> str:
    """Why ``url`` cannot be a callback URL, empty when it can (http and https both can, §2.1)."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return "" if usable else f"not a callback URL: {url!r} (http://host[:port]/path)"
