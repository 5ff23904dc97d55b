"""What a question takes for granted and the passage that is shown does not bear out.

"How long has the machine of 2019 …" is no question about the machine of 2022: a passage about that one must not answer
it in silence. Only what surely stands for one thing is looked at: years and dates, codes, titles, drugs, people
and places, and figures with a unit where the passage has another one in the very place. Ordinary words are left out,
and short or Latin names: the right passage often has others (docs/decisions/0015-premises.md).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.answering.asked import asked_content
from bot.answering.claims import Clause, Ground, clauses_of, ground_of, is_chinese
from bot.answering.names import drugs, latin_names, officials, places, titles
from bot.answering.proper_nouns import proper_nouns
from bot.answering.quantities import Moment, figures_of, fold
from bot.knowledge.entries import Entry, EntryKind

_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_PART = re.compile(r"[^，。！？!?；;,\s]+")
_HAN = re.compile("[\u4e00-\u9fff]+")
_SHORT = 30
_WHO_ASKS = re.compile("[我咱俺]|本人|本院")
_YEAR = re.compile(r"(?:19|20)\d\d年?")
_YEARS = range(1900, 2100)
_LEAST_COVERED = 0.5
"""The share of what a question says that a sentence must have to be what it asks about."""
_SAME_CLAUSE = 0.6
"""The same of a clause of the question and one of the passage that has another figure."""
_ASKS_WHEN = re.compile(
    "什么时候|什么時候|何时|何時|哪天|哪一天|哪年|哪一年|何年|几点|几号|(?<!为)什么时间|(?:时间|時間|日期)(?:是|为)?(?:什么)?\\s*[？?]?\\s*$|"
    "\\b(?:when|what time|what date)\\b"
)
_IN_TIME = re.compile(
    r"[\d一二三四五六七八九十两几半]\s*(?:年|月|日|号|號|周|天|点|點|时|時|小时|分|个月|世纪|世紀)|[周星期礼拜][一二三四五六日末]|"
    r"\d:\d\d|(?:19|20)\d\d|世纪|世紀|年代|王朝|[一-龥]朝|昨|今[天日晚年]|明[天日年]|当[天日]|每[天日周月年]|期间|[初中末]期|"
    r"之?[前后後](?=[，。；\s]|$)|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|o'clock|[ap]m|"
    r"century|day|week|month|year|hour)s?\b"
)
_AROUND = 1
"""Sentences before and behind those that speak of what is asked."""
_SPEAKS = 0.6
"""The share of the best sentence's part of the question from which another speaks of it too."""


class Kind(StrEnum):
    """What a question takes for granted."""

    YEAR = "year"
    CODE = "code"
    TITLE = "title"
    DRUG = "drug"
    PERSON = "person"
    PLACE = "place"
    NAME = "name"
    """A person or place that the dictionary has: told by less, so never in words that speak of who asks."""
    FIGURE = "figure"


_MANY = frozenset({Kind.PERSON, Kind.PLACE})
"""A passage that names nobody and no place holds for all; one that names others does not hold for this one."""


@dataclass(frozen=True, slots=True)
class Premise:
    """What the question says (``asked``) and what stands in its place in the source (``told``): nothing where the
    source does not speak of it."""

    kind: Kind
    asked: str
    told: str


def unmet(question: str, shown: Sequence[Entry], found: Sequence[Entry]) -> tuple[Premise, ...]:
    """What ``question`` takes for granted and none of ``shown`` bears out, told from the first of them.

    Where a question names several of one kind (``2022年和2023年``) and one of them is shown, the others need only stand
    in something that was ``found``: each part of the question has its own source.
    """
    grounds = [_ground(entry) for entry in shown]
    if not any(ground.chinese == is_chinese(question) for ground in grounds):
        return ()
    told = []
    for kind, named in _named(question).items():
        unknown = [name for name in named if not any(_knows(ground, name) for ground in grounds)]
        if len(unknown) < len(named):
            unknown = [name for name in unknown if not any(_knows(_ground(entry), name) for entry in found)]
        if unknown and (kind not in _MANY or _others(kind, shown[0])):
            told.append(Premise(kind, _written(unknown[0]), _in_place(kind, unknown[0], question, shown[0])))
    return (*told, *_other_figures(question, shown, grounds))


def misses_time(question: str, passage: str) -> bool:
    """Whether ``question`` asks when, and where ``passage`` speaks of it there is no time of any kind."""
    if not _ASKS_WHEN.search(fold(question)):
        return False
    asked = asked_content(question)
    years = re.compile("|".join(_YEAR.findall(question)) or "(?!)")
    sentences = [fold(sentence) for sentence in _SENTENCE.findall(passage)]
    shares = [sum(unit in sentence for unit in asked) for sentence in sentences]
    least = _SPEAKS * max(shares, default=0)
    near = {
        place
        for at, share in enumerate(shares)
        if share >= least
        for place in range(max(0, at - _AROUND), min(len(sentences), at + _AROUND + 1))
    }
    return not any(_IN_TIME.search(years.sub(" ", sentences[at])) for at in near)


