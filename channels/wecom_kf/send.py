"""One part to one customer: ``kf/send_msg``, or ``kf/send_msg_on_event`` where an event brought a code for it."""

from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.account import ALLOWANCE_USED, HUMAN_SERVES, SESSION_OVER
from bot.channel import ChannelKit, Limits, Receipt, Refused, Retry
from bot.messages import MessageKind
from bot.parts import Markdown, Medium, Menu, Part, Text
from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.errors import INVALID_MEDIA_ID, RULES
from channels.wecom.sending import counted
from channels.wecom.transport import Deadline
from channels.wecom.uploads import KINDS, Upload, Uploads, upload_of
from channels.wecom_kf.allowance import WINDOW_S, Allowance, Taken, message_id_of
from channels.wecom_kf.bodies import MENU, TEXT_BYTES, Body, body_of
from channels.wecom_kf.codes import Codes
from channels.wecom_kf.config import Config
from channels.wecom_kf.sessions import WITH_HUMAN, Sessions, State

log = structlog.get_logger()

SEND_MESSAGE = "kf/send_msg"
SEND_ON_EVENT = "kf/send_msg_on_event"

_SILENCES = {"95001": ALLOWANCE_USED, "95002": SESSION_OVER, "95013": SESSION_OVER}
_WRONG_STATE = "95018"
_REPEATED = frozenset({"40029", "40035", "40058"})
"""What the platform may say of a ``msgid`` or of an event's code that was used before, besides codes nobody knows: "a
repeat is an error" is all that is published (page 94677)."""


def limits_of(config: Config) -> Limits:
    """Pages 94677 and 96428."""
    return Limits(
        text_bytes=TEXT_BYTES,
        markdown_bytes=TEXT_BYTES,
        send_timeout_s=10.0,
        pushes=False,
        window_s=WINDOW_S,
        media=KINDS,
        reply_messages=config.reply_messages,
        menu=MENU,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sending:
    """A message to ``person`` that is part ``key``; with a ``code`` it answers an event and is not counted."""

    person: str
    key: str
    body: Body
    code: str
    deadline: Deadline


class Sender:
    """Sends for one account; safe to share between threads."""

    def __init__(
        self,
        config: Config,
        application: Application,
        *,
        allowance: Allowance,
        codes: Codes,
        sessions: Sessions,
        kit: ChannelKit,
    ) -> None:
        self._kit = kit
        self._open_kfid = config.open_kfid
        self._upload_names = config.upload_names
        self._application = application
        self._uploads = Uploads(application, kit)
        self._allowance = allowance
        self._codes = codes
        self._sessions = sessions

    def send(self, person: str, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Deliver ``part``, named ``key`` for ever, to the customer ``person``, with one platform call (two where the
        code of an event is refused), its token, and the upload of a medium that the platform does not have yet.

        A resend carries the ``msgid`` of the first try, which the platform takes once. Raises
        :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` (with a code of :data:`bot.account.SILENCED` where
        nothing can be said to the person now) and :class:`~bot.channel.Unknown`.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        return counted(self._kit, lambda: self._send(person, part, key, deadline))

    def _send(self, person: str, part: Part, key: str, deadline: Deadline) -> Receipt:
        if not person:
            raise Refused("bad_recipient")
        self._application.check()
        match part:
            case Text() | Markdown() | Menu():
                code = self._codes.find(key)
                return self._deliver(_Sending(person=person, key=key, body=body_of(part), code=code, deadline=deadline))
            case Medium():
                return self._send_medium(person, part, key, deadline)
            case _:
                raise Refused("part_unsupported")

    def _send_medium(self, person: str, part: Medium, key: str, deadline: Deadline) -> Receipt:
        medium = self._kit.media.find(part.media)
        if medium is None:
            raise Refused("media_gone")
        upload = upload_of(part.kind, medium, self._upload_names)
        if part.kind is MessageKind.IMAGE and upload.type != part.kind:
            log.info("picture_sent_as_file", key=key, content_type=medium.content_type)
            self._kit.count("degraded", what="picture_sent_as_file")
        media_id = self._uploads.media_id(upload, deadline)
        try:
            return self._deliver(_shown(person, key, upload, media_id, deadline))
        except Refused as refusal:
            if refusal.code != str(INVALID_MEDIA_ID):
                raise
        self._uploads.forget(upload, media_id)
        return self._deliver(_shown(person, key, upload, self._uploads.media_id(upload, deadline), deadline))

    def _deliver(self, sending: _Sending) -> Receipt:
        """One call, if the allowance has room for it; where the code of an event is refused, another without it."""
        taken = self._allowance.take(sending.person, sending.key, counted=not sending.code)
        try:
            self._call(sending)
        except (Retry, Refused) as failure:
            if taken.again:
                return self._after_resend(sending, failure, taken)
            self._allowance.give_back(sending.person, sending.key, taken)
            if not isinstance(failure, Refused):
                raise
            if sending.code and not failure.alert:
                # It is used, too old, or of a state that the session has left: the customer may have written meanwhile.
                log.info("event_code_refused", key=sending.key, code=failure.code)
                return self._deliver(replace(sending, code=""))
            raise self._meaning(sending, failure, taken) from failure
        return Receipt(message_id=message_id_of(self._application.name, sending.key))

    def _call(self, sending: _Sending) -> dict[str, Any]:
        kind, content = sending.body
        message_id = message_id_of(self._application.name, sending.key)
        if sending.code:
            call, to = SEND_ON_EVENT, {"code": sending.code}
        else:
            call, to = SEND_MESSAGE, {"touser": sending.person, "open_kfid": self._open_kfid}
        request = encode_json({**to, "msgid": message_id, "msgtype": kind, kind: content})
        client = self._application.client
        return self._application.call(
            lambda token: client.post(call, token, request, sending.deadline), sending.deadline, sending.code
        )

    def _after_resend(self, sending: _Sending, failure: Retry | Refused, taken: Taken) -> Receipt:
        """What the refusal of a part means that may have arrived before: that it has, where it can mean that."""
        code = failure.code
        known = not code.isdecimal() or int(code) in RULES
        if isinstance(failure, Retry) or (known and code not in _REPEATED):
            raise self._meaning(sending, failure, taken) if isinstance(failure, Refused) else failure
        log.warning("repeat_taken_as_sent", key=sending.key, code=code)
        self._kit.count("degraded", what="repeat_taken_as_sent")
        return Receipt(message_id=message_id_of(self._application.name, sending.key))

    def _meaning(self, sending: _Sending, refusal: Refused, taken: Taken) -> Refused:
        """``refusal`` in the words of :mod:`bot.account`, where it tells that nothing can be said now."""
        if refusal.code == "95001":
            self._allowance.used_up(sending.person, taken)
        if refusal.code == _WRONG_STATE:
            state = self._sessions.of(sending.person, sending.deadline).state
            log.info("send_in_wrong_state", key=sending.key, state=int(state), detail=refusal.detail)
            if state in WITH_HUMAN:
                return Refused(HUMAN_SERVES, refusal.detail)
            return Refused(SESSION_OVER, refusal.detail) if state is State.ENDED else refusal
        return Refused(_SILENCES[refusal.code], refusal.detail) if refusal.code in _SILENCES else refusal


def _shown(person: str, key: str, upload: Upload, media_id: str, deadline: Deadline) -> _Sending:
    return _Sending(person=person, key=key, body=(upload.type, {"media_id": media_id}), code="", deadline=deadline)
