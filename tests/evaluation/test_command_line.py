"""``eval``'s command line: what is wrong with a call is said first, then what is not built yet."""

import os
from pathlib import Path

import pytest

from tests.forked import run_forked

TASKS = ("emotion", "adverse-event", "pii", "injection", "offensive", "intent")


def evaluate(folder: Path, repository: Path, *arguments: str) -> str:
    """The one line that a call which cannot be served prints."""
    result = run_forked(("eval", *arguments), folder, {"PYTHONPATH": str(repository), "PATH": os.defpath})
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def items(tmp_path: Path) -> str:
    (tmp_path / "data.jsonl").write_text('{"id":"1","text":"你好","label":"none"}\n', encoding="utf-8")
    return "data.jsonl"


@pytest.mark.parametrize("task", ["emotion", "intent"])
def test_a_task_that_is_not_built_says_so_and_what_is(tmp_path: Path, repository: Path, items: str, task: str) -> None:
    said = evaluate(tmp_path, repository, "classify", "--task", task, "--items", items, "--shots", items, "--json")
    assert f"`eval classify --task {task}` is not built yet" in said
    assert "`eval retrieval`" in said
    assert "injection" in said


def test_a_subject_that_is_not_built_says_so(tmp_path: Path, repository: Path, items: str) -> None:
    arguments = ("--corpus", items, "--queries", items, "--faq", "--json")
    assert "`eval conversation` is not built yet" in evaluate(tmp_path, repository, "conversation", *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("classify", "--task", "mood", "--items", "data.jsonl"), ("'mood'", *TASKS)),
        (("classify", "--items", "data.jsonl"), ("--task", *TASKS)),
        (("classify", "--task", "pii"), ("--items",)),
        (("classify", "--task", "pii", "--items", "absent.jsonl"), ("--items", "absent.jsonl", "does not exist")),
        (("classify", "--task", "pii", "--items", "."), ("--items", "is a directory")),
        (("classify", "--task", "intent", "--items", "data.jsonl", "--shots", "x"), ("--shots", "does not exist")),
        (("classify", "--task", "pii", "--items", "data.jsonl", "--nonsense"), ("--nonsense",)),
        (("conversation", "--corpus", "data.jsonl"), ("--queries",)),
        (("gate", "imaging"), ("imaging",)),
        (("nonsense",), ("nonsense",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) and value[0] in {"classify", "gate"} else None,
)
def test_what_is_wrong_with_a_call_is_said_before_what_is_not_built(
    tmp_path: Path, repository: Path, items: str, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    line = evaluate(tmp_path, repository, *arguments)
    assert "not built" not in line
    assert all(words in line for words in said), line
