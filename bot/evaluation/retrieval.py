"""``eval retrieval``: recall, ranking and refusal of the search on labelled files.

The corpus goes into a scratch index of its own, through the same classes as live knowledge: one configuration, nothing
set for the data. Vectors are cached by content, so that a second run takes seconds.
"""

import math
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bot.answering.offering import OFFERED_FROM
from bot.errors import UsageError
from bot.evaluation.hiding import HidingIndex
from bot.evaluation.metrics import auc, ndcg_at, recall_at, reciprocal_rank, refused_at_kept
from bot.evaluation.rows import read_rows, text_of
from bot.evaluation.thresholds import kept_at, label_free
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.progress import Progress
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.search import Searcher
from bot.knowledge.state_store import StateStore
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

FIELDS = ("title", "text")
UNANSWERABLE_KINDS = ("removed", "ood")

_SCOPE = "eval"
"""Tenant and collection of the scratch entries."""
_BATCH = 64
_NAMESPACE = uuid.UUID("8f3f5a0c-3b0e-4b58-9d0e-6f1d6a2f7c11")


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled query: ``positives`` are corpus ids; ``kind`` says why a query has none (``removed``, ``ood``)."""

    text: str
    positives: frozenset[str]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Everything one evaluation reads: corpus rows as entries, ``row_ids`` from entry id to the row's, the queries."""

    entries: list[Entry]
    row_ids: dict[str, str]
    questions: list[Question]
    unanswerable: list[Question]


def evaluate_retrieval(
    corpus_path: Path,
    queries_path: Path,
    unanswerable_path: Path | None,
    *,
    fields: tuple[str, ...],
    faq: bool,
    embedder: Embedder,
    cache: VectorCache,
    tokenizer: Tokenizer,
    progress: Progress,
    check: ReadingCheck | None = None,
) -> dict[str, Any]:
    """Measure the search on one set, with the second look of ``check``; the keys are the contract's (design §7).

    ``fields`` are the corpus fields that are indexed, of :data:`FIELDS`; with ``faq`` each row is a FAQ whose
    question is its title. Refusal figures are ``None`` without ``unanswerable_path``; ``ms_per_query`` is the mean
    time of a search, its embedding included. Beyond the contract: what the ``threshold`` of a bot that sets none keeps
    of the right first hits (:func:`_at`), ``right_firsts_kept_or_named`` with those that its refusals name
    (:mod:`bot.answering.offering`), and ``label_free`` what the threshold does that these questions give without their
    labels (:func:`bot.evaluation.thresholds.label_free`). Raises :class:`~bot.errors.UsageError` naming file and line
    of a bad row.
    """
    rows = read_set(corpus_path, queries_path, unanswerable_path, fields=fields, faq=faq)
    with scratch_index(rows.entries, embedder, cache, tokenizer, progress) as index:
        hiding = HidingIndex(index)
        return _measure(Searcher(hiding, embedder, Calibration.shipped(), check), hiding, rows, progress)


def read_set(
    corpus_path: Path, queries_path: Path, unanswerable_path: Path | None, *, fields: tuple[str, ...], faq: bool
) -> RetrievalSet:
    """Read and check the files. Raises :class:`~bot.errors.UsageError` naming file, line and what is wrong."""
    if not fields or not set(fields) <= set(FIELDS):
        raise UsageError(
            f"--field takes {' and '.join(FIELDS)}, separated by a comma; got {','.join(fields) or 'none'}"
        )
    if faq and set(fields) != set(FIELDS):
        raise UsageError("--faq needs both fields: title is the question, text the answer")
    row_ids: dict[str, str] = {}
    entries = []
    for where, row in read_rows(corpus_path):
        row_id = text_of(row, "id", where)
        title, text = text_of(row, "title", where, default=""), text_of(row, "text", where)
        entry = corpus_entry(row_id, title, text, fields, faq=faq)
        if entry.id in row_ids:
            raise UsageError(f"{where}: the id {row_id!r} occurs twice")
        row_ids[entry.id] = row_id
        entries.append(entry)
    known = set(row_ids.values())
    questions = [_question(row, where, known) for where, row in read_rows(queries_path)]
    refused = read_rows(unanswerable_path) if unanswerable_path else ()
    unanswerable = [_unanswerable(row, where) for where, row in refused]
    return RetrievalSet(entries, row_ids, questions, unanswerable)


@contextmanager
def scratch_index(
    entries: list[Entry], embedder: Embedder, cache: VectorCache, tokenizer: Tokenizer, progress: Progress
) -> Iterator[EdgeIndex]:
    """An index of ``entries`` in a temporary folder that goes away with the block.

    Token states are kept beside ``cache``, by content as well.
    """
    states = None if embedder.tokens is None else StateStore(cache.folder / "states.sqlite", embedder.name)
    with tempfile.TemporaryDirectory(prefix="eval-index-") as folder:
        index = EdgeIndex(Path(folder), CachedEmbedder(embedder, cache), tokenizer, states)
        try:
            for start in range(0, len(entries), _BATCH):
                index.upsert(entries[start : start + _BATCH])
                progress("index", min(start + _BATCH, len(entries)), len(entries))
            yield index
        finally:
            index.close()
            if states is not None:
                states.close()


def scope() -> Scope:
    """The scope that holds every entry of a :class:`RetrievalSet`."""
    return Scope(tenant=_SCOPE, collections=(_SCOPE,), reader=Audience.STAFF, now=0.0)


