"""What a generated sentence must not say, and what an operator may set of it."""

import pytest
from pydantic import ValidationError

from bot.safety.conduct import Conduct
from bot.safety.wording import Wording

WORDING = Wording(Conduct(link_hosts=("docs.hospital.cn",)), "bot.example")


@pytest.mark.parametrize(
    "sentence",
    [
        "详见https://bot.example/source/x[1]。",
        "请访问docs.hospital.cn。",
        "见 https://www.docs.hospital.cn/a?b=1#c 。",
        "联系 help@elsewhere.com。",
        "渗透压为290 mOsm/kg，在1.5T下扫描[1][2]。",
        "并非绝对安全[1]。",
        "这不是“国家级”的说法。",
    ],
)
def test_ordinary_sentences_pass(sentence: str) -> None:
    assert WORDING.objection(sentence) == ""


@pytest.mark.parametrize(
    "sentence",
    [
        "详见 https://evil.com/x",
        "点evil.com领取",
        "https://bot.example@evil.com",
        "https://bot.example.evil.com/",
        "https://notbot.example/",
        "https://bot.example.zzz/",
        "ftp://1.2.3.4/x",
        "见 http://1.2.3.4:80",
        "HTTPS：／／ｅｖｉｌ．ｃｏｍ",
        "hxxps://evil[.]com",
        "https://例子.测试/",
    ],
)
def test_a_stranger_s_link_does_not(sentence: str) -> None:
    assert WORDING.objection(sentence) == "foreign_link"


@pytest.mark.parametrize(
    "sentence", ["<script>alert(1)</script>", "<a href='/x'>看", "![图](/x)", "[看](/x)", "javascript:alert(1)"]
)
def test_markup_does_not(sentence: str) -> None:
    assert WORDING.objection(sentence) == "markup"


def test_each_trade_has_its_claims() -> None:
    assert WORDING.objection("本产品稳赚不赔。") == ""
    assert Wording(Conduct(trade=("securities",)), "").objection("本产品稳赚不赔。") == "claim"
    assert Wording(Conduct(trade=()), "").objection("我是真人客服。") == "claim", "nobody poses as a person"


@pytest.mark.parametrize("label", ["AI生成", "（本内容由人工智能生成）", "AI-generated", "由AI合成"])
def test_a_label_names_ai_and_what_it_did(label: str) -> None:
    assert Conduct(ai_label=label).ai_label == label


@pytest.mark.parametrize("label", ["AI", "机器人", "生成", "本内容仅供参考"])
def test_another_label_is_refused(label: str) -> None:
    with pytest.raises(ValidationError):
        Conduct(ai_label=label)


@pytest.mark.parametrize("host", ["https://a.cn", "A.cn", "a.cn/", "*.a.cn", ""])
def test_a_host_is_a_host(host: str) -> None:
    with pytest.raises(ValidationError):
        Conduct(link_hosts=(host,))
