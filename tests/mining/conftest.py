"""Documents as ingestion makes them, and the real embedder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.knowledge.chunk import passages
from bot.knowledge.embedder import E5Embedder, Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.loaders.markdown import load_markdown
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.mining.pairs import Pair, Passage, passages_of
from bot.mining.rules import rule_pairs
from bot.records.database import Database
from bot.texts import Texts
from tests.llm.conftest import make_model, model, server

__all__ = ["make_model", "model", "server"]

Mine = Callable[[str], list[Pair]]


def origin(source: str = "手册.md", audience: Audience = Audience.PUBLIC) -> Origin:
    return Origin(tenant="academy", collection="imaging", audience=audience, source=source)


def read(text: str, source: str = "手册.md") -> list[Entry]:
    """The passages of a Markdown document."""
    return list(passages(load_markdown(text, name=source.removesuffix(".md")), origin(source)))


def passage(text: str, source: str = "手册.md") -> Passage:
    return next(passages_of(read(text, source)))


def mine(text: str, source: str = "手册.md") -> list[Pair]:
    """The pairs that the rules find in a Markdown document."""
    return [pair for each in passages_of(read(text, source)) for pair in rule_pairs(each, Texts())]


def faq(question: str, answer: str, *similar: str, valid_from: float = 0.0, valid_to: float = 4e9) -> Entry:
    return make_entry(
        origin("faq.csv"),
        kind=EntryKind.FAQ,
        title=question,
        questions=(question, *similar),
        text=answer,
        location="第 2 行",
        valid_from=valid_from,
        valid_to=valid_to,
    )


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the graph of the embedder is built, once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def embedder(model_cache: Path) -> Embedder:
    return E5Embedder(model_cache)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite")
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture
def store(database: Database) -> KnowledgeStore:
    return KnowledgeStore(database)
