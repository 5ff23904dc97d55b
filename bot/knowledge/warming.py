"""The vectors of many entries, made beforehand: on every core that nobody else wants, and behind everybody's questions.

The command line and the worker do it alike. Each thread has a model of its own, which computes without the
interpreter's lock and goes when the work is done; what they make goes into the vector cache and beside the index.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bot.knowledge.approval import Warm
from bot.knowledge.embedder import CachedEmbedder
from bot.knowledge.entries import Entry
from bot.knowledge.opening import make_embedder, vector_cache
from bot.knowledge.points import warm
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.sync import batches
from bot.knowledge.vector_cache import VectorCache
from bot.settings import Settings

SHARE = 16
"""Entries that a thread takes at once: two seconds of work, so that progress is seen and no thread waits long at the
end."""
NICENESS = 10
"""Of each thread: where a core is wanted for an answer, the answer has nine tenths of it."""


def warm_vectors(settings: Settings, cores: int | None = None) -> Warm:
    """What makes sure that the vectors of entries are in the cache, and their token states beside the index.

    A model is loaded for each of ``cores`` (all that this process may use), and only when there are entries; a server
    has its own. Raises :class:`~bot.errors.BotError` when the embedder or a file does not answer.
    """
    count = (cores or len(os.sched_getaffinity(0))) if settings.embedding_base_url is None else 1

    def warm_all(entries: Iterable[Entry], tell: Callable[[int], object]) -> None:
        shares = _Shares(batches(entries, SHARE), tell)
        vectors = vector_cache(settings)
        try:
            with ThreadPoolExecutor(count, "warm", initializer=_step_back) as pool:
                for work in [pool.submit(_work, settings, vectors, shares) for _ in range(count)]:
                    work.result()
        finally:
            vectors.close()

    return warm_all


class _Shares:
    """Hands out ``shares`` to several threads, and tells of those that are done."""

    def __init__(self, shares: Iterator[Sequence[Entry]], tell: Callable[[int], object]) -> None:
        self._shares = shares
        self._tell = tell
        self._lock = threading.Lock()
        self.loading = threading.Lock()
        """Held while a model is loaded: the first may have to build its graph."""
        self._over = False

    def take(self) -> Sequence[Entry]:
        """The next one; empty when there is none, or somebody has failed."""
        with self._lock:
            return [] if self._over else next(self._shares, [])

    def done(self, share: Sequence[Entry]) -> None:
        """Tell of one."""
        with self._lock:
            self._tell(len(share))

    def fail(self) -> None:
        """Let nobody begin another."""
        self._over = True


def _work(settings: Settings, vectors: VectorCache, shares: _Shares) -> None:
    """Make the vectors of shares until there is none left."""
    try:
        share = shares.take()
        if not share:
            return
        with shares.loading:
            embedder = CachedEmbedder(make_embedder(settings), vectors)
        states = StateStore(settings.index_dir / STATES_FILE, embedder.name) if embedder.tokens is not None else None
        while share:
            warm(embedder, states, share)
            shares.done(share)
            share = shares.take()
        if states:
            states.close()
    except BaseException:
        shares.fail()
        raise


def _step_back() -> None:
    """Put this thread, and it alone, behind others: on Linux a thread has a niceness of its own."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
