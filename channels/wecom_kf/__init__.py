"""Channel ``wecom-kf``: an account of WeChat customer service (微信客服), one-to-one with each customer.

Its callback is a bell without content (:mod:`channels.wecom.bells`); what it rings for is pulled page by page
(:mod:`.pages`) and read entry by entry (:mod:`.entries`, :mod:`.events`). What is sent (:mod:`.send`) keeps within what
the platform allows after each message of the customer (:mod:`.allowance`), or answers an event by the code that came
with it (:mod:`.codes`).

Page numbers in comments, such as 94670, are those of WeCom's documentation,
``https://developer.work.weixin.qq.com/document/path/<number>``.
"""

from channels.wecom_kf.channel import WeComKfChannel, build
from channels.wecom_kf.config import Config

__all__ = ["Config", "WeComKfChannel", "build"]
