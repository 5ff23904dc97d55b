"""A person's own files: searched as the knowledge is, seen by nobody else, and gone in time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import EntryKind
from bot.knowledge.index import Floats
from bot.knowledge.loaders import Document, Section
from bot.knowledge.loaders.document import prose
from bot.knowledge.points import body
from bot.knowledge.tokens import Tokenizer
from bot.media.few_entries import FewEntries
from bot.media.own_evidence import OwnEvidence
from bot.media.own_files import MAX_FILES, OwnFiles
from bot.media.parsing.sections import Parsed, Unit
from bot.media.store import MediaStore
from tests.knowledge.small_index import SCOPE, HashEmbedder, entry, small_tokenizer
from tests.media.conftest import COLLEAGUE, DOCTOR, GROUP, Clock, Kept

PAGES = ("对比剂的储存温度为二至八摄氏度。", "开封后须在四小时内用完。", "运输途中不得冷冻。")
SECTIONS = tuple(Section(path=(), blocks=(prose(text, page=at),)) for at, text in enumerate(PAGES, 1))
PARSED = Parsed(document=Document(title="说明书", sections=SECTIONS), unit=Unit.PAGE, count=3)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return small_tokenizer(tmp_path_factory.mktemp("words"))


@pytest.fixture
def own(store: MediaStore, clock: Clock) -> OwnFiles:
    return OwnFiles(store, 600.0, clock)


def add(own: OwnFiles, kept: Kept, name: str = "说明书.pdf", content: bytes = b"%PDF-1", who=DOCTOR) -> str:  # type: ignore[no-untyped-def]
    medium = kept(content, name, who=who)
    own.add(who, medium, name, PARSED, lambda _parsed, entry: f"第 {entry.page} 页")
    return medium.id


@pytest.mark.parametrize("question", ["储存温度是多少", "对比剂 开封 四小时", "What is it?", "运输", "没有的词"])
def test_a_few_entries_are_scored_as_the_index_scores_them(tmp_path: Path, tokenizer: Tokenizer, question: str) -> None:
    entries = [entry(text, title="说明书", location=f"第 {n} 页") for n, text in enumerate(PAGES, 1)]
    embedder = HashEmbedder()
    index = EdgeIndex(tmp_path / "index", embedder, tokenizer)
    index.upsert(entries)
    few = FewEntries(entries, embedder.passages([body(each) for each in entries]), tokenizer)
    (vector,) = embedder.queries([question])
    wanted = index.candidates(question, vector, SCOPE, EntryKind.PASSAGE, 100)
    index.close()
    found = few.candidates(question, vector)
    assert (found.visible, found.mass) == (wanted.visible, pytest.approx(wanted.mass, rel=1e-5))
    for route, scores in wanted.routes.items():
        assert found.routes[route] == pytest.approx(scores, rel=1e-4), route


def test_a_file_can_be_asked_about_with_its_name_and_its_pages(own: OwnFiles, kept: Kept) -> None:
    medium = add(own, kept)
    (file,) = own.of(DOCTOR)
    assert (file.medium, file.name) == (medium, "说明书.pdf")
    assert [(each.title, each.source, each.location, each.text) for each in file.entries] == [
        ("说明书", "说明书.pdf", f"第 {n} 页", text) for n, text in enumerate(PAGES, 1)
    ]


def test_nobody_else_has_it_and_a_group_has_none(own: OwnFiles, kept: Kept) -> None:
    add(own, kept)
    assert not own.any_of(COLLEAGUE)
    assert own.of(COLLEAGUE) == ()
    elsewhere = replace(DOCTOR, channel="ai"), replace(DOCTOR, bot="other"), replace(DOCTOR, chat="doctors")
    assert not any(own.any_of(place) or own.of(place) for place in elsewhere)
    with pytest.raises(ValueError, match="single chats"):
        add(own, kept, who=GROUP)


def test_it_is_gone_when_its_time_is_over_and_nothing_of_it_stays_on_disk(
    own: OwnFiles, kept: Kept, clock: Clock, store: MediaStore, tmp_path: Path
) -> None:
    add(own, kept)
    clock.now += 599
    assert own.any_of(DOCTOR)
    clock.now += 1
    assert own.of(DOCTOR) == ()
    clock.now += 3600
    store.expire()
    assert list((tmp_path / "media").iterdir()) == []


def test_deleting_removes_the_files_and_their_passages_at_once(own: OwnFiles, kept: Kept, tmp_path: Path) -> None:
    add(own, kept, "甲.pdf", b"%PDF-1")
    add(own, kept, "乙.pdf", b"%PDF-2")
    add(own, kept, "丙.pdf", b"%PDF-3", who=COLLEAGUE)
    gone, names = own.forget(DOCTOR)
    assert (gone, sorted(names)) == (4, ["乙.pdf", "甲.pdf"])
    assert own.of(DOCTOR) == ()
    assert own.forget(DOCTOR) == (0, ())
    assert [file.name for file in own.of(COLLEAGUE)] == ["丙.pdf"]
    assert len(list((tmp_path / "media").iterdir())) == 4, "a medium and its passages, each with its note"


def test_a_further_file_takes_the_oldest_ones_place(own: OwnFiles, kept: Kept, clock: Clock, store: MediaStore) -> None:
    media = []
    for at in range(MAX_FILES + 1):
        clock.now += 1
        media.append(add(own, kept, f"{at}.pdf", b"%%PDF-%d" % at))
    assert [file.name for file in own.of(DOCTOR)] == ["3.pdf", "2.pdf", "1.pdf"]
    assert store.find(media[0]) is None


def test_a_turn_that_runs_again_adds_nothing(own: OwnFiles, kept: Kept) -> None:
    add(own, kept)
    add(own, kept)
    assert len(own.of(DOCTOR)) == 1


class CountingEmbedder(HashEmbedder):
    """Counts the passages it makes vectors of."""

    def __init__(self, name: str = "hash") -> None:
        super().__init__(name)
        self.embedded = 0

    def queries(self, texts: Sequence[str]) -> Floats:
        return HashEmbedder().passages(texts)

    def passages(self, texts: Sequence[str], progress: object = None) -> Floats:
        self.embedded += len(texts)
        return super().passages(texts)


def evidence(own: OwnFiles, embedder: HashEmbedder, tokenizer: Tokenizer) -> OwnEvidence:
    return OwnEvidence(own, embedder, tokenizer, Calibration.shipped(), 0.7)


def test_vectors_are_made_at_the_first_question_and_kept_as_long_as_the_file(
    own: OwnFiles, kept: Kept, tokenizer: Tokenizer, clock: Clock
) -> None:
    embedder = CountingEmbedder()
    add(own, kept)
    assert embedder.embedded == 0
    clock.now += 300
    for _ in range(2):
        found = evidence(own, embedder, tokenizer).retrieve(DOCTOR, ["储存温度"])
        assert found is not None
    assert embedder.embedded == len(PAGES)
    clock.now += 300
    assert own.of(DOCTOR) == (), "asking does not make it live longer"


def test_vectors_of_another_model_are_made_anew(own: OwnFiles, kept: Kept, tokenizer: Tokenizer) -> None:
    add(own, kept)
    evidence(own, CountingEmbedder(), tokenizer).retrieve(DOCTOR, ["储存"])
    other = CountingEmbedder("other")
    evidence(own, other, tokenizer).retrieve(DOCTOR, ["储存"])
    assert other.embedded == len(PAGES)
    (file,) = own.of(DOCTOR)
    assert file.embedder == "other"
    assert np.shape(file.vectors) == (len(PAGES), 8)


def test_without_files_or_words_there_is_no_evidence(own: OwnFiles, kept: Kept, tokenizer: Tokenizer) -> None:
    asked = evidence(own, HashEmbedder(), tokenizer)
    assert asked.retrieve(DOCTOR, ["储存"]) is None
    add(own, kept)
    assert asked.retrieve(DOCTOR, ["", " "]) is None
    assert asked.retrieve(COLLEAGUE, ["储存"]) is None


def test_the_same_passage_in_two_files_is_found_once(own: OwnFiles, kept: Kept, tokenizer: Tokenizer) -> None:
    add(own, kept, "a.pdf", b"%PDF-1")
    add(own, kept, "a.pdf", b"%PDF-2")
    found = evidence(own, HashEmbedder(), tokenizer).retrieve(DOCTOR, ["储存温度"])
    assert found is not None
    assert len(found.documents.hits) == len(PAGES)
