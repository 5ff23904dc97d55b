"""What one run consists of, decided before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.supervision.supervisord import Program


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """An address a program will listen on, and the setting that changes its port.

    ``dispensable`` names the program when the run can do without it: where the port is taken, it is left out.
    """

    host: str
    port: int
    variable: str
    dispensable: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The programs of a run, and how their readiness is seen.

    ``data_dir`` holds everything that is kept, ``run_dir`` sockets and supervisord's configuration (a short path),
    ``work_dir`` is where the programs run, with ``environment``, which may hold secrets. ``programs`` are started in
    their order; when the first is named ``redis``, the others wait until it answers on ``redis_socket``. ``web_url``
    offers ``/readyz``; ``simulator_url`` is a page, ``None`` without a simulator. ``first_run`` is a command that runs
    once in the life of ``data_dir``, when everything is ready, and ``first_run_says`` the line that announces it.
    ``notices`` are said at the start, ``urls`` shown at the end and written to ``run.json``; ``logins`` say by name of
    the URL who may come in with which password, and are shown on the terminal alone.
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
    logins: Mapping[str, str] = field(default_factory=dict, repr=False)
    notices: Sequence[str] = ()
    first_run: Sequence[str] = ()
    first_run_says: str = ""

    def without(self, program: str) -> "Plan":
        """This plan, but for ``program``, where it listens and its URL."""
        return replace(
            self,
            programs=[one for one in self.programs if one.name != program],
            listeners=[one for one in self.listeners if one.dispensable != program],
            urls={name: url for name, url in self.urls.items() if name != program},
        )

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
