"""A session: one learner's one run at one exam; and its sections.

Two machines, each a table. A deadline closes a section, not the sweeper that notices: `settle` runs
before every command and stamps what the clock has done since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from proctor.domain.acts import Act, ActKind, Lift, Termination
from proctor.domain.asks import ASKS_MOST, IN_CHECK_IN, QualityAsk
from proctor.domain.devices import Ask, Devices, KnownDevice
from proctor.domain.errors import Refusal
from proctor.domain.help import Call
from proctor.domain.identity import UNDECIDED, IdCheck, IdState, is_compared, waits_since
from proctor.domain.moves import Actor, move
from proctor.domain.policy import Policy, ReviewRules, TimeRules, When
from proctor.domain.review import (
    SETTLED,
    Review,
    ReviewState,
    SessionGoesOn,
    require_results_free,
    state_for,
)
from proctor.domain.scoring import Mark
from proctor.domain.second_camera import SecondCamera
from proctor.domain.timing import (
    NO_TIME,
    Allowance,
    Cause,
    LedgerEntry,
    given_until,
    outage_gives,
    section_closes_at,
    total,
)
from proctor.domain.viewing import Viewing

# How long after the last section a client has to hand in before the clock does it: long enough for
# a slow line, short enough that a result is not kept waiting.
HAND_IN_GRACE = timedelta(minutes=15)


class State(StrEnum):
    INVITED = "invited"
    CHECK_IN = "check-in"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    TERMINATED = "terminated"
    EXPIRED = "expired"


class Event(StrEnum):
    JOIN = "joined"
    CHECK_IN = "checked-in"
    START = "started"
    PAUSE = "paused"
    RESUME = "resumed"
    SUBMIT = "submitted"
    TERMINATE = "terminated"
    EXPIRE = "expired"


MOVES: Mapping[State, Mapping[Event, State]] = {
    State.INVITED: {
        Event.JOIN: State.CHECK_IN,
        Event.TERMINATE: State.TERMINATED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.CHECK_IN: {
        Event.CHECK_IN: State.READY,
        Event.TERMINATE: State.TERMINATED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.READY: {
        Event.START: State.RUNNING,
        Event.TERMINATE: State.TERMINATED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.RUNNING: {
        Event.PAUSE: State.PAUSED,
        Event.SUBMIT: State.SUBMITTED,
        Event.TERMINATE: State.TERMINATED,
    },
    # No PAUSED -> SUBMITTED: a learner resumes first, so that the camera is seen to be on when the
    # answers are handed in.
    State.PAUSED: {Event.RESUME: State.RUNNING, Event.TERMINATE: State.TERMINATED},
    State.SUBMITTED: {},
    State.TERMINATED: {},
    State.EXPIRED: {},
}
CAUSES: Mapping[Event, frozenset[Actor]] = {
    Event.JOIN: frozenset({Actor.LEARNER}),
    # The learner's pictures suffice where the policy does not hold; else a proctor accepts.
    Event.CHECK_IN: frozenset({Actor.LEARNER, Actor.PROCTOR}),
    Event.START: frozenset({Actor.LEARNER}),
    Event.PAUSE: frozenset({Actor.PROCTOR}),
    # The clock ends a pause that holds nothing any more: see `_pause_ends_at`.
    Event.RESUME: frozenset({Actor.PROCTOR, Actor.CLOCK}),
    Event.SUBMIT: frozenset({Actor.LEARNER, Actor.CLOCK}),
    Event.TERMINATE: frozenset({Actor.PROCTOR}),
    Event.EXPIRE: frozenset({Actor.CLOCK}),
}
ENDED = frozenset({State.SUBMITTED, State.TERMINATED, State.EXPIRED})


class SectionState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class SectionEvent(StrEnum):
    OPEN = "opened"
    HAND_IN = "handed-in"
    TIME_UP = "time-up"
    CUT = "cut"


SECTION_MOVES: Mapping[SectionState, Mapping[SectionEvent, SectionState]] = {
    # A planned section is cut where the session ends before it was opened.
    SectionState.PLANNED: {
        SectionEvent.OPEN: SectionState.OPEN,
        SectionEvent.CUT: SectionState.CLOSED,
    },
    SectionState.OPEN: {
        SectionEvent.HAND_IN: SectionState.CLOSED,
        SectionEvent.TIME_UP: SectionState.CLOSED,
        SectionEvent.CUT: SectionState.CLOSED,
    },
    SectionState.CLOSED: {},
}
SECTION_CAUSES: Mapping[SectionEvent, frozenset[Actor]] = {
    SectionEvent.OPEN: frozenset({Actor.LEARNER}),
    SectionEvent.HAND_IN: frozenset({Actor.LEARNER}),
    SectionEvent.TIME_UP: frozenset({Actor.CLOCK}),
    SectionEvent.CUT: frozenset({Actor.PROCTOR, Actor.LEARNER, Actor.CLOCK}),
}


class NoSuchSection(Refusal):
    code = "no-such-section"

    def __init__(self, *, section: str) -> None:
        super().__init__(f"the exam has no section {section}")
        self.section = section


class SectionClosed(Refusal):
    code = "section-closed"

    def __init__(self, *, section: str, closed_at: datetime | None) -> None:
        when = f" at {closed_at.isoformat()}" if closed_at else ""
        super().__init__(f"section {section} closed{when}")
        self.section = section
        self.closed_at = closed_at


class SectionNotOpen(Refusal):
    code = "section-not-open"

    def __init__(self, *, section: str) -> None:
        super().__init__(f"section {section} is not open")
        self.section = section


class AnotherSectionFirst(Refusal):
    code = "another-section-first"

    def __init__(self, *, section: str, first: str) -> None:
        super().__init__(f"section {first} comes before {section}, or is still open")
        self.section = section
        self.first = first


class OutsideWindow(Refusal):
    code = "outside-window"

    def __init__(self, *, starts_at: datetime, ends_at: datetime) -> None:
        super().__init__(
            f"the exam can be sat from {starts_at.isoformat()} until {ends_at.isoformat()}"
        )
        self.starts_at = starts_at
        self.ends_at = ends_at


class NotDecidedYet(Refusal):
    code = "not-decided-yet"

    def __init__(self, *, review: str) -> None:
        super().__init__("a result is released once the session's review is decided")
        self.review = review


class ReleasedUnjudged(Refusal):
    code = "released-unjudged"

    def __init__(self, *, released_at: datetime) -> None:
        super().__init__("nobody had to judge it, and its results were released without a verdict")
        self.released_at = released_at


class SessionClosed(Refusal):
    code = "session-closed"

    def __init__(self, *, state: str, closed_at: datetime | None) -> None:
        super().__init__(f"the session is {state}: it takes nothing more")
        self.state = state
        self.closed_at = closed_at


class BadGrant(Refusal):
    code = "bad-grant"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRun:
    """One section of one session. `closes_at` is derived: `closes_at(session, section)`."""

    id: str
    limit: timedelta
    state: SectionState = SectionState.PLANNED
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: SectionEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the rows of a session hold that a person may have to decide on."""

    conduct_flags: bool
    late_answers: bool  # see `is_late`
    owed: bool  # a record names a blob that is not there, nor was erased
    unseen: bool  # something that a rule of conduct goes by was not measured


