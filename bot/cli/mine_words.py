"""What ``mine`` prints of what it found: lines for people, and facts for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.knowledge.entries import Entry, EntryKind
from bot.mining.contradictions import Contradiction
from bot.mining.drafts import Draft
from bot.mining.duplicates import Duplicate
from bot.mining.gaps import Gap
from bot.mining.pairs import Pair, Span

_MARGIN = "    "


def pair_lines(pair: Pair) -> list[str]:
    """A proposed pair."""
    return _faq_lines(pair.rule.value, pair.question, pair.similar, pair.answer, pair.span)


def pair_facts(pair: Pair) -> dict[str, Any]:
    """A proposed pair."""
    return {
        "rule": pair.rule.value,
        "question": pair.question,
        "similar": list(pair.similar),
        "answer": pair.answer,
        "audience": pair.origin.audience.value,
        "span": _span_facts(pair.span),
    }


def draft_lines(draft: Draft) -> list[str]:
    """A draft that waits."""
    entry = draft.entry
    head = f"{draft.version.source} [{draft.version.status.value}] {draft.rule.value}"
    return _faq_lines(head, entry.title, entry.questions[1:], entry.text, draft.span)


def draft_facts(draft: Draft) -> dict[str, Any]:
    """A draft that waits."""
    return {
        "source": draft.version.source,
        "status": draft.version.status.value,
        "rule": draft.rule.value,
        "question": draft.entry.title,
        "similar": list(draft.entry.questions[1:]),
        "answer": draft.entry.text,
        "audience": draft.entry.audience.value,
        "span": _span_facts(draft.span),
    }


def duplicate_lines(found: Duplicate) -> list[str]:
    """Two FAQs that ask the same."""
    state = "same answer" if found.agree else "ANSWERS DIFFER"
    return [
        f"{found.one} = {found.other}  [{found.cosine:.3f}, {state}]",
        *(f"{_MARGIN}{_where(entry)}: {_short(entry.text)}" for entry in (found.first, found.second)),
    ]


def duplicate_facts(found: Duplicate) -> dict[str, Any]:
    """Two FAQs that ask the same."""
    return {
        "questions": [found.one, found.other],
        "cosine": round(found.cosine, 4),
        "same_answer": found.agree,
        "faqs": [_entry_facts(found.first), _entry_facts(found.second)],
    }


def contradiction_lines(found: Contradiction) -> list[str]:
    """A FAQ or a passage against a passage."""
    return [
        f"{found.kind.value}  {found.entry.title}",
        f"{_MARGIN}{_where(found.entry)}: {found.says}",
        f"{_MARGIN}{_where(found.passage)}: {found.passage_says}",
    ]


def contradiction_facts(found: Contradiction) -> dict[str, Any]:
    """A FAQ or a passage against a passage."""
    return {
        "kind": found.kind.value,
        "faq" if found.entry.kind is EntryKind.FAQ else "document": _entry_facts(found.entry) | {"says": found.says},
        "passage": _entry_facts(found.passage) | {"says": found.passage_says},
    }


def gap_lines(gap: Gap, timezone: ZoneInfo) -> list[str]:
    """A subject that nobody could answer."""
    last = datetime.fromtimestamp(gap.last_seen, timezone).date()
    humans = f", {gap.humans} then wanted a human" if gap.humans else ""
    lines = [f"{gap.asked} times by {gap.people} people{humans}, last {last}: {gap.question}"]
    lines += [f"{_MARGIN}also: {other}" for other in gap.others]
    if gap.nearest is not None:
        lines.append(f"{_MARGIN}nearest: {_short(gap.nearest.title)} ({_where(gap.nearest)}, {gap.cosine:.3f})")
    return lines


def gap_facts(gap: Gap, timezone: ZoneInfo) -> dict[str, Any]:
    """A subject that nobody could answer."""
    return {
        "question": gap.question,
        "asked": gap.asked,
        "people": gap.people,
        "humans": gap.humans,
        "last_seen": datetime.fromtimestamp(gap.last_seen, timezone).isoformat(timespec="seconds"),
        "others": list(gap.others),
        "nearest": None if gap.nearest is None else _entry_facts(gap.nearest) | {"cosine": round(gap.cosine, 4)},
    }


def _faq_lines(head: str, question: str, similar: Sequence[str], answer: str, span: Span) -> list[str]:
    lines = [f"{head}  {question}"]
    lines += [f"{_MARGIN}also: {other}" for other in similar]
    lines.append(f"{_MARGIN}answer: {_short(answer, 200)}")
    if span.text:
        place = " · ".join(filter(None, (span.document, span.location, f"第 {span.page} 页" if span.page else "")))
        lines.append(f"{_MARGIN}{place}: {_short(span.text, 200)}")
    return lines


def _span_facts(span: Span) -> dict[str, Any]:
    return {"document": span.document, "location": span.location, "page": span.page, "text": span.text}


def _entry_facts(entry: Entry) -> dict[str, Any]:
    return {"source": entry.source, "location": entry.place, "title": entry.title}


def _where(entry: Entry) -> str:
    return " · ".join(filter(None, (entry.source, entry.place)))


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
