"""Analysis, off the request path: pictures become observations, rules raise flags.

The truth is in the rows: a snapshot that is held and has no observation is pending. The queues only
say where to look next, so one that overflows, or a restart, costs a second look and loses nothing.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from proctor.domain.asks import (
    ASKS_AFTER,
    QualityAsk,
    ask_in_check_in,
    ask_rules,
    asks_of,
    wanting,
)
from proctor.domain.errors import Refusal
from proctor.domain.flags import Flag
from proctor.domain.incidents import COMPARE_EVERY, ENDS_AFTER, is_about
from proctor.domain.observation import Measured, Observation
from proctor.domain.policy import Policy, When
from proctor.domain.review import SETTLED
from proctor.domain.session import ENDED, ExamSession, State, with_asks
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases, Decide, pages_of
from proctor.services.check_in_face import CheckInFaces
from proctor.services.faults import Faults
from proctor.services.intake import Snapshot, is_watched
from proctor.services.journal import Entry, milliseconds
from proctor.services.picture_queue import PictureQueue, Rank
from proctor.services.ports import NotFound, Store, Vision
from proctor.services.seen import Seen, flags_in, load, read, section_at

logger = logging.getLogger(__name__)

# Snapshots waiting in one lane: those of a whole hall whose network was cut, some 20 MB. Of more,
# the sessions are read again from the rows.
MAX_WAITING = 16_384
# Of those that wait so many bytes are at hand as they came; the others are read from the store.
MAX_AT_HAND_BYTES = 64 * 2**20
# Of one camera, running: what was under way is over, also where one in six is compared.
CALM_AFTER = (ENDS_AFTER + 1) * COMPARE_EVERY
# Cameras of which is known what they lacked; one that falls out is asked a second later.
MAX_STREAMS = 4096
# Flags are looked for this often at the most: a reviewer's second, not a machine's.
EVALUATE_EVERY_S = 1.0
# For each second of looking, rest three: with a full exam flags come later, and receipts do not.
REST = 3
# A picture with which looking failed so often for one cause, over half a minute, is marked as what
# can't be looked at: a review waits for those that are pending. No picture is marked for what the
# disk or the machine refused: it is as it was once they work again.
GIVEN_UP_AFTER = 6
# What else fails of a session than its cameras' pictures; no device is called so.
_ROWS, _FLAGS = "rows", "flags"
# A device may write any time into a record; `datetime` ends with the year 9999.
_MAX_MS = 2**47
# What the log tells of a flag in another way where it went on several times.
_OF_SEVERAL = frozenset({"times", "lasted_ms", "explanation"})


class NotLookedAtYet(Refusal):
    code = "not-looked-at-yet"

    def __init__(self) -> None:
        super().__init__("the machine is still looking at this session's pictures: wait a moment")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the machine is behind."""

    waiting: int  # snapshots in the queues
    behind: int  # sessions whose queue overflowed and that will be looked through again
    oldest_at: datetime | None = None  # since when the one waits that waits for longest
    # What is not measured for want of a model, as of the last picture: "faces: the model ...".
    unavailable: tuple[str, ...] = ()
    failing: int = 0  # sessions of which something failed and will be tried again
    causes: tuple[str, ...] = ()  # why, by the kind of error: "OSError"


@dataclass(slots=True)
class _Stream:
    """One camera, as far as it was looked at since the start."""

    periodic: int = 0  # snapshots looked at
    calm: int = 0  # of them, how many running no rule is about
    lacked: list[frozenset[When]] = field(default_factory=list)  # by the last ones
    asked: frozenset[When] = frozenset()


