"""Cases over a real database, with a clock that stands still until told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from bot.audit.anchors import Anchors
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig, ChannelConfig
from bot.messages import ConversationId
from bot.records.database import Database
from bot.safety.adverse_events import default_lexicon, screen
from bot.safety.adverse_events.lexicon import Lexicon
from bot.safety.cases.case import Case, Report, Taken
from bot.safety.cases.config import SafetyConfig
from bot.safety.cases.intake import Intake
from bot.safety.cases.ledger import Ledger
from bot.safety.cases.register import Cases
from bot.safety.cases.sealing import CaseKey

NOW = 1_800_000_000.0
"""2027-01-15 16:00 in Shanghai."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
REPORT = "患者女，56岁，服用示影灵三天后全身皮疹伴瘙痒"


@cache
def lexicon() -> Lexicon:
    """With the product of the company; compiled when the first test asks, not while tests are looked for."""
    return default_lexicon().with_products(["示影灵"])


class Nothing(BaseModel):
    """A channel's block without keys."""


def make_bot(bot_id: str = "imaging", **safety: object) -> BotConfig:
    return BotConfig(
        id=bot_id,
        name="小影",
        tenant="academy",
        admins=("zhang.wei",),
        servicers=("li.na",),
        channels={"app": ChannelConfig(type="app", config=Nothing())},
        safety=SafetyConfig.model_validate({"products": ("示影灵",), "desk": ("pv.chen",), **safety}),
    )


@dataclass
class Clinic:
    """One bot's cases; ``tell`` hands in a message and gives what became of it."""

    database: Database
    audit: AuditLog
    bots: dict[str, BotConfig]
    now: float = NOW
    told: int = 0
    said: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = Ledger(
            database=self.database,
            key=CaseKey(b"a secret of this test, long enough"),
            bots=self.bots,
            zone=SHANGHAI,
            audit=self.audit.append_within,
            clock=lambda: self.now,
        )
        self.intake, self.cases = Intake(self.ledger), Cases(self.ledger)

    def report(
        self,
        words: str,
        *,
        person: str = "wang.fang",
        at: float | None = None,
        message: str = "",
        known: bool = True,
        chat: str = "",
        context: Sequence[str] = (),
        questions: int = 3,
    ) -> Report:
        self.told += 1
        at = self.now if at is None else at
        return Report(
            id=message or f"m{self.told}",
            conversation=ConversationId(bot="imaging", channel="app", person=person, chat=chat),
            tenant="academy",
            sender_name="王芳",
            sent_at=at,
            received_at=at + 1,
            words=words,
            medium="text",
            screening=screen([*context, words], lexicon=lexicon(), reporter_known=known),
            context=tuple(context),
            most_questions=questions,
        )

    def tell(self, words: str, *, case_number: int = 0, declined: bool = False, **more: object) -> Taken:
        taken = self.intake.take(self.report(words, **more), case_number=case_number, declined=declined)  # type: ignore[arg-type]
        assert taken is not None, words
        return taken

    def case(self, number: int = 1) -> Case:
        case = self.cases.get(number)
        assert case is not None
        return case


def open_clinic(url: str, folder: Path) -> Clinic:
    database = Database(url)
    audit = AuditLog(database, AuditKey(b"a secret of this test"), Anchors(folder / "anchors.jsonl"))
    return Clinic(database, audit, {"imaging": make_bot()})


@pytest.fixture
def clinic(sqlite_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """On SQLite."""
    clinic = open_clinic(sqlite_url, tmp_path)
    yield clinic
    clinic.database.dispose()


@pytest.fixture
def any_clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """On each kind of database that the product supports."""
    clinic = open_clinic(database_url, tmp_path)
    yield clinic
    clinic.database.dispose()
