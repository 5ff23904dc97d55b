"""Real engines with a word list of three words and an embedder that needs no model: quick, always the same."""

import hashlib
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, Index
from bot.knowledge.points import FORMAT
from bot.knowledge.qdrant_calls import QdrantCalls
from bot.knowledge.qdrant_collections import Build, Collections
from bot.knowledge.segment import Segmenter
from bot.knowledge.server_index import ServerIndex
from bot.knowledge.tokens import Tokenizer

SCOPE = Scope(tenant="academy", collections=("imaging",), reader=Audience.PUBLIC, now=1000.0)


class HashEmbedder:
    """Unit vectors made from a hash of the text."""

    dimension = 8
    tokens = None

    def __init__(self, name: str = "hash") -> None:
        self.name = name

    def queries(self, texts: Sequence[str]) -> Floats:
        return self.passages(texts)

    def passages(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Floats:
        digests = [hashlib.sha256(text.encode()).digest()[: self.dimension] for text in texts]
        vectors = np.array([list(digest) for digest in digests], dtype=np.float32).reshape(-1, self.dimension) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def entry(text: str, **changes: Any) -> Entry:
    base = Entry(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{text}{sorted(changes.items())}")),
        tenant="academy",
        collection="imaging",
        kind=EntryKind.PASSAGE,
        audience=Audience.PUBLIC,
        title="",
        questions=(),
        text=text,
        source="a.md",
        location="",
        valid_from=-math.inf,
        valid_to=math.inf,
    )
    return replace(base, **changes)


def faq(*questions: str, answer: str) -> Entry:
    return entry(answer, kind=EntryKind.FAQ, title=questions[0], questions=questions)


def ask(index: Index, question: str, scope: Scope = SCOPE, kind: EntryKind | None = None) -> Candidates:
    (vector,) = HashEmbedder().queries([question])
    return index.candidates(question, vector, scope, kind, 100)


def small_tokenizer(folder: Path) -> Tokenizer:
    """A tokenizer with its word list in ``folder``, which must exist."""
    words = folder / "words.txt"
    words.write_text("学分 100 n\n课程 100 n\n预约 100 n\n", encoding="utf-8")
    return Tokenizer(Segmenter(words))


def open_small_index(folder: Path) -> EdgeIndex:
    """An embedded index in ``folder``, which must exist."""
    return EdgeIndex(folder / "index", HashEmbedder(), small_tokenizer(folder))


def open_small_server_index(calls: QdrantCalls, folder: Path, **build: Any) -> ServerIndex:
    """An index that ``calls`` reach; ``build`` is how its collections are made, where it is not the usual."""
    embedder = HashEmbedder(build.pop("embedder", "hash"))
    made = Build(format=FORMAT, embedder=embedder.name, dimension=embedder.dimension, **build)
    return ServerIndex(Collections(calls, "knowledge", made), embedder, small_tokenizer(folder))
