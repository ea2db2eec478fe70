"""A session as its learner and its proctors are shown it: plain values, times in milliseconds."""

from dataclasses import dataclass
from datetime import datetime

from proctor.domain.asks import QualityAsk
from proctor.domain.assurance import assurance
from proctor.domain.identity import learner_reads
from proctor.domain.session import ExamSession, ask_ended_at, closes_at, held_since
from proctor.services.journal import milliseconds, seconds
from proctor.services.ports import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCheckView:
    state: str
    reason: str  # for the learner to read; empty while there is none
    # While the session is held until a person has looked: since when, and how many check-ins wait
    # for longer. Else None.
    held_since_ms: int | None
    held_before: int | None
    # Which checks were made, by machine or person, in sentences. The learner's say nothing of
    # what was found on other accounts.
    assurance: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """When sections can be opened."""

    starts_at_ms: int
    ends_at_ms: int  # exclusive


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
class AskView:
    """Another device that asks to go on with this session, and waits for the answer."""

    device: str
    device_kind: str
    asked_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityAskView:
    """What the learner was asked for, so as to be seen: help, and never held against anyone."""

    kind: str  # "dark", "covered", "no-face", "frozen"
    since_ms: int
    until_ms: int | None  # None: still
    seconds: float  # so far


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpView:
    """What the learner last called a person for."""

    topic: str
    since_ms: int
    answer: str  # a proctor's words; empty while there are none
    answered_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondCameraView:
    """The phone that shows the room: "asked" until a picture came, "connected", or "lost"."""

    state: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    session: str
    exam: str
    state: str
    id_check: IdCheckView
    window: WindowView | None  # None: always
    sections: list[SectionView]
    ledger: list[LedgerView]
    verdict: OutcomeView | None  # once decided
    device: str  # which has the session; empty while nobody joined
    asking: list[AskView]
    help: HelpView | None
    asks: list[QualityAskView]  # by time; the newest
    second_camera: SecondCameraView | None  # None: its link was not asked for
    now_ms: int


def view(
    session: ExamSession,
    published: Published,
    *,
    now: datetime,
    held_before: int,
    staff: bool = False,
) -> SessionView:
    """Return what a session looks like.

    Args:
        session: The session.
        published: Its exam and policy.
        now: Server clock.
        held_before: Of `Cases`; it counts where the session is held in check-in.
        staff: It is shown to staff; else nothing in it is for staff alone.
    """
    titles = {section.id: section.title for section in published.exam.sections}
    outcome, used, call = session.review.outcome, session.devices.used, session.help
    camera, held = session.second_camera, held_since(session)
    return SessionView(
        session=session.id,
        exam=session.exam,
        state=str(session.state),
        id_check=IdCheckView(
            state=str(session.id_check.state),
            reason=learner_reads(session.id_check),
            held_since_ms=_ms(held),
            held_before=None if held is None else held_before,
            assurance=assurance(session.id_check, staff=staff),
        ),
        window=None
        if session.starts_at is None or session.ends_at is None
        else WindowView(
            starts_at_ms=milliseconds(session.starts_at), ends_at_ms=milliseconds(session.ends_at)
        ),
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
        device=used.id if used else "",
        asking=[
            AskView(
                device=ask.device.id,
                device_kind=ask.device.kind,
                asked_at_ms=milliseconds(ask.asked_at),
            )
            for ask in session.devices.waiting
        ],
        help=None
        if call is None
        else HelpView(
            topic=str(call.topic),
            since_ms=milliseconds(call.since),
            answer=call.answer,
            answered_at_ms=_ms(call.answered_at),
        ),
        asks=[_ask(session, ask, now) for ask in session.asks],
        second_camera=None
        if camera is None
        else SecondCameraView(state=str(camera.state), since_ms=milliseconds(camera.since)),
        now_ms=milliseconds(now),
    )


def _ask(session: ExamSession, ask: QualityAsk, now: datetime) -> QualityAskView:
    until = ask_ended_at(session, ask)
    return QualityAskView(
        kind=ask.kind,
        since_ms=milliseconds(ask.since),
        until_ms=_ms(until),
        seconds=max(0.0, seconds((until or now) - ask.since)),
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)
