"""What stands between a draft and its readers where a bot's ``gate`` says so: its golden questions, asked of the
knowledge as it would be."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from bot import telemetry
from bot.bots_file import BotConfig
from bot.errors import InputError
from bot.golden.candidate import AnswerParts, answering, knowledge_with
from bot.golden.judging import Outcome, compare
from bot.golden.questions import GoldenQuestion
from bot.golden.running import AT_ONCE, OutOfTime, run_questions
from bot.golden.store import APPROVAL, GoldenStore, Run
from bot.golden.versions import ran_on
from bot.knowledge.progress import Progress
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Version
from bot.single_question import turn_of

log = structlog.get_logger()

QUESTIONS_SHOWN = 5
TRIES = 3
"""Runs that one approval may take; when others change something during each of them, the last one decides."""
_ONE_AT_A_TIME = threading.Lock()
"""Each run of this process holds an index of its own in memory."""


def gated_in(bots: Mapping[str, BotConfig], tenant: str, collection: str) -> bool:
    """Whether a bot that answers from ``collection`` wants its golden questions asked before anything is approved."""
    return any(bot.gate.required for bot in bots.values() if bot.tenant == tenant and collection in bot.knowledge)


class ApprovalGate:
    """A :data:`bot.knowledge.approval.Gate`. ``parts`` is called when something has to be answered: with them comes the
    model."""

    def __init__(
        self,
        bots: Mapping[str, BotConfig],
        knowledge: KnowledgeStore,
        golden: GoldenStore,
        parts: Callable[[], AnswerParts],
    ) -> None:
        self._bots = bots
        self._knowledge = knowledge
        self._golden = golden
        self._parts = parts

    def __call__(self, versions: Sequence[Version], actor: str, override: str, progress: Progress) -> None:
        """Let ``versions``, which wait in one collection, pass, or raise :class:`~bot.errors.InputError`: questions
        that were right in a bot's accepted run would be wrong, there is no such run, or asking takes too long.

        With ``override``, a reason, they pass all the same, and that is written down. Where others approve or withdraw
        something while the questions are asked, they are asked again, :data:`TRIES` times at most.
        """
        with _ONE_AT_A_TIME:
            for bot in self._concerned(versions):
                self._ask(bot, versions, actor, override, progress)

    def _concerned(self, versions: Sequence[Version]) -> Iterator[BotConfig]:
        for bot in self._bots.values():
            meant = (one for one in versions if not one.bots or bot.id in one.bots)
            places = {(one.tenant, one.collection) for one in meant}
            if bot.gate.required and any((bot.tenant, collection) in places for collection in bot.knowledge):
                yield bot

    def _ask(self, bot: BotConfig, versions: Sequence[Version], actor: str, override: str, progress: Progress) -> None:
        questions, bar = self._golden.questions(bot.id), self._golden.accepted(bot.id)
        if bar is None or not questions:
            self._settle(bot, _run_of(bot, actor), InputError("kb_gate_no_bar", bot=bot.id), 0, override)
            return
        try:
            run = self._run_of_what_stays(bot, questions, versions, actor, progress)
        except OutOfTime:
            slow = InputError("kb_gate_slow", bot=bot.id, seconds=bot.gate.seconds)
            self._settle(bot, _run_of(bot, actor), slow, 0, override)
            return
        fell = compare(run.outcomes, bar.outcomes).fell
        log.info("gate_run", bot=bot.id, run=run.id, right=run.right, of=len(questions), fell=len(fell))
        listed = " / ".join(one.question for one in fell[:QUESTIONS_SHOWN])
        fault = InputError("kb_gate_fell", bot=bot.id, fell=len(fell), questions=listed, run=run.id) if fell else None
        self._settle(bot, run, fault, len(fell), override)

    def _settle(self, bot: BotConfig, run: Run, fault: InputError | None, fell: int, override: str) -> None:
        """Keep ``run``, and raise ``fault`` unless it is overridden."""
        if fault is None or not override:
            self._golden.save(run)
            if fault is not None:
                raise fault
            return
        run = replace(run, reason=override)
        self._golden.save(run)
        self._golden.override(run, bot, because=fault.text_key, fell=fell)

    def _run_of_what_stays(
        self,
        bot: BotConfig,
        questions: list[GoldenQuestion],
        versions: Sequence[Version],
        actor: str,
        progress: Progress,
    ) -> Run:
        """One during which nobody changed what ``bot`` answers from."""
        seen, tries = None, 0
        while (now := self._knowledge.changes(bot.tenant, bot.knowledge)) != seen and tries < TRIES:
            seen, tries = now, tries + 1
            run = self._run(bot, questions, versions, actor, progress)
        if now != seen:
            telemetry.count("degraded", what="gate_overtaken")
            log.warning("gate_overtaken", bot=bot.id, run=run.id, tries=tries)
        return run

    def _run(
        self,
        bot: BotConfig,
        questions: list[GoldenQuestion],
        versions: Sequence[Version],
        actor: str,
        progress: Progress,
    ) -> Run:
        until = time.monotonic() + bot.gate.seconds
        knowledge = knowledge_with(self._knowledge, bot, versions)
        parts = self._parts()
        with answering(parts, knowledge, progress, until) as reply:

            def ask(question: GoldenQuestion) -> Mapping[str, Any]:
                return reply(turn_of(bot, actor, question.question, question.audience, time.time()))

            at_once = AT_ONCE if parts.composer else 1
            outcomes, made = run_questions(questions, ask, partial(progress, "gate"), until, at_once)
        return _run_of(bot, actor, ran_on(bot, questions, knowledge, made), outcomes)


def _run_of(
    bot: BotConfig, actor: str, rested_on: Mapping[str, Any] | None = None, outcomes: Sequence[Outcome] = ()
) -> Run:
    """One that did not come to answers rests on nothing."""
    return Run(
        bot=bot.id,
        tenant=bot.tenant,
        at=time.time(),
        actor=actor,
        occasion=APPROVAL,
        ran_on=rested_on or {},
        outcomes=tuple(outcomes),
    )
