"""What happens with an account: shown in its chats, put into its stream, and rung for (§6.2 to 6.4)."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

from simulator.chats import Chats
from simulator.entries import Delivery, Entry, Via
from simulator.faults import Faults
from simulator.kf.bells import Bells
from simulator.kf.sessions import Place
from simulator.kf.stream import AccountStream, Slot
from simulator.messages import Message
from simulator.rules import Rules

Origin = Literal[3, 5]
"""Whose message it is: the customer's, or a servicer's."""
_OF_SYSTEM = 4


class Posts:
    """Streams and chats of all accounts. To be used under the lock of :class:`Kf`.

    ``chats`` are the customers' and servicers', apart from the members'.
    """

    def __init__(self, *, chats: Chats, bells: Bells, faults: Faults, rules: Rules, clock: Callable[[], float]) -> None:
        self._chats = chats
        self._bells = bells
        self._faults = faults
        self._rules = rules
        self._clock = clock
        self._streams: dict[str, AccountStream] = {}
        # A servicer's message and a customer's are numbered together, as WeCom's are.
        self._next_id = secrets.randbelow(8 * 10**18) + 10**18

    def stream(self, open_kfid: str) -> AccountStream:
        """The stream of an account."""
        if open_kfid not in self._streams:
            self._streams[open_kfid] = AccountStream(open_kfid, self._rules, self._clock)
        return self._streams[open_kfid]

    def message(
        self,
        origin: Origin,
        place: Place,
        message: Message,
        body: Mapping[str, Any],
        *,
        servicer: str = "",
        silk: str = "",
    ) -> Entry:
        """A message by a customer or by a ``servicer``: ``message`` is what is seen, ``body`` what ``sync_msg`` says
        of it."""
        msgid = self.new_msgid()
        entry = self.show(
            "member" if origin == 3 else "servicer",
            place,
            message,
            msgid=msgid,
            extra={"servicer_userid": servicer} if servicer else {},
            delivery=Delivery(),
        )
        said = {
            "msgid": msgid,
            "open_kfid": place.open_kfid,
            "external_userid": place.customer,
            "send_time": int(self._clock()),
            "origin": origin,
            **({"servicer_userid": servicer} if servicer else {}),
            "msgtype": message.type,
            message.type: dict(body),
        }
        self._put(place, Slot(self._clock(), said, entry.id, silk))
        return entry

    def event(self, place: Place, name: str, fields: Mapping[str, Any]) -> Entry:
        """An event in or about ``place``."""
        about = {"external_userid": place.customer} if place.customer else {}
        entry = self.show(
            "system", place, Message(type="event", content=name, fields=dict(fields)), delivery=Delivery()
        )
        said = {
            "msgid": self.new_msgid(),
            "send_time": int(self._clock()),
            "origin": _OF_SYSTEM,
            "msgtype": "event",
            "event": {"event_type": name, "open_kfid": place.open_kfid, **about, **fields},
        }
        self._put(place, Slot(self._clock(), said, entry.id))
        return entry

    def sent(self, via: Via, place: Place, message: Message, *, msgid: str, request_id: str) -> Entry:
        """What the API sent: seen by the customer, never pulled."""
        if self._rules.kf_sent_fill_pages:
            self.stream(place.open_kfid).add(Slot(self._clock(), None))
        return self.show(via, place, message, msgid=msgid, request_id=request_id)

    def note(self, place: Place, words: str, fields: Mapping[str, Any]) -> Entry:
        """A line in the chat about what the API did to the session; nobody is called."""
        return self.show("system", place, Message(type="event", content=words, fields=dict(fields)))

    def show(
        self,
        via: Via,
        place: Place,
        message: Message,
        *,
        msgid: str = "",
        request_id: str = "",
        extra: Mapping[str, Any] | None = None,
        delivery: Delivery | None = None,
    ) -> Entry:
        """Put an entry into the chat at ``place``."""
        return self._chats.add(
            member=place.customer,
            peer="kf",
            chat=place.open_kfid,
            via=via,
            type=message.type,
            content=message.content,
            cut=message.cut,
            fields={**message.fields, **(extra or {})},
            upload=message.upload.summary() if message.upload else None,
            msg_id=msgid,
            request_id=request_id or secrets.token_hex(16),
            delivery=delivery,
        )

    def pulled(self, entry_ids: list[int]) -> None:
        """These entries have been read."""
        for entry in filter(None, map(self._chats.find, entry_ids)):
            self._chats.deliver(entry, state="delivered")

    def release(self) -> None:
        """Put into the streams what swaps hold back."""
        for stream in self._streams.values():
            stream.release()

    def clear(self) -> None:
        """Forget all streams and chats."""
        self._streams.clear()
        self._chats.clear()

    def new_msgid(self) -> str:
        """A ``msgid`` that never was."""
        self._next_id += 1
        return f"from_msgid_{self._next_id}"

    def _put(self, place: Place, slot: Slot) -> None:
        fault = self._faults.take("kf_stream", place.customer)
        self.stream(place.open_kfid).add(slot, fault=fault.kind if fault else "")
        self._bells.ring(place.open_kfid, place.customer, slot.entry_id)
