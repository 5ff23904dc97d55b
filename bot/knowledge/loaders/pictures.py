"""Pictures: kept as files by their content, and read where they hold what the text does not.

Runs in the confined child. The models of ``rapidocr`` are in its wheel.
"""

import hashlib
import io
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.errors import KnowledgeError
from bot.knowledge.loaders.layout import Box, Span
from bot.knowledge.loaders.refusals import TooManyPixels

Image.MAX_IMAGE_PIXELS = None  # its bound is another; ours is looked at as early, and has words of its own

MAX_PIXELS = 100_000_000
_KEPT_SIDE = 1600
"""Pixels a side of a picture that is kept: enough to read on a phone."""
_LEAST_SIDE = 64
READ_SIDE = 2048
"""Pixels a side of a picture that is read: print stays legible, and the time is bounded."""
_LEAST_SURE = 0.5
"""A line that the reader is less sure of is left out."""
_SMALLER, _LARGER = 0.7, 1.4
_QUALITY = 85
MAX_FIGURES = 300
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
SUFFIXES = (".png", ".jpg")


class FigureFolder:
    """Where the pictures of one file are kept: each once, by the SHA-256 of its bytes; ``None`` keeps none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._kept: set[str] = set()

    def keep_image(self, image: "pypdfium2.PdfImage") -> str:
        """The id of a picture on a page of a PDF; empty where it cannot be decoded or is too small to show anything."""
        if self._folder is None:
            return ""
        try:
            return self.keep(image.get_bitmap(render=False).to_pil())
        except (pypdfium2.PdfiumError, ValueError):
            return ""

    def keep_bytes(self, content: bytes) -> str:
        """The id of a picture that a file carries; empty for kinds that are not shown, such as drawings."""
        try:
            return self.keep(opened(io.BytesIO(content)))
        except (KnowledgeError, OSError, ValueError):
            return ""

    def keep(self, picture: Image.Image) -> str:
        """The id of a picture: its name in the folder."""
        if self._folder is None or len(self._kept) >= MAX_FIGURES or min(picture.size) < _LEAST_SIDE:
            return ""
        shown = flat(picture)
        shown.thumbnail((_KEPT_SIDE, _KEPT_SIDE))
        drawn, photo = io.BytesIO(), io.BytesIO()
        shown.save(photo, "JPEG", quality=_QUALITY)
        shown.save(drawn, "PNG")
        small, suffix = (drawn, ".png") if drawn.tell() <= 1.5 * photo.tell() else (photo, ".jpg")
        content = small.getvalue()
        id_ = hashlib.sha256(content).hexdigest() + suffix
        if id_ not in self._kept:
            self._kept.add(id_)
            (self._folder / id_).write_bytes(content)
        return id_


def opened(source: Path | io.BytesIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The first frame, upright. Raises :class:`~bot.errors.KnowledgeError`; its size is looked at before a pixel is
    decoded."""
    try:
        picture: Image.Image = Image.open(source, formats=_FORMATS)
        if picture.width * picture.height > max_pixels:
            raise TooManyPixels(picture.width, picture.height)
        picture.draft("RGB", (READ_SIDE, READ_SIDE))
        return ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise KnowledgeError("it is no picture that can be read, or it is damaged: save it again as PNG") from error


def flat(picture: Image.Image) -> Image.Image:
    """In RGB, with white behind what is transparent."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


def spans_of(picture: Image.Image, points_a_pixel: float) -> list[Span]:
    """The lines of print in a picture with their places, in points."""
    import numpy as np

    picture = flat(picture)
    scale = max(1.0, max(picture.size) / READ_SIDE)
    if scale > 1.0:
        picture = picture.resize((round(picture.width / scale), round(picture.height / scale)))
    found = _reader()(np.asarray(picture)[:, :, ::-1])  # the reader wants blue first
    if found.txts is None or found.boxes is None:
        return []
    factor = scale * points_a_pixel
    lines = []
    for text, corners in zip(found.txts, found.boxes, strict=True):
        xs, ys = [float(x) * factor for x, _ in corners], [float(y) * factor for _, y in corners]
        if text.strip():
            lines.append((text.strip(), Box(min(xs), min(ys), max(xs), max(ys))))
    usual = median([box.bottom - box.top for _, box in lines] or [1.0])
    return [Span(text, box, _size(box.bottom - box.top, usual)) for text, box in lines]


def _size(height: float, usual: float) -> float:
    """The height of a line that was found in a picture varies with its letters: only a clear difference is one."""
    return usual if _SMALLER < height / usual < _LARGER else height


@cache
def _reader() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": _LEAST_SURE,
            "Det.limit_type": "max",  # untold, it enlarges a picture until its short side has 736 pixels
            "Det.limit_side_len": READ_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )
