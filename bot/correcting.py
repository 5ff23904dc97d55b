"""Telling people that what they were told has been corrected or withdrawn, through their outboxes, a few at a time."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import telemetry
from bot.bots_file import BotConfig
from bot.handoff.reach import Reach
from bot.knowledge.corrections import BATCH, SINCE_S, Corrections, Outcome, Owed, Use
from bot.knowledge.difference import difference
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Status, Version
from bot.messages import ConversationId
from bot.parts import Text
from bot.replies import OutboxReply
from bot.texts import Texts, language_of

CORRECTION_KEY = "correction"
"""Begins the keys of all replies that say so."""
_EXCERPT = 40
_PAGES = 10
"""Of :data:`~bot.knowledge.corrections.BATCH` people looked at a round, where all of them have to wait."""
_CORRECTION = re.compile(r"correction-(?P<turn>[a-z2-7]{20})\.faq")


def last_answering(history: Sequence[Version]) -> Version | None:
    """Of the versions of a document, the oldest first, the one that answers or else did last."""
    return next((one for one in reversed(history) if one.approved_at is not None), None)


def correction_source(turn: str) -> str:
    """How the document is called that corrects the answer of a turn."""
    return f"correction-{turn}.faq"


def misled_by(store: KnowledgeStore, corrections: Corrections, version: Version, now: float) -> list[Use]:
    """The last answer to each person that rested on what ``version``, which answers, has not any more or words
    otherwise, or on what went out of service with it, where it was withdrawn and nothing took its place; or the one
    answer that it was written to correct.

    What earlier versions corrected and nobody was told of counts too.
    """
    gone = version.status is Status.WITHDRAWN
    if not gone and (corrected := _CORRECTION.fullmatch(version.source)) is not None:
        return corrections.answer(corrected["turn"], version.tenant, now)
    last = version.number if gone else version.number - 1
    earlier = [one for one in store.versions(*version.name) if one.number <= last and _answered(one, now)]
    told = corrections.told_of([one.id for one in earlier], waiting=not gone)
    last_told = max((one.number for one in earlier if one.id in told), default=0)
    contents, outdated = [] if gone else store.contents(version.id), set[str]()
    for one in earlier:
        if one.number >= last_told:
            outdated |= set(difference(store.contents(one.id), contents).outdated)
    return corrections.misled(version, outdated, now)


def _answered(version: Version, now: float) -> bool:
    """Whether it was in service, and not so long ago that its answers are too old to be corrected."""
    since = now - SINCE_S
    return version.approved_at is not None and (version.withdrawn_at is None or version.withdrawn_at >= since)


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
        self._after: Owed | None = None

    def go_on(self, post: Callable[[ConversationId, OutboxReply], bool]) -> int:
        """Put the next words into outboxes with ``post``; returns how many. An outbox takes them once, so that a crash
        before that is noted repeats nothing. Who has to wait keeps nobody waiting who comes later."""
        now, said = self._clock(), 0
        quiet = [bot for bot in self._bots if self._quiet(bot, now)]
        for _ in range(_PAGES):
            page = self._corrections.due(quiet, self._after)
            settled = [self._settled(owed, now, post) for owed in page]
            said += sum(outcome is Outcome.SAID for outcome in settled)
            self._after = page[-1] if len(page) == BATCH else None
            if any(settled) or self._after is None:
                break
        return said

    def _settled(self, owed: Owed, now: float, post: Callable[[ConversationId, OutboxReply], bool]) -> Outcome | None:
        """What became of a word; ``None`` while it has to wait."""
        bot = self._bots.get(owed.use.bot)
        theirs = bot is not None and bot.tenant == owed.use.tenant  # its id may be another company's by now
        to = self._reach.unasked(owed.use.conversation, now - owed.wrote_at) if owed.holds and theirs else None
        if to is not None and self._held(to):
            return None
        outcome = Outcome.UNREACHABLE if owed.holds else Outcome.SUPERSEDED
        if to is not None:
            key = f"{CORRECTION_KEY}:{owed.version}:{owed.use.turn}"
            post(to, OutboxReply(key=key, parts=(self._words(owed),), created_at=now))
            outcome = Outcome.SAID
        self._corrections.settle(owed, outcome, now)
        telemetry.count("correction", outcome=outcome.value)
        return outcome

    def _words(self, owed: Owed) -> Text:
        use, about = owed.use, "corrected_notice" if owed.in_service else "withdrawn_notice"
        day = datetime.fromtimestamp(use.asked_at, self._timezone)
        question = " ".join(use.question.split())
        shown = question if len(question) <= _EXCERPT else question[: _EXCERPT - 1] + "…"
        language = language_of(use.question, self._bots[use.bot].language)
        values = {"month": day.month, "day": day.day, "question": shown}
        return Text(self._texts.say(about, language, **values))
