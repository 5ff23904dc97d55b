"""Links into the chat with an account that carry something, which comes back when somebody enters by them
(``kf/add_contact_way``; ``scene_param`` of ``enter_session``, page 94670)."""

from urllib.parse import quote

from channels.wecom.api import RETRY_S, encode_json, retry
from channels.wecom.application import Application
from channels.wecom.transport import Deadline

ADD_LINK = "kf/add_contact_way"
SCENE = "bot"
"""Without a scene a link carries nothing."""


def entry_link(application: Application, open_kfid: str, param: str, deadline: Deadline) -> str:
    """An address that opens the account's chat in WeChat and carries ``param``: printable, at most 128 bytes. Raises
    :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` and ``redis.RedisError``."""
    request, client = encode_json({"open_kfid": open_kfid, "scene": SCENE}), application.client
    answer = application.call(lambda token: client.look(ADD_LINK, token, request, deadline), deadline)
    url = str(answer.get("url") or "")
    if not url:
        raise retry(RETRY_S, "bad_contact_way")
    return f"{url}{'&' if '?' in url else '?'}scene_param={quote(param, safe='')}"
