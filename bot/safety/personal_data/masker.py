"""Masking personal data, the same value always by the same placeholder, and putting it back."""

import re
from collections.abc import Collection, Mapping
from hashlib import blake2b

from bot.safety.personal_data.finder import find, value_key
from bot.safety.personal_data.name_weight import possible_names
from bot.safety.personal_data.placeholders import BROKEN, LABELS, PLACEHOLDER, WRITTEN, placeholder
from bot.safety.personal_data.spans import Kind

_DIGEST_BYTES = 12
_NAMES = f"〔{LABELS[Kind.NAME]}"


class Masker:
    """Masks the texts of one conversation.

    ``key`` is a secret of the installation, 16 to 64 bytes; ``known`` is what :attr:`known` was after an earlier turn
    of this conversation, so that placeholders stay the same from turn to turn; ``values`` are values of earlier turns,
    where they are kept at all; ``allowed`` as in :func:`~bot.safety.personal_data.finder.find`.

    Raises ``ValueError`` for a key of another length.
    """

    def __init__(
        self,
        key: bytes,
        known: Mapping[str, str] | None = None,
        *,
        values: Mapping[str, str] | None = None,
        allowed: Collection[str] = (),
    ) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("the key of a masker has 16 to 64 bytes")
        self._key = key
        self._known = dict(known or {})
        self._values = dict(values or {})
        self._allowed = allowed
        self._last: dict[str, int] = {}
        for used in self._known.values():
            self._count(used)

    @property
    def known(self) -> dict[str, str]:
        """Keyed digest → placeholder: tells nobody a value who has not the key, and may be stored beside the masked
        texts. JSON can hold it."""
        return dict(self._known)

    @property
    def values(self) -> dict[str, str]:
        """Placeholder → value: personal data. Never log or index it; store it encrypted, and only where the law asks
        for the value itself, as for a report of an adverse event."""
        return dict(self._values)

    def mask(self, text: str) -> str:
        """``text`` with a placeholder for each value; masking a masked text changes nothing.

        A placeholder that somebody typed stays as it is, and no value will be given that number.
        """
        for found in PLACEHOLDER.finditer(text):
            if found.group() not in self._known.values():
                self._known[found.group()] = found.group()
                self._count(found.group())
        # What a shorter text brings closer together may be found only then, so until nothing more is found.
        while spans := self._spans(text):
            here = {}
            parts, done = [], 0
            for start, end, kind in spans:
                here[text[start:end]] = mark = self._placeholder(kind, text[start:end])
                parts += [text[done:start], mark]
                done = end
            text = _everywhere("".join([*parts, text[done:]]), here)
        return text

    def unmask(self, text: str) -> str:
        """``text`` with the values for their placeholders, also for those in other brackets; unknown ones stay.

        A value that was written in several ways comes back in the first of them.
        """
        return WRITTEN.sub(
            lambda found: self._values.get(f"〔{found.group(1)}{int(found.group(2))}〕", found.group()),
            text,
        )

    def is_left_in(self, text: str) -> bool:
        """Whether a placeholder still stands in an unmasked ``text``, whole or broken, or without its brackets."""
        return BROKEN.search(text) is not None or any(
            re.search(rf"{mark[1:-1]}(?![0-9])", text) for mark in self._values
        )

    def _spans(self, text: str) -> list[tuple[int, int, Kind]]:
        spans = [(span.start, span.end, span.type) for span in find(text, allowed=self._allowed)]
        if any(used.startswith(_NAMES) for used in self._known.values()):
            taken = {place for start, end, _ in spans for place in range(start, end)}
            for start, end in possible_names(text):
                if taken.isdisjoint(range(start, end)) and self._digest(Kind.NAME, text[start:end]) in self._known:
                    spans.append((start, end, Kind.NAME))
                    taken.update(range(start, end))
        return sorted(spans)

    def _digest(self, kind: Kind, value: str) -> str:
        secret = f"{kind.value}\0{value_key(value)}".encode("utf-8", "surrogatepass")
        return blake2b(secret, key=self._key, digest_size=_DIGEST_BYTES).hexdigest()

    def _placeholder(self, kind: Kind, value: str) -> str:
        digest = self._digest(kind, value)
        if digest not in self._known:
            self._known[digest] = placeholder(kind, self._last.get(LABELS[kind], 0) + 1)
            self._count(self._known[digest])
        mark = self._known[digest]
        self._values.setdefault(mark, value)
        return mark

    def _count(self, mark: str) -> None:
        written = WRITTEN.fullmatch(mark)
        if written is not None:
            label, number = written.groups()
            self._last[label] = max(self._last.get(label, 0), int(number))


def _everywhere(text: str, marks: Mapping[str, str]) -> str:
    """``text`` with each value of ``marks`` masked wherever else it stands by itself."""
    longest_first = sorted(marks, key=len, reverse=True)
    values = re.compile(f"(?<![0-9A-Za-z])(?:{'|'.join(map(re.escape, longest_first))})(?![0-9A-Za-z])")
    parts = []
    end = 0
    for mark in PLACEHOLDER.finditer(text):
        parts += [values.sub(lambda found: marks[found.group()], text[end : mark.start()]), mark.group()]
        end = mark.end()
    return "".join([*parts, values.sub(lambda found: marks[found.group()], text[end:])])
