"""What the audit log costs: processor time for each turn that is recorded with its entry, and for checking an entry."""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.audit.anchors import Anchors
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.audit.turns import audit_of_turns
from bot.audit.verification import verify
from bot.records.database import Database, upserting
from bot.records.turns import TurnRecord, turns

TURNS = 1600
TURN = TurnRecord(
    id="",
    bot="imaging",
    tenant="academy",
    conversation="imaging/app//wang.fang",
    person="wang.fang",
    asked_at=1.0,
    answered_at=2.0,
    message_ids=("m1",),
    question="注册后多久可以预约设备？",
    step="compose",
    kind="faq",
    answer="注册后两个工作日内可以预约。" * 4,
    confidence=0.8751,
    steps=({"step": "retrieve", "ms": 1.0}, {"step": "compose", "ms": 2.0, "kind": "faq", "cited": ["e1", "e2"]}),
    parts=1,
    parts_sent=1,
)

Write = Callable[[Sequence[TurnRecord]], None]


def main() -> None:
    """Measure, on a database in a folder of its own or on the PostgreSQL server of ``--url``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="An empty PostgreSQL database; SQLite in a folder of its own when left out.")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url or f"sqlite:///{folder}/bot.sqlite")
        database.upgrade()
        log = AuditLog(database, AuditKey(b"the key of a benchmark, long enough"), Anchors(Path(folder) / "anchors"))
        audit = audit_of_turns(log)

        def recorded(records: Sequence[TurnRecord], *, audited: bool) -> None:
            with database.write() as connection:
                connection.execute(upserting(connection.dialect.name, turns), [record.fields() for record in records])
                if audited:
                    audit(connection, records)

        for together in (1, 8, 32):
            plain = _cost(f"plain-{together}", together, lambda records: recorded(records, audited=False))
            with_audit = _cost(f"audited-{together}", together, lambda records: recorded(records, audited=True))
            print(f"{together} turns in a transaction: {plain:.0f} µs a turn, {with_audit:.0f} with its audit entry")
        started = time.process_time()
        found = verify(log.entries(), log.key, [])
        assert found.ok
        print(f"checking: {(time.process_time() - started) / found.entries * 1e6:.0f} µs an entry")
        database.dispose()


def _cost(name: str, together: int, write: Write) -> float:
    """Microseconds of processor time a turn."""
    records = [replace(TURN, id=f"{name}-{number}") for number in range(TURNS)]
    started = time.process_time()
    for start in range(0, TURNS, together):
        write(records[start : start + together])
    return (time.process_time() - started) / TURNS * 1e6


if __name__ == "__main__":
    main()
