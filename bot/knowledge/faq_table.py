"""FAQ tables: rows with the columns 问题, 相似问题, 答案, 生效, 失效, 审批号 or question, similar, answer, valid_from,
valid_to, approval_number.

They come from a CSV file or a sheet. Only question and answer must be there. A bad row is left out and reported, the
good rows go in; a table whose columns or quotation marks are wrong is refused as a whole, because half a table would
take the other half out of service.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import KnowledgeError
from bot.knowledge.approval import approval_number
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO, Origin, make_entry

_COLUMNS = {
    "问题": "question",
    "相似问题": "similar",
    "答案": "answer",
    "生效": "valid_from",
    "失效": "valid_to",
    "审批号": "approval_number",
}
_NAMES = {**_COLUMNS, **{english: english for english in _COLUMNS.values()}}
_REQUIRED = ("question", "answer")
_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})")
_HEADER_CHARS = 40
_FINAL_PUNCTUATION = "。！？…；：，、.!?;:,"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaqTable:
    """What a table brought: its entries, the rows left out with the reason, and what the author should know."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


class _BadRow(KnowledgeError):
    """A row that is left out; the text says why and what to do."""


def is_faq_header(header: Iterable[str]) -> bool:
    """Whether a row is meant to be the header of a FAQ table, complete or not."""
    words = ("问题", "答案", "question", "answer")
    return any(word in cell.strip().casefold() for cell in header for word in words if len(cell) <= _HEADER_CHARS)


def read_faq_table(
    rows: Iterable[tuple[int, list[str]]], origin: Origin, *, timezone: ZoneInfo, limits: LoadLimits, where: str = ""
) -> FaqTable:
    """The entries of a FAQ table, from its numbered rows that are not blank.

    Rows are numbered as in a spreadsheet: the first is row 1. A period runs from the beginning of its first day to
    the end of its last day in ``timezone``. ``where`` is the sheet it stands in. Raises
    :class:`~bot.errors.KnowledgeError` when the table cannot be read.
    """
    rows = iter(rows)
    _, header = next(rows, (1, []))
    columns, notes = _columns(header)
    entries: list[Entry] = []
    problems: list[str] = []
    taken: dict[str, list[tuple[int, Entry]]] = {}
    for number, cells in rows:
        try:
            place = " · ".join(filter(None, (where, f"第 {number} 行")))
            entry = _entry(place, _fields(cells, columns, len(header)), origin, timezone, limits)
            _refuse_duplicate(entry, taken.setdefault(_normal(entry.title), []), number)
        except _BadRow as error:
            problems.append(f"row {number}: {error}")
        else:
            entries.append(entry)
    return FaqTable(entries=tuple(entries), problems=tuple(problems), notes=tuple(notes))


def csv_rows(text: str, limits: LoadLimits) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not blank, with their numbers.

    Raises :class:`~bot.errors.KnowledgeError` at the first row that is not CSV.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > limits.rows + 1:
                raise KnowledgeError(f"more than {limits.rows} rows: split the table")
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise KnowledgeError(
            f"row {number + 1}: not CSV ({error}): put text with commas, line breaks or quotation marks between"
            ' quotation marks, and write a quotation mark inside it twice ("")'
        ) from error


def _columns(header: list[str]) -> tuple[dict[str, int], list[str]]:
    """Where each known column stands, and notes about the others."""
    names = [name.strip() for name in header]
    columns: dict[str, int] = {}
    unknown: list[str] = []
    for position, name in enumerate(names):
        known = _NAMES.get(name.casefold())
        if known in columns:
            raise KnowledgeError(f"row 1: the column {name} is there twice: keep one")
        if known:
            columns[known] = position
        elif name:
            unknown.append(name)
    missing = [chinese for chinese, english in _COLUMNS.items() if english not in columns]
    absent = [f"{chinese} ({_COLUMNS[chinese]})" for chinese in missing if _COLUMNS[chinese] in _REQUIRED]
    if absent:
        seen = ", ".join(filter(None, names))[:80] or "nothing"
        raise KnowledgeError(
            f"row 1: the columns {', '.join(absent)} are missing, there is {seen}: name them there, with commas between"
        )
    for name in unknown:
        for chinese in missing:  # a period that is silently not read would keep an expired answer in service
            if chinese in name or _COLUMNS[chinese] in name.casefold():
                raise KnowledgeError(f"row 1: the column {name} is not known: did you mean {chinese}?")
    return columns, [f"columns not used: {', '.join(unknown)}"] if unknown else []


