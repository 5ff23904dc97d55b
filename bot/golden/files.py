"""Golden questions as files: CSV with the columns below, or one JSON object a line.

CSV: 问题, 来源, 事实, 应拒答, 读者, 备注 or question, sources, facts, must_refuse, audience, note; several sources or
facts are separated by ``|`` or a new line. JSON lines have the same English keys, ``sources`` and ``facts`` as lists,
``must_refuse`` as true or false. UTF-8 (with BOM too) or GB18030. Nothing is passed over: a file with a fault is
refused with the line of every fault.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import KnowledgeError, UsageError
from bot.golden.questions import GoldenQuestion
from bot.knowledge.entries import Audience
from bot.knowledge.loaders.encoding import decode_text

MOST_QUESTIONS = 2_000
MOST_BYTES = 8 * 1024 * 1024
FAULTS_SHOWN = 10

_COLUMNS = {
    "问题": "question",
    "来源": "sources",
    "事实": "facts",
    "应拒答": "must_refuse",
    "读者": "audience",
    "备注": "note",
}
_NAMES: dict[str, str] = {**_COLUMNS, **{english: english for english in _COLUMNS.values()}}
_LISTS = ("sources", "facts")
_YES_NO = {"": False, "否": False, "no": False, "false": False, "0": False}
_YES_NO |= {"是": True, "yes": True, "true": True, "1": True}
_READERS = {"公众": Audience.PUBLIC, "医疗专业人士": Audience.HCP, "员工": Audience.STAFF}
_READERS |= {audience.value: audience for audience in Audience} | {"": Audience.PUBLIC}

Row = Mapping[str, Any]
_Value = TypeVar("_Value")


class _Fault(Exception):
    """What is wrong with a row."""


def read_questions(path: Path) -> list[GoldenQuestion]:
    """The questions of a ``.csv`` or ``.jsonl`` file in their order.

    Raises :class:`~bot.errors.UsageError` naming each line and what is wrong with it.
    """
    rows = _json_rows if path.suffix.lower() in (".jsonl", ".json") else _csv_rows
    faults: list[str] = []
    found: dict[str, int] = {}
    questions = []
    for number, row in rows(_text(path), path, faults):
        try:
            question = _question(row)
        except _Fault as error:
            faults.append(f"line {number}: {error}")
            continue
        same = found.setdefault(f"{question.audience}\0{question.question}", number)
        if same != number:
            faults.append(f"line {number}: the same question as in line {same}")
        questions.append(question)
    if not faults and not questions:
        faults.append("there is no question in it")
    if len(questions) > MOST_QUESTIONS:
        faults.append(f"{len(questions)} questions, {MOST_QUESTIONS} are allowed")
    if faults:
        more = f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise UsageError(f"{path}: {'; '.join(faults[:FAULTS_SHOWN])}{more}")
    return questions


def write_questions(questions: Sequence[GoldenQuestion], path: Path) -> None:
    """Write a file that :func:`read_questions` reads back, CSV or JSON lines by the ending of ``path``.

    Raises :class:`~bot.errors.UsageError` when it cannot be written.
    """
    whole = _as_json(questions) if path.suffix.lower() in (".jsonl", ".json") else _as_csv(questions)
    try:
        path.write_text(whole, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def facts_of(question: GoldenQuestion) -> dict[str, Any]:
    """JSON-ready, with the keys of a JSON line."""
    return {
        "question": question.question,
        "sources": list(question.sources),
        "facts": list(question.facts),
        "must_refuse": question.must_refuse,
        "audience": question.audience.value,
        "note": question.note,
    }


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB")
        return decode_text(path.read_bytes())[0]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except KnowledgeError as error:
        raise UsageError(f"{path}: {error}") from error


def _csv_rows(text: str, path: Path, faults: list[str]) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        known = [_NAMES[name] for name in header if name in _NAMES]
        if "question" not in known or len(set(known)) < len(header):
            expected = ", ".join(f"{chinese} ({english})" for chinese, english in _COLUMNS.items())
            raise UsageError(f"{path}: line 1: the columns are to be {expected}, each once and at least the first")
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if any(cell.strip() for cell in cells[len(header) :]):
                    faults.append(f"line {begins}: more cells than columns: put text with commas in quotation marks")
                else:
                    yield begins, {name: cell.strip() for name, cell in zip(known, cells, strict=False)}
            begins = reader.line_num + 1
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: not CSV ({error})")


def _json_rows(text: str, _path: Path, faults: list[str]) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number}: no JSON ({error})")
            continue
        if not isinstance(row, dict):
            faults.append(f"line {number}: a JSON object is expected, one a line")
            continue
        yield number, {_NAMES.get(str(key), str(key)): value for key, value in row.items()}


def _question(row: Row) -> GoldenQuestion:
    if unknown := [key for key in row if key not in _NAMES]:
        raise _Fault(f"{unknown[0]!r} is unknown; there are: {', '.join(_COLUMNS.values())}")
    question = GoldenQuestion(
        question=_word(row, "question"),
        sources=_words(row, "sources"),
        facts=_words(row, "facts"),
        must_refuse=_choice(row, "must_refuse", _YES_NO),
        audience=_choice(row, "audience", _READERS),
        note=_word(row, "note"),
    )
    if fault := question.fault():
        raise _Fault(fault)
    return question


def _word(row: Row, key: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise _Fault(f"{key} is no text")
    return " ".join(value.replace("\0", "").encode("utf-8", "replace").decode().split())


def _words(row: Row, key: str) -> tuple[str, ...]:
    value = row.get(key, "")
    pieces = value.replace("\n", "|").split("|") if isinstance(value, str) else value
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise _Fault(f"{key} must be a list of texts")
    cleaned = (_word({key: piece}, key) for piece in pieces)
    return tuple(dict.fromkeys(piece for piece in cleaned if piece))


def _choice(row: Row, key: str, known: Mapping[str, _Value]) -> _Value:
    value = row.get(key, "")
    word = str(value).strip().casefold()
    if word not in known or not isinstance(value, str | bool):
        raise _Fault(f"{key} is {str(value)[:40]!r}; expected one of: {', '.join(filter(None, known))}")
    return known[word]


def _as_csv(questions: Iterable[GoldenQuestion]) -> str:
    whole = io.StringIO()
    writer = csv.writer(whole, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in questions:
        lists = ["|".join(one.sources), "|".join(one.facts)]
        writer.writerow([one.question, *lists, "是" if one.must_refuse else "", one.audience.value, one.note])
    return whole.getvalue()


def _as_json(questions: Iterable[GoldenQuestion]) -> str:
    return "".join(json.dumps(facts_of(question), ensure_ascii=False) + "\n" for question in questions)
