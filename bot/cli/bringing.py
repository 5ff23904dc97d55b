"""What is named on the command line as files: a path as it is, a repository cloned, a site fetched, a table asked of a
database."""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from tqdm import tqdm

from bot.errors import UsageError
from bot.knowledge.importing.repository import clone, is_repository
from bot.knowledge.importing.site import FetchedSite, fetch_site, is_public
from bot.sql_table import address_of, query_table


@contextmanager
def brought(addresses: Sequence[str], *, intranet: bool) -> Iterator[list[Path]]:
    """The paths to ingest. What was brought from elsewhere is there as long as this is open, in a folder of the name of
    the repository or host, which is thus part of what its documents are called.

    Raises :class:`~bot.errors.KnowledgeError` when something cannot be brought.
    """
    with tempfile.TemporaryDirectory() as elsewhere:
        paths: list[Path] = []
        for number, address in enumerate(addresses):
            place = Path(elsewhere) / str(number)
            if is_repository(address):
                place.mkdir()
                clone(address, place)
            elif address.startswith(("http://", "https://")):
                _tell(_fetched(address, place, intranet=intranet))
            else:
                place = Path(address)
            paths.append(place)
        yield paths


@contextmanager
def queried(name: str, sql: str, query: str, *, columns: str, timezone: ZoneInfo) -> Iterator[list[Path]]:
    """What ``query`` gives in the database that ``sql`` addresses or names, as a CSV file called ``name``, which is
    there as long as this is open. ``columns``, a line of CSV, stands in the place of the query's own names.

    Raises :class:`~bot.errors.UsageError` for what the database refuses, beyond the bounds of
    :mod:`bot.sql_table`, and for a name or columns that do not fit.
    """
    if Path(name).name != name or Path(name).suffix.lower() != ".csv":
        raise UsageError("with --sql, PATHS is what the table is called, such as rules.csv")
    rows = query_table(address_of(sql), query, timezone=timezone)
    if columns:
        names = next(csv.reader([columns]), [])
        if len(names) != len(rows[0]):
            raise UsageError(f"--columns names {len(names)} columns, and the query gives {len(rows[0])}")
        rows[0] = names
    with tempfile.TemporaryDirectory() as elsewhere:
        path = Path(elsewhere) / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        yield [path]


def _fetched(address: str, place: Path, *, intranet: bool) -> FetchedSite:
    with tqdm(desc="fetch", unit="page") as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return fetch_site(address, place, allowed=(lambda _address: True) if intranet else is_public, progress=tell)


def _tell(site: FetchedSite) -> None:
    for note in site.notes:
        click.echo(f"{'left out':<10}{note}", err=True)
