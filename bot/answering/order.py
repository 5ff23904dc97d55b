"""Whether a sentence lets two things change places: who does what to whom, in the words of the source.

``A收购B`` and ``B收购A`` have the same words. Two pieces of a source's sentence that stand in each other's place, with
the same words between them, are exchanged. Whoever rephrases changes the words between (``B被A收购``, ``收购B的A``), so
that is not taken for it.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.answering.claims import Ground, telling
from bot.answering.quantities import fold

_SENTENCE = re.compile(r"[^。!?;\n|]+")
_TOKEN = re.compile(r"[a-z]+(?:['-][a-z]+)*|\d+(?:[.,]\d+)*|[^\W\d_a-z]|、")
_IDLE = frozenset("、的了着是和与及或而且并也都就还等之其在于有中上个这那")
"""What says nothing about who does what; nor do words between that consist of it."""
_LISTS = frozenset("、和与及或")
_PIVOTS = frozenset("被由把将為为给給向比对對從从")
_MUTUAL = re.compile(
    "结婚|結婚|合作|合并|会见|會見|见面|相邻|毗邻|毗鄰|交界|接壤|相同|等于|相等|联合|聯合|交换|互相|相互|之间|之間|并列|一起|共同|同时|同時"
)
"""Sentences in which both may change places."""
_LEAST_HAN = 2
_LEAST_BETWEEN = 2
_MOST_BETWEEN = 30
_MOST_PIECE = 60
"""Words and characters."""
_WORDS, _NUMBERS, _SIZE = 0xF0000, 0x100000, 0xFFFE
"""Characters that no text has, by which words and numbers of several characters are told."""
_SAME_BETWEEN = 0.75
"""The share of the shorter words between both pieces that stand, in order, in the longer ones."""


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int


def exchanges(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``sentence`` has two pieces of a source in each other's place."""
    known = [words for ground in grounds for words in _sentences(ground.folded)]
    return any(_exchanged(mine, known) for mine in _sentences(fold(sentence)))


@lru_cache(maxsize=256)
def _sentences(text: str) -> tuple[str, ...]:
    """The sentences of ``text``, each word and number of several characters as one, which makes them quick to find."""
    found = (
        "".join(_as_one(token) for token in _TOKEN.findall(part))
        for part in _SENTENCE.findall(text)
        if not _MUTUAL.search(part)
    )
    return tuple(filter(None, found))


def _as_one(token: str) -> str:
    area = _NUMBERS if token[0].isdigit() else _WORDS
    return token if len(token) == 1 else chr(area + zlib.crc32(token.encode()) % _SIZE)


_ENGLISH_IDLE = frozenset(
    map(_as_one, re.findall(r"\w+", "and or of the an in on at to for with is are was were be been it its"))
)
_BY = _as_one("by")


def _exchanged(mine: str, known: Sequence[str]) -> bool:
    for theirs in known:
        pieces = list(_common(mine, theirs))
        for at, first in enumerate(pieces):
            for second in pieces[at + 1 :]:
                between = mine[first.end : second.start]
                if len(between) > _MOST_BETWEEN:
                    break
                one, other = mine[first.start : first.end], mine[second.start : second.end]
                if _tells_place(mine, first) or _tells_place(mine, second) or not _says_something(between):
                    continue
                if _stand(other, one, between, [theirs]) and not _stand(one, other, between, known):
                    return True
    return False


def _tells_place(mine: str, piece: _Piece) -> bool:
    """Whether a piece tells the place, which may stand anywhere."""
    return "在" in mine[max(0, piece.start - 1) : piece.start + 1]


def _common(mine: str, theirs: str) -> Iterator[_Piece]:
    """The longest pieces of ``mine`` that stand in ``theirs``, from left to right; none inside another."""
    at = 0
    while at < len(mine):
        length = 0
        while at + length < len(mine) and length < _MOST_PIECE and mine[at : at + length + 1] in theirs:
            length += 1
        if _has_content(mine[at : at + length]):
            yield _Piece(at, at + length)
        at += max(1, length)


def _has_content(piece: str) -> bool:
    names = any(each.isdigit() or (ord(each) >= _WORDS and each not in _ENGLISH_IDLE) for each in piece)
    return names or len("".join(telling(piece).split())) >= _LEAST_HAN


def _stand(one: str, other: str, between: str, known: Sequence[str]) -> bool:
    """Whether ``one`` stands before ``other`` in a sentence of ``known``, with nearly ``between`` in between."""
    return any(_alike(between, words) for sentence in known for words in _between(one, other, sentence))


def _between(one: str, other: str, sentence: str) -> Iterator[str]:
    begin = sentence.find(one)
    while begin >= 0:
        start = begin + len(one)
        end = sentence.find(other, start + 1, start + _MOST_BETWEEN + len(other))
        while end >= 0:
            yield sentence[start:end]
            end = sentence.find(other, end + 1, start + _MOST_BETWEEN + len(other))
        begin = sentence.find(one, begin + 1)


def _says_something(between: str) -> bool:
    content = [each for each in between if each not in _IDLE and each not in _ENGLISH_IDLE]
    if between and between[0] in _LISTS and between[-1] in _LISTS:  # the members of a list have no order
        return False
    words = any(_WORDS <= ord(each) < _NUMBERS and each != _BY for each in content)
    return words or len(content) >= _LEAST_BETWEEN or bool(_PIVOTS & set(content))


def _alike(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    if not shorter or (_BY in one) != (_BY in other):
        return False
    return _says_something(other) and _in_order(one, other) >= _SAME_BETWEEN * shorter


def _in_order(one: str, other: str) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for each in one:
        before = 0
        for at, its in enumerate(other, 1):
            before, row[at] = row[at], before + 1 if each == its else max(row[at], row[at - 1])
    return row[-1]
