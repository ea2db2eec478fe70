"""Intake: what a device sends over its uplink is verified, made durable, and receipted.

The steps of one batch stand in `Line.take`, in order. Nothing is stored before all is verified, and
nothing is acknowledged before all is durable.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from proctor.domain.errors import Refusal
from proctor.domain.help import Topic
from proctor.domain.rehearsal import MAX_PRACTICE_BYTES, PRACTICE_EXAM
from proctor.domain.second_camera import PHONE, ROOM, SecondCameraOnly
from proctor.domain.session import ExamSession, require_intake, settle
from proctor.evidence.batch import Batch, check_named, grow, open_batch_checkpoint
from proctor.evidence.errors import BlobMismatch, Fork, Inconsistent
from proctor.evidence.note import (
    Checkpoint,
    Note,
    SigningKey,
    VerifierKey,
    cosignature,
    is_fork,
    origin_of,
)
from proctor.evidence.record import Kind, Record, parse
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.cases import Cases, unchanged
from proctor.services.journal import Entry, erased
from proctor.services.ports import Append, Conflict, Device, Published, StorageFull, Store
from proctor.services.second_cameras import camera_back, camera_lost, camera_shown
from proctor.services.sessions import Sessions, takes_part

# Blobs that a device may owe before it must deliver some: an hour of snapshots every 10 s, and
# what an answer lists of them.
MAX_OWED = 4096
# A two-hour session has 1,440 pictures and 60 MB. A bundle ends at 65,534 members and 4 GiB.
MAX_SESSION_BLOBS = 50_000
MAX_SESSION_BYTES = 3 * 2**30
MAX_OWED_TOLD = 256
# How far ahead a session is settled, to see that nothing is due.
_QUIET = timedelta(seconds=10)
_TELLING = frozenset({Kind.FOCUS, Kind.NOTICE, Kind.GAP})
_OF_A_PHONE = frozenset({Kind.HELLO, Kind.SNAPSHOT, Kind.GAP, Kind.NOTICE, Kind.BEAT})


class TooManyOwed(Refusal):
    code = "too-many-owed"

    def __init__(self, *, owed: int) -> None:
        super().__init__(f"{owed} blobs are owed: send some of them before naming more")
        self.owed = owed
        self.at_most = MAX_OWED


class SessionFull(Refusal):
    """What a session holds must fit into its bundle, or a learner could make it unverifiable."""

    code = "session-full"

    def __init__(
        self,
        *,
        blobs: int,
        bytes: int,  # noqa: A002 - the fact's public name
        at_most_bytes: int,
    ) -> None:
        super().__init__("this session holds as much as a session can")
        self.blobs = blobs
        self.bytes = bytes
        self.at_most_blobs = MAX_SESSION_BLOBS
        self.at_most_bytes = at_most_bytes


class Superseded(Refusal):
    code = "superseded"

    def __init__(self) -> None:
        super().__init__("another uplink, or another device, has taken the place of this one")


class FalseClaim(Refusal):
    """A record says of the logs what is not so."""

    code = "false-claim"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class BadHello(Refusal):
    code = "bad-hello"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Receipted:
    """The receipt of a batch with records: the cosigned note."""

    note: bytes
    size: int
    owed: tuple[str, ...]
    records: int  # new ones: none where the batch was sent again
    told: bool  # a record other than a snapshot or an answer came: rules may be about it


@dataclass(frozen=True, slots=True)
class Held:
    """Blobs that came alone, or late, are durable."""

    sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resume:
    """Send again from here: the batch does not begin where the log ends."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot whose picture is held, for the analysis."""

    session: str
    device: str
    record: Record
    # As it came, where it is still at hand; else the store has it.
    picture: bytes | memoryview | None = field(default=None, repr=False, compare=False)


# Blobs that records name and that have not come, by digest, oldest first. Several records may name
# one: a camera that stands still gives the same bytes twice.
Owed = Mapping[str, tuple[Record, ...]]


class Standing(NamedTuple):
    """What a device still owes, and what its session holds."""

    owed: Owed
    blobs: int  # held
    used: int  # bytes of blobs and records


