"""From which confidence to answer: what a threshold shows, and how one is found with and without labels."""

from collections.abc import Sequence

import pytest

from bot.evaluation.thresholds import ENOUGH, for_precision, kept_at, label_free, needed

JUDGED = [(0.9, True), (0.8, True), (0.7, False), (0.6, True), (0.2, False), (0.1, True)]


def test_what_a_threshold_shows_and_keeps() -> None:
    kept = kept_at(JUDGED, 0.7)
    assert (kept.shown, kept.right, kept.right_firsts) == (3, 2, 4)
    assert kept.precision == pytest.approx(2 / 3)
    assert kept.kept == 0.5
    nothing = kept_at(JUDGED, 0.95)
    assert (nothing.precision, nothing.proven, nothing.kept) == (None, None, 0.0)
    assert kept_at([(0.5, False)], 0.4).kept is None


@pytest.mark.parametrize(("precision", "threshold"), [(0.7, 0.21), (0.75, 0.21), (0.95, 0.71)])
def test_the_lowest_threshold_that_reaches_a_precision(precision: float, threshold: float) -> None:
    found = for_precision(JUDGED, precision)
    assert found is not None
    assert found.threshold == threshold


def test_no_threshold_where_even_the_surest_is_wrong() -> None:
    assert for_precision([(0.9, False), (0.8, False)], 0.6) is None


@pytest.mark.parametrize(("precision", "answers"), [(0.95, 73), (0.5, 4), (0.9, 35)])
def test_a_precision_is_proven_by_so_many_right_answers_and_no_fewer(precision: float, answers: int) -> None:
    assert needed(precision) == answers
    right = [(0.9, True)] * answers
    assert for_precision(right, precision, proven=True) is not None
    assert for_precision(right[1:], precision, proven=True) is None
    assert for_precision(right[1:], precision) is not None


@pytest.mark.parametrize(
    ("as_is", "masked", "threshold", "shares"),
    [
        ([0.8, 0.9, 0.7, 0.6], [0.1, 0.2, 0.3, 0.2], 0.45, (1.0, 0.0)),
        ([0.8, 0.9, 0.7, 0.1], [0.1, 0.65, 0.3, 0.05], 0.68, (0.75, 0.0)),
        ([0.5], [0.5], 0.5, (1.0, 1.0)),
    ],
    ids=["apart", "one has no answer", "nothing to tell"],
)
def test_without_labels_the_shares_shown_differ_most(
    as_is: Sequence[float], masked: Sequence[float], threshold: float, shares: tuple[float, float]
) -> None:
    found = label_free(as_is, masked)
    assert found is not None
    assert (found.threshold, (found.as_is, found.masked)) == (pytest.approx(threshold, abs=0.011), shares)
    assert (found.n, found.rough) == (len(as_is), True)


def test_few_questions_are_a_rough_guess_and_none_are_nothing() -> None:
    enough = label_free([0.9] * ENOUGH, [0.1] * ENOUGH)
    assert enough is not None
    assert not enough.rough
    assert label_free([], []) is None
