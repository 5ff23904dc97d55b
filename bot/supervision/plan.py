"""What one run consists of, decided before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.supervision.supervisord import Program


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """An address a program will listen on, and the setting that changes its port."""

    host: str
    port: int
    variable: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The programs of a run, and how their readiness is seen.

    ``data_dir`` holds everything that is kept, ``run_dir`` sockets and supervisord's configuration (a short path),
    ``work_dir`` is where the programs run, with ``environment``, which may hold secrets. ``programs`` are started in
    their order; when the first is named ``redis``, the others wait until it answers on ``redis_socket``. ``web_url``
    offers ``/readyz``; ``simulator_url`` is a page, ``None`` without a simulator. ``first_run`` is a command that runs
    once in the life of ``data_dir``, when everything is ready, and ``first_run_says`` the line that announces it.
    ``notices`` are said at the start, ``urls`` shown at the end and written to ``run.json``.
    """

    data_dir: Path
    run_dir: Path
    work_dir: Path
    programs: Sequence[Program]
    environment: Mapping[str, str] = field(repr=False)
    listeners: Sequence[Listener]
    redis_socket: Path | None
    web_url: str
    simulator_url: str | None
    urls: Mapping[str, str]
    notices: Sequence[str] = ()
    first_run: Sequence[str] = ()
    first_run_says: str = ""

    @property
    def log_dir(self) -> Path:
        """Where every program's log lies."""
        return self.data_dir / "log"

    @property
    def metrics_dir(self) -> Path:
        """The files prometheus-client shares between processes; emptied at every start."""
        return self.data_dir / "metrics"

    @property
    def first_run_stamp(self) -> Path:
        """Exists once ``first_run`` has succeeded."""
        return self.data_dir / "first_run_done"
