"""What a change of a session writes into the server's log of it.

The lines follow from the state before and after, so that no use case can move a session and forget
to say so in the evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from proctor.domain.acts import Act
from proctor.domain.contest import Contest
from proctor.domain.devices import AskState, Devices
from proctor.domain.help import Call
from proctor.domain.identity import IdCheck, IdState
from proctor.domain.review import ReviewState, Verdict, verdicts_for
from proctor.domain.scoring import latest_marks
from proctor.domain.second_camera import SecondCamera
from proctor.domain.session import ENDED, ExamSession, SectionState, closes_at
from proctor.domain.timing import Cause
from proctor.domain.viewing import Viewing
from proctor.evidence.record import SERVER_DEVICE, BlobRef, Kind, encode, parse

_BY_PERSON = frozenset({Cause.PROCTOR, Cause.CORRECTION})
_ERASED = f'"kind":"{Kind.ERASED}"'.encode()  # most lines need not be parsed to see they are none


class Entry(NamedTuple):
    """A record of the server's log before it has its place."""

    kind: Kind
    facts: Mapping[str, Any]
    blob: BlobRef | None = None  # which it names


def milliseconds(at: datetime) -> int:
    """Return an instant as integer milliseconds since 1970 UTC, rounded down."""
    return int(at.timestamp() * 1000)


def seconds(length: timedelta) -> float:
    """Return a length in seconds, exact to the millisecond."""
    return round(length.total_seconds(), 3)


def entries(
    before: ExamSession, after: ExamSession, *, by: str, reason: str = ""
) -> Iterator[Entry]:
    """Return what happened between two states of a session, for the server's log.

    Args:
        before: As it was.
        after: As it became.
        by: Who caused it: "learner", "clock", or a staff member's login name.
        reason: In their words, where they gave one.
    """
    why = {"reason": reason} if reason else {}
    for act in after.acts[len(before.acts) :]:
        yield Entry(Kind.STATE, {"state": str(after.state), "event": "act", **_act(act)})
    if _lapsed(before, after):
        assert before.termination is not None
        lapsed = {"event": "termination-lapsed", "proposed_by": before.termination.by, "by": by}
        yield Entry(Kind.STATE, {"state": str(after.state), **lapsed})
    if after.state is not before.state:
        yield Entry(Kind.STATE, {"state": str(after.state), "by": by, **why})
    yield from _devices(before.devices, after.devices, str(after.state), by)
    yield from _phone(before.second_camera, after.second_camera, by)
    if _browsers(after.viewing) > _browsers(before.viewing):
        yield Entry(Kind.STATE, {"state": str(after.state), "event": "viewer-let-in", "by": by})
    if after.help != before.help:
        yield Entry(Kind.STATE, {"state": str(after.state), **_help(after.help), "by": by, **why})
    if after.released_at != before.released_at:
        yield Entry(Kind.STATE, {"state": str(after.state), "event": "result-released", "by": by})
    yield from _marks(before, after)
    if after.id_check != before.id_check:
        yield Entry(Kind.ID_CHECK, _id_check(before.id_check, after.id_check))
    for grant in after.ledger[len(before.ledger) :]:
        given = {
            "section": grant.section,
            "seconds": seconds(grant.given),
            "cause": str(grant.cause),
            "reason": grant.reason,
            "by": by if grant.cause in _BY_PERSON else "clock",
        }
        yield Entry(Kind.TIME, given)
    for old, new in zip(before.sections, after.sections, strict=True):
        if new.state is old.state:
            continue
        changed: dict[str, Any] = {
            "section": new.id,
            "event": str(new.closed_by or "opened"),
            "by": by,
        }
        ends = closes_at(after, new)
        if new.state is SectionState.OPEN and ends is not None:
            changed["closes_at_ms"] = milliseconds(ends)
        if new.closed_at is not None:
            changed["closed_at_ms"] = milliseconds(new.closed_at)
        yield Entry(Kind.SECTION, changed)
    if before.review.contest is None and after.review.contest is not None:
        yield from _contest(after.review.contest, str(after.state))
    # Once they are no secret from who has yet to decide: whoever may review can read this log.
    known = len(verdicts_for(before.review, None))
    for verdict in verdicts_for(after.review, None)[known:]:
        yield verdict_entry(verdict, review=after.review.state)


def lines(of: Sequence[Entry], *, session: str, first: int, now: datetime) -> list[bytes]:
    """Return entries as lines of the server's log, from place `first` on."""
    at_ms = milliseconds(now)
    return [
        encode(
            session=session,
            device=SERVER_DEVICE,
            seq=first + at,
            at_ms=at_ms,
            kind=entry.kind,
            facts=entry.facts,
            blob=entry.blob,
        )
        for at, entry in enumerate(of)
    ]


def erased(server_lines: Sequence[bytes]) -> frozenset[str]:
    """Return the digests that the server's log of a session says were erased."""
    return frozenset(
        digest
        for line in server_lines
        if _ERASED in line and (record := parse(line)).kind is Kind.ERASED
        for digest in record.facts["sha256"]
    )


