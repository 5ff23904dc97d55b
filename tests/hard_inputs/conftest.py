"""A web process as ``up`` starts it, with an app and a robot, and a socket to say anything to it."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import redis

from bot.lease import Leases
from channels.wecom.crypto import CallbackCrypto

TOKEN = "QDG6eK"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CORP = "wx5823bf96d3bd56c7"
PATHS = {"app": "/callback/imaging/app", "robot": "/callback/imaging/robot"}
CRYPTO = {"app": CallbackCrypto(TOKEN, AES_KEY, CORP), "robot": CallbackCrypto(TOKEN, AES_KEY, "")}
ANSWERS_WITHIN_S = 15
_BOTS = f"""
bots:
  imaging:
    name: 小影
    channels:
      app: {{type: wecom-app, corp_id: {CORP}, agent_id: 1, secret: s, token: {TOKEN}, encoding_aes_key: {AES_KEY}}}
      robot: {{type: wecom-aibot, token: {TOKEN}, encoding_aes_key: {AES_KEY}}}
"""


@dataclass(frozen=True)
class Webhook:
    """A listening web process and its log."""

    port: int
    log: Path

    def post(self, target: str, body: bytes | Iterable[bytes], **headers: str) -> int:
        """The status of a well-formed POST; an iterable goes out in chunks, without a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWERS_WITHIN_S)
        try:
            connection.request("POST", target, body, headers, encode_chunked=not isinstance(body, bytes))
            return connection.getresponse().status
        finally:
            connection.close()

    def callback(self, channel: str, plain: bytes) -> int:
        """The status of a genuine callback that carries ``plain``."""
        return self.post(*genuine(channel, plain))

    def says(self, raw: bytes) -> bytes:
        """What comes back for ``raw`` until the other side hangs up or falls silent after an answer; we hang up first
        for writing, so that nobody waits for more of us."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERS_WITHIN_S) as connection:
            answer = b""
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    answer += piece
            except TimeoutError:
                raise
            except OSError:  # hanging up on nonsense in the middle is an answer too
                pass
            return answer


def genuine(channel: str, plain: bytes) -> tuple[str, bytes]:
    """Target and body of a callback as the platform would make it now."""
    crypto, stamp = CRYPTO[channel], str(int(time.time()))
    encrypted = crypto.encrypt(plain)
    query = {"msg_signature": crypto.signature(stamp, "nonce", encrypted), "timestamp": stamp, "nonce": "nonce"}
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>" if channel == "app" else f'{{"encrypt":"{encrypted}"}}'
    return f"{PATHS[channel]}?{urlencode(query)}", body.encode()


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory, repository: Path, redis_url: str) -> Iterator[Webhook]:
    """One for a whole module; whatever was said to it, it must be well and its log without a traceback in the end."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "bots.yaml").write_text(_BOTS, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--worker-class=gthread", "--workers=1", "--threads=4", "--no-control-socket")
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(repository),
        "DATA_DIR": str(folder / "data"),
        "BOTS_FILE": str(folder / "bots.yaml"),
        "REDIS_URL": redis_url,
        "LIMIT_PERSON_PER_MINUTE": "100000",
        "LIMIT_BOT_WAITING": "100000",
        "LIMIT_CONVERSATION_WAITING": "100000",
    }
    log = folder / "log"
    with log.open("wb") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, f"--bind=127.0.0.1:{port}", "bot.web.wsgi:app"],
            cwd=folder,
            env=environment,
            stdout=stderr,
            stderr=stderr,
        )
    hook = Webhook(port, log)
    try:
        _wait_until_ready(hook, server)
        yield hook
        well = hook.says(b"GET /healthz HTTP/1.0\r\n\r\n")
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert well.startswith(b"HTTP/1.0 200"), "whatever was said, it still answers"
    lines = log.read_text(encoding="utf-8")
    assert "Traceback" not in lines
    assert "WORKER TIMEOUT" not in lines


def _wait_until_ready(hook: Webhook, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        try:
            if hook.says(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200"):
                return
        except OSError:
            time.sleep(0.05)
        if server.poll() is not None:
            break
    pytest.fail(f"the web process did not come up: {hook.log.read_text(encoding='utf-8')}")


@pytest.fixture
def leases(redis_client: "redis.Redis") -> Iterator[Leases]:
    """Leases of one process, whose renewing thread ends with the test."""
    leases = Leases(redis_client)
    yield leases
    leases.close()
