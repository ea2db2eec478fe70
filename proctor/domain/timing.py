"""Time: when a section closes, what an outage gives back, what came too late.

Every second granted or taken is an entry of the ledger with its cause. Intervals are half-open, and
the server's clock decides; a device's clock is testimony.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from proctor.domain.policy import TimeRules

NO_TIME = timedelta(0)


class Cause(StrEnum):
    """Why time was given."""

    OUTAGE = "outage"  # no device was in contact; the policy's `time` says how much comes back
    PAUSE = "pause"  # a proctor paused the session
    PROCTOR = "proctor"  # a proctor gave it, with a reason
    CORRECTION = "correction"  # a proctor took back what was given by mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one learner is granted. Why is not kept here: it is often medical."""

    time_factor: Decimal = Decimal(1)  # of every section's limit, 1 to 4
    extra: timedelta = NO_TIME  # added after it, 0 to 24 h


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    section: str
    given: timedelta  # > 0; of a correction < 0
    cause: Cause
    # Aware UTC, server clock: the end of the outage or pause, or when a proctor gave it.
    at: datetime
    reason: str = ""  # a proctor's words, for the learner to read


def section_closes_at(
    *,
    opened_at: datetime,
    limit: timedelta,
    allowance: Allowance,
    given: timedelta,
    window_end: datetime | None,
) -> datetime:
    """Return the first instant at which the section is closed.

    The allowance stretches the limit and the ledger adds to it; the exam window then cuts, so that
    a late start never outlives the window.

    Args:
        opened_at: Server clock, aware UTC.
        limit: Time limit before any allowance, > 0.
        allowance: The learner's.
        given: What the ledger gives this section, >= 0.
        window_end: Aware UTC, exclusive; None where the exam has no window.

    Source: QTI 3 `timeLimits/@maxTime`; docs/adr/0002-a-deadline-closes-a-section.md.
    """
    assert limit > NO_TIME
    # Exact, rounded down: with a float factor, int() is 1 us short for 3 min at 1.15.
    limit_us = limit // timedelta(microseconds=1)
    stretched = timedelta(microseconds=int(limit_us * allowance.time_factor))
    closes_at = opened_at + stretched + allowance.extra + given
    return closes_at if window_end is None else min(closes_at, window_end)


def outage_gives(
    *,
    lost_at: datetime,
    now: datetime,
    opened_at: datetime,
    closes_at: datetime,
    given_before: timedelta,
    rules: TimeRules,
) -> timedelta:
    """Return what a loss of contact gives back to one section that was open.

    Args:
        lost_at: When the server last heard of any of the session's devices.
        now: When contact came back, or now while it has not.
        opened_at: Of the section.
        closes_at: Of the section, without what this outage gives.
        given_before: By earlier outages, to this section.
        rules: The policy's `time`.

    Returns:
        >= 0. Nothing where less than `after_s` of the section's time was lost, and never more than
        `most_s` a section.
    """
    since = max(lost_at, opened_at)
    # A section whose time was up before contact was lost has nothing to get back.
    if rules.give_back == "none" or since >= closes_at:
        return NO_TIME
    lost = now - since
    # Counted up to the deadline, so that it does not matter when somebody looks.
    if min(now, closes_at) - since < timedelta(seconds=rules.after_s):
        return NO_TIME
    most = timedelta(seconds=rules.most_s) - given_before
    return max(NO_TIME, min(lost, most))


def total(ledger: Sequence[LedgerEntry], section: str, cause: Cause | None = None) -> timedelta:
    """Return what the ledger gives a section, by one cause or by all."""
    return sum(
        (e.given for e in ledger if e.section == section and cause in (None, e.cause)), NO_TIME
    )


def given_until(ledger: Sequence[LedgerEntry], section: str) -> datetime | None:
    """Return up to when outages and pauses are given back to a section; None where none was."""
    return max(
        (e.at for e in ledger if e.section == section and e.cause in (Cause.OUTAGE, Cause.PAUSE)),
        default=None,
    )
