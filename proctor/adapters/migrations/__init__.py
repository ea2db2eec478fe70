"""The schema, version by version, brought up to date at every start (alembic, run from code)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine


class TooNew(Exception):
    """The database was made by a newer version of this program."""


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest version; a new one is made.

    Raises:
        TooNew: A newer version of this program made it.
    """
    with engine.begin() as connection:
        try:
            command.upgrade(_config(connection), "head")
        except CommandError:
            raise TooNew("a newer version of this program made it") from None


def is_current(engine: Engine) -> bool:
    """Tell whether a database is of the newest version; nothing is written."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(_config(None)).get_current_head()


def check(engine: Engine) -> None:
    """Hold the database against `tables`.

    Raises:
        alembic.util.exc.CommandError: A table or column differs: a migration is missing.
    """
    with engine.begin() as connection:
        command.check(_config(connection))


def _config(connection: object) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
