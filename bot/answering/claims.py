"""Whether a source says what a sentence says: its names, its words, and which way they point.

Rules of thumb over characters, not understanding. They are made to notice what does harm (a name, figure or title no
source has, a ban turned into a permission, one group's dose given to another), and where they cannot tell, the
sentence is the one that goes.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from bot.answering.opposites import TELLING, exclude
from bot.answering.quantities import Figures, figures_of, fold
from bot.lazy import lazy

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(f"[{_HAN}]+")
_WORD = re.compile(r"[a-z][a-z0-9]*(?:['-][a-z0-9]+)*")
_CLAUSE = re.compile(rf"[，；。！？\n|;!?]|,(?!\d)|\.(?=\s|$|[{_HAN}])")

_TOPIC = re.compile(r"\s*(?:对于|對於|关于|關於)")

# What carries no content of its own. Single characters only where they do not live inside other words.
_IDLE = re.compile(
    "可以|能够|应该|应当|需要|必须|建议|进行|根据|按照|如果|因为|所以|因此|并且|以及|此外|另外|同时|通常|一般|大约|左右|例如|"
    r"为(?=\s|$)|(?<![社学协议开集聚工年大机])会(?![员议计场诊长所])|"
    "包括|如下|以下|具体|资料|提到|显示|表明|指出|说明|属于|具有|对于|关于|由于|通过|或者|还是|但是|"
    "不过|然而|其中|情况|[的了着是在和与及或也都就还而但被把将请您你我他她它们这那此其之很]"
)
_IDLE_WORD = re.compile(
    "an?|the|is|are|was|were|be|been|being|of|in|on|at|to|for|by|with|from|as|and|or|but|if|then|than|that|this|these|"
    "those|it|its|he|she|they|we|you|your|our|their|his|her|i|my|me|do|does|did|can|could|may|might|should|would|will|"
    "shall|must|have|has|had|not|no|there|here|which|who|whom|whose|what|when|where|how|also|any|all|each|such|per|"
    "need|needs|needed|about|into|over|under|after|before|between|during|please|according|sources?|following"
)

# Negators, after the words that only look like one are set aside.
_NO_NEGATOR = re.compile(
    "不良|不同(?!意)|不仅|不但|不适(?![合用宜应])|不断|不间断|不定期|不少|不久|不止|不足|不明|不稳|"
    "不规则|不便|不论|无论|无菌|无创|无线|无痛|非离子|非常|未来|未成年|除非|非处方|非甾体|不孕|不育|不一|不等|不全|免费|避免不了|"
    r"(?:未能?|沒有?|没有?|不)(?:达|達)?到(?=\s*(?:\d|[，的者]|$))|not only"
)
_NEGATOR = re.compile(
    "不|未|无|無|非|没|沒|勿|别(?=[用服吃喝])|停止(?=使用|服用|口服|食用|用药)|禁忌|禁止|严禁|禁用|忌|避免|防止|杜绝|拒绝|"
    r"\b(?:not|no|never|without|avoid|avoided|cannot|contraindicated|prohibited|forbidden|neither|nor|none)\b|n't\b"
)
_DESCRIBES = re.compile(rf"(?:没有?|沒有?|未|不|无|無)[{_HAN}]{{2,6}}[的者](?=[{_HAN}]{{2}})")
_AUX = (
    "(?:法|能够?|可以|可能|可(?!能)|会|得|应该|应|宜|必须|需要|须|需|要|再|曾|被|受|予以?|给予|进行|提供|支持|允许|建议|推荐)"
    "{0,3}"
)
DENIED = re.compile(
    "(?:没有|沒有|不用(?!于)|不|没|沒|未|无|無|勿|别(?=[用服吃喝])|停止|禁止|严禁|杜绝|拒绝|避免|防止)"
    rf"{_AUX}\s?(?P<word>[{_HAN}]{{2}})"
)
"""A negator, and the ``word`` right behind it and its auxiliaries."""
REACH = 12
"""Characters that a negator may deny."""
_NOT = "(?:不得|不应|不宜|不可|不能|不要|不)"
_BOUNDS = (
    (re.compile(rf"{_NOT}(?:超过|超出|高于|多于|大于|晚于)|\b(?:no|not) (?:later|more) than\b|\bnot exceed\b"), "≤"),
    (re.compile(rf"{_NOT}(?:少于|低于|小于|早于)|\b(?:no|not) (?:less|earlier) than\b"), "≥"),
    (
        re.compile(
            r"最多|至多|最大|最高|以内|以下|低于|少于|小于|未满|不满|(?:不足|不到)(?=\s)|<|"
            r"\b(?:at most|up to|less than|below|maximum)\b"
        ),
        "≤",
    ),
    (
        re.compile(
            r"超过|超出|高于|大于|多于|以上|至少|最少|最小|最低|>|"
            r"\b(?:at least|more than|above|exceed(?:s|ing)?|minimum)\b"
        ),
        "≥",
    ),
)
"""Upper and lower bounds as one sign each; in this order, as the first of them contain the last."""
_GENERIC = re.compile(
    "本品|该药|此药|药物|适用于|适用|适合|适宜|推荐|患者|病人|人群|使用|用于|应用|服用|采用|可用|慎用|禁用|允许|"
    "[用可能应须需要宜得禁止于者]"
)
"""Left out when clauses are laid side by side: half of all clauses have them."""

_CLAUSE_SHARE = 0.3
_LONG_CLAUSE = 3
"""In a clause of so many units of content, so much must stand in a source: one clause is enough to do harm."""
_SAYS_MORE = 4
"""Pieces that one clause has and another has not, from which it says something of its own."""
_SHORT_CLAUSE = 6
"""Units of content of a clause that says one thing."""
_ENOUGH_ALIKE = 0.7
"""From this share of a clause's characters a source's clause speaks of the same."""
_SOMEWHAT_ALIKE = 0.5


@dataclass(frozen=True)
class Clause:
    """A clause of a source or of a sentence, folded; ``figures`` are those in it."""

    text: str
    figures: Figures

    @lazy
    def bounded(self) -> str:
        """The text with bounds as signs, without its figures and without what only looks like a negator."""
        return _NO_NEGATOR.sub(" ", _with_signs(self.figures.rest))

    @lazy
    def pieces(self) -> frozenset[str]:
        """Its content as single characters and words, without figures, negators and what is in half of all clauses."""
        return _pieces(self.bounded)

    @lazy
    def runs(self) -> tuple[str, ...]:
        """The same Chinese as it stands there."""
        return tuple(_RUN.findall(telling(self.bounded)))

    @lazy
    def bare_pieces(self) -> frozenset[str]:
        """The same without the words that are compared by themselves (:mod:`bot.answering.opposites`)."""
        return _pieces(TELLING.sub(" ", self.bounded))

    @lazy
    def negated(self) -> bool:
        """Whether it denies or forbids."""
        return len(_NEGATOR.findall(self.bounded)) % 2 == 1

    @lazy
    def may_be_negated(self) -> frozenset[bool]:
        """The same; both where a negator stands in what only describes a thing: ``没有登录的账号会冻结``."""
        return frozenset({self.negated, len(_NEGATOR.findall(_DESCRIBES.sub("", self.bounded))) % 2 == 1})

    @lazy
    def bounds(self) -> tuple[bool, bool]:
        """Whether it sets an upper and a lower bound."""
        return "≤" in self.bounded, "≥" in self.bounded

    def points_against(self, other: "Clause") -> bool:
        """Whether one of both says the opposite of the other, given that they speak of the same."""
        if not self.may_be_negated & other.may_be_negated and self._denies_what_is_said(other):
            return True
        return {self.bounds, other.bounds} == _OPPOSED or exclude(self.text, other.text)

    def _denies_what_is_said(self, other: "Clause") -> bool:
        """Whether what one denies is what the other says: ``同事不能选课`` denies nothing of ``同事可以浏览简介``."""
        denying, saying = (self, other) if self.negated else (other, self)
        text = denying.bounded
        spans = [(found.start("word"), found["word"]) for found in DENIED.finditer(text)]
        if not spans or any(not telling(word).strip() for _, word in spans):
            return True
        if any(pair in saying.bounded for start, _ in spans for pair in _bigrams(text[start : start + REACH])):
            return True
        of_its_own = len(saying.pieces - denying.pieces)
        return of_its_own < _SAYS_MORE and _GENERIC.search(saying.bounded) is not None


_OPPOSED = {(True, False), (False, True)}


class Ground:
    """What a sentence may rest on: a source's ``text`` under its ``title``, whose content ``titled`` is.

    ``subject`` and ``subject_content`` are what the title consists of. Sentences repeat what a document is about and
    its clauses do not, so the title counts for little; that of a FAQ is its question, and counts.
    """

    def __init__(self, title: str, text: str) -> None:
        whole = f"{title}\n{text}"
        self.title = title
        self.folded = fold(whole)
        self.solid = re.sub(r"\s+", "", self.folded)
        self.figures = figures_of(whole, source=True)
        self.clauses = (*clauses_of(text), *_answered_question(title, text))
        subject = "" if _QUESTION.search(title) else title
        named = Clause(fold(subject), figures_of(subject))
        self.titled = Clause(fold(title), figures_of(title)).pieces
        self.subject = named.pieces
        self.subject_content = frozenset(content_of(named.figures))
        self.chinese = is_chinese(text)
        self._bigrams = _bigrams(self.folded) | _bigrams(_IDLE.sub("", self.folded))
        self._stems = _stems(self.folded)

    def covers(self, unit: str) -> bool:
        """Whether a unit of :func:`content_of` stands here."""
        return unit in (self._bigrams if _RUN.match(unit) else self._stems)

    def has(self, name: str) -> bool:
        """Whether ``name``, folded, stands here; of Latin names not inside a longer one, however it is hyphenated."""
        if not name.isascii():
            return re.sub(r"\s+", "", name) in self.solid
        parts = re.findall(r"[a-z]+|\d+|[^a-z\d\s-]", name)
        joined = r"[\s-]?".join(map(re.escape, parts))
        return bool(re.search(rf"(?<![a-z0-9]){joined}(?![a-z0-9])", self.folded))


@lru_cache(maxsize=256)  # the same passages answer many questions, and reading one takes a millisecond
def ground_of(title: str, text: str) -> Ground:
    """The ground that a source is."""
    return Ground(title, text)


def is_chinese(text: str) -> bool:
    """Whether ``text`` is written in Chinese, names in Latin letters aside."""
    chinese = sum(map(len, _RUN.findall(text)))
    return chinese * 3 >= sum(map(len, re.findall("[A-Za-z]+", text))) and chinese > 0


def clauses_of(text: str) -> tuple[Clause, ...]:
    """The clauses of ``text`` that say something."""
    clauses = (Clause(piece, figures_of(piece)) for piece in _whole_clauses(fold(text)))
    return tuple(clause for clause in clauses if clause.pieces or clause.figures.quantities)


def _whole_clauses(text: str) -> Iterator[str]:
    """The clauses of ``text``; what one only names (``对于小表，``) belongs to the next."""
    topic = ""
    for piece in filter(str.strip, _CLAUSE.split(text)):
        if _TOPIC.match(piece):
            topic += piece
        else:
            yield topic + piece
            topic = ""
    if topic:
        yield topic


def _answered_question(title: str, text: str) -> Iterator[Clause]:
    """What a FAQ says that answers its question with yes or no: the question's words, that way round."""
    first = _CLAUSE.split(fold(text).strip(), maxsplit=1)[0]
    question = fold(title)
    if _QUESTION.search(title) and not _NEGATOR.search(question) and not Clause(first, figures_of(first)).pieces:
        said = f"{first} {_QUESTION.sub('', question)}"
        yield Clause(said, figures_of(said))


