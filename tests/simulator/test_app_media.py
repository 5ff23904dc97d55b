"""Rules 15, 19 and 23 for the app's files: uploads, messages that carry them, and faults on the way."""

import time
from typing import Any

import pytest
import requests

from tests.simulator.media_files import AMR, JPG, MP4, PNG, amr
from tests.simulator.parties import Clock, Simulator


@pytest.mark.parametrize(
    ("kind", "data"),
    [("image", PNG), ("image", JPG), ("voice", AMR), ("video", MP4), ("file", b"any bytes")],
    ids=["png", "jpg", "amr", "mp4", "file"],
)
def test_an_upload_is_answered_in_the_documented_shape(simulator: Simulator, kind: str, data: bytes) -> None:
    """Rule 23: created_at is a string, errmsg is empty, and the media id serves the bytes."""
    answer = simulator.upload_media(kind, data, "增强扫描.pdf")
    media_id = answer.pop("media_id")
    assert answer == {"errcode": 0, "errmsg": "", "type": kind, "created_at": "1800000000"}
    query = {"access_token": simulator.token(), "media_id": media_id}
    served = requests.get(f"{simulator.url}/cgi-bin/media/get", params=query, timeout=5)
    assert served.content == data
    assert "filename*=UTF-8''%E5%A2%9E%E5%BC%BA%E6%89%AB%E6%8F%8F.pdf" in served.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("kind", "data", "errcode"),
    [
        ("picture", PNG, 40005),
        ("image", b"", 44001),
        ("file", b"12345", 40006),
        ("image", b"GIF89a" + bytes(20), 40004),
        ("image", MP4, 40004),
        ("voice", b"ID3" + bytes(20), 301017),
        ("video", PNG, 40004),
        ("image", PNG + bytes(10 * 1024 * 1024), 40009),
        ("voice", AMR + bytes(2 * 1024 * 1024), 45001),
        ("voice", amr(seconds=61), 45007),
        ("video", MP4 + bytes(10 * 1024 * 1024), 40011),
        ("file", bytes(20 * 1024 * 1024 + 1), 45001),
    ],
    ids=lambda value: value if isinstance(value, str | int) else f"{len(value)}",
)
def test_an_upload_is_judged_by_its_bytes(simulator: Simulator, kind: str, data: bytes, errcode: int) -> None:
    """Rule 23."""
    assert simulator.upload_media(kind, data, "a.png")["errcode"] == errcode
    assert {record["rule"] for record in simulator.get("/_sim/log", rule=23)["log"]} == {23}


def test_the_largest_of_each_kind_passes(simulator: Simulator) -> None:
    """Rule 23: a limit is the last size that is taken."""
    assert simulator.upload_media("file", bytes(20 * 1024 * 1024))["errcode"] == 0
    assert simulator.upload_media("file", b"123456")["errcode"] == 0
    assert simulator.upload_media("voice", amr(seconds=60))["errcode"] == 0


def test_an_upload_without_its_part_or_its_token(simulator: Simulator) -> None:
    url = f"{simulator.url}/cgi-bin/media/upload"
    query = {"access_token": simulator.token(), "type": "image"}
    assert requests.post(url, params=query, files={"file": ("a.png", PNG)}, timeout=5).json()["errcode"] == 44001
    assert requests.post(url, params=query, data=PNG, timeout=5).json()["errcode"] == 44001
    assert requests.post(url, params={"type": "image"}, files={"media": PNG}, timeout=5).json()["errcode"] == 41001


def test_a_permanent_picture_has_a_url_without_an_end(simulator: Simulator, clock: Clock) -> None:
    """§2.11, and rule 19 for the pictures of a day."""
    simulator.rules(permanent_images_per_day=1)

    def call() -> dict[str, Any]:
        url, query = f"{simulator.url}/cgi-bin/media/uploadimg", {"access_token": simulator.token()}
        answer: dict[str, Any] = requests.post(url, params=query, files={"media": ("a.png", PNG)}, timeout=5).json()
        return answer

    answer = call()
    assert (answer["errcode"], answer["errmsg"]) == (0, "")
    assert call()["errcode"] == 45009
    clock.now += 10 * 24 * 3600
    assert requests.get(answer["url"], timeout=5).content == PNG
    assert call()["errcode"] == 0


