"""Two bots of two corps in one process: keys, tokens and replies of each go their own way, whatever the other does."""

import pytest

from bot.channel import Refused
from bot.messages import ConversationId
from bot.parts import Text
from tests.fakes.scripted_http import Answer, Recorded, ScriptedServer, reply
from tests.reload.conftest import FINANCE, IMAGING, NOW, Corp, Installation

TOKEN_PATH, SEND_PATH = "/cgi-bin/gettoken", "/cgi-bin/message/send"
NEW_SECRET = "secret-of-imaging-renewed"


@pytest.fixture(autouse=True)
def corps(platform: ScriptedServer) -> ScriptedServer:
    """A platform that gives each corp a token of its own, for the right secret only."""
    secrets = {IMAGING.corp_id: {IMAGING.secret, NEW_SECRET}, FINANCE.corp_id: {FINANCE.secret}}

    def token(request: Recorded) -> Answer:
        corp, secret = request.query["corpid"], request.query["corpsecret"]
        if secret not in secrets[corp]:
            return reply({"errcode": 40001, "errmsg": "invalid credential"})
        return reply({"errcode": 0, "access_token": f"token-of-{corp}-for-{secret}", "expires_in": 7200})

    platform.on(TOKEN_PATH, token)
    platform.on(SEND_PATH, reply({"errcode": 0, "errmsg": "ok", "msgid": "m"}))
    return platform


def says(installation: Installation, corp: Corp, text: str) -> None:
    """The bot of ``corp`` writes to 王芳, who is in both corps."""
    conversation = ConversationId(bot=corp.bot, channel="app", person="wang.fang")
    channel = installation.live.channels[corp.bot, "app"]
    channel.send(conversation, Text(text), f"{corp.bot}:{text}", NOW + 5)


def sent(platform: ScriptedServer) -> list[tuple[str, str]]:
    """Every message with the token under which it went out."""
    return [(call.query["access_token"], call.json["text"]["content"]) for call in platform.to(SEND_PATH)]


def token_fetches(platform: ScriptedServer, corp: Corp) -> int:
    return sum(call.query["corpid"] == corp.corp_id for call in platform.to(TOKEN_PATH))


def test_replies_go_to_the_corp_that_asked_under_its_own_token(
    installation: Installation, platform: ScriptedServer
) -> None:
    for corp in (IMAGING, FINANCE, IMAGING):
        says(installation, corp, f"{corp.name}{len(sent(platform))}")
    imaging, finance = (f"token-of-{corp.corp_id}-for-{corp.secret}" for corp in (IMAGING, FINANCE))
    assert sent(platform) == [(imaging, "小影0"), (finance, "小财1"), (imaging, "小影2")]
    assert token_fetches(platform, IMAGING) == token_fetches(platform, FINANCE) == 1


def test_a_new_secret_of_one_leaves_the_other_undisturbed(installation: Installation, platform: ScriptedServer) -> None:
    says(installation, IMAGING, "一")
    says(installation, FINANCE, "一")
    other = installation.live.channels["finance", "app"]
    installation.says(IMAGING.block(secret=NEW_SECRET), FINANCE.block())
    says(installation, IMAGING, "二")
    says(installation, FINANCE, "二")
    assert installation.live.channels["finance", "app"] is other
    assert token_fetches(platform, FINANCE) == 1
    assert [token for token, _ in sent(platform)[2:]] == [
        f"token-of-{IMAGING.corp_id}-for-{NEW_SECRET}",
        f"token-of-{FINANCE.corp_id}-for-{FINANCE.secret}",
    ]


def test_a_wrong_secret_of_one_stops_that_one_alone(installation: Installation, platform: ScriptedServer) -> None:
    installation.says(IMAGING.block(secret="wrong-secret"), FINANCE.block())
    with pytest.raises(Refused):
        says(installation, IMAGING, "一")
    says(installation, FINANCE, "一")
    installation.says(IMAGING.block(), FINANCE.block())
    says(installation, IMAGING, "二")
    assert [text for _, text in sent(platform)] == ["一", "二"]
