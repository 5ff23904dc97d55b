"""A document to passages: within one section, of even length, word for word.

A section is first seen as atoms that should stay whole (a short block, a list item, a table row, a sentence), then the
cheapest way to lay passage borders between the atoms is chosen, as a typesetter lays line breaks: a passage costs the
square of its distance from :data:`TARGET_CHARS`, a border costs more the closer together the atoms belong. So no tiny
remainder is left over, and no text is lost, repeated or changed; only the header of a long table stands above each part
of it, since rows without their header say little.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.loaders import Block, BlockKind, Document, Section
from bot.knowledge.origin import Origin, make_entry

TARGET_CHARS = 400
"""The length, in characters, a passage should have; between 300 and 500 the cost is slight."""

MAX_CHARS = 500
"""No passage of several atoms is longer, in characters."""

WHOLE_TABLE_CHARS = 700
"""A table up to this length, in characters, stays one atom: rows without their header say little."""

_NO_BORDER_COST = 0.0
_AFTER_COLON_COST = 0.5  # "…如下：" belongs to the list or table it announces
_UNIT_COST = 0.1
_SENTENCE_COST = 0.2
_FRAGMENT_COST = 1.0

_SENTENCE = re.compile(r"(?:[。！？；…]+|(?:(?<!\d)\.|[!?;])(?=\s|$))[”’」』）】〉》)\]\"']*\s*")
_LINE = re.compile(r"\n\s*")
_CLAUSE = re.compile(r"[，、：,:\s]+")
_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|?)+\s*")
_HEADER_CHARS = 300
_ANYWHERE = re.compile(rf".{{1,{MAX_CHARS}}}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Atom:
    """Text that stays whole, at ``start`` to ``end`` of its section's body; ``cost`` is that of a border before it."""

    start: int
    end: int
    cost: float


def passages(document: Document, origin: Origin) -> Iterator[Entry]:
    """The passages of ``document`` in its order.

    ``location`` is the section path (``A › B``), or the lines (``第 3–8 行``) where text stands under no heading.
    """
    for section in document.sections:
        body, starts = _body(section)
        for start, end in _passages(_atoms(section, starts)):
            shown = body[start:end].rstrip()
            if not shown:  # a stretch of blanks longer than a passage
                continue
            blocks = section.blocks[_block_at(starts, start) : _block_at(starts, start + len(shown) - 1) + 1]
            yield make_entry(
                origin,
                kind=EntryKind.PASSAGE,
                title=document.title,
                text=_header(section, starts, start) + shown.lstrip(),
                location=" › ".join(section.path) or _lines(section, starts, start, start + len(shown) - 1),
                approval_number=document.approval_number,
                page=blocks[0].page,
                figures=tuple(dict.fromkeys(figure for block in blocks for figure in block.figures)),
            )


def _header(section: Section, starts: list[int], start: int) -> str:
    """The header of the table in whose middle a passage begins; empty anywhere else."""
    at = _block_at(starts, start)
    block = section.blocks[at]
    if block.kind is not BlockKind.TABLE or start == starts[at]:
        return ""
    head, rule, *_ = block.text.split("\n", 2)
    return f"{head}\n{rule}\n" if _RULE.fullmatch(rule) and len(head) <= _HEADER_CHARS else ""


def _body(section: Section) -> tuple[str, list[int]]:
    """The blocks of a section as they stood in the file, at most one blank line between, and where each begins."""
    parts: list[str] = []
    starts: list[int] = []
    length = next_line = 0
    for block in section.blocks:
        gap = "" if not parts else "\n" if block.line == next_line else "\n\n"
        starts.append(length + len(gap))
        parts.append(gap + block.text)
        length += len(parts[-1])
        next_line = block.line + block.text.count("\n") + 1 if block.line else -1
    return "".join(parts), starts


def _atoms(section: Section, starts: list[int]) -> list[_Atom]:
    atoms: list[_Atom] = []
    announced = False
    for block, start in zip(section.blocks, starts, strict=True):
        cost = _AFTER_COLON_COST if announced else _NO_BORDER_COST
        for first, end, inner_cost in _pieces(block):
            atoms.append(_Atom(start + first, start + end, inner_cost if first else cost))
        announced = block.text.rstrip().endswith(("：", ":"))
    return atoms


def _pieces(block: Block) -> Iterator[tuple[int, int, float]]:
    """The atoms of one block as (start, end, cost of a border before it)."""
    if block.kind is BlockKind.TABLE and len(block.text) <= WHOLE_TABLE_CHARS:
        yield 0, len(block.text), _NO_BORDER_COST
        return
    bounds = [*(block.units or (0,)), len(block.text)]
    for start, end in pairwise(bounds):
        whole = block.kind is not BlockKind.PROSE and end - start <= MAX_CHARS
        yield from [(start, end, _UNIT_COST)] if whole else _divided(block.text, start, end)


def _divided(text: str, start: int, end: int) -> Iterator[tuple[int, int, float]]:
    """Sentences; a sentence that alone is too long by its lines, such a line by its clauses, such a clause anywhere."""
    spans = _split(_SENTENCE, text, start, end)
    sentences = {begin for begin, _ in spans}
    for ends in (_LINE, _CLAUSE, _ANYWHERE):
        spans = [
            part
            for begin, finish in spans
            for part in (_split(ends, text, begin, finish) if finish - begin > MAX_CHARS else [(begin, finish)])
        ]
    for begin, finish in spans:
        inside = _SENTENCE_COST if begin in sentences else _FRAGMENT_COST
        yield begin, finish, _UNIT_COST if begin == start else inside


def _split(ends: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
    bounds = [start, *(found.end() for found in ends.finditer(text, start, end)), end]
    return [(a, b) for a, b in pairwise(bounds) if a < b]


def _passages(atoms: list[_Atom]) -> list[tuple[int, int]]:
    """Start and end of each passage, laid so that the sum of all costs is least."""
    best = [0.0]  # best[j]: least cost of laying the first j atoms; came[j]: where the last passage of them begins
    came = [0]
    for j in range(1, len(atoms) + 1):
        costs: list[tuple[float, int]] = []
        for i in range(j - 1, -1, -1):
            length = atoms[j - 1].end - atoms[i].start
            if length > MAX_CHARS and i < j - 1:
                break
            border = atoms[i].cost if i else 0.0
            costs.append((best[i] + border + ((length - TARGET_CHARS) / TARGET_CHARS) ** 2, i))
        least, i = min(costs)
        best.append(least)
        came.append(i)
    cuts = [len(atoms)]
    while cuts[-1]:
        cuts.append(came[cuts[-1]])
    cuts.reverse()
    return [(atoms[i].start, atoms[j - 1].end) for i, j in pairwise(cuts)]


def _lines(section: Section, starts: list[int], start: int, end: int) -> str:
    if not section.blocks[_block_at(starts, start)].line:
        return ""
    first, last = _line(section, starts, start), _line(section, starts, end)
    return f"第 {first} 行" if first == last else f"第 {first}–{last} 行"


def _line(section: Section, starts: list[int], offset: int) -> int:
    nearest = _block_at(starts, offset)
    block = section.blocks[nearest]
    return block.line + block.text.count("\n", 0, offset - starts[nearest])


def _block_at(starts: list[int], offset: int) -> int:
    return bisect_right(starts, offset) - 1
