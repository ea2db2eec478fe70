"""A tile: what the wall shows of one session, and why its learner needs someone. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import NamedTuple

from proctor.domain.acts import interruptions
from proctor.domain.help import Topic
from proctor.domain.policy import Policy
from proctor.domain.session import (
    ENDED,
    ExamSession,
    SectionRun,
    SectionState,
    State,
    ask_ended_at,
    asks_open,
    closes_at,
    held_since,
)
from proctor.evidence.record import Record
from proctor.services.id_waits import waits_for_person_since
from proctor.services.journal import milliseconds
from proctor.services.ports import Published

# What a tile has room for; the whole message stands in the session's story.
HELP_CHARS = 200
# A still that is older shows how it was, not how it is.
STILL_OLD_S = 60
# Where a policy asks for snapshots more seldom: how long one may be on its way.
STILL_ON_WAY_S = 15
# A call is noted a moment after its message was received. Where the log can't tell what belongs to
# it, time does: messages of another device, and calls stored without saying which began them.
NOTED_WITHIN = timedelta(seconds=5)

_CALLS: Mapping[Topic, str] = {
    Topic.FAULT: "help-fault",
    Topic.QUESTION: "help-question",
    Topic.HAND: "help-hand",
}
# In order of urgency: who can't work, or will soon be ended, comes before who can wait.
NEEDS = (
    "terminate-proposed",
    *_CALLS.values(),
    "device-asks",
    "id-check",
    "offline",
    "conduct",
    "quality",
    # The exam goes on meanwhile: whoever sits it waits for nobody.
    "id-check-later",
)


class Said(NamedTuple):
    """What a learner has said in the call that waits."""

    since: datetime  # the call's
    text: str = ""  # the newest; "" where none came with the call
    more: int = 0  # messages with words before it
    last: tuple[str, int] = ("", -1)  # device and number of the record heard last

    def heard(self, message: Record) -> "Said":
        """Return it with one more message; the same that comes again changes nothing."""
        device, seq = self.last
        if message.device == device and message.seq <= seq:
            return self
        text, here = said_in(message), (message.device, message.seq)
        if not text:
            return self._replace(last=here)
        return self._replace(text=text, more=self.more + bool(self.text), last=here)


class Raised(NamedTuple):
    """A flag of conduct, as a tile has room for it."""

    at: datetime  # when what it is about began
    rule: str  # "person-count"
    value: float | None  # measured


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpTile:
    topic: str
    text: str  # the newest, at most HELP_CHARS; empty where none came with the call
    more: int  # messages before it that wait, too
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagTile:
    rule: str  # "person-count"
    value: float | None  # measured: people, seconds, …


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationTile:
    """Somebody proposes to end the exam: another person confirms it, or it lapses."""

    act: str  # the id of what proposes it: who confirms names it
    by: str
    code: str  # of the reason
    note: str
    lapses_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedTile:
    """How often proctors have interrupted the learner so far."""

    messages: int
    pauses: int
    requests: int
    last_ms: int
    at_most: int  # of the policy; 0: it names no number


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """All of a tile but its still, and when its device was last heard: those change too often."""

    session: str
    version: int  # grows with each act: who acts on the tile says on which they decided
    learner: str
    group: str
    exam: str
    state: str
    section: str  # the title of the open one; empty while none is
    ends_at_ms: int | None  # of that; what a pause or outage gives back is not in it yet
    paused_since_ms: int | None
    id_check: str
    connected: bool  # the device that has the session is
    quality: tuple[str, ...]  # what the learner is asked for now
    conduct: int  # flags
    flagged: FlagTile | None  # the newest of them that nobody has looked at, or of all
    needs: tuple[str, ...]  # of NEEDS, in that order
    needs_since_ms: int | None  # the first of them
    help: HelpTile | None  # while the learner waits for a person
    termination: TerminationTile | None
    interrupted: InterruptedTile | None  # None: never
    taken_by: str | None
    looking: tuple[str, ...]  # who has the session open, by name
    waiting_devices: int
    extra_s: int  # given and given back so far, in all sections
    still_old_s: int  # a still is shown as one of now for so long; it is never counted
    lifted: tuple[str, ...]  # the rules that do not hold for the learner now


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a session beside its state."""

    connected: bool
    said: Said | None = None  # in the call for help that waits
    conduct: int = 0
    flagged: Raised | None = None
    conduct_since: datetime | None = None  # of what nobody has looked at; None: somebody has
    taken_by: str | None = None
    looking: Sequence[str] = ()


_FIELDS = tuple(field.name for field in fields(Tile))


def changes(before: Tile | None, after: Tile) -> dict[str, object]:
    """Return the fields that changed, the session with them; empty where none did."""
    found = {
        name: getattr(after, name)
        for name in _FIELDS
        if before is None or getattr(before, name) != getattr(after, name)
    }
    return {"session": after.session, **found} if found else {}


