"""The store on SQLite and segment files: `services.ports.Store`.

Writes go through the one writer; reads run in threads on connections of their own, which SQLite's
write-ahead log lets see the last commit without waiting.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256 as sha256_of
from pathlib import Path
from sys import intern
from types import MappingProxyType
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, case, create_engine, event, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from proctor.adapters import exams, migrations, policies
from proctor.adapters.keys import DOCUMENT_HASH_BYTES_BEFORE, Keys, new_session_key
from proctor.adapters.segments import NONCE_BYTES, OVERHEAD_BYTES, Place, Segments, decrypt
from proctor.adapters.tables import (
    BatchRow,
    BlobRow,
    DeviceRow,
    ExamImageRow,
    ExamRow,
    FlagRow,
    IdRaisedRow,
    IdReadingRow,
    LookRow,
    ObservationRow,
    PolicyRow,
    ServerLineRow,
    SessionKeyRow,
    SessionRow,
)
from proctor.adapters.writer import NoWriter, Writer, place_of
from proctor.domain.flags import Flag
from proctor.domain.id_checks import IdReading
from proctor.domain.observation import Observation
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.session import ENDED, ExamSession
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.journal import milliseconds
from proctor.services.ports import (
    MAX_CASES,
    Append,
    Case,
    Clock,
    Conflict,
    Device,
    DeviceLog,
    NotFound,
    Published,
    Raised,
    Received,
    ShownFace,
    StorageFull,
    Writes,
)

T = TypeVar("T")
# Sessions asked after by one statement, which takes 32,766 values at most.
_SOME = 1000
# Parsed exams and unwrapped keys kept in memory; more are parsed and unwrapped again.
MAX_CACHED = 4096
# Blobs erased in one job: a few megabytes, so that the batches of an exam need not wait for all.
ERASED_AT_ONCE = 64

_NONE: Mapping[str, bytes] = MappingProxyType({})
_SESSION = TypeAdapter(ExamSession)
_FLAG = TypeAdapter(Flag)
_OBSERVATION = TypeAdapter(Observation)
_READING = TypeAdapter(IdReading)


class DatabaseUnusable(Exception):
    """The file is no database of ours, or can't be opened."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


def open_engine(database: Path) -> Engine:
    """Return an engine on a SQLite file, its schema brought up to date.

    Durable on commit (`synchronous=FULL`); readers don't wait for the writer (WAL).

    Raises:
        DatabaseUnusable: It is no database of ours, or can't be opened.
    """
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        # Nothing of what is stored may stand in an error that is logged.
        f"sqlite:///{database}",
        connect_args={"timeout": 30},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")

    try:
        migrations.upgrade(engine)
    except (DBAPIError, migrations.TooNew) as no:
        engine.dispose()
        raise DatabaseUnusable(database, str(getattr(no, "orig", no))) from None
    return engine


