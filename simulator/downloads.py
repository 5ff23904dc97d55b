"""Files that travel badly: answers that drip, break off or lie about their length, and requests read that way."""

import threading
from collections.abc import Iterator

from flask import Response, request

from simulator.faults import Fault

DOWNLOAD_FAULTS = ("drip", "cut", "wrong_length")

_PIECES = 20
"""A file that drips comes in so many pieces."""


def spoiled(response: Response, fault: Fault, closing: threading.Event) -> Response:
    """``response`` with ``fault`` of :data:`DOWNLOAD_FAULTS`; ``closing`` ends what drips."""
    response.direct_passthrough = False
    body = response.get_data()
    if fault.kind == "wrong_length":
        response.headers["Content-Length"] = str(len(body) // 2)
        return response
    # A body that ends before its length makes the server close the connection.
    response.response = [body[: len(body) // 2]] if fault.kind == "cut" else _dripping(body, fault.seconds, closing)
    response.headers["Content-Length"] = str(len(body))
    return response


def read_form(fault: Fault | None, closing: threading.Event) -> bool:
    """Read the form in the request: half of it and no more (``cut``), or after a while in which it lies unread
    (``drip``). Whether the call goes on."""
    if fault and fault.kind == "cut":
        request.stream.read((request.content_length or 0) // 2)
        return False
    if fault and fault.kind == "drip":
        closing.wait(fault.seconds)
    request.files.keys()  # reads them all
    return True


def _dripping(body: bytes, seconds: float, closing: threading.Event) -> Iterator[bytes]:
    size = max(1, -(-len(body) // _PIECES))
    begins = range(0, len(body), size)
    for begin in begins:
        closing.wait(seconds / len(begins))
        yield body[begin : begin + size]
