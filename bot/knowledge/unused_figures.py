"""Pictures of documents that nobody can be shown any more, and their end.

A picture stays while a version that holds it answers or waits, and after that as long as a link to its page may open.
What no version holds was left by a reading that came to nothing.
"""

from sqlalchemy import Text, cast, or_, select

from bot.knowledge.figures import FigureStore
from bot.knowledge.tables import entries, version_entries, versions
from bot.knowledge.versions import Status
from bot.records.database import Database

GRACE_S = 86_400.0
"""A younger picture may belong to a document that is being read."""


class UnusedFigures:
    """``linked_s`` is how long a link to a source opens, in seconds."""

    def __init__(self, database: Database, figures: FigureStore, linked_s: float) -> None:
        self._database = database
        self._figures = figures
        self._linked_s = linked_s

    def remove(self, now: float, most: int) -> int:
        """Remove up to ``most`` of those that are unused at ``now``, epoch seconds; how many went. What a process left
        of one that it was bringing goes too, and is not counted: it never was a picture.

        Raises :class:`~bot.errors.Unavailable` when the database does not answer.
        """
        self._figures.remove_parts(untouched_since=now - GRACE_S)
        old = [id_ for id_, touched_at in self._figures.kept() if touched_at < now - GRACE_S]
        if not old:
            return 0
        used = self._used(now)
        unused = [id_ for id_ in old if id_ not in used][:most]
        return sum(self._figures.remove(id_, untouched_since=now - GRACE_S) for id_ in unused)

    def _used(self, now: float) -> set[str]:
        shown = or_(versions.c.status != Status.WITHDRAWN, versions.c.withdrawn_at >= now - self._linked_s)
        query = (
            select(entries.c.figures)
            .join(version_entries, version_entries.c.entry_id == entries.c.id)
            .join(versions, versions.c.id == version_entries.c.version_id)
            .where(shown, cast(entries.c.figures, Text) != "[]")
        )
        with self._database.read() as connection:
            return {figure for figures in connection.scalars(query) for figure in figures}
