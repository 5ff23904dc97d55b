"""Vectors made beforehand: all of them, by several threads, behind whatever else this process does."""

import os
from pathlib import Path

import numpy as np
import pytest

from bot.errors import Unavailable
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.opening import vector_cache
from bot.knowledge.points import body, texts_with_states
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.warming import SHARE, warm_vectors
from bot.settings import Settings
from tests.knowledge.small_index import entry

ENTRIES = [entry(f"第 {number} 段。") for number in range(2 * SHARE + 1)]


def test_every_vector_and_state_is_there_afterwards(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    done: list[int] = []
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    warm_vectors(settings, cores=2)(iter(ENTRIES), done.append)
    assert sorted(done) == [1, SHARE, SHARE]
    assert os.getpriority(os.PRIO_PROCESS, 0) == niceness
    cache = vector_cache(settings)
    bodies = [body(each) for each in ENTRIES]
    kept = cache.vectors(E5Embedder.name, "passage", bodies, lambda missing: pytest.fail(f"not kept: {missing}"))
    cache.close()
    assert np.allclose(np.linalg.norm(kept, axis=1), 1.0, atol=1e-5)
    states = StateStore(settings.index_dir / STATES_FILE, E5Embedder.name)
    assert states.missing(text for each in ENTRIES for text in texts_with_states(each)) == {}
    states.close()


def test_an_embedder_that_does_not_answer_ends_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, embedding_base_url="http://127.0.0.1:9", embedding_model="m")  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        warm_vectors(settings)(iter(ENTRIES), lambda _done: None)
