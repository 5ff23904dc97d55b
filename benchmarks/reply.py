"""How long a person waits: from the callback of a question to the platform call that carries its answer.

    python -m benchmarks.reply [--questions 40] [--json]

The whole product runs as an operator starts it (`up`), with 100 made-up questions and the demo's documents. Five
questions a second, each from another person. ``echo`` is the baseline of the same run: the whole way without any
retrieval. ``faq, first time`` asks in the table's words, ``faq`` the same once all of the table was asked before,
``faq, new words`` in texts that are not in the table and come for the first time, ``passage`` what only a document
answers. ``model`` has the same answered by a scripted model on this machine that needs no time of its own; what a real
model takes comes on top. Start-up is the time until `up` says that it is ready: first in an empty folder, which builds
the embedder's graph.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import questions
from benchmarks.installation import PEOPLE, ROOT, Running, environment_for, ingest, running
from benchmarks.load import Load, Outcome, Plan
from benchmarks.measuring import print_json, print_table

A_SECOND = 5.0
"""Slow enough that what the product does after an answer is not in the next figure."""
LONGEST_S = 120.0
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
            found["echo"] = ask(installation, load, "echo", arguments.questions)
            found["faq, first time"] = ask(installation, load, "repeated", arguments.questions)
            load.run(everything(installation))
            found["faq"] = ask(installation, load, "repeated", arguments.questions)
            found["faq, new words"] = ask(installation, load, "different", arguments.questions)
            found["passage"] = ask(installation, load, "documents", arguments.questions)
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


def everything(installation: Running) -> Plan:
    """Every text of the table once, a few at a time."""
    texts = 2 * len(questions.rows())
    return Plan(port=installation.port, seconds=LONGEST_S, in_flight=8, most=texts, people=PEOPLE)


def ask(installation: Running, load: Load, kind: str, amount: int) -> Outcome:
    """``amount`` questions of ``kind``, after a few that are not counted."""
    for asked in (5, amount):
        plan = Plan(
            port=installation.port, seconds=asked / A_SECOND, rate=A_SECOND, people=PEOPLE, kind=kind, start=asked
        )
        outcome = load.run(plan)
    return outcome


if __name__ == "__main__":
    main()
