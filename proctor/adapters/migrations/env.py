"""Alembic's way in. The connection comes from `migrations.upgrade`; there is no ini file."""

from alembic import context
from sqlmodel import SQLModel

import proctor.adapters.tables  # noqa: F401 - defines the tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
