"""Words that exclude one another: who says one of them where the source has another says something else.

Opposites are pairs (before, after). Kinds are sets of which a clause usually has one: the way a drug is given, whom it
is for, how severe something is. Weekdays are figures in all but name: one that no source names is made up.
"""

import re
from collections.abc import Iterator

_SPAN = "(?:工作日|分钟|小时|个月|[天日周月年秒])"

OPPOSITES = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("前", "后"),
        (rf"{_SPAN}\s?[之以]?内", rf"{_SPAN}\s?[之以]?后"),
        ("增|升|加大", "减|降|缩"),
        ("高(?!于)", "低(?!于)"),
        ("最大|最多", "最小|最少"),
        ("阳性", "阴性"),
        ("早(?!于)", "晚(?!于)"),
        ("左(?!右)", "(?<!左)右"),
        ("热", "冷|凉"),
        ("开始|启动|开启", "停止|关闭|终止"),
        ("或(?!许)", "并(?!发)|且"),
        (r"\bbefore\b", r"\bafter\b"),
        (r"\b(?:increas\w+|rais\w+|higher|rise)\b", r"\b(?:decreas\w+|reduc\w+|lower|fall)\b"),
        (r"\bpositive\b", r"\bnegative\b"),
        (r"\b(?:start|open)\b", r"\b(?:stop|clos\w+)\b"),
    )
)

_KINDS = (
    (
        "口服|经口|吞服",
        "静脉|静注|静滴",
        "肌内|肌肉|肌注",
        "皮下",
        "外用|涂抹",
        "吸入|雾化",
        "鞘内",
        "舌下",
        "直肠|灌肠",
    ),
    ("成人|成年", "儿童|小儿|患儿|幼儿", "老年|老人", "婴儿|新生儿", "孕妇|妊娠", "哺乳"),
    ("轻度|轻微", "中度|中等", "重度|严重"),
    ("空腹", "餐前|饭前", "餐后|饭后", "随餐|餐中"),
    ("当天|当日|同日", "次日|第二天|隔天|翌日"),
    ("电子", "纸质"),
    ("线上|在线|网上", "线下|现场"),
    ("男", "女"),
    (r"\boral(?:ly)?\b", r"\bintraven\w+\b", r"\bintramuscular\w*\b", r"\bsubcutaneous\w*\b", r"\btopical\w*\b"),
    (r"\badults?\b", r"\bchild(?:ren)?\b|\bpa?ediatric\b", r"\belderly\b", r"\binfants?\b|\bnewborns?\b"),
    (r"\bmild\b", r"\bmoderate\b", r"\bsevere\b"),
)
KINDS = tuple(tuple(map(re.compile, members)) for members in _KINDS)

TELLING = re.compile(
    "|".join(
        [pattern.pattern for pair in OPPOSITES[:1] for pattern in pair]
        + [pattern.pattern for kind in KINDS for pattern in kind]
    )
)
"""What is compared by itself, and so says nothing about how alike two clauses are."""

_WEEKDAY = re.compile("(?:周|星期|礼拜)([一二三四五六日天])")
_ENGLISH_WEEKDAY = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b")
_ENGLISH_DAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")


def exclude(one: str, other: str) -> bool:
    """Whether ``one`` and ``other``, folded, name different members of a kind and share none, or are opposites."""
    for kind in KINDS:
        mine, others = ({at for at, member in enumerate(kind) if member.search(text)} for text in (one, other))
        if mine and others and not mine & others:
            return True
    return any(
        _only(first, second, one) and _only(second, first, other)
        for pair in OPPOSITES
        for first, second in (pair, pair[::-1])
    )


def weekdays(text: str) -> frozenset[int]:
    """The days of the week that ``text``, folded, names: 1 for Monday to 7."""
    return frozenset(_weekdays(text))


def _weekdays(text: str) -> Iterator[int]:
    for found in _WEEKDAY.finditer(text):
        yield "一二三四五六日".find(found[1].replace("天", "日")) + 1
    for found in _ENGLISH_WEEKDAY.finditer(text):
        yield _ENGLISH_DAYS.index(found[1]) + 1


def _only(one: re.Pattern[str], other: re.Pattern[str], text: str) -> bool:
    return bool(one.search(text)) and not other.search(text)
