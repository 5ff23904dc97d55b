"""Files that cannot be read as they are: each ends in one line that says what to do, and the others go on."""

import io
import zipfile
from pathlib import Path

import docx
import openpyxl
import pytest
from PIL import Image

from bot.errors import KnowledgeError
from bot.knowledge.archive import MAX_DEPTH, unpacked
from bot.knowledge.figures import FigureStore
from bot.knowledge.files import Found, find_files
from bot.knowledge.loaders import BlockKind, Document
from bot.knowledge.loaders.kinds import is_archive, kind_of
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.loaders.tabular import document_of_rows
from tests.media import files


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FileReader:
    return FileReader(FigureStore(tmp_path_factory.mktemp("figures")))


def read(reader: FileReader, folder: Path, name: str, content: bytes) -> Document:
    path = folder / name
    path.write_bytes(content)
    kind = kind_of(path, path.suffix)
    if kind == "sheets":
        return document_of_rows(path.stem, [(sheet.name, sheet.rows) for sheet in reader.sheets(path).sheets])
    return reader.document(path, kind, name=path.stem, folder=folder, progress=lambda _done, _total: None)


def saved_sheet() -> bytes:
    whole = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["甲"])
    book.save(whole)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdf", files.encrypted_pdf(), "asks for a password"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "asks for a password"),
        ("a.pdf", files.pdf(["x"])[:60], "damaged or cut off"),
        ("a.docx", files.word()[:5000], "damaged or cut off"),
        ("a.xlsx", saved_sheet()[:900], "damaged or cut off"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900), "damaged"),
        ("a.docx", files.zip_bomb(600 * 1024 * 1024), "unpacks to more than it may"),
        ("a.pdf", b"<html>no such page</html>", "no .pdf file, whatever its name says"),
        ("a.docx", b"PK\x05\x06" + bytes(18), "an archive of something else"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(99), "damaged"),
        ("a.pdf", b"", "it is empty"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900), "LibreOffice"),
    ],
)
def test_each_ends_in_one_line(reader: FileReader, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        read(reader, tmp_path, name, content)


def test_files_of_an_old_office_are_converted(
    reader: FileReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LibreOffice is not everywhere; what stands in for it here is called as it would be, and copies a file."""
    (tmp_path / "made.docx").write_bytes(files.word())
    office = tmp_path / "bin/soffice"
    office.parent.mkdir()
    copy = f'while [ "$1" != --outdir ]; do shift; done; cp {tmp_path}/made.docx "$2/given.docx"'
    office.write_text(f"#!/bin/sh\n{copy}\n", encoding="utf-8")
    office.chmod(0o755)
    monkeypatch.setenv("PATH", f"{office.parent}:/usr/bin:/bin")
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900)
    assert [section.path for section in read(reader, tmp_path, "old.doc", old).sections] == [("储存",), ("剂量",)]


def test_a_picture_of_many_pixels_is_refused_by_its_header(reader: FileReader, tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(whole, "PNG")
    with pytest.raises(KnowledgeError, match="too large"):
        read(reader, tmp_path, "bomb.png", whole.getvalue())


def test_five_hundred_pages_are_read_in_several_children(reader: FileReader, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "long.pdf"
    path.write_bytes(files.pdf(*([f"本页说明第{number}号规程，编号为 R{number:04d}。"] for number in range(1, 501))))
    document = reader.document(
        path,
        kind_of(path, ".pdf"),
        name="long",
        folder=tmp_path,
        progress=lambda done, total: told.append((done, total)),
    )
    blocks = [block for section in document.sections for block in section.blocks]
    assert [(block.page, f"R{block.page:04d}" in block.text) for block in blocks] == [(n, True) for n in range(1, 501)]
    assert len(told) > 4
    assert told[-1] == (500, 500)


def test_a_child_that_takes_too_much_ends_alone(tmp_path: Path) -> None:
    reader = FileReader(FigureStore(tmp_path), seconds=0.05)
    with pytest.raises(KnowledgeError, match="too much memory or time"):
        read(reader, tmp_path, "slow.docx", files.word())


def test_merged_cells_say_what_they_say_in_every_row(reader: FileReader, tmp_path: Path) -> None:
    whole, document = io.BytesIO(), docx.Document()
    table = document.add_table(rows=3, cols=2)
    for row, cells in enumerate((("科室", "电话"), ("影像科", "1001"), ("", "1002"))):
        for column, words in enumerate(cells):
            table.cell(row, column).text = words
    table.cell(1, 0).merge(table.cell(2, 0))
    document.save(whole)
    (block,) = read(reader, tmp_path, "merged.docx", whole.getvalue()).sections[0].blocks
    assert block.kind is BlockKind.TABLE
    assert block.text.splitlines()[2:] == ["| 影像科 | 1001 |", "| 影像科 | 1002 |"]


def test_a_sheet_may_begin_anywhere(reader: FileReader, tmp_path: Path) -> None:
    whole, book = io.BytesIO(), openpyxl.Workbook()
    for place, value in {"C4": "科室", "D4": "人数", "C5": "影像科", "D5": 12, "D6": 7.5}.items():
        book.active[place] = value
    book.active.merge_cells("C5:C6")
    book.create_sheet("秘密").sheet_state = "hidden"
    book.save(whole)
    (tmp_path / "a.xlsx").write_bytes(whole.getvalue())
    found = reader.sheets(tmp_path / "a.xlsx")
    assert found.notes == ("the hidden sheet 秘密 was passed over",)
    (sheet,) = found.sheets
    assert sheet.rows == [[], [], [], ["科室", "人数"], ["影像科", "12"], ["影像科", "7.5"]]


def test_a_page_shows_no_more_than_a_reader_sees(reader: FileReader, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("不该读到的文件")
    page = (
        "<body><nav>导航</nav><h1>题</h1><p style='display: none'>隐藏一</p><p hidden>隐藏二</p><!-- 注释 -->"
        "<script>脚本()</script><p>看得见的话。</p><img src='../../etc/passwd'><img src='secret.txt'>"
        "<ul><li>甲</li><li>乙<br>丙</li></ul><footer>页脚</footer></body>"
    )
    document = read(reader, tmp_path, "page.html", page.encode())
    assert document.title == "题"
    assert [block.text for block in document.sections[0].blocks] == ["看得见的话。", "- 甲\n- 乙 丙"]
    assert all(not block.figures for section in document.sections for block in section.blocks)


def test_the_same_words_on_every_page_are_no_knowledge(reader: FileReader, tmp_path: Path) -> None:
    pages = [["演示公司内部资料", *[f"第{n}页的正文在这里，写得很长很长。"] * 3] for n in range(1, 6)]
    document = read(reader, tmp_path, "heads.pdf", files.pdf(*pages))
    words = "".join(block.text for section in document.sections for block in section.blocks)
    assert "内部资料" not in words
    assert "第5页的正文" in words


def zipped(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def members(folder: Path, content: bytes) -> dict[str, str]:
    """What an archive holds, and what is said of each."""
    path = folder / "a.zip"
    path.write_bytes(content)
    archive = Found(path=path, source="a.zip", folder=folder)
    found = unpacked(archive, folder / "unpacked")
    return {each.source: each.problem or each.note or each.path.read_text() for each in found}


def test_an_archive_stays_in_its_place(tmp_path: Path) -> None:
    found = members(tmp_path, zipped({"../../up.md": b"up", "/abs.md": b"abs", "__MACOSX/x.md": b"", ".x.md": b""}))
    assert found == {"a.zip/up.md": "up", "a.zip/abs.md": "abs"}
    assert not (tmp_path.parent / "up.md").exists()


def test_an_archive_in_an_archive_in_an_archive_is_left(tmp_path: Path) -> None:
    content = zipped({"deep.md": b"x"})
    for _ in range(MAX_DEPTH):
        content = zipped({"inner.zip": content, "beside.md": b"y"})
    found = members(tmp_path, content)
    assert "unpack it" in found.pop("a.zip/inner.zip/inner.zip")
    assert found == {"a.zip/beside.md": "y", "a.zip/inner.zip/beside.md": "y"}


def test_of_two_members_of_one_name_the_second_takes_nobodys_place(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.md": b"one", "./a.md": b"two"}))
    archive = Found(path=path, source="a.zip", folder=tmp_path)
    first, second = (
        (each.source, each.problem or each.path.read_text()) for each in unpacked(archive, tmp_path / "unpacked")
    )
    assert first == ("a.zip/a.md", "one")
    assert "rename one" in second[1]


def test_a_bomb_is_counted_while_it_is_unpacked(tmp_path: Path) -> None:
    found = members(tmp_path, zipped({"before.md": b"fine", "bomb.txt": bytes(50 * 1024 * 1024)}))
    assert found["a.zip/before.md"] == "fine"
    assert "unpacks to far more" in found["a.zip"]


def test_a_member_with_a_password_is_told_alone(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.md": b"secret", "b.md": b"open"}))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag of encryption, in both places that name the first member
        at = content.index(mark)
        content[at + (6 if mark[2] == 3 else 8)] |= 1
    found = members(tmp_path, bytes(content))
    assert found["a.zip/b.md"] == "open"
    assert "password" in found["a.zip/a.md"]


def test_a_name_that_a_display_would_obey_is_refused_and_shown_harmless(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\n.md").write_text("字。", encoding="utf-8")
    (found,) = find_files([tmp_path])
    assert found.problem == "its name holds control characters: rename it"
    assert found.printable.endswith(r"a\x1b[2J\n.md")
    assert members(tmp_path, zipped({"b\x1b.md": b"x"})) == {"a.zip/b\x1b.md": found.problem}


def test_a_word_file_under_the_name_of_an_archive_is_read_as_one(reader: FileReader, tmp_path: Path) -> None:
    document = read(reader, tmp_path, "规定.zip", files.word())
    assert not is_archive(tmp_path / "规定.zip")
    assert [section.path for section in document.sections] == [("储存",), ("剂量",)]
