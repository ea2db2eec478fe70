"""One thread writes everything; whatever is queued when it looks is one commit.

It waits for no timer: under light load a group is one job, and under heavy load the group grows to
what came while the last one was written, which is what makes an fsync cheap. Jobs of one turn of
the event loop are handed over together: one by one, each would wake the thread for a group of one.

The order within a group is the safety argument: blobs durable in their segment, then rows in one
transaction, then the futures resolve. A crash in between leaves bytes no row points to.
"""

import asyncio
import logging
import queue
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from proctor.adapters.segments import Blob, Place, Segments
from proctor.services.journal import milliseconds
from proctor.services.ports import Append, Conflict, StorageFull

logger = logging.getLogger(__name__)

# More than this in one commit makes the first wait for the last without saving a further fsync.
MAX_GROUP = 256
# Jobs that may wait. An uplink has one batch in here at a time, so this is thousands of devices;
# whoever comes later is told to come again.
MAX_QUEUED = 16_384
# And what their blobs may take in memory meanwhile: some seconds of a full exam's.
MAX_QUEUED_BYTES = 512 * 2**20
# Ends of logs remembered, so that an append need not ask the database. Older ones are read again.
MAX_ENDS = 65_536

T = TypeVar("T")

_INSERT_BATCHES = (
    "INSERT INTO batches (session, device, first, size, received_at_ms, lines, frontier, receipt)"
)
_INSERT_BLOBS = "INSERT OR IGNORE INTO blobs (session, sha256, segment, start, size)"
# Rows of one statement. Each statement gives up the interpreter's lock and must wait to have it
# back, which under load took longer than the row; more than this is more statements to keep ready.
_ROWS = 32
_END = "SELECT COALESCE(MAX(size), 0) FROM batches WHERE session = ? AND device = ?"


@dataclass(frozen=True, slots=True)
class _AppendJob:
    append: Append
    key: AESGCM
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _OtherJob:
    run: Callable[[Connection], Any]
    done: asyncio.Future[Any]


Job = _AppendJob | _OtherJob


