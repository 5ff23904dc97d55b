"""From a question to the right entry, with the shipped model, weights and constants."""

import math
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.answering.evidence import Retriever
from bot.bots_file import BotConfig
from bot.errors import KnowledgeError
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration, Curve, Curves
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.features import CROSSING_FEATURES, FEATURES, features
from bot.knowledge.fusion import DEPTH, FULL_COVERAGE, fuse, gate
from bot.knowledge.index import Candidates, Route
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.search import Searcher
from bot.knowledge.wording import Shared, shared_wording

SCOPE = Scope(tenant="t", collections=("c",), reader=Audience.PUBLIC, now=0.0)

FAQS = {
    "如何修改登录密码？": ("在“我的—设置—安全”里点“修改密码”，输入旧密码和两次新密码。", ("忘了密码怎么办",)),
    "会议室怎么预订？": ("在日历里新建会议，点“添加会议室”，选好时间即可。", ()),
    "年假有几天？": ("入职满一年有五天，满十年有十天。", ("每年可以休多少天假",)),
}
PASSAGES = (
    "打印机在三楼东侧，刷工卡后取件，彩色打印每月限一百页。",
    "差旅报销须在返回后三十天内提交，附发票原件和行程单。",
    "The office network name is Lobby and the guest password changes every Monday.",
)


def _entry(kind: EntryKind, title: str, questions: tuple[str, ...], text: str) -> Entry:
    return Entry(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
        tenant="t",
        collection="c",
        kind=kind,
        audience=Audience.PUBLIC,
        title=title,
        questions=questions,
        text=text,
        source="手册.md",
        location="",
        valid_from=-math.inf,
        valid_to=math.inf,
    )


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> E5Embedder:
    return E5Embedder(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory, embedder: E5Embedder) -> Iterator[Searcher]:
    tokenizer = make_tokenizer()
    index = EdgeIndex(tmp_path_factory.mktemp("index"), embedder, tokenizer)
    entries = [_entry(EntryKind.FAQ, q, (q, *similar), answer) for q, (answer, similar) in FAQS.items()]
    index.upsert(entries + [_entry(EntryKind.PASSAGE, "员工手册", (), text) for text in PASSAGES])
    yield Searcher(index, embedder, Calibration.shipped())
    index.close()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("如何修改登录密码？", "在“我的"),
        ("密码忘了，请问怎么改", "在“我的"),
        ("我想订一个会议室", "在日历里"),
        ("每年可以休多少天假", "入职满一年"),
        ("出差回来多久内要报销？", "差旅报销"),
        ("How do I book a meeting room?", "在日历里"),
        ("打印机在几楼？", "打印机在三楼"),
    ],
)
def test_the_right_entry_comes_first(searcher: Searcher, question: str, answer: str) -> None:
    found = searcher.search(question, SCOPE)
    assert found.hits[0].entry.text.startswith(answer)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert set(found.timings_ms) == {"embed", "index", "fuse", "rerank", "check"}


def test_confidence_tells_an_answer_from_a_gap(searcher: Searcher) -> None:
    answered = [searcher.search(question, SCOPE).confidence for question in FAQS]
    gaps = ["食堂今天吃什么？", "明天会下雨吗", "怎么申请签证", "What is the capital of France?", "股票代码是多少"]
    unanswered = [searcher.search(question, SCOPE).confidence for question in gaps]
    assert min(answered) >= ANSWER_THRESHOLD > max(unanswered)


def test_a_kind_and_a_limit_narrow_the_hits(searcher: Searcher) -> None:
    found = searcher.search("修改密码", SCOPE, EntryKind.PASSAGE, limit=2)
    assert [hit.entry.kind for hit in found.hits] == [EntryKind.PASSAGE] * 2


@pytest.mark.parametrize("question", ["", " \n", "？"])
def test_a_question_that_says_nothing_is_not_answered(searcher: Searcher, question: str) -> None:
    assert searcher.search(question, SCOPE).confidence < ANSWER_THRESHOLD


def test_a_blank_question_finds_nothing(searcher: Searcher) -> None:
    assert searcher.search(" \n", SCOPE).hits == ()


