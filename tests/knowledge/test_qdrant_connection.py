"""Connecting to a Qdrant server: which one is taken, and what an operator is warned of."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import KnowledgeError
from bot.knowledge.qdrant_calls import connect
from tests.fakes.qdrant_server import QdrantServer
from tests.knowledge.small_index import open_small_server_index

KEY = "a key of this test"


def test_an_old_server_is_refused(tmp_path: Path) -> None:
    with QdrantServer(version="1.18.2") as old:
        index = open_small_server_index(connect(old.url, None, 10), tmp_path)
        with pytest.raises(KnowledgeError, match=r"is version 1.18.2; version 1.19 or newer is needed"):
            index.count()
        index.close()


@pytest.mark.parametrize(
    ("url", "key", "exposed"),
    [
        ("http://127.0.0.1:6333", None, False),
        ("http://localhost:6333", None, False),
        ("https://qdrant.example:6333", KEY, False),
        ("http://qdrant.example:6333", KEY, True),
        ("http://qdrant.example:6333", None, True),
        ("https://qdrant.example:6333", None, True),
    ],
)
def test_a_server_open_to_others_is_warned_of_once(url: str, key: str | None, *, exposed: bool) -> None:
    with capture_logs() as logs:
        connect(url, key, 10).client.close()
    assert [log["event"] for log in logs] == ["qdrant_exposed"] * exposed
    assert KEY not in str(logs)
