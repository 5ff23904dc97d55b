"""What stands still by an administrator's command: bots that were killed, paused or are drained, and blocked persons.

The truth is one table to which rows are only added, one a change; what holds of a bot, group or person is the newest
row about it. A copy of what holds lies in Redis, where every process looks at most :data:`LOOK_S` seconds after the
change. A Redis that lost it gets it again from the database at the next look. A change bears the id of the turn that
made it, so that a turn that runs again does not undo what somebody else has done since.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import redis
from sqlalchemy import Column, Connection, Double, Integer, String, Table, UniqueConstraint, func, insert, select

from bot.messages import ConversationId
from bot.records.database import Database, metadata
from bot.redis_client import redis_answers

LOOK_S = 0.5
"""Seconds for which a process believes what it saw, and twice as long while one of its threads looks again: a kill is
seen everywhere within a second."""

_COPY = "switches"
"""Hash: ``version``, which every publication raises by one, and ``content``, what holds."""
_PUBLISH = """
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'content', ARGV[2])
return 1
"""
"""Two who publish at once may come in the wrong order: who read the database before another published reads it again.
Nothing in the rows themselves would tell, for a database may be restored, or be another one, beside the same Redis."""

switches = Table(
    "switches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("turn_id", String(64), nullable=False),
    Column("bot", String(64), nullable=False),
    Column("chat", String(128), nullable=False),
    Column("person", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("until", Double),
    Column("at", Double, nullable=False),
    Column("by", String(128), nullable=False),
    UniqueConstraint("turn_id", "bot", "chat", "person"),
)


class State(StrEnum):
    """What a bot, a group or a person may expect. ``RUNNING`` lifts what was said before; ``BLOCKED`` is a person's,
    the others are a bot's or a group's."""

    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    KILLED = "killed"
    BLOCKED = "blocked"


_STRONGEST_FIRST = (State.KILLED, State.PAUSED, State.DRAINING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """``state`` of the whole ``bot``, of its group ``chat`` or of the ``person`` that writes to it, where one is given.

    It holds from ``at`` on, and to ``until`` where that is given (epoch seconds). ``by`` is who wanted it.
    """

    bot: str
    state: State
    at: float
    by: str
    chat: str = ""
    person: str = ""
    until: float | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is about. WeCom's user ids do not tell case apart (page 90196)."""
        return self.bot, self.chat, self.person.casefold()


class Switches:
    """The switches of all bots; safe for threads.

    Methods raise :class:`~bot.errors.Unavailable` when Redis, or where it is needed the database, does not answer.
    """

    def __init__(self, client: "redis.Redis", database: Database, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: Mapping[tuple[str, str, str], Switch] = {}
        self._looked_at = float("-inf")

    def turn(self, changes: Sequence[Switch], turn_id: str) -> None:
        """Let ``changes`` hold from now on, for every process; what the turn ``turn_id`` has changed before stays as
        others have left it."""
        with self._database.write() as connection:
            for change in changes:
                _add(connection, change, turn_id)
        self.publish()
        with self._lock:
            self._looked_at = float("-inf")

    def publish(self) -> list[Switch]:
        """Bring the copy in Redis to what the database says, and return that."""
        while True:  # whoever must try again does so because somebody else got further
            with redis_answers():
                version: Any = self._redis.hget(_COPY, "version")
            held = self._stored()
            content = json.dumps([asdict(switch) for switch in held])
            with redis_answers():
                if self._redis.eval(_PUBLISH, 1, _COPY, version or "", content):
                    return held

    def _stored(self) -> list[Switch]:
        """What holds by the database."""
        newest = select(func.max(switches.c.id)).group_by(switches.c.bot, switches.c.chat, switches.c.person)
        with self._database.read() as connection:
            rows = connection.execute(select(switches).where(switches.c.id.in_(newest))).all()
        return [switch for row in rows if (switch := _switch(dict(row._mapping))).state is not State.RUNNING]

    def stopping(self, conversation: ConversationId) -> Switch | None:
        """Why the bot does not answer in ``conversation`` now, the strongest reason; ``None`` when it does."""
        held = self._held()
        places = {(conversation.bot, "", ""), (conversation.bot, conversation.chat, "")}
        found = [held[place] for place in places if place in held]
        found.sort(key=lambda switch: _STRONGEST_FIRST.index(switch.state))
        return found[0] if found else None

    def blocking(self, bot: str, person: str) -> Switch | None:
        """The block of ``person`` at ``bot``, where there is one."""
        return self._held().get((bot, "", person.casefold()))

    def of(self, bot: str) -> list[Switch]:
        """Everything that holds of ``bot``, its groups and the persons that write to it, the oldest first."""
        return sorted((switch for switch in self._held().values() if switch.bot == bot), key=lambda one: one.at)

    def _held(self) -> Mapping[tuple[str, str, str], Switch]:
        """What holds now, by place."""
        if self._believed(LOOK_S) or not self._lock.acquire(blocking=not self._believed(2 * LOOK_S)):
            seen = self._seen  # who only waits for another's look would wait with every thread of the worker
        else:
            try:
                if not self._believed(LOOK_S):
                    self._seen = {switch.place: switch for switch in self._look()}
                    self._looked_at = time.monotonic()
                seen = self._seen
            finally:
                self._lock.release()
        now = self._clock()
        return {place: switch for place, switch in seen.items() if switch.until is None or now < switch.until}

    def _believed(self, for_s: float) -> bool:
        """Whether what was seen last is not older than that."""
        return 0 <= time.monotonic() - self._looked_at < for_s

    def _look(self) -> list[Switch]:
        with redis_answers():
            content: Any = self._redis.hget(_COPY, "content")
        if content is None:  # a Redis that is new, or has lost it
            return self.publish()
        return [_switch(fields) for fields in json.loads(content)]


def _add(connection: Connection, change: Switch, turn_id: str) -> None:
    place = {"turn_id": turn_id, "bot": change.bot, "chat": change.chat, "person": change.person.casefold()}
    same = [switches.c[name] == value for name, value in place.items()]
    if connection.execute(select(switches.c.id).where(*same)).first() is None:
        values = place | {"state": change.state, "until": change.until, "at": change.at, "by": change.by}
        connection.execute(insert(switches).values(values))


def _switch(fields: Mapping[str, Any]) -> Switch:
    names = ("bot", "at", "by", "chat", "person", "until")
    return Switch(state=State(fields["state"]), **{name: fields[name] for name in names})