@pytest.mark.parametrize(
    ("kind", "data", "content_type"),
    [
        ("image", PNG, "image/png"),
        ("voice", AMR, "audio/amr"),
        ("video", MP4, "video/mp4"),
        ("file", b"any bytes", "application/octet-stream"),
    ],
)
def test_a_message_carries_what_was_uploaded(
    simulator: Simulator, clock: Clock, kind: str, data: bytes, content_type: str
) -> None:
    """Rules 17 and 23: the right kind, while it lives."""
    media_id = simulator.media_id(kind, data, "片子.bin")
    assert simulator.errcode(msgtype=kind, **{kind: {"media_id": media_id}}) == 0
    (shown,) = simulator.entries()
    upload = shown["upload"]
    assert (shown["type"], upload["name"], upload["content_type"], upload["size"]) == (
        *(kind, "片子.bin", content_type),
        len(data),
    )
    assert requests.get(f"{simulator.url}/_sim/uploads/{upload['id']}", timeout=5).content == data
    other = "file" if kind != "file" else "image"
    assert simulator.errcode(msgtype=other, **{other: {"media_id": media_id}}) == 40007
    clock.now += 259_201
    assert simulator.errcode(msgtype=kind, **{kind: {"media_id": media_id}}) == 40007
    assert len(simulator.entries()) == 1


def test_a_videos_words_are_cut(simulator: Simulator) -> None:
    """§2.7: 128 and 512 bytes, on a character."""
    video = {"media_id": simulator.media_id("video", MP4), "title": "啊" * 43, "description": "啊" * 171}
    simulator.send(msgtype="video", video=video)
    assert simulator.entries()[0]["fields"] == {"title": "啊" * 42, "description": "啊" * 170}


def _articles(count: int = 1, **changes: Any) -> dict[str, Any]:
    article = {"title": "标题", "description": "摘要", "url": "https://example.com/1", "picurl": "", **changes}
    return {"msgtype": "news", "news": {"articles": [article] * count}}


def test_news_are_shown_and_cut(simulator: Simulator) -> None:
    """§2.7."""
    assert simulator.errcode(**_articles(8, title="啊" * 43, description="啊" * 171)) == 0
    (shown,) = simulator.entries()
    assert shown["content"] == "啊" * 42
    assert len(shown["fields"]["articles"]) == 8
    assert shown["fields"]["articles"][0]["description"] == "啊" * 170
    assert simulator.errcode(**_articles(url="", appid="wx1", pagepath="pages/a")) == 0


def test_a_mpnews_has_pictures_that_were_uploaded(simulator: Simulator) -> None:
    article = {
        "title": "标题",
        "thumb_media_id": simulator.media_id("image", PNG),
        "content": "<b>正文</b>",
        "digest": "摘要",
    }
    assert simulator.errcode(msgtype="mpnews", mpnews={"articles": [article]}) == 0
    (shown,) = simulator.entries()[0]["fields"]["articles"]
    assert (shown["title"], shown["description"]) == ("标题", "摘要")
    assert requests.get(f"{simulator.url}/_sim/uploads/{shown['picture']}", timeout=5).content == PNG
    voice = {**article, "thumb_media_id": simulator.media_id("voice", AMR)}
    assert simulator.errcode(msgtype="mpnews", mpnews={"articles": [voice]}) == 40007