# One for all of whom nothing of the kind is said.
_NO_ALLOWANCE = Allowance()
_NO_ID_CHECK = IdCheck()
_NO_DEVICES = Devices()
_NO_REVIEW = Review()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamSession:
    """The whole of a session that has a state. Evidence lies elsewhere.

    Defaults, here and in all that it is made of, are part of how sessions are stored: what equals
    its default is left out there. Another default would rewrite what is past.
    """

    id: str
    exam: str
    exam_sha256: str
    policy_sha256: str
    learner: str
    made_at: datetime
    sections: tuple[SectionRun, ...]
    in_order: bool
    state: State = State.INVITED
    starts_at: datetime | None = None  # of the window; both or neither
    ends_at: datetime | None = None
    allowance: Allowance = _NO_ALLOWANCE
    ledger: tuple[LedgerEntry, ...] = ()
    id_check: IdCheck = _NO_ID_CHECK
    review: Review = _NO_REVIEW
    devices: Devices = _NO_DEVICES
    second_camera: SecondCamera | None = None  # once its link was asked for
    viewing: Viewing | None = None  # after the end, once a browser was offered to look
    help: Call | None = None  # what the learner last called a person for
    asks: tuple[QualityAsk, ...] = ()  # what the learner was asked for, so as to be seen
    asked_before: tuple[tuple[When, float], ...] = ()  # what `asks` has no more: seconds in all
    paused_at: datetime | None = None
    lost_at: datetime | None = None  # since when no device is in contact; None: one is, or none was
    closed_at: datetime | None = None
    closed_by: Actor | None = None
    released_at: datetime | None = None  # since when the learner may see the result
    marks: tuple[Mark, ...] = ()  # of answers that people score, oldest first; see `latest_marks`
    rehearsal_of: str = ""  # the session a practice session was made for; "": this one counts
    group: str = ""  # whom the course team counts the learner among
    account: str = ""  # the learner's in the course team's own system; "": not told
    acts: tuple[Act, ...] = ()  # what proctors did, oldest first; at most acts.MAX_ACTS
    lifts: tuple[Lift, ...] = ()  # rules that do not hold, or did not for a while
    termination: Termination | None = None  # one person proposes to end it, another has to agree

    def section(self, section_id: str) -> SectionRun:
        """Return one section.

        Raises:
            NoSuchSection: There is none of that id.
        """
        for section in self.sections:
            if section.id == section_id:
                return section
        raise NoSuchSection(section=section_id)


