"""A tile: what the wall shows of one session, and why its learner needs someone. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from proctor.domain.help import Topic
from proctor.domain.session import (
    ENDED,
    ExamSession,
    SectionRun,
    SectionState,
    State,
    ask_ended_at,
    asks_open,
    closes_at,
)
from proctor.services.id_waits import waits_for_person_since
from proctor.services.journal import milliseconds
from proctor.services.ports import Published

# What a tile has room for; the whole message stands in the timeline.
HELP_CHARS = 200

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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpTile:
    topic: str
    text: str  # at most HELP_CHARS; empty where none came with the call
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationTile:
    """Somebody proposes to end the exam: another person confirms it, or it lapses."""

    by: str
    lapses_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """All of a tile but its still, and when its device was last heard: those change too often."""

    session: str
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
    needs: tuple[str, ...]  # of NEEDS, in that order
    needs_since_ms: int | None  # the first of them
    help: HelpTile | None  # while the learner waits for a person
    termination: TerminationTile | None
    taken_by: str | None
    looking: tuple[str, ...]  # who has the session open, by name
    waiting_devices: int
    extra_s: int  # given and given back so far, in all sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a session beside its state."""

    connected: bool
    said: str = ""  # with the call for help that waits
    conduct: int = 0
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
        needs=tuple(needs),
        needs_since_ms=_ms(next(iter(needs.values()), None)),
        help=None
        if call is None or not goes_on
        else HelpTile(
            topic=str(call.topic),
            text=known.said[:HELP_CHARS],
            since_ms=milliseconds(call.since),
        ),
        termination=None
        if proposed is None
        else TerminationTile(by=proposed.by, lapses_at_ms=milliseconds(proposed.lapses_at)),
        taken_by=known.taken_by,
        looking=tuple(known.looking),
        waiting_devices=len(asks_open(session)),
        extra_s=int(sum(entry.given.total_seconds() for entry in session.ledger)),
    )


def _needs(session: ExamSession, known: Known) -> dict[str, datetime | None]:
    """Return why the learner needs someone, and since when, in order of urgency."""
    since: dict[str, datetime | None] = {}
    if session.termination is not None:
        since["terminate-proposed"] = session.termination.at
    if session.help is not None and session.help.waits:
        since[_CALLS[session.help.topic]] = session.help.since
    since |= _asked_to_look(session)
    if (waits := waits_for_person_since(session)) is not None:
        since["id-check"] = waits
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


def _open(session: ExamSession) -> SectionRun | None:
    for section in session.sections:
        if section.state is SectionState.OPEN:
            return section
    return None


def _ms(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)
