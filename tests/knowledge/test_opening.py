"""Which index is opened, and by whom."""

from pathlib import Path

from bot.knowledge.opening import index_in_use
from bot.settings import Settings
from tests.knowledge.small_index import open_small_index


def test_that_another_process_has_the_index_open_is_seen_without_opening_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert not index_in_use(settings), "there is none"
    index = open_small_index(tmp_path)
    assert index_in_use(settings)
    index.close()
    assert not index_in_use(settings)
    open_small_index(tmp_path).close()
    assert not index_in_use(settings.model_copy(update={"qdrant_url": "http://127.0.0.1:6333"}))