_QUESTION = re.compile(r"(?:吗|么)?\s{0,8}[？?]\s*$|吗\s*$")


def _with_signs(text: str) -> str:
    """``text``, folded, with words for bounds as ``≤`` and ``≥``."""
    for pattern, sign in _BOUNDS:
        text = pattern.sub(sign, text)
    return text


def content_of(figures: Figures) -> list[str]:
    """What a sentence says beside its figures: character pairs of Chinese, stems of other words."""
    rest = _GENERIC.sub(" ", _IDLE.sub(" ", _NEGATOR.sub(" ", _with_signs(figures.rest))))
    return sorted(_bigrams(rest) | _stems(rest))


def supported(words: str, grounds: Sequence[Ground], share: float) -> bool:
    """Whether ``share`` of the content of ``words``, and some of each of its clauses, stands in ``grounds``; content
    that a title alone accounts for is left out, as long as there is other."""

    def covered(content: Sequence[str], least: float) -> bool:
        own = [unit for unit in content if not any(unit in ground.subject_content for ground in grounds)] or content
        return sum(any(ground.covers(unit) for ground in grounds) for unit in own) >= least * len(own)

    clauses = (content_of(clause.figures) for clause in clauses_of(words))
    return covered(content_of(figures_of(words)), share) and all(
        covered(content, _CLAUSE_SHARE) for content in clauses if len(content) >= _LONG_CLAUSE
    )


