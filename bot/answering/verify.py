"""What may be said of what a language model wrote: sentence by sentence, only what the sources carry.

A sentence is kept when every figure, link, title and name in it stands in the sources it cites, its words come from
there, and it does not turn round what they say. A sentence that cites nothing must be close to one source in its words
and then gets that source's mark, so that whatever is said carries its source. Everything else is dropped, with the
reason. A wrong answer costs more than no answer.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.answering.claims import (
    Ground,
    anchored,
    clauses_of,
    content_of,
    denied,
    ground_of,
    is_chinese,
    new_words,
    supported,
    turned_round,
)
from bot.answering.conditions import without_condition
from bot.answering.figure_places import limits_the_other_way, misplaced_figure
from bot.answering.misspellings import misspells
from bot.answering.names import latin_names, titles, unknown_chinese_name
from bot.answering.opposites import absolutes, scales, weekdays
from bot.answering.order import exchanges
from bot.answering.polarity import says_opposite
from bot.answering.quantities import Figures, figures_of, fold
from bot.answering.sentences import MARK, Sentence, SentenceSplitter
from bot.answering.subjects import joins_sources, says_of_another

CITED_SHARE = 0.45
"""How much of a sentence's content must stand in the sources it cites: the rest is the freedom to rephrase."""
UNCITED_SHARE = 0.7
"""How much must stand in one source when the sentence cites none."""

