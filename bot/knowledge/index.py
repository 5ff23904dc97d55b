"""The index of approved knowledge: what it offers to ingest and to search, whichever engine holds it.

An index is rebuildable: the truth lies in SQL, and an entry's id changes with its content, so bringing an index up to
date is a difference of two sets of ids. The index makes the vectors itself, through the embedder it was given.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from bot.errors import KnowledgeError, Unavailable
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.state_store import StateStore

Floats = npt.NDArray[np.float32]


BELIEVED_S = 5.0
"""Seconds that a process may take for granted which collection of a server is the index."""


class IndexInUse(KnowledgeError):
    """Another process owns the embedded index; ask that one (:mod:`bot.knowledge.remote`)."""


class IndexMissing(Unavailable):
    """There is no index: it was never built, or somebody dropped it."""


class Route(StrEnum):
    """One way to score entries against a question. The question routes know only FAQs.

    ``words`` scores an entry by the share, 0 to 1, of the question's words that it holds, each word weighted by its
    idf; it finds no first place, it says how far a lexical route can be believed.
    """

    DENSE = "dense"
    LEXICAL = "lexical"
    QUESTION_DENSE = "question_dense"
    QUESTION_LEXICAL = "question_lexical"
    WORDS = "words"


class IndexState(StrEnum):
    """Whether an index can be used: ``ready``, ``missing`` (never built), or ``foreign`` (made by another version of
    this program or for another embedder, so that its vectors mean nothing here)."""

    READY = "ready"
    MISSING = "missing"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Candidates:
    """``routes``: for each route the best entries, id to score, best first: cosines, BM25 scores, shares of words.

    ``mass`` is the sum of the weights of the question's words: how much the question says. ``visible`` is the number of
    entries inside the scope. ``words`` has the weight of each word: the rarer in the scope, the more.
    """

    routes: Mapping[Route, Mapping[str, float]]
    mass: float
    visible: int
    words: Mapping[str, float] = field(default_factory=dict)


class Searchable(Protocol):
    """What a search needs of an index; it raises what an :class:`Index` does."""

    def candidates(self, question: str, vector: Floats, scope: Scope, kind: EntryKind | None, limit: int) -> Candidates:
        """The best ``limit`` entries of each route inside ``scope``; ``vector`` is the question's."""
        ...

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """The entries with these ids, in this order, without those that have gone."""
        ...

    @property
    def states(self) -> StateStore | None:
        """The token states of its entries; ``None`` where it keeps none."""
        ...


class Index(Searchable, Protocol):
    """Searchable entries. Safe for threads.

    Methods raise :class:`~bot.errors.KnowledgeError` when the index cannot be read or written, and
    :class:`~bot.errors.Unavailable` when a server behind it, or the embedder's, does not answer.
    """

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Make ``entries`` searchable; they are when this returns, and survive the end of the process.

        Entries are embedded and written in batches; after an error those written so far stay.
        """
        ...

    def delete(self, ids: Collection[str]) -> None:
        """Forget the entries with these ids; unknown ids are ignored."""
        ...

    def ids(self, tenant: str, collection: str) -> set[str]:
        """The ids of every entry of a collection, valid now or not."""
        ...

    def drop_unused_states(self) -> None:
        """Drop the token states of texts that no entry has any more, where they are kept beside it. For who knows that
        it is complete: the states of what is about to come in were made beforehand."""
        ...

    def count(self) -> int:
        """How many entries there are, of all tenants."""
        ...

    def state(self) -> IndexState:
        """Whether it can be used as it is; :meth:`rebuilt` makes one that can."""
        ...

    def rebuilt(self) -> AbstractContextManager[Self]:
        """A block that fills the index anew; questions are answered meanwhile.

        What the block is given takes this index' place when the block ends without an error. It is either empty, or
        holds what an earlier block that was cut off had written, or is this very index, to be rewritten in its place.
        """
        ...

    def close(self) -> None:
        """Release the index; it can be opened again afterwards."""
        ...
