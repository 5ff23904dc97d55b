"""What ``up`` hands on from ``.env`` to its programs does not hide a later change of that file from them."""

from pathlib import Path

import pytest

import bot.assembly  # noqa: F401  # the forked check of the bots file finds it imported
from bot.environment import DOTENV_NAMES
from bot.settings import load_settings, read_environment
from bot.supervision.product import plan_for
from tests.reload.conftest import IMAGING, bots_yaml


def test_programs_read_again_what_only_the_dotenv_file_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OWN_SECRET", "of-the-process")
    dotenv = tmp_path / ".env"
    dotenv.write_text("APP_SECRET=first\nOWN_SECRET=of-the-file\nLOG_LEVEL=WARNING\n")
    (tmp_path / "bots.yaml").write_text(bots_yaml(IMAGING.block(secret="${APP_SECRET}")))
    inherited = plan_for(load_settings()).environment
    assert inherited["APP_SECRET"] == "first", "libraries and the simulator see it"
    assert inherited[DOTENV_NAMES] == "APP_SECRET", "settings stay as they were at the start"
    dotenv.write_text("APP_SECRET=second\nOWN_SECRET=changed\nLOG_LEVEL=ERROR\n")
    seen = read_environment(inherited)
    assert (seen["APP_SECRET"], seen["OWN_SECRET"], seen["LOG_LEVEL"]) == ("second", "of-the-process", "WARNING")
