"""Review of versions, bots that alone may answer from a document, and which turns rested on which entries."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PAGE = 500
_WAITING = sa.text("status IN ('draft', 'in_review')")
_DRAFT = sa.text("status = 'draft'")


def upgrade() -> None:
    """To this revision."""
    for name, kind in (
        ("submitted_at", sa.Double()),
        ("submitted_by", sa.Text()),
        ("returned_at", sa.Double()),
        ("returned_by", sa.Text()),
        ("returned_because", sa.Text()),
    ):
        op.add_column("knowledge_versions", sa.Column(name, kind, nullable=True))
    for table in ("knowledge_versions", "knowledge_entries"):
        op.add_column(table, sa.Column("bots", sa.JSON(), server_default="[]", nullable=False))
    op.create_index(op.f("ix_knowledge_version_entries_entry_id"), "knowledge_version_entries", ["entry_id"])
    op.drop_index("uq_knowledge_versions_one_draft", "knowledge_versions")
    _one("waiting", _WAITING)
    op.add_column("turns", sa.Column("cited", sa.JSON(), server_default="[]", nullable=False))
    op.create_table(
        "turn_entries",
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_turn_entries_turn_id_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn_id", "entry_id", name=op.f("pk_turn_entries")),
    )
    op.create_index(op.f("ix_turn_entries_entry_id"), "turn_entries", ["entry_id"])
    op.create_table(
        "knowledge_corrections",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("wanted_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["knowledge_versions.id"],
            name=op.f("fk_knowledge_corrections_version_id_knowledge_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_knowledge_corrections_turn_id_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "turn_id", name=op.f("pk_knowledge_corrections")),
    )
    op.create_index(op.f("ix_knowledge_corrections_turn_id"), "knowledge_corrections", ["turn_id"])
    _note_what_turns_cited()


def downgrade() -> None:
    """Back to the revision before. What was in review is a draft again."""
    op.drop_table("knowledge_corrections")
    op.drop_table("turn_entries")
    op.drop_column("turns", "cited")
    op.execute("UPDATE knowledge_versions SET status = 'draft' WHERE status = 'in_review'")
    op.drop_index("uq_knowledge_versions_one_waiting", "knowledge_versions")
    op.drop_index(op.f("ix_knowledge_version_entries_entry_id"), "knowledge_version_entries")
    _one("draft", _DRAFT)
    for table in ("knowledge_entries", "knowledge_versions"):
        op.drop_column(table, "bots")
    for name in ("returned_because", "returned_by", "returned_at", "submitted_by", "submitted_at"):
        op.drop_column("knowledge_versions", name)


def _one(name: str, condition: sa.TextClause) -> None:
    op.create_index(
        f"uq_knowledge_versions_one_{name}",
        "knowledge_versions",
        ["document_id"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _note_what_turns_cited() -> None:
    """The step that composed has always noted what it cited."""
    connection = op.get_bind()
    id_, steps, cited = sa.column("id", sa.String), sa.column("steps", sa.JSON), sa.column("cited", sa.JSON)
    turns = sa.table("turns", id_, steps, cited)
    turn_entries = sa.table("turn_entries", sa.column("turn_id"), sa.column("entry_id"))
    for page in _pages(connection, turns):
        found = {turn: _cited(noted) for turn, noted in page}
        rows = [{"turn_id": turn, "entry_id": entry} for turn, entries in found.items() for entry in entries]
        if rows:
            changed = [{"of": turn, "cited": entries} for turn, entries in found.items() if entries]
            connection.execute(sa.update(turns).where(id_ == sa.bindparam("of")), changed)
            connection.execute(sa.insert(turn_entries), rows)


def _pages(connection: sa.Connection, turns: sa.TableClause) -> Iterator[list[tuple[str, Any]]]:
    last = ""
    query = sa.select(turns.c.id, turns.c.steps).order_by(turns.c.id).limit(_PAGE)
    while page := [(row.id, row.steps) for row in connection.execute(query.where(turns.c.id > last))]:
        yield page
        last = page[-1][0]


def _cited(steps: Any) -> list[str]:
    noted = json.loads(steps) if isinstance(steps, str) else steps
    found = [entry for step in noted or () for entry in step.get("cited", ())]
    return list(dict.fromkeys(str(entry)[:36] for entry in found))
