"""What a message shows is asked for as soon as the message is accepted."""

import base64
import json
from dataclasses import replace

import pytest
import redis

from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.messages import Attachment, MessageKind
from bot.task_queue import MEDIA_QUEUE, create_celery, make_prefetcher
from tests.delivery.conftest import make_message

PICTURE = Attachment(kind=MessageKind.IMAGE, url="https://example.com/picture")
LINK = Attachment(kind=MessageKind.LINK, url="https://example.com/")


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def inbox(redis_client: redis.Redis, redis_url: str, counted: list[str]) -> Inbox:
    limits = InboxLimits(person_per_minute=20, conversation_waiting=2, bot_waiting=100)
    prefetch = make_prefetcher(create_celery(redis_url), lambda _event, what: counted.append(what))
    return Inbox(redis_client, limits, lambda _key: None, prefetch)


def asked_for(client: redis.Redis) -> list[tuple[str, dict[str, str]]]:
    """Conversation and attachment of each task that waits."""
    bodies = [json.loads(base64.b64decode(json.loads(raw)["body"])) for raw in client.lrange(MEDIA_QUEUE, 0, -1)]
    return [tuple(arguments) for arguments, *_ in bodies]


def test_media_are_asked_for_and_words_and_links_are_not(inbox: Inbox, redis_client: redis.Redis) -> None:
    message = replace(make_message("m1"), attachments=(PICTURE, LINK))
    assert inbox.accept(message) is Acceptance.ACCEPTED
    assert inbox.accept(make_message("m2")) is Acceptance.ACCEPTED
    fields = {"kind": "image", "media_id": "", "url": PICTURE.url, "format": ""}
    assert asked_for(redis_client) == [(message.conversation.key, fields)]


def test_what_was_not_accepted_is_not_asked_for(inbox: Inbox, redis_client: redis.Redis) -> None:
    message = replace(make_message("m1"), attachments=(PICTURE,))
    for again in (message, message, *(replace(message, message_id=f"m{n}") for n in range(2, 5))):
        inbox.accept(again)
    assert len(asked_for(redis_client)) == 2, "one was seen before, two were too many"


def test_a_broker_that_is_away_costs_nothing_but_the_head_start(redis_client: redis.Redis, counted: list[str]) -> None:
    away = make_prefetcher(create_celery("unix:///nonexistent/redis.sock"), lambda _event, what: counted.append(what))
    limits = InboxLimits(person_per_minute=20, conversation_waiting=2, bot_waiting=100)
    inbox = Inbox(redis_client, limits, lambda _key: None, away)
    assert inbox.accept(replace(make_message("m1"), attachments=(PICTURE,))) is Acceptance.ACCEPTED
    assert counted == ["fetch_not_published"]
