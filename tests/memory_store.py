"""A Store in memory that fails when it is told to, before or after it has stored."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from hashlib import sha256

from proctor.adapters import exams, policies
from proctor.domain.flags import Flag
from proctor.domain.id_checks import IdReading
from proctor.domain.observation import Observation
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.session import ENDED, ExamSession
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.ports import (
    MAX_CASES,
    Append,
    Case,
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


class Fault(Enum):
    BEFORE_COMMIT = auto()  # the request is lost
    AFTER_COMMIT = auto()  # the answer is lost
    FULL = auto()  # the disk is full


_BEFORE = "before: "  # in place of a document's hash, as an earlier version made it


@dataclass(kw_only=True)
class _Reading:
    programme: str
    at: datetime
    face: str
    reading: IdReading | None
    document: str


def _document(reading: IdReading | None) -> str:
    mrz = reading and reading.read and reading.read.mrz
    return mrz.document if mrz else ""


class MemoryStore:
    """`services.ports.Store`. `next_fault` befalls the next write, and only that one."""

    def __init__(self) -> None:
        self.next_fault: Fault | None = None
        self._images: dict[str, bytes] = {}
        self._bodies: dict[tuple[str, str], Published] = {}
        self._latest: dict[str, Published] = {}
        self._cases: dict[str, Case] = {}
        self._joins: dict[str, str] = {}
        self._server_lines: dict[str, list[bytes]] = {}
        self._emails: dict[str, str] = {}
        self._mailed: set[str] = set()
        self._devices: dict[str, dict[str, Device]] = {}
        self._appends: dict[tuple[str, str], list[Append]] = {}
        self._blobs: dict[str, dict[str, bytes]] = {}
        self._without_key: set[str] = set()
        self._observations: dict[str, dict[tuple[str, int], Observation]] = {}
        self._flags: dict[str, dict[str, Flag]] = {}
        self._readings: dict[str, _Reading] = {}
        self._raised: dict[tuple[str, str, str], Raised] = {}

    def _before(self) -> Fault | None:
        fault, self.next_fault = self.next_fault, None
        if fault is Fault.BEFORE_COMMIT:
            raise ConnectionError(fault)
        if fault is Fault.FULL:
            raise StorageFull
        return fault

    def _after(self, fault: Fault | None) -> None:
        if fault is Fault.AFTER_COMMIT:
            raise ConnectionError(fault)

    def writes(self) -> Writes:
        return Writes.FAILING if self.next_fault is Fault.FULL else Writes.WELL

    async def publish(
        self, exam_body: bytes, policy_body: bytes, *, images: Mapping[str, bytes] | None = None
    ) -> Published:
        fault = self._before()
        self._images |= images or {}
        published = Published(
            exam=exams.parse_body(exam_body),
            exam_sha256=sha256(exam_body).hexdigest(),
            policy=policies.parse_body(policy_body),
            policy_sha256=sha256(policy_body).hexdigest(),
            policy_body=policy_body,
        )
        self._bodies[published.exam_sha256, published.policy_sha256] = published
        self._latest.pop(published.exam.id, None)
        self._latest[published.exam.id] = published
        self._after(fault)
        return published

    async def exam_image(self, sha256: str) -> bytes:
        if sha256 not in self._images:
            raise NotFound(what="image", id=sha256)
        return self._images[sha256]

    async def exams(self) -> Sequence[tuple[Published, int]]:
        sessions = [case.session.exam for case in self._cases.values()]
        return [(each, sessions.count(id_)) for id_, each in self._latest.items()]

    async def latest(self, exam_id: str) -> Published:
        if exam_id not in self._latest:
            raise NotFound(what="exam", id=exam_id)
        return self._latest[exam_id]

    async def published(self, exam_sha256: str, policy_sha256: str) -> Published:
        found = self._bodies.get((exam_sha256, policy_sha256))
        if found is None:
            raise NotFound(what="exam", id=exam_sha256)
        return found

    async def create(
        self, session: ExamSession, *, join_sha256: str, lines: Sequence[bytes], email: str = ""
    ) -> Case:
        fault = self._before()
        log = Frontier().extended(map(leaf_hash, lines))
        case = Case(session=session, log=log, version=1)
        self._cases[session.id] = case
        self._joins[join_sha256] = session.id
        self._server_lines[session.id] = list(lines)
        self._emails[session.id] = email
        self._after(fault)
        return case

    async def email(self, session_id: str) -> str:
        await self.case(session_id)
        return self._emails[session_id]

    async def emails_kept(self) -> Sequence[str]:
        return [session for session, email in self._emails.items() if email]

    async def forget_email(self, session_id: str, *, mailed: bool = False) -> None:
        fault = self._before()
        if session_id in self._emails:
            self._emails[session_id] = ""
            self._mailed |= {session_id} if mailed else set()
        self._after(fault)

    async def receipt_mailed(self, session_id: str) -> bool:
        return session_id in self._mailed

    async def case(self, session_id: str) -> Case:
        if session_id not in self._cases:
            raise NotFound(what="session", id=session_id)
        return self._cases[session_id]

    async def exam_of(self, session_id: str) -> str:
        return (await self.case(session_id)).session.exam

    async def save(
        self,
        case: Case,
        session: ExamSession,
        *,
        lines: Sequence[bytes] = (),
        device: Device | None = None,
        flags: Sequence[Flag] = (),
    ) -> Case:
        if self._cases[session.id].version != case.version:
            raise Conflict
        fault = self._before()
        log = case.log.extended(map(leaf_hash, lines))
        after = Case(session=session, log=log, version=case.version + 1)
        self._cases[session.id] = after
        self._server_lines[session.id] += lines
        if device is not None:
            known = self._devices.setdefault(session.id, {})
            before = known.get(device.id, device)
            known[device.id] = replace(before, token_sha256=device.token_sha256)
        for flag in flags:
            self._flags.setdefault(session.id, {})[flag.id] = flag
        self._after(fault)
        return after

    async def invited(self, join_sha256: str) -> str:
        if join_sha256 not in self._joins:
            raise NotFound(what="invitation", id="")
        return self._joins[join_sha256]

    async def device_by_token(self, token_sha256: str) -> Device | None:
        for devices in self._devices.values():
            for device in devices.values():
                if device.token_sha256 == token_sha256:
                    return device
        return None

    async def devices(self, session_id: str) -> Sequence[Device]:
        await asyncio.sleep(0)  # others go on meanwhile, as with a real one
        return list(self._devices.get(session_id, {}).values())

    async def unfinished(self, exam_id: str | None = None) -> Sequence[str]:
        return [
            id_
            for id_, case in self._cases.items()
            if case.session.state not in ENDED and exam_id in (None, case.session.exam)
        ]

    async def cases(
        self,
        exams: str | frozenset[str] | None,
        *,
        most: int = MAX_CASES,
        after: Case | None = None,
    ) -> Sequence[Case]:
        of = {exams} if isinstance(exams, str) else exams
        found = [c for c in self._cases.values() if of is None or c.session.exam in of]
        by_id = sorted(found, key=lambda case: case.session.id)
        ordered = sorted(by_id, key=lambda case: case.session.made_at, reverse=True)
        if after is not None:
            last, at = after.session.id, after.session.made_at
            later = [c for c in ordered if c.session.made_at < at]
            same = [c for c in ordered if c.session.made_at == at and c.session.id > last]
            ordered = same + later
        return ordered[:most]

    async def rehearsals(self, session_id: str) -> Sequence[Case]:
        return [c for c in await self.cases(PRACTICE_EXAM) if c.session.rehearsal_of == session_id]

    async def forget(self, session_id: str) -> None:
        fault = self._before()
        if not self._blobs.get(session_id):
            tables = (self._cases, self._server_lines, self._devices, self._blobs)
            self._forget_identity(session_id)
            for table in (*tables, self._emails, self._observations, self._flags):
                table.pop(session_id, None)
            self._mailed.discard(session_id)
            self._joins = {key: id_ for key, id_ in self._joins.items() if id_ != session_id}
            for log in [each for each in self._appends if each[0] == session_id]:
                del self._appends[log]
        self._after(fault)

    async def append(self, append: Append) -> None:
        if append.session in self._without_key:
            raise NotFound(what="key of session", id=append.session)
        log = self._appends.setdefault((append.session, append.device), [])
        if append.lines and append.first != (log[-1].frontier.size if log else 0):
            raise Conflict
        fault = self._before()
        if append.lines:
            log.append(append)
        for digest, blob in append.blobs:
            self._blobs.setdefault(append.session, {}).setdefault(digest, bytes(blob))
        self._after(fault)

    async def device_log(self, session_id: str, device: str) -> DeviceLog:
        log = self._appends.get((session_id, device))
        if not log:
            return DeviceLog(frontier=Frontier(), receipt=b"", heard_at=None)
        last = log[-1]
        return DeviceLog(frontier=last.frontier, receipt=last.receipt, heard_at=last.received_at)

    async def receipt_at(self, session_id: str, device: str, size: int) -> bytes | None:
        for append in self._appends.get((session_id, device), []):
            if append.frontier.size == size:
                return append.receipt
        return None

    async def received(self, session_id: str, device: str) -> Sequence[Received]:
        return [
            Received(first=each.first, lines=each.lines, received_at=each.received_at)
            for each in self._appends.get((session_id, device), [])
        ]

    async def server_lines(self, session_id: str) -> Sequence[bytes]:
        return list(self._server_lines.get(session_id, []))

    async def held(self, session_id: str) -> Mapping[str, int]:
        return {digest: len(blob) for digest, blob in self._blobs.get(session_id, {}).items()}

    async def blob(self, session_id: str, sha256: str) -> bytes:
        found = self._blobs.get(session_id, {}).get(sha256)
        if found is None:
            raise NotFound(what="blob", id=sha256)
        return found

    async def blobs(self, session_id: str) -> AsyncIterator[tuple[str, bytes]]:
        for digest, blob in sorted(self._blobs.get(session_id, {}).items()):
            yield digest, blob

    async def holding(self) -> Sequence[str]:
        return [session for session, blobs in self._blobs.items() if blobs]

    async def erase(self, session_id: str, digests: Collection[str]) -> None:
        fault = self._before()
        blobs = self._blobs.get(session_id, {})
        for digest in digests:
            blobs.pop(digest, None)
        if digests and not blobs:
            self._without_key.add(session_id)
            self._forget_identity(session_id)
        self._after(fault)

    async def observe(self, session_id: str, observation: Observation) -> None:
        fault = self._before()
        place = (observation.device, observation.seq)
        self._observations.setdefault(session_id, {})[place] = observation
        self._after(fault)

    async def observed(self, session_id: str) -> int:
        return len(self._observations.get(session_id, {}))

    async def observations(self, session_id: str) -> Sequence[Observation]:
        return [each for _, each in sorted(self._observations.get(session_id, {}).items())]

    async def observed_of(self, sessions: Sequence[str]) -> Mapping[str, int]:
        return {each: await self.observed(each) for each in sessions}

    async def flags(self, session_id: str) -> Sequence[Flag]:
        return list(self._flags.get(session_id, {}).values())

    async def flags_of(self, sessions: Sequence[str]) -> Mapping[str, Sequence[Flag]]:
        return {each: await self.flags(each) for each in sessions}

    async def keep_reading(
        self,
        session_id: str,
        reading: IdReading,
        *,
        programme: str,
        at: datetime,
        found_as_before: bool = False,
    ) -> None:
        if session_id in self._without_key or session_id not in self._cases:
            raise NotFound(what="key of session", id=session_id)
        fault = self._before()
        before = self._readings.get(session_id)
        if found_as_before and before is not None:
            self._readings[session_id] = replace(before, reading=reading)
        else:
            self._readings[session_id] = _Reading(
                programme=programme,
                at=at,
                face=reading.face,
                reading=reading,
                document=_document(reading),
            )
        self._after(fault)

    async def reading(self, session_id: str) -> IdReading | None:
        kept = self._readings.get(session_id)
        return None if kept is None else kept.reading

    def document_as_before(self, session_id: str) -> None:
        """Have a document's hash as an earlier version made it: it equals none of now."""
        kept = self._readings[session_id]
        self._readings[session_id] = replace(kept, document=_BEFORE + session_id)

    async def documents_of_before(self) -> Sequence[str]:
        return sorted(
            session for session, kept in self._readings.items() if kept.document.startswith(_BEFORE)
        )

    async def same_document(self, session_id: str) -> Sequence[str]:
        mine = self._readings.get(session_id)
        if mine is None or not (document := _document(mine.reading)):
            return []
        return sorted(
            session
            for session, kept in self._readings.items()
            if session != session_id
            and (kept.programme, kept.document) == (mine.programme, document)
        )

    async def faces(self, session_id: str, *, most: int) -> Sequence[ShownFace]:
        mine = self._readings.get(session_id)
        newest: dict[tuple[str, str], tuple[datetime, ShownFace]] = {}
        for session, kept in self._readings.items():
            if mine is None:
                break
            other, me = self._cases[session].session, self._cases[session_id].session
            by_account = bool(other.account and me.account)
            if (
                kept.programme != mine.programme
                or (by_account and other.account == me.account)
                or (not by_account and other.learner == me.learner)
                or kept.face not in self._blobs.get(session, {})
            ):
                continue
            face = ShownFace(
                session=session, learner=other.learner, sha256=kept.face, account=other.account
            )
            who = (other.account, "" if other.account else other.learner)
            if who not in newest or newest[who][0] < kept.at:
                newest[who] = (kept.at, face)
        by_session = sorted(newest.values(), key=lambda each: each[1].session)
        by_time = sorted(by_session, key=lambda each: each[0], reverse=True)
        return [face for _, face in by_time[:most]]

    async def raise_same(self, raised: Raised) -> None:
        fault = self._before()
        back = replace(raised, session=raised.other, other=raised.session)
        for each in (raised, back):
            self._raised.setdefault((each.session, each.other, each.why), each)
        self._after(fault)

    async def raised(self, session_id: str) -> Sequence[Raised]:
        found = [each for each in self._raised.values() if each.session == session_id]
        return sorted(found, key=lambda each: (each.at, each.other, each.why))

    async def forget_reading(self, session_id: str) -> None:
        fault = self._before()
        if kept := self._readings.get(session_id):
            kept.reading, kept.document = None, ""
        self._after(fault)

    def _forget_identity(self, session_id: str) -> None:
        self._readings.pop(session_id, None)
        self._raised = {k: each for k, each in self._raised.items() if k[0] != session_id}
