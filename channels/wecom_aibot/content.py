"""The bodies of the message types and of what a message quotes (page 100719)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.messages import Attachment, MessageKind, Quoted
from channels.wecom.json_fields import Fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a message says, whichever type it came as."""

    kind: MessageKind
    text: str = ""
    attachments: tuple[Attachment, ...] = ()


_Reader = Callable[[Fields], Content]


def _text(message: Fields) -> Content:
    return Content(kind=MessageKind.TEXT, text=message.object("text").text("content"))


def _voice(message: Fields) -> Content:
    """The platform sends what was said, written down, and no sound."""
    return Content(kind=MessageKind.VOICE, text=message.object("voice").text("content"))


def _media(name: str, kind: MessageKind) -> _Reader:
    def read(message: Fields) -> Content:
        return Content(kind=kind, attachments=(Attachment(kind=kind, url=message.object(name).url("url")),))

    return read


_SIMPLE: Mapping[str, _Reader] = {
    "text": _text,
    "voice": _voice,
    "image": _media("image", MessageKind.IMAGE),
    "file": _media("file", MessageKind.FILE),
    "video": _media("video", MessageKind.VIDEO),
}


def _mixed(message: Fields) -> Content:
    """Texts and images in one message: a text with attachments, as far as it has words."""
    items = [_read(item, _SIMPLE) for item in message.object("mixed").objects("msg_item")]
    text = "\n".join(item.text for item in items if item.text)
    attachments = tuple(attachment for item in items for attachment in item.attachments)
    if text:
        return Content(kind=MessageKind.TEXT, text=text, attachments=attachments)
    kind = attachments[0].kind if attachments else MessageKind.UNSUPPORTED
    return Content(kind=kind, attachments=attachments)


_READERS: Mapping[str, _Reader] = {**_SIMPLE, "mixed": _mixed}
"""The documented message types; every other one is ``UNSUPPORTED`` and answered as such."""


def read_content(message: Fields) -> Content:
    """The content of ``message`` by its ``msgtype``. Raises :class:`~bot.channel.Rejected` ``bad_message``."""
    return _read(message, _READERS)


def read_quote(message: Fields) -> Quoted | None:
    """What ``message`` quotes, which has the shapes of a message.

    Raises :class:`~bot.channel.Rejected` ``bad_message``.
    """
    if message.values.get("quote") is None:
        return None
    content = read_content(message.object("quote"))
    return Quoted(kind=content.kind, text=content.text)


def _read(message: Fields, readers: Mapping[str, _Reader]) -> Content:
    reader = readers.get(message.text("msgtype"))
    return reader(message) if reader else Content(kind=MessageKind.UNSUPPORTED)