class Analysis:
    """Lanes of snapshots, each looked at in order, and sessions whose flags are to be found."""

    def __init__(self, store: Store, cases: Cases, vision: Vision, *, lanes: int) -> None:
        self._store = store
        self._cases = cases
        self._vision = vision
        self._faces = CheckInFaces(store)
        cases.when_ended(lambda case: self._faces.forget(case.session.id))
        self._lanes = [PictureQueue(self._rank) for _ in range(lanes)]
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._lacking: dict[str, str] = {}  # what is not measured for want of a model, and why
        self._behind: dict[str, datetime] = {}  # since when
        # Sessions whose pending pictures are being read from the rows: what comes meanwhile must
        # not go before those. None: which they are is being read.
        self._reading: set[str] | None = set()
        self._touched: set[str] = set()
        self._under_way: dict[str, set[tuple[str, int]]] = {}  # device and seq, queued or in work
        self._growing: set[str] = set()  # sessions with flags, that go on
        self._faults = Faults()
        # Cameras of which a picture failed: those behind it are let go of, to be queued with it.
        self._stuck: set[tuple[str, str]] = set()  # session and device
        self._at_hand = 0  # bytes of pictures in the queues
        self._evaluating = ""
        self._catching_up = False
        self._found: list[Callable[[str, Sequence[Flag]], None]] = []

    def when_found(self, tell: Callable[[str, Sequence[Flag]], None]) -> None:
        """Call `tell` with a session and all its flags, once they were found. It must not wait."""
        self._found.append(tell)

    def progress(self) -> Progress:
        oldest = [lane.oldest for lane in self._lanes] + [*self._behind.values()]
        return Progress(
            sum(lane.waiting for lane in self._lanes),
            len(self._behind),
            min((since for since in oldest if since is not None), default=None),
            tuple(self._lacking.values()),
            len(self._faults),
            self._faults.causes,
        )

    def add(self, snapshots: Sequence[Snapshot]) -> None:
        """Queue snapshots whose pictures are held. It does not wait."""
        now = self._cases.now()
        for snapshot in snapshots:
            session = snapshot.session
            # Behind others of its camera that are not queued yet it must not be looked at: what
            # changed since the last one counts.
            reading = self._reading is None or session in self._reading
            if reading or session in self._behind:
                self._behind.setdefault(session, now)
            else:
                self._queue(self._with_room(snapshot), since=now)

    def _with_room(self, snapshot: Snapshot) -> Snapshot:
        """Let go of a picture for which there is no room: the store has it.

        One that is kept is a copy: a window on its message would keep the message.
        """
        picture = snapshot.picture
        if picture is None:
            return snapshot
        fits = self._at_hand + len(picture) <= MAX_AT_HAND_BYTES
        return replace(snapshot, picture=bytes(picture) if fits else None)

    def _queue(self, snapshot: Snapshot, *, since: datetime) -> None:
        session, place = snapshot.session, (snapshot.device, snapshot.record.seq)
        under_way = self._under_way.get(session, set())
        if place in under_way:
            return  # looked at twice, it would look like a camera that stands still
        # One camera's pictures go through one lane.
        lane = self._lanes[crc32(f"{session}/{snapshot.device}".encode()) % len(self._lanes)]
        if lane.waiting >= MAX_WAITING or session in self._behind:
            self._behind.setdefault(session, since)
            return
        lane.put(snapshot, since=since)
        self._at_hand += len(snapshot.picture or b"")
        under_way.add(place)
        self._under_way[session] = under_way

    def _rank(self, session_id: str) -> Rank:
        """Rank a session: whose exam was begun, or can be begun, earliest is looked at first."""
        known = self._cases.in_memory(session_id)
        if known is None:
            return 2, datetime.max.replace(tzinfo=UTC)  # not in use
        session = known[0].session
        opened = [each.opened_at for each in session.sections if each.opened_at is not None]
        return (0, min(opened)) if opened else (1, session.starts_at or session.made_at)

    def touch(self, session_id: str) -> None:
        """Look for flags in a session: records came that a rule may be about."""
        self._touched.add(session_id)

    async def run(self) -> None:
        """Work until cancelled, beginning with what was pending when the server stopped."""
        self._catching_up = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self.after_restart())
            for lane in self._lanes:
                group.create_task(self._look(lane))
            group.create_task(self._evaluate())

    async def after_restart(self) -> None:
        """Queue what was pending when the server stopped."""
        self._reading = None
        sessions = [
            case.session.id
            async for page in pages_of(self._store, None)
            for case in page
            if case.session.review.state not in SETTLED
        ]
        self._reading = set(sessions)
        for session_id in sessions:
            await self._queue_pending(session_id, since=self._cases.now())
            # It may have stopped between the last picture and its flag, ended or not.
            self.touch(session_id)
        self._catching_up = False

    def is_done(self, session_id: str) -> bool:
        """Tell whether every picture held of a session was looked at and its flags were found."""
        return (
            not self._catching_up
            and session_id not in self._behind
            and session_id not in (self._reading or ())
            and session_id not in self._touched
            and session_id != self._evaluating
            and session_id not in self._under_way
            and not (session_id in self._growing and self._has_ended(session_id))
        )

    async def _look(self, lane: PictureQueue) -> None:
        while True:
            snapshot = await lane.get()
            self._at_hand -= len(snapshot.picture or b"")
            session, device = snapshot.session, snapshot.device
            try:
                if (session, device) not in self._stuck:
                    await self._observe(snapshot)
            except NotFound:
                self._faults.over(session, device)  # erased since: there is nothing to look at
            except Exception as error:  # noqa: BLE001 - logged by `Faults`
                # It stays pending, and is looked at again with what came after it.
                self._stuck.add((session, device))
                self._behind.setdefault(session, self._cases.now())
                self._faults.failed(session, device, error, item=snapshot.record.seq)
            finally:
                left = self._under_way[session]
                left.discard((snapshot.device, snapshot.record.seq))
                if not left:
                    del self._under_way[session]
                    if self._has_ended(session):
                        self._faces.forget(session)  # what came late has fetched it anew

    async def _observe(self, snapshot: Snapshot) -> None:
        record, session_id = snapshot.record, snapshot.session
        assert record.blob is not None
        if snapshot.picture is None:
            jpeg = await self._store.blob(session_id, record.blob.sha256)
        else:
            jpeg = bytes(snapshot.picture)  # copies nothing: it is bytes since there was room
        measured = await self._measure(snapshot, jpeg)
        self._note_lacking(measured)
        await self._store.observe(session_id, _observation(snapshot, measured))
        self._faults.over(session_id, snapshot.device)
        try:
            if await self._says_something(snapshot, measured):
                self._touched.add(session_id)
            if _is_periodic(snapshot) and await self._has_turned(snapshot, measured):
                await self._ask(session_id)
        except Exception as error:  # noqa: BLE001 - logged by `Faults`
            # The picture was looked at. What its learner is asked for is found with the flags.
            self._touched.add(session_id)
            self._faults.failed(session_id, _FLAGS, error)

    async def _measure(self, snapshot: Snapshot, jpeg: bytes) -> Measured:
        if not _is_periodic(snapshot):
            self._faces.forget(snapshot.session)  # this one may be it
            return await self._seen(snapshot, jpeg)
        case = await self._cases.get(snapshot.session)
        policy = (await self._cases.published(case.session)).policy
        # The learner has read what is compared, if anything: no rule, no comparison.
        compared = any(rule.when == "another-person" for rule in policy.flags)
        face = await self._faces.of(case.session) if compared else None
        stream = self._stream(_name(snapshot))
        sample = face is not None and stream.periodic % COMPARE_EVERY == 0
        stream.periodic += 1
        return await self._seen(snapshot, jpeg, face=face, sample=sample)

    async def _seen(
        self, snapshot: Snapshot, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        """Look at a picture; one with which that fails again and again is measured as that.

        So nobody waits for it for ever, and it is kept, or not, as any measurement is.
        """
        session, device, seq = snapshot.session, snapshot.device, snapshot.record.seq
        try:
            return await self._vision.observe(_name(snapshot), jpeg, face=face, sample=sample)
        except OSError:
            raise  # of the machine, not of the picture: such as no memory for a process
        except Exception as error:
            if self._faults.tries(session, device, error, item=seq) + 1 < GIVEN_UP_AFTER:
                raise
            logger.warning("picture given up", extra={"session": session, "seq": seq})
            return Measured(unavailable=(f"server: looking at it failed: {type(error).__name__}",))

    def _note_lacking(self, measured: Measured) -> None:
        """Keep what the server lacks, for proctors, until a picture was measured with it."""
        if measured.faces is not None:
            self._lacking.pop("faces", None)
        if measured.same_person is not None:
            self._lacking.pop("same person", None)
        for cause in measured.unavailable:
            what, _, why = cause.partition(": ")
            if why.startswith("the model "):
                self._lacking[what] = cause

    async def _says_something(self, snapshot: Snapshot, measured: Measured) -> bool:
        """Tell whether a picture can change a session's flags or what its learner is asked for.

        Most can't: to look through two hours of records for each of those took the server longer
        than all its receipts.
        """
        if not _is_periodic(snapshot):
            return True
        case = await self._cases.get(snapshot.session)
        policy = (await self._cases.published(case.session)).policy
        stream = self._stream(_name(snapshot))
        if is_about(policy, measured):
            stream.calm = 0
            return True
        stream.calm += 1
        # A calm picture begins nothing. It ends what is under way, a few of them for certain.
        under_way = snapshot.session in self._growing or bool(case.session.asks)
        return under_way and stream.calm <= CALM_AFTER

    async def _has_turned(self, snapshot: Snapshot, measured: Measured) -> bool:
        """Note what a picture lacks; tell whether its learner is to be asked, or thanked."""
        case = await self._cases.get(snapshot.session)
        policy = (await self._cases.published(case.session)).policy
        stream = self._stream(_name(snapshot))
        stream.lacked = [*stream.lacked, wanting(ask_rules(policy), measured)][-ASKS_AFTER:]
        if len(stream.lacked) < ASKS_AFTER:
            return False
        # Asked for what all of the last lack; no more for what none of them does.
        every, some = frozenset.intersection(*stream.lacked), frozenset.union(*stream.lacked)
        before, stream.asked = stream.asked, (stream.asked | every) & some
        return stream.asked != before

    def _stream(self, name: str) -> _Stream:
        stream = self._streams.setdefault(name, _Stream())
        self._streams.move_to_end(name)
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        return stream

    async def _ask(self, session_id: str) -> None:
        """Ask a learner for light, or thank for it, at once: sooner than flags are looked for."""
        session = (await self._cases.get(session_id)).session
        policy = (await self._cases.published(session)).policy
        rows = await load(self._store, session_id)
        asks = await asyncio.to_thread(lambda: _asks(session, policy, read(session, rows)))
        if _are_new(asks, session):
            await self._cases.change(session_id, _asked(asks, session.asks), by="clock")

    async def _evaluate(self) -> None:
        while True:
            await asyncio.sleep(EVALUATE_EVERY_S)
            for session_id in [each for each in self._behind if each not in self._under_way]:
                if self._reading is None or session_id in self._reading:
                    continue  # it is being read
                if not self._faults.may_try(session_id):
                    continue
                self._reading.add(session_id)
                await self._queue_pending(session_id, since=self._behind.pop(session_id))
            self._touch_ended()
            for session_id in list(self._touched):
                if not self._faults.may_try(session_id, _FLAGS):
                    continue
                self._touched.discard(session_id)
                self._evaluating = session_id
                began = asyncio.get_running_loop().time()
                try:
                    await self.evaluate(session_id)
                    self._faults.over(session_id, _FLAGS)
                except NotFound:
                    # Forgotten since: there is nothing to find.
                    self._faults.over(session_id, _FLAGS)
                except Exception as error:  # noqa: BLE001 - logged by `Faults`
                    # A full disk, or a fault of ours: the rows are the truth, so look again later.
                    self._touched.add(session_id)
                    self._faults.failed(session_id, _FLAGS, error)
                finally:
                    self._evaluating = ""
                took = asyncio.get_running_loop().time() - began
                await asyncio.sleep(REST * took)

    def _touch_ended(self) -> None:
        """Look once more at what has ended: flags that grew are told of then."""
        for session_id in [each for each in self._growing if self._has_ended(each)]:
            self._touched.add(session_id)
            self._growing.discard(session_id)

    def _has_ended(self, session_id: str) -> bool:
        known = self._cases.in_memory(session_id)
        # Not in memory is not in use: to look once more is no harm.
        return known is None or known[0].session.state in ENDED

    async def _queue_pending(self, session_id: str, *, since: datetime) -> None:
        """Queue what is pending of a session that is in `_reading`; where it fails, go behind."""
        try:
            pending = await self._pending(session_id)
        except NotFound:
            self._behind.pop(session_id, None)  # forgotten since
            self._faults.over(session_id)
        except Exception as error:  # noqa: BLE001 - logged by `Faults`
            self._behind.setdefault(session_id, since)
            self._faults.failed(session_id, _ROWS, error)
        else:
            self._faults.over(session_id, _ROWS)
            held_back = self._behind.pop(session_id, None)
            if held_back is None:
                self._unstick(session_id, still={each.device for each in pending})
            for snapshot in pending:
                self._queue(snapshot, since=since)
            if held_back is not None:
                # What came while the rows were read may be missing in them.
                self._behind.setdefault(session_id, held_back)
        finally:
            assert self._reading is not None
            self._reading.discard(session_id)

    def _unstick(self, session_id: str, *, still: set[str]) -> None:
        """Let a session's cameras go on; those not in `still` have nothing left that could fail."""
        for session, device in [each for each in self._stuck if each[0] == session_id]:
            self._stuck.discard((session, device))
            if device not in still:
                self._faults.over(session, device)  # erased since

    async def _pending(self, session_id: str) -> list[Snapshot]:
        # Of these it is not known from the rows whether they were looked at by now.
        under_way = set(self._under_way.get(session_id, ()))
        await self._cases.get(session_id)  # in memory, it has its rank
        held = await self._store.held(session_id)
        seen = {(each.device, each.seq) for each in await self._store.observations(session_id)}
        return [
            Snapshot(session_id, device.id, record)
            for device in await self._store.devices(session_id)
            for batch in await self._store.received(session_id, device.id)
            for record in map(parse, batch.lines)
            if is_watched(record)
            and record.blob
            and record.blob.sha256 in held
            and (device.id, record.seq) not in seen
            and (device.id, record.seq) not in under_way
        ]

    async def evaluate(self, session_id: str) -> None:
        """Raise the flags that the policy's rules find in what is known by now."""
        case = await self._cases.get(session_id)
        session = case.session
        if session.rehearsal_of:
            return  # it counts for nothing, so there is nothing for a person to look at
        published = await self._cases.published(session)
        policy, digest = published.policy, published.policy_sha256
        rows = await load(self._store, session_id)

        def find() -> tuple[Seen, tuple[Flag, ...], tuple[QualityAsk, ...]]:
            seen = read(session, rows)
            return seen, flags_in(session, seen, policy, digest), _asks(session, policy, seen)

        # In a thread: to read two hours of a log takes longer than a receipt may wait.
        seen, raised, asks = await asyncio.to_thread(find)
        before = await self._store.flags(session_id)
        flags = [as_known(flag, before) for flag in raised]
        known = {flag.id: flag for flag in before}
        changed = [flag for flag in flags if known.get(flag.id) != flag]
        ended = session.state in ENDED
        # The log tells of a flag when it is raised, and once more where it grew, when all is over.
        tell = [
            flag
            for flag in flags
            if (
                not _is_told(flag, seen.told.get(flag.id, {}))
                if ended
                else flag.id not in seen.told
            )
        ]
        if changed or tell or _are_new(asks, session):
            await self._cases.change(
                session_id,
                _asked(asks, session.asks),
                by="clock",
                also=[Entry(Kind.FLAG, _facts(flag)) for flag in tell],
                flags=changed,
            )
        if flags and not ended:
            self._growing.add(session_id)
        raised_by_now = tuple((known | {flag.id: flag for flag in flags}).values())
        for tell_of in self._found:
            tell_of(session_id, raised_by_now)


def _asks(session: ExamSession, policy: Policy, seen: Seen) -> tuple[QualityAsk, ...]:
    if session.state is State.CHECK_IN:
        return ask_in_check_in(seen.face)
    return asks_of(
        policy, seen.observations, lambda at: section_at(session, at), lifts=session.lifts
    )


def _observation(snapshot: Snapshot, measured: Measured) -> Observation:
    record = snapshot.record
    assert record.blob is not None
    return Observation(
        device=snapshot.device,
        seq=record.seq,
        sha256=record.blob.sha256,
        at=datetime.fromtimestamp(min(record.at_ms, _MAX_MS) / 1000, UTC),
        measured=measured,
    )


def _name(snapshot: Snapshot) -> str:
    return f"{snapshot.session}/{snapshot.device}"


def _is_periodic(snapshot: Snapshot) -> bool:
    return snapshot.record.facts.get("purpose") == "periodic"


def _asked(asks: tuple[QualityAsk, ...], known: tuple[QualityAsk, ...]) -> Decide:
    """Keep what the learner was asked for, if that is still what was `known` of it."""
    return lambda session, _now: session if session.asks != known else with_asks(session, asks)


def _are_new(asks: tuple[QualityAsk, ...], session: ExamSession) -> bool:
    kept = with_asks(session, asks)
    return (kept.asks, kept.asked_before) != (session.asks, session.asked_before)


def as_known(flag: Flag, known: Sequence[Flag]) -> Flag:
    """Give a flag the id under which it was raised, though an earlier picture came since."""
    for earlier in known:
        if earlier.id == flag.id:
            return flag
    for earlier in known:
        same = (earlier.when, earlier.rule, earlier.section_id)
        overlap = earlier.started_at <= flag.ended_at and flag.started_at <= earlier.ended_at
        device = earlier.id.split(".")[1] == flag.id.split(".")[1]
        if same == (flag.when, flag.rule, flag.section_id) and overlap and device:
            return replace(flag, id=earlier.id)
    return flag


def _is_told(flag: Flag, told: Mapping[str, object]) -> bool:
    """Return whether the log tells of a flag as it is known now."""
    # A version that did not count told of several times as of one. That is not told again: an
    # upgrade would write of each such flag anew. One that grew since differs in more.
    uncounted = _OF_SEVERAL if "times" not in told else frozenset[str]()
    facts = _facts(flag)
    return all(facts.get(key) == told.get(key) for key in {*facts, *told} - uncounted)


def _facts(flag: Flag) -> dict[str, Any]:
    # Of what went on once, start and end say all.
    lasted_ms = flag.lasted // timedelta(milliseconds=1)
    several = {"times": flag.times, "lasted_ms": lasted_ms} if flag.times > 1 else {}
    return {
        **several,
        "flag": flag.id,
        "when": flag.when,
        "rule": flag.rule,
        "class": str(flag.flag_class),
        "severity": flag.severity,
        "policy_sha256": flag.policy_sha256,
        "section": flag.section_id,
        "started_at_ms": milliseconds(flag.started_at),
        "ended_at_ms": milliseconds(flag.ended_at),
        "measurement": flag.measurement,
        "value": flag.value,
        "threshold": flag.threshold,
        "snapshots": [
            {"device": ref.device, "seq": ref.seq, "sha256": ref.sha256} for ref in flag.snapshots
        ],
        "records": [{"device": ref.device, "seq": ref.seq} for ref in flag.records],
        "models": [
            {"name": model.name, "version": model.version, "sha256": model.sha256}
            for model in flag.models
        ],
        "explanation": flag.explanation,
    }
