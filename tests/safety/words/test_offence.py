"""Abuse and hate are told from what customers ask."""

import pytest

from bot.safety.words import is_offensive, offensive_chance


@pytest.mark.parametrize(
    "text",
    [
        "你这个傻逼客服",
        "垃圾公司，骗子",
        "滚你妈的蛋，去死吧",
        "黑人都是懒鬼，滚出中国",
        "女人就是没脑子，头发长见识短",
        "fuck you",
    ],
)
def test_abuse_is_offensive(text: str) -> None:
    assert is_offensive(text)


@pytest.mark.parametrize(
    "text",
    [
        "碘海醇的渗透压是多少",
        "我对你们的服务很不满意，我要投诉",
        "患者骂我是智障，怎么处理",
        "智障儿童做磁共振需要镇静吗",
        "黑人患者的肌酐参考值一样吗",
        "女性患者检查前要验孕吗",
        "台湾地区有代理商吗",
        "What is the maximum dose of iohexol?",
    ],
)
def test_questions_and_complaints_are_not(text: str) -> None:
    assert not is_offensive(text)


def test_the_chance_is_one_for_a_plain_insult() -> None:
    assert offensive_chance("你个傻.逼") < offensive_chance("你个傻逼") == 1.0
