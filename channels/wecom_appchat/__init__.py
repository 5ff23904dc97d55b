"""Channel ``wecom-appchat``: a group that a self-built application made (应用群聊), where it speaks and hears nothing.

The group is made once with ``appchat/create``; what is said leaves through ``appchat/send`` (:mod:`.send`). Page
numbers in comments, such as 90248, are those of WeCom's documentation,
``https://developer.work.weixin.qq.com/document/path/<number>``.
"""

from channels.wecom_appchat.channel import WeComAppchatChannel, build
from channels.wecom_appchat.config import Config

__all__ = ["Config", "WeComAppchatChannel", "build"]
