"""What the rules are held against: a session's observations and records, by the server's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from proctor.domain.flags import Flag, evaluate
from proctor.domain.identity import IdState
from proctor.domain.incidents import Happening, Stretch
from proctor.domain.observation import Observation
from proctor.domain.policy import Policy
from proctor.domain.second_camera import PHONE
from proctor.domain.session import ExamSession, closes_at
from proctor.evidence.record import Kind, parse
from proctor.services.device_time import Dated, dated
from proctor.services.ports import Received, Store

# For so long after a new picture of the face a document may be held to the camera, where a person
# asked for both while the exam goes on. Long enough to fetch it; once for each asking.
DOCUMENT_FOR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that a rule can be about, of one session."""

    observations: Sequence[Observation]  # of the periodic snapshots
    face: Observation | None  # of the last picture of a face at check-in
    happenings: Sequence[Happening]
    told: Mapping[str, Mapping[str, object]]  # what the server's log says of flags, by their id
    # From when to when a document was held to the camera, because a person had asked for it.
    document_held: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The same as it is stored."""

    observations: Sequence[Observation]
    received: Sequence[Sequence[Received]]  # of each device
    server_lines: Sequence[bytes]


async def load(store: Store, session_id: str) -> Rows:
    """Return what is stored of a session; no picture."""
    return Rows(
        observations=await store.observations(session_id),
        received=[
            await store.received(session_id, device.id)
            for device in await store.devices(session_id)
            if device.kind != PHONE  # no rule is about a second camera
        ],
        server_lines=await store.server_lines(session_id),
    )


def read(session: ExamSession, rows: Rows) -> Seen:
    """Return what is stored as the rules take it. Two hours of a log take a tenth of a second."""
    observations: list[Observation] = []
    faces: list[Observation] = []
    faces_shown: list[datetime] = []  # by their records: what is analysed last was there before
    happenings: list[Happening] = []
    for batches in rows.received:
        records = dated(batches)
        shown = {
            (each.record.device, each.record.seq): each
            for each in records
            if each.record.facts.get("purpose") in ("periodic", "face")
        }
        faces_shown += [
            each.written_at
            for each in shown.values()
            if each.record.facts["purpose"] == "face"
            and each.record.kind is Kind.SNAPSHOT
            and each.record.blob is not None
        ]
        for each in rows.observations:
            if (still := shown.get((each.device, each.seq))) is not None:
                periodic = still.record.facts["purpose"] == "periodic"
                (observations if periodic else faces).append(replace(each, at=still.written_at))
        happenings += [found for each in records if (found := _happening(each)) is not None]
    told: dict[str, Mapping[str, object]] = {}
    stood: list[tuple[datetime, str]] = []  # the ID check, since when and how
    for line in rows.server_lines:
        record = parse(line)
        if record.kind is Kind.FLAG:
            told[_text(record.facts, "flag")] = record.facts
        elif record.kind is Kind.ID_CHECK and record.facts.get("by") != "machine":
            stood.append((_at(record.at_ms), _text(record.facts, "state")))
        elif record.kind is Kind.FORK:
            happenings.append(
                Happening(
                    device=_text(record.facts, "id"),
                    seq=record.seq,
                    at=_in_a_section(session, _at(record.at_ms)),
                    kind="fork",
                )
            )
    last = max(faces, key=lambda each: (each.at, each.seq), default=None)
    return Seen(
        observations=observations,
        face=last,
        happenings=happenings,
        told=told,
        document_held=_document_held(stood, faces_shown),
    )


def flags_in(
    session: ExamSession, seen: Seen, policy: Policy, policy_sha256: str
) -> tuple[Flag, ...]:
    """Return the flags that a policy's rules find in a session."""
    # Where no document is asked for, none is before the camera.
    held = seen.document_held if policy.identity.document != "none" else ()
    return evaluate(
        policy,
        policy_sha256,
        seen.observations,
        seen.happenings,
        lambda at: section_at(session, at),
        lifts=session.lifts,
        documents=held,
    )


def _document_held(
    stood: Sequence[tuple[datetime, str]], faces_shown: Sequence[datetime]
) -> list[Stretch]:
    """Return from when to when a document was shown once more: after the face, by each asking."""
    ends = [*(at for at, _ in stood[1:]), datetime.max.replace(tzinfo=UTC)]
    found = []
    for (start, state), end in zip(stood, ends, strict=False):
        shown = [at for at in faces_shown if state == IdState.RETAKE and start <= at < end]
        if shown:
            found.append((min(shown), min(min(shown) + DOCUMENT_FOR, end)))
    return found


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


def section_at(session: ExamSession, at: datetime) -> str | None:
    for section in session.sections:
        end = closes_at(session, section)
        if section.opened_at is not None and section.opened_at <= at and (end is None or at < end):
            return section.id
    return None


def _in_a_section(session: ExamSession, at: datetime) -> datetime:
    """Return the instant nearest to `at` at which a section was open: before it, or else after.

    A fork is of the whole log, whenever it is tried; outside of every section rules see nothing.
    """
    if section_at(session, at) is not None:
        return at
    opened = [each for each in session.sections if each.opened_at is not None]
    ends = [end for each in opened if (end := closes_at(session, each)) is not None and end <= at]
    if ends:
        return max(ends) - timedelta(milliseconds=1)
    return min((each.opened_at for each in opened if each.opened_at is not None), default=at)
