"""The knowledge as it would be if something that waits were approved: a scratch index over it, searched by nobody else.

Vectors and token states are those that the live index has, kept by content; only what is new in a draft is embedded.
Token states that a draft adds to the live store go again when the index opens next, unless it was approved.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.answering.answerer import Answerer
from bot.answering.evidence import Retriever
from bot.answering.grounded import Composer
from bot.bots_file import BotConfig
from bot.golden.running import OutOfTime, reply_to
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.embedder import CachedEmbedder, Embedder
from bot.knowledge.entries import Entry, EntryKind
from bot.knowledge.masked_embedder import MaskedEmbedder
from bot.knowledge.opening import INDEX_LOCK, is_locked, make_embedder, make_reading_check, make_tokenizer, vector_cache
from bot.knowledge.progress import Progress
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.search import Searcher
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import BATCH, batches
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.versions import Status, Version
from bot.lookup.shelf import Shelf
from bot.settings import Settings
from bot.single_question import SingleQuestions
from bot.turn import Turn

_SCRATCH = "gate-index-"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerParts:
    """What answers are made of beside an index.

    ``embedder`` reads questions, ``passages`` keeps what it makes of approved texts. ``states`` is the file of the live
    index's token states, where there are some. ``composer`` is ``None`` where there is no language model. ``scratch``
    is where indexes for a while may lie.
    """

    embedder: Embedder
    passages: Embedder
    tokenizer: Tokenizer
    check: ReadingCheck | None
    composer: Composer | None
    states: Path
    scratch: Path


def answer_parts(settings: Settings, composer: Composer | None) -> AnswerParts:
    """Those that the settings name."""
    embedder = make_embedder(settings)
    outside = settings.embedding_base_url is not None
    return AnswerParts(
        embedder=MaskedEmbedder(embedder) if outside else embedder,
        passages=CachedEmbedder(embedder, vector_cache(settings)),
        tokenizer=make_tokenizer(),
        check=make_reading_check(settings, embedder),
        composer=composer,
        states=settings.index_dir / STATES_FILE,
        scratch=settings.cache_dir,
    )


def knowledge_with(store: KnowledgeStore, bot: BotConfig, versions: Sequence[Version]) -> dict[str, list[Entry]]:
    """What ``bot`` would answer from, by collection, if ``versions``, which wait, were approved."""
    knowledge = {}
    for collection in bot.knowledge:
        entries = {entry.id: entry for entry in store.approved_entries(bot.tenant, collection)}
        for version in versions:
            if version.name[:2] == (bot.tenant, collection):
                for live in store.versions(*version.name):
                    gone = store.contents(live.id) if live.status is Status.APPROVED else ()
                    for entry in gone:
                        entries.pop(entry.id, None)
                entries |= {entry.id: entry for entry in store.contents(version.id)}
        knowledge[collection] = list(entries.values())
    return knowledge


@contextmanager
def answering(
    parts: AnswerParts, knowledge: Mapping[str, Sequence[Entry]], tell: Progress, until: float
) -> Iterator[Callable[[Turn], dict[str, Any]]]:
    """What gives the reply (:func:`bot.golden.running.reply_to`) to a turn from ``knowledge`` alone, by collection of
    one tenant, as long as the block lasts.

    Raises :class:`~bot.golden.running.OutOfTime` when the index is not made at ``until``, monotonic seconds.
    """
    from bot.knowledge.edge_index import EdgeIndex  # its engine only where something is gated

    held = {entry.id: entry for entries in knowledge.values() for entry in entries}
    states = StateStore(parts.states, parts.passages.name) if parts.passages.tokens is not None else None
    _remove_left_behind(parts.scratch)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parts.scratch) as folder:
        index = EdgeIndex(Path(folder), parts.passages, parts.tokenizer, states)
        try:
            done = 0
            for batch in batches(held.values(), BATCH):
                index.upsert(batch)
                done += len(batch)
                tell("index", done, len(held))
                if time.monotonic() > until:
                    raise OutOfTime(f"only {done} of {len(held)} entries were indexed for the golden questions in time")
            searcher = Searcher(index, parts.embedder, Calibration.shipped(), parts.check)
            answerer = Answerer(Retriever(searcher, ANSWER_THRESHOLD, standing=_Standing(held)), parts.composer)
            single = SingleQuestions(answerer, Shelf(_Rows(knowledge)), lambda _bot: bool(held))
            versions = {"embedder": parts.passages.name, "threshold": str(ANSWER_THRESHOLD)}
            yield lambda turn: reply_to(single, turn, versions, index.entries)
        finally:
            index.close()
            if states is not None:
                states.close()


def _remove_left_behind(scratch: Path) -> None:
    """Remove the indexes of processes that did not live to do so; who is at work holds a lock."""
    for folder in scratch.glob(f"{_SCRATCH}*"):
        if (folder / INDEX_LOCK).exists() and not is_locked(folder):
            shutil.rmtree(folder, ignore_errors=True)


class _Standing:
    """Which of ``held`` may answer; as :meth:`bot.knowledge.store.KnowledgeStore.standing`."""

    def __init__(self, held: Mapping[str, Entry]) -> None:
        self._held = held

    def __call__(self, ids: Collection[str], now: float | None = None) -> set[str]:
        found = (self._held[id_] for id_ in ids if id_ in self._held)
        return {entry.id for entry in found if now is None or entry.valid_from <= now < entry.valid_to}


class _Rows:
    """The rows of look-up tables in ``knowledge``; see :class:`bot.lookup.shelf.Rows`."""

    def __init__(self, knowledge: Mapping[str, Sequence[Entry]]) -> None:
        self._knowledge = knowledge

    def changes(self, _tenant: str, _collections: Collection[str]) -> Mapping[str, int]:
        """Nothing changes here."""
        return {}

    def approved_rows(self, _tenant: str, collection: str) -> list[Entry]:
        """What there is, of the one tenant."""
        return [entry for entry in self._knowledge.get(collection, ()) if entry.kind is EntryKind.ROW]
