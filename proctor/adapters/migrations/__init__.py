"""The schema, version by version, brought up to date at every start (alembic, run from code)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest version; a new one is made."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


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
