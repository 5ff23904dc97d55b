"""Metrics against values worked out by hand."""

import math

import pytest

from bot.evaluation.metrics import auc, ndcg_at, recall_at, reciprocal_rank, refused_at_kept

RANKING = ["a", "b", "c", "d"]


def test_ranking_metrics() -> None:
    assert (recall_at(RANKING, {"b", "x"}, 1), recall_at(RANKING, {"b", "x"}, 2)) == (0.0, 1.0)
    assert reciprocal_rank(RANKING, {"c", "d"}, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, {"c"}, 2) == 0.0
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_at(RANKING, {"a", "c"}, 10) == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert ndcg_at(RANKING, set(), 10) == 0.0


def test_auc_counts_pairs_and_half_of_ties() -> None:
    assert auc([3, 2], [1, 2]) == pytest.approx(3.5 / 4)
    assert auc([1], [2]) == 0.0
    assert auc([], [1]) is None


def test_refused_at_kept_keeps_at_least_the_share() -> None:
    answerable = [n / 10 for n in range(1, 11)]
    assert refused_at_kept(answerable, [0.05, 0.1, 0.15, 0.9], 0.9) == pytest.approx(3 / 4)
    assert refused_at_kept(answerable, [0.05, 0.1], 1.0) == pytest.approx(1 / 2)
    assert refused_at_kept([0.5, 0.5], [0.5], 0.95) == 0.0
    assert refused_at_kept([1.0], [], 0.95) is None
