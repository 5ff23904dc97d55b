"""What the channels of WeCom share: the crypto of callbacks, their arguments, and HTTP exchanges that end in time.

Page numbers in comments, such as 90930, are those of WeCom's documentation,
``https://developer.work.weixin.qq.com/document/path/<number>``.
"""
