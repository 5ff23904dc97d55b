"""Drafts in SQL: one document a pair, never approved, and not proposed twice."""

from bot.bots_file import BotConfig
from bot.knowledge.entries import Audience
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Status, Submission
from bot.mining.drafts import Drafts
from bot.mining.library import BotLibrary
from bot.mining.pairs import Pair
from bot.records.database import Database
from tests.mining.conftest import mine, origin, read

BOT = BotConfig(id="imaging", name="影像", tenant="academy", knowledge=["imaging"], channels={})
TEXT = "# 云帆相机手册\n\n## 充一次电要多久\n\n用原装充电器约 90 分钟充满。\n"


def put(store: KnowledgeStore, text: str, audience: Audience = Audience.PUBLIC, source: str = "手册.md") -> None:
    entries = tuple(read(text, source))
    submission = Submission(origin=origin(source, audience), title="手册", content_hash="0" * 64, entries=entries)
    store.put(submission, approve=True, actor="cli:li", now=1.0)


def pair() -> Pair:
    (found,) = mine(TEXT)
    return found


def test_a_pair_waits_as_a_draft_with_its_span(database: Database, store: KnowledgeStore) -> None:
    drafts = Drafts(database, store)
    assert drafts.put(pair(), actor="cli:li", now=5.0)
    (draft,) = drafts.waiting("academy", ["imaging"])
    assert (draft.version.status, draft.version.source) == (Status.DRAFT, f"手册.md#{pair().key}")
    assert (draft.entry.title, draft.entry.text) == ("充一次电要多久？", "用原装充电器约 90 分钟充满。")
    assert (draft.span, draft.rule) == (pair().span, pair().rule)
    assert store.approved_ids("academy", "imaging") == set()


def test_what_was_proposed_before_is_not_again_even_after_people_took_it_out(
    database: Database, store: KnowledgeStore
) -> None:
    drafts = Drafts(database, store)
    drafts.put(pair(), actor="cli:li", now=5.0)
    assert not drafts.put(pair(), actor="cli:li", now=6.0)
    assert store.withdraw("academy", "imaging", f"手册.md#{pair().key}", actor="cli:wu", now=7.0)
    assert not drafts.put(pair(), actor="cli:li", now=8.0)
    assert drafts.waiting("academy", ["imaging"]) == []


def test_the_library_of_a_bot_is_what_is_approved_and_the_questions_that_wait_too(
    database: Database, store: KnowledgeStore
) -> None:
    put(store, TEXT)
    Drafts(database, store).put(pair(), actor="cli:li", now=5.0)
    library = BotLibrary(store, BOT, now=10.0)
    assert [document.source for document in library.documents()] == ["手册.md"]
    assert [passage.heading for document in library.documents() for passage in library.passages(document)] == [
        "充一次电要多久"
    ]
    assert library.known_questions() == ["充一次电要多久？"]
    assert [entry.source for entry in library.entries()] == ["手册.md"]
