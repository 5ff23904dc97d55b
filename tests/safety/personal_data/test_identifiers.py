"""E-mail, accounts, plates, papers, records, dates of birth."""

import pytest

from bot.safety.personal_data import find


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("发到zhang.wei_1@mail.example.cn就行", "email", "zhang.wei_1@mail.example.cn"),
        ("邮箱 li @ hospital.org.cn", "email", "li @ hospital.org.cn"),
        ("邮箱lihua＠163.com", "email", "lihua＠163.com"),
        ("13800138000@163.com", "email", "13800138000@163.com"),
        ("加我微信wxid_a4gcc1ag52聊", "wechat", "wxid_a4gcc1ag52"),
        ("vx：dr_chen1988", "wechat", "dr_chen1988"),
        ("微信号是chenlixin", "wechat", "chenlixin"),
        ("我的QQ是2345678901", "qq", "2345678901"),
        ("车牌粤EKFXMX", "plate", "粤EKFXMX"),
        ("浙B·AW06H", "plate", "浙B·AW06H"),
        ("京AD12345在门口", "plate", "京AD12345"),
        ("护照EB8823445", "passport", "EB8823445"),
        ("护照号E0013770", "passport", "E0013770"),
        ("台胞证12345678", "passport", "12345678"),
        ("住院号：ZY0012345", "medical_record", "ZY0012345"),
        ("受试者编号S01-0861", "medical_record", "S01-0861"),
        ("MRN 1234567", "medical_record", "1234567"),
        ("执业证书编码110110000012345", "licence", "110110000012345"),
        ("我是药师,证书编号ZY00123456", "licence", "ZY00123456"),
        ("个体户信用代码92420106MA4KX1234X", "credit_code", "92420106MA4KX1234X"),
        ("邮箱:xiaoli#outlook.com", "email", "xiaoli#outlook.com"),
        ("发到zhao(at)sina.com", "email", "zhao(at)sina.com"),
        ("my WeChat ID is tomcat2019", "wechat", "tomcat2019"),
        ("微信搜wangxiaoming88", "wechat", "wangxiaoming88"),
        ("就诊卡0098123456找不到", "medical_record", "0098123456"),
        ("登录IP是203.0.113.57", "ip_address", "203.0.113.57"),
        ("八八年三月十五出生", "birth_date", "八八年三月十五"),
        ("生日是90年5月1号", "birth_date", "90年5月1号"),
        ("DOB 12/03/1979", "birth_date", "12/03/1979"),
        ("date of birth: March 5, 1988", "birth_date", "March 5, 1988"),
        ("来自223.104.3.57的登录", "ip_address", "223.104.3.57"),
        ("IP 2001:4860:4860:0:0:0:0:8888", "ip_address", "2001:4860:4860:0:0:0:0:8888"),
        ("出生日期：1962年11月5日", "birth_date", "1962年11月5日"),
        ("1956-07-21出生", "birth_date", "1956-07-21"),
        ("出生年月1990-05", "birth_date", "1990-05"),
    ],
)
def test_found(text: str, kind: str, value: str) -> None:
    assert [(span.type.value, text[span.start : span.end]) for span in find(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "hi @zhang.wei 看一下",
        "企业微信 WeCom2024 怎么登录",
        "[V: fill-in guide]",
        "from_msgid_4622416642169452483",
        "SET @v = YOUR_VERSION_STRING1",
        "QQ群123456789",
        "新CT2560到货了吗",
        "新MRI3000机房",
        "E12345678这个货号",
        "CT值从45HU升到138HU",
        "版本10.0.195.3803",
        "见说明书第4.2.1.3节",
        "设备IP是192.168.1.100",
        "1.2.840.113619.2.55.3.604688119",
        "生产日期2023年8月15日，有效期至2026年8月",
        "2024年3月15日用药，3月16日出现皮疹",
        "2024年1月1日生效",
        "统一社会信用代码91350100M000100Y43",
        "国药准字H20203456，注册证号H20150123",
    ],
)
def test_left_alone(text: str) -> None:
    assert find(text) == []


def test_the_code_of_a_sole_trader_names_a_person_and_that_of_a_company_does_not() -> None:
    assert [span.type for span in find("代码92350100M000100Y1N")] == ["credit_code"]
    assert find("代码91350100M000100Y43") == []
