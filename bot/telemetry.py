"""Logs and metrics: what an operator sees.

Logs are events with fields, one JSON object a line in production and columns on a terminal. Metrics live in files
under ``PROMETHEUS_MULTIPROC_DIR``, so that ``/metrics`` of the web process shows every process of the installation.
"""

import io
import logging
import sys
from pathlib import Path
from typing import TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.registry import Collector

from bot.metrics_files import SharedMetrics
from bot.safety.personal_data.logs import masking

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
_MODEL = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
_TURN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_COUNTERS = {
    "callback": Counter("bot_callbacks", "Callbacks by result.", ["bot", "channel", "result"]),
    "message": Counter(
        "bot_messages",
        "Messages by what became of them in the inbox (accepted, duplicate, busy, history).",
        ["bot", "result"],
    ),
    "message_refused": Counter(
        "bot_messages_refused",
        "Messages refused, by the limit that was reached (person, conversation, bot).",
        ["bot", "limit"],
    ),
    "pull_put_off": Counter(
        "bot_pulls_put_off", "Pulls of an account that must be tried again, by why.", ["bot", "code"]
    ),
    "message_merged": Counter(
        "bot_messages_merged", "Messages answered together with the one before them, in one reply.", ["bot"]
    ),
    "turn": Counter("bot_turns", "Turns by the kind of the reply.", ["bot", "kind"]),
    "turn_failed": Counter("bot_turns_failed", "Tries of a turn that failed, by error class.", ["bot", "error"]),
    "send": Counter("bot_sends", "Platform calls by outcome and platform code.", ["outcome", "code"]),
    "send_unknown": Counter("bot_sends_unknown", "Sends that may or may not have arrived.", ["cause"]),
    "reply_dead": Counter("bot_replies_dead", "Replies given up, by the code that ended them.", ["code"]),
    "lease_busy": Counter("bot_lease_busy", "Drains that found the conversation in another worker's hands.", []),
    "lease_lost": Counter("bot_leases_lost", "Leases lost to another worker while working.", []),
    "lease_taken_over": Counter(
        "bot_leases_taken_over", "Conversations taken from a worker that had died or was frozen for too long.", []
    ),
    "message_dead": Counter("bot_messages_dead", "Turns given up with an apology, by reason.", ["bot", "reason"]),
    "message_parked": Counter("bot_messages_parked", "Messages that could not be decoded and were kept.", []),
    "llm_call": Counter("bot_llm_calls", "Calls to a language model by outcome.", ["model", "outcome"]),
    "llm_tokens": Counter("bot_llm_tokens", "Tokens used up, by kind (prompt, completion).", ["model", "kind"]),
    "llm_cost": Counter("bot_llm_cost", "What they cost, in the currency of the prices that are set.", ["model"]),
    "evidence_cache": Counter(
        "bot_evidence_cache",
        "Questions by whether what they find was kept: hit, shared (somebody else was searching), miss, unsettled (the"
        " index was following a change).",
        ["result"],
    ),
    "attack": Counter("bot_attacks", "Messages that attack the language model, by family.", ["bot", "family"]),
    "composition": Counter("bot_compositions", "Answers composed by a language model, by outcome.", ["outcome"]),
    "sentence_dropped": Counter("bot_sentences_dropped", "Sentences of a model not said, by reason.", ["reason"]),
    "premise_unmet": Counter(
        "bot_premises_unmet", "Answers whose question takes for granted what no source says.", ["kind", "outcome"]
    ),
    "sources_differ": Counter("bot_sources_differ", "Answers to which two approved sources say different things."),
    "configuration": Counter(
        "bot_configurations", "Changes of bots.yaml that a process noticed, by result.", ["result"]
    ),
    "refused_screened": Counter(
        "bot_refused_screened",
        "Refused messages that were screened, by whether one tells of something.",
        ["bot", "suspected"],
    ),
    "case": Counter("bot_cases", "Reports for drug safety by what they were (opened, added).", ["bot", "what"]),
    "consent": Counter(
        "bot_consents",
        "Separate consents to health data by state (asked, given, refused, withdrawn).",
        ["bot", "state"],
    ),
    "case_notice": Counter(
        "bot_case_notices",
        "What the safety desk was told, by medium and outcome (posted, arrived, failed, unknown).",
        ["medium", "outcome"],
    ),
    "case_reminder": Counter(
        "bot_case_reminders", "Cases that the desk was reminded of, by reason.", ["bot", "reason"]
    ),
    "feedback": Counter("bot_feedback", "What people think of answers.", ["bot", "verdict", "source"]),
    "task": Counter(
        "bot_tasks", "Celery tasks that ended, by name and state (success, failure, expired, …).", ["task", "state"]
    ),
    "log_value_masked": Counter("bot_log_values_masked", "Personal data masked in log lines, by type.", ["type"]),
    "retention": Counter(
        "bot_retention", "Records whose time was over, by kind and what was done (masked, removed).", ["kind", "done"]
    ),
    "correction": Counter(
        "bot_corrections",
        "People who were to hear that what they were told was corrected, by outcome (said, unreachable, superseded).",
        ["outcome"],
    ),
    "degraded": Counter("bot_degraded", "Work done in a degraded mode, by what was missing.", ["what"]),
}
ACKNOWLEDGEMENT = Histogram("bot_acknowledgement_seconds", "Callback to HTTP answer.", ["channel"], buckets=_FAST)
TURN = Histogram("bot_turn_seconds", "Deciding on one reply.", ["bot"], buckets=_TURN)
STEP = Histogram("bot_step_seconds", "One step of a turn.", ["step"], buckets=_TURN)
TASK = Histogram("bot_task_seconds", "One Celery task, from its start to its end.", ["task"], buckets=_TURN)
LLM_FIRST_TOKEN = Histogram(
    "bot_llm_first_token_seconds", "Asking a language model to its first visible words.", ["model"], buckets=_MODEL
)
LLM_CALL = Histogram(
    "bot_llm_call_seconds", "Asking a language model to the end of its answer.", ["model"], buckets=_MODEL
)


def count(event: str, **labels: str) -> None:
    """Count ``event``; the names of the labels are fixed by the event. Raises ``KeyError`` for an unknown event."""
    add(event, 1, **labels)


def add(event: str, amount: float, /, **labels: str) -> None:
    """Count ``event`` ``amount`` times, as :func:`count` does once."""
    counter = _COUNTERS[event]
    (counter.labels(**labels) if labels else counter).inc(amount)


def metrics_page(folder: Path, *more: Collector) -> bytes:
    """The metrics of every process that counts in ``folder``, and what ``more`` finds out now, in Prometheus' text
    format."""
    registry = CollectorRegistry()
    registry.register(SharedMetrics(folder))
    for collector in more:
        registry.register(collector)
    return generate_latest(registry)


class _StandardError(io.TextIOBase):
    """The standard error of the moment: loggers live as long as the process, and a stream that stood in its place while
    one was first used may be closed by then."""

    def write(self, text: str) -> int:
        """Write to it."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def configure_logging(level: str) -> None:
    """Send structlog's and the libraries' log lines to standard error, as JSON unless a person is watching."""
    watched, stream = sys.stderr.isatty(), cast("TextIO", _StandardError())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.format_exc_info,
        masking(lambda kind, number: add("log_value_masked", number, type=kind)),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
