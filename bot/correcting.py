"""Telling people that what they were told has been corrected, through their outboxes, a few at a time."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import telemetry
from bot.bots_file import BotConfig
from bot.handoff.reach import Reach
from bot.knowledge.corrections import Corrections, Outcome, Use
from bot.knowledge.difference import difference
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Version
from bot.messages import ConversationId
from bot.parts import Text
from bot.replies import OutboxReply
from bot.texts import Texts, language_of

CORRECTION_KEY = "correction"
"""Begins the keys of all replies that say so."""
_EXCERPT = 40
_CORRECTION = re.compile(r"correction-(?P<turn>[a-z2-7]{20})\.faq")


def correction_source(turn: str) -> str:
    """How the document is called that corrects the answer of a turn."""
    return f"correction-{turn}.faq"


def misled_by(store: KnowledgeStore, corrections: Corrections, version: Version, now: float) -> list[Use]:
    """The last answer to each person that rested on what ``version``, which was approved, has taken away or worded
    otherwise; or the one answer that it was written to correct."""
    if (corrected := _CORRECTION.fullmatch(version.source)) is not None:
        return corrections.answer(corrected["turn"], version.tenant, now)
    earlier = [one for one in store.versions(*version.name) if one.approved_at and one.number < version.number]
    if not earlier:
        return []
    found = difference(store.contents(earlier[-1].id), store.contents(version.id))
    return corrections.misled(earlier[-1], found.outdated, now)


class Correcting:
    """``quiet(bot, now)`` tells whether a bot writes to nobody now; ``held(conversation)`` whether it stands still
    there. Methods raise :class:`~bot.errors.Unavailable` when database or Redis does not answer."""

    def __init__(
        self,
        corrections: Corrections,
        *,
        bots: Mapping[str, BotConfig],
        reach: Reach,
        texts: Texts,
        timezone: ZoneInfo,
        quiet: Callable[[str, float], bool],
        held: Callable[[ConversationId], bool],
        clock: Callable[[], float],
    ) -> None:
        self._corrections = corrections
        self._bots = bots
        self._reach = reach
        self._texts = texts
        self._timezone = timezone
        self._quiet = quiet
        self._held = held
        self._clock = clock

    def go_on(self, post: Callable[[ConversationId, OutboxReply], bool]) -> int:
        """Put the next words into outboxes with ``post``; returns how many. An outbox takes them once, so that a crash
        before that is noted repeats nothing."""
        now, said = self._clock(), 0
        quiet = [bot for bot in self._bots if self._quiet(bot, now)]
        for owed in self._corrections.due(quiet):
            to = self._reach.unasked(owed.use.conversation, now - owed.wrote_at) if owed.in_service else None
            if to is not None and self._held(to):
                continue
            if to is not None:
                key = f"{CORRECTION_KEY}:{owed.version}"
                said += post(to, OutboxReply(key=key, parts=(self._words(owed.use),), created_at=now))
            unsaid = Outcome.UNREACHABLE if owed.in_service else Outcome.SUPERSEDED
            outcome = unsaid if to is None else Outcome.SAID
            self._corrections.settle(owed, outcome, now)
            telemetry.count("correction", outcome=outcome.value)
        return said

    def _words(self, use: Use) -> Text:
        day = datetime.fromtimestamp(use.asked_at, self._timezone)
        question = " ".join(use.question.split())
        shown = question if len(question) <= _EXCERPT else question[: _EXCERPT - 1] + "…"
        language = language_of(use.question, self._bots[use.bot].language)
        values = {"month": day.month, "day": day.day, "question": shown}
        return Text(self._texts.say("corrected_notice", language, **values))
