"""One attachment to one medium: bounded, believed by its bytes, and told in words where it fails."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import InputError
from bot.media.fetch import FetchLimits, MediaFetcher, decode_attachment, worth_fetching
from bot.media.sniff import content_type_of
from bot.media.store import MediaStore, reference
from bot.messages import Attachment, MessageKind
from tests.delivery.conftest import make_message
from tests.fakes.fetching_channel import FetchingChannel
from tests.fakes.scripted_http import Answer, Cut, ScriptedServer
from tests.media import files
from tests.media.conftest import DOCTOR, GROUP, Clock

PNG = files.payload("question.png")


@pytest.fixture
def fetcher(store: MediaStore) -> MediaFetcher:
    limits = FetchLimits(max_bytes=1024 * 1024, fetch_s=2.0, keep_s=600.0)
    return MediaFetcher(store, {("imaging", "app"): FetchingChannel()}, limits)


def attachment(server: ScriptedServer, kind: MessageKind = MessageKind.IMAGE) -> Attachment:
    return Attachment(kind=kind, url=f"{server.url}/medium")


def test_a_medium_is_fetched_once_and_kept_for_its_time(
    fetcher: MediaFetcher, server: ScriptedServer, store: MediaStore, clock: Clock
) -> None:
    server.on("/medium", Answer(body=PNG, headers={"X-Name": "photo.png"}))
    medium = fetcher.fetch(DOCTOR, attachment(server))
    assert (medium.content_type, medium.name, medium.path.read_bytes()) == ("image/png", "photo.png", PNG)
    assert fetcher.fetch(DOCTOR, attachment(server)) == medium
    assert len(server.requests) == 1
    clock.now += 600
    assert store.find(medium.id) is None


def test_who_comes_while_it_is_being_fetched_waits_for_it(fetcher: MediaFetcher, server: ScriptedServer) -> None:
    server.on("/medium", Answer(body=PNG, delay_s=0.2))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(fetcher.fetch(DOCTOR, attachment(server)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Answer(status=503), Cut()], ids=["503", "cut"])
def test_a_fault_that_passes_is_tried_again(fetcher: MediaFetcher, server: ScriptedServer, fault: Answer | Cut) -> None:
    server.on("/medium", fault, Answer(body=PNG))
    assert fetcher.fetch(DOCTOR, attachment(server)).size == len(PNG)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=404), "media_expired"),
        (Answer(status=413), "media_too_large"),
        (Answer(body=bytes(1024 * 1024 + 1)), "media_too_large"),
        (Answer(status=500), "media_unreachable"),
        (Answer(body=b"PK\x03\x04" + bytes(200)), "media_not_believable"),
        (Answer(body=b"%PDF-1.7"), "media_not_believable"),
    ],
    ids=["gone", "refused as too large", "too large", "away", "a zip as a picture", "a PDF as a picture"],
)
def test_what_cannot_be_had_is_told_and_not_kept(
    fetcher: MediaFetcher, server: ScriptedServer, store: MediaStore, answer: Answer, told: str
) -> None:
    server.on("/medium", answer)
    with pytest.raises(InputError) as refusal:
        fetcher.fetch(DOCTOR, attachment(server))
    assert refusal.value.text_key == told
    assert store.find(reference(DOCTOR, attachment(server))) is None


def test_a_full_disk_is_told_as_what_cannot_be_had(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    limits = FetchLimits(max_bytes=1024, fetch_s=2.0, keep_s=600.0)
    store = MediaStore(tmp_path / "file" / "media", 600.0)
    with pytest.raises(InputError, match="media_unreachable"):
        MediaFetcher(store, {("imaging", "app"): FetchingChannel()}, limits).fetch(DOCTOR, attachment(server))


def test_fetching_ahead_says_nothing(fetcher: MediaFetcher, server: ScriptedServer) -> None:
    server.on("/medium", Answer(status=404))
    fetcher.prefetch(DOCTOR, attachment(server))


def test_only_what_will_be_read_is_worth_fetching() -> None:
    kinds = [kind for kind in MessageKind if kind is not MessageKind.TEXT]
    message = replace(make_message("m"), attachments=tuple(Attachment(kind=kind, url="u") for kind in kinds))
    assert {each.kind for each in worth_fetching(message)} == {
        MessageKind.IMAGE,
        MessageKind.VOICE,
        MessageKind.FILE,
    }
    in_group = replace(message, conversation=GROUP)
    assert MessageKind.FILE not in {each.kind for each in worth_fetching(in_group)}


def test_an_attachment_comes_through_a_task_unchanged() -> None:
    fields = {"kind": "voice", "media_id": "m", "url": "", "format": "amr"}
    assert decode_attachment(fields) == Attachment(kind=MessageKind.VOICE, media_id="m", format="amr")


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (PNG, "image/png"),
        (files.payload("turned.jpg"), "image/jpeg"),
        (files.payload("tone.amr"), "audio/amr"),
        (files.payload("tone.silk"), "audio/silk"),
        (files.wav(0.1), "audio/wav"),
        (files.pdf(["x"]), "application/pdf"),
        (files.word(), "application/zip"),
        ("中文".encode("gb18030"), "text/plain"),
        ("中文".encode("utf-16"), "text/plain"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"", "application/octet-stream"),
        (b"\x00\x01\x02", "application/octet-stream"),
    ],
)
def test_bytes_tell_what_they_are(head: bytes, content_type: str) -> None:
    assert content_type_of(head[:4096]) == content_type
