"""Marks that name a person and are not numbers alone: addresses on the internet, accounts, plates, papers, records."""

import ipaddress
import re
from collections.abc import Iterator

from bot.safety.personal_data import cues
from bot.safety.personal_data.checksums import credit_code_ok, is_day
from bot.safety.personal_data.spans import Ground, Kind, Span

_LOCAL_PART = re.compile(r"[A-Za-z0-9_%+\-](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9_%+\-])?$")
_DOMAIN = re.compile(r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,4}\.[A-Za-z]{2,24}(?![A-Za-z0-9])")
_SPACED_AT = re.compile(r" ?@ ?")
_SPELLED_AT = re.compile(r" ?(?:[(\[<]at[)\]>]|艾特|爱特|圈a|#) ?", re.IGNORECASE)
"""How people write @ against robots."""

_WXID = re.compile(r"(?<![0-9A-Za-z_])wxid_[0-9A-Za-z]{6,24}(?![0-9A-Za-z_])")
_WECHAT = re.compile(
    r"(?:(?<!企业)微信号?|(?<![A-Za-z0-9_])(?:wechat|weixin|vx|wx|v信|v(?=[号:]))号?|威信|薇信|加v)(?:\s?id)?[\s:是为,]{0,3}(?:is\s)?(?:我的?|搜索?)?[\s:]?"
    r"([A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_\-@.])",
    re.IGNORECASE,
)
_WECHAT_NAMED = re.compile(r"号|id|是|(?:信|chat|xin|x)\s?:", re.IGNORECASE)
_QQ = re.compile(
    r"(?:(?<![A-Za-z])qq|扣扣|企鹅|q)(?!群)(?:号码?)?[\s:是为]{0,3}([1-9][0-9]{4,10})(?![0-9A-Za-z@.])", re.IGNORECASE
)

_PLATE = re.compile(
    r"(?<![0-9A-Za-z])([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼])([A-HJ-NP-Za-hj-np-z])"
    r"([· .\-]?)([A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])(?![0-9A-Za-z])"
)
_PLATE_DIGITS = 3
_PASSPORT = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z][0-9]{7,10}|[A-Za-z]{2}[0-9]{7,8}|1[45][0-9]{7})(?![0-9A-Za-z])")
_PERMIT = re.compile(r"(?:台胞证|回乡证|通行证)(?:号码?)?[\s:是为]{0,3}([0-9]{8,10})(?![0-9A-Za-z])")
_RECORD = re.compile(
    r"(?:病历|病案|住院|门诊|就诊卡?|登记|医保卡?|社保卡?|社会保障|诊疗卡?|患者|病人|体检|标本|(?:影像|放射|检查|超声|病理)|(?:CT|MRI?|DR|DSA|PET)(?:检查)?"
    r"|受试者|筛选|入组|随机|(?<![a-z])(?:patient|subject|accession|study|exam|medical\s?record|MRN|HIS|PACS))"
    r"\s?(?:号码|编号|编码|条码|卡号|流水号|号|(?<=卡)|(?<=[a-z])\s?(?:id|no|number)\.?|(?<=MRN))\s*[是为:#]{0,2}\s*"
    r"([0-9A-Za-z]{1,16}(?:-[0-9A-Za-z]{1,12}){0,3})(?![0-9A-Za-z]|\.[0-9])",
    re.IGNORECASE,
)
_NEXT_RECORD = re.compile(r"\s?[、,和与及/]\s?([0-9A-Za-z]{1,16}(?:-[0-9A-Za-z]{1,12}){0,3})(?![0-9A-Za-z]|\.[0-9])")
_RECORD_DIGITS = 4
_LICENCE = re.compile(
    r"(?:执业(?:医师|药师|护士)?证书?|执业(?:编码|编号)|资格证书?|执业注册|医师证|护士证|军官证|士兵证|警官证"
    r"|(?:医师|药师|护士|医生|技师|律师)[^0-9A-Za-z]{0,4}(?:证书?(?=编|号)))"
    r"(?:编码|编号|号码|号)?[\s是为:]{0,3}([军警士字第]{0,4}[A-Za-z]{0,3}[0-9]{7,27})(?![0-9])"
)
_CREDIT_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])")
_SOLE_TRADER = "92"
_APPROVAL = re.compile(
    r"(?:国药准字|国食药监|国械注[准进许]|注册证号|进口药品注册证号?|备案)[\s:]?[A-Za-z]{0,3}[0-9]{6,14}"
)

