"""What the bot says, put into the chat."""

from typing import Any

from simulator.aibot.replies import StreamPart
from simulator.aibot.sealed_reply import BadReply
from simulator.card_grammar import Card
from simulator.cards import card_feedback, card_text
from simulator.chats import Chats
from simulator.entries import Entry, StreamState
from simulator.task_ids import TaskIds
from simulator.uploads import Uploads


class Bubbles:
    """Adds and changes the bot's entries; ``asked`` is always the member's entry that they answer."""

    def __init__(self, chats: Chats, uploads: Uploads, task_ids: TaskIds) -> None:
        self._chats = chats
        self._task_ids = task_ids
        self._uploads = uploads

    def text(self, asked: Entry, content: str) -> None:
        """A plain text, the welcome."""
        self._add(asked, via="passive", type="text", content=content)

    def check(self, card: Card | None) -> None:
        """Raises :class:`BadReply` for a card whose ``task_id`` was used before (§5.9)."""
        if card and not self._task_ids.may_use(card):
            raise BadReply("task_id_repeated", task_id=card["task_id"])

    def card(self, asked: Entry, card: Card) -> None:
        """A template card, which :meth:`check` has let pass."""
        self._task_ids.use(card)
        self._add(
            asked,
            via="passive",
            type="template_card",
            content=card_text(card),
            fields=dict(card),
            feedback=card_feedback(card),
        )

    def stream(self, asked: Entry, part: StreamPart) -> Entry:
        """A stream as its first answer has it."""
        return self._add(
            asked,
            via="stream",
            type="markdown",
            content=part.content,
            cut=part.cut,
            fields=self._pictures(part),
            feedback=part.feedback,
            stream=StreamState(id=part.id, finished=part.finish),
        )

    def grow(self, shown: Entry, part: StreamPart, state: StreamState) -> None:
        """A stream as a refresh has it: the content replaces what stood there (rule 27)."""
        self._chats.change(shown, content=part.content, cut=part.cut, fields=self._pictures(part), stream=state)

    def state(self, shown: Entry, state: StreamState) -> None:
        """A stream whose content stays as it is."""
        self._chats.change(shown, stream=state)

    def replace_card(self, shown: Entry, card: Card, userids: tuple[str, ...]) -> None:
        """``card`` in the place of the one in ``shown``, for everybody or for ``userids`` only (§4.6)."""
        if userids:
            updates = {**shown.fields.get("updates", {}), **{userid: dict(card) for userid in userids}}
            self._chats.change(shown, fields={**shown.fields, "updates": updates})
        else:
            self._chats.change(shown, content=card_text(card), fields=dict(card))
        if card_feedback(card):
            self._chats.change(shown, feedback=card_feedback(card))

    def _pictures(self, part: StreamPart) -> dict[str, Any]:
        if not part.pictures:
            return {}
        return {"images": [self._uploads.add("picture", data).id for data in part.pictures]}

    def _add(self, asked: Entry, **details: Any) -> Entry:
        where: dict[str, Any] = {"member": asked.member, "chat": asked.chat, "request_id": asked.request_id}
        return self._chats.add(peer="bot", **where, **details)
