"""``send``: a message of an operator to one person, through the outbox like every reply."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import structlog
from pydantic import TypeAdapter, ValidationError

from bot import telemetry
from bot.assembly import Configuration, channel_builder, media_store, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.channel import ChannelAddress, Limits
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.errors import UsageError
from bot.media.store import MediaStore
from bot.messages import ConversationId, MessageKind
from bot.parts import Article, Card, Markdown, Medium, News, Part, Text
from bot.posting import post
from bot.redis_client import connect
from bot.replies import OutboxReply
from bot.splitting import split_text
from bot.task_queue import create_celery, make_waker

log = structlog.get_logger()

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MEDIA = (MessageKind.IMAGE, MessageKind.FILE, MessageKind.VOICE, MessageKind.VIDEO)
"""Each has an option of its name."""


@click.command()
@click.argument("text", required=False)
@click.option("--bot", help="Which bot; may be left out when there is one.")
@click.option("--channel", help="Which of its channels; default: the first that can write first.")
@click.option("--to", "person", required=True, help="The person's user id on that platform.")
@click.option("--markdown", help="Words in the platform's Markdown.")
@click.option("--image", type=_FILE, help="A picture (JPEG, PNG).")
@click.option("--file", type=_FILE, help="A file.")
@click.option("--voice", type=_FILE, help="A voice (AMR).")
@click.option("--video", type=_FILE, help="A video (MP4).")
@click.option("--news", type=_FILE, help="A JSON file: 1 to 8 of {title, description, url, picture_url}.")
@click.option("--card", type=_FILE, help="A JSON file: {task_id, title, text, url} or {…, buttons: [{label, key}]}.")
def command(text: str | None, bot: str | None, channel: str | None, person: str, **more: Any) -> None:
    """Send TEXT, and what the options name, to one person."""
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    client = connect(configuration.settings.redis_url)
    name, limits = _channel(configuration, chosen, channel)
    parts = tuple(_parts(text, more, limits, media_store(configuration.settings)))
    if not parts:
        raise UsageError("say what to send: a text, or one of the options of --help")
    unshown = next((part for part in parts if not limits.shows(part)), None)
    if unshown is not None:
        raise UsageError(f"the channel {name!r} of {chosen.id!r} cannot show a {type(unshown).__name__.lower()}")
    conversation = ConversationId(bot=chosen.id, channel=name, person=person)
    reply = OutboxReply(key=f"sent-{uuid.uuid4().hex}", parts=parts, created_at=time.time())
    _audit(configuration, chosen, conversation, reply)
    post(client, make_waker(create_celery(configuration.settings.broker_url), telemetry.count), conversation, reply)
    log.warning("operator_sent", actor=actor(), conversation=conversation.key, key=reply.key, parts=len(parts))
    click.echo(f"in the outbox of {conversation.key} ({len(parts)} parts); what becomes of it is in the worker's log")


def _audit(configuration: Configuration, bot: BotConfig, to: ConversationId, reply: OutboxReply) -> None:
    """Write down that ``reply`` is about to be sent, without its words and without the name of who gets it."""
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        details = {
            "what": "send",
            "channel": to.channel,
            "to": audit.key.pseudonym(bot.tenant, to.person),
            "parts": len(reply.parts),
        }
        event = AuditEvent(
            action=Action.OPERATION,
            subject=f"message:{reply.key}",
            actor=actor(),
            tenant=bot.tenant,
            bot=bot.id,
            details=details,
        )
        audit.append(event)


def _channel(configuration: Configuration, bot: BotConfig, wanted: str | None) -> tuple[str, Limits]:
    """The channel to send over: the one that is wanted, or the first that can write first."""
    if wanted is not None and wanted not in bot.channels:
        raise UsageError(f"{bot.id!r} has no channel {wanted!r}; it has: {', '.join(bot.channels)}")
    build = channel_builder(configuration.settings, connect(configuration.settings.redis_url))
    for name in [wanted] if wanted else bot.channels:
        limits = build(ChannelAddress(bot=bot.id, channel=name, bot_name=bot.name), bot.channels[name]).limits
        if limits.pushes:
            return name, limits
    raise UsageError(f"no such channel of {bot.id!r} can write first; a robot can only answer")


def _parts(text: str | None, more: dict[str, Any], limits: Limits, store: MediaStore) -> Iterator[Part]:
    if text:
        yield from (Text(piece) for piece in split_text(text, limits.text_bytes))
    if more["markdown"]:
        yield Markdown(more["markdown"])
    if more["news"]:
        yield News(tuple(_read(more["news"], TypeAdapter(list[Article]))))
    if more["card"]:
        yield _read(more["card"], TypeAdapter(Card))
    for kind in _MEDIA:
        if more[kind.value]:
            yield Medium(kind, _stored(store, kind, more[kind.value]))


def _read(path: Path, adapter: TypeAdapter[Any]) -> Any:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise UsageError(f"{path}: {place}: {fault['msg']}") from error


def _stored(store: MediaStore, kind: MessageKind, path: Path) -> str:
    with store.incoming(uuid.uuid4().hex) as incoming:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                incoming.file.write(chunk)
        return store.keep(incoming, kind, path.name).id