def test_nothing_in_scope_is_no_hit_and_no_confidence(searcher: Searcher) -> None:
    found = searcher.search("修改密码", Scope(tenant="x", collections=("c",), reader=Audience.STAFF, now=0.0))
    assert (found.hits, found.confidence) == ((), 0.0)


def test_a_long_question_is_searched(searcher: Searcher) -> None:
    assert searcher.search("请问一下，" * 100 + "修改密码", SCOPE).hits


def _candidates(**routes: dict[str, float]) -> Candidates:
    return Candidates({route: routes.get(route.value, {}) for route in Route}, mass=5.0, visible=10)


def test_a_lexical_route_that_knows_nothing_has_no_vote() -> None:
    dense = {"a": 0.9, "b": 0.8}
    blind = _candidates(dense=dense, lexical={"b": 3.0}, words={"b": 0.01})
    seeing = _candidates(dense=dense, lexical={"b": 3.0}, words={"b": FULL_COVERAGE})
    assert (gate(blind), gate(seeing)) == (pytest.approx(0.01 / FULL_COVERAGE), 1.0)
    assert dict(fuse(blind)) == {"a": 0.5, "b": pytest.approx(0.5 * 0.01 / FULL_COVERAGE)}
    assert dict(fuse(seeing)) == {"a": 0.5, "b": 0.5}


def test_routes_are_scaled_over_their_own_pool() -> None:
    pool = {f"{n:03}": 1.0 - n / 1000 for n in range(DEPTH)}
    scores = dict(fuse(_candidates(dense=pool, lexical={"000": 8.0, "001": 4.0}, words={"000": 1.0})))
    assert scores["000"] == pytest.approx(1.0)
    assert scores["001"] == pytest.approx(0.5 * 98 / 99 + 0.25)
    assert scores[f"{DEPTH - 1:03}"] == 0.0
    full = dict(fuse(_candidates(lexical=pool, words={"000": 1.0})))
    assert full[f"{DEPTH - 1:03}"] == 0.0, "a full pool ends at its worst, as others may be no better"


def test_a_faq_gains_by_its_question() -> None:
    ranking = fuse(_candidates(dense={"a": 0.9, "b": 0.89, "c": 0.8}, question_dense={"b": 0.95}))
    assert ranking[0][0] == "b"


def _features(
    candidates: Candidates, ranking: list[tuple[str, float]], question: str, *entries: Entry
) -> dict[str, float]:
    return dict(zip(FEATURES, features(candidates, ranking, question, entries), strict=True))


def test_features_are_named_and_finite_for_a_lone_entry() -> None:
    named = _features(_candidates(dense={"a": 0.85}), [("a", 0.5)], "几楼？")
    assert named["cosine"] == 0.85
    assert named["longest"] == named["pairs_lead_ten"] == 0.0
    assert all(math.isfinite(value) for value in named.values())


def test_the_wording_of_a_question_leads_where_only_the_first_has_it() -> None:
    printer, copier = (_entry(EntryKind.PASSAGE, "", (), text) for text in ("彩色打印每月限一百页。", "复印不限页数。"))
    candidates = _candidates(dense={printer.id: 0.9, copier.id: 0.9})
    first, second = (
        _features(candidates, [(a.id, 0.5), (b.id, 0.5)], "彩色打印限几页", printer, copier)["pairs_lead_ten"]
        for a, b in ((printer, copier), (copier, printer))
    )
    assert first == pytest.approx(3 / 6), "彩色, 色打 and 打印 stand in the first alone"
    assert second == pytest.approx(-3 / 6 / 9)


def test_a_story_that_ends_in_the_question_of_a_faq_shares_it_whole() -> None:
    faq = _entry(EntryKind.FAQ, "年假有几天？", ("年假有几天？",), "入职满一年有五天。")
    story = "我去年三月入职，家里老人最近身体不好，想多陪陪他们，年假有几天呢"
    told = _entry(EntryKind.PASSAGE, "", (), "入职满十年有十天。")
    shared = shared_wording(story, [faq, told])
    assert shared[faq.id] == Shared(pairs=1.0, longest=1.0)
    assert shared[told.id].pairs < 0.2
    assert shared[told.id].longest == pytest.approx(2 / 29), "入职 is the longest piece of what was asked"


