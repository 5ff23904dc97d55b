"""What the groups that carry alerts hear (:func:`bot.announcing.groups`): what an operator must see, whatever the hour.

Looked for every ten seconds, by one worker at a time or by several. All there is to say of a bot is one message, at
most one in :data:`GAP_S`: a storm is one line with its count. What lasts, or comes again, is said again after
:data:`AGAIN_S`. When what was said stands in one Redis hash a bot, and the time of the last message is the key of the
next: of two workers one says it, and what one that died had not written down is said once more.

An overload is told by :mod:`bot.handoff.overload`, to the admins too.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from bot import keys, telemetry
from bot.announcing import groups
from bot.bots_file import BotConfig
from bot.dead_letters import KEPT, DeadLetters, Letter
from bot.errors import Unavailable
from bot.messages import ConversationId
from bot.parts import Text
from bot.redis_client import redis_answers
from bot.replies import OutboxReply
from bot.safety.cases.case import Case
from bot.stopped_channels import StoppedChannels
from bot.texts import Texts

log = structlog.get_logger()

ALERT_KEY = "alert"
"""Begins the keys of all alerts; one that is a dead letter itself is no reason for another."""
SETTLE_S = 30.0
"""From the first dead letter to the line about it: they come in storms."""
GAP_S = 60.0
AGAIN_S = 1800.0
UNSEEN_S = 300.0
"""A serious case that nobody has confirmed for so long is told to the group; the desk heard of it at once."""
_FIRST_LOOK_S = 600.0
"""Before anything was ever said, dead letters and refusals of so many seconds count."""
_NAMED = 5
_REASON = 40
"""Characters of a reason."""

Post = Callable[[ConversationId, OutboxReply], bool]


@dataclass(frozen=True, slots=True)
class _Matter:
    """A ``line`` to say, and what to write down of it."""

    line: str
    marks: Mapping[str, float]


class Alerts:
    """``index_state()`` is what :meth:`.KnowledgeService.health` calls the state of the index; ``unseen(before)`` gives
    the urgent cases opened before that epoch second which nobody has confirmed."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        bots: Mapping[str, BotConfig],
        index_state: Callable[[], str],
        unseen: Callable[[float], Iterable[Case]],
        texts: Texts,
        post: Post,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._letters = DeadLetters(client)
        self._stopped = StoppedChannels(client)
        self._bots = bots
        self._index_state = index_state
        self._unseen = unseen
        self._texts = texts
        self._post = post
        self._clock = clock

    def tell(self) -> int:
        """Say what there is to say now; returns to how many groups.

        Raises :class:`~bot.errors.Unavailable` when Redis does not answer.
        """
        now, told = self._clock(), 0
        listening = [(bot, found) for bot in self._bots.values() if (found := groups(bot, "alerts"))]
        if not listening:
            return 0
        index_down = self._index_state() == "down"
        unseen = self._unseen_cases(now)
        for bot, to in listening:
            own = [case for case in unseen if case.bot == bot.id]
            told += self._tell(bot, to, now, own, index_down=index_down)
        return told

    def _unseen_cases(self, now: float) -> list[Case]:
        """None while the database does not answer, and everything else is told all the same."""
        try:
            return list(self._unseen(now - UNSEEN_S))
        except Unavailable as error:
            telemetry.count("degraded", what="alerts_without_cases")
            log.warning("alerts_without_cases", error=str(error))
            return []

    def _tell(
        self, bot: BotConfig, to: Sequence[ConversationId], now: float, unseen: Sequence[Case], *, index_down: bool
    ) -> int:
        said = self._said(bot.id)
        last = said.get("said", 0.0)
        if 0 <= now - last < GAP_S:
            return 0
        found = (
            self._dead_letters(bot, said, now),
            self._index(bot, said, now) if index_down else None,
            self._channels(bot, said, now),
            self._cases(bot, said, now, unseen),
        )
        matters = [matter for matter in found if matter is not None]
        if not matters:
            return 0
        lines = "\n".join(matter.line for matter in matters)
        text = self._texts.say("alert", bot.language, name=bot.name, lines=lines)
        reply = OutboxReply(key=f"{ALERT_KEY}:{last}", parts=(Text(text),), created_at=now)
        new = [self._post(one, reply) for one in to]
        marks = {"said": now}
        for matter in matters:
            # Else somebody said something under this key who may not have known all of it: then rather twice.
            marks |= matter.marks if all(new) else {}
        with redis_answers():
            self._redis.hset(keys.alerts(bot.id), mapping={name: repr(at) for name, at in marks.items()})
        log.warning("alert_said", bot=bot.id, groups=len(to), matters=len(matters))
        return len(to)

    def _said(self, bot: str) -> dict[str, float]:
        with redis_answers():
            found: Any = self._redis.hgetall(keys.alerts(bot))
        return {name.decode(): float(at) for name, at in found.items()}

    def _dead_letters(self, bot: BotConfig, said: Mapping[str, float], now: float) -> _Matter | None:
        """The letters since the last that were told of, by why they died."""
        if not _due("dead", said, now):
            return None
        found = self._letters.since(bot.id, said.get("dead_until", now - _FIRST_LOOK_S))
        letters = [letter for letter in found if not _is_alert(letter)]
        if not letters or now - letters[0].at < SETTLE_S:
            return None
        reasons = Counter(letter.reason for letter in letters).most_common(_NAMED)
        values = {
            "count": f"{len(letters)}+" if len(found) >= KEPT else str(len(letters)),
            "reasons": ", ".join(f"{reason[:_REASON]} × {count}" for reason, count in reasons),
        }
        line = self._texts.say("alert_dead_letters", bot.language, **values)
        return _Matter(line, {"dead": now, "dead_until": letters[-1].at})

    def _index(self, bot: BotConfig, said: Mapping[str, float], now: float) -> _Matter | None:
        if not _due("index", said, now):
            return None
        return _Matter(self._texts.say("alert_index", bot.language), {"index": now})

    def _channels(self, bot: BotConfig, said: Mapping[str, float], now: float) -> _Matter | None:
        """The channels that the platform refused since they were told of last."""
        fresh = {}
        for channel, (at, code) in self._stopped.met(bot.id).items():
            what = f"channel:{channel}"
            if channel in bot.channels and _due(what, said, now) and at > said.get(what, now - _FIRST_LOOK_S):
                fresh[channel] = code
        if not fresh:
            return None
        named = _few([f"{channel} ({code})" for channel, code in fresh.items()])
        line = self._texts.say("alert_channels", bot.language, channels=named)
        return _Matter(line, {f"channel:{channel}": now for channel in fresh})

    def _cases(self, bot: BotConfig, said: Mapping[str, float], now: float, unseen: Sequence[Case]) -> _Matter | None:
        """The serious cases nobody has confirmed: at once where one is among them that was never told of."""
        if not unseen:
            return None
        newest = max(case.number for case in unseen)
        if newest <= said.get("cases_until", 0.0) and not _due("cases", said, now):
            return None
        numbers = _few([str(case.number) for case in unseen])
        oldest = min(case.opened_at for case in unseen)
        values = {"count": len(unseen), "numbers": numbers, "minutes": round((now - oldest) / 60)}
        line = self._texts.say("alert_cases", bot.language, **values)
        return _Matter(line, {"cases": now, "cases_until": float(newest)})


def _due(what: str, said: Mapping[str, float], now: float) -> bool:
    """Whether ``what`` was not said lately; a time ahead of ``now`` is that of a clock that was set back."""
    return not 0 <= now - said.get(what, 0.0) < AGAIN_S


def _few(names: Sequence[str]) -> str:
    """The first of ``names``: an alert is one message of any channel."""
    return ", ".join(names[:_NAMED]) + ("…" if len(names) > _NAMED else "")


def _is_alert(letter: Letter) -> bool:
    return letter.turn.startswith(f"{ALERT_KEY}:")
