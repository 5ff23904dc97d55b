"""What every answer of the web process says, and what no request makes it do."""

from pathlib import Path

import pytest
import redis
import structlog
from flask.testing import FlaskClient

from bot.web.app import create_app
from tests.web.library import web_services

PAGES = ("/healthz", "/readyz", "/source/x", "/callback/imaging/app", "/WW_verify_x.txt", "/nothing")


@pytest.fixture
def browser(redis_client: redis.Redis, tmp_path: Path) -> FlaskClient:
    return create_app(web_services(redis_client, proofs_dir=tmp_path)).test_client()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT"])
def test_no_answer_is_kept_or_taken_for_something_else(browser: FlaskClient, method: str, path: str) -> None:
    answer = browser.open(path, method=method)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.mimetype != "text/html" or not answer.data or path.startswith("/source")


@pytest.mark.parametrize(
    "path", ["/callback//imaging/app", "/callback/imaging//app", "/callback//evil.example/app", "/callback/a/b//"]
)
def test_no_request_is_sent_on_to_the_host_that_it_names(browser: FlaskClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = browser.open(path, method=method, headers={"Host": "evil.example"})
        assert (answer.status_code, "Location" in answer.headers) == (404, False)


def test_a_wrong_method_hears_which_are_right(browser: FlaskClient) -> None:
    answer = browser.post("/source/x")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_link_does_not_reach_the_log(browser: FlaskClient) -> None:
    token = "T" * 60
    with structlog.testing.capture_logs() as lines:
        browser.get(f"/source/{token}")
        browser.post(f"/source/{token}")
        browser.get(f"/source/{token}/more")
        browser.get("/" + "x" * 5000)
    assert [line["event"] for line in lines] == ["source_refused"] + ["request_refused"] * 3
    assert token not in str(lines)
    assert len(lines[-1]["path"]) == 200
