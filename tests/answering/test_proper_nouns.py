"""Which words name one person, place or thing, and which name a kind of things."""

import pytest

from bot.answering.proper_nouns import proper_nouns


@pytest.mark.parametrize("name", ["张艺谋", "江苏", "奥鲁·巴桑", "陈大文", "北京大学"])
def test_a_name(name: str) -> None:
    assert proper_nouns().is_name(name)


@pytest.mark.parametrize("words", ["黄色", "乒乓球", "和张艺谋", "三十分钟"])
def test_no_name(words: str) -> None:
    assert not proper_nouns().is_name(words)


def test_people_and_places_have_three_characters_or_more() -> None:
    assert proper_nouns().people_and_places("张艺谋在呼和浩特和北京") == ["张艺谋", "呼和浩特"]


def test_words_and_what_they_are() -> None:
    known = proper_nouns()
    assert (known.is_word("庆大霉素"), known.is_word("庆大毒素")) == (True, False)
    assert (known.is_noun("红枣"), known.names_something("江苏"), known.names_something("收购")) == (True, True, False)
    assert (known.builds_clauses("叫"), known.builds_clauses("和"), known.builds_clauses("胺")) == (True, True, False)
