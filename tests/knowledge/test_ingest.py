"""From files to searchable entries: real files, a real SQLite file, the real engine."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.files import find_files
from bot.knowledge.ingest import FileStatus, IngestReport, NotSearchable, Wishes
from bot.knowledge.loaders.kinds import SUFFIXES
from bot.knowledge.progress import unseen
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport, sync_collection
from bot.knowledge.versions import Status
from bot.records.database import Database, metadata
from tests.knowledge.varied_files import varied_files
from tests.knowledge.workplace import SHANGHAI, Workplace
from tests.media import files

GUIDE = "# 指南\n\n## 选课\n\n每学期最多选 4 门课。\n\n## 学分\n\n8 学时折算 1 学分。\n"
TABLE = "问题,相似问题,答案,生效,失效\n怎样选课？,选课|报课,打开应用。,,\n多少学分？,,六学分。,,2026-12-31\n"


WITHDRAWN_NOTE = "it was withdrawn and stays so while its content is the same; --restore brings it back"


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    metadata.create_all(database.engine)
    workplace = Workplace(tmp_path, KnowledgeStore(database))
    yield workplace
    if "index" in vars(workplace):
        workplace.index.close()
    database.dispose()


def statuses(report: IngestReport) -> dict[str, str]:
    return {result.source: str(result.status) for result in report.results}


def test_files_become_searchable_entries(workplace: Workplace) -> None:
    workplace.write("指南.md", GUIDE)
    workplace.write("常见问题/faq.csv", TABLE.encode("gb18030"))
    workplace.write("notes.TXT", "机房周六开放。")
    report = workplace.ingest()
    assert statuses(report) == {"notes.TXT": "added", "常见问题/faq.csv": "added", "指南.md": "added"}
    assert report.synced == SyncReport(upserted=5, deleted=0)
    assert (report.problems, report.drafts, report.count(FileStatus.ADDED)) == ((), 0, 3)
    assert [result.notes for result in report.results] == [(), ("read as GB18030",), ()]
    found = workplace.searchable()
    assert set(found) == {"机房周六开放。", "打开应用。", "六学分。", "每学期最多选 4 门课。", "8 学时折算 1 学分。"}
    faq, passage = found["打开应用。"], found["8 学时折算 1 学分。"]
    assert (faq.kind, faq.questions, faq.location) == (EntryKind.FAQ, ("怎样选课？", "选课", "报课"), "第 2 行")
    assert found["六学分。"].valid_to == datetime(2027, 1, 1, tzinfo=SHANGHAI).timestamp()
    assert (passage.title, passage.source, passage.location) == ("指南", "指南.md", "学分")
    assert (passage.tenant, passage.collection, passage.audience) == ("academy", "imaging", Audience.PUBLIC)


def test_a_second_run_changes_only_what_changed(workplace: Workplace) -> None:
    workplace.write("guide.md", GUIDE)
    workplace.write("faq.csv", TABLE)
    workplace.ingest()
    again = workplace.ingest()
    assert statuses(again) == {"faq.csv": "unchanged", "guide.md": "unchanged"}
    assert again.synced == SyncReport(upserted=0, deleted=0)

    workplace.write("guide.md", GUIDE.replace("4 门", "5 门"))
    workplace.write("faq.csv", TABLE.replace("\n", "\r\n"))  # other bytes, the same knowledge
    third = workplace.ingest()
    assert statuses(third) == {"faq.csv": "unchanged", "guide.md": "changed"}
    (changed,) = [result for result in third.results if result.source == "guide.md"]
    assert (changed.entries, changed.added, changed.removed) == (2, 1, 1)
    assert third.synced == SyncReport(upserted=1, deleted=1)

    assert statuses(workplace.ingest(audience=Audience.STAFF)) == {"faq.csv": "changed", "guide.md": "changed"}
    assert {entry.audience for entry in workplace.searchable().values()} == {Audience.STAFF}
    assert statuses(workplace.ingest(collection="other")) == {"faq.csv": "added", "guide.md": "added"}
    assert len(workplace.searchable()) == 4


def test_what_is_replaced_answers_until_the_vectors_of_the_new_are_there(workplace: Workplace) -> None:
    guide = workplace.write("guide.md", GUIDE)
    workplace.ingest(guide)
    before = set(workplace.searchable())
    workplace.answering.clear()
    workplace.write("guide.md", GUIDE.replace("4 门", "5 门"))
    report = workplace.ingest(guide)
    assert (statuses(report), report.drafts) == ({"guide.md": "changed"}, 0)
    assert workplace.answering[0] == before
    assert "每学期最多选 5 门课。" in workplace.searchable()

    workplace.write("guide.md", GUIDE)
    assert workplace.ingest(guide, approve=False).drafts == 1
    approved = workplace.ingest(guide)
    assert (statuses(approved), approved.drafts) == ({"guide.md": "approved"}, 0)
    assert set(workplace.searchable()) == before


def test_drafts_are_never_searchable(workplace: Workplace) -> None:
    guide = workplace.write("guide.md", GUIDE)
    draft = workplace.ingest(guide, approve=False)
    assert (statuses(draft), draft.drafts, draft.synced) == ({"guide.md": "added"}, 1, None)
    assert workplace.ingest(guide, approve=False).drafts == 1
    assert sync_collection(workplace.store, workplace.index, "academy", "imaging").upserted == 0
    assert (workplace.searchable(), workplace.warmed) == ({}, [])

    approved = workplace.ingest(guide)
    assert (statuses(approved), approved.drafts) == ({"guide.md": "approved"}, 0)
    workplace.write("guide.md", GUIDE.replace("4 门", "5 门"))
    assert workplace.ingest(guide, approve=False).drafts == 1
    assert "每学期最多选 4 门课。" in workplace.searchable()
    (live, waiting) = workplace.store.versions("academy", "imaging")
    assert (live.status, live.approved_by, waiting.status) == (Status.APPROVED, "cli:li", Status.DRAFT)


def test_with_four_eyes_files_are_searchable_when_somebody_else_approves_them(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    metadata.create_all(database.engine)
    workplace = Workplace(tmp_path, KnowledgeStore(database, four_eyes=lambda _tenant, _collection: True))
    workplace.write("guide.md", GUIDE)
    for status in ("added", "unchanged"):
        mine = workplace.ingest()
        assert (statuses(mine), mine.drafts) == ({"guide.md": status}, 1)
        assert workplace.searchable() == {}
    theirs = workplace.ingest(actor="cli:wu")
    assert (statuses(theirs), theirs.drafts) == ({"guide.md": "approved"}, 0)
    assert len(workplace.searchable()) == 2
    workplace.index.close()
    database.dispose()


def test_what_somebody_else_brings_before_the_gate_opens_is_not_approved(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    metadata.create_all(database.engine)
    workplace = Workplace(tmp_path, KnowledgeStore(database), gated=True)
    ingestor, path = workplace._ingestor, workplace.write("guide.md", GUIDE)
    place = {"tenant": "academy", "collection": "imaging", "audience": Audience.PUBLIC}
    mine = Wishes(**place, approve=True, actor="cli:li")  # type: ignore[arg-type]
    (file,) = find_files([path])
    taken = list(ingestor.take(file, mine, str))  # type: ignore[arg-type]
    path.write_text(GUIDE.replace("4 门", "40 门"), encoding="utf-8")
    list(ingestor.take(file, replace(mine, approve=False, actor="cli:wu"), str))  # type: ignore[arg-type]
    (released,) = ingestor.release(taken, mine, unseen)
    assert released.draft
    assert [version.status for version in workplace.store.versions("academy", "imaging")] == [
        Status.WITHDRAWN,
        Status.DRAFT,
    ]
    database.dispose()


def test_files_for_some_bots_alone_say_so_in_every_entry(workplace: Workplace) -> None:
    workplace.write("guide.md", GUIDE)
    workplace.write("faq.csv", TABLE)
    workplace.ingest()
    again = workplace.ingest(bots=("second",))
    assert statuses(again) == {"faq.csv": "changed", "guide.md": "changed"}
    assert {entry.bots for entry in workplace.searchable().values()} == {("second",)}
    assert {version.bots for version in workplace.store.versions("academy", "imaging")} == {(), ("second",)}


def test_a_crash_between_database_and_index_is_healed(workplace: Workplace) -> None:
    guide = workplace.write("guide.md", GUIDE)
    workplace.index_is_down = True
    with pytest.raises(NotSearchable, match=r"not searchable yet \(nobody owns the index\): run the same") as error:
        workplace.ingest(guide)
    assert statuses(error.value.report) == {"guide.md": "added"}
    assert workplace.searchable() == {}
    workplace.index_is_down = False
    report = workplace.ingest(guide)
    assert (statuses(report), report.synced) == ({"guide.md": "unchanged"}, SyncReport(upserted=2, deleted=0))
    assert len(workplace.searchable()) == 2


def test_vectors_are_made_batch_by_batch_with_progress(workplace: Workplace) -> None:
    rows = "问0,,答0,,\n问1,,答1,,\n"
    told: list[tuple[str, int, int]] = []
    workplace._ingestor.ingest(
        [workplace.write("faq.csv", "问题,相似问题,答案,生效,失效\n" + rows)],
        tenant="academy",
        collection="imaging",
        audience=Audience.PUBLIC,
        approve=True,
        actor="cli:li",
        progress=lambda *step: told.append(step),
    )
    assert told == [("read", 1, 1), ("embed", 1, 2), ("embed", 2, 2)]


def test_bad_rows_are_reported_and_good_ones_go_in(workplace: Workplace) -> None:
    path = workplace.write("faq.csv", TABLE + "没有答案？,,,,\n何时？,,随时。,明天,\n")
    report = workplace.ingest()
    assert report.count(FileStatus.ADDED) == 1
    assert report.problems == (
        f"{path}: row 4: the answer is empty: fill it in or delete the row",
        f"{path}: row 5: valid_from is not a date (明天): write it like 2026-01-31",
    )
    assert set(workplace.searchable()) == {"打开应用。", "六学分。"}


BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "bad.csv": ("问题,相似问题,答案,生效,失效\n甲,,,,", "nothing in it could be used: what was known from it stays"),
    "columns.csv": ("问题,内容\n甲,乙", "row 1: the columns 答案 (answer) are missing"),
    "empty.md": ("# 只有标题", "nothing in it could be used"),
    "large.txt": ("大" * 4_000, "larger than 4,000 bytes: divide it"),
    "scan.md": (b"\x89PNG\r\n\x1a\n\x00", "the file is not text"),
}


def test_bad_files_never_stop_the_run_nor_remove_what_was_known(workplace: Workplace) -> None:
    for name in BAD_FILES:
        workplace.write(name, TABLE if name.endswith(".csv") else f"{name} 原来的内容。")
    workplace.write("zz.md", GUIDE)
    workplace.ingest()
    before = workplace.searchable()
    for name, (content, _) in BAD_FILES.items():
        workplace.write(name, content)
    workplace.write("zz.md", GUIDE.replace("4 门", "5 门"))
    report = workplace.ingest()
    assert statuses(report) == {**dict.fromkeys(BAD_FILES, "skipped"), "zz.md": "changed"}
    said = {result.source: result.problems for result in report.results}
    for name, (_, problem) in BAD_FILES.items():
        assert said[name][0].startswith(problem)
    assert before.keys() - workplace.searchable().keys() == {"每学期最多选 4 门课。"}


def test_folders_are_walked_in_order_and_nothing_is_left_out_silently(workplace: Workplace) -> None:
    for name in ("b.md", "a/b.md", "a/c.txt", "a/.c.txt", ".hidden.md", ".git/x.md", "data.xyz", "README"):
        workplace.write(name, "文字。")
    os.symlink("..", workplace.files / "a" / "loop")
    os.symlink("nowhere", workplace.files / "z")
    os.symlink("b.md", workplace.files / "same.md")
    os.symlink(__file__, workplace.files / "secret.txt")
    os.mkfifo(workplace.files / "pipe.md")
    report = workplace.ingest(approve=False)
    assert [(result.source, result.status, *result.notes, *result.problems) for result in report.results] == [
        (".git", "skipped", "hidden"),
        (".hidden.md", "skipped", "hidden"),
        ("README", "skipped", f"a file without suffix is not read: only {', '.join(SUFFIXES)} are"),
        ("a/.c.txt", "skipped", "hidden"),
        ("a/b.md", "added"),
        ("a/c.txt", "added"),
        ("a/loop", "skipped", "a link to a folder: name it to have it read"),
        ("b.md", "added"),
        ("data.xyz", "skipped", f".xyz is not read: only {', '.join(SUFFIXES)} are"),
        ("pipe.md", "skipped", "not a regular file"),
        ("same.md", "skipped", "already read in this run"),
        ("secret.txt", "skipped", "a link out of the folder: name the file to have it read"),
        ("z", "skipped", "cannot be read: No such file or directory"),
    ]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["missing.md"], "missing.md: cannot be read: No such file or directory"),
        (["data.xyz"], "data.xyz: .xyz is not read: only .md,"),
        (["data.xlsx"], "data.xlsx: it is no .xlsx file, whatever its name says"),
        (["b.md", "a/b.md"], "rename one, or ingest their folder"),
        (["a/\udce9.md"], r"a/\xe9.md: the file name is not UTF-8: rename the file"),
    ],
)
def test_what_was_asked_for_by_name_and_cannot_be_read_is_a_problem(
    workplace: Workplace, names: list[str], problem: str
) -> None:
    for name in ("b.md", "a/b.md", "data.xyz", "data.xlsx", "a/\udce9.md"):
        workplace.write(name, "文字。")
    report = workplace.ingest(*(workplace.files / name for name in names), approve=False)
    assert len(report.problems) == 1
    assert problem in report.problems[0]


def test_a_collection_needs_a_name(workplace: Workplace) -> None:
    for name in ("", "two words", "a/b", "x" * 65):
        with pytest.raises(UsageError, match="is no name"):
            workplace.ingest(collection=name)


def test_a_file_whose_bytes_are_unchanged_is_not_read_again(workplace: Workplace, tmp_path: Path) -> None:
    workplace.write("规定.docx", files.word())
    workplace.write("图.html", "<h1>题</h1><p>字。</p><img src=a.png>")
    assert statuses(workplace.ingest()) == {"规定.docx": "added", "图.html": "added"}
    hurried = Workplace(tmp_path, workplace.store, patience_s=0.001)  # it cannot read anything
    report = hurried.ingest(approve=False)
    assert statuses(report) == {"规定.docx": "unchanged", "图.html": "skipped"}, "what a page shows may have changed"
    assert statuses(hurried.ingest(audience=Audience.STAFF, approve=False)) == dict.fromkeys(
        ("规定.docx", "图.html"), "skipped"
    ), "with other settings it is another document"


def test_a_file_is_read_again_when_its_pictures_are_gone(workplace: Workplace, tmp_path: Path) -> None:
    workplace.write("图.pdf", next(each.content for each in varied_files() if each.name == "图示.pdf"))
    workplace.ingest()
    hurried = Workplace(tmp_path, workplace.store, patience_s=0.001)
    assert statuses(hurried.ingest(approve=False)) == {"图.pdf": "unchanged"}
    for picture in (tmp_path / "figures").glob("??/*"):
        picture.unlink()
    assert statuses(hurried.ingest(approve=False)) == {"图.pdf": "skipped"}
    assert statuses(workplace.ingest()) == {"图.pdf": "unchanged"}
    assert statuses(hurried.ingest(approve=False)) == {"图.pdf": "unchanged"}


def test_problems_of_a_file_are_told_each_time(workplace: Workplace) -> None:
    workplace.write("faq.csv", TABLE + "没有答案？,,,,\n")
    assert [workplace.ingest().problems for _ in range(2)][1] == (
        f"{workplace.files}/faq.csv: row 4: the answer is empty: fill it in or delete the row",
    )


@pytest.mark.parametrize("four_eyes", [False, True])
def test_what_was_withdrawn_stays_so_until_it_changes_or_is_restored(tmp_path: Path, *, four_eyes: bool) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    metadata.create_all(database.engine)
    workplace = Workplace(tmp_path, KnowledgeStore(database, four_eyes=lambda _tenant, _collection: four_eyes))
    workplace.write("guide.md", GUIDE)
    workplace.ingest(actor="cli:author")
    if four_eyes:
        workplace.ingest(actor="cli:reviewer")
    assert workplace.store.withdraw("academy", "imaging", "guide.md", actor="cli:ops", now=2.0)
    for approve in (True, False):
        report = workplace.ingest(approve=approve)
        assert statuses(report) == {"guide.md": "withdrawn"}
        assert (report.drafts, report.results[0].notes) == (0, (WITHDRAWN_NOTE,))
    assert workplace.searchable() == {}
    assert len(workplace.store.versions("academy", "imaging")) == 1
    restored = workplace.ingest(restore=True, actor="cli:ops")
    assert (statuses(restored), restored.drafts) == ({"guide.md": "added"}, int(four_eyes))
    assert bool(workplace.searchable()) is not four_eyes
    workplace.store.withdraw("academy", "imaging", "guide.md", actor="cli:ops", now=3.0)
    workplace.write("guide.md", GUIDE + "\n又一句。\n")
    assert statuses(workplace.ingest(approve=False)) == {"guide.md": "added"}
    workplace.index.close()
    database.dispose()