def tile_of(session: ExamSession, published: Published, known: Known) -> Tile:
    """Return a session's tile.

    Args:
        session: As last stored.
        published: Its exam and policy.
        known: What else there is to show.
    """
    goes_on = session.state not in ENDED
    section = _open(session)
    titles = {each.id: each.title for each in published.exam.sections}
    call = session.help if session.help is not None and session.help.waits else None
    needs = _needs(session, known) if goes_on else _asked_to_look(session)
    proposed = session.termination
    return Tile(
        session=session.id,
        version=len(session.acts),
        learner=session.learner,
        group=session.group,
        exam=session.exam,
        state=str(session.state),
        section="" if section is None else titles[section.id],
        ends_at_ms=None if section is None else _ms(closes_at(session, section)),
        paused_since_ms=_ms(session.paused_at),
        id_check=str(session.id_check.state),
        connected=known.connected,
        quality=tuple(_asked(session)) if goes_on else (),
        conduct=known.conduct,
        flagged=None
        if known.flagged is None
        else FlagTile(rule=known.flagged.rule, value=known.flagged.value),
        needs=tuple(needs),
        needs_since_ms=_ms(next(iter(needs.values()), None)),
        help=None
        if call is None or not goes_on
        else HelpTile(
            topic=str(call.topic),
            text="" if known.said is None else known.said.text,
            more=0 if known.said is None else known.said.more,
            since_ms=milliseconds(call.since),
        ),
        termination=None
        if proposed is None
        else TerminationTile(
            act=proposed.act,
            by=proposed.by,
            code=proposed.code,
            note=proposed.note,
            lapses_at_ms=milliseconds(proposed.lapses_at),
        ),
        interrupted=_interrupted(session, published.policy),
        taken_by=known.taken_by,
        looking=tuple(known.looking),
        waiting_devices=len(asks_open(session)),
        extra_s=int(sum(entry.given.total_seconds() for entry in session.ledger)),
        still_old_s=max(STILL_OLD_S, published.policy.capture.snapshot_every_s + STILL_ON_WAY_S),
        lifted=tuple(lift.rule for lift in session.lifts if lift.until is None),
    )


def waits_for_answer(session: ExamSession, message: Record, received_at: datetime) -> bool:
    """Tell whether a message belongs to the call that waits, if one does."""
    call = session.help
    if call is None or not call.waits or message.facts.get("topic") not in list(Topic):
        return False
    # By its place in the log, not by its time: one that came just before the last answer may have
    # been noted after it, and then began this call.
    if message.device == call.device:
        return message.seq >= call.seq
    return received_at >= call.since - NOTED_WITHIN


def said_in(message: Record) -> str:
    """Return a message's words as a tile has room for them."""
    text = message.facts.get("text")
    return text.strip()[:HELP_CHARS] if isinstance(text, str) else ""


def _needs(session: ExamSession, known: Known) -> dict[str, datetime | None]:
    """Return why the learner needs someone, and since when, in order of urgency."""
    since: dict[str, datetime | None] = {}
    if session.termination is not None:
        since["terminate-proposed"] = session.termination.at
    if session.help is not None and session.help.waits:
        since[_CALLS[session.help.topic]] = session.help.since
    since |= _asked_to_look(session)
    if (waits := waits_for_person_since(session)) is not None:
        # Whoever was let in as somebody whom another account has shown is looked at now.
        soon = held_since(session) is not None or session.id_check.doubted_at is not None
        since["id-check" if soon else "id-check-later"] = waits
    # Before an exam devices come and go; in a pause somebody has looked already.
    if session.state is State.RUNNING and not known.connected:
        since["offline"] = session.lost_at
    if known.conduct_since is not None:
        since["conduct"] = known.conduct_since
    if asked := _asked(session):
        since["quality"] = min(asked.values())
    return {need: since[need] for need in NEEDS if need in since}


def _asked_to_look(session: ExamSession) -> dict[str, datetime | None]:
    """Return that devices wait to be let in, and since when: so they may after the end too."""
    asks = asks_open(session)
    return {"device-asks": min(each.asked_at for each in asks)} if asks else {}


def _asked(session: ExamSession) -> dict[str, datetime]:
    """Return what the learner is asked for now, so as to be seen, and since when."""
    return {ask.kind: ask.since for ask in session.asks if ask_ended_at(session, ask) is None}


def _interrupted(session: ExamSession, policy: Policy) -> InterruptedTile | None:
    found = interruptions(session.acts)
    if found is None:
        return None
    return InterruptedTile(
        messages=found.messages,
        pauses=found.pauses,
        requests=found.requests,
        last_ms=milliseconds(found.last_at),
        at_most=policy.review.interruptions_most,
    )


def _open(session: ExamSession) -> SectionRun | None:
    for section in session.sections:
        if section.state is SectionState.OPEN:
            return section
    return None


def _ms(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)
