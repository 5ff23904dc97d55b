"""Words that an operator lists for a bot: found in messages and answers, also when they are pulled apart."""

import re
from collections.abc import Iterable, Iterator

import marisa_trie  # type: ignore[import-not-found]  # a C extension without stubs

from bot.safety.characters import canonical

_APART = re.compile(r"[\s.·・•\-_*|/\\+,，、~=^#@&!]+")


class SensitiveWords:
    """A list of ``words`` to look for; blank ones are left out. Tens of thousands cost no more than a few.

    Words are compared in canonical form: letter case, width, traditional characters, hidden characters and separators
    between Chinese characters do not matter. A Latin word counts only where it is not part of a longer one.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = {key: word for word in words if (key := _key(word))}
        self._trie = marisa_trie.Trie(self._words)
        self._longest = max(map(len, self._words), default=0)

    def find(self, text: str) -> tuple[str, ...]:
        """The listed words that occur in ``text``, as they were listed, each once."""
        plain = canonical(text)
        found = dict.fromkeys(self._occurring(plain))
        found |= dict.fromkeys(word for word in self._occurring(_key(text)) if not word.isascii())
        return tuple(self._words[key] for key in found)

    def _occurring(self, text: str) -> Iterator[str]:
        for start in range(len(text)):
            for word in self._trie.prefixes(text[start : start + self._longest]):
                if not _inside(text, start) and not _inside(text, start + len(word)):
                    yield word


def _key(text: str) -> str:
    return _APART.sub("", canonical(text))


def _inside(text: str, position: int) -> bool:
    """Whether ``position`` lies inside a run of Latin letters or digits."""
    return 0 < position < len(text) and _latin(text[position - 1]) and _latin(text[position])


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
