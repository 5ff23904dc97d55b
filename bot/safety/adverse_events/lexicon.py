"""The words and patterns of the screen, read from ``terms/`` and compiled once.

A *class* is a named set of words (``terms/*.yaml`` but ``rules.yaml``), a *pattern rule* an entry of
``terms/rules.yaml`` that is written with them; those files say how they are read. A bot adds the names of its own
products with :meth:`Lexicon.with_products`.

The words of a class are grouped by their first character before they are compiled: the engine then skips what begins
with none of them, which makes a class of 500 words as quick as one of 5.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from bot.safety.adverse_events.folding import fold
from bot.shipped_yaml import read_shipped

_CLASS_FILES = ("products", "events", "context", "criteria", "exposures", "suspicions")
_GROUPS = {
    "medicine": ("named_medicine", "medicine_kind"),
    "product": ("contrast", "vaccine", "named_medicine", "medicine_kind", "named_form", "competitor", "bare"),
    "given": ("therapy", "product"),
    "take_or_therapy": ("take", "therapy"),
    "product_or_part": ("product", "thing"),
    "event_word": ("skin", "allergy", "gut", "neuro", "heart", "general", "english", "english_ending", "pinyin"),
    # A body part and what it does; the gap holds no negation, or 胃没有不舒服 would be an event.
    "body_complaint": ("<body>[^，。?没不无未]{0,4}?<complaint>",),
    "measured": ("<measure>[^，。?没不无未正]{0,10}?<change>",),
    "event": ("event_word", "diagnosis", "body_complaint", "measured"),
}
_REFERENCE = re.compile(r"<([a-z_]+)>")
_IN_CLAUSE = "[^，。?]{0,8}?"
_IN_SENTENCE = "[^。?]{0,24}?"
_OPENING = re.compile(r"\[([^\]^\\-]+)\](?![?*+{])")
_SPECIAL = frozenset("()[]{}?*+|^$.\\<")


@dataclass(frozen=True, slots=True)
class PatternRule:
    """One rule of ``rules.yaml``: any of ``patterns`` in a sentence that holds nothing of ``unless``, in a message
    that holds something of ``needs``."""

    name: str
    kind: str
    patterns: Sequence[re.Pattern[str]]
    unless: re.Pattern[str] | None
    needs: re.Pattern[str] | None
    with_exposure: bool
    """Whether somebody must have been given something in the same message."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """What :func:`~bot.safety.adverse_events.screen` compares with. Build it once, it is immutable."""

    classes: Mapping[str, str]
    """A regular expression for each class, by its name."""
    rules: Sequence[PatternRule]
    alternatives: Mapping[str, Sequence[re.Pattern[str]]]
    """The compiled expressions of a class; all but a few have one."""
    own_products: re.Pattern[str] | None = None

    def __getitem__(self, name: str) -> re.Pattern[str]:
        """The expression of a class that has one."""
        (pattern,) = self.alternatives[name]
        return pattern

    def is_own(self, name: str) -> bool:
        """Whether ``name`` is a product of the company; never, as long as its products are not known."""
        return self.own_products is not None and self.own_products.search(fold(name).text) is not None

    def with_products(self, names: Iterable[str]) -> "Lexicon":
        """This lexicon with the product names of one company (generic names and brands), which then count as
        products everywhere and are told from those of others."""
        own = [re.escape(fold(name).text) for name in names if name.strip()]
        if not own:
            return self
        classes = {**self.classes, "named_medicine": "|".join([*own, self.classes["named_medicine"]])}
        return replace(_compile(classes), own_products=re.compile("|".join(own)))


@cache
def default_lexicon() -> Lexicon:
    """The lexicon of ``terms/`` as it is shipped."""
    words = {title: text for name in _CLASS_FILES for title, text in _read(name).items()}
    return _compile({title: _alternation(str(text)) for title, text in words.items()})


def _compile(classes: Mapping[str, str]) -> Lexicon:
    expanded: dict[str, str] = {}

    def expand(name: str) -> str:
        if name not in expanded:
            members = _GROUPS.get(name)
            source = "|".join(m if "<" in m else expand(m) for m in members) if members else classes[name]
            expanded[name] = _grouped(_REFERENCE.sub(lambda found: f"(?:{expand(found[1])})", _with_gaps(source)))
        return expanded[name]

    for name in (*classes, *_GROUPS):
        expand(name)
    rules = [_rule(rule, expanded) for section in _read("rules").values() for rule in section]
    alternatives = {name: [re.compile(part) for part in _separate(name, expanded)] for name in expanded}
    return Lexicon(classes=classes, rules=rules, alternatives=alternatives)


def _separate(name: str, expanded: Mapping[str, str]) -> list[str]:
    """Classes whose expressions begin with classes are searched one expression at a time: each then skips by its own
    first characters."""
    if name == "event":
        return [expanded[member] for member in _GROUPS["event"]]
    return list(_split(expanded[name])) if name == "certain" else [expanded[name]]


def _rule(rule: Mapping[str, Any], classes: Mapping[str, str]) -> PatternRule:
    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(_grouped(_REFERENCE.sub(lambda found: f"(?:{classes[found[1]]})", _with_gaps(text))))

    def optional(key: str) -> re.Pattern[str] | None:
        return pattern(_alternation(str(rule[key]))) if key in rule else None

    lines = [pattern(part) for line in rule["patterns"] for part in _split(_spaced(line))]
    return PatternRule(
        name=rule["name"],
        kind=rule["kind"],
        patterns=lines,
        unless=optional("unless"),
        needs=optional("needs"),
        with_exposure=bool(rule.get("with_exposure", False)),
    )


def _read(name: str) -> dict[str, Any]:
    return read_shipped("bot.safety.adverse_events", f"terms/{name}.yaml")


def _alternation(words: str) -> str:
    """Words parted by spaces, or by bars where a line is one expression, as one expression."""
    return _spaced("|".join(word.strip("|") for word in words.split()))


def _spaced(pattern: str) -> str:
    return re.sub(r"(?<!\\)_(?![a-z_]*>)", " ", pattern)


def _with_gaps(pattern: str) -> str:
    pattern = pattern.replace("……", _IN_SENTENCE).replace("…", _IN_CLAUSE)
    return pattern.replace("[^，。]", "[^，。?]").replace("[^。]", "[^。?]")


def _grouped(pattern: str) -> str:
    """``pattern`` with its alternatives grouped by their first character, where that is a plain one. Alternatives that
    begin alike keep their order, the others cannot match in the same place."""
    heads: dict[str, list[str]] = {}
    others: list[str] = []
    for part in _split(pattern):
        opening = _OPENING.match(part)
        starts = opening[1] if opening else part[:1]
        rest = part[opening.end() :] if opening else part[1:]
        if not part or starts[0] in _SPECIAL or rest[:1] in tuple("?*+{"):
            others.append(part)
            continue
        for start in starts:
            heads.setdefault(start, []).append(rest)
    groups = [head + (rests[0] if len(rests) == 1 else f"(?:{'|'.join(rests)})") for head, rests in heads.items()]
    return "|".join([*groups, *others])


def _split(pattern: str) -> Iterator[str]:
    """The alternatives of ``pattern`` at its top level."""
    depth = start = 0
    in_set = False
    for index, letter in enumerate(pattern):
        if index and pattern[index - 1] == "\\":
            continue
        if letter == "[" or in_set:
            in_set = letter != "]"
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            yield pattern[start:index]
            start = index + 1
    yield pattern[start:]
