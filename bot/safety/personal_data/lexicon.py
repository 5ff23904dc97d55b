"""The word lists of this package, read on first use; where they come from is in ``data/README.md``."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class NameCharacters:
    """How much more often a character stands in a name than in ordinary text, as natural logarithms."""

    surname: dict[str, float]
    given: dict[str, float]
    compound: frozenset[str]
    compound_starts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Regions:
    """Names of places that a government runs, with and without what they are (上海市, 上海)."""

    names: frozenset[str]
    starts: frozenset[str]
    """Their first two characters: most places of a text are ruled out by one look."""
    longest: int


def _lines(file: str) -> list[str]:
    text = (_DATA / file).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if not line.startswith("#")]


@cache
def name_characters() -> NameCharacters:
    """The characters of names."""
    surname: dict[str, float] = {}
    given: dict[str, float] = {}
    for line in filter(None, _lines("name_characters.tsv")):
        character, as_surname, as_given = line.split("\t")
        if as_surname:
            surname[character] = float(as_surname)
        if as_given:
            given[character] = float(as_given)
    compound = frozenset(filter(None, _lines("compound_surnames.txt")))
    return NameCharacters(surname, given, compound, frozenset(name[0] for name in compound))


@cache
def common_words() -> frozenset[str]:
    """Words of two characters that ordinary text is full of, and those of three that begin as a name does."""
    pairs = (line.split("\t") for line in filter(None, _lines("common_words.txt")))
    return frozenset(first + second for first, seconds in pairs for second in seconds.split(" "))


@cache
def not_names() -> frozenset[str]:
    """The first three characters of words that begin as names do (马根维显)."""
    return frozenset(line[:3] for line in _lines("not_names.txt") if line)


@cache
def simplified() -> dict[int, str]:
    """The simplified form of each traditional character, one for one, for ``str.translate``."""
    text = (_DATA.parents[1] / "adverse_events" / "terms" / "traditional.txt").read_text(encoding="utf-8")
    pairs = " ".join(line for line in text.splitlines() if not line.startswith("#")).split()
    return {ord(pair[0]): pair[1] for pair in pairs}


_PROVINCE_ENDS = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")


@cache
def regions() -> Regions:
    """Provinces, prefectures, counties and districts."""
    names: set[str] = set()
    group = 0
    for line in _lines("regions.txt"):
        if not line:
            group += 1
            continue
        names.add(line)
        if group == 0:
            names.add(next(line.removesuffix(end) for end in _PROVINCE_ENDS if line.endswith(end)))
        elif group == 1 and line.endswith(("市", "盟")) and len(line) > 2:
            names.add(line[:-1])
    return Regions(frozenset(names), frozenset(name[:2] for name in names), max(map(len, names)))
