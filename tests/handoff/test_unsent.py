"""What the bot has not sent when a human takes the person over is not sent any more, and the human's words are."""

from dataclasses import replace
from functools import partial

import pytest

from bot import keys
from bot.channel import Retry
from bot.conclusion import Conclusion
from bot.dead_letters import DeadLetters
from bot.handoff.tickets import Ticket
from bot.holding import is_taken_over
from bot.messages import ConversationId
from bot.outbox import Flushed, Outbox
from bot.parts import Part, Stream, Text
from bot.replies import TAKEN_OVER, OutboxReply
from bot.texts import Texts
from tests.handoff.office import Office
from tests.handoff.test_conclusion import DOCTOR, RECORD

HUMAN = OutboxReply(key="human", parts=(Text("人工客服：您好"),), created_at=1_800_000_000.0)


class Way:
    """The outbox and what follows it, with the bot's channel at the edge."""

    def __init__(self, office: Office) -> None:
        self.office, self.channel = office, office.channels["imaging", "app"]
        self.told: list[tuple[ConversationId, OutboxReply]] = []
        conclusion = Conclusion(
            records=office.records,
            desk=office.desk,
            texts=Texts(),
            bots={office.bot.id: office.bot},
            post=lambda to, reply: self.told.append((to, reply)) or True,  # type: ignore[func-returns-value]
            count=lambda _event, **_labels: None,
            clock=lambda: office.now,
        )
        self.outbox = Outbox(
            office.client,
            wake=str,
            concluded=conclusion.conclude,
            count=lambda _event, **_labels: None,
            useful_s=600,
            taken_over=partial(is_taken_over, office.desk),
            clock=lambda: office.now,
            sleep=lambda _: None,
        )

    def answer(self, *parts: Part, kind: str = "faq") -> None:
        record = replace(RECORD, kind=kind).encode()
        reply = OutboxReply(key=RECORD.id, parts=parts, created_at=self.office.now, record=record)
        self.outbox.post(DOCTOR, reply)

    def taken_over(self) -> Ticket:
        ticket, _ = self.office.tickets.open(DOCTOR, "academy", "turn", "", silent=True)
        self.office.tickets.taken_over(ticket, "li.na")
        return ticket

    def flush(self) -> Flushed:
        lease = self.office.leases.acquire(DOCTOR)
        assert lease is not None
        flushed = self.outbox.flush(lease, self.channel)
        if not flushed.idle:
            lease.release()
        return flushed

    @property
    def sent(self) -> list[str]:
        return [text for _, text in self.channel.sent]

    def heard(self) -> dict[str, str]:
        """Who was told what."""
        parts = ((to.person, part) for to, reply in self.told for part in reply.parts)
        return {person: part.content for person, part in parts if isinstance(part, Text | Stream)}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def way(office: Office) -> Way:
    return Way(office)


@pytest.mark.parametrize("kind", ["faq", "grounded", "refusal"])
def test_what_waits_for_its_next_try_goes_when_a_human_comes_and_holds_their_words_up_no_longer(
    way: Way, kind: str
) -> None:
    way.channel.script = [Retry(5.0, code="45009", paced=True)]
    way.answer(Text("禁食四小时"), kind=kind)
    assert way.flush().wait_s > 0
    assert way.flush().wait_s > 0, "nobody has come yet"
    ticket = way.taken_over()
    way.outbox.post(DOCTOR, HUMAN)
    way.flush()
    assert way.sent == ["人工客服：您好"]
    record = way.office.records.get(RECORD.id)
    assert record is not None
    assert (record.failure, record.parts_sent) == (TAKEN_OVER, 0)
    assert DeadLetters(way.office.client).newest("imaging", 9) == []
    heard = way.heard()
    assert set(heard) == {"li.na"}, "the person hears the human, and the human what was asked"
    assert heard["li.na"].startswith(f"【工单 {ticket.number}】接手时，机器人给 dr.wang 的回答还没有发完")
    assert "问：核磁能做吗\n答：第一段第二段" in heard["li.na"]


def test_the_rest_of_an_answer_is_not_gone_on_with(way: Way) -> None:
    way.answer(Text("第一段"), Text("第二段"))
    way.channel.during = lambda: way.taken_over() and None  # type: ignore[func-returns-value]
    way.flush()
    assert way.sent == ["第一段"]
    record = way.office.records.get(RECORD.id)
    assert record is not None
    assert (record.failure, record.parts_sent) == (TAKEN_OVER, 1)


def test_a_part_that_may_be_on_its_way_is_left_to_whoever_sends_it(way: Way) -> None:
    way.answer(Text("第一段"))
    server_now = way.office.client.time()[0]
    mark = {"state": "sending", "until": server_now + 11, "by": "another worker"}
    way.office.client.hset(keys.progress(DOCTOR), mapping=mark)
    way.taken_over()
    assert way.flush().wait_s > 0
    assert way.office.records.get(RECORD.id) is None


def test_a_bubble_that_waits_for_the_answer_is_ended_in_words(way: Way) -> None:
    way.answer(Stream("第一段", "s1"))
    ticket = way.taken_over()
    way.flush()
    assert way.sent == []
    assert way.heard()["dr.wang"] == f"已转给人工同事（工单 {ticket.number}），请等待回复。"


@pytest.mark.parametrize("kind", ["notice", "command", "handoff"])
def test_what_is_no_answer_of_the_bot_s_own_goes_out(way: Way, kind: str) -> None:
    way.answer(Text("已登记"), kind=kind)
    way.taken_over()
    way.flush()
    assert way.sent == ["已登记"]


def test_an_answer_before_which_a_human_was_only_asked_for_goes_out(way: Way) -> None:
    way.answer(Text("禁食四小时"))
    way.office.tickets.open(DOCTOR, "academy", "turn", "", silent=True)
    way.flush()
    assert way.sent == ["禁食四小时"]
