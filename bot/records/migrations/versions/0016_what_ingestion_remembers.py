"""How often a worker began each file of a job, and by what a version was made."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("ingest_files", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("ingest_jobs", sa.Column("publishings", sa.Integer(), server_default="0", nullable=False))
    op.add_column("knowledge_versions", sa.Column("made_with", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_column("knowledge_versions", "made_with")
    op.drop_column("ingest_jobs", "publishings")
    op.drop_column("ingest_files", "attempts")
