"""A headless Chromium driven over the DevTools pipe: enough to open a page, type, and look at what is there."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_WAIT_S = 20.0
_KEY_CODES = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}


def find_chromium() -> str | None:
    """The path of a Chromium, ``None`` when there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One tab. A context manager; every wait ends after 20 s with ``AssertionError``.

    ``problems`` are the exceptions that scripts did not catch and the violations of the page's policy.
    """

    def __init__(self, executable: str, profile: Path) -> None:
        self._executable = executable
        self._profile = profile
        self._last_id = 0
        self._buffer = b""
        self._session = ""
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        to_browser, self._write_fd = os.pipe()
        self._read_fd, from_browser = os.pipe()

        high_to, high_from = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (to_browser, from_browser))

        def place_pipes() -> None:
            """Chromium reads commands from descriptor 3 and writes answers to 4."""
            os.dup2(high_to, 3)
            os.dup2(high_from, 4)

        self._process = subprocess.Popen(
            [
                self._executable,
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
                *("--disable-dev-shm-usage", "--hide-scrollbars", "--lang=zh-CN", "--disable-background-networking"),
                *("--disable-quic", "--disable-component-update", "--disable-sync"),
                f"--user-data-dir={self._profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place_pipes,  # noqa: PLW1509 -- descriptors 3 and 4 cannot be given in another way
        )
        for fd in (to_browser, from_browser, high_to, high_from):
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.close(self._write_fd)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read_fd)

    def open(self, url: str) -> None:
        """Go to ``url``."""
        self.call("Page.navigate", url=url)

    def look(self, expression: str) -> Any:
        """The value of a JavaScript ``expression`` in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The value of ``expression`` once it is true."""
        ends = time.monotonic() + _WAIT_S
        while not (value := self.look(expression)):
            assert time.monotonic() < ends, f"never true: {expression}; page: {self.look('document.body.innerText')}"
            time.sleep(0.02)
        return value

    def type(self, text: str) -> None:
        """Type ``text`` where the focus is."""
        self.call("Input.insertText", text=text)

    def press(self, name: str) -> None:
        """Press and release a key: Enter, Escape, ArrowDown, ArrowUp."""
        text = {"text": "\r"} if name == "Enter" else {}
        key = {"key": name, "code": name, "windowsVirtualKeyCode": _KEY_CODES[name]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **text, **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one DevTools command."""
        self._last_id += 1
        command: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next_message()
            self._note(message)
            if message.get("id") == self._last_id:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.problems.append(params["entry"]["text"])

    def _next_message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read_fd, 65536)
            assert data, "Chromium ended"
            self._buffer += data
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        return message
