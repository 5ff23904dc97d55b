"""A model that asks a fake server, and what is asked."""

from collections.abc import Callable

import pytest
import redis

from bot.answering.asking import Asking
from bot.answering.masks import Masks
from bot.bots_file import BotConfig
from bot.knowledge.entries import Audience, Entry, EntryKind
from tests.llm.conftest import make_model, model, server

__all__ = ["make_model", "model", "server"]

MakeAsking = Callable[..., Asking]


def passage(title: str, text: str, kind: EntryKind = EntryKind.PASSAGE) -> Entry:
    return Entry(
        id=title,
        tenant="academy",
        collection="imaging",
        kind=kind,
        audience=Audience.PUBLIC,
        title=title,
        questions=(title,) if kind is EntryKind.FAQ else (),
        text=text,
        source="手册.md",
        location="",
        valid_from=0.0,
        valid_to=1e12,
    )


@pytest.fixture
def masks(redis_client: redis.Redis) -> Masks:
    return Masks(redis_client, b"a secret of this test, long enough")


@pytest.fixture
def shown() -> list[str]:
    """What the person could read, step by step."""
    return []


@pytest.fixture
def make_asking(shown: list[str]) -> MakeAsking:
    def make(quoted: str = "", language: str = "zh", persona: str = "亲切、耐心", **more: object) -> Asking:
        bot = BotConfig(id="imaging", name="影像小助手", persona=persona, channels={})
        return Asking(bot=bot, language=language, quoted=quoted, show=shown.append, **more)  # type: ignore[arg-type]

    return make
