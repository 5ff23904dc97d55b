"""Asking the process that owns the index, over a real Redis."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

from bot.knowledge.remote import IndexClient, IndexServer


def test_whoever_opens_a_source_waits_behind_no_change_of_the_index(redis_url: str) -> None:
    began, may_end, at_work = threading.Semaphore(0), threading.Event(), []

    def change(arguments: dict[str, Any]) -> int:
        at_work.append(arguments["n"])
        began.release()
        assert may_end.wait(20)
        at_work.remove(arguments["n"])
        return len(at_work)

    with redis.Redis.from_url(redis_url) as own, redis.Redis.from_url(redis_url) as asking:
        owner = IndexServer(own, {"sync": change, "reindex": change, "read": lambda arguments: arguments})
        owner.start()
        client = IndexClient(asking)
        with ThreadPoolExecutor(3) as pool:
            changes = [pool.submit(client.call, "reindex", {"n": 0}, 20.0)]
            assert began.acquire(timeout=20)
            changes += [pool.submit(client.call, "sync", {"n": n}, 20.0) for n in (1, 2)]
            assert client.call("read", {"document": 7}, 20.0) == {"document": 7}
            may_end.set()
            assert [each.result(20) for each in changes] == [0, 0, 0], "one after the other"
        owner.close()
