"""Real files of the kinds that people send, made here or kept in ``tests/payloads/media``."""

import io
import wave
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import av
import docx
import numpy as np
import openpyxl
from pptx import Presentation
from pptx.util import Inches

PAYLOADS = Path(__file__).parent.parent / "payloads/media"


def pdf(*pages: Sequence[str]) -> bytes:
    """A PDF of these pages, each of these lines, in a font that every reader of Chinese knows by name."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(pages), b" ".join(b"%d 0 R" % (5 + 2 * at) for at in range(len(pages)))),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
    ]
    for at, lines in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F 3 0 R >> >> >>" % (6 + 2 * at)
        )
        shown = b"".join(b"<%s> Tj T*\n" % line.encode("utf-16-be").hex().encode() for line in lines)
        content = b"BT /F 12 Tf 20 TL 50 780 Td\n" + shown + b"ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return _assembled(objects)


def _assembled(objects: Sequence[bytes]) -> bytes:
    whole, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return whole + head + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(whole))


def word() -> bytes:
    """A Word file with two headings and a table."""
    document, whole = docx.Document(), io.BytesIO()
    document.add_heading("储存", level=1)
    document.add_paragraph("开封后须在四小时内用完。")
    document.add_heading("剂量", level=1)
    table = document.add_table(rows=0, cols=2)
    for left, right in (("人群", "每千克体重"), ("成人", "一点五毫升"), ("儿童", "一毫升")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = left, right
    document.save(whole)
    return whole.getvalue()


def slides() -> bytes:
    """A PowerPoint file of two slides, the second with a note."""
    presentation, whole = Presentation(), io.BytesIO()
    for words in ("课程安排", "报名截止到九月十五日"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        slide.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1)).text_frame.text = words
    slide.notes_slide.notes_text_frame.text = "提醒大家带学员证"
    presentation.save(whole)
    return whole.getvalue()


def sheet() -> bytes:
    """An Excel file with a header and two rows."""
    workbook, whole = openpyxl.Workbook(), io.BytesIO()
    page = workbook.active
    page.title = "排班"
    for row in (("日期", "值班医生", "电话"), ("周一", "王芳", 8021), ("周二", "李娜", 8022)):
        page.append(row)
    workbook.save(whole)
    return whole.getvalue()


def zip_bomb(unpacked: int = 300 * 1024 * 1024) -> bytes:
    """A small archive that claims to be a Word file and unpacks to ``unpacked`` bytes, whole megabytes of zeros: one is
    packed, and repeated."""
    zeros, megabytes = bytes(1024 * 1024), unpacked // (1024 * 1024)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)  # after it nothing refers to what came before
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(zeros, checksum)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("word/document.xml", packed * megabytes + packer.flush())
        (member,) = archive.infolist()
        member.compress_type, member.CRC, member.file_size = zipfile.ZIP_DEFLATED, checksum, megabytes * len(zeros)
        whole.seek(member.header_offset)
        whole.write(member.FileHeader())
    return whole.getvalue()


def wav(seconds: float) -> bytes:
    """Silence."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000) * 2))
    return whole.getvalue()


def sound(container: str, codec: str, rate: int) -> bytes:
    """A second of silence as phones compress it."""
    whole = io.BytesIO()
    with av.open(whole, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, rate), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 960
        )
        for each in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(each))
        file.mux(stream.encode(None))
    return whole.getvalue()


def payload(name: str) -> bytes:
    """A file of ``tests/payloads/media``."""
    return (PAYLOADS / name).read_bytes()


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password."""
    plain = pdf(["秘密"])
    encryption = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"ab" * 32, b"cd" * 32)
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R /ID [<00><00>] /Encrypt " + encryption)


def heavy_word(elements: int = 8_000_000) -> bytes:
    """A small, sound Word file whose one member becomes more objects than fit into the parser's memory."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as sound, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sound.infolist():
            content = sound.read(member)
            if member.filename == "word/document.xml":
                content = content.replace(b"<w:body>", b"<w:body>" + b"<w:p/>" * elements)
            archive.writestr(member.filename, content)
    return whole.getvalue()
