"""Voices: whatever a phone recorded, as 16 kHz mono WAV, which every speech service takes."""

import io
import wave
from pathlib import Path

from bot.errors import InputError

SAMPLES_A_SECOND = 16_000
MAX_VOICE_S = 60.0
"""WeCom's own limit of a voice message; a second more is granted for the rounding of encoders."""
_BYTES_A_SAMPLE = 2
_FORMATS = {
    "audio/amr": "amr",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "mp4",
}
"""The one reader for each content type: left to guess, FFmpeg also tries play lists, which name other files."""


def as_wav(path: Path, content_type: str) -> bytes:
    """The sound as a WAV file. Raises :class:`~bot.errors.InputError` ``voice_too_long`` or ``voice_empty``."""
    samples = _silk(path) if content_type == "audio/silk" else _decoded(path, _FORMATS[content_type])
    if not samples:
        raise InputError("voice_empty")
    if len(samples) > (MAX_VOICE_S + 1) * SAMPLES_A_SECOND * _BYTES_A_SAMPLE:
        raise InputError("voice_too_long", seconds=int(MAX_VOICE_S))
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_BYTES_A_SAMPLE)
        file.setframerate(SAMPLES_A_SECOND)
        file.writeframes(samples)
    return whole.getvalue()


def _decoded(path: Path, format_: str) -> bytes:
    import av

    samples = bytearray()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLES_A_SECOND)
    with av.open(str(path), format=format_, options={"protocol_whitelist": "file"}) as container:
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                samples += piece.to_ndarray().tobytes()
            if len(samples) > (MAX_VOICE_S + 1) * SAMPLES_A_SECOND * _BYTES_A_SAMPLE:
                break
    for piece in resampler.resample(None):
        samples += piece.to_ndarray().tobytes()
    return bytes(samples)


def _silk(path: Path) -> bytes:
    import pysilk

    whole = io.BytesIO()
    with path.open("rb") as file:
        pysilk.decode(file, whole, SAMPLES_A_SECOND)
    return whole.getvalue()
