"""The Celery application: how tasks are named, routed and published. Used by workers, beat and whoever wakes them."""

from collections.abc import Callable
from dataclasses import asdict

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from bot.broker import use_one_client
from bot.media.fetch import worth_fetching
from bot.messages import InboundMessage

log = structlog.get_logger()

TURNS_QUEUE = "turns"
SWEEP_QUEUE = "sweep"
MEDIA_QUEUE = "media"
"""Beside the turns, so that media that are slow to fetch stand in the way of nobody's answer."""
CASES_QUEUE = "cases"
"""Beside the turns too: what the safety desk has to hear waits behind nobody's answer."""
ACCOUNTS_QUEUE = "accounts"
"""Beside the turns as well: who enters must be welcomed within 20 s, and a pull fetches what turns are made of."""
INGEST_QUEUE = "ingest"
"""Beside all of them: a job may take an hour."""
DRAIN_TASK = "turns.drain"
PULL_TASK = "accounts.pull"
SWEEP_TASK = "turns.sweep"
UPKEEP_TASK = "turns.upkeep"
FETCH_MEDIA_TASK = "media.fetch"
EXPIRE_MEDIA_TASK = "media.expire"
CASES_TASK = "cases.tell"
RETAIN_TASK = "records.retain"
INGEST_TASK = "knowledge.ingest"
SWEEP_EVERY_S = 2.0
UPKEEP_EVERY_S = 10.0
EXPIRE_MEDIA_EVERY_S = 60.0
RETAIN_EVERY_S = 600.0
"""A day's work is done in slices; what is done for the day costs one look at Redis."""
TELL_DESK_EVERY_S = 10.0
"""A serious case must be with a human within 60 s (compliance guidance 1.2), whatever was lost on the way."""
PULL_EXPIRES_S = 10
"""Later the sweep has asked for another."""
FETCH_MEDIA_EXPIRES_S = 240
"""Later the platform has forgotten most media, and the turn has asked for them itself."""
VISIBILITY_TIMEOUT_S = 3600
PROCESS_START_S = 60.0
"""Seconds a child of the prefork pool may take to build its services."""


