"""What was found for a question is found again without a search, and never when it does not hold any more."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot.answering.evidence import Evidence, Retriever
from bot.answering.evidence_cache import KEPT_S, MAX_BYTES, PATIENCE_S, EvidenceCache
from bot.bots_file import BotConfig
from bot.errors import Unavailable
from bot.knowledge.approvals import Approvals
from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.index import Floats
from bot.knowledge.origin import ALWAYS_FROM, ALWAYS_TO, Origin, make_entry
from bot.knowledge.revisions import LOOK_AGAIN_S, Revisions
from bot.knowledge.search import Hit, Searcher, SearchResult
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import sync_collection
from bot.knowledge.versions import Submission
from bot.records.database import Database
from tests.knowledge.small_index import HashEmbedder, small_tokenizer

NOW = 1000.0
BOT = BotConfig(id="imaging", name="小影", tenant="academy", knowledge=("c",), channels={})
SCOPE = Scope(tenant="academy", collections=("c",), reader=Audience.PUBLIC, now=NOW)
QUESTION, ANSWER = "学分怎么算？", "每门课程 2 学分。"


class CountingEmbedder(HashEmbedder):
    """Knows what was asked; each question waits until it may be embedded."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.may = threading.Event()
        self.may.set()
        self.fails = False

    def queries(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        assert self.may.wait(PATIENCE_S)
        if self.fails:
            raise Unavailable("the embedder is away")
        return super().queries(texts)


class Library:
    """A knowledge base with one FAQ, and a retriever that keeps what it finds."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/bot.sqlite")
        self.database.upgrade()
        self.store = KnowledgeStore(self.database)
        tokenizer, self.embedder = small_tokenizer(folder), CountingEmbedder()
        self.index = EdgeIndex(folder / "index", HashEmbedder(), tokenizer)
        self.clock_s = 0.0
        self.cache = self.make_cache(100)
        searcher = Searcher(self.index, self.embedder, Calibration.shipped())
        self.retriever = Retriever(searcher, 0.7, self.cache)
        self.approve("学分.csv", faq())

    def make_cache(self, entries: int, max_bytes: int = MAX_BYTES, patience_s: float = PATIENCE_S) -> EvidenceCache:
        revisions = Revisions(self.store, Approvals(self.store), self.index, lambda: self.clock_s)
        return EvidenceCache(revisions, entries, lambda: self.clock_s, max_bytes, patience_s)

    def approve(self, source: str, *entries: Entry, sync: bool = True) -> None:
        first = entries[0]
        place = {"tenant": first.tenant, "collection": first.collection, "bots": first.bots}
        origin = Origin(audience=first.audience, source=source, **place)
        submission = Submission(origin=origin, title=source, content_hash=source, entries=entries)
        self.store.put(submission, approve=True, actor="cli:li", now=1.0)
        if sync:
            sync_collection(self.store, self.index, first.tenant, first.collection)

    def withdraw(self, source: str) -> None:
        assert self.store.withdraw("academy", "c", source, actor="cli:li", now=2.0)

    def sync(self) -> None:
        sync_collection(self.store, self.index, "academy", "c")
        self.clock_s += LOOK_AGAIN_S  # whoever looked too early looks again

    def ask(
        self, question: str = QUESTION, bot: BotConfig = BOT, reader: Audience = Audience.PUBLIC, now: float = NOW
    ) -> Evidence:
        return self.retriever.retrieve([question], bot, reader, now)


def faq(
    answer: str = ANSWER, tenant: str = "academy", valid_from: float = ALWAYS_FROM, valid_to: float = ALWAYS_TO
) -> Entry:
    origin = Origin(tenant=tenant, collection="c", audience=Audience.PUBLIC, source="学分.csv")
    return make_entry(
        origin,
        kind=EntryKind.FAQ,
        title=QUESTION,
        questions=(QUESTION,),
        text=answer,
        location="第 2 行",
        valid_from=valid_from,
        valid_to=valid_to,
    )


def answers(evidence: Evidence) -> list[str]:
    return [hit.entry.text for hit in evidence.both.hits]


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("bot_evidence_cache_total", {"result": result}) or 0.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path)
    yield library
    library.index.close()
    library.database.dispose()


def test_the_same_question_is_searched_once(library: Library) -> None:
    hits, misses = counted("hit"), counted("miss")
    first, second = library.ask(), library.ask()
    assert (first.cached, second.cached) == (False, True)
    assert library.embedder.asked == [QUESTION]
    assert (counted("hit") - hits, counted("miss") - misses) == (1, 1)
    assert answers(second) == [ANSWER]
    assert replace(second, cached=False, timings_ms={}) == replace(
        first,
        both=replace(first.both, timings_ms={}),
        documents=replace(first.documents, timings_ms={}),
        timings_ms={},
    )
    assert set(second.timings_ms) == {"cached"}


def test_what_is_shared_cannot_be_changed(library: Library) -> None:
    library.ask().timings_ms["both"] = 9.0
    shared = library.ask()
    with pytest.raises(TypeError):
        shared.both.timings_ms["index"] = 9.0
    assert set(library.ask().timings_ms) == {"cached"}


@pytest.mark.parametrize(
    "other",
    [
        {"question": QUESTION + " "},
        {"reader": Audience.HCP},
        {"bot": BOT.model_copy(update={"tenant": "clinic"})},
        {"bot": BOT.model_copy(update={"knowledge": ("c", "d")})},
        {"bot": BOT.model_copy(update={"answer_threshold": 0.5})},
    ],
    ids=["words", "reader", "tenant", "collections", "threshold"],
)
def test_whoever_may_find_something_else_searches(library: Library, other: dict[str, object]) -> None:
    library.approve("学分.csv", faq("另一家的答案", tenant="clinic"))
    library.ask()
    assert not library.ask(**other).cached
    assert library.ask(**other).cached
    assert library.ask().cached


def test_another_tenant_hears_its_own_answer(library: Library) -> None:
    library.approve("学分.csv", faq("另一家的答案", tenant="clinic"))
    library.ask()
    assert answers(library.ask(bot=BOT.model_copy(update={"tenant": "clinic"}))) == ["另一家的答案"]


def test_what_is_approved_is_found_at_once(library: Library) -> None:
    library.ask()
    library.approve("新.csv", faq("新的答案"))
    evidence = library.ask()
    assert not evidence.cached
    assert set(answers(evidence)) == {ANSWER, "新的答案"}
    assert library.ask().cached


def test_a_corrected_answer_takes_the_place_of_the_kept_one(library: Library) -> None:
    library.ask()
    library.approve("学分.csv", faq("每门课程 3 学分。"))
    assert answers(library.ask()) == ["每门课程 3 学分。"]


def test_what_is_withdrawn_is_not_found_again(library: Library) -> None:
    library.ask()
    library.withdraw("学分.csv")
    library.sync()
    evidence = library.ask()
    assert (evidence.cached, answers(evidence)) == (False, [])
    assert library.ask().cached


def test_another_tenants_change_costs_nothing(library: Library) -> None:
    library.ask()
    library.approve("学分.csv", faq("另一家的答案", tenant="clinic"))
    assert library.ask().cached


def test_until_the_index_has_followed_nothing_is_kept(library: Library) -> None:
    library.ask()
    unsettled = counted("unsettled")
    library.withdraw("学分.csv")
    assert [library.ask().cached for _ in range(3)] == [False] * 3
    assert counted("unsettled") - unsettled == 3
    library.sync()
    assert (library.ask().cached, library.ask().cached) == (False, True)


@pytest.mark.parametrize(
    ("entry", "before", "after"),
    [(faq(valid_to=2000.0), [ANSWER], []), (faq(valid_from=2000.0), [], [ANSWER])],
    ids=["ends", "begins"],
)
def test_validity_is_kept_to_the_second(library: Library, entry: Entry, before: list[str], after: list[str]) -> None:
    library.approve("学分.csv", entry)
    asked = [library.ask(now=now) for now in (1000.0, 1999.9, 2000.0, 2000.1, 1999.9)]
    assert [(evidence.cached, answers(evidence)) for evidence in asked] == [
        (False, before),
        (True, before),
        (False, after),
        (True, after),
        (True, before),
    ]


def test_ten_who_ask_at_once_wait_for_one_search(library: Library) -> None:
    shared = counted("shared")
    library.embedder.may.clear()
    with ThreadPoolExecutor(10) as pool:
        asking = [pool.submit(library.ask) for _ in range(10)]
        until(lambda: counted("shared") - shared == 9)
        library.embedder.may.set()
        found = [future.result(PATIENCE_S) for future in asking]
    assert library.embedder.asked == [QUESTION]
    assert sorted(evidence.cached for evidence in found) == [False] + [True] * 9
    assert all(answers(evidence) == [ANSWER] for evidence in found)


def test_nobody_waits_for_ever_for_a_search_that_hangs(library: Library) -> None:
    cache, begun, may = library.make_cache(100, patience_s=0.0), threading.Event(), threading.Event()

    def hanging() -> Evidence:
        begun.set()
        assert may.wait(PATIENCE_S)
        return _evidence()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.find, QUESTION, SCOPE, 0.7, hanging)
        assert begun.wait(PATIENCE_S)
        with pytest.raises(Unavailable, match="has not ended"), capture_logs() as logs:
            cache.find(QUESTION, SCOPE, 0.7, _evidence)
        may.set()
        assert answers(first.result(PATIENCE_S)) == [ANSWER]
    assert [line["event"] for line in logs] == ["shared_search_hangs"]
    assert cache.find(QUESTION, SCOPE, 0.7, _evidence).cached, "what came of it late is kept"


def test_an_error_reaches_all_who_wait_and_is_not_kept(library: Library) -> None:
    shared = counted("shared")
    library.embedder.may.clear()
    library.embedder.fails = True
    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(library.ask) for _ in range(3)]
        until(lambda: counted("shared") - shared == 2)
        library.embedder.may.set()
        errors = [future.exception(PATIENCE_S) for future in asking]
    assert [type(error) for error in errors] == [Unavailable] * 3
    library.embedder.fails = False
    assert answers(library.ask()) == [ANSWER]


def test_a_withdrawn_answer_is_never_kept_for_later_while_many_ask(library: Library) -> None:
    """Four people ask without a pause while the answer is withdrawn: from the commit on no kept evidence holds it, and
    from the end of the sync on none at all."""
    committed, followed = threading.Event(), threading.Event()
    warm = threading.Barrier(5)
    found: list[tuple[bool, bool, Evidence]] = []

    def ask_on() -> None:
        while not library.ask().cached:
            pass
        warm.wait(PATIENCE_S)
        after = 0
        while after < 25:
            begun = committed.is_set(), followed.is_set()
            found.append((*begun, library.ask()))
            after += begun[1]

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask_on) for _ in range(4)]
        warm.wait(PATIENCE_S)
        library.withdraw("学分.csv")
        committed.set()
        library.sync()
        followed.set()
        for future in asking:
            future.result(PATIENCE_S)
    assert not [evidence for after, _, evidence in found if after and evidence.cached and answers(evidence)]
    assert not [evidence for _, after, evidence in found if after and answers(evidence)]
    assert any(evidence.cached for _, after, evidence in found if after)


def _evidence(question: str = QUESTION, entry: Entry | None = None) -> Evidence:
    hits = (Hit(entry or faq(), 1.0),)
    nothing = SearchResult((), 0.0, {})
    return Evidence(
        question=question, both=SearchResult(hits, 0.9, {}), documents=nothing, threshold=0.7, timings_ms={}
    )


def test_what_was_found_just_before_a_withdrawal_is_not_kept(library: Library) -> None:
    def overtaken() -> Evidence:
        library.withdraw("学分.csv")
        library.sync()
        return _evidence()

    assert answers(library.cache.find(QUESTION, SCOPE, 0.7, overtaken)) == [ANSWER]
    assert answers(library.ask()) == []


def test_an_entry_that_the_database_does_not_approve_is_not_kept(library: Library) -> None:
    for _ in range(2):
        evidence = library.cache.find(QUESTION, SCOPE, 0.7, lambda: _evidence(entry=faq("nobody approved this")))
        assert not evidence.cached


def test_the_evidence_longest_unasked_goes_first(library: Library) -> None:
    cache = library.make_cache(2)

    def find(question: str) -> bool:
        return cache.find(question, SCOPE, 0.7, lambda: _evidence(question)).cached

    assert [find(question) for question in ("a", "b", "a", "c", "a", "b")] == [False, False, True, False, True, False]


def test_large_evidence_fills_less_than_the_bytes_allow(library: Library) -> None:
    large = faq("long " * 2_000)
    library.approve("长.csv", large)
    cache = library.make_cache(100, 25_000)

    def find(question: str) -> bool:
        return cache.find(question, SCOPE, 0.7, lambda: _evidence(question, large)).cached

    assert [find(question) for question in ("a", "b", "c", "c", "b", "a")] == [False, False, False, True, True, False]


def test_old_evidence_is_looked_up_anew(library: Library) -> None:
    library.ask()
    library.clock_s += KEPT_S - 1
    assert library.ask().cached
    library.clock_s += 1
    assert (library.ask().cached, library.ask().cached) == (False, True)


def test_a_rebuilt_index_is_asked_anew(library: Library) -> None:
    def overtaken() -> Evidence:
        library.cache.forget()
        return _evidence()

    library.cache.find(QUESTION, SCOPE, 0.7, overtaken)
    assert not library.ask().cached
    library.cache.forget()
    assert not library.ask().cached
