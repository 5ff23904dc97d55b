"""One question put to a Qdrant engine: the requests it takes, who may see what, and what the answers mean.

Shared by every implementation of the index, embedded or server, so that both give the same scores. An engine brings
two functions, :data:`Search` and :data:`Size`; the order of the calls and the arithmetic are here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.knowledge.entries import EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, Route
from bot.knowledge.points import (
    ENTRY_ROLE,
    IDF_OF_NOTHING,
    QUESTION_ROLE,
    coverage_weights,
    query_weights,
    sight_marks,
    sparse,
)
from bot.knowledge.tokens import Tokenizer

SparseWeights = tuple[list[int], list[float]]
"""Dimensions and their weights."""

QUESTION_POINTS = 3
"""Question points asked for each entry wanted, as several may belong to one entry."""
RECENT_QUESTIONS = 64
"""Questions whose terms are kept for the next search: a turn asks for FAQs and then for passages with the same one."""


@dataclass(frozen=True, slots=True)
class Population:
    """What the reader may see now: the filter of a search, and the population its idf is counted over."""

    scope: Scope
    kind: EntryKind | None

    def sight(self, role: str) -> "Sight":
        """The points of ``role`` in it."""
        return Sight(role, self.scope, self.kind)


@dataclass(frozen=True, slots=True)
class Sight:
    """Which points a search may see: those with marks for :data:`~bot.knowledge.points.ALWAYS`, and those with marks
    for another validity that holds now."""

    role: str
    scope: Scope
    kind: EntryKind | None

    def marks(self, validity: str) -> tuple[str, ...]:
        """The marks of one validity; see :func:`bot.knowledge.points.sight_marks`."""
        return sight_marks(self.role, self.scope, self.kind, validity)


@dataclass(frozen=True, slots=True)
class Nearest:
    """Ask for the best ``limit`` entries by the ``route``'s vector, which points of ``role`` have.

    ``vector`` has dense numbers, or dimensions with their weights, as the route wants. A word's weight is multiplied
    with its idf in the population, or unless ``by_rarity`` with :data:`~bot.knowledge.points.IDF_OF_NOTHING`, which
    need not be counted.
    """

    route: Route
    vector: list[float] | SparseWeights
    role: str
    limit: int
    by_rarity: bool = True

    @property
    def points(self) -> int:
        """Points to ask for."""
        return self.limit * (QUESTION_POINTS if self.role == QUESTION_ROLE else 1)


Search = Callable[[Sequence[Nearest], Population], list[dict[str, float]]]
"""For each request the ids of at most so many entries with their score, best first; see :func:`best_of_each`."""
Size = Callable[[Population], int]
"""How many entries the population has, exactly."""


def candidates(
    population: Population,
    question: str,
    vector: Floats,
    limit: int,
    *,
    tokenizer: Tokenizer,
    search: Search,
    size: Size,
) -> Candidates:
    """What :meth:`bot.knowledge.index.Index.candidates` gives, asked through an engine's ``search`` and ``size``."""
    if not population.scope.collections:
        return Candidates({route: {} for route in Route}, mass=0.0, visible=0)
    read = _read(tokenizer, question)
    dense: list[float] = vector.tolist()
    requests = [
        Nearest(Route.DENSE, dense, ENTRY_ROLE, limit),
        Nearest(Route.LEXICAL, read.terms, ENTRY_ROLE, limit),
        Nearest(Route.QUESTION_DENSE, dense, QUESTION_ROLE, limit),
        Nearest(Route.QUESTION_LEXICAL, read.terms, QUESTION_ROLE, limit),
    ]
    # One word alone: the score of any hit is the word's idf.
    singles = [Nearest(Route.WORDS, weights, ENTRY_ROLE, 1) for weights in read.words.values()]
    answers = search([*requests, *singles], population)
    routes: dict[Route, dict[str, float]] = {route: {} for route in Route}
    routes |= {request.route: found for request, found in zip(requests, answers, strict=False)}
    idf = [next(iter(found.values()), None) for found in answers[len(requests) :]]
    visible = size(population)
    weights = coverage_weights(idf, visible)
    mass = sum(weights)
    # The engine multiplies with an idf: dividing by it here leaves the weight.
    held = {word: weight / IDF_OF_NOTHING for word, weight, x in zip(read.words, weights, idf, strict=True) if x}
    (covering,) = search([Nearest(Route.WORDS, sparse(held), ENTRY_ROLE, limit, by_rarity=False)], population)
    routes[Route.WORDS] = {id_: min(1.0, share / mass) for id_, share in covering.items()}
    return Candidates(routes, mass=mass, visible=visible, words=dict(zip(read.words, weights, strict=True)))


def best_of_each(scores: Iterable[tuple[str, float]], limit: int) -> dict[str, float]:
    """Entry id to its best point's score, for the best ``limit`` entries; ``scores`` are of points, best first, and
    read no further than needed."""
    best: dict[str, float] = {}
    for id_, score in scores:
        best.setdefault(id_, score)
        if len(best) == limit:
            break
    return best


@dataclass(frozen=True, slots=True)
class _Read:
    """A question's terms, and each of its words with the weights of that word alone, in the words' order."""

    terms: SparseWeights
    words: Mapping[str, SparseWeights]


@lru_cache(maxsize=RECENT_QUESTIONS)
def _read(tokenizer: Tokenizer, question: str) -> _Read:
    words = sorted(set(tokenizer.query_words(question)))
    return _Read(query_weights(tokenizer.query_terms(question)), {word: query_weights([word]) for word in words})