def create_celery(broker_url: str) -> Celery:
    """A Celery application for ``broker_url``.

    ``unix://`` URLs are spelt ``redis+socket://`` for kombu. Tasks acknowledge early and keep no result: a drain
    carries only a conversation's name, and losing one is harmless.
    """
    use_one_client()
    app = Celery("bot", broker=broker_url.replace("unix://", "redis+socket://", 1))
    app.conf.update(
        task_ignore_result=True,
        task_default_queue=TURNS_QUEUE,
        task_routes={
            SWEEP_TASK: {"queue": SWEEP_QUEUE},
            UPKEEP_TASK: {"queue": SWEEP_QUEUE},
            EXPIRE_MEDIA_TASK: {"queue": SWEEP_QUEUE},
            RETAIN_TASK: {"queue": SWEEP_QUEUE},
            FETCH_MEDIA_TASK: {"queue": MEDIA_QUEUE},
            CASES_TASK: {"queue": CASES_QUEUE},
            PULL_TASK: {"queue": ACCOUNTS_QUEUE},
            INGEST_TASK: {"queue": INGEST_QUEUE},
        },
        task_publish_retry=False,
        worker_prefetch_multiplier=2,
        worker_proc_alive_timeout=PROCESS_START_S,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "socket_timeout": 5,
            "socket_connect_timeout": 1,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        beat_schedule={
            SWEEP_TASK: {"task": SWEEP_TASK, "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S}},
            UPKEEP_TASK: {"task": UPKEEP_TASK, "schedule": UPKEEP_EVERY_S, "options": {"expires": UPKEEP_EVERY_S}},
            CASES_TASK: {
                "task": CASES_TASK,
                "schedule": TELL_DESK_EVERY_S,
                "options": {"expires": TELL_DESK_EVERY_S},
            },
            RETAIN_TASK: {"task": RETAIN_TASK, "schedule": RETAIN_EVERY_S, "options": {"expires": RETAIN_EVERY_S}},
            EXPIRE_MEDIA_TASK: {
                "task": EXPIRE_MEDIA_TASK,
                "schedule": EXPIRE_MEDIA_EVERY_S,
                "options": {"expires": EXPIRE_MEDIA_EVERY_S},
            },
        },
    )
    return app


def make_waker(app: Celery, count: Callable[..., None]) -> Callable[..., None]:
    """A function that publishes the drain of one conversation, or of several in one task; a publish that fails is left
    to the sweep.

    A drain does not expire: while workers do not keep up, those that waited longest would be dropped first and stand
    behind everybody who came later. The sweep adds none to a long queue (:data:`bot.inbox.WAKES_AHEAD`).
    """

    def wake(*conversations: str) -> None:
        try:
            app.send_task(DRAIN_TASK, args=conversations, queue=TURNS_QUEUE)
        except OperationalError as error:
            count("degraded", what="wake_not_published")
            log.warning("wake_not_published", conversations=conversations, error=type(error).__name__)

    return wake


def make_wake_counter(app: Celery, count: Callable[..., None]) -> Callable[[], int]:
    """A function that says how many drains wait in the broker; a broker that does not answer has none."""

    def wakes_waiting() -> int:
        with app.connection_or_acquire() as connection:
            try:
                with connection.channel() as channel:
                    return int(channel.queue_declare(queue=TURNS_QUEUE, durable=True, auto_delete=False).message_count)
            except (OperationalError, *connection.connection_errors, *connection.channel_errors) as error:
                count("degraded", what="wakes_not_counted")
                log.warning("wakes_not_counted", error=type(error).__name__)
                return 0

    return wakes_waiting


def make_desk_waker(app: Celery, count: Callable[..., None]) -> Callable[[], None]:
    """A function that asks a worker to tell the safety desk now; one that fails is left to beat."""

    def wake() -> None:
        try:
            app.send_task(CASES_TASK, queue=CASES_QUEUE, expires=TELL_DESK_EVERY_S)
        except OperationalError as error:
            count("degraded", what="desk_wake_not_published")
            log.warning("desk_wake_not_published", error=type(error).__name__)

    return wake


def make_ingest_waker(app: Celery, count: Callable[..., None]) -> Callable[[str], None]:
    """A function that publishes a job of ingestion by its id; one that fails is left to the upkeep."""

    def wake(job: str) -> None:
        try:
            app.send_task(INGEST_TASK, args=(job,), queue=INGEST_QUEUE, expires=UPKEEP_EVERY_S)
        except OperationalError as error:
            count("degraded", what="ingest_not_published")
            log.warning("ingest_not_published", job=job, error=type(error).__name__)

    return wake


def make_pull_waker(app: Celery, count: Callable[..., None]) -> Callable[[str, str], None]:
    """A function that publishes a pull of one account; a publish that fails is left to the sweep."""

    def wake(bot: str, channel: str) -> None:
        try:
            app.send_task(PULL_TASK, args=(bot, channel), queue=ACCOUNTS_QUEUE, expires=PULL_EXPIRES_S)
        except OperationalError as error:
            count("degraded", what="pull_not_published")
            log.warning("pull_not_published", bot=bot, channel=channel, error=type(error).__name__)

    return wake


def make_prefetcher(app: Celery, count: Callable[..., None]) -> Callable[[InboundMessage], None]:
    """A function that publishes the fetching of what a message shows; one that fails is left to the turn."""

    def prefetch(message: InboundMessage) -> None:
        for attachment in worth_fetching(message):
            arguments = (message.conversation.key, asdict(attachment))
            try:
                app.send_task(FETCH_MEDIA_TASK, args=arguments, queue=MEDIA_QUEUE, expires=FETCH_MEDIA_EXPIRES_S)
            except OperationalError as error:
                count("degraded", what="fetch_not_published")
                log.warning("fetch_not_published", conversation=message.conversation.key, error=type(error).__name__)

    return prefetch
