"""Claims that an answer must not make are found; negated, asked and quoted ones are none."""

import pytest

from bot.safety.words import ADVERSE_EVENT, PHARMA, SECURITIES, Family, find_claims

WORDS = {
    Family.SUPERLATIVE: ["最好的造影剂", "最佳选择", "行业第一", "顶级产品", "国家级技术"],
    Family.EFFICACY: [
        "可以根治",
        "药到病除",
        "100%有效",
        "百分之百治愈",
        "治愈率高达98%",
        "保证治好",
        "无效退款",
        "包治百病",
    ],
    Family.SAFETY: ["没有任何副作用", "无副作用", "零风险", "绝对安全", "100%安全", "一定不会过敏"],
    Family.COMPARISON: ["优于竞品", "远超同类产品", "比同类产品更安全"],
    Family.ENDORSEMENT: ["专家一致推荐", "国家药监局推荐", "患者亲测有效"],
    Family.INDUCEMENT: ["免费试用", "限时优惠", "买一送一"],
    Family.OFF_LABEL: ["还可用于治疗肝癌", "临床上发现也有效", "真实世界研究显示有效"],
    Family.RETURNS: ["稳赚不赔", "保本保收益", "必涨", "承诺年化收益", "内幕消息", "刚性兑付", "预期收益率8%"],
    Family.DOWNPLAYING: ["很常见，不用担心", "没必要去医院", "过两天就好了"],
    Family.CAUSALITY: ["不是我们的药引起的", "与用药无关", "纯属巧合"],
    Family.COMPENSATION: ["我们会赔偿您"],
    Family.DISSUASION: ["不要去投诉", "别去申诉了"],
    Family.HUMAN: ["我是真人客服", "我不是机器人", "I am a human"],
}


@pytest.mark.parametrize("template", ["{}", "您好，{}，请放心使用。", "Ⅰ. 说明：{}！"])
@pytest.mark.parametrize(("family", "words"), [(family, words) for family, many in WORDS.items() for words in many])
def test_a_claim_is_found_with_its_place(family: Family, words: str, template: str) -> None:
    text = template.format(words)
    found = find_claims(text, [family])
    assert found
    assert all(text[claim.start : claim.end] == claim.words for claim in found)


@pytest.mark.parametrize(
    "text",
    [
        "我们不能保证有效",
        "并非绝对安全",
        "任何药物都不是100%有效",
        "本产品不保本",
        "没有稳赚不赔的投资",
        "不存在零风险的检查",
        "“根治”一词不得使用",
        "“最佳”等字样禁止出现",
        "请问有没有副作用？",
        "能保本吗？",
        "是否绝对安全，需要医生评估",
        "无法承诺收益",
        "声称根治属于虚假宣传",
        "最好在饭后服用",
        "最佳扫描时间为注射后60秒",
        "不建议与同类产品比较",
        "It is not guaranteed to work",
        "我不是真人，我是AI助手",
        "我们无法判断是不是药物引起，已转交药物警戒部门",
        "检查有风险，请遵医嘱",
        "常见不良反应为恶心，发生率1%",
    ],
)
def test_no_claim(text: str) -> None:
    assert find_claims(text) == ()


@pytest.mark.parametrize(
    "text", ["没有问题，保证有效", "本品不仅安全无副作用，而且便宜", "不用怀疑，可以根治", "不要犹豫，稳赚"]
)
def test_a_negation_of_something_else_excuses_nothing(text: str) -> None:
    assert find_claims(text, PHARMA | SECURITIES)


def test_only_the_families_asked_for_count() -> None:
    text = "本品最安全，稳赚不赔，不用担心"
    assert {claim.family for claim in find_claims(text, SECURITIES)} == {Family.SUPERLATIVE, Family.RETURNS}
    assert {claim.family for claim in find_claims(text, ADVERSE_EVENT)} == {Family.DOWNPLAYING}


def test_full_width_signs_keep_the_place() -> None:
    (claim,) = find_claims("本品１００％有效。", [Family.EFFICACY])
    assert (claim.words, claim.start, claim.end) == ("１００％有效", 2, 8)


@pytest.mark.parametrize(
    "text",
    [
        "不是本品引起的",
        "与用药没有因果关系",
        "应该是您自己体质的问题",
        "这不算不良反应",
        "没什么大碍，休息一下就会好",
        "不必过分忧虑",
        "过两天会自行消失，不用处理",
        "我们会给您报销医药费",
        "不建议您向药监局反映",
        "已经上报国家药监局",
        "我们已向国家药品不良反应监测系统报告",
        "it is not our drug's fault",
    ],
)
def test_who_reports_hears_nothing_like_it_in_other_words(text: str) -> None:
    assert find_claims(text, ADVERSE_EVENT)


@pytest.mark.parametrize("text", ["零 副 作 用", "无 毒 副\u200b作·用", "刚 性 兑 付"])
def test_words_that_are_pulled_apart_are_found_in_their_place(text: str) -> None:
    (claim,) = find_claims(f"本品{text}。", PHARMA | SECURITIES)
    assert f"本品{text}。"[claim.start : claim.end] == claim.words == text


@pytest.mark.parametrize(
    "text",
    [
        "请联系医生评估因果关系",
        "不能排除与用药有关",
        "是否与药物有关由药物警戒人员评价",
        "我们会转交药物警戒部门",
        "如有不适请及时就医",
    ],
)
def test_what_must_be_said_to_who_reports_passes(text: str) -> None:
    assert find_claims(text, ADVERSE_EVENT) == ()
