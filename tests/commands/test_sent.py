"""Taking back what was sent, and saying something to many."""

from dataclasses import dataclass, field

import pytest
import redis

from bot import keys
from bot.broadcasts import BATCH, LATEST_S
from bot.channel import Limits, Refused, Retry
from bot.messages import ConversationId
from bot.posting import post
from bot.replies import OutboxReply
from bot.switches import State, Switch
from tests.commands.conftest import ADMIN, GROUP, GROUP_ADMIN, Chat
from tests.commands.test_operations import TURN, turn
from tests.delivery.conftest import RecordingChannel
from tests.handoff.office import make_bot


@dataclass
class TakingBack(RecordingChannel):
    """A channel at the edge that takes back what was sent, or fails as told."""

    outcomes: list[Exception | None] = field(default_factory=list)
    recalled: list[str] = field(default_factory=list)

    @property
    def limits(self) -> Limits:
        return Limits(text_bytes=2048, markdown_bytes=2048, send_timeout_s=10.0, pushes=True, recall_s=86400.0)

    def recall(self, message_id: str, deadline: float) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.recalled.append(message_id)


@pytest.fixture
def channel(chat: Chat) -> TakingBack:
    channel = TakingBack()
    chat.office.channels["imaging", "app"] = channel
    return channel


def test_every_message_of_a_reply_is_taken_back(chat: Chat, channel: TakingBack) -> None:
    turn(chat, platform_ids=("p1", "", "p2"))
    assert chat.hears(ADMIN, f"/recall {TURN}").startswith(f"已请平台撤回回合 {TURN} 的 2 条消息。")
    assert channel.recalled == ["p1", "p2"]
    assert chat.office.audited[-1].details | {"recalled": 2, "parts": 2} == chat.office.audited[-1].details


@pytest.mark.parametrize("error", [Refused("42052"), Retry(1.0, "http_500")])
def test_what_could_not_be_taken_back_is_said(chat: Chat, channel: TakingBack, error: Exception) -> None:
    turn(chat, platform_ids=("p1", "p2"))
    channel.outcomes = [error, None]
    text = chat.hears(ADMIN, f"/recall {TURN}")
    assert text == f"回合 {TURN} 的 2 条消息撤回了 1 条，其余失败（{error.code}）。"  # type: ignore[attr-defined]


def test_where_nothing_can_be_taken_back_it_says_so(chat: Chat, channel: TakingBack) -> None:
    assert "没有找到这个回合" in chat.hears(ADMIN, f"/recall {TURN}")
    turn(chat, platform_ids=("",))
    assert "没有平台消息编号" in chat.hears(ADMIN, f"/recall {TURN}")
    turn(chat, platform_ids=("p1",), sent_at=(chat.office.now - 86401,))
    assert "发出已超过 24 小时" in chat.hears(ADMIN, f"/recall {TURN}")
    turn(chat, platform_ids=("p1",), sent_at=(chat.office.now - 86399,))
    assert "已请平台撤回" in chat.hears(ADMIN, f"/recall {TURN}")
    chat.office.channels["imaging", "app"] = RecordingChannel()
    assert "不支持撤回" in chat.hears(ADMIN, f"/recall {TURN}")


def test_the_admin_of_a_group_takes_back_what_was_said_there(chat: Chat, channel: TakingBack) -> None:
    turn(chat, platform_ids=("private",))
    turn(chat, "b" * 20, platform_ids=("there",), group=GROUP)
    assert "没有找到这个回合" in chat.hears(GROUP_ADMIN, f"/recall {TURN}", chat=GROUP)
    chat.says(GROUP_ADMIN, "/撤回", chat=GROUP)
    assert channel.recalled == ["there"]


def known(chat: Chat, *people: str) -> None:
    """``people`` have written to the bot in their single chats."""
    for number, person in enumerate(people):
        conversation = ConversationId(bot="imaging", channel="app", person=person)
        turn(chat, f"known{number:015}", person=person, conversation=conversation.key)


def goes_on(chat: Chat, client: redis.Redis) -> int:
    def put(conversation: ConversationId, reply: OutboxReply) -> bool:
        return post(client, lambda _key: None, conversation, reply)

    return chat.office.tools.broadcasts.go_on(put, lambda to: chat.office.switches.stopping(to) is not None)


def outboxes(chat: Chat, client: redis.Redis, *people: str) -> list[int]:
    return [client.llen(keys.outbox(ConversationId(bot="imaging", channel="app", person=one))) for one in people]


def test_those_hear_it_who_wrote_lately_once_each(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, "a", "B", "b", "blocked")
    turn(chat, "x" * 20, person="long.ago", asked_at=chat.office.now - 91 * 86400, conversation="imaging/app//long.ago")
    turn(chat, "y" * 20, person="elsewhere", conversation="second/app//elsewhere", bot="second")
    turn(chat, "z" * 20, person="grouped", group="g")
    chat.says(ADMIN, "/block blocked")
    assert chat.says(ADMIN, "/broadcast 明天停机").text.startswith("将发给 2 人：\n【通知】明天停机")
    assert chat.confirms(ADMIN, "/broadcast 明天停机").startswith("群发 1 已开始，共 2 人")
    assert goes_on(chat, redis_client) == 2
    assert outboxes(chat, redis_client, "a", "B", "blocked", "long.ago") == [1, 1, 0, 0]
    assert goes_on(chat, redis_client) == 0
    newest = chat.office.tools.broadcasts.newest("imaging")
    assert newest is not None
    assert (newest.posted, newest.recipients, newest.ended_at) == (2, 2, chat.office.now)


