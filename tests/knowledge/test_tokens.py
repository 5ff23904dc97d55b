"""Terms: what a text is cut into, and what a question loses."""

import pytest

from bot.knowledge.opening import make_tokenizer
from bot.knowledge.tokens import MAX_CHARACTERS, Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("高血压患者能停药吗", ["高血压", "患者", "能", "停药", "吗"]),
        ("ＢＭ２５与Ｔ１加权像", ["bm25", "与", "t1", "加权", "像"]),
        ("注射0.5ml，3次", ["注射", "0.5ml", "3", "次"]),
        ("TiDB-Server v5.4.0", ["tidb-server", "tidb", "server", "v5.4.0", "v5", "4", "0"]),
        ("What's the dose?", ["what's", "what", "s", "the", "dose"]),
        ("……！？ \n", []),
        ("", []),
    ],
)
def test_words_are_whole_and_folded(tokenizer: Tokenizer, text: str, words: list[str]) -> None:
    assert tokenizer.words(text) == words


def test_terms_add_the_bigrams_of_chinese_runs_and_other_words_once_more(tokenizer: Tokenizer) -> None:
    assert sorted(tokenizer.terms("胃炎ab痛")) == sorted(["胃炎", "胃炎", "ab", "ab", "痛"])
    assert set(tokenizer.terms("葡萄糖")) == {"葡萄糖", "葡萄", "萄糖"}


def test_a_question_loses_politeness_and_stop_words_but_keeps_its_bigrams(tokenizer: Tokenizer) -> None:
    assert tokenizer.query_words("您好，请问胃炎怎么办？谢谢") == ["胃炎"]
    assert "炎怎" in tokenizer.query_terms("请问胃炎怎么办")
    assert "怎么办" not in tokenizer.query_terms("请问胃炎怎么办")


def test_a_question_of_stop_words_alone_keeps_them(tokenizer: Tokenizer) -> None:
    assert tokenizer.query_words("怎么办") == ["怎么办"]
    assert tokenizer.query_terms("谢谢")


def test_what_lies_beyond_the_bound_is_not_read(tokenizer: Tokenizer) -> None:
    assert "胃炎" not in tokenizer.words("a " * MAX_CHARACTERS + "胃炎")
    assert len(tokenizer.terms("药" * (10 * MAX_CHARACTERS))) < 2 * MAX_CHARACTERS


def test_rare_and_broken_characters_pass(tokenizer: Tokenizer) -> None:
    assert tokenizer.words("𠮷野家") == ["𠮷", "野", "家"]
    assert tokenizer.terms("\ud800胃炎\0") == ["胃炎", "胃炎"]
