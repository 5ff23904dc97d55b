"""What people ask, without what tells who they are, before a server outside makes a vector of it."""

import secrets
from collections.abc import Sequence

from bot.knowledge.embedder import Embedder, Floats, Progress
from bot.knowledge.token_states import TokenStates
from bot.safety.personal_data import Masker

_KEY = secrets.token_bytes(32)
"""Placeholders are thrown away with the text, so nobody ever needs to tell their values."""


class MaskedEmbedder:
    """``embedder`` for words of people: questions, and passages of files that they sent. Names, numbers and addresses
    become placeholders, which a vector has little use for anyway; approved knowledge goes to the bare embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimension = embedder.dimension

    @property
    def tokens(self) -> TokenStates | None:
        """See :class:`~bot.knowledge.embedder.Embedder`; none, for they would be those of other words."""
        return None

    def health(self) -> dict[str, str]:
        """See :class:`~bot.knowledge.embedder.Embedder`."""
        return self._embedder.health()

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`~bot.knowledge.embedder.Embedder`."""
        return self._embedder.queries(_masked(texts))

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`~bot.knowledge.embedder.Embedder`."""
        return self._embedder.passages(_masked(texts), progress)


def _masked(texts: Sequence[str]) -> list[str]:
    """Each text by a masker of its own, so that its vector depends on nothing else."""
    return [Masker(_KEY).mask(text) for text in texts]
