"""``python -m bot doctor`` as an operator meets it: exit codes, the object, and nothing secret."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.forked import run_forked

SECRETS = ("pw-redis", "pw-broker", "pw-qdrant", "sk-llm", "app-secret", "callbackToken", "A" * 43, "key-url")
BOTS = f"""
bots:
  imaging:
    name: 影像学院小助手
    knowledge: [imaging]
    admins: [zhang.wei]
    channels:
      app: {{type: wecom-app, corp_id: ww1, agent_id: 1, secret: app-secret, token: callbackToken,
            encoding_aes_key: {"A" * 43}}}
"""


def doctor(folder: Path, repository: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])  # free from now on, and nobody listens
    environ = {"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin", "PORT": port, **variables}
    return run_forked(("doctor", *arguments), folder, environ, within_s=100)


def report(result: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def test_where_nothing_runs_yet_nothing_is_broken_and_make_run_is_the_cure(tmp_path: Path, repository: Path) -> None:
    result = doctor(tmp_path, repository, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    content = report(result)
    assert content["ok"] is True
    assert {tuple(finding) for finding in content["findings"]} == {("name", "state", "detail", "cure", "ms")}
    states = {finding["name"]: finding["state"] for finding in content["findings"]}
    assert states["redis"] == states["database"] == states["index"] == states["callback imaging/app"] == "skipped"
    assert "broken" not in states.values()
    assert not (tmp_path / "var").exists(), "a doctor makes nothing"


def test_a_reader_sees_a_line_a_finding_and_a_summary(tmp_path: Path, repository: Path) -> None:
    result = doctor(tmp_path, repository)
    assert result.returncode == 0
    assert "\x1b" not in result.stdout, "colours are for terminals"
    assert "skipped  redis: the embedded Redis runs with the system only\n         → make run\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Nothing is broken (")


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["text", "json"])
def test_everything_broken_is_exit_2_and_no_secret_is_said(
    tmp_path: Path, repository: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "bots.yaml").write_text(BOTS, encoding="utf-8")
    result = doctor(
        tmp_path,
        repository,
        *arguments,
        SIMULATOR="0",
        WECOM_API_BASE="http://127.0.0.1:9",
        PUBLIC_URL="http://127.0.0.1:9",
        REDIS_URL="redis://:pw-redis@127.0.0.1:9/0",
        BROKER_URL="redis://:pw-broker@127.0.0.1:9/1",
        QDRANT_URL="http://127.0.0.1:9",
        QDRANT_API_KEY="pw-qdrant",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1?key=key-url",
        OPENAI_API_KEY="sk-llm",
        OPENAI_MODEL="m",
    )
    assert result.returncode == 2
    said = result.stdout + result.stderr
    assert [secret for secret in SECRETS if secret in said] == []
    for name in ("redis", "broker", "qdrant", "language model m", "channel imaging/app token", "callback imaging/app"):
        assert name in said


def test_every_fault_of_the_bots_file_is_told_with_its_line(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "bots.yaml").write_text(BOTS.replace("agent_id: 1", "agent_id: x").replace("ww1", "w w"), "utf-8")
    result = doctor(tmp_path, repository, "--json")
    assert result.returncode == 2
    broken = [finding["detail"] for finding in report(result)["findings"] if finding["state"] == "broken"]
    assert len(broken) == 2
    assert all(detail.startswith("bots.yaml:8: bots.imaging.channels.app.") for detail in broken)


def test_wrong_settings_are_told_together_and_the_rest_waits(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "bots.yaml").write_text("bots: {}", encoding="utf-8")
    result = doctor(tmp_path, repository, "--json", PORT="a lot", LOG_LEVEL="loud")
    assert result.returncode == 2
    findings = report(result)["findings"]
    details = [finding["detail"] for finding in findings if finding["name"] == "settings"]
    assert ["PORT" in details[0], "LOG_LEVEL" in details[1]] == [True, True]
    assert any(finding["detail"].startswith("bots.yaml:1") for finding in findings)
    assert findings[-1]["state"] == "skipped"


def test_an_unknown_bot_is_one_line(tmp_path: Path, repository: Path) -> None:
    result = doctor(tmp_path, repository, "--bot", "nobody")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: there is no bot 'nobody'; there are: imaging\n"
