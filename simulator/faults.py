"""Faults on demand: the next calls of an API, or the next callbacks, go wrong in a chosen way.

========================= ================== ======================================================================
``on``                    kinds              what
========================= ================== ======================================================================
``gettoken``              :data:`API_KINDS`  fetching a token
``message/send``          the same           sending; ``member``: only sends to that member
``getcallbackip``         the same           the addresses of the callbacks
``message/recall``        the same           taking a message back
``message/update_…``      the same           ``message/update_template_card``; ``member``: updates that name that one
``media/upload``          these and          a file for a message
                          ``drip`` ``cut``
``media/uploadimg``       the same           a picture for good
``media/get``             API kinds and      the app fetches what a member sent
                          :data:`MEDIA_KINDS`
``media_url``             the same           a peer follows a link to a picture or file
``webhook/…``             as ``message/…``,   a group robot: ``webhook/send``, ``webhook/upload_media``
                          ``media/upload``
``appchat/…``             API kinds          ``appchat/create``, ``update``, ``get``, ``send``
``response_url``          API kinds          an active reply of the bot; ``member``: only replies to that member
``callback``              callback kinds     a message or event to the app; ``member``: of that member
``bot_callback``          the same           a message or event to the bot; ``member``: of that member
``poll``                  all but ``swap``   a refresh of a stream; ``member``: of that member's message
``kf/…``                  API kinds          a call of :data:`KF_APIS`; ``member``: about that customer
``kf_callback``           :data:`BELL_KINDS` a bell; ``member``: for what that customer did
``kf_stream``             ``swap``           what ``sync_msg`` will say: two messages in the wrong order, or one twice;
                          ``duplicate``      ``member``: of that customer
``kf_page``               ``empty``          a page of ``sync_msg`` with nothing on it that is not the last
``kf_delivery``           ``send_fail``      a message is accepted and fails with ``fail_type``, after ``seconds`` if
                                             given; ``member``: to that customer
========================= ================== ======================================================================

An expired token is ``errcode`` 42001, a busy system -1, a rate limit 45009.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

API_KINDS = ("errcode", "http_500", "hang", "answer_late", "close_before", "close_after")
"""What can happen to a qyapi call.

``errcode``: answered with that code, nothing done. ``http_500``: answered 500, nothing done. ``hang``: waits
``seconds``, then works and answers. ``answer_late``: works at once, answers after ``seconds``. ``close_before``: the
connection closes, nothing done. ``close_after``: the work is done, then the connection closes without an answer.
"""

MEDIA_KINDS = ("drip", "cut", "wrong_length")
"""What can happen to a file on its way, besides what happens to any call.

``drip``: it comes in pieces over ``seconds``; an upload is left unread so long. ``cut``: the connection breaks off
half-way. ``wrong_length``: the answer says that it is half as long as it is, and so it seems to end there.
``errcode`` answers JSON where bytes were asked for.
"""

CALLBACK_KINDS = ("duplicate", "swap", "drop", "lose_answer")
"""What can happen to a callback (rule 9).

``duplicate``: sent twice, concurrently (a refresh: one after the other). ``swap``: held back until the same member's
next one has gone out. ``drop``: never sent, as WeCom promises no delivery. ``lose_answer``: the peer's answer counts as
never given, so that the callback is made again although the peer has worked on it (rules 5 and 7).
"""

POLL_KINDS = ("duplicate", "drop", "lose_answer")

BELL_KINDS = (*CALLBACK_KINDS, "late", "stale_token")
"""What can happen to a bell of customer service, besides what happens to any callback (rule 38).

``late``: it comes ``seconds`` later. ``stale_token``: its token is dead already, as ten minutes later.
"""

KF_APIS = (
    "kf/sync_msg",
    "kf/send_msg",
    "kf/send_msg_on_event",
    "kf/service_state/get",
    "kf/service_state/trans",
    "kf/servicer/add",
    "kf/servicer/del",
    "kf/servicer/list",
    "kf/account/add",
    "kf/account/del",
    "kf/account/update",
    "kf/account/list",
    "kf/add_contact_way",
    "kf/customer/batchget",
)
_KF_APIS_WITH_CUSTOMER = ("kf/send_msg", "kf/service_state/get", "kf/service_state/trans")

APPCHAT_APIS = ("appchat/create", "appchat/update", "appchat/get", "appchat/send")

FAIL_TYPES = (0, 1, 2, 4, 5, 6, 8, 10, 11, 12, 13)
"""Why a message fails later (§6.4)."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("gettoken", "getcallbackip", "response_url"), API_KINDS),
    **dict.fromkeys(("message/send", "message/recall", "message/update_template_card"), API_KINDS),
    **dict.fromkeys(("webhook/send", *APPCHAT_APIS), API_KINDS),
    **dict.fromkeys(("media/upload", "media/uploadimg", "webhook/upload_media"), (*API_KINDS, "drip", "cut")),
    **dict.fromkeys(("media/get", "media_url"), (*API_KINDS, *MEDIA_KINDS)),
    **dict.fromkeys(("callback", "bot_callback"), CALLBACK_KINDS),
    "poll": POLL_KINDS,
    **dict.fromkeys(KF_APIS, API_KINDS),
    "kf_callback": BELL_KINDS,
    "kf_stream": ("swap", "duplicate"),
    "kf_page": ("empty",),
    "kf_delivery": ("send_fail",),
}
_WITH_MEMBER = (
    *("message/send", "message/update_template_card", "response_url", "callback", "bot_callback", "poll"),
    *_KF_APIS_WITH_CUSTOMER,
    *("kf_callback", "kf_stream", "kf_delivery"),
)

