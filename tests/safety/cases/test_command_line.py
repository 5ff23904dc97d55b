"""``case export`` as the safety desk meets it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forked import run_forked
from tests.safety.cases.conftest import REPORT, Clinic

BOTS = f"""
bots:
  imaging:
    name: 小影
    tenant: academy
    admins: [zhang.wei]
    channels:
      app: {{type: wecom-app, corp_id: ww1, agent_id: 7, secret: s, token: tok, encoding_aes_key: {"k" * 42}A}}
"""

Export = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def export(clinic: Clinic, tmp_path: Path, repository: Path) -> Export:
    """Exports case 1, which is open, as JSON."""
    clinic.tell(REPORT)
    (tmp_path / "bots.yaml").write_text(BOTS)
    environment = {
        "PYTHONPATH": str(repository),
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": f"sqlite:///{tmp_path}/bot.sqlite",
    }

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        environ = environment | {"CASE_KEY": "a secret of this test, long enough"}
        return run_forked(("case", "export", "1", "--format", "json", *arguments), tmp_path, environ)

    return run


def test_what_people_said_is_written_for_its_owner_s_eyes_only(export: Export, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("x" * 100_000)
    old.chmod(0o644)
    for name in ("new.json", "old.json"):
        done = export("--unmask", "--out", name)
        assert (done.returncode, done.stdout) == (0, f"wrote {name}\n"), done.stderr
        assert "王芳" in str(json.loads((tmp_path / name).read_text()))
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_written_it_says_so(export: Export) -> None:
    done = export("--out", "nowhere/case.json")
    assert done.returncode == 2
    assert done.stderr == "error: nowhere/case.json cannot be written: No such file or directory\n"
