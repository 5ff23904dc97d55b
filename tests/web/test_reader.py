"""The page behind a citation, over HTTP."""

import base64
import hashlib
import re
import time
from dataclasses import replace

import pytest

from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import make_entry
from bot.links import DAY_S, SourceLinks
from bot.web.reader import MOST_PICTURES
from tests.web.library import BASE_URL, NOON, Library, faq, section

DAY = 86_400.0
MANUAL = "# 学员手册\n\n" + section("注册", "先填写姓名。") + section("登录", "再输入密码。", "忘记密码请找服务台。")


def test_the_page_shows_the_document_at_the_cited_passage(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, MANUAL)
    page = library.open(entries[1])
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert '<html lang="zh-CN">' in page.text
    assert "<h1>学员手册</h1>" in page.text
    assert re.findall(r"<h2>(.+)</h2>", page.text) == ["注册", "登录"]
    before, cited = page.text.split('<section class="passage cited" id="cited"')
    assert "先填写姓名。" in before
    assert "再输入密码。" in cited
    assert "引用处" in cited
    assert "第 1 版，2026-01-01 审核通过" in page.text
    assert f"来源 {origin.source}" in page.text
    assert "现行有效" in page.text
    assert 'class="warning"' not in page.text
    assert 'href="#cited"' in page.text


def test_the_page_says_when_its_link_ends(library: Library) -> None:
    entries = library.put(library.origin(".md"), MANUAL)
    expected = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600 + 30 * DAY_S))
    assert f"此链接在 {expected} 到期" in library.open(entries[0]).text


