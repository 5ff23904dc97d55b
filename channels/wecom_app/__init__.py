"""Channel ``wecom-app``: a self-built WeCom (企业微信自建应用) application, one-to-one with each member.

Callbacks arrive encrypted over HTTPS (:mod:`.crypto`, :mod:`.parse`); replies leave through ``message/send``
(:mod:`.send`) with a token that every process shares (:mod:`.tokens`), at the pace the platform delivers
(:mod:`.pacing`), reacting to its error codes by a table (:mod:`.errors`). Page numbers in comments, such as 90236,
are those of WeCom's documentation, ``https://developer.work.weixin.qq.com/document/path/<number>``.
"""

from channels.wecom_app.channel import WeComAppChannel, build
from channels.wecom_app.config import Config

__all__ = ["Config", "WeComAppChannel", "build"]
