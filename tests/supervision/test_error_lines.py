"""Errors in logs become one line on the terminal."""

from pathlib import Path

import pytest

from bot.supervision.error_lines import QUIET_S, ErrorWatch, LogTail, error_in, last_lines


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"event": "reply_dead", "level": "error", "error": "Refused: 40058"}', "reply_dead: Refused: 40058"),
        ('{"event": "reply_sent", "level": "info"}', None),
        ('{"event": "cut', None),
        ("[1]", None),
        (
            "[2026-01-02 03:04:05 +0000] [7] [ERROR] Worker (pid:9) was sent SIGKILL!",
            "Worker (pid:9) was sent SIGKILL!",
        ),
        ("[2026-01-02 03:04:05,678: ERROR/MainProcess] consumer: cannot connect", "consumer: cannot connect"),
        ("[2026-01-02 03:04:05,678: INFO/MainProcess] an ERROR/ in the text", None),
        ("7:M 02 Jan 2026 03:04:05.678 # WARNING overcommit_memory is set to 0!", None),
    ],
)
def test_error_in(line: str, said: str | None) -> None:
    assert error_in(line) == said


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_the_first_error_is_told_at_once_and_a_flood_now_and_then(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    error = '{"event": "%s", "level": "error"}\n'
    log.write_text(error % "of an earlier run")
    watch = ErrorWatch("web", log)
    assert watch.look(now=0) is None
    append(log, error % "one")
    assert watch.look(now=2) == f"web reports one ({log})"
    append(log, error % "two")
    assert watch.look(now=4) is None
    append(log, error % "three" + (error % "four")[:10])
    assert watch.look(now=2 + QUIET_S) == f"web reports 2 errors, the last: three ({log})"
    append(log, (error % "four")[10:])
    assert watch.look(now=2 + 2 * QUIET_S) == f"web reports four ({log})"
    assert watch.look(now=2 + 3 * QUIET_S) is None


def test_a_rotated_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("x" * 1000 + "\n")
    tail = LogTail(log)
    log.rename(tmp_path / "web.log.1")
    assert tail.new_lines() == []
    log.write_text("first\n")
    assert tail.new_lines() == ["first"]


def test_the_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    assert last_lines(log, 2) == []
    log.write_bytes(b"a\nb\n\xff\n")
    assert last_lines(log, 2) == ["b", "\ufffd"]
