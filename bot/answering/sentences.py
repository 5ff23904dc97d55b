"""Sentences out of a text that is still being written, and the marks by which they cite.

A sentence ends at a full stop, question or exclamation mark, or at the end of its line; the marks behind the stop
belong to it, so a sentence is known to have ended only when something else follows. Decimals, abbreviations and the
numbers of lists do not end one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_GAP = r"[^\S\n]{0,2}"  # bounded, here and below, so that no run of anything is gone over again from each of its places
_NUMBERS = rf"\d{{1,3}}(?:{_GAP}[-,，、;；~–至]{_GAP}\d{{1,3}})*"
MARK = re.compile(
    rf"[\[［【]{_GAP}(?:\^|来源|资料|文献|sources?|refs?)?{_GAP}[:：]?{_GAP}({_NUMBERS}){_GAP}(?:†[^\]］】]{{0,80}})?[\]］】]",
    re.IGNORECASE,
)
"""``[1]``, ``[1,2]``, ``【1】``, ``［1］``, ``[来源1]``, ``[^1]`` …"""
_RANGE = re.compile(r"(\d+)\s*[-~–至]\s*(\d+)")
_LONGEST_RANGE = 20

_STOP = re.compile(r"(?:[。！？!?…]|\.(?!\d)){1,16}[\"'”’」』）)》*_]{0,16}|\n")
_MARKS = re.compile(rf"(?:[ \t]*{MARK.pattern})*[。.]?", re.IGNORECASE)
_MAYBE_MARK = re.compile(r"[ \t]*(?:[\[［【][^\]］】\n]{0,16})?")
_BEFORE_DOT = re.compile(r"(?:^|[^A-Za-z0-9.])((?:[A-Za-z]\.)*[A-Za-z]+|\d{1,3})$")
_LONGEST_WORD = 40
_ABBREVIATION = re.compile(
    r"[a-z]|al|approx|ca|cf|co|dept|dr|est|etc|fig|inc|ltd|mr|mrs|ms|no|prof|resp|st|viz|vol|vs|.*\..*"
)
"""Also initials, and whatever has dots inside, such as ``e.g`` and ``i.v``."""
_LEAD = re.compile(
    r"(?:\s*(?:[-*+•·▪]|#{1,6}|>|\d{1,2}[.．](?!\d)|\d{1,2}[、)）]|[（(]\d{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,2}、))*"
    r"\s*"
)
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"\s*")
_LINE_END = re.compile(r"[ \t]*\n")


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
        self._layout = 0
        """Where what is more than layout may begin in the buffer."""
        self._searched = 0
        """Up to where the buffer holds no end of a sentence."""
        self._line_begins = True

    def feed(self, delta: str) -> list[Sentence]:
        """The sentences that ``delta`` completes."""
        self._buffer += delta
        return list(self._cut(final=False))

    def finish(self) -> list[Sentence]:
        """The sentences that end because the text does."""
        sentences = list(self._cut(final=True))
        rest, self._buffer, self._layout, self._searched = self._buffer, "", 0, 0
        return [*sentences, *self._sentence(rest)]

    def _cut(self, *, final: bool) -> Iterator[Sentence]:
        while True:
            blank = _BLANK.match(self._buffer, self._layout)
            self._layout = blank.end() if blank else self._layout
            end, self._searched = _first_end(self._buffer, self._layout, self._searched, final=final)
            if end is None:
                return
            if self._at_line_start(self._buffer) and _LEAD.fullmatch(self._buffer, self._layout, end):
                self._layout = end  # an empty item of a list: layout that the next sentence begins with
                continue
            piece, self._buffer, self._layout = self._buffer[:end], self._buffer[end:], 0
            yield from self._sentence(piece)

    def _sentence(self, piece: str) -> Iterator[Sentence]:
        found = (_LEAD if self._at_line_start(piece) else _SPACE).match(piece)
        lead = found.group() if found else ""
        body = piece[len(lead) :].rstrip()
        if body:
            self._line_begins = False
            yield Sentence(lead, MARK.sub(_normal, body), tuple(dict.fromkeys(cited_in(body))))

    def _at_line_start(self, text: str) -> bool:
        return self._line_begins or _LINE_END.match(text) is not None


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


def _first_end(text: str, begin: int, searched: int, *, final: bool) -> tuple[int | None, int]:
    """Where the first sentence of ``text``, which begins at ``begin``, ends, if that is certain; and up to where there
    is certainly no end, for the next time that ``text`` has grown."""
    for stop in _STOP.finditer(text, max(begin, searched)):
        if stop.group() == "\n":
            return stop.start(), 0
        if stop.group() == "." and not _ends_a_sentence(text, stop):
            if stop.end() == len(text):  # a quotation mark may follow, which makes it an end
                return None, stop.start()
            continue
        marks = _MARKS.match(text, stop.end())
        end = marks.end() if marks else stop.end()
        if not final and _MAYBE_MARK.fullmatch(text, end):
            return None, stop.start()
        return end, 0
    return None, len(text)


def _ends_a_sentence(text: str, dot: re.Match[str]) -> bool:
    after = text[dot.end() : dot.end() + 1]
    if after.isascii() and (after.isalnum() or after in "_/@"):  # a name with a dot in it
        return False
    before_dot = text[max(0, dot.start() - _LONGEST_WORD) : dot.start()]
    before = _BEFORE_DOT.search(before_dot)
    if before is None:
        return True
    word = before[1].lower()
    numbers_a_line = word.isdigit() and before_dot.rpartition("\n")[2].strip() == word
    return not (numbers_a_line or _ABBREVIATION.fullmatch(word))
