"""What was approved before a bot asked for approval numbers."""

from collections.abc import Iterator

import pytest

from bot.bots_file import BotConfig
from bot.doctor.approvals import approvals
from bot.finding import State
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.records.database import Database
from bot.settings import Settings
from tests.doctor.conftest import MakeSettings

ASKING = BotConfig.model_validate(
    {
        "id": "imaging",
        "name": "小影",
        "tenant": "academy",
        "knowledge": ["c"],
        "channels": {},
        "safety": {"approval_number": {"pattern": r"MLR-\d+", "required": True}},
    }
)
SILENT = ASKING.model_copy(update={"safety": ASKING.safety.model_copy(update={"approval_number": None})})


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    made = make_settings()
    made.data_dir.mkdir()
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[KnowledgeStore]:
    database = Database(settings.database_url)
    database.upgrade()
    yield KnowledgeStore(database)
    database.dispose()


def approve(store: KnowledgeStore, source: str, number: str, audience: Audience = Audience.HCP) -> None:
    origin = Origin(tenant="academy", collection="c", audience=audience, source=source, approval_number=number)
    entry = make_entry(origin, kind=EntryKind.PASSAGE, title="指南", text="每次两支。", location="用量")
    submission = Submission(origin=origin, title="指南", content_hash="c" * 64, entries=(entry,))
    store.put(submission, approve=True, actor="cli:li", now=1.0)


def test_documents_without_a_fitting_number_are_named(settings: Settings, store: KnowledgeStore) -> None:
    approve(store, "旧.md", "")
    approve(store, "错.md", "X-1")
    approve(store, "对.md", "MLR-1")
    approve(store, "内部.md", "", Audience.STAFF)
    (found,) = approvals(settings, {"imaging": ASKING})
    assert (found.name, found.state) == ("approval numbers imaging/c", State.WARNING)
    assert found.detail.startswith("2 documents answer without a fitting number")
    assert "旧.md (none)" in found.detail
    assert "错.md (X-1)" in found.detail
    assert "--approval-number" in found.cure


def test_all_is_well_where_all_fit_and_nothing_is_said_where_nothing_is_asked(
    settings: Settings, store: KnowledgeStore
) -> None:
    approve(store, "对.md", "MLR-1")
    assert [finding.state for finding in approvals(settings, {"imaging": ASKING})] == [State.OK]
    assert approvals(settings, {"imaging": SILENT}) == []


def test_without_a_database_there_is_nothing_to_look_at(make_settings: MakeSettings) -> None:
    assert approvals(make_settings(), {"imaging": ASKING}) == []
    (found,) = approvals(make_settings(database_url="postgresql://u:p@127.0.0.1:9/x"), {"imaging": ASKING})
    assert found.state is State.SKIPPED
