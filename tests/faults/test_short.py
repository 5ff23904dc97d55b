"""The short campaign: under load, each fault once, and every acknowledged message is answered once and in order.

`make soak` is the long one (:mod:`tests.faults.soak`). The faults here follow each other before everybody is answered,
as they do in life; the slowest of them, a lease of a dead worker that has to run out, so costs its 20 s once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, campaign, offences
from tests.faults.moments import BetweenParts, Generating, KillAt, RestartMidGeneration, SentUnrecorded
from tests.faults.processes import Kill, KillWebWorker, RollWeb
from tests.faults.report import page
from tests.faults.site import Fault
from tests.faults.surroundings import Callbacks, Calls, ExpireTokens, LockDatabase, Nothing
from tests.faults.verdict import Row, table

THEN_S = 0.5
FAULTS: tuple[Fault, ...] = (  # those that need no worker stand where one is on its way up
    Nothing(1),
    Callbacks("each made twice at the same time", "duplicate", 1),
    KillAt((Generating(), SentUnrecorded(), BetweenParts())),
    Kill("beat"),
    RollWeb(),
    KillWebWorker(),
    Kill("redis"),
    Calls("busy (-1)", "errcode", 0.5, errcode=-1),
    Calls("closes after the work", "close_after", 0.5),
    ExpireTokens(1),
    LockDatabase(1),
    RestartMidGeneration(),
)


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Campaign]:
    """The campaign after its last strike, judged once everybody was answered."""
    with campaign(tmp_path_factory.mktemp("faults"), repository, seed=1, per_s=6) as running:
        for fault in FAULTS:
            running.strike(fault, THEN_S)
        running.judge()
        yield running


def test_nothing_acknowledged_is_lost_and_order_is_kept(
    struck: Campaign, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("\n" + table(struck.rows.values()))
    assert list(map(str, offences(struck))) == []
    assert struck.rows["none"].acknowledged > 0


def test_what_came_twice_was_counted(struck: Campaign) -> None:
    unknown = sum(struck.unknown().values())
    assert len(struck.doubled) <= unknown
    assert unknown >= 1, "a worker that dies between a send and its record leaves a send of unknown outcome"


def test_every_acknowledged_message_is_in_one_record(struck: Campaign) -> None:
    assert [one.name for one in struck.unrecorded] == []


def test_the_report_of_a_broken_promise_names_the_message_and_tells_its_life(struck: Campaign) -> None:
    kept = page(struck, 1, datetime.now(UTC))
    assert "| lost | 0 |" in kept
    assert "| kill -9 | 4 (" in kept
    assert "**" not in kept
    one = struck.site.ledger.snapshot()[0][0]
    broken = page(Campaign(struck.site, rows={"none": Row(fault="none", lost=[one])}), 1, datetime.now(UTC))
    assert "| lost | 1 |" in broken
    assert f"- **lost: {one.name} (none)**" in broken
    assert f"answers {one.msg_id}\n" in broken
    assert "received" in broken


def test_a_rolling_restart_refuses_nobody(struck: Campaign) -> None:
    row = struck.rows[RollWeb().name]
    assert row.refused == 0, "one web worker always answers, and a callback that is cut off is made again"
    assert row.acknowledged > 0


def test_who_is_asked_to_end_does_so_in_time(struck: Campaign) -> None:
    assert set(struck.site.stop_s) == {RollWeb().name, RestartMidGeneration().name}
    assert max(struck.site.stop_s.values()) < 9


def test_a_worker_hands_back_what_takes_too_long(struck: Campaign) -> None:
    assert "worker_ended_at_its_deadline" in struck.site.system.log("worker")
    assert struck.rows[RestartMidGeneration().name].lost == []
