"""Emergencies, "are you human?" and questions beyond the package insert are noticed, and their likes are not."""

import time

import pytest

from bot.safety.rules import load_rules
from bot.safety.words import EMERGENCIES, Kind, emergency, notices


def kinds(text: str) -> set[Kind]:
    return {notice.kind for notice in notices(text)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我胸口疼得厉害", Kind.MEDICAL),
        ("我妈突然喘不过气来了，怎么办", Kind.MEDICAL),
        ("孩子叫不醒了！", Kind.MEDICAL),
        ("患者打完造影剂突然休克了", Kind.MEDICAL),
        ("我现在呼吸困難", Kind.MEDICAL),
        ("刚打完针喉咙发紧，脸肿了，我快不能呼吸了", Kind.MEDICAL),
        ("血流不止怎么办", Kind.MEDICAL),
        ("I have chest pain and can't breathe", Kind.MEDICAL),
        ("我不想活了", Kind.SELF_HARM),
        ("想自杀", Kind.SELF_HARM),
        ("活着没意思，真想一死了之", Kind.SELF_HARM),
        ("我吞了一瓶安眠药", Kind.SELF_HARM),
        ("I want to kill myself", Kind.SELF_HARM),
        ("孩子误服了洗洁精", Kind.POISONING),
        ("家里煤气中毒了", Kind.POISONING),
        ("机房着火了", Kind.FIRE),
        ("有人拿刀闯进诊室", Kind.CRIME),
        ("我爸突然倒地没反应", Kind.MEDICAL),
        ("胸口压着疼得厉害", Kind.MEDICAL),
        ("孩子抽筋翻白眼", Kind.MEDICAL),
        ("大出血止不住", Kind.MEDICAL),
        ("怀孕流血肚子疼得厉害", Kind.MEDICAL),
        ("她割腕了", Kind.SELF_HARM),
        ("我要从楼上跳下去", Kind.SELF_HARM),
        ("我想结束这一切", Kind.SELF_HARM),
        ("想死", Kind.SELF_HARM),
        ("煤气漏了，头晕", Kind.POISONING),
    ],
)
def test_an_emergency_is_noticed(text: str, kind: Kind) -> None:
    assert kind in kinds(text)
    assert emergency(notices(text)) in EMERGENCIES


@pytest.mark.parametrize(
    "text",
    [
        "胸痛三联CT怎么扫",
        "呼吸困难的患者能做MR吗",
        "过敏性休克的处理流程",
        "过敏性休克的发生率是多少",
        "碘对比剂会不会引起呼吸困难",
        "患者没有胸痛，能做增强吗",
        "自杀倾向的患者怎么沟通",
        "笑死我了",
        "想死你们家的蛋糕了",
        "跳楼价促销什么时候结束",
        "怀孕能做增强吗",
        "燃气费怎么交",
        "一氧化碳中毒的MRI表现",
        "血管造影冒烟了是什么意思",
        "这是我的救命药",
        "火灾演练什么时候做",
    ],
)
def test_a_question_about_it_is_no_emergency(text: str) -> None:
    assert emergency(notices(text)) is None


def test_the_most_urgent_emergency_counts() -> None:
    assert emergency(notices("我不想活了，家里着火了，我胸口疼")) is Kind.SELF_HARM


@pytest.mark.parametrize(
    "text",
    [
        "你是真人吗",
        "你是不是机器人？",
        "你是机器人还是真人",
        "请问有真人在吗",
        "对面是人还是AI",
        "你到底是谁",
        "你是AI吗",
        "你是人工客服吗",
        "妳是真人嗎",
        "回复我的是人吗",
        "Are you a real person?",
        "am I talking to a bot",
        "is this a robot",
        "你是活人嘛",
        "你有感情吗",
        "跟我聊天的是不是AI？ 你是AI还是人",
        "你真的是人吗",
        "你是电脑程序吗？你是程序吧",
        "在和我说话的是人还是机器",
        "你是人类吗？",
    ],
)
def test_asking_for_a_person_is_noticed(text: str) -> None:
    assert Kind.IDENTITY in kinds(text)


@pytest.mark.parametrize(
    "text", ["达芬奇机器人手术是什么", "AI读片准吗", "你们公司是谁生产的造影剂", "转人工", "你是说不能用吗"]
)
def test_talking_of_machines_is_not(text: str) -> None:
    assert Kind.IDENTITY not in kinds(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("超说明书用药可以吗", Kind.OFF_LABEL),
        ("适应症以外的病能用吗", Kind.OFF_LABEL),
        ("说明书上没写的用法可以吗", Kind.OFF_LABEL),
        ("is off-label use ok", Kind.OFF_LABEL),
        ("能不能鞘内注射", Kind.LABEL_LIMIT),
        ("可以双倍剂量吗", Kind.LABEL_LIMIT),
        ("超过最大剂量可以吗", Kind.LABEL_LIMIT),
        ("3岁孩子能用碘克沙醇吗", Kind.LABEL_LIMIT),
        ("孕妇可以打钆剂吗", Kind.LABEL_LIMIT),
        ("这个造影剂能用来治疗肿瘤吗", Kind.LABEL_LIMIT),
        ("can it be used in children", Kind.LABEL_LIMIT),
        ("张医生上月开了几盒", Kind.PRESCRIPTION_COUNTS),
        ("帮我查一下科室的统方数据", Kind.PRESCRIPTION_COUNTS),
    ],
)
def test_questions_with_limits_are_noticed(text: str, kind: Kind) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text", ["统方是什么意思", "碘海醇的推荐剂量是多少", "孕妇家属可以陪同进机房吗", "剂量打多了怎么处理"]
)
def test_ordinary_questions_are_not(text: str) -> None:
    assert kinds(text) <= {Kind.MEDICAL}
    assert not kinds(text)


def test_every_rule_has_a_kind_and_every_kind_a_rule() -> None:
    families = {rule.family for rule in load_rules("bot.safety.words", "notices.yaml")}
    assert families == {str(kind) for kind in Kind}


def test_noticing_takes_milliseconds() -> None:
    notices("")
    started = time.process_time()
    for _ in range(100):
        notices("患者今天上午打完造影剂之后说有一点胸闷，现在已经好了，请问需要处理吗")
    assert (time.process_time() - started) / 100 < 0.01