def new_words(content: Sequence[str], sentence: str, question: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``sentence`` speaks of something that only the question names: three characters in a row that
    stand in the question and in no source."""
    asked = re.sub(r"\s+", "", fold(question))
    missing = {unit for unit in content if not any(ground.covers(unit) for ground in grounds)}
    for run in _RUN.findall(_IDLE.sub(" ", fold(sentence))):
        for at in range(len(run) - 2):
            if run[at : at + 2] in missing and run[at + 1 : at + 3] in missing and run[at : at + 3] in asked:
                return True
    return False


def turned_round(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause says the opposite of every clause of the sources that speaks most clearly of the same."""
    return any(
        nearest and all(clause.points_against(other) for other in nearest)
        for clause in clauses_of(sentence)
        for nearest in (_nearest(clause, grounds, bare=False), _nearest(clause, grounds, bare=True))
    )


def denied(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether a clause asserts what a short clause of the sources denies (``无需治疗``), and none of them asserts."""
    known = [other for ground in grounds for other in ground.clauses]
    short = [
        other
        for other in known
        if other.negated and 1 < len(other.pieces) <= _SHORT_CLAUSE and not other.figures.quantities
    ]
    asserted = [other.pieces for other in known if not other.negated]
    return any(
        other.pieces <= clause.pieces and all(run in clause.text for run in other.runs)
        for clause in clauses_of(sentence)
        if not clause.negated
        for other in short
        if not any(other.pieces <= each for each in asserted)
    )


def anchored(sentence: str, names: Sequence[str], grounds: Sequence[Ground]) -> bool:
    """Whether one clause of a source in another language shares a figure or name with ``sentence`` and points the
    same way: all that can be compared across languages. Of two figures of one kind in several clauses nobody can tell
    which is whose."""
    figures = figures_of(sentence)
    mine = Clause(fold(sentence), figures)
    known = [other for ground in grounds for other in ground.clauses]
    alike = {one for one in figures.quantities for two in figures.quantities if one != two and one.unit == two.unit}
    if alike and not any(alike <= other.figures.quantities for other in known):
        return False
    best: list[Clause] = []
    most = 0
    for other in known:
        shared = len(figures.quantities & other.figures.quantities) + len(figures.moments & other.figures.moments)
        shared += sum(name in other.text for name in names)
        if shared > most:
            best, most = [], shared
        if shared == most > 0:
            best.append(other)
    return any(mine.negated == other.negated for other in best)


def _nearest(clause: Clause, grounds: Sequence[Ground], *, bare: bool) -> list[Clause]:
    """The clauses that speak most clearly of the same as ``clause``, figures counted, if any speaks clearly; with
    ``bare`` whatever they say of before and after, for whom, and the like."""
    best: list[Clause] = []
    most = (_ENOUGH_ALIKE, 1.0)
    for ground in grounds:
        mine = ((clause.bare_pieces if bare else clause.pieces) - ground.subject) | clause.figures.quantities
        for other in ground.clauses if len(mine) > 1 else ():
            others = (other.bare_pieces if bare else other.pieces) | other.figures.quantities
            alike = share_in(mine, others), share_in(others, mine) if others else 0.0
            if alike > most:
                best, most = [], alike
            if alike == most:
                best.append(other)
    return best


def share_in(mine: Set[object], others: Set[object]) -> float:
    """The share of ``mine`` that is in ``others``."""
    return len(mine & others) / len(mine)


def _pieces(bounded: str) -> frozenset[str]:
    rest = telling(bounded)
    return frozenset(character for run in _RUN.findall(rest) for character in run) | _stems(rest)


def telling(bounded: str) -> str:
    """What of a folded text, its bounds as signs, has content of its own: without negators, idle and general words."""
    return _GENERIC.sub(" ", _IDLE.sub(" ", _NEGATOR.sub(" ", bounded)))


def _bigrams(text: str) -> frozenset[str]:
    return frozenset(run[at : at + 2] for run in _RUN.findall(text) for at in range(len(run) - 1))


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _words(text))


def _words(text: str) -> Iterator[str]:
    return (word for word in _WORD.findall(text) if len(word) > 1 and not _IDLE_WORD.fullmatch(word))


def _stem(word: str) -> str:
    """Enough to let ``injections`` and ``injected`` be ``injection``."""
    return word[:6] if len(word) > 6 else word.removesuffix("s")