def advance(session: ExamSession, event: Event, *, actor: Actor) -> ExamSession:
    """Return the session after `event`.

    Raises:
        IllegalMove: It does not happen in this state.
        NotTheirEvent: This actor may not cause it.
    """
    state = move("session", session.state, event, actor, moves=MOVES, causes=CAUSES)
    return replace(session, state=state)


def held_since(session: ExamSession) -> datetime | None:
    """Return since when the learner waits for a person to look; None where they don't."""
    held = session.state is State.CHECK_IN and session.id_check.state in UNDECIDED
    # A rehearsal's check is nobody's to decide, nor does it hold anything up.
    return session.id_check.captured_at if held and not session.rehearsal_of else None


def is_turned_away(session: ExamSession) -> bool:
    """Tell whether two people refused the ID check before the exam began, and nobody mended it."""
    return session.state is State.CHECK_IN and session.id_check.state is IdState.REFUSED


def join(session: ExamSession, device: KnownDevice) -> ExamSession:
    """Return the session joined by its first device.

    Raises:
        IllegalMove: It is not waiting for one.
    """
    joined = advance(session, Event.JOIN, actor=Actor.LEARNER)
    return replace(joined, devices=replace(session.devices, admitted=(device,)))


def closes_at(session: ExamSession, section: SectionRun) -> datetime | None:
    """Return when an opened section closes, or closed; None before it is opened.

    What a pause or an outage will give back is not in it while that lasts.
    """
    if section.opened_at is None or section.closed_at is not None:
        return section.closed_at
    return section_closes_at(
        opened_at=section.opened_at,
        limit=section.limit,
        allowance=session.allowance,
        given=total(session.ledger, section.id),
        window_end=session.ends_at,
    )


def settle(session: ExamSession, *, now: datetime, rules: TimeRules) -> ExamSession:
    """Return the session with everything done that the clock has done by `now`.

    Sections whose time is up are closed at their deadline, however late this is noticed; while no
    device is in contact, a deadline moves as far as the policy gives time back. No deadline but
    the window's passes while the session is paused.
    """
    if session.state in ENDED:
        return session
    if session.state is State.PAUSED:
        assert session.paused_at is not None
        session = _times_up(session, now=min(now, session.paused_at), rules=rules)
        until = _pause_ends_at(session)
        if until is None or now < until:
            return session
        session = _resumed(session, Actor.CLOCK, now=until, rules=rules)
    session = _times_up(session, now=now, rules=rules)
    return _end(session, now=now)


def contact_lost(session: ExamSession, *, at: datetime) -> ExamSession:
    """Return the session of which no device is in contact since `at`.

    Do this before settling it: a deadline that passed in the silence may move, but not once its
    section is closed.
    """
    if session.state in ENDED or session.lost_at is not None:
        return session
    return replace(session, lost_at=at)


def contact_back(session: ExamSession, *, now: datetime, rules: TimeRules) -> ExamSession:
    """Return the session, given back what the outage took. Settle it first."""
    if session.lost_at is None:
        return session
    if session.paused_at is not None:
        now = min(now, session.paused_at)  # the pause itself is given back when it ends
    for section in session.sections:
        given = _outage(session, section, now=now, rules=rules)
        if given and section.state is SectionState.OPEN:
            session = _enter(session, section.id, given, Cause.OUTAGE, at=now)
    return replace(session, lost_at=None)


