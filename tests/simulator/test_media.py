"""Uploads, and how a peer gets them: rules 23 and 29."""

import re
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring

from simulator import uploads
from simulator.crypto import aes_key
from tests.simulator.bot_webhook import BotWebhook
from tests.simulator.parties import AES_KEY, Clock, Simulator, Webhook

_PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 24


def _decrypted(data: bytes) -> bytes:
    """§4.2: the callback's key, its first half as IV, nothing inside but the file."""
    key = aes_key(AES_KEY)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = decryptor.update(data) + decryptor.finalize()
    assert 1 <= padded[-1] <= 32
    assert padded.endswith(padded[-1:] * padded[-1])
    return padded[: -padded[-1]]


def _sent(simulator: Simulator, kind: str, data: bytes, name: str) -> dict[str, Any]:
    upload = simulator.uploads(data, name)
    return simulator.call("POST", "/_sim/messages", member="wang.fang", type=kind, upload=upload)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 25])
def test_the_bot_gets_encrypted_bytes_and_a_name(corp: Simulator, bot: BotWebhook, size: int) -> None:
    """Rule 29, with paddings of every kind."""
    data = _PNG[:8] + b"\1" * size
    entry = _sent(corp, "file", data, "碘对比剂.pdf")
    assert entry["upload"]["name"] == "碘对比剂.pdf"
    answer = requests.get(bot.messages(1)[0]["file"]["url"], timeout=5)
    assert len(answer.content) % 32 == 0
    assert _decrypted(answer.content) == data
    disposition = answer.headers["Content-Disposition"]
    assert 'filename="____.pdf"' in disposition
    assert "filename*=UTF-8''%E7%A2%98%E5%AF%B9%E6%AF%94%E5%89%82.pdf" in disposition


def test_the_bots_link_lives_five_minutes(corp: Simulator, bot: BotWebhook, clock: Clock) -> None:
    """Rule 29."""
    _sent(corp, "image", _PNG, "a.png")
    url = bot.messages(1)[0]["image"]["url"]
    clock.now += 300
    assert requests.get(url, timeout=5).status_code == 200
    clock.now += 1
    assert requests.get(url, timeout=5).status_code == 403
    assert requests.get(f"{corp.url}/media/made-up", timeout=5).status_code == 403
    assert corp.log(29) == ["media_url_refused"] * 2


def _fields(webhook: Webhook) -> dict[str, str]:
    return {child.tag: child.text or "" for child in fromstring(webhook.wait_for(1)[0].plain)}


def test_the_app_gets_a_picture_by_its_link_and_its_media_id(
    simulator: Simulator, webhook: Webhook, clock: Clock
) -> None:
    """§2.3 and rule 23: three days, whole or in pieces."""
    _sent(simulator, "image", _PNG, "a.png")
    fields = _fields(webhook)
    assert requests.get(fields["PicUrl"], timeout=5).content == _PNG
    query = {"access_token": simulator.token(), "media_id": fields["MediaId"]}
    url = f"{simulator.url}/cgi-bin/media/get"
    whole = requests.get(url, params=query, timeout=5)
    assert (whole.status_code, whole.content, whole.headers["Content-Type"]) == (200, _PNG, "image/png")
    assert 'filename="a.png"' in whole.headers["Content-Disposition"]
    piece = requests.get(url, params=query, headers={"Range": "bytes=16-31"}, timeout=5)
    assert (piece.status_code, piece.content) == (206, _PNG[16:32])
    assert piece.headers["Content-Range"] == "bytes 16-31/32"
    simulator.rules(whole_download_bytes=31)
    assert requests.get(url, params=query, timeout=5).json()["errcode"] == 830002
    assert requests.get(url, params=query, headers={"Range": "bytes=0-31"}, timeout=5).content == _PNG
    assert requests.get(fields["PicUrl"], timeout=5).content == _PNG, "a link has no such limit"
    simulator.rules(whole_download_bytes=32)
    assert requests.get(url, params=query, timeout=5).content == _PNG
    assert simulator.get("/cgi-bin/media/get", media_id=fields["MediaId"])["errcode"] == 41001
    assert simulator.get("/cgi-bin/media/get", access_token=query["access_token"], media_id="x")["errcode"] == 40007
    clock.now += 259_201
    late = simulator.get("/cgi-bin/media/get", access_token=simulator.token(), media_id=fields["MediaId"])
    assert late["errcode"] == 40007