class Writer:
    """Owns the writing thread, the writing connection and the segment being written."""

    def __init__(self, engine: Engine, segments: Segments) -> None:
        self._engine = engine
        self._segments = segments
        # A turn's jobs; none of them closes the queue.
        self._queue: queue.SimpleQueue[list[Job]] = queue.SimpleQueue()
        self._turn: list[Job] = []
        self._queued = 0  # jobs that have no answer yet
        self._queued_bytes = 0  # of their blobs
        self._closed = False
        self._ends: dict[tuple[str, str], int] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def append(self, append: Append, key: AESGCM) -> None:
        """Make a batch durable.

        Raises:
            Conflict: The device's log does not end at `append.first`.
            StorageFull: Nothing was stored.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        self._put(_AppendJob(append, key, done))
        await done

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run `job` in a transaction of its own within the group; return what it returns.

        Raises:
            StorageFull: Nothing was stored.
            Exception: What the job raised; then nothing of it was stored.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        self._put(_OtherJob(job, done))
        return await done

    async def close(self) -> None:
        """Write what is queued, then end the thread. What comes later is refused."""
        self._closed = True
        self._hand_over()
        self._queue.put([])
        await asyncio.to_thread(self._thread.join)
        self._segments.close()

    def _put(self, job: Job) -> None:
        size = _blob_bytes(job)
        if (
            self._closed
            or self._queued == MAX_QUEUED
            or self._queued_bytes + size > MAX_QUEUED_BYTES
        ):
            raise StorageFull
        self._queued += 1
        self._queued_bytes += size
        if not self._turn:
            self._loop.call_soon(self._hand_over)
        self._turn.append(job)

    def _hand_over(self) -> None:
        if self._turn:
            self._queue.put(self._turn)
            self._turn = []

    def _work(self) -> None:
        try:
            self._serve()
        except Exception:
            # Such as a database that can't be opened any more. Nobody may wait for what never is.
            logger.exception("the writer ended")
            self._loop.call_soon_threadsafe(self._refuse_all)

    def _refuse_all(self) -> None:
        self._closed = True
        self._hand_over()
        while not self._queue.empty():
            self._resolve([(job, StorageFull()) for job in self._queue.get()])

    def _serve(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            while True:
                jobs, last = self._take()
                for first in range(0, len(jobs), MAX_GROUP):
                    results = self._write(connection, jobs[first : first + MAX_GROUP])
                    self._loop.call_soon_threadsafe(self._resolve, results)
                if last:
                    return

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for jobs, then take all that are there; True once the queue was closed."""
        taken = [self._queue.get()]
        while not self._queue.empty():
            taken.append(self._queue.get())
        return [job for turn in taken for job in turn], not taken[-1]

    def _resolve(self, results: list[tuple[Job, object]]) -> None:
        self._queued -= len(results)
        for job, result in results:
            self._queued_bytes -= _blob_bytes(job)
            done: asyncio.Future[Any] = job.done
            if done.done():  # whoever waited was cancelled; what was written stays written
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

    def _write(self, connection: Connection, group: Sequence[Job]) -> list[tuple[Job, object]]:
        """Write a group. Each job is paired with what it returned, or with its exception."""
        try:
            return self._write_group(connection, group)
        except Exception as error:
            # Nothing of the group is stored. A thread that died of it would leave every later
            # write waiting for ever.
            with suppress(sqlite3.Error, DBAPIError):
                if _driver(connection).in_transaction:
                    connection.exec_driver_sql("ROLLBACK")
            self._ends.clear()
            disk = isinstance(error, (OSError, OperationalError, sqlite3.OperationalError))
            if not disk and len(group) > 1:
                # One job spoils it for all: each by itself, so that the others are stored.
                return [result for job in group for result in self._write(connection, [job])]
            logger.exception("nothing of a group was stored", extra={"jobs": len(group)})
            if not disk:
                return [(job, error) for job in group]
            # The disk, not a job: each may be sent again.
            full = StorageFull()
            full.__cause__ = error
            return [(job, full) for job in group]

    def _write_group(
        self, connection: Connection, group: Sequence[Job]
    ) -> list[tuple[Job, object]]:
        results: list[tuple[Job, object]] = []
        appends: list[_AppendJob] = []
        ends: dict[tuple[str, str], int] = {}
        for job in group:
            if isinstance(job, _OtherJob):
                continue
            log = (job.append.session, job.append.device)
            if job.append.lines and self._end(connection, log, ends) != job.append.first:
                results.append((job, Conflict()))
                continue
            appends.append(job)
            if job.append.lines:
                ends[log] = job.append.frontier.size
        # 1. Blobs, durable.
        blobs = [
            Blob(job.key, job.append.session, digest, data)
            for job in appends
            for digest, data in job.append.blobs
        ]
        places = self._segments.write(blobs)
        # 2. Rows, in one transaction.
        # Past SQLAlchemy, which takes as long for each statement as SQLite does for the rows.
        database = _driver(connection)
        database.execute("BEGIN IMMEDIATE")
        _insert(database, _INSERT_BATCHES, [_batch(j.append) for j in appends if j.append.lines])
        _insert(database, _INSERT_BLOBS, [_blob(*each) for each in zip(blobs, places, strict=True)])
        results += [(job, None) for job in appends]
        for job in group:
            if isinstance(job, _OtherJob):
                results.append((job, _run(connection, job)))
        database.execute("COMMIT")
        # 3. Only now is anything acknowledged.
        if len(self._ends) > MAX_ENDS:
            self._ends.clear()
        self._ends.update(ends)
        return results

    def _end(
        self,
        connection: Connection,
        log: tuple[str, str],
        in_group: dict[tuple[str, str], int],
    ) -> int:
        end = in_group.get(log, self._ends.get(log))
        if end is None:
            end = int(connection.exec_driver_sql(_END, log).scalar_one())
        return end


def _blob_bytes(job: Job) -> int:
    if isinstance(job, _OtherJob):
        return 0
    return sum(len(blob) for _, blob in job.append.blobs)


def _insert(database: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        row = f"({', '.join('?' * len(some[0]))})"
        values = ", ".join([row] * len(some))
        database.execute(f"{into} VALUES {values}", [value for row in some for value in row])


def _batch(append: Append) -> tuple[object, ...]:
    return (
        append.session,
        append.device,
        append.first,
        append.frontier.size,
        milliseconds(append.received_at),
        b"\n".join(append.lines),
        append.frontier.to_bytes(),
        append.receipt,
    )


def _blob(blob: Blob, place: Place) -> tuple[object, ...]:
    return (blob.session, blob.sha256, *place)


def _run(connection: Connection, job: _OtherJob) -> object:
    """Run a job within the group's transaction; what it raises undoes it alone."""
    connection.exec_driver_sql("SAVEPOINT job")
    try:
        result: object = job.run(connection)
    except Exception as error:  # handed to whoever waits for the job
        if isinstance(error, DBAPIError) and _is_disk(error):
            raise
        connection.exec_driver_sql("ROLLBACK TO job")
        result = error
    connection.exec_driver_sql("RELEASE job")
    return result


def _is_disk(error: DBAPIError) -> bool:
    return isinstance(error.orig, sqlite3.OperationalError)


def _driver(connection: Connection) -> sqlite3.Connection:
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    return database
