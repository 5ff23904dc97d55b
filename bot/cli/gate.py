"""``eval gate``: a bot's golden questions, asked of what runs now, beside the run that was accepted last."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from bot.assembly import Configuration, read_configuration
from bot.bots_file import BotConfig
from bot.cli.access import Ask, actor, choose_bot, knowledge, open_audit, open_database
from bot.errors import UsageError
from bot.golden.judging import Comparison, Outcome, compare
from bot.golden.questions import GoldenQuestion
from bot.golden.running import AT_ONCE, Progress, run_questions
from bot.golden.store import EVAL, GoldenStore, Run
from bot.golden.versions import changed, ran_on
from bot.knowledge.store import KnowledgeStore
from bot.records.database import Database

ANSWER_DEADLINE_S = 120.0
LONGEST_S = 3_600.0
"""For all golden questions together; a language model may take seconds for each."""
LONGEST_REASON = 500


@click.command()
@click.option("--bot", help="The bot whose golden questions are asked; may be left out when there is one.")
@click.option("--accept", is_flag=True, help="Make this run the bar for those that follow.")
@click.option("--reason", default="", help="Why it is accepted although questions fell.")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the accuracy-coverage curve and the reliability diagram (SVG).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def command(bot: str | None, reason: str, pictures: Path | None, *, accept: bool, as_json: bool) -> None:
    """Ask a bot its golden questions. Exits with 2 when one that was right in the accepted run is wrong now."""
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(reason)} characters, {LONGEST_REASON} are allowed")
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        store = GoldenStore(audit)
        questions = store.questions(chosen.id)
        if not questions:
            raise UsageError(f"{chosen.id} has no golden questions: write a file of them and run `golden import FILE`")
        run = _run(configuration, database, chosen, questions)
        bar = store.accepted(chosen.id)
        store.save(run)
        found = compare(run.outcomes, bar.outcomes if bar else ())
        if accept:
            store.accept(run, chosen, actor=actor(), now=time.time(), reason=reason, fell=len(found.fell))
    if pictures:
        from bot.golden.pictures import draw

        draw(run.outcomes, pictures)
    click.echo(
        json.dumps(_facts(run, bar, found, accepted=accept), ensure_ascii=False)
        if as_json
        else _words(run, bar, found, accepted=accept)
    )
    if found.fell and not accept:
        fallen = "; ".join(outcome.question for outcome in found.fell[:3])
        more = f" and {len(found.fell) - 3} more" if len(found.fell) > 3 else ""
        raise UsageError(
            f"{len(found.fell)} golden questions fell: {fallen}{more}; mend that, or --accept it for a --reason"
        )


def _run(configuration: Configuration, database: Database, bot: BotConfig, questions: list[GoldenQuestion]) -> Run:
    who = actor()
    with knowledge(configuration, database) as ask, bar_of("gate", "question") as progress:

        def answer(question: GoldenQuestion) -> Mapping[str, Any]:
            return _ask(ask, bot, question, who)

        until, at_once = time.monotonic() + LONGEST_S, AT_ONCE if configuration.settings.llm_configured else 1
        outcomes, versions = run_questions(questions, answer, progress, until, at_once)
    store = KnowledgeStore(database)
    approved = {collection: store.approved_entries(bot.tenant, collection) for collection in bot.knowledge}
    return Run(
        bot=bot.id,
        tenant=bot.tenant,
        at=time.time(),
        actor=who,
        occasion=EVAL,
        ran_on=ran_on(bot, questions, approved, versions),
        outcomes=tuple(outcomes),
    )


def _ask(ask: Ask, bot: BotConfig, question: GoldenQuestion, who: str) -> Mapping[str, Any]:
    arguments = {"bot": bot.id, "question": question.question, "audience": question.audience.value, "actor": who}
    reply: Mapping[str, Any] = ask("golden", arguments, ANSWER_DEADLINE_S)
    return reply


@contextmanager
def bar_of(name: str, unit: str) -> Iterator[Progress]:
    """A bar on standard error."""
    with tqdm(desc=name, unit=unit) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell


def _facts(run: Run, bar: Run | None, found: Comparison, *, accepted: bool) -> dict[str, Any]:
    return {
        "run": run.id,
        "bot": run.bot,
        "passed": not found.fell,
        "accepted": accepted,
        "n": len(run.outcomes),
        "right": run.right,
        "answered": sum(outcome.answered for outcome in run.outcomes),
        "compared_with": bar.id if bar else None,
        "changed": changed(bar.ran_on, run.ran_on) if bar else [],
        "fell": [outcome.to_json() for outcome in found.fell],
        "rose": [outcome.to_json() for outcome in found.rose],
        "new_wrong": [outcome.to_json() for outcome in found.new],
        "ran_on": run.ran_on,
        "outcomes": [outcome.to_json() for outcome in run.outcomes],
    }


def _words(run: Run, bar: Run | None, found: Comparison, *, accepted: bool) -> str:
    lines = [
        f"{'right' if one.right else 'WRONG'}  {one.confidence:.2f}  {one.question}{_why(one)}" for one in run.outcomes
    ]
    lines.append(f"{run.right} of {len(run.outcomes)} right (run {run.id})")
    if bar is None:
        lines.append("no run was accepted yet" + ("" if accepted else ": --accept makes one the bar"))
    else:
        what = ", ".join(changed(bar.ran_on, run.ran_on)) or "nothing"
        lines.append(f"beside run {bar.id}, {bar.right} of {len(bar.outcomes)} right: {what} changed since")
        lines += [f"  fell  {one.question}{_why(one)}" for one in found.fell]
        lines += [f"  rose  {one.question}" for one in found.rose]
        lines += [f"  new   {one.question}{_why(one)}" for one in found.new]
    return "\n".join([*lines, "accepted: it is the bar now"] if accepted else lines)


def _why(outcome: Outcome) -> str:
    if outcome.fault is None:
        return ""
    return f"  ({_FAULTS[outcome.fault]}{f': {outcome.missing}' if outcome.missing else ''})"


_FAULTS = {
    "refused": "it was refused",
    "answered": "it should have been refused",
    "source": "not cited",
    "fact": "not said",
}