def open_section(session: ExamSession, section_id: str, *, now: datetime) -> ExamSession:
    """Return the session with a section opened by its learner; the same if it is open already.

    Raises:
        AnotherSectionFirst: One is open, or the exam's order wants another.
        IllegalMove: The session is not ready.
        NoSuchSection: There is none of that id.
        OutsideWindow: The exam can't be sat now.
        SectionClosed: It is over.
    """
    section = session.section(section_id)
    if section.state is SectionState.OPEN and session.state is State.RUNNING:
        return session
    if section.state is SectionState.CLOSED:
        raise SectionClosed(section=section_id, closed_at=section.closed_at)
    _require_window(session, now)
    first = next(
        (
            other.id
            for other in session.sections
            if other.state is SectionState.OPEN
            or (session.in_order and other.state is SectionState.PLANNED)
        ),
        section_id,
    )
    if first != section_id:
        raise AnotherSectionFirst(section=section_id, first=first)
    if session.state is not State.RUNNING:
        session = advance(session, Event.START, actor=Actor.LEARNER)
    opened = replace(_moved(section, SectionEvent.OPEN, Actor.LEARNER), opened_at=now)
    return _with_section(session, opened)


def hand_in_section(session: ExamSession, section_id: str, *, now: datetime) -> ExamSession:
    """Return the session with a section closed by its learner; the same if it is closed already.

    Raises:
        NoSuchSection: There is none of that id.
        SectionNotOpen: It was not opened yet.
        IllegalMove: The session is paused.
    """
    section = session.section(section_id)
    if section.state is SectionState.CLOSED:
        return session
    if section.state is SectionState.PLANNED:
        raise SectionNotOpen(section=section_id)
    if session.state is State.PAUSED:
        # As with the whole session: resumed first, so that the camera is seen to be on.
        move("session", session.state, Event.SUBMIT, Actor.LEARNER, moves=MOVES, causes=CAUSES)
    return _with_section(session, _closed(section, SectionEvent.HAND_IN, Actor.LEARNER, now))


def submit(session: ExamSession, *, now: datetime) -> ExamSession:
    """Return the session handed in by its learner; the same if it is already.

    Raises:
        IllegalMove: It is not running.
    """
    if session.state is State.SUBMITTED:
        return session
    return _ended(session, Event.SUBMIT, Actor.LEARNER, at=now)


def terminate(session: ExamSession, *, now: datetime) -> ExamSession:
    """Return the session ended by a proctor.

    Raises:
        IllegalMove: It has ended already.
    """
    return _ended(session, Event.TERMINATE, Actor.PROCTOR, at=now)


def pause(session: ExamSession, *, now: datetime) -> ExamSession:
    """Return the session paused: no deadline passes until it is resumed.

    Raises:
        IllegalMove: It is not running.
    """
    return replace(advance(session, Event.PAUSE, actor=Actor.PROCTOR), paused_at=now)


def resume(session: ExamSession, *, now: datetime, rules: TimeRules) -> ExamSession:
    """Return the session resumed, with the time of the pause given back to what was open.

    Raises:
        IllegalMove: It is not paused.
    """
    return _resumed(session, Actor.PROCTOR, now=now, rules=rules)


def grant(
    session: ExamSession, section_id: str, given: timedelta, *, reason: str, now: datetime
) -> ExamSession:
    """Return the session with time that a proctor gives to an open section.

    Raises:
        BadGrant: Not 1 s to 24 h, or without a reason.
        NoSuchSection: There is none of that id.
        SectionNotOpen: It is not open.
    """
    if not timedelta(seconds=1) <= given <= timedelta(hours=24) or not reason.strip():
        raise BadGrant(problem="extra time is 1 second to 24 hours, with a reason")
    if session.section(section_id).state is not SectionState.OPEN:
        raise SectionNotOpen(section=section_id)
    return _enter(session, section_id, given, Cause.PROCTOR, at=now, reason=reason)


def granted_to_open(session: ExamSession, at: datetime) -> LedgerEntry | None:
    """Return what a proctor gave at an instant to a section that is open still, or None."""
    return next(
        (
            entry
            for entry in session.ledger
            if entry.cause is Cause.PROCTOR
            and entry.at == at
            and session.section(entry.section).state is SectionState.OPEN
        ),
        None,
    )


