"""Documents, versions and approvals in a real SQLite file."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.tables import entries, version_entries, versions
from bot.knowledge.versions import Change, FourEyes, Status, Stored, Submission
from bot.records.database import Database

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="faq.csv")
OTHER_VALUES = {
    "tenant": "other",
    "collection": "other",
    "kind": EntryKind.PASSAGE,
    "audience": Audience.STAFF,
    "title": "other",
    "questions": ("other",),
    "text": "other",
    "source": "other",
    "location": "other",
    "valid_from": 1.0,
    "valid_to": 2.0,
    "approval_number": "MLR-1",
    "bots": ("second",),
    "page": 3,
    "figures": ("f" * 64 + ".png",),
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture
def store(database: Database) -> KnowledgeStore:
    return KnowledgeStore(database)


def entry(text: str, origin: Origin = ORIGIN) -> Entry:
    return make_entry(
        origin, kind=EntryKind.FAQ, title=f"{text}？", questions=(f"{text}？", "另问"), text=text, location="第 2 行"
    )


def put(store: KnowledgeStore, *texts: str, approve: bool, origin: Origin = ORIGIN, actor: str = "cli:li") -> Stored:
    submission = Submission(
        origin=origin, title="faq", content_hash="0" * 64, entries=tuple(entry(text, origin) for text in texts)
    )
    return store.put(submission, approve=approve, actor=actor, now=1_000.0)


def live(store: KnowledgeStore) -> list[str]:
    return sorted(entry.text for entry in store.approved_entries("academy", "imaging"))


@pytest.mark.parametrize("field", [field.name for field in fields(Entry) if field.name != "id"])
def test_ids_are_equal_exactly_when_entries_are(field: str) -> None:
    one, twin = entry("甲"), entry("甲")
    changed = replace(one, **{field: OTHER_VALUES[field]})
    origin = Origin(
        tenant=changed.tenant,
        collection=changed.collection,
        audience=changed.audience,
        source=changed.source,
        bots=changed.bots,
    )
    other = make_entry(
        origin,
        kind=changed.kind,
        title=changed.title,
        questions=changed.questions,
        text=changed.text,
        location=changed.location,
        valid_from=changed.valid_from,
        valid_to=changed.valid_to,
        approval_number=changed.approval_number,
        page=changed.page,
        figures=changed.figures,
    )
    assert one == twin
    assert other.id != one.id


def test_an_entry_without_an_approval_number_or_bots_has_the_id_it_had_before_there_were_any() -> None:
    assert entry("甲").id == "018a7f62-ea5e-5e07-a355-55e2a99265b3"


def test_an_entry_comes_back_as_it_was_put(store: KnowledgeStore) -> None:
    put(store, "甲", approve=True)
    assert list(store.approved_entries("academy", "imaging")) == [entry("甲")]


S, C = Status, Change


@pytest.mark.parametrize(
    ("steps", "outcome", "searched", "history"),
    [
        (["-甲乙"], (C.ADDED, 2, 2, 0), "", [S.DRAFT]),
        (["+甲乙"], (C.ADDED, 2, 2, 0), "甲乙", [S.APPROVED]),
        (["+甲乙", "+甲乙"], (C.UNCHANGED, 2, 0, 0), "甲乙", [S.APPROVED]),
        (["+甲乙", "-甲乙"], (C.UNCHANGED, 2, 0, 0), "甲乙", [S.APPROVED]),
        (["+甲乙", "+甲丙丁"], (C.CHANGED, 3, 2, 1), "丁丙甲", [S.WITHDRAWN, S.APPROVED]),
        (["+甲乙", "+乙甲"], (C.CHANGED, 2, 0, 0), "乙甲", [S.WITHDRAWN, S.APPROVED]),
        (["-甲乙", "-甲乙"], (C.UNCHANGED, 2, 0, 0), "", [S.DRAFT]),
        (["-甲乙", "+甲乙"], (C.APPROVED, 2, 0, 0), "乙甲", [S.APPROVED]),
        (["-甲乙", "-甲丙"], (C.CHANGED, 2, 1, 1), "", [S.WITHDRAWN, S.DRAFT]),
        (["-甲乙", "+甲丙"], (C.CHANGED, 2, 1, 1), "丙甲", [S.WITHDRAWN, S.APPROVED]),
        (["+甲乙", "-甲丙"], (C.CHANGED, 2, 1, 1), "乙甲", [S.APPROVED, S.DRAFT]),
        (["+甲乙", "-甲丙", "+甲丙"], (C.APPROVED, 2, 0, 0), "丙甲", [S.WITHDRAWN, S.APPROVED]),
        (["+甲乙", "-甲丙", "-甲乙"], (C.UNCHANGED, 2, 0, 0), "乙甲", [S.APPROVED, S.WITHDRAWN]),
        (["+甲乙", "-甲丙", "+丁"], (C.CHANGED, 1, 1, 2), "丁", [S.WITHDRAWN, S.WITHDRAWN, S.APPROVED]),
        (["+甲乙", "x", "+甲乙"], (C.ADDED, 2, 2, 0), "乙甲", [S.WITHDRAWN, S.APPROVED]),
        (["+甲乙", "-甲丙", "x", "-甲丙"], (C.ADDED, 2, 2, 0), "", [S.WITHDRAWN, S.WITHDRAWN, S.DRAFT]),
    ],
    ids=lambda value: ">".join(value) if isinstance(value, list) and isinstance(value[0], str) else "",
)
def test_the_life_of_a_document(
    store: KnowledgeStore,
    steps: list[str],
    outcome: tuple[Change, int, int, int],
    searched: str,
    history: list[Status],
) -> None:
    """Steps: ``-`` ingests a draft, ``+`` with approval, ``x`` withdraws; each letter is an entry.

    The outcome of the last one counts its entries, those added and those removed.
    """
    for step in steps:
        if step == "x":
            assert store.withdraw("academy", "imaging", "faq.csv", actor="cli:li", now=1.0)
        else:
            stored = put(store, *step[1:], approve=step[0] == "+")
    assert (stored.change, stored.entries, stored.added, stored.removed) == outcome
    assert sorted(live(store)) == sorted(searched)
    assert [version.status for version in store.versions("academy", "imaging")] == history


def test_history_says_who_did_what_when(store: KnowledgeStore) -> None:
    put(store, "甲", approve=False, actor="cli:author")
    put(store, "甲", approve=True, actor="cli:reviewer")
    assert store.withdraw("academy", "imaging", "faq.csv", actor="cli:ops", now=2_000.0)
    assert not store.withdraw("academy", "imaging", "faq.csv", actor="cli:ops", now=3_000.0)
    assert not store.withdraw("academy", "imaging", "unknown.csv", actor="cli:ops", now=3_000.0)
    (version,) = store.versions("academy", "imaging")
    assert (version.ingested_by, version.approved_by, version.withdrawn_by) == ("cli:author", "cli:reviewer", "cli:ops")
    assert (version.ingested_at, version.approved_at, version.withdrawn_at) == (1_000.0, 1_000.0, 2_000.0)
    assert (version.source, version.number, version.status) == ("faq.csv", 1, Status.WITHDRAWN)


def shared(collection: str) -> FourEyes:
    """Four eyes in one collection."""
    return lambda _tenant, name: name == collection


@pytest.mark.parametrize("name", ["imaging", "other"])
def test_with_four_eyes_what_somebody_brings_with_approval_is_in_review(database: Database, name: str) -> None:
    store = KnowledgeStore(database, four_eyes=shared(name))
    stored = put(store, "甲", approve=True)
    if name == "other":
        assert (stored.change, stored.status, live(store)) == (C.ADDED, S.APPROVED, ["甲"])
        return
    assert (stored.change, stored.status, live(store)) == (C.ADDED, S.IN_REVIEW, [])
    again = put(store, "甲", approve=True)
    assert (again.change, again.status) == (C.UNCHANGED, S.IN_REVIEW)
    other = put(store, "甲", approve=True, actor="cli:wu")
    assert (other.change, other.status, live(store)) == (C.APPROVED, S.APPROVED, ["甲"])
    assert put(store, "乙", approve=True, actor="cli:wu").status is S.IN_REVIEW
    assert live(store) == ["甲"], "the approved version goes on answering"
    (first, second) = store.versions("academy", "imaging")
    assert (first.submitted_by, first.approved_by, second.submitted_by) == ("cli:li", "cli:wu", "cli:wu")


def test_with_four_eyes_what_was_withdrawn_does_not_come_back_by_the_same_hand(database: Database) -> None:
    store = KnowledgeStore(database, four_eyes=shared("imaging"))
    put(store, "甲", approve=False)
    put(store, "甲", approve=True, actor="cli:wu")
    store.withdraw("academy", "imaging", "faq.csv", actor="cli:ops", now=2.0)
    assert put(store, "甲", approve=True).status is S.IN_REVIEW
    assert live(store) == []


def test_the_way_through_review(store: KnowledgeStore) -> None:
    document = ("academy", "imaging", "faq.csv")
    put(store, "甲", approve=False)
    draft = store.versions(*document)[0].id
    assert not store.send_back(*document, version=draft, because="", actor="cli:wu", now=2.0), "nobody offered it"
    assert store.submit(*document, version=draft, actor="cli:li", now=3.0)
    assert not store.submit(*document, version=draft, actor="cli:li", now=3.5)
    assert put(store, "甲", approve=False).status is S.IN_REVIEW, "the same again stays where it is"
    assert store.send_back(*document, version=draft, because="不准", actor="cli:wu", now=4.0)
    assert not store.approve(*document, version=draft, status=S.IN_REVIEW, actor="cli:wu", now=5.0), "it was shown so"
    assert store.submit(*document, version=draft, actor="cli:li", now=6.0)
    assert not store.approve(*document, version=draft + 1, status=S.IN_REVIEW, actor="cli:wu", now=7.0)
    assert store.approve(*document, version=draft, status=S.IN_REVIEW, actor="cli:wu", now=8.0)
    (version,) = store.versions(*document)
    assert (version.submitted_at, version.submitted_by) == (6.0, "cli:li")
    assert (version.returned_at, version.returned_by, version.returned_because) == (4.0, "cli:wu", "不准")
    assert (version.approved_at, version.approved_by) == (8.0, "cli:wu")
    for nothing in ("unknown.csv", "faq.csv"):
        assert not store.submit("academy", "imaging", nothing, version=draft, actor="cli:li", now=9.0)


def test_a_version_in_review_that_is_brought_anew_has_to_be_offered_anew(store: KnowledgeStore) -> None:
    document = ("academy", "imaging", "faq.csv")
    put(store, "甲", approve=False)
    first = store.versions(*document)[0].id
    store.submit(*document, version=first, actor="cli:li", now=2.0)
    put(store, "乙", approve=False)
    assert [version.status for version in store.versions(*document)] == [S.WITHDRAWN, S.DRAFT]
    assert not store.approve(*document, version=first, status=S.IN_REVIEW, actor="cli:wu", now=3.0)


def test_an_approved_version_of_which_nothing_is_valid_any_more_has_expired(store: KnowledgeStore) -> None:
    ends = [replace(entry(text), id=str(UUID(int=n)), valid_to=10.0 * n) for n, text in enumerate("甲乙", 1)]
    submission = Submission(origin=ORIGIN, title="faq", content_hash="0" * 64, entries=tuple(ends))
    store.put(submission, approve=True, actor="cli:li", now=1.0)
    (version,) = store.versions("academy", "imaging")
    assert version.valid_to == 20.0
    assert [version.standing(now) for now in (9.0, 19.9, 20.0)] == [S.APPROVED, S.APPROVED, S.EXPIRED]
    ids = [one.id for one in ends]
    assert [store.standing(ids, now) for now in (9.0, 10.0, 20.0)] == [set(ids), {ids[1]}, set()]
    assert store.standing(ids) == set(ids)


@pytest.mark.parametrize("rival", ["approve", "withdraw", "ingest"])
def test_of_two_who_act_on_a_version_at_once_one_is_told_that_he_came_too_late(
    store: KnowledgeStore, rival: str
) -> None:
    document = ("academy", "imaging", "faq.csv")
    put(store, "甲", approve=False)
    shown = store.versions(*document)[0].id
    both = threading.Barrier(2)

    def approve(actor: str) -> bool:
        both.wait()
        return store.approve(*document, version=shown, status=S.DRAFT, actor=actor, now=2.0)

    def act() -> bool:
        if rival == "approve":
            return approve("cli:wu")
        both.wait()
        if rival == "withdraw":
            return store.withdraw(*document, actor="cli:wu", now=2.0, shown=[shown])
        return put(store, "乙", approve=True, actor="cli:wu").status is S.APPROVED

    with ThreadPoolExecutor(2) as people:
        done = [people.submit(approve, "cli:li"), people.submit(act)]
        results = [one.result(30) for one in done]
    held = [version.status for version in store.versions(*document)]
    assert held.count(S.APPROVED) <= 1
    if rival == "approve":
        assert sorted(results) == [False, True]
        assert held == [S.APPROVED]
    if rival == "withdraw":
        assert results[0] or results[1]
        assert held == ([S.WITHDRAWN] if results[1] else [S.APPROVED])
    if rival == "ingest":
        assert results[1]
        assert live(store) == ["乙"], "what was brought last answers, whoever came first"


def test_a_bot_takes_out_of_service_what_it_may_answer_from(store: KnowledgeStore) -> None:
    document, theirs = ("academy", "imaging", "faq.csv"), replace(ORIGIN, bots=("second",))
    put(store, "甲", approve=True)
    put(store, "乙", approve=False, origin=theirs)
    live, waiting = store.versions(*document)
    both = {live.id, waiting.id}
    assert not store.withdraw(*document, actor="cli:wu", now=2.0, shown=both, bot="first")
    assert store.withdraw(*document, actor="cli:wu", now=2.0, shown={live.id}, bot="first")
    assert [version.status for version in store.versions(*document)] == [S.WITHDRAWN, S.DRAFT]
    assert store.withdraw(*document, actor="cli:wu", now=3.0, shown={waiting.id}, bot="second")


def test_a_new_version_writes_only_the_entries_that_changed(store: KnowledgeStore, database: Database) -> None:
    texts = [f"答案{n}" for n in range(600)]  # more than one page of rows
    put(store, *texts, approve=True)
    put(store, *texts[:-1], "新的", approve=True)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(entries)) == 601
        assert connection.scalar(select(func.count()).select_from(version_entries)) == 1200
    assert live(store) == sorted([*texts[:-1], "新的"])
    some = [entry("答案3").id, entry("新的").id, entry("答案599").id]
    found = {found.text for found in store.approved_entries("academy", "imaging", some)}
    assert found == {"答案3", "新的"}  # what is withdrawn is not found by its id either
    assert store.approved_ids("academy", "imaging") == {entry(text).id for text in [*texts[:-1], "新的"]}
    assert put(store, *texts[:-1], "新的", approve=True).change is Change.UNCHANGED, "the order is kept across pages"


def test_tenants_collections_audiences_and_files_stay_apart(store: KnowledgeStore) -> None:
    for origin in (
        ORIGIN,
        replace(ORIGIN, tenant="other"),
        replace(ORIGIN, collection="staff"),
        replace(ORIGIN, source="more.csv"),
    ):
        assert put(store, "甲", "甲", approve=True, origin=origin).change is Change.ADDED
    assert live(store) == ["甲", "甲"]
    assert store.collections() == [("academy", "imaging"), ("academy", "staff"), ("other", "imaging")]
    assert put(store, "甲", approve=True, origin=replace(ORIGIN, audience=Audience.HCP)).change is Change.CHANGED
    assert {entry.audience for entry in store.approved_entries("academy", "imaging")} == {
        Audience.HCP,
        Audience.PUBLIC,
    }


def test_the_database_itself_allows_one_approved_version(store: KnowledgeStore, database: Database) -> None:
    put(store, "甲", approve=True)
    with database.read() as connection:
        row = dict(connection.execute(select(versions)).one()._mapping)
    row.update(id=row["id"] + 1, number=2)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(versions).values(row))
