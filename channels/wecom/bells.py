"""The bell of customer service: a callback that says that an account has something new, and nothing of what (pages
31078, 94699).

A corp's accounts share one callback URL: that of customer service, or that of the application which serves them. So a
bell is heard by whichever channel has that URL, and names the account that it rings for.
"""

from bot.channel import Bell, Rejected
from channels.wecom.xml_fields import read_xml

EVENT = "kf_msg_or_event"
MAX_TOKEN_BYTES = 128
MAX_ACCOUNT_BYTES = 64


def bell_in(raw: bytes, corp_id: str, own_account: str = "") -> Bell | None:
    """The bell in ``raw``, the decrypted XML of a callback to ``corp_id``; ``None`` for whatever else arrives.

    One that names no account is ``own_account``'s, and nobody's where that is empty. Raises
    :class:`~bot.channel.Rejected` with ``bad_charset``, ``bad_xml`` or ``bad_message``.
    """
    if EVENT.encode() not in raw:
        return None
    fields = read_xml(raw).fields()
    account = fields.get("OpenKfId", "") or own_account
    if fields.get("MsgType") != "event" or fields.get("Event") != EVENT or not account:
        return None
    token = fields.get("Token", "")
    for text, most_bytes in ((token, MAX_TOKEN_BYTES), (account, MAX_ACCOUNT_BYTES)):
        if len(text.encode()) > most_bytes or not text.isprintable():
            raise Rejected("bad_message")
    return Bell(token=token, account=account_name(corp_id, account))


def account_name(corp_id: str, open_kfid: str) -> str:
    """What an account is called among those of all corps."""
    return f"{corp_id}/{open_kfid}"
