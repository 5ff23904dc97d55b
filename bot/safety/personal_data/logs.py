"""Personal data in log lines: a processor for structlog.

Events carry ids and figures, never a user's words; but the text of an exception or of a platform's answer may quote
them. What can be told by its form is masked here; names and addresses are not looked for, they would need the word
lists and much more time.
"""

import re
from collections.abc import Callable

import structlog

from bot.safety.personal_data.finder import WITHOUT_WORDS, find

_SUSPECT = re.compile(r"@|[0-9０-９](?:[ \-.·]?[0-9A-Za-z０-９]){5}|[零〇一二三四五六七八九幺]{7}")
_REFERENCES = frozenset(
    {"timestamp", "level", "logger", "bot", "channel", "conversation", "turn", "key", "id", "media", "digest"}
)
"""Fields that hold our own ids and words: an operator follows a message by them, so they stay whole."""
_LONGEST = 20_000
"""Of a longer value, characters, only so many are kept: a log line is no place for more."""


def masking(count: Callable[[str, int], None]) -> structlog.typing.Processor:
    """A processor that puts ``[phone]``, ``[email]`` … for each value, and tells ``count`` the type and how many."""

    def mask_values(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for field, value in event.items():
            if isinstance(value, str) and field not in _REFERENCES and not field.endswith("_id"):
                if _SUSPECT.search(value):
                    event[field] = _masked(value[:_LONGEST], count)
            elif isinstance(value, list | tuple | dict) and _SUSPECT.search(shown := repr(value)):
                masked = _masked(shown[:_LONGEST], count)
                if masked != shown:
                    event[field] = masked
        return event

    return mask_values


def _masked(text: str, count: Callable[[str, int], None]) -> str:
    for span in reversed(find(text, kinds=WITHOUT_WORDS)):
        text = f"{text[: span.start]}[{span.type.value}]{text[span.end :]}"
        count(span.type.value, 1)
    return text
