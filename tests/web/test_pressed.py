"""What a card says once it was pressed."""

import pytest

from bot.events import CardClick
from bot.feedback.words import pressed_label
from bot.texts import LANGUAGES, Language, Texts

TEXTS = Texts()
BUTTON_LENGTH = 10
"""Characters that fit on a button of WeCom (page 101032); a longer label would be cut."""


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("rate:useful:turn", "已记录：有用"),
        ("rate:useless:turn", "已记录：没用"),
        ("human:turn", "正在转人工"),
        ("ticket:7", "已收到"),
        ("rate:brand_new:turn", "已收到"),
        ("", "已收到"),
    ],
)
def test_each_press_has_its_label(key: str, label: str) -> None:
    assert pressed_label(CardClick(task_id="t", key=key), TEXTS, "zh") == label


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_fits_on_a_button(language: Language) -> None:
    for key in ("rate:useful:t", "rate:useless:t", "human:t", "ticket:7"):
        assert len(pressed_label(CardClick(task_id="t", key=key), TEXTS, language)) <= BUTTON_LENGTH
    assert len(TEXTS.say("card_busy", language)) <= BUTTON_LENGTH
