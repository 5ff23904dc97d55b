"""Addresses: where somebody lives, works or has things sent to.

Two ways lead to one. A road, a village or a compound with the number of a house in it is an address wherever it
stands; and what follows "I live in" or "send it to" is one when it names at least two places. A town alone is none.
"""

import re
from collections.abc import Iterator

from bot.safety.personal_data.lexicon import regions
from bot.safety.personal_data.spans import Ground, Kind, Span

_HAN = "\u4e00-\u9fff"
_NUMBER = (
    r"(?:[A-Za-z甲乙丙丁]?[0-9]{1,5}(?:-[0-9]{1,5}){0,3}[A-Za-z]?|[A-Za-z]|[一二三四五六七八九十百]{1,4}"
    "|[甲乙丙丁东南西北])"
)
_STREET_NUMBER = "号楼|号院|号弄|号房|号(?![线码机位文令召称])"
_HOUSE = f"(?:{_STREET_NUMBER}|弄|栋|幢|座|单元|室|楼|层|户)"
_UNIT = f"(?:{_STREET_NUMBER}|弄|栋|幢|座|单元|室|楼|层|户|组|队|门|房|期|区|厅|屯)"
_BUILDING = (
    rf"[{_HAN}]{{1,9}}?(?:大厦|小区|花园|公寓|广场|家园|新村|大楼|公馆|宿舍|学校|大学|医院|国际|中心|园|苑|城|府|庭|湾|村"
    "|里|坊|楼|院)"
)
_PIECE = rf"\s?(?:{_BUILDING}\s?)?{_NUMBER}\s?{_UNIT}"
_SEGMENT = "(?:[东南西北中][段路]|[一二三四五六七八九十][段路]|辅路)?"
_ROAD = "路|街|大道|巷|弄|胡同|小区|花园|公寓|新村|家园|社区|街坊"
_LOOSE_ROAD = "里|道|村|镇|乡|大厦|广场|苑|城|园|中心|屯|庄|湾|府|院"
"""These end other words too: with a region before them only."""
_ROOM = r"(?:\s?[0-9]{1,4}(?:-[0-9]{1,4}){1,3}|\s?[0-9]{2,4}|-[0-9]{2,4})[室房]?(?![0-9年月日元块mM/.\-:%])"
_TAIL = rf"(?:{_PIECE}){{0,6}}(?:{_BUILDING}(?=[0-9]|(?![{_HAN}]))|[{_HAN}]{{2,4}}(?:大厦|大楼|公寓|广场))?(?:{_ROOM})?"
_HOUSE_AT_ROAD = re.compile(
    rf"(?P<road>{_ROAD}){_SEGMENT}\s?{_NUMBER}\s?{_HOUSE}{_TAIL}"
    rf"|(?:{_LOOSE_ROAD}){_SEGMENT}\s?{_NUMBER}\s?(?:{_HOUSE}|组|队){_TAIL}"
)
_VILLAGE = re.compile(rf"[县市区旗][{_HAN}]{{1,6}}[镇乡][{_HAN}]{{1,8}}[村屯庄](?:[{_HAN}0-9]{{1,4}}[组队])?")

_WINDOW = 36
"""An address begins at most so many characters before the number of the house."""
_LEADS_TO = re.compile(rf"[{_HAN}0-9A-Za-z \-]*$")
_ROAD_NAME = 5
_BEFORE_A_ROAD = re.compile(
    r"到|在|是|址|住|于|至|寄|送|发|来|去|往|从|给|我家|我们|你们|公司|叫|的|改成|换成|为|有|把|[,。:;\s]"
)

_CUE = re.compile(
    r"(?:家?住(?:在|址)?|家庭住址|现住址?|居住(?:地址?|在)|户籍(?:地址?)?|籍贯|(?<!邮箱)(?<!IP)(?<!ip)(?<!网)(?<!网站)(?<!邮件)地址"
    r"|(?:寄|送|发|邮|改|换)到|寄往|老家)[\s:是为在]{0,3}"
)
_PLACE = re.compile(rf"[{_HAN}0-9A-Za-z\-#() ]{{4,60}}")
_KIND_OF_PLACE = "省|市|区|县|旗|镇|乡|村|屯|庄|街道|路|街|巷|弄|胡同|大道|小区|花园|公寓|大厦|家园|新村|社区|苑"
_KINDS_OF_PLACES = re.compile(_KIND_OF_PLACE)
_UP_TO_THE_LAST = re.compile(
    rf"[{_HAN}0-9A-Za-z\-# ]*(?:{_KIND_OF_PLACE}|广场|园|城|里|号|栋|幢|座|单元|室|楼|组|队)(?:{_ROOM})?"
)


