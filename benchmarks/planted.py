"""Planted errors: a passage with a wrong fact lies beside the right one; is it noticed?

    python -m benchmarks.planted DATA_FOLDER/rgb_zh --cache FOLDER [--model]

Each row of ``counterfactual.jsonl`` is put to a knowledge base of its true and its false passages together
(``together``), and of its first true passage with false ones that were made from others (``apart``: nothing but the
fact itself can tell). ``noticed`` is the share of questions whose answer shows both and says that they differ,
``refused`` of those without an answer, ``right`` and ``wrong`` of those that were answered from one side in silence.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.answering import Bench, options_of, rows_of
from bot.evaluation.retrieval import corpus_entry
from bot.knowledge.entries import Entry
from bot.messages import ReplyKind


def main(arguments: Sequence[str]) -> None:
    """Print the shares as JSON, a line for each way of mixing."""
    options = options_of(__doc__, arguments)
    bench = Bench(options)
    rows = rows_of(options.data / "counterfactual.jsonl")[: options.questions]
    for name, apart in (("together", False), ("apart", True)):
        seen = Counter(
            outcome for row in rows if (outcome := _outcome(bench, row["query"], *_passages(row, apart=apart)))
        )
        asked = seen.total()
        shares = {what: seen[what] / asked for what in ("noticed", "refused", "right", "wrong") if asked}
        sys.stdout.write(json.dumps({"mix": name, "n": asked, **shares}) + "\n")


def _passages(row: dict[str, Any], *, apart: bool) -> tuple[list[Entry], list[Entry]]:
    """The true and the false passages of a row as entries."""
    true, false = (
        [corpus_entry(f"{row['id']}-{side}-{at}", "", text) for at, text in enumerate(row[f"{side}_passages"])]
        for side in ("true", "false")
    )
    return (true[:1], false[1:]) if apart else (true, false)


def _outcome(bench: Bench, question: str, true: list[Entry], false: list[Entry]) -> str:
    """What became of a question; nothing where there is no passage of one side."""
    if not true or not false:
        return ""
    with bench.knowing([*true, *false]) as bot:
        answer = bot.answer(bot.find(question))
    if answer.kind is ReplyKind.REFUSAL:
        return "refused"
    if answer.differences:
        return "noticed"
    return "wrong" if answer.cited[0].id in {entry.id for entry in false} else "right"


if __name__ == "__main__":
    main(sys.argv[1:])
