"""The files by which the platform makes sure that a domain is ours."""

from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from bot.web.app import create_app
from tests.web.library import web_services

NAME = "WW_verify_aB3dE5fG7hJ9kL1m.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "domain-proofs"


@pytest.fixture
def browser(redis_client: redis.Redis, folder: Path) -> FlaskClient:
    return create_app(web_services(redis_client, proofs_dir=folder)).test_client()


def test_a_proof_is_served_as_it_is_from_the_moment_it_is_there(browser: FlaskClient, folder: Path) -> None:
    assert browser.get(f"/{NAME}").status_code == 404
    folder.mkdir()
    (folder / NAME).write_bytes(b"aB3dE5fG7hJ9kL1m\n")
    answer = browser.get(f"/{NAME}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"aB3dE5fG7hJ9kL1m\n", "text/plain")


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/WW_verify_.txt",
        "/WW_verify_a.html",
        "/WW_verify_..%2fsecret.txt",
        "/WW_verify_%2e%2e%2f%2e%2e%2fetc%2fpasswd.txt",
        "/WW_verify_a%00.txt",
        f"/WW_verify_{'a' * 65}.txt",
    ],
)
def test_nothing_else_is_served(browser: FlaskClient, folder: Path, path: str) -> None:
    (folder / "WW_verify_..").mkdir(parents=True)
    for name in (
        "secret.txt",
        "WW_verify_.txt",
        "WW_verify_a.html",
        f"WW_verify_{'a' * 65}.txt",
        "WW_verify_../secret.txt",
    ):
        (folder / name).write_text("secret", encoding="utf-8")
    assert browser.get(path).status_code == 404


def test_a_file_that_is_no_proof_is_not_served(browser: FlaskClient, folder: Path) -> None:
    folder.mkdir()
    (folder / NAME).write_bytes(b"x" * 1025)
    assert browser.get(f"/{NAME}").status_code == 404
