"""Packages and the folder that keeps everything."""

from importlib import metadata
from pathlib import Path

import pytest

from bot.doctor import installation
from bot.finding import State
from tests.doctor.conftest import MakeSettings, named

CLICK = metadata.version("click")


@pytest.mark.parametrize(
    ("lines", "state", "said"),
    [
        (f"click=={CLICK} \\\n    --hash=sha256:00\n", State.OK, "1 packages"),
        ("click==0.1 \\\n    --hash=sha256:00\n", State.WARNING, f"click {CLICK} (locked 0.1)"),
        (f"click=={CLICK}\nno-such-package==1.0 \\\n", State.BROKEN, "missing: no-such-package"),
        ('no-such-package==1.0 ; sys_platform == "win32" \\\n', State.OK, "0 packages"),
    ],
    ids=["as locked", "another version", "missing", "for another system"],
)
def test_packages_are_compared_with_the_lock_file(tmp_path: Path, lines: str, state: State, said: str) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"# a comment with a==1\n{lines}    # via click\n", encoding="utf-8")
    found = installation.dependencies(lock)
    assert (found.state, said in found.detail) == (state, True), found.detail


def test_the_lock_file_of_the_repository_is_understood() -> None:
    found = installation.dependencies(installation.LOCK_FILE)
    assert found.state in {State.OK, State.WARNING}, found.detail
    assert int(found.detail.split()[0]) > 50 if found.state is State.OK else True


def test_a_folder_is_tried_and_left_as_it_was(make_settings: MakeSettings) -> None:
    settings = make_settings()
    assert named(installation.folder(settings), "data folder").state is State.OK
    assert not settings.data_dir.exists()
    settings.data_dir.mkdir(mode=0o700)
    assert named(installation.folder(settings), "data folder").state is State.OK
    assert list(settings.data_dir.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_broken(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = named(installation.folder(make_settings(data_dir=str(tmp_path / "file" / "var"))), "data folder")
    assert found.state is State.BROKEN
    assert "DATA_DIR" in found.cure


def test_secrets_that_everybody_can_read_are_named_with_the_command_that_hides_them(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    bots = tmp_path / "bots.yaml"
    bots.write_text("bots: {}", encoding="utf-8")
    settings = make_settings(bots_file=str(bots))
    bots.chmod(0o644)
    found = named(installation.folder(settings), "file modes")
    assert (found.state, found.cure) == (State.WARNING, f"chmod o-rwx {bots}")
    bots.chmod(0o640)
    assert named(installation.folder(settings), "file modes").state is State.OK