class Intake:
    """Opens lines, one for each device, and knows which is the newest of each."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        sessions: Sessions,
        *,
        key: SigningKey,
        server: str,
        seen: Callable[[Sequence[Snapshot]], None],
    ) -> None:
        """Take the parts.

        `key` cosigns; `server` is its public name; `seen` is told of pictures that are held, and
        must not wait.
        """
        self.store = store
        self.cases = cases
        self.sessions = sessions
        self.key = key
        self.server = server
        self.seen = seen
        self._newest: dict[tuple[str, str], Line] = {}
        self._lined: list[Callable[[str], None]] = []
        self._said: list[Callable[[str, Record], None]] = []
        cases.in_contact(self._last_heard)

    def when_line(self, tell: Callable[[str], None]) -> None:
        """Call `tell` with each session of which a line opened or closed. It must not wait."""
        self._lined.append(tell)

    def when_said(self, tell: Callable[[str, Record], None]) -> None:
        """Call `tell` with each message of a learner, and its session. It must not wait."""
        self._said.append(tell)

    async def connect(self, device: Device) -> "Line":
        """Open a line for a device; an older one of the same device takes nothing more.

        Raises:
            Superseded: Another device has its place in the session.
        """
        case = await self.cases.get(device.session)
        published = await self.cases.published(case.session)
        log = await self.store.device_log(device.session, device.id)
        line = Line(self, device, published, log.frontier, await self.standing(device))
        # Known before contact is back: the end of an older line meanwhile is no loss of contact.
        self._newest[device.session, device.id] = line
        self._tell_line(device.session)
        try:
            if device.kind == PHONE:
                case = await self.cases.change(device.session, camera_back, by="clock")
            else:
                case = await self.sessions.contact_back(device.session)
        except BaseException:
            # An older line may have ended meanwhile, so none is put back: its device comes again.
            await self.disconnect(line)
            raise
        if not takes_part(case.session, device):
            # Another took its place after its token was looked at.
            await self.disconnect(line)
            raise Superseded
        return line

    def heard(self, session_id: str, device_id: str) -> None:
        """Note that a device spoke in another way than on its line."""
        line = self._newest.get((session_id, device_id))
        if line is not None:
            line.heard_at = self.cases.now()

    def line(self, session_id: str) -> "Line | None":
        """Return the line of the device that has a session; None while it has none."""
        known = self.cases.in_memory(session_id)
        used = None if known is None else known[0].session.devices.used
        return None if used is None else self._newest.get((session_id, used.id))

    def said(self, session_id: str, message: Record) -> None:
        """Tell whoever asked to be told what a learner said."""
        for tell in self._said:
            tell(session_id, message)

    def _tell_line(self, session_id: str) -> None:
        for tell in self._lined:
            tell(session_id)

    def _last_heard(self, session_id: str) -> datetime | None:
        line = self.line(session_id)
        return None if line is None else line.heard_at

    async def disconnect(self, line: "Line") -> None:
        """Close a line. Where it was the session's last, contact is lost since it last spoke.

        A second camera's line is no contact: nobody can work on it.
        """
        device = line.device
        if self._newest.get((device.session, device.id)) is not line:
            return
        del self._newest[device.session, device.id]
        self._tell_line(device.session)
        if device.kind == PHONE:
            await self._camera_lost(device)
        elif not any(
            session == device.session and each.device.kind != PHONE
            for (session, _), each in self._newest.items()
        ):
            with suppress(StorageFull):  # known all the same: stored with the next change
                await self.sessions.contact_lost(device.session, at=line.heard_at)

    async def _camera_lost(self, device: Device) -> None:
        def decide(session: ExamSession, now: datetime) -> ExamSession:
            # One that another phone replaced has nothing to lose.
            return camera_lost(session, now) if takes_part(session, device) else session

        with suppress(StorageFull):  # the next start says so
            await self.cases.change(device.session, decide, by="clock")

    def siblings(self, line: "Line") -> Iterator["Line"]:
        """Yield the lines of the other devices that take part in a line's session."""
        known = self.cases.in_memory(line.device.session)
        camera = None if known is None else known[0].session.second_camera
        if known is None or camera is None:
            return
        for device in (known[0].session.devices.used, camera.phone):
            if device is not None and device.id != line.device.id:
                other = self._newest.get((line.device.session, device.id))
                if other is not None:
                    yield other

    def is_newest(self, line: "Line") -> bool:
        """Tell whether a line is its device's newest, and its device takes part."""
        if self._newest.get((line.device.session, line.device.id)) is not line:
            return False
        known = self.cases.in_memory(line.device.session)
        return known is None or takes_part(known[0].session, line.device)

    async def standing(self, device: Device) -> Standing:
        """Return what a device still owes, and how much its session holds."""
        held = await self.store.held(device.session)
        used = sum(held.values())
        # What was erased is not asked for again.
        came = held.keys() | erased(await self.store.server_lines(device.session))
        owed: dict[str, tuple[Record, ...]] = {}
        for batch in await self.store.received(device.session, device.id):
            for text in batch.lines:
                used += len(text)
                if b'"blob":{' not in text:
                    continue
                record = parse(text)
                if record.blob is not None and record.blob.sha256 not in came:
                    digest = record.blob.sha256
                    owed[digest] = (*owed.get(digest, ()), record)
        return Standing(owed, len(held), used)


