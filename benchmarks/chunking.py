"""Passages cut by structure against passages of a fixed size, over long documents made of a public set's texts.

python -m benchmarks.chunking FOLDER --cache FOLDER [--documents 8] [--texts 20]

``FOLDER`` holds ``corpus.jsonl`` and ``queries.jsonl`` (docs/adding-knowledge.md). Each document joins so many texts,
every one under a heading of its own. A hit is right when it holds an answer with the words beside it in a text that has
it. ``with its section``: the same first hit, shown with what stands around it below the same heading.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.knowledge.calibration import Calibration
from bot.knowledge.chunk import TARGET_CHARS, passages
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, E5Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.loaders import load_markdown
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.search import Searcher
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.vector_cache import VectorCache

SECTION_CHARS = 1_200
BESIDE = 4
"""Letters on each side of an answer that must stand there too."""
SCOPE = Scope(tenant="t", collections=("c",), reader=Audience.PUBLIC, now=1_000.0)


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the set, by its id."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the ids of the texts that answer it, and the answers in their words."""

    text: str
    positives: frozenset[str]
    answers: tuple[str, ...]

    def is_answered(self, passage: str, texts: Mapping[str, str]) -> bool:
        """Whether a passage has an answer as it stands in one of the right ones of ``texts``."""
        bare = "".join(passage.split())
        return any(
            text[max(0, at - BESIDE) : at + len(answer) + BESIDE] in bare
            for text in ("".join(texts[id_].split()) for id_ in self.positives)
            for answer in ("".join(answer.split()) for answer in self.answers)
            if (at := text.find(answer)) >= 0
        )


def main() -> None:
    """Both ways on the same documents and questions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="where vectors are kept between runs")
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--texts", type=int, default=20, help="texts a document")
    arguments = parser.parse_args()
    count = arguments.documents * arguments.texts
    texts = [Text(row["id"], row.get("title", ""), row["text"]) for row in _rows(arguments.folder / "corpus.jsonl")][
        :count
    ]
    known = {text.id for text in texts}
    queries = [
        Question(row["query"], frozenset(row["positives"]), tuple(row["answers"]))
        for row in _rows(arguments.folder / "queries.jsonl")
        if known & set(row["positives"])
    ]
    embedder = CachedEmbedder(E5Embedder(arguments.cache), VectorCache(arguments.cache / "vectors.sqlite"))
    states = StateStore(arguments.cache / STATES_FILE, embedder.name)
    documents = [texts[at : at + arguments.texts] for at in range(0, len(texts), arguments.texts)]
    print(f"{len(documents)} documents, {len(texts)} texts, {len(queries)} questions")
    ways: tuple[tuple[str, Callable[[Sequence[Text], str], list[Entry]]], ...] = (
        ("by structure", _by_structure),
        ("fixed size", _fixed),
        ("fixed size, a fifth shared", _overlapping),
    )
    for name, cut in ways:
        entries = [entry for number, document in enumerate(documents) for entry in cut(document, f"{number}.md")]
        print(f"{name}: {_measured(entries, texts, queries, embedder, states)}", flush=True)


def _measured(
    entries: Sequence[Entry],
    texts: Sequence[Text],
    queries: Sequence[Question],
    embedder: CachedEmbedder,
    states: StateStore,
) -> str:
    homes = {entry.id: _home(entry, texts) for entry in entries}
    whole = {text.id: text.text for text in texts}
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(Path(folder), embedder, make_tokenizer(), states)
        index.upsert(entries)
        searcher = Searcher(index, embedder, Calibration.shipped())
        first = fifth = section = 0
        for query in queries:
            found = [hit.entry for hit in searcher.search(query.text, SCOPE).hits[:5]]
            right = [query.is_answered(each.text, whole) for each in found]
            first, fifth = first + any(right[:1]), fifth + any(right)
            section += query.is_answered(_around(found[0].text, whole[homes[found[0].id]]), whole)
        index.close()
    length, count = sum(len(entry.text) for entry in entries) / len(entries), len(queries)
    return (
        f"R@1 {first / count:.3f}, R@5 {fifth / count:.3f}, with its section {section / count:.3f};"
        f" {len(entries)} passages of {length:.0f} characters"
    )


def _around(passage: str, section: str) -> str:
    """The passage with as much of its section as fits, half before and half after."""
    middle = max(section.find(passage[len(passage) // 2 :][:20]), 0)
    return section[max(0, middle - SECTION_CHARS // 2) : middle + SECTION_CHARS // 2]


def _home(entry: Entry, texts: Sequence[Text]) -> str:
    """The text that most of a passage comes from, told by its pieces."""
    pieces = [entry.text[at : at + 12] for at in range(0, len(entry.text), 12)]
    return max(texts, key=lambda text: sum(piece in text.text for piece in pieces)).id


def _by_structure(document: Sequence[Text], source: str) -> list[Entry]:
    markdown = "\n\n".join(f"## {text.title or text.id}\n\n{text.text}" for text in document)
    return list(passages(load_markdown(markdown, name=source), _origin(source)))


def _fixed(document: Sequence[Text], source: str) -> list[Entry]:
    return _windows(document, source, TARGET_CHARS)


def _overlapping(document: Sequence[Text], source: str) -> list[Entry]:
    return _windows(document, source, TARGET_CHARS * 4 // 5)


def _windows(document: Sequence[Text], source: str, step: int) -> list[Entry]:
    whole = "\n\n".join(f"{text.title or text.id}\n\n{text.text}" for text in document)
    return [
        make_entry(
            _origin(source), kind=EntryKind.PASSAGE, title=source, text=whole[at : at + TARGET_CHARS], location=str(at)
        )
        for at in range(0, len(whole), step)
    ]


def _origin(source: str) -> Origin:
    return Origin(tenant="t", collection="c", audience=Audience.PUBLIC, source=source)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
