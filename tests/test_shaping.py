"""Words as parts: in as many messages as a channel lets a reply have, and menus where there are menus."""

from dataclasses import replace

import pytest

from bot.channel import Limits
from bot.parts import Menu, MenuLimits, Stream, Text, words_of
from bot.shaping import parts_of

MANY = Limits(text_bytes=300, markdown_bytes=300, send_timeout_s=1.0, pushes=True)
FEW = replace(MANY, reply_messages=2, menu=MenuLimits(text_bytes=100, choice_bytes=30, choices=2))
LONG = "".join(f"第{number}句话说的是一件事。" for number in range(60))
URL = "https://bot.example.com/answer/" + "a" * 56


def continued() -> str:
    return f"全文：{URL}"


def test_what_fits_is_said_whole() -> None:
    assert parts_of("短", FEW, continued=continued) == (Text("短"),)


def test_a_channel_without_a_bound_says_all() -> None:
    parts = parts_of(LONG, MANY, continued=continued)
    assert len(parts) > 2
    assert "第59句" in words_of(parts[-1])


@pytest.mark.parametrize("messages", [1, 2, 3, 5])
def test_a_long_reply_is_cut_to_what_is_let_through_and_the_rest_linked(messages: int) -> None:
    limits = replace(FEW, reply_messages=messages)
    parts = parts_of(LONG, limits, label="AI 生成", continued=continued)
    words = [words_of(part) for part in parts]
    assert 1 <= len(parts) <= messages
    assert all(len(text.encode()) <= 300 for text in words)
    assert URL in words[-1], "the link is in one piece"
    assert all(text.endswith("AI 生成") for text in words)
    assert "第0句" in words[0]
    assert len("".join(words).encode()) > messages * 300 * 0.4, "the room is used"


def test_what_is_no_answer_is_never_cut() -> None:
    """A human's words have no page."""
    assert "第59句" in words_of(parts_of(LONG, FEW)[-1])


def test_near_questions_become_a_menu() -> None:
    text = "没有依据。\n您想问的也许是：\n· 禁食多久\n· 能否喝水\n如需人工，请回复。"
    (menu,) = parts_of(text, FEW, choices=("禁食多久", "能否喝水"))
    assert menu == Menu("没有依据。\n您想问的也许是：\n如需人工，请回复。", ("禁食多久", "能否喝水"))


@pytest.mark.parametrize("choices", [("一", "二", "三"), ("长" * 11,)], ids=["too many", "too long"])
def test_what_no_menu_holds_stays_text(choices: tuple[str, ...]) -> None:
    text = "\n".join(f"· {choice}" for choice in choices)
    assert parts_of(text, FEW, choices=choices) == (Text(text),)
    assert parts_of(text, MANY, choices=choices) == (Text(text),)


def test_a_bubble_takes_the_first_piece() -> None:
    first, *others = parts_of(LONG, MANY, stream_id="s1")
    assert isinstance(first, Stream)
    assert all(isinstance(part, Text) for part in others)
