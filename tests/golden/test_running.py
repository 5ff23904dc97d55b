"""Asking golden questions side by side."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from bot.golden.questions import GoldenQuestion
from bot.golden.running import OutOfTime, run_questions

QUESTIONS = [GoldenQuestion(question=f"{n}？", must_refuse=True) for n in range(10)]


def refusal(question: GoldenQuestion) -> Mapping[str, Any]:
    return {
        "answer": "",
        "kind": "refusal",
        "citations": [],
        "confidence": int(question.question[0]) / 10,
        "first": None,
        "versions": {"model": "m"},
    }


def test_after_the_first_some_are_asked_at_once_and_told_in_their_order() -> None:
    together, another = threading.Barrier(3, timeout=10), threading.Event()

    def ask(question: GoldenQuestion) -> Mapping[str, Any]:
        if question is QUESTIONS[0]:
            assert not another.wait(0.1), "each would load what answers are made with"
        else:
            another.set()
            together.wait()  # goes on when three wait
        return refusal(question)

    told: list[tuple[int, int]] = []
    outcomes, versions = run_questions(QUESTIONS, ask, lambda *step: told.append(step), 1e12, at_once=3)
    assert [one.question for one in outcomes] == [one.question for one in QUESTIONS]
    assert told[-1] == (10, 10)
    assert versions == {"model": "m"}


@pytest.mark.parametrize("at_once", [1, 3])
def test_out_of_time_the_rest_is_not_asked(at_once: int) -> None:
    asked: list[str] = []
    enough = threading.Event()

    def ask(question: GoldenQuestion) -> Mapping[str, Any]:
        if asked:
            enough.wait(10)
        asked.append(question.question)
        return refusal(question)

    with pytest.raises(OutOfTime, match="only 1 of 10"):
        run_questions(QUESTIONS, ask, lambda *_: enough.set(), time.monotonic() - 1, at_once=at_once)
    assert len(asked) < len(QUESTIONS)
