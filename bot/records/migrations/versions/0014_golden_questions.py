"""Golden questions of a bot, and what came of asking them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "golden_questions",
        sa.Column("bot", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("must_refuse", sa.Boolean(), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot", "id", name=op.f("pk_golden_questions")),
    )
    op.create_table(
        "golden_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("bot", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("ran_on", sa.JSON(), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("accepted_at", sa.Double(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_runs")),
    )
    op.create_index(op.f("ix_golden_runs_bot"), "golden_runs", ["bot"])


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("golden_runs")
    op.drop_table("golden_questions")