class SqlStore:
    """`services.ports.Store`, and nothing of its own but `close`."""

    def __init__(
        self,
        engine: Engine,
        segments: Segments,
        keys: Keys,
        clock: Clock,
        *,
        alone: bool = False,
        read_only: bool = False,
    ) -> None:
        """Take the parts; `alone` tells that no other process has the folder open for writing.

        Then it begins with what a crash left unwritten. With `read_only` every write is refused.
        """
        self._engine = engine
        self._segments = segments
        self._keys = keys
        self._clock = clock
        self._writer: Writer | NoWriter = NoWriter()
        if not read_only:
            self._writer = Writer(engine, segments, self._key_of if alone else None)
        self._published: dict[tuple[str, str], Published] = {}
        # As bytes: a cipher that is ready takes 2.5 KB, and 1 us to make.
        self._session_keys: dict[str, bytes] = {}

    async def close(self) -> None:
        await self._writer.close()
        self._engine.dispose()

    async def recovered(self) -> None:
        """Wait until what a crash left unwritten is written.

        Raises:
            DatabaseUnusable: It can't be.
        """
        try:
            await self._writer.recovered()
        except DBAPIError as no:
            raise DatabaseUnusable(Path(str(self._engine.url.database)), str(no.orig)) from no

    def writes(self) -> Writes:
        return self._writer.writes()

    @property
    def is_behind(self) -> bool:
        """Tell whether the database lacks batches that were answered: the segments have them."""
        return self._writer.is_behind

    async def check_master_key(self) -> None:
        """Check that the master key is the one under which this folder's sessions are stored.

        Raises:
            KeyFileUnsafe: It is not. Pictures could neither be read nor taken.
        """
        for row in await self._rows(select(_table(SessionKeyRow)).limit(1)):
            self._keys.unwrap(row.session, row.wrapped)

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run a write of another adapter on this database (`logins`) in the one writer."""
        return await self._writer.run(job)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a read in a thread, on a connection of its own."""

        def run() -> T:
            with self._engine.connect() as connection:
                return query(connection)

        return await asyncio.to_thread(run)

    async def publish(
        self, exam_body: bytes, policy_body: bytes, *, images: Mapping[str, bytes] = _NONE
    ) -> Published:
        published = _published(exam_body, policy_body)
        exam = {
            "sha256": published.exam_sha256,
            "id": published.exam.id,
            "policy_sha256": published.policy_sha256,
            "published_at_ms": milliseconds(self._clock.now()),
            "body": exam_body,
        }
        policy = {
            "sha256": published.policy_sha256,
            "id": published.policy.id,
            "body": policy_body,
        }

        def job(tx: Connection) -> None:
            _upsert(tx, PolicyRow, policy, ["sha256"])
            # The same exam under another policy is published anew: its row names the policy.
            _upsert(tx, ExamRow, exam, ["sha256"])
            for digest, image in images.items():
                _upsert(tx, ExamImageRow, {"sha256": digest, "body": image}, ["sha256"])

        await self._writer.run(job)
        return published

    async def exam_image(self, sha256: str) -> bytes:
        rows = await self._rows(_select(ExamImageRow, "body", sha256=sha256))
        if not rows:
            raise NotFound(what="image", id=sha256)
        return bytes(rows[0].body)

    async def exams(self) -> Sequence[tuple[Published, int]]:
        def query(tx: Connection) -> list[tuple[str, str, str, int]]:
            names = ("id", "sha256", "policy_sha256")
            rows = tx.execute(_select(ExamRow, *names).order_by("published_at_ms"))
            newest = {row.id: (row.sha256, row.policy_sha256) for row in rows}
            exam = _table(SessionRow).c.exam
            counted = tx.execute(select(exam, func.count()).group_by(exam))
            counts = {row[0]: row[1] for row in counted}
            return [(id_, *digests, counts.get(id_, 0)) for id_, digests in newest.items()]

        return [
            (await self.published(exam, policy), count)
            for _, exam, policy, count in await self.read(query)
        ]

    async def latest(self, exam_id: str) -> Published:
        for published, _ in await self.exams():
            if published.exam.id == exam_id:
                return published
        raise NotFound(what="exam", id=exam_id)

    async def published(self, exam_sha256: str, policy_sha256: str) -> Published:
        known = self._published.get((exam_sha256, policy_sha256))
        if known is not None:
            return known

        def query(tx: Connection) -> tuple[bytes | None, bytes | None]:
            exam = tx.execute(_select(ExamRow, "body", sha256=exam_sha256))
            policy = tx.execute(_select(PolicyRow, "body", sha256=policy_sha256))
            return exam.scalar_one_or_none(), policy.scalar_one_or_none()

        exam_body, policy_body = await self.read(query)
        if exam_body is None or policy_body is None:
            raise NotFound(what="exam", id=exam_sha256)
        found = _published(exam_body, policy_body)
        _remember(self._published, (exam_sha256, policy_sha256), found)
        return found

    async def create(
        self, session: ExamSession, *, join_sha256: str, lines: Sequence[bytes], email: str = ""
    ) -> Case:
        log = Frontier().extended(map(leaf_hash, lines))
        row = {
            **_session_values(session, version=1, log=log),
            "id": session.id,
            "exam": session.exam,
            "made_at_ms": milliseconds(session.made_at),
            "join_sha256": join_sha256,
            "email": email,
        }
        wrapped = self._keys.wrap(session.id, new_session_key())

        def job(tx: Connection) -> None:
            tx.execute(insert(_table(SessionRow)), row)
            tx.execute(insert(_table(SessionKeyRow)), {"session": session.id, "wrapped": wrapped})
            tx.execute(insert(_table(ServerLineRow)), _server_lines(session.id, 0, lines))

        await self._writer.run(job)
        return Case(session=session, log=log, version=1)

    async def email(self, session_id: str) -> str:
        rows = await self._rows(_select(SessionRow, "email", id=session_id))
        if not rows:
            raise NotFound(what="session", id=session_id)
        return str(rows[0].email)

    async def emails_kept(self) -> Sequence[str]:
        table = _table(SessionRow)
        rows = await self._rows(select(table.c.id).where(table.c.email != ""))
        return [row.id for row in rows]

    async def forget_email(self, session_id: str, *, mailed: bool = False) -> None:
        table = _table(SessionRow)
        values: dict[str, Any] = {"email": "", **({"receipt_mailed": True} if mailed else {})}
        change = table.update().where(table.c.id == session_id).values(values)

        def job(tx: Connection) -> None:
            with _overwriting(tx):
                tx.execute(change)

        await self._writer.run(job)

    async def receipt_mailed(self, session_id: str) -> bool:
        rows = await self._rows(_select(SessionRow, "receipt_mailed", id=session_id))
        return bool(rows and rows[0].receipt_mailed)

    async def case(self, session_id: str) -> Case:
        def query(tx: Connection) -> Any:
            return tx.execute(_select(SessionRow, id=session_id)).one_or_none()

        row = await self.read(query)
        if row is None:
            raise NotFound(what="session", id=session_id)
        return _case(row)

    async def exam_of(self, session_id: str) -> str:
        rows = await self._rows(_select(SessionRow, "exam", id=session_id))
        if not rows:
            raise NotFound(what="session", id=session_id)
        return str(rows[0].exam)

    async def save(
        self,
        case: Case,
        session: ExamSession,
        *,
        lines: Sequence[bytes] = (),
        device: Device | None = None,
        flags: Sequence[Flag] = (),
    ) -> Case:
        log = case.log.extended(map(leaf_hash, lines))
        after = replace(case, session=session, log=log, version=case.version + 1)
        values = _session_values(session, version=after.version, log=log)
        table = _table(SessionRow)

        def job(tx: Connection) -> None:
            same = (table.c.id == session.id) & (table.c.version == case.version)
            if tx.execute(table.update().where(same).values(values)).rowcount != 1:
                raise Conflict
            if lines:
                tx.execute(
                    insert(_table(ServerLineRow)), _server_lines(session.id, case.log.size, lines)
                )
            if device is not None:
                _admit(tx, device)
            for flag in flags:
                _keep_flag(tx, session.id, flag)

        await self._writer.run(job)
        return after

    async def invited(self, join_sha256: str) -> str:
        def query(tx: Connection) -> str | None:
            found = _select(SessionRow, "id", join_sha256=join_sha256)
            return tx.execute(found).scalar_one_or_none()

        session_id = await self.read(query)
        if session_id is None:
            raise NotFound(what="invitation", id="")
        return session_id

    async def device_by_token(self, token_sha256: str) -> Device | None:
        def query(tx: Connection) -> Any:
            found = _select(DeviceRow, token_sha256=token_sha256)
            return tx.execute(found).one_or_none()

        row = await self.read(query)
        return None if row is None else _device(row)

    async def devices(self, session_id: str) -> Sequence[Device]:
        found = _select(DeviceRow, session=session_id).order_by("place")
        return [_device(row) for row in await self._rows(found)]

    async def unfinished(self, exam_id: str | None = None) -> Sequence[str]:
        table = _table(SessionRow)
        ended = [str(state) for state in ENDED]
        found = select(table.c.id).where(table.c.state.not_in(ended))
        if exam_id is not None:
            found = found.where(table.c.exam == exam_id)
        return [row.id for row in await self._rows(found)]

    async def cases(
        self,
        exams: str | frozenset[str] | None,
        *,
        most: int = MAX_CASES,
        after: Case | None = None,
    ) -> Sequence[Case]:
        table = _table(SessionRow)
        made_at_ms, id_ = table.c.made_at_ms, table.c.id
        found = select(table).order_by(made_at_ms.desc(), id_).limit(most)
        if after is not None:
            last, last_ms = after.session.id, milliseconds(after.session.made_at)
            later = (made_at_ms < last_ms) | ((made_at_ms == last_ms) & (id_ > last))
            found = found.where(later)
        if exams is not None:
            of = {exams} if isinstance(exams, str) else exams
            found = found.where(table.c.exam.in_(sorted(of)))
        return [_case(row) for row in await self._rows(found)]

    async def rehearsals(self, session_id: str) -> Sequence[Case]:
        table = _table(SessionRow)
        of = func.json_extract(table.c.body, "$.rehearsal_of")
        found = select(table).where((table.c.exam == PRACTICE_EXAM) & (of == session_id))
        newest = found.order_by(table.c.made_at_ms.desc(), table.c.id)
        return [_case(row) for row in await self._rows(newest)]

    async def forget(self, session_id: str) -> None:
        def job(tx: Connection) -> None:
            if tx.execute(_select(BlobRow, "sha256", session=session_id).limit(1)).first():
                return
            of: tuple[type[SQLModel], ...] = (ObservationRow, FlagRow, BatchRow, DeviceRow)
            of += (ServerLineRow, SessionKeyRow, IdReadingRow, IdRaisedRow, LookRow)
            sessions = _table(SessionRow)
            with _overwriting(tx):
                for row in of:
                    table = _table(row)
                    tx.execute(table.delete().where(table.c.session == session_id))
                tx.execute(sessions.delete().where(sessions.c.id == session_id))

        await self._writer.run(job)
        self._session_keys.pop(session_id, None)

    async def append(self, append: Append) -> None:
        await self._writer.append(append, await self._session_key(append.session))

    async def device_log(self, session_id: str, device: str) -> DeviceLog:
        table = _table(BatchRow)
        found = (
            select(table.c.size, table.c.frontier, table.c.receipt, table.c.received_at_ms)
            .where((table.c.session == session_id) & (table.c.device == device))
            .order_by(table.c.first.desc())
            .limit(1)
        )
        rows = await self._rows(found, soon=True)
        if self._writer.is_behind:
            raise StorageFull  # else a device would be told less than it has receipts for
        if not rows:
            return DeviceLog(frontier=Frontier(), receipt=b"", heard_at=None)
        (last,) = rows
        return DeviceLog(
            frontier=Frontier.from_bytes(last.size, last.frontier),
            receipt=last.receipt,
            heard_at=_instant(last.received_at_ms),
        )

    async def receipt_at(self, session_id: str, device: str, size: int) -> bytes | None:
        found = _select(BatchRow, "receipt", session=session_id, device=device, size=size)
        rows = await self._rows(found, soon=True)
        return rows[0].receipt if rows else None

    async def received(self, session_id: str, device: str) -> Sequence[Received]:
        found = _select(BatchRow, session=session_id, device=device)
        rows = await self._rows(found.order_by("first"), soon=True)
        return [
            Received(
                first=row.first,
                lines=tuple(row.lines.split(b"\n")),
                received_at=_instant(row.received_at_ms),
            )
            for row in rows
        ]

    async def server_lines(self, session_id: str) -> Sequence[bytes]:
        found = _select(ServerLineRow, "line", session=session_id)
        return [row.line for row in await self._rows(found.order_by("seq"))]

    async def held(self, session_id: str) -> Mapping[str, int]:
        found = _select(BlobRow, "sha256", "size", session=session_id).where(_has_key(session_id))
        rows = await self._rows(found, soon=True)
        return {row.sha256: row.size - OVERHEAD_BYTES for row in rows}

    async def blob(self, session_id: str, sha256: str) -> bytes:
        missing = NotFound(what="blob", id=sha256)
        try:
            key = await self._session_key(session_id)
        except NotFound:
            raise missing from None

        def find() -> bytes | None:
            with self._engine.connect() as connection:
                place = place_of(connection, session_id, sha256)
            return None if place is None else self._read_blob(key, session_id, sha256, place)

        found = await asyncio.to_thread(find)
        if found is None:
            # Only now: a commit for each picture that is looked at took longer than all else of it.
            await self._writer.applied()
            found = await asyncio.to_thread(find)
        if found is None:
            raise missing
        return found

    async def blobs(self, session_id: str) -> AsyncIterator[tuple[str, bytes]]:
        found = _select(BlobRow, session=session_id).where(_has_key(session_id))
        rows = await self._rows(found.order_by("sha256"), soon=True)
        if not rows:
            return
        key = await self._session_key(session_id)
        for row in rows:
            place = Place(row.segment, row.start, row.size)
            read = partial(self._read_blob, key, session_id, row.sha256, place)
            yield row.sha256, await asyncio.to_thread(read)

    async def holding(self) -> Sequence[str]:
        table, blobs = _table(SessionRow), _table(BlobRow)
        some = select(blobs.c.session).where(blobs.c.session == table.c.id).exists()
        rows = await self._rows(select(table.c.id).where(some), soon=True)
        return [row.id for row in rows]

    async def erase(self, session_id: str, digests: Collection[str]) -> None:
        wanted = sorted(digests)
        for first in range(0, len(wanted), ERASED_AT_ONCE):
            some = wanted[first : first + ERASED_AT_ONCE]
            if await self._writer.run(partial(self._erase, session_id, some)):
                self._session_keys.pop(session_id, None)

    def _erase(self, session_id: str, digests: Sequence[str], tx: Connection) -> bool:
        """Erase blobs in the writer's thread; tell whether the session's key went with them."""
        blobs, keys = _table(BlobRow), _table(SessionKeyRow)
        of_session = blobs.c.session == session_id
        chosen = of_session & blobs.c.sha256.in_(digests)
        rows = tx.execute(select(blobs).where(chosen)).all()
        try:
            # Bytes first: a row that goes without them would leave a picture nobody knows of.
            self._segments.erase(Place(row.segment, row.start, row.size) for row in rows)
        except OSError as no:
            raise StorageFull from no
        tx.execute(blobs.delete().where(chosen))
        if tx.execute(select(blobs.c.sha256).where(of_session).limit(1)).first():
            return False
        with _overwriting(tx):
            tx.execute(keys.delete().where(keys.c.session == session_id))
            _forget_identity(tx, session_id)
        return True

    async def observe(self, session_id: str, observation: Observation) -> None:
        body = _OBSERVATION.dump_json(observation).decode()
        self._writer.observe(session_id, observation.device, observation.seq, body)

    async def observations(self, session_id: str) -> Sequence[Observation]:
        found = _select(ObservationRow, "body", session=session_id)
        rows = await self._rows(found.order_by("device", "seq"), soon=True)
        if self._writer.lacks_observations:
            raise StorageFull  # else a flag would be missed for good that rests on what lacks
        # In a thread: those of two hours take 13 ms, and a receipt would wait as long.
        return await asyncio.to_thread(_parsed_observations, rows)

    async def observed(self, session_id: str) -> int:
        table = _table(ObservationRow)
        counted = select(func.count()).select_from(table).where(table.c.session == session_id)
        await self._writer.applied()
        return int(await self.read(lambda tx: tx.execute(counted).scalar_one()))

    async def observed_of(self, sessions: Sequence[str]) -> Mapping[str, int]:
        session = _table(ObservationRow).c.session

        def query(tx: Connection) -> dict[str, int]:
            found = dict.fromkeys(sessions, 0)
            for start in range(0, len(sessions), _SOME):
                some = session.in_(sessions[start : start + _SOME])
                counted = select(session, func.count()).where(some).group_by(session)
                found.update({row[0]: row[1] for row in tx.execute(counted)})
            return found

        await self._writer.applied()
        return await self.read(query)

    async def flags(self, session_id: str) -> Sequence[Flag]:
        found = _select(FlagRow, "body", session=session_id).order_by("place")
        return [_FLAG.validate_json(row.body) for row in await self._rows(found)]

    async def flags_of(self, sessions: Sequence[str]) -> Mapping[str, Sequence[Flag]]:
        table = _table(FlagRow)

        def query(tx: Connection) -> dict[str, list[Flag]]:
            found: dict[str, list[Flag]] = {session: [] for session in sessions}
            for start in range(0, len(sessions), _SOME):
                some = table.c.session.in_(sessions[start : start + _SOME])
                rows = tx.execute(select(table).where(some).order_by(table.c.place))
                for row in rows:
                    found[row.session].append(_FLAG.validate_json(row.body))
            return found

        return await self.read(query)

    async def keep_reading(
        self,
        session_id: str,
        reading: IdReading,
        *,
        programme: str,
        at: datetime,
        found_as_before: bool = False,
    ) -> None:
        key = await self._session_key(session_id)
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = _READING.dump_json(reading)
        row = {
            "session": session_id,
            "programme": programme,
            "at_ms": milliseconds(at),
            "face_sha256": reading.face,
            "number_hmac": self._document_hash(programme, reading),
            "sealed": nonce + key.encrypt(nonce, plain, _bound_reading(session_id)),
        }

        def job(tx: Connection) -> None:
            # Destroyed meanwhile: nothing may be kept that nobody will ever delete.
            if not tx.execute(_select(SessionKeyRow, "session", session=session_id)).first():
                raise NotFound(what="key of session", id=session_id)
            table = _table(IdReadingRow)
            with _overwriting(tx):
                if found_as_before:
                    of_it = table.update().where(table.c.session == session_id)
                    if tx.execute(of_it.values(sealed=row["sealed"])).rowcount:
                        return
                _upsert(tx, IdReadingRow, row, ["session"])

        await self._writer.run(job)

    def _document_hash(self, programme: str, reading: IdReading | None) -> bytes | None:
        mrz = reading and reading.read and reading.read.mrz
        # Without its check digits it may be misread: two documents would look like one.
        document = mrz.document if mrz else ""
        return self._keys.document_hash(programme, document) if document else None

    async def documents_of_before(self) -> Sequence[str]:
        table = _table(IdReadingRow)
        before = func.length(table.c.number_hmac) == DOCUMENT_HASH_BYTES_BEFORE
        found = select(table.c.session).where(before).order_by(table.c.session)
        return [row.session for row in await self._rows(found)]

    async def reading(self, session_id: str) -> IdReading | None:
        rows = await self._rows(_select(IdReadingRow, "sealed", session=session_id))
        if not rows or rows[0].sealed is None:
            return None
        sealed = bytes(rows[0].sealed)
        try:
            key = await self._session_key(session_id)
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return _READING.validate_json(key.decrypt(nonce, rest, _bound_reading(session_id)))
        except (NotFound, InvalidTag):
            return None

    async def same_document(self, session_id: str) -> Sequence[str]:
        # By what was read last: what others find of the session may be what was accepted before.
        rows = await self._rows(_select(IdReadingRow, "programme", session=session_id))
        programme = str(rows[0].programme) if rows else ""
        document = self._document_hash(programme, await self.reading(session_id))
        if document is None:
            return []
        table = _table(IdReadingRow)
        same = (table.c.number_hmac == document) & (table.c.session != session_id)
        found = select(table.c.session).where(same)
        return [row.session for row in await self._rows(found.order_by(table.c.session))]

    async def faces(self, session_id: str, *, most: int) -> Sequence[ShownFace]:
        mine, table = _table(IdReadingRow).alias(), _table(IdReadingRow)
        sessions, blobs = _table(SessionRow), _table(BlobRow)
        of_mine = sessions.alias()
        learner, account = _whose(sessions)
        my_name, my_account = _whose(of_mine)
        # By the account where both say which it is, and else by the name.
        another = case(
            ((account != "") & (my_account != ""), account != my_account), else_=learner != my_name
        )
        held = (blobs.c.session == table.c.session) & (blobs.c.sha256 == table.c.face_sha256)
        newest = func.max(table.c.at_ms)
        found = (
            # SQLite takes the rest of a group's row from where max() is.
            select(
                table.c.session,
                table.c.face_sha256,
                learner.label("learner"),
                account.label("account"),
                newest,
            )
            .join(mine, (mine.c.session == session_id) & (mine.c.programme == table.c.programme))
            .join(sessions, sessions.c.id == table.c.session)
            .join(of_mine, of_mine.c.id == session_id)
            .join(blobs, held)
            .where(another)
            .group_by(account, case((account == "", learner), else_=""))
            .order_by(newest.desc(), table.c.session)
            .limit(most)
        )
        rows = await self._rows(found, soon=True)
        return [
            ShownFace(
                session=row.session,
                learner=row.learner,
                sha256=row.face_sha256,
                account=row.account,
            )
            for row in rows
        ]

    async def raise_same(self, raised: Raised) -> None:
        rows = [
            {
                "session": one,
                "other": other,
                "why": raised.why,
                "value": raised.value,
                "at_ms": milliseconds(raised.at),
            }
            for one, other in (
                (raised.session, raised.other),
                (raised.other, raised.session),
            )
        ]
        await self._writer.run(
            lambda tx: tx.execute(insert(_table(IdRaisedRow)).on_conflict_do_nothing(), rows)
        )

    async def raised(self, session_id: str) -> Sequence[Raised]:
        found = _select(IdRaisedRow, session=session_id).order_by("at_ms", "other", "why")
        return [
            Raised(
                why=row.why,
                session=row.session,
                other=row.other,
                value=row.value,
                at=_instant(row.at_ms),
            )
            for row in await self._rows(found)
        ]

    async def forget_reading(self, session_id: str) -> None:
        table = _table(IdReadingRow)

        def job(tx: Connection) -> None:
            with _overwriting(tx):
                tx.execute(
                    table.update()
                    .where(table.c.session == session_id)
                    .values(number_hmac=None, sealed=None)
                )

        await self._writer.run(job)

    async def _rows(self, statement: Any, *, soon: bool = False) -> Sequence[Any]:
        """Return rows; `soon` waits for those that the writer was given and has not written yet."""
        if soon:
            await self._writer.applied()
        return await self.read(lambda tx: tx.execute(statement).all())

    async def _session_key(self, session_id: str) -> AESGCM:
        known = self._session_keys.get(session_id)
        if known is not None:
            return AESGCM(known)
        found = _select(SessionKeyRow, "wrapped", session=session_id)
        rows = await self._rows(found)
        if not rows:
            raise NotFound(what="key of session", id=session_id)
        key = self._keys.unwrap(session_id, rows[0].wrapped)
        _remember(self._session_keys, session_id, key)
        return AESGCM(key)

    def _key_of(self, connection: Connection, session_id: str) -> AESGCM | None:
        row = connection.execute(_select(SessionKeyRow, "wrapped", session=session_id)).first()
        return None if row is None else AESGCM(self._keys.unwrap(session_id, row.wrapped))

    def _read_blob(self, key: AESGCM, session_id: str, sha256: str, place: Place) -> bytes:
        sealed = self._segments.read(place)
        try:
            return decrypt(key, session=session_id, sha256=sha256, sealed=sealed)
        except InvalidTag:
            raise NotFound(what="blob", id=sha256) from None