_POLITE = re.compile(
    r"(?:您好|你好|好的|感谢您的(?:提问|咨询)|谢谢您的提问|(?:希望|但愿)?(?:以上|这些)?(?:信息|内容|回答|资料)?(?:希望)?(?:能)?对您有(?:所)?帮助|"
    r"祝您(?:生活愉快|健康|顺利)|(?:根据|依据)(?:以上|所给|提供的|现有)?(?:的)?资料|(?:具体|详情|内容)?如下|总的来说|综上所述?|请注意|注意|另外|此外|"
    r"hello|hi|sure|certainly|of course|thank you(?: for (?:your|the) question)?|i hope (?:this|that) helps|"
    r"according to the sources|here is what the sources say|in summary|please note|note)",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\w")
_SHORT_ITEM = 10
"""Characters with content of an item that says something only together with the line before its list."""
_CONTRADICTIONS: tuple[tuple[str, tuple[Callable[[str, Sequence[Ground]], bool], ...]], ...] = (
    ("misplaced_figure", (misplaced_figure,)),
    ("turned_round", (turned_round, denied, says_opposite, limits_the_other_way)),
    ("exchanged", (exchanges,)),
    ("other_subject", (says_of_another, joins_sources)),
)
"""What may be wrong with words that all stand in the sources, by the reason that is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A passage or FAQ as far as it may be rested on; the sources are numbered from 1 in their order."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A sentence that is not said. ``reason`` is a constant word, such as ``figure`` or ``no_support``."""

    text: str
    reason: str


class Verifier:
    """Reads a growing answer to ``question`` and lets pass what ``sources`` carry.

    Layout is kept: a list stays a list. What asserts nothing (a greeting, the line before a list) waits for a sentence
    that does, and goes with it or not at all. ``forbidden`` tells why a sentence must not be said whatever the sources
    say, or nothing (:meth:`bot.safety.wording.Wording.objection`). ``dropped`` are the sentences that were not let
    through so far.
    """

    def __init__(
        self, sources: Sequence[Source], question: str, forbidden: Callable[[str], str] = lambda _sentence: ""
    ) -> None:
        self.dropped: list[Dropped] = []
        self._grounds = [ground_of(source.title, source.text) for source in sources]
        self._question = question
        self._forbidden = forbidden
        self._splitter = SentenceSplitter()
        self._waiting = ""
        self._heading = ""
        self._lead = ""
        self._said = ""
        self._begun = False

    def feed(self, delta: str) -> list[str]:
        """The sentences that ``delta`` completes and that may be said, with their layout and ``[n]`` marks."""
        return list(self._release(self._splitter.feed(delta)))

    def finish(self, *, complete: bool = True) -> list[str]:
        """The same for the rest of the text; where it is not ``complete``, its last words are dropped."""
        rest = self._splitter.finish()
        if not complete and rest:
            self.dropped.append(Dropped(text=rest.pop().body, reason="incomplete"))
        return list(self._release(rest))

    def _release(self, sentences: Sequence[Sentence]) -> Iterator[str]:
        for sentence in sentences:
            lead = sentence.lead if "\n" in sentence.lead else self._lead + sentence.lead
            self._lead = ""
            reason = self._forbidden(sentence.body)
            if "\n" in sentence.lead and not _marked_item(sentence):
                self._heading = ""
            if not reason and self._asserts_nothing(sentence):
                self._waiting += lead + sentence.words.rstrip()
                self._heading = sentence.words.strip(" *_:：")
                continue
            reason, marks = (reason, "") if reason else self._judge(sentence)
            if reason:
                self.dropped.append(Dropped(text=sentence.body, reason=reason))
                self._lead = lead if "\n" in lead or not self._begun else ""
                continue
            text = self._waiting + lead + marks
            self._said += text
            yield text if self._begun else text.lstrip()
            self._waiting, self._begun = "", True

    def _asserts_nothing(self, sentence: Sentence) -> bool:
        """Layout, politeness, and a heading or the line before a list whose words the sources or the question have."""
        words = sentence.words
        if not _SAYS.search(_POLITE.sub("", words)):
            return True
        bare = words.strip(" *_")
        if not bare.endswith((":", "：")) and not sentence.lead.rpartition("\n")[2].lstrip().startswith("#"):
            return False
        figures = figures_of(words)
        counts = any(quantity.value != 1 for quantity in figures.quantities)  # 一次用量 counts nothing
        if counts or figures.moments:  # a heading that says how much says something
            return False
        content = content_of(figures)
        asked = Ground("", self._question)
        known = [unit for unit in content if asked.covers(unit) or any(one.covers(unit) for one in self._grounds)]
        if len(known) < UNCITED_SHARE * len(content) or _foreign(words, figures, self._grounds):
            return False
        return not _contradicts(words, self._grounds)

    def _judge(self, sentence: Sentence) -> tuple[str, str]:
        """The reason to drop ``sentence``, or its text with the marks it deserves."""
        cited = [number for number in sentence.cited if 1 <= number <= len(self._grounds)]
        if cited:
            reason = self._objection(sentence.words, [self._grounds[number - 1] for number in cited], CITED_SHARE)
            return reason, _with_marks(sentence.body, cited)
        reasons = [self._objection(sentence.words, [ground], UNCITED_SHARE) for ground in self._grounds]
        if "" in reasons:
            return "", _with_marks(sentence.body, [reasons.index("") + 1])
        return next((reason for reason in reasons if reason != "no_support"), "no_support"), ""

    def _objection(self, words: str, grounds: Sequence[Ground], share: float) -> str:
        """Why ``words`` must not be said on these grounds; empty when they may. A short item of a list is held against
        them together with the line before the list: ``不能使用的人群：`` and ``孕妇``."""
        figures = figures_of(words)
        content = content_of(figures)
        if foreign := _foreign(words, figures, grounds):
            return foreign
        if not (content or figures.quantities or figures.moments or figures.links):
            return "nothing_to_check"
        if supported(words, grounds, share):
            return self._contradiction(f"{self._heading}{words}" if _only_names(words) else words, content, grounds)
        if any(ground.chinese == is_chinese(words) for ground in grounds):
            return "no_support"
        if not anchored(words, latin_names(words), grounds):
            return "other_language"
        return "turned_round" if limits_the_other_way(words, grounds) else _overstates(words, grounds)

    def _contradiction(self, words: str, content: Sequence[str], grounds: Sequence[Ground]) -> str:
        """What is wrong with words that stand in the sources."""
        if new_words(content, words, self._question, grounds):
            return "only_in_question"
        reason = _contradicts(words, grounds)
        if not reason and without_condition(words, f"{self._question}\n{self._said}", grounds):
            return "condition"
        return reason or _overstates(words, grounds)


def _marked_item(sentence: Sentence) -> bool:
    """Whether ``sentence`` is an item of a list."""
    return bool(sentence.lead.rpartition("\n")[2].strip(" #"))


def _only_names(words: str) -> bool:
    """Whether an item of a list only names something."""
    clauses = clauses_of(words)
    content = sum(len(run) for clause in clauses for run in clause.runs)
    return content <= _SHORT_ITEM and not any(clause.negated for clause in clauses)


def _contradicts(words: str, grounds: Sequence[Ground]) -> str:
    """What rule finds something against ``words``, if any does."""
    return next((name for name, rules in _CONTRADICTIONS if any(rule(words, grounds) for rule in rules)), "")


def _foreign(words: str, figures: Figures, grounds: Sequence[Ground]) -> str:
    """What of ``words`` none of ``grounds`` has: the kind of thing, or nothing."""
    if any(not any(link in ground.figures.links for ground in grounds) for link in figures.links):
        return "link"
    if _figures_missing(figures, grounds):
        return "figure"
    if _adds(words, grounds, weekdays) or _adds(words, grounds, scales):
        return "figure"
    if any(not any(ground.has(title) for ground in grounds) for title in titles(words)):
        return "title"
    named = [name for name in latin_names(words) if re.search(rf"(?<![a-z0-9]){re.escape(name)}", figures.rest)]
    if any(not any(ground.has(name) for ground in grounds) for name in named):
        return "name"
    return "name" if unknown_chinese_name(words, grounds) or misspells(words, grounds) else ""


def _overstates(words: str, grounds: Sequence[Ground]) -> str:
    """A reason where ``words`` let something hold always or everywhere, and no source does."""
    return "overstated" if _adds(words, grounds, absolutes) else ""


def _adds(words: str, grounds: Sequence[Ground], kinds: Callable[[str], frozenset[Any]]) -> bool:
    """Whether ``words`` have something of ``kinds`` that none of ``grounds`` has."""
    return bool(kinds(fold(words)) - frozenset().union(*(kinds(ground.folded) for ground in grounds)))


def _figures_missing(figures: Figures, grounds: Sequence[Ground]) -> bool:
    together = Figures(
        frozenset().union(*(ground.figures.quantities for ground in grounds)),
        frozenset().union(*(ground.figures.moments for ground in grounds)),
        frozenset(),
        "",
        frozenset().union(*(ground.figures.units for ground in grounds)),
    )
    return figures.missing_in(together)


def _with_marks(body: str, numbers: Sequence[int]) -> str:
    """``body`` whose marks are exactly ``numbers``, before its full stop."""
    words = MARK.sub("", body).rstrip()
    at = len(words.rstrip("\"'”’」』）)》*_").rstrip("。！？!?.…"))
    return words[:at].rstrip() + "".join(f"[{number}]" for number in numbers) + words[at:]
