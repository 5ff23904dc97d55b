"""What an entry becomes in a Qdrant engine: its points, their vectors and their payload.

Shared by every implementation of the index, embedded or server, so that both hold the same. BM25 is split between
the two sides: a document's weight of a term is made here, the term's idf and the sum are the engine's.
"""

import math
import re
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.index import Floats, Route
from bot.knowledge.late_interaction import kept
from bot.knowledge.state_store import StateStore, TextOfKind
from bot.knowledge.tokens import Tokenizer

FORMAT = 5
"""Raise it whenever terms, weights, vectors or payload change: every index is then made anew."""

ENTRY_ROLE = "entry"
QUESTION_ROLE = "question"

MARKS_FIELD = "marks"
"""Of the payload: what a point is found by, to be indexed as words. One mark says all of role, tenant, collection,
audience, kind, bot and validity, since each further condition of a search costs as much as the search; others say less,
for the questions that want less."""
ALWAYS = "always"
"""In the marks of an entry whose validity has no bounds."""
DATED = "dated"
"""In the marks of one whose validity has some; what they are is said by a second mark, and by numbers."""
NOBODYS_MARK = ""
"""What no point is marked with."""
NUMBER_FIELDS = ("valid_from", "valid_to")
"""What a search filters by as numbers (epoch seconds), where the validity has bounds."""
TENANT_FIELD = "tenant"

DENSE_ROUTES = (Route.DENSE, Route.QUESTION_DENSE)
SPARSE_ROUTES = (Route.LEXICAL, Route.WORDS, Route.QUESTION_LEXICAL)

K1 = 1.2
B = 0.75
MEAN_TERMS = 500
"""The mean length in BM25's length normalisation, in terms, fixed so that a document's weights never depend on its
neighbours. A passage of 300 characters has about 450 terms; the ten public sets (7 to 608) lose nothing by it."""
MEAN_QUESTION_TERMS = 15

IDF_OF_NOTHING = math.log(2)
"""Qdrant's idf of every word among no entries at all."""
BACKGROUND_ENTRIES = 100

_FOREVER = 1e15
"""Stands for an endless validity, which JSON cannot hold."""
_EVERY_BOT = "*"
"""In the mark of an entry that names no bots."""
_ENDS_ASKING = re.compile(r"(?:[?？]|[吗呢])\s*$")
_ASKS = re.compile(
    r"什么|怎么|怎样|如何|为何|为啥|咋|哪[个些里儿家种位]|多少|多久|几[天次个岁]|是否|(\w)不\1|^(?:how|what|why|when|where|which|who)\b",
    re.IGNORECASE,
)
_NAMES_A_SITE = re.compile(r"[_|—–-]")
_LONGEST_QUESTION = 60
"""Characters of a heading that asks."""
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class PointData:
    """One point: ``dense`` and ``sparse`` map a route to its vector, sparse as (dimensions, weights)."""

    id: str
    dense: dict[Route, list[float]]
    sparse: dict[Route, tuple[list[int], list[float]]]
    payload: dict[str, Any]


class PointMaker:
    """Makes points; embeds with ``embedder`` (which should cache)."""

    def __init__(self, embedder: Embedder, tokenizer: Tokenizer, states: StateStore | None = None) -> None:
        self._embedder = embedder
        self._tokenizer = tokenizer
        self._states = states

    def make(self, entries: Sequence[Entry]) -> list[PointData]:
        """The points of ``entries``: one each, and one for each question that one answers."""
        keep_states(self._embedder, self._states, entries)
        bodies = [body(entry) for entry in entries]
        questions = [question for entry in entries for question in questions_of(entry)]
        body_vectors = self._embedder.passages(bodies)
        question_vectors = iter(self._embedder.queries(questions))
        points = []
        for entry, text, vector in zip(entries, bodies, body_vectors, strict=True):
            points.append(self._entry_point(entry, text, vector))
            points += [
                self._question_point(entry, point_id, question, next(question_vectors))
                for point_id, question in zip(question_ids(entry), questions_of(entry), strict=True)
            ]
        return points

    def _entry_point(self, entry: Entry, text: str, vector: Floats) -> PointData:
        words = set(self._tokenizer.words(text)).union(*map(self._tokenizer.words, entry.questions))
        return PointData(
            id=entry.id,
            dense={Route.DENSE: vector.tolist()},
            sparse={
                Route.LEXICAL: document_weights(self._tokenizer.terms(text), MEAN_TERMS),
                Route.WORDS: query_weights(words),
            },
            payload=_filtered(entry, ENTRY_ROLE)
            | {
                "title": entry.title,
                "questions": list(entry.questions),
                "text": entry.text,
                "source": entry.source,
                "location": entry.location,
            }
            | ({"approval_number": entry.approval_number} if entry.approval_number else {})
            | ({"bots": list(entry.bots)} if entry.bots else {})
            | ({"page": entry.page} if entry.page else {})
            | ({"figures": list(entry.figures)} if entry.figures else {}),
        )

    def _question_point(self, entry: Entry, point_id: str, question: str, vector: Floats) -> PointData:
        return PointData(
            id=point_id,
            dense={Route.QUESTION_DENSE: vector.tolist()},
            sparse={Route.QUESTION_LEXICAL: document_weights(self._tokenizer.terms(question), MEAN_QUESTION_TERMS)},
            payload=_filtered(entry, QUESTION_ROLE) | {"entry": entry.id},
        )


