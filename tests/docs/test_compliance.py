"""The tests that docs/compliance.md names exist."""

import re
from pathlib import Path


def test_every_test_that_the_page_names_exists(repository: Path) -> None:
    page = (repository / "docs/compliance.md").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in (repository / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"`(test_\w+)`", page))
    assert len(tests) > 20
    assert {name for name in tests if f"def {name}(" not in code} == set()
    files = re.findall(r"`((?:tests|bot)/[\w/.]+)`", page)
    assert [name for name in files if not (repository / name).exists()] == []
