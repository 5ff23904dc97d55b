"""A channel whose media lie on a server of the test: it fetches over HTTP what an attachment's URL names.

Where the server says 404 the medium has expired; 413 is too large; 5xx, a cut or silence may be tried again.
"""

import time
from dataclasses import dataclass
from typing import IO

import requests

from bot.channel import Fetched, Refused, Retry
from bot.messages import Attachment
from tests.delivery.conftest import RecordingChannel


@dataclass
class FetchingChannel(RecordingChannel):
    """A :class:`RecordingChannel` that can fetch."""

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        """See :class:`bot.channel.Channel`."""
        try:
            answer = requests.get(attachment.url, timeout=max(0.01, deadline - time.time()))
        except requests.RequestException as error:
            raise Retry(0.01, "connection_lost") from error
        if answer.status_code == 404:
            raise Refused("expired")
        if answer.status_code == 413 or len(answer.content) > limit:
            raise Refused("too_large")
        if answer.status_code != 200:
            raise Retry(0.01, f"http_{answer.status_code}")
        into.write(answer.content)
        return Fetched(name=answer.headers.get("X-Name", "").encode("latin-1").decode())
