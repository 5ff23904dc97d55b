"""Words that exclude one another: who says one of them where the source has another says something else.

Opposites are pairs (before, after). Kinds are sets of which a clause usually has one: the way a drug is given, whom it
is for, how severe something is. Weekdays, calendars and scales are figures in all but name: one that no source names is
made up.
"""

import re
from collections.abc import Iterator

_SPAN = "(?:工作日|分钟|小时|个月|[天日周月年秒])"

OPPOSITES = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("(?<![目提当以])前", "(?<!最)后"),
        (rf"{_SPAN}\s?[之以]?内", rf"{_SPAN}\s?[之以]?后"),
        ("增|升|加大", "减|降|缩"),
        ("高(?!于)", "低(?!于)"),
        ("最大|最多", "最小|最少"),
        ("[较更很]多", "[较更很]少"),
        ("阳性", "阴性"),
        ("早(?!于)", "晚(?!于)"),
        ("左(?!右)", "(?<!左)右"),
        ("热", "冷|凉"),
        ("开始|启动", "停止|终止|结束"),
        ("开启|打开|启用", "关闭|停用|禁用"),
        ("[较更]大", "[较更]小"),
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
    ("正常", "异常"),
    ("急性", "慢性"),
    ("良性", "恶性"),
    ("原发", "继发"),
    ("单侧", "双侧"),
    ("必修", "选修"),
    ("免费", "收费|付费"),
    ("国内|境内", "国外|境外|海外"),
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

_SCALES = tuple(
    re.compile(scale)
    for scale in (
        "农历|阴历|旧历|農曆|陰曆",
        "公历|阳历|西历|公曆|陽曆",
        r"公元前|西元前|\bbc\b",
        r"华氏|華氏|°f|\bfahrenheit\b",
    )
)
_ERA = re.compile(
    "(民国|民國|洪武|建文|永乐|永樂|洪熙|宣德|正统|景泰|天顺|成化|弘治|正德|嘉靖|隆庆|万历|萬曆|天启|崇祯|崇禎|顺治|順治|康熙|雍正|乾隆|嘉庆|道光|"
    "咸丰|咸豐|同治|光绪|光緒|宣统|明治|大正|昭和|平成|令和)(?=[元一二三四五六七八九十0-9])"
)

_ABSOLUTES = tuple(
    re.compile(absolute)
    for absolute in (
        "任何(?:时候|情况|人|条件)|随时|无论(?:何时|何种|什么)|不论|无条件|"
        "without exception|(?:at )?any time|in any case",
        "永远|永久|永不|从不|从未|绝不|决不|never|always|forever",
        "绝对|百分之?百|完全(?=没有|不会|可以|无)|肯定|absolutely",
        "自动|automatic",
    )
)
"""Words that let something hold everywhere, always, surely or by itself."""


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


def scales(text: str) -> frozenset[str]:
    """The calendars, eras and scales by which ``text``, folded, counts."""
    return frozenset({scale.pattern for scale in _SCALES if scale.search(text)} | set(_ERA.findall(text)))


def absolutes(text: str) -> frozenset[str]:
    """The kinds of :data:`_ABSOLUTES` that ``text``, folded, has."""
    return frozenset(absolute.pattern for absolute in _ABSOLUTES if absolute.search(text))


def _only(one: re.Pattern[str], other: re.Pattern[str], text: str) -> bool:
    return bool(one.search(text)) and not other.search(text)