def _marks(before: ExamSession, after: ExamSession) -> Iterator[Entry]:
    """Return the marks that the learner reads since now: this log may be theirs before results are.

    Those that were replaced are told, too, in the order in which they were given.
    """
    if after.released_at is None or (before.released_at and after.marks == before.marks):
        return
    told = 0 if before.released_at is None else len(before.marks)
    for at, mark in enumerate(after.marks):
        was = latest_marks(after.marks[:at]).get(mark.item)
        if at < told:
            continue
        facts: dict[str, Any] = {
            "state": str(after.state),
            "event": "marked",
            "item": mark.item,
            "points": float(mark.points),
            "by": mark.by,
            "given_at_ms": milliseconds(mark.at),
        }
        if was is not None:
            facts["was"] = float(was.points)
        yield Entry(Kind.STATE, facts)


def _id_check(before: IdCheck, after: IdCheck) -> dict[str, Any]:
    """Return where an ID check stands and what it rests on; nothing of what a document says."""
    # Checks of machines come by themselves: a person's decision leaves them as they are.
    by_machine = before.state is after.state and before.decided_at == after.decided_at
    proposed = after.proposed if after.state is IdState.REFUSAL_PROPOSED else None
    facts: dict[str, Any] = {
        "state": str(after.state),
        "by": "machine" if by_machine else after.by,
        "reason": "" if by_machine else proposed.reason if proposed else after.reason,
    }
    if after.code is not None and not by_machine:
        facts["code"] = str(after.code)
    if after.vouched and not by_machine:
        facts["vouched"] = True
    if after.taken_back and not by_machine:
        facts["taken_back"] = True
    if after.checks:
        facts["checks"] = [
            {"check": str(each.check), "by": "machine", "result": each.result}
            for each in after.checks
        ]
    return facts


def _act(act: Act) -> dict[str, Any]:
    """Return what a person did; of what it is about, only what is said."""
    said: dict[str, Any] = {
        "act": str(act.kind),
        "id": act.id,
        "code": act.code,
        "note": act.note,
        "by": act.by,
    }
    about = {
        "seconds": act.seconds,
        "rule": act.rule,
        "of": act.of,
        "proposal": act.proposal,
        "to_all": act.to_all,
        "request": act.request,
    }
    return {**said, **{name: value for name, value in about.items() if value}}


def _lapsed(before: ExamSession, after: ExamSession) -> bool:
    """Tell whether a proposal to end the session is gone, though nobody did anything about it."""
    gone = before.termination is not None and after.termination is None
    return gone and after.state not in ENDED and len(after.acts) == len(before.acts)


def _devices(before: Devices, after: Devices, state: str, by: str) -> Iterator[Entry]:
    """Return who asked and was refused, beside the state, and who was admitted."""
    old = (*before.asks, *[None] * (len(after.asks) - len(before.asks)))
    for was, ask in zip(old, after.asks, strict=True):
        asked = {"state": state, "id": ask.device.id, "by": by}
        if was is None:
            yield Entry(Kind.STATE, {**asked, "event": "device-asked"})
        elif was.state is not ask.state and ask.state is AskState.REFUSED:
            yield Entry(Kind.STATE, {**asked, "event": "device-refused"})
    for device in after.admitted[len(before.admitted) :]:
        admitted = {"id": device.id, "key": device.key, "device_kind": device.kind, "by": by}
        if before.used is not None:
            admitted["instead_of"] = before.used.id
        yield Entry(Kind.DEVICE, admitted)


def _phone(before: SecondCamera | None, after: SecondCamera | None, by: str) -> Iterator[Entry]:
    """Return which phone became the second camera."""
    old = () if before is None else before.phones
    for phone in () if after is None else after.phones[len(old) :]:
        admitted = {"id": phone.id, "key": phone.key, "device_kind": phone.kind, "by": by}
        if old:
            admitted["instead_of"] = old[-1].id
        yield Entry(Kind.DEVICE, admitted)


def _browsers(viewing: Viewing | None) -> int:
    return 0 if viewing is None else viewing.browsers


def _help(call: Call | None) -> dict[str, Any]:
    if call is None:
        return {"event": "hand-down"}
    return {"event": "help-called" if call.waits else "help-answered", "topic": str(call.topic)}


def verdict_entry(verdict: Verdict, *, review: ReviewState) -> Entry:
    """Return one person's verdict as the log tells it, once the review stands at `review`."""
    reasons = dict(verdict.flag_reasons)
    return Entry(
        Kind.VERDICT,
        {
            "by": verdict.by,
            "outcome": str(verdict.outcome),
            "reasons": verdict.reasons,
            "flags": [
                {"flag": flag, "outcome": str(outcome), "reason": reasons.get(flag, "")}
                for flag, outcome in verdict.flags
            ],
            "given_at_ms": milliseconds(verdict.at),
            "review": str(review),
        },
    )


def _contest(contest: Contest, state: str) -> Iterator[Entry]:
    """Return what a learner answers: a record for each flag and file, as each has its bound."""
    told = {"state": state, "by": "learner"}
    yield Entry(Kind.STATE, {**told, "event": "contested", "text": contest.text})
    for flag, text in contest.flags:
        yield Entry(Kind.STATE, {**told, "event": "contested-flag", "flag": flag, "text": text})
    for file in contest.attachments:
        blob = BlobRef(file.sha256, file.type, file.size)
        facts = {**told, "event": "contest-attachment", "name": file.name, "purpose": "contest"}
        yield Entry(Kind.STATE, facts, blob)
