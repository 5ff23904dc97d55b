"""No model reads personal data, and the person whose it is reads an answer without placeholders."""

import json
import random

import pytest
import redis

from bot import keys
from bot.answering.grounded import Composer
from bot.answering.masks import MOST_KEPT, Masks
from bot.llm.model import LanguageModel
from bot.messages import ConversationId
from tests.answering.conftest import MakeAsking, passage
from tests.fakes.llm_server import LlmServer, Say
from tests.safety.personal_data import made_up

HERE = ConversationId(bot="imaging", channel="app", person="wang.fang")
ELSEWHERE = ConversationId(bot="imaging", channel="app", person="zhao.min")
ID_CARD, PHONE, BANK_CARD, NAME = "11010519491231002X", "13800138000", "6222020000000001230", "王小明"
INTRODUCTION = f"我叫{NAME}，身份证号{ID_CARD}，手机{PHONE}，银行卡号{BANK_CARD}。"
ENTRIES = (
    passage("示影灵说明书", "检查前4小时禁食，检查后多饮水。"),
    passage("预约须知", "预约请拨打影像科热线 010-66668888，咨询李文博主任。"),
)


@pytest.fixture
def composer(model: LanguageModel, masks: Masks) -> Composer:
    return Composer(model, masks)


def sent(server: LlmServer) -> str:
    """All that a model was ever asked."""
    return json.dumps(server.requests, ensure_ascii=False)


def asked_last(server: LlmServer) -> str:
    """What the last request told as data."""
    text: str = server.requests[-1]["messages"][1]["content"]
    return text


@pytest.mark.parametrize(
    "spelling", [PHONE, "138-0013-8000", "138 0013 8000", "+86 13800138000", "１３８００１３８０００"]
)
def test_no_personal_data_is_in_any_request(
    server: LlmServer, composer: Composer, make_asking: MakeAsking, spelling: str
) -> None:
    server.on(Say("检查前4小时禁食[1]。"))
    question = INTRODUCTION.replace(PHONE, spelling) + "检查前要禁食多久？"
    answer = composer.compose(question, ENTRIES, make_asking(f"患者张丽华，电话{spelling}", conversation=HERE))
    assert answer.text == "检查前4小时禁食[1]。"
    for value in (ID_CARD, spelling, BANK_CARD, NAME, "张丽华", "13800138000"):
        assert value not in sent(server)
    assert "检查前要禁食多久？" in asked_last(server)


def test_our_marks_within_a_number_hide_nothing(server: LlmServer, composer: Composer, make_asking: MakeAsking) -> None:
    server.on(Say("检查前4小时禁食[1]。"))
    cut = "138<source>0013</source>8000"
    composer.compose(f"电话{cut}，检查前要禁食多久？", ENTRIES, make_asking(f"回电{cut}", conversation=HERE))
    assert PHONE not in sent(server)
    assert asked_last(server).count("〔手机号1〕") == 2


def test_of_a_thousand_values_none_is_in_any_request(
    server: LlmServer, composer: Composer, make_asking: MakeAsking
) -> None:
    server.on(Say("检查前4小时禁食[1]。"))
    chance = random.Random(7)
    makers = (made_up.id_card, made_up.bank_card, made_up.phone)
    values = [chance.choice(makers)(chance) for _ in range(1000)]
    for begin in range(0, len(values), 50):
        question = "这些要怎么登记？" + "；".join(values[begin : begin + 25])
        quoted = "\n".join(f"{value} 没有查到" for value in values[begin + 25 : begin + 50])
        composer.compose(question, ENTRIES, make_asking(quoted))
    requests = sent(server)
    assert [value for value in values if value in requests] == []
    assert len(server.requests) == 20


