"""Files of strangers, parsed by real parsers in a process of their own."""

import io
import threading
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import InputError, Unavailable
from bot.media.parsing.sandbox import MAX_CHARS, Sandbox
from bot.media.parsing.sections import Unit
from bot.messages import MessageKind
from tests.knowledge.varied_files import Varied, varied_files
from tests.media import files
from tests.media.conftest import Kept

SANDBOX = Sandbox(pictures=2)
READ = ("期刊.pdf", "图示.pdf", "差旅.docx", "销量.pptx", "班车.xls", "请假.html", "健身房.txt")
"""Of the files that the knowledge is tried with: columns, text boxes, charts, an old workbook, GB18030."""


def blocks(kept: Kept, content: bytes, name: str = "file") -> list[tuple[str, int, str]]:
    """Each block's headings, page and text."""
    document = SANDBOX.parse(kept(content, name)).document
    return [
        (" › ".join(section.path), block.page, block.text) for section in document.sections for block in section.blocks
    ]


def test_the_paragraphs_of_a_pdf_know_their_pages(kept: Kept) -> None:
    content = files.pdf(["星河造影剂说明书：", "开封后须在四小时内用完。"], [], ["运输途中不得冷冻。"])
    parsed = SANDBOX.parse(kept(content))
    assert (parsed.unit, parsed.count, parsed.cut) == (Unit.PAGE, 3, False)
    assert blocks(kept, content) == [
        ("", 1, "星河造影剂说明书：开封后须在四小时内用完。"),
        ("", 3, "运输途中不得冷冻。"),
    ]


@pytest.mark.parametrize("varied", [each for each in varied_files() if each.name in READ], ids=lambda each: each.name)
def test_what_the_knowledge_reads_is_read_here_by_the_same_loaders(kept: Kept, varied: Varied) -> None:
    text = SANDBOX.parse(kept(varied.content, varied.name)).text
    assert " ".join(varied.says.replace("|", " ").split()) in text


def test_a_word_file_is_told_by_its_headings_and_its_tables_stay_tables(kept: Kept) -> None:
    assert blocks(kept, files.word()) == [
        ("储存", 0, "开封后须在四小时内用完。"),
        ("剂量", 0, "| 人群 | 每千克体重 |\n| --- | --- |\n| 成人 | 一点五毫升 |\n| 儿童 | 一毫升 |"),
    ]
    assert SANDBOX.parse(kept(files.word())).text.endswith("人群 每千克体重\n成人 一点五毫升\n儿童 一毫升")


def test_slides_are_numbered_and_bring_their_notes(kept: Kept) -> None:
    assert blocks(kept, files.slides()) == [
        ("", 1, "课程安排"),
        ("", 2, "报名截止到九月十五日"),
        ("", 2, "提醒大家带学员证"),
    ]
    parsed = SANDBOX.parse(kept(files.slides(), "课件.pptx"))
    assert (parsed.unit, parsed.count, parsed.document.title) == (Unit.SLIDE, 2, "课件")


def test_each_sheet_is_a_table_under_its_name(kept: Kept) -> None:
    ((sheet, _, text),) = blocks(kept, files.sheet())
    assert sheet == "排班"
    assert text.splitlines()[0] == "| 日期 | 值班医生 | 电话 |"
    assert "| 周二 | 李娜 | 8022 |" in text


def test_rows_that_a_sheet_does_not_own_up_to_are_read_too(kept: Kept) -> None:
    """Exporters write what extent they like; a reader might stop there without a word."""
    modest = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(files.sheet())) as sound, zipfile.ZipFile(modest, "w") as archive:
        for member in sound.infolist():
            archive.writestr(member, sound.read(member).replace(b'ref="A1:C3"', b'ref="A1"'))
    ((_, _, text),) = blocks(kept, modest.getvalue())
    assert "| 周二 | 李娜 | 8022 |" in text


def test_texts_are_read_in_either_encoding_and_by_their_names(kept: Kept) -> None:
    assert blocks(kept, "# 题\n\n## 甲\n\n一段。".encode(), "a.md") == [("甲", 0, "一段。")]
    assert blocks(kept, "问题,答案\n几点,八点".encode("gb18030"), "a.csv")[0][2].endswith("| 几点 | 八点 |")
    assert blocks(kept, "一行\n又一行".encode(), "a.txt") == [("", 0, "一行\n又一行")]
    page = "<html><nav>目录</nav><main><h2>甲</h2><p>一段。</p></main></html>".encode()
    assert blocks(kept, page, "a.html") == [("甲", 0, "一段。")]


def test_a_long_file_is_cut_and_says_so(kept: Kept) -> None:
    parsed = SANDBOX.parse(kept(("很长的一行。\n" * 20_000).encode(), "a.txt"))
    assert parsed.cut
    assert len(parsed.text) <= MAX_CHARS + len("a\n")


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
    hurried, pages = Sandbox(others=1, patience_s=0.0), kept(files.pdf(["words"]))
    told: list[str] = []

    def read() -> None:
        together.wait()
        try:
            told.append(hurried.parse(pages).document.sections[0].blocks[0].text)
        except Unavailable:
            told.append("busy")

    together = threading.Barrier(3)
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["busy", "busy", "words"]


def test_the_parser_gets_none_of_our_secrets(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is of our making: what a broken parser could read there is nothing."""
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # with it no Python would start at all
    assert blocks(kept, b"words", "a.txt") == [("", 0, "words")]


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