class Line:
    """One device's uplink: where its log ends, and which blobs it still owes."""

    __slots__ = (
        "_blobs",
        "_frontier",
        "_intake",
        "_key",
        "_origin",
        "_owed",
        "_published",
        "_quiet",
        "_used",
        "device",
        "heard_at",
        "still",
    )

    def __init__(
        self,
        intake: Intake,
        device: Device,
        published: Published,
        frontier: Frontier,
        standing: "Standing",
    ) -> None:
        self.device = device
        self.heard_at = intake.cases.now()
        # The newest periodic snapshot whose picture is held, and when it came. Whoever shows it
        # looks here: to be told of each would cost more than to take it.
        self.still: tuple[Record, datetime] | None = None
        self._intake = intake
        self._published = published
        self._frontier = frontier
        self._owed, self._blobs, self._used = standing
        # A session that the clock does nothing to before an instant.
        self._quiet: tuple[ExamSession | None, datetime] = (None, self.heard_at)
        self._key = VerifierKey.parse(device.key)
        self._origin = origin_of(
            server=intake.server,
            exam=published.exam.id,
            session=device.session,
            device=device.id,
        )

    @property
    def frontier(self) -> Frontier:
        return self._frontier

    def owed(self) -> tuple[str, ...]:
        """Return digests of blobs that records name and that have not come; the oldest ones."""
        return tuple(list(self._owed)[:MAX_OWED_TOLD])

    async def take(self, batch: Batch) -> Receipted | Held | Resume:
        """Take one batch of the device, whose bounds and framing `split` saw to.

        Raises:
            EvidenceError: It can't be believed; nothing of it was stored.
            Refusal: The session takes nothing more, or nothing now; nothing of it was stored.
        """
        now = self._intake.cases.now()
        self.heard_at = now
        # 1. An uplink that is not the newest takes nothing.
        if not self._intake.is_newest(self):
            raise Superseded
        blobs_alone = batch.note is None
        # 2. The signature, and where the batch stands in the log. What is there already is
        # receipted again whatever became of the session; only then must it take records.
        if blobs_alone:
            records: tuple[Record, ...] = ()
            frontier, receipt = self._frontier, b""
        else:
            assert batch.note is not None
            checkpoint = open_batch_checkpoint(batch, origin=self._origin, key=self._key)
            if checkpoint.size <= self._frontier.size:
                return await self._seen_before(batch.note, checkpoint)
            late = timedelta(hours=self._published.policy.time.late_h)
            require_intake(await self._settled(now), now=now, late=late)
            if checkpoint.size - len(batch.lines) != self._frontier.size:
                return self._resume()
            # 3. The tree only grew, and every record is one, in its place.
            opened = grow(
                batch,
                checkpoint,
                frontier=self._frontier,
                session=self.device.session,
                device=self.device.id,
            )
            records, frontier = opened.records, opened.frontier
            self._check_hello(records)
            self._check_kinds(records)
            await self._check_claims(records, batch.lines)
            line = cosignature(batch.note.text, key=self._intake.key, at_s=int(now.timestamp()))
            receipt = Note(batch.note.text, (*batch.note.signatures, line)).encode()
        # 4. Blobs are such as a record names; one that is held already is not stored again.
        named = _and({}, records)
        came = dict(batch.blobs)
        held: Mapping[str, int] = {}
        if not came.keys() >= named.keys() or not came.keys() <= named.keys() | self._owed.keys():
            held = await self._intake.store.held(self.device.session)
        new = tuple((digest, blob) for digest, blob in came.items() if digest not in held)
        owed = _and(
            self._owed, [each for each in records if each.blob and each.blob[0] not in held]
        )
        _check_sizes(records, self._owed, held)
        check_named(new, {d: some[0].blob.size for d, some in owed.items() if some[0].blob})
        if len(owed) - len(new) > MAX_OWED:
            raise TooManyOwed(owed=len(owed) - len(new))
        more_blobs = len(new)
        more_used = sum(map(len, batch.lines)) + sum(len(blob) for _, blob in new)
        blobs, used = self._blobs + more_blobs, self._used + more_used
        practice = self._published.exam.id == PRACTICE_EXAM
        most = MAX_PRACTICE_BYTES if practice else MAX_SESSION_BYTES
        if blobs + len(owed) > MAX_SESSION_BLOBS or used > most:
            raise SessionFull(blobs=blobs, bytes=used, at_most_bytes=most)
        # 5. Durable: blobs, then records, tree and receipt.
        append = Append(
            session=self.device.session,
            device=self.device.id,
            first=self._frontier.size,
            lines=batch.lines,
            frontier=frontier,
            receipt=receipt,
            received_at=now,
            blobs=new,
        )
        try:
            await self._intake.store.append(append)
        except Conflict:
            # Another uplink of this device was faster: where the log ends is read anew.
            log = await self._intake.store.device_log(self.device.session, self.device.id)
            self._frontier = log.frontier
            self._owed, self._blobs, self._used = await self._intake.standing(self.device)
            return self._resume()
        # 6. Only now is anything acknowledged.
        self._frontier = frontier
        # Added, not set: a sibling's batch may have been counted here while this one was stored.
        for line_of_session in (self, *self._intake.siblings(self)):
            line_of_session.count(more_blobs, more_used)
        self._owed = {digest: some for digest, some in owed.items() if digest not in came}
        pictured = [
            *(each for digest in came for each in owed.get(digest, ())),
            *(each for each in records if each.blob and each.blob[0] in held),
        ]
        self._tell(pictured, came)
        for record in records:
            if record.kind is Kind.MESSAGE:
                await self._call(record)
        # A record that came without its picture shows nothing yet.
        if self.device.kind == PHONE and any(each.kind is Kind.SNAPSHOT for each in pictured):
            with suppress(StorageFull):  # the picture is held: the next one says so
                await self._intake.cases.change(self.device.session, camera_shown, by="clock")
        if blobs_alone:
            return Held(tuple(came))
        told = any(record.kind in _TELLING for record in records)
        return Receipted(receipt, frontier.size, self.owed(), len(records), told)

    def count(self, blobs: int, used: int) -> None:
        """Take note of what the session holds more, by this line or another device's."""
        self._blobs += blobs
        self._used += used

    def _tell(self, records: Sequence[Record], came: Mapping[str, memoryview]) -> None:
        session, device = self.device.session, self.device.id
        snapshots = [
            Snapshot(session, device, each, came.get(each.blob[0]) if each.blob else None)
            for each in records
            if is_watched(each)
        ]
        if snapshots:
            self._intake.seen(snapshots)
            for each in snapshots:
                # What an outage kept back comes after what is newer.
                newer = self.still is None or each.record.seq > self.still[0].seq
                if newer and each.record.facts.get("purpose") == "periodic":
                    self.still = (each.record, self.heard_at)

    async def _call(self, record: Record) -> None:
        """Let a person be called, if the message is for one; the record itself is held already."""
        topic, raised = record.facts.get("topic"), record.facts.get("raised") is not False
        if topic in list(Topic):
            # A full disk: the message stands in the timeline, and nobody is called.
            with suppress(StorageFull):
                await self._intake.sessions.call(
                    self.device.session,
                    Topic(topic),
                    raised=raised,
                    device=record.device,
                    seq=record.seq,
                )
            self._intake.said(self.device.session, record)

    async def _settled(self, now: datetime) -> ExamSession:
        """Return the session as of now; without waiting where it is in memory."""
        known = self._intake.cases.in_memory(self.device.session)
        case = known[0] if known else await self._intake.cases.get(self.device.session)
        session, rules = case.session, self._published.policy.time
        same, until = self._quiet
        if session is same and now < until:
            return session
        # What the clock has not done by a later instant it has not done by an earlier one: most
        # batches need no look at every section.
        ahead = now + _QUIET
        if settle(session, now=ahead, rules=rules) is session:
            self._quiet = (session, ahead)
            return session
        return settle(session, now=now, rules=rules)

    def _resume(self) -> Resume:
        return Resume(self._frontier.size, self._frontier.root())

    def _check_hello(self, records: Sequence[Record]) -> None:
        """The log begins with the key it is signed with, and the policy its learner accepted."""
        for record in records:
            if (record.seq == 0) != (record.kind is Kind.HELLO):
                raise BadHello(problem="a device's log begins with its hello, and has no other")
            if record.kind is Kind.HELLO and (
                record.facts.get("key") != self.device.key
                or record.facts.get("policy_sha256") != self._published.policy_sha256
            ):
                raise BadHello(problem="the hello names another key or another policy")

    def _check_kinds(self, records: Sequence[Record]) -> None:
        """A second camera shows the room; it answers nothing and hands nothing in."""
        if self.device.kind != PHONE:
            return
        for record in records:
            other = record.kind is Kind.SNAPSHOT and record.facts.get("purpose") != ROOM
            if other or record.kind not in _OF_A_PHONE:
                raise SecondCameraOnly(kind=str(record.kind))

    async def _check_claims(self, records: Sequence[Record], lines: Sequence[bytes]) -> None:
        """Refuse a beat or a submission that is not true: a bundle with it would not verify."""
        store, device = self._intake.store, self.device
        if any(record.kind is Kind.BEAT for record in records):
            leaves = [leaf_hash(each) for each in await store.server_lines(device.session)]
            for record in records:
                if record.kind is Kind.BEAT and not _is_root(record, leaves):
                    raise FalseClaim(problem="the server's log never had that size and root")
        if any(record.kind is Kind.SUBMISSION for record in records):
            received = await store.received(device.session, device.id)
            answers = dict(enumerate(line for batch in received for line in batch.lines))
            answers |= dict(enumerate(lines, self._frontier.size))
            for record in records:
                if record.kind is Kind.SUBMISSION and not _is_handed_in(record, answers):
                    raise FalseClaim(problem="a submission names answers that are in the log")

    async def _seen_before(self, note: Note, checkpoint: Checkpoint) -> Receipted | Resume:
        """Answer a checkpoint no longer than the log.

        The device cannot know whether a lost answer was a lost request, so it sends again; that
        must not look like a fork.
        """
        store, device = self._intake.store, self.device
        given = await store.receipt_at(device.session, device.id, checkpoint.size)
        if given is None:
            # No batch ended here. Where the tree agrees, the device may go on from our end.
            leaves = [
                leaf_hash(line)
                for batch in await store.received(device.session, device.id)
                for line in batch.lines
            ]
            root = Frontier().extended(leaves[: checkpoint.size]).root()
            if root != checkpoint.root:
                raise Inconsistent(f"not the log held, at {checkpoint.size}")
            return self._resume()
        held = Note.parse(given)
        if not is_fork(Checkpoint.parse(held.text), checkpoint):
            return Receipted(given, checkpoint.size, self.owed(), 0, told=False)
        await self._record_fork(held, note)
        raise Fork(f"two histories of {checkpoint.size} records were signed")

    async def _record_fork(self, held: Note, other: Note) -> None:
        """Write both signed histories into the server's log, once for each device."""
        session = self.device.session
        for line in await self._intake.store.server_lines(session):
            record = parse(line)
            if record.kind is Kind.FORK and record.facts.get("id") == self.device.id:
                return
        by_device = Note(held.text, (held.line_of(self._key),))
        notes = [by_device.encode().decode(), other.encode().decode()]
        entry = Entry(Kind.FORK, {"id": self.device.id, "notes": notes})
        await self._intake.cases.change(session, unchanged, by="clock", also=[entry])


