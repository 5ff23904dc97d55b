"""The cross-encoder with its real weights, and when it is asked."""

import math
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bot.errors import KnowledgeError
from bot.knowledge.cross_encoder import CrossEncoder
from bot.knowledge.e5_weights import E5Weights
from bot.knowledge.embedder import wheel_folder
from bot.knowledge.reading_check import ReadingCheck, combined

ON_THE_SUBJECT = [
    # question, a text that answers, a text on the same subject that does not; all of it is invented
    (
        "示影灵的常用剂量是多少？",
        "成人静脉注射示影灵，常用剂量为每公斤体重零点二毫升。",
        "示影灵为无色至淡黄色的澄明液体，每瓶一百毫升，应避光保存。",
    ),
    (
        "影像学院的报名截止到哪一天？",
        "影像学院本期课程的报名截止日期为九月三十日。",
        "影像学院本期课程共十二讲，由多位教授主讲，线上线下同时进行。",
    ),
    (
        "学分证书由谁颁发？",
        "结业后，学分证书由学院的教务处统一颁发。",
        "学分证书可以在个人中心查看，分为一类和二类两种。",
    ),
]


@pytest.fixture(scope="module")
def weights() -> E5Weights:
    return E5Weights(wheel_folder() / "e5-small-q4.bin")


@pytest.fixture(scope="module")
def encoder(weights: E5Weights, tmp_path_factory: pytest.TempPathFactory) -> CrossEncoder:
    return CrossEncoder(weights, tmp_path_factory.mktemp("graphs"))


@pytest.mark.parametrize(("question", "answer", "other"), ON_THE_SUBJECT)
def test_a_text_that_answers_scores_above_one_on_the_same_subject(
    encoder: CrossEncoder, question: str, answer: str, other: str
) -> None:
    assert encoder.score(question, answer) > encoder.score(question, other)


def test_texts_of_any_length_are_read(encoder: CrossEncoder) -> None:
    for question, text in (("", ""), ("？" * 5_000, "。" * 5_000), ("在吗", "🙂" * 3_000), ("a", "b" * 30_000)):
        assert math.isfinite(encoder.score(question, text))


def test_what_no_text_has_is_read_as_something_else(encoder: CrossEncoder) -> None:
    assert math.isfinite(encoder.score("预约\ud800吗", "可以\udfff预约\0"))


def test_a_damaged_adapter_says_what_to_do(weights: E5Weights, tmp_path: Path) -> None:
    damaged = tmp_path / "adapter.npz"
    damaged.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(KnowledgeError, match="install again"):
        CrossEncoder(weights, tmp_path, damaged)


def test_an_unsure_chance_is_looked_at_once_more(encoder: CrossEncoder) -> None:
    question, answer, other = ON_THE_SUBJECT[0]
    check = ReadingCheck(lambda: encoder)
    assert check.chance(question, answer, 0.5) > check.chance(question, other, 0.5)


def test_nobody_waits_where_the_search_is_sure() -> None:
    def load() -> CrossEncoder:
        raise AssertionError("not to be loaded")

    check = ReadingCheck(load)
    assert [check.chance("问题", "文字", chance) for chance in (0.0, 0.001, 0.999, 1.0)] == [0.0, 0.001, 0.999, 1.0]


@pytest.mark.parametrize("error", [OSError("no space"), KnowledgeError("no engine")])
def test_where_it_cannot_be_loaded_the_search_alone_counts(error: Exception) -> None:
    tries = 0

    def load() -> CrossEncoder:
        nonlocal tries
        tries += 1
        raise error

    before = _degraded()
    check = ReadingCheck(load)
    assert [check.chance("问题", "文字", 0.5) for _ in range(3)] == [0.5, 0.5, 0.5]
    assert tries == 1
    assert _degraded() == before + 1


def _degraded() -> float:
    return REGISTRY.get_sample_value("bot_degraded_total", {"what": "reading_check"}) or 0.0


def test_a_higher_score_and_a_higher_chance_give_a_higher_chance() -> None:
    chances = [[combined(chance, score, 0.8, 0.5, 0.1) for score in (-3.0, 0.0, 3.0)] for chance in (0.2, 0.5, 0.8)]
    assert all(row == sorted(row) for row in chances)
    assert all(list(column) == sorted(column) for column in zip(*chances, strict=True))
    assert all(0 < chance < 1 for row in chances for chance in row)