def test_nobody_is_left_out_however_many_share_a_bucket(chat: Chat, redis_client: redis.Redis) -> None:
    names = [f"dr.{number}" for number in range(2000)]
    bucket = {one: ConversationId(bot="imaging", channel="app", person=one).tag for one in names}
    people = [one for one in names if bucket[one] == bucket["dr.0"]][:3]
    known(chat, *people)
    chat.confirms(ADMIN, "/broadcast 明天停机")
    assert goes_on(chat, redis_client) == 3
    assert outboxes(chat, redis_client, *people) == [1, 1, 1]


def test_a_long_broadcast_keeps_nobody_waiting_who_is_said_something_else(
    chat: Chat, redis_client: redis.Redis
) -> None:
    known(chat, *(f"p{number:03}" for number in range(3 * BATCH)))
    chat.confirms(ADMIN, "/broadcast 明天停机")
    turn(chat, "s" * 20, person="elsewhere", conversation="second/app//elsewhere", bot="second")
    chat.confirms(ADMIN, "/broadcast 后天开放", bot=make_bot("second"))
    assert goes_on(chat, redis_client) == BATCH
    elsewhere = ConversationId(bot="second", channel="app", person="elsewhere")
    assert redis_client.llen(keys.outbox(elsewhere)) == 1
    assert [goes_on(chat, redis_client) for _ in range(3)] == [BATCH, BATCH, 1]


def test_a_round_that_died_half_way_says_nothing_twice(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, "a", "b")
    chat.confirms(ADMIN, "/broadcast 明天停机")

    def put_and_die(conversation: ConversationId, reply: OutboxReply) -> bool:
        post(redis_client, lambda _key: None, conversation, reply)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chat.office.tools.broadcasts.go_on(put_and_die, lambda _to: False)
    assert goes_on(chat, redis_client) == 2
    assert outboxes(chat, redis_client, "a", "b") == [1, 1]


def test_it_goes_at_a_pace_and_can_be_stopped(chat: Chat, redis_client: redis.Redis) -> None:
    people = [f"p{number:03}" for number in range(BATCH + 5)]
    known(chat, *people)
    chat.confirms(ADMIN, "/broadcast 明天停机")
    assert goes_on(chat, redis_client) == BATCH
    assert f"群发 1：已发 {BATCH}/{BATCH + 5}" in chat.hears(ADMIN, "/status")
    assert chat.hears(ADMIN, "/broadcast stop") == f"群发 1 已停止，已发 {BATCH}/{BATCH + 5}。"
    assert goes_on(chat, redis_client) == 0
    assert chat.hears(ADMIN, "/broadcast stop") == "没有正在进行的群发。"


def test_a_bot_that_stands_still_says_nothing_to_many_either(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, "a")
    chat.confirms(ADMIN, "/broadcast 明天停机")
    chat.office.switches.turn([Switch(bot="imaging", state=State.KILLED, at=chat.office.now, by=ADMIN)], "kill")
    assert goes_on(chat, redis_client) == 0
    chat.says(ADMIN, "/resume")
    assert goes_on(chat, redis_client) == 1


def test_what_could_not_be_said_for_days_is_not_said_late(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, "a")
    chat.confirms(ADMIN, "/broadcast 明天停机")
    chat.says(ADMIN, "/kill")
    chat.office.now += LATEST_S + 1
    chat.says(ADMIN, "/resume")
    assert goes_on(chat, redis_client) == 0
    assert chat.hears(ADMIN, "/broadcast stop") == "没有正在进行的群发。"
    newest = chat.office.tools.broadcasts.newest("imaging")
    assert newest is not None
    assert (newest.posted, newest.recipients) == (0, 1)


def test_a_bot_that_stands_still_keeps_no_other_from_speaking(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, *(f"p{number:03}" for number in range(BATCH)))
    chat.confirms(ADMIN, "/broadcast 明天停机")
    turn(chat, "s" * 20, person="elsewhere", conversation="second/app//elsewhere", bot="second")
    chat.confirms(ADMIN, "/broadcast 后天开放", bot=make_bot("second"))
    chat.says(ADMIN, "/kill")
    assert goes_on(chat, redis_client) == 1
    elsewhere = ConversationId(bot="second", channel="app", person="elsewhere")
    assert redis_client.llen(keys.outbox(elsewhere)) == 1


def test_what_cannot_be_said_to_many_is_refused_before_the_confirmation(chat: Chat) -> None:
    assert "没有可发送的对象" in chat.hears(ADMIN, "/broadcast 明天停机")
    known(chat, "a")
    assert "超过一条消息的上限 2048" in chat.hears(ADMIN, "/broadcast " + "长" * 700)
