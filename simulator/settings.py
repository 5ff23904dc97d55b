"""Who the simulated corp is: its ids and secrets, the app's callback, its members. Checked once, at the start."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from simulator.crypto import CryptoError, aes_key

MAX_MEMBERS = 2000
_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


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
class Settings:
    """One corp with one self-built app. Raises :class:`SettingsError` naming every problem.

    ``callback_url``, ``token`` and ``encoding_aes_key`` are the app's receiving side (§1.1), ``secret`` its gettoken
    secret. ``examples`` are questions offered on the page; ``allowed_hosts`` are Host names that the page and the
    control API answer to besides localhost.
    """

    corp_id: str
    agent_id: int
    secret: str
    token: str
    encoding_aes_key: str
    callback_url: str
    members: tuple[Member, ...]
    app_name: str = "企业应用"
    examples: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = [f"{name} is missing" for name in ("corp_id", "secret") if not getattr(self, name)]
        if self.agent_id <= 0:
            problems.append("agent_id must be a positive integer")
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", self.token):
            problems.append("token must be 1 to 32 letters and digits")
        try:
            aes_key(self.encoding_aes_key)
        except CryptoError:
            problems.append("encoding_aes_key must be 43 letters and digits")
        problem = url_problem(self.callback_url)
        if problem:
            problems.append(problem)
        if not self.members or len({member.userid for member in self.members}) < len(self.members):
            problems.append("members must be given, each once")
        if problems:
            raise SettingsError(problems)


def url_problem(url: str) -> str:
    """Why ``url`` cannot be a callback URL, empty when it can (http and https both can, §2.1)."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return "" if usable else f"not a callback URL: {url!r} (http://host[:port]/path)"
