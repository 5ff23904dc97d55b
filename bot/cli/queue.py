"""``queue``: what waits, what was given up, and what becomes of that."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from bot import telemetry
from bot.assembly import read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.backlog import Queue, queue_of
from bot.cli.access import actor, choose_bot, open_audit, open_database, open_redis
from bot.dead_letters import DeadLetters, Letter
from bot.errors import UsageError
from bot.second_tries import SecondTries
from bot.task_queue import create_celery, make_waker


@click.group(invoke_without_command=True)
@click.option("--bot", help="Only this bot.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, bot: str | None, *, as_json: bool) -> None:
    """Show what waits and what was given up (kept for a week, with the reason)."""
    if context.invoked_subcommand is not None:
        return
    configuration = read_configuration()
    bots = [choose_bot(configuration.bots, bot).id] if bot else list(configuration.bots)
    now = time.time()
    with open_redis(configuration) as client:
        queues = {name: queue_of(client, name, now) for name in bots}
    click.echo(json.dumps(_fields(queues), ensure_ascii=False) if as_json else _readable(queues, now))


@command.command()
@click.argument("key")
def resend(key: str) -> None:
    """Send the dead letter KEY once more: a message is answered anew, of a reply what is missing goes out."""
    _act("resend", key, lambda tries, letter: tries.resend(letter, actor(), time.time()))
    click.echo(f"{key} is on its way again; `python -m bot queue` shows it should it fail again")


@command.command()
@click.argument("key")
def drop(key: str) -> None:
    """Forget the dead letter KEY."""
    _act("drop", key, lambda tries, letter: tries.drop(letter, actor()))
    click.echo(f"{key} is gone")


def _act(what: str, key: str, act: Callable[[SecondTries, Letter], None]) -> None:
    """Do ``act``, called ``what``, to the letter of that key; it is written into the audit log before it is done.

    Raises :class:`~bot.errors.UsageError` when there is none.
    """
    configuration = read_configuration()
    telemetry.configure_logging("WARNING")
    with open_redis(configuration) as client:
        letter = DeadLetters(client).get(configuration.bots, key)
        if letter is None:
            raise UsageError(f"there is no dead letter {key!r}; `python -m bot queue` lists them")
        with open_database(configuration) as database, open_audit(configuration, database) as audit:
            audit.append(_event(what, letter, configuration.bots[letter.conversation.bot].tenant))
        wake = make_waker(create_celery(configuration.settings.broker_url), telemetry.count)
        act(SecondTries(client, wake), letter)


def _event(what: str, letter: Letter, tenant: str) -> AuditEvent:
    details = {"what": what, "kind": letter.kind.value, "turn": letter.turn, "reason": letter.reason}
    bot, subject = letter.conversation.bot, f"letter:{letter.key}"
    return AuditEvent(action=Action.OPERATION, subject=subject, actor=actor(), tenant=tenant, bot=bot, details=details)


def _fields(queues: Mapping[str, Queue]) -> dict[str, Any]:
    """Without what anybody wrote."""
    return {
        name: {
            "waiting": queue.waiting.messages,
            "oldest_s": round(queue.waiting.oldest_s, 1),
            "oldest_in": queue.waiting.oldest_in,
            "unsent": queue.waiting.unsent,
            "dead": [
                {
                    "key": letter.key,
                    "kind": letter.kind.value,
                    "reason": letter.reason,
                    "at": letter.at,
                    "turn_id": letter.turn,
                    "conversation": letter.conversation.key,
                    "parts_sent": letter.sent,
                }
                for letter in queue.letters
            ],
        }
        for name, queue in queues.items()
    }


def _readable(queues: Mapping[str, Queue], now: float) -> str:
    lines = []
    for name, queue in queues.items():
        waiting = queue.waiting
        oldest = f", the oldest for {waiting.oldest_s:.0f} s ({waiting.oldest_in})" if waiting.oldest_in else ""
        lines.append(f"{name}: {waiting.messages} waiting{oldest}, {waiting.unsent} unsent, {len(queue.letters)} dead")
        lines += [_line(letter, now) for letter in queue.letters]
    return "\n".join(lines)


def _line(letter: Letter, now: float) -> str:
    age_min = max(0.0, now - letter.at) / 60
    turn = f", turn {letter.turn}" if letter.turn else ""
    kind = letter.kind.value.replace("_", " ")
    return f"  {letter.key}  {age_min:.0f} min ago  {kind}: {letter.reason}; {letter.conversation.key}{turn}"
