"""``python -m bot``: exit codes, and one line that says what is wrong and what to do."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest


def bot(folder: Path, repository: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin", "TMPDIR": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {}, "Missing command"),
        (("nonsense",), {}, "No such command 'nonsense'"),
        (("up", "--nonsense"), {}, "No such option"),
        (("up",), {"PORT": "a lot"}, "PORT"),
        (("up",), {"SIMULATOR": "0"}, "bots.yaml does not exist"),
    ],
)
def test_what_an_operator_can_mend_is_one_line_and_exit_2(
    tmp_path: Path, repository: Path, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    result = bot(tmp_path, repository, *arguments, **variables)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path, repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = bot(tmp_path, repository, "up", PORT=port)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"port {port} (PORT) is in use" in result.stderr
    assert not (tmp_path / "var" / "log" / "supervisord.log").exists()


def test_help_is_no_error(tmp_path: Path, repository: Path) -> None:
    result = bot(tmp_path, repository, "up", "--help")
    assert result.returncode == 0
    assert "until Ctrl-C" in result.stdout


def test_a_fault_of_ours_is_exit_1_with_the_place_of_its_traceback(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import bot.settings\nbot.settings.load_settings = lambda: 1 / 0\n")
    result = bot(tmp_path, repository, "up", PYTHONPATH=f"{tmp_path}:{repository}")
    assert result.returncode == 1
    assert result.stderr.startswith("error: this is a fault of the program (ZeroDivisionError); please report ")
    log = Path(result.stderr.split()[-1])
    assert "division by zero" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
