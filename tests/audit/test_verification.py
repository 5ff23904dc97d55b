"""Whatever is done to the rows of the log behind its back is found, and the first bad entry named."""

import hashlib
import json
import sqlite3
from collections.abc import Callable

import pytest

from bot.audit.anchors import ANCHOR_EVERY_S, read_anchors
from bot.audit.key import AuditKey
from bot.audit.verification import verify
from tests.audit.conftest import Books

Tamper = Callable[..., None]
MOVE = "UPDATE audit_entries SET seq = ? WHERE seq = ?"


def test_a_log_that_nobody_touched_is_whole(on_sqlite: Books) -> None:
    assert on_sqlite.verify().ok, "an empty log too"
    on_sqlite.write(5)
    on_sqlite.log.anchor()
    found = on_sqlite.verify()
    assert (found.ok, found.entries, found.first, found.last, found.anchors) == (True, 5, 1, 5, 1)
    assert found.first_bad is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET at = '2027-01-15T08:00:09.000000Z' WHERE seq = 3",
        "UPDATE audit_entries SET actor = 'cli:somebody' WHERE seq = 3",
        "UPDATE audit_entries SET tenant = 'other' WHERE seq = 3",
        "UPDATE audit_entries SET bot = '' WHERE seq = 3",
        "UPDATE audit_entries SET action = 'command' WHERE seq = 3",
        "UPDATE audit_entries SET subject = subject || ' ' WHERE seq = 3",
        "UPDATE audit_entries SET details = '{}' WHERE seq = 3",
        "UPDATE audit_entries SET previous = hash WHERE seq = 3",
        "UPDATE audit_entries SET hash = previous WHERE seq = 3",
        "UPDATE audit_entries SET seal = hash WHERE seq = 3",
        "UPDATE audit_entries SET subject = x'00ff' WHERE seq = 3",
        "UPDATE audit_entries SET seal = x'00ff' WHERE seq = 3",
    ],
)
def test_a_change_of_a_field_is_found(on_sqlite: Books, tamper: Tamper, statement: str) -> None:
    on_sqlite.write(5)
    tamper(statement)
    found = on_sqlite.verify()
    assert (found.ok, found.first_bad) == (False, 3)


@pytest.mark.parametrize(
    ("statement", "first_bad", "said"),
    [
        ("DELETE FROM audit_entries WHERE seq = 3", 3, "entry 3 is missing"),
        ("DELETE FROM audit_entries WHERE seq IN (3, 4)", 3, "entries 3 to 4 are missing"),
        ("DELETE FROM audit_entries WHERE seq <= 2", 1, "entries 1 to 2 are missing, and no checkpoint says why"),
    ],
)
def test_a_deletion_is_found(on_sqlite: Books, tamper: Tamper, statement: str, first_bad: int, said: str) -> None:
    on_sqlite.write(6)
    tamper(statement)
    found = on_sqlite.verify()
    assert (found.first_bad, found.problems[0].text) == (first_bad, said)


