"""Encrypted callbacks of the demo bot's app, as WeCom sends them."""

import secrets
import time
from pathlib import Path
from urllib.parse import urlencode

import yaml

from simulator import crypto, envelope

DEMO_BOTS = Path(__file__).parent.parent / "deploy/demo/bots.yaml"


class Callbacks:
    """Text messages to the app of the bot ``imaging`` in ``bots_file``, each with a message id of its own."""

    def __init__(self, bots_file: Path = DEMO_BOTS) -> None:
        app = yaml.safe_load(bots_file.read_text(encoding="utf-8"))["bots"]["imaging"]["channels"]["app"]
        self._corp_id: str = app["corp_id"]
        self._agent_id: int = app["agent_id"]
        self._token: str = app["token"]
        self._key = crypto.aes_key(app["encoding_aes_key"])

    def text(self, person: str, content: str) -> tuple[str, bytes]:
        """Path and body of the callback for one message of ``person``, stamped now."""
        now = int(time.time())
        plain = envelope.write_plain(
            {
                "ToUserName": self._corp_id,
                "FromUserName": person,
                "CreateTime": now,
                "MsgType": "text",
                "Content": content,
                "MsgId": str(secrets.randbits(62)),
                "AgentID": self._agent_id,
            },
            "cdata",
        )
        encrypted = crypto.encrypt(self._key, plain, self._corp_id)
        nonce = secrets.token_hex(8)
        signature = crypto.signature(self._token, str(now), nonce, encrypted)
        query = urlencode({"msg_signature": signature, "timestamp": now, "nonce": nonce})
        return f"/callback/imaging/app?{query}", envelope.write_envelope(self._corp_id, self._agent_id, encrypted)
