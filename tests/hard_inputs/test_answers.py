"""Whatever a language model writes, or stands in a source, is read to its end: nothing raises, hangs or grows wild."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answering.claims import Ground
from bot.answering.names import latin_names, titles
from bot.answering.prompts import messages, safe_source
from bot.answering.quantities import figures_of
from bot.answering.sentences import Sentence, SentenceSplitter
from bot.answering.verify import Source, Verifier
from tests.hard_inputs.growth import grows_too_fast

quick = settings(max_examples=400, deadline=None, database=None, derandomize=True)
SOURCES = (
    Source(title="碘海醇注射液说明书", text="成人每次100 ml，儿童50 ml。对碘过敏者禁用。静脉注射后观察30分钟。"),
    Source(title="服务台几点开门？", text="工作日上午9点到下午5点半，电话 021-5555-0100，见 https://a.b/help 。"),
    Source(title="Storage", text="Keep below 25 °C. Do not freeze. 1-2 vials a day."),
)
_TOKENS = st.sampled_from(
    [
        *("1", "12", "3.5", "0", "一", "三", "十", "百", "半", "两", "万", "亿", "〇", "²", "½", "٣", "９"),
        *("mg", "ml", "片", "次", "个", "天", "年", "℃", "%", "岁", "月", "日", "点", "周", "mgI", "tablet", "元"),
        *("/", "/天", "每", "每日", "百分之", "上午", "twice a day", "per", "至", "~", "-", "–", "to", ":", "a.m."),
        *(".", "。", "，", ",", "\n", " ", "\u3000", "\t", "！", "…", "”", ")", "*", "_", "# ", "- ", "1. ", "①"),
        *("[1]", "[2", "[1-3]", "【1】", "[^9]", "[来源 2]", "[1†x]", "[99]", "[", "]", "<think>", "</think>"),
        *(
            "碘海醇",
            "北京医院",
            "王主任",
            "《说明书》",
            "“",
            "Omnipaque",
            "e.g",
            "Dr",
            "不",
            "禁用",
            "成人",
            "http://a.b",
        ),
        *("\0", "\ud800", "\u202e", "\U0001f600", "NO_ANSWER", "021-5555-0100", "a@b.cn", "2026年3月5日", "13:75"),
    ]
)
texts = st.lists(_TOKENS, max_size=25).map("".join) | st.text(max_size=40)
PIECES = (
    *("一", "二〇", "十", "1", "1.", "1-", "1,111", "a", "a.", "a-", "a1", "1a", "mg/", "1mg/", "百分之", "每", "1:"),
    *("@", "a@", "http://", "www.", "(1)", "[", "[1", "[1,", "[1†", "[ ", "【", "[1]", "[来源", "- ", "1. ", "# "),
    *("> ", "。", "…", ".", "！”", "*", "_", " ", "\n", "\t", "\u3000", "“", "“a", "《", "'", '"a', "医院", "王", "不"),
    *("北京医院", "，", "不，", ";", "ﷺ", "e\u0301", "👩\u200d", "忽略", "ignore ", "<source", "< /", "2026年", "may "),
    *("成人100ml，", "。a", "a。", "a b. ", "一、", "吗", "？ ", "<", "上午"),
)


def whole(text: str) -> list[Sentence]:
    splitter = SentenceSplitter()
    return splitter.feed(text) + splitter.finish()


def in_pieces(text: str, size: int) -> list[Sentence]:
    splitter = SentenceSplitter()
    sentences = []
    for at in range(0, len(text), size):
        sentences += splitter.feed(text[at : at + size])
    return sentences + splitter.finish()


def verify(text: str) -> list[str]:
    verifier = Verifier(SOURCES, "儿童用多少")
    return verifier.feed(text) + verifier.finish()


@quick
@given(text=texts)
def test_any_text_is_verified_to_its_end(text: str) -> None:
    said = verify(text)
    assert all(isinstance(sentence, str) for sentence in said)
    Verifier([safe_source(text, text)], text).feed("成人每次100 ml[1]。")
    messages(text, [safe_source(text, text)], name=text, persona=text, language="zh", quoted=text)


@quick
@given(text=texts)
def test_how_a_text_is_cut_in_transit_changes_nothing(text: str) -> None:
    sentences = whole(text)
    assert in_pieces(text, 1) == in_pieces(text, 3) == sentences


@pytest.mark.parametrize("layout", ["- \n", "1.\n", "1. 1. ", "#\n#\n", "> > \n\n", "①\n②\n", "- \n\n- \n"])
def test_layout_without_words_is_no_sentence_and_no_trap(layout: str) -> None:
    (sentence,) = whole(layout + "儿童50 ml[1]。")
    assert (sentence.lead, sentence.body) == (layout, "儿童50 ml[1]。")
    assert whole(layout) == []
    assert verify(layout + "儿童50 ml[1]。") == [(layout + "儿童50 ml[1]。").lstrip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一次/天", {(1, "times"), (1, "day")}),
        ("一片/日", {(1, "tablet"), (1, "day")}),
        ("一个/周", {(1, ""), (1, "week")}),
        ("一个", set()),
    ],
)
def test_one_of_something_in_a_time_is_a_quantity(text: str, expected: set[tuple[object, str]]) -> None:
    assert {(quantity.value, quantity.unit) for quantity in figures_of(text).quantities} == expected


def test_numbers_longer_than_python_reads_are_numbers() -> None:
    (quantity,) = figures_of("1" * 5_000 + ".5 mg").quantities
    assert quantity.value * 2 == int("2" * 4_000) * 10**1_000 + int("2" * 1_000) + 1
    (other,) = figures_of("1" * 5_000 + ".6 mg").quantities
    assert other != quantity


@pytest.mark.parametrize(
    "function",
    [figures_of, latin_names, titles, whole, lambda text: in_pieces(text, 4), verify, lambda text: Ground("", text)],
    ids=["figures", "names", "titles", "sentences", "sentences as they come", "verification", "source"],
)
def test_work_grows_with_the_text_and_not_with_its_square(function: Callable[[str], object]) -> None:
    assert [piece for piece in PIECES if grows_too_fast(function, piece)] == []


@pytest.mark.parametrize(
    "function",
    [lambda text: safe_source(text, text), lambda text: messages(text, [], name=text, persona=text, language="zh")],
    ids=["source", "request"],
)
def test_a_prompt_s_work_grows_with_the_text(function: Callable[[str], object]) -> None:
    assert [piece for piece in PIECES if grows_too_fast(function, piece)] == []


def test_the_measure_of_growth_sees_a_square() -> None:
    assert grows_too_fast(lambda text: sum(1 for _ in text for _ in text[::4]), "a")
    assert not grows_too_fast(lambda text: sum(1 for _ in text for _ in range(500)), "a")
