"""Where the answers of mined drafts stand in the documents they were mined from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "mined_spans",
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("mined_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_mined_spans")),
    )


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("mined_spans")
