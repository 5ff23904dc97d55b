"""``eval threshold``: from which confidence a bot should answer, told by its own questions."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from bot.assembly import read_configuration
from bot.cli.access import actor, choose_bot, knowledge, open_audit, open_database
from bot.cli.gate import ANSWER_DEADLINE_S, bar_of
from bot.errors import UsageError
from bot.evaluation.own_questions import OwnQuestion, from_file, from_turns
from bot.evaluation.thresholds import ENOUGH, Kept, LabelFree, for_precision, kept_at, label_free, needed
from bot.golden.judging import first_answers
from bot.golden.questions import GoldenQuestion
from bot.golden.store import GoldenStore
from bot.knowledge.calibration import ANSWER_THRESHOLD
from bot.knowledge.entries import Audience
from bot.records.reports import Reports

MOST_TURNS = 20_000
"""Records that are looked at for questions."""
_DAY_S = 86_400.0

Measure = Callable[[str, Audience], Mapping[str, Any]]
"""A question and its reader to what ``confidences`` of :class:`bot.knowledge_service.KnowledgeService` gives."""


@click.command()
@click.option("--bot", help="The bot; may be left out when there is one.")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 0.999),
    default=0.95,
    show_default=True,
    help="The share of what is answered that must be right.",
)
@click.option(
    "--questions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Questions without labels, one a line or .jsonl with `query`; else those that people asked.",
)
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back they asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def command(bot: str | None, precision: float, questions: Path | None, days: int, *, as_json: bool) -> None:
    """Recommend an `answer_threshold`: from golden questions, and from questions without labels. Changes nothing."""
    unlabelled = from_file(questions) if questions else None
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    with open_database(configuration) as database:
        with open_audit(configuration, database) as audit:
            golden = GoldenStore(audit).questions(chosen.id)
        if unlabelled is None:
            begin, end = time.time() - days * _DAY_S, time.time() + _DAY_S
            unlabelled = from_turns(Reports(database).newest(chosen.id, begin, end, MOST_TURNS))
        if not golden and not unlabelled:
            raise UsageError(
                f"{chosen.id} has neither golden questions nor questions of the last {days} days: write some into a "
                "file, one a line, and name it with --questions"
            )
        with knowledge(configuration, database) as ask:
            who = actor()

            def measure(question: str, reader: Audience) -> Mapping[str, Any]:
                arguments = {"bot": chosen.id, "question": question, "audience": reader.value, "actor": who}
                found: Mapping[str, Any] = ask("confidences", arguments, ANSWER_DEADLINE_S)
                return found

            judged = _judged(golden, measure)
            free = _label_free(unlabelled, measure)
    now = ANSWER_THRESHOLD if chosen.answer_threshold is None else chosen.answer_threshold
    aside = len(golden) - len(judged)
    advice = _Advice(bot=chosen.id, now=now, precision=precision, judged=judged, left_aside=aside, free=free)
    click.echo(json.dumps(advice.facts(), ensure_ascii=False) if as_json else advice.words())


def _judged(golden: Sequence[GoldenQuestion], measure: Measure) -> list[tuple[float, bool]]:
    """Of each golden question that the search decides the confidence, and whether what it finds first answers."""
    judged = []
    with bar_of("golden", "question") as progress:
        for done, question in enumerate(golden, 1):
            if found := measure(question.question, question.audience):
                judged.append((float(found["confidence"]), first_answers(question, found["first"])))
            progress(done, len(golden))
    return judged


def _label_free(unlabelled: Sequence[OwnQuestion], measure: Measure) -> LabelFree | None:
    found = []
    with bar_of("unlabelled", "question") as progress:
        for done, question in enumerate(unlabelled, 1):
            if one := measure(question.text, question.reader):
                found.append(one)
            progress(done, len(unlabelled))
    return label_free([float(one["confidence"]) for one in found], [float(one["masked"]) for one in found])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Advice:
    """What is told of a bot that answers from ``now``: ``judged`` are its golden questions that the search decides,
    ``left_aside`` how many others there are."""

    bot: str
    now: float
    precision: float
    judged: Sequence[tuple[float, bool]]
    left_aside: int
    free: LabelFree | None

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        golden = {
            "n": len(self.judged),
            "left_aside": self.left_aside,
            "now": _kept(kept_at(self.judged, self.now)),
            "recommended": _kept(for_precision(self.judged, self.precision)),
            "proven": _kept(for_precision(self.judged, self.precision, proven=True)),
            "right_answers_that_prove_it": needed(self.precision),
        }
        return {
            "bot": self.bot,
            "threshold": self.now,
            "precision": self.precision,
            "golden": golden if self.judged else None,
            "label_free": asdict(self.free) | {"rough": self.free.rough} if self.free else None,
        }

    def words(self) -> str:
        """For people."""
        lines = [f"{self.bot} answers from a confidence of {self.now:g}"]
        lines += self._golden_words() if self.judged else ["golden questions: none that the search decides"]
        lines += _label_free_words(self.free) if self.free else ["questions without labels: none"]
        return "\n".join(lines)

    def _golden_words(self) -> list[str]:
        best = for_precision(self.judged, self.precision)
        proven = for_precision(self.judged, self.precision, proven=True)
        aside = f", {self.left_aside} more are decided without the search" if self.left_aside else ""
        lines = [f"golden questions: {len(self.judged)}{aside}"]
        lines.append(f"  at {self.now:g}: {_said(kept_at(self.judged, self.now))}")
        if best is None:
            return [*lines, f"  no threshold makes {self.precision:.1%} of the first hits shown right"]
        lines += [f"  lowest for {self.precision:.1%}, {best.threshold:g}: {_said(best)}", _line(best.threshold)]
        if proven is not None:
            told = f"  lowest that proves it, {proven.threshold:g}: {_said(proven)}"
            return [*lines, told, _line(proven.threshold)]
        return [*lines, f"  too few to prove it: that takes {needed(self.precision)} answers, all of them right"]


def _kept(kept: Kept | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    return {
        "threshold": kept.threshold,
        "shown": kept.shown,
        "right": kept.right,
        "precision": kept.precision,
        "interval": kept.proven,
        "right_firsts": kept.right_firsts,
        "right_firsts_kept": kept.kept,
    }


def _line(threshold: float) -> str:
    """The line for ``bots.yaml``."""
    return f"    answer_threshold: {threshold:g}"


def _label_free_words(free: LabelFree) -> list[str]:
    lines = [
        f"questions without labels: {free.n}, each as it is and without what it finds first",
        f"  at {free.threshold:g} they differ most: {free.as_is:.0%} are answered, {free.masked:.0%} without it",
        _line(free.threshold),
        "  not to be used where several documents answer the same question: one taken away leaves the others",
    ]
    if free.rough:
        lines.append(f"  fewer than {ENOUGH} questions: a rough guess")
    return lines


def _said(kept: Kept) -> str:
    if kept.proven is None:
        return "nothing is answered"
    low, high = kept.proven
    return (
        f"{kept.right} of {kept.shown} first hits shown are right (95 % interval {low:.2f} to {high:.2f}); "
        f"{kept.right} of {kept.right_firsts} right first hits are kept"
    )
