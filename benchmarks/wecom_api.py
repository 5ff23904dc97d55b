"""The platform's API as far as an answer needs it: it issues tokens and notes who was written to when."""

import asyncio
import itertools
import json
from collections.abc import Callable

from benchmarks import http1

_TOKEN = http1.answer(b'{"errcode":0,"errmsg":"ok","access_token":"t","expires_in":7200}')


class WeComApi:
    """Serves on a free port of 127.0.0.1; ``arrived(member)`` is called for every message, in the event loop."""

    def __init__(self, arrived: Callable[[str], None]) -> None:
        self._arrived = arrived
        self._numbers = itertools.count(1)

    async def start(self) -> str:
        """Listen from now on; gives the URL for ``WECOM_API_BASE``."""
        server = await asyncio.get_running_loop().create_server(
            lambda: http1.Served(self._respond), "127.0.0.1", 0, backlog=1024
        )
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _respond(self, head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        transport.write(self.answer(head, body))

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The whole answer to one request."""
        if not head.startswith(b"POST /cgi-bin/message/send"):
            return _TOKEN
        self._arrived(json.loads(body)["touser"])
        return http1.answer(b'{"errcode":0,"errmsg":"ok","msgid":"m%d"}' % next(self._numbers))
