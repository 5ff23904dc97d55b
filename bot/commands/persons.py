"""One person: blocked, forgotten; and the turns of all of them in a file."""

import csv
import io
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.audit.entries import Action
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.moments import when
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.knowledge.approval import approval_words
from bot.media.store import media_id
from bot.messages import MessageKind
from bot.parts import Medium
from bot.records.turns import TurnRecord
from bot.safety.personal_data import Masker
from bot.switches import State, Switch

MOST_EXPORTED = 2000
"""Turns in one file: looking for personal data in them takes a second or two, and somebody waits."""
_EXPORT_KEPT_S = 3600.0
_KEY_BYTES = 32
_DAYS_OF = {"day": 1, "week": 7}
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What begins with one of these, a spreadsheet would compute; in full width too, where it runs in Chinese."""


def _block(tools: Tools, call: Call) -> Outcome:
    """The bot does not answer this person any more."""
    person = call.text("person")
    if call.bot.is_admin(person) or call.bot.is_servicer(person):
        raise InputError("block_staff")
    return _switched(tools, call, State.BLOCKED, "blocked_now")


def _unblock(tools: Tools, call: Call) -> Outcome:
    """It answers again."""
    return _switched(tools, call, State.RUNNING, "unblocked")


def _switched(tools: Tools, call: Call, state: State, key: str) -> Outcome:
    person = call.text("person")
    switch = Switch(bot=call.bot.id, state=state, at=call.now, by=call.person, person=person)
    tools.switches.turn([switch], call.turn_id)
    text = tools.texts.say(key, call.language, person=person)
    return Outcome(text=text, details={"of": tools.pseudonym(call.bot.tenant, person)})


def _forget_preview(tools: Tools, call: Call) -> str:
    person = _forgotten(call)
    turns = tools.personal.knows(call.bot.id, person)
    return tools.texts.say("forget_preview", call.language, person=person, turns=turns, name=call.bot.name)


def _forget(tools: Tools, call: Call) -> Outcome:
    """Remove whatever the bot holds of a person, and say what stays."""
    person = _forgotten(call)
    gone = tools.personal.forget(call.bot.id, person, but=call.message.conversation)
    say = tools.texts.say
    lines = [say("forgotten", call.language, **gone.counts()), say("forgotten_kept", call.language)]
    if gone.busy:
        lines.append(say("forgotten_busy", call.language, busy=gone.busy))
    details: dict[str, str | int] = {"of": tools.pseudonym(call.bot.tenant, person), **gone.counts()}
    return Outcome(text="\n".join(lines), details=details)


def _forgotten(call: Call) -> str:
    person = call.text("person")
    return call.person if person == arguments.ME else person


def _export(tools: Tools, call: Call) -> Outcome:
    """The turns of the bot as a table, people under pseudonyms and personal data masked."""
    here = call.message.conversation
    if MessageKind.FILE not in tools.channels[here.bot, here.channel].limits.media:
        raise InputError("export_no_files")
    period = call.text("period") or "week"
    today = datetime.fromtimestamp(call.now, tools.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = today - timedelta(days=_DAYS_OF[period] - 1)
    records = list(tools.reports.newest(call.bot.id, begin.timestamp(), call.now, MOST_EXPORTED))
    if not records:
        raise InputError("export_empty")
    medium = media_id("export", call.turn_id)
    with tools.media.incoming(medium) as incoming:
        incoming.file.write(_table(tools, call, records).encode("utf-8-sig", "replace"))
        tools.media.keep(incoming, MessageKind.FILE, f"{call.bot.id}-{today:%Y-%m-%d}.csv", _EXPORT_KEPT_S)
    key = "export_cut" if len(records) == MOST_EXPORTED else "export_done"
    text = tools.texts.say(key, call.language, turns=len(records), since=when(tools, records[-1].asked_at))
    parts = (Medium(kind=MessageKind.FILE, media=medium),)
    return Outcome(text=text, parts=parts, details={"turns": len(records), "period": period})


def _table(tools: Tools, call: Call, records: Iterable[TurnRecord]) -> str:
    masker, out = Masker(secrets.token_bytes(_KEY_BYTES)), io.StringIO()
    rows = csv.writer(out)
    rows.writerow(tools.texts.say("export_columns", call.language).split("|"))
    for record in records:
        rows.writerow(
            _harmless(cell)
            for cell in (
                datetime.fromtimestamp(record.asked_at, tools.timezone).isoformat(timespec="seconds"),
                record.id,
                tools.pseudonym(record.tenant, record.person),
                tools.texts.say(f"reply_{record.kind}", call.language),
                masker.mask(record.question),
                masker.mask(record.answer),
                " / ".join(_source(tools, call, citation) for citation in record.citations),
                "" if record.confidence is None else f"{record.confidence:.2f}",
                record.failure or f"{record.parts_sent}/{record.parts}",
            )
        )
    return out.getvalue()


def _source(tools: Tools, call: Call, citation: Mapping[str, Any]) -> str:
    """The title of what was cited, with the number under which it was approved, where it has one."""
    approval = approval_words(citation.get("approval_number", ""), tools.texts, call.language)
    return " ".join(filter(None, [citation["title"], approval]))


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


COMMANDS = (
    Command(
        name="block",
        aliases=("屏蔽", "拉黑"),
        permission=Permission.ADMIN,
        arguments=(arguments.person(),),
        private=True,
        run=_block,
        action=Action.OPERATION,
    ),
    Command(
        name="unblock",
        aliases=("解除屏蔽",),
        permission=Permission.ADMIN,
        arguments=(arguments.person(),),
        private=True,
        run=_unblock,
        action=Action.OPERATION,
    ),
    Command(
        name="forget",
        aliases=("遗忘",),
        permission=Permission.ADMIN,
        arguments=(arguments.person_or_me(),),
        private=True,
        preview=_forget_preview,
        rate=Rate(times=20, per_s=3600),
        run=_forget,
        action=Action.DELETION,
    ),
    Command(
        name="export",
        aliases=("导出",),
        permission=Permission.ADMIN,
        arguments=(arguments.period(),),
        private=True,
        rate=Rate(times=5, per_s=3600),
        run=_export,
        action=Action.EXPORT,
    ),
)
