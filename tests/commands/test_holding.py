"""What people hear while a bot stands still: an honest line and a human, whatever they send, and no answer."""

from dataclasses import replace

import pytest

from bot.conversation import TurnOutcome
from bot.events import CardClick, Entered
from bot.messages import MessageKind, Sender
from bot.parts import Card
from bot.switches import State, Switch
from tests.pipeline.conftest import (
    NOW,
    House,
    composer,
    embedder,
    house,
    searcher,
    speech,
    tokenizer,
    words,
)

__all__ = ["composer", "embedder", "house", "searcher", "speech", "tokenizer"]

QUESTION, ANSWER = "年假有几天？", "入职满一年有五天"
KILLED = Switch(bot="imaging", state=State.KILLED, at=NOW, by="zhang.wei")


def turn(house: House, **fields: object) -> None:
    """Let something stand still from now on."""
    switch = replace(KILLED, **fields)  # type: ignore[arg-type]
    house.tools.switches.turn([switch], f"turn {switch}")


def commands(house: House, text: str, **more: object) -> TurnOutcome:
    """The admin writes to the app."""
    message = house.message(text, **more)
    admin = replace(message, conversation=replace(message.conversation, person="zhang.wei"))
    return house.pipeline.run([replace(admin, sender=Sender(id="zhang.wei"))], house.shown.append)


def test_a_killed_bot_says_so_and_brings_a_human(house: House) -> None:
    assert ANSWER in house.hears(QUESTION)
    commands(house, "/kill")
    outcome = house.says(QUESTION)
    assert words(outcome).startswith("抱歉，管理员已暂时停用自动回答，这条消息我没有回答。\n已为您转接人工（工单 1）")
    assert ANSWER not in words(outcome)
    assert {post.conversation.person for post in outcome.posts} == {"li.na"}
    assert QUESTION in outcome.posts[0].reply.parts[0].content  # type: ignore[union-attr]
    assert words(house.says("还在吗")) == "", "a human has the conversation now"
    commands(house, "/resume")
    commands(house, "/release 1")
    assert ANSWER in house.hears(QUESTION)


def test_an_answer_that_was_looked_for_meanwhile_is_not_given(house: House) -> None:
    def link(label: str, _url: str) -> str:
        turn(house)
        return label

    house.channels["imaging", "app"].link = link  # type: ignore[method-assign]
    outcome = house.says(QUESTION)
    assert words(outcome).startswith("抱歉，管理员已暂时停用自动回答")
    assert ANSWER not in words(outcome) + outcome.reply.record


@pytest.mark.parametrize("text", [QUESTION, "有用", "", "那是谁"])
def test_whatever_is_written_is_held(house: House, text: str) -> None:
    turn(house)
    assert words(house.says(text)).startswith("抱歉，管理员已暂时停用自动回答")


def test_what_is_no_question_goes_on(house: House) -> None:
    turn(house)
    assert "人工" in house.hears("转人工")
    assert house.event(Entered()).reply.record
    assert "可用命令" in house.hears("/help")


def test_a_paused_bot_says_until_when(house: House) -> None:
    turn(house, state=State.PAUSED, until=NOW + 3600, chat="doctors")
    held = house.hears(QUESTION, channel="ai", chat="doctors")
    assert held.startswith("抱歉，自动回答暂停到 01-15 17:00，这条消息我没有回答。")
    assert ANSWER in house.hears(QUESTION, channel="ai", chat="others")
    house.clock.now += 3600
    house.tools.desk.tickets.unanswered(*house.tools.desk.tickets.overdue())
    assert ANSWER in house.hears(QUESTION, channel="ai", chat="doctors")


def test_what_waited_before_a_drain_is_finished_and_the_rest_not_taken(house: House) -> None:
    turn(house, state=State.DRAINING)
    assert ANSWER in house.hears(QUESTION, received_at=NOW - 1)
    outcome = house.says(QUESTION, received_at=NOW + 1)
    assert words(outcome).startswith("抱歉，系统正在准备维护，这条消息没有受理。")
    assert outcome.posts == ()


def test_a_blocked_person_is_not_served_whatever_they_send(house: House) -> None:
    turn(house, state=State.BLOCKED, person="Wang.Fang")
    for text in (QUESTION, "转人工", "/help", "/whoami 我是谁", "撤回同意", "我的信息是什么意思"):
        outcome = house.says(text)
        assert words(outcome).startswith("抱歉，这个机器人目前不为您服务。如有疑问，请联系贵单位的管理员。")
        assert outcome.posts == ()
    assert words(house.event(Entered())) == ""
    assert "可用命令" in words(commands(house, "/help"))


def test_a_blocked_person_sees_and_removes_what_is_held_of_them_and_stays_blocked(house: House) -> None:
    house.hears(QUESTION)
    turn(house, state=State.BLOCKED, person="Wang.Fang")
    assert "只能在单聊里使用" in house.hears("/mydata", channel="ai", chat="doctors")
    for text in ("/mydata", "／我的信息", "你知道我什么"):
        assert "wang.fang" in house.hears(text)
    assert "确认删除我的信息" in house.hears("删除我的信息")
    assert house.hears("确认删除我的信息").startswith("已删除：")
    assert house.hears(QUESTION).startswith("抱歉，这个机器人目前不为您服务。")


def test_a_command_is_confirmed_by_the_button_of_its_card(house: House) -> None:
    house.channels["imaging", "app"].cards = True
    asked = commands(house, "/forget wang.fang")
    card = asked.reply.parts[-1]
    assert isinstance(card, Card)
    click = CardClick(task_id=card.task_id, key=card.buttons[0].key)
    done = commands(house, "", kind=MessageKind.EVENT, event=click)
    assert words(done).startswith("已删除：")
    assert "无效" in words(commands(house, "", kind=MessageKind.EVENT, event=click))


def test_where_there_are_no_cards_the_word_is_enough(house: House) -> None:
    asked = commands(house, "/forget wang.fang")
    assert [type(part).__name__ for part in asked.reply.parts] == ["Text"]
    assert "/confirm " in words(asked)