def warm(embedder: Embedder, states: StateStore | None, entries: Sequence[Entry]) -> None:
    """Do beforehand what takes long in making the points of ``entries``: their vectors, which ``embedder`` may cache,
    and their token states, into ``states`` where they are kept."""
    keep_states(embedder, states, entries)
    embedder.passages([body(entry) for entry in entries])
    embedder.queries([question for entry in entries for question in questions_of(entry)])


def keep_states(embedder: Embedder, states: StateStore | None, entries: Sequence[Entry]) -> None:
    """The states of ``entries`` into the store. The embedder keeps the vectors that come with them."""
    if states is None or embedder.tokens is None:
        return
    for kind, texts in states.missing(text for entry in entries for text in texts_with_states(entry)).items():
        encoded = embedder.tokens.encode(texts, kind)
        states.put({(kind, text): kept(each.states) for text, each in zip(texts, encoded, strict=True)})


def body(entry: Entry) -> str:
    """What the dense and lexical routes read of an entry.

    A FAQ's question stands above its answer; the document's title and the section path, which often say what a
    passage is about when its words do not, above the passage.
    """
    located = entry.kind is EntryKind.PASSAGE and entry.location
    heading = " › ".join(filter(None, (entry.title, entry.location if located else "")))
    return f"{heading}\n{entry.text}" if heading else entry.text


def questions_of(entry: Entry) -> tuple[str, ...]:
    """The questions that ``entry`` is known to answer: those of a FAQ, and the heading or title of a passage where that
    asks something. Other titles are no such field: it costs more than it brings."""
    if entry.kind is not EntryKind.PASSAGE:
        return entry.questions
    headings = (entry.location.rpartition(" › ")[2], entry.title)
    return next(((heading,) for heading in headings if _asks(heading)), ())


def _asks(heading: str) -> bool:
    if _ENDS_ASKING.search(heading):
        return True
    return len(heading) <= _LONGEST_QUESTION and bool(_ASKS.search(heading)) and not _NAMES_A_SITE.search(heading)


def texts_with_states(entry: Entry) -> list[TextOfKind]:
    """The texts of ``entry`` that late interaction reads, its body first."""
    return [("passage", body(entry)), *(("query", question) for question in questions_of(entry))]


def question_ids(entry: Entry) -> list[str]:
    """The ids of the question points of ``entry``, in the order of its questions."""
    return [str(uuid.uuid5(uuid.UUID(entry.id), str(number))) for number in range(len(questions_of(entry)))]


def point_ids(entries: Iterable[Entry]) -> list[str]:
    """The ids of every point of ``entries``, questions first.

    In this order a deletion that is cut off leaves the entry, so that the next one finds what is left.
    """
    kept = list(entries)
    return [id_ for entry in kept for id_ in question_ids(entry)] + [entry.id for entry in kept]


def entry_from_payload(point_id: str, payload: dict[str, Any]) -> Entry:
    """The entry whose point has this payload. Raises ``KeyError`` or ``ValueError`` on anything else."""
    return Entry(
        id=point_id,
        tenant=payload["tenant"],
        collection=payload["collection"],
        kind=EntryKind(payload["kind"]),
        audience=Audience(payload["audience"]),
        title=payload["title"],
        questions=tuple(payload["questions"]),
        text=payload["text"],
        source=payload["source"],
        location=payload["location"],
        valid_from=_unbounded(payload["valid_from"]),
        valid_to=_unbounded(payload["valid_to"]),
        approval_number=payload.get("approval_number", ""),
        bots=tuple(payload.get("bots", ())),
        page=payload.get("page", 0),
        figures=tuple(payload.get("figures", ())),
    )


