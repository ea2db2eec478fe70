"""A session as its learner and its proctors are shown it: plain values, times in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proctor.domain.act_words import (
    act_words,
    lapsed,
    lifted_words,
    permitted_words,
    reason_words,
    told,
)
from proctor.domain.acting import undoable
from proctor.domain.acts import REASON_WORDS, Act, ActKind
from proctor.domain.asks import QualityAsk
from proctor.domain.assurance import assurance
from proctor.domain.identity import learner_reads
from proctor.domain.session import (
    ExamSession,
    ask_ended_at,
    asks_open,
    closes_at,
    held_since,
)
from proctor.services.journal import milliseconds, seconds
from proctor.services.ports import Published

# Of a session's acts, the newest: it is sent whole to whoever watches it.
ACTS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCheckView:
    state: str
    asked_again: bool  # new pictures were asked for, now or before
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
class QualitySumView:
    """For how long the learner was asked for one thing, of what is listed no more."""

    kind: str
    seconds: float


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
class ActView:
    """What a proctor did."""

    id: str
    act: str
    code: str  # of its reason: "technical/network"; empty where it needs none
    words: str  # as the learner reads it: "A proctor paused your exam: network."
    why: str  # its reason from the list, which stands in `words`; empty where there is none
    note: str  # in the proctor's words, for the learner
    by: str  # to staff alone; else empty
    at_ms: int
    undone: bool
    to_all: bool  # a message that is an announcement, to all who sit the exam
    lapsed: bool  # a proposal that nobody confirmed in time
    undoable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationView:
    """That one person proposes to end the session. Another may confirm it until it lapses."""

    act: str  # the id of the act that proposes it: who confirms names it
    by: str
    words: str  # the reason from the list; empty where there is none
    note: str
    lapses_at_ms: int


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
    asked_before: list[QualitySumView]  # a sum for each kind of those that `asks` has no more
    second_camera: SecondCameraView | None  # None: its link was not asked for
    acts: list[ActView]  # by time; the newest
    lifted: list[str]  # the rules, in words, that do not hold for this learner now
    permitted: list[str]  # what this learner is permitted beside what all are; never why
    termination: TerminationView | None  # to staff alone
    group: str
    version: int  # grows with each act
    asked_still_ms: int | None  # when a new picture was last asked for
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
    decided, used, call = session.review.decision, session.devices.used, session.help
    camera, held = session.second_camera, held_since(session)
    acts, proposed = session.acts if staff else told(session.acts), session.termination
    asked = [each.at for each in acts if each.kind is ActKind.ASK_STILL]
    return SessionView(
        session=session.id,
        exam=session.exam,
        state=str(session.state),
        id_check=IdCheckView(
            state=str(session.id_check.state),
            asked_again=session.id_check.before is not None,
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
        if decided is None
        else OutcomeView(outcome=str(decided.outcome), reasons=decided.reasons),
        device=used.id if used else "",
        asking=[
            AskView(
                device=ask.device.id,
                device_kind=ask.device.kind,
                asked_at_ms=milliseconds(ask.asked_at),
            )
            for ask in asks_open(session)
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
        asked_before=[
            QualitySumView(kind=kind, seconds=seconds) for kind, seconds in session.asked_before
        ],
        second_camera=None
        if camera is None
        else SecondCameraView(state=str(camera.state), since_ms=milliseconds(camera.since)),
        acts=act_views(session, published, acts[-ACTS_SHOWN:], staff=staff),
        lifted=list(lifted_words(session, published.policy)),
        permitted=list(permitted_words(session, published.policy)),
        termination=None
        if proposed is None or not staff
        else TerminationView(
            act=proposed.act,
            by=proposed.by,
            words=REASON_WORDS.get(proposed.code, ""),
            note=proposed.note,
            lapses_at_ms=milliseconds(proposed.lapses_at),
        ),
        group=session.group if staff else "",
        version=len(acts),
        asked_still_ms=_ms(max(asked, default=None)),
        now_ms=milliseconds(now),
    )


def act_views(
    session: ExamSession, published: Published, acts: Sequence[Act], *, staff: bool
) -> list[ActView]:
    """Return acts of a session as they are shown; `staff` also reads who, and what can be undone.

    To a learner show those of `told` alone.
    """
    return [
        ActView(
            id=act.id,
            act=str(act.kind),
            code=act.code,
            words=act_words(act, session, published.policy),
            why=reason_words(act),
            lapsed=lapsed(act, session),
            note=act.note,
            by=act.by if staff else "",
            at_ms=milliseconds(act.at),
            undone=act.undone,
            to_all=act.to_all,
            undoable=staff and undoable(session, act),
        )
        for act in acts
    ]


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
