"""Look-up tables are read as a whole or not at all, and come back out of their entries as they were."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from bot.errors import KnowledgeError
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.figures import FigureStore
from bot.knowledge.files import Found
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.lookup_table import Column, ColumnKind, Interval, LookupTable, is_lookup_header, read_cell, tables_of
from bot.knowledge.origin import Origin
from bot.knowledge.submissions import Loader
from tests.lookup.conftest import entries_of
from tests.lookup.tables import SCAN

AGE = Column(names=("年龄",), kind=ColumnKind.RANGE, unit="岁")
HEAD = "项目[选项],年龄[范围 岁],费用[数值 元],截止[日期],说明[文本]\n"


def test_a_table_comes_back_out_of_its_entries(tables: list[LookupTable]) -> None:
    scan = next(table for table in tables if table.title == "扫描须知")
    assert [column.kind.value for column in scan.columns] == ["choice", "choice", "range", "text", "text", "number"]
    assert scan.columns[2].names == ("肾功能", "肾小球滤过率", "eGFR")
    assert scan.columns[2].unit == "mL/min"
    assert [row.entry.location for row in scan.rows] == [f"第 {number} 行" for number in range(2, 7)]
    second = scan.rows[1]
    assert second.entry.kind is EntryKind.ROW
    assert second.entry.text.split("\n")[1:4] == [
        "怀孕：没有怀孕|未怀孕|没怀孕|不是孕妇|没有|无|男性",
        "肾功能：≥60",
        "能否检查：可以",
    ]
    assert second.cells[2] == Interval(Fraction(60), None)


@pytest.mark.parametrize(
    ("cell", "interval"),
    [
        ("30-59", (30, 59, False, False)),
        ("30～59 岁", (30, 59, False, False)),
        ("≥ 60岁", (60, None, False, False)),
        ("６０以上", (60, None, False, False)),
        ("超过60", (60, None, True, False)),
        ("<18", (None, 18, False, True)),
        ("18岁以下", (None, 18, False, False)),
        ("4.5", (4.5, 4.5, False, False)),
        ("60+", (60, None, False, False)),
        ("≥30且<60", (30, 60, False, True)),
        (">30，≤60", (30, 60, True, False)),
        ("30≤年龄＜60", (30, 60, False, True)),
    ],
)
def test_a_range_is_read_as_people_write_it(cell: str, interval: tuple[float | None, float | None, bool, bool]) -> None:
    low, high, low_open, high_open = interval
    read = read_cell(AGE, cell)
    assert read == Interval(
        None if low is None else Fraction(low), None if high is None else Fraction(high), low_open, high_open
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("项目[选项],说明\nA,x\n", "row 1: the column 说明 has no type"),
        ("项目[文本],年龄[选项]\nA,x\n", "row 1: the first column"),
        ("项目[选项],年龄[范围]\nA,3\n", "row 1: no column says what holds"),
        ("项目[选项],项目|说明[文本]\nA,x\n", "row 1: 项目 names two columns"),
        (HEAD + "A,,3,2026-01-01,x\n", "row 2: 年龄 is empty: write 不限"),
        (HEAD + "A,30-20,3,2026-01-01,x\n", "row 2: 年龄 is not a range"),
        (HEAD + "A,不限,3-4,2026-01-01,x\n", "row 2: 费用 is not a number"),
        (HEAD + "A,不限,3,2026-02-30,x\n", "row 2: 截止 is not a date"),
        (HEAD + ",不限,3,2026-02-03,x\n", "row 2: 项目 is empty"),
        (HEAD + "A,≥60且<30,3,2026-02-03,x\n", "row 2: 年龄 is not a range"),
        (HEAD + "/,不限,3,2026-02-03,x\n", "row 2: 项目 is /, which nobody says"),
        (HEAD + "A|甲,不限,,,x\nB|甲,不限,,,x\n", "row 3: 项目: 甲 already means a"),
        (HEAD + "A|甲,不限,,,x\n甲,不限,,,x\n", "row 3: 项目: 甲 already means a"),
        ("项目[选项],比例[范围 %],说明[文本]\nA,0.3,x\n", "as a spreadsheet keeps 30%"),
        (HEAD + "A,不限,3,2026-02-03,x,y\n", "row 2: a cell stands under no name"),
        (HEAD + "A,x,,,\n" * 7, "row 6: 年龄 is not a range like 30-59, ≥60, <30 or 不限: x; and 2 more"),
    ],
)
def test_one_wrong_cell_refuses_the_whole_table(text: str, problem: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        entries_of(text, "表")
    assert problem in str(refused.value)


def test_a_unit_in_the_name_of_a_column_is_its_unit_and_no_part_of_what_people_say() -> None:
    (table,) = tables_of(entries_of("项目[选项],年龄（岁）[范围],说明（医生）[文本]\nA,30岁-59,x\n", "表"))
    assert [(column.names, column.unit) for column in table.columns[1:]] == [
        (("年龄(岁)", "年龄"), "岁"),
        (("说明(医生)",), ""),
    ]
    assert table.rows[0].cells[1] == Interval(Fraction(30), Fraction(59))


def test_a_kept_table_that_cannot_be_read_is_left_out_and_takes_no_other_with_it() -> None:
    kept = entries_of("项目[选项],说明[文本]\nA,x\n", "旧表")
    broken = [replace(entry, text=entry.text.replace("项目：A", "项目：")) for entry in kept]
    assert [table.title for table in tables_of([*broken, *entries_of(SCAN, "扫描须知")])] == ["扫描须知"]


def test_an_ordinary_table_is_none() -> None:
    assert not is_lookup_header(["药名", "剂量[mg]", "说明[1]"])
    assert is_lookup_header(["药名", "剂量", "说明【文本】"])


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_file_that_is_marked_becomes_rows_and_other_sheets_stay_what_they_are(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"须知{suffix}"
    if suffix == ".csv":
        path.write_text(SCAN, encoding="gb18030")
    else:
        book = openpyxl.Workbook()
        book.active.title = "扫描"
        for line in SCAN.splitlines():
            book.active.append(line.split(","))
        book.create_sheet("通讯录").append(["科室", "电话"])
        book["通讯录"].append(["影像科", "8021"])
        book.save(path)
    loader = Loader(FileReader(FigureStore(tmp_path / "figures")), ZoneInfo("Asia/Shanghai"), LoadLimits())
    origin = Origin(tenant="t", collection="c", audience=Audience.HCP, source=path.name)
    found = Found(path=path, source=path.name, folder=tmp_path)
    loaded = loader.load(found, origin, loader.bytes_of(found, origin), lambda _done, _total: None)
    entries = loaded.submission.entries
    rows = [entry for entry in entries if entry.kind is EntryKind.ROW]
    assert len(rows) == 6
    assert {entry.audience for entry in entries} == {Audience.HCP}
    assert len(entries) == (6 if suffix == ".csv" else 7)
    assert rows[-1].location == ("第 6 行" if suffix == ".csv" else "扫描 · 第 6 行")
