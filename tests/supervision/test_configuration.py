"""What supervisord is told, read back by supervisord's own parser, and what it reports."""

from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from bot.errors import UsageError
from bot.supervision.supervisord import (
    LONGEST_WAIT_S,
    Ended,
    Event,
    GivenUp,
    Killed,
    Program,
    Started,
    Steady,
    Stopped,
    configuration,
    read_report,
)

PROGRAMS = [
    Program(name="redis", command=["redis-server", "--save", ""], stop_order=3, stop_wait_s=5),
    Program(name="worker", command=["celery"], stop_order=2, stop_wait_s=10, environment={"A": "x y", "B": "1,2"}),
    Program(name="beat", command=["celery"], stop_order=1, stop_wait_s=3),
    Program(name="web", command=["gunicorn", "a b"], stop_order=1, stop_wait_s=3),
]


def parsed(folder: Path) -> ServerOptions:
    folder.mkdir(exist_ok=True)
    config = folder / "supervisord.conf"
    config.write_text(configuration(PROGRAMS, run_dir=folder, log_dir=folder, work_dir=folder))
    options = ServerOptions()
    options.realize(["-c", str(config)], doc="")
    return options


def test_programs_that_depend_on_others_stop_first(tmp_path: Path) -> None:
    groups = sorted(parsed(tmp_path).process_group_configs, key=lambda group: -group.priority)
    assert [{process.name for process in group.process_configs} for group in groups] == [
        {"beat", "web"},
        {"worker"},
        {"redis"},
    ]


def test_every_program_is_restarted_for_ever_and_its_log_rotated(tmp_path: Path) -> None:
    for group in parsed(tmp_path).process_group_configs:
        for process in group.process_configs:
            assert process.autorestart
            assert not process.autostart, "each is started when what it needs is there"
            assert process.startretries == LONGEST_WAIT_S
            assert process.redirect_stderr
            assert process.stdout_logfile == str(tmp_path / f"{process.name}.log")
            assert process.stdout_logfile_maxbytes > 0
            assert process.stdout_logfile_backups > 0


def test_commands_environments_and_folders_survive_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "数据 folder"
    processes = {p.name: p for group in parsed(folder).process_group_configs for p in group.process_configs}
    assert processes["web"].command.endswith("gunicorn 'a b'")
    assert processes["redis"].command.endswith("redis-server --save ''")
    assert processes["worker"].environment == {"A": "x y", "B": "1,2"}
    assert processes["worker"].directory == str(folder)


def test_only_its_owner_may_give_orders(tmp_path: Path) -> None:
    options = parsed(tmp_path)
    assert [(server["file"], server["chmod"]) for server in options.server_configs] == [
        (str(tmp_path / "supervisord.sock"), 0o600)
    ]


@pytest.mark.parametrize("name", ["a %(b)s", "a ;b", "a #b", "a\nb"])
def test_a_folder_the_file_cannot_express_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="rename it"):
        configuration(PROGRAMS, run_dir=Path("/x"), log_dir=Path("/x"), work_dir=Path(name))


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("INFO spawned: 'web' with pid 12", Started("web", 12)),
        ("INFO success: web entered RUNNING state, process has stayed up for > than 10 seconds", Steady("web")),
        ("WARN exited: web (exit status 3; not expected)", Ended("web", "exit status 3")),
        ("INFO exited: web (exit status 0; expected)", Ended("web", "exit status 0")),
        (
            "WARN exited: web (terminated by SIGSEGV (core dumped); not expected)",
            Ended("web", "terminated by SIGSEGV (core dumped)"),
        ),
        ("INFO gave up: web entered FATAL state, too many start retries too quickly", GivenUp("web")),
        ("WARN killing 'web' (12) with SIGKILL", Killed("web")),
        ("WARN stopped: web (terminated by SIGTERM)", Stopped("web")),
        ("INFO supervisord started with pid 1", None),
    ],
)
def test_reports(line: str, event: Event | None) -> None:
    assert read_report(f"2026-01-02 03:04:05,678 {line}") == event
