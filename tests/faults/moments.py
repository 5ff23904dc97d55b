"""The Celery worker ends at the moments that hurt: the message taken and not answered, sent and not written down."""

from dataclasses import dataclass
from typing import Protocol

from tests.fakes.llm_server import Parrot
from tests.faults.ledger import wait_until
from tests.faults.processes import restart
from tests.faults.site import Site

HAPPENS_WITHIN_S = 120.0
"""An earlier fault may still hold the person's conversation up: a platform that limits the rate, for a minute."""
_TWO_PARTS = 800
"""Characters of three bytes: with both tokens, more than one text takes."""


class Moment(Protocol):
    """Something the worker does. ``reach`` returns in the middle of it, with a second or more to spare."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def reach(self, site: Site) -> None:
        """Let somebody write, and return once the worker is there with that message."""
        ...


@dataclass(frozen=True, slots=True)
class Generating:
    """A language model composes."""

    name: str = "mid-generation"

    def reach(self, site: Site) -> None:
        site.llm.on(Parrot(delay_s=12))
        before = len(site.llm.requests)
        site.ledger.write(site.chance.choice(site.asking))
        wait_until(lambda: len(site.llm.requests) > before, HAPPENS_WITHIN_S, "the model is asked")


@dataclass(frozen=True, slots=True)
class SentUnrecorded:
    """The platform took a part, and its answer has not come."""

    name: str = "sent and not recorded"

    def reach(self, site: Site) -> None:
        person = next(site.spares)
        site.platform.fault(on="message/send", kind="answer_late", seconds=8, member=person)
        one = site.ledger.write(person)
        wait_until(lambda: site.ledger.shows(one.tokens[0]), HAPPENS_WITHIN_S, "the part arrives")


@dataclass(frozen=True, slots=True)
class BetweenParts:
    """The first part of a reply arrived; for the second the platform is too busy."""

    name: str = "between two parts"

    def reach(self, site: Site) -> None:
        person = next(site.spares)
        site.platform.fault(on="message/send", kind="answer_late", seconds=1, member=person)
        site.platform.fault(on="message/send", kind="errcode", errcode=-1, times=2, member=person)
        one = site.ledger.write(person, filling=_TWO_PARTS)
        wait_until(lambda: site.ledger.shows(one.tokens[0]), HAPPENS_WITHIN_S, "the first part arrives")
        wait_until(lambda: site.platform.waiting(member=person) < 2, HAPPENS_WITHIN_S, "the second part is tried")


@dataclass(frozen=True, slots=True)
class KillAt:
    """The worker gets SIGKILL when it is at every one of ``moments``, with a message each."""

    moments: tuple[Moment, ...]

    @property
    def name(self) -> str:
        return f"kill -9 of the Celery worker: {', '.join(moment.name for moment in self.moments)}"

    def strike(self, site: Site) -> None:
        for moment in self.moments:
            moment.reach(site)
        before = site.living("worker")
        site.kill(before, "the Celery worker")
        site.llm.on(Parrot())
        site.wait_for_another("worker", before)


@dataclass(frozen=True, slots=True)
class RestartMidGeneration:
    """The worker is asked to end while a language model takes longer than the worker may."""

    name: str = "SIGTERM of the Celery worker: mid-generation"

    def strike(self, site: Site) -> None:
        Generating().reach(site)
        restart(site, "worker", self.name)
        site.llm.on(Parrot())
