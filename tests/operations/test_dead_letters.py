"""What was given up is kept with its reason, bounded and for a while, and can be sent once more or dropped."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import redis
from structlog.testing import capture_logs

from bot import keys
from bot.channel import Refused
from bot.dead_letters import KEPT, KEPT_S, DeadLetters, Letter, LetterKind, digest_of
from bot.errors import UsageError
from bot.lease import Leases
from bot.messages import InboundMessage
from bot.parts import Text
from bot.replies import OutboxReply
from bot.second_tries import SecondTries
from tests.delivery.conftest import DOCTOR
from tests.delivery.test_conversation import NOW, Office
from tests.operations.conftest import dead_message


@pytest.fixture
def office(redis_client: "redis.Redis", leases: Leases) -> Office:
    return Office(redis_client, leases)


@pytest.fixture
def tries(redis_client: "redis.Redis", office: Office) -> SecondTries:
    return SecondTries(redis_client, office.woken.append)


def only(letters: DeadLetters) -> Letter:
    (letter,) = letters.newest("imaging", 10)
    return letter


def give_up(office: Office) -> None:
    """A message whose every try fails."""
    office.says("/毒")

    def fail(_: Sequence[InboundMessage]) -> None:
        raise ZeroDivisionError

    office.parrot.before = fail
    for _ in range(4):
        office.drain()
    office.parrot.before = lambda _: None


def test_a_message_that_keeps_failing_is_kept_with_the_reason_and_answered_once_it_can_be(
    office: Office, letters: DeadLetters, tries: SecondTries
) -> None:
    give_up(office)
    assert office.drain() == ["抱歉（failed）"]
    letter = only(letters)
    assert (letter.kind, letter.reason, letter.conversation) == (LetterKind.MESSAGE, "ZeroDivisionError", DOCTOR)
    assert "message_dead" in office.counted
    with capture_logs() as logs:
        tries.resend(letter, "cli:ops", NOW)
    assert [(log["event"], log["actor"], log["key"]) for log in logs] == [("dead_letter_resent", "cli:ops", letter.key)]
    assert letters.newest("imaging", 10) == []
    assert DOCTOR.key in office.woken
    assert office.drain() == ["抱歉（failed）", "答：/毒"]
    assert office.client.get(keys.waiting("imaging")) == b"0"


def test_a_turn_that_ends_with_its_worker_each_time_says_so(
    office: Office, letters: DeadLetters, leases: Leases
) -> None:
    give_up(office)
    letters.remove(only(letters))
    office.says("/又")
    for _ in range(3):
        lease = leases.acquire(DOCTOR)
        assert lease is not None
        lease.begin()
        office.client.delete(keys.lease(DOCTOR))  # the worker dies, and so its lease runs out
    office.drain()
    assert only(letters).reason == "worker_ended"


def test_a_conversation_of_a_dead_worker_is_counted_as_taken_over_once(office: Office, leases: Leases) -> None:
    office.says("一")
    assert leases.acquire(DOCTOR) is not None
    office.client.delete(keys.lease(DOCTOR))
    office.drain()
    office.says("二")
    office.drain()
    assert office.counted.count("lease_taken_over") == 1


def test_a_fault_of_one_message_is_not_laid_at_another_s_door(office: Office, letters: DeadLetters) -> None:
    office.says("一")
    failing = [ZeroDivisionError()]

    def fail_once(_: Sequence[InboundMessage]) -> None:
        if failing:
            raise failing.pop()

    office.parrot.before = fail_once
    office.drain()
    assert office.client.get(keys.fault(DOCTOR)) == b"ZeroDivisionError"
    assert office.drain() == ["答：一"]
    office.says("二")
    office.drain()
    assert office.client.get(keys.fault(DOCTOR)) is None
    assert letters.newest("imaging", 10) == []


def test_a_dead_reply_is_kept_and_its_missing_parts_go_out(
    office: Office, letters: DeadLetters, tries: SecondTries
) -> None:
    reply = OutboxReply(key="t1", parts=(Text("一"), Text("二"), Text("三")), created_at=NOW)
    office.channel.script = [None, Refused("60011")]
    office.worker._outbox.post(DOCTOR, reply)
    assert office.drain() == ["一"]
    letter = only(letters)
    assert (letter.kind, letter.reason, letter.turn, letter.sent) == (LetterKind.REPLY, "60011", "t1", 1)
    tries.resend(letter, "cli:ops", NOW)
    assert office.drain() == ["一", "二", "三"]


def test_what_cannot_be_decoded_can_be_dropped_and_not_sent(
    office: Office, letters: DeadLetters, tries: SecondTries
) -> None:
    office.client.rpush(keys.queue(DOCTOR), b"\x00 from the future")
    office.drain()
    office.says("一")
    office.drain()
    letter = only(letters)
    assert letter.kind is LetterKind.UNDECODABLE_MESSAGE
    assert 0 < office.client.ttl(keys.parked(DOCTOR)) <= KEPT_S
    with pytest.raises(UsageError, match="this release cannot read it"):
        tries.resend(letter, "cli:ops", NOW)
    assert only(letters) == letter, "nothing was lost by trying"
    tries.drop(letter, "cli:ops")
    assert letters.newest("imaging", 10) == []
    assert office.client.lrange(keys.parked(DOCTOR), 0, -1) == []


def test_what_a_later_release_can_decode_is_answered(office: Office, letters: DeadLetters, tries: SecondTries) -> None:
    readable = dead_message().content[0]
    office.client.rpush(keys.parked(DOCTOR), b"another", readable)
    letter = Letter(
        kind=LetterKind.UNDECODABLE_MESSAGE, conversation=DOCTOR, reason="", at=NOW, digest=digest_of(readable)
    )
    letters.keep(letter)
    tries.resend(letter, "cli:ops", NOW)
    assert office.drain() == ["答：问题 1"]
    assert office.client.lrange(keys.parked(DOCTOR), 0, -1) == [b"another"]


def test_what_is_not_kept_any_more_cannot_be_sent(letters: DeadLetters, tries: SecondTries) -> None:
    letter = Letter(kind=LetterKind.UNDECODABLE_REPLY, conversation=DOCTOR, reason="", at=NOW, digest="0" * 16)
    letters.keep(letter)
    with pytest.raises(UsageError, match="is not kept any more: drop it"):
        tries.resend(letter, "cli:ops", NOW)
    tries.drop(letter, "cli:ops")
    assert letters.newest("imaging", 1) == []


def test_two_operators_send_it_once(office: Office, letters: DeadLetters, tries: SecondTries) -> None:
    give_up(office)
    letter = only(letters)
    tries.resend(letter, "cli:one", NOW)
    with pytest.raises(UsageError, match="somebody else"):
        tries.resend(letter, "cli:two", NOW)
    assert office.client.llen(keys.queue(DOCTOR)) == 1


@pytest.mark.parametrize("kind", [LetterKind.MESSAGE, LetterKind.REPLY])
def test_a_letter_whose_sender_died_half_way_is_sent_once(
    office: Office, letters: DeadLetters, tries: SecondTries, kind: LetterKind
) -> None:
    letter = dead_message()
    if kind is LetterKind.REPLY:
        reply = OutboxReply(key="t1", parts=(Text("答：问题 1"),), created_at=NOW)
        letter = replace(letter, kind=kind, turn="t1", content=(reply.encode(),))
    tries.resend(letter, "cli:one", NOW)
    letters.keep(letter)  # it died before the letter was gone
    tries.resend(letter, "cli:two", NOW + 5)
    assert letters.newest("imaging", 9) == []
    assert office.drain() == ["答：问题 1"]
    letters.keep(replace(letter, at=letter.at + 60))  # given up again
    tries.resend(only(letters), "cli:one", NOW)
    assert office.drain() == ["答：问题 1"] * 2


def test_letters_are_bounded_in_number_and_time(letters: DeadLetters, redis_client: "redis.Redis") -> None:
    for number in range(KEPT + 5):
        letters.keep(dead_message(number))
    newest = letters.newest("imaging", KEPT + 100)
    assert len(newest) == KEPT
    kept = redis_client.keys(keys.dead_letter("imaging", "*"))
    assert len(kept) == KEPT, "what made room went with its content"
    assert newest[0] == dead_message(KEPT + 4)
    assert letters.counts("imaging")[LetterKind.MESSAGE] == KEPT
    letters.keep(replace(dead_message(1), reason="again"))
    assert letters.newest("imaging", KEPT + 100)[-1].reason != "again", "it is as old as it says"
    assert 0 < redis_client.ttl(keys.dead_letter("imaging", newest[0].key)) <= KEPT_S
    assert 0 < redis_client.ttl(keys.dead_index("imaging")) <= KEPT_S


def test_a_letter_whose_time_is_over_is_not_counted(letters: DeadLetters, redis_client: "redis.Redis") -> None:
    letters.keep(dead_message(1))
    letters.keep(dead_message(2))
    redis_client.delete(keys.dead_letter("imaging", dead_message(1).key))  # as its expiry does, days before the index's
    assert letters.counts("imaging")[LetterKind.MESSAGE] == 1
    assert only(letters) == dead_message(2)


def test_the_same_thing_given_up_again_is_one_letter(letters: DeadLetters) -> None:
    letters.keep(dead_message())
    letters.keep(replace(dead_message(), reason="later"))
    assert only(letters).reason == "later"


def test_letters_of_one_bot_are_not_another_s(letters: DeadLetters) -> None:
    letters.keep(dead_message(1))
    letters.keep(dead_message(2, replace(DOCTOR, bot="other")))
    letter = only(letters)
    assert letters.get(["other"], letter.key) is None
    assert letters.get(["other", "imaging"], letter.key) == letter
