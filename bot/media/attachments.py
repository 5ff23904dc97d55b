"""What the bot does with the pictures, voices and files of a turn, and with questions about them.

A voice's words are the question. A picture's words are the question, or the context of one, or something to ask about.
A file is something to ask about. Whatever stands in them is a stranger's text: no command, and no instruction to a
model. The record of a turn names media and keeps nothing of what is in them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from bot.answering.answerer import COMPOSED_FROM, Answerer
from bot.answering.asking import Asking
from bot.answering.evidence import Evidence
from bot.answering.render import own_answer_text
from bot.channel import StoredMedium
from bot.errors import InputError
from bot.knowledge.entries import Entry
from bot.media.harmless import harmless, harmless_document
from bot.media.parsing.sandbox import MAX_CHARS
from bot.media.parsing.sections import Parsed, Unit
from bot.media.parts import MediaParts
from bot.media.reading import as_document
from bot.media.vision import SeenPicture
from bot.media.words import asks_for_overview, asks_to_delete, is_question, refers_to_file, without_reference
from bot.messages import Attachment, MessageKind, ReplyKind
from bot.parts import Medium
from bot.texts import Language, Texts, language_of
from bot.turn import Said, Turn

log = structlog.get_logger()

PICTURES_A_MESSAGE = 3
"""Pictures of one message that are read; a page of print takes several seconds."""
SHOWN_CHARACTERS = 60
"""How much of what was read in a picture the reply repeats."""
_NO_MARKUP = str.maketrans("<>[]", "‹›［］")
"""A name is shown in chats that know links."""
_EXTENTS = {Unit.PAGE: "extent_pages", Unit.SLIDE: "extent_slides", Unit.SHEET: "extent_sheets"}


class Attachments:
    """Methods raise :class:`~bot.errors.Unavailable` when Redis, the database or the embedder does not answer."""

    def __init__(self, parts: MediaParts, answerer: Answerer, texts: Texts) -> None:
        self._parts = parts
        self._answerer = answerer
        self._texts = texts

    def read(self, turn: Turn) -> Said | None:
        """Read what the message shows; ``None`` when the turn goes on with what was read."""
        message = turn.messages[0]
        attachments = [each for each in message.attachments if each.kind in _READERS]
        asked = bool(turn.text.strip())
        if not attachments or (asked and message.kind is not MessageKind.TEXT):
            return None
        if asked:
            self._illustrate(turn, [each for each in attachments if each.kind is MessageKind.IMAGE])
            return None
        try:
            return _READERS[attachments[0].kind](self, turn, attachments[0])
        except InputError as error:
            turn.found(unread=error.text_key)
            return self._notice(turn, error.text_key, **error.values)

    def forget(self, turn: Turn) -> Said | None:
        """The person wants what they sent to go, and it goes at once: also what could not be asked about."""
        message = turn.messages[0]
        if message.kind is not MessageKind.TEXT or not asks_to_delete(message.text):
            return None
        gone, names = self._parts.files.forget(turn.conversation)
        log.info("own_files_deleted", turn=turn.id, media=gone)
        if names:
            return self._notice(turn, "own_files_deleted", names="".join(f"《{name}》" for name in names))
        return self._notice(turn, "own_media_deleted" if gone else "own_files_none")

    def drop(self, turn: Turn) -> None:
        """Remove what the messages of ``turn`` have shown, with everything else that the person has sent."""
        if turn.messages[0].attachments:
            gone, _ = self._parts.files.forget(turn.conversation)
            log.info("own_files_dropped", turn=turn.id, media=gone)

    def passed_on(self, turn: Turn) -> tuple[Medium, ...]:
        """What the messages show, for the human who has the conversation; what cannot be fetched is left out."""
        passed = []
        for attachment in (each for message in turn.messages for each in message.attachments):
            try:
                passed.append(Medium(attachment.kind, self._fetched(turn, attachment).id))
            except InputError as error:
                turn.found(not_passed_on=error.text_key)
        return tuple(passed)

    def has_any(self, turn: Turn) -> bool:
        """Whether the person has files to ask about."""
        return self._parts.files.any_of(turn.conversation)

    def answer_if_meant(self, turn: Turn) -> Said | None:
        """What the person's files say, where the question speaks of them or quotes one."""
        quoted = turn.quoted is not None and turn.quoted.kind in (MessageKind.FILE, MessageKind.IMAGE)
        return self.answer(turn) if quoted or refers_to_file(turn.text) else None

    def answer(self, turn: Turn) -> Said | None:
        """What the person's files say to the question; ``None`` when they do not surely answer it, or were asked
        before in this turn."""
        if turn.own_files_asked or not self.has_any(turn):
            return None
        turn.own_files_asked = True
        evidence = self._evidence(turn)
        if evidence is None:
            return None
        asking = Asking(
            bot=turn.bot,
            language=turn.language,
            show=turn.show_generated,
            conversation=turn.conversation,
            own=True,
        )
        answer = self._answerer.compose(evidence, asking)
        turn.found(own_files={"kind": answer.kind.value, "confidence": round(answer.confidence, 4)})
        if answer.kind is ReplyKind.REFUSAL:
            if _asks_what_is_in_it(turn.text):  # the knowledge cannot know either
                return Said(kind=ReplyKind.REFUSAL, text=self._texts.say("own_file_not_summed_up", turn.language))
            return None
        text = own_answer_text(answer, self._texts, turn.language)
        return Said(kind=answer.kind, text=text, record_as=self._texts.say("own_answer_recorded", turn.bot.language))

    def _evidence(self, turn: Turn) -> Evidence | None:
        """What the files hold for the question; for one about a file as a whole, how it begins."""
        if _asks_what_is_in_it(turn.text):
            return self._parts.evidence.beginning(turn.conversation, turn.text.strip(), COMPOSED_FROM)
        questions = (without_reference(turn.text), turn.text.strip())
        return self._parts.evidence.retrieve(turn.conversation, questions, turn.bot.answer_threshold)

    def _voice(self, turn: Turn, attachment: Attachment) -> Said | None:
        medium = self._fetched(turn, attachment)
        heard = self._parts.reader.voice(medium, attachment.format, may_leave=turn.bot.external_media)
        turn.read.append((MessageKind.VOICE, heard))
        turn.messages = (replace(turn.messages[0], text=heard), *turn.messages[1:])
        turn.text, turn.language = heard, language_of(heard, turn.bot.language)
        turn.preface = self._texts.say("heard", turn.language, text=_short(heard))
        return None

    def _picture(self, turn: Turn, attachment: Attachment) -> Said | None:
        medium, seen = self._seen(turn, attachment)
        if is_question(seen.words):
            turn.text, turn.language = seen.words, language_of(seen.words, turn.bot.language)
            turn.preface = self._texts.say("pictured", turn.language, text=_short(seen.words))
            return None
        self._keep(turn, medium, as_document(seen, medium))
        key = "picture_read_in_group" if turn.conversation.chat else "picture_read"
        said = self._notice(turn, key, text=_short(seen.text), keep=self._keep_time(turn.language))
        return replace(said, record_as=self._texts.say("picture_recorded", turn.bot.language))

    def _file(self, turn: Turn, attachment: Attachment) -> Said:
        if turn.conversation.chat:
            return self._notice(turn, "file_in_group")
        medium = self._fetched(turn, attachment)
        read = self._parts.reader.file(medium, turn.bot.id, may_leave=turn.bot.external_media)
        turn.read.append((MessageKind.FILE, read.text))
        parsed = harmless_document(read)
        if not parsed.document.sections:
            raise InputError("file_empty")
        self._keep(turn, medium, parsed)
        said = self._notice(
            turn,
            "file_received",
            name=self._name(medium, turn.language),
            extent=self._extent(medium, parsed, turn.language),
            keep=self._keep_time(turn.language),
        )
        cut = "\n" + self._texts.say("file_cut", turn.language, limit=MAX_CHARS) if parsed.cut else ""
        return replace(said, text=said.text + cut)

    def _illustrate(self, turn: Turn, pictures: Sequence[Attachment]) -> None:
        """Pictures beside a question are its context."""
        words = []
        try:
            for picture in pictures[:PICTURES_A_MESSAGE]:
                medium, seen = self._seen(turn, picture)
                words.append(seen.text)
                self._keep(turn, medium, as_document(seen, medium))
        except InputError as error:
            turn.found(unread=error.text_key)
            turn.preface = self._texts.say("picture_not_read", turn.language)
        turn.pictured = "\n".join(words)

    def _seen(self, turn: Turn, attachment: Attachment) -> tuple[StoredMedium, SeenPicture]:
        medium = self._fetched(turn, attachment)
        seen = self._parts.reader.picture(medium, turn.bot.id, may_leave=turn.bot.external_media)
        turn.read.append((MessageKind.IMAGE, seen.words))
        return medium, SeenPicture(words=harmless(seen.words), description=harmless(seen.description))

    def _fetched(self, turn: Turn, attachment: Attachment) -> StoredMedium:
        medium = self._parts.fetcher.fetch(turn.conversation, attachment)
        note = {"id": medium.id, "kind": medium.kind.value, "type": medium.content_type, "name": medium.name}
        turn.media.append(note)
        turn.found(media=list(turn.media))
        return medium

    def _keep(self, turn: Turn, medium: StoredMedium, parsed: Parsed) -> None:
        """Let the person ask about it; a group has no private place."""
        if turn.conversation.chat:
            return
        language = turn.language
        name = self._name(medium, language)
        self._parts.files.add(turn.conversation, medium, name, parsed, partial(self._place, language))

    def _name(self, medium: StoredMedium, language: Language) -> str:
        unnamed = "unnamed_picture" if medium.content_type.startswith("image/") else "unnamed_file"
        return medium.name.translate(_NO_MARKUP) or self._texts.say(unnamed, language)

    def _place(self, language: Language, parsed: Parsed, entry: Entry) -> str:
        """The headings or lines, and the page or slide; a sheet by its name."""
        if parsed.unit is Unit.SHEET:
            return self._texts.say("place_sheet", language, label=entry.location) if entry.location else ""
        key = "place_slide" if parsed.unit is Unit.SLIDE else "place_page"
        page = self._texts.say(key, language, label=entry.page) if entry.page else ""
        return " · ".join(filter(None, (entry.location, page)))

    def _extent(self, medium: StoredMedium, parsed: Parsed, language: Language) -> str:
        size = f"{medium.size / 1e6:.1f} MB" if medium.size >= 1e5 else f"{max(1, round(medium.size / 1e3))} KB"
        key = _EXTENTS.get(parsed.unit) if parsed.count else None
        return self._texts.say(key, language, size=size, count=parsed.count) if key else size

    def _keep_time(self, language: Language) -> str:
        hours = self._parts.keep_s / 3600
        if hours >= 1:
            return self._texts.say("span_hours", language, count=f"{hours:.1f}".removesuffix(".0"))
        return self._texts.say("span_minutes", language, count=max(1, round(hours * 60)))

    def _notice(self, turn: Turn, key: str, **values: object) -> Said:
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say(key, turn.language, **values))


_READERS = {
    MessageKind.VOICE: Attachments._voice,
    MessageKind.IMAGE: Attachments._picture,
    MessageKind.FILE: Attachments._file,
}


def _asks_what_is_in_it(text: str) -> bool:
    """Whether a file as a whole is asked about, and no detail of it."""
    return refers_to_file(text) and asks_for_overview(text)


def _short(text: str) -> str:
    """The beginning, with nothing in it that a chat would make a link or a heading of."""
    words = " ".join(re.sub(r"[\[\]<>*_`#~|]|://", " ", text).split())
    return words if len(words) <= SHOWN_CHARACTERS else words[: SHOWN_CHARACTERS - 1] + "…"
