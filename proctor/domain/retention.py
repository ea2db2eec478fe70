"""How long pictures are kept: which of an ended session's are due to be erased."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from proctor.domain.policy import Policy
from proctor.domain.review import SETTLED, ReviewState
from proctor.domain.session import ENDED, ExamSession

_HOURS_A_DAY = 24


class Holding(StrEnum):
    """What a blob is to the rules of retention."""

    DOCUMENT = "document"  # a picture of an ID document
    SNAPSHOT = "snapshot"  # any other picture
    ANSWER = "answer"  # a file handed in: it stays with the answers


def holding_of(purposes: set[str]) -> Holding:
    """Return what a blob is, by the purposes of all the records that name it.

    A file that was handed in is an answer, whatever else the same bytes were sent as. A purpose
    that we don't know makes a picture, for pictures go.
    """
    if "file" in purposes:
        return Holding.ANSWER
    return Holding.DOCUMENT if "document" in purposes else Holding.SNAPSHOT


def kept_days(policy: Policy) -> Mapping[Holding, int]:
    """Return what is erased by rule, and how many days after its session's end.

    Never sooner than records made in time may arrive late: what is still coming in is not complete.
    """
    late_days = ceil(policy.time.late_h / _HOURS_A_DAY)
    return {
        Holding.DOCUMENT: max(policy.retain.id_document_days, late_days),
        Holding.SNAPSHOT: max(policy.retain.snapshots_days, late_days),
    }


def review_is_open(session: ExamSession, *, conduct_flags: bool) -> bool:
    """Tell whether a person has yet to decide on what pictures show.

    A session that nobody has a reason to look at is not held back, or all would be.
    """
    state = session.review.state
    return state not in SETTLED and (conduct_flags or state is not ReviewState.AWAITING)


def due(
    session: ExamSession, policy: Policy, *, conduct_flags: bool, now: datetime
) -> frozenset[Holding]:
    """Return what of a session is to be erased by now.

    Args:
        session: Settled.
        policy: The one it was opened under.
        conduct_flags: Whether it has any flag of conduct.
        now: Server clock, aware UTC.

    Returns:
        Nothing while the session goes on, or while its review is open: then it is evidence.
    """
    if session.state not in ENDED or review_is_open(session, conduct_flags=conduct_flags):
        return frozenset()
    assert session.closed_at is not None
    # From the verdict, where it came later: its learner must be able to see what it rests on.
    decided = max((verdict.at for verdict in session.review.verdicts), default=session.closed_at)
    kept = now - max(session.closed_at, decided)
    # Nor before the learner can no longer contest what the pictures show.
    least = policy.review.contest_days if session.review.state is ReviewState.DECIDED else 0
    return frozenset(
        holding
        for holding, days in kept_days(policy).items()
        if kept >= timedelta(days=max(days, least))
    )
