"""Files of strangers, parsed by real parsers in a process of their own."""

import io
import threading
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import InputError, Unavailable
from bot.media.parsing.pdf import joined
from bot.media.parsing.sandbox import MAX_CHARS, Sandbox
from bot.media.parsing.sections import Place
from bot.messages import MessageKind
from tests.media import files
from tests.media.conftest import Kept

SANDBOX = Sandbox(pictures=2)


def sections(kept: Kept, content: bytes, name: str = "file") -> list[tuple[Place, str, str]]:
    parsed = SANDBOX.parse(kept(content, name))
    return [(section.place, section.label, section.text) for section in parsed.sections]


def test_the_sections_of_a_pdf_are_its_pages(kept: Kept) -> None:
    content = files.pdf(["星河造影剂说明书", "开封后须在四小时内用完。"], [], ["运输途中不得冷冻。"])
    parsed = SANDBOX.parse(kept(content))
    assert parsed.pages == 3
    assert not parsed.cut
    assert [(section.label, section.text) for section in parsed.sections] == [
        ("1", "星河造影剂说明书\n\n开封后须在四小时内用完。"),
        ("3", "运输途中不得冷冻。"),
    ]


def test_lines_of_print_become_paragraphs() -> None:
    printed = "第一段的第一行写满了这一行的宽\n度才换行，到这里结束。\n第二段\n1. 一项\n2. 两项，也写满了一行的宽\n度"
    assert joined(printed).split("\n\n") == [
        "第一段的第一行写满了这一行的宽度才换行，到这里结束。",
        "第二段",
        "1. 一项",
        "2. 两项，也写满了一行的宽度",
    ]
    assert joined("a line of English that is full\nand goes on") == "a line of English that is full and goes on"


def test_a_word_file_is_told_by_its_headings_and_its_tables_keep_their_columns(kept: Kept) -> None:
    assert sections(kept, files.word()) == [
        (Place.HEADING, "储存", "开封后须在四小时内用完。"),
        (
            Place.HEADING,
            "剂量",
            "人群 | 每千克体重\n人群：成人；每千克体重：一点五毫升\n人群：儿童；每千克体重：一毫升",
        ),
    ]


def test_slides_are_numbered_and_bring_their_notes(kept: Kept) -> None:
    assert sections(kept, files.slides()) == [
        (Place.SLIDE, "1", "课程安排"),
        (Place.SLIDE, "2", "报名截止到九月十五日\n\n提醒大家带学员证"),
    ]


def test_each_row_of_a_sheet_names_its_columns(kept: Kept) -> None:
    ((place, label, text),) = sections(kept, files.sheet())
    assert (place, label) == (Place.SHEET, "排班")
    assert "日期：周二；值班医生：李娜；电话：8022" in text


def test_rows_that_a_sheet_does_not_own_up_to_are_read_too(kept: Kept) -> None:
    """Exporters write what extent they like; the reader would stop there without a word."""
    modest = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(files.sheet())) as sound, zipfile.ZipFile(modest, "w") as archive:
        for member in sound.infolist():
            archive.writestr(member, sound.read(member).replace(b'ref="A1:C3"', b'ref="A1"'))
    ((_, _, text),) = sections(kept, modest.getvalue())
    assert "日期：周二；值班医生：李娜；电话：8022" in text


def test_texts_are_read_in_either_encoding_and_by_their_names(kept: Kept) -> None:
    assert sections(kept, "# 题\n\n## 甲\n\n一段。".encode(), "a.md") == [(Place.HEADING, "甲", "一段。")]
    assert sections(kept, "问题,答案\n几点,八点".encode("gb18030"), "a.csv")[0][2].endswith("问题：几点；答案：八点")
    assert sections(kept, "一行\n又一行".encode(), "a.txt") == [(Place.WHOLE, "", "一行\n又一行")]


