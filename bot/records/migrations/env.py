"""Alembic's way to our database: the engine comes from :meth:`bot.records.database.Database.upgrade`."""

from alembic import context

from bot.records.database import metadata

LOCK = 0x626F74
"""Any number that nobody else locks in our database."""

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":  # processes that start together wait for the first; SQLite locks
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()
