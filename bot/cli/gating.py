"""What approvals at the command line have in common: the golden questions before them, and the bars that tell how far
it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from tqdm import tqdm

from bot.assembly import Configuration, build_composer, language_model
from bot.audit.log import AuditLog
from bot.golden.candidate import AnswerParts, answer_parts
from bot.golden.gate import ApprovalGate
from bot.golden.store import GoldenStore
from bot.knowledge.progress import Progress
from bot.knowledge.store import KnowledgeStore
from bot.redis_client import connect


def approval_gate(configuration: Configuration, store: KnowledgeStore, audit: AuditLog) -> ApprovalGate:
    """The gate of the installation, which answers in this process whether the system runs or not."""

    @cache
    def parts() -> AnswerParts:
        model = language_model(configuration.settings, connect(configuration.settings.redis_url))
        return answer_parts(configuration.settings, build_composer(configuration.settings, model))

    return ApprovalGate(configuration.bots, store, GoldenStore(audit), parts)


@contextmanager
def stage_bars() -> Iterator[Progress]:
    """A bar for each stage, on standard error."""
    bars: dict[str, tqdm[Any]] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(desc=stage, total=total, unit="file" if stage == "read" else "entry", leave=True)
        bars[stage].total = total
        bars[stage].update(done - bars[stage].n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()
