"""Vectors from a server: any OpenAI-compatible ``/embeddings`` URL (``EMBEDDING_BASE_URL``, ``EMBEDDING_MODEL``)."""

import json
import random
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import requests
import structlog
import urllib3

from bot.errors import ConfigError, Unavailable
from bot.knowledge.embedder import MAX_CHARACTERS, Progress
from bot.knowledge.token_states import TokenStates

log = structlog.get_logger()

Floats = npt.NDArray[np.float32]

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 20.0
BATCH = 32
"""Texts a request."""
ATTEMPTS = 3
"""Tries of one request; between them 0.2 s and 0.4 s, each half to whole."""
_MAX_RESPONSE_BYTES = 32 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


class EmbeddingServer:
    """An :class:`~bot.knowledge.embedder.Embedder` behind ``base_url`` (which ends before ``/embeddings``).

    ``timeout_s`` bounds each wait for the server, and the whole body of an answer.
    The server's dimension is asked for once, at the start, and every answer is checked against it. Raises
    :class:`~bot.errors.Unavailable` when the server does not answer in time or answers nonsense, and
    :class:`~bot.errors.ConfigError` when it refuses the request for good (a wrong model or key).
    """

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._url = base_url.rstrip("/") + "/embeddings"
        self._place = _place(self._url)
        self._model = model
        self._timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # e5 models want their prefixes from every server, other models were not trained with any
        self._prefixes = {"query": "query: ", "passage": "passage: "} if "e5" in model.lower() else {}
        self.name = f"{self._place} {model}"
        self.dimension = self._request(["dimension"], dimension=None).shape[1]
        self.tokens: TokenStates | None = None  # no server's API has them

    def queries(self, texts: Sequence[str]) -> Floats:
        """See :class:`~bot.knowledge.embedder.Embedder`."""
        return self._embed(texts, "query", None)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """See :class:`~bot.knowledge.embedder.Embedder`."""
        return self._embed(texts, "passage", progress)

    def health(self) -> dict[str, str]:
        """See :class:`~bot.knowledge.embedder.Embedder`; the server itself is not asked."""
        return {"state": "ok", "engine": "server"}

    def _embed(self, texts: Sequence[str], kind: str, progress: Progress | None) -> Floats:
        prefix = self._prefixes.get(kind, "")
        parts = [np.zeros((0, self.dimension), dtype=np.float32)]
        for start in range(0, len(texts), BATCH):
            chunk = [prefix + text[:MAX_CHARACTERS] for text in texts[start : start + BATCH]]
            parts.append(self._request(chunk, self.dimension))
            if progress:
                progress(start + len(chunk), len(texts))
        return np.concatenate(parts)

    def _request(self, texts: list[str], dimension: int | None) -> Floats:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(texts, dimension)
            except Unavailable as error:
                if attempt == ATTEMPTS:
                    raise
                log.warning("embedding_retry", attempt=attempt, error=str(error))
                time.sleep(0.2 * attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")

    def _once(self, texts: list[str], dimension: int | None) -> Floats:
        give_up_at = time.monotonic() + self._timeout_s
        try:
            with self._session.post(
                self._url,
                json={"model": self._model, "input": texts, "encoding_format": "float"},
                headers=self._headers,
                timeout=(CONNECT_TIMEOUT_S, self._timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._check_status(response.status_code)
                body = self._read(response, give_up_at)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"the embedding server {self._place} does not answer: {type(error).__name__}") from error
        return self._parse(body, len(texts), dimension)

    def _check_status(self, status: int) -> None:
        if status in (408, 425, 429) or status >= 500:
            raise Unavailable(f"the embedding server {self._place} answered {status}")
        if status != 200:
            raise ConfigError([f"EMBEDDING_BASE_URL: {self._place} answered {status}; check it and EMBEDDING_MODEL"])

    def _read(self, response: requests.Response, give_up_at: float) -> bytes:
        """The body, as long as it is neither endless nor drips: a time-out of the socket is one for each read."""
        body = bytearray()
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):  # what there is, without waiting for more
            body += piece
            if len(body) > _MAX_RESPONSE_BYTES:
                raise Unavailable(f"the embedding server {self._place} answered more than {_MAX_RESPONSE_BYTES} bytes")
            if time.monotonic() > give_up_at:
                raise Unavailable(f"the embedding server {self._place} did not end its answer in {self._timeout_s:g} s")
        return bytes(body)

    def _parse(self, body: bytes, expected: int, dimension: int | None) -> Floats:
        """The vectors of a response, in the order of the request, made unit length."""
        try:
            rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
            vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unavailable(f"the embedding server {self._place} answered no embeddings") from error
        wrong_shape = vectors.ndim != 2 or len(vectors) != expected or vectors.shape[1] == 0
        if wrong_shape or (dimension is not None and vectors.shape[1] != dimension):
            raise Unavailable(
                f"the embedding server {self._place} answered vectors of shape {vectors.shape}, "
                f"({expected}, {dimension or 'd'}) expected; after a change of model run reindex"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or not lengths.all():
            raise Unavailable(f"the embedding server {self._place} answered vectors that are not finite or zero")
        unit: Floats = vectors / lengths
        return unit


def _place(url: str) -> str:
    """``url`` as errors, logs and records name it: without what logs in there."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
