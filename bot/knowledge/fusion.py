"""What the routes found as one ranking.

Routes are fused by their scores, each scaled over its own best :data:`DEPTH` (best 1, last 0), as ranks carry no "I
know nothing". Half the vote is lexical and half dense. The lexical half is gated: where no visible entry holds a fair
share of the question's words (by idf), as with a question in another language, it has no vote. An entry that is a FAQ
also scores by its question, in both ways; that is known by its kind, not guessed.
"""

from collections.abc import Mapping

from bot.knowledge.index import Candidates, Route

DEPTH = 100
"""Entries a route brings, and the population its scores are scaled over."""
FULL_COVERAGE = 0.25
"""Share of the question's idf mass in one entry from which the lexical routes have their whole vote."""
WEIGHTS = {
    Route.LEXICAL: 0.5,
    Route.DENSE: 0.5,
    Route.QUESTION_LEXICAL: 0.3,
    Route.QUESTION_DENSE: 0.3,
}
LEXICAL_ROUTES = (Route.LEXICAL, Route.QUESTION_LEXICAL)


def gate(candidates: Candidates) -> float:
    """The lexical routes' share, 0 to 1, of their vote."""
    return min(1.0, max(candidates.routes[Route.WORDS].values(), default=0.0) / FULL_COVERAGE)


def fuse(candidates: Candidates) -> list[tuple[str, float]]:
    """(entry id, fused score), best first; equal scores in the order of their ids."""
    scores: dict[str, float] = {}
    for route, weight in WEIGHTS.items():
        for id_, vote in scaled(candidates, route).items():
            scores[id_] = scores.get(id_, 0.0) + weight * vote
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def scaled(candidates: Candidates, route: Route) -> dict[str, float]:
    """The scores of ``route`` scaled to 1 for the best and 0 for the worst of a full pool, as far as the gate allows.

    A lexical pool that is not full ends at 0, the score of every entry outside it.
    """
    if route not in LEXICAL_ROUTES:
        return _scale(candidates.routes[route], worst_of_few=None)
    allowed = gate(candidates)
    return {id_: allowed * vote for id_, vote in _scale(candidates.routes[route], worst_of_few=0.0).items()}


def _scale(scores: Mapping[str, float], worst_of_few: float | None) -> dict[str, float]:
    if not scores:
        return {}
    best, worst = max(scores.values()), min(scores.values())
    if worst_of_few is not None and len(scores) < DEPTH:
        worst = worst_of_few
    if best <= worst:
        return dict.fromkeys(scores, 1.0)
    return {id_: (score - worst) / (best - worst) for id_, score in scores.items()}