@pytest.mark.parametrize(
    ("accept_language", "english"),
    [
        ("", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", False),
        ("en-US,en;q=0.9,zh;q=0.8", True),
        ("fr", False),
        ("*", False),
        ("en;q=0.1,zh;q=0.9", False),
    ],
)
def test_the_page_speaks_the_readers_language(library: Library, accept_language: str, english: bool) -> None:
    entries = library.put(library.origin(".md"), MANUAL)
    page = library.open(entries[0], accept_language=accept_language)
    assert ("Cited passage" in page.text, "引用处" in page.text) == (english, not english)
    assert page.headers["Content-Language"] == ("en" if english else "zh-CN")


def picture(library: Library, content: bytes = b"\x89PNG seen") -> str:
    """A picture that was kept at ingestion; its id."""
    id_ = hashlib.sha256(content).hexdigest() + ".png"
    (library.figures / id_[:2]).mkdir(exist_ok=True)
    (library.figures / id_[:2] / id_).write_bytes(content)
    return id_


def manual(library: Library, *figures: str, suffix: str = ".pdf") -> list[Entry]:
    """Three passages on two pages, the second with ``figures``."""
    origin = library.origin(suffix)
    made = [
        make_entry(origin, kind=EntryKind.PASSAGE, title="手册", text=text, location=location, page=page, figures=shown)
        for text, location, page, shown in (
            ("先按红键。", "开机", 3, ()),
            ("再按绿键。\n\n| 灯 | 意思 |\n| --- | --- |\n| <b>红</b> | *停* |\n\n等三秒。", "开机", 3, figures),
            ("拔下插头。", "关机", 4, ()),
        )
    ]
    return library.put_entries(origin, *made, title="手册")


def test_the_page_names_pages_and_shows_the_pictures_of_the_cited_passage(library: Library) -> None:
    seen = picture(library)
    entries = manual(library, seen)
    page = library.open(entries[1]).text
    assert "引用处 · 第 3 页" in page
    assert re.findall(r'<p class="place">(.+)</p>', page) == ["第 3 页", "第 4 页"]
    (address,) = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="《手册》中与引用处相连的图">', page)
    assert base64.b64decode(address) == b"\x89PNG seen"
    assert page.index('id="cited"') < page.index("<img") < page.index("拔下插头。")
    assert "<img" not in library.open(entries[0]).text
    assert "引用处 · 第 3 张幻灯片" in library.open(manual(library, suffix=".pptx")[1]).text


def test_a_table_that_was_read_from_a_file_is_one_and_its_words_stay_as_they_are(library: Library) -> None:
    page = library.open(manual(library)[1]).text
    assert "<td>&lt;b&gt;红&lt;/b&gt;</td>\n<td>*停*</td>" in page
    assert '<p class="plain">再按绿键。</p><table>' in page
    assert '<p class="plain">等三秒。</p>' in page


def test_pictures_that_are_gone_or_too_many_are_said_to_be(library: Library) -> None:
    many = [picture(library, b"%d" % at) for at in range(MOST_PICTURES + 2)]
    page = library.open(manual(library, *many)[1]).text
    assert page.count("<img") == MOST_PICTURES
    assert "引用处另有 2 张图，未在此显示" in page
    gone = library.open(manual(library, "0" * 64 + ".png")[1])
    assert (gone.status_code, gone.text.count("<img")) == (200, 0)
    assert "引用处另有 1 张图，未在此显示" in gone.text


def test_every_answer_keeps_to_itself(library: Library) -> None:
    entries = library.put(library.origin(".md"), MANUAL)
    for page in (library.open(entries[0]), library.client.get("/source/forged")):
        policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert policy == {
            "default-src": "'none'",
            "style-src": f"'sha256-{digest}'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert page.headers["Cache-Control"] == "private, no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"<(script|img|link|iframe)\b| style=| on\w+=", page.text)


def test_nothing_of_a_document_escapes_into_the_page(library: Library) -> None:
    hostile = "<script>alert(1)</script>"
    origin = replace(library.origin(".md"), source=f"{hostile}.md")
    text = f"{hostile} [x](javascript:alert(1))"
    entry = make_entry(origin, kind=EntryKind.PASSAGE, title=hostile, text=text, location=f"{hostile} › {hostile}")
    page = library.open(*library.put_entries(origin, entry))
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "javascript:" not in page.text
    assert page.text.count("&lt;script&gt;") == 6  # title twice, file, two headings and the passage


def test_a_faq_shows_its_question_and_answer_and_no_other_row(library: Library) -> None:
    origin = library.origin(".csv")
    rows = [
        faq(origin, "几点开门？", "8:30 <b>开门</b>。\n周日休息。", row=2),
        faq(origin, "谁？", "别的答案。", row=3),
    ]
    library.put_entries(origin, *rows)
    page = library.open(rows[0])
    assert "<h1>几点开门？</h1>" in page.text
    assert "8:30 &lt;b&gt;开门&lt;/b&gt;。\n周日休息。" in page.text
    assert "第 2 行" in page.text
    assert "别的答案" not in page.text
    assert 'href="#cited"' not in page.text


def test_a_long_document_says_what_is_left_out(library: Library) -> None:
    text = "# 长\n\n" + "".join(section(f"第{n}节", f"第{n}段。") for n in range(100))
    entries = library.put(library.origin(".md"), text)
    page = library.open(entries[50])
    assert "前面还有 30 段，未在此显示" in page.text
    assert "后面还有 30 段，未在此显示" in page.text
    assert page.text.count('<section class="passage') == 40
    assert "30 earlier passages are not shown here" in library.open(entries[50], accept_language="en").text


def test_words_that_no_longer_count_carry_a_warning(library: Library) -> None:
    replaced, withdrawn, expired = library.origin(".md"), library.origin(".md"), library.origin(".csv")
    old, gone = library.put(replaced, MANUAL), library.put(withdrawn, MANUAL)
    row = faq(expired, "年会？", "十二月。", valid_to=NOON + 12 * 3600)  # the midnight that ends 1 January in Shanghai
    library.put_entries(expired, row)
    library.put(replaced, MANUAL.replace("姓名", "单位"), now=NOON + DAY)
    library.withdraw(withdrawn, now=NOON + 2 * DAY)
    for entry, warning in (
        (old[0], "这份资料在 2026-01-02 更新了"),
        (gone[0], "这份资料已在 2026-01-03 撤回"),
        (row, "这条内容的有效期到 2026-01-01 为止"),
    ):
        page = library.open(entry)
        assert page.status_code == 200
        found = re.search(r'<p class="warning" role="alert">(.+)</p>', page.text)
        assert found is not None
        assert found[1].startswith(warning)
        assert "现行有效" not in page.text


def test_a_link_whose_time_is_over_says_to_ask_again(library: Library) -> None:
    entries = library.put(library.origin(".md"), MANUAL)
    page = library.open(entries[0], now=time.time() - 31 * DAY_S)
    assert page.status_code == 410
    assert "链接已过期" in page.text
    assert "重新提问" in page.text
    assert "手册" not in page.text


def test_forged_links_and_closed_doors_look_the_same(library: Library) -> None:
    entries = library.put(library.origin(".md", audience=Audience.STAFF), MANUAL)
    never_stored = faq(library.origin(".csv"), "无？", "无。")
    pages = [
        library.open(entries[0], links=SourceLinks(b"another secret", BASE_URL, DAY_S), reader=Audience.STAFF),
        library.open(entries[0], reader=Audience.HCP),
        library.open(entries[0], reader=Audience.STAFF, tenant="hospital"),
        library.open(never_stored),
        library.client.get("/source/short"),
        library.client.get("/source/" + "A" * 5000),
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "没有可显示的内容" in pages[0].text
    assert library.open(entries[0], reader=Audience.STAFF).status_code == 200


def test_the_number_of_the_approval_stands_beside_the_version(library: Library) -> None:
    origin = replace(library.origin(".csv"), approval_number="MLR-2026-001")
    (entry,) = library.put_entries(origin, faq(origin, "几点开门？", "早上八点。"))
    assert "审批号 MLR-2026-001" in library.open(entry).get_data(as_text=True)
    assert "approval no. MLR-2026-001" in library.open(entry, accept_language="en").get_data(as_text=True)
    bare = library.origin(".csv")
    (without,) = library.put_entries(bare, faq(bare, "几点关门？", "晚上八点。"))
    assert "审批号" not in library.open(without).get_data(as_text=True)