def _ground(entry: Entry) -> Ground:
    """All that an entry says of itself: a passage speaks of what its title, place and file say."""
    return ground_of("\n".join((entry.title, *entry.questions, entry.location, entry.source)), entry.text)


def _named(question: str) -> dict[Kind, Sequence[Moment | str]]:
    figures = figures_of(question)
    bare = [int(one.value) for one in figures.quantities if not one.unit and one.value in _YEARS]
    return {
        Kind.YEAR: [*(moment for moment in figures.moments if moment.year), *(Moment(year=year) for year in bare)],
        Kind.CODE: [name for name in latin_names(question) if re.search("[a-z]", name) and re.search(r"\d", name)],
        Kind.TITLE: titles(question),
        Kind.DRUG: drugs(question),
        Kind.PERSON: officials(question),
        Kind.PLACE: places(_of_things(question)),
        Kind.NAME: list(_names(question)),
    }


def _names(question: str) -> Iterator[str]:
    """None in a long question: who tells a story says much that no source need bear out."""
    if len(question) <= _SHORT:
        for run in _HAN.findall(_of_things(question)):
            yield from proper_nouns().people_and_places(run)


def _of_things(question: str) -> str:
    """``question`` without the parts that speak of who asks."""
    return "，".join(part for part in _PART.findall(fold(question)) if not _WHO_ASKS.search(part))


def _knows(ground: Ground, name: Moment | str) -> bool:
    if isinstance(name, str):
        return ground.has(name) or any(
            name[:at] in ground.solid and name[at:] in ground.solid for at in range(2, len(name) - 1)
        )
    moments = ground.figures.moments
    if any(name.said_by(moment) for moment in moments):
        return True
    day = Moment(month=name.month, day=name.day)  # the year may stand somewhere else
    return str(name.year) in ground.folded and (day == Moment() or any(day.said_by(moment) for moment in moments))


def _others(kind: Kind, entry: Entry) -> list[str]:
    """The people or places that ``entry`` names."""
    return list(dict.fromkeys((officials if kind is Kind.PERSON else places)(_whole(entry))))


def _written(name: Moment | str) -> str:
    if isinstance(name, str):
        return name
    parts = ((name.year, "年"), (name.month, "月"), (name.day, "日"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _in_place(kind: Kind, name: Moment | str, question: str, entry: Entry) -> str:
    """The one year or code that stands in the place of ``name``."""
    if kind in _MANY:
        others = _others(kind, entry)
        return others[0] if len(others) == 1 else ""
    if isinstance(name, str):
        if kind is not Kind.CODE:
            return ""
        skeleton = re.sub(r"\d+", "0", name)
        alike = {other for other in latin_names(_whole(entry)) if re.sub(r"\d+", "0", other) == skeleton}
        return alike.pop() if len(alike) == 1 else ""
    sentence = _about(question, entry)
    years = {moment.year for moment in figures_of(sentence).moments if moment.year}
    return f"{years.pop()}年" if len(years) == 1 else ""


def _about(question: str, entry: Entry) -> str:
    """The sentence that says most of what the question says, its figures aside, if one says enough."""
    asked = asked_content(question)
    best, most = "", 0
    for sentence in _SENTENCE.findall(_whole(entry)):
        folded = fold(sentence)
        share = sum(unit in folded for unit in asked)
        if share > most:
            best, most = sentence, share
    return best if most >= _LEAST_COVERED * max(1, len(asked)) else ""


def _whole(entry: Entry) -> str:
    title = "\n".join((entry.title, *entry.questions)) if entry.kind is EntryKind.FAQ else entry.title
    return f"{title}\n{entry.text}"


def _other_figures(question: str, shown: Sequence[Entry], grounds: Sequence[Ground]) -> Iterator[Premise]:
    """Figures with a unit for which the clause that says the same has another one, and no source has this one."""
    together = [clause for entry in shown for clause in clauses_of(_whole(entry))]
    for mine in clauses_of(question):
        wanted = {one for one in mine.figures.quantities if one.unit and one.value != 1}
        if len(wanted) != 1 or mine.figures.moments:
            continue
        (figure,) = wanted
        if any(figure.written in {one.written for one in ground.figures.quantities} for ground in grounds):
            continue
        others = [other for other in together if _speaks_of(mine, other)]
        values = {one for other in others for one in other.figures.quantities if one.unit == figure.unit}
        if len(values) == 1 and values != wanted:
            yield Premise(Kind.FIGURE, mine.text.strip(), others[0].text.strip())


def _speaks_of(mine: Clause, other: Clause) -> bool:
    asked = asked_content(mine.text)
    return len(asked) > 1 and sum(unit in other.text for unit in asked) >= _SAME_CLAUSE * len(asked)
