"""One client for commands a channel to the broker, whichever kind of Redis it is."""

import pytest

from bot.task_queue import TURNS_QUEUE, create_celery


@pytest.mark.parametrize("url", ["redis://h:1", "rediss://h:1", "unix:///nowhere/redis.sock", "sentinel://h:1"])
def test_every_redis_is_spoken_to_through_it(url: str) -> None:
    assert create_celery(url).connection().get_transport_cls().__module__ == "bot.broker"


def test_commands_share_a_client_and_tasks_arrive(redis_url: str) -> None:
    app = create_celery(redis_url)
    with app.connection() as connection:
        channel = connection.default_channel
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
            first.delete(TURNS_QUEUE)
        for number in range(3):
            app.send_task("turns.drain", args=(str(number),), queue=TURNS_QUEUE, connection=connection)
        with connection.SimpleQueue(TURNS_QUEUE) as queue:
            found = []
            for _ in range(3):
                message = queue.get(timeout=5)
                found.append(message.payload[0])
                message.ack()
    assert found == [["0"], ["1"], ["2"]]


def test_a_channel_whose_connections_were_closed_makes_another_client(redis_url: str) -> None:
    with create_celery(redis_url).connection() as connection:
        channel = connection.channel()
        with channel.conn_or_acquire() as client:
            assert client.ping()
        channel._disconnect_pools()
        with channel.conn_or_acquire() as another:
            assert another is not client
            assert another.ping()
