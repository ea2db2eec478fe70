"""What is written: batches of devices, durable with one write each, and everything else.

A batch is durable, and answered, once its blobs and what becomes its row stand in a segment. What
came while the last write was under way is the next. Its rows follow in the database, written by one
thread: whatever is queued when it looks is one commit. Neither waits for a timer: under light load
a group is one job, and under heavy load the group grows to what came meanwhile, which is what makes
an fsync cheap. Other writes are durable, and answered, with their commit.

The order is the safety argument: nothing is answered that is not on the disk. Rows that a crash
left unwritten are written from the segments at the next start, before anything is read.
"""

import asyncio
import json
import logging
import queue
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from proctor.adapters import slices
from proctor.adapters.segments import (
    NONCE_BYTES,
    TOGETHER_BYTES,
    Blob,
    Place,
    Segments,
    decrypt,
)
from proctor.evidence.tree import Frontier
from proctor.services.journal import erased, milliseconds
from proctor.services.ports import Append, Conflict, StorageFull, Writes

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

# Rows of batches wait for more of them this long: they are durable already, and a commit costs as
# much as a batch does. Whoever reads, or writes something else, waits for nothing.
ROWS_WITHIN_S = 0.05
# A commit that failed is tried again this often, though nothing else is to be written.
RETRY_S = 1.0
# Copies that could not be erased wait so long, and then for a commit.
ERASE_AGAIN_S = 60.0

T = TypeVar("T")
KeyOf = Callable[[Connection, str], AESGCM | None]  # a session's; None where it was destroyed

_INSERT_BATCHES = (
    "INSERT INTO batches (session, device, first, size, received_at_ms, lines, frontier, receipt)"
)
_INSERT_BLOBS = "INSERT OR IGNORE INTO blobs (session, sha256, segment, start, size)"
_PUT_OBSERVATIONS = "INSERT OR REPLACE INTO observations (session, device, seq, body)"
# Rows of one statement. Each statement gives up the interpreter's lock and must wait to have it
# back, which under load took longer than the row; more than this is more statements to keep ready.
_ROWS = 32
# What a row is called among the digests of blobs.
_ROW = ""
_PLACE = "SELECT segment, start, size FROM blobs WHERE session = ? AND sha256 = ?"
_NEWEST_SEGMENT = "SELECT COALESCE(MAX(segment), 0) FROM blobs"
_HAS_BATCH = "SELECT 1 FROM batches WHERE session = ? AND device = ? AND first = ?"
_SERVER_LINES = "SELECT line FROM server_lines WHERE session = ?"
_HAS_BLOB = "SELECT 1 FROM blobs WHERE session = ? AND sha256 = ?"
_END = "SELECT COALESCE(MAX(size), 0) FROM batches WHERE session = ? AND device = ?"


@dataclass(slots=True)
class _AppendJob:
    append: Append
    key: AESGCM
    done: asyncio.Future[None]
    blob_bytes: int


@dataclass(frozen=True, slots=True)
class _OtherJob:
    run: Callable[[Connection], Any]
    done: asyncio.Future[Any]


Job = _AppendJob | _OtherJob
Results = list[tuple[Job, object]]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the database lacks still: of batches that are durable, and what a crash may take."""

    batches: list[tuple[object, ...]] = field(default_factory=list)
    blobs: list[tuple[object, ...]] = field(default_factory=list)
    observations: list[tuple[object, ...]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.answered or self.observations)

    @property
    def answered(self) -> bool:
        """Whether any is of a batch that was answered."""
        return bool(self.batches or self.blobs)

    def add(self, more: "_Rows") -> None:
        """Take over those of another, which come later."""
        self.batches.extend(more.batches)
        self.blobs.extend(more.blobs)
        self.observations.extend(more.observations)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the thread is given at once."""

    number: int
    jobs: list[_OtherJob]
    rows: _Rows
    last: bool = False


_NO_ROWS = _Rows()  # never added to


class _Refused:
    """What a full disk refuses in a row: the first is logged with its traceback, all are counted.

    Devices send again every second, and the log is on that disk, too.
    """

    def __init__(self) -> None:
        self._times = self._jobs = 0

    def is_first(self, jobs: int) -> bool:
        """Note that so many were refused; tell whether they are the first."""
        self._times += 1
        self._jobs += jobs
        return self._times == 1

    def end(self, message: str) -> None:
        if self._times:
            logger.warning(message, extra={"times": self._times, "jobs": self._jobs})
        self._times = self._jobs = 0


