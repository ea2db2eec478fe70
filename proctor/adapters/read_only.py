"""The store of a data folder, to be read beside a running server: nothing can be written."""

import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from proctor.adapters import migrations
from proctor.adapters.clock import SystemClock
from proctor.adapters.keys import Keys, new_session_key
from proctor.adapters.segments import Segments
from proctor.adapters.store import DatabaseUnusable, SqlStore
from proctor.evidence.note import KeyKind, SigningKey

# Locked by the server that runs on a folder, for as long as it does.
LOCK = "lock"
# What stands in it from when a server starts until it ended with all that it answered for written.
NOT_ENDED = b"not ended\n"
_DATABASE = "proctor.db"
_WAL = "proctor.db-wal"


class ServerStarted(Exception):
    """A server was started on a folder while it was read as one that nobody writes."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"{data}: a server was started meanwhile; run it again")


@asynccontextmanager
async def open_read_only(data: Path, *, tell: Callable[[str], object]) -> AsyncIterator[SqlStore]:
    """Open a data folder that a server made; close it at the end. No file of it is written.

    Its keys are not read, so that no picture can be: `blob` raises. Nor are rows that a crash left
    in the segments alone, until the next start of the server writes them.

    Args:
        data: The folder.
        tell: Called with a sentence for people where there may be such rows.

    Raises:
        DatabaseUnusable: There is none, or another version of this program made it.
        ServerStarted: At the end, or where reading failed: what was read may be half of one time
            and half of another.
    """
    served, before = _is_served(data), _written(data)
    engine = _engine(data, served=served)
    # Keys of nobody: they open nothing, and nothing is signed with them.
    keys = Keys(SigningKey.generate("nobody", KeyKind.COSIGNATURE), new_session_key())
    segments = Segments(data / "segments", read_only=True)
    if not served and _may_lack(data):
        tell(
            "The server did not end by itself: the last it took may be missing here. "
            "Start it once, then run this again."
        )
    store = SqlStore(engine, segments, keys, SystemClock(), read_only=True)
    try:
        yield store
    except Exception as no:
        if not served and _written(data) != before:
            raise ServerStarted(data) from no
        raise
    finally:
        await store.close()
    if not served and _written(data) != before:
        raise ServerStarted(data)


def need_database(data: Path) -> Path:
    """Return the path of a data folder's database, which is not opened.

    Raises:
        DatabaseUnusable: There is none.
    """
    database = data / _DATABASE
    if not database.is_file():
        raise DatabaseUnusable(database, "there is no such database; which folder is --data?")
    return database


def _is_served(data: Path) -> bool:
    """Tell whether a server runs on a folder."""
    try:
        lock = os.open(data / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _may_lack(data: Path) -> bool:
    """Tell whether rows may stand in the segments alone: the server that ran last did not end."""
    try:
        return (data / LOCK).stat().st_size > 0
    except FileNotFoundError:
        return False


def _written(data: Path) -> list[tuple[int, int] | None]:
    """Return of the database's files how long they are and when they were written."""
    found: list[tuple[int, int] | None] = []
    for name in (_DATABASE, _WAL):
        try:
            stat = (data / name).stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((stat.st_size, stat.st_mtime_ns))
    return found


def _engine(data: Path, *, served: bool) -> Engine:
    database = need_database(data)
    left_over = not served and (data / _WAL).exists()
    # Beside a server its files are shared with it, locks and all. Beside none, SQLite would make
    # those files anew: what a crash left of them is read into memory instead, without locks.
    how = "" if served else "&vfs=unix-none" if left_over else "&immutable=1"
    engine = create_engine(
        f"sqlite:///file:{quote(str(database))}?mode=ro{how}&uri=true",
        connect_args={"timeout": 30},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")
        if left_over:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")

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
