"""An operator's own words are found in any spelling, and Latin ones not inside others."""

from bot.safety.words import SensitiveWords
from tests.effort import costs_about_the_same


def test_words_are_found_whatever_stands_between_their_characters() -> None:
    words = SensitiveWords(["违禁品", "小道消息"])
    for text in ("有违禁品", "違禁品", "违*禁*品", "违 禁\n品", "违\u200b禁品", "违.禁.品？"):
        assert words.find(text) == ("违禁品",)


def test_latin_words_count_whole() -> None:
    words = SensitiveWords(["ICE", "k粉"])
    assert words.find("device and ice") == ("ICE",)
    assert words.find("DEVICE") == ()
    assert words.find("i c e") == ()
    assert words.find("Ｋ粉") == ("k粉",)


def test_words_that_overlap_are_all_found_once() -> None:
    assert set(SensitiveWords(["内幕", "内幕消息"]).find("内幕消息，还是内幕消息")) == {"内幕", "内幕消息"}


def test_blank_words_and_an_empty_list_find_nothing() -> None:
    assert SensitiveWords(["", "  ", "*"]).find("任何内容 * ") == ()
    assert SensitiveWords([]).find("任何内容") == ()


def test_ten_thousand_words_cost_no_more() -> None:
    many, few = (SensitiveWords(f"敏感词{number}号" for number in range(70, last)) for last in (10_070, 80))
    text = "这里有敏感词77号" * 2_000
    assert many.find(text) == ("敏感词77号",)
    assert costs_about_the_same(lambda: many.find(text), lambda: few.find(text))
