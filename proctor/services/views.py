"""A session as its learner and its proctors are shown it: plain values, times in milliseconds."""

from dataclasses import dataclass
from datetime import datetime

from proctor.domain.session import ExamSession, closes_at
from proctor.services.journal import milliseconds, seconds
from proctor.services.ports import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCheckView:
    state: str
    reason: str  # for the learner to read; empty while there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    id: str
    title: str
    state: str
    limit_s: float  # before allowances
    opened_at_ms: int | None
    closes_at_ms: int | None
    closed_at_ms: int | None
    closed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    section: str
    seconds: float
    cause: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    outcome: str
    reasons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    session: str
    exam: str
    state: str
    id_check: IdCheckView
    sections: list[SectionView]
    ledger: list[LedgerView]
    verdict: OutcomeView | None  # once decided
    now_ms: int


def view(session: ExamSession, published: Published, *, now: datetime) -> SessionView:
    """Return what a session looks like at `now`, server clock."""
    titles = {section.id: section.title for section in published.exam.sections}
    outcome = session.review.outcome
    return SessionView(
        session=session.id,
        exam=session.exam,
        state=str(session.state),
        id_check=IdCheckView(state=str(session.id_check.state), reason=session.id_check.reason),
        sections=[
            SectionView(
                id=section.id,
                title=titles[section.id],
                state=str(section.state),
                limit_s=seconds(section.limit),
                opened_at_ms=_ms(section.opened_at),
                closes_at_ms=_ms(closes_at(session, section)),
                closed_at_ms=_ms(section.closed_at),
                closed_by=section.closed_by and str(section.closed_by),
            )
            for section in session.sections
        ],
        ledger=[
            LedgerView(
                section=entry.section,
                seconds=seconds(entry.given),
                cause=str(entry.cause),
                reason=entry.reason,
                at_ms=milliseconds(entry.at),
            )
            for entry in session.ledger
        ],
        verdict=None
        if outcome is None
        else OutcomeView(outcome=str(outcome), reasons=session.review.verdicts[-1].reasons),
        now_ms=milliseconds(now),
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)
