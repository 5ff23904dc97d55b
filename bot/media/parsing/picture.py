"""Pictures: their size is looked at before a pixel is decoded, then they are turned upright and made small."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from bot.errors import InputError

Image.MAX_IMAGE_PIXELS = None  # its bound is another; ours is looked at as early, and has words of its own

MAX_PIXELS = 50_000_000
"""A phone's camera makes up to 48 million; decoded they take three bytes each."""
READ_PIXELS_A_SIDE = 2048
"""What is larger is made smaller before it is read: print stays legible, and the time is bounded."""
_LEAST_SURE = 0.5
"""A line that the reader is less sure of is left out."""
_JPEG_QUALITY = 88


def open_picture(path: Path) -> Image.Image:
    """The first frame, upright, in RGB, no side longer than :data:`READ_PIXELS_A_SIDE`.

    Raises :class:`~bot.errors.InputError` ``picture_too_large``, going by the header alone.
    """
    picture: Image.Image = Image.open(path, formats=("PNG", "JPEG", "GIF", "WEBP", "BMP"))
    if picture.width * picture.height > MAX_PIXELS:
        raise InputError("picture_too_large", width=picture.width, height=picture.height)
    picture.draft("RGB", (READ_PIXELS_A_SIDE, READ_PIXELS_A_SIDE))
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((READ_PIXELS_A_SIDE, READ_PIXELS_A_SIDE))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


def read_words(path: Path) -> str:
    """The lines of text in the picture, from top to bottom."""
    import numpy as np
    from rapidocr import RapidOCR

    picture = np.asarray(open_picture(path))[:, :, ::-1]  # the reader wants blue first
    engine: Any = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": _LEAST_SURE,
            # Untold, it enlarges a picture until its short side has 736 pixels: a line of text took 2 s instead of 0.4.
            "Det.limit_type": "max",
            "Det.limit_side_len": READ_PIXELS_A_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )
    found = engine(picture)
    return "\n".join(text.strip() for text in found.txts or () if text.strip())


def as_jpeg(path: Path) -> bytes:
    """The picture as a JPEG without whatever else its file told, such as where it was taken."""
    plain = io.BytesIO()
    open_picture(path).save(plain, "JPEG", quality=_JPEG_QUALITY)
    return plain.getvalue()
