"""An offline WeCom: the other side of the channels ``wecom-app`` and ``wecom-aibot``.

It hands out tokens, takes ``message/send``, posts signed and encrypted callbacks with redeliveries, refreshes streams,
and shows members' chats and groups on a page, so that the bot can be tried and tested without the internet. It is
written from the protocol alone and shares no code with the bot: a misreading on one side cannot be cancelled out by the
same misreading on the other.

Rule numbers in docstrings, settings and the journal are those of the WeCom protocol reference, section 9 ("what the
simulator must do to be faithful"); ``§`` marks its other sections.
"""
