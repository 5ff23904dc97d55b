"""One question put to a Qdrant engine: the requests it takes, who may see what, and what the answers mean.

Shared by every implementation of the index, embedded or server, so that both give the same scores. An engine brings
two functions, :data:`Search` and :data:`Size`; the order of the calls and the arithmetic are here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from bot.knowledge.entries import EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, Route
from bot.knowledge.points import (
    ENTRY_ROLE,
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
    """Ask for the best ``limit`` points of ``role`` by the ``route``'s vector."""

    route: Route
    vector: list[float] | SparseWeights
    """Dense numbers, or dimensions with their weights, as the route wants."""
    role: str
    limit: int


Search = Callable[[Sequence[Nearest], Population], list[dict[str, float]]]
"""For each request the ids of entries with their score, best first; see :func:`best_of_each`."""
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
    requests = [Nearest(Route.DENSE, dense, ENTRY_ROLE, limit), Nearest(Route.LEXICAL, read.terms, ENTRY_ROLE, limit)]
    many = limit * QUESTION_POINTS
    requests.append(Nearest(Route.QUESTION_DENSE, dense, QUESTION_ROLE, many))
    requests.append(Nearest(Route.QUESTION_LEXICAL, read.terms, QUESTION_ROLE, many))
    # One word alone: the score of any hit is the word's idf.
    singles = [Nearest(Route.WORDS, weights, ENTRY_ROLE, 1) for weights in read.words.values()]
    answers = search([*requests, *singles], population)
    routes: dict[Route, dict[str, float]] = {route: {} for route in Route}
    routes |= {
        request.route: dict(islice(found.items(), limit)) for request, found in zip(requests, answers, strict=False)
    }
    idf = [next(iter(found.values()), None) for found in answers[len(requests) :]]
    visible = size(population)
    weights = coverage_weights(idf, visible)
    mass = sum(weights)
    # The engine multiplies with the idf: dividing by it here leaves the weight.
    held = {word: weight / x for word, weight, x in zip(read.words, weights, idf, strict=True) if x}
    (covering,) = search([Nearest(Route.WORDS, sparse(held), ENTRY_ROLE, limit)], population)
    routes[Route.WORDS] = {id_: min(1.0, share / mass) for id_, share in covering.items()}
    return Candidates(routes, mass=mass, visible=visible, words=dict(zip(read.words, weights, strict=True)))


def best_of_each(scores: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Entry id to its best point's score; ``scores`` are of points, best first."""
    best: dict[str, float] = {}
    for id_, score in scores:
        best.setdefault(id_, score)
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
