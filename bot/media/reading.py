"""A medium to words: pictures are read, voices written down, files parsed."""

from pathlib import PurePath

import structlog

from bot import telemetry
from bot.channel import StoredMedium
from bot.errors import InputError, ModelError
from bot.knowledge.loaders import load_plain_text
from bot.media.parsing.sandbox import Sandbox
from bot.media.parsing.sections import Parsed
from bot.media.sniff import UNKNOWN
from bot.media.speech import SpeechService
from bot.media.vision import SeenPicture, Vision

log = structlog.get_logger()

_READABLE_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")


class MediaReader:
    """Reads media. ``vision`` and ``speech`` are ``None`` where no such service is set: then pictures are read on this
    machine, and voices not at all. Safe for threads.

    ``may_leave`` says whether the medium itself may be sent to such a service: nothing in it can be masked.

    Every method raises :class:`~bot.errors.InputError` with what the person should be told, and
    :class:`~bot.errors.Unavailable` when it should be tried again: everything that reads is busy, or Redis cannot tell
    the vision model's token budget.
    """

    def __init__(self, sandbox: Sandbox, vision: Vision | None, speech: SpeechService | None) -> None:
        self._sandbox = sandbox
        self._vision = vision
        self._speech = speech

    def picture(self, medium: StoredMedium, bot: str, *, may_leave: bool) -> SeenPicture:
        """What is written in a picture, read for ``bot``; raises ``picture_empty`` where nothing is found."""
        if medium.content_type not in _READABLE_PICTURES:
            raise InputError("picture_kind_unknown")
        shown = self._looked_at(medium, bot) if may_leave else None
        seen = shown or SeenPicture(words=self._sandbox.read_words(medium))
        if not seen.text:
            raise InputError("picture_empty")
        return seen

    def voice(self, medium: StoredMedium, declared_format: str, *, may_leave: bool) -> str:
        """What is said. ``declared_format`` is the platform's word for it.

        Sound is converted to WAV first, because few services take what phones record. What has no known container (raw
        Speex) goes as it is. Raises ``voice_not_heard`` where no service is set, or none may hear it.
        """
        if self._speech is None or not may_leave:
            raise InputError("voice_not_heard")
        if medium.content_type == UNKNOWN:
            suffix = declared_format.lower() if declared_format.isalnum() else "bin"
            return self._speech.transcribe(medium.path.read_bytes(), f"voice.{suffix}")
        return self._speech.transcribe(self._sandbox.as_wav(medium), "voice.wav")

    def file(self, medium: StoredMedium, bot: str, *, may_leave: bool) -> Parsed:
        """A file as a document; a picture that was sent as a file is read as a picture."""
        if medium.content_type.startswith("image/"):
            return as_document(self.picture(medium, bot, may_leave=may_leave), medium)
        return self._sandbox.parse(medium)

    def _looked_at(self, medium: StoredMedium, bot: str) -> SeenPicture | None:
        """What a vision model sees; ``None`` where there is none, or it failed."""
        if self._vision is None:
            return None
        try:
            return self._vision.read(self._sandbox.as_jpeg(medium), bot)
        except ModelError as error:
            telemetry.count("degraded", what="picture_without_vision")
            log.warning("picture_without_vision", code=error.code)
            return None


def as_document(seen: SeenPicture, medium: StoredMedium) -> Parsed:
    """A picture as a file of one section."""
    return Parsed(document=load_plain_text(seen.text, name=PurePath(medium.name).stem))
