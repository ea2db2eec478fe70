"""One thread writes everything; whatever is queued when it looks is one commit.

It waits for no timer: under light load a group is one job, and under heavy load the group grows to
what came while the last one was written, which is what makes an fsync cheap.

The order within a group is the safety argument: blobs durable in their segment, then rows in one
transaction, then the futures resolve. A crash in between leaves bytes no row points to.
"""

import asyncio
import queue
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Thread
from typing import Any, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from proctor.adapters.segments import Place, Segments, encrypt
from proctor.services.ports import Append, Conflict, StorageFull

# More than this in one commit makes the first wait for the last without saving a further fsync.
MAX_GROUP = 256
# Jobs that may wait. An uplink has 8 batches under way at the most, so this is thousands of them;
# whoever comes later is told to come again.
MAX_QUEUED = 16_384
# Ends of logs remembered, so that an append need not ask the database. Older ones are read again.
MAX_ENDS = 65_536

T = TypeVar("T")

_INSERT_BATCH = (
    "INSERT INTO batches (session, device, first, size, received_at_ms, lines, frontier, receipt)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_BLOB = (
    "INSERT OR IGNORE INTO blobs (session, sha256, segment, start, size) VALUES (?, ?, ?, ?, ?)"
)
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
        self._queue: queue.Queue[Job | None] = queue.Queue(MAX_QUEUED)
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
        """Write what is queued, then end the thread."""
        await asyncio.to_thread(self._queue.put, None)
        await asyncio.to_thread(self._thread.join)
        self._segments.close()

    def _put(self, job: Job) -> None:
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            raise StorageFull from None

    def _work(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            while True:
                group, last = self._take()
                if group:
                    results = self._write(connection, group)
                    self._loop.call_soon_threadsafe(_resolve, results)
                if last:
                    return

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for a job, then take all that are there; True once the queue was closed."""
        group: list[Job] = []
        job = self._queue.get()
        while job is not None:
            group.append(job)
            if len(group) == MAX_GROUP:
                return group, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _write(self, connection: Connection, group: Sequence[Job]) -> list[tuple[Job, object]]:
        """Write a group. Each job is paired with what it returned, or with its exception."""
        try:
            return self._write_group(connection, group)
        except (OSError, DBAPIError) as error:
            # The disk, not a job: nothing of the group is stored, and each may be sent again.
            if _in_transaction(connection):
                connection.exec_driver_sql("ROLLBACK")
            self._ends.clear()
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
            (
                job.append.session,
                digest,
                encrypt(job.key, session=job.append.session, sha256=digest, blob=blob),
            )
            for job in appends
            for digest, blob in job.append.blobs
        ]
        places = self._segments.write([sealed for _, _, sealed in blobs])
        # 2. Rows, in one transaction.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _insert(connection, _INSERT_BATCH, [_batch(j.append) for j in appends if j.append.lines])
        _insert(
            connection,
            _INSERT_BLOB,
            [_blob(s, digest, at) for (s, digest, _), at in zip(blobs, places, strict=True)],
        )
        results += [(job, None) for job in appends]
        for job in group:
            if isinstance(job, _OtherJob):
                results.append((job, _run(connection, job)))
        connection.exec_driver_sql("COMMIT")
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


def milliseconds(at: datetime) -> int:
    """Return an instant as integer milliseconds since 1970 UTC, rounded down."""
    return int(at.timestamp() * 1000)


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


def _blob(session: str, sha256: str, place: Place) -> tuple[object, ...]:
    return (session, sha256, place.segment, place.offset, place.size)


def _insert(connection: Connection, statement: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(statement, rows)


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


def _in_transaction(connection: Connection) -> bool:
    raw: Any = connection.connection.driver_connection
    return bool(raw.in_transaction)


def _resolve(results: list[tuple[Job, object]]) -> None:
    for job, result in results:
        done: asyncio.Future[Any] = job.done
        if done.done():  # whoever waited was cancelled; what was written stays written
            continue
        if isinstance(result, Exception):
            done.set_exception(result)
        else:
            done.set_result(result)
