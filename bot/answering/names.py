"""The names in a sentence: what must stand in a source before anything is said about it.

Latin names and codes, titles and quotations are told by how they are written. Chinese names are not, so they are told
by how they end: drugs by what drugs end in, organisations likewise.
"""

import re
from collections.abc import Iterator, Sequence

from bot.answering.claims import Ground, is_chinese
from bot.answering.quantities import fold

_QUOTED = re.compile(
    '《([^《》\n]{1,80})》|“([^“”\n]{1,80})”|「([^「」\n]{1,80})」|『([^『』\n]{1,80})』|(?<!\\w)"([^"\n]{1,80})"'
)
_LATIN = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(?:[-./+&][A-Za-z0-9]+)*|(?<!\d)\d+(?:\.\d+)?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
)
_ORDINARY = frozenset({"a", "an", "the", "i", "ok", "and", "or", "vs", "e.g", "i.e"})
_DAY_OR_MONTH = re.compile(
    "(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october|"
    "november|december"
)
_DRUG_ENDING = re.compile(
    r"(?:cillin|mycin|floxacin|statin|pril|sartan|olol|azole|prazole|tidine|gliptin|gliflozin|mab|nib|vir|hexol|hexal|"
    r"ixanol|promide|meprol|versol|pamidol|formin|parin|dipine|setron|caine|zepam|barbital|azine|oxetine)$"
)
_HAN = "\u4e00-\u9fff"
_ENDINGS = (
    "医院|大学|学院|公司|集团|药业|协会|学会|委员会|研究院|研究所|基金会|卫健委|药监局|疾控中心|医学中心|出版社|"
    "霉素|西林|沙星|他汀|沙坦|普利|洛尔|地平|替尼|单抗|拉唑|替丁|双胍|胰岛素|肝素|激素|沙醇|海醇|帕醇|佛醇|普胺|葡胺|酸钠|"
    "酸钾|布洛芬|尼松|米松|尼龙|奈德|列脲|美脲|格列净|列净|列酮|列奈|列汀|注射液|胶囊|口服液|颗粒|滴眼液|软膏|疫苗|指南|共识|说明书"
)
_DRUG_CLASS = re.compile(
    "(霉素|西林|沙星|他汀|沙坦|普利|洛尔|地平|替尼|单抗|拉唑|替丁|双胍|列脲|美脲|列净|列酮|列奈|列汀)(?=类)"
)
_CLASS = re.compile(f"{_DRUG_CLASS.pattern}类")
_DRUG = re.compile(
    rf"[{_HAN}](?:霉素|西林|沙星|他汀|沙坦|普利|洛尔|地平|替尼|单抗|拉唑|替丁|双胍|沙醇|海醇|帕醇|佛醇|普胺|葡胺|"
    "布洛芬|尼松|米松|尼龙|奈德|列脲|美脲|列净|列酮|列奈|列汀)"
)
_PLACES = re.compile(
    "北京|上海|天津|重庆|河北|山西|内蒙古|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|海南|四川|贵州|云南|"
    "西藏|陕西|甘肃|青海|宁夏|新疆|香港|澳门|台湾|广州|深圳|杭州|南京|苏州|武汉|成都|西安|沈阳|大连|青岛|济南|郑州|长沙|福州|厦门|"
    "宁波|无锡|合肥|南昌|昆明|贵阳|南宁|石家庄|太原|哈尔滨|长春|兰州|乌鲁木齐|呼和浩特|银川|西宁|拉萨|海口"
)
"""Provinces and large cities."""
_DISTRICT = re.compile(rf"[{_HAN}]{{2}}(?:新区|区|县)(?![{_HAN}]?域)")
_NO_DISTRICT = re.compile(
    "(?:社|地|市|郊|山|景|校|厂|园|城|小|辖|病|禁|盲|误|专|库|分|战|灾|特|各|本|该|全|感染|安全|服务|工作|等候|候诊|污染|清洁)区$|知县$|各县$"
)
_DEPARTMENT = re.compile(
    "(?:市场|财务|销售|人事|人力资源|技术|医学|法务|运营|客服|行政|采购|质量|研发|教务|培训|药剂|注册|生产|商务|公关|医务|护理)[部科处]"
)
_NAME = re.compile(rf"[{_HAN}]{{0,12}}?(?:{_ENDINGS})")
_ENDING = re.compile(rf"(?:{_ENDINGS})$")
FAMILY_NAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范石廖贾韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
)
"""The common ones, a character each."""
_PERSON = re.compile(f"[{FAMILY_NAMES}][{_HAN}]{{0,2}}(?:教授|主任|医生|博士|院长|老师)")
"""A common family name, what may be a given name, and an office."""
_BOUNDARY = re.compile(
    "的|了|在|由|与|及|或|是|为|到|往|去|从|向|至|对|请|可|应|须|需|按|据|经|被|把|将|有|无|不|未|并|且|若|如|当|"
    "咨询|联系|用(?!品)|吃|使用|服用|给予|注射|应用|用于|建议|包括|根据|参考|参见|前往|属于|称为|选择|选用|推荐|其他|相关|所在|当地|附近|"
    "各|本|我|该|贵|此|某|就近|三级|综合|专科|正规|专业|大型|公立|私立|知名|主管|主治|首席|您|你|他|她"
)