def take_back(session: ExamSession, at: datetime, *, reason: str, now: datetime) -> ExamSession:
    """Return the session without the time that a proctor gave at an instant, if it is open.

    At most what is left of the section is taken: a deadline never moves before now. In a pause the
    learner's now is when it began.
    """
    entry = granted_to_open(session, at)
    if entry is None:
        return session
    section = session.section(entry.section)
    assert section.opened_at is not None
    # Without the window: what it cuts is not there to be taken.
    end = section_closes_at(
        opened_at=section.opened_at,
        limit=section.limit,
        allowance=session.allowance,
        given=total(session.ledger, section.id),
        window_end=None,
    )
    taken = min(entry.given, end - (session.paused_at or now))
    if taken <= NO_TIME:
        return session
    return _enter(session, section.id, -taken, Cause.CORRECTION, at=now, reason=reason)


def lapse(session: ExamSession, *, now: datetime) -> ExamSession:
    """Return the session without a proposal to end it that nobody confirmed in time.

    Apart from `settle`: no loss of contact makes it uncertain, so that it waits for none.
    """
    proposed = session.termination
    if proposed is None or now < proposed.lapses_at:
        return session
    return replace(session, termination=None)


def needs_nobody(session: ExamSession, policy: Policy, found: Found, *, now: datetime) -> bool:
    """Tell whether nothing in a session waits for a person, so that none has to judge it.

    It was handed in, and takes no more records; nothing is owed, was answered late or could not
    be looked at; no flag of conduct was raised; no proctor noted an irregularity that stands, or
    ended it; where the policy asks who sat it, a person accepted that, and machines have compared
    it; nobody has begun to judge it.

    Args:
        session: Settled.
        policy: The one it was opened under.
        found: In its rows, all its pictures looked at.
        now: Server clock, aware UTC.
    """
    if session.state is not State.SUBMITTED or session.review.state is not ReviewState.AWAITING:
        return False
    assert session.closed_at is not None
    late = timedelta(hours=policy.time.late_h)
    is_open = session.closed_by is not Actor.LEARNER and now < session.closed_at + late
    asked_who = policy.identity.hold or policy.identity.document != "none"
    unknown = asked_who and session.id_check.state is not IdState.ACCEPTED
    uncertain = found.late_answers or found.owed or found.unseen
    return not (
        is_open
        or unknown
        or uncertain
        or not is_compared(session.id_check)
        or _somebody_must_look(session, conduct_flags=found.conduct_flags)
    )


def _somebody_must_look(session: ExamSession, *, conduct_flags: bool) -> bool:
    """Tell whether anything was raised that only a person can settle, be it released or not."""
    noted = any(each.kind is ActKind.IRREGULARITY and not each.undone for each in session.acts)
    check = session.id_check
    # A document or face that was found on another account, and what a person asked to see once
    # more, is a question even where the policy holds nobody back.
    asked = check.doubted_at is not None or check.before is not None
    not_accepted = check.state in (IdState.REFUSED, IdState.REFUSAL_PROPOSED, IdState.RETAKE)
    return conduct_flags or noted or not_accepted or (asked and waits_since(check) is not None)


def is_released_unjudged(session: ExamSession, *, conduct_flags: bool) -> bool:
    """Tell whether its result was released without a verdict, and none is to be given.

    A flag of conduct, an irregularity or a doubt of who sat it that came later makes it like any
    other, which people judge.
    """
    return (
        session.released_at is not None
        and session.review.state is ReviewState.AWAITING
        and not _somebody_must_look(session, conduct_flags=conduct_flags)
    )


def require_judgeable(session: ExamSession, *, conduct_flags: bool) -> None:
    """Refuse a verdict on a session that goes on, or that `is_released_unjudged`.

    Raises:
        ReleasedUnjudged, SessionGoesOn: As their names say.
    """
    if session.state not in ENDED:
        raise SessionGoesOn(state=session.state)
    if session.released_at and is_released_unjudged(session, conduct_flags=conduct_flags):
        raise ReleasedUnjudged(released_at=session.released_at)


def release(
    session: ExamSession, *, now: datetime, rules: ReviewRules, unjudged: bool = False
) -> ExamSession:
    """Return the session with its result released; the same if it is already.

    Args:
        session: Settled.
        now: Server clock, aware UTC.
        rules: The policy's.
        unjudged: It needs nobody: see `needs_nobody`.

    Raises:
        NotDecidedYet: People have not decided on it, or it is contested.
        ResultsHeld: The policy holds it back.
    """
    if session.released_at is not None:
        return session
    if session.review.state not in SETTLED and not unjudged:
        raise NotDecidedYet(review=state_for(session.review, None))
    require_results_free(session.review, rules=rules, now=now)
    return replace(session, released_at=now)


