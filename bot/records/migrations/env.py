"""Alembic's way to our database: the engine comes from :meth:`bot.records.database.Database.upgrade`."""

from alembic import context

from bot.records.database import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
