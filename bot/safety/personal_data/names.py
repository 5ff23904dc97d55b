"""Names of people.

Chinese has no capital letters: a name is told by its surname, by how usual its characters are in names, and by the
words beside it (我叫…, 患者…, …的报告, …，男，56岁). A surname with a title (王医生, 李女士) names nobody and stays:
in a group of colleagues it is how people talk to each other. So do names that are blanked already (王某).
"""

import re
from collections.abc import Iterator

from bot.safety.personal_data.lexicon import common_words, name_characters
from bot.safety.personal_data.name_weight import (
    DOES,
    FOLLOWS,
    HAN,
    is_han,
    name_at,
    name_before,
    name_weight,
    names_nobody,
    surname_at,
)
from bot.safety.personal_data.spans import Ground, Kind

_LINK = r"[\s:是为叫,\"“'【\[(]{0,3}"
_CHANGED = "(?:换|改|写|填|登记|变更)(?:错)?(?:成|为|的?是)"
_SURE = re.compile(
    rf"(?:(?:我|他|她|名字?|全名)(?:就)?(?:叫做?|是叫)|姓\s?名|名字(?:是|叫|:|{_CHANGED})|户名|(?:收|寄|取)(?:件|货)人|联系人|持卡人|开户人|申请人|投保人"
    rf"|被保险?人|受益人|经办人|(?:报告|投诉|举报|反馈|反映|咨询|来电|参会|报名|推荐|陪同|主讲|接收|监护|法定代表)人|署名|签名|签字)(?:{_CHANGED})?{_LINK}"
)
"""After these comes a name, or nothing."""
_LIKELY = re.compile(
    rf"(?:患者|病人|客户|用户|顾客|会员|受试者|学员|乘客|业主|租客|房东|员工|同事|学生|司机|老师|患儿|产妇|孕妇|老人|伤者|家属|亲属|本人|我是|这是"
    rf"|这位|那位|病友|朋友|邻居|室友|舍友|亲戚|舅舅|姑姑|姨妈|叔叔|伯伯|爷爷|奶奶|外公|外婆|婆婆|公公|岳父|岳母|孙子|孙女|侄子|外甥|领导|助理|经理"
    rf"|主管|顾问|专员|销售|客服|负责人|对接人|[机房户车货失]主|师傅|护工|保安|保姆|保洁|旅客|游客|嘉宾|讲师|律师|警官|股东"
    rf"|[店站组队班校院处科所局]长|老板"
    rf"|(?:借款|担保|当事|代理|委托|经手|签收|发件|收款|付款|汇款|承租|购买|购票|乘车|入住|就诊|陪护|审批|审核)人"
    rf"|[快递业务服营售货驾驶管理配送收银]员|我[堂表]?[姐哥弟妹爷奶婶嫂姨舅叔姑侄]|母亲|父亲|妈妈|爸爸|我妈(?!妈)|我爸(?!爸)|妻子|老婆|老公|丈夫|儿子|女儿|爱人|男友|女友|哥哥|姐姐|弟弟|妹妹|医生|主任|教授|护士|药师|医师"
    rf"|大夫|代表|抄送|转给|联系|通知|@){_LINK}"
)
_ROLE = re.compile(rf"[{HAN}](?:人|员|长|(?<!王)者|友|属|客)(?:填|写)?{_LINK}")
"""Whoever does something: there are more of them than a list holds (受托人, 下单人, 家长)."""
_PERHAPS = re.compile(
    r"(?:(?:科|院|部|中心|公司|大学)的|听说|刚刚|刚才|我|把|帮|给|找|请|问|约|叫|和|跟|与|由|为|替|是|代(?!谢)|让|谢谢|感谢|麻烦|陪|致|向|查(?:询|一下|下|找)?)"
)
_SPEAKER = re.compile(rf"(?m)^\s?([{HAN}]{{2,4}})\s?(?=:|\s?[0-9]{{1,2}}:[0-9]{{2}}|\s[0-9]{{4}}[-/])")
_SENTENCE = re.compile(rf"(?:^|[\s,。;!?、])(?=[{HAN}])")
_LATIN = re.compile(
    r"(?:[Mm]y name is|[Nn]ame\s?(?:is|:)|[Pp]atient\s?(?:is|:)?"
    r"|(?:[Cc]ontact(?: person)?|[Cc]ustomer|[Aa]ttn|[Rr]ecipient|[Cc]aller|[Ss]ender|[Rr]eceiver)\s?:"
    r"|(?:Mr|Mrs|Ms|Dr|Prof)\.?|I am|I'm|[Tt]his is|姓名:?"
    r"|我叫|我是(?=[A-Z][a-z]+ [A-Z][a-z]+(?:$|[\s,.;!?])))\s?([A-Z][a-z]+(?:[ \-][A-Z][a-z]+){1,2})(?![A-Za-z])"
)
_DOTTED = re.compile(rf"[{HAN}]{{2,8}}·[{HAN}]{{2,8}}(?:·[{HAN}]{{2,8}})?")
_SPACED = re.compile(rf"[{HAN}](?: [{HAN}]){{1,3}}(?=$|[\s,。.;、|/()0-9])")
_WHOLE = re.compile(rf"[{HAN}]{{2,4}}(?=$|[\s,。.;、|/()0-9])")
_APART = re.compile(rf"(?:^|(?<=[\s,.;:!?()|/+\]】」”、。]))[{HAN}]{{2,4}}(?=$|[\s,.;:!?()|/+\[【「“、。])")
_MARK_BEFORE = re.compile(r"[\s:(,/|]{1,2}$")
_MARK_AFTER = re.compile(r"[\s),/|、]{0,2}")
_FILLER = re.compile(
    "不详|未知|未填|保密|同上|匿名|略去|无名|暂无|没有|不便|必填|错误|有误|写错|填错|改了|不对|不符|不一致|为空|登记"
)
"""What people write where a name is asked for and they give none."""

