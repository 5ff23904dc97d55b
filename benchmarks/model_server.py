"""A language model that takes its time: any number of answers at once, each after the same delay.

It quotes the first sentence of the first source it is given, in pieces of four characters, as ``tests.fakes`` has it;
that server spends a thread on each answer, which 300 at once do not allow.
"""

import asyncio
import json
import re

from benchmarks import http1

PIECE = 4
_FIRST_SENTENCE = re.compile(r'<source n="1"[^>]*>\s*([^。\n]+)')
_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"0\r\n\r\n",
)


class ModelServer:
    """Serves on a free port of 127.0.0.1. ``asked`` counts the questions, ``most`` is how many waited at once."""

    def __init__(self, delay_s: float) -> None:
        self.asked = 0
        self.most = 0
        self._now = 0
        self._delay_s = delay_s

    async def start(self) -> str:
        """Listen from now on; gives the URL for ``OPENAI_BASE_URL``."""
        server = await asyncio.get_running_loop().create_server(
            lambda: http1.Served(self._ask), "127.0.0.1", 0, backlog=1024
        )
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    def forget(self) -> None:
        """Count anew."""
        self.asked, self.most = 0, self._now

    def _ask(self, _head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        """Answer when it is time."""
        self.asked += 1
        self._now += 1
        self.most = max(self.most, self._now)
        asyncio.get_running_loop().call_later(self._delay_s, self._answer, body, transport)

    def _answer(self, body: bytes, transport: asyncio.Transport) -> None:
        self._now -= 1
        request = json.loads(body)
        said = "\n".join(message["content"] for message in request["messages"])
        source = _FIRST_SENTENCE.search(said)
        text = f"{source[1]}[1]。" if source else "NO_ANSWER"
        events = [_event({"content": text[at : at + PIECE]}, None) for at in range(0, len(text), PIECE)]
        events += [_event({}, "stop"), "data: [DONE]\n\n"]
        transport.write(b"".join((_STREAM[0], *map(_chunk, events), _STREAM[1])))


def _event(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    content = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "slow", "choices": [choice]}
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _chunk(event: str) -> bytes:
    data = event.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)