_TIMED = ("hang", "answer_late", "drip", "late")
_MAY_WAIT = ("send_fail",)

_MAX_TIMES = 1_000_000
_MAX_SECONDS = 600
_MAX_FAULTS = 100


class BadFault(ValueError):
    """A fault that cannot be; ``str()`` says why."""


@dataclass(kw_only=True, slots=True)
class Fault:
    """``times`` how often it still happens; ``member`` restricts the fault to what concerns one member."""

    on: str
    kind: str
    times: int = 1
    errcode: int = 0
    seconds: float = 0.0
    member: str = ""
    fail_type: int = 0

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> "Fault":
        """A fault from the control API's words. Raises :class:`BadFault`."""
        try:
            fault = cls(**spec)
        except TypeError as error:
            raise BadFault(f"a fault has on, kind, times, errcode, seconds, member, fail_type; {error}") from error
        if fault.on not in TARGETS:
            raise BadFault(f"on must be one of {', '.join(TARGETS)}")
        if fault.kind not in TARGETS[fault.on]:
            raise BadFault(f"kind on {fault.on} must be one of {', '.join(TARGETS[fault.on])}")
        if not _is_int(fault.times) or not 1 <= fault.times <= _MAX_TIMES:
            raise BadFault(f"times must be an integer from 1 to {_MAX_TIMES}")
        if not _is_int(fault.errcode) or (fault.kind == "errcode") != (fault.errcode != 0):
            raise BadFault("errcode must be an integer other than 0, and only with kind errcode")
        timed = fault.kind in _TIMED
        if isinstance(fault.seconds, bool) or not isinstance(fault.seconds, int | float):
            raise BadFault("seconds must be a number")
        fits = fault.kind in _MAY_WAIT or timed == (fault.seconds > 0)
        if not 0 <= fault.seconds <= _MAX_SECONDS or not fits:
            raise BadFault(f"seconds must be above 0 and at most {_MAX_SECONDS}, and only with {', '.join(_TIMED)}")
        if not _is_int(fault.fail_type) or fault.fail_type not in (FAIL_TYPES if fault.kind in _MAY_WAIT else (0,)):
            raise BadFault(f"fail_type must be one of {', '.join(map(str, FAIL_TYPES))}, and only with send_fail")
        if not isinstance(fault.member, str) or (fault.member and fault.on not in _WITH_MEMBER):
            raise BadFault(f"member must be a userid, and only with on {', '.join(_WITH_MEMBER)}")
        return fault

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


class Faults:
    """The faults still to come, in the order they were asked for; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cleared = threading.Condition(self._lock)
        self._clearings = 0
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let ``fault`` happen. Raises :class:`BadFault` when too many wait already."""
        with self._lock:
            if len(self._pending) >= _MAX_FAULTS:
                raise BadFault(f"{_MAX_FAULTS} faults wait already")
            self._pending.append(fault)

    def take(self, on: str, *members: str) -> Fault | None:
        """The fault that happens to this call or callback, which concerns ``members``, counted down."""
        with self._lock:
            for fault in self._pending:
                if fault.on == on and fault.member in ("", *members):
                    fault.times -= 1
                    if not fault.times:
                        self._pending.remove(fault)
                    return fault
        return None

    def pending(self) -> list[dict[str, Any]]:
        """What still waits."""
        with self._lock:
            return [fault.to_json() for fault in self._pending]

    def hold(self, seconds: float) -> None:
        """Wait ``seconds``, or until everything works again."""
        with self._cleared:
            before = self._clearings
            self._cleared.wait_for(lambda: self._clearings != before, seconds)

    def clear(self) -> None:
        """Everything works again, and what hangs goes on."""
        with self._cleared:
            self._pending.clear()
            self._clearings += 1
            self._cleared.notify_all()


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
