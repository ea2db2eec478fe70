"""Analysis, off the request path: pictures become observations, rules raise flags.

The truth is in the rows: a snapshot that is held and has no observation is pending. The queues only
say where to look next, so one that overflows, or a restart, costs a second look and loses nothing.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from proctor.domain.flags import Flag, evaluate
from proctor.domain.incidents import Happening
from proctor.domain.observation import Observation
from proctor.domain.review import ReviewState
from proctor.domain.second_camera import PHONE
from proctor.domain.session import ENDED, ExamSession, closes_at
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases, unchanged
from proctor.services.device_time import Dated, dated
from proctor.services.intake import Snapshot, is_watched
from proctor.services.journal import Entry, milliseconds
from proctor.services.ports import NotFound, Published, Received, Store, Vision

logger = logging.getLogger(__name__)

# Snapshots waiting in one lane; 40 minutes of one learner's, or a few seconds of a full exam's.
MAX_WAITING = 4096
# Flags are looked for this often at the most: a reviewer's second, not a machine's.
EVALUATE_EVERY_S = 1.0
# For each second of looking, rest three: with a full exam flags come later, and receipts do not.
REST = 3
# A device may write any time into a record; `datetime` ends with the year 9999.
_MAX_MS = 2**47


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the machine is behind."""

    waiting: int  # snapshots in the queues
    behind: int  # sessions whose queue overflowed and that will be looked through again


class Analysis:
    """Lanes of snapshots, each looked at in order, and sessions whose flags are to be found."""

    def __init__(self, store: Store, cases: Cases, vision: Vision, *, lanes: int) -> None:
        self._store = store
        self._cases = cases
        self._vision = vision
        self._lanes: list[asyncio.Queue[Snapshot]] = [
            asyncio.Queue(MAX_WAITING) for _ in range(lanes)
        ]
        self._behind: set[str] = set()
        self._touched: set[str] = set()
        self._under_way: dict[str, int] = {}
        self._growing: set[str] = set()  # sessions with flags, that go on
        self._evaluating = ""
        self._catching_up = False

    def progress(self) -> Progress:
        return Progress(sum(lane.qsize() for lane in self._lanes), len(self._behind))

    def add(self, snapshots: Sequence[Snapshot]) -> None:
        """Queue snapshots whose pictures are held. It does not wait."""
        for snapshot in snapshots:
            # One camera's pictures go through one lane: what changed since the last one counts.
            lane = self._lanes[
                crc32(f"{snapshot.session}/{snapshot.device}".encode()) % len(self._lanes)
            ]
            try:
                lane.put_nowait(snapshot)
            except asyncio.QueueFull:
                self._behind.add(snapshot.session)
            else:
                self._under_way[snapshot.session] = self._under_way.get(snapshot.session, 0) + 1

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
        for case in await self._store.cases(None):
            if case.session.review.state is ReviewState.DECIDED:
                continue
            try:
                await self._queue_pending(case.session.id)
            except Exception:
                logger.exception("pictures not queued", extra={"session": case.session.id})
                self._behind.add(case.session.id)
            # It may have stopped between the last picture and its flag, ended or not.
            self.touch(case.session.id)
        self._catching_up = False

    def is_done(self, session_id: str) -> bool:
        """Tell whether every picture held of a session was looked at and its flags were found."""
        return (
            not self._catching_up
            and session_id not in self._behind
            and session_id not in self._touched
            and session_id != self._evaluating
            and session_id not in self._under_way
            and not (session_id in self._growing and self._has_ended(session_id))
        )

    async def _look(self, lane: asyncio.Queue[Snapshot]) -> None:
        while True:
            snapshot = await lane.get()
            session = snapshot.session
            try:
                await self._observe(snapshot)
                self._touched.add(session)
            except NotFound:
                pass  # erased since: there is nothing to look at
            except Exception:
                # A full disk, or a fault of ours: it stays pending, and is looked at again.
                logger.exception("snapshot not analysed", extra={"session": session})
                self._behind.add(session)
            finally:
                left = self._under_way[session] - 1
                self._under_way[session] = left
                if left == 0:
                    del self._under_way[session]

    async def _observe(self, snapshot: Snapshot) -> None:
        record = snapshot.record
        assert record.blob is not None
        jpeg = await self._store.blob(snapshot.session, record.blob.sha256)
        stream = f"{snapshot.session}/{snapshot.device}"
        observation = Observation(
            device=snapshot.device,
            seq=record.seq,
            sha256=record.blob.sha256,
            at=_at(min(record.at_ms, _MAX_MS)),
            measured=await self._vision.observe(stream, jpeg),
        )
        await self._store.observe(snapshot.session, observation)

    async def _evaluate(self) -> None:
        while True:
            await asyncio.sleep(EVALUATE_EVERY_S)
            for session_id in [each for each in self._behind if each not in self._under_way]:
                self._behind.discard(session_id)
                try:
                    await self._queue_pending(session_id)
                except Exception:
                    logger.exception("pictures not queued", extra={"session": session_id})
                    self._behind.add(session_id)
            self._touch_ended()
            for session_id in list(self._touched):
                self._touched.discard(session_id)
                self._evaluating = session_id
                began = asyncio.get_running_loop().time()
                try:
                    await self.evaluate(session_id)
                except Exception:
                    # A full disk, or a fault of ours: the rows are the truth, so look again later.
                    logger.exception("flags not found", extra={"session": session_id})
                    self._touched.add(session_id)
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

    async def _queue_pending(self, session_id: str) -> None:
        held = await self._store.held(session_id)
        seen = {(each.device, each.seq) for each in await self._store.observations(session_id)}
        for device in await self._store.devices(session_id):
            pending = [
                Snapshot(session_id, device.id, record)
                for batch in await self._store.received(session_id, device.id)
                for record in map(parse, batch.lines)
                if is_watched(record)
                and record.blob
                and record.blob.sha256 in held
                and (device.id, record.seq) not in seen
            ]
            self.add(pending)

    async def evaluate(self, session_id: str) -> None:
        """Raise the flags that the policy's rules find in what is known by now."""
        case = await self._cases.get(session_id)
        session = case.session
        if session.rehearsal_of:
            return  # it counts for nothing, so there is nothing for a person to look at
        published = await self._cases.published(session)
        seen = await self._store.observations(session_id)
        received = [
            await self._store.received(session_id, device.id)
            for device in await self._store.devices(session_id)
            if device.kind != PHONE  # no rule is about a second camera
        ]
        server_lines = await self._store.server_lines(session_id)
        # In a thread: to read two hours of a log takes longer than a receipt may wait.
        found, told = await asyncio.to_thread(
            _find, session, published, seen, received, server_lines
        )
        before = await self._store.flags(session_id)
        flags = [_as_known(flag, before) for flag in found]
        known = {flag.id: flag for flag in before}
        changed = [flag for flag in flags if known.get(flag.id) != flag]
        ended = session.state in ENDED
        # The log tells of a flag when it is raised, and once more where it grew, when all is over.
        tell = [
            flag
            for flag in flags
            if (told.get(flag.id) != _facts(flag) if ended else flag.id not in told)
        ]
        if changed or tell:
            await self._cases.change(
                session_id,
                unchanged,
                by="clock",
                also=[Entry(Kind.FLAG, _facts(flag)) for flag in tell],
                flags=changed,
            )
        if flags and not ended:
            self._growing.add(session_id)


