"""The thread that keeps leases alive."""

import redis

from bot import keys
from bot.lease import LEASE_S, Leases
from bot.messages import ConversationId


def test_all_leases_in_use_are_renewed_and_what_is_lost_is_left_alone(
    redis_client: redis.Redis, leases: Leases
) -> None:
    talks = [ConversationId(bot="imaging", channel="app", person=f"p{number}") for number in range(300)]
    held = [leases.acquire(talk) for talk in talks]
    assert all(held)
    for talk in talks:
        redis_client.pexpire(keys.lease(talk), 9_000)
    redis_client.set(keys.lease(talks[0]), "another's", px=9_000)
    leases._renew([lease for lease in held if lease])
    left_s = [redis_client.pttl(keys.lease(talk)) / 1000 for talk in talks]
    assert left_s[0] <= 9
    assert all(LEASE_S - 5 < left <= LEASE_S for left in left_s[1:])
    assert leases.hand_back() == 299
