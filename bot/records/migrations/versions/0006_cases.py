"""Cases of drug safety: what was reported, what happened to it, and who has to hear of it. The database refuses every
change of a message and of the history."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEPT = ("case_messages", "case_history")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "cases",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("bot", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("reporter", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("latest_at", sa.Double(), nullable=False),
        sa.Column("day0_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("follow_up_due_at", sa.Double(), nullable=True),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("regimes", sa.JSON(), nullable=False),
        sa.Column("serious", sa.JSON(), nullable=False),
        sa.Column("judged_serious", sa.Boolean(), nullable=True),
        sa.Column("at_once", sa.Boolean(), nullable=False),
        sa.Column("group_event", sa.Boolean(), nullable=False),
        sa.Column("other_company", sa.Boolean(), nullable=False),
        sa.Column("elements", sa.JSON(), nullable=False),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("batches", sa.JSON(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("patients", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("masks", sa.JSON(), nullable=False),
        sa.Column("related_to", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("acknowledged_at", sa.Double(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_state"), "cases", ["state"])
    op.create_index("ix_cases_reporter", "cases", ["bot", "reporter"])
    op.create_index("ix_cases_tenant", "cases", ["tenant", "received_at"])
    op.create_table(
        "case_messages",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("kept_at", sa.Double(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("in_group", sa.Boolean(), nullable=False),
        sa.Column("medium", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("grounds", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_messages")),
    )
    op.create_index(op.f("ix_case_messages_case_number"), "case_messages", ["case_number"])
    op.create_table(
        "case_history",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("case_number", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_history")),
    )
    op.create_index(op.f("ix_case_history_case_number"), "case_history", ["case_number"])
    op.create_table(
        "case_notices",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=96), nullable=False),
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("arrived_at", sa.Double(), nullable=True),
        sa.Column("error", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notices")),
    )
    op.create_index(op.f("ix_case_notices_case_number"), "case_notices", ["case_number"])
    op.create_index("ix_case_notices_state", "case_notices", ["state", "not_before"])
    _keep()


def _keep() -> None:
    """Let the database refuse every change of what was written."""
    if op.get_bind().dialect.name != "postgresql":
        for table in _KEPT:
            for what in ("update", "delete"):
                op.execute(f"""CREATE TRIGGER {table}_no_{what} BEFORE {what.upper()} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""")
        return
    for table in _KEPT:
        op.execute(f"""CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""")
        for what in ("update", "delete", "truncate"):
            op.execute(f"""CREATE TRIGGER {table}_no_{what} BEFORE {what.upper()} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()""")


def downgrade() -> None:
    """Back to the revision before."""
    for table in ("case_notices", "case_history", "case_messages", "cases"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in _KEPT:
            op.execute(f"DROP FUNCTION {table}_append_only()")