def _find(
    session: ExamSession,
    published: Published,
    seen: Sequence[Observation],
    received: Sequence[Sequence[Received]],
    server_lines: Sequence[bytes],
) -> tuple[tuple[Flag, ...], dict[str, Mapping[str, object]]]:
    """Return the flags there are, and what the server's log tells of flags so far, by id.

    Args:
        session: As it stands.
        published: Its exam and policy.
        seen: Observations of its snapshots.
        received: The lines of each of its devices.
        server_lines: The server's log of it.
    """
    observations: list[Observation] = []
    happenings: list[Happening] = []
    for batches in received:
        records = dated(batches)
        periodic = {
            (each.record.device, each.record.seq): each
            for each in records
            if each.record.facts.get("purpose") == "periodic"
        }
        observations += [
            replace(each, at=periodic[each.device, each.seq].written_at)
            for each in seen
            if (each.device, each.seq) in periodic
        ]
        happenings += [found for each in records if (found := _happening(each)) is not None]
    told: dict[str, Mapping[str, object]] = {}
    for line in server_lines:
        record = parse(line)
        if record.kind is Kind.FLAG:
            told[_text(record.facts, "flag")] = record.facts
        elif record.kind is Kind.FORK:
            happenings.append(
                Happening(
                    device=_text(record.facts, "id"),
                    seq=record.seq,
                    at=_in_a_section(session, _at(record.at_ms)),
                    kind="fork",
                )
            )
    policy, digest = published.policy, published.policy_sha256
    flags = evaluate(policy, digest, observations, happenings, lambda at: _section_at(session, at))
    return flags, told


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _happening(dated: Dated) -> Happening | None:
    """Return what a record says happened, or None where no rule could be about it."""
    record, device, facts = dated.record, dated.record.device, dated.record.facts
    start, end = _ms(facts, "from_ms", record.at_ms), _ms(facts, "to_ms", record.at_ms)
    at, until = dated.at(min(start, end)), dated.at(end)
    match record.kind:
        case Kind.FOCUS:
            return Happening(
                device=device,
                seq=record.seq,
                at=at,
                until=until,
                kind="focus",
                away_to=_text(facts, "away_to"),
            )
        case Kind.GAP:
            return Happening(
                device=device,
                seq=record.seq,
                at=at,
                until=until,
                kind="gap",
                cause=_text(facts, "cause"),
            )
        case Kind.NOTICE:
            displays = facts.get("displays")
            return Happening(
                device=device,
                seq=record.seq,
                at=at,
                kind="notice",
                program=_text(facts, "program"),
                cause=_text(facts, "notice"),
                displays=displays if type(displays) is int else None,
            )
        case _:
            return None


def _ms(facts: Mapping[str, object], key: str, otherwise: int) -> int:
    value = facts.get(key)
    return value if type(value) is int else otherwise


def _text(facts: Mapping[str, object], key: str) -> str:
    value = facts.get(key)
    return value if isinstance(value, str) else ""


def _section_at(session: ExamSession, at: datetime) -> str | None:
    for section in session.sections:
        end = closes_at(session, section)
        if section.opened_at is not None and section.opened_at <= at and (end is None or at < end):
            return section.id
    return None


def _in_a_section(session: ExamSession, at: datetime) -> datetime:
    """Return the instant nearest to `at` at which a section was open: before it, or else after.

    A fork is of the whole log, whenever it is tried; outside of every section rules see nothing.
    """
    if _section_at(session, at) is not None:
        return at
    opened = [each for each in session.sections if each.opened_at is not None]
    ends = [end for each in opened if (end := closes_at(session, each)) is not None and end <= at]
    if ends:
        return max(ends) - timedelta(milliseconds=1)
    return min((each.opened_at for each in opened if each.opened_at is not None), default=at)


def _as_known(flag: Flag, known: Sequence[Flag]) -> Flag:
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


def _facts(flag: Flag) -> dict[str, Any]:
    return {
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
