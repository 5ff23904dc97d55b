"""What is checked before anything starts, and the line each fault gives."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.errors import ConfigError
from bot.supervision.checks import check_free, port_fault, prepare_folders
from bot.supervision.plan import Listener, Plan


def plan(data_dir: Path, *listeners: Listener, redis_socket: Path | None = None) -> Plan:
    return Plan(
        data_dir=data_dir,
        run_dir=data_dir / "run",
        work_dir=data_dir,
        programs=[],
        environment={},
        listeners=listeners,
        redis_socket=redis_socket,
        web_url="",
        simulator_url=None,
        urls={},
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_every_port_in_use_is_named_with_its_variable(tmp_path: Path, taken_port: int) -> None:
    web = Listener(host="127.0.0.1", port=taken_port, variable="PORT")
    simulator = Listener(host="127.0.0.1", port=taken_port, variable="SIMULATOR_PORT")
    with pytest.raises(ConfigError) as caught:
        check_free(plan(tmp_path, web, simulator))
    assert caught.value.problems == [
        f"port {taken_port} ({name}) is in use; stop what listens there, or set {name} to a free port"
        for name in ("PORT", "SIMULATOR_PORT")
    ]


def test_a_port_whose_last_connection_just_closed_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # our side waits in TIME_WAIT
        client.close()
    assert port_fault(Listener(host="127.0.0.1", port=port, variable="PORT")) is None


@pytest.mark.parametrize(
    ("host", "said"),
    [("203.0.113.7", "check HOST and PORT"), ("no such host", "set HOST to 127.0.0.1 or 0.0.0.0")],
)
def test_a_host_that_is_not_ours_is_named(host: str, said: str) -> None:
    assert said in (port_fault(Listener(host=host, port=0, variable="PORT")) or "")


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot write to .*/file/data .*set DATA_DIR"):
        prepare_folders(plan(tmp_path / "file" / "data"))


def test_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    prepare_folders(plan(tmp_path / "data"))
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"run", "log", "metrics", "redis"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*")} == {0o700}


def test_a_run_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    """Its short form lies in /tmp, where anybody may have put something."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        prepare_folders(plan(tmp_path))


def test_a_live_redis_on_our_socket_is_named_with_its_process(redis_url: str, redis_client: redis.Redis) -> None:
    path = Path(redis_url.removeprefix("unix://"))
    pid = redis_client.info("server")["process_id"]
    with pytest.raises(ConfigError, match=rf"process {pid}\) still answers.*kill {pid}"):
        check_free(plan(path.parent, redis_socket=path))


def test_a_socket_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    assert path.exists()
    check_free(plan(tmp_path, redis_socket=path))
