"""Negative rejection: with nothing but passages that do not answer, is anything made up?

    python -m benchmarks.unrelated DATA_FOLDER/rgb_zh --cache FOLDER [--model] [--check]

Each question of the set that names ``negatives`` (passages that a search engine found for it and that do not hold its
answer) is put to a knowledge base of these alone, by the way a bot answers it. Without ``--model`` no language model is
there and what is likely to answer is quoted; with it the model of the settings composes (:mod:`benchmarks.answering`).
``refused`` is the share of the questions that got no answer, ``reserved`` of those whose answer says that it may not be
one, ``told`` of those whose answer says first that its sources speak of something else than the question, ``nothing
made up`` of those with no word that stands in no passage: a quote never has one.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.answering import Bench, options_of, rows_of
from bot.answering.answerer import Answer
from bot.evaluation.retrieval import corpus_entry
from bot.messages import ReplyKind


def main(arguments: Sequence[str]) -> None:
    """Print one line for each question that was answered, and the shares as JSON at the end."""
    options = options_of(__doc__, arguments)
    bench = Bench(options)
    passages = {row["id"]: row for row in rows_of(options.data / "corpus.jsonl")}
    asked = refused = reserved = told = made_up = 0
    rows = [row for row in rows_of(options.data / "queries.jsonl") if row.get("negatives")]
    for row in rows[: options.questions]:
        asked += 1
        given = {id_: passages[id_] for id_ in row["negatives"]}
        entries = [corpus_entry(id_, each["title"], each["text"]) for id_, each in given.items()]
        with bench.knowing(entries) as bot:
            answer = bot.answer(bot.find(row["query"]))
        if answer.kind is ReplyKind.REFUSAL:
            refused += 1
            continue
        reserved += answer.tentative
        told += bool(answer.premises)
        quoted = _quoted(answer, list(given.values()))
        made_up += not quoted
        line = {"query": row["query"], "kind": answer.kind.value, "confidence": answer.confidence, "quoted": quoted}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    shares = {"refused": refused, "reserved": reserved, "told": told, "nothing made up": asked - made_up}
    result = {"n": asked, **{name: count / asked for name, count in shares.items()}}
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")


def _quoted(answer: Answer, given: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every paragraph of ``answer``, its marks aside, stands in what was given, word for word."""
    known = "".join(_bare(f"{each['title']}{each['text']}") for each in given)
    marks = {f"[{n}]" for n in range(1, len(answer.cited) + 1)}
    paragraphs = answer.text.replace("……", "\n").splitlines()
    return all(any(_bare(words) in known for words in _without_marks(each, marks)) for each in paragraphs)


def _without_marks(paragraph: str, marks: set[str]) -> tuple[str, str]:
    """A paragraph without the mark at its end, and without any: some passages have such marks of their own."""
    bare = paragraph
    for mark in marks:
        bare = bare.replace(mark, "")
    return paragraph.rstrip().rpartition("[")[0], bare


def _bare(text: str) -> str:
    return "".join(text.split())


if __name__ == "__main__":
    main(sys.argv[1:])
