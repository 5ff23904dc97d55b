"""How a turn was decided: what each step found, what a language model did, for whom, and what was quoted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reader", sa.String(length=16), nullable=False, server_default="public"))
        batch_op.add_column(sa.Column("quoted", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("steps", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("generation", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Back to the revision before."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        for name in ("generation", "steps", "quoted", "reader"):
            batch_op.drop_column(name)
