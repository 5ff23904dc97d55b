"""Masking a conversation and putting the values back."""

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.safety.personal_data import Masker, find, value_key
from bot.safety.personal_data.placeholders import PLACEHOLDER
from tests.effort import grows_linearly
from tests.safety.personal_data import made_up
from tests.safety.personal_data.test_labelled import ROWS

KEY = b"0123456789abcdef"

WORDS = st.sampled_from(
    [
        "患者",
        "我叫",
        "电话",
        "，",
        "。",
        " ",
        "\n",
        "身份证号",
        "卡号",
        "地址",
        "收",
        "的报告",
        "、",
        "100 ml",
        "王医生",
        "〔",
        "〕",
        "（",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["王芳", "李国强", "欧阳雪", "zhang.wei@example.cn", "沪A·8K2D6", "wxid_a4gcc1ag52", "文三路478号2单元301"]
    ),
    st.randoms(use_true_random=False).map(made_up.phone),
    st.randoms(use_true_random=False).map(made_up.id_card),
    st.randoms(use_true_random=False).map(made_up.bank_card),
)
TEXTS = st.lists(st.one_of(WORDS, VALUES, st.text(max_size=6)), max_size=14).map("".join)


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_masking_a_masked_text_changes_nothing_and_leaves_nothing_to_find(text: str) -> None:
    masker = Masker(KEY)
    masked = masker.mask(text)
    assert masker.mask(masked) == masked
    assert Masker(KEY).mask(masked) == masked
    assert find(masked) == []


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_what_was_masked_comes_back(text: str) -> None:
    masker = Masker(KEY)
    back = masker.unmask(masker.mask(text))
    assert value_key(back) == value_key(text)
    written = {text[span.start : span.end] for span in find(text)}
    if len(set(map(value_key, written))) == len(written):  # each value in one spelling
        assert back == text


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_no_value_that_was_found_is_left(text: str) -> None:
    left = PLACEHOLDER.sub("\n", Masker(KEY).mask(text))
    for span in find(text):
        value = re.escape(text[span.start : span.end])
        assert not re.search(f"(?<![0-9A-Za-z]){value}(?![0-9A-Za-z])", left)


def test_a_thousand_values_in_prompts_leave_none_behind() -> None:
    chance = random.Random(5)
    makers = (made_up.id_card, made_up.bank_card, made_up.phone)
    for _ in range(1000):
        value = chance.choice(makers)(chance)
        masked = Masker(KEY).mask(f"用户说：{value}，帮我查一下\n历史：{value}没有查到")
        assert value not in masked
        assert masked.count("1〕") == 2


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["group"] in {"clinic", "ocr"}], ids=lambda row: str(row["id"])
)
def test_a_message_of_the_trade_comes_back_as_it_was(row: dict[str, str]) -> None:
    masker = Masker(KEY)
    assert masker.unmask(masker.mask(row["text"])) == row["text"]


def test_placeholders_say_the_kind_and_count_by_kind() -> None:
    masker = Masker(KEY)
    text = "患者张伟民，男，电话13800138000或13900139000，用了碘克沙醇100 ml"
    assert masker.mask(text) == "患者〔姓名1〕，男，电话〔手机号1〕或〔手机号2〕，用了碘克沙醇100 ml"


def test_one_number_in_two_spellings_is_one_placeholder() -> None:
    assert Masker(KEY).mask("138 0013 8000就是+86-13800138000") == "〔手机号1〕就是〔手机号1〕"


def test_the_next_turn_goes_on_from_what_is_known_and_no_value_is_in_it() -> None:
    first = Masker(KEY)
    first.mask("我叫王芳，电话13800138000")
    stored = json.dumps(first.known)
    assert "13800138000" not in stored
    assert "王芳" not in stored
    second = Masker(KEY, json.loads(stored))
    assert second.mask("那个王芳打过13900139000和13800138000") == "那个〔姓名1〕打过〔手机号2〕和〔手机号1〕"
    assert second.unmask("〔手机号1〕〔手机号2〕") == "1380013800013900139000"


