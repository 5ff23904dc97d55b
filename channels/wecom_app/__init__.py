"""Channel ``wecom-app``: a self-built WeCom (企业微信自建应用) application, one-to-one with each member.

Callbacks arrive encrypted over HTTPS (:mod:`.parse`, :mod:`.events`) and may be answered in place (:mod:`.replies`).
What is sent (:mod:`.bodies`) leaves through ``message/send`` (:mod:`.send`), media after an upload, when it is its turn
(:mod:`.turns`); what members sent is fetched by its media id. What it shares with other channels of WeCom, such as the
token and the table of error codes, is :mod:`channels.wecom`. Page numbers in comments, such as 90236, are those of
WeCom's documentation, ``https://developer.work.weixin.qq.com/document/path/<number>``.
"""

from channels.wecom_app.channel import WeComAppChannel, build
from channels.wecom_app.config import Config

__all__ = ["Config", "WeComAppChannel", "build"]
