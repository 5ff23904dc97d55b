"""Spreadsheets (.xlsx, .xls, .ods): the rows of every sheet, as they are shown. Runs in the confined child."""

import datetime
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from bot.errors import KnowledgeError
from bot.knowledge.loaders.refusals import Encrypted, TooMuch

MAX_ROWS = 100_000
MAX_COLUMNS = 100
"""Of one sheet."""
MAX_CHARS = 5_000_000
_EXACT = 1e15
"""A whole number above this is written as it comes."""


def read_sheets(path: Path) -> dict[str, Any]:
    """``{"sheets": [{"name", "rows"}], "notes"}``; merged cells say in each row what their first says.

    Raises :class:`~bot.errors.KnowledgeError`.
    """
    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
    except PasswordError as error:
        raise Encrypted() from error
    except CalamineError as error:
        raise KnowledgeError("it is damaged or no spreadsheet: save it again as .xlsx or CSV UTF-8") from error
    sheets: list[dict[str, Any]] = []
    notes: list[str] = []
    left = MAX_CHARS
    for about in book.sheets_metadata:
        if about.visible != SheetVisibleEnum.Visible:
            notes.append(f"the hidden sheet {about.name} was passed over")
            continue
        sheet = book.get_sheet_by_name(about.name)
        if sheet.height > MAX_ROWS:
            notes.append(f"of the sheet {about.name} only the first {MAX_ROWS:,} rows were read: divide it")
        top, first = sheet.start or (0, 0)
        rows = [[_shown(cell) for cell in row[:MAX_COLUMNS]] for row in sheet.to_python(nrows=MAX_ROWS)]
        for begin, end in sheet.merged_cell_ranges or ():
            _spread(rows, (begin[0] - top, begin[1] - first), (end[0] - top, end[1] - first))
        rows[:0] = [[] for _ in range(min(top, MAX_ROWS))]  # so that rows are numbered as they are seen
        left -= sum(len(cell) for row in rows for cell in row)
        if left < 0:
            raise TooMuch(f"it holds more than {MAX_CHARS:,} characters: divide it")
        sheets.append({"name": about.name, "rows": rows})
    return {"sheets": sheets, "notes": notes}


def _spread(rows: list[list[str]], first: tuple[int, int], last: tuple[int, int]) -> None:
    top, left = first
    if not 0 <= top < len(rows) or not 0 <= left < len(rows[top]):
        return
    words = rows[top][left]
    for row in rows[top : last[0] + 1]:
        for at in range(left, min(last[1] + 1, len(row))):
            row[at] = row[at] or words


def _shown(value: Any) -> str:
    """A cell as people write it: no ``.0`` after whole numbers, days without a time that was never there."""
    shown = str(value).strip()
    if isinstance(value, bool):
        shown = "是" if value else "否"
    elif isinstance(value, float):
        shown = str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(round(value, 10))
    elif isinstance(value, datetime.datetime):
        shown = value.date().isoformat() if value.time() == datetime.time() else value.strftime("%Y-%m-%d %H:%M")
    elif isinstance(value, datetime.time):
        shown = value.strftime("%H:%M")
    return shown
