"""What commands store and look up, on every database: one way through each of them."""

import redis

from bot.messages import MessageKind
from tests.commands.conftest import ADMIN, ANYBODY, Chat
from tests.commands.test_operations import turn
from tests.commands.test_persons import held, remember_everywhere, table
from tests.commands.test_sent import goes_on, outboxes
from tests.conftest import database_url

__all__ = ["database_url"]


def test_figures_and_files(chat: Chat) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    assert "回合 0 个" in chat.hears(ADMIN, "/report")
    turn(chat)
    turn(chat, "b" * 20, kind="refusal", asked_at=chat.office.now - 1, answered_at=chat.office.now)
    assert "从收到到作答平均 1.5 秒，最长 2.0 秒" in chat.hears(ADMIN, "/report week")
    assert len(table(chat, "/export")) == 3


def test_knowledge(chat: Chat) -> None:
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。")
    assert "《几点开门？》" in chat.hears(ADMIN, "/kb approve")
    assert "已批准" in chat.confirms(ADMIN, "/kb approve 1")
    assert "没有待审核的资料" in chat.hears(ADMIN, "/kb approve")
    assert "已撤下" in chat.confirms(ADMIN, "/kb withdraw 1")
    assert "没有找到资料 1" in chat.hears(ADMIN, "/kb withdraw 1")


def test_whoever_is_forgotten(chat: Chat, redis_client: redis.Redis) -> None:
    remember_everywhere(chat, ANYBODY, redis_client)
    chat.confirms(ADMIN, "/forget DR.wang")
    assert not any(held(chat, ANYBODY, redis_client))


def test_what_is_said_to_many(chat: Chat, redis_client: redis.Redis) -> None:
    turn(chat)
    for _ in range(2):
        chat.hears(ADMIN, "/broadcast 明天停机")
    text = chat.confirms(ADMIN, "/broadcast 明天停机")
    assert text.startswith("群发 1 已开始，共 1 人")
    begun = chat.office.tools.broadcasts
    again = begun.start("imaging", "x", [], turn_id=_turn_of(chat), by=ADMIN)
    assert (again.number, again.text) == (1, "【通知】明天停机"), "a turn that runs again finds what it began"
    assert goes_on(chat, redis_client) == 1
    assert outboxes(chat, redis_client, ANYBODY) == [1]
    assert goes_on(chat, redis_client) == 0
    assert "没有正在进行的群发" in chat.hears(ADMIN, "/broadcast stop")


def _turn_of(chat: Chat) -> str:
    """The turn that asked for what was confirmed last."""
    return chat.office.audited[-1].subject.removeprefix("turn:")
