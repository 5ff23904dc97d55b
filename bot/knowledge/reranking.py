"""The first of a ranking once more, by late interaction: each piece of the question against each piece of the entries.

Fusion compares texts as a whole, and by the words they share. Late interaction sees whether every part of a question
is met, in other words and in another language too. It reads the first :data:`RERANKED` entries only; the rest stay
below them. The constants hold for every data set (docs/decisions/0003-refusal-threshold.md has the measurements).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot import telemetry
from bot.knowledge.entries import Entry
from bot.knowledge.fusion import gate, scaled
from bot.knowledge.index import Candidates, Floats, Route
from bot.knowledge.late_interaction import AskedPieces
from bot.knowledge.points import texts_with_states
from bot.knowledge.state_store import StateStore
from bot.knowledge.token_states import Encoded

RERANKED = 20

WEIGHTS = {Route.LEXICAL: 0.30, Route.DENSE: 0.20, Route.QUESTION_LEXICAL: 0.20}
LATE = 0.35
"""The vote of late interaction for a question of few pieces."""
FEW_PIECES = 20
"""A story of more pieces dilutes the mean over them, and the vote shrinks by as much."""
LATE_FOR_LEXICAL = 0.2
"""What late interaction gets of a lexical vote that the gate holds back."""
QUESTION_LATE = 0.30
"""The vote of a FAQ's question, compared both ways."""
LEAST_WEIGHT = 0.1
"""Weight of a piece that no word of the question explains, such as a stop word's, in mean weights of a word."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """How well an entry meets the question's pieces, about -1 to 1; ``question`` is that of its own questions, both
    ways added, and ``None`` where it has none."""

    text: float
    question: float | None


def piece_weights(encoded: Encoded, candidates: Candidates) -> Floats:
    """How much each piece of a question counts: half as the word it is part of, and half as every other piece.

    Where the gate holds the lexical routes back, no word is known to be rare, and all count alike.
    """
    words, allowed = candidates.words, gate(candidates)
    mean = float(np.mean(list(words.values()))) if words else 1.0
    weights = [
        max(
            (weight for word, weight in words.items() if text and (text in word or word in text)),
            default=mean * LEAST_WEIGHT,
        )
        for text in map(str.lower, encoded.texts)
    ]
    return np.array([mean + allowed * (weight - mean) / 2 for weight in weights], dtype=np.float32)


def closeness(
    encoded: Encoded, candidates: Candidates, entries: Sequence[Entry], states: StateStore
) -> dict[str, Closeness] | None:
    """The closeness of each of ``entries`` by its id; ``None`` where the states of one are not there."""
    texts = [(entry, text) for entry in entries for text in texts_with_states(entry)]
    read = states.read([text for _, text in texts])
    found = [blob for blob in read if blob is not None]
    if len(found) < len(read):
        telemetry.count("degraded", what="late_interaction")
        return None
    met, meeting = AskedPieces(encoded, piece_weights(encoded, candidates)).met_by(found)
    close: dict[str, Closeness] = {}
    for (entry, (kind, _text)), there, back in zip(texts, met.tolist(), meeting.tolist(), strict=True):
        if kind == "passage":
            close[entry.id] = Closeness(there, None)
        else:
            known = close[entry.id]
            close[entry.id] = Closeness(known.text, max(there + back, known.question or -2.0))
    return close


def rerank(
    candidates: Candidates, ranking: Sequence[tuple[str, float]], close: Mapping[str, Closeness], pieces: int
) -> list[tuple[str, float]]:
    """``ranking`` with the entries of ``close``, which are its first, in a better order.

    ``pieces`` is how many the question has. The scores are of one kind: those of the rest are below the last of these.
    """
    allowed = gate(candidates)
    late = LATE * min(1.0, FEW_PIECES / max(pieces, 1)) + LATE_FOR_LEXICAL * (1 - allowed)
    near = _spread({id_: each.text for id_, each in close.items()})
    lexical, dense = (scaled(candidates, route) for route in (Route.LEXICAL, Route.DENSE))
    of_question = scaled(candidates, Route.QUESTION_LEXICAL)
    asking = _spread({id_: _asking(each) for id_, each in close.items()})
    most_of_text = allowed * WEIGHTS[Route.LEXICAL] + WEIGHTS[Route.DENSE] + late
    most_of_question = allowed * WEIGHTS[Route.QUESTION_LEXICAL] + QUESTION_LATE
    scores: dict[str, float] = {}
    for id_ in (id_ for id_, _ in ranking if id_ in close):
        score = WEIGHTS[Route.LEXICAL] * lexical.get(id_, 0.0) + WEIGHTS[Route.DENSE] * dense.get(id_, 0.0)
        score += late * near[id_]
        if close[id_].question is None:  # what its text deserves, so that having no question is no fault
            score += most_of_question * score / most_of_text
        else:
            score += WEIGHTS[Route.QUESTION_LEXICAL] * of_question.get(id_, 0.0) + QUESTION_LATE * asking[id_]
        scores[id_] = score
    first = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    rest = [item for item in ranking if item[0] not in close]
    if not first or not rest:
        return first or rest
    floor, best = first[-1][1], max(rest[0][1], 1e-9)
    return first + [(id_, floor * score / best) for id_, score in rest]


def _asking(close: Closeness) -> float:
    """The closeness of its question; both ways that of the text where it has none, so that a lone question among
    statements is not the best of its kind for being the only one."""
    return 2 * close.text if close.question is None else close.question


def _spread(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores scaled to 1 for the best and 0 for the worst."""
    if not scores:
        return {}
    best, worst = max(scores.values()), min(scores.values())
    if best <= worst:
        return dict.fromkeys(scores, 1.0)
    return {id_: (score - worst) / (best - worst) for id_, score in scores.items()}