def _fields(cells: list[str], columns: dict[str, int], width: int) -> dict[str, str]:
    if any(cell.strip() for cell in cells[width:]):
        raise _BadRow(f"{len(cells)} cells under {width} columns: put text with commas between quotation marks")
    return {name: cells[position].strip() if position < len(cells) else "" for name, position in columns.items()}


def _entry(place: str, fields: dict[str, str], origin: Origin, timezone: ZoneInfo, limits: LoadLimits) -> Entry:
    question, answer = fields["question"], fields["answer"]
    similar = [part.strip() for part in re.split(r"[|｜\n]", fields.get("similar", "")) if part.strip()]
    for name, value in (("question", question), ("answer", answer)):
        if not value:
            raise _BadRow(f"the {name} is empty: fill it in or delete the row")
    if len(similar) > limits.similar:
        raise _BadRow(f"{len(similar)} similar questions, {limits.similar} are allowed")
    for value in (question, *similar):
        if len(value) > limits.question_chars:
            raise _BadRow(f"a question of {len(value)} characters, {limits.question_chars} are allowed: shorten it")
    if len(answer) > limits.answer_chars:
        raise _BadRow(f"an answer of {len(answer)} characters, {limits.answer_chars} are allowed: make it a document")
    first, last = _day("valid_from", fields), _day("valid_to", fields)
    if first and last and last < first:
        raise _BadRow(f"it ends ({last}) before it begins ({first}): correct the dates")
    try:
        number_given = approval_number(fields.get("approval_number", ""))
    except KnowledgeError as error:
        raise _BadRow(str(error)) from error
    return make_entry(
        origin,
        kind=EntryKind.FAQ,
        title=" ".join(question.split()),
        questions=_distinct([question, *similar]),
        text=answer,
        location=place,
        valid_from=_midnight(first, timezone) if first else ALWAYS_FROM,
        valid_to=_midnight(last + timedelta(days=1), timezone) if last and last < date.max else ALWAYS_TO,
        approval_number=number_given,
    )


def _day(name: str, fields: dict[str, str]) -> date | None:
    """A day as 2026-01-31; spreadsheets in China save it as 2026/1/31, which is the same day."""
    value = fields.get(name, "")
    if not value:
        return None
    found = _DATE.fullmatch(value)
    with suppress(ValueError):  # a day that no calendar has is told in the same words as what is no date at all
        if found:
            return date(int(found[1]), int(found[3]), int(found[4]))
    raise _BadRow(f"{name} is not a date ({value[:40]}): write it like 2026-01-31")


def _midnight(day: date, timezone: ZoneInfo) -> float:
    return datetime.combine(day, time.min, timezone).timestamp()


def _distinct(questions: list[str]) -> tuple[str, ...]:
    """The questions as written, each on one line, without those that say the same as an earlier one."""
    kept: dict[str, str] = {}
    for question in questions:
        kept.setdefault(_normal(question), " ".join(question.split()))
    return tuple(kept.values())


def _normal(question: str) -> str:
    """A question without what does not change its meaning: width, case, blanks and final punctuation."""
    folded = "".join(unicodedata.normalize("NFKC", question).casefold().split())
    return folded.rstrip(_FINAL_PUNCTUATION) or folded


def _refuse_duplicate(entry: Entry, same: list[tuple[int, Entry]], number: int) -> None:
    """The same question twice is an error, unless its answers are valid at different times."""
    for earlier, other in same:
        if entry.valid_from < other.valid_to and other.valid_from < entry.valid_to:
            raise _BadRow(f"the same question as row {earlier}: delete one, or give them different periods")
    same.append((number, entry))
