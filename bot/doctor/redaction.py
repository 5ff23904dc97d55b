"""The one door to the report: no secret, token or password of the installation passes it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from bot.bots_file import BotConfig
from bot.finding import Finding
from bot.settings import Settings

_SHORTEST = 3
"""Blanking one or two characters wherever they stand would leave nothing to read."""


class Redactor:
    """Blanks what ``settings`` and ``bots`` keep secret, and what stands in their URLs beside host and path."""

    def __init__(self, settings: Settings, bots: Mapping[str, BotConfig]) -> None:
        models: list[BaseModel] = [settings]
        models += [channel.config for bot in bots.values() for channel in bot.channels.values()]
        found = {secret for model in models for secret in _secrets(model)}
        spellings = {spelling for secret in found for spelling in (secret, quote(secret, safe=""), unquote(secret))}
        self._secrets = sorted((text for text in spellings if len(text) >= _SHORTEST), key=len, reverse=True)

    def clean(self, finding: Finding) -> Finding:
        """``finding`` without any of them."""
        return replace(finding, detail=self._blank(finding.detail), cure=self._blank(finding.cure))

    def _blank(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def place_of(url: str) -> str:
    """Scheme, host, port and path of ``url``: what a report may show of it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _secrets(model: BaseModel) -> Iterable[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, str) and "://" in value:
            yield from _url_secrets(value)


def _url_secrets(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    yield password or user  # alone, a user name is a key
    yield from (value for _, value in parse_qsl(parts.query))
