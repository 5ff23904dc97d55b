"""What one send costs: ``message/send`` through the channel of an application, to a cheap platform over a real Redis.

    python -m benchmarks.sending [--seconds 5] [--threads 1 32] [--json]

Platform and Redis (``appendfsync always``) run in processes of their own and are not counted: ``cpu ms`` is the
processor time of the process that sends, everything in it, a send. Each thread writes to people of its own, one message
after another. The baseline is another version of the channel, measured with the same command.
"""

import argparse
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis

from benchmarks.acknowledgement import redis_server
from benchmarks.load import Load, percentiles
from benchmarks.measuring import print_json, print_table
from bot.channel import Channel, ChannelAddress, ChannelKit
from bot.connections import Connections
from bot.media.store import MediaStore
from bot.messages import ConversationId
from bot.parts import Text
from bot.redis_client import connect
from bot.streams import Streams
from channels import wecom_app

ADDRESS = ChannelAddress(bot="imaging", channel="app", bot_name="影像学院小助手")
UNLIMITED = 1_000_000
PEOPLE = 20
"""How many people each thread writes to in turn."""
WARM_UP_S = 0.5
WORDS = "碘克沙醇注射液应在室温下避光保存，使用前加热至体温。" * 5
"""As long as a usual answer."""
COLUMNS = ("threads", "sends/s", "cpu ms a send", "p50 ms", "p90 ms", "p99 ms", "max ms")


def main() -> None:
    """Measure each number of threads and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run (default: %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 32], help="that send at once")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, Load() as load, redis_server(Path(name)) as redis_url:
        client = connect(redis_url)
        await_redis(client)
        channel = channel_to(load.url, client, Path(name))
        for threads in arguments.threads:
            send_for(channel, threads, WARM_UP_S)
            found.append({"threads": threads} | send_for(channel, threads, arguments.seconds))
    print_table(COLUMNS, [list(row.values()) for row in found])
    if arguments.json:
        print_json({"benchmark": "sending", "runs": found})


def await_redis(client: "redis.Redis", within_s: float = 10.0) -> None:
    """Wait until Redis answers."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            time.sleep(0.01)
    sys.exit("redis-server did not answer")


def channel_to(url: str, client: "redis.Redis", folder: Path) -> Channel:
    """An application of the platform at ``url``."""
    kit = ChannelKit(
        redis=client,
        http=Connections(environment=False),
        api_base={"wecom": url},
        callback_max_skew_s=3600,
        pace_per_minute=UNLIMITED,
        pace_per_hour=UNLIMITED,
        bubbles=Streams(client),
        media=MediaStore(folder / "media", keep_s=3600),
        count=lambda *_, **__: None,
        clock=time.time,
    )
    fields = {"corp_id": "wwcorp", "agent_id": 1000002, "secret": "secret", "token": "token"}
    config = wecom_app.Config.model_validate(
        fields | {"encoding_aes_key": "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"}
    )
    return wecom_app.build(ADDRESS, config, kit)


def send_for(channel: Channel, threads: int, seconds: float) -> dict[str, float]:
    """Send from ``threads`` threads for ``seconds``: how many a second, processor time and latencies of a send."""
    barrier = threading.Barrier(threads + 1)

    def send(thread: int) -> list[float]:
        took: list[float] = []
        barrier.wait()
        end = time.perf_counter() + seconds
        while (started := time.perf_counter()) < end:
            number = len(took)
            conversation = ConversationId(bot="imaging", channel="app", person=f"person{thread}-{number % PEOPLE}")
            words = Text(f"{number} {WORDS}")
            channel.send(conversation, words, f"{thread}-{number}-{started}:0", time.time() + 10)
            took.append(time.perf_counter() - started)
        return took

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(send, thread) for thread in range(threads)]
        barrier.wait()
        started, used = time.perf_counter(), time.process_time()
        latencies = [latency for one in running for latency in one.result()]
        lasted, used = time.perf_counter() - started, time.process_time() - used
    found = percentiles(latencies)
    return {
        "sends_per_s": round(len(latencies) / lasted, 1),
        "cpu_ms": round(1000 * used / len(latencies), 3),
    } | {cut: found[cut] for cut in ("p50", "p90", "p99", "max")}


if __name__ == "__main__":
    main()
