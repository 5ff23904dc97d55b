"""Patterns are passed over only where they cannot match."""

import json
import re
from pathlib import Path

import pytest

from bot.safety.injection.views import views
from bot.safety.needed_pieces import most_telling, needed_pieces, pieces_of
from bot.safety.rules import load_rules

LABELLED = Path(__file__).with_name("injection") / "labelled.jsonl"
RULES = [("bot.safety.injection", "rules.yaml"), ("bot.safety.words", "notices.yaml")]


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("忽略", {"忽略"}),
        ("忽略之前", {"忽略之"}),
        ("ab|ac|b", {"ab", "ac", "b"}),
        ("(?:忽略|无视)[^。]{0,10}规则集", {"规则集"}),
        ("(?:忽略|无视)[^。]{0,10}规则", {"规则"}),
        ("x{2,}yz", {"yz"}),
        ("ab?c", {"ac", "abc"}),
        ("(?<!a)bc(?=d)", {"bc"}),
        ("^[ab]c$", {"ac", "bc"}),
    ],
)
def test_what_every_match_has(pattern: str, needed: set[str]) -> None:
    assert needed_pieces(re.compile(pattern)) == needed


@pytest.mark.parametrize("pattern", ["", "a*", "[^a]", r"\d", "a|", "a|.", r"(.)\1", "(?i:ab)", "[a-z]"])
def test_where_nothing_can_be_told_nothing_is(pattern: str) -> None:
    assert needed_pieces(re.compile(pattern)) is None


def test_letters_of_any_case_are_not_looked_for() -> None:
    assert needed_pieces(re.compile("ab", re.IGNORECASE)) is None


def test_pieces_have_one_to_three_letters() -> None:
    assert pieces_of("abcd") == {"a", "b", "c", "d", "ab", "bc", "cd", "abc", "bcd"}
    assert pieces_of("") == set()


def test_longer_pieces_tell_more_and_then_fewer() -> None:
    one, two, three = frozenset({"ab"}), frozenset({"abc", "abd"}), frozenset({"abc"})
    assert most_telling([None, one, two, three]) == three
    assert most_telling([None]) is None


@pytest.mark.parametrize(("package", "name"), RULES)
def test_no_rule_is_passed_over_that_would_find_something(package: str, name: str) -> None:
    rules, found = load_rules(package, name), 0
    for line in LABELLED.read_text("utf-8").splitlines():
        for view in views(json.loads(line)["text"]):
            tried = {rule.id for rule in rules.candidates(view.text)}
            finding = {rule.id for rule in rules if rule.find(view.text) is not None}
            assert finding <= tried
            found += len(finding)
    assert found > 0


def test_most_rules_are_passed_over() -> None:
    rules = load_rules("bot.safety.injection", "rules.yaml")
    assert len(rules.candidates("碘海醇增强检查前需要禁食几个小时")) < len(rules) / 5
