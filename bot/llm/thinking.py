"""What a reasoning model thinks aloud never reaches a person.

Some servers send the reasoning in a field of its own, some inside the content between ``<think>`` and ``</think>``,
and some leave the opening tag to the prompt, so that only the closing one arrives.
"""

from bot.errors import ModelNonsense

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkingFilter:
    """Lets the visible part of a stream through; a tag may be torn between two deltas."""

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def feed(self, delta: str) -> str:
        """What of ``delta``, and of what was held back before, may be seen.

        Raises :class:`~bot.errors.ModelNonsense` at a closing tag that was never opened: what went before was
        reasoning, and it was taken for the answer.
        """
        text = self._held + delta
        seen = ""
        while True:
            tag = _CLOSE if self._thinking else _OPEN
            before, found, after = text.partition(tag)
            if not self._thinking:
                if _CLOSE in before:
                    raise ModelNonsense("unopened_think")
                seen += before if found else ""
            if not found:
                break
            text, self._thinking = after, not self._thinking
        held = max(_torn(text, _OPEN), _torn(text, _CLOSE))
        self._held = text[len(text) - held :]
        return seen + ("" if self._thinking else text[: len(text) - held])

    def finish(self) -> str:
        """The rest: the beginning of a tag that was none."""
        rest, self._held = self._held, ""
        return "" if self._thinking else rest


def _torn(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
