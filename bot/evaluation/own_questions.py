"""Questions without labels: those of a file, or those that people put to a bot."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import KnowledgeError, UsageError
from bot.evaluation.rows import read_rows, text_of
from bot.handoff.desk import ASKED_KNOWLEDGE
from bot.knowledge.entries import Audience
from bot.knowledge.loaders.encoding import decode_text
from bot.messages import LONGEST_QUESTION
from bot.mining.gaps import HIDDEN, touches_a_case
from bot.records.turns import TurnRecord

MOST_QUESTIONS = 500
"""The first of a file, the newest of people: each costs some 0.1 s, and more tell nothing new."""
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """What somebody asked who may read what ``reader`` may."""

    text: str
    reader: Audience = Audience.PUBLIC


def from_file(path: Path) -> list[OwnQuestion]:
    """The questions of ``path``, each once: the ``query`` of each row where it is ``.jsonl``, else one a line (UTF-8 or
    GB18030). Raises :class:`~bot.errors.UsageError` for a file that cannot be read or has none."""
    texts = _queries(path) if path.suffix == ".jsonl" else _lines(path)
    found = _each_once(OwnQuestion(text.strip()) for text in texts)
    if not found:
        raise UsageError(f"{path} has no questions")
    return found


def from_turns(newest_first: Iterable[TurnRecord]) -> list[OwnQuestion]:
    """The questions of these turns for which the knowledge was asked, each once. What touches a case of drug safety is
    for nobody else, and a question about a picture or a file says nothing alone."""
    return _each_once(
        OwnQuestion(turn.question.strip(), Audience(turn.reader))
        for turn in newest_first
        if turn.step == ASKED_KNOWLEDGE
        and turn.confidence is not None
        and not turn.quoted
        and HIDDEN not in turn.question
        and not touches_a_case(turn)
        and not any(step.get("media") or step.get("own_files") for step in turn.steps)
    )


def _queries(path: Path) -> Iterator[str]:
    return (text_of(row, "query", where) for where, row in read_rows(path))


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            whole = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(whole) > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES} bytes")
    try:
        yield from decode_text(whole)[0].splitlines()
    except KnowledgeError as error:
        raise UsageError(f"{path}: {error}") from error


def _each_once(questions: Iterable[OwnQuestion]) -> list[OwnQuestion]:
    found: dict[OwnQuestion, None] = {}
    for question in questions:
        if 0 < len(question.text) <= LONGEST_QUESTION:
            found.setdefault(question)
        if len(found) == MOST_QUESTIONS:
            break
    return list(found)
