"""Questions that nobody's knowledge answered, by subject: what was refused, and what ended with a human.

Personal data is masked before anything else is done with a question; what touches a case of drug safety is the safety
desk's, and left out.
"""

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.handoff.desk import ASKED_KNOWLEDGE
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry
from bot.knowledge.points import body
from bot.messages import ReplyKind
from bot.mining.clusters import grouped, likenesses
from bot.records.turns import TurnRecord
from bot.safety.personal_data import Masker

Floats = npt.NDArray[np.float32]

MOST_QUESTIONS = 1_500
"""Different questions looked at, the most frequent first: bounds time and memory."""
MOST_SHOWN = 5
BEFORE_HUMAN_S = 600.0
"""An answer so shortly before the wish for a human did not help."""
_ANSWERS = frozenset({ReplyKind.FAQ, ReplyKind.GROUNDED, ReplyKind.EXTRACTIVE})
_WITH_WORDS = re.compile(r"[/／]\s*\S+\s+(\S.{3,})", re.DOTALL)
HIDDEN = "…"
"""What stands in a record for words that were not kept."""
OBEYED = "obey_command"
"""The step of a turn that was a command."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question, masked, that was refused, or (``human``) whose asker then wanted a human; ``asked_at`` is epoch
    seconds, ``person`` the platform's id."""

    question: str
    person: str
    asked_at: float
    human: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A subject nobody could answer: how often and by how many people it was asked, how often of that a human was
    wanted, when last, in which words (the most usual first), and what the knowledge has nearest."""

    question: str
    asked: int
    people: int
    humans: int
    last_seen: float
    others: tuple[str, ...]
    nearest: Entry | None
    cosine: float


def unanswered(newest_first: Iterable[TurnRecord]) -> list[Unanswered]:
    """The questions of these turns that were not answered, masked."""
    masker = Masker(secrets.token_bytes(32))
    waiting: dict[str, float] = {}
    found: list[Unanswered] = []
    for turn in newest_first:
        text = turn.question.strip()
        if not text or text == HIDDEN or touches_a_case(turn):
            continue
        if turn.step == OBEYED:
            if turn.kind == ReplyKind.HANDOFF and (words := _WITH_WORDS.fullmatch(text)):
                found.append(_masked(masker, turn, words[1], human=True))
            elif turn.kind == ReplyKind.HANDOFF:
                waiting[turn.conversation] = turn.asked_at
            continue
        human = waiting.pop(turn.conversation, 0.0) - turn.asked_at
        wanted = 0.0 <= human <= BEFORE_HUMAN_S
        refused = turn.step == ASKED_KNOWLEDGE and turn.kind == ReplyKind.REFUSAL
        if refused or (wanted and turn.kind in _ANSWERS):
            found.append(_masked(masker, turn, text, human=wanted))
    return found


def touches_a_case(turn: TurnRecord) -> bool:
    """Whether drug safety has to do with ``turn``: its words are for nobody else."""
    return any("case" in step for step in turn.steps)


def _masked(masker: Masker, turn: TurnRecord, text: str, *, human: bool) -> Unanswered:
    return Unanswered(" ".join(masker.mask(text).split()), turn.person, turn.asked_at, human)


def gaps(asked: Sequence[Unanswered], entries: Sequence[Entry], embedder: Embedder) -> list[Gap]:
    """The subjects of ``asked``, the most frequent first, with what is nearest among ``entries``.

    Raises :class:`~bot.errors.Unavailable` when the embedder does not answer.
    """
    counts = Counter(one.question for one in asked)
    questions = [question for question, _ in counts.most_common(MOST_QUESTIONS)]
    if not questions:
        return []
    vectors = embedder.queries(questions)
    known = _Known(entries, embedder)
    by_question: dict[str, list[Unanswered]] = {}
    for one in asked:
        by_question.setdefault(one.question, []).append(one)
    found = []
    for members in grouped(likenesses(questions, vectors)):
        every = [one for at in members for one in by_question[questions[at]]]
        nearest, cosine = known.nearest(vectors[members[0]])
        found.append(
            Gap(
                question=questions[members[0]],
                asked=len(every),
                people=len({one.person for one in every}),
                humans=sum(one.human for one in every),
                last_seen=max(one.asked_at for one in every),
                others=tuple(questions[at] for at in members[1 : MOST_SHOWN + 1]),
                nearest=nearest,
                cosine=cosine,
            )
        )
    return sorted(found, key=lambda gap: (-gap.asked, -gap.last_seen))


class _Known:
    """Entries by their vectors: FAQs by their questions, passages by their text."""

    def __init__(self, entries: Sequence[Entry], embedder: Embedder) -> None:
        asked = [(question, entry) for entry in entries for question in entry.questions]
        read = [entry for entry in entries if not entry.questions]
        self._entries = [entry for _, entry in asked] + read
        vectors = [embedder.queries([question for question, _ in asked])] if asked else []
        vectors += [embedder.passages([body(entry) for entry in read])] if read else []
        self._vectors = np.concatenate(vectors) if vectors else None

    def nearest(self, vector: Floats) -> tuple[Entry | None, float]:
        """The entry nearest to a question's ``vector``, and its cosine."""
        if self._vectors is None:
            return None, 0.0
        scores = self._vectors @ vector
        best = int(np.argmax(scores))
        return self._entries[best], float(scores[best])
