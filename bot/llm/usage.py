"""What a call to a model used up, and what that costs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CHINESE = re.compile("[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
_CHARACTERS_A_TOKEN = 4
"""Of other scripts; a Chinese character is counted as one token. Rather too many than too few: it is for a budget."""
_TOKENS_A_MESSAGE = 4
"""What a server wraps around each message."""

_TOKENS_A_PICTURE = 1000
"""Servers count a picture in their own ways; most come to between 250 and 1,500."""

Content = str | Sequence[Mapping[str, Any]]
"""Words, or ``{"type": "text" | "image_url", …}`` one after the other."""
Message = Mapping[str, Content]
"""``{"role": "system" | "user" | "assistant", "content": …}``, as the API takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one call; ``cost`` in the currency of the prices. ``estimated`` where the server did not tell."""

    prompt_tokens: int
    completion_tokens: int
    cost: float
    estimated: bool

    @property
    def tokens(self) -> int:
        """Of both kinds."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Per million tokens, in any one currency."""

    input: float = 0.0
    output: float = 0.0

    def usage(self, prompt_tokens: int, completion_tokens: int, *, estimated: bool) -> Usage:
        """The usage with its cost."""
        return Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost=(prompt_tokens * self.input + completion_tokens * self.output) / 1_000_000,
            estimated=estimated,
        )


def estimate_prompt(messages: Sequence[Message]) -> int:
    """About how many tokens ``messages`` are."""
    return sum(_TOKENS_A_MESSAGE + _estimate_content(message["content"]) for message in messages)


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` is."""
    chinese = len(_CHINESE.findall(text))
    return chinese + -(-(len(text) - chinese) // _CHARACTERS_A_TOKEN)


def _estimate_content(content: Content) -> int:
    if isinstance(content, str):
        return estimate_tokens(content)
    return sum(estimate_tokens(part["text"]) if "text" in part else _TOKENS_A_PICTURE for part in content)