@dataclass(frozen=True, slots=True)
class _Found:
    """``ids`` of what a question found, best first; ``confidence`` in the first, and ``masked`` that in the next one
    with the first hidden; ``seconds`` the search took."""

    ids: list[str]
    confidence: float
    masked: float
    seconds: float


def _measure(searcher: Searcher, hiding: HidingIndex, rows: RetrievalSet, progress: Progress) -> dict[str, Any]:
    asked = _ask(searcher, hiding, rows.questions, "questions", progress)
    golds = [question.positives for question in rows.questions]
    judged = [([rows.row_ids[id_] for id_ in found.ids], gold) for found, gold in zip(asked, golds, strict=True)]
    result: dict[str, Any] = {"n": len(judged)}
    for k in (1, 5, 10):
        result[f"recall@{k}"] = fmean(recall_at(ranking, gold, k) for ranking, gold in judged)
    result["mrr@10"] = fmean(reciprocal_rank(ranking, gold, 10) for ranking, gold in judged)
    result["ndcg@10"] = fmean(ndcg_at(ranking, gold, 10) for ranking, gold in judged)
    lost = _ask(searcher, hiding, rows.unanswerable, "unanswerable", progress)
    answerable, refused = [found.confidence for found in asked], [found.confidence for found in lost]
    result["refusal_auc"] = auc(answerable, refused)
    result["refused_at_95_kept"] = refused_at_kept(answerable, refused, 0.95)
    by_kind = {
        kind: [score for score, question in zip(refused, rows.unanswerable, strict=True) if question.kind == kind]
        for kind in UNANSWERABLE_KINDS
    }
    result["refusal_auc_by_kind"] = (
        {kind: auc(answerable, scores) for kind, scores in by_kind.items()} if rows.unanswerable else None
    )
    result["ms_per_query"] = fmean(found.seconds for found in asked + lost) * 1000
    firsts = [(found.confidence, recall_at(ids, gold, 1) > 0) for found, (ids, gold) in zip(asked, judged, strict=True)]
    stream = asked + lost
    free = label_free([found.confidence for found in stream], [found.masked for found in stream])
    result |= _at(ANSWER_THRESHOLD, firsts, refused)
    result["right_firsts_kept_or_named"] = kept_at(firsts, min(OFFERED_FROM, ANSWER_THRESHOLD)).kept
    result["label_free"] = None if free is None else _at(free.threshold, firsts, refused)
    return result


def _at(threshold: float, firsts: Sequence[tuple[float, bool]], refused: Sequence[float]) -> dict[str, Any]:
    """What ``threshold`` does: the share of the right first hits that it shows, the share that is right of all it
    shows, unanswerable questions (``refused`` are their confidences) among them, and the share of these it refuses."""
    kept = kept_at([*firsts, *((confidence, False) for confidence in refused)], threshold)
    return {
        "threshold": threshold,
        "right_firsts_kept": kept.kept,
        "precision_shown": kept.precision,
        "unanswerable_refused": fmean(confidence < threshold for confidence in refused) if refused else None,
    }


def _ask(
    searcher: Searcher, hiding: HidingIndex, questions: list[Question], stage: str, progress: Progress
) -> list[_Found]:
    """What each question finds."""
    asked = []
    for number, question in enumerate(questions, start=1):
        started = time.perf_counter()
        found = searcher.search(question.text, scope(), limit=10)
        seconds = time.perf_counter() - started
        ids = [hit.entry.id for hit in found.hits]
        with hiding.without(ids[:1]):
            masked = searcher.search(question.text, scope(), limit=1).confidence
        asked.append(_Found(ids, found.confidence, masked, seconds))
        if number % _BATCH == 0 or number == len(questions):
            progress(stage, number, len(questions))
    return asked


def corpus_entry(row_id: str, title: str, text: str, fields: tuple[str, ...] = FIELDS, *, faq: bool = False) -> Entry:
    """A row of a corpus as the entry it is searched as; see :func:`evaluate_retrieval`."""
    title = title if "title" in fields else ""
    return Entry(
        id=str(uuid.uuid5(_NAMESPACE, row_id)),
        tenant=_SCOPE,
        collection=_SCOPE,
        kind=EntryKind.FAQ if faq else EntryKind.PASSAGE,
        audience=Audience.PUBLIC,
        title=title,
        questions=(title,) if faq and title.strip() else (),
        text=text if "text" in fields else "",
        source="",
        location="",
        valid_from=-math.inf,
        valid_to=math.inf,
    )


def _question(row: dict[str, Any], where: str, known: set[str]) -> Question:
    positives = row.get("positives")
    if not isinstance(positives, list) or not positives or not all(isinstance(id_, str) for id_ in positives):
        raise UsageError(f"{where}: positives must be a list of corpus ids, with at least one")
    unknown = [id_ for id_ in positives if id_ not in known]
    if unknown:
        raise UsageError(f"{where}: the corpus has no document {unknown[0]!r}")
    return Question(text_of(row, "query", where), frozenset(positives))


def _unanswerable(row: dict[str, Any], where: str) -> Question:
    kind = text_of(row, "kind", where)
    if kind not in UNANSWERABLE_KINDS:
        raise UsageError(f"{where}: kind must be one of {', '.join(UNANSWERABLE_KINDS)}; got {kind!r}")
    return Question(text_of(row, "query", where), frozenset(), kind)
