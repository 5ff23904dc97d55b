"""What a voice says, written down by a speech service: any OpenAI-compatible ``/audio/transcriptions`` URL.

The service has one deadline for everything it may do. A library's read time-out is per read, so the exchange runs in a
thread of its own that is left behind when the deadline has passed; its errors stay there, for they carry the URL.
"""

import io
import json
import queue
import threading
import time
import wave
from typing import Any

import requests
import structlog

from bot.errors import InputError

log = structlog.get_logger()

CONNECT_S = 5.0
LONGEST_TRANSCRIPT = 2000
"""Characters; nobody says more in a minute."""
_MAX_ANSWER_BYTES = 256 * 1024


class SpeechService:
    """The service behind ``base_url`` (which ends before ``/audio/transcriptions``). Safe for threads."""

    def __init__(self, base_url: str, model: str, api_key: str, timeout_s: float) -> None:
        self._url = base_url.rstrip("/") + "/audio/transcriptions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s

    def transcribe(self, sound: bytes, name: str) -> str:
        """The words; ``name`` tells the service the format by its suffix.

        Raises :class:`~bot.errors.InputError` ``voice_failed`` when no usable answer came in time, and ``voice_empty``
        when nothing was said.
        """
        answer = self._answer(sound, name)
        text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            log.warning("speech_failed", code=answer if isinstance(answer, str) else "nonsense")
            raise InputError("voice_failed")
        if not text.strip():
            raise InputError("voice_empty")
        return text.strip()[:LONGEST_TRANSCRIPT]

    def fault(self) -> str:
        """Why the service does not answer a moment of silence, in a constant word; empty when it does."""
        answer = self._answer(_silence(), "silence.wav")
        if isinstance(answer, str):
            return answer
        return "" if isinstance(answer.get("text"), str) else "nonsense"

    def _answer(self, sound: bytes, name: str) -> dict[str, Any] | str:
        """What :meth:`_exchange` gives, or ``timeout`` when the deadline has passed."""
        answers: queue.SimpleQueue[dict[str, Any] | str] = queue.SimpleQueue()

        def run() -> None:
            answer: dict[str, Any] | str = "client_error"  # stays when a bug ends this thread; threading reports it
            try:
                answer = self._exchange(sound, name)
            finally:
                answers.put(answer)

        threading.Thread(target=run, name="speech-http", daemon=True).start()
        try:
            return answers.get(timeout=self._timeout_s)
        except queue.Empty:
            return "timeout"

    def _exchange(self, sound: bytes, name: str) -> dict[str, Any] | str:
        """The JSON object of the answer, or a constant word for why there is none."""
        give_up_at = time.monotonic() + self._timeout_s
        try:
            with requests.post(
                self._url,
                files={"file": (name, sound)},
                data={"model": self._model, "response_format": "json"},
                headers=self._headers,
                timeout=(min(CONNECT_S, self._timeout_s), self._timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != 200:
                    return f"http_{response.status_code}"
                body = b""
                for piece in response.iter_content(4096):
                    body += piece
                    if len(body) > _MAX_ANSWER_BYTES or time.monotonic() > give_up_at:
                        return "too_long"
        except requests.Timeout:
            return "timeout"
        except (requests.RequestException, OSError):
            return "connection_lost"
        return _object(body)


def _object(body: bytes) -> dict[str, Any] | str:
    try:
        answer = json.loads(body)
    except ValueError:
        return "nonsense"
    return answer if isinstance(answer, dict) else "nonsense"


def _silence() -> bytes:
    """Half a second of it, as WAV."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(16_000))
    return whole.getvalue()
