"""What a question says of the columns of a look-up table, by the words that the table itself has. Nothing is guessed:
what is denied in a way that cannot be read, or asked about, is not given."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.knowledge.lookup_table import Column, ColumnKind, Interval, LookupTable, fold
from bot.lookup.numbers import Named, Span, numbers, plain_number

Given = Mapping[int, Interval | frozenset[str]]
"""By the number of a column: what its number may be, or which of its options (each by its first word)."""

YES = frozenset({"是", "是的", "有", "有的", "对", "对的", "嗯", "yes", "y"})
NO = frozenset({"不", "不是", "否", "没", "没有", "无", "no", "n"})

_DO = r"(?:在|是|做|用|服用?|吃)?"
_NOT = re.compile(
    rf"(?:(?:(?<!是)不是|(?<!有)没有|并非|(?<!有)没|无|(?<!是)非|未|不){_DO}"
    r"|\b(?:not|no|non|without|n't)(?: (?:an?|any))?[ -])$"
)
_NEAR_NOT = re.compile(r"(?:不是|没|非|未|无|\bnot\b|\bnever\b|n't\b)[^，。,.;；!！?？]{0,8}$")
_NOT_AFTER = re.compile(r"\s*[，,]?\s*(?:我|这个?|现在|已经?|都|也|还|早就?)*(?:不是|没有?|不算|过期|到期|排除|取消)")
_WHETHER = re.compile(rf"(?:有没有|有无|是不是|是否|要不要|能不能|\bwhether\b.{{0,20}}){_DO}$")


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    column: int
    option: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a text says of a table: what is ``given``, and which columns it names."""

    given: Given
    named: frozenset[int]


def options_of(table: LookupTable, column: int) -> dict[str, tuple[str, ...]]:
    """The options of a column in the order of the rows, each by its first word with all the words that mean it."""
    options: dict[str, tuple[str, ...]] = {}
    for row in table.rows:
        cell = row.cells[column]
        for words in cell if isinstance(cell, tuple) else ():
            options[words[0]] = tuple(dict.fromkeys((*options.get(words[0], ()), *words)))
    return options


def read(table: LookupTable, text: str) -> Reading:
    """What ``text`` says of ``table``."""
    folded = fold(text)
    mentions = list(_mentions(table, folded))
    names = list(_names(table.columns, folded))
    given = _chosen(table, folded, mentions)
    found: dict[int, list[Interval]] = {}
    for at, interval in numbers(table.columns, folded, names, [(each.start, each.end) for each in mentions]):
        found.setdefault(at, []).append(interval)
    given |= {at: intervals[0] for at, intervals in found.items() if len(intervals) == 1}  # of two neither is sure
    return Reading(given=given, named=frozenset(column for _, _, column in names))


def read_answer(table: LookupTable, column: int, text: str) -> Interval | frozenset[str] | None:
    """What ``text`` says when it answers the question for ``column``; ``None`` where it does not."""
    said = read(table, text).given.get(column)
    if said is not None:
        return said
    plain = fold(text).strip(" 。.!！,，~")
    if table.columns[column].kind is not ColumnKind.CHOICE:
        return plain_number(plain)
    words = YES if plain in YES else NO if plain in NO else frozenset()
    meant = [option for option, means in options_of(table, column).items() if words & set(means)]
    return frozenset(meant) if len(meant) == 1 else None


def _mentions(table: LookupTable, text: str) -> Iterator[_Mention]:
    """Options that ``text`` names, the longest first, none inside another."""
    words = [
        (word, column, option)
        for column, each in enumerate(table.columns)
        if each.kind is ColumnKind.CHOICE
        for option, means in options_of(table, column).items()
        for word in means
        if word not in YES | NO  # they answer the question for their column, and say nothing of it anywhere else
    ]
    taken: list[Span] = []
    for word, column, option in sorted(words, key=lambda one: -len(one[0])):
        for start in _places(word, text):
            if not _overlaps(taken, start, start + len(word)):
                taken.append((start, start + len(word)))
                yield _Mention(start, start + len(word), column, option)


def _names(columns: Sequence[Column], text: str) -> Iterator[Named]:
    """Where ``text`` names which column, the longest names first."""
    taken: list[Span] = []
    named = [(fold(name), at) for at, column in enumerate(columns) for name in column.names]
    for name, at in sorted(named, key=lambda one: -len(one[0])):
        for start in _places(name, text):
            if not _overlaps(taken, start, start + len(name)):
                taken.append((start, start + len(name)))
                yield start, start + len(name), at


def _chosen(table: LookupTable, text: str, mentions: Iterable[_Mention]) -> dict[int, Interval | frozenset[str]]:
    """Per column the options that are left by what was named, and by what was denied. A column of which something was
    said that cannot be read is not given at all."""
    meant: dict[int, set[str]] = {}
    denied: dict[int, set[str]] = {}
    unclear: set[int] = set()
    for mention in mentions:
        before = text[: mention.start]
        if _whether(text, mention.start) or _NOT_AFTER.match(text, mention.end):
            unclear.add(mention.column)
        elif _NOT.search(before):
            denied.setdefault(mention.column, set()).add(mention.option)
        elif mention.column and _NEAR_NOT.search(before):
            unclear.add(mention.column)
        else:
            meant.setdefault(mention.column, set()).add(mention.option)
    for column, options in denied.items():
        meant.setdefault(column, set(options_of(table, column)) - options)
    return {column: frozenset(options) for column, options in meant.items() if options and column not in unclear}


def _whether(text: str, start: int) -> bool:
    """Whether what stands at ``start`` is asked about either way: 是否怀孕, 有没有怀孕."""
    doubled = text[start : start + 1] in ("没", "不") and text[start - 1 : start] == text[start + 1 : start + 2]
    return doubled or _WHETHER.search(text[:start]) is not None


def _places(word: str, text: str) -> Iterator[int]:
    """Where ``word`` stands in ``text``, and not within a longer one of letters, or of digits."""
    for found in re.finditer(re.escape(word), text):
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        inside = _joins(before, word[0]) or _joins(word[-1], after)
        if not inside:
            yield found.start()


def _joins(one: str, other: str) -> bool:
    pair = one + other
    return len(pair) == 2 and pair.isascii() and (pair.isalpha() or pair.isdigit())


def _overlaps(taken: Iterable[Span], start: int, end: int) -> bool:
    return any(start < other_end and other_start < end for other_start, other_end in taken)
