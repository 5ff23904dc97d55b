"""The app's receiving side as the platform sees it: token, key, receive id, and what is signed with them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from simulator.crypto import aes_key, encrypt, signature
from simulator.envelope import write_envelope
from simulator.settings import Settings


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed and encrypted callback: query and body of its POST."""

    query: dict[str, str]
    body: bytes


class Sealer:
    """Signs and encrypts for one callback URL; the receive id of an app is its corpid (rule 4)."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.token = settings.token
        self.key = aes_key(settings.encoding_aes_key)
        self.receive_id = settings.corp_id
        self._agent_id = settings.agent_id
        self._clock = clock

    def seal(self, plain: bytes) -> Sealed:
        """A callback POST for ``plain`` with a fresh random part, timestamp and nonce (rule 2)."""
        encrypted = encrypt(self.key, plain, self.receive_id)
        return Sealed(self._signed(encrypted), write_envelope(self.receive_id, self._agent_id, encrypted))

    def echo(self, plain: bytes) -> dict[str, str]:
        """The query of a URL verification that wants ``plain`` back (§1.3)."""
        encrypted = encrypt(self.key, plain, self.receive_id)
        return {**self._signed(encrypted), "echostr": encrypted}

    def _signed(self, encrypted: str) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        nonce = str(secrets.randbelow(9 * 10**9) + 10**9)
        return {
            "msg_signature": signature(self.token, timestamp, nonce, encrypted),
            "timestamp": timestamp,
            "nonce": nonce,
        }
