"""What a question says of the columns of a look-up table, by the words that the table itself has. Nothing is guessed:
what is denied in a way that cannot be read, or asked about, is not given."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.knowledge.lookup_table import Column, ColumnKind, Interval, LookupTable, fold
from bot.lookup.clauses import is_left_open
from bot.lookup.numbers import Named, Span, named_before, numbers, plain_number

Given = Mapping[int, Interval | frozenset[str]]
"""By the number of a column: what its number may be, or which of its options (each by its first word)."""

YES = frozenset({"是", "是的", "有", "有的", "对", "对的", "嗯", "yes", "y"})
NO = frozenset({"不", "不是", "否", "没", "没有", "无", "no", "n"})

_DO = r"(?:在|是|做|用|服用?|吃)?"
_NOT = re.compile(
    rf"(?:(?:(?<!是)不是|(?<!有)没有|并非|(?<!有)没|无|(?<!是)非|未|不){_DO}"
    r"|\b(?:not|no|non|without|n't)(?: (?:an?|any))?[ -])$"
)
_NEAR_NOT = re.compile(
    r"(?:不是|没|非|未|无|除了|(?<![清排扣解])除(?!率)|\bexcept\b|\bnot\b|\bnever\b|n't\b)[^，。,.;；!！?？]{0,8}$"
)
_SAYS_MORE = r"(?:我|这个?|现在|已经?|都|也|还|早就?)*"
_NOT_AFTER = re.compile(
    rf"\s*{_SAYS_MORE}(?:不是|没有?|不算|过期|到期|排除|取消)"
    rf"|[,\s]+{_SAYS_MORE}(?:(?:不是|没有?)了?(?=[,。.;!?\s]|$)|不算|过期|到期|排除|取消)"
)
"""What follows a word and takes it back: 会员过期了, 会员我不是."""
_OPEN_AFTER = re.compile("过|以?前|之前|了?[吗么]")
"""What follows a condition and asks about it, or says that it was once: 怀孕了吗, 怀孕过."""
_ALONE = re.compile("[\u4e00-\u9fff](?<![的性士生人孩])")
"""What does not follow an option of one character: 男 in 男科, 女 in 女儿."""
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
            known = options.setdefault(words[0], words)
            if known is not words and known != words:
                options[words[0]] = tuple(dict.fromkeys((*known, *words)))
    return options


def read(table: LookupTable, text: str, asked: int | None = None) -> Reading:
    """What ``text`` says of ``table``; ``asked`` is the column that it answers, if any."""
    folded = fold(text)
    names = list(_names(table.columns, folded))
    mentions = list(_mentions(table, folded, names, asked))
    given = _chosen(table, folded, mentions)
    found: dict[int, list[Interval]] = {}
    for at, interval in numbers(table.columns, folded, names, [(each.start, each.end) for each in mentions]):
        found.setdefault(at, []).append(interval)
    given |= {at: intervals[0] for at, intervals in found.items() if len(intervals) == 1}  # of two neither is sure
    return Reading(given=given, named=frozenset(column for _, _, column in names))


def read_answer(table: LookupTable, column: int, text: str) -> Interval | frozenset[str] | None:
    """What ``text`` says when it answers the question for ``column``; ``None`` where it does not."""
    said = read(table, text, column).given.get(column)
    if said is not None:
        return said
    plain = fold(text).strip(" 。.!！,，~")
    if table.columns[column].kind is not ColumnKind.CHOICE:
        return plain_number(plain)
    words = YES if plain in YES else NO if plain in NO else frozenset()
    meant = [option for option, means in options_of(table, column).items() if words & set(means)]
    return frozenset(meant) if len(meant) == 1 else None


def _mentions(table: LookupTable, text: str, names: Sequence[Named], asked: int | None) -> Iterator[_Mention]:
    """Options that ``text`` names, the longest first, none inside another. A word that several columns have (正常) is
    that of the column whose name stands right before it, or of the one that was ``asked`` for."""
    words: dict[str, dict[int, str]] = {}
    for column, each in enumerate(table.columns):
        for option, means in options_of(table, column).items() if each.kind is ColumnKind.CHOICE else ():
            for word in means:
                if word in text and word not in YES | NO:  # these answer their column's question, and nothing else
                    words.setdefault(word, {})[column] = option
    taken: list[Span] = []
    for word, options in sorted(words.items(), key=lambda one: -len(one[0])):
        for start in _places(word, text):
            end = start + len(word)
            if _overlaps(taken, start, end) or (len(word) == 1 and _ALONE.match(text, end)):
                continue
            if any(begin <= start and end <= stop and end - start < stop - begin for begin, stop, _ in names):
                continue  # 过敏 in 过敏史, the name of a column, tells of nobody's
            taken.append((start, end))
            owner = _owner(text, names, start, list(options), asked)
            if owner is not None:
                yield _Mention(start, end, owner, options[owner])


def _owner(text: str, names: Sequence[Named], start: int, columns: Sequence[int], asked: int | None) -> int | None:
    if len(columns) == 1:
        return columns[0]
    named = named_before(text, names, start, columns)
    return asked if named is None and asked in columns else named


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
        elif mention.column and _is_unsure(text, mention):
            unclear.add(mention.column)
        else:
            meant.setdefault(mention.column, set()).add(mention.option)
    for column, options in denied.items():
        meant.setdefault(column, set(options_of(table, column)) - options)
    return {column: frozenset(options) for column, options in meant.items() if options and column not in unclear}


def _is_unsure(text: str, mention: _Mention) -> bool:
    near = _NEAR_NOT.search(text[: mention.start]) or _OPEN_AFTER.match(text, mention.end)
    return near is not None or is_left_open(text, mention.start)


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
