"""One part to one member: a ``message/send`` call with everything around it that makes it arrive once."""

import hashlib

import structlog

from bot.channel import ChannelKit, Limits, Receipt, Refused
from bot.messages import MessageKind
from bot.parts import Card, CardUpdate, Markdown, Medium, News, Part, Text
from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.cards import LABEL_LENGTH
from channels.wecom.client import RECALL_MESSAGE, SEND_MESSAGE, UPDATE_CARD
from channels.wecom.cutting import cut_characters
from channels.wecom.errors import INVALID_MEDIA_ID
from channels.wecom.sending import counted
from channels.wecom.transport import Deadline
from channels.wecom.uploads import KINDS, Upload, Uploads, upload_of
from channels.wecom_app.bodies import TEXT_BYTES, Body, body_of, media_body
from channels.wecom_app.config import Config
from channels.wecom_app.repeats import DUPLICATE_INTERVAL_S
from channels.wecom_app.turns import Turns

log = structlog.get_logger()

LIMITS = Limits(
    text_bytes=TEXT_BYTES,
    markdown_bytes=TEXT_BYTES,
    send_timeout_s=10.0,
    pushes=True,
    cards=True,
    card_updates=True,
    news=True,
    media=KINDS,
    recall_s=86400.0,
)
"""Pages 90236 and 94867."""
_EVERYBODY = "@all"


class Sender:
    """Sends for one application; safe to share between threads."""

    def __init__(self, config: Config, application: Application, kit: ChannelKit) -> None:
        self._agent_id = config.agent_id
        self._upload_names = config.upload_names
        self._kit = kit
        self._application = application
        self._uploads = Uploads(application, kit)
        self._turns = Turns(application, kit)

    def send(self, person: str, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Deliver ``part``, named ``key`` for ever, to the member ``person``, with one platform call, its token, and
        the upload of a medium that the platform does not have yet.

        No byte is written after the deadline; only a Redis that hangs can delay the return beyond it, by its own
        time-out. Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        return counted(self._kit, lambda: self._send(person, part, key, deadline))

    def recall(self, message_id: str, deadline_epoch_s: float) -> None:
        """See :class:`~bot.channel.Channel`: a message of this application, for a day (page 94867). Members who read it
        in WeChat keep it.

        The platform does not say what it answers for one that was taken back before.
        """
        deadline = Deadline(deadline_epoch_s, self._kit.clock)
        self._application.check()
        request = encode_json({"msgid": message_id})
        client = self._application.client
        self._application.call(lambda token: client.post(RECALL_MESSAGE, token, request, deadline), deadline)

    def _send(self, person: str, part: Part, key: str, deadline: Deadline) -> Receipt:
        if not person or "|" in person or person.lower() == _EVERYBODY:  # it would reach others
            raise Refused("bad_recipient")
        match part:
            case Text() | Markdown() | News() | Card():
                return self._deliver(person, body_of(part), key, deadline)
            case Medium():
                return self._send_medium(person, part, key, deadline)
            case CardUpdate():
                return self._update_card(person, part, deadline)
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
        self._application.check()
        media_id = self._uploads.media_id(upload, deadline)
        try:
            return self._deliver(person, _shown(upload, media_id), key, deadline)
        except Refused as refusal:
            if refusal.code != str(INVALID_MEDIA_ID):
                raise
        self._uploads.forget(upload, media_id)
        media_id = self._uploads.media_id(upload, deadline)
        return self._deliver(person, _shown(upload, media_id), key, deadline, again=True)

    def _deliver(self, person: str, body: Body, key: str, deadline: Deadline, *, again: bool = False) -> Receipt:
        """One call, when it is the message's turn; ``again`` when it had its turn and was refused with another body."""
        request = self._request(person, body, checked=True)
        take = self._turns.take_again if again else self._turns.take
        turn = take(self._slot(person), request, key)
        if not turn.checked:
            self._kit.count("degraded", what="duplicate_check_off")
            request = self._request(person, body, checked=False)
        client = self._application.client
        answer = self._application.call(
            lambda token: client.post(SEND_MESSAGE, token, request, deadline), deadline, token=turn.token
        )
        for field in ("invaliduser", "unlicenseduser"):  # errcode 0 all the same; ids in lower case (page 90236)
            if person.lower() in str(answer.get(field) or "").lower().split("|"):
                raise Refused(field)
        return Receipt(message_id=str(answer.get("msgid") or ""))

    def _update_card(self, person: str, part: CardUpdate, deadline: Deadline) -> Receipt:
        """The pressed button becomes the label, for ``person`` alone (page 94888); it counts as no message."""
        if not part.response_code:
            raise Refused("no_response_code")
        self._application.check()
        request = encode_json(
            {
                "userids": [person],
                "agentid": self._agent_id,
                "response_code": part.response_code,
                "button": {"replace_name": cut_characters(part.label, LABEL_LENGTH)},
            }
        )
        client = self._application.client
        answer = self._application.call(
            lambda token: client.post(UPDATE_CARD, token, request, deadline), deadline, part.response_code
        )
        invalid = answer.get("invaliduser")  # a list here, a string of message/send
        if person.lower() in [str(one).lower() for one in (invalid if isinstance(invalid, list) else [invalid])]:
            raise Refused("invaliduser")
        return Receipt()

    def _request(self, person: str, body: Body, *, checked: bool) -> bytes:
        """The request (page 90236); the same part gives the same bytes, which is what the duplicate check compares."""
        kind, content = body
        return encode_json(
            {
                "touser": person,
                "msgtype": kind,
                "agentid": self._agent_id,
                kind: content,
                "enable_duplicate_check": int(checked),
                "duplicate_check_interval": DUPLICATE_INTERVAL_S,
            }
        )

    def _slot(self, person: str) -> str:
        """The beginning of every Redis key about one member of this app.

        Hashed, because ids are opaque and may hold braces, which Redis Cluster reads; in lower case, because userids
        do not tell case apart (page 90196).
        """
        digest = hashlib.sha256(person.lower().encode(errors="surrogatepass")).hexdigest()[:32]
        return f"wecom:{{{self._application.name}:{digest}}}"


def _shown(upload: Upload, media_id: str) -> Body:
    return media_body(upload.type, media_id, upload.medium.name)
