"""Who the simulated corp is: its app, bot and customer service with their secrets, its people. Checked at the start."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from simulator.crypto import CryptoError, aes_key

MAX_MEMBERS = 2000
MAX_GROUPS = 200
_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_CHATID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ROBOT_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_OPEN_KFID = re.compile(r"wk[A-Za-z0-9_-]{1,62}")
_EXTERNAL_USERID = re.compile(r"w[mo][A-Za-z0-9_-]{1,62}")


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
class Robot:
    """A group robot (消息推送): the ``key`` of its webhook, the group it speaks in, and its ``name``."""

    key: str
    chatid: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """``key:chatid:name``; without a chatid it is that of the first group, which the caller knows. Raises
        :class:`SettingsError`."""
        key, _, rest = text.strip().partition(":")
        chatid, _, name = rest.partition(":")
        if not _ROBOT_KEY.fullmatch(key):
            raise SettingsError(["not the key of a robot: 8 to 64 letters, digits and -"])
        if not 1 <= len(name) <= 64:
            raise SettingsError([f"the name of a robot in {chatid} must have 1 to 64 characters"])
        return cls(key=key, chatid=chatid, name=name)


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
class KfAccount:
    """An account of WeChat customer service: its ``open_kfid`` (``wk…``), and the members who serve by hand."""

    open_kfid: str
    name: str
    servicers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """``open_kfid:name[:userid,userid]``. Raises :class:`SettingsError`."""
        open_kfid, _, rest = text.strip().partition(":")
        name, _, userids = rest.partition(":")
        if not is_open_kfid(open_kfid):
            raise SettingsError([f"not an open_kfid: {open_kfid!r} (wk and 1 to 62 letters, digits and _ -)"])
        if not 1 <= len(name) <= 64:
            raise SettingsError([f"the name of account {open_kfid} must have 1 to 64 characters"])
        servicers = tuple(userid.strip() for userid in userids.split(",") if userid.strip())
        return cls(open_kfid=open_kfid, name=name, servicers=servicers)


@dataclass(frozen=True, kw_only=True, slots=True)
class KfCustomer:
    """A WeChat user: the ``external_userid`` (``wm…``) that the corp knows; ``unionid`` may be empty."""

    external_userid: str
    nickname: str
    unionid: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """``external_userid:nickname[:unionid]``. Raises :class:`SettingsError`."""
        external_userid, _, rest = text.strip().partition(":")
        nickname, _, unionid = rest.partition(":")
        return cls.checked(external_userid, nickname or external_userid, unionid)

    @classmethod
    def checked(cls, external_userid: str, nickname: str, unionid: str) -> Self:
        """A customer with an id that WeCom would give. Raises :class:`SettingsError`."""
        if not _EXTERNAL_USERID.fullmatch(external_userid):
            raise SettingsError([f"not an external_userid: {external_userid!r} (wm and 1 to 62 letters, digits, _ -)"])
        if not 1 <= len(nickname) <= 64 or len(unionid) > 64:
            raise SettingsError([f"nickname (1 to 64 characters) or unionid (at most 64) of {external_userid}"])
        return cls(external_userid=external_userid, nickname=nickname, unionid=unionid)


@dataclass(frozen=True, kw_only=True, slots=True)
class KfSettings:
    """WeChat customer service (§6) as one self-built app may use it.

    ``callback_url``, ``token`` and ``encoding_aes_key`` are the receiving side (§1.1), ``secret`` that app's gettoken
    secret, which may be the one of the corp's app here.
    """

    callback_url: str
    token: str
    encoding_aes_key: str
    secret: str
    accounts: tuple[KfAccount, ...]
    customers: tuple[KfCustomer, ...]

    def problems(self, userids: Collection[str]) -> list[str]:
        """What cannot work, a readable line each; ``userids`` are the corp's members."""
        found = [f"kf {problem}" for problem in _secret_problems(self.token, self.encoding_aes_key)]
        if not self.secret:
            found.append("kf secret is missing")
        if not self.accounts or len({one.open_kfid for one in self.accounts}) < len(self.accounts):
            found.append("kf accounts must be given, each once")
        if len({one.external_userid for one in self.customers}) < len(self.customers):
            found.append("kf customers must be given once each")
        for account in self.accounts:
            strangers = [userid for userid in account.servicers if userid not in userids]
            if strangers:
                found.append(f"account {account.open_kfid} has no such members: {', '.join(strangers)}")
        problem = url_problem(self.callback_url)
        return [*found, f"kf: {problem}"] if problem else found


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One corp with a self-built app, an AI bot, customer service, or several. Raises :class:`SettingsError` naming
    every problem.

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
    kf: KfSettings | None = None
    groups: tuple[Group, ...] = ()
    robots: tuple[Robot, ...] = ()
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
        if self.kf:
            problems += self.kf.problems(userids)
        if not self.members or len(userids) < len(self.members):
            problems.append("members must be given, each once")
        if len({group.chatid for group in self.groups}) < len(self.groups):
            problems.append("groups must be given once each")
        for group in self.groups:
            strangers = [userid for userid in group.members if userid not in userids]
            if strangers:
                problems.append(f"group {group.chatid} has no such members: {', '.join(strangers)}")
        if len({robot.key for robot in self.robots}) < len(self.robots):
            problems.append("robots must be given once each")
        if lost := {robot.chatid for robot in self.robots} - {group.chatid for group in self.groups}:
            problems.append(f"robots speak in groups that are not here: {', '.join(sorted(lost))}")
        if self.public_url and url_problem(self.public_url):
            problems.append(f"public_url must be http(s)://host[:port], not {self.public_url!r}")
        if problems:
            raise SettingsError(problems)

    @property
    def has_app(self) -> bool:
        """Whether the corp has a self-built app; with nothing else it must have one."""
        given = (self.agent_id, self.secret, self.token, self.encoding_aes_key, self.callback_url)
        return (self.bot is None and self.kf is None) or any(given)

    def _app_problems(self) -> list[str]:
        problems = [] if self.secret else ["secret is missing"]
        if self.agent_id <= 0:
            problems.append("agent_id must be a positive integer")
        problems += _secret_problems(self.token, self.encoding_aes_key)
        problem = url_problem(self.callback_url)
        return [*problems, problem] if problem else problems


def is_open_kfid(text: str) -> bool:
    """Whether ``text`` looks like the id of a customer service account."""
    return _OPEN_KFID.fullmatch(text) is not None


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
