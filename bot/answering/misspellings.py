"""Names of which a sentence changes one character: 庆大毒素 for 庆大霉素.

A word of the source that stands in the sentence but for one character, where the sentence's is no word, is another
name. Only long words of the dictionary, and long runs that no word of the dictionary covers (非那雄胺), are looked at:
whoever rephrases takes other words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from bot.answering.claims import Ground
from bot.answering.proper_nouns import proper_nouns
from bot.answering.quantities import fold

_HAN = re.compile("[\u4e00-\u9fff]+")
_LEAST = 4
_MOST = 8
"""Characters of a name that is looked at."""
_FUNCTION = frozenset("的了着是在和与有")
_Holed = tuple[str, str]
"""A name without one character: what stands before and behind that."""


def misspells(sentence: str, grounds: Sequence[Ground]) -> bool:
    """Whether ``sentence`` names what the sources name, but for one character."""
    known = [_holed(ground.solid) for ground in grounds]
    return any(
        (name := names.get((part[:at], part[at + 1 :]))) is not None
        and not any(part in ground.solid for ground in grounds)
        and _is_another_name(part, name, at)
        for part in _parts(fold(sentence))
        for at in range(len(part))
        for names in known
    )


def _parts(text: str) -> Iterator[str]:
    for run in _HAN.findall(text):
        for length in range(_LEAST, min(_MOST, len(run)) + 1):
            yield from (run[at : at + length] for at in range(len(run) - length + 1))


def _is_another_name(part: str, name: str, at: int) -> bool:
    """Whether ``part``, which differs from ``name`` at ``at``, is no word of its own, nor has one there."""
    known = proper_nouns()
    if known.is_word(name):
        return not known.is_word(part)
    inside = 0 < at < len(part) - 1 and not any(known.builds_clauses(each[at]) for each in (part, name))
    return inside and not any(known.is_word(part[start : start + 2]) for start in (at - 1, at))


@lru_cache(maxsize=256)
def _holed(text: str) -> Mapping[_Holed, str]:
    names = {name for run in _HAN.findall(text) for name in _long_words(proper_nouns().cut(run))}
    return {(name[:at], name[at + 1 :]): name for name in sorted(names) for at in range(len(name))}


def _long_words(words: Sequence[str]) -> Iterator[str]:
    single = ""
    for word in (*words, ""):
        if len(word) == 1:
            single += word
            continue
        windows = (single[at : at + _LEAST] for at in range(len(single) - _LEAST + 1))
        yield from (window for window in windows if not _FUNCTION & set(window))
        single = ""
        if _LEAST <= len(word) <= _MOST and proper_nouns().names_something(word):
            yield word
