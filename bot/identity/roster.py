"""Rosters of professionals: CSV with the columns 编号, 执业证号, 医院, 科室, 职称, 有效期至, 账号, 渠道 or record,
licence, hospital, department, title, valid_until, account, channel.

Number and end of validity must be there. Whatever is wrong is told row by row, and nothing of the file is taken then:
half a roster would leave the other half unverified without anybody knowing why. What nobody sees (control and format
characters) is left out before.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.identity.tables import Account

_COLUMNS = {
    "编号": "record",
    "执业证号": "licence",
    "医院": "hospital",
    "科室": "department",
    "职称": "title",
    "有效期至": "valid_until",
    "账号": "account",
    "渠道": "channel",
}
_NAMES = {**_COLUMNS, **{english: english for english in _COLUMNS.values()}}
_REQUIRED = ("record", "valid_until")
_RECORD = re.compile(r"[\w.@-]{1,64}")
_ACCOUNT = re.compile(r"[!-+\--9;-~]{1,128}")  # ASCII without blanks, commas and colons
_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})")
_UNSEEN = ("Cc", "Cf")
_LONGEST = 128
MOST_ROWS = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One professional as a roster names them; ``valid_until`` is the epoch second after their last day, ``account``
    whom to bind, where the row says it."""

    record: str
    licence: str
    hospital: str
    department: str
    title: str
    valid_until: float
    account: Account | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """What a table brought: its rows, what is wrong with others, and the columns that nothing is kept of."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    not_kept: tuple[str, ...]


class _BadRow(ValueError):
    """The text says what is wrong and what to do."""


def read_roster(text: str, *, timezone: ZoneInfo, places: Collection[str]) -> Roster:
    """The professionals of a CSV file; see :func:`check_roster`."""
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return Roster(rows=(), problems=(f"not CSV: {error}",), not_kept=())
    return check_roster(table, timezone=timezone, places=places)


def check_roster(table: Sequence[Sequence[str]], *, timezone: ZoneInfo, places: Collection[str]) -> Roster:
    """The professionals of a table, rows numbered as in a spreadsheet, where the names of the columns are row 1.

    ``places`` are the channels of the tenant as ``<bot>/<channel>``. A validity runs to the end of its last day in
    ``timezone``.
    """
    header = [name.strip() for name in table[0]] if table else []
    known = [_NAMES.get(name.casefold(), "") for name in header]
    if problem := _wrong_header(known, len(table)):
        return Roster(rows=(), problems=(problem,), not_kept=())
    rows: list[Row] = []
    problems: list[str] = []
    seen: dict[tuple[str, object], int] = {}
    for number, cells in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            row = _row(cells, known, timezone, places)
            _refuse_twice(row, seen, number)
        except _BadRow as error:
            problems.append(f"row {number}: {error}")
        else:
            rows.append(row)
    not_kept = tuple(name for name, kept in zip(header, known, strict=True) if name and not kept)
    return Roster(rows=tuple(rows), problems=tuple(problems), not_kept=not_kept)


def _wrong_header(known: list[str], lines: int) -> str:
    missing = [f"{name} ({english})" for name, english in _COLUMNS.items() if english in _REQUIRED]
    if any(name not in known for name in _REQUIRED):
        return f"row 1: the columns {', '.join(missing)} must be there"
    twice = [name for name in _COLUMNS.values() if known.count(name) > 1]
    if twice:
        return f"row 1: the column {twice[0]} is there twice: keep one"
    return f"more than {MOST_ROWS} rows: split the file" if lines > MOST_ROWS + 1 else ""


def _row(cells: Sequence[str], known: list[str], timezone: ZoneInfo, places: Collection[str]) -> Row:
    if any(cell.strip() for cell in cells[len(known) :]):
        raise _BadRow(f"{len(cells)} cells under {len(known)} columns: put text with commas between quotation marks")
    fields = {name: _seen(cell) for name, cell in zip(known, cells, strict=False) if name}
    for name, value in fields.items():
        if len(value) > _LONGEST:
            raise _BadRow(f"{name} has {len(value)} characters, {_LONGEST} are allowed")
    record = unicodedata.normalize("NFKC", fields["record"])
    if not _RECORD.fullmatch(record):
        raise _BadRow("record must be 1 to 64 letters, digits, or one of . _ @ -")
    return Row(
        record=record,
        licence="".join(filter(str.isalnum, unicodedata.normalize("NFKC", fields.get("licence", "")).upper())),
        hospital=fields.get("hospital", ""),
        department=fields.get("department", ""),
        title=fields.get("title", ""),
        valid_until=_end(fields.get("valid_until", ""), timezone),
        account=_account(fields.get("account", ""), fields.get("channel", ""), places),
    )


def _seen(cell: str) -> str:
    """``cell`` as people see it: an invisible character would make another person of the same licence, a binding that
    nobody ever gets, or a line that a terminal obeys."""
    return " ".join(
        "".join(each for each in cell if each.isspace() or unicodedata.category(each) not in _UNSEEN).split()
    )


def _end(value: str, timezone: ZoneInfo) -> float:
    """The midnight after a day written as 2026-01-31 or, as spreadsheets do, 2026/1/31."""
    found = _DATE.fullmatch(value)
    with suppress(ValueError, OverflowError):  # no day of any calendar is told in the same words as no date at all
        if found:
            last = date(int(found[1]), int(found[3]), int(found[4]))
            return datetime.combine(last + timedelta(days=1), time.min, timezone).timestamp()
    raise _BadRow(f"valid_until is not a date ({value[:40]}): write it like 2027-01-31")


def _account(person: str, channel: str, places: Collection[str]) -> Account | None:
    if not person and not channel:
        return None
    if not person or not channel:
        raise _BadRow("account and channel belong together: fill in both or none")
    if channel not in places:
        raise _BadRow(f"there is no channel {channel[:80]}; there are: {', '.join(sorted(places))}")
    if not _ACCOUNT.fullmatch(person):
        raise _BadRow("account must be a platform id, without blanks, commas or colons")
    bot, _, name = channel.partition("/")
    return Account(bot=bot, channel=name, person=person)


def _refuse_twice(row: Row, seen: dict[tuple[str, object], int], number: int) -> None:
    account = row.account
    named: list[tuple[str, object]] = [("record", row.record.casefold())]
    if row.licence:
        named.append(("licence", row.licence))
    if account:
        named.append(("account", (account.bot, account.channel, account.person.casefold())))
    for what in named:
        if what in seen:
            raise _BadRow(f"the same {what[0]} as row {seen[what]}: keep one")
    seen.update(dict.fromkeys(named, number))