class Writer:
    """Owns the writing thread, the writing connection and the segment being written."""

    def __init__(self, engine: Engine, segments: Segments, key_of: KeyOf | None = None) -> None:
        """Begin with the rows that a crash left unwritten, if `key_of` is there to ask for keys.

        They are another process' to write where a server runs on the folder.
        """
        self._engine = engine
        self._segments = segments
        self._key_of = key_of
        self._queue: queue.SimpleQueue[_Turn] = queue.SimpleQueue()
        self._appends: list[_AppendJob] = []  # that came while others are being written
        self._others: list[_OtherJob] = []  # of this turn of the event loop
        self._rows = _Rows()  # to be handed over with them, or soon
        self._queued = 0  # jobs that have no answer yet
        self._queued_bytes = 0  # of their blobs, and of rows that are not committed
        self._closed = False
        self._dead = False  # the thread ended by a fault
        self._not_stored = _Refused()
        self._not_committed = _Refused()  # the thread's
        self._failed = False  # the last write, or commit, that was to write anything
        self._ends: dict[tuple[str, str], int] = {}  # of logs, in the segments
        self._turns = 0  # handed over so far
        self._applied = -1  # the last of them whose rows are committed; 0 is the recovery
        self._readers: list[tuple[int, asyncio.Future[None]]] = []
        self._owing = _NO_ROWS  # whose commit failed: no batch is taken until one succeeds
        # Copies of blobs that are held elsewhere: no row names them, so no erasing would find them.
        self._copies: list[Place] = []
        self._erase_from = 0.0  # not before: the disk failed
        # What the recovery found and no row named before it: copies, once it comes again.
        self._left: dict[tuple[object, object], list[Place]] = {}
        self._loop = asyncio.get_running_loop()
        self._appending: asyncio.Task[None] | None = None  # none while no batch waits
        self._recovered: asyncio.Future[None] = self._loop.create_future()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def append(self, append: Append, key: AESGCM) -> None:
        """Make a batch durable.

        Raises:
            Conflict: The device's log does not end at `append.first`.
            StorageFull: Nothing was stored.
        """
        size = sum(len(blob) for _, blob in append.blobs)
        job = _AppendJob(append, key, self._loop.create_future(), size)
        self._count(job)
        self._appends.append(job)
        if self._appending is None:
            self._appending = self._loop.create_task(self._append_all())
        await job.done

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run `job` in a transaction of its own within the group; return what it returns.

        Raises:
            StorageFull: Nothing was stored.
            Exception: What the job raised; then nothing of it was stored.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        other = _OtherJob(job, done)
        self._count(other)
        self._put(other)
        return await done

    def observe(self, session: str, device: str, seq: int, body: str) -> None:
        """Keep an observation soon: a crash until then takes it, and its picture waits again.

        Raises:
            StorageFull: It will not be kept.
        """
        if self._closed or self._dead or self._owing:
            raise StorageFull
        self._add(_Rows(observations=[(session, device, seq, body)]))

    async def recovered(self) -> None:
        """Wait until rows that a crash left unwritten are written.

        Raises:
            Exception: They can't be; nothing can be written.
        """
        await asyncio.shield(self._recovered)

    def writes(self) -> Writes:
        """Tell how writing goes."""
        if self._dead:
            return Writes.ENDED
        return Writes.FAILING if self._failed or self._owing else Writes.WELL

    @property
    def is_behind(self) -> bool:
        """Tell whether a commit failed: the database lacks what was answered, for now at least."""
        return self._dead or self._owing.answered

    @property
    def lacks_observations(self) -> bool:
        """Tell whether a commit failed: the database lacks observations, for now."""
        return bool(self._owing.observations)

    async def applied(self) -> None:
        """Wait until the database has what was answered by now, so that who reads is told of it."""
        self._hand_over()
        if self._applied < self._turns and not self._owing and not self._closed:
            reader: asyncio.Future[None] = self._loop.create_future()
            self._readers.append((self._turns, reader))
            await reader

    async def close(self) -> None:
        """Write what is queued, then end the thread. What comes later is refused."""
        self._closed = True
        if self._appending is not None:
            await self._appending
        self._hand_over()
        self._queue.put(_Turn(self._turns, [], _NO_ROWS, last=True))
        await asyncio.to_thread(self._thread.join)
        await self._segments.close()

    # --- in the event loop -------------------------------------------------------------------

    def _count(self, job: Job) -> None:
        size = _blob_bytes(job)
        if (
            self._closed
            or self._queued == MAX_QUEUED
            or self._queued_bytes + size > MAX_QUEUED_BYTES
        ):
            raise StorageFull
        self._queued += 1
        self._queued_bytes += size

    def _put(self, job: _OtherJob) -> None:
        if self._dead:
            self._resolve([(job, StorageFull())])
            return
        if not self._others:
            self._loop.call_soon(self._hand_over)
        self._others.append(job)

    def _hand_over(self) -> None:
        # Those of one turn together: one by one, each would wake the thread for a group of one.
        if self._others or self._rows:
            self._turns += 1
            self._queue.put(_Turn(self._turns, self._others, self._rows))
            self._others, self._rows = [], _Rows()

    async def _append_all(self) -> None:
        while self._appends:
            count = _count_of_one_write(self._appends)
            jobs, self._appends = self._appends[:count], self._appends[count:]
            self._resolve(await self._store(jobs))
        self._appending = None

    async def _store(self, jobs: Sequence[_AppendJob]) -> Results:
        """Make batches durable. Each is paired with None, or with its exception."""
        try:
            results = await self._store_together(jobs)
        except (OSError, StorageFull) as error:
            self._failed = True
            if self._not_stored.is_first(len(jobs)):
                logger.exception("batches were not stored", extra={"jobs": len(jobs)})
            full = StorageFull()
            full.__cause__ = error
            return [(job, full) for job in jobs]
        except Exception as error:
            if len(jobs) == 1:
                logger.exception("a batch was not stored")
                return [(jobs[0], error)]
        else:
            if any(result is None for _, result in results):
                self._failed = False
                self._not_stored.end("batches are stored again")
            return results
        # One spoils it for all: each by itself, so that the others are stored.
        return [result for job in jobs for result in await self._store([job])]

    async def _store_together(self, jobs: Sequence[_AppendJob]) -> Results:
        if self._owing.answered:
            raise StorageFull
        results: Results = []
        ends: dict[tuple[str, str], int] = {}
        blobs: list[Blob] = []
        batches: list[tuple[object, ...]] = []
        for job in jobs:
            append = job.append
            log = (append.session, append.device)
            if append.lines:
                end = ends.get(log, self._ends.get(log))
                if end is None:
                    end = await self._stored_end(log)
                if end != append.first:
                    results.append((job, Conflict()))
                    continue
                ends[log] = append.frontier.size
                batches.append(_batch(append))
            blobs += [Blob(job.key, append.session, *each) for each in append.blobs]
            blobs.append(Blob(job.key, append.session, _ROW, _packed(append)))
            results.append((job, None))
        places = await self._segments.write(blobs)
        if len(self._ends) > MAX_ENDS:
            self._ends.clear()
        self._ends.update(ends)
        placed = [
            _blob(blob.session, blob.sha256, place)
            for blob, place in zip(blobs, places, strict=True)
            if blob.sha256 != _ROW
        ]
        self._add(_Rows(batches, placed))
        self._queued_bytes += _bytes_of(batches)
        return results

    def _add(self, rows: _Rows) -> None:
        if not self._rows:
            self._loop.call_later(ROWS_WITHIN_S, self._hand_over)
        self._rows.add(rows)

    async def _stored_end(self, log: tuple[str, str]) -> int:
        # Asked of the thread, so that all before is committed.
        done: asyncio.Future[int] = self._loop.create_future()
        self._queued += 1
        self._put(_OtherJob(lambda tx: int(tx.exec_driver_sql(_END, log).scalar_one()), done))
        return await done

    def _committed(self, number: int, results: Results, size: int = 0) -> None:
        """Take note of a commit, or of one that failed; `size` is of the rows it wrote."""
        self._applied = number
        self._queued_bytes -= size
        self._resolve(results)
        waiting, self._readers = self._readers, []
        for upto, reader in waiting:
            if upto > number and not self._owing:
                self._readers.append((upto, reader))
            elif not reader.done():
                reader.set_result(None)

    def _resolve(self, results: Results) -> None:
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

    def _ended(self, why: Exception) -> None:
        self._closed = self._dead = True
        if not self._recovered.done():
            self._recovered.set_exception(why)
            self._recovered.exception()  # whoever waits is told; nobody may
        self._hand_over()
        while not self._queue.empty():
            self._resolve([(job, StorageFull()) for job in self._queue.get().jobs])
        for _, reader in self._readers:
            if not reader.done():
                reader.set_result(None)

    # --- in the thread: the database ---------------------------------------------------------

    def _work(self) -> None:
        try:
            slices.step_back()
            self._serve()
        except Exception as why:
            # Such as a database that can't be opened any more. Nobody may wait for what never is.
            logger.exception("the writer ended")
            self._loop.call_soon_threadsafe(self._ended, why)

    def _serve(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            if self._key_of is not None:
                self._recover(connection, self._key_of)
            self._loop.call_soon_threadsafe(self._recovered.set_result, None)
            self._loop.call_soon_threadsafe(self._committed, 0, [])
            last = False
            while not last:
                turns = self._take()
                last = any(turn.last for turn in turns)
                self._commit(connection, turns)

    def _take(self) -> list[_Turn]:
        """Wait for turns, then take all that are there; none after a while if a commit is owed."""
        try:
            taken = [self._queue.get(timeout=RETRY_S if self._owing else None)]
        except queue.Empty:
            return []
        while not self._queue.empty() and sum(len(turn.jobs) for turn in taken) < MAX_GROUP:
            taken.append(self._queue.get())
        return taken

    def _commit(self, connection: Connection, turns: Sequence[_Turn]) -> None:
        """Commit what turns and earlier failures leave to commit, and tell of it."""
        rows = _Rows()
        for more in (self._owing, *(turn.rows for turn in turns)):
            rows.add(more)
        others = [job for turn in turns for job in turn.jobs]
        results: Results = []
        committed = _bytes_of(rows.batches)
        try:
            if rows or others:
                results = self._commit_together(connection, rows, others)
            self._owing = _NO_ROWS
        except Exception as error:
            # Nothing of it is stored. A thread that died of it would leave every later write
            # waiting for ever.
            with suppress(sqlite3.Error, DBAPIError):
                if _driver(connection).in_transaction:
                    connection.exec_driver_sql("ROLLBACK")
            if self._not_committed.is_first(len(others)):
                logger.exception("nothing of a group was committed", extra={"jobs": len(others)})
            self._owing, committed = rows, 0
            self._failed = True
            full = StorageFull()
            full.__cause__ = error
            results = [(job, full) for job in others]
        self._erase_copies()
        number = turns[-1].number if turns else self._applied
        self._loop.call_soon_threadsafe(self._committed, number, results, committed)

    def _commit_together(
        self, connection: Connection, rows: _Rows, others: Sequence[_OtherJob]
    ) -> Results:
        # Past SQLAlchemy, which takes as long for each statement as SQLite does for the rows.
        database = _driver(connection)
        # Rows of batches can be written again from the segments; nothing else can.
        database.execute(f"PRAGMA synchronous={'FULL' if others else 'NORMAL'}")
        database.execute("BEGIN IMMEDIATE")
        _insert(database, _INSERT_BATCHES, rows.batches)
        before = database.total_changes
        _insert(database, _INSERT_BLOBS, rows.blobs)
        copies: list[Place] = []
        if database.total_changes - before < len(rows.blobs):
            copies = _not_named(database, rows.blobs)
        again: set[tuple[object, object]] = set()
        if self._left:
            again = self._left.keys() & {(session, sha256) for session, sha256, *_ in rows.blobs}
        for of in again:
            copies += _not_named(database, [(*of, *place) for place in self._left[of]])
        _insert(database, _PUT_OBSERVATIONS, rows.observations)
        results: Results = []
        wrote = bool(rows)
        for job in others:
            before = database.total_changes
            result = _run(connection, job)
            results.append((job, result))
            wrote |= database.total_changes > before and not isinstance(result, Exception)
        database.execute("COMMIT")
        # Not before: a row that is not committed may have to be written again, from the copy.
        self._copies += copies
        for of in again:
            del self._left[of]
        if wrote:
            self._failed = False
            self._not_committed.end("groups are committed again")
        return results

    def _erase_copies(self) -> None:
        """Erase copies; where the disk fails, with the first commit after a minute.

        If the server ends before, the next start finds those in the newest segment and no others.
        """
        if not self._copies or monotonic() < self._erase_from:
            return
        try:
            self._segments.erase(self._copies)
            self._copies = []
        except OSError:
            self._erase_from = monotonic() + ERASE_AGAIN_S
            logger.exception("copies of blobs not erased", extra={"count": len(self._copies)})

    def _recover(self, connection: Connection, key_of: KeyOf) -> None:
        """Write the rows of batches that stand in a segment and not in the database."""
        newest = connection.exec_driver_sql(_NEWEST_SEGMENT).scalar_one()
        keys: dict[str, AESGCM | None] = {}
        places: dict[tuple[str, str], list[Place]] = {}
        found: dict[object, tuple[Append, list[tuple[str, Place]]]] = {}
        fresh: set[tuple[str, str]] = set()  # whose rows are written here
        for session, sha256, place in self._segments.written(since=newest):
            if session not in keys:
                keys[session] = key_of(connection, session)
            if sha256 != _ROW:
                places.setdefault((session, sha256), []).append(place)
                continue
            key = keys[session]
            if key is None:
                continue  # it was destroyed or forgotten; or the database is an older one
            try:
                append = _unpacked(session, self._open(key, session, _ROW, place))
                if _is_there(connection, append):
                    continue
                blobs = [
                    (digest, self._whole(key, session, digest, places[session, digest]))
                    for digest, _ in append.blobs
                    if not _is_held(connection, session, digest)
                ]
            except (InvalidTag, KeyError, ValueError):
                # A crash in mid-write: nobody was told that it is stored. Or it rotted, or a newer
                # version wrote it: its pictures stay where they are.
                logger.warning("a batch was half written and is left out")
                continue
            # One that was refused may stand before the one that was taken in its place.
            name = (session, append.device, append.first) if append.lines else place
            found.pop(name, None)
            found[name] = (append, blobs)
        for append, blobs in found.values():
            gone = _erased(connection, append.session) if blobs else frozenset()
            held = [_blob(append.session, *each) for each in blobs if each[0] not in gone]
            fresh.update((append.session, digest) for digest, _ in blobs)
            batches = [_batch(append)] if append.lines else []
            if batches or held:
                self._commit_together(connection, _Rows(batches, held), [])
        if found:
            logger.info("rows written from segments after a crash", extra={"batches": len(found)})
        self._sort_out(connection, keys, places, fresh)
        self._erase_copies()

    def _sort_out(
        self,
        connection: Connection,
        keys: Mapping[str, AESGCM | None],
        places: Mapping[tuple[str, str], Sequence[Place]],
        fresh: Collection[tuple[str, str]],
    ) -> None:
        """Tell copies, and what the server's log says was erased, from what is to be left alone.

        A row that is missing proves nothing, and one that was written just now (`fresh`) no more
        than the segment does: this database may be an older one that was put back, and the newer
        one name the other place.
        """
        erased_of = cache(partial(_erased, connection))
        left = 0
        for (session, sha256), several in places.items():
            named = place_of(connection, session, sha256)
            others = [place for place in several if place != named and self._has_bytes(place)]
            if not others:
                continue
            told = None if (session, sha256) in fresh else named
            if sha256 in erased_of(session) or (
                told is not None and self._opens(keys[session], session, sha256, told)
            ):
                self._copies += others
                continue
            left += len(others)
            if told is None:
                self._left[session, sha256] = others
        if left:
            logger.warning("blobs that no row names are left as they are", extra={"count": left})

    def _has_bytes(self, place: Place) -> bool:
        """Tell whether a blob was not erased, by its nonce."""
        return any(self._segments.read(place._replace(size=NONCE_BYTES)))

    def _opens(self, key: AESGCM | None, session: str, sha256: str, place: Place) -> bool:
        if key is None:
            return False
        try:
            self._open(key, session, sha256, place)
        except (InvalidTag, ValueError, OSError):  # rotted, cut off, gone
            return False
        return True

    def _whole(self, key: AESGCM, session: str, sha256: str, places: Sequence[Place]) -> Place:
        """Return where a blob lies whole first: of one that came twice a copy may be erased.

        Raises:
            InvalidTag: Nowhere.
        """
        for place in places:
            with suppress(InvalidTag):
                self._open(key, session, sha256, place)
                return place
        raise InvalidTag

    def _open(self, key: AESGCM, session: str, sha256: str, place: Place) -> bytes:
        sealed = self._segments.read(place)
        return decrypt(key, session=session, sha256=sha256, sealed=sealed)


class NoWriter:
    """Stands where a writer would, and writes nothing: for whoever only reads."""

    is_behind = lacks_observations = False

    async def append(self, append: Append, key: AESGCM) -> None:
        del append, key
        raise StorageFull

    async def run(self, job: Callable[[Connection], T]) -> T:
        del job
        raise StorageFull

    def observe(self, session: str, device: str, seq: int, body: str) -> None:
        del session, device, seq, body
        raise StorageFull

    def writes(self) -> Writes:
        return Writes.ENDED

    async def recovered(self) -> None: ...

    async def applied(self) -> None: ...

    async def close(self) -> None: ...


def _count_of_one_write(jobs: Sequence[_AppendJob]) -> int:
    """Return how many of the first jobs go into one write; at least one."""
    size = 0
    for count, job in enumerate(jobs[:MAX_GROUP]):
        if size > TOGETHER_BYTES:
            return count
        size += _blob_bytes(job)
    return min(len(jobs), MAX_GROUP)


def _bytes_of(batches: Sequence[tuple[object, ...]]) -> int:
    return sum(len(each) for row in batches for each in row if isinstance(each, bytes))


def _blob_bytes(job: Job) -> int:
    return 0 if isinstance(job, _OtherJob) else job.blob_bytes


def _insert(database: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        row = f"({', '.join('?' * len(some[0]))})"
        values = ", ".join([row] * len(some))
        database.execute(f"{into} VALUES {values}", [value for row in some for value in row])


def _not_named(database: sqlite3.Connection, blobs: Sequence[tuple[Any, ...]]) -> list[Place]:
    """Return where blobs lie that the database, which has them, says to lie elsewhere."""
    return [
        Place(*place)
        for session, sha256, *place in blobs
        if database.execute(_PLACE, (session, sha256)).fetchone() != tuple(place)
    ]


def place_of(connection: Connection, session: str, sha256: str) -> Place | None:
    """Return where the database says that a blob lies; None where it has no row of it."""
    row = connection.exec_driver_sql(_PLACE, (session, sha256)).first()
    return None if row is None else Place(*row)


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
    return (session, sha256, *place)


def _packed(append: Append) -> bytes:
    """Return what becomes a batch's row, for its segment."""
    frontier = append.frontier.to_bytes()
    head = {
        "device": append.device,
        "first": append.first,
        "size": append.frontier.size,
        "received_at_ms": milliseconds(append.received_at),
        "frontier": len(frontier),
        "receipt": len(append.receipt),
        "lines": len(append.lines),
        "blobs": [digest for digest, _ in append.blobs],
    }
    return b"\n".join([json.dumps(head).encode(), frontier + append.receipt, *append.lines])


def _unpacked(session: str, row: bytes) -> Append:
    """Return the batch of a row, its blobs without their bytes.

    Raises:
        ValueError: It is none.
    """
    text, _, rest = row.partition(b"\n")
    head = json.loads(text)
    frontier, rest = rest[: head["frontier"]], rest[head["frontier"] :]
    receipt, lines = rest[: head["receipt"]], rest[head["receipt"] + 1 :]
    return Append(
        session=session,
        device=head["device"],
        first=head["first"],
        lines=tuple(lines.split(b"\n")) if head["lines"] else (),
        frontier=Frontier.from_bytes(head["size"], frontier),
        receipt=receipt,
        received_at=datetime.fromtimestamp(head["received_at_ms"] / 1000, UTC),
        blobs=tuple((digest, b"") for digest in head["blobs"]),
    )


def _erased(connection: Connection, session: str) -> frozenset[str]:
    """Return the digests that the server's log says were destroyed: none may come back."""
    rows = connection.exec_driver_sql(_SERVER_LINES, (session,)).all()
    return erased([row[0] for row in rows])


def _is_there(connection: Connection, append: Append) -> bool:
    """Tell whether the database has a batch; of blobs alone, whether it has those."""
    if append.lines:
        asked = (append.session, append.device, append.first)
        return connection.exec_driver_sql(_HAS_BATCH, asked).first() is not None
    return all(_is_held(connection, append.session, digest) for digest, _ in append.blobs)


def _is_held(connection: Connection, session: str, sha256: str) -> bool:
    return connection.exec_driver_sql(_HAS_BLOB, (session, sha256)).first() is not None


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
