"""The scan finds a secret in a file, says where and not what, and knows those that a person has looked at."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def scan(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("secret_scan", repository / ".ci/secret_scan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "key = '" + "AKIA" + "Z7PLMQ2NVX4TB6WK'",
        "url: https://admin:" + "t0pf3rd@db.example/x",
        "password: " + "'hj4K9wq2Zt'",
    ],
    ids=["private key", "access key", "password in an address", "password"],
)
def test_a_secret_in_a_file_is_found(scan: ModuleType, tmp_path: Path, line: str) -> None:
    (tmp_path / "a.yaml").write_text(f"# a file\n{line}\n", encoding="utf-8")
    found = scan.found_in(tmp_path, ["a.yaml"])
    assert set(found.values()) == {2}
    assert {name for name, _, _ in found} == {"a.yaml"}
    assert line not in str(found)


def test_what_a_person_has_looked_at_is_known(
    scan: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, secret = tmp_path / "known.json", "hj4K9wq2Zt" + "99"
    (tmp_path / "a.yaml").write_text(f"password: '{secret}'\n", encoding="utf-8")
    known.write_text("[]", encoding="utf-8")
    assert scan.judge(tmp_path, ["a.yaml"], known, renew=False) == 1
    said = capsys.readouterr().out
    assert said.startswith("a.yaml:1: looks like a secret")
    assert scan.judge(tmp_path, ["a.yaml"], known, renew=True) == 0
    assert scan.judge(tmp_path, ["a.yaml"], known, renew=False) == 0
    assert secret not in said + known.read_text(encoding="utf-8")


def test_no_word_list_or_lock_is_read(scan: ModuleType) -> None:
    assert all(scan.NOT_READ.search(name) for name in ("requirements-dev.txt", "a/b.npz", "bot/x/data/words.txt"))
    assert not any(scan.NOT_READ.search(name) for name in ("bots.yaml", ".env.example", "requirements.in", "a/data.py"))
