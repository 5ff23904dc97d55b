"""Taking back what was sent (page 94867)."""

import pytest

from bot.channel import Refused, Retry, Unknown
from tests.channels.wecom_app.conftest import Installation
from tests.fakes.scripted_http import Answer, Cut, reply

RECALL_PATH = "/cgi-bin/message/recall"


def recall(here: Installation) -> None:
    here.channel().recall("msg-1", here.clock() + 5.0)


def test_a_message_is_taken_back_by_its_id(here: Installation) -> None:
    assert here.channel().limits.recall_s == 86400
    here.platform.on(RECALL_PATH, reply({"errcode": 0, "errmsg": "ok"}))
    recall(here)
    (request,) = here.platform.to(RECALL_PATH)
    assert (request.query, request.json) == ({"access_token": "token-1"}, {"msgid": "msg-1"})
    assert here.sent == []


def test_a_dead_token_is_fetched_anew(here: Installation) -> None:
    here.platform.on(RECALL_PATH, reply({"errcode": 42001, "errmsg": "expired"}), reply({"errcode": 0}))
    recall(here)
    assert [request.query["access_token"] for request in here.platform.to(RECALL_PATH)] == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("scripted", "error", "code"),
    [
        (reply({"errcode": 40058, "errmsg": "not yours"}), Refused, "40058"),
        (reply({"errcode": 987654, "errmsg": "too old"}), Refused, "987654"),
        (Answer(status=500), Retry, "http_500"),
        (Cut(), Unknown, "connection_lost"),
    ],
)
def test_what_the_platform_says_against_it(
    here: Installation, scripted: Answer | Cut, error: type[Exception], code: str
) -> None:
    here.platform.on(RECALL_PATH, scripted)
    with pytest.raises(error) as raised:
        recall(here)
    assert raised.value.code == code  # type: ignore[attr-defined]
