"""Files that people bring: whatever their bytes, they are read or refused with words, within bounds."""

import codecs
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import KnowledgeError, UsageError
from bot.evaluation.retrieval import read_set
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.faq_table import FaqTable, csv_rows, read_faq_table
from bot.knowledge.loaders import LoadLimits, decode_text, load_markdown, load_plain_text
from bot.knowledge.origin import Origin
from tests.hard_inputs.growth import grows_too_fast

quick = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="手册.md")
HEADER = "问题,相似问题,答案,生效,失效\n"
_cells = st.text(max_size=12) | st.sampled_from(
    ['"', '"a"', '""', "\0", "|", "2026-01-31", "9999-12-31", "0000-1-1", "²026/1/1"]
)
_rows = st.lists(st.lists(_cells, max_size=7).map(",".join), max_size=6).map("\n".join)
_markup = st.lists(
    st.sampled_from(
        [
            *("# ", "## ", "- ", "1. ", "> ", "| a | b |\n|---|---|\n", "|", "```", "~~~", "<!--", "-->", "<script>"),
            *(
                "</script >",
                "---\n",
                "title: x\n",
                "\n",
                "\n\n",
                " ",
                "    ",
                "\t",
                "影像",
                "a",
                "[x](",
                ")",
                "![",
                "\\",
            ),
            *("&#x0;", "\0", "\ud800", "\u202e", "。", "：", "*", "`", "<b>", "===\n", "\r", "\x0b", "\u2028"),
        ]
    ),
    max_size=20,
).map("".join)
PIECES = (
    *("> ", "- ", "- \n", "* - + ", "[", "[a](", "![", "*a", "`a``", "<", "<!--", "<script>", "```\n", "# ", "# a\n"),
    *(
        "|a|\n|-|\n",
        "---\n",
        "---\na: b\n",
        "a\n=\n",
        "&#x41;",
        "[a]: b\n",
        "\\",
        "\n",
        " ",
        "a ",
        "a. ",
        "。",
        "，",
        "影",
    ),
)


def faq(text: str) -> FaqTable:
    limits = LoadLimits()
    return read_faq_table(csv_rows(text, limits), ORIGIN, timezone=ZoneInfo("Asia/Shanghai"), limits=limits)


def refusal(text: str) -> str:
    with pytest.raises(KnowledgeError) as caught:
        faq(text)
    return str(caught.value)


def entries(text: str, load: Callable[..., object] = load_markdown) -> list[Entry]:
    return list(passages(load(text, name="手册"), ORIGIN))  # type: ignore[arg-type]


