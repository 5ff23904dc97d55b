"""Claims that an answer must not make: advertising, promises, playing down, posing as a person.

The lists are in ``claims.yaml``. A word alone proves nothing: "不能保证有效", "并非绝对安全", "“根治”一词不得使用" and
"有没有副作用?" claim nothing, and pass.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bot.safety.characters import CJK
from bot.shipped_yaml import read_shipped


class Family(StrEnum):
    """What is claimed; the families of ``claims.yaml``."""

    SUPERLATIVE = "superlative"
    EFFICACY = "efficacy"
    SAFETY = "safety"
    COMPARISON = "comparison"
    ENDORSEMENT = "endorsement"
    INDUCEMENT = "inducement"
    OFF_LABEL = "off_label"
    RETURNS = "returns"
    DOWNPLAYING = "downplaying"
    CAUSALITY = "causality"
    COMPENSATION = "compensation"
    DISSUASION = "dissuasion"
    REPORTED = "reported"
    HUMAN = "human"


PHARMA = frozenset(
    {
        Family.SUPERLATIVE,
        Family.EFFICACY,
        Family.SAFETY,
        Family.COMPARISON,
        Family.ENDORSEMENT,
        Family.INDUCEMENT,
        Family.OFF_LABEL,
    }
)
"""Advertising of drugs and devices."""
ADVERSE_EVENT = frozenset(
    {Family.DOWNPLAYING, Family.CAUSALITY, Family.COMPENSATION, Family.DISSUASION, Family.REPORTED}
)
"""What is never said to somebody who tells of an adverse event or complains: also not that an authority has it, which
only people can know (guidance 1.5)."""
SECURITIES = frozenset({Family.RETURNS, Family.SUPERLATIVE})
"""Advertising of financial products."""

_PULLED_APART = re.compile(rf"(?<=[{CJK}])[ \t\u200b-\u200d\u2060\u3000\ufeff*_·~-]{{1,3}}(?=[{CJK}])")
_BEFORE = 10
_AFTER = 14
_CLAUSE_END = re.compile(r"[,。!?;:\n]")
_NEGATED = re.compile(
    r"(?:不(?!仅|但|只|光|用|必)|没(?!问题)|无(?:法|从)|未|非(?!常)|并非|绝非|莫|勿|禁止|杜绝|避免|拒绝|难以|谈不上|远非|何来|岂能|从不|谨防|警惕|远离|所谓"
    r"|(?<![a-z])(?:not|no|never|cannot|can't|nothing|without|isn't|aren't))[^,。!?;]{0,6}$"
)
_DENIED = re.compile(
    r"^[^,。!?;]{0,8}(?:是|都是|属于|均为)?(?:不可能|不现实|不存在|虚假|违[法规]|禁止|骗局|误导|谣言|不准确|不实|不科学|不严谨|不能保证|不成立)"
)
_ASKED = re.compile(r"^[^,。!;]{0,10}(?:吗|么|呢|嘛|\?)")
_WHETHER = re.compile(r"(?:是否|能否|会不会|有没有|是不是|能不能|可否|如果|即使|若)[^,。!?;]{0,6}$")
_QUOTED_WORD = re.compile(r"[\"'“”‘’「」『』《》]")
_ABOUT_WORDS = re.compile(
    r"^[\"'“”‘’「」『』]?(?:等|之类|这样|这种|这类)?的?"
    r"(?:一词|字样|用语|词语|说法|表述|宣传|承诺|措辞|这句话|这个词)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A claim found: ``text[start:end]`` are its words."""

    family: Family
    words: str
    start: int
    end: int


def find_claims(text: str, families: Iterable[Family] = Family) -> tuple[Claim, ...]:
    """The claims of ``families`` that ``text`` makes, in its order."""
    plain, places = _plain(text)
    patterns = _patterns()
    claims = (claim for family in families for claim in _claims(text, plain, places, family, patterns[family]))
    return tuple(sorted(claims, key=lambda claim: (claim.start, claim.end)))


def _claims(text: str, plain: str, places: Sequence[int], family: Family, pattern: re.Pattern[str]) -> Iterator[Claim]:
    for found in pattern.finditer(plain):
        if not _taken_back(plain, found.start(), found.end(), denies=family in _DENIALS):
            start, end = places[found.start()], places[found.end() - 1] + 1
            yield Claim(family=family, words=text[start:end], start=start, end=end)


_DENIALS = frozenset({Family.CAUSALITY, Family.DISSUASION, Family.DOWNPLAYING, Family.HUMAN})
"""Families whose claims contain a denial themselves."""


def _taken_back(plain: str, start: int, end: int, *, denies: bool) -> bool:
    """Whether the words around a find make it no claim: negated, denied, asked, or words that are talked about."""
    before = _CLAUSE_END.split(plain[max(start - _BEFORE, 0) : start])[-1]
    after = plain[end : end + _AFTER]
    if _ASKED.match(after) or _WHETHER.search(before) or _DENIED.match(after):
        return True
    if _ABOUT_WORDS.match(after) and (_QUOTED_WORD.search(before[-1:]) or _NEGATED.search(before)):
        return True
    return not denies and bool(_NEGATED.search(before))


def _plain(text: str) -> tuple[str, list[int]]:
    """Half-width and in lower case, without what pulls Chinese words apart (零 副 作 用), and where each character of
    that stands in ``text``."""
    gaps = {place for found in _PULLED_APART.finditer(text) for place in range(*found.span())}
    places = [place for place in range(len(text)) if place not in gaps]
    return "".join(_plain_character(text[place]) for place in places), places


def _plain_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character).lower()
    return plain if len(plain) == 1 else character


@cache
def _patterns() -> Mapping[Family, re.Pattern[str]]:
    content: Mapping[str, str] = read_shipped("bot.safety.words", "claims.yaml")
    return {Family(name): _compile(lines) for name, lines in content.items()}


def _compile(lines: str) -> re.Pattern[str]:
    joined = "|".join(lines.splitlines())
    return re.compile(joined.replace(" ?", r"\s?").replace(" ", r"\s*").replace("~", "[^,。!?;]{0,8}"))
