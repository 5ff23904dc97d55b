"""From staging to production: what was sealed arrives as it was, or not at all."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from bot.errors import UsageError
from bot.golden.bundle import SEAL_FILE, is_bundle, read_bundle, seal, submissions, take_figures
from bot.golden.judging import Outcome
from bot.golden.store import EVAL, Run
from bot.golden.versions import content_digest
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.export import ENTRIES_FILE, export
from bot.knowledge.figures import FigureStore
from bot.knowledge.origin import Origin, make_entry

STAGING = Origin(tenant="staging", collection="drafts", audience=Audience.HCP, source="产品/a.md", bots=("imaging",))
PICTURE = hashlib.sha256(b"picture").hexdigest() + ".png"
ENTRIES = [
    make_entry(
        STAGING, kind=EntryKind.PASSAGE, title="手册", text="第一段。", location="一", page=2, figures=(PICTURE,)
    ),
    make_entry(STAGING, kind=EntryKind.PASSAGE, title="手册", text="第二段。", location="二", approval_number="M-1"),
    make_entry(
        replace(STAGING, source="faq.csv", audience=Audience.PUBLIC, bots=()),
        kind=EntryKind.FAQ,
        title="问？",
        questions=("问？", "相似？"),
        text="答。",
        location="第 2 行",
        valid_to=9e9,
    ),
]


def run_on(entries: Sequence[Entry], accepted_at: float | None = 3.0) -> Run:
    outcome = Outcome(id="a", question="问？", kind="faq", confidence=1.0, first_right=True)
    rests_on = {"knowledge": {"drafts": content_digest(entries)}}
    return Run(
        bot="imaging",
        tenant="staging",
        at=2.0,
        actor="cli:li",
        occasion=EVAL,
        ran_on=rests_on,
        outcomes=(outcome,),
        accepted_at=accepted_at,
        accepted_by="cli:li",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    figures = tmp_path / "staging figures"
    (figures / PICTURE[:2]).mkdir(parents=True)
    (figures / PICTURE[:2] / PICTURE).write_bytes(b"picture")
    export([ENTRIES[:2], ENTRIES[2:]], tmp_path / "out", ZoneInfo("Asia/Shanghai"), FigureStore(figures))
    return tmp_path / "out"


def test_what_was_sealed_arrives_as_it_was(folder: Path, tmp_path: Path) -> None:
    assert not is_bundle(folder)
    assert seal(folder, "drafts", ENTRIES, run_on(ENTRIES)) is not None
    assert is_bundle(folder)
    bundle = read_bundle(folder)
    assert (bundle.seal.right, bundle.seal.questions, bundle.seal.accepted_by) == (1, 1, "cli:li")
    first, second = submissions(bundle, "academy", "imaging")
    arrived = [*first.entries, *second.entries]
    assert content_digest(arrived) == content_digest(ENTRIES)
    assert {(entry.tenant, entry.collection) for entry in arrived} == {("academy", "imaging")}
    assert (first.origin.source, first.origin.audience, first.title) == ("产品/a.md", Audience.HCP, "手册")
    figures = FigureStore(tmp_path / "production figures")
    take_figures(folder, figures)
    kept = figures.path(PICTURE)
    assert kept is not None
    assert kept.read_bytes() == b"picture"


@pytest.mark.parametrize(
    ("name", "value"), [("valid_to", "soon"), ("title", 5), ("questions", "何时？"), ("figures", [1]), ("page", 1.5)]
)
def test_an_entry_that_is_none_is_told(folder: Path, name: str, value: object) -> None:
    assert seal(folder, "drafts", ENTRIES, run_on(ENTRIES)) is not None
    path = folder / "entries.jsonl"
    first, *others = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), name: value}), *others]), encoding="utf-8")
    with pytest.raises(UsageError, match=f"no entry \\({name} is"):
        read_bundle(folder)


def test_a_picture_that_is_another_than_its_name_says_is_not_taken(folder: Path, tmp_path: Path) -> None:
    (folder / "figures" / PICTURE).write_bytes(b"another picture")
    figures = FigureStore(tmp_path / "production figures")
    with capture_logs() as logs:
        take_figures(folder, figures)
    assert figures.path(PICTURE) is None
    assert [line["event"] for line in logs] == ["figure_is_another"]


def test_a_picture_counts_as_new_where_it_arrives(folder: Path, tmp_path: Path) -> None:
    os.utime(folder / "figures" / PICTURE, (0.0, 0.0))
    figures = FigureStore(tmp_path / "production figures")
    take_figures(folder, figures)
    assert not figures.remove(PICTURE, untouched_since=1.0), "else it would go before its document is approved"


def test_a_bundle_shows_no_other_file_of_the_machine(folder: Path, tmp_path: Path) -> None:
    secret, link = tmp_path / "secret", f"{'f' * 64}.png"
    secret.write_text("nobody's business", encoding="utf-8")
    (folder / "figures" / link).symlink_to(secret)
    figures = FigureStore(tmp_path / "production figures")
    take_figures(folder, figures)
    assert figures.path(link) is None


@pytest.mark.parametrize("run", [None, run_on(ENTRIES, accepted_at=None), run_on(ENTRIES[:2])])
def test_what_no_accepted_run_ran_on_is_not_sealed(folder: Path, run: Run | None) -> None:
    assert seal(folder, "drafts", ENTRIES, run) is None
    assert not is_bundle(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (ENTRIES_FILE, "第二段", "第三段", "does not hold what the accepted run"),
        (ENTRIES_FILE, '"hcp"', '"public"', "does not hold what the accepted run"),
        (ENTRIES_FILE, '"hcp"', '"nobody"', "entries.jsonl:1: no entry"),
        (SEAL_FILE, '"format": 1', '"format": 2', "no seal of this version"),
        (SEAL_FILE, '"run"', '"walk"', "no seal"),
        (SEAL_FILE, "{", "", "no seal"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(folder: Path, file: str, old: str, new: str, fault: str) -> None:
    seal(folder, "drafts", ENTRIES, run_on(ENTRIES))
    written = (folder / file).read_text(encoding="utf-8")
    assert old in written
    (folder / file).write_text(written.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=fault):
        read_bundle(folder)
