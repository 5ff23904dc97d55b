"""One cache for all that runs the model."""

import pytest

from bot.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """With one cache for all tests: the model's graph takes seconds to build."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"))