def document_weights(terms: Sequence[str], mean: float) -> tuple[list[int], list[float]]:
    """BM25's weights of the terms of one document, without the idf."""
    normal = K1 * (1 - B + B * len(terms) / mean)
    return sparse({term: n * (K1 + 1) / (n + normal) for term, n in Counter(terms).items()})


def query_weights(terms: Iterable[str]) -> tuple[list[int], list[float]]:
    """How often each term occurs."""
    return sparse(dict(Counter(terms)))


def sparse(weights: Mapping[str, float]) -> tuple[list[int], list[float]]:
    """Terms as dimensions: a 32-bit hash. Two terms in a million share one, and then both count there."""
    dimensions: dict[int, float] = {}
    for term, weight in weights.items():
        dimension = zlib.crc32(term.encode("utf-8", "surrogatepass"))
        dimensions[dimension] = dimensions.get(dimension, 0.0) + weight
    return list(dimensions), [float(weight) for weight in dimensions.values()]


def coverage_weights(idf: Sequence[float | None], entries: int) -> list[float]:
    """What each word of a question weighs in coverage, from its idf among ``entries`` (``None``: in none of them).

    It is the idf once more, as if :data:`BACKGROUND_ENTRIES` others without the word stood beside: among three entries
    the idf of a word that one of them holds is far below that of a word none holds, and nothing would seem covered.
    """
    weights = []
    for value in idf:
        holding = 0.0 if value is None else (entries + 1) / math.exp(value) - 0.5  # Qdrant: idf = ln((n + 1)/(df + .5))
        weights.append(math.log((entries + BACKGROUND_ENTRIES + 1) / (holding + 0.5)))
    return weights


def role_mark(role: str) -> str:
    """The mark of every point of ``role``."""
    return _mark(role)


def home_mark(role: str, tenant: str, collection: str) -> str:
    """The mark of the points of ``role`` in a collection."""
    return _mark(role, tenant, collection)


def sight_marks(role: str, scope: Scope, kind: EntryKind | None, validity: str) -> tuple[str, ...]:
    """The marks of the points of ``role`` that ``scope`` may see, FAQs and passages where no ``kind`` is given, of one
    ``validity``: :data:`ALWAYS`, :data:`DATED`, or that of some entries (:func:`validity_of`)."""
    bots = (_EVERY_BOT, scope.bot) if scope.bot else (_EVERY_BOT,)
    kinds = (EntryKind.FAQ, EntryKind.PASSAGE) if kind is None else (kind,)
    parts = product(scope.collections, scope.reader.readable, kinds, bots)
    return tuple(_mark(role, scope.tenant, *part, validity) for part in parts)


def validity_of(entry: Entry) -> str:
    """The word for its validity: equal for equal bounds."""
    bounded = entry.valid_from > -math.inf or entry.valid_to < math.inf
    return f"{entry.valid_from!r}:{entry.valid_to!r}" if bounded else ALWAYS


def _filtered(entry: Entry, role: str) -> dict[str, Any]:
    """The payload that a search filters by, and what names the point's place."""
    place = (role, entry.tenant, entry.collection)
    validity = validity_of(entry)
    validities = (ALWAYS,) if validity == ALWAYS else (DATED, validity)
    each = product(entry.bots or (_EVERY_BOT,), validities)
    sights = [_mark(*place, entry.audience.value, entry.kind.value, *part) for part in each]
    return {
        MARKS_FIELD: [role_mark(role), home_mark(*place), *sights],
        TENANT_FIELD: entry.tenant,
        "collection": entry.collection,
        "kind": entry.kind.value,
        "audience": entry.audience.value,
        "role": role,
        "valid_from": _bounded(entry.valid_from),
        "valid_to": _bounded(entry.valid_to),
    }


def _mark(*parts: str) -> str:
    return _SEPARATOR.join(parts)


def _bounded(epoch_s: float) -> float:
    return max(-_FOREVER, min(_FOREVER, float(epoch_s)))


def _unbounded(epoch_s: float) -> float:
    return math.copysign(math.inf, epoch_s) if abs(epoch_s) >= _FOREVER else epoch_s