def test_a_deletion_whose_gap_was_closed_is_found(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(6)
    tamper("DELETE FROM audit_entries WHERE seq = 3", "UPDATE audit_entries SET seq = seq - 1 WHERE seq > 3")
    assert on_sqlite.verify().first_bad == 3


def test_two_entries_that_changed_places_are_found(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(6)
    tamper(*((MOVE, places) for places in ((99, 3), (3, 4), (4, 99))))
    assert on_sqlite.verify().first_bad == 3


def test_an_entry_put_in_between_is_found(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(6)
    tamper(
        *((MOVE, (seq + 1, seq)) for seq in (6, 5, 4)),
        "INSERT INTO audit_entries SELECT 4, at, actor, tenant, bot, action, subject, details, previous, hash, seal"
        " FROM audit_entries WHERE seq = 3",
    )
    assert on_sqlite.verify().first_bad == 4


def test_an_entry_that_is_there_twice_is_found(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(4)
    tamper(
        "CREATE TABLE loose AS SELECT * FROM audit_entries",
        "INSERT INTO loose SELECT * FROM audit_entries WHERE seq = 3",
        "DROP TABLE audit_entries",
        "ALTER TABLE loose RENAME TO audit_entries",
    )
    found = on_sqlite.verify()
    assert (found.first_bad, found.problems[0].text) == (3, "entry 3 is there twice")


def rewrite(books: Books, first: int, seal: Callable[[str], str]) -> None:
    """Change entry ``first`` and make every hash after it fit, as somebody can who knows how they are made."""
    with sqlite3.connect(books.folder / "raw.sqlite") as connection:
        connection.execute("DROP TRIGGER IF EXISTS audit_entries_no_update")
        rows = connection.execute("SELECT * FROM audit_entries ORDER BY seq").fetchall()
        previous = rows[first - 2][9] if first > 1 else "0" * 64
        for row in rows[first - 1 :]:
            fields = list(row[:8])
            fields[6] = "turn:rewritten" if fields[0] == first else fields[6]
            text = json.dumps([*fields, previous], ensure_ascii=False, separators=(",", ":"))
            new = hashlib.sha256(text.encode()).hexdigest()
            connection.execute(
                "UPDATE audit_entries SET subject = ?, previous = ?, hash = ?, seal = ? WHERE seq = ?",
                (fields[6], previous, new, seal(new), fields[0]),
            )
            previous = new


def test_a_chain_that_was_made_anew_is_found_by_its_seals(on_sqlite: Books) -> None:
    on_sqlite.write(6)
    rewrite(on_sqlite, 3, lambda _hash: "0" * 64)
    found = on_sqlite.verify()
    assert (found.first_bad, found.problems[0].text) == (3, "entry 3 was not written with this AUDIT_KEY")


def test_a_forged_entry_at_the_end_is_found_by_its_seal(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(3)
    last = list(on_sqlite.log.entries())[-1]
    fields = [4, last.at, last.actor, last.tenant, last.bot, last.action, "turn:forged", last.details]
    text = json.dumps([*fields, last.hash], ensure_ascii=False, separators=(",", ":"))
    forged = hashlib.sha256(text.encode()).hexdigest()
    add = "INSERT INTO audit_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    tamper((add, (*fields, last.hash, forged, last.seal)))
    assert on_sqlite.verify().first_bad == 4


def test_with_another_key_nothing_is_taken_for_ours(on_sqlite: Books) -> None:
    on_sqlite.write(3)
    found = verify(on_sqlite.log.entries(), AuditKey(b"another"), ())
    assert (found.first_bad, found.problems[0].text) == (1, "entry 1 was not written with this AUDIT_KEY")


def test_a_chain_that_was_made_anew_with_the_key_is_found_by_the_anchors(on_sqlite: Books) -> None:
    on_sqlite.write(3)
    on_sqlite.log.anchor()
    on_sqlite.write(6)
    on_sqlite.log.anchor()
    rewrite(on_sqlite, 5, on_sqlite.key.seal)
    found = on_sqlite.verify()
    assert found.first_bad == 4
    assert found.problems[0].text.startswith("entries 4 to 9 are not those that were there at 2027-01-15T08:00:09")


@pytest.mark.parametrize("left", [0, 1, 5])
def test_an_end_that_was_cut_off_is_found_by_the_anchors(on_sqlite: Books, tamper: Tamper, left: int) -> None:
    on_sqlite.write(8)
    on_sqlite.log.anchor()
    tamper(("DELETE FROM audit_entries WHERE seq > ?", (left,)))
    found = on_sqlite.verify()
    assert found.first_bad == left + 1
    assert f"the log ends with entry {left}; " in found.problems[0].text


def test_an_end_that_was_cut_off_and_written_over_is_found(on_sqlite: Books, tamper: Tamper) -> None:
    on_sqlite.write(8)
    on_sqlite.log.anchor()
    tamper("DELETE FROM audit_entries WHERE seq > 5")
    on_sqlite.write(7)
    assert on_sqlite.verify().first_bad == 1, "no anchor vouches for any of them"


def test_an_anchor_is_written_once_for_each_head_and_not_too_often(on_sqlite: Books) -> None:
    log = on_sqlite.log
    log.anchor()
    assert not on_sqlite.anchors.path.exists(), "an empty log has no head"
    on_sqlite.write(1)
    log.anchor_if_due()
    log.anchor()
    on_sqlite.write(1)
    log.anchor_if_due()
    assert [anchor.seq for anchor in read_anchors(on_sqlite.anchors.path)] == [1]
    on_sqlite.now += ANCHOR_EVERY_S
    log.anchor_if_due()
    assert [anchor.seq for anchor in read_anchors(on_sqlite.anchors.path)] == [1, 2]
    assert on_sqlite.anchors.path.stat().st_mode & 0o777 == 0o600


def test_anchors_go_on_after_the_clock_was_set_back(on_sqlite: Books) -> None:
    on_sqlite.now += 86_400 * 365
    on_sqlite.write(1)
    on_sqlite.log.anchor_if_due()
    on_sqlite.now -= 86_400 * 365
    on_sqlite.write(1)
    on_sqlite.log.anchor_if_due()
    assert [anchor.seq for anchor in read_anchors(on_sqlite.anchors.path)] == [1, 2]
    assert on_sqlite.verify().ok


def test_half_an_anchor_spoils_no_other(on_sqlite: Books) -> None:
    on_sqlite.write(1)
    on_sqlite.log.anchor()
    with on_sqlite.anchors.path.open("a") as file:
        file.write('{"seq": 2, "ha')
    on_sqlite.write(1)
    on_sqlite.log.anchor()
    assert [anchor.seq for anchor in read_anchors(on_sqlite.anchors.path)] == [1, 2]
    assert on_sqlite.verify().ok


def test_anchors_are_read_out_of_a_log_file(on_sqlite: Books) -> None:
    on_sqlite.write(2)
    head = on_sqlite.log.head()
    lines = [
        '{"event": "turn_decided", "seq": 9, "hash": "x", "at": "y"}',
        json.dumps({"event": "audit_anchor", "level": "info", "seq": 2, "hash": head.hash, "at": "2027"}),
        "not JSON at all",
        '{"seq": 1e999, "hash": "x", "at": "y"}',
        "[" * 100_000,
    ]
    file = on_sqlite.folder / "worker.log"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert [(anchor.seq, anchor.hash) for anchor in read_anchors(file)] == [(2, head.hash)]


def test_where_no_anchor_can_be_written_the_work_goes_on(on_sqlite: Books) -> None:
    on_sqlite.write(1)
    on_sqlite.anchors.path.mkdir()
    on_sqlite.log.anchor()
    assert on_sqlite.log.append_many([]) == []
    assert on_sqlite.log.head().seq == 1
