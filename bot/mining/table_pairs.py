"""Question–answer pairs out of tables: a row and a column ask for the cell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.answering.quantities import figures_of
from bot.knowledge.entries import Entry
from bot.mining.pairs import Pair, Rule, pair
from bot.texts import Texts, language_of

MOST_ROWS, MOST_COLUMNS = 40, 8
"""A larger table is one to look things up in (:mod:`bot.lookup`), and no source of FAQs."""
MOST_NAME = 24
MOST_CELL = 120
"""Characters of what names a row or a column, and of a cell."""
_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?\s*)?")
_CELL = re.compile(r"(?<!\\)\|")
_NOTHING = re.compile(r"[-—–/\\.…\s]*|无|没有|不适用|n/?a|none|同上|略|空|=.*|#[a-z/]+[!?]?", re.IGNORECASE)
"""What a cell says that says nothing, a formula and its error among it."""
_MARK = re.compile(r"[√✓✔×✗✘●○+]|是|否|有|y|n|yes|no", re.IGNORECASE)
"""A mark in a cell, which answers only a heading that asks."""
_LEANS = re.compile("[与同和].{1,12}(?:相同|一样|一致|类似)|^[见参详如]|同[上左右前]")
"""What a cell says by pointing elsewhere."""
_NO_ROW = re.compile(
    "说明|备注|描述|注释?|示例|例子|配置方式|合计|总计|小计|notes?|remarks?|total|description|example", re.IGNORECASE
)
_NO_COLUMN = re.compile("序号|编号|备注|说明|注|#|no\\.?|remarks?|notes?", re.IGNORECASE)
_CONDITION = re.compile(
    "年龄|体重|性别|人群|身份|条件|前提|情形|适用.{0,4}|\\bage\\b|weight|conditions?", re.IGNORECASE
)
"""A column that says when the others of its row hold: a cell beside it answers nothing without it."""
_NUMBERED = re.compile("序号|编号|#|no\\.?", re.IGNORECASE)
_VALUE_COLUMN = re.compile("(?:内容|取值|数值|值|描述|数据|信息|详情|结果|value|description)$", re.IGNORECASE)
_ASKS = re.compile("怎[么样]|什么|如何|谁|哪|多少|几|是否|能否|吗$|[？?]$")
_GENERIC = re.compile(
    "(?:周|星期|礼拜)[一二三四五六日末].*|工作日|节假日|其他|其它|合计|总计|小计|普通|一般|标准|默认|全部|所有|男|女|"
    "null|none|true|false|yes|no|default|other|是|否|有|无|高|中|低|大|小|早|晚|[\\d\\s.,%~至到以上下分岁天月年日≥≤<>=＜＞±–—-]+|.{0,2}",
    re.IGNORECASE,
)
"""What does not say by itself what it is a row of."""
_UNIT = re.compile(
    r"^(?P<name>.+?)\s*[（(](?P<unit>[A-Za-zμ°%℃Ω/·²³]{1,12}|毫[升克米]|[元天分次岁年月米升克]|小时|分钟)[)）]$"
)
_MARKS = re.compile(r"\*\*|__|`|<[^>]{1,20}>")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a passage: its header and its rows as cells, and each row as it is written."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    head: str

    @property
    def named(self) -> int:
        """The column that names the rows: the first, or the one behind their numbers."""
        return 1 if len(self.header) > 2 and _NUMBERED.fullmatch(self.header[0]) else 0


def grids(text: str) -> Iterator[Grid]:
    """The Markdown tables in ``text`` whose rows are as wide as their header."""
    lines = text.split("\n")
    for at in range(1, len(lines)):
        if not _RULE.fullmatch(lines[at]) or "|" not in lines[at - 1]:
            continue
        header = _cells(lines[at - 1])
        body: list[str] = []
        for line in lines[at + 1 :]:
            if "|" not in line:
                break
            body.append(line)
        rows = tuple(_cells(line) for line in body)
        if rows and all(len(row) == len(header) for row in rows):
            yield Grid(header=header, rows=rows, lines=tuple(body), head=lines[at - 1])


def table_pairs(entry: Entry, subject: str, texts: Texts) -> Iterator[Pair]:
    """A pair for each cell of the tables in ``entry`` that a row and a column name; ``subject`` is what the document is
    about."""
    for grid in grids(entry.text):
        if len(grid.rows) > MOST_ROWS or len(grid.header) > MOST_COLUMNS:
            continue
        names = [row[grid.named] for row in grid.rows]
        if grid.header[grid.named] in names or any(map(_CONDITION.fullmatch, grid.header[grid.named + 1 :])):
            continue  # a header of two rows; rows that hold only sometimes
        if not all(map(_is_name, names)) or len(set(names)) < len(names):
            continue
        for row, line in zip(grid.rows, grid.lines, strict=True):
            for column in range(grid.named + 1, len(grid.header)):
                found = _asked(grid, row, column, subject, texts)
                if found:
                    yield pair(entry, Rule.TABLE, *found, f"{grid.head}\n{line}")


def _asked(grid: Grid, row: Sequence[str], column: int, subject: str, texts: Texts) -> tuple[str, str] | None:
    """Question and answer for one cell; nothing where it says nothing, or nobody could ask for it."""
    named = grid.named
    name, head, cell = row[named], grid.header[column], row[column]
    if _NOTHING.fullmatch(cell) or _LEANS.search(cell) or len(cell) > MOST_CELL or _NO_ROW.fullmatch(name):
        return None
    if not 0 < len(head) <= MOST_NAME or _NO_COLUMN.fullmatch(head) or grid.header.count(head) > 1:
        return None
    with_unit = _UNIT.match(head)
    if with_unit:
        head, cell = with_unit["name"], _with_unit(cell, with_unit["unit"])
    if _MARK.fullmatch(cell) and not _ASKS.search(head):
        return None
    language = language_of(f"{name} {head}", "zh")
    about = texts.say("mined_row_of", language, subject=subject, row=name) if _GENERIC.fullmatch(name) else name
    if len(grid.header) - named == 2 and _VALUE_COLUMN.search(head):
        about, head = subject, name
    if _ASKS.search(head):
        question = texts.say("mined_about", language, subject=about, question=f"{head.rstrip('？?')}？")
        return question, texts.say("mined_asked_cell", language, row=about, column=head.rstrip("？?"), cell=cell)
    key = "mined_how_much" if _is_amount(cell) else "mined_cell"
    question = texts.say(key, language, row=about, column=head)
    return question, texts.say("mined_cell_answer", language, row=about, column=head, cell=cell)


def _with_unit(cell: str, unit: str) -> str:
    return f"{cell} {unit}" if re.fullmatch(r"[\d.,\s~–—至到-]+", cell) else cell


def _is_amount(cell: str) -> bool:
    """Whether a cell says how much: a figure, perhaps with its unit, and no date or time."""
    figures = figures_of(cell)
    return bool(figures.quantities) and not figures.moments and bool(re.match(r"[约≤≥<>\s]*\d", cell))


def _is_name(cell: str) -> bool:
    return 0 < len(cell) <= MOST_NAME and not _NOTHING.fullmatch(cell) and not re.fullmatch(r"[\d.,%\s]+", cell)


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(_MARKS.sub("", cell.replace("\\|", "|")).strip() for cell in _CELL.split(inner))
