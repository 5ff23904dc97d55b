"""Threads of the product that stop before each command to Redis, and go on when they are told to."""

import threading
from collections.abc import Callable
from typing import Any

import redis

from bot import inbox, lease_scripts, outbox_scripts
from bot.errors import BotError
from bot.lease import Lease

_SCRIPTS = {
    lease_scripts.ACQUIRE: "acquire",
    lease_scripts.BEGIN: "begin",
    lease_scripts.COMMIT: "commit",
    lease_scripts.RELEASE: "release",
    lease_scripts.RENEW: "renew",
    outbox_scripts.HEAD: "head",
    outbox_scripts.MARK: "mark",
    outbox_scripts.SENT: "sent",
    outbox_scripts.LATER: "later",
    outbox_scripts.FINISH: "finish",
    inbox._REVOKE: "revoke",
}
_PATIENCE_S = 30.0


class Killed(BaseException):
    """The process ends here: no line of it runs any more."""


class Actor(threading.Thread):
    """A thread of the product that goes on only when it is told to."""

    def __init__(self, work: "Callable[[Actor], None]") -> None:
        super().__init__(daemon=True)
        self.step = ""
        self.lease: Lease | None = None
        self.error: BaseException | None = None
        self._work, self._how = work, ""
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        try:
            self._work(self)
        except (Killed, BotError):
            pass
        except BaseException as error:  # noqa: BLE001 - the test that drives this thread raises it
            self.error = error
        self.step = "idle"
        self._stopped.release()

    def stop_before(self, step: str) -> str:
        """Wait until ``step`` may be done; returns how. Raises :class:`Killed`."""
        self.step = step
        self._stopped.release()
        self._go.acquire()
        if self._how == "crash":
            raise Killed
        return self._how

    def begin(self) -> None:
        self.start()
        self._wait()

    def go_on(self, how: str = "") -> None:
        self._how = how
        self._go.release()
        self._wait()

    def _wait(self) -> None:
        assert self._stopped.acquire(timeout=_PATIENCE_S), f"stuck after {self.step}"
        if self.error is not None:
            raise self.error


class SteppedRedis(redis.Redis):
    """A client whose commands wait for their turn; those that the model does not know go through."""

    actor: Actor

    def pipeline(self, *_: Any, **__: Any) -> Any:
        return SteppedPipeline(self)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        step = _SCRIPTS.get(args[1]) if args[0] == "EVAL" else None
        if step is None or threading.current_thread() is not self.actor:
            return super().execute_command(*args, **options)
        how = self.actor.stop_before(step)
        if how == "away":
            raise redis.ConnectionError("no answer")
        for _ in range(2 if how == "twice" else 1):
            result = super().execute_command(*args, **options)
        if (step == "mark" and result == 1) or (step == "commit" and result != -1 and result[1]):
            self.actor.stop_before("send")
        return result


class SteppedPipeline:
    """Commands that the product sends together, one after the other: anything may happen in between."""

    def __init__(self, client: SteppedRedis) -> None:
        self._client = client
        self._commands: list[Callable[[], Any]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self._commands.append(lambda: getattr(self._client, name)(*args))

    def execute(self) -> list[Any]:
        commands, self._commands = self._commands, []
        return [command() for command in commands]
