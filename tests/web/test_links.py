"""Links to sources: what they say, and that nobody else can make one."""

import base64
import hmac
import stat
import string
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.knowledge.entries import Audience
from bot.links import (
    DAY_S,
    ExpiredLink,
    ForgedLink,
    SourceLinks,
    SourceToken,
    installation_secret,
    source_links,
    tenant_tag,
)
from bot.settings import load_settings
from tests.web.library import BASE_URL, LINKS, NOON, SECRET

ENTRY = "0b2f4d3e-91aa-5c1d-8e77-4f6a2b9c0d11"
ALPHABET = string.ascii_letters + string.digits + "-_"


def token_for(
    entry: str = ENTRY, reader: Audience = Audience.PUBLIC, tenant: str = "academy", now: float = NOON
) -> str:
    return LINKS.url_for(entry, reader, tenant, now).removeprefix(f"{BASE_URL}/source/").removesuffix("#cited")


@pytest.mark.parametrize("reader", list(Audience))
def test_a_link_says_which_entry_for_whom_and_until_when(reader: Audience) -> None:
    assert LINKS.open(token_for(reader=reader), NOON) == SourceToken(
        entry_id=ENTRY,
        reader=reader,
        tenant=tenant_tag("academy"),
        expires_at=int(NOON) + (30 * DAY_S if reader is Audience.PUBLIC else DAY_S),
    )


def test_what_is_not_for_everybody_is_open_for_a_day_at_most_to_whoever_holds_the_link() -> None:
    turn, short = "abcdefghijklmnopqrst", SourceLinks(SECRET, BASE_URL, 3600)
    for reader, end in ((Audience.PUBLIC, 30 * DAY_S), (Audience.HCP, DAY_S), (Audience.STAFF, DAY_S)):
        answer = LINKS.answer_url(turn, reader, NOON).rpartition("/")[2]
        assert LINKS.open_answer(answer, NOON + end - 1) == turn
        with pytest.raises(ExpiredLink):
            LINKS.open_answer(answer, NOON + end)
        with pytest.raises(ExpiredLink):
            LINKS.open_answer(short.answer_url(turn, reader, NOON).rpartition("/")[2], NOON + 3600)


def test_every_link_has_the_same_short_length_and_shows_no_name() -> None:
    urls = {
        LINKS.url_for(str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))), reader, tenant, NOON + n)
        for n, (reader, tenant) in enumerate(
            [(Audience.PUBLIC, "a"), (Audience.STAFF, "学院" * 32), (Audience.HCP, "b")]
        )
    }
    assert {len(url) for url in urls} == {len(BASE_URL) + 74}
    assert len(urls) == 3
    assert not any(ENTRY in url or "academy" in url for url in urls)


def test_what_the_secret_signs_for_another_purpose_opens_nothing() -> None:
    """The secret itself signs no link: a key made from it for links alone does."""
    claims = base64.urlsafe_b64decode(token_for())[:-16]
    signed = base64.urlsafe_b64encode(claims + hmac.digest(SECRET, claims, "sha256")[:16]).decode()
    with pytest.raises(ForgedLink):
        LINKS.open(signed, NOON)


def test_a_link_opens_until_its_last_second_and_not_after() -> None:
    end = int(NOON) + 30 * DAY_S
    assert LINKS.open(token_for(), end - 0.001)
    with pytest.raises(ExpiredLink):
        LINKS.open(token_for(), end)


def test_no_other_spelling_of_any_character_opens() -> None:
    token = token_for()
    for place, right in enumerate(token):
        for wrong in ALPHABET.replace(right, ""):
            with pytest.raises(ForgedLink):
                LINKS.open(token[:place] + wrong + token[place + 1 :], NOON)


@pytest.mark.parametrize("change", ["{}=", " {}", "{}\n", "{}A", "", "A" * 60, "＋" * 60, "é" * 60])
def test_what_has_not_the_form_of_a_link_is_refused(change: str) -> None:
    with pytest.raises(ForgedLink):
        LINKS.open(change.format(token_for()), NOON)


def test_a_link_of_another_secret_is_forged() -> None:
    other = SourceLinks(SECRET + b"!", BASE_URL, 30 * DAY_S)
    with pytest.raises(ForgedLink):
        other.open(token_for(), NOON)


def test_an_old_link_with_a_wrong_signature_is_forged_not_expired() -> None:
    token = token_for(now=0)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    with pytest.raises(ForgedLink):
        LINKS.open(wrong, NOON)


def test_settings_decide_address_life_and_secret(tmp_path: Path) -> None:
    environ = {
        "DATA_DIR": str(tmp_path),
        "PUBLIC_URL": "https://bot.hospital.example/wecom/",
        "CITATION_LINK_DAYS": "7",
        "SECRET_KEY": "x" * 32,
    }
    links = source_links(load_settings(environ, tmp_path / "no.env"))
    url = links.url_for(ENTRY, Audience.PUBLIC, "academy", NOON)
    assert url.startswith("https://bot.hospital.example/wecom/source/")
    assert len(url) < 140
    token = url.split("/source/")[1].removesuffix("#cited")
    assert links.open(token, NOON).expires_at == NOON + 7 * DAY_S
    assert not (tmp_path / "secret_key").exists()
    other = source_links(load_settings(environ | {"SECRET_KEY": "y" * 32}, tmp_path / "no.env"))
    with pytest.raises(ForgedLink):
        other.open(token, NOON)


def test_without_a_setting_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path / "var")}, tmp_path / "no.env")
    first, second = source_links(settings), source_links(settings)
    url = first.url_for(ENTRY, Audience.PUBLIC, "academy", time.time())
    assert url.startswith("http://127.0.0.1:8000/source/")
    assert second.open(url.split("/source/")[1].removesuffix("#cited"), time.time()).entry_id == ENTRY
    kept = tmp_path / "var/secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(kept.parent.iterdir()) == [kept]


def test_processes_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    together = threading.Barrier(16)

    def first_start(_number: int) -> str:
        together.wait(timeout=10)
        return installation_secret(tmp_path / "secret_key")

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(first_start, range(16)))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("content", [b"", b"short\n", "机密".encode() * 20])
def test_a_damaged_secret_is_told_and_never_used(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "secret_key"
    kept.write_bytes(content)
    with pytest.raises(ConfigError, match="secret_key"):
        installation_secret(kept)


def test_a_short_secret_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY: found 7 characters; expected a secret of at least 32") as caught:
        load_settings({"SECRET_KEY": "hunter2"}, tmp_path / "no.env")
    assert "hunter2" not in str(caught.value)
