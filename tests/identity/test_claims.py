"""What people say of themselves is noticed; that it is never believed is tested with the pipeline."""

import pytest

from bot.identity.claims import claims_to_be_professional
from bot.identity.codes import code_in, digest_of, new_code, without_codes


@pytest.mark.parametrize(
    "text",
    [
        "我是医生",
        "我是一名放射科医生，想问剂量",
        "您好，本人是示例医院的主任医师",
        "我是示例医院影像科的护士",
        "我是药师。",
        "我真的是医生",
        "I am a doctor",
        "I'm a board certified radiologist, what is the dose?",
    ],
)
def test_who_says_that_they_are_a_professional_is_noticed(text: str) -> None:
    assert claims_to_be_professional(text)


@pytest.mark.parametrize(
    "text",
    [
        "医生说要禁食多久？",
        "我是不是该看医生",
        "我是医生的病人",
        "我想问医生",
        "我是病人，医生让我做增强CT",
        "我是来看医生的",
        "I am a doctor's patient",
        "I am asking my doctor",
    ],
)
def test_who_only_speaks_of_one_is_not(text: str) -> None:
    assert not claims_to_be_professional(text)


def test_a_code_is_found_in_a_whole_message_however_it_is_typed() -> None:
    code = new_code()
    for text in (
        f"绑定 {code}",
        f"绑定{code.lower()}",
        f"验证：{code.replace('-', '')}",
        f" verify {code}\n",
        f"BIND: {code}",
    ):
        found = code_in(text)
        assert found is not None, text
        assert digest_of(found) == digest_of(code)


@pytest.mark.parametrize(
    "text", ["绑定", "怎么绑定", "绑定手机号", "绑定 ABCD-EFGH", "绑定 ABCD-EFGH-IJKL-MNOP 谢谢", "绑定" + "A" * 99]
)
def test_what_is_no_code_is_a_question(text: str) -> None:
    assert code_in(text) is None


def test_no_code_is_kept_with_what_was_said() -> None:
    code = "ABCD-EFGH-IJKL-MN23"
    for said, kept in (
        (f"绑定 {code}", "绑定 …"),
        (f"/verify {code.lower()}", "/verify …"),
        (f"我的验证码是{code}，谢谢", "我的验证码是…,谢谢"),
        (f"绑定{code.replace('-', ' ')}吗", "绑定…吗"),
        ("绑定 " + "".join(chr(ord(each) + 0xFEE0) for each in code), "绑定 …"),
    ):
        assert without_codes(said) == kept


@pytest.mark.parametrize(
    "text",
    [
        "增强CT前要禁食多久？",
        "绑定手机号",
        "6f0d7c3e-9a55-5d0b-8a2e-3c1f6f4f2b71",
        "ＣＴ：怎么约？",
        "what-ever-this-is12",
    ],
)
def test_other_words_are_kept_as_they_are(text: str) -> None:
    assert without_codes(text) == text


def test_no_two_codes_are_the_same() -> None:
    assert len({new_code() for _ in range(1000)}) == 1000
    assert digest_of("ABCD") == ""
