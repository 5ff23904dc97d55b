"""``ask``: one question, answered as the bot would answer a public reader."""

import json
from typing import Any

import click

from bot.assembly import read_configuration
from bot.cli.access import actor, choose_bot, knowledge, open_database
from bot.errors import UsageError
from bot.messages import LONGEST_QUESTION

DEADLINE_S = 30.0


@click.command()
@click.argument("question")
@click.option("--bot", help="Which bot; may be left out when there is one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(question: str, bot: str | None, *, as_json: bool) -> None:
    """Answer QUESTION from the approved knowledge, with sources; a refusal is an answer too (exit 0)."""
    if not question.strip() or len(question) > LONGEST_QUESTION:
        raise UsageError(f"the question must have 1 to {LONGEST_QUESTION} characters")
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    with open_database(configuration) as database, knowledge(configuration, database) as ask:
        answer = ask("ask", {"bot": chosen.id, "question": question, "actor": actor()}, DEADLINE_S)
    click.echo(json.dumps(answer, ensure_ascii=False) if as_json else _readable(answer))


def _readable(answer: dict[str, Any]) -> str:
    lines = [answer["answer"], ""]
    lines += [_source(citation) for citation in answer["citations"]]
    lines.append(f"({answer['kind']}, confidence {answer['confidence']:.2f}, turn {answer['turn_id']})")
    return "\n".join(lines)


def _source(citation: dict[str, Any]) -> str:
    number = citation.get("approval_number")
    approval = f" · approval no. {number}" if number else ""
    return f"[{citation['n']}] {citation['title']} · {citation['source']} · {citation['location']}{approval}"
