"""Who was not taken hears so, where the answer to the callback cannot say it."""

from dataclasses import replace

import pytest

from bot.bots_file import BotConfig
from bot.busy import BusyNotices
from bot.events import Entered
from bot.messages import ConversationId, MessageKind
from bot.parts import words_of
from bot.replies import OutboxReply
from bot.texts import Texts
from tests.delivery.conftest import make_message

NOW = 1_800_000_000.0
BOT = BotConfig.model_validate({"id": "imaging", "name": "小影", "channels": {}})


@pytest.mark.parametrize(("text", "words"), [("你好", "一分钟"), ("hello there", "please")])
def test_the_person_hears_once_a_minute_and_in_their_language(text: str, words: str) -> None:
    posted: list[tuple[ConversationId, OutboxReply]] = []
    now = [NOW]
    notices = BusyNotices(lambda *one: posted.append(one) is None, Texts(), {"imaging": BOT}, lambda: now[0])
    message = make_message("1", text)
    notices.tell(message)
    notices.tell(message)
    now[0] += 60
    notices.tell(message)
    first, again, later = (reply.key for _, reply in posted)
    assert first == again != later
    assert {conversation for conversation, _ in posted} == {message.conversation}
    assert words in words_of(posted[0][1].parts[0]).lower()


def test_nobody_waits_for_a_word_about_an_event() -> None:
    posted: list[object] = []
    notices = BusyNotices(lambda *one: posted.append(one) is None, Texts(), {"imaging": BOT}, lambda: NOW)
    notices.tell(replace(make_message("1", ""), kind=MessageKind.EVENT, event=Entered()))
    assert posted == []
