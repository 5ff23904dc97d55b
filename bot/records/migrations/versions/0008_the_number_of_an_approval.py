"""The number under which a material was approved (审批号)."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column(
        "knowledge_entries", sa.Column("approval_number", sa.String(length=64), server_default="", nullable=False)
    )


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_column("knowledge_entries", "approval_number")
