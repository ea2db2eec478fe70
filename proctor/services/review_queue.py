"""The queue: which sessions need a person first, and how long that takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from proctor.domain.acts import ActKind
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.help import Topic
from proctor.domain.identity import UNDECIDED
from proctor.domain.review import DUE_SOON, SETTLED, ReviewState, due_at, state_for
from proctor.domain.session import (
    ENDED,
    ExamSession,
    State,
    asks_open,
    is_released_unjudged,
)
from proctor.services.journal import milliseconds
from proctor.services.ports import Published

# What a person takes to look at a flag and at the whole of a session: for the length of a queue
# said in minutes, not for judging anyone's work.
MINUTES_A_FLAG = 1.0
MINUTES_A_SESSION = 2.0

ID_CHECK_WAITS = "ID check waits for a person"
PROCTORS_ENDED = "proctors ended the exam"
DEVICE_ASKS = "another computer asks to go on"
DEVICE_ASKS_TO_LOOK = "another computer asks to look at this exam, which is over"
CALLS = {
    Topic.QUESTION: "the learner asks a question",
    Topic.HAND: "the learner raised a hand",
    Topic.FAULT: "the learner reports a technical fault",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One session in the queue, as the person who asked may know it."""

    session: str
    learner: str
    exam: str
    exam_title: str
    state: str
    session_state: str
    id_check: str
    conduct: int
    quality: int
    severity: float  # of the gravest conduct flag; 0 where there is none. Never a sum
    reach: int  # how many sections conduct flags are in
    queue: str  # "conduct", or "other": nothing with quality flags alone is in the first
    why: list[str]
    snapshots: int
    minutes: float
    waiting_since_ms: int
    assigned_to: str | None
    due_at_ms: int | None  # None: it goes on
    clock: str  # "ok", "soon" or "over": how far the due date is away
    contested: bool  # the learner answered the decision, and waits
    outcome: str | None
    released_unjudged: bool  # its results were released: nobody had to judge it, nor has to
    may_decide: bool  # the person who asked may give a verdict now
    why_not: str | None  # and why they may not, in words for them
    irregularities: int  # that proctors noted and nobody struck: no flags


def row_of(
    session: ExamSession,
    published: Published,
    flags: Sequence[Flag],
    *,
    snapshots: int,
    why_not: str | None,
    me: str,
    now: datetime,
) -> ReviewRow:
    """Return a session as it stands in the queue of one person.

    Args:
        session: Settled, or as last saved.
        published: Its exam and policy.
        flags: All that were raised in it.
        snapshots: How many pictures of it were looked at.
        why_not: Why `me` can't give a verdict, in words; None: they can.
        me: Who asks.
        now: Server clock.
    """
    review = session.review
    conduct = [flag for flag in flags if flag.flag_class is FlagClass.CONDUCT]
    waits = waits_for(session)
    ended = [PROCTORS_ENDED] if session.state is State.TERMINATED else []  # flagged or not
    ended_at = session.closed_at if session.state in ENDED else None
    due = None
    if ended_at is not None:
        due = due_at(review, ended_at=ended_at, rules=published.policy.review)
    contested = review.state is ReviewState.CONTESTED
    unjudged = is_released_unjudged(session, conduct_flags=bool(conduct))
    is_over = unjudged or review.state in SETTLED
    return ReviewRow(
        session=session.id,
        learner=session.learner,
        exam=session.exam,
        exam_title=published.exam.title,
        state=str(state_for(review, me)),
        session_state=str(session.state),
        id_check=str(session.id_check.state),
        conduct=len(conduct),
        quality=len(flags) - len(conduct),
        severity=max((flag.severity for flag in conduct), default=0.0),
        reach=len({flag.section_id for flag in conduct}),
        queue="conduct" if conduct or ended else "other",
        why=[*ended, *(waits or dict.fromkeys(flag.rule for flag in (conduct or flags)))][:3],
        snapshots=snapshots,
        minutes=MINUTES_A_SESSION + MINUTES_A_FLAG * len(flags),
        waiting_since_ms=milliseconds(_since(session)),
        assigned_to=review.assigned_to or None,
        due_at_ms=None if due is None else milliseconds(due),
        clock="ok" if is_over else _clock(due, now),
        contested=contested,
        outcome=review.outcome and str(review.outcome),
        released_unjudged=unjudged,
        may_decide=why_not is None,
        why_not=why_not,
        irregularities=sum(
            each.kind is ActKind.IRREGULARITY and not each.undone for each in session.acts
        ),
    )


def urgency(row: ReviewRow, *, waits: bool) -> tuple[object, ...]:
    """Return a row's place in the queue; the lowest is first.

    A learner held in check-in cannot begin before a person has looked, and one who calls for help
    waits: these come before all reviews. Then contests, then undecided ones with conduct flags:
    what is overdue, the gravest, and what touches the most sections. Quality flags alone never
    lift a session above another.
    """
    return (
        not waits,
        row.state in SETTLED or row.released_unjudged,
        not row.contested,
        row.queue != "conduct",
        row.queue == "conduct" and row.clock != "over",
        -row.severity,
        -row.reach,
        row.waiting_since_ms,
    )


def has_conduct(flags: Iterable[Flag]) -> bool:
    """Tell whether any of some flags is one of conduct."""
    return any(flag.flag_class is FlagClass.CONDUCT for flag in flags)


def waits_for(session: ExamSession) -> list[str]:
    """Return what a learner waits for a person for, now."""
    waits = [ID_CHECK_WAITS] if _is_held(session) else []
    if session.help is not None and session.help.waits and session.state not in ENDED:
        waits.append(CALLS[session.help.topic])
    if asks_open(session):
        waits.append(DEVICE_ASKS_TO_LOOK if session.state in ENDED else DEVICE_ASKS)
    return waits


def _is_held(session: ExamSession) -> bool:
    """Return whether the learner has shown face and document and waits for a person to look."""
    return session.state is State.CHECK_IN and session.id_check.state in UNDECIDED


def _since(session: ExamSession) -> datetime:
    """Return since when a session waits for a person."""
    if _is_held(session):  # since the pictures came, not since the learner was invited
        return session.id_check.captured_at or session.made_at
    asked = [ask.asked_at for ask in asks_open(session)]
    if session.help is not None and session.help.waits and session.state not in ENDED:
        asked.append(session.help.since)
    if asked:
        return min(asked)
    if session.review.contest is not None:
        return session.review.contest.at
    return session.closed_at or session.made_at


def _clock(due: datetime | None, now: datetime) -> str:
    if due is None or now < due - DUE_SOON:
        return "ok"
    return "soon" if now < due else "over"
