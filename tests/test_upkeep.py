"""The slow chores of a worker, put together."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import redis
from pydantic import BaseModel

from bot import keys
from bot.audit.anchors import Anchors
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.bots_file import ChannelConfig
from bot.errors import Unavailable
from bot.inbox import Inbox, InboxLimits
from bot.live import Live, Snapshot
from bot.messages import ConversationId
from bot.posting import post
from bot.safety.cases.ledger import Ledger
from bot.safety.cases.register import Cases
from bot.safety.cases.sealing import CaseKey
from bot.upkeep import Upkeep, build_upkeep
from tests.handoff.conftest import open_office
from tests.handoff.office import APP, Office, make_bot

__all__ = ["open_office"]

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2027, 1, 15, 0, 0, tzinfo=SHANGHAI).timestamp()
NEWS, OPS = (ConversationId(bot="imaging", channel=name, person="") for name in ("news", "ops"))


class Speaking(BaseModel):
    """The block of a channel that speaks in a group."""

    carries: tuple[str, ...]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """It is midnight, and the bot is quiet."""
    channels = {
        "app": APP,
        "news": ChannelConfig(type="speaking", config=Speaking(carries=("announcements",))),
        "ops": ChannelConfig(type="speaking", config=Speaking(carries=("alerts",))),
    }
    office = open_office(make_bot(channels=channels, quiet_hours="22:00-08:00"))
    office.now = MIDNIGHT
    return office


def chores(office: Office, *, index: str) -> Upkeep:
    bots = {office.bot.id: office.bot}
    audit = AuditLog(office.database, AuditKey(b"a secret of this test"), Anchors(office.folder / "anchors.jsonl"))
    limits = InboxLimits(person_per_minute=20, conversation_waiting=20, bot_waiting=100)
    ledger = Ledger(
        database=office.database,
        key=CaseKey(b"a secret of this test, long enough"),
        bots=bots,
        zone=SHANGHAI,
        audit=audit.append_within,
        clock=lambda: office.now,
    )
    return build_upkeep(
        office.client,
        live=Live(Snapshot(version="1", bots=bots, channels=office.channels)),
        inbox=Inbox(office.client, limits, lambda _key: None),
        desk=office.desk,
        cases=Cases(ledger),
        switches=office.switches,
        tools=office.tools,
        audit=audit,
        index_state=lambda: index,
        post=lambda to, reply: post(office.client, lambda _key: None, to, reply),
    )


def waiting(client: redis.Redis, *groups: ConversationId) -> list[int]:
    return [client.llen(keys.outbox(group)) for group in groups]


def test_in_quiet_hours_an_alert_is_said_and_an_announcement_waits(office: Office, redis_client: redis.Redis) -> None:
    office.tools.broadcasts.start("imaging", "周五停机", [NEWS], turn_id="t", by="zhang.wei")
    chores(office, index="down").work()
    assert waiting(redis_client, NEWS, OPS) == [0, 1]
    office.now += 8 * 3600
    chores(office, index="ok").work()
    assert waiting(redis_client, NEWS, OPS) == [1, 1]


def test_an_alert_is_said_although_the_database_is_away(office: Office, redis_client: redis.Redis) -> None:
    work = chores(office, index="down")
    office.database.dispose()
    office.folder.joinpath("bot.sqlite").unlink()
    with pytest.raises(Unavailable):
        work.work()
    assert waiting(redis_client, OPS) == [1]
