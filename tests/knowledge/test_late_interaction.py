"""Late interaction: what 4 bits keep, what a closer piece is worth, and where the states lie."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import KnowledgeError
from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Entry
from bot.knowledge.fusion import fuse
from bot.knowledge.index import Candidates, Floats, Route
from bot.knowledge.late_interaction import MOST_PIECES, AskedPieces, kept
from bot.knowledge.points import FORMAT, body, questions_of, texts_with_states
from bot.knowledge.qdrant_calls import connect
from bot.knowledge.qdrant_collections import Build, Collections
from bot.knowledge.reranking import Closeness, piece_weights, rerank
from bot.knowledge.search import Searcher
from bot.knowledge.server_index import ServerIndex
from bot.knowledge.state_store import StateStore
from bot.knowledge.token_states import Encoded
from tests.fakes.qdrant_server import QdrantServer
from tests.knowledge.small_index import SCOPE, entry, faq, small_tokenizer

DIMENSION = 384


def states(*seeds: int) -> Floats:
    """A state a seed, the same for the same seed, with a mean of its own."""
    rows = [np.random.default_rng(seed).standard_normal(DIMENSION) + 0.2 for seed in seeds]
    return np.array(rows, dtype=np.float32).reshape(-1, DIMENSION)


def encoded(*seeds: int, texts: Sequence[str] | None = None) -> Encoded:
    own = states(*seeds)
    texts = tuple(texts or map(str, seeds))
    return Encoded(np.ones(DIMENSION, np.float32), np.array(seeds, np.int32), texts, own)


class CharacterEmbedder:
    """A state for each character, its hash; the vector is their mean. Counts what it encodes."""

    name = Calibration.shipped().embedder
    dimension = DIMENSION

    def __init__(self) -> None:
        self.encoded: list[tuple[str, str]] = []
        self.plain = 0

    @property
    def tokens(self) -> "CharacterEmbedder":
        return self

    def encode(self, texts: Sequence[str], kind: str) -> list[Encoded]:
        self.encoded += [(kind, text) for text in texts]
        return [self._one(text) for text in texts]

    def queries(self, texts: Sequence[str]) -> Floats:
        return self.passages(texts)

    def passages(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Floats:
        self.plain += len(texts)
        return np.array([self._one(text).vector for text in texts], np.float32).reshape(-1, DIMENSION)

    def health(self) -> dict[str, str]:
        return {"state": "ok", "engine": "characters"}

    def _one(self, text: str) -> Encoded:
        made = encoded(*(ord(each) for each in text), texts=text)
        total = made.states.sum(axis=0) + 1e-3
        return replace(made, vector=(total / np.linalg.norm(total)).astype(np.float32))


def test_what_is_kept_takes_four_bits_and_tells_the_same() -> None:
    same, other = kept(states(1, 2, 3)), kept(states(7, 8, 9, 10))
    assert len(same) == 3 * (2 + DIMENSION // 2)
    met, meeting = AskedPieces(encoded(1, 2, 3), np.ones(3, np.float32)).met_by([same, other])
    for mine, others in (met, meeting):
        assert mine > 0.97
        assert others < 0.3


def test_a_piece_counts_by_its_weight_and_nothing_is_met_by_no_text() -> None:
    asked = encoded(1, 2)
    texts = [kept(states(1)), kept(states(2)), kept(states())]
    (first, second, none), _ = AskedPieces(asked, np.array([3.0, 1.0], np.float32)).met_by(texts)
    assert first > second > none == 0.0
    assert AskedPieces(encoded(), np.ones(0, np.float32)).met_by(texts)[0].tolist() == [0.0, 0.0, 0.0]


def test_of_a_long_question_the_rarest_pieces_are_compared() -> None:
    weights = np.ones(MOST_PIECES + 1, np.float32)
    weights[0] = 0.1  # the one that is left out
    asked = AskedPieces(encoded(*range(MOST_PIECES + 1)), weights)
    with_it, without_it = asked.met_by([kept(states(0)), kept(states(999))])[0]
    assert abs(with_it - without_it) < 0.1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), max_size=5), min_size=1, max_size=4))
def test_texts_do_not_change_each_others_scores(texts: list[list[int]]) -> None:
    asked = AskedPieces(encoded(1, 2, 3), np.ones(3, np.float32))
    blobs = [kept(states(*seeds)) for seeds in texts]
    together = asked.met_by(blobs)
    alone = [asked.met_by([blob]) for blob in blobs]
    for side in (0, 1):
        np.testing.assert_allclose(together[side], [float(each[side][0]) for each in alone], atol=1e-5)


def _candidates(words: dict[str, float] | None = None, covered: float = 1.0) -> Candidates:
    dense = {f"{at:03}": 0.9 - at / 1000 for at in range(40)}
    lexical = {f"{at:03}": 9.0 - at / 10 for at in range(40)}
    routes: dict[Route, dict[str, float]] = {route: {} for route in Route}
    routes |= {Route.DENSE: dense, Route.LEXICAL: lexical, Route.WORDS: {"000": covered}}
    return Candidates(routes, mass=5.0, visible=40, words=words or {})


def test_a_piece_weighs_more_in_a_rarer_word_unless_no_word_is_known() -> None:
    words = {"碘克沙醇": 6.0, "剂量": 2.0}
    asked = encoded(1, 2, 3, texts=["碘", "剂量", "的"])
    assert piece_weights(asked, _candidates(words)).tolist() == pytest.approx([5.0, 3.0, 2.2])
    assert piece_weights(asked, _candidates(words, covered=0.0)).tolist() == pytest.approx([4.0, 4.0, 4.0])


def test_the_first_are_ordered_anew_and_the_rest_stay_below() -> None:
    found = _candidates()
    plain = fuse(found)
    close = {id_: Closeness(0.9 if id_ == "004" else 0.3, None) for id_, _ in plain[:20]}
    ranking = rerank(found, plain, close, pieces=10)
    assert ranking[0][0] == "004"
    assert {id_ for id_, _ in ranking[:20]} == set(close)
    assert [id_ for id_, _ in ranking[20:]] == [id_ for id_, _ in plain[20:]]
    scores = [score for _, score in ranking]
    assert scores == sorted(scores, reverse=True)
    story = dict(rerank(found, plain, close, pieces=200))
    assert story["004"] - story["005"] < dict(ranking)["004"] - dict(ranking)["005"], "a story dilutes the mean"


def test_a_faqs_question_has_a_vote_of_its_own() -> None:
    found = _candidates()
    plain = fuse(found)
    alike = {id_: Closeness(0.3, 1.6 if id_ == "002" else 0.2) for id_, _ in plain[:20]}
    assert rerank(found, plain, alike, pieces=10)[0][0] == "002"


def test_having_no_question_is_no_fault_and_a_lone_one_no_merit() -> None:
    found = _candidates()
    plain = fuse(found)
    statements = {id_: Closeness(0.9 if id_ == "004" else 0.3, None) for id_, _ in plain[:20]}
    assert rerank(found, plain, statements | {"002": Closeness(0.3, 0.4)}, pieces=10)[0][0] == "004"
    found.routes[Route.QUESTION_LEXICAL]["002"] = 9.0
    assert rerank(found, plain, statements | {"002": Closeness(0.9, 2.4)}, pieces=10)[0][0] == "002"


def test_questions_are_those_of_a_faq_and_headings_that_ask() -> None:
    assert questions_of(faq("学分？", "课程？", answer="2")) == ("学分？", "课程？")
    assert questions_of(entry("文", title="如何预约？")) == ("如何预约？",)
    assert questions_of(entry("文", title="手册", location="预约 › 可以改期吗")) == ("可以改期吗",)
    assert questions_of(entry("文", title="如何改期", location="预约 › 说明")) == ("如何改期",)
    assert questions_of(entry("文", title="收费贵不贵")) == ("收费贵不贵",)
    assert questions_of(entry("文", title="怎么办理_百度经验", location="预约 › 改期")) == ()
    assert questions_of(entry("文", title="加拿大中文电台")) == ()


@pytest.fixture
def embedder() -> CharacterEmbedder:
    return CharacterEmbedder()


def _index(folder: Path, embedder: CharacterEmbedder) -> EdgeIndex:
    return EdgeIndex(folder / "index", embedder, small_tokenizer(folder))


def _found(index: EdgeIndex, embedder: CharacterEmbedder, question: str) -> list[Entry]:
    searcher = Searcher(index, embedder, Calibration.shipped())
    return [hit.entry for hit in searcher.search(question, SCOPE).hits]


def test_states_are_made_once_and_live_as_long_as_their_entry(tmp_path: Path, embedder: CharacterEmbedder) -> None:
    gone, stays = faq("学分？", answer="二"), entry("预约", title="手册")
    index = _index(tmp_path, embedder)
    index.upsert([gone, stays])
    index.upsert([gone, stays])
    assert sorted(embedder.encoded) == sorted(texts_with_states(gone) + texts_with_states(stays))
    index.delete([gone.id])
    index.close()

    index = _index(tmp_path, embedder)
    assert index.states
    assert all(index.states.read(texts_with_states(gone))), "it may be about to come back"
    index.drop_unused_states()
    kept_of, lost_of = index.states.read(texts_with_states(stays)), index.states.read(texts_with_states(gone))
    assert all(kept_of)
    assert not any(lost_of), "what no entry needs"
    index.close()


def test_an_index_of_another_format_keeps_the_states(tmp_path: Path, embedder: CharacterEmbedder) -> None:
    index = _index(tmp_path, embedder)
    index.upsert([entry("预约")])
    index.close()
    (tmp_path / "index" / "format.json").write_text("{}")
    index = _index(tmp_path, embedder)
    assert index.count() == 0
    index.upsert([entry("预约")])
    assert len(embedder.encoded) == 1
    index.close()


def _made() -> None:
    """Wait until the states that a question missed are made."""
    for thread in threading.enumerate():
        if thread.name == "token-states":
            thread.join(20)


def test_without_states_the_fused_ranking_stands_until_they_are_made(
    tmp_path: Path, embedder: CharacterEmbedder
) -> None:
    index = _index(tmp_path, embedder)
    entries = [entry("学分课程"), entry("预约电话")]
    index.upsert(entries)
    assert _found(index, embedder, "预约")[0].text == "预约电话"
    assert index.states
    index.states.keep_only(set())
    assert _found(index, embedder, "预约")[0].text == "预约电话"
    _made()
    assert all(index.states.read([text for one in entries for text in texts_with_states(one)]))
    index.close()


def test_a_machine_makes_the_states_of_what_another_wrote_to_the_server(
    tmp_path: Path, embedder: CharacterEmbedder
) -> None:
    with QdrantServer() as server:
        ours, theirs = (_on_server(server, tmp_path / name, embedder) for name in ("ours", "theirs"))
        with theirs.rebuilt() as fresh:
            fresh.upsert([entry("学分课程"), entry("预约电话")])
        question = "预约什么"
        before = _scores(ours, embedder, question)
        _made()
        assert before != _scores(ours, embedder, question) == _scores(theirs, embedder, question)
        for index in (ours, theirs):
            index.close()


def test_of_states_that_nobody_can_name_the_newest_stay(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "states.sqlite", "mine")
    for text in "甲乙丙":
        store.put({("passage", text): text.encode()})
    store.keep_newest(2)
    assert store.read([("passage", text) for text in "甲乙丙"]) == [None, "乙".encode(), "丙".encode()]


def _on_server(server: QdrantServer, folder: Path, embedder: CharacterEmbedder) -> ServerIndex:
    folder.mkdir()
    build = Build(format=FORMAT, embedder=embedder.name, dimension=DIMENSION)
    collections = Collections(connect(server.url, "", 10.0), "knowledge", build)
    states = StateStore(folder / "states.sqlite", embedder.name)
    return ServerIndex(collections, embedder, small_tokenizer(folder), states=states)


def _scores(index: ServerIndex, embedder: CharacterEmbedder, question: str) -> list[tuple[str, float]]:
    found = Searcher(index, embedder, Calibration.shipped()).search(question, SCOPE)
    return [(hit.entry.text, round(hit.score, 4)) for hit in found.hits]


def test_states_of_another_model_are_not_found(tmp_path: Path) -> None:
    mine, others = (StateStore(tmp_path / "states.sqlite", name) for name in ("mine", "other"))
    mine.put({("passage", "文"): b"12"})
    assert mine.read([("passage", "文"), ("query", "文")]) == [b"12", None]
    assert others.read([("passage", "文")]) == [None]
    assert others.missing([("passage", "文"), ("passage", "文")]) == {"passage": ["文"]}


def test_a_file_that_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "states.sqlite").write_bytes(b"no database at all, and long enough to be looked at" * 30)
    with pytest.raises(KnowledgeError, match="delete the file"):
        StateStore(tmp_path / "states.sqlite", "mine")


def test_a_passages_body_is_what_is_compared() -> None:
    passage = entry("文", title="手册", location="A")
    assert texts_with_states(passage) == [("passage", body(passage))]