def test_a_long_file_is_cut_and_says_so(kept: Kept) -> None:
    parsed = SANDBOX.parse(kept(("很长的一行。\n" * 20_000).encode(), "a.txt"))
    assert parsed.cut
    assert sum(len(section.text) for section in parsed.sections) <= MAX_CHARS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (files.encrypted_pdf(), "file_encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9) + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "file_kind_unknown"),
        (b"PK\x05\x06" + bytes(18), "file_kind_unknown"),
        (b"\x7fELF" + bytes(60), "file_kind_unknown"),
        (files.pdf(["x"])[:60], "file_damaged"),
        (files.word()[:5000], "file_damaged"),
        (b"\xff\xfe\x61\x00", "file_damaged"),
        (files.pdf([], []), "file_empty"),
        (b"  \n ", "file_empty"),
        (files.zip_bomb(), "file_too_complex"),
    ],
    ids=[
        *("password", "Office's password", "old Office", "empty zip", "program", "cut PDF", "cut Word", "UTF-16"),
        *("scan", "blank", "zip bomb"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_word(kept: Kept, content: bytes, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        SANDBOX.parse(kept(content))
    assert refusal.value.text_key == told


def test_a_file_that_wants_more_memory_than_it_may_have_ends_its_parser_and_nothing_else(kept: Kept) -> None:
    with pytest.raises(InputError, match=r"file_(damaged|too_complex)"):
        SANDBOX.parse(kept(files.heavy_word()))


def test_a_file_that_takes_too_long_is_left(kept: Kept) -> None:
    with pytest.raises(InputError, match="file_too_complex"):
        Sandbox(longest_s=0.02).parse(kept(files.word()))


def test_a_thread_does_not_wait_long_for_a_child_to_be_free(kept: Kept) -> None:
    """Sixteen pictures at once must not hold the threads that answer everybody else."""
    hurried, pages = Sandbox(others=1, patience_s=0.0), kept(files.pdf(["x"]))
    told: list[str] = []

    def read() -> None:
        together.wait()
        try:
            told.append(hurried.parse(pages).sections[0].text)
        except Unavailable:
            told.append("busy")

    together = threading.Barrier(3)
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["busy", "busy", "x"]


def test_the_parser_gets_none_of_our_secrets(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is of our making: what a broken parser could read there is nothing."""
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # with it no Python would start at all
    assert sections(kept, b"words", "a.txt") == [(Place.WHOLE, "", "words")]


def test_printed_words_are_read_from_a_picture(kept: Kept) -> None:
    assert SANDBOX.read_words(kept(files.payload("question.png"))) == "如何修改登录密码？"
    assert SANDBOX.read_words(kept(files.payload("turned.jpg"))) == "年假有几天？"


def test_a_picture_is_turned_as_its_file_says(kept: Kept) -> None:
    turned = files.payload("turned.jpg")
    for content, width, height in ((turned, 90, 420), (SANDBOX.as_jpeg(kept(turned)), 420, 90)):
        with Image.open(io.BytesIO(content)) as picture:
            assert (picture.width, picture.height) == (width, height)


def test_a_picture_without_words_has_none(kept: Kept, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "blank.png")
    assert SANDBOX.read_words(kept((tmp_path / "blank.png").read_bytes())) == ""


def test_a_picture_is_made_small_and_loses_what_its_file_told(kept: Kept, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (3000, 400), "white").save(tmp_path / "wide.jpg", exif=exif)
    plain = SANDBOX.as_jpeg(kept((tmp_path / "wide.jpg").read_bytes()))
    (tmp_path / "plain.jpg").write_bytes(plain)
    with Image.open(tmp_path / "plain.jpg") as picture:
        assert picture.width == 2048
        assert not picture.getexif()
    assert b"taken at home" not in plain


def test_a_decompression_bomb_is_refused_by_its_header(kept: Kept, tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    content = (tmp_path / "bomb.png").read_bytes()
    assert len(content) < 100_000
    with pytest.raises(InputError, match="picture_too_large"):
        SANDBOX.read_words(kept(content))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(99), files.payload("question.png")[:900]])
def test_a_broken_picture_is_told(kept: Kept, content: bytes) -> None:
    with pytest.raises(InputError, match="picture_damaged"):
        SANDBOX.read_words(kept(content))


@pytest.mark.parametrize("name", ["tone.amr", "tone.silk"])
def test_what_phones_record_becomes_wav(kept: Kept, name: str) -> None:
    sound = SANDBOX.as_wav(kept(files.payload(name), kind=MessageKind.VOICE))
    assert sound[:4] == b"RIFF"
    assert abs(len(sound) - 32_044) < 2_000, "a second of 16 kHz in 16 bits"


@pytest.mark.parametrize(
    ("container", "codec", "rate"), [("mp3", "mp3", 44_100), ("ogg", "libopus", 48_000), ("ipod", "aac", 44_100)]
)
def test_compressed_sound_becomes_wav(kept: Kept, container: str, codec: str, rate: int) -> None:
    sound = SANDBOX.as_wav(kept(files.sound(container, codec, rate), kind=MessageKind.VOICE))
    assert abs(len(sound) - 32_044) < 4_000


@pytest.mark.parametrize("mark", [b"ID3\x03\0\0\0\0\0\x0a" + bytes(10), b"OggS", b"#!AMR\n"])
def test_a_play_list_that_says_it_is_sound_opens_nothing(kept: Kept, mark: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(files.wav(2))
    target = f"{tmp_path}/secret.wav"
    for play_list in (
        f"#EXTM3U\n#EXTINF:9,\nfile://{target}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{target}'\n",
    ):
        with pytest.raises(InputError, match="voice_damaged"):
            SANDBOX.as_wav(kept(mark + play_list.encode(), kind=MessageKind.VOICE))


@pytest.mark.parametrize(
    ("content", "told"),
    [(files.wav(62), "voice_too_long"), (files.wav(0), "voice_empty"), (b"#!AMR\n" + b"\xff" * 99, "voice_damaged")],
)
def test_a_voice_that_cannot_be_heard_is_told(kept: Kept, content: bytes, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        SANDBOX.as_wav(kept(content, kind=MessageKind.VOICE))
    assert refusal.value.text_key == told