_NAME_BEGINS = re.compile(rf"(?:^|[^{_HAN}]|{_BOUNDARY.pattern}|和)$")
"""What stands before a whole name; 和 also stands inside some."""


def latin_names(words: str) -> list[str]:
    """Latin names and codes of a sentence, folded: in Chinese every Latin word, in other text what looks like one."""
    found = [(match.group(), match.start()) for match in _LATIN.finditer(words)]
    if is_chinese(words):
        return [fold(name) for name, _ in found if name.lower() not in _ORDINARY]
    return [
        fold(name)
        for name, at in found
        if name.lower() not in _ORDINARY and _is_name(name, first=not re.search(r"\w", words[:at]))
    ]


def _is_name(word: str, *, first: bool) -> bool:
    bare = word.removesuffix("s")
    if _DAY_OR_MONTH.fullmatch(bare.lower()):  # read as such, see bot.answering.quantities and opposites
        return False
    if any(character.isdigit() for character in word) or any(character.isupper() for character in bare[1:]):
        return True
    return (word[0].isupper() and not first) or bool(_DRUG_ENDING.search(word.lower()))


def titles(words: str) -> list[str]:
    """What stands in quotation or title marks, folded."""
    return [fold(next(filter(None, found.groups()))) for found in _QUOTED.finditer(words)]


def officials(words: str) -> list[str]:
    """People named with their office (王敏主任), folded."""
    return [found.group() for found in _PERSON.finditer(fold(words))]


def places(words: str) -> list[str]:
    """Provinces and large cities."""
    return [found.group() for found in _PLACES.finditer(fold(words))]


def drugs(words: str) -> list[str]:
    """Generic names of drugs, told by what they end in; of each that and the character before it (``甲双胍``)."""
    return [found.group() for found in _DRUG.finditer(fold(words))]


def unknown_chinese_name(words: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``words`` name a drug, an organisation, a place or a person of office that no source names."""
    return any(not _known(name, grounds) for name in _chinese_names(words))


def _chinese_names(words: str) -> Iterator[str]:
    folded = fold(words)
    for pattern in (_PERSON, _PLACES, _DEPARTMENT, _DRUG_CLASS):
        yield from (found.group() for found in pattern.finditer(folded))
    yield from (name for found in _DISTRICT.finditer(folded) if not _NO_DISTRICT.search(name := found.group()))
    for found in _NAME.finditer(_CLASS.sub(" ", folded)):
        name = _BOUNDARY.split(found.group())[-1].removeprefix("和")
        if not _ENDING.fullmatch(name):
            yield name


def _known(name: str, grounds: Sequence[Ground]) -> bool:
    """A source has the name, or its longest tail that a source has is a whole name there: ``上海协和医院`` is not
    known because of ``北京协和医院``, but words of the sentence may stand before a name."""
    if any(name in ground.solid for ground in grounds):
        return True
    ending = _ENDING.search(name)
    shortest = len(ending.group()) + 1 if ending else len(name)
    for start in range(1, len(name) - shortest + 1):
        tail = name[start:]
        before = [_before(tail, ground.solid) for ground in grounds if tail in ground.solid]
        if before:
            return any(_NAME_BEGINS.search(text) for text in before)
    return False


def _before(tail: str, text: str) -> str:
    at = text.index(tail)
    return text[max(0, at - 3) : at]
