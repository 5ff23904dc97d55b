"""A register over a real database, of each kind that the product supports."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.audit.anchors import Anchors
from bot.audit.entries import AuditEntry
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.identity.bindings import Bindings
from bot.identity.register import Loaded, Register
from bot.identity.roster import read_roster
from bot.identity.tables import Account, Author
from bot.records.database import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2027, 1, 15, 12, tzinfo=SHANGHAI).timestamp()
DAY_S = 86_400.0
PLACES = {"imaging/app", "imaging/kf"}
BY = Author(actor="cli:test")
WANG = Account(bot="imaging", channel="kf", person="wmWANG")
LI = Account(bot="imaging", channel="kf", person="wmLI")


@dataclass
class Office:
    """Where professionals are registered and bound."""

    audit: AuditLog
    register: Register
    bindings: Bindings

    def load(self, text: str, *, tenant: str = "academy", now: float = NOW, **more: bool) -> Loaded:
        roster = read_roster(text, timezone=SHANGHAI, places=PLACES)
        assert roster.problems == ()
        return self.register.load(tenant, roster.rows, source="roster.csv", by=BY, now=now, **more)

    def record_of(self, account: Account, *, tenant: str = "academy", now: float = NOW) -> str | None:
        found = self.bindings.professional_of(tenant, account, now)
        return found.record if found else None

    def entries(self) -> list[AuditEntry]:
        return list(self.audit.entries())


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    database = Database(database_url)
    database.upgrade()
    audit = AuditLog(database, AuditKey(b"a secret of this test"), Anchors(tmp_path / "anchors.jsonl"))
    yield Office(audit, Register(audit), Bindings(audit))
    database.dispose()