def test_a_curve_is_straight_between_its_points_and_level_beyond() -> None:
    flat: dict[str, Curve] = dict.fromkeys(FEATURES, ((0.0, 0.0),))
    curves = Curves(FEATURES, flat | {"cosine": ((0.8, -2.0), (0.9, 2.0))}, 0.0)
    chances = [curves.probability((cosine, *[0.5] * (len(FEATURES) - 1))) for cosine in (0.5, 0.8, 0.85, 0.9, 1.0)]
    assert chances[0] == chances[1] == pytest.approx(1 / (1 + math.exp(2)))
    assert chances[2] == pytest.approx(0.5)
    assert chances[3] == chances[4] == pytest.approx(1 / (1 + math.exp(-2)))


def _flat(names: Sequence[str], bias: float) -> Curves:
    return Curves(names, dict.fromkeys(names, ((0.0, 0.0),)), bias)


@pytest.mark.parametrize(
    ("question", "text", "crosses"),
    [
        ("How long must I fast before the scan?", "检查前禁食四小时。", True),
        ("检查前要禁食多久？", "Fast for four hours before the scan.", True),
        ("检查前要禁食多久？", "检查前禁食四小时，CT 与 MRI 相同。", False),
        ("CT 和 MRI 前 fasting 要多久？", "检查前禁食四小时。", False),
        ("How long must I fast?", "Fast for four hours.", False),
        ("CT?", "检查前禁食四小时。", True),
        ("12345", "检查前禁食四小时。", False),
    ],
)
def test_a_question_in_another_language_than_what_was_found_is_judged_without_its_words(
    question: str, text: str, crosses: bool
) -> None:
    entry = _entry(EntryKind.PASSAGE, "", (), text)
    calibration = Calibration(_flat(FEATURES, -2.0), _flat(CROSSING_FEATURES, 2.0), "e")
    chance = calibration.confidence(_candidates(dense={entry.id: 0.9}), [(entry.id, 0.5)], question, [entry])
    assert (chance > 0.5) is crosses


def test_words_that_are_shared_count_whatever_the_letters() -> None:
    entry = _entry(EntryKind.PASSAGE, "", (), "TiKV OOM 时请调小缓存。")
    calibration = Calibration(_flat(FEATURES, -2.0), _flat(CROSSING_FEATURES, 2.0), "e")
    candidates = _candidates(dense={entry.id: 0.9}, words={entry.id: 1.0})
    assert calibration.confidence(candidates, [(entry.id, 0.5)], "TiKV OOM?", [entry]) < 0.5


def test_curves_of_other_features_are_refused() -> None:
    with pytest.raises(KnowledgeError, match="train it again"):
        Curves(FEATURES, {"cosine": ((0.0, 0.0),)}, 0.0)


def test_another_embedder_than_the_calibrated_is_said(searcher: Searcher, embedder: E5Embedder) -> None:
    calibration = Calibration(_flat(FEATURES, 0.0), _flat(CROSSING_FEATURES, 0.0), "another")
    with capture_logs() as logs:
        Searcher(searcher._index, embedder, calibration)
    assert [log["event"] for log in logs] == ["confidence_uncalibrated"]


def test_a_search_says_whether_a_faq_is_in_sight(searcher: Searcher) -> None:
    mixed = searcher.search("打印机在几楼？", SCOPE)
    passages = searcher.search("打印机在几楼？", SCOPE, EntryKind.PASSAGE)
    assert (mixed.passages_only, passages.passages_only) == (False, True)


def test_without_faqs_one_search_serves_for_both(tmp_path: Path, embedder: E5Embedder) -> None:
    index = EdgeIndex(tmp_path, embedder, make_tokenizer())
    index.upsert([_entry(EntryKind.PASSAGE, "员工手册", (), text) for text in PASSAGES])
    searcher = Searcher(index, embedder, Calibration.shipped())
    bot = BotConfig(id="b", name="小影", tenant="t", knowledge=("c",), channels={})
    for question in ("打印机在几楼？", "食堂今天吃什么？"):
        evidence = Retriever(searcher, ANSWER_THRESHOLD).retrieve([question], bot, Audience.PUBLIC, 0.0)
        alone = searcher.search(question, SCOPE, EntryKind.PASSAGE)
        assert (evidence.documents.hits, evidence.documents.confidence) == (alone.hits, alone.confidence)
    index.close()
