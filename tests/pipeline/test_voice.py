"""What people say aloud, written down by a speech service, on its way through the pipeline."""

from collections.abc import Iterator

import pytest

from bot.media.speech import SpeechService
from bot.messages import Attachment, MessageKind, ReplyKind
from bot.records.turns import TurnRecord
from tests.fakes.scripted_http import Answer, ScriptedServer, reply
from tests.media import files
from tests.pipeline.conftest import FAQS, House

QUESTION, ANSWER = next(iter(FAQS.items()))
TRANSCRIPTIONS = "/v1/audio/transcriptions"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """The platform, where the voice lies, and the speech service."""
    with ScriptedServer() as running:
        running.on("/voice", Answer(body=files.payload("tone.amr")))
        yield running


@pytest.fixture
def speech(server: ScriptedServer) -> SpeechService:
    return SpeechService(f"{server.url}/v1", "whisper", "", 5.0)


def spoken(house: House, server: ScriptedServer, heard: Answer) -> TurnRecord:
    """The turn of a voice message that the speech service hears so."""
    server.on(TRANSCRIPTIONS, heard)
    voice = Attachment(kind=MessageKind.VOICE, url=f"{server.url}/voice", format="amr")
    return house.record("", kind=MessageKind.VOICE, attachments=(voice,))


def test_a_voice_is_answered_and_the_reply_says_what_was_heard(house: House, server: ScriptedServer) -> None:
    record = spoken(house, server, reply({"text": QUESTION}))
    assert record.answer.startswith(f"您说的是：{QUESTION}\n\n{ANSWER}")
    assert (record.question, record.kind) == (QUESTION, ReplyKind.FAQ)


def test_the_reply_is_in_the_language_that_was_heard(house: House, server: ScriptedServer) -> None:
    record = spoken(house, server, reply({"text": "Where do I find the cafeteria?"}))
    assert record.answer.startswith("You said: Where do I find the cafeteria?")


def test_a_spoken_wish_for_a_human_is_one(house: House, server: ScriptedServer) -> None:
    record = spoken(house, server, reply({"text": "请帮我转人工。"}))
    assert record.kind == ReplyKind.HANDOFF
    assert "已为您转接人工" in record.answer


@pytest.mark.parametrize("words", ["/help", "／release 1", "删除文件"])
def test_nothing_else_that_is_said_is_a_command(house: House, server: ScriptedServer, words: str) -> None:
    assert spoken(house, server, reply({"text": words})).kind == ReplyKind.REFUSAL


def test_a_service_that_fails_is_told_and_nothing_is_guessed(house: House, server: ScriptedServer) -> None:
    record = spoken(house, server, Answer(status=500))
    assert record.answer == "这段语音没能转成文字。请再说一遍，或打字告诉我您的问题。"
    assert record.question == ""


def test_a_bot_that_may_send_no_media_outside_asks_people_to_type(house: House, server: ScriptedServer) -> None:
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"external_media": False})
    record = spoken(house, server, reply({"text": QUESTION}))
    assert ANSWER not in record.answer
    assert "打字" in record.answer
    assert server.to(TRANSCRIPTIONS) == []
