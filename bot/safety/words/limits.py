"""What a question beyond a package insert names: people, ages, ways of giving it, diseases and figures. An insert that
speaks of none of them has not answered it.

Source: compliance guidance, 2 ("Off-label"): such a question is medical information's, not a machine's.
"""

import re
from fractions import Fraction
from typing import Final

from bot.safety.characters import canonical, without_chinese_spaces

_GROUPS: Final = tuple(
    re.compile(words)
    for words in (
        "新生儿|早产|满月|刚出生|出生~?天|newborn|neonat|preterm|premature",
        "婴|幼儿|娃娃|infant|toddler|bab(?:y|ies)",
        "胎儿|fetus|foetus|fetal|foetal",
        "儿童|小儿|孩|患儿|宝宝|儿科|child|paediatric|pediatric|kids?\\b",
        "孕|妊娠|怀胎|pregnan",
        "哺乳|母乳|喂奶|breast ?-?feed|lactat|nursing",
        "老年|老人|高龄|elderly|older (?:people|patients)",
        "透析|dialys",
        "鞘内|鞘注|腰穿|intrathecal|epidural|spinal|硬膜外",
        "关节腔|关节内|关节里|intra-?articular|joint",
        "口服|喝|吃下|胃管|鼻饲|oral|by mouth|swallow",
        "肌肉|肌注|intramuscular",
        "皮下|皮内|subcutaneous|intradermal",
        "动脉|intra-?arterial",
        "膀胱|尿道|bladder|intravesical",
        "腹腔|胸腔|宫腔|intraperitoneal|intrapleural|intrauterine",
        "灌肠|直肠|肛|rectal|enema",
        "雾化|吸入|滴鼻|inhal|nasal",
        "滴眼|眼睛|眼内|玻璃体|滴到眼|eye|intravitreal",
        "瘤内|肿瘤里|瘤体内|intratumou?ral",
        "外用|涂抹|topical",
        "减半|半量|half (?:the |a )?dos",
        "加倍|翻倍|双倍|倍(?:剂量|用量|量)|double|triple|twice the|times the",
        "追加|补打|再打|再给|连续|repeat|consecutive|every day|each day|每天|一天",
    )
)
"""Each is one limit in several words; a passage that answers uses one of them too."""
_DISEASE: Final = re.compile("[\u4e00-\u9fff]{2}(?:癌|瘤|炎|病|症|结核|灌注|造影|显像|筛查|梗死)")
_ENGLISH_SITE: Final = re.compile(
    r"\b(?:breast|prostate|cardiac|heart|coronary|lung|kidney|renal|bone|lymph|thyroid|ovar|uter|gastric|stomach|colon|"
    r"joint|alzheimer|tubercul|myeloma)\w*"
)
_UNIT: Final = "(?:ml|mg|g|mmol|μg|ug|iu|毫升|毫克|克|单位)(?:/(?:kg|s|min|h|d|公斤|千克|秒|分|小时|天))?"
_FIGURE: Final = re.compile(rf"(\d+(?:\.\d+)?) ?{_UNIT}(?![a-z])")
_CHINESE_DIGITS: Final = {digit: str(value) for value, digit in enumerate("零一二三四五六七八九十")} | {"两": "2"}
_AGE: Final = re.compile(
    r"(\d+(?:\.\d+)?|[一二两三四五六七八九十])个?-?(岁半?|周岁|月|周|天|years?|months?|weeks?|days?)"
)
_AGE_AFTER: Final = re.compile("大|的|龄|婴|幼|孩|宝|娃|患儿|儿|童|能|可以|用|打|-?old|以下|以内|小|也|病人|患者")
_BORN: Final = re.compile(r"出生$|生后$|不满$|未满$|刚$|\baged? $")
_FROM_AGE: Final = re.compile(
    r"(?:(\d+(?:\.\d+)?|[一二两三四五六七八九十]) ?个?(岁|周岁|月)(?:及|或|\(含\))?以上"
    r"|(?:from|over|above|at least) (\d+) (years?|months?))"
)
_YEARS: Final = {"岁": Fraction(1), "周岁": Fraction(1), "y": Fraction(1), "月": Fraction(1, 12), "m": Fraction(1, 12)}
_SHORTER: Final = {"周": Fraction(7, 365), "w": Fraction(7, 365), "天": Fraction(1, 365), "d": Fraction(1, 365)}


def answers_limits(question: str, material: str) -> bool:
    """Whether ``material`` speaks of every limit that ``question`` names. Pure, linear time."""
    asked = without_chinese_spaces(canonical(question))
    told = without_chinese_spaces(canonical(material))
    if any(group.search(asked) and not group.search(told) for group in _GROUPS):
        return False
    named = {found.group() for pattern in (_DISEASE, _ENGLISH_SITE) for found in pattern.finditer(asked)}
    if not all(name in told for name in named):
        return False
    figures = {found[1] for found in _FIGURE.finditer(told)}
    if not all(found[1] in figures for found in _FIGURE.finditer(asked)):
        return False
    return all(_speaks_of_age(age, told) for age in _ages(asked))


def _ages(text: str) -> list[Fraction]:
    """The ages of people that ``text`` names, in years."""
    return [
        _years(found[1], found[2])
        for found in _AGE.finditer(text)
        if found[2].startswith(("岁", "周岁"))
        or _AGE_AFTER.match(text, found.end())
        or _BORN.search(text[: found.start()])
    ]


def _speaks_of_age(age: Fraction, told: str) -> bool:
    bounds = [_years(found[1] or found[3], found[2] or found[4]) for found in _FROM_AGE.finditer(told)]
    return any(bound <= age for bound in bounds) or age in _ages(told)


def _years(number: str, unit: str) -> Fraction:
    value = Fraction(_CHINESE_DIGITS.get(number, number))
    if unit == "岁半":
        value += Fraction(1, 2)
    key = unit.removesuffix("半") if unit[0] in "岁周月天" else unit[0]
    return value * (_YEARS | _SHORTER)[key]