@quick
@given(data=st.binary(max_size=80) | st.text(max_size=30).map(lambda text: text.encode("utf-16-le", "surrogatepass")))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text, encoding = decode_text(data)
    except KnowledgeError:
        return
    assert encoding in {"UTF-8", "GB18030"}
    text.encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("影像学院的答案".encode("gb18030")[:-1], "neither UTF-8 nor GB18030"),
        ("𠀀𠀀".encode("gb18030")[:-2], "neither UTF-8 nor GB18030"),
        ("影像学院".encode()[:-1], "damaged"),
        ("影像学院".encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + "影".encode("utf-16-be"), "UTF-16"),
        ("问题,答案\n".encode("utf-16-le"), "not text"),
        (b"a\0b", "not text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "GB18030"),
        (b"\xed\xa0\x80abc", "GB18030"),
        (b"\xff" * 1_000_000, "GB18030"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_damaged_files_are_refused_with_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        decode_text(data)


@quick
@given(text=_rows | _rows.map(HEADER.__add__))
def test_any_table_is_read_or_refused(text: str) -> None:
    try:
        table = faq(text)
    except KnowledgeError:
        return
    for entry in table.entries:
        assert entry.valid_from < entry.valid_to
        assert entry.text.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + '"' + "a\n" * 100_000, "row 2"),
        ('"' * 200_001, "row 1"),
        (HEADER + 'a,,"b', "row 2"),
        (HEADER + 'a,,"b"c', "row 2"),
        ("", "columns"),
        ("问题\t答案\na\tb\n", "commas"),
        ("问题,答案,问题\n", "twice"),
        ("a,b\n" * 3, "missing"),
        (HEADER + "a,,b,,\n" * 20_001, "more than 20000 rows"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_broken_table_is_refused_as_a_whole(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_million_columns_are_one_bad_row_or_one_note() -> None:
    table = faq(HEADER + "a,,b,,\n" + "x," * 1_000_000 + "\n")
    assert len(table.entries) == 1
    assert table.problems[0].startswith("row 3: 1000001 cells under 5 columns")
    assert len(faq("问题,答案" + ",x" * 1_000_000 + "\na,b\n").entries) == 1


def test_what_no_calendar_has_is_a_bad_row() -> None:
    rows = "".join(f"问{n},,答,{day},\n" for n, day in enumerate(["2026-02-30", "0000-01-01", "²026-1-1", "1e9", "'"]))
    assert len(faq(HEADER + rows).problems) == 5
    assert faq(HEADER + "a,,b,0001-01-01,9999-12-31\n").entries[0].valid_from < 0


@quick
@given(text=_markup | st.text(max_size=40))
def test_any_markdown_and_any_text_become_passages(text: str) -> None:
    try:
        text, _ = decode_text(text.encode("utf-8", "surrogatepass"))
    except KnowledgeError:
        return
    for load in (load_markdown, load_plain_text):
        for entry in entries(text, load):
            assert entry.text.strip()


def test_depth_costs_nothing() -> None:
    for deep in (">" * 20_000, "* - + " * 4_000, "[" * 20_000, "![" * 10_000, "(" * 20_000):
        assert entries(f"# 标题\n\n{deep}\n\n正文。")[-1].text.endswith("正文。")


def test_a_title_is_short_however_long_it_was_written() -> None:
    for text in ("---\ntitle: a" + " " * 100_000 + "b\n---\n\n正文。", "# " + "![" * 100_000 + "\n\n正文。"):
        assert len(entries(text)[0].title) <= 100


@pytest.mark.parametrize("load", [load_markdown, load_plain_text])
def test_work_grows_with_the_document(load: Callable[..., object]) -> None:
    assert [piece for piece in PIECES if grows_too_fast(lambda text: entries(text, load), piece, 1_000)] == []
    assert not grows_too_fast(lambda text: entries(f"---\ntitle: a{text}b\n---\n", load), " ", 1_000)
    assert [
        piece for piece in PIECES if grows_too_fast(lambda text: entries(f"# {text}\n\na", load), piece, 1_000)
    ] == []


ROW = b'{"id":"1","title":"t","text":"x"}\n'


def rows(tmp_path: Path, corpus: bytes, queries: bytes = b'{"id":"q","query":"x","positives":["1"]}\n') -> None:
    (tmp_path / "corpus.jsonl").write_bytes(corpus)
    (tmp_path / "queries.jsonl").write_bytes(queries)
    read_set(tmp_path / "corpus.jsonl", tmp_path / "queries.jsonl", None, fields=("title", "text"), faq=False)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe",
        b"[1]",
        b"null",
        b"9" * 10_000,
        b'{"id":"\\ud800","title":"t","text":"x"}',
        b'{"id":"2","title":"t","text":"\\udfff"}',
        b'{"id":2,"title":"t","text":"x"}',
        b'{"id":"2","title":"t"}',
        b'{"id":"2","title":"t","text":NaN}',
        b'{"id":"1","title":"t","text":"x"}',
        b'{"id":"2","text":"' + b"x" * 1_100_000 + b'"}',
        '{"id":"2","text":"影像"}'.encode("gb18030"),
    ],
    ids=lambda line: ascii(line)[:24],
)
def test_a_bad_row_of_a_labelled_set_is_named_by_its_line(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(UsageError, match=r"corpus\.jsonl:3: "):
        rows(tmp_path, ROW + b"\n" + line + b"\n")


@pytest.mark.parametrize(
    "line", [b'{"query":"x","positives":[]}', b'{"query":"x","positives":{"1":1}}', b'{"positives":["1"]}']
)
def test_a_bad_question_too(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(UsageError, match=r"queries\.jsonl:1: "):
        rows(tmp_path, ROW, line)


@quick
@given(data=st.binary(max_size=60) | st.binary(max_size=30).map(ROW.__add__))
def test_any_bytes_are_a_labelled_set_or_no_set(tmp_path: Path, data: bytes) -> None:
    with suppress(UsageError):
        rows(tmp_path, data)
