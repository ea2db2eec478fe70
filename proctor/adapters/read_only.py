"""The store of a data folder, to be read beside a running server: nothing can be written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from proctor.adapters import migrations
from proctor.adapters.clock import SystemClock
from proctor.adapters.keys import Keys, new_session_key
from proctor.adapters.segments import Segments
from proctor.adapters.store import DatabaseUnusable, SqlStore
from proctor.evidence.note import KeyKind, SigningKey


@asynccontextmanager
async def open_read_only(data: Path) -> AsyncIterator[SqlStore]:
    """Open a data folder that a server made; close it at the end.

    Its keys are not read, so that no picture can be: `blob` raises.

    Raises:
        DatabaseUnusable: There is none, or another version of this program made it.
    """
    engine = _engine(data / "proctor.db")
    # Keys of nobody: they open nothing, and nothing is signed with them.
    keys = Keys(SigningKey.generate("nobody", KeyKind.COSIGNATURE), new_session_key())
    store = SqlStore(engine, Segments(data / "segments"), keys, SystemClock())
    try:
        yield store
    finally:
        await store.close()


def _engine(database: Path) -> Engine:
    if not database.is_file():
        raise DatabaseUnusable(database, "there is no such database; which folder is --data?")
    engine = create_engine(
        f"sqlite:///{database}", connect_args={"timeout": 30}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        # Not `mode=ro`: beside no server, a reader must make the files that readers share.
        connection.execute("PRAGMA query_only=ON")

    try:
        current = migrations.is_current(engine)
    except DBAPIError as no:
        engine.dispose()
        raise DatabaseUnusable(database, str(no.orig)) from None
    if not current:
        engine.dispose()
        why = "another version of this program made it; start the server once to bring it up"
        raise DatabaseUnusable(database, why)
    return engine