_NAMED_PLACE = re.compile(
    rf"(?:(?<!邮箱)(?<!IP)(?<!ip)(?<!网)(?<!网站)(?<!邮件)地址|住址|家住)[\s:是为在]{{0,3}}"
    rf"([{_HAN}A-Za-z]{{2,12}}[0-9]{{0,3}}\s?{_PIECE}{_TAIL})"
)
_ENGLISH = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:Room|Rm|Unit|Flat|Floor|Suite|Apt)\.? ?[0-9A-Z-]{1,6}, ?){0,2}"
    r"(?:No\.? ?)?[0-9]{1,5}[A-Za-z]?,? "
    r"(?:[A-Z][A-Za-z']{1,20} ){1,4}(?:Road|Rd|Street|St|Avenue|Ave|Lane|Boulevard|Blvd|Drive|Highway)\b\.?"
    r"(?:, ?[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){0,3}){0,4}"
)


def claim_addresses(ground: Ground, text: str) -> None:
    """Claim the addresses of plain ``text``."""
    ground.claim_all(_houses(text))
    ground.claim_all(_villages(text))
    ground.claim_all(_after_cues(text))
    ground.claim_all(Span(Kind.ADDRESS, *found.span(1), "cue") for found in _NAMED_PLACE.finditer(text))
    ground.claim_all(Span(Kind.ADDRESS, *found.span(), "pattern") for found in _ENGLISH.finditer(text))


def _houses(text: str) -> Iterator[Span]:
    for found in _HOUSE_AT_ROAD.finditer(text):
        start = _region_before(text, found.start())
        if start is None and found.group("road"):
            start = _road_name(text, found.start())
        if start is not None:
            yield Span(Kind.ADDRESS, start, found.end(), "pattern")


def _villages(text: str) -> Iterator[Span]:
    for found in _VILLAGE.finditer(text):
        start = _region_before(text, found.start() + 1)
        if start is not None:
            yield Span(Kind.ADDRESS, start, found.end(), "pattern")


def _after_cues(text: str) -> Iterator[Span]:
    for cue in _CUE.finditer(text):
        region = _region_at(text, cue.end())
        place = _PLACE.match(text, cue.end()) if region else None
        named = _UP_TO_THE_LAST.match(place.group()) if place else None
        if named is None:
            continue
        places = len(_KINDS_OF_PLACES.findall(named.group()))
        if text[cue.end() + region - 1] not in "省市区县旗州盟":
            places += 1  # 上海 says no kind and is a place as well as 上海市
        if places >= 2:
            yield Span(Kind.ADDRESS, cue.end(), cue.end() + named.end(), "cue")


def _region_before(text: str, end: int) -> int | None:
    """Where the first region of the words that lead to ``end`` begins."""
    window = _LEADS_TO.search(text, max(0, end - _WINDOW), end)
    if window is None:
        return None
    return next((place for place in range(window.start(), end) if _region_at(text, place)), None)


def _region_at(text: str, start: int) -> int:
    """How long the name of a region at ``start`` is; 0 without one."""
    known = regions()
    if text[start : start + 2] not in known.starts:
        return 0
    lengths = range(min(known.longest, len(text) - start), 1, -1)
    return next((length for length in lengths if text[start : start + length] in known.names), 0)


def _road_name(text: str, end: int) -> int | None:
    """Where the name of the road begins that leads up to ``end``."""
    start = max(0, end - _ROAD_NAME)
    for stop in _BEFORE_A_ROAD.finditer(text, start, end):
        start = stop.end()
    while start < end and not "\u4e00" <= text[start] <= "\u9fff":
        start += 1
    return start if start < end else None