def _table(row: type[SQLModel]) -> Any:
    return SQLModel.metadata.tables[str(row.__tablename__)]


def _select(row: type[SQLModel], *names: str, **equal: object) -> Any:
    """Return a query for columns (all where none is named) of the rows with these values."""
    table = _table(row)
    statement = select(*(table.c[name] for name in names or table.c.keys()))
    for name, value in equal.items():
        statement = statement.where(table.c[name] == value)
    return statement


def _has_key(session_id: str) -> Any:
    """Return a condition that holds until a session's key, and so its pictures, are destroyed."""
    return _select(SessionKeyRow, session=session_id).exists()


def _upsert(tx: Connection, row: type[SQLModel], values: dict[str, Any], key: list[str]) -> None:
    rest = {name: value for name, value in values.items() if name not in key}
    statement = insert(_table(row)).values(values)
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=rest))


@contextmanager
def _overwriting(tx: Connection) -> Iterator[None]:
    """Have what is deleted overwritten; else it stays readable in the page that it stood in."""
    before = tx.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    tx.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        tx.exec_driver_sql(f"PRAGMA secure_delete={before}")


def _parsed_observations(rows: Sequence[Any]) -> Sequence[Observation]:
    return [_OBSERVATION.validate_json(row.body) for row in rows]


