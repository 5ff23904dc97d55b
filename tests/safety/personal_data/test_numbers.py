"""Identity cards, bank cards and telephones in their many spellings, and the numbers of the trade beside them."""

import random

import pytest

from bot.safety.personal_data import find
from bot.safety.personal_data.checksums import credit_code_ok, hong_kong_id_ok, id_card_ok, luhn_ok
from tests.safety.personal_data import made_up


def kinds(text: str) -> list[str]:
    return [span.type.value for span in find(text)]


def test_check_digits_are_those_of_published_examples() -> None:
    assert id_card_ok("11010519491231002X")
    assert not id_card_ok("110105194912310021")
    assert luhn_ok("6222020000000001230")
    assert not luhn_ok("6222020000000001231")
    assert credit_code_ok("91350100M000100Y43")
    assert not credit_code_ok("91350100M000100Y44")
    assert hong_kong_id_ok("A", "123456", "3")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("身份证:110105.1949.1231.002X", "id_card"),
        ("身份证110105_19491231_002X", "id_card"),
        ("身份证一一〇一〇五一九四九一二三一〇〇二X", "id_card"),
        ("证件１１０１０５ １９４９１２３１ ００２Ｘ", "id_card"),
        ("客户电话1 3 9 - 1 2 3 4 - 5 6 7 8", "phone"),
        ("老人机(86)13311112222", "phone"),
        ("电话150,1234,5678", "phone"),
        ("手机138*0013*8000", "phone"),
        ("1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "phone"),
        ("电话𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎", "phone"),
    ],
)
def test_no_spelling_hides_a_number(text: str, kind: str) -> None:
    assert kinds(text) == [kind]


def test_a_thousand_identity_cards_are_found_however_they_are_grouped() -> None:
    chance = random.Random(1)
    for _ in range(1000):
        number = made_up.id_card(chance)
        spelling = chance.choice(
            [
                number,
                number.lower(),
                f"{number[:6]} {number[6:14]} {number[14:]}",
                f"{number[:6]}-{number[6:14]}-{number[14:]}",
                f"{number[:10]}\n{number[10:]}",
                number.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
            ]
        )
        text = chance.choice(["{}", "身份证{}，请核实", "客户（{}）申请注销", "ID {} 查一下"]).format(spelling)
        spans = find(text)
        assert [(span.type.value, text[span.start : span.end]) for span in spans] == [("id_card", spelling)], text


def test_a_thousand_bank_cards_are_found_however_they_are_grouped() -> None:
    chance = random.Random(2)
    for _ in range(1000):
        number = made_up.bank_card(chance)
        groups = " ".join(number[n : n + 4] for n in range(0, len(number), 4))
        text = chance.choice(["{}", "卡号{}，退款退到这张卡", "打到{}吧"]).format(chance.choice([number, groups]))
        assert kinds(text) == ["bank_card"], text


def test_a_thousand_telephones_are_found_however_they_are_written() -> None:
    chance = random.Random(3)
    chinese = str.maketrans("0123456789", "零一二三四五六七八九")
    for _ in range(1000):
        number = made_up.phone(chance)
        spelling = chance.choice(
            [
                number,
                f"{number[:3]}-{number[3:7]}-{number[7:]}",
                f"{number[:3]} {number[3:7]} {number[7:]}",
                f"{number[:3]} {number[3:6]} {number[6:]}",
                f"+86 {number}",
                f"0086{number}",
                " ".join(number),
                number.translate(chinese),
            ]
        )
        text = chance.choice(["{}", "打我手机{}，谢谢", "电话：{}", "{}微信同号"]).format(spelling)
        assert kinds(text) == ["phone"], text


def test_at_most_one_in_a_hundred_numbers_of_the_trade_is_taken_for_a_person() -> None:
    chance = random.Random(4)
    shapes = [
        lambda: f"订单号{made_up.digits(chance, 18)}什么时候到",
        lambda: f"订单 {made_up.digits(chance, 19)} 还没发货",
        lambda: f"流水号{made_up.digits(chance, 16)}查不到",
        lambda: f"工单{made_up.digits(chance, 11)}还没处理",
        lambda: f"批号 {made_up.digits(chance, 8)}，药液浑浊",
        lambda: f"批号：{chance.choice('ABCL')}{made_up.digits(chance, 7)}",
        lambda: f"国药准字{chance.choice('HZSJ')}{made_up.digits(chance, 8)}",
        lambda: f"快递单号SF{made_up.digits(chance, 13)}",
        lambda: f"产品条码69{made_up.digits(chance, 11)}扫不出来",
        lambda: f"合同编号HT{made_up.digits(chance, 12)}",
        lambda: f"序列号SN{made_up.digits(chance, 10)}",
    ]
    texts = [chance.choice(shapes)() for _ in range(1000)]
    masked = [text for text in texts if find(text)]
    assert len(masked) <= 10, masked


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("身份证110105194912310021，怎么不对", ["id_card"]),
        ("合同编号110105194912310021", []),
        ("老身份证 110105491231002", ["id_card"]),
        ("公民身份号码 11O105l9491231002X", ["id_card"]),
        ("1101051949 12310O2X", ["id_card"]),
        ("HKID A123456(3)", ["id_card"]),
        ("HKID A123456(4)", []),
        ("我的卡6222020000000001231扣了两次", ["bank_card"]),
        ("流水6222020000000001230", []),
        ("kupTS=421758868510212097", []),
        ("(010)65281234", ["landline"]),
        ("+86-21-58889999", ["landline"]),
        ("座机65281234", ["landline"]),
        ("回电0571-88886666转8012", ["landline"]),
        ("+1 415 555 2671", ["phone"]),
        ("手机l38OO138OOO", ["phone"]),
        ("400-820-8820", []),
        ("客服电话是95588吗", []),
        ("13800138000.00元", []),
        ("13800138000元", []),
        ("SN13800138000", []),
        ("1710486000000", []),
        ("138/86mmHg", []),
        ("碘海醇350 mgI/ml，100 ml，流速4.5 ml/s，120 kV，250 mAs", []),
        ("eGFR 28 ml/min/1.73m²", []),
        ("50 75 100 125 150 175 200 ml", []),
        ("3.14159265358979", []),
        ("2024-01-05至2024-02-16共3个疗程", []),
    ],
)
def test_one_by_one(text: str, found: list[str]) -> None:
    assert kinds(text) == found


def test_the_companys_own_numbers_may_be_shown() -> None:
    text = "请致电021-58889999或13800138000"
    assert len(find(text)) == 2
    assert find(text, allowed=["(021) 5888 9999", "+86 138 0013 8000"]) == []
