"""How much a few characters weigh as a Chinese name, by the characters alone and by what follows them."""

import re
from collections.abc import Iterator

from bot.safety.personal_data.lexicon import common_words, name_characters, not_names

HAN = "\u4e00-\u9fff"
TITLE = (
    "先生|女士|小姐|太太|夫人|同学|老师|医生|医师|大夫|主任|教授|护士|药师|院长|所长|博士|技师|经理|总监|师傅|阿姨|叔叔|大爷|大妈"
    "|奶奶|爷爷|同志|老板|律师|警官|书记|会计|秘书|处长|科长|局长|部长|校长|主管|店长|队长|班长"
)
FOLLOWS = re.compile(
    rf"(?:{TITLE}|收(?=$|[\s,。.;件货!)])|(?:这|那)?的(?:订单|账户|账号|手机|电话|身份|报告|检查|病历|片子|微信|地址|号码|家属|信息|资料|快递"
    r"|包裹|单子|会员|影像|CT|增强|磁共振|检验|化验|住院|预约|护照|社保|医保|银行|邮箱|名字|父|母|妻|丈夫|儿子|女儿)"
    r"|\s?[,、/|(]?\s?[男女](?:性)?(?=$|[\s,。、/|;)0-9])|[,(]?\s?(?:今年)?[0-9]{1,3}岁|反映|来电|个人|本人)"
)
"""What stands after a name and hardly after anything else; in plain text, so with plain punctuation."""
DOES = re.compile(
    r"(?:他们?|她们?|的|均|都|也|没|不|被|还|会|能|可|昨|今|前天|刚|上周|本周|这周|上个?月|已经?|做了?|打了?|用了?|吃了?|服用?|注射|检查|出现|住院|出院|入院|来了?|说|想要?|要|推荐|介绍|签"
    r"|在|需要?|预约|复查|申请|投诉|反馈|问|过敏|术后|因|于[0-9]|,)"
)
"""What stands after a name in a sentence that tells what its bearer did."""

_NOBODY = re.compile(rf"(?:{TITLE}|某|总|工(?:[^{HAN}]|$)|处|科|局|姐|哥|兄|氏)")
_UNKNOWN = -0.5
_COMPOUND = 4.0
_COMMON_WORD = 3.0
_EDGE = 1.0
_NEVER = float("-inf")


def is_han(character: str) -> bool:
    """Whether ``character`` is a Chinese one; ``False`` for the empty text."""
    return "\u4e00" <= character <= "\u9fff"


def surname_at(text: str, start: int) -> int:
    """How long the surname at ``start`` is; 0 without one."""
    known = name_characters()
    first = text[start : start + 1]
    if first in known.compound_starts:
        for length in (4, 2):
            if text[start : start + length] in known.compound:
                return length
    return 1 if first in known.surname else 0


def names_nobody(text: str, start: int) -> bool:
    """Whether the surname at ``start`` is followed by a title, or the name was blanked by its writer (王某)."""
    length = surname_at(text, start)
    return bool(length) and _NOBODY.match(text, start + length) is not None


def name_at(text: str, start: int, needed: float) -> int | None:
    """Where the name that begins at ``start`` ends, if it weighs at least ``needed``."""
    length = surname_at(text, start)
    if not length or names_nobody(text, start):
        return None
    weight, given = max((name_weight(text, start, length, given), given) for given in (1, 2))
    return start + length + given if weight >= needed else None


def name_before(text: str, end: int, needed: float) -> int | None:
    """Where the name that ends at ``end`` begins, if it weighs at least ``needed``."""
    best, begin = _NEVER, 0
    for start in range(end - 2, max(-1, end - 5), -1):
        surname = surname_at(text, start)
        if not surname or end - start - surname not in {1, 2} or names_nobody(text, start):
            continue
        if start and text[start - 1] in "这那哪几一两每某该此":
            continue  # 这张卡
        weight = name_weight(text, start, surname, end - start - surname)
        if start and is_han(text[start - 1]) and text[start - 1] not in "把给和与跟由请找问约叫为替是我":
            weight -= _EDGE
            if text[start - 1 : start + 1] in common_words():
                weight -= _COMMON_WORD
        if weight > best:
            best, begin = weight, start
    return begin if best >= needed else None


def name_weight(text: str, start: int, surname: int, given: int) -> float:
    """The weight of so many characters at ``start`` as a name: the natural logarithm of the odds against ordinary
    text by the characters, less for common words in it, more for an end that is one."""
    known, words = name_characters(), common_words()
    middle, end = start + surname, start + surname + given
    characters = text[middle:end]
    if len(characters) < given or not all(map(is_han, characters)):
        return _NEVER
    if characters[0] == text[start]:
        return _NEVER  # 谢谢, 常常
    if not not_names().isdisjoint((text[start : start + 2], text[start : start + 3])):
        return _NEVER
    weight = known.surname[text[start]] if surname == 1 else _COMPOUND
    weight += sum(known.given.get(character, _UNKNOWN) for character in characters)
    if surname == 1 and text[start : start + 2] in words:
        weight -= _COMMON_WORD / given
    if text[start : start + 3] in words:
        weight -= 2 * _COMMON_WORD
    if given == 2 and characters in words:
        weight -= _COMMON_WORD / 3
    if end >= len(text) or not is_han(text[end]):
        return weight + _EDGE
    if text[end - 1 : end + 1] in words:
        weight -= _COMMON_WORD
    if FOLLOWS.match(text, end) or DOES.match(text, end):
        return weight + _EDGE
    return weight if text[end : end + 2] in words else weight - _EDGE


def possible_names(text: str) -> Iterator[tuple[int, int]]:
    """Each place of ``text`` that could be a name by its first character, longest first: to look for known names."""
    for start in range(len(text)):
        length = surname_at(text, start)
        for end in range(start + length + 2, start + length, -1) if length else ():
            if end <= len(text) and all(map(is_han, text[start + length : end])):
                yield start, end
