"""One parser on one file: ``python -m benchmarks.parser_candidates NAME FILE`` prints its text, and what it took.

A process of its own, so that the peak of memory is this parser's. Each library is imported where it is used: nothing of
ours needs them, and who has not installed one measures the others.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any


def pdf_pdfium(path: Path) -> str:
    """pypdfium2's own order of a page's text."""
    import pypdfium2

    return "\n".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path))


def pdf_pdfplumber(path: Path) -> str:
    """pdfplumber: text, and the tables it finds by their lines."""
    pdfplumber = import_module("pdfplumber")
    parts = []
    with pdfplumber.open(path) as document:
        for page in document.pages:
            parts.append(page.extract_text() or "")
            parts += [_rows(table) for table in page.extract_tables()]
    return "\n".join(parts)


def pdf_pdfminer(path: Path) -> str:
    """pdfminer.six with its analysis of the layout."""
    return str(import_module("pdfminer.high_level").extract_text(path))


def pdf_pypdf(path: Path) -> str:
    """pypdf."""
    return "\n".join(page.extract_text() for page in import_module("pypdf").PdfReader(path).pages)


def docx_python_docx(path: Path) -> str:
    """python-docx, walking the body."""
    import docx
    from docx.table import Table

    return "\n".join(
        _rows([cell.text for cell in row.cells] for row in block.rows) if isinstance(block, Table) else block.text
        for block in docx.Document(str(path)).iter_inner_content()
    )


def docx_mammoth(path: Path) -> str:
    """mammoth to HTML, and that to text by selectolax."""
    with path.open("rb") as file:
        return _html_text(import_module("mammoth").convert_to_html(file).value)


def docx_docx2python(path: Path) -> str:
    """docx2python."""
    with import_module("docx2python").docx2python(path) as document:
        return "\n".join(_rows([[" ".join(cell) for cell in row] for row in table]) for table in document.document)


def markitdown(path: Path) -> str:
    """markitdown, which reads several kinds (through mammoth, python-pptx, pandas and pdfminer)."""
    return str(import_module("markitdown").MarkItDown().convert(path).text_content)


def pptx_python_pptx(path: Path) -> str:
    """python-pptx, shapes from top to bottom, with notes."""
    from pptx import Presentation

    lines = []
    for slide in Presentation(str(path)).slides:
        for shape in sorted(slide.shapes, key=lambda each: (each.top or 0, each.left or 0)):
            if shape.has_text_frame:
                lines.append(shape.text_frame.text)
            if shape.has_table:
                lines.append(_rows([cell.text for cell in row.cells] for row in shape.table.rows))
        if slide.has_notes_slide:
            lines.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(lines)


def pptx_lxml(path: Path) -> str:
    """The text runs of the slides' XML, in its order."""
    import zipfile

    from lxml import etree

    words = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
    lines = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith(("ppt/slides/slide", "ppt/notesSlides/notesSlide")) and name.endswith(".xml"):
                tree = etree.fromstring(archive.read(name))
                lines += ["".join(each.itertext(f"{words}t")) for each in tree.iter(f"{words}p")]
    return "\n".join(lines)


def xlsx_openpyxl(path: Path) -> str:
    """openpyxl, read only."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return "\n".join(_rows(sheet.iter_rows(values_only=True)) for sheet in book.worksheets)


def xlsx_calamine(path: Path) -> str:
    """python-calamine, written in Rust; reads XLS as well."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    return "\n".join(_rows(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names)


def html_selectolax(path: Path) -> str:
    """selectolax, without what is not shown."""
    return _html_text(path.read_text(encoding="utf-8"))


def html_lxml(path: Path) -> str:
    """lxml's text of the whole page."""
    from lxml import html

    return "\n".join(html.fromstring(path.read_bytes()).itertext())


def html_soup(path: Path) -> str:
    """BeautifulSoup on Python's own parser."""
    return str(import_module("bs4").BeautifulSoup(path.read_bytes(), "html.parser").get_text("\n"))


def html_trafilatura(path: Path) -> str:
    """trafilatura, which looks for the main text."""
    extract = import_module("trafilatura").extract
    return str(extract(path.read_text(encoding="utf-8"), include_tables=True) or "")


def html_inscriptis(path: Path) -> str:
    """inscriptis, which lays a page out as text."""
    return str(import_module("inscriptis").get_text(path.read_text(encoding="utf-8")))


def picture_rapidocr(path: Path) -> str:
    """rapidocr with its defaults."""
    return _rapidocr(path, {})


def picture_rapidocr_2048(path: Path) -> str:
    """rapidocr that enlarges nothing and looks for lines in up to 2,048 pixels a side."""
    return _rapidocr(path, {"Det.limit_type": "max", "Det.limit_side_len": 2048})


def picture_rapidocr_960(path: Path) -> str:
    """rapidocr that looks for lines in 960 pixels a side."""
    return _rapidocr(path, {"Det.limit_type": "max", "Det.limit_side_len": 960})


def product(path: Path) -> str:
    """What this product reads."""
    from benchmarks.parser_product import text_of

    return text_of(path)


CANDIDATES: dict[str, tuple[Callable[[Path], str], ...]] = {
    "pdf": (pdf_pdfium, pdf_pdfplumber, pdf_pdfminer, pdf_pypdf, product),
    "picture": (picture_rapidocr, picture_rapidocr_2048, picture_rapidocr_960, product),
    "docx": (docx_python_docx, docx_mammoth, docx_docx2python, markitdown, product),
    "pptx": (pptx_python_pptx, pptx_lxml, markitdown, product),
    "xlsx": (xlsx_openpyxl, xlsx_calamine, markitdown, product),
    "html": (html_selectolax, html_lxml, html_soup, html_trafilatura, html_inscriptis, product),
}


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    return "\n".join(" | ".join("" if cell is None else " ".join(str(cell).split()) for cell in row) for row in rows)


def _html_text(page: str) -> str:
    tree = import_module("selectolax.lexbor").LexborHTMLParser(page)
    tree.strip_tags(["script", "style", "nav", "footer"])
    for row in tree.css("tr"):
        row.replace_with("\n" + " | ".join(cell.text(strip=True) for cell in row.css("td,th")) + "\n")
    return str(tree.body.text(separator="\n")) if tree.body else ""


def _rapidocr(path: Path, options: dict[str, Any]) -> str:
    reader = import_module("rapidocr").RapidOCR
    fixed = {"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
    return "\n".join(reader(params=fixed | options)(str(path)).txts or ())


def _peak_kilobytes() -> int:
    """Of this process alone: what the resource module says includes the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Parse one file with one candidate."""
    name, path = sys.argv[1], Path(sys.argv[2])
    parse = next(each for group in CANDIDATES.values() for each in group if each.__name__ == name)
    text = parse(path)
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(each.ru_utime + each.ru_stime for each in spent)
    megabytes = max(_peak_kilobytes(), spent[1].ru_maxrss) / 1024  # the product reads in a child of its own
    print(json.dumps({"text": text, "seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
