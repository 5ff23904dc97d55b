"""What the channels of WeCom share.

Callbacks: their crypto, arguments and bounds, XML, and presses on cards. Calls: HTTP exchanges that end in time, the
token that all processes share, uploads and downloads, the grammar of cards, what each error code means, and the
counting of what was sent.

Page numbers in comments, such as 90930, are those of WeCom's documentation,
``https://developer.work.weixin.qq.com/document/path/<number>``.
"""
