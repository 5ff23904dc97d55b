"""Media are there whole until they expire, and then not at all."""

import os
import threading
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import Unavailable
from bot.media.store import LEFT_BEHIND_S, MediaStore, owner_of, reference
from bot.messages import Attachment, MessageKind
from tests.media.conftest import COLLEAGUE, DOCTOR, Clock

ID = "0123456789abcdef" * 2


def put(store: MediaStore, media: str, content: bytes, keep_s: float | None = None, name: str = "报告.pdf") -> None:
    with store.incoming(media) as incoming:
        incoming.file.write(content)
        store.keep(incoming, MessageKind.FILE, name, keep_s)


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_kept_is_found_with_what_its_bytes_say(store: MediaStore) -> None:
    put(store, ID, b"%PDF-1.7 and more", name="C:\\temp\\..\\报\x00告\u202e.pdf")
    medium = store.find(ID)
    assert medium is not None
    assert (medium.name, medium.content_type, medium.size) == ("报告.pdf", "application/pdf", 17)
    assert medium.path.read_bytes() == b"%PDF-1.7 and more"


def test_only_the_owner_can_read_it(store: MediaStore, tmp_path: Path) -> None:
    put(store, ID, b"secret")
    folder = tmp_path / "media"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_an_expired_medium_is_not_there_even_before_it_is_removed(
    store: MediaStore, clock: Clock, tmp_path: Path
) -> None:
    put(store, ID, b"short", keep_s=60)
    put(store, "f" * 32, b"long")
    clock.now += 60
    assert store.find(ID) is None
    assert store.expire() == 1
    assert all(name.startswith("f" * 32) for name in files_of(tmp_path / "media"))
    assert store.find("f" * 32) is not None


def test_forgetting_removes_both_files_at_once(store: MediaStore, tmp_path: Path) -> None:
    put(store, ID, b"gone")
    assert store.forget(ID)
    assert files_of(tmp_path / "media") == []
    assert not store.forget(ID)


def test_content_without_a_note_is_no_medium_and_goes_after_an_hour(
    store: MediaStore, clock: Clock, tmp_path: Path
) -> None:
    """The process died between the two files; or it is between them right now."""
    put(store, ID, b"half")
    note = tmp_path / "media" / f"{ID}.json"
    note.unlink()
    (content,) = (tmp_path / "media").iterdir()
    unfinished = tmp_path / "media" / "incoming-abc"
    unfinished.write_bytes(b"begun")
    clock.now = time.time()
    assert store.find(ID) is None
    assert store.expire() == 0
    assert len(files_of(tmp_path / "media")) == 2
    for path in (content, unfinished):
        os.utime(path, (clock.now - LEFT_BEHIND_S - 1,) * 2)
    store.expire()
    assert files_of(tmp_path / "media") == []


@pytest.mark.parametrize("note", [b"", b"[]", b'{"kind": "file", "expires_at": 2000000000}'])
def test_a_note_that_does_not_tell_all_is_no_medium(store: MediaStore, tmp_path: Path, note: bytes) -> None:
    """A power cut emptied it, or another release wrote it."""
    put(store, ID, b"x")
    (tmp_path / "media" / f"{ID}.json").write_bytes(note)
    assert store.find(ID) is None
    assert store.expire() == 1


def test_what_fails_while_it_is_written_leaves_nothing(store: MediaStore, tmp_path: Path) -> None:
    def fail() -> None:
        with store.incoming(ID) as incoming:
            incoming.file.write(b"begun")
            raise OSError("disk")

    with pytest.raises(Unavailable, match="cannot be written"):
        fail()
    assert files_of(tmp_path / "media") == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(Unavailable, match="cannot be written: Not a directory"):
        put(MediaStore(tmp_path / "file" / "media", 60.0), ID, b"x")


def test_all_that_somebody_sent_goes_at_once_and_nobody_else_s(store: MediaStore, tmp_path: Path) -> None:
    for at, who in enumerate((DOCTOR, DOCTOR, COLLEAGUE)):
        with store.incoming(str(at) * 32) as incoming:
            incoming.file.write(b"theirs")
            store.keep(incoming, MessageKind.VOICE, "", owner=owner_of(who))
    put(store, ID, b"an operator's")
    assert store.forget_all_of(owner_of(DOCTOR)) == 2
    assert {name[:32] for name in files_of(tmp_path / "media")} == {"2" * 32, ID}
    assert "wang.fang" not in "".join(path.read_text() for path in (tmp_path / "media").glob("*.json"))


def test_of_many_keepers_of_one_id_one_wins_as_a_whole(store: MediaStore, tmp_path: Path) -> None:
    contents = [bytes([65 + at]) * (1000 + at) for at in range(8)]
    together = threading.Barrier(len(contents))

    def keep(content: bytes) -> None:
        together.wait()
        for _ in range(20):
            put(store, ID, content)

    threads = [threading.Thread(target=keep, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    medium = store.find(ID)
    assert medium is not None
    content = medium.path.read_bytes()
    assert content in contents
    assert len(content) == medium.size


def test_a_full_store_lets_the_oldest_go(tmp_path: Path, clock: Clock) -> None:
    store = MediaStore(tmp_path / "media", 3600.0, max_bytes=250, clock=clock)
    for at, media in enumerate("abcd"):
        put(store, media * 32, bytes(100))
        if (note := tmp_path / "media" / f"{media * 32}.json").exists():
            os.utime(note, (at, at))
    assert [media for media in "abcd" if store.find(media * 32)] == ["c", "d"]


def test_while_there_is_room_nobody_else_s_note_is_read(tmp_path: Path, clock: Clock) -> None:
    """Keeping one medium must not cost more the more there are."""
    store = MediaStore(tmp_path / "media", 3600.0, max_bytes=10_000, clock=clock)
    put(store, ID, b"first")
    (tmp_path / "media" / f"{ID}.json").write_bytes(b"damaged: whoever reads it says so")
    with capture_logs() as logs:
        put(store, "f" * 32, bytes(100))
        assert [log["event"] for log in logs] == []
        put(store, "e" * 32, bytes(9_950))
    assert {log["event"] for log in logs} == {"media_note_damaged", "media_store_full"}


def test_a_reference_names_the_conversation_too() -> None:
    attachment = Attachment(kind=MessageKind.IMAGE, media_id="m1")
    assert reference(DOCTOR, attachment) == reference(DOCTOR, attachment)
    assert reference(DOCTOR, attachment) != reference(COLLEAGUE, attachment)
