"""What customer service keeps: who there is, whose session is whose, what may be answered, and what was said."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.chats import Chats
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.kf.bells import Bells
from simulator.kf.codes import Codes
from simulator.kf.people import People
from simulator.kf.posts import Posts
from simulator.kf.sessions import Sessions
from simulator.rules import Rules
from simulator.settings import KfSettings


@dataclass(frozen=True, slots=True)
class Books:
    """All who act in customer service write into the same. To be used under the lock of :class:`.kf.Kf`."""

    people: People
    sessions: Sessions
    codes: Codes
    posts: Posts

    @classmethod
    def opened(
        cls,
        settings: KfSettings,
        *,
        chats: Chats,
        bells: Bells,
        faults: Faults,
        rules: Rules,
        journal: Journal,
        clock: Callable[[], float],
    ) -> "Books":
        """New ones, with the accounts and customers of ``settings``."""
        return cls(
            people=People(settings),
            sessions=Sessions(rules, journal, clock),
            codes=Codes(rules, clock),
            posts=Posts(chats=chats, bells=bells, faults=faults, rules=rules, clock=clock),
        )

    def clear(self) -> None:
        """Forget sessions, codes and what was said; accounts, servicers and customers stay."""
        self.sessions.clear()
        self.codes.clear()
        self.posts.clear()
