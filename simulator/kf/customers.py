"""What a WeChat customer does: comes in, writes, picks from a menu, takes a message back (§6.3, §6.4; rule 41)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.chats import Chats
from simulator.entries import Entry
from simulator.kf.books import Books
from simulator.kf.sessions import Place, Session
from simulator.media import Media
from simulator.media_formats import media_type
from simulator.messages import Message
from simulator.posting import Unpostable
from simulator.rules import Rules
from simulator.uploads import Upload

_KIND_NAMES = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A message as somebody writes it: ``content`` of a text, ``upload`` of a file, ``fields`` of anything else.

    ``silk`` is the same voice as Silk; ``menu_id`` the id of the menu's item that was chosen.
    """

    type: str
    content: str = ""
    upload: Upload | None = None
    silk: Upload | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    menu_id: str = ""


class Customers:
    """The customers' acts. To be used under the lock of :class:`Kf`."""

    def __init__(
        self,
        books: Books,
        *,
        chats: Chats,
        media: Media,
        rules: Rules,
        clock: Callable[[], float],
    ) -> None:
        self._people = books.people
        self._sessions = books.sessions
        self._codes = books.codes
        self._posts = books.posts
        self._chats = chats
        self._media = media
        self._rules = rules
        self._clock = clock

    def enter(self, place: Place, *, scene: str, scene_param: str, channels: Mapping[str, Any]) -> Entry:
        """Open the account's chat, by a link with a ``scene`` or from ``channels``: the event ``enter_session``."""
        session = self._sessions.get(*place)
        came_from = {"wechat_channels": dict(channels)} if channels else {}
        session.context = {"scene": scene, "scene_param": scene_param, **came_from}
        session.entered_at = self._clock()
        code = {"welcome_code": self._codes.issue("welcome", session)} if self._sessions.is_quiet(session) else {}
        return self._posts.event(place, "enter_session", {**session.context, **code})

    def write(self, place: Place, written: Written) -> Entry:
        """Write a message; it opens a new window of five, and a session where there was none."""
        message, body = self.read(written)
        serving = [one.userid for one in self._people.accounts[place.open_kfid].servicers.values() if one.is_serving]
        self._sessions.wrote(self._sessions.get(*place), serving)
        silk = self._media.media_id(written.silk, "voice") if written.silk else ""
        return self._posts.message(3, place, message, body, silk=silk)

    def choose(self, place: Place, target: Entry, menu_id: str) -> Entry:
        """Press an item of a menu: it comes back as a text. Raises :class:`Unpostable`."""
        items = target.fields.get("list", []) if target.type == "msgmenu" else []
        chosen = [item for item in items if item["type"] == "click" and item["id"] == menu_id]
        if not chosen or (target.chat, target.member) != place:
            raise Unpostable("target must be a menu of this chat with that item")
        return self.write(place, Written(type="text", content=chosen[0]["content"], menu_id=menu_id))

    def recall(self, entry: Entry, fields: Mapping[str, Any] | None = None, *, event: str = "user_recall_msg") -> Entry:
        """Take a message back: nothing of it is left, and an event says so. Raises :class:`Unpostable`."""
        if entry.recalled:
            raise Unpostable("it has been taken back already")
        self._chats.change(entry, recalled=True, content="", fields={}, upload=None, cut=False)
        return self._posts.event(
            Place(entry.chat, entry.member), event, {"recall_msgid": entry.msg_id, **(fields or {})}
        )

    def read(self, written: Written) -> tuple[Message, dict[str, Any]]:
        """What is seen, and what ``sync_msg`` says of it. Raises :class:`Unpostable`."""
        if written.type == "text":
            menu = {"menu_id": written.menu_id} if written.menu_id else {}
            return Message(type="text", content=written.content, fields=menu), {"content": written.content, **menu}
        if written.type in _KIND_NAMES:
            return self._file(written)
        content = str(written.fields.get("title") or written.fields.get("name") or "")
        return Message(type=written.type, content=content, fields=dict(written.fields)), dict(written.fields)

    def _file(self, written: Written) -> tuple[Message, dict[str, Any]]:
        if written.upload is None:
            raise Unpostable("upload is missing")
        if written.type == "image" and not written.upload.is_picture:
            raise Unpostable("the upload is no picture")
        if len(written.upload.data) > self._most_bytes(written.type):
            # The wording is not documented †.
            words = f"[客户发送了一份{_KIND_NAMES[written.type]}，大小超过限制，无法接收]"
            return Message(type="text", content=words), {"content": words}
        media_id = self._media.media_id(written.upload, media_type(written.type))
        return Message(type=written.type, upload=written.upload), {"media_id": media_id}

    def _most_bytes(self, kind: str) -> int:
        rules = self._rules
        most = {"image": rules.kf_image_bytes, "voice": rules.voice_bytes, "video": rules.video_bytes}
        return most.get(kind, rules.file_bytes)


def has_come(session: Session) -> bool:
    """Whether the customer has ever been there."""
    return session.entered_at is not None or session.wrote_at is not None