def is_watched(record: Record) -> bool:
    """Tell whether the machine looks at a record's picture: not at documents, files or rooms."""
    return record.kind is Kind.SNAPSHOT and record.facts.get("purpose") in ("periodic", "face")


def _and(owed: Owed, records: Sequence[Record]) -> dict[str, tuple[Record, ...]]:
    """Return what is owed with the blobs that more records name."""
    more = dict(owed)
    for record in records:
        if record.blob is not None:
            digest = record.blob.sha256
            more[digest] = (*more.get(digest, ()), record)
    return more


def _check_sizes(records: Sequence[Record], owed: Owed, held: Mapping[str, int]) -> None:
    """Refuse a digest named with two sizes: one of them is not true.

    Raises:
        BlobMismatch: It is.
    """
    named: dict[str, int] = {}
    for record in records:
        if (blob := record.blob) is None:
            continue
        earlier = owed.get(blob.sha256, (record,))[0].blob
        size = held.get(blob.sha256, earlier.size if earlier else blob.size)
        if named.setdefault(blob.sha256, size) != blob.size:
            raise BlobMismatch(f"blob {blob.sha256} is named with two sizes")


def _is_root(beat: Record, leaves: Sequence[bytes]) -> bool:
    size = beat.facts.get("size")
    if type(size) is not int or not 0 < size <= len(leaves):
        return False
    return Frontier().extended(leaves[:size]).root().hex() == beat.facts.get("root")


def _is_handed_in(submission: Record, lines: Mapping[int, bytes]) -> bool:
    answers = submission.facts.get("answers")
    if not isinstance(answers, list):
        return False
    for answer in answers:
        seq = answer.get("seq") if isinstance(answer, dict) else None
        line = lines.get(seq) if type(seq) is int and seq < submission.seq else None
        if line is None or sha256(line).hexdigest() != answer.get("sha256"):
            return False
        record = parse(line)
        if record.kind is not Kind.ANSWER or record.facts.get("item") != answer.get("item"):
            return False
    return True
