"""A peer's receiving side as the platform sees it: token, key, receive id, and what is signed with them."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from simulator.crypto import aes_key, encrypt, signature
from simulator.envelope import write_envelope


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed and encrypted callback: query, body and Content-Type of its POST."""

    query: dict[str, str]
    body: bytes
    content_type: str


class Sealer(ABC):
    """Signs and encrypts for one callback URL."""

    content_type: ClassVar[str]

    def __init__(self, token: str, encoding_aes_key: str, receive_id: str, clock: Callable[[], float]) -> None:
        self.token = token
        self.key = aes_key(encoding_aes_key)
        self.receive_id = receive_id
        self._clock = clock

    def seal(self, plain: bytes) -> Sealed:
        """A callback POST for ``plain`` with a fresh random part, timestamp and nonce (rule 2)."""
        encrypted = encrypt(self.key, plain, self.receive_id)
        return Sealed(self._signed(encrypted), self._envelope(encrypted), self.content_type)

    def echo(self, plain: bytes) -> dict[str, str]:
        """The query of a URL verification that wants ``plain`` back (§1.3)."""
        encrypted = encrypt(self.key, plain, self.receive_id)
        return {**self._signed(encrypted), "echostr": encrypted}

    @abstractmethod
    def _envelope(self, encrypted: str) -> bytes:
        """The body that carries ``encrypted``."""

    def _signed(self, encrypted: str) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        nonce = str(secrets.randbelow(9 * 10**9) + 10**9)
        return {
            "msg_signature": signature(self.token, timestamp, nonce, encrypted),
            "timestamp": timestamp,
            "nonce": nonce,
        }


class XmlSealer(Sealer):
    """For a self-built app, and without ``agent_id`` for customer service: XML envelope (§1.5), and the corpid is the
    receive id (rule 4)."""

    content_type = "text/xml"

    def __init__(
        self, *, token: str, encoding_aes_key: str, corp_id: str, agent_id: int | None, clock: Callable[[], float]
    ) -> None:
        super().__init__(token, encoding_aes_key, corp_id, clock)
        self._agent_id = agent_id

    def _envelope(self, encrypted: str) -> bytes:
        return write_envelope(self.receive_id, self._agent_id, encrypted)


class JsonSealer(Sealer):
    """For an AI bot: JSON envelope (§1.6), and the receive id is empty (rule 4)."""

    content_type = "application/json"

    def __init__(self, *, token: str, encoding_aes_key: str, clock: Callable[[], float]) -> None:
        super().__init__(token, encoding_aes_key, "", clock)

    def _envelope(self, encrypted: str) -> bytes:
        return json.dumps({"encrypt": encrypted}).encode()
