"""What is named on the command line as a folder: a path as it is, a repository cloned, a site fetched."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from tqdm import tqdm

from bot.knowledge.importing.repository import clone, is_repository
from bot.knowledge.importing.site import FetchedSite, fetch_site, is_public


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


def _fetched(address: str, place: Path, *, intranet: bool) -> FetchedSite:
    with tqdm(desc="fetch", unit="page") as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return fetch_site(address, place, allowed=(lambda _address: True) if intranet else is_public, progress=tell)


def _tell(site: FetchedSite) -> None:
    for note in site.notes:
        click.echo(f"{'left out':<10}{note}", err=True)
