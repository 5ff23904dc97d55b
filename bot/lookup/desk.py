"""Look-ups in a conversation: a row is quoted word for word; a condition that decides and was not told is asked for,
one at a time, and remembered for some minutes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import redis
import structlog

from bot import keys, telemetry
from bot.answering.answerer import Answer
from bot.knowledge.lookup_table import ColumnKind, LookupTable, Row, fold, shown
from bot.lookup.deciding import Found, Missing, decide, meant
from bot.lookup.shelf import Shelf
from bot.lookup.words import Given, options_of, read, read_answer
from bot.messages import ConversationId, ReplyKind
from bot.redis_client import redis_answers
from bot.safety.injection import Origin, inspect
from bot.texts import Language, Texts
from bot.turn import Turn

log = structlog.get_logger()

REMEMBERED_S = 600
"""Seconds that a question for a condition waits for its answer."""
_LONGEST = 200
"""Characters of a message that may be a look-up or an answer to one."""
_SHORT = 20
"""Characters of a message that can be no more than a number and some words around it."""
_ASKS = re.compile(
    r"[?？]|[吗呢]$|怎么|多少|多久|什么|哪|能不能|是不是|\b(?:what|how|when|which|where|can|may|is|are|do|does)\b"
)
_UNKNOWN = re.compile(
    r"不知道|不清楚|不确定|不记得|记不清|忘了|没(?:查|量|测)过|not sure|(?:don't|do not) know|no idea"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A look-up that waits: the table by its collection, source and title, what was asked, and what was told since by
    the name of the column; ``asked`` is the column that was asked for."""

    table: tuple[str, str, str]
    question: str
    asked: str
    told: Mapping[str, str] = field(default_factory=dict)


class LookUp:
    """Answers out of the tables of ``shelf``. Without ``client`` nothing is remembered.

    Raises :class:`~bot.errors.Unavailable` when the database or Redis does not answer.
    """

    def __init__(self, shelf: Shelf, client: "redis.Redis | None", texts: Texts) -> None:
        self._shelf = shelf
        self._redis = client
        self._texts = texts

    def answer(self, turn: Turn) -> Answer | None:
        """The rows that answer ``turn``, or the question for the condition that decides between them; ``None`` for what
        no table answers."""
        if len(turn.text) > _LONGEST:
            return None
        tables = self._shelf.tables(turn.bot, turn.reader, turn.now)
        if not tables:
            return None
        if (asked := meant(tables, turn.text)) is not None:
            table, said = asked
            return self._decided(table, said.given, Pending(table=_name(table), question=turn.text, asked=""), turn)
        return self._continued(tables, turn)

    def _continued(self, tables: Sequence[LookupTable], turn: Turn) -> Answer | None:
        """The same for what answers an earlier question of ours."""
        pending = self._pending(turn.conversation)
        table = next((table for table in tables if pending and _name(table) == pending.table), None)
        if pending is None or table is None or _ASKS.search(fold(turn.text)):
            return None
        column = next((at for at, each in enumerate(table.columns) if each.name == pending.asked), None)
        if column is None:
            return None
        if _UNKNOWN.search(fold(turn.text)):
            self._forget(turn.conversation)
            return _asking(self._texts.say("lookup_unknown", turn.language, column=pending.asked))
        if read_answer(table, column, turn.text) is None:
            return self._again(table, column, turn)
        pending = replace(pending, told={**pending.told, pending.asked: turn.text})
        return self._decided(table, _given(table, pending), pending, turn)

    def _again(self, table: LookupTable, column: int, turn: Turn) -> Answer | None:
        """The same question once more to who seems to answer it with a number that is not sure: 45 左右, 6 个月."""
        numeric = table.columns[column].kind is not ColumnKind.CHOICE
        if not numeric or len(turn.text) > _SHORT or not any(map(str.isdigit, turn.text)):
            return None
        return _asking(self._question(table, column, turn.language))

    def _decided(self, table: LookupTable, given: Given, wanted: Pending, turn: Turn) -> Answer | None:
        decision = decide(table, given, wanted.question)
        if isinstance(decision, Missing):
            self._remember(turn.conversation, replace(wanted, asked=table.columns[decision.column].name))
            return _asking(self._question(table, decision.column, turn.language))
        self._forget(turn.conversation)
        if not isinstance(decision, Found) or any(map(_attacks, decision.rows)):
            return None
        text = "\n\n".join(f"{shown(table, row)} [{n}]" for n, row in enumerate(decision.rows, 1))
        cited = tuple(row.entry for row in decision.rows)
        return Answer(kind=ReplyKind.EXTRACTIVE, text=text, cited=cited, confidence=1.0)

    def _question(self, table: LookupTable, at: int, language: Language) -> str:
        column = table.columns[at]
        if column.kind is ColumnKind.CHOICE:
            options = " / ".join(options_of(table, at))
            return self._texts.say("lookup_choice", language, column=column.name, options=options)
        unit = f"（{column.unit}）" if column.unit else ""
        return self._texts.say("lookup_number", language, column=column.name, unit=unit)

    def _pending(self, conversation: ConversationId) -> Pending | None:
        if self._redis is None:
            return None
        with redis_answers():
            raw: Any = self._redis.get(keys.lookup(conversation))
        if raw is None:
            return None
        kept = json.loads(raw)
        return Pending(**{**kept, "table": tuple(kept["table"])})

    def _remember(self, conversation: ConversationId, pending: Pending) -> None:
        if self._redis is None:
            return
        with redis_answers():
            self._redis.set(keys.lookup(conversation), json.dumps(asdict(pending)), ex=REMEMBERED_S)

    def _forget(self, conversation: ConversationId) -> None:
        if self._redis is None:
            return
        with redis_answers():
            self._redis.delete(keys.lookup(conversation))


def _given(table: LookupTable, pending: Pending) -> Given:
    """What was said of the table from the first question on; the last word of a column counts."""
    given = dict(read(table, pending.question).given)
    for at, column in enumerate(table.columns):
        if (answer := pending.told.get(column.name)) is None:
            continue
        given |= read(table, answer, at).given
        if (said := read_answer(table, at, answer)) is not None:
            given[at] = said
    return given


def _attacks(row: Row) -> bool:
    """Whether a row would have a language model do something, such as the one that reads this reply as the context of
    the next question. A row is quoted whole or not at all."""
    found = inspect(row.entry.text, Origin.MATERIAL)
    named = found.attack and any(match.words for match in found.matches)  # by a rule: a likeness undoes no approval
    if named:
        telemetry.count("degraded", what="attacking_passage")
        place = {"source": row.entry.source, "location": row.entry.location}
        log.warning("attacking_passage", entry=row.entry.id, **place, dropped=True)
    return named


def _name(table: LookupTable) -> tuple[str, str, str]:
    entry = table.rows[0].entry
    return entry.collection, entry.source, entry.title


def _asking(text: str) -> Answer:
    return Answer(kind=ReplyKind.FLOW, text=text, confidence=0.0)