def _bound_reading(session_id: str) -> bytes:
    """Return what a reading is bound to: never the words that bind a blob."""
    return f"id-reading\0{session_id}".encode()


def _forget_identity(tx: Connection, session_id: str) -> None:
    readings, raised = _table(IdReadingRow), _table(IdRaisedRow)
    tx.execute(readings.delete().where(readings.c.session == session_id))
    tx.execute(raised.delete().where(raised.c.session == session_id))


def _published(exam_body: bytes, policy_body: bytes) -> Published:
    return Published(
        exam=exams.parse_body(exam_body),
        exam_sha256=sha256_of(exam_body).hexdigest(),
        policy=policies.parse_body(policy_body),
        policy_sha256=sha256_of(policy_body).hexdigest(),
        policy_body=policy_body,
    )


def _session_values(session: ExamSession, *, version: int, log: Frontier) -> dict[str, Any]:
    return {
        "state": str(session.state),
        "version": version,
        "log_size": log.size,
        "log_frontier": log.to_bytes(),
        # What says nothing is left out, so that thousands in memory share one of it.
        "body": _SESSION.dump_json(session, exclude_defaults=True).decode(),
    }


def _case(row: Any) -> Case:
    session = _SESSION.validate_json(row.body)
    return Case(
        # The same for all of an exam.
        session=replace(
            session,
            exam_sha256=intern(session.exam_sha256),
            policy_sha256=intern(session.policy_sha256),
        ),
        log=Frontier.from_bytes(row.log_size, row.log_frontier),
        version=row.version,
    )


