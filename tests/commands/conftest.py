"""The office that commands work in, and people who write to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from bot.bots_file import BotConfig
from bot.commands.desk import CommandOutcome
from bot.events import CardClick, Event
from bot.messages import MessageKind, Quoted
from bot.parts import Card
from tests.handoff.conftest import open_office
from tests.handoff.office import Office, make_bot, make_message

__all__ = ["open_office"]

ANYBODY, SERVICER, ADMIN, GROUP_ADMIN = "dr.wang", "li.na", "zhang.wei", "chen.hao"
GROUP = "experts"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What commands decide is the same on every database; what they store is tried on all of them elsewhere."""
    return sqlite_url


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The office of a bot that has a group with an admin of its own, and of another bot of the same tenant."""
    ours = make_bot(knowledge=["c"], group_admins={GROUP: [GROUP_ADMIN]})
    return open_office(ours, make_bot("second", name="二号"), make_bot("foreign", tenant="other", name="外人"))


@dataclass
class Chat:
    """People who write to the office, each message with an id of its own."""

    office: Office
    number: int = 0

    def says(
        self,
        person: str,
        text: str,
        *,
        chat: str = "",
        quoted: str = "",
        event: Event | None = None,
        bot: BotConfig | None = None,
        turn_id: str = "",
    ) -> CommandOutcome:
        """``person`` writes ``text``, or does ``event``; with ``turn_id`` it is a turn that runs again."""
        self.number += 1
        bot = bot or self.office.bot
        message = make_message(person, text, bot.id)
        message = replace(
            message,
            conversation=replace(message.conversation, chat=chat),
            message_id=f"n{self.number}",
            quoted=Quoted(kind=MessageKind.TEXT, text=quoted) if quoted else None,
            event=event,
            kind=MessageKind.EVENT if event else MessageKind.TEXT,
        )
        return self.office.commands.handle(message, bot, turn_id or message.turn_id, bot.language)

    def hears(self, person: str, text: str, **more: object) -> str:
        """What ``person`` reads in answer to ``text``."""
        return self.says(person, text, **more).text  # type: ignore[arg-type]

    def confirms(self, person: str, text: str, **more: object) -> str:
        """``person`` writes ``text`` and confirms it; what they read then."""
        return self.hears(person, f"/confirm {code_of(self.says(person, text, **more))}", **more)  # type: ignore[arg-type]

    def presses(self, person: str, outcome: CommandOutcome) -> CommandOutcome:
        """``person`` presses the button of the card that ``outcome`` shows."""
        (card,) = outcome.parts
        assert isinstance(card, Card)
        return self.says(person, "", event=CardClick(task_id=card.task_id, key=card.buttons[0].key))


def code_of(outcome: CommandOutcome) -> str:
    """The word that confirms what ``outcome`` asks."""
    return outcome.text.rpartition("/confirm ")[2]


@pytest.fixture
def chat(office: Office) -> Iterator[Chat]:
    return Chat(office)
