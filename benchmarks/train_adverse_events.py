"""Makes the weights of :mod:`bot.safety.adverse_events.likeness` again, and prints how it does on what it has not read.

    python -m benchmarks.train_adverse_events DATA_FOLDER [--write]

DATA_FOLDER holds the public sets named in :data:`HARMLESS`, ``ade_zh`` and ``phee_ade_en``. Reports and questions were
written for this product: those that the rules were fitted to (``tests/safety/adverse_events/labelled.jsonl``) and
``benchmarks/data/adverse_events.jsonl``. ``tests/safety/adverse_events/unseen.jsonl`` is never trained on.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.safety_training import Example, Scores, fit, write_model
from bot.safety.adverse_events import Kind, screen
from bot.safety.adverse_events.folding import fold
from bot.safety.adverse_events.likeness import KINDS, LIKENESS, REPORT

Row = dict[str, Any]

TOLD = {"adverse", "special_situation"}
TESTS = Path("tests/safety/adverse_events")
OWN = (TESTS / "labelled.jsonl", Path("benchmarks/data/adverse_events.jsonl"))
UNSEEN = TESTS / "unseen.jsonl"
ATTACKS = Path("benchmarks/data/injection.jsonl")
"""Attacks on the language model, and texts that look like ones: neither tells of anybody's harm."""
HARMLESS = {
    "medical_faq/queries.jsonl": ("query", 500, "MIT"),
    "medical_faq/corpus.jsonl": ("title", 500, "MIT"),
    "xsid_zh/data.jsonl": ("text", 400, "CC BY-SA 4.0"),
    "emotion7_zh/data.jsonl": ("text", 500, "Apache-2.0"),
    "tidb_faq/corpus.jsonl": ("title", 200, "CC BY-SA 3.0"),
    "crosswoz_conv/queries.jsonl": ("query", 300, "Apache-2.0"),
    "dureader_demo/queries.jsonl": ("query", 78, "Apache-2.0"),
    "pii_zh/data.jsonl": ("text", 400, "public domain"),
    "cmrc2018/queries.jsonl": ("query", 300, "CC BY-SA 4.0"),
    "clinc_oos_en/data.jsonl": ("text", 400, "CC BY 3.0"),
    "banking77_en/data.jsonl": ("text", 300, "CC BY 4.0"),
    "canard_en/queries.jsonl": ("query", 300, "CC BY-SA 4.0"),
}
"""File to (field, rows, licence): what people write who report nothing; what the rules suspect in them is left out."""
OWN_WEIGHT = 2.0
CASE_REPORT_WEIGHT = 0.5
"""Of an English sentence of phee_ade_en that tells of harm; of those that tell of none, a tenth, four times that."""
ATTACK_WEIGHT = 0.2
"""They are many, and most are unlike anything that people write to a customer service."""
FEWEST = 12
"""Reports of a kind from which it has a head of its own."""
RIDGE = 5e-6
"""Penalty; half and double make no difference that can be seen."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weights into bot/safety/adverse_events")
    arguments = parser.parse_args()
    rows = [row for path in OWN for row in read(path)]
    public = list(read(arguments.data / "ade_zh" / "data.jsonl"))
    own = [Example(text_of(row), row["label"] in TOLD, OWN_WEIGHT) for row in (*rows, *public)]
    own += [case_report(row) for row in read(arguments.data / "phee_ade_en" / "data.jsonl")]
    harmless = [Example(fold(text).text, positive=False) for text in harmless_texts(arguments.data)]
    harmless += [Example(text_of(row), positive=False, weight=ATTACK_WEIGHT) for row in read(ATTACKS)]
    unseen = [Example(text_of(row), row["label"] in TOLD) for row in read(UNSEEN)]
    print("reports, unseen texts:", Scores.of([*own, *harmless], unseen, ridge=RIDGE).summary())
    if not arguments.write:
        return
    likeness = {REPORT: fit([*own, *harmless], ridge=RIDGE)}
    heads = {}
    kinds = {id(row): kind for row in rows if row["label"] in TOLD and (kind := kind_of(row))}
    for kind, count in Counter(kinds.values()).items():
        if count >= FEWEST:
            rarity = (len(kinds) - count) / count  # a rare kind counts as much as all the others
            told = [(text_of(row), kinds[id(row)] == kind) for row in rows if id(row) in kinds]
            heads[kind] = fit([Example(text, is_it, rarity if is_it else 1.0) for text, is_it in told], ridge=RIDGE)
    licences = [f"{name} ({licence})" for name, (_, _, licence) in HARMLESS.items()]
    trained_on = [*map(str, (*OWN, ATTACKS)), "ade_zh (MIT, own rows public domain)", "phee_ade_en (MIT)", *licences]
    folder = Path("bot/safety/adverse_events")
    write_model(folder, LIKENESS, likeness, {"trained_on": trained_on})
    write_model(folder, KINDS, heads, {"trained_on": [str(path) for path in OWN]})


def case_report(row: Row) -> Example:
    """A sentence of an English case report."""
    told = row["label"] == "adverse"
    return Example(fold(row["text"]).text, told, CASE_REPORT_WEIGHT * (1 if told else 4))


def text_of(row: Row) -> str:
    """The messages of a row as the model reads them."""
    messages = row["messages"] if "messages" in row else [row["text"]]
    return "，".join(fold(message).text for message in messages)


def kind_of(row: Row) -> str | None:
    """What a report is of: as labelled, or as the rules say."""
    if row["label"] == "adverse":
        return Kind.ADVERSE_EVENT
    if "kind" in row:
        return str(row["kind"])
    kinds = screen(row["messages"], rules_alone=True).kinds - {Kind.ADVERSE_EVENT}
    return min(kinds) if kinds else None


def harmless_texts(data: Path) -> Iterator[str]:
    """Texts of the public sets in which the rules suspect nothing."""
    for name, (field, count, _) in HARMLESS.items():
        texts = [row[field] for row in read(data / name)][:count]
        yield from (text for text in texts if not screen([text], rules_alone=True).suspected)


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    main()
