"""The bell: a callback that says that an account has something new, and nothing of what (pages 31078, 94699)."""

import structlog

from bot.channel import Bell, Messages, Rejected
from channels.wecom.callback import LOGGED_NAME_LENGTH
from channels.wecom.xml_fields import read_xml

log = structlog.get_logger()

EVENT = "kf_msg_or_event"
MAX_TOKEN_BYTES = 128


def read_bell(raw: bytes, open_kfid: str) -> Bell | Messages:
    """The bell in ``raw``, the decrypted XML; no messages for whatever else arrives at this URL, another account's bell
    above all, which is only logged.

    Raises :class:`~bot.channel.Rejected` with ``bad_charset``, ``bad_xml`` or ``bad_message``.
    """
    fields = read_xml(raw).fields()
    name, account = fields.get("Event", ""), fields.get("OpenKfId", "")
    if fields.get("MsgType") != "event" or name != EVENT or account not in ("", open_kfid):
        log.info("callback_ignored", name=name[:LOGGED_NAME_LENGTH], account=account[:LOGGED_NAME_LENGTH])
        return Messages(messages=())
    token = fields.get("Token", "")
    if len(token.encode()) > MAX_TOKEN_BYTES or not token.isprintable():
        raise Rejected("bad_message")
    return Bell(token=token)
