"""How long a person waits: from the callback of a question to the platform call that carries its answer.

    python -m benchmarks.reply [--questions 40] [--json]

The whole product runs as an operator starts it (`up`), with 100 made-up questions and the demo's documents. Five
questions a second, each from another person. ``echo`` is the baseline of the same run: the whole way without any
retrieval. ``faq`` asks in words that were asked before, ``faq, new words`` in texts that come for the first time,
``passage`` what only a document answers. ``model`` has the same answered by a scripted model on this machine that needs
no time of its own; what a real model takes comes on top. Start-up is the time until `up` says that it is ready: first
in an empty folder, which builds the embedder's graph.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.installation import PEOPLE, ROOT, Running, environment_for, ingest, running
from benchmarks.load import Load, Outcome, Plan
from benchmarks.measuring import print_json, print_table

A_SECOND = 5.0
"""Slow enough that what the product does after an answer is not in the next figure."""
DEMO = ROOT / "deploy/demo/knowledge"


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=40, help="measured questions a kind")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name, Load() as load:
        environment = environment_for(Path(name), load.url)
        with running(environment) as installation:
            ingest(environment)
            ingest(environment, *sorted(DEMO.glob("*.md")))
            first_s = installation.ready_s
            for row, kind in (
                ("echo", "echo"),
                ("faq", "repeated"),
                ("faq, new words", "different"),
                ("passage", "documents"),
            ):
                found[row] = ask(installation, load, kind, arguments.questions)
        environment |= {"OPENAI_BASE_URL": load.model_url, "OPENAI_API_KEY": "none", "OPENAI_MODEL": "scripted"}
        with running(environment) as installation:
            second_s = installation.ready_s
            found["model"] = ask(installation, load, "documents", arguments.questions)
    columns = ("answer", "p50 ms", "p90 ms", "max ms")
    rows = [(row, *(f"{one.answered[cut]:.1f}" for cut in ("p50", "p90", "max"))) for row, one in found.items()]
    print_table(columns, rows)
    print(f"start-up: first {first_s:.1f} s, second {second_s:.1f} s")
    if arguments.json:
        runs = {row: outcome.to_json() for row, outcome in found.items()}
        print_json({"benchmark": "reply", "runs": runs, "first_s": first_s, "second_s": second_s})


def ask(installation: Running, load: Load, kind: str, questions: int) -> Outcome:
    """So many questions of ``kind``, after a few that are not counted."""
    for asked in (5, questions):
        plan = Plan(
            port=installation.port, seconds=asked / A_SECOND, rate=A_SECOND, people=PEOPLE, kind=kind, start=asked
        )
        outcome = load.run(plan)
    return outcome


if __name__ == "__main__":
    main()
