"""Cut a long text into messages a platform takes whole, without cutting a sentence where it can be helped.

WeCom shows 2,048 bytes of a text and drops the rest without a word, so the bytes of UTF-8 are what counts.
"""

import unicodedata

_BORDERS: tuple[tuple[str, ...], ...] = (
    ("\n\n",),
    ("\n",),
    ("。", "！", "？", "；", "!", "?", ";", ". ", "…"),
    ("，", "、", ",", "：", ":", " "),
)
"""Where to cut, best first: between paragraphs, lines, sentences, clauses."""

_NUMBER_BYTES = len("（99/99）\n".encode())
_CLOSERS = "”’」』）》】)\"'"
_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CHARACTER = 64
"""What goes on being joined for so long is no written character, and may be torn."""


def split_text(text: str, limit_bytes: int) -> list[str]:
    """``text`` as pieces of at most ``limit_bytes`` bytes of UTF-8 each.

    One piece stays as it is. Several are numbered ``（1/3）``, so that a reader sees that there is more, and the
    pieces without their numbers hold every character of ``text`` but the white space at the cuts.
    Raises ``ValueError`` when ``limit_bytes`` leaves no room for a number and a few characters.
    """
    if limit_bytes < _NUMBER_BYTES * 2:
        raise ValueError(f"limit_bytes is {limit_bytes}; at least {_NUMBER_BYTES * 2} are needed")
    text = text.strip()
    if len(text.encode()) <= limit_bytes:
        return [text]
    pieces: list[str] = []
    while text:
        head = _head(text, limit_bytes - _NUMBER_BYTES)
        pieces.append(head.strip())
        text = text[len(head) :].strip()
    return [f"（{number}/{len(pieces)}）\n{piece}" for number, piece in enumerate(pieces, 1)]


def beginning(text: str, limit_bytes: int) -> str:
    """The start of ``text`` within ``limit_bytes`` bytes of UTF-8, whole sentences where that can be."""
    return _head(text.strip(), limit_bytes).strip()


def _head(text: str, limit_bytes: int) -> str:
    """The longest start of ``text`` within the limit that ends at the best border of its second half."""
    near = text[: limit_bytes + 1].encode()  # a character is a byte at least
    if len(near) <= limit_bytes:
        return text
    window = near[:limit_bytes].decode(errors="ignore")
    for borders in _BORDERS:
        cut = max((window.rfind(border) + len(border) for border in borders if border in window), default=0)
        while cut and cut < len(window) and window[cut] in _CLOSERS:
            cut += 1
        if cut > len(window) // 2:
            return window[:cut]
    for cut in range(len(window), max(0, len(window) - _LONGEST_CHARACTER), -1):
        if not _joins(text[cut - 1], text[cut]):
            return window[:cut]
    return window


def _joins(before: str, after: str) -> bool:
    """True where a cut would tear a written character apart (accents, emoji sequences)."""
    return _ZERO_WIDTH_JOINER in (before, after) or unicodedata.category(after) in {"Mn", "Mc", "Me", "Sk"}
