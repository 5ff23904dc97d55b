"""A bot's tokens of the day."""

from pathlib import Path

import pytest
import redis

from bot.errors import BudgetSpent, Unavailable
from bot.llm.budget import TokenBudget
from bot.llm.model import Role
from bot.redis_client import connect
from tests.fakes.llm_server import Hang, LlmServer, Say
from tests.llm.conftest import MakeModel, soon

MESSAGES = [{"role": "user", "content": "问"}]
MIDNIGHT_IN_SHANGHAI = 1_700_000_000 - 1_700_000_000 % 86400 + 16 * 3600


def test_a_bot_that_spent_its_day_makes_no_call(server: LlmServer, make_model: MakeModel) -> None:
    server.on(Say("好"))
    model = make_model(daily_tokens=150)
    for _ in range(2):  # 120 tokens each: the second begins below the limit
        model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon())
    with pytest.raises(BudgetSpent):
        model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon())
    assert len(server.requests) == 2
    assert model.complete(Role.LARGE, MESSAGES, bot="another", deadline=soon()).text == "好"
    assert model.health()["state"] == "ok"


def test_an_answer_left_early_is_charged_too(server: LlmServer, make_model: MakeModel) -> None:
    server.on(Hang(after="渗透压" * 10))
    model = make_model(daily_tokens=30)
    with model.stream(Role.LARGE, MESSAGES, bot="imaging", deadline=soon()) as generation:
        next(iter(generation))
    with pytest.raises(BudgetSpent):
        model.complete(Role.LARGE, MESSAGES, bot="imaging", deadline=soon())


def test_the_day_is_the_time_zones_and_the_count_expires(redis_client: redis.Redis) -> None:
    now = MIDNIGHT_IN_SHANGHAI - 1.0
    budget = TokenBudget(redis_client, 10, "Asia/Shanghai", lambda: now)
    budget.charge("imaging", 10)
    with pytest.raises(BudgetSpent):
        budget.check("imaging")
    assert [0 < redis_client.ttl(key) <= 2 * 86400 for key in redis_client.keys("llm:tokens:*")] == [True]
    now += 1
    budget.check("imaging")


def test_without_a_limit_redis_is_not_asked(tmp_path: Path) -> None:
    nowhere = connect(f"unix://{tmp_path}/none.sock")
    budget = TokenBudget(nowhere, None, "Asia/Shanghai")
    budget.check("imaging")
    budget.charge("imaging", 10)


def test_without_redis_a_limited_bot_does_not_ask_and_an_answer_is_not_lost(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nowhere = connect(f"unix://{tmp_path}/none.sock")
    budget = TokenBudget(nowhere, 10, "Asia/Shanghai")
    with pytest.raises(Unavailable):
        budget.check("imaging")
    budget.charge("imaging", 10)
    assert "llm_budget_not_charged" in capsys.readouterr().out
