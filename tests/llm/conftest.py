"""A fake server, and models that ask it."""

import time
from collections.abc import Callable, Iterator

import pytest
import redis

from bot.llm.budget import TokenBudget
from bot.llm.exchange import ModelServer
from bot.llm.model import LanguageModel, ModelConfig, Role
from bot.llm.usage import Prices
from tests.fakes.llm_server import LlmServer

MakeModel = Callable[..., LanguageModel]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running


@pytest.fixture
def make_model(server: LlmServer, redis_client: redis.Redis) -> Iterator[MakeModel]:
    """Builds models that ask ``server`` and are closed in the end."""
    servers: list[ModelServer] = []

    def make(
        *,
        first_token_s: float = 5.0,
        between_tokens_s: float = 5.0,
        timeout_s: float = 10.0,
        daily_tokens: int | None = None,
        base_url: str = server.url,
    ) -> LanguageModel:
        asked = ModelServer(base_url, "sk-secret")
        servers.append(asked)
        config = ModelConfig(
            names={Role.LARGE: "large-1", Role.SMALL: "small-1"},
            first_token_s=first_token_s,
            between_tokens_s=between_tokens_s,
            timeout_s=timeout_s,
            prices=Prices(input=2.0, output=8.0),
        )
        return LanguageModel(asked, config, TokenBudget(redis_client, daily_tokens, "Asia/Shanghai"))

    yield make
    for asked in servers:
        asked.close()


@pytest.fixture
def model(make_model: MakeModel) -> LanguageModel:
    return make_model()


def soon(seconds: float = 30.0) -> float:
    """A deadline."""
    return time.time() + seconds