_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_IPV4_DIGITS = 8
_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)
"""Of examples; who writes one means an address like any other."""
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){3,7}(?![0-9A-Za-z:])")

_MONTH = r"(?:18|19|20)[0-9]{2}\s?[年.\-/]\s?[0-9]{1,2}"
_DAY = rf"(?:{_MONTH}\s?(?:[月.\-/]\s?[0-9]{{1,2}}\s?日?|月)|(?:18|19|20)[0-9]{{2}}[01][0-9][0-3][0-9])"
_BORN_AFTER = re.compile(
    r"(?:出生(?:日期|年月日?|时间)?|生日|生于|生辰|(?<![a-z])(?:DOB|date of birth|birth\s?da(?:y|te)|born(?: on)?))"
    rf"[\s是为于在:]{{0,3}}({_DAY}|{_MONTH}(?![0-9]))",
    re.IGNORECASE,
)
_NUMERAL = "〇零○一二三四五六七八九十"
_YEAR, _PART = rf"(?:[0-9]{{2}}|[{_NUMERAL}]{{2,4}})", rf"(?:[0-9]{{1,2}}|[{_NUMERAL}]{{1,3}})"
_SPOKEN_DAY = f"{_YEAR}年{_PART}月(?:初|{_PART}[日号]?)?"
"""八八年三月十五, 88年3月."""
_SPOKEN = re.compile(
    rf"(?:出生(?:日期|年月日?|时间)?|生日|生于|生辰)[\s是为于在:]{{0,3}}(?<![0-9])({_SPOKEN_DAY})"
    rf"|(?<![0-9{_NUMERAL}])({_SPOKEN_DAY})\s?(?:出生(?!缺陷|证明|医学)|生人|生日|生的|生(?=$|[\s,。;)]))"
    r"|(?<![A-Za-z])(?:DOB|[Dd]ate of [Bb]irth|[Bb]irth\s?(?:day|date)|[Bb]orn(?: on)?|出生日期|生日)[\s:是is]{0,4}"
    r"([0-3]?[0-9][/.\-][0-3]?[0-9][/.\-](?:19|20)[0-9]{2}|[A-Z][a-z]{2,8}\.? [0-3]?[0-9],? (?:19|20)[0-9]{2}"
    r"|[0-3]?[0-9](?:st|nd|rd|th)? [A-Z][a-z]{2,8},? (?:19|20)[0-9]{2})"
)
_BORN_BEFORE = re.compile(rf"(?<![0-9])({_DAY})\s?(?:出生(?!缺陷|证明|医学)|生人|生日|生的|生(?=$|[\s,。;)]))")


def keep_trade_marks(ground: Ground, text: str) -> None:
    """Set apart what looks like a person's number in plain ``text`` and is a product's or a company's."""
    for found in _APPROVAL.finditer(text):
        ground.keep(*found.span())
    for found in _CREDIT_CODE.finditer(text):
        code = found.group()  # all digits, it may as well be somebody's identity card
        if not code.startswith(_SOLE_TRADER) and not code[:17].isdigit() and credit_code_ok(code):
            ground.keep(*found.span())


def claim_identifiers(ground: Ground, text: str) -> None:
    """Claim every such mark of plain ``text``."""
    ground.claim_all(_emails(text))
    ground.claim_all(_by_cue(text))
    ground.claim_all(_plates(text))
    ground.claim_all(_papers(text))


def claim_internet(ground: Ground, text: str) -> None:
    """Claim what may also be a version, a section or a figure, after everything with a firmer form."""
    ground.claim_all(_ip_addresses(text))
    ground.claim_all(_birth_dates(text))