_SURE_AT, _LIKELY_AT, _BESIDE_AT, _ROLE_AT = 0.0, 0.5, 1.0, 2.5
_APART_AT = _TOUCHING_AT = _PERHAPS_AT = 3.5
_ALONE_AT, _AMIDST_AT = 4.5, 9.0
"""The weight that a name needs, by the sign that speaks for it, weaker and weaker."""
_WHOLE_AT = -2.5
"""The weight of the few characters between a sure sign and a mark: even an unusual name reaches it."""
_SURNAME_AT = 2.0
"""The weight of the surname of a name that nothing beside it speaks for."""

_Found = Iterator[tuple[int, int, str]]


def claim_names(ground: Ground, text: str) -> None:
    """Claim the names of plain ``text``; ``ground`` holds what has been found before them."""
    for found in _LATIN.finditer(text):
        ground.claim(Kind.NAME, *found.span(1), "cue")
    others = [(span.start, span.end) for span in ground.spans if span.type is not Kind.NAME]
    for names in (_after(text), _before(text), _beside(text, others), _apart(text), _telling(text), _amidst(text)):
        for start, end, rule in names:
            ground.claim(Kind.NAME, start, end, rule)


def _after(text: str) -> _Found:
    """Names after a word that announces one."""
    for cues, needed in ((_SURE, _SURE_AT), (_LIKELY, _LIKELY_AT), (_ROLE, _ROLE_AT), (_PERHAPS, _PERHAPS_AT)):
        for cue in cues.finditer(text):
            yield from _listed(text, cue.end(), needed)


def _listed(text: str, start: int, needed: float) -> _Found:
    """The name at ``start``, and those that are listed after it."""
    if needed == _PERHAPS_AT and text[start : start + 1] == "查":
        return  # 帮我查…: as good as never a surname there
    end = name_at(text, start, needed)
    if needed <= _LIKELY_AT and (dotted := _DOTTED.match(text, start)):
        end = dotted.end()
    elif needed == _SURE_AT and (spaced := _SPACED.match(text, start)):
        name = spaced.group().replace(" ", "")
        end = spaced.end() if name_at(name, 0, _SURE_AT) == len(name) else end
    elif needed == _SURE_AT and (whole := _WHOLE.match(text, start)):
        end = _whole(text, *whole.span()) or end
    while end is not None:
        yield start, end, "cue"
        if text[end : end + 1] not in {"、", "和", "与", "及"}:
            return
        start = end + 1
        end = name_at(text, start, _LIKELY_AT)


def _whole(text: str, start: int, end: int) -> int | None:
    """``end``, if ``text[start:end]``, which stands between a sure sign and a mark, can be a name at all."""
    run, length = text[start:end], surname_at(text, start)
    if _FILLER.fullmatch(run) or names_nobody(text, start):
        return None
    of_a_form = text[start - 1] == ":" or text[start - 2 : start] == ": "  # 姓名：阿古拉
    given = end - start - length
    if not length:
        return end if of_a_form and run[:2] not in common_words() else None
    if not 1 <= given <= 2:
        return None
    return end if of_a_form or name_weight(text, start, length, given) >= _WHOLE_AT else None


def _before(text: str) -> _Found:
    """Names before a word that stands after one, and those of who speaks in a group (张敏 10:23)."""
    for sign in FOLLOWS.finditer(text):
        start = name_before(text, sign.start(), _LIKELY_AT)
        if start is not None:
            yield start, sign.start(), "cue"
    for found in _SPEAKER.finditer(text):
        if name_at(text, found.start(1), _LIKELY_AT) == found.end(1):
            yield found.start(1), found.end(1), "cue"


def _beside(text: str, others: list[tuple[int, int]]) -> _Found:
    """Names that stand by other personal data, with nothing but a mark between them."""
    for start, end in others:
        mark = _MARK_BEFORE.search(text, max(0, start - 2), start)
        last = mark.start() if mark else start
        first = name_before(text, last, _BESIDE_AT if mark else _TOUCHING_AT)
        if first is not None:
            yield first, last, "adjacent"
        after = _MARK_AFTER.match(text, end)
        first = after.end() if after else end
        found = name_at(text, first, _BESIDE_AT if first > end else _TOUCHING_AT)
        if found and not is_han(text[found : found + 1]):
            yield first, found, "adjacent"


def _apart(text: str) -> _Found:
    """Names between two marks, with no other word."""
    for found in _APART.finditer(text):
        if name_at(text, found.start(), _APART_AT) == found.end():
            yield *found.span(), "pattern"


def _telling(text: str) -> _Found:
    """Names at the beginning of a sentence of which the rest tells what they did."""
    for found in _SENTENCE.finditer(text):
        end = name_at(text, found.end(), _ALONE_AT)
        if end and DOES.match(text, end):
            yield found.end(), end, "pattern"


def _amidst(text: str) -> _Found:
    """Names of three characters with no sign beside them, which their characters alone give away."""
    surnames, words = name_characters().surname, common_words()
    for start, character in enumerate(text):
        if (
            surnames.get(character, 0.0) >= _SURNAME_AT
            and name_weight(text, start, 1, 2) >= _AMIDST_AT
            and not (start and text[start - 1 : start + 1] in words)
            and not names_nobody(text, start)
        ):
            yield start, start + 3, "pattern"
