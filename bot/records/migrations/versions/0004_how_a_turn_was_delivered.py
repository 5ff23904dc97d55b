"""Who took a turn, and when its reply was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.add_column(sa.Column("worker", sa.String(length=128), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("sent_at", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("concluded_at", sa.Double(), nullable=True))


def downgrade() -> None:
    """Back to the revision before."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("concluded_at")
        batch_op.drop_column("sent_at")
        batch_op.drop_column("worker")
