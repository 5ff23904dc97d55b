"""The terms of a text for the lexical routes: what BM25 counts and what coverage is measured in.

``terms`` is the mix that held up best over ten public sets: dictionary words, character bigrams of Chinese runs, and
Latin words and numbers kept whole (``bm25``, ``0.5ml``, ``t1``; ``tidb-server`` also by its parts). ``words`` are the
words alone. Text is folded first
(NFKC and lower case: full-width letters and digits become plain ones). A query also loses its politeness and stop
words: they tell nothing about the document that answers.
"""

import re
import unicodedata
from collections.abc import Iterator

from bot.knowledge.segment import Segmenter

MAX_CHARACTERS = 20_000
"""What lies beyond is not looked at: bounds the work on one text."""

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"[^\W_{_CHINESE}]"
_PIECES = re.compile(rf"(?P<chinese>[{_CHINESE}]+)|(?P<other>{_LETTER}+(?:[-_.+/%']{_LETTER}+)*)")

_CHINESE_START = re.compile(f"[{_CHINESE}]")

_PARTS = re.compile("[-_.+/%']")
_QUANTITY = re.compile(r"\d+(?:\.\d+)*[a-z%]*")
"""A number with its unit or a version: its parts say nothing."""

_POLITENESS = re.compile(
    "请问一下|麻烦问一下|想问一下|我想请问|我想问问|我想咨询|想咨询一下|我想知道|我想了解|请问|您好|你好|谢谢您|谢谢你|谢谢|"
    "多谢|麻烦您|麻烦你|麻烦|拜托|请教|打扰了|求助|帮忙|告诉我|急急急|在线等"
)
_STOP = frozenset(
    [
        "的",
        "了",
        "吗",
        "呢",
        "吧",
        "啊",
        "呀",
        "么",
        "嘛",
        "哦",
        "哪",
        "是",
        "在",
        "有",
        "和",
        "与",
        "及",
        "或",
        "也",
        "都",
        "就",
        "还",
        "又",
        "被",
        "把",
        "给",
        "对",
        "从",
        "到",
        "让",
        "向",
        "我",
        "你",
        "您",
        "他",
        "她",
        "它",
        "我们",
        "你们",
        "他们",
        "这",
        "那",
        "这个",
        "那个",
        "这些",
        "那些",
        "这样",
        "这种",
        "一个",
        "一下",
        "一些",
        "什么",
        "怎么",
        "怎样",
        "怎么样",
        "怎么办",
        "怎么回事",
        "如何",
        "为什么",
        "为何",
        "哪些",
        "哪个",
        "哪里",
        "多少",
        "几",
        "谁",
        "何",
        "是否",
        "是不是",
        "有没有",
        "能不能",
        "可不可以",
        "会不会",
        "请",
        "想",
        "要",
        "会",
        "能",
        "可以",
        "应该",
        "需要",
        "知道",
        "问",
        "上",
        "下",
        "中",
        "里",
        "时",
        "时候",
        "之",
        "以",
        "而",
        "但",
        "但是",
        "因为",
        "所以",
        "如果",
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "by",
        "with",
        "and",
        "or",
        "do",
        "does",
        "did",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "can",
        "could",
        "should",
        "would",
        "i",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "my",
        "your",
        "this",
        "that",
        "there",
        "please",
        "thanks",
        "hello",
    ]
)


class Tokenizer:
    """Makes terms. Thread-safe; ``segmenter`` may be shared."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def words(self, text: str) -> list[str]:
        """Words, Latin words and numbers of ``text``, in order, with repeats."""
        return [word for run in self._runs(text) for word in run]

    def terms(self, text: str) -> list[str]:
        """Words and character bigrams of ``text``, with repeats.

        A Latin word or a number comes twice: a Chinese word counts as itself and again in its bigrams, and product
        names matter no less.
        """
        return [term for run in self._runs(text) for term in (*run, *_bigrams(run))]

    def query_words(self, text: str) -> list[str]:
        """:meth:`words` of a question without politeness and stop words; all of them where nothing else is left."""
        words = [word for word in self.words(without_politeness(text)) if word not in _STOP]
        return words or self.words(text)

    def query_terms(self, text: str) -> list[str]:
        """:meth:`terms` of a question without politeness and stop words.

        Bigrams that touch a dropped word stay: without them the longer questions lose.
        """
        terms: list[str] = []
        for run in self._runs(without_politeness(text)):
            words = [word for word in run if word not in _STOP]
            terms += [*words, *_bigrams(run if _is_chinese(run) else words)]
        return terms or self.terms(text)

    def _runs(self, text: str) -> Iterator[list[str]]:
        """Neighbouring Chinese words as one list, any other word alone."""
        for match in _PIECES.finditer(fold(text)):
            piece = match.group()
            if match.lastgroup == "chinese":
                yield self._segmenter.cut(piece)
            else:
                yield [piece]
                if not _QUANTITY.fullmatch(piece):
                    yield from ([part] for part in _PARTS.split(piece) if part != piece)


def fold(text: str) -> str:
    """``text`` in lower case, full-width letters and digits as plain ones."""
    return unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()


def without_politeness(text: str) -> str:
    """``text`` without greetings, thanks and phrases such as 想问一下."""
    return _POLITENESS.sub(" ", text[:MAX_CHARACTERS])


def _is_chinese(run: list[str]) -> bool:
    return bool(run) and _CHINESE_START.match(run[0]) is not None


def _bigrams(run: list[str]) -> Iterator[str]:
    """Neighbouring characters of a Chinese run; any other run once more, whole."""
    if not _is_chinese(run):
        yield from run
        return
    joined = "".join(run)
    yield from (joined[at : at + 2] for at in range(len(joined) - 1))
