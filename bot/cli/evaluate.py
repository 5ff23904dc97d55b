"""``eval``: measure the product on labelled files."""

import json
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from bot.errors import UsageError
from bot.settings import load_settings, prepare_process

NOT_BUILT = {
    "conversation": "follow-up questions",
    "classify": "classifiers (emotion, adverse events, personal data, injection, offence, intent)",
    "gate": "a bot's golden questions",
}


@click.group(name="eval")
def command() -> None:
    """Measure retrieval and refusal on labelled files; the result is one JSON object."""


@command.command()
@click.option("--corpus", type=click.Path(path_type=Path), required=True, help='Rows {"id","title","text"}.')
@click.option("--queries", type=click.Path(path_type=Path), required=True, help='Rows {"id","query","positives"}.')
@click.option("--unanswerable", type=click.Path(path_type=Path), help='Rows {"id","query","kind"}.')
@click.option("--field", "fields", default="title,text", show_default=True, help="Fields that are indexed.")
@click.option("--faq", is_flag=True, help="The rows are FAQs: title the question, text the answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def retrieval(corpus: Path, queries: Path, unanswerable: Path | None, fields: str, *, faq: bool, as_json: bool) -> None:
    """Recall, ranking and refusal of the search, in a scratch index; live knowledge is not touched."""
    settings = load_settings()
    prepare_process(settings)
    from bot.evaluation.retrieval import evaluate_retrieval
    from bot.knowledge.service import make_embedder, make_tokenizer, vector_cache

    bars: dict[str, tqdm[Any]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        bar = bars.setdefault(stage, tqdm(desc=stage, total=total))
        bar.update(done - bar.n)

    result = evaluate_retrieval(
        corpus,
        queries,
        unanswerable,
        fields=tuple(fields.split(",")),
        faq=faq,
        embedder=make_embedder(settings),
        cache=vector_cache(settings),
        tokenizer=make_tokenizer(),
        progress=progress,
    )
    for bar in bars.values():
        bar.close()
    click.echo(json.dumps(result, ensure_ascii=False, indent=None if as_json else 2))


def _not_built(name: str, subject: str) -> click.Command:
    @click.command(
        name=name, context_settings={"ignore_unknown_options": True}, help=f"Measure {subject}. Not built yet."
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def unavailable(**_arguments: object) -> None:
        raise UsageError(f"`eval {name}` is not built yet: this version has no {subject} to measure")

    return unavailable


for _name, _subject in NOT_BUILT.items():
    command.add_command(_not_built(_name, _subject))
