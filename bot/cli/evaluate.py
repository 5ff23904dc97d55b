"""``eval``: measure the product on labelled files."""

import json
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from bot import telemetry
from bot.cli import gate, threshold
from bot.errors import UsageError
from bot.evaluation.classify import BUILT, TASKS, evaluate_classification
from bot.settings import load_settings, prepare_process

_BUILT = "`eval retrieval`, `eval classify`, `eval threshold` and `eval gate`"
_File = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group(name="eval")
def command() -> None:
    """Measure retrieval and refusal on labelled files; the result is one JSON object."""
    telemetry.configure_logging("WARNING")


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
    from bot.knowledge.opening import make_embedder, make_reading_check, make_tokenizer, vector_cache

    bars: dict[str, tqdm[Any]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        bar = bars.setdefault(stage, tqdm(desc=stage, total=total))
        bar.update(done - bar.n)

    embedder = make_embedder(settings)
    result = evaluate_retrieval(
        corpus,
        queries,
        unanswerable,
        fields=tuple(fields.split(",")),
        faq=faq,
        embedder=embedder,
        cache=vector_cache(settings),
        tokenizer=make_tokenizer(),
        progress=progress,
        check=make_reading_check(settings, embedder),
    )
    for bar in bars.values():
        bar.close()
    click.echo(json.dumps(result, ensure_ascii=False, indent=None if as_json else 2))


@command.command()
@click.option("--task", type=click.Choice(TASKS), required=True, help="What is told apart.")
@click.option("--items", type=_File, required=True, help='Rows {"id","text","label"}; pii: {"id","text","spans"}.')
@click.option("--shots", type=_File, help="Labelled examples to learn from; no task that is built learns from them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def classify(task: str, items: Path, shots: Path | None, *, as_json: bool) -> None:
    """Measure a safety check on labelled rows, without a language model and without the running system."""
    if shots is not None and task in BUILT:
        click.echo(f"{task} does not learn from examples: {shots} is not read", err=True)
    bars: list[tqdm[Any]] = []

    def progress(done: int, total: int) -> None:
        if not bars:
            bars.append(tqdm(desc=task, total=total))
        bars[0].update(done - bars[0].n)

    result = evaluate_classification(task, items, progress)
    for bar in bars:
        bar.close()
    click.echo(json.dumps(result, ensure_ascii=False, indent=None if as_json else 2))


@command.command()
@click.option("--corpus", type=_File, required=True, help='Rows {"id","title","text"}.')
@click.option("--queries", type=_File, required=True, help='Rows {"id","history","query","positives"}.')
@click.option("--unanswerable", type=_File, help='Rows {"id","query","kind"}.')
@click.option("--field", default="title,text", show_default=True, help="Fields that are indexed.")
@click.option("--faq", is_flag=True, help="The rows are FAQs: title the question, text the answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def conversation(**_options: object) -> None:
    """Measure the search on questions that follow others. Not built yet."""
    raise _not_built("conversation")


command.add_command(gate.command, "gate")
command.add_command(threshold.command, "threshold")


def _not_built(name: str) -> UsageError:
    return UsageError(f"`eval {name}` is not built yet: this version measures {_BUILT}")
