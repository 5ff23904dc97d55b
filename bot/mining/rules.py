"""Question–answer pairs by rules over what documents are made of: fewer than there are, but right.

Every answer is the document's own words. Where a rule is not sure what a question would be about, or whether the
answer is whole, there is no pair.
"""

import re
from collections.abc import Iterator

from bot.mining.pairs import Pair, Passage, Rule, pair
from bot.mining.table_pairs import table_pairs
from bot.texts import Texts, language_of

MOST_CHARACTERS = 500
"""Of an answer: what is longer is a document to read, and no FAQ."""
LEAST_CHARACTERS = 8
_ASKING = re.compile(
    "[？?]$|怎么|怎样|如何|为什么|为何|多久|多少|几[个天次点时]|什么|哪[些个里种儿]|谁|是否|能否|[吗呢]$|能不能|可不可以|"
    r"^(?:how|what|when|where|who|why|which|can|is|are|do|does|may|should)\b",
    re.IGNORECASE,
)
_NO_SUBJECT = re.compile("[能可和与在为怎是要有多如什哪谁何该会应做用]|其|它|本")
"""How a heading begins that leaves out what it is about."""
_TOPIC = re.compile(
    "^(?P<of>[^、，和与及或的]{0,16}?)(?:步骤|流程|条件|要求|办法|有效期|适用范围|注意事项|禁忌症?|适应症|用法用量|不良反应|"
    "贮藏|保存条件|规格|成份|成分|性状|开放时间|营业时间|服务时间|收费标准|所需材料|保修期|联系方式)$"
)
"""A heading that names what people ask for, and ``of`` what."""
_POINTS = re.compile("[这那此该]")
"""How a heading begins that only its place explains."""
_OUTSIDE = re.compile(
    "[如见][上下]?[图表]|上[图表]|下[图表]|(?<!上)[上下]文|见[上下]|上述|前述|同上|详见|参见|见附|附[图表录]|以上(?:均|各|所述|内容|情况|信息|都)|本节|!\\[|\\{\\{"
)
"""Words of an answer that lean on something outside of it."""
_TO_ONE = re.compile(
    "根据[你您]|依[你您]|[你您](?:的(?:情况|检查|症状|描述|叙述|病情|问题)|所?(?:描述|叙述|讲述|说的))|这位|[您你]好|楼主|亲[，,]"
)
"""Words of an answer to one person, which are none for everybody."""
_MADE_OF = re.compile(
    "(?:产品|使用|操作|用户|管理)?(?:单页|说明书|手册|指南|规定|制度|办法|简介|介绍|一览|须知|问答|常见问题|FAQ)$",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[（(][^（）()]*[)）]|[《》「」“”\"'®™©]")
_NOTES = re.compile(r"[（(][^（）()]*[)）]|[®™©]")
_TITLED = re.compile(
    r"^\s*(?:[一二三四五六七八九十]+[、.]|第[一二三四五六七八九十\d]+[章节条]|\d+(?:\.\d+)*[、.．\s])\s*"
)
_SENTENCE = re.compile(r"[^。！？\n]+[。！？]?")
_DEFINES = re.compile(
    "^(?P<x>[^，。；：！？\n]{2,40}?)(?:[（(](?P<note>[^（）()]{0,80})[)）])?[，,]?(?P<verb>是指|指的是|是|指|即为?|系指)(?P<what>[^。！？\n]{4,})。$"
)
_NO_DEFINITION = re.compile(
    "^(?:否|不|在|从|由|因|为了|怎|什|如何|可|需|要|我|你|对|按|以|最|谁|多|非)|^(?:的|了)|[?？吗]"
)
_PERSON = re.compile(
    "^一[位名](?!于|在)|^[^，。]{0,30}(?:演员|歌手|作家|画家|教授|博士|运动员|球员|导演|政治家|诗人|将领|皇帝|君主|总统|主席|人物|科学家|"
    "学者|企业家|主持人|音乐家|艺人|僧人|牧师|军人|医生|大臣|女星|模特|记者|教练|选手|学家|之子|之女|妃|王|后卫|前锋|中场|门将|武将|将军|家臣|第.{1,2}子|长子|次子|女儿|妻子?|夫人|丈夫|[国鲜本裔]人|人士)"
    "(?:$|[，、和及之兼])"
)
_LIVED = re.compile("生年|生于|出生|逝世")
_BLOCK = re.compile(
    r"^\s*(?:#{1,6}\s*|[-*]\s+|\*\*)?(?:(?:问题?|Q|Question)\s*\d{0,3}\s*[：:、.．]|(?P<number>\d{1,3})\s*[、.．)）])\s*"
    r"(?P<question>[^\n]{4,120}?)\s*(?:\*\*)?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER = re.compile(
    r"^\s*(?:\*\*)?(?:答案?|A|Answer)\s*\d{0,3}\s*[：:、.．]\s*(?:\*\*)?|^\s*(?:\*\*)?(?:回答)[：:]", re.I
)


def rule_pairs(passage: Passage, texts: Texts) -> Iterator[Pair]:
    """The pairs that the rules find in ``passage``. ``texts`` word the questions."""
    blocks = list(_blocks(passage))
    yield from blocks
    if not blocks:
        yield from _heading(passage, texts)
    yield from _definition(passage, texts)
    yield from table_pairs(passage.entry, subject_of(passage.entry.title), texts)


def subject_of(title: str) -> str:
    """What a document with this title is about: the title without what kind of document it is."""
    return _MADE_OF.sub("", title.strip()).strip() or title.strip()


def bare(text: str) -> str:
    """``text`` without brackets, marks and blanks, for comparing names."""
    return re.sub(r"\s+", "", _BRACKETS.sub("", text)).casefold()


def whole(answer: str) -> bool:
    """Whether ``answer`` can stand alone: neither too short nor too long, and leaning on nothing outside of it."""
    return LEAST_CHARACTERS <= len(answer) <= MOST_CHARACTERS and not (
        _OUTSIDE.search(answer) or _TO_ONE.search(answer)
    )


def _blocks(passage: Passage) -> Iterator[Pair]:
    """Questions and answers that stand there as such. The last of a passage is cut off unless the section ends."""
    text = passage.entry.text
    found = [match for match in _BLOCK.finditer(text) if _asks(match)]
    for at, match in enumerate(found):
        end = found[at + 1].start() if at + 1 < len(found) else len(text)
        if at + 1 == len(found) and not passage.last:
            return
        raw = text[match.end() : end].strip()
        answer = _ANSWER.sub("", raw).strip()
        if not match["number"] and answer == raw:  # after 问 comes 答, or it is something else
            continue
        question = match["question"].strip(" *")
        if whole(answer) and not answer.endswith(("？", "?")) and not _asks_more(answer):
            span = text[match.start() : end].strip()
            yield pair(passage.entry, Rule.BLOCK, question, answer, span)


def _asks(match: re.Match[str]) -> bool:
    """A numbered line is a question only where it ends as one: in a list of steps many lines ask for nothing."""
    question = match["question"].strip(" *")
    return question.endswith(("？", "?")) if match["number"] else not question.startswith(("答", "A"))


def _asks_more(answer: str) -> bool:
    """Whether the lines below a question ask too, as in a quiz or a table of contents."""
    lines = [line for line in answer.splitlines() if line.strip()]
    return sum(line.rstrip().endswith(("？", "?")) for line in lines) * 2 >= len(lines)


def _heading(passage: Passage, texts: Texts) -> Iterator[Pair]:
    """A heading that asks, or names what people ask for, and the whole section below it."""
    entry = passage.entry
    heading = _TITLED.sub("", passage.heading).strip().strip("【】[]")
    if not (passage.first and passage.last and heading) or "|" in entry.text or _POINTS.match(heading):
        return
    if not whole(entry.text) or entry.text.rstrip().endswith(("：", ":", "？", "?")):
        return
    if question := _asked_by(heading, subject_of(entry.title), texts):
        yield pair(entry, Rule.HEADING, question, entry.text.strip(), entry.text)


def _asked_by(heading: str, subject: str, texts: Texts) -> str:
    """The question that a heading in a document about ``subject`` asks; empty where it asks none."""
    if _ASKING.search(heading):
        question = heading if heading.endswith(("？", "?")) else f"{heading}？"
        if not _NO_SUBJECT.match(heading) or bare(subject) in bare(heading):
            return question
        return texts.say("mined_about", language_of(heading, "zh"), subject=subject, question=question)
    topic = _TOPIC.search(_NOTES.sub("", heading).strip())
    if topic is None:
        return ""
    if topic["of"]:
        return texts.say("mined_what", "zh", name=topic.group())
    return texts.say("mined_cell", "zh", row=subject, column=topic.group())


def _definition(passage: Passage, texts: Texts) -> Iterator[Pair]:
    """The first sentence of a section that says what the document, the heading or its own term is."""
    if not passage.first:
        return
    entry = passage.entry
    first = _SENTENCE.match(entry.text.lstrip())
    sentence = first.group().strip() if first else ""
    found = _DEFINES.match(sentence)
    if not found or not whole(sentence):
        return
    named, what = found["x"].strip(), found["what"].strip()
    subjects = {bare(name) for name in (entry.title, subject_of(entry.title), passage.heading) if name}
    if bare(named) not in subjects or _NO_DEFINITION.search(what):
        return
    first_clause = re.split("[，；]", what)[0]
    if first_clause.endswith(("的", "了")) or len(first_clause) < LEAST_CHARACTERS // 2:
        return
    key = (
        "mined_who"
        if found["verb"] == "是" and (_PERSON.match(what) or _LIVED.search(found["note"] or ""))
        else "mined_what"
    )
    name = _NOTES.sub("", named).strip() or named
    yield pair(entry, Rule.DEFINITION, texts.say(key, "zh", name=name), sentence, sentence)