def _emails(text: str) -> Iterator[Span]:
    for at in _SPACED_AT.finditer(text):
        if len(at.group()) == 2:
            continue  # one space: a mention, as in "hi @zhang.wei"
        local = _LOCAL_PART.search(text, max(0, at.start() - 64), at.start())
        domain = _DOMAIN.match(text, at.end())
        if local and domain:
            yield Span(Kind.EMAIL, local.start(), domain.end(), "pattern")
    for at in _SPELLED_AT.finditer(text):
        local = _LOCAL_PART.search(text, max(0, at.start() - 64), at.start())
        domain = _DOMAIN.match(text, at.end())
        if local and domain and ("#" not in at.group() or cues.says(cues.EMAIL, text, local.start())):
            yield Span(Kind.EMAIL, local.start(), domain.end(), "pattern")


def _by_cue(text: str) -> Iterator[Span]:
    for found in _WXID.finditer(text):
        yield Span(Kind.WECHAT, *found.span(), "pattern")
    for found in _WECHAT.finditer(text):
        name, said = found.group(1), text[found.start() : found.start(1)]
        if _WECHAT_NAMED.search(said) or re.search(r"[0-9_]", name):
            yield Span(Kind.WECHAT, *found.span(1), "cue")
    for pattern, kind in ((_QQ, Kind.QQ), (_LICENCE, Kind.LICENCE)):
        for found in pattern.finditer(text):
            yield Span(kind, *found.span(1), "cue")
    for first in _RECORD.finditer(text):
        record: re.Match[str] | None = first
        while record is not None and sum(character.isdigit() for character in record.group(1)) >= _RECORD_DIGITS:
            yield Span(Kind.MEDICAL_RECORD, *record.span(1), "cue")
            record = _NEXT_RECORD.match(text, record.end())


def _plates(text: str) -> Iterator[Span]:
    for found in _PLATE.finditer(text):
        province, city, dot, rest = found.groups()
        digits = sum(character.isdigit() for character in rest)
        named = cues.says(cues.PLATE, text, found.start())
        form = dot == "·" or (digits >= _PLATE_DIGITS and (city + rest).isupper() and province not in "新云贵青")
        if named or (digits and form):
            yield Span(Kind.PLATE, *found.span(), "cue" if named else "pattern")


def _papers(text: str) -> Iterator[Span]:
    for found in _PASSPORT.finditer(text):
        if cues.says(cues.TRAVEL, text, found.start()):
            yield Span(Kind.PASSPORT, *found.span(), "cue")
    for found in _PERMIT.finditer(text):
        yield Span(Kind.PASSPORT, *found.span(1), "cue")
    for found in _CREDIT_CODE.finditer(text):
        if found.group().startswith(_SOLE_TRADER):
            if credit_code_ok(found.group()):
                yield Span(Kind.CREDIT_CODE, *found.span(), "checksum")
            elif cues.says(cues.CREDIT_CODE, text, found.start()):
                yield Span(Kind.CREDIT_CODE, *found.span(), "cue")


def _ip_addresses(text: str) -> Iterator[Span]:
    for pattern in (_IPV4, _IPV6):
        for found in pattern.finditer(text):
            named = cues.says(cues.INTERNET, text, found.start())
            if pattern is _IPV4 and not named:
                digits = sum(character.isdigit() for character in found.group())
                if digits < _IPV4_DIGITS or cues.says(cues.VERSION, text, found.start()):
                    continue
            if _is_public_address(found.group()):
                yield Span(Kind.IP_ADDRESS, *found.span(), "pattern")


def _is_public_address(text: str) -> bool:
    """Whether ``text`` is an address that leads to one place in the world; a private one leads to nobody."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if any(address in net for net in _DOCUMENTATION):
        return True
    return not (address.is_private or address.is_loopback or address.is_multicast or address.is_unspecified)


def _birth_dates(text: str) -> Iterator[Span]:
    for pattern in (_BORN_AFTER, _BORN_BEFORE):
        for found in pattern.finditer(text):
            numbers = re.findall(r"[0-9]+", found.group(1))
            digits = numbers[0] if len(numbers) == 1 else "".join(n.zfill(2) for n in [*numbers, "1"][:3])
            if is_day(digits):
                yield Span(Kind.BIRTH_DATE, *found.span(1), "cue")
    for found in _SPOKEN.finditer(text):
        group = next(number for number in (1, 2, 3) if found.group(number))
        yield Span(Kind.BIRTH_DATE, *found.span(group), "cue")
