"""Asking a bot its golden questions, one after the other."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from bot.errors import UsageError
from bot.golden.judging import Outcome, judge
from bot.golden.questions import GoldenQuestion
from bot.knowledge.entries import Entry
from bot.single_question import SingleQuestions
from bot.turn import Turn

Ask = Callable[[GoldenQuestion], Mapping[str, Any]]
"""A golden question to what :func:`reply_to` gives."""
Find = Callable[[Sequence[str]], Sequence[Entry]]
"""Ids of entries to those that are there."""
Progress = Callable[[int, int], None]
"""Called with (questions done, in all)."""


class OutOfTime(UsageError):
    """The golden questions took longer than they may."""


AT_ONCE = 4
"""Questions asked side by side where a language model composes: nearly all of an answer is waiting for it."""


def run_questions(
    questions: Sequence[GoldenQuestion], ask: Ask, progress: Progress, until: float, at_once: int = 1
) -> tuple[list[Outcome], dict[str, str]]:
    """The outcome of each question, and the versions of what made the answers, by name. ``ask`` is called by as many
    threads as are asked ``at_once``.

    Raises :class:`OutOfTime` when it is not over at ``until``, monotonic seconds.
    """
    outcomes = []
    versions: dict[str, set[str]] = {}
    with ThreadPoolExecutor(at_once, thread_name_prefix="golden") as pool:
        replies = [pool.submit(ask, question) for question in questions[:1]]
        wait(replies)  # the dictionaries that the first one reads each of several at once would read for itself
        replies += [pool.submit(ask, question) for question in questions[1:]]
        try:
            for done, (question, reply) in enumerate(zip(questions, replies, strict=True), 1):
                outcomes.append(judge(question, reply.result()))
                for name, version in reply.result()["versions"].items():
                    versions.setdefault(name, set()).add(version)
                progress(done, len(questions))
                if time.monotonic() > until and done < len(questions):
                    told = f"only {done} of {len(questions)} golden questions were answered in the time they have"
                    raise OutOfTime(told)
        finally:
            pool.shutdown(cancel_futures=True)
    return outcomes, {name: ", ".join(sorted(found - {""})) for name, found in versions.items()}


def reply_to(single: SingleQuestions, turn: Turn, versions: Mapping[str, str], find: Find) -> dict[str, Any]:
    """The reply to ``turn``, JSON-ready: ``answer``, ``kind`` and ``citations`` as in ``ask --json``, ``confidence`` (0
    to 1), ``first`` with the title, source and text of what was found first, said or not, and ``versions`` with those
    of the model and the prompt, empty where no language model was asked."""
    said = single.said(turn)
    answer = said.answer
    citations = answer.citations if answer else ()
    found = (find([id_ for id_, _, _ in answer.passages[:1]]) or answer.cited[:1]) if answer else ()
    first = found[0] if found else None
    generation = answer.generation if answer else {}
    return {
        "answer": said.words,
        "kind": said.kind.value,
        "citations": [{"title": citation.title, "source": citation.source} for citation in citations],
        "confidence": round(answer.confidence, 4) if answer else 0.0,
        "first": {"title": first.title, "source": first.source, "text": first.text} if first else None,
        "versions": {**versions, **{name: generation.get(name, "") for name in ("model", "prompt")}},
    }
