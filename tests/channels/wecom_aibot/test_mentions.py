"""Whose name stays in a text and whose goes: the robot's is part of the envelope, other people's of the question."""

import pytest

from channels.wecom_aibot.mentions import without_robot
from tests.channels.wecom_aibot.callbacks import channel_of, message_in, payload

NAMES = ("影像助手", "Imaging", "Imaging Bot", "影像")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@影像助手 碘克沙醇？", "碘克沙醇？"),
        ("@影像助手\u2005碘克沙醇？", "碘克沙醇？"),
        ("@影像助手\n碘克沙醇？", "碘克沙醇？"),
        ("  @影像助手  碘克沙醇？ ", "碘克沙醇？ "),
        ("@影像助手", ""),
        ("@影像助手 ", ""),
        ("@Imaging Bot what is it", "what is it"),
        ("@Imaging what is it", "what is it"),
        ("@影像 a", "a"),
        ("@影像助手 @影像助手 a", "a"),
        ("@影像助手 @李娜 问一下", "@李娜 问一下"),
        ("@李娜 @影像助手 问一下", "@李娜 问一下"),
        ("@李娜\u2005@影像助手\u2005@王芳 问一下", "@李娜\u2005@王芳 问一下"),
        ("@影像助手 写信给 a@b.example", "写信给 a@b.example"),
    ],
)
def test_the_robot_is_taken_out_of_the_front_by_its_name(text: str, expected: str) -> None:
    assert without_robot(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@RobotA hello robot", "hello robot"),
        ("@RobotA\u2005hello", "hello"),
        ("@RobotA", ""),
        ("@影像助手2 在吗", "在吗"),
        ("@RobotA 写信给 zhang.wei@b.example", "写信给 zhang.wei@b.example"),
    ],
)
def test_an_only_mention_at_the_front_is_the_robot_by_another_name(text: str, expected: str) -> None:
    assert without_robot(text, NAMES) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@RobotA @李娜 问一下",
        "@RobotA 请 @李娜 看",
        "请 @影像助手 看",
        "请 @RobotA 看",
        "邮箱 a@b.example",
        "a@b.example",
        "@ 三点",
        "@",
        "",
        "  碘克沙醇？",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert without_robot(text, NAMES) == text


def test_no_known_name_is_no_name() -> None:
    assert without_robot("@RobotA @李娜 a", ("", "")) == "@RobotA @李娜 a"


def test_a_name_is_no_pattern() -> None:
    assert without_robot("@Bot(1.0)+ @李娜 a", ("Bot(1.0)+",)) == "@李娜 a"
    assert without_robot("@BotX @李娜 a", ("Bot.",)) == "@BotX @李娜 a"


def test_the_channel_knows_the_display_name_and_the_name_of_the_bot() -> None:
    renamed = channel_of(display_name="Dr Robot")
    for name in ("Dr Robot", "影像助手"):
        asked = payload("text_group") | {"text": {"content": f"@{name} @李娜 问一下"}}
        assert message_in(asked, renamed).text == "@李娜 问一下"


def test_a_single_chat_has_no_mention_to_strip() -> None:
    assert message_in(payload("text_single")).text == "@影像助手 和 @李娜 你们好"
