"""What the pictures of a run are drawn from."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.evaluation.metrics import interval
from bot.golden.judging import Fault, Outcome
from bot.golden.pictures import bins, calibration_error, curve, draw, summary
from bot.texts import Texts


def outcome(confidence: float, *, right: bool, kind: str = "faq", fault: Fault | None = None) -> Outcome:
    return Outcome(id="q", question="q", kind=kind, confidence=confidence, first_right=right, fault=fault)


OUTCOMES = [
    outcome(0.9, right=True),
    outcome(0.9, right=True),
    outcome(0.6, right=False, fault=Fault.FACT),
    outcome(0.1, right=False, kind="refusal"),
]


def test_the_surest_are_answered_first_and_equals_together() -> None:
    assert curve(OUTCOMES) == [(0.5, 1.0), (0.75, pytest.approx(2 / 3)), (1.0, 0.5)]


def test_a_confidence_is_compared_with_what_came_of_it() -> None:
    assert [len(each) for each in bins([*OUTCOMES, outcome(1.0, right=True)])] == [1, 0, 0, 1, 3]
    assert calibration_error(OUTCOMES) == pytest.approx((2 * 0.1 + 0.6 + 0.1) / 4)


@pytest.mark.parametrize(("right", "n", "ends"), [(0, 4, (0.0, 0.49)), (9, 10, (0.596, 0.982)), (4, 4, (0.51, 1.0))])
def test_the_interval_of_a_share(right: int, n: int, ends: tuple[float, float]) -> None:
    assert interval(right, n) == pytest.approx(ends, abs=0.001)


def test_what_is_said_of_them() -> None:
    said = summary([*OUTCOMES, outcome(0.5, right=True, kind="refusal", fault=Fault.REFUSED)], Texts(), "en")
    assert "5 golden questions: 3 as expected. 3 answered, 2 of them rightly; 1 of the 1 that must be refused" in said
    assert "1 that could be answered were refused" in said


def test_the_pictures_are_svg_in_both_languages(tmp_path: Path) -> None:
    written = draw(OUTCOMES, tmp_path / "new")
    pictures = [path for path in written if path.suffix == ".svg"]
    assert len(pictures) == 4
    assert all(ElementTree.parse(path).getroot().tag.endswith("svg") for path in pictures)  # noqa: S314 - our own
    assert "准确率" in (tmp_path / "new/accuracy-coverage.zh.svg").read_text(encoding="utf-8")
