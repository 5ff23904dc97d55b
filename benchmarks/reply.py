"""How long a person waits: from the callback of a question to the platform call that carries its answer.

    python benchmarks/reply.py [--questions 40]

The whole product runs as an operator starts it (`up`), with the demo's knowledge; the platform is a small server of
this script that issues tokens and notes when a message arrives. One question at a time, each from another person.
``echo`` is the baseline of the same run: the whole way without any retrieval. ``model`` answers come from a scripted
model server on this machine that needs no time of its own, in a second installation; what a real model takes comes on
top. Start-up is the time until `up` says that it is ready: first in an empty folder, which builds the embedder's graph.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.acknowledgement import ROOT, encrypted_callback, post

FAQ = "怎样联系学员服务台？"
PASSAGE = "虚拟皮疹出现的比例是多少"
ANSWER_WITHIN_S = 30
PAUSE_S = 0.1
"""Between an answer and the next question, so that what the product does after an answer is not in the next figure."""


class Platform:
    """The platform's API as far as an answer needs it; ``arrived`` maps a member to the second of the last message."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._arrived: dict[str, float] = {}
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer({"errcode": 0, "access_token": "t", "expires_in": 7200})

            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                platform.note(message["touser"])
                self._answer({"errcode": 0, "msgid": secrets.token_hex(8)})

            def _answer(self, content: Mapping[str, object]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """No access log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def note(self, member: str) -> None:
        """A message for ``member`` is there."""
        with self._news:
            self._arrived[member] = time.perf_counter()
            self._news.notify_all()

    def arrival(self, member: str) -> float:
        """The second at which the answer for ``member`` arrived; waits for it."""
        with self._news:
            if not self._news.wait_for(lambda: member in self._arrived, ANSWER_WITHIN_S):
                sys.exit(f"no answer within {ANSWER_WITHIN_S} s")
            return self._arrived.pop(member)


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=40, help="measured questions a kind")
    questions = parser.parse_args().questions
    platform = Platform()
    rows: list[tuple[str, list[float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_for(Path(folder), platform)
        with running(environment) as (port, first_s):
            ingest(environment)
            rows.append(("echo", measure(platform, port, questions, lambda _: "/echo 好", "zhang.wei")))
            rows.append(("faq", measure(platform, port, questions, lambda _: FAQ)))
            rows.append(("passage", measure(platform, port, questions, lambda _: PASSAGE)))
        with model_server() as url:
            environment |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "OPENAI_MODEL": "scripted"}
            with running(environment) as (port, second_s):
                rows.append(("model", measure(platform, port, questions, lambda _: PASSAGE)))
    print(f"{'':10}{'p50':>8}{'p90':>8}{'max':>8}   ms from callback to answer, {questions} questions each")
    for name, sample in rows:
        cuts = [sample[len(sample) // 2], sample[int(len(sample) * 0.9)], sample[-1]]
        print(f"{name:10}" + "".join(f"{1000 * cut:8.1f}" for cut in cuts))
    print(f"start-up: first {first_s:.1f} s, second {second_s:.1f} s")


def environment_for(folder: Path, platform: Platform) -> dict[str, str]:
    """The settings of an installation of its own in ``folder``."""
    port = 20000 + secrets.randbelow(20000)
    return {
        "PATH": os.defpath,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "SIMULATOR": "0",
        "WECOM_API_BASE": platform.url,
        "BOTS_FILE": str(ROOT / "deploy/demo/bots.yaml"),
        "LOG_LEVEL": "WARNING",
        "LIMIT_PERSON_PER_MINUTE": "1000000",
        "PACE_PER_MINUTE": "1000000",
        "PACE_PER_HOUR": "1000000",
    }


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[tuple[int, float]]:
    """``up`` with these settings; gives the port and the seconds it took to be ready."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "bot", "up"]
    with subprocess.Popen(command, env=dict(environment), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready"):
                break
        else:
            sys.exit("`up` ended before it was ready")
        yield int(environment["PORT"]), time.perf_counter() - started
        process.terminate()
        process.communicate()


def ingest(environment: Mapping[str, str]) -> None:
    """The demo's knowledge."""
    command = [sys.executable, "-m", "bot", "ingest", str(ROOT / "deploy/demo/knowledge"), "--bot", "imaging"]
    subprocess.run(
        [*command, "--collection", "imaging", "--approve"],
        env=dict(environment),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


@contextmanager
def model_server() -> Iterator[str]:
    """A model server that quotes its first source at once; gives its URL."""
    command = [sys.executable, "-m", "tests.fakes.llm_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
        process.communicate()


def measure(
    platform: Platform, port: int, questions: int, text: Callable[[int], str], member: str | None = None
) -> list[float]:
    """Seconds from sending the callback to the arrival of its answer, sorted; the first few are not counted."""
    seconds = []
    for number in range(-3, questions):
        time.sleep(PAUSE_S)
        person = member or f"person{secrets.token_hex(6)}"
        path, body = encrypted_callback(person, text(number))
        sent = time.perf_counter()
        post(port, path, body)
        seconds.append(platform.arrival(person) - sent)
    return sorted(seconds[3:])


if __name__ == "__main__":
    main()
