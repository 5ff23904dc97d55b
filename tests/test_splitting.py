"""Long texts are cut where a reader would, and every byte limit holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.splitting import split_text

NUMBER = re.compile(r"^（\d+/\d+）\n")


def unnumbered(pieces: list[str]) -> str:
    return "".join(NUMBER.sub("", piece) for piece in pieces)


def test_a_short_text_stays_as_it_is() -> None:
    assert split_text("影像学院的课程表见附件。", 2048) == ["影像学院的课程表见附件。"]


def test_exactly_the_limit_is_one_piece_and_one_byte_more_is_two() -> None:
    assert len(split_text("a" * 2048, 2048)) == 1
    assert len(split_text("a" * 2049, 2048)) == 2


@pytest.mark.parametrize(
    ("border", "text"),
    [
        ("paragraph", "第一段。" * 8 + "\n\n" + "第二段。" * 8),
        ("line", "第一行，" * 8 + "\n" + "第二行，" * 8),
        ("sentence", "甲" * 30 + "。" + "乙" * 30),
        ("closing quote", "他说“" + "甲" * 28 + "。”" + "乙" * 30),
        ("clause", "甲" * 30 + "，" + "乙" * 30),
    ],
)
def test_the_cut_falls_on_the_border(border: str, text: str) -> None:
    first, second = split_text(text, 140)
    assert first.startswith("（1/2）\n")
    assert second.startswith("（2/2）\n")
    if border == "closing quote":
        assert first.endswith("。”")
    elif border == "paragraph":
        assert first.endswith("第一段。")
        assert unnumbered([second]).startswith("第二段")
    elif border == "line":
        assert unnumbered([second]).startswith("第二行")
    else:
        assert unnumbered([second]).startswith("乙")


def test_an_emoji_sequence_is_not_torn() -> None:
    family = "👩‍👩‍👧"
    for piece in split_text(family * 40, 200):
        assert unnumbered([piece]).count("👩") % 2 == 0


@given(st.text(min_size=1, max_size=3000), st.integers(min_value=60, max_value=400))
def test_every_piece_fits_and_no_character_is_lost(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(len(piece.encode(errors="surrogatepass")) <= limit for piece in pieces)
    if len(pieces) > 1:
        assert "".join(unnumbered(pieces).split()) == "".join(text.split())


def test_a_limit_without_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least"):
        split_text("文字", 20)
