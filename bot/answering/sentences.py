"""Sentences out of a text that is still being written, and the marks by which they cite.

A sentence ends at a full stop, question or exclamation mark, or at the end of its line; the marks behind the stop
belong to it, so a sentence is known to have ended only when something else follows. Decimals, abbreviations and the
numbers of lists do not end one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NUMBERS = r"\d{1,3}(?:\s*[-,，、;；~–至]\s*\d{1,3})*"
MARK = re.compile(
    rf"[\[［【]\s*(?:\^|来源|资料|文献|sources?|refs?)?\s*[:：]?\s*({_NUMBERS})\s*(?:†[^\]］】]*)?[\]］】]",
    re.IGNORECASE,
)
"""``[1]``, ``[1,2]``, ``【1】``, ``［1］``, ``[来源1]``, ``[^1]`` …"""
_RANGE = re.compile(r"(\d+)\s*[-~–至]\s*(\d+)")
_LONGEST_RANGE = 20

_STOP = re.compile(r"(?:[。！？!?…]|\.(?!\d))+[\"'”’」』）)》*_]*|\n")
_MARKS = re.compile(rf"(?:[ \t]*{MARK.pattern})*[。.]?", re.IGNORECASE)
_MAYBE_MARK = re.compile(r"[ \t]*(?:[\[［【][^\]］】\n]{0,16})?")
_BEFORE_DOT = re.compile(r"(?:^|[^A-Za-z0-9.])((?:[A-Za-z]\.)*[A-Za-z]+|\d{1,3})$")
_ABBREVIATION = re.compile(
    r"[a-z]|al|approx|ca|cf|co|dept|dr|est|etc|fig|inc|ltd|mr|mrs|ms|no|prof|resp|st|viz|vol|vs|.*\..*"
)
"""Also initials, and whatever has dots inside, such as ``e.g`` and ``i.v``."""
_LEAD = re.compile(
    r"\s*(?:(?:[-*+•·▪]|#{1,6}|>|\d{1,2}[.．](?!\d)|\d{1,2}[、)）]|[（(]\d{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,2}、)"
    r"[ \t]*)*"
)
_SPACE = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """``lead`` is the layout before it (space, line breaks, the marker of a list), ``body`` the sentence with its
    marks as ``[n]``, ``cited`` the numbers in them, in order, without repeats."""

    lead: str
    body: str
    cited: tuple[int, ...]

    @property
    def words(self) -> str:
        """The sentence without its marks."""
        return MARK.sub("", self.body)


class SentenceSplitter:
    """Cuts a growing text; joined, leads and bodies are the text again, up to the form of the marks."""

    def __init__(self) -> None:
        self._buffer = ""
        self._line_begins = True

    def feed(self, delta: str) -> list[Sentence]:
        """The sentences that ``delta`` completes."""
        self._buffer += delta
        return list(self._cut(final=False))

    def finish(self) -> list[Sentence]:
        """The sentences that end because the text does."""
        sentences = list(self._cut(final=True))
        rest, self._buffer = self._buffer, ""
        return [*sentences, *self._sentence(rest)]

    def _cut(self, *, final: bool) -> Iterator[Sentence]:
        while (end := _first_end(self._buffer, final=final)) is not None:
            piece, self._buffer = self._buffer[:end], self._buffer[end:]
            yield from self._sentence(piece)

    def _sentence(self, piece: str) -> Iterator[Sentence]:
        begins = self._line_begins or piece.lstrip(" \t").startswith("\n")
        found = (_LEAD if begins else _SPACE).match(piece)
        lead = found.group() if found else ""
        body = piece[len(lead) :].rstrip()
        if not body:  # layout that the next sentence begins with
            self._buffer = piece + self._buffer
            return
        self._line_begins = False
        yield Sentence(lead, MARK.sub(_normal, body), tuple(dict.fromkeys(cited_in(body))))


def cited_in(text: str) -> Iterator[int]:
    """The numbers in the marks of ``text``, in order, ranges spelt out."""
    for mark in MARK.finditer(text):
        yield from _numbers(mark[1])


def _numbers(inner: str) -> Iterator[int]:
    def spell(found: re.Match[str]) -> str:
        first, last = int(found[1]), int(found[2])
        return ",".join(map(str, range(first, last + 1))) if 0 <= last - first <= _LONGEST_RANGE else found[0]

    yield from map(int, re.findall(r"\d+", _RANGE.sub(spell, inner)))


def _normal(mark: re.Match[str]) -> str:
    return "".join(f"[{number}]" for number in _numbers(mark[1]))


def _first_end(text: str, *, final: bool) -> int | None:
    """Where the first sentence of ``text`` ends, if that is certain."""
    start = len(text) - len(text.lstrip())
    for stop in _STOP.finditer(text, start):
        if stop.group() == "\n":
            return stop.start()
        if stop.group() == "." and not _ends_a_sentence(text, stop):
            continue
        marks = _MARKS.match(text, stop.end())
        end = marks.end() if marks else stop.end()
        if not final and _MAYBE_MARK.fullmatch(text, end):
            return None
        return end
    return None


def _ends_a_sentence(text: str, dot: re.Match[str]) -> bool:
    after = text[dot.end() : dot.end() + 1]
    if after.isascii() and (after.isalnum() or after in "_/@"):  # a name with a dot in it
        return False
    before = _BEFORE_DOT.search(text[: dot.start()])
    if before is None:
        return True
    word = before[1].lower()
    numbers_a_line = word.isdigit() and text[: dot.start()].rpartition("\n")[2].strip() == word
    return not (numbers_a_line or _ABBREVIATION.fullmatch(word))
