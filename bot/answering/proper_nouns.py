"""Words that name one person, place, organisation or thing, told by jieba's dictionary.

The dictionary tags its 350,000 words. It does not know every name, so two more signs are read: the point inside a
transliterated one (盖尔·加朵), and a family name before one or two characters.
"""

from functools import cache

import marisa_trie  # type: ignore[import-not-found]  # a C extension without stubs

from bot.answering.names import FAMILY_NAMES
from bot.knowledge.segment import jieba_dictionary, jieba_segmenter

_PEOPLE_AND_PLACES = frozenset({"nr", "nrt", "nrfg", "ns"})
_NAMES = _PEOPLE_AND_PLACES | {"nt", "nz"}
_NOUNS = frozenset({"n", "nl", "ng", "j"})
_IDLE = frozenset({"c", "d", "p", "r", "u", "ud", "ug", "uj", "ul", "uv", "uz", "y", "e", "o", "h", "k"})
"""Conjunctions, adverbs, prepositions, pronouns, particles: no part of a name."""
_PERSON = range(2, 4)
"""Characters of a person's name."""


class ProperNouns:
    """The dictionary's names and nouns. Thread-safe once made."""

    def __init__(self) -> None:
        fields = jieba_dictionary().read_text(encoding="utf-8").split()
        tagged = list(zip(fields[0::3], fields[2::3], strict=True))
        self._segmenter = jieba_segmenter()
        self._names = marisa_trie.Trie([word for word, tag in tagged if tag in _NAMES and len(word) > 1])
        self._singular = marisa_trie.Trie([word for word, tag in tagged if tag in _PEOPLE_AND_PLACES and len(word) > 2])
        self._building = marisa_trie.Trie([word for word, tag in tagged if tag in _IDLE | {"v"} and len(word) == 1])
        self._nouns = marisa_trie.Trie([word for word, tag in tagged if tag in _NOUNS and len(word) > 1])
        self._idle = marisa_trie.Trie([word for word, tag in tagged if tag in _IDLE])

    def cut(self, run: str) -> list[str]:
        """The words of ``run``, in order; joined they are ``run`` again."""
        return self._segmenter.cut(run)

    def is_name(self, words: str) -> bool:
        """Whether ``words`` are the name of one person, place, organisation or thing."""
        parts = self.cut(words)
        if any(part in self._idle for part in parts):
            return False
        person = len(words) in _PERSON and words[0] in FAMILY_NAMES and words not in self._nouns
        return person or "·" in words or any(part in self._names for part in parts)

    def people_and_places(self, run: str) -> list[str]:
        """The words of ``run`` that the dictionary has as names of people or places, of three characters or more: what
        it has as shorter ones are often ordinary words."""
        return [word for word in self.cut(run) if word in self._singular]

    def is_word(self, word: str) -> bool:
        """Whether the dictionary has ``word``."""
        return self._segmenter.knows(word)

    def builds_clauses(self, character: str) -> bool:
        """Whether ``character`` is a word that says what somebody does, or binds other words."""
        return character in self._building

    def names_something(self, word: str) -> bool:
        """Whether the dictionary has ``word`` as a name or noun."""
        return word in self._names or word in self._nouns

    def is_noun(self, word: str) -> bool:
        """Whether ``word`` names a kind of thing."""
        return word in self._nouns


@cache
def proper_nouns() -> ProperNouns:
    """The dictionary, read once, when a name is first asked for: a quarter of a second and two megabytes."""
    return ProperNouns()
