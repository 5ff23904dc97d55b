"""The page of the commands is what the registry says."""

from pathlib import Path

from bot.commands.reference import commands_reference
from bot.commands.registry import COMMANDS


def test_the_page_is_what_the_registry_says(repository: Path) -> None:
    written = (repository / "docs/commands.md").read_text(encoding="utf-8")
    assert written == commands_reference(), "run: .venv/bin/python -m bot reference commands > docs/commands.md"


def test_it_has_every_command_with_what_must_be_known_of_it() -> None:
    rows = {line.split("`")[1]: line for line in commands_reference().splitlines() if line.startswith("| `/")}
    assert set(rows) == {f"/{command.name}" for command in COMMANDS}
    for command in COMMANDS:
        row = rows[f"/{command.name}"]
        assert ("confirmed" in row) == (command.preview is not None)
        assert ("single chat" in row.split("|")[4]) == command.private
        assert ("a group's own admins" in row) == command.in_group
