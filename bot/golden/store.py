"""The golden questions of every bot and what came of asking them, in SQL."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.errors import UsageError
from bot.golden.judging import Outcome
from bot.golden.questions import GoldenQuestion
from bot.golden.tables import golden_questions, golden_runs
from bot.knowledge.entries import Audience

KEPT_RUNS = 200
"""Runs of a bot that are kept, those that were accepted or went past the gate aside: these stay."""

EVAL, APPROVAL = "eval", "approval"
"""On what occasion the questions were asked: by ``eval gate``, or of knowledge that somebody was about to approve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What came of asking a bot all its golden questions.

    ``ran_on`` names the versions that decided it (:mod:`bot.golden.versions`). ``accepted_at`` (epoch seconds) and
    ``accepted_by`` are ``None`` until somebody makes it the bar; ``reason`` is why it was accepted, or its knowledge
    approved, although questions had fallen.
    """

    bot: str
    tenant: str
    at: float
    actor: str
    occasion: str
    ran_on: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    accepted_at: float | None = None
    accepted_by: str | None = None
    reason: str = ""

    @property
    def right(self) -> int:
        """How many answers were as expected."""
        return sum(outcome.right for outcome in self.outcomes)


class GoldenStore:
    """Raises :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, audit: AuditLog) -> None:
        self._database = audit.database
        self._audit = audit

    def questions(self, bot: str) -> list[GoldenQuestion]:
        """The golden questions of ``bot`` in their order."""
        query = select(golden_questions).where(golden_questions.c.bot == bot).order_by(golden_questions.c.position)
        with self._database.read() as connection:
            return [_question(row) for row in connection.execute(query)]

    def replace(self, bot: BotConfig, questions: Sequence[GoldenQuestion], actor: str) -> tuple[int, int]:
        """Let ``questions`` be those of ``bot``; how many of them are new, and how many are gone."""
        wanted = {question.id for question in questions}
        with self._database.write() as connection:
            mine = golden_questions.c.bot == bot.id
            before = set(connection.scalars(select(golden_questions.c.id).where(mine)))
            connection.execute(delete(golden_questions).where(mine))
            if questions:
                rows = [_row(bot.id, position, question) for position, question in enumerate(questions)]
                connection.execute(insert(golden_questions), rows)
            added, gone = len(wanted - before), len(before - wanted)
            details = {"questions": len(wanted), "added": added, "removed": gone}
            self._audit.append_within(connection, [_event(bot, f"golden:{bot.id}", actor, details)])
        return added, gone

    def save(self, run: Run) -> None:
        """Keep ``run``, and let the oldest go."""
        values = {name: getattr(run, name) for name in golden_runs.c.keys() if name != "outcomes"}  # noqa: SIM118
        values["outcomes"] = [outcome.to_json() for outcome in run.outcomes]
        passing = (golden_runs.c.bot == run.bot, golden_runs.c.accepted_at.is_(None), golden_runs.c.reason == "")
        kept = select(golden_runs.c.id).where(*passing).order_by(golden_runs.c.at.desc()).limit(KEPT_RUNS)
        with self._database.write() as connection:
            connection.execute(insert(golden_runs).values(values))
            fresh = list(connection.scalars(kept))
            connection.execute(delete(golden_runs).where(*passing, golden_runs.c.id.not_in(fresh)))

    def accepted(self, bot: str) -> Run | None:
        """The bar: the run of ``bot`` that was accepted last."""
        query = (
            select(golden_runs)
            .where(golden_runs.c.bot == bot, golden_runs.c.accepted_at.is_not(None))
            .order_by(golden_runs.c.accepted_at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _run(row)

    def accept(self, run: Run, bot: BotConfig, *, actor: str, now: float, reason: str, fell: int) -> None:
        """Make ``run``, in which ``fell`` questions fell, the bar.

        Raises :class:`~bot.errors.UsageError` when some fell and no ``reason`` is given.
        """
        if fell and not reason:
            raise UsageError(f"{fell} questions fell: to accept that all the same, say why with --reason")
        values = {"accepted_at": now, "accepted_by": actor, "reason": reason}
        details = {"change": "accepted", "right": run.right, "of": len(run.outcomes), "fell": fell}
        with self._database.write() as connection:
            connection.execute(update(golden_runs).where(golden_runs.c.id == run.id).values(values))
            self._audit.append_within(connection, [_event(bot, f"golden_run:{run.id}", actor, details)])

    def override(self, run: Run, bot: BotConfig, *, because: str, fell: int) -> None:
        """Write down that knowledge is approved although ``run``, in which ``fell`` questions fell, speaks against it:
        ``because`` is the key of what would have been said."""
        details = {"change": "overridden", "because": because, "right": run.right, "of": len(run.outcomes)}
        self._audit.append(_event(bot, f"golden_run:{run.id}", run.actor, details | {"fell": fell}))


def _event(bot: BotConfig, subject: str, actor: str, details: Mapping[str, Any]) -> AuditEvent:
    return AuditEvent(action=Action.GATE, subject=subject, actor=actor, tenant=bot.tenant, bot=bot.id, details=details)


def _row(bot: str, position: int, question: GoldenQuestion) -> dict[str, Any]:
    return {
        "bot": bot,
        "id": question.id,
        "position": position,
        "question": question.question,
        "sources": list(question.sources),
        "facts": list(question.facts),
        "must_refuse": question.must_refuse,
        "audience": question.audience.value,
        "note": question.note,
    }


def _question(row: Row[Any]) -> GoldenQuestion:
    return GoldenQuestion(
        question=row.question,
        sources=tuple(row.sources),
        facts=tuple(row.facts),
        must_refuse=row.must_refuse,
        audience=Audience(row.audience),
        note=row.note,
    )


def _run(row: Row[Any]) -> Run:
    fields = dict(row._mapping)
    return Run(**fields | {"outcomes": tuple(map(Outcome.from_json, row.outcomes))})
