"""``queue`` and ``trace`` as an operator meets them."""

import json
import os
import pwd
import time
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from bot import keys
from bot.dead_letters import DeadLetters
from bot.inbox import Inbox, InboxLimits
from tests.conftest import Run
from tests.delivery.conftest import DOCTOR, make_message
from tests.operations.conftest import dead_message

BOTS = f"""
bots:
  imaging:
    name: 影像
    channels:
      app: {{type: wecom-app, corp_id: ww1, agent_id: 7, secret: s, token: tok, encoding_aes_key: {"k" * 42}A}}
"""


@pytest.fixture
def bot(command_line: Run, tmp_path: Path) -> Run:
    (tmp_path / "bots.yaml").write_text(BOTS)
    return command_line


def accept(client: "redis.Redis", message_id: str) -> None:
    limits = InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99)
    message = replace(make_message(message_id, "不能给人看的话"), received_at=time.time() - 30)
    Inbox(client, limits, lambda _: None).accept(message)


def test_the_queue_says_what_waits_and_what_is_dead_and_no_word_of_anybody(
    bot: Run, redis_client: "redis.Redis", letters: DeadLetters
) -> None:
    accept(redis_client, "m7")
    letters.keep(dead_message())
    key = dead_message().key
    shown = bot("queue")
    assert shown.returncode == 0, shown.stderr
    first, second = shown.stdout.splitlines()
    assert first.startswith("imaging: 1 waiting, the oldest for ")
    assert first.endswith(f"s ({DOCTOR.key}), 0 unsent, 1 dead")
    assert second.startswith(f"  {key}  ")
    assert second.endswith(f"message: KeyError; {DOCTOR.key}, turn {dead_message().turn}")
    content = json.loads(bot("queue", "--json").stdout)["imaging"]
    assert (content["waiting"], content["oldest_in"]) == (1, DOCTOR.key)
    assert [letter["key"] for letter in content["dead"]] == [key]
    assert "不能给人看的话" not in shown.stdout
    assert "问题" not in shown.stdout


def test_a_dead_letter_is_sent_again_and_the_log_says_who_did_it(
    bot: Run, redis_client: "redis.Redis", letters: DeadLetters
) -> None:
    letters.keep(dead_message())
    key = dead_message().key
    done = bot("queue", "resend", key)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{key} is on its way again")
    logged = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["event"], line["actor"], line["key"]) for line in logged] == [
        ("dead_letter_resent", f"cli:{pwd.getpwuid(os.getuid()).pw_name}", key)
    ]
    assert redis_client.llen(keys.queue(DOCTOR)) == 1
    assert redis_client.llen("turns") == 1, "a worker is woken"


def test_a_dead_letter_is_dropped(bot: Run, letters: DeadLetters) -> None:
    letters.keep(dead_message())
    assert bot("queue", "drop", dead_message().key).returncode == 0
    assert letters.newest("imaging", 9) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("queue", "resend", "nosuch"), "there is no dead letter 'nosuch'; `python -m bot queue` lists them"),
        (("queue", "--bot", "other"), "there is no bot 'other'; there are: imaging"),
        (("trace", "nosuch"), "nothing is known of 'nosuch'"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_2(bot: Run, arguments: tuple[str, ...], said: str) -> None:
    result = bot(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("queue",), ("trace", "m7")])
def test_without_redis_it_says_what_to_do(bot: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = bot(*arguments, REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    assert result.returncode == 2
    assert result.stderr == (
        "error: Redis did not answer: ConnectionError; start the system (make run), or correct REDIS_URL\n"
    )


def test_a_message_that_waits_is_traced(bot: Run, redis_client: "redis.Redis") -> None:
    accept(redis_client, "m7")
    shown = bot("trace", "m7")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == f"turn {make_message('m7').turn_id}, {DOCTOR.key}, answers m7"
    assert "received" in lines[1]
    assert "0 before it in the conversation; no worker has the conversation" in lines[2]
    moments = json.loads(bot("trace", "m7", "--json").stdout)["moments"]
    assert [moment["what"] for moment in moments] == ["received", "waiting"]
    assert "不能给人看的话" not in shown.stdout