def test_a_textcard_is_shown_and_cut(simulator: Simulator) -> None:
    """§2.7: characters, not bytes."""
    card = {"title": "题" * 129, "description": "述" * 513, "url": "https://example.com", "btntxt": "查看更多详情"}
    assert simulator.errcode(msgtype="textcard", textcard=card) == 0
    fields = simulator.entries()[0]["fields"]
    assert [len(fields[name]) for name in ("title", "description", "btntxt")] == [128, 512, 4]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (_articles(9), 45008),
        (_articles(0), 45008),
        (_articles(url=""), 41010),
        (_articles(url="example.com"), 45034),
        (_articles(title=""), 41016),
        ({"msgtype": "news", "news": {"articles": "x"}}, 40035),
        ({"msgtype": "textcard", "textcard": {"title": "题", "description": "述"}}, 41010),
        ({"msgtype": "textcard", "textcard": {"title": "题", "url": "https://a.cn"}}, 41033),
        ({"msgtype": "textcard", "textcard": {"description": "述", "url": "https://a.cn"}}, 41016),
        (
            {
                "msgtype": "textcard",
                "textcard": {"title": "题", "description": "述", "url": "https://a.cn/" + "a" * 2048},
            },
            40058,
        ),
        ({"msgtype": "voice", "voice": {"media_id": "made-up"}}, 40007),
        ({"msgtype": "video", "video": {"title": "题"}}, 44001),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_message_that_cannot_be_is_not_shown(simulator: Simulator, body: dict[str, Any], errcode: int) -> None:
    assert simulator.errcode(**body) == errcode
    assert simulator.entries() == []


def test_only_trusted_addresses_may_call(simulator: Simulator) -> None:
    """Rule 15."""
    simulator.rules(trusted_ips="10.0.0.0/8, 192.0.2.7")
    answer = simulator.send("x")
    assert answer["errcode"] == 60020
    assert answer["errmsg"].startswith("not allow to access from your ip, hint: [")
    assert "], from ip: 127.0.0.1, more info at " in answer["errmsg"]
    assert simulator.upload_media("image", PNG)["errcode"] == 60020
    assert simulator.log(15) == ["errcode"] * 2
    simulator.rules(trusted_ips="10.0.0.0/8,127.0.0.1")
    assert simulator.errcode("x") == 0
    simulator.rules(trusted_ips="")
    assert simulator.errcode("y") == 0


def _get(simulator: Simulator, data: bytes = PNG * 400, **more: Any) -> requests.Response:
    token, media_id = simulator.token(), simulator.media_id("file", data)
    query = {"access_token": token, "media_id": media_id}
    simulator.fault(on="media/get", **more)
    return requests.get(f"{simulator.url}/cgi-bin/media/get", params=query, timeout=10)


def test_a_download_can_break_off(simulator: Simulator) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        _get(simulator, kind="cut")


def test_a_download_can_lie_about_its_length(simulator: Simulator) -> None:
    answer = _get(simulator, PNG * 2, kind="wrong_length")
    assert (answer.status_code, answer.content) == (200, PNG)


def test_a_download_can_drip(simulator: Simulator) -> None:
    began = time.monotonic()
    assert _get(simulator, PNG, kind="drip", seconds=0.4).content == PNG
    assert time.monotonic() - began >= 0.4


def test_a_download_can_be_an_error_in_json(simulator: Simulator) -> None:
    answer = _get(simulator, kind="errcode", errcode=-1)
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["errcode"]) == (
        200,
        "application/json",
        -1,
    )


def test_an_upload_can_fail_on_the_way(simulator: Simulator) -> None:
    simulator.fault(on="media/upload", kind="cut")
    with pytest.raises(requests.ConnectionError):
        simulator.upload_media("image", PNG)
    simulator.fault(on="media/upload", kind="drip", seconds=0.3)
    began = time.monotonic()
    assert simulator.upload_media("image", PNG)["errcode"] == 0
    assert time.monotonic() - began >= 0.3
    simulator.fault(on="media/upload", kind="errcode", errcode=45009)
    assert simulator.upload_media("image", PNG)["errcode"] == 45009
    assert simulator.upload_media("image", PNG)["errcode"] == 0


def test_a_slow_upload_holds_up_no_other_call(simulator: Simulator) -> None:
    """The lock of qyapi is not held while a file is on its way."""
    simulator.fault(on="media/upload", kind="drip", seconds=300)
    files = {"media": ("a.png", PNG)}
    query = {"access_token": simulator.token(), "type": "image"}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{simulator.url}/cgi-bin/media/upload", params=query, files=files, timeout=0.2)
    assert simulator.errcode("x") == 0