def with_asks(session: ExamSession, asks: Sequence[QualityAsk]) -> ExamSession:
    """Return the session with all that its learner was asked for, by time.

    What goes on is kept, and of the rest the newest; of those before, how long each kind lasted.
    """
    sums: dict[When, float] = {}
    kept = list(asks)
    for ask in asks:
        ended_at = ask_ended_at(session, ask)
        if len(kept) > ASKS_MOST and ended_at is not None:
            kept.remove(ask)
            sums[ask.kind] = sums.get(ask.kind, 0.0) + (ended_at - ask.since).total_seconds()
    return replace(session, asks=tuple(kept), asked_before=tuple(sorted(sums.items())))


def ask_ended_at(session: ExamSession, ask: QualityAsk) -> datetime | None:
    """Return until when a learner was asked for something; None where they still are.

    Not for longer than the section was open, nor while no picture can come: nobody is looking.
    """
    if ask.until is not None:
        return ask.until
    if ask.section == IN_CHECK_IN:
        shown_at = session.id_check.captured_at or session.id_check.decided_at
        is_asked = session.state is State.CHECK_IN and not (shown_at and shown_at >= ask.since)
        return None if is_asked else max(shown_at or ask.since, ask.since)
    ended = session.section(ask.section).closed_at or session.lost_at
    return None if ended is None else max(ended, ask.since)


def asks_open(session: ExamSession) -> tuple[Ask, ...]:
    """Return the devices that wait to be let in, oldest first.

    Whoever asked while the exam went on wanted to work there: its end has answered them, until they
    ask again, to look.
    """
    waiting, over_at = session.devices.waiting, session.closed_at
    if session.state not in ENDED or over_at is None:
        return waiting
    return tuple(each for each in waiting if each.asked_at >= over_at)


def require_intake(session: ExamSession, *, now: datetime, late: timedelta) -> None:
    """Refuse records for a session that takes no more.

    A learner who handed in has closed the log. Any other end leaves it open for `late`, because
    what a device signed in time may be delivered after an outage; it is marked late, not dropped.

    Raises:
        SessionClosed: It takes nothing more.
    """
    if session.state not in ENDED:
        return
    assert session.closed_at is not None
    if session.closed_by is Actor.LEARNER or now >= session.closed_at + late:
        raise SessionClosed(state=session.state, closed_at=session.closed_at)


def is_late(session: ExamSession, section_id: str, *, received_at: datetime) -> bool:
    """Tell whether an answer came when its section was not open. Then a person decides on it.

    The server's receive time decides; when the device signed it is testimony. Settle the session
    and take contact as back first: until then a deadline that the outage moves is the old one.
    """
    if session.paused_at is not None:
        received_at = min(received_at, session.paused_at)  # no deadline passes meanwhile
    for section in session.sections:
        if section.id == section_id:
            end = closes_at(session, section)
            opened_at = section.opened_at
            return opened_at is None or end is None or not opened_at <= received_at < end
    return True


def _require_window(session: ExamSession, now: datetime) -> None:
    if session.starts_at is None or session.ends_at is None:
        return
    if not session.starts_at <= now < session.ends_at:
        raise OutsideWindow(starts_at=session.starts_at, ends_at=session.ends_at)


def _resumed(session: ExamSession, actor: Actor, *, now: datetime, rules: TimeRules) -> ExamSession:
    since = session.paused_at or now
    # An outage counts until the pause began, and again from now on.
    lost_at = None if session.lost_at is None else now
    resumed = contact_back(session, now=since, rules=rules)
    resumed = advance(resumed, Event.RESUME, actor=actor)
    for section in session.sections:
        if section.state is SectionState.OPEN and now > since:
            resumed = _enter(resumed, section.id, now - since, Cause.PAUSE, at=now)
    return replace(resumed, paused_at=None, lost_at=lost_at)


def _times_up(session: ExamSession, *, now: datetime, rules: TimeRules) -> ExamSession:
    for section in session.sections:
        session = _time_up(session, section, now=now, rules=rules)
    return session


