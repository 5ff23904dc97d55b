"""Pictures that people send, by the reader of the knowledge's pictures: read, or made small to be sent on."""

import io
from pathlib import Path

from PIL import Image

from bot.knowledge.loaders.pictures import READ_SIDE, flat, opened, spans_of

MAX_PIXELS = 50_000_000
"""A phone's camera makes up to 48 million; decoded they take three bytes each."""
_JPEG_QUALITY = 88


def read_words(path: Path) -> str:
    """The lines of text in the picture, from top to bottom.

    Raises :class:`~bot.knowledge.loaders.refusals.TooManyPixels`, going by the header alone.
    """
    return "\n".join(span.text for span in spans_of(_opened(path), 1.0))


def as_jpeg(path: Path) -> bytes:
    """The picture as a JPEG without whatever else its file told, such as where it was taken.

    Raises :class:`~bot.knowledge.loaders.refusals.TooManyPixels`.
    """
    plain = io.BytesIO()
    flat(_opened(path)).save(plain, "JPEG", quality=_JPEG_QUALITY)
    return plain.getvalue()


def _opened(path: Path) -> Image.Image:
    """No side is longer than :data:`~bot.knowledge.loaders.pictures.READ_SIDE`."""
    picture = opened(path, MAX_PIXELS)
    picture.thumbnail((READ_SIDE, READ_SIDE))
    return picture
