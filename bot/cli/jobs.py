"""``jobs``: what becomes of files that a worker ingests in the background."""

import json
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from bot.assembly import read_configuration
from bot.cli.access import open_database
from bot.cli.ingest import result_line
from bot.errors import UsageError
from bot.ingestion import ingest_jobs
from bot.knowledge.jobs import Job


@click.command()
@click.argument("job", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(job: str | None, *, as_json: bool) -> None:
    """Show the newest jobs of `ingest --later`, or what became of each file of one JOB."""
    configuration = read_configuration()
    with open_database(configuration) as database:
        jobs = ingest_jobs(configuration.settings, database)
        found = jobs.recent() if job is None else list(filter(None, [jobs.find(job)]))
    if job is not None and not found:
        raise UsageError(f"there is no job {job}; `jobs` shows the newest")
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(_line(each, ZoneInfo(configuration.settings.timezone)))
        for file in each.files:
            lines = [result_line(result) for result in file.results] or [f"{'waiting':<10}{file.source}"]
            click.echo("\n".join(lines))


def _line(job: Job, timezone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(job.created_at, timezone).strftime("%Y-%m-%d %H:%M")
    far = f", {job.stage} {job.done} of {job.total}" if job.ended_at is None else ""
    problem = f": {job.problem}" if job.problem else ""
    return f"{job.id}  {at}  {job.wishes.collection}  {job.state.value}{far}{problem}"
