"""The types of settings, each with the words that a problem report uses for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr


@dataclass(frozen=True, slots=True)
class Expected:
    """What a problem report says about a type; ``private`` values are never shown."""

    text: str
    private: bool = False


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme.partition("+")[0] not in schemes or not (parts.hostname or parts.path.strip("/")):
            raise ValueError("not such a URL")
        if parts.hostname is not None:
            parts.port  # noqa: B018 - raises ValueError when the port is not one
        return value.rstrip("/") if parts.scheme in ("http", "https") else value

    return AfterValidator(check)


def zone_name(name: str) -> str:
    """``name`` as the zone database spells it. Raises ``ValueError`` when there is no such zone."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, OSError) as error:  # OSError: the name of a folder of zones
        raise ValueError("no such zone") from error


def expanded(path: Path) -> Path:
    """``path`` with ``~`` replaced. Raises ``ValueError`` for one that the system cannot name."""
    if "\0" in str(path):
        raise ValueError("no path holds a NUL")
    try:
        return path.expanduser()
    except RuntimeError as error:  # "~name" of somebody this machine does not know
        raise ValueError("no such user") from error


def absolute_folder(path: Path) -> Path:
    """``path`` from the root, with ``~`` replaced. Raises ``ValueError`` for one that no SQLite URL can name."""
    if "?" in str(path):
        raise ValueError("would be cut at the question mark in SQLite's URL")
    return expanded(path).absolute()


Port = Annotated[int, Field(ge=1, le=65535), Expected("a port from 1 to 65535")]
Count = Annotated[int, Field(ge=1, le=10_000_000), Expected("a whole number of at least 1")]
Days = Annotated[int, Field(ge=1, le=36_500), Expected("a whole number of days from 1 to 36500")]
Seconds = Annotated[float, Field(gt=0, le=30 * 86400), Expected("a number of seconds above 0")]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False), Expected("a number of at least 0")]
Switch = Annotated[bool, Expected("1 or 0")]
HttpUrl = Annotated[str, _url("http", "https"), Expected("http:// or https:// and a host", True)]
RedisUrl = Annotated[
    str,
    _url("redis", "rediss", "unix"),
    Expected("a redis://, rediss:// or unix:// URL", True),
]
BrokerUrl = Annotated[
    str,
    _url("redis", "rediss", "unix", "sentinel", "amqp", "amqps"),
    Expected("a redis://, rediss://, unix://, sentinel:// or amqp:// URL", True),
]
DatabaseUrl = Annotated[str, _url("sqlite", "postgresql"), Expected("a sqlite:/// or postgresql:// URL", True)]
SmtpUrl = Annotated[str, _url("smtp", "smtps"), Expected("an smtp:// or smtps:// URL", True)]
MailAddress = Annotated[
    str, Field(pattern=r"^[^@\s<>,;]{1,64}@[A-Za-z0-9.-]{1,190}$"), Expected("a mail address such as bot@example.com")
]
Secret = Annotated[SecretStr, Expected("a secret", True)]
SecretKey = Annotated[SecretStr, Field(min_length=32), Expected("a secret of at least 32 characters", True)]
Name = Annotated[str, Field(min_length=1, max_length=256), Expected("a name of at most 256 characters")]