def test_what_the_model_was_not_told_is_put_back_for_the_person(
    server: LlmServer, composer: Composer, make_asking: MakeAsking, shown: list[str]
) -> None:
    file = passage("登记表.docx", f"预约人姓名：{NAME}，联系电话：{PHONE}。检查时间为周三上午。")
    server.on(Say("预约人为〔姓名1〕，联系电话为[手机号1][1]。检查时间为周三上午[1]。", piece=1))
    answer = composer.compose("表里的预约人是谁？", [file], make_asking(conversation=HERE, own=True))
    assert answer.text == f"预约人为{NAME}，联系电话为{PHONE}[1]。检查时间为周三上午[1]。"
    assert shown[-1] == answer.text
    assert not any("〔" in text for text in shown)
    assert NAME not in sent(server)


@pytest.mark.parametrize("written", ["〔手机号一〕", "〔手机号1", "手机号1", "〔手機號1〕"])
def test_no_placeholder_reaches_a_person_however_a_model_writes_it(
    server: LlmServer, composer: Composer, make_asking: MakeAsking, written: str
) -> None:
    file = passage("登记表.docx", f"联系电话：{PHONE}。检查时间为周三上午。")
    server.on(Say(f"联系电话为{written}[1]。检查时间为周三上午[1]。"))
    answer = composer.compose("表里的电话是多少？", [file], make_asking(conversation=HERE, own=True))
    assert answer.text == "检查时间为周三上午[1]。"
    assert len(answer.dropped) == 1


def test_a_value_keeps_its_placeholder_and_another_person_cannot_have_it_put_back(
    server: LlmServer, composer: Composer, make_asking: MakeAsking
) -> None:
    file = passage("登记表.docx", f"姓名：{NAME}，联系电话：{PHONE}。")
    server.on(Say("联系电话为〔手机号2〕[1]。"))
    composer.compose("我的手机是13911112222，要禁食吗？", ENTRIES, make_asking(conversation=HERE))
    again = composer.compose("表里的电话是多少？", [file], make_asking(conversation=HERE, own=True))
    assert again.text == f"联系电话为{PHONE}[1]。"
    other = passage("登记表.docx", "姓名：赵敏，联系电话：〔手机号2〕。")
    stolen = composer.compose("表里的电话是多少？", [other], make_asking(conversation=ELSEWHERE, own=True))
    assert stolen.text == ""
    assert [dropped.reason for dropped in stolen.dropped] == ["placeholder"]


def test_what_is_kept_of_a_conversation_tells_no_value(
    server: LlmServer, composer: Composer, make_asking: MakeAsking, redis_client: redis.Redis
) -> None:
    composer.compose(INTRODUCTION, ENTRIES, make_asking(conversation=HERE))
    kept = redis_client.get(keys.masks(HERE)).decode()  # type: ignore[union-attr]
    assert sorted(json.loads(kept).values()) == ["〔姓名1〕", "〔手机号1〕", "〔身份证号1〕", "〔银行卡号1〕"]
    assert not any(value in kept for value in (ID_CARD, PHONE, BANK_CARD, NAME))
    assert 0 < redis_client.ttl(keys.masks(HERE)) <= 24 * 3600  # type: ignore[operator]
    composer.compose("检查前要禁食多久？", ENTRIES, make_asking(conversation=ELSEWHERE))
    assert not redis_client.exists(keys.masks(ELSEWHERE))


def test_what_approved_knowledge_says_itself_may_be_asked_about(
    server: LlmServer, composer: Composer, make_asking: MakeAsking
) -> None:
    server.on(Say("预约请拨打影像科热线 010-66668888[2]。"))
    answer = composer.compose("010-66668888是哪里的电话？", ENTRIES, make_asking(conversation=HERE))
    assert "<question>\n010-66668888是哪里的电话？" in asked_last(server)
    assert answer.text == "预约请拨打影像科热线 010-66668888[1]。"


def test_a_conversation_of_very_many_numbers_begins_anew(masks: Masks, redis_client: redis.Redis) -> None:
    many = {f"{number:024x}": f"〔手机号{number}〕" for number in range(1, MOST_KEPT + 2)}
    redis_client.set(keys.masks(HERE), json.dumps(many))
    assert masks.open(HERE).mask(f"手机{PHONE}") == "手机〔手机号1〕"
