"""What was said before travels with the conversation, in trips that are made anyway."""

import redis

from bot import keys
from bot.lease import HEARD_KEPT, Lease, Leases
from bot.messages import ConversationId
from bot.safety.cases.heard import Heard, decode_heard
from tests.delivery.conftest import DOCTOR


def lease_of(leases: Leases, conversation: ConversationId = DOCTOR) -> Lease:
    lease = leases.acquire(conversation, begin=True)
    assert lease is not None
    return lease


def test_what_was_heard_is_given_to_the_next_turn(leases: Leases, redis_client: redis.Redis) -> None:
    redis_client.rpush(keys.queue(DOCTOR), b"1", b"2")
    lease = lease_of(leases)
    assert lease.begun is not None
    assert lease.begun.heard == ()
    lease.commit([b"1"], b"", heard=[b"first"])
    again = lease.begin()
    assert (again.tries, again.messages, again.heard) == (1, (b"2",), (b"first",))


def test_a_worker_that_takes_over_gets_it_with_its_lease(leases: Leases, redis_client: redis.Redis) -> None:
    redis_client.rpush(keys.queue(DOCTOR), b"1", b"2")
    lease_of(leases).commit([b"1"], b"", heard=[b"first"])
    redis_client.delete(keys.lease(DOCTOR))
    begun = lease_of(leases).begun
    assert begun is not None
    assert begun.heard == (b"first",)


def test_only_the_last_are_kept_and_for_a_day(leases: Leases, redis_client: redis.Redis) -> None:
    redis_client.rpush(keys.queue(DOCTOR), *[str(n).encode() for n in range(7)])
    lease = lease_of(leases)
    for n in range(6):
        lease.commit([str(n).encode()], b"", heard=[f"h{n}".encode()])
    assert lease.begin().heard == tuple(f"h{n}".encode() for n in range(6 - HEARD_KEPT, 6))
    assert 0 < redis_client.ttl(keys.heard(DOCTOR)) <= 24 * 3600


def test_a_repeated_commit_remembers_nothing_twice(leases: Leases, redis_client: redis.Redis) -> None:
    redis_client.rpush(keys.queue(DOCTOR), b"1")
    lease = lease_of(leases)
    for _ in range(2):
        lease.commit([b"1"], b"reply", heard=[b"first"])
    assert redis_client.lrange(keys.heard(DOCTOR), 0, -1) == [b"first"]


def test_what_was_taken_back_was_not_said(leases: Leases, redis_client: redis.Redis) -> None:
    lease = lease_of(leases)
    lease.commit([b"taken back meanwhile"], b"reply", heard=[b"first"])
    assert not redis_client.exists(keys.heard(DOCTOR))


def test_words_come_back_as_they_went() -> None:
    said = (Heard("用了碘海醇\ud83d", case=3), Heard("皮疹?", asked_back=True))
    assert decode_heard([one.encode() for one in said]) == said
    assert decode_heard([b"{", b"[1]", b'["a", 0, false]']) == (Heard("a"),)
