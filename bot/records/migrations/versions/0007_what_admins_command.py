"""What stands still by a command, and what an administrator says to many."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "switches",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("bot", sa.String(length=64), nullable=False),
        sa.Column("chat", sa.String(length=128), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switches")),
        sa.UniqueConstraint("turn_id", "bot", "chat", "person", name=op.f("uq_switches_turn_id")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("bot", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_broadcasts_turn_id")),
    )
    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(length=512), nullable=False),
        sa.Column("posted_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["broadcast"], ["broadcasts.number"], name=op.f("fk_broadcast_recipients_broadcast_broadcasts")
        ),
        sa.PrimaryKeyConstraint("broadcast", "conversation", name=op.f("pk_broadcast_recipients")),
    )


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_table("broadcast_recipients")
    op.drop_table("broadcasts")
    op.drop_table("switches")
