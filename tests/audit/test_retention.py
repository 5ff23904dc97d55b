"""Old entries leave the database for a file, and the log still proves that nothing was lost."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.audit.entries import utc_text
from bot.audit.export import export
from bot.audit.retention import take_out
from bot.errors import UsageError
from tests.audit.conftest import NOW, Books, event

FAR = "9999"


def test_an_export_holds_the_entries_of_a_time_and_their_hashes(books: Books, tmp_path: Path) -> None:
    books.write(6)
    file = tmp_path / "out.jsonl"
    manifest = export(books.log, file, utc_text(NOW + 1), utc_text(NOW + 4), actor="cli:ops")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["seq"] for line in lines] == [2, 3, 4]
    assert json.loads((tmp_path / "out.jsonl.manifest.json").read_text()) == {
        "format": 1,
        "file": "out.jsonl",
        "sha256": manifest.sha256,
        "seal": books.key.seal(manifest.sha256),
        "entries": 3,
        "first": 2,
        "last": 4,
        "previous": lines[0]["previous"],
        "hash": lines[-1]["hash"],
    }
    assert file.stat().st_mode & 0o777 == 0o600
    (newest,) = books.log.newest(1)
    assert (newest.action, newest.subject, newest.actor) == ("export", "audit:2-4", "cli:ops")
    assert json.loads(newest.details)["sha256"] == manifest.sha256


def test_an_export_follows_the_numbers_when_the_clock_was_set_back(books: Books, tmp_path: Path) -> None:
    books.write(2)
    books.now -= 100
    books.write(1)
    books.now += 100
    books.write(1)
    manifest = export(books.log, tmp_path / "out", utc_text(NOW), FAR, actor="cli:ops")
    assert (manifest.first, manifest.last) == (1, 4)


def test_the_script_of_the_documentation_checks_an_export(on_sqlite: Books, tmp_path: Path, repository: Path) -> None:
    on_sqlite.write(5)
    on_sqlite.log.append(event(subject='turn:"中\n文"\u2028', details={"x": [1, 0.5, None, "é"]}))
    file = tmp_path / "audit.jsonl"
    export(on_sqlite.log, file, utc_text(NOW + 1), FAR, actor="cli:ops")
    page = (repository / "docs/audit.md").read_text("utf-8")
    script = page.split("```python\n")[1].split("```")[0]
    assert len(script.strip().splitlines()) <= 10

    def check() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", script, str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert check().stdout == f"entries 2 to 6 are whole, the last hash is {list(on_sqlite.log.entries())[5].hash}\n"
    file.write_text(file.read_text("utf-8").replace("turn:3", "turn:4", 1), "utf-8")
    assert "entry 4" in check().stderr


@pytest.mark.parametrize("suffix", ["", ".manifest.json"])
def test_nothing_is_written_over(books: Books, tmp_path: Path, suffix: str) -> None:
    books.write(1)
    (tmp_path / f"out{suffix}").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export(books.log, tmp_path / "out", "", FAR, actor="cli:ops")
    assert [path.name for path in tmp_path.glob("out*")] == [f"out{suffix}"]
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        export(books.log, tmp_path / "nowhere/out", "", FAR, actor="cli:ops")
    assert books.log.head().seq == 1


@pytest.mark.parametrize("suffix", ["", ".manifest.json"])
def test_what_somebody_else_puts_there_in_the_meantime_stays(books: Books, tmp_path: Path, suffix: str) -> None:
    """A link to nowhere is not seen before, and is in the way of writing, like a file that has just come."""
    books.write(1)
    (tmp_path / f"out{suffix}").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is there already"):
        take_out(books.log, tmp_path / "out", FAR, actor="cli:ops")
    assert [path.name for path in tmp_path.glob("out*")] == [f"out{suffix}"]
    assert books.log.head().seq == 1


def test_a_file_that_cannot_be_written_whole_is_not_left(
    on_sqlite: Books, tamper: Callable[..., None], tmp_path: Path
) -> None:
    on_sqlite.write(3)
    tamper("UPDATE audit_entries SET hash = x'00ff' WHERE seq = 3")
    with pytest.raises(TypeError):
        export(on_sqlite.log, tmp_path / "out", "", FAR, actor="cli:ops")
    assert list(tmp_path.glob("out*")) == []


def test_old_entries_are_taken_out_and_the_rest_is_still_whole(books: Books, tmp_path: Path) -> None:
    books.write(6)
    books.log.anchor()
    manifest = take_out(books.log, tmp_path / "old", utc_text(NOW + 4), actor="cli:ops")
    assert (manifest.first, manifest.last) == (1, 4)
    assert [entry.seq for entry in books.log.entries()] == [5, 6, 7]
    checkpoint = books.log.newest(1)[0]
    assert (checkpoint.action, checkpoint.subject) == ("checkpoint", "audit:1-4")
    assert json.loads(checkpoint.details) == {"through": 4, "hash": manifest.hash, "sha256": manifest.sha256}
    found = books.verify()
    assert (found.ok, found.first, found.entries) == (True, 5, 3)
    with pytest.raises(DBAPIError, match="append-only"), books.database.write() as connection:
        connection.execute(text("DELETE FROM audit_entries"))


def test_entries_are_taken_out_again_and_again(books: Books, tmp_path: Path) -> None:
    books.write(3)
    take_out(books.log, tmp_path / "first", FAR, actor="cli:ops")
    assert [entry.action for entry in books.log.entries()] == ["checkpoint"]
    books.write(2)
    second = take_out(books.log, tmp_path / "second", FAR, actor="cli:ops")
    assert (second.first, second.last) == (4, 6)
    assert books.log.append(event()).seq == 8
    assert books.verify().ok


def test_nothing_old_is_nothing_to_take_out(books: Books, tmp_path: Path) -> None:
    books.write(2)
    with pytest.raises(UsageError, match="no entry that is so old"):
        take_out(books.log, tmp_path / "old", utc_text(NOW), actor="cli:ops")
    assert not (tmp_path / "old").exists()


def test_a_log_that_is_not_whole_is_left_as_it_is(
    on_sqlite: Books, tamper: Callable[..., None], tmp_path: Path
) -> None:
    on_sqlite.write(6)
    tamper("UPDATE audit_entries SET subject = 'x' WHERE seq = 5")
    with pytest.raises(UsageError, match="entry 5 was changed"):
        take_out(on_sqlite.log, tmp_path / "old", utc_text(NOW + 2), actor="cli:ops")
    assert on_sqlite.log.head().seq == 6


def test_more_than_the_checkpoint_says_must_not_be_missing(
    on_sqlite: Books, tamper: Callable[..., None], tmp_path: Path
) -> None:
    on_sqlite.write(6)
    take_out(on_sqlite.log, tmp_path / "old", utc_text(NOW + 2), actor="cli:ops")
    tamper("DELETE FROM audit_entries WHERE seq = 3")
    found = on_sqlite.verify()
    assert (found.first_bad, found.problems[0].text) == (1, "entries 1 to 3 are missing, and no checkpoint says why")
