"""The simulator as a server: routes put together, a light threaded HTTP server, start and stop."""

import socket
import threading
from typing import Any, Self

from flask import Flask, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from simulator.api import create_api
from simulator.control import create_control
from simulator.page import create_page
from simulator.platform import Platform

_MAX_REQUEST_BYTES = 1_048_576
_POLL_IN_THREAD_S = 0.01


def create_app(platform: Platform) -> Flask:
    """All routes of the simulator: ``/cgi-bin/…``, ``/media/…``, ``/_sim/…`` and the page."""
    app = Flask("simulator", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask types the provider by its base class
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(create_api(platform))
    app.register_blueprint(create_control(platform))
    app.register_blueprint(create_page(platform.settings))
    app.after_request(_never_stored)
    return app


class SimulatorServer:
    """A platform served over HTTP; ``url`` is known once it is made. A context manager runs it in a thread."""

    def __init__(self, platform: Platform, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind ``host:port`` (0: any free port). Raises ``OSError`` when it is taken."""
        self.platform = platform
        ipv6 = ":" in host
        # Bound here, because werkzeug would end the process when the port is taken.
        with socket.create_server((host, port), family=socket.AF_INET6 if ipv6 else socket.AF_INET) as bound:
            self._server = make_server(
                host, port, create_app(platform), threaded=True, request_handler=_Handler, fd=bound.fileno()
            )
        self.url = f"http://{f'[{host}]' if ipv6 else host}:{self._server.port}"
        platform.media.base_url = platform.settings.public_url.rstrip("/") or self.url

    def serve(self, poll_interval_s: float = 0.5) -> None:
        """Serve until ``KeyboardInterrupt``, or :meth:`close` in another thread, seen after ``poll_interval_s``."""
        self.platform.start()
        try:
            self._server.serve_forever(poll_interval_s)
        finally:
            self.platform.close()

    def close(self) -> None:
        """End :meth:`serve`; tries and calls under way end by themselves."""
        self._server.shutdown()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, args=(_POLL_IN_THREAD_S,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._thread.join()


class _Handler(WSGIRequestHandler):
    """No access log: it would hold access tokens and secrets, which travel in query strings."""

    server_version = "simulator"
    sys_version = ""

    def log_request(self, *_: Any) -> None:
        pass


def _never_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