def _server_lines(session_id: str, first: int, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"session": session_id, "seq": first + at, "line": line} for at, line in enumerate(lines)
    ]


def _device(row: Any) -> Device:
    return Device(
        id=row.id,
        session=row.session,
        key=row.key,
        kind=row.kind,
        token_sha256=row.token_sha256,
    )


def _admit(tx: Connection, device: Device) -> None:
    table = _table(DeviceRow)
    count = select(func.count()).select_from(table).where(table.c.session == device.session)
    values = {
        "session": device.session,
        "id": device.id,
        "place": tx.execute(count).scalar_one(),
        "key": device.key,
        "kind": device.kind,
        "token_sha256": device.token_sha256,
    }
    statement = insert(table).values(values)
    # Joined again with the same key: only the token is new.
    again = {"token_sha256": device.token_sha256}
    tx.execute(statement.on_conflict_do_update(index_elements=["session", "id"], set_=again))


def _keep_flag(tx: Connection, session_id: str, flag: Flag) -> None:
    table = _table(FlagRow)
    count = select(func.count()).select_from(table).where(table.c.session == session_id)
    body = _FLAG.dump_json(flag).decode()
    values = {
        "session": session_id,
        "id": flag.id,
        "place": tx.execute(count).scalar_one(),
        "body": body,
    }
    statement = insert(table).values(values)
    tx.execute(
        statement.on_conflict_do_update(index_elements=["session", "id"], set_={"body": body})
    )


def _whose(sessions: Any) -> tuple[Any, Any]:
    """Return the learner's name and account in the rows of a table of sessions."""
    account = func.coalesce(func.json_extract(sessions.c.body, "$.account"), "")
    return func.json_extract(sessions.c.body, "$.learner"), account


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _remember(cache: dict[Any, Any], key: object, value: object) -> None:
    if len(cache) >= MAX_CACHED:
        cache.pop(next(iter(cache)))
    cache[key] = value