def test_another_key_makes_other_digests() -> None:
    one, other = Masker(KEY), Masker(KEY[::-1])
    one.mask("13800138000")
    other.mask("13800138000")
    assert one.known.keys().isdisjoint(other.known)


def test_a_name_found_once_is_masked_wherever_it_stands() -> None:
    assert (
        Masker(KEY).mask("我叫王芳。王芳今天不去了，把王芳那份给别人")
        == "我叫〔姓名1〕。〔姓名1〕今天不去了，把〔姓名1〕那份给别人"
    )


def test_a_number_told_by_a_word_once_is_masked_wherever_it_stands() -> None:
    assert Masker(KEY).mask("住院号12345678的片子在吗，12345678") == "住院号〔就诊编号1〕的片子在吗，〔就诊编号1〕"


def test_a_placeholder_that_somebody_typed_is_no_way_to_a_value() -> None:
    masker = Masker(KEY)
    masked = masker.mask("〔手机号1〕是谁的？我的是13800138000")
    assert masked == "〔手机号1〕是谁的？我的是〔手机号2〕"
    assert masker.unmask(masked) == "〔手机号1〕是谁的？我的是13800138000"


def test_a_model_may_write_a_placeholder_with_other_brackets() -> None:
    masker = Masker(KEY)
    masker.mask("电话13800138000")
    assert (
        masker.unmask("请拨打[手机号1]或【手机号 1】，〔手机号9〕不知道")
        == "请拨打13800138000或13800138000，〔手机号9〕不知道"
    )


@pytest.mark.parametrize("written", ["{手机号1}", "<手机号1>", "「手机号1」", "《手机号１》", "〔手机号 01〕"])
def test_brackets_and_digits_of_any_kind_come_back(written: str) -> None:
    masker = Masker(KEY)
    masker.mask("电话13800138000")
    assert masker.unmask(f"请拨打{written}。") == "请拨打13800138000。"


@pytest.mark.parametrize(
    "said", ["〔手机号9〕", "〔手机号1", "手机号1〕", "〔手机号一〕", "〔手機號1〕", "(手机号2", "1〕。", "您的手机号1"]
)
def test_what_is_left_of_a_placeholder_is_noticed(said: str) -> None:
    masker = Masker(KEY)
    masker.mask("电话13800138000")
    assert masker.is_left_in(f"{said}")


@pytest.mark.parametrize(
    "said", ["国办发〔2020〕53号", "请填写【手机号】", "手机号（11位）", "手机号12位不对", "姓名1、姓名2各填", "[1]"]
)
def test_ordinary_words_are_no_placeholder(said: str) -> None:
    masker = Masker(KEY)
    masker.mask("电话13800138000")
    assert not masker.is_left_in(said)


def test_values_of_an_earlier_turn_come_back_only_when_they_were_kept() -> None:
    first = Masker(KEY)
    first.mask("电话13800138000")
    assert Masker(KEY, first.known).unmask("〔手机号1〕") == "〔手机号1〕"
    assert Masker(KEY, first.known, values=first.values).unmask("〔手机号1〕") == "13800138000"


def test_the_companys_own_number_stays() -> None:
    assert Masker(KEY, allowed=["021-58889999"]).mask("请致电(021)58889999") == "请致电(021)58889999"


@pytest.mark.parametrize("key", [b"short", b"x" * 65])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Masker(key)


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "9",
        "6 ",
        "1-",
        "1.",
        "a",
        "@a.",
        "患者",
        "王",
        "患者张伟、",
        "路3号",
        "上海市中山路",
        "一二三",
        "9A",
        "O0",
        " ",
        "〔手机号1〕",
        "我叫王芳，",
    ],
)
def test_masking_takes_linear_time(unit: str) -> None:
    assert grows_linearly(lambda length: Masker(KEY).mask((unit * length)[:length]), 1_250)
