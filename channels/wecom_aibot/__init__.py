"""Channel ``wecom-aibot``: an intelligent robot of WeCom (企业微信智能机器人) in single chats and groups.

Callbacks arrive encrypted over HTTPS as JSON (:mod:`.parse`, :mod:`.content`, :mod:`.mentions`, :mod:`.events`); what
the robot says is a bubble that the platform asks for again until it is finished (:mod:`.replies`), or, once the bubble
is closed, one late reply by the URL that came with the message (:mod:`.send`). Media come encrypted behind a link
(:mod:`.fetch`). Page numbers in comments, such as 100719, are those of
WeCom's documentation, ``https://developer.work.weixin.qq.com/document/path/<number>``.
"""

from channels.wecom_aibot.channel import WeComAiBotChannel, build
from channels.wecom_aibot.config import Config

__all__ = ["Config", "WeComAiBotChannel", "build"]
