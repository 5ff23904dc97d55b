"""The invented tables as the store would give them back."""

import csv
import io

import pytest

from bot.knowledge.entries import Audience, Entry
from bot.knowledge.loaders import LoadLimits
from bot.knowledge.lookup_table import LookupTable, read_lookup_table, tables_of
from bot.knowledge.origin import Origin
from tests.lookup.tables import CLUB, SCAN


def entries_of(text: str, title: str, *, audience: Audience = Audience.PUBLIC) -> tuple[Entry, ...]:
    """The entries of a table in CSV."""
    rows = [(number, cells) for number, cells in enumerate(csv.reader(io.StringIO(text)), 1) if any(cells)]
    origin = Origin(tenant="academy", collection="c", audience=audience, source=f"{title}.csv")
    return read_lookup_table(rows, origin, title=title, limits=LoadLimits())


@pytest.fixture(scope="session")
def tables() -> list[LookupTable]:
    """Both tables, their entries in another order than that of the file."""
    entries = [*entries_of(SCAN, "扫描须知"), *entries_of(CLUB, "场馆规则")]
    return tables_of(sorted(entries, key=lambda entry: entry.id))
