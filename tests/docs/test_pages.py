"""The pages tell the truth: the reference is what the code checks, and links lead somewhere."""

import re
from pathlib import Path

import pytest

from bot.assembly import CHANNELS
from bot.reference import configuration_reference
from tests.docs.commands import pages

REPOSITORY = Path(__file__).parent.parent.parent
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def test_the_reference_is_what_the_code_checks() -> None:
    written = (REPOSITORY / "docs/configuration.md").read_text(encoding="utf-8")
    models = {name: package.Config for name, package in CHANNELS.items()}
    assert written == configuration_reference(models), "run: .venv/bin/python -m bot reference > docs/configuration.md"


def test_the_reference_leaves_no_key_without_a_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", (REPOSITORY / "docs/configuration.md").read_text("utf-8"), re.M)
    assert [key for key, meaning in rows if not meaning.strip()] == []


@pytest.mark.parametrize("page", pages(REPOSITORY), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            assert not anchor or anchor in _anchors(file), target


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of ``page``."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
