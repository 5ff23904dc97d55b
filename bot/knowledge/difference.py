"""What differs between two versions of a document: entries that came, went and changed, and the words that did.

An entry's id changes with anything in it, so entries with other ids are paired by what they are about: a FAQ by its
question, a passage by its place, and what is left by likeness. What only stands elsewhere now (a row that moved in its
table) is counted, and shown as no change.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from bot.knowledge.entries import Entry, EntryKind

_ALIKE = 0.5
"""The share of pairs of neighbouring characters, 0 to 1, that two passages have in common at least to be the same one,
changed."""
_MOST_COMPARED = 60
"""Entries without a partner, on each side, that are compared with every other."""
_MOST_WORDS = 400
"""Words, on each side, between the first and the last change that are compared one by one: what that takes grows with
their square, and with their cube where they repeat. Of more, sentences are compared; of more than so many sentences,
all went and all came."""
_WORD = re.compile(r"[A-Za-z0-9_]+(?:[.,:%/-][A-Za-z0-9_]+)*%?|\s+|.", re.DOTALL)
"""A Latin word or a number with its unit sign, blanks, or one character: Chinese is compared character by character."""
_SENTENCE = re.compile(r"[^。！？；!?;\n]*[。！？；!?;\n]+|[^。！？；!?;\n]+")
_SHOWN_FIELDS = ("title", "questions", "audience", "bots", "approval_number", "valid_from", "valid_to", "figures")


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a text: in both versions, ``gone`` with the earlier one or ``come`` with the later one."""

    text: str
    gone: bool = False
    come: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry before and after."""

    before: Entry
    after: Entry

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what differs beside the text."""
        return tuple(name for name in _SHOWN_FIELDS if getattr(self.before, name) != getattr(self.after, name))

    @property
    def words(self) -> tuple[Piece, ...]:
        """The text with what went and what came."""
        return tuple(_pieces(self.before.text, self.after.text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Between two versions: entries ``added`` and ``removed`` in their order, those that ``changed``, how many stand
    elsewhere and how many are the same."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Pair, ...]
    moved: int
    same: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def outdated(self) -> tuple[str, ...]:
        """The ids of entries of the earlier version whose words do not stand in the later one."""
        changed = (pair.before.id for pair in self.changed if pair.before.text != pair.after.text)
        return (*(entry.id for entry in self.removed), *changed)


def difference(before: Sequence[Entry], after: Sequence[Entry]) -> Difference:
    """What differs between the entries of two versions, each in its order."""
    earlier, later = {entry.id: entry for entry in before}, {entry.id: entry for entry in after}
    gone = {id_: entry for id_, entry in earlier.items() if id_ not in later}
    come = {id_: entry for id_, entry in later.items() if id_ not in earlier}
    pairs: list[Pair] = []
    for key in (_whole, _subject, _place):
        _pair_by(key, gone, come, pairs)
    _pair_alike(gone, come, pairs)
    order = {id_: n for n, id_ in enumerate(later)}
    changed = [pair for pair in pairs if _whole(pair.before) != _whole(pair.after)]
    return Difference(
        added=tuple(come.values()),
        removed=tuple(gone.values()),
        changed=tuple(sorted(changed, key=lambda pair: order[pair.after.id])),
        moved=len(pairs) - len(changed),
        same=len(earlier.keys() & later.keys()),
    )


_Entries = dict[str, Entry]
"""By id, in the order of their version."""
_Key = Callable[[Entry], object]


def _whole(entry: Entry) -> object:
    """All but where it stands."""
    return (entry.kind, entry.text, *(getattr(entry, name) for name in _SHOWN_FIELDS))


def _subject(entry: Entry) -> object:
    """What it is about, as far as that names it: a passage's place may hold several."""
    return (entry.kind, entry.title if entry.kind is EntryKind.FAQ else (entry.location, entry.text))


def _place(entry: Entry) -> object:
    return None if entry.kind is EntryKind.FAQ or not entry.location else (entry.kind, entry.location)


def _pair_by(key: _Key, gone: _Entries, come: _Entries, pairs: list[Pair]) -> None:
    """Move entries that ``key`` names as often on both sides from ``gone`` and ``come`` to ``pairs``, in order."""
    before, after = _named(key, gone), _named(key, come)
    for name, ones in before.items():
        others = after.get(name, [])
        if len(ones) == len(others):
            pairs += [Pair(gone.pop(one), come.pop(other)) for one, other in zip(ones, others, strict=True)]


def _named(key: _Key, entries: _Entries) -> dict[object, list[str]]:
    """The ids of entries by what ``key`` names them."""
    named: dict[object, list[str]] = defaultdict(list)
    for id_, entry in entries.items():
        if (name := key(entry)) is not None:
            named[name].append(id_)
    return named


def _pair_alike(gone: _Entries, come: _Entries, pairs: list[Pair]) -> None:
    """The same for those that are most alike, as long as they are alike at all."""
    if max(len(gone), len(come)) > _MOST_COMPARED:
        return
    ones, others = ([(entry, _pairs_in(entry.text)) for entry in side.values()] for side in (gone, come))
    likeness = [
        (-share, n, m, one.id, other.id)
        for n, (one, its) in enumerate(ones)
        for m, (other, theirs) in enumerate(others)
        if one.kind is other.kind and (share := _share(its, theirs)) >= _ALIKE
    ]
    for *_, one_id, other_id in sorted(likeness):
        if one_id in gone and other_id in come:
            pairs.append(Pair(gone.pop(one_id), come.pop(other_id)))


def _pairs_in(text: str) -> Counter[str]:
    """Each pair of neighbouring characters, and the first and the last alone."""
    return Counter(map("".join, pairwise(f" {text} ")))


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Sørensen and Dice's coefficient."""
    return 2 * (one & other).total() / (one.total() + other.total())


def _pieces(before: str, after: str) -> Iterator[Piece]:
    one, other = _WORD.findall(before), _WORD.findall(after)
    first = _common(one, other)
    last = _common(one[first:][::-1], other[first:][::-1])
    begins, ends = "".join(one[:first]), "".join(one[len(one) - last :])
    one, other = one[first : len(one) - last], other[first : len(other) - last]
    if max(len(one), len(other)) > _MOST_WORDS:
        one, other = _SENTENCE.findall("".join(one)), _SENTENCE.findall("".join(other))
    if max(len(one), len(other)) > _MOST_WORDS:
        one, other = ["".join(one)], ["".join(other)]
    yield from filter(lambda piece: piece.text, (Piece(begins), *_compared(one, other), Piece(ends)))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """With how many equal words both begin."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _compared(one: list[str], other: list[str]) -> Iterator[Piece]:
    for what, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if what == "equal":
            yield Piece("".join(one[a:b]))
            continue
        yield Piece("".join(one[a:b]), gone=True)
        yield Piece("".join(other[c:d]), come=True)


def marked(pieces: Sequence[Piece], around: int | None = None) -> str:
    """``pieces`` as one text, what went as ``[-…-]`` and what came as ``{+…+}``; of what stayed only ``around``
    characters beside these, where that is given."""
    shown = []
    for n, piece in enumerate(pieces):
        if piece.gone or piece.come:
            shown.append(f"[-{piece.text}-]" if piece.gone else f"{{+{piece.text}+}}")
        elif around is None:
            shown.append(piece.text)
        else:
            shown.append(_shortened(piece.text, around, first=n == 0, last=n == len(pieces) - 1))
    return "".join(shown)


def _shortened(text: str, around: int, *, first: bool, last: bool) -> str:
    """``text`` between two changes, without its middle; without its beginning or end where no change stands there."""
    before, after = "" if first else text[:around], "" if last else text[-around:]
    return text if len(text) <= len(before) + len(after) + 1 else f"{before}…{after}"
