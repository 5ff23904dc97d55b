"""The web process follows the file: new bots answer callbacks, removed ones are gone, ``/readyz`` says what runs."""

from dataclasses import replace

import pytest

from bot import keys
from bot.messages import ConversationId
from bot.overload import Overload
from bot.web.health import CONFIGURATION_LAG_S, configuration_report
from tests.reload.callbacks import message, verification, web
from tests.reload.conftest import FINANCE, IMAGING, NOW, Corp, Installation, bots_yaml, put, settle
from tests.reload.test_reloader import LAW


def waiting(installation: Installation, corp: Corp) -> int:
    conversation = ConversationId(bot=corp.bot, channel="app", person="wang.fang")
    return int(installation.kit.redis.llen(keys.queue(conversation)))


def test_a_new_bot_answers_callbacks(installation: Installation) -> None:
    client = web(installation)
    assert verification(client, LAW).status_code == 404
    installation.says(IMAGING.block(), LAW.block())
    assert verification(client, LAW, "hello").data == b"hello"
    assert message(client, LAW).status_code == 200
    assert waiting(installation, LAW) == 1


def test_a_removed_bot_is_not_found_whoever_asks(installation: Installation) -> None:
    client = web(installation)
    assert message(client, FINANCE).status_code == 200
    installation.says(IMAGING.block())
    assert message(client, FINANCE, message_id="2").status_code == 404
    assert client.post("/callback/finance/app", data=b"forged").status_code == 404
    assert waiting(installation, FINANCE) == 1, "what was accepted is kept"


def test_changed_keys_are_the_only_ones_that_open(installation: Installation) -> None:
    client = web(installation)
    rekeyed = replace(IMAGING, token="newToken", encoding_aes_key="N" * 42 + "A")
    installation.says(rekeyed.block(), FINANCE.block())
    assert message(client, IMAGING).status_code == 403
    assert message(client, rekeyed).status_code == 200


def test_two_bots_that_swap_their_keys_swap_them_at_once(installation: Installation) -> None:
    client = web(installation)
    imaging = replace(IMAGING, token=FINANCE.token, encoding_aes_key=FINANCE.encoding_aes_key)
    finance = replace(FINANCE, token=IMAGING.token, encoding_aes_key=IMAGING.encoding_aes_key)
    installation.says(imaging.block(), finance.block())
    for bot, before in ((imaging, IMAGING), (finance, FINANCE)):
        assert message(client, before).status_code == 403
        assert message(client, bot).status_code == 200
        assert waiting(installation, bot) == 1


@pytest.mark.parametrize(("bot", "other"), [(IMAGING, FINANCE), (FINANCE, IMAGING)], ids=lambda corp: corp.bot)
def test_each_bot_opens_callbacks_of_its_own_corp_alone(installation: Installation, bot: Corp, other: Corp) -> None:
    client = web(installation)
    assert message(client, bot, sealed_for=other).status_code == 403
    assert message(client, bot, receive_id=other.corp_id).status_code in {400, 403}
    assert (waiting(installation, bot), waiting(installation, other)) == (0, 0)
    assert message(client, bot).status_code == 200
    assert (waiting(installation, bot), waiting(installation, other)) == (1, 0)


def test_readyz_is_degraded_while_a_bot_is_overloaded_and_says_which(installation: Installation) -> None:
    client = web(installation)
    assert client.get("/readyz").json["load"] == {"state": "ok", "overloaded": {}}
    Overload(installation.kit.redis).note(IMAGING.bot, "refused", 2)
    load = client.get("/readyz").json["load"]
    assert load["state"] == "degraded"
    assert {bot: told["refused"] for bot, told in load["overloaded"].items()} == {IMAGING.bot: 2}


def test_readyz_says_what_runs_and_for_whom(installation: Installation) -> None:
    installation.look()
    worker = installation.process("worker")
    settle(worker)
    found = web(installation).get("/readyz").json["configuration"]  # type: ignore[index]
    assert found["state"] == "ok"
    assert found["version"] == installation.snapshot.version
    assert found["problems"] == []
    (told,) = found["processes"].values()  # both are this test's process
    assert told == {"kind": "web", "version": installation.snapshot.version, "state": "ok"}


def test_readyz_is_degraded_and_ready_as_before_while_a_bad_file_waits(installation: Installation) -> None:
    client = web(installation)
    put(installation.file, bots_yaml(IMAGING.block(), FINANCE.block().replace("agent_id: 1000002", "agent_id: no")))
    installation.look()
    found = client.get("/readyz").json
    assert found is not None
    assert found["configuration"]["state"] == "degraded"
    assert found["configuration"]["problems"] == list(installation.standing.problems)
    assert "bots.yaml:20: bots.finance.channels.app.agent_id" in found["configuration"]["problems"][0]
    assert message(client, FINANCE).status_code == 200, "the last good configuration runs"


def test_a_process_that_lags_is_named_after_ten_seconds(installation: Installation) -> None:
    own = replace(installation.standing, version="new", since=NOW)
    standings = {"a:1": own, "b:2": replace(own, kind="worker", version="old", since=NOW - 3600)}
    within = configuration_report(own, standings, NOW + CONFIGURATION_LAG_S)
    assert within["state"] == "ok", "processes look at their own time"
    after = configuration_report(own, standings, NOW + CONFIGURATION_LAG_S + 0.1)
    assert after["state"] == "degraded"
    assert {name: told["state"] for name, told in after["processes"].items()} == {"a:1": "ok", "b:2": "lagging"}


def test_another_process_that_refuses_the_file_is_named_with_its_faults(installation: Installation) -> None:
    own = installation.standing
    report = configuration_report(own, {"a:1": own, "b:2": replace(own, problems=("bots.yaml:1: no",))}, NOW)
    assert report["state"] == "degraded"
    assert report["processes"]["b:2"]["state"] == "refusing"
    assert report["problems"] == ["bots.yaml:1: no"]
