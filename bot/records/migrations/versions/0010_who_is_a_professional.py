"""Records of health-care professionals, and who is bound to which."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "professionals",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=32), nullable=False),
        sa.Column("hospital", sa.String(length=128), nullable=False),
        sa.Column("department", sa.String(length=128), nullable=False),
        sa.Column("title", sa.String(length=128), nullable=False),
        sa.Column("valid_until", sa.Double(), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("imported_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record", name=op.f("pk_professionals")),
    )
    op.create_index(op.f("ix_professionals_valid_until"), "professionals", ["valid_until"])
    op.create_table(
        "professional_bindings",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("bot", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("bound_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "bot", "channel", "person", name=op.f("pk_professional_bindings")),
        sa.UniqueConstraint("record", "tenant", "bot", "channel", name=op.f("uq_professional_bindings_record")),
    )
    op.create_table(
        "professional_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_professional_codes")),
    )
    op.create_index(op.f("ix_professional_codes_expires_at"), "professional_codes", ["expires_at"])


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("professional_codes")
    op.drop_table("professional_bindings")
    op.drop_table("professionals")
