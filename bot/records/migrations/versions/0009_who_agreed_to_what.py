"""Separate consents to have data of one's health processed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "consents",
        sa.Column("bot", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("bot", "person", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_at"), "consents", ["at"])


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("consents")
