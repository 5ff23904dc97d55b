"""What is found in a labelled set of messages, kind by kind, and what is left alone."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.safety.personal_data import find, predict_spans

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "labelled.jsonl").read_text(encoding="utf-8").splitlines()
]
FLOORS = {"name": 0.93, "address": 0.96}
"""Every other kind has a form, a check digit or a word beside it, and all of them are found."""


def covers(text: str, kind: str, start: int, end: int) -> bool:
    half = (end - start) / 2
    return any(found == kind and min(b, end) - max(a, start) >= half for found, a, b in predict_spans(text))


def test_the_set_is_large_and_marks_what_stands_there() -> None:
    assert len(ROWS) >= 300
    for row in ROWS:
        assert all(row["text"][span["start"] : span["end"]] == span["value"] for span in row["spans"]), row["id"]


@pytest.mark.parametrize("kind", sorted({span["type"] for row in ROWS for span in row["spans"]}))
def test_what_is_personal_is_found(kind: str) -> None:
    spans = [(row["text"], span) for row in ROWS for span in row["spans"] if span["type"] == kind]
    missed = [span["value"] for text, span in spans if not covers(text, kind, span["start"], span["end"])]
    assert 1 - len(missed) / len(spans) >= FLOORS.get(kind, 1.0), missed


def test_what_is_not_personal_is_left_alone() -> None:
    touched = Counter(row["text"] for row in ROWS if not row["spans"] and find(row["text"]))
    assert len(touched) / sum(not row["spans"] for row in ROWS) <= 0.01, touched


def test_nothing_else_is_taken_beside_it() -> None:
    extra = [
        (row["text"], row["text"][start:end])
        for row in ROWS
        for kind, start, end in predict_spans(row["text"])
        if not any(span["type"] == kind and span["start"] < end and start < span["end"] for span in row["spans"])
    ]
    assert extra == []
