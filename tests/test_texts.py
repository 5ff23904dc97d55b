"""The sentences people read."""

import re
from pathlib import Path
from string import Formatter

import pytest

from bot.messages import MessageKind
from bot.texts import LANGUAGES, Language, Texts, language_of

TEXTS = Texts()


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_hold_the_same_sentences() -> None:
    zh, en = (TEXTS.sentences()[language] for language in LANGUAGES)
    assert list(zh) == list(en)
    assert {key: placeholders(text) for key, text in zh.items()} == {
        key: placeholders(text) for key, text in en.items()
    }
    assert all(text.strip() == text and text for text in [*zh.values(), *en.values()])


def test_each_file_is_in_its_language() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    assert [key for key, text in TEXTS.sentences()["en"].items() if chinese.search(text)] == []
    silent = {"source_line", "near_source_line"}  # nothing but placeholders
    assert {key for key, text in TEXTS.sentences()["zh"].items() if not chinese.search(text)} == silent


def test_every_sentence_is_said_somewhere_and_every_key_exists(repository: Path) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (repository / "bot").rglob("*.py"))
    said = set(re.findall(r'\.say\(\s*"(\w+)"', code)) | set(re.findall(r'InputError\("(\w+)"', code))
    known = set(TEXTS.sentences()["zh"])
    assert said <= known
    prefixes = tuple(re.findall(r'\.say\(\s*f"(\w+_){', code))
    assert [key for key in known if f'"{key}"' not in code and not key.startswith(prefixes)] == []


def test_every_kind_that_cannot_be_read_has_its_words() -> None:
    for kind in set(MessageKind) - {MessageKind.TEXT, MessageKind.EVENT}:
        assert TEXTS.say(f"unsupported_{kind.value}", "zh")


def test_a_value_is_never_read_as_a_placeholder() -> None:
    assert TEXTS.say("human_says", "zh", text="{ticket} {0}") == "人工客服：{ticket} {0}"


@pytest.mark.parametrize(("key", "values"), [("human_says", {}), ("no_such_sentence", {})])
def test_a_missing_value_or_sentence_is_a_mistake_of_ours(key: str, values: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        TEXTS.say(key, "zh", **values)


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("对比剂怎么用", "en", "zh"),
        ("How long does it take?", "zh", "en"),
        ("CT", "zh", "zh"),
        ("CT", "en", "en"),
        ("12.5?", "en", "en"),
        ("GE Omnipaque 350 和 Visipaque 320 区别", "en", "zh"),
        ("What is 示影灵 used for?", "zh", "en"),
        ("iodixanol 的渗透压", "en", "zh"),
        ("", "zh", "zh"),
    ],
)
def test_the_language_follows_the_sentence_and_not_the_names(text: str, default: Language, language: Language) -> None:
    assert language_of(text, default) == language
