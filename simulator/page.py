"""The chat page: static files behind a strict Content-Security-Policy.

Plain modules and stylesheets, written to be read, without a build step; they travel compressed.
"""

import gzip
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from simulator.guard import refusal
from simulator.settings import Settings

_FILES = Path(__file__).parent / "static"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


def create_page(settings: Settings) -> Blueprint:
    """``/``, the same as ``/kf`` where links of customer service lead, and the files below ``/static``."""
    blueprint = Blueprint("page", __name__)

    @blueprint.before_request
    def guard() -> tuple[str, int] | None:
        return refusal(request, settings.allowed_hosts)

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        if response.status_code == HTTPStatus.OK and request.accept_encodings.quality("gzip") > 0:
            _compress(response)
        return response

    @blueprint.get("/")
    @blueprint.get("/kf")
    def index() -> Response:
        return send_from_directory(_FILES, "index.html")

    @blueprint.get("/static/<name>")
    def file(name: str) -> Response:
        return send_from_directory(_FILES, name)

    return blueprint


def _compress(response: Response) -> None:
    response.direct_passthrough = False
    plain = response.get_data()
    response.close()  # the file; a client that goes away early would leave it open
    response.set_data(gzip.compress(plain, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
