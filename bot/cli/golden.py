"""``golden``: the golden questions of a bot, brought from a file, written into one, shown."""

import json
from pathlib import Path

import click

from bot import telemetry
from bot.assembly import read_configuration
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.golden.files import facts_of, read_questions, write_questions
from bot.golden.questions import GoldenQuestion
from bot.golden.store import GoldenStore

_BOT = click.option("--bot", help="Whose questions; may be left out when there is one bot.")
_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def command() -> None:
    """Look after golden questions: what a bot must be able to answer, and `eval gate` asks."""
    telemetry.configure_logging("WARNING")


@command.command("import")
@_FILE
@_BOT
def bring(file: Path, bot: str | None) -> None:
    """Let the questions of FILE (.csv or .jsonl) be those of the bot, in place of what it had."""
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    questions = read_questions(file)
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        added, gone = GoldenStore(audit).replace(chosen, questions, actor())
    click.echo(f"{len(questions)} golden questions of {chosen.id}: {added} new, {gone} gone")


@command.command()
@_FILE
@_BOT
def export(file: Path, bot: str | None) -> None:
    """Write the questions of the bot into FILE (.csv or .jsonl)."""
    chosen, questions = _questions(bot)
    write_questions(questions, file)
    click.echo(f"{len(questions)} golden questions of {chosen} in {file}")


@command.command("list")
@_BOT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def show(bot: str | None, *, as_json: bool) -> None:
    """Show the questions of the bot and what is expected of each."""
    chosen, questions = _questions(bot)
    for question in questions:
        click.echo(
            json.dumps({"id": question.id, **facts_of(question)}, ensure_ascii=False) if as_json else _line(question)
        )
    if not questions and not as_json:
        click.echo(f"{chosen} has no golden questions: `golden import FILE`")


def _questions(wanted: str | None) -> tuple[str, list[GoldenQuestion]]:
    configuration = read_configuration()
    bot = choose_bot(configuration.bots, wanted)
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        return bot.id, GoldenStore(audit).questions(bot.id)


def _line(question: GoldenQuestion) -> str:
    expected = [f"source: {' or '.join(question.sources)}"] if question.sources else []
    expected += [f"says: {' and '.join(question.facts)}"] if question.facts else []
    expected += ["must be refused"] if question.must_refuse else []
    return f"{question.id}  {question.question}  [{question.audience}] {'; '.join(expected)}"
