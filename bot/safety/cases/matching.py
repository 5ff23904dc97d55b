"""Which reports are about the same, and what they name: read off the words, never guessed."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bot.safety.adverse_events import Element, Screening
from bot.safety.adverse_events.folding import fold
from bot.safety.cases.case import Case
from bot.safety.cases.follow_up import names_another_patient

GROUP_S = 7 * 86400.0
"""Two reports of one batch within this time are a group event (guidance 1.5)."""

_BATCH = re.compile(
    r"(?:批号|批次号?|生产批号|batch|lot)(?:是|为|no|号)?[:：#.， ]{0,3}([0-9a-z][0-9a-z-]{3,19})", re.IGNORECASE
)
_CHILD = "孩子|宝宝|婴儿|幼儿|患儿|小孩|娃娃?|儿子|女儿|孙子|孙女|外孙|[男女]婴|[男女]宝|[男女]孩|[男女]"
_AGE = re.compile(
    r"(?<![0-9.])(\d{1,3})\s*(岁(?!以[上下内])|周岁(?!以[上下内])|月龄|天大)|(?<![0-9.])(\d{1,3})\s*(个月)(?=大|龄)"
    rf"|(?:{_CHILD})[,，、\s]?(?:今年|现在|刚满|已经|才|刚|满)?(\d{{1,3}})\s*(个月)"
    r"(?=[大龄男女吃用打服注接]|了?(?:[,，。;；、\s)）]|$))"
    rf"|(?<![0-9.])(\d{{1,3}})\s*(个月)的?(?={_CHILD})"
)
"""Years, and the months of a child: those of a treatment (吃了3个月的药, 停药1个月) are nobody's age."""
_SEX = re.compile(
    r"(?<![子妇儿])([男女])(?:[性患孩婴宝童士]|病人|的?(?=[,，。、;；:：\s()（）/]|$)|(?=\d|[一二三四五六七八九十]{1,3}岁))"
)
"""The sex of somebody, and not that of a daughter, a boyfriend or a department."""
_SPEAKER = re.compile(r"(?:我|本人|俺)(?:自己)?(?:今年|现在|已经|都|也|才)?(?:是(?:个|一个)?)?$")
_ANOTHER = re.compile(
    "我[妈爸爹娘婆公]|妈妈|爸爸|母亲|父亲|爷爷|奶奶|外[公婆]|婆婆|公公|岳[父母]|儿子|女儿|孩子|宝宝|老公|老婆|爱人|妻子|丈夫"
    "|患者|病人|患儿|朋友|同事|同学|老人|邻居|亲戚|[哥姐弟妹]"
)
"""Who is spoken of is not who speaks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What a message names, in folded words: products, batches, events, and what tells patients apart (``65岁``,
    ``女``)."""

    products: tuple[str, ...]
    batches: tuple[str, ...]
    events: tuple[str, ...]
    patients: tuple[str, ...]


def named_in(screening: Screening, words: Iterable[str]) -> Named:
    """What the grounds of ``screening`` and the messages ``words`` that they stand in name."""
    folded = [fold(text).text for text in words]
    patients = [_age(found) for text in folded for found in _of_the_patient(_AGE, text)]
    if any(element is Element.PATIENT and quote is not None for element, quote in screening.elements):
        patients += [found[1] for text in folded for found in _of_the_patient(_SEX, text)]
    return Named(
        products=_distinct(fold(quote.text).text for quote in screening.products),
        batches=_distinct(found[1].lower() for text in folded for found in _BATCH.finditer(text)),
        events=_distinct(fold(ground.quote.text).text for ground in screening.grounds),
        patients=_distinct(patients),
    )


def goes_on(case: Case, words: str, named: Named) -> bool:
    """Whether a report of the same person belongs to ``case``: it speaks of nobody else, and of no other product."""
    return not names_another_patient(words) and _agree(case.products, named.products)


def may_be_same(case: Case, named: Named) -> bool:
    """Whether somebody else's report may be about the patient of ``case``: the same product and event, and nothing
    that tells the patients apart."""
    same = _share(case.products, named.products) and _share(case.events, named.events)
    return same and _agree(case.patients, named.patients)


def same_batch(case: Case, named: Named) -> bool:
    """Whether both name a batch, and the same."""
    return bool(set(case.batches) & set(named.batches))


def _of_the_patient(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What ``pattern`` finds in folded ``text``, but for what who speaks for another says of themselves."""
    another = _ANOTHER.search(text)
    for found in pattern.finditer(text):
        if another is None or not _SPEAKER.search(text, max(0, found.start() - 12), found.start()):
            yield found


def _age(found: re.Match[str]) -> str:
    number, unit = (group for group in found.groups() if group is not None)
    return f"{number}{unit}"


def _agree(these: Collection[str], those: Collection[str]) -> bool:
    """Whether nothing speaks against their being the same: either names nothing, or they share something."""
    return not these or not those or _share(these, those)


def _share(these: Collection[str], those: Collection[str]) -> bool:
    return any(one in other or other in one for one in these for other in those)


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