def _time_up(
    session: ExamSession, section: SectionRun, *, now: datetime, rules: TimeRules
) -> ExamSession:
    end = closes_at(session, section)
    if section.state is not SectionState.OPEN or end is None or now < end:
        return session
    given = _outage(session, section, now=now, rules=rules)
    if given:
        end = closes_at(_enter(session, section.id, given, Cause.OUTAGE, at=end), section)
        assert end is not None
        if now < end:
            return session  # while it lasts nothing is entered: how much it gives is not known
        session = _enter(session, section.id, given, Cause.OUTAGE, at=end)
    return _with_section(session, _closed(section, SectionEvent.TIME_UP, Actor.CLOCK, end))


def _outage(
    session: ExamSession, section: SectionRun, *, now: datetime, rules: TimeRules
) -> timedelta:
    end = closes_at(session, section)
    if session.lost_at is None or section.opened_at is None or end is None:
        return NO_TIME
    return outage_gives(
        # A loss may be noticed after a pause that it began before: no second is given twice.
        lost_at=max(session.lost_at, given_until(session.ledger, section.id) or session.lost_at),
        # Counted up to the window's end, so that it does not matter when somebody looks.
        now=now if session.ends_at is None else min(now, session.ends_at),
        opened_at=section.opened_at,
        closes_at=end,
        given_before=total(session.ledger, section.id, Cause.OUTAGE),
        rules=rules,
    )


def _end(session: ExamSession, *, now: datetime) -> ExamSession:
    """Hand in by itself what nobody can work on any more; expire what was never begun."""
    over = session.ends_at is not None and now >= session.ends_at
    if session.state in (State.INVITED, State.CHECK_IN, State.READY):
        if not over:
            return session
        assert session.ends_at is not None
        return _ended(session, Event.EXPIRE, Actor.CLOCK, at=session.ends_at)
    at = _clock_hands_in_at(session)
    if session.state is not State.RUNNING or at is None or now < at:
        return session
    return _ended(session, Event.SUBMIT, Actor.CLOCK, at=at)


def _clock_hands_in_at(session: ExamSession) -> datetime | None:
    """Return when it does; None where a section is open, or can be, with no window to end that."""
    ends = [
        None if section.state is SectionState.OPEN else section.closed_at or session.ends_at
        for section in session.sections
    ]
    known = [end for end in ends if end is not None]
    return max(known) + HAND_IN_GRACE if len(known) == len(ends) else None


def _pause_ends_at(session: ExamSession) -> datetime | None:
    """Return when the clock ends a pause, because it holds nothing any more; None: never.

    A pause holds the deadlines of sections. It can't hold the window, nor, once every section is
    closed, the handing in.
    """
    if any(section.state is not SectionState.CLOSED for section in session.sections):
        return session.ends_at
    return _clock_hands_in_at(session)


def _ended(session: ExamSession, event: Event, actor: Actor, *, at: datetime) -> ExamSession:
    ended = advance(session, event, actor=actor)
    sections = tuple(
        section
        if section.state is SectionState.CLOSED
        # One that was never opened may be left from a window that has ended.
        else _closed(section, SectionEvent.CUT, actor, min(at, session.ends_at or at))
        for section in session.sections
    )
    return replace(
        ended,
        sections=sections,
        closed_at=at,
        closed_by=actor,
        paused_at=None,
        lost_at=None,
        termination=None,
    )


def _enter(
    session: ExamSession,
    section_id: str,
    given: timedelta,
    cause: Cause,
    *,
    at: datetime,
    reason: str = "",
) -> ExamSession:
    entry = LedgerEntry(section=section_id, given=given, cause=cause, at=at, reason=reason)
    return replace(session, ledger=(*session.ledger, entry))


def _moved(section: SectionRun, event: SectionEvent, actor: Actor) -> SectionRun:
    state = move("section", section.state, event, actor, moves=SECTION_MOVES, causes=SECTION_CAUSES)
    return replace(section, state=state)


def _closed(section: SectionRun, event: SectionEvent, actor: Actor, at: datetime) -> SectionRun:
    return replace(_moved(section, event, actor), closed_at=at, closed_by=event)


def _with_section(session: ExamSession, changed: SectionRun) -> ExamSession:
    sections: Sequence[SectionRun] = [
        changed if section.id == changed.id else section for section in session.sections
    ]
    return replace(session, sections=tuple(sections))
