"""Which process of ``make test`` runs which tests.

A file's tests run in one process, one after the other, as ``--dist=loadfile`` has it. Here files that use the same
running system count as one file, so that it is started once and not once a process; and what takes longest begins
first, so that no process is left with a minute's work when the others are done.
"""

from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_DEMO = ("commands", "conversations", "customer_service", "doctor", "faults", "media", "reactions", "robot")
_SHARED = {
    "the demo": {f"tests/e2e/test_{name}.py" for name in _DEMO},
    "the small installation": {"tests/e2e/test_overload.py", "tests/e2e/test_streaming.py"},
}
"""Files that use one system: their fixtures are ``system`` and ``small`` of :mod:`tests.e2e.conftest`."""
_UNIT_OF = {file: unit for unit, files in _SHARED.items() for file in files}
_LONGEST_FIRST = (
    *("the demo", "tests/security/test_secrets.py", "tests/docs/test_commands.py", "tests/faults/test_short.py"),
    *("tests/e2e/test_reports.py", "tests/e2e/test_model.py", "tests/redteam/test_redteam.py"),
    *("tests/knowledge/test_service.py", "the small installation", "tests/reload/test_system.py"),
)
"""Minutes and half minutes; everything after them takes seconds, and begins with what has most tests."""


def unit_of(nodeid: str) -> str:
    """What the test ``nodeid`` shares a process with: its file, or a running system."""
    file = nodeid.split("::", 1)[0]
    return _UNIT_OF.get(file, file)


class _Scheduling(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    """Take the place of ``--dist=loadfile``."""
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # the order below is kept
    return _Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of ``make test``: the longest first. Whoever runs tests alone gets them in their usual order."""
    if not hasattr(config, "workerinput"):
        return
    tests: dict[str, int] = {}
    for item in items:
        unit = unit_of(item.nodeid)
        tests[unit] = tests.get(unit, 0) + 1
    rank = {unit: number for number, unit in enumerate(_LONGEST_FIRST)}

    def place(item: pytest.Item) -> tuple[int, int]:
        unit = unit_of(item.nodeid)
        return rank.get(unit, len(rank)), -tests[unit]

    items.sort(key=place)
