"""A campaign: faults strike one after the other while people write, and every message is judged afterwards."""

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.conftest import UP, running_system
from tests.fakes.llm_server import LlmServer
from tests.faults.ledger import Ledger, Platform, Written, wait_until
from tests.faults.site import Fault, Site
from tests.faults.verdict import Doubled, Judge, Row, Window, read_records

QUIET_WITHIN_S = 120.0
"""Longer than a lease, a part's mark, the platform's minute of refusals and the longest back-off take together."""
_SETTLE_S = 1.0
_PEOPLE, _ASKING, _SPARES = 20, 2, 40

_BOTS = """
bots:
  faults:
    name: 演练助手
    knowledge: [drill]
    admins: [{admins}]
    servicers: [li.na]
    channels:
      app:
        type: wecom-app
        corp_id: wwfaults0000000000
        agent_id: 1000002
        secret: fake-secret-of-a-drill
        token: fakeTokenOfADrill
        encoding_aes_key: PublicDemoKeyPublicDemoKeyPublicDemoKey0000
"""
_KNOWLEDGE = "# 演练用药的不良反应\n\n虚拟皮疹：每 50 次练习约出现 1 次。虚拟头晕：每 20 次练习约出现 1 次。\n"
_LIMITS = {  # what is tested is faults
    "LIMIT_PERSON_PER_MINUTE": "1000",
    "PACE_PER_MINUTE": "1000",
    "PACE_PER_HOUR": "100000",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One strike: the fault, and when it began by the simulator's clock, which is this machine's."""

    number: int
    fault: Fault
    struck_at: float


@dataclass
class Campaign:
    """Faults that strike ``site``; ``rows`` is the table, in the order of the first strikes, ``unrecorded`` the
    acknowledged messages that are in no record, or in two, and ``stuck`` what was waited for in vain."""

    site: Site
    trials: list[Trial] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    unrecorded: list[Written] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def strike(self, fault: Fault, then_s: float) -> None:
        """Let ``fault`` strike, and people write on for ``then_s`` seconds."""
        ledger = self.site.ledger
        self.trials.append(Trial(ledger.begin_trial(), fault, time.time()))
        try:
            fault.strike(self.site)
        finally:
            time.sleep(then_s)
            self.site.mend()
            ledger.check()

    def judge(self) -> None:
        """Let people fall silent, wait until all of them are answered, and judge the trials since the last time."""
        ledger = self.site.ledger
        ledger.hold()
        wait_until(ledger.settled, QUIET_WITHIN_S, "the platform makes no more callbacks")
        judge = self._quiet()
        for trial in self.trials:
            row = self.rows.setdefault(trial.fault.name, Row(fault=trial.fault.name))
            judge.judge(trial.number, row, trial.struck_at)
        self.unrecorded = judge.unrecorded()
        self.trials.clear()

    def _quiet(self) -> Judge:
        """The judgement once nobody waits any more and every turn is recorded, or the time for that is over."""
        give_up_at = time.monotonic() + QUIET_WITHIN_S
        while True:
            judge = self._look()
            if not (judge.uncovered() or judge.unrecorded()) or time.monotonic() > give_up_at:
                time.sleep(_SETTLE_S)  # for words that come twice
                return self._look()
            time.sleep(_SETTLE_S)

    def _look(self) -> Judge:
        written, seen = self.site.ledger.snapshot()
        return Judge(written, seen, read_records(self.site.database))

    @property
    def doubled(self) -> list[Doubled]:
        """What was seen twice."""
        return [one for row in self.rows.values() for one in row.doubled]

    def unknown(self) -> dict[str, float]:
        """Sends of which the installation says that they may have arrived twice, by the cause."""
        return self.site.counted("bot_sends_unknown_total")


@contextmanager
def campaign(folder: Path, repository: Path, seed: int, per_s: float) -> Iterator[Campaign]:
    """An installation in ``folder`` with people who write ``per_s`` messages a second between them."""
    people = tuple(f"person-{number:02}" for number in range(_PEOPLE))
    spares = tuple(f"spare-{number:02}" for number in range(_SPARES))
    bots, knowledge = folder / "bots.yaml", folder / "knowledge.md"
    bots.write_text(_BOTS.format(admins=", ".join(people + spares)), encoding="utf-8")
    knowledge.write_text(_KNOWLEDGE, encoding="utf-8")
    with LlmServer() as llm:
        model = {"OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": "a-key", "OPENAI_MODEL": "scripted"}
        settings = {"BOTS_FILE": str(bots), **model, **_LIMITS}
        with running_system(folder / "data", repository, UP, **settings) as system:
            taught = system.command("ingest", str(knowledge), "--approve")
            assert taught.returncode == 0, taught.stderr
            platform = Platform(system.simulator)
            platform.ask("PATCH", "rules", {"member_per_minute": 1000, "member_per_hour": 100_000})
            asking = people[:: _PEOPLE // _ASKING]
            with Ledger(platform, people, asking, per_s) as ledger:
                site = Site(
                    system=system,
                    platform=platform,
                    ledger=ledger,
                    llm=llm,
                    people=people,
                    asking=asking,
                    spares=itertools.cycle(spares),
                    chance=random.Random(seed),
                )
                yield Campaign(site)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offence:
    """Something that must not be: ``what``, of which message, and while which fault struck."""

    what: str
    fault: str
    name: str
    msg_id: str

    def __str__(self) -> str:
        return f"{self.what}: {self.name} ({self.fault})"


def offences(running: Campaign) -> list[Offence]:
    """Every message of which the promise was broken."""
    found = []
    for row in running.rows.values():
        for what, messages in (("lost", row.lost), ("disordered", row.disordered)):
            found += [Offence(what=what, fault=row.fault, name=one.name, msg_id=one.msg_id) for one in messages]
        for twice in row.doubled:
            if twice.window is Window.NONE:
                what = f"doubled {twice.window}"
                found.append(Offence(what=what, fault=row.fault, name=twice.name, msg_id=twice.msg_id))
    for one in running.unrecorded:
        found.append(Offence(what="in no record, or in two", fault="any", name=one.name, msg_id=one.msg_id))
    return found