@pytest.mark.parametrize(
    ("kind", "more"), [("voice", {"Format"}), ("video", {"ThumbMediaId"}), ("file", set())], ids=str
)
def test_the_apps_other_kinds_have_their_fields(
    simulator: Simulator, webhook: Webhook, kind: str, more: set[str]
) -> None:
    """§2.3."""
    _sent(simulator, kind, b"some bytes", "a.bin")
    common = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID"}
    assert _fields(webhook).keys() - common == {"MediaId", *more}


def test_media_get_can_fail_on_demand(simulator: Simulator) -> None:
    simulator.fault(on="media/get", kind="http_500")
    assert requests.get(f"{simulator.url}/cgi-bin/media/get", timeout=5).status_code == 500


@pytest.mark.parametrize(
    ("data", "name", "content_type", "disposition"),
    [
        (_PNG, "a.html", "image/png", "inline"),
        (b"\xff\xd8\xff\xe0jpeg", "a.jpg", "image/jpeg", "inline"),
        (b"GIF89a...", "a.gif", "image/gif", "inline"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.webp", "image/webp", "inline"),
        (b"<svg onload=alert(1)>", "a.svg", "application/octet-stream", "attachment"),
        (b"<html><script>alert(1)</script>", "a.png", "application/octet-stream", "attachment"),
    ],
    ids=["png", "jpeg", "gif", "webp", "svg", "html"],
)
def test_only_what_is_a_picture_is_shown_as_one(
    corp: Simulator, data: bytes, name: str, content_type: str, disposition: str
) -> None:
    """By its bytes, whatever its name says."""
    answer = requests.get(f"{corp.url}/_sim/uploads/{corp.uploads(data, name)}", timeout=5)
    assert (answer.content, answer.headers["Content-Type"]) == (data, content_type)
    assert answer.headers["Content-Disposition"].startswith(disposition)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_upload_may_come_as_a_form(corp: Simulator) -> None:
    files = {"file": ("../../影像.png", _PNG, "text/html")}
    answer = requests.post(f"{corp.url}/_sim/uploads", files=files, timeout=5)
    assert answer.status_code == 201
    assert answer.json()["size"] == len(_PNG)
    assert not re.search(r"[/\\]", answer.json()["name"])
    assert answer.json()["name"].endswith("影像.png")


def test_uploads_have_a_size(corp: Simulator) -> None:
    url = f"{corp.url}/_sim/uploads"
    assert requests.post(url, data=b"", timeout=5).status_code == 400
    most = 20 * 1024 * 1024
    assert requests.post(url, data=bytes(most), timeout=20).status_code == 201
    assert requests.post(url, data=bytes(most + 1), timeout=20).status_code == 413


def test_old_uploads_are_forgotten(corp: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, shown with fewer bytes."""
    monkeypatch.setattr(uploads, "KEPT_BYTES", 10)
    first, second = corp.uploads(b"123456"), corp.uploads(b"123456")
    assert requests.get(f"{corp.url}/_sim/uploads/{first}", timeout=5).status_code == 404
    assert requests.get(f"{corp.url}/_sim/uploads/{second}", timeout=5).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_of_somebody_else_uploads_nothing(corp: Simulator, origin: str) -> None:
    url = f"{corp.url}/_sim/uploads"
    assert requests.post(url, data=b"x", headers={"Origin": origin}, timeout=5).status_code == 403
    assert requests.post(url, data=b"x", headers={"Origin": corp.url}, timeout=5).status_code == 201


@pytest.mark.parametrize("kind", ["cut", "wrong_length", "errcode", "http_500"])
def test_a_link_can_fail_on_demand(corp: Simulator, bot: BotWebhook, kind: str) -> None:
    """What the bot downloads is not whole, or no file at all."""
    _sent(corp, "file", _PNG * 100, "a.pdf")
    url = bot.messages(1)[0]["file"]["url"]
    corp.fault(on="media_url", kind=kind, **({"errcode": -1} if kind == "errcode" else {}))
    if kind == "cut":
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.get(url, timeout=5)
    else:
        answer = requests.get(url, timeout=5)
        assert (answer.status_code, len(answer.content)) != (200, 3232)
    assert _decrypted(requests.get(url, timeout=5).content) == _PNG * 100
