"""Thirty files as companies have them, of every kind that is read: each answers a question that no other can.

All of it is invented. What cannot be made everywhere, such as pictures of print, lies in ``tests/payloads/knowledge``.
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
import openpyxl
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    Image,
    PageBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

KEPT = Path(__file__).parent.parent / "payloads/knowledge"
_FONT = "STSong-Light"
_TEXT = ParagraphStyle("text", fontName=_FONT, fontSize=10.5, leading=16, firstLineIndent=21, wordWrap="CJK")
_HEAD = ParagraphStyle("head", fontName=_FONT, fontSize=15, leading=26)
_FILLER = (
    "本节由演示公司编写，内容均为虚构，仅供测试使用，不作任何实际用途。请相关同事认真阅读，有疑问时向编写部门提出。"
)


@dataclass(frozen=True, kw_only=True)
class Varied:
    """A file, and a question with what its answer must say; ``page`` where it stands, 0 where files have no pages."""

    name: str
    content: bytes
    question: str
    says: str
    page: int = 0


def varied_files() -> list[Varied]:
    """All of them."""
    return [*_texts(), *_tables(), *_pdfs(), *_office(), *_pages(), *_others()]


def _texts() -> list[Varied]:
    parking = "访客停车须知\n\n访客车辆停在地下二层 C 区，每次最多停四小时，超时每小时收八元。\n\n" + _FILLER
    return [
        Varied(
            name="打印.md",
            content=b"# \xe6\x89\x93\xe5\x8d\xb0\n\n"
            + "## 彩色打印\n\n彩色打印每人每月额度一百二十页，超出须部门经理批准。\n".encode(),
            question="彩色打印每月额度多少页？",
            says="一百二十页",
        ),
        Varied(
            name="网络.markdown",
            content="---\ntitle: 无线网络\n---\n## 访客网络\n\n名为 Yanshi-Guest，密码每天早上七点更换。\n".encode(),
            question="访客网络密码什么时候更换？",
            says="每天早上七点",
        ),
        Varied(name="停车.txt", content=parking.encode("gb18030"), question="访客车辆停在哪里？", says="地下二层 C 区"),
        Varied(
            name="健身房.txt",
            content=b"\xef\xbb\xbf" + "健身房\n\n健身房每晚九点半关门，进入须换室内运动鞋。\n".encode(),
            question="健身房晚上几点关门？",
            says="九点半",
        ),
    ]


def _tables() -> list[Varied]:
    faq = "问题,相似问题,答案\n如何申请工牌补办？,工牌丢了怎么办|补办工牌,在人事系统提交申请，工本费二十元。\n"
    phones = "科室,内线电话,负责人\n设备维修,6102,陈工\n保洁服务,6230,周姐\n安保值班,6999,郑队\n"
    book = openpyxl.Workbook()
    questions = book.active
    questions.title = "常见问题"
    for row in (("问题", "答案"), ("年度体检安排在几月？", "年度体检安排在每年十月的第二周。")):
        questions.append(row)
    rooms = book.create_sheet("会议室")
    rooms.append(["会议室清单"])
    rooms.merge_cells("A1:C1")
    for row in (("名称", "容纳人数", "设备"), ("银杏厅", 24, "双屏投影"), ("海棠厅", 8, "电子白板")):
        rooms.append(row)
    return [
        Varied(name="工牌.csv", content=faq.encode("utf-8-sig"), question="工牌丢了怎么办", says="工本费二十元"),
        Varied(name="内线.csv", content=phones.encode(), question="设备维修的内线电话是多少？", says="6102"),
        Varied(name="手册.xlsx", content=_saved(book.save), question="银杏厅能容纳多少人？", says="银杏厅 | 24"),
        Varied(
            name="班车.xls", content=(KEPT / "shuttle.xls").read_bytes(), question="东湖线末班车几点？", says="21:40"
        ),
    ]


def _pdfs() -> list[Varied]:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    spread = [Paragraph("仪器借用办法", _HEAD), *_fill(3), PageBreak(), Paragraph("逾期", _HEAD)]
    spread.append(Paragraph("借用超声探头逾期不还的，每天扣押金的百分之三。", _TEXT))
    table = Table(
        [["样本", "保存温度", "保存期限"], ["血清", "零下八十度", "五年"], ["组织切片", "四度", "十年"]],
        colWidths=[4 * cm] * 3,
        style=[("FONT", (0, 0), (-1, -1), _FONT, 10.5), ("GRID", (0, 0), (-1, -1), 0.5, colors.black)],
    )
    open_table = Table(
        [["试剂", "开瓶后有效期"], ["甲醛溶液", "九十天"], ["缓冲液", "十四天"], ["染色剂", "三十天"]],
        colWidths=[5 * cm] * 2,
        style=[
            ("FONT", (0, 0), (-1, -1), _FONT, 10.5),
            ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
            ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
            ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
        ],
    )
    columns = [
        *_fill(12),
        Paragraph("实验动物房的换气次数不得少于每小时十五次，湿度保持在百分之五十。", _TEXT),
        *_fill(30),
    ]
    scan = Image(str(KEPT / "scan.png"), width=16 * cm, height=4.5 * cm)
    figure = Image(str(KEPT / "slide.png"), width=10 * cm, height=3 * cm)
    return [
        Varied(name="借用.pdf", content=_pdf(spread), question="超声探头逾期不还每天扣多少？", says="百分之三", page=2),
        Varied(
            name="样本.pdf",
            content=_pdf([Paragraph("样本库", _HEAD), *_fill(3), table]),
            question="组织切片保存期限是多久？",
            says="| 组织切片 | 四度 | 十年 |",
            page=1,
        ),
        Varied(
            name="试剂.pdf",
            content=_pdf([Paragraph("试剂管理", _HEAD), *_fill(3), open_table, Spacer(1, 20), *_fill(2)]),
            question="甲醛溶液开瓶后有效期多少天？",
            says="| 甲醛溶液 | 九十天 |",
            page=1,
        ),
        Varied(
            name="期刊.pdf", content=_two_columns(columns), question="实验动物房换气次数是多少？", says="十五次", page=1
        ),
        Varied(name="扫描.pdf", content=_scan(scan), question="备用钥匙放在哪里？", says="红色铁盒", page=1),
        Varied(
            name="图示.pdf",
            content=_pdf(
                [Paragraph("门禁", _HEAD), Paragraph("后门的门禁卡读头如下图，刷卡时听到两声蜂鸣。", _TEXT), figure]
            ),
            question="后门刷卡时听到几声蜂鸣？",
            says="两声蜂鸣",
            page=1,
        ),
    ]


def _office() -> list[Varied]:
    return [
        Varied(
            name="差旅.docx",
            content=_word(
                [("差旅标准", 1), ("住宿", 2), "去杭州出差住宿每晚不超过四百六十元。", ("餐补", 2), "餐补每天九十元。"]
            ),
            question="去杭州出差住宿每晚上限多少？",
            says="四百六十元",
        ),
        Varied(
            name="采购.docx",
            content=_word(
                [("采购", 1), [["金额", "审批人"], ["五万元以下", "部门总监"], ["五万元以上", "采购委员会"]]]
            ),
            question="五万元以上的采购由谁审批？",
            says="| 五万元以上 | 采购委员会 |",
        ),
        Varied(
            name="值班.docx",
            content=_text_box("夜间值班室在门诊楼 307 房间。"),
            question="夜间值班室在哪个房间？",
            says="307",
        ),
        Varied(
            name="培训.pptx",
            content=_slides([("培训安排", "第一课讲安全生产"), ("考核", "补考安排在结业后第三周的周六")]),
            question="考核没过，补考是哪一天？",
            says="第三周的周六",
            page=2,
        ),
        Varied(
            name="销量.pptx", content=_chart(), question="第三季度耗材用量是多少？", says="| 第三季度 | 4821 |", page=1
        ),
        Varied(name="讲义.pptx", content=_noted(), question="讲师休息室的门锁密码多久换一次？", says="每两周", page=1),
        Varied(name="接口.pptx", content=_pictured(), question="报告厅投影仪接受什么接口？", says="HDMI", page=1),
    ]


def _pages() -> list[Varied]:
    head = "<!doctype html><html><head><meta charset=utf-8><title>{}</title></head>"
    shell = head + "<body><nav>首页 关于我们</nav>{}<footer>版权</footer></body></html>"
    leave = "<main><h1>请假</h1><h2>陪产假</h2><p>陪产假为<b>十五</b>个自然日，须提前一周申请。</p></main>"
    prices = (
        "<table><tr><th>套餐</th><th>价格</th></tr><tr><td>素食套餐</td><td>十六元</td></tr>"
        "<tr><td>面食套餐</td><td>十四元</td></tr></table>"
    )
    archive = "<h1>档案</h1><p>纸质病历归档后保存三十年，借阅须双人签字。</p>"
    return [
        Varied(
            name="请假.html",
            content=shell.format("请假", leave).encode(),
            question="陪产假有多少天？",
            says="十五个自然日",
        ),
        Varied(
            name="食堂.htm",
            content=shell.format("食堂", prices).replace("utf-8", "gb2312").encode("gb18030"),
            question="素食套餐多少钱？",
            says="| 素食套餐 | 十六元 |",
        ),
        Varied(name="归档.html", content=archive.encode(), question="纸质病历归档后保存多少年？", says="三十年"),
    ]


def _others() -> list[Varied]:
    long_rows = "\n".join(f"| 设备{n} | 机房{n % 5} | 型号X{n} |" for n in range(80))
    catalogue = f"# 设备清单\n\n| 名称 | 位置 | 型号 |\n| --- | --- | --- |\n{long_rows}\n| 离心机 | 西配楼 | LXJ-9 |\n"
    nested = _zip({"内层/消防.md": "# 消防\n\n消防演练每半年一次，集合点在喷泉广场。\n".encode()})
    return [
        Varied(
            name="海报.png",
            content=(KEPT / "poster.png").read_bytes(),
            question="储物柜什么时候清空？",
            says="周日",
        ),
        Varied(name="设备.md", content=catalogue.encode(), question="离心机在哪里，什么型号？", says="LXJ-9"),
        Varied(
            name="资料包.zip",
            content=_zip(
                {"制度/图书.txt": "图书借阅\n\n专业图书最多借六本，期限四十五天。\n".encode(), "说明.bin": b"\0"}
            ),
            question="专业图书最多借几本？",
            says="六本",
        ),
        Varied(
            name="套装.zip", content=_zip({"内层.zip": nested}), question="消防演练的集合点在哪里？", says="喷泉广场"
        ),
        Varied(
            name="旧系统.zip",
            content=_gbk_zip("通知/快递.txt", "快递统一放在北门丰巢柜，生鲜快递放冷藏格。\n"),
            question="生鲜快递放在哪里？",
            says="冷藏格",
        ),
        Varied(
            name="规程/无菌.md",
            content="# 无菌操作\n\n超净台使用前紫外照射二十五分钟，结束后再照十分钟。\n".encode(),
            question="超净台使用前紫外照射多少分钟？",
            says="二十五分钟",
        ),
    ]


def _fill(count: int) -> list[Any]:
    return [Paragraph(f"第{number}条 {_FILLER}", _TEXT) for number in range(1, count + 1)]


def _pdf(story: Sequence[Any]) -> bytes:
    whole = io.BytesIO()
    SimpleDocTemplate(whole, pagesize=A4).build(list(story))
    return whole.getvalue()


def _two_columns(story: Sequence[Any]) -> bytes:
    whole = io.BytesIO()
    document = BaseDocTemplate(whole, pagesize=A4)
    frames = [Frame(2 * cm + side * 8.5 * cm, 2 * cm, 8 * cm, 25 * cm) for side in (0, 1)]
    document.addPageTemplates(PageTemplate(frames=frames))
    document.build(list(story))
    return whole.getvalue()


def _scan(picture: Image) -> bytes:
    """A page that is nothing but a picture, as scanners make them."""
    whole = io.BytesIO()
    document = SimpleDocTemplate(whole, pagesize=(17 * cm, 6 * cm), margin=0, leftMargin=0, rightMargin=0)
    document.topMargin = document.bottomMargin = 0.3 * cm
    document.build([picture])
    return whole.getvalue()


def _word(parts: Sequence[Any]) -> bytes:
    """Headings as (words, level), tables as rows, paragraphs as words."""
    document = docx.Document()
    for part in parts:
        if isinstance(part, tuple):
            document.add_heading(part[0], level=part[1])
        elif isinstance(part, list):
            table = document.add_table(rows=0, cols=len(part[0]))
            for row in part:
                for cell, words in zip(table.add_row().cells, row, strict=True):
                    cell.text = words
        else:
            document.add_paragraph(part)
    return _saved(document.save)


def _text_box(words: str) -> bytes:
    """A Word file whose words stand in a text box inside a content control, as templates have them."""
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    content = _word(["正文", "MARK"])
    boxed = f"<w:pict><w:txbxContent xmlns:w='{w}'><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:txbxContent></w:pict>"
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(whole, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == "word/document.xml":
                data = data.replace(b"<w:t>MARK</w:t>", boxed.encode())
            new.writestr(member.filename, data)
    return whole.getvalue()


def _slides(pages: Sequence[tuple[str, str]]) -> bytes:
    deck = Presentation()
    for title, words in pages:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, words
    return _saved(deck.save)


def _chart() -> bytes:
    deck, data = Presentation(), CategoryChartData()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "耗材用量"
    data.categories = ["第一季度", "第二季度", "第三季度"]
    data.add_series("耗材用量", (3977, 4105, 4821))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(6), Inches(4), data)
    return _saved(deck.save)


def _noted() -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "讲师须知"
    slide.notes_slide.notes_text_frame.text = "讲师休息室的门锁密码每两周更换一次，向教务处索取。"
    return _saved(deck.save)


def _pictured() -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_picture(str(KEPT / "slide.png"), Inches(1), Inches(1), Inches(8))
    return _saved(deck.save)


def _zip(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def _gbk_zip(name: str, text: str) -> bytes:
    """With names as Windows in China writes them: bytes of GB18030 without a mark."""
    raw = name.encode("gb18030")
    plain = _zip({"x" * len(raw): text.encode("gb18030")})
    return plain.replace(b"x" * len(raw), raw)


def _saved(save: Callable[[Any], object]) -> bytes:
    whole = io.BytesIO()
    save(whole)
    return whole.getvalue()
