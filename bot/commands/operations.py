"""Looking at a bot: that it works, what waits, what it did, why it said something, and what it may use up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.broadcasts import Broadcast
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission
from bot.commands.moments import state_line, when
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.knowledge.approval import approval_words
from bot.messages import ConversationId, ReplyKind
from bot.records.turns import TurnRecord

_LETTERS_SHOWN = 5
_SOURCES_SHOWN = 3
_LOOKED_AT = 20
"""Among so many last turns of a chat the one that is meant is looked for: commands come in between."""
_DAYS_OF = {"day": 1, "week": 7}


def _echo(_tools: Tools, call: Call) -> Outcome:
    """Send the text back: it has gone through inbox, worker and outbox."""
    return Outcome(text=call.text("words"))


def _queue(tools: Tools, call: Call) -> Outcome:
    """What waits and what was given up, as short as a chat wants it and without what anybody wrote."""
    queue, say = tools.queue_of(call.bot.id), tools.texts.say
    lines = [_waiting(tools, call)]
    for letter in queue.letters[:_LETTERS_SHOWN]:
        kind = tools.texts.say(f"letter_{letter.kind}", call.language)
        lines.append(say("queue_letter", call.language, letter=letter.key, kind=kind, reason=letter.reason))
    if queue.letters:
        lines.append(say("queue_cure", call.language))
    return Outcome(text="\n".join(lines))


def _waiting(tools: Tools, call: Call) -> str:
    queue = tools.queue_of(call.bot.id)
    parked = sum(letter.kind.parked for letter in queue.letters)
    return tools.texts.say(
        "queue",
        call.language,
        waiting=queue.waiting.messages,
        oldest=round(queue.waiting.oldest_s),
        unsent=queue.waiting.unsent,
        dead=len(queue.letters) - parked,
        parked=parked,
    )


def _status(tools: Tools, call: Call) -> Outcome:
    """Whether the bot answers, and what is under way."""
    say = tools.texts.say
    lines = [say("status", call.language, name=call.bot.name, state=state_line(tools, call, call.bot.id))]
    held = tools.switches.of(call.bot.id)
    groups = [switch for switch in held if switch.chat and (not call.group or switch.chat == call.group)]
    lines += [say("status_group", call.language, chat=each.chat, until=when(tools, each.until)) for each in groups]
    if call.group:
        return Outcome(text="\n".join(lines))
    lines.append(_waiting(tools, call))
    drafts = len(tools.review.waiting(call.bot))
    blocked = sum(bool(switch.person) for switch in held)
    lines.append(say("status_counts", call.language, drafts=drafts, blocked=blocked))
    broadcast = tools.broadcasts.newest(call.bot.id)
    if broadcast is not None and broadcast.ended_at is None:
        lines.append(_broadcast(tools, call, broadcast))
    return Outcome(text="\n".join(lines))


def _broadcast(tools: Tools, call: Call, broadcast: Broadcast) -> str:
    values = {"number": broadcast.number, "posted": broadcast.posted, "recipients": broadcast.recipients}
    return tools.texts.say("status_broadcast", call.language, **values)


def _bots(tools: Tools, call: Call) -> Outcome:
    """The bots of the tenant that the person steers."""
    lines = [
        tools.texts.say(
            "bots_line",
            call.language,
            name=bot.name,
            bot=bot.id,
            state=state_line(tools, call, bot.id),
            waiting=tools.queue_of(bot.id).waiting.messages,
        )
        for bot in tools.bots.values()
        if bot.tenant == call.bot.tenant and bot.is_admin(call.person)
    ]
    return Outcome(text="\n".join(lines))


def _report(tools: Tools, call: Call) -> Outcome:
    """What the bot did today, or in the last seven days."""
    period = call.text("period") or "day"
    begin = _midnight(tools, call) - timedelta(days=_DAYS_OF[period] - 1)
    report, say = tools.reports.of(call.bot.id, begin.timestamp(), call.now), tools.texts.say
    kinds = [
        f"{tools.texts.say(f'reply_{kind}', call.language)} {report.turns[kind]}"
        for kind in ReplyKind
        if report.turns.get(kind)
    ]
    total = sum(report.turns.values())
    rated = "–" if report.satisfaction is None else f"{report.satisfaction:.1f}"
    lines = [
        tools.texts.say(f"report_{period}", call.language, name=call.bot.name, since=when(tools, begin.timestamp())),
        say("report_turns", call.language, total=total, people=report.people, failed=report.failed),
        *([say("report_kinds", call.language, kinds=" / ".join(kinds))] if kinds else []),
        say("report_times", call.language, mean=f"{report.mean_s:.1f}", longest=f"{report.longest_s:.1f}"),
        say("report_verdicts", call.language, useful=report.useful, useless=report.useless),
        say("report_tickets", call.language, tickets=report.tickets, satisfaction=rated),
    ]
    return Outcome(text="\n".join(lines), details={"period": period})


def _midnight(tools: Tools, call: Call) -> datetime:
    """The beginning of today."""
    return datetime.fromtimestamp(call.now, tools.timezone).replace(hour=0, minute=0, second=0, microsecond=0)


def _quota(tools: Tools, call: Call) -> Outcome:
    """What the bot may use up, and what it has."""
    limits, say = tools.limits, tools.texts.say
    if limits.daily_tokens is None:
        tokens = say("quota_tokens_unlimited", call.language)
    else:
        used = limits.tokens_used(call.bot.id)
        tokens = say("quota_tokens", call.language, used=used, limit=limits.daily_tokens)
    waiting = tools.queue_of(call.bot.id).waiting.messages
    line = say("quota_waiting", call.language, waiting=waiting, limit=limits.bot_waiting)
    person = say("quota_person", call.language, limit=limits.person_per_minute)
    return Outcome(text="\n".join((tokens, line, person)))


def _trace(tools: Tools, call: Call) -> Outcome:
    """How a turn was decided and what became of its reply, without a word of what was asked."""
    record = turn_meant(tools, call)
    say = tools.texts.say
    conversation = ConversationId.from_key(record.conversation)
    where = say("trace_group" if conversation.chat else "trace_single", call.language)
    steps = "，".join(f"{step['step']} {step['ms']:.0f} ms" for step in record.steps)
    confidence = "–" if record.confidence is None else f"{record.confidence:.2f}"
    lines = [
        say("trace_turn", call.language, turn=record.id),
        say("trace_came", call.language, at=when(tools, record.asked_at), channel=conversation.channel, where=where),
        say(
            "trace_decided",
            call.language,
            seconds=f"{record.answered_at - record.asked_at:.1f}",
            kind=tools.texts.say(f"reply_{record.kind}", call.language),
            step=record.step,
            confidence=confidence,
        ),
    ]
    if steps:
        lines.append(say("trace_steps", call.language, steps=steps))
    lines += [
        say("trace_source", call.language, title=citation["title"], source=_source(tools, call, citation))
        for citation in record.citations[:_SOURCES_SHOWN]
    ]
    lines.append(_fate(tools, call, record))
    return Outcome(text="\n".join(lines), details={"turn": record.id})


def _source(tools: Tools, call: Call, citation: Mapping[str, Any]) -> str:
    approval = approval_words(citation.get("approval_number", ""), tools.texts, call.language)
    return " · ".join(filter(None, (citation["source"], approval)))


def _fate(tools: Tools, call: Call, record: TurnRecord) -> str:
    values = {"sent": record.parts_sent, "parts": record.parts, "failure": record.failure}
    return tools.texts.say("trace_failed" if record.failure else "trace_sent", call.language, **values)


def turn_meant(tools: Tools, call: Call) -> TurnRecord:
    """The turn that the argument ``turn`` names, or the last one in this chat that is no command.

    Raises :class:`~bot.errors.InputError` when there is none; another bot's is as unknown as one that never was, and
    so is to an admin of one group whatever was not said there.
    """
    named = call.text("turn") or arguments.LAST
    if named == arguments.LAST:
        recent = tools.reports.in_chat(call.message.conversation, _LOOKED_AT)
        found = next((record for record in recent if record.kind != ReplyKind.COMMAND), None)
    else:
        found = tools.records.get(named)
    if found is None or found.bot != call.bot.id or not _may_see(call, found):
        raise InputError("turn_not_found")
    return found


def _may_see(call: Call, record: TurnRecord) -> bool:
    asked = ConversationId.from_key(record.conversation)
    here = call.message.conversation
    return not call.group or (asked.channel, asked.chat) == (here.channel, here.chat)


COMMANDS = (
    Command(name="status", aliases=("状态",), permission=Permission.ADMIN, in_group=True, run=_status),
    Command(name="bots", aliases=("机器人",), permission=Permission.ADMIN, private=True, run=_bots),
    Command(name="queue", aliases=("队列", "排队"), permission=Permission.ADMIN, run=_queue),
    Command(
        name="report",
        aliases=("报告", "统计"),
        permission=Permission.ADMIN,
        arguments=(arguments.period(),),
        run=_report,
    ),
    Command(
        name="trace",
        aliases=("追踪",),
        permission=Permission.ADMIN,
        arguments=(arguments.turn(),),
        in_group=True,
        run=_trace,
    ),
    Command(name="quota", aliases=("额度", "配额"), permission=Permission.ADMIN, run=_quota),
    Command(
        name="echo",
        aliases=("回声",),
        permission=Permission.ADMIN,
        arguments=(arguments.words(),),
        run=_echo,
    ),
)
