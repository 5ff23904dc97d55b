"""Which answers rested on a version, on every database."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest

from bot.correcting import misled_by
from bot.knowledge.corrections import BATCH, SINCE_S, Corrections, Outcome, Use
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission, Version
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords

ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="年假.csv")
FIRST, SECOND, NOW = 1_000.0, 2_000.0, 3_000.0


class Archive:
    """A document with two versions, of which the second changes one of two answers, and those who were told."""

    def __init__(self, database: Database) -> None:
        self.store, self.records = KnowledgeStore(database), TurnRecords(database)
        self.corrections = Corrections(database)
        self.first, self.second = self.put("五天", "三天", at=FIRST), self.put("七天", "三天", at=SECOND)
        self.first = self.store.versions(*self.first.name)[0]  # with its end

    def put(self, *texts: str, at: float) -> Version:
        entries = tuple(
            make_entry(ORIGIN, kind=EntryKind.FAQ, title=f"问{n}？", text=text, location="")
            for n, text in enumerate(texts)
        )
        submission = Submission(origin=ORIGIN, title="年假", content_hash="c" * 64, entries=entries)
        self.store.put(submission, approve=True, actor="cli:li", now=at)
        return self.store.versions("academy", "c", "年假.csv")[-1]

    def told(self, id_: str, at: float, *, row: int = 0, **more: object) -> None:
        """Somebody was answered from a row of the version that answered then."""
        version = self.first if at < SECOND else self.second
        person = str(more.get("person", "dr.wang"))
        fields: dict[str, object] = {
            "id": id_,
            "bot": "imaging",
            "tenant": "academy",
            "conversation": f"imaging/app//{person}",
            "person": person,
            "asked_at": at,
            "answered_at": at,
            "message_ids": ("m",),
            "question": "几天？",
            "step": "compose",
            "kind": "faq",
            "answer": "五天",
            "cited": (self.store.contents(version.id)[row].id,),
            "parts_sent": 1,
        }
        self.records.save(TurnRecord(**(fields | more)))  # type: ignore[arg-type]


@pytest.fixture
def archive(database_url: str) -> Iterator[Archive]:
    database = Database(database_url)
    database.upgrade()
    yield Archive(database)
    database.dispose()


def test_an_entry_that_two_versions_share_counts_for_the_one_in_service(archive: Archive) -> None:
    archive.told("before", FIRST + 1, row=1)
    archive.told("after", SECOND + 1, row=1)
    archive.told("other", FIRST + 2, tenant="other")
    for version, turns in ((archive.first, ["before"]), (archive.second, ["after"])):
        assert [use.turn for use in archive.corrections.uses(version, 10)] == turns
    draft = replace(archive.second, approved_at=None)
    assert archive.corrections.uses(draft, 10) == []


def test_the_newest_come_first_and_only_so_many(archive: Archive) -> None:
    for number in range(5):
        archive.told(f"t{number}", FIRST + number)
    assert [use.turn for use in archive.corrections.uses(archive.first, 2)] == ["t4", "t3"]


def test_each_person_is_owed_one_word_about_their_last_answer(archive: Archive) -> None:
    archive.told("old", FIRST + 1)
    archive.told("last", FIRST + 2)
    archive.told("same words still", FIRST + 3, row=1, person="dr.li")
    archive.told("never arrived", FIRST + 4, person="dr.chen", parts_sent=0)
    archive.told("an operator", FIRST + 5, person="cli:li", step="ask")
    misled = misled_by(archive.store, archive.corrections, archive.second, NOW)
    assert [use.turn for use in misled] == ["last"]
    assert misled_by(archive.store, archive.corrections, archive.second, FIRST + SINCE_S + 100) == []
    assert archive.corrections.want(archive.second, misled, NOW) == 1
    assert archive.corrections.want(archive.second, misled, NOW) == 0
    archive.told("later", SECOND + 500, row=1)
    (owed,) = archive.corrections.due(quiet=["second"])
    assert (owed.use.turn, owed.version, owed.holds, owed.wrote_at) == (
        "last",
        archive.second.id,
        True,
        SECOND + 500,
    )
    assert archive.corrections.due(quiet=["imaging"]) == []
    archive.corrections.settle(owed, Outcome.SAID, NOW)
    assert archive.corrections.due(quiet=[]) == []
    assert archive.corrections.told(archive.second).said == 1


def test_a_word_about_what_was_withdrawn_is_known_to_be_late(archive: Archive) -> None:
    archive.told("t", FIRST + 1)
    archive.corrections.want(archive.second, misled_by(archive.store, archive.corrections, archive.second, NOW), NOW)
    archive.store.withdraw(*archive.second.name, actor="cli:li", now=NOW)
    (owed,) = archive.corrections.due(quiet=[])
    assert not owed.holds


def test_a_word_is_still_owed_when_a_third_version_answers_before_it_was_said(archive: Archive) -> None:
    archive.told("t", FIRST + 1)
    archive.corrections.want(archive.second, misled_by(archive.store, archive.corrections, archive.second, NOW), NOW)
    archive.put("七天", "四天", at=NOW)
    assert [owed.holds for owed in archive.corrections.due(quiet=[])] == [True]
    archive.put("五天", "四天", at=NOW + 1)
    assert [owed.holds for owed in archive.corrections.due(quiet=[])] == [False], "what they were told is right again"


def test_what_a_version_corrected_of_which_nobody_was_told_is_told_with_the_next(archive: Archive) -> None:
    archive.told("first", FIRST + 1)
    archive.told("second", SECOND + 1, row=1, person="dr.li")
    archive.told("right", SECOND + 2, person="dr.chen")
    third = archive.put("七天", "四天", at=NOW)
    misled = misled_by(archive.store, archive.corrections, third, NOW)
    assert [use.turn for use in misled] == ["first", "second"]
    assert archive.corrections.want(third, misled, NOW) == 2
    archive.told("later", NOW + 1, row=1, person="dr.chen", cited=(archive.store.contents(third.id)[1].id,))
    fourth = archive.put("七天", "九天", at=NOW + 2)
    misled = misled_by(archive.store, archive.corrections, fourth, NOW + 3)
    assert [use.turn for use in misled] == ["later"], "who was told of a version is not told again of the next"


def test_an_answer_that_was_decided_while_the_version_changed_is_corrected(archive: Archive) -> None:
    cited = (archive.store.contents(archive.first.id)[0].id,)
    archive.told("at that moment", SECOND + 0.5, cited=cited)
    misled = misled_by(archive.store, archive.corrections, archive.second, NOW)
    assert [use.turn for use in misled] == ["at that moment"]


def test_the_end_of_a_version_is_told_in_place_of_what_it_had_corrected(archive: Archive) -> None:
    archive.told("t", FIRST + 1)
    archive.told("of its own", SECOND + 1, person="dr.li")
    archive.corrections.want(archive.second, misled_by(archive.store, archive.corrections, archive.second, NOW), NOW)
    archive.store.withdraw(*archive.second.name, actor="cli:li", now=NOW)
    gone = archive.store.versions(*archive.second.name)[-1]
    misled = misled_by(archive.store, archive.corrections, gone, NOW)
    assert [archive.corrections.want(gone, misled, NOW) for _ in range(2)] == [2, 0]
    due = archive.corrections.due(quiet=[])
    assert [(owed.use.turn, owed.holds, owed.in_service) for owed in due] == [
        ("of its own", True, False),
        ("t", True, False),
    ]
    archive.put("五天", "三天", at=NOW + 1)
    due = archive.corrections.due(quiet=[])
    assert [(owed.use.turn, owed.holds, owed.in_service) for owed in due] == [
        ("of its own", True, True),
        ("t", False, True),
    ]


def test_of_two_who_want_it_said_at_once_one_finds_it_wanted(archive: Archive) -> None:
    archive.told("t", FIRST + 1)
    misled = misled_by(archive.store, archive.corrections, archive.second, NOW)
    with ThreadPoolExecutor(1) as people:
        others: list[Future[int]] = []

        def met_by_another() -> Iterator[Use]:
            """What one has looked at, and not yet written down, when the other comes."""
            others.append(people.submit(archive.corrections.want, archive.second, misled, NOW))
            wait(others, timeout=0.3)
            yield from misled

        assert archive.corrections.want(archive.second, met_by_another(), NOW) == 1
        assert others[0].result(30) == 0


def test_who_is_due_comes_page_by_page(archive: Archive) -> None:
    for number in range(BATCH + 1):
        archive.told(f"t{number:02}", FIRST + 1, person=f"dr.{number}")
    archive.corrections.want(archive.second, misled_by(archive.store, archive.corrections, archive.second, NOW), NOW)
    first = archive.corrections.due(quiet=[])
    rest = archive.corrections.due(quiet=[], after=first[-1])
    assert (len(first), [owed.use.turn for owed in rest]) == (BATCH, [f"t{BATCH}"])
