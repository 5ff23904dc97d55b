"""How well the screen does on labelled messages.

The floors are what was promised, not what was measured: docs/adverse-events.md has the figures, and those of each batch
before the rules had seen it. Neither rules nor weights were fitted to ``unseen.jsonl``: its figures tell what to expect
of wordings that nobody has thought of. Keep it so.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.safety.adverse_events import predict, screen

REPORTABLE = {"adverse", "special_situation"}
HERE = Path(__file__).parent


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


ROWS = rows_of("labelled.jsonl")
UNSEEN = rows_of("unseen.jsonl")


def test_nearly_everything_reportable_is_noticed() -> None:
    reportable = [row for row in ROWS if row["label"] in REPORTABLE]
    missed = [row["id"] for row in reportable if predict(row) not in REPORTABLE]
    assert len(missed) <= 0.02 * len(reportable), missed


def test_most_of_what_is_noticed_is_reportable() -> None:
    noticed = [row for row in ROWS if predict(row) in REPORTABLE]
    wrong = [row["id"] for row in noticed if row["label"] not in REPORTABLE]
    assert len(wrong) <= 0.1 * len(noticed), wrong


def test_a_question_about_listed_effects_is_seldom_taken_for_a_report() -> None:
    questions = [row for row in ROWS if row["label"] == "side_effect_question"]
    wrong = [row["id"] for row in questions if predict(row) in REPORTABLE]
    assert len(questions) > 100
    assert len(wrong) <= 0.05 * len(questions), wrong


@pytest.mark.parametrize("row", [row for row in ROWS if "serious" in row], ids=lambda row: row["id"])
def test_no_serious_case_is_missed(row: dict[str, Any]) -> None:
    screening = screen(row["messages"])
    assert screening.suspected
    assert row["serious"] in screening.serious


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in ROWS if "kind" in row}))
def test_special_situations_are_told_apart(kind: str) -> None:
    rows = [row for row in ROWS if row.get("kind") == kind]
    other = [row["id"] for row in rows if kind not in screen(row["messages"]).kinds]
    assert len(other) <= 0.2 * len(rows), other


def test_of_unseen_wordings_nine_in_ten_are_noticed() -> None:
    reportable = [row for row in UNSEEN if row["label"] in REPORTABLE]
    missed = [row["id"] for row in reportable if predict(row) not in REPORTABLE]
    assert len(reportable) > 300
    assert len(missed) <= 0.07 * len(reportable), missed


def test_of_unseen_wordings_most_of_what_is_noticed_is_reportable() -> None:
    noticed = [row for row in UNSEEN if predict(row) in REPORTABLE]
    wrong = [row["id"] for row in noticed if row["label"] not in REPORTABLE]
    assert len(wrong) <= 0.25 * len(noticed), wrong
