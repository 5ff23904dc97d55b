"""Too many messages: what is refused is kept for a screen, an overload is known, and the sweep adds no load."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from bot import keys, refused
from bot.inbox import WAKES_AHEAD, Acceptance, Inbox, InboxLimits
from bot.messages import ConversationId
from bot.overload import EPISODE_S, RECENT_S, Episode, Overload
from bot.task_queue import create_celery, make_wake_counter, make_waker
from tests.delivery.conftest import DOCTOR, make_message


def make_inbox(client: redis.Redis, wakes_waiting: int = 0, **limits: int) -> tuple[Inbox, list[str]]:
    woken: list[str] = []
    values = {"person_per_minute": 20, "conversation_waiting": 50, "bot_waiting": 10_000, **limits}
    inbox = Inbox(client, InboxLimits(**values), woken.append, wakes_waiting=lambda: wakes_waiting)
    return inbox, woken


def kept(client: redis.Redis, conversation: ConversationId = DOCTOR) -> list[dict[str, str]]:
    entries = client.xrange(keys.refused(conversation))
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]


@pytest.mark.parametrize("limit", ["person", "conversation", "bot"])
def test_a_refused_message_is_kept_with_what_a_screen_needs(redis_client: redis.Redis, limit: str) -> None:
    setting = {"person": "person_per_minute", "conversation": "conversation_waiting", "bot": "bot_waiting"}[limit]
    inbox, _ = make_inbox(redis_client, **{setting: 1})
    message = replace(make_message("2", "用药后皮疹"), stream_id="s2", response_url="https://reply.example/once")
    assert inbox.accept(make_message("1")) is Acceptance.ACCEPTED
    assert inbox.accept(message) is Acceptance.BUSY
    (entry,) = kept(redis_client)
    assert entry == {
        "conversation": DOCTOR.key,
        "message_id": "2",
        "kind": "text",
        "text": "用药后皮疹",
        "sender": "",
        "limit": limit,
        "sent_at": "1800000000.000",
        "received_at": "1800000000.500",
        "expires_at": f"{1800000000.5 + refused.KEPT_S:.3f}",
    }
    assert 0 < redis_client.ttl(keys.refused(DOCTOR)) <= refused.KEPT_S


def test_what_is_kept_of_refused_messages_is_bounded(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=1)
    inbox.accept(make_message("first"))
    for n in range(refused.KEPT + 5):
        assert inbox.accept(make_message(str(n), "长" * (refused.TEXT_KEPT + 1))) is Acceptance.BUSY
    entries = kept(redis_client)
    assert [entry["message_id"] for entry in entries] == [str(n) for n in range(5, refused.KEPT + 5)]
    assert {len(entry["text"]) for entry in entries} == {refused.TEXT_KEPT}


def test_what_is_kept_goes_when_its_time_is_over(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, person_per_minute=1)
    yesterday_ms = (redis_client.time()[0] - refused.KEPT_S - 1) * 1000
    redis_client.xadd(keys.refused(DOCTOR), {"message_id": "old"}, id=f"{yesterday_ms}-0")
    inbox.accept(make_message("1"))
    inbox.accept(make_message("2"))
    assert [entry["message_id"] for entry in kept(redis_client)] == ["2"]


def test_a_refused_message_leaves_nothing_to_look_at(redis_client: redis.Redis) -> None:
    inbox, _ = make_inbox(redis_client, bot_waiting=1)
    redis_client.set(keys.waiting("imaging"), 1)
    assert inbox.accept(make_message("1")) is Acceptance.BUSY
    assert redis_client.zcard(keys.due(DOCTOR.tag)) == 0


@pytest.mark.parametrize("left", [keys.queue, keys.outbox, keys.lease])
def test_a_refusal_does_not_forget_what_else_the_conversation_waits_for(
    redis_client: redis.Redis, left: Callable[[ConversationId], str]
) -> None:
    inbox, _ = make_inbox(redis_client, bot_waiting=1)
    redis_client.set(keys.waiting("imaging"), 1)
    redis_client.zadd(keys.due(DOCTOR.tag), {DOCTOR.key: 1})
    redis_client.set(left(DOCTOR), "w") if left is keys.lease else redis_client.rpush(left(DOCTOR), "w")
    assert inbox.accept(make_message("1")) is Acceptance.BUSY
    assert redis_client.zscore(keys.due(DOCTOR.tag), DOCTOR.key) == 1


def test_what_came_while_a_message_was_being_refused_is_woken_for(redis_client: redis.Redis) -> None:
    inbox, woken = make_inbox(redis_client, bot_waiting=1)
    redis_client.set(keys.waiting("imaging"), 1)
    redis_client.rpush(keys.queue(DOCTOR), make_message("another").encode())
    assert inbox.accept(make_message("1")) is Acceptance.BUSY
    assert woken == [DOCTOR.key]


def test_only_a_full_bot_is_overloaded(redis_client: redis.Redis) -> None:
    flood, _ = make_inbox(redis_client, person_per_minute=1)
    for n in range(3):
        flood.accept(make_message(str(n)))
    assert Overload(redis_client).now(["imaging"]) == {}, "one person wrote too fast"
    full, _ = make_inbox(redis_client, bot_waiting=1)
    for n in range(3):
        full.accept(make_message(f"other{n}", conversation=replace(DOCTOR, person="zhao")))
    episode = Overload(redis_client).now(["imaging", "pharmacy"])["imaging"]
    assert (episode.refused, episode.late) == (3, 0)


def test_an_overload_ends_when_nothing_happens_any_more(redis_client: redis.Redis) -> None:
    overload = Overload(redis_client)
    overload.note("imaging", "refused", 1)
    redis_client.hset(keys.overload("imaging"), "last", redis_client.time()[0] - RECENT_S - 1)
    assert overload.now(["imaging"]) == {}
    assert 0 < redis_client.ttl(keys.overload("imaging")) <= EPISODE_S


def test_an_episode_is_read_as_it_was_noted(redis_client: redis.Redis) -> None:
    overload = Overload(redis_client)
    now = redis_client.time()[0]
    assert overload.note("imaging", "late", 2) == 2
    assert overload.note("imaging", "late", 3) == 5
    overload.note("imaging", "refused", 1)
    episode = overload.now(["imaging"])["imaging"]
    assert episode == Episode(since=episode.since, last=episode.last, refused=1, late=5)
    assert now <= episode.since <= episode.last


def test_the_sweep_wakes_no_more_than_workers_can_look_at_and_the_longest_due_first(redis_client: redis.Redis) -> None:
    inbox, woken = make_inbox(redis_client, wakes_waiting=WAKES_AHEAD - 2)
    people = [replace(DOCTOR, person=f"person{n}") for n in range(5)]
    for n, person in enumerate(people):
        redis_client.zadd(keys.due(person.tag), {person.key: 100 - n})
    assert inbox.sweep() == 2
    assert woken == [people[4].key, people[3].key]
    idle, _ = make_inbox(redis_client, wakes_waiting=WAKES_AHEAD)
    assert idle.sweep() == 0


def test_wake_ups_that_no_worker_has_taken_are_counted(redis_url: str, redis_client: redis.Redis) -> None:
    counted: list[str] = []

    def count(event: str, **_: str) -> None:
        counted.append(event)

    app = create_celery(redis_url)
    wake, wakes_waiting = make_waker(app, count), make_wake_counter(app, count)
    assert wakes_waiting() == 0
    for _ in range(3):
        wake(DOCTOR.key)
    assert wakes_waiting() == 3
    assert counted == []
    app.close()


def test_a_broker_that_does_not_answer_is_counted_and_does_not_stop_the_sweep() -> None:
    counted: list[str] = []
    app = create_celery("redis://127.0.0.1:1")
    assert make_wake_counter(app, lambda event, **_: counted.append(event))() == 0
    assert counted == ["degraded"]
    app.close()
