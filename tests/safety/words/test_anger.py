"""Anger at the service is told from questions that use the same words. The list was written before the rules."""

from pathlib import Path

from bot.safety.rules import load_rules
from bot.safety.words import is_angry

ROWS = [line.split("\t") for line in Path(__file__).with_name("anger.tsv").read_text("utf-8").splitlines()]


def test_nearly_all_anger_is_heard_and_nearly_no_question_is_taken_for_it() -> None:
    found = {label: [text for kind, text in ROWS if kind == label and is_angry(text)] for label in ("angry", "calm")}
    sizes = {label: sum(kind == label for kind, _ in ROWS) for label in found}
    assert sizes == {"angry": 60, "calm": 60}
    missed = [text for kind, text in ROWS if kind == "angry" and text not in found["angry"]]
    assert len(missed) <= 4, missed
    assert len(found["calm"]) <= 1, found["calm"]


def test_every_rule_finds_something() -> None:
    for rule in load_rules("bot.safety.words", "anger.yaml"):
        assert any(rule.find(text.lower()) for _, text in ROWS), rule.id
