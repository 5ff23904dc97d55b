"""The app's template cards after they were sent: response codes, presses and updates (rule 21; §2.4, 2.5, 2.8)."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.card_grammar import INTERACTIVE, Card, card_problem, shown_card
from simulator.cards import card_text, is_interactive
from simulator.chats import Chats
from simulator.entries import Entry
from simulator.errcodes import ApiError
from simulator.rules import Rules
from simulator.task_ids import TaskIds

KEPT_CARDS = 5000
KEPT_CODES = 20_000
_MAX_USERS = 1000
_MAX_PARTIES = 100


@dataclass(slots=True)
class _Code:
    """A response code: whom its card went to (``None``: the message was lost on the way, rule 18)."""

    entries: Mapping[str, Entry | None]
    card: Card
    at: float
    used: bool = False


class AppCards:
    """All cards that the app sent, thread-safe."""

    def __init__(self, rules: Rules, chats: Chats, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._chats = chats
        self._clock = clock
        self._task_ids = TaskIds(rules)
        self._lock = threading.Lock()
        self._codes: OrderedDict[str, _Code] = OrderedDict()
        self._sent: OrderedDict[str, _Code] = OrderedDict()  # by msgid

    def clear(self) -> None:
        """Forget all cards, task ids and codes."""
        self._task_ids.clear()
        with self._lock:
            self._codes.clear()
            self._sent.clear()

    def admit(self, card: Card) -> None:
        """Raises :class:`ApiError` when the app has sent a card with this ``task_id`` before."""
        if not self._task_ids.may_use(card):
            raise ApiError(self._rules.card_errcode, None, ": template_card.task_id repeated")

    def sent(self, card: Card, msgid: str, entries: Mapping[str, Entry | None]) -> str:
        """Keep a card that goes to the members of ``entries``, which may be filled in later; the response code of the
        answer, empty where nothing on the card can be pressed."""
        self._task_ids.use(card)
        if not is_interactive(card):
            return ""
        with self._lock:
            code, issued = self._issue(entries, card)
            _keep(self._sent, msgid, issued, KEPT_CARDS)
            return code

    def code_for(self, entry: Entry) -> str:
        """The new response code that a press on the card in ``entry`` brings (rule 21)."""
        with self._lock:
            sent = self._sent.get(entry.msg_id)
            # A card so old that it was forgotten can be pressed, but not updated any more.
            return self._issue(sent.entries, sent.card)[0] if sent else secrets.token_urlsafe(32)

    def update(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``update_template_card``. Raises :class:`ApiError`; such a call uses no code up."""
        userids = _list(body, "userids", _MAX_USERS)
        parties, tags = (_list(body, name, _MAX_PARTIES) for name in ("partyids", "tagids"))
        if body.get("atall", 0) != 1 and not (userids or parties or tags):
            raise ApiError(40058, 21, ": userids, partyids and tagids are empty")
        replace_name, card = self._change(body)
        with self._lock:
            sent = self._codes.get(str(body.get("response_code")))
            if sent is None or sent.used or self._clock() - sent.at > self._rules.response_code_life_s:
                raise ApiError(self._rules.response_code_errcode, 21, ": response_code")
            if replace_name and sent.card["card_type"] not in INTERACTIVE:
                raise ApiError(40058, 21, ": the card has no button to update")
            sent.used = True
        named = list(sent.entries) if body.get("atall", 0) == 1 else userids
        for entry in filter(None, map(sent.entries.get, named)):
            if card:
                self.replace(entry, card)
            else:
                self.disable(entry, replace_name)
        strangers = [userid.lower() for userid in named if userid not in sent.entries]
        return {"errcode": 0, "errmsg": "ok", **({"invaliduser": strangers} if strangers else {})}

    def replace(self, entry: Entry, card: Card) -> None:
        """Put ``card`` in the place of the one in ``entry``; it stays the same task."""
        if entry.recalled:
            return
        task = {"task_id": entry.fields["task_id"]} if "task_id" in entry.fields else {}
        self._chats.change(entry, content=card_text(card), fields={**task, **shown_card(card, "app")})

    def disable(self, entry: Entry, replace_name: str) -> None:
        """Let the buttons of the card in ``entry`` become one dead one that says ``replace_name``."""
        if not entry.recalled:
            self._chats.change(entry, fields={**entry.fields, "replace_text": replace_name})

    def _issue(self, entries: Mapping[str, Entry | None], card: Card) -> tuple[str, _Code]:
        code, issued = secrets.token_urlsafe(32), _Code(entries, card, self._clock())
        _keep(self._codes, code, issued, KEPT_CODES)
        return code, issued

    def _change(self, body: Mapping[str, Any]) -> tuple[str, Card | None]:
        """The text of the dead button, or the new card."""
        card, button = body.get("template_card"), body.get("button")
        if card is not None:
            problem = card_problem(card, "app", is_update=True)
            if problem:
                raise ApiError(self._rules.card_errcode, 21, f": template_card.{problem}")
            checked: Card = card
            return "", checked
        name = button.get("replace_name") if isinstance(button, dict) else None
        if not isinstance(name, str) or not name:
            raise ApiError(40058, 21, ": button.replace_name")
        return name, None


def _keep(kept: OrderedDict[Any, Any], key: object, value: object, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)


def _list(body: Mapping[str, Any], name: str, most: int) -> list[Any]:
    value = body.get(name) or []
    if not isinstance(value, list) or len(value) > most:
        raise ApiError(40058, 21, f": {name}")
    return value
