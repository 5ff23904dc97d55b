"""How often something was approved or withdrawn in each collection, counted as it happens."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "knowledge_changes",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "collection", name=op.f("pk_knowledge_changes")),
    )
    op.execute(
        "INSERT INTO knowledge_changes (tenant, collection, made) "
        "SELECT d.tenant, d.collection, count(v.approved_at) + count(v.withdrawn_at) "
        "FROM knowledge_versions v JOIN knowledge_documents d ON d.id = v.document_id "
        "GROUP BY d.tenant, d.collection"
    )


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("knowledge_changes")
