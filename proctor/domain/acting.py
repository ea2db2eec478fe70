"""Doing to a session what a proctor wants done, and taking it back."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import assert_never

from proctor.domain import devices as asking
from proctor.domain import help as calls
from proctor.domain import session as rules
from proctor.domain.acts import (
    ACTS_TO_END,
    ACTS_TO_HELP,
    CLOSING,
    CONFIRM_WITHIN,
    HELPING,
    MAX_ACTS,
    WORDS_ALONE,
    Act,
    ActKind,
    ActNotUndoable,
    Became,
    Lift,
    NoSuchAct,
    NoSuchRule,
    NothingProposed,
    RequestReused,
    RuleUnchanged,
    StalePage,
    StaleProposal,
    Termination,
    TerminationProposed,
    TooManyActs,
    Wanted,
    require_complete,
)
from proctor.domain.devices import AskDecided, AskState, Decision, KnownDevice
from proctor.domain.identity import AgainCode, IdEvent
from proctor.domain.identity import advance as advance_id_check
from proctor.domain.moves import Actor
from proctor.domain.policy import Policy, When
from proctor.domain.review import AnotherPersonNeeded
from proctor.domain.session import (
    ENDED,
    ExamSession,
    SectionNotOpen,
    SectionState,
    SessionClosed,
    State,
)
from proctor.domain.timing import Cause

# Also done to a session that has ended: what is noted of it, what its learner waits to hear.
_AFTERWARDS = frozenset(
    {
        ActKind.IRREGULARITY,
        ActKind.ANSWER,
        ActKind.UNDO,
        ActKind.ADMIT_DEVICE,
        ActKind.REFUSE_DEVICE,
    }
)
_OF_A_RULE = frozenset({ActKind.LIFT_RULE, ActKind.RESTORE_RULE})
_OF_A_PROPOSAL = frozenset({ActKind.CONFIRM_TERMINATE, ActKind.WITHDRAW_TERMINATE})
_OF_SOMETHING = _OF_A_PROPOSAL | {
    ActKind.UNDO,
    ActKind.IRREGULARITY,
    ActKind.ADMIT_DEVICE,
    ActKind.REFUSE_DEVICE,
}
_LIFTABLE_NEVER: When = "log-fork"  # a policy can't choose not to be told, nor can a person


def act(
    session: ExamSession,
    wanted: Wanted,
    *,
    by: str,
    now: datetime,
    policy: Policy,
    version: int | None = None,
) -> ExamSession:
    """Return the session after what a proctor did; its last act says so.

    Args:
        session: Settled.
        wanted: What is to be done.
        by: The proctor's name.
        now: Server clock, aware UTC.
        policy: The session's.
        version: How many acts the session had when this was decided; None: it does not matter.

    Raises:
        ActIncomplete, ActReasonMissing, NoSuchReason: As `acts.require_complete`.
        ActNotUndoable, NoSuchAct: It can't be taken back.
        AnotherPersonNeeded: Who proposes to end the session confirms it.
        IllegalMove: It can't be paused or resumed in this state; or nothing was shown yet that
            could be asked for again, or it is asked for already.
        NoSuchRule, RuleUnchanged: Such a rule can't be lifted, or restored.
        NothingProposed, StaleProposal, TerminationProposed: There is nothing to confirm, or
            something else than was named, or nothing to propose.
        SectionNotOpen, BadGrant: Extra time for nothing, or none.
        SessionClosed: The session has ended.
        StalePage: Somebody else has acted since.
        TooManyActs: The session has had as many as leave room for what is worth more.
        AskDecided: That device was let in, or refused, already.
        Refusal: Of `devices.decide` and `help.answer`.
    """
    require_complete(wanted)
    if wanted.kind is ActKind.CONFIRM_TERMINATE and session.state not in ENDED:
        _require_that(session, wanted.of, now)  # says more than that somebody has acted since
    _require_fresh(session, version, by=by)
    if session.state in ENDED and wanted.kind not in _AFTERWARDS:
        raise SessionClosed(state=session.state, closed_at=session.closed_at)
    room = _room(wanted.kind)
    if room is not None and sum(each.kind not in CLOSING for each in session.acts) >= room:
        raise TooManyActs(at_most=room)
    done = _act_of(wanted, f"a{len(session.acts) + 1}", by=by, at=now)
    if done.kind is ActKind.TERMINATE and policy.review.terminate_needs > 1:
        done = replace(done, proposal=True)
    if done.kind is ActKind.CONFIRM_TERMINATE and (proposed := session.termination):
        done = replace(done, code=done.code or proposed.code, note=done.note or proposed.note)
    before, session = session, _done(session, done, policy=policy)
    if done.kind is ActKind.UNDO:
        done = replace(done, seconds=_taken_s(before, session))
    return replace(session, acts=(*session.acts, done))


def done_before(session: ExamSession, wanted: Wanted, *, by: str) -> Act | None:
    """Return what was done already for the same request of the same proctor, if anything was.

    Raises:
        RequestReused: That request was for something else.
    """
    if not wanted.request:
        return None
    asked = (wanted.request, by)
    done = next((each for each in session.acts if (each.request, each.by) == asked), None)
    if done is None:
        return None
    named = _act_of(wanted, done.id, by=by, at=done.at)
    # What was added to an act as it was done, the request does not say.
    # Nor was it always kept that a message was an announcement.
    added = replace(named, proposal=done.proposal, undone=done.undone, to_all=done.to_all)
    if done.kind is ActKind.UNDO:
        added = replace(added, seconds=done.seconds)
    if done.kind is ActKind.CONFIRM_TERMINATE:
        added = replace(added, code=named.code or done.code, note=named.note or done.note)
    if added != done:
        raise RequestReused(act=done.id)
    return done


def undoable(session: ExamSession, done: Act) -> bool:
    """Tell whether an act can be taken back, as the session stands."""
    return not _why_not(session, done)


def _room(kind: ActKind) -> int | None:
    """Return how many acts that close nothing may be there already; None: any number."""
    if kind in CLOSING:
        return None
    if kind is ActKind.TERMINATE:
        return MAX_ACTS + ACTS_TO_HELP + ACTS_TO_END
    return MAX_ACTS + ACTS_TO_HELP if kind in HELPING else MAX_ACTS


def _act_of(wanted: Wanted, act_id: str, *, by: str, at: datetime) -> Act:
    return Act(
        id=act_id,
        kind=wanted.kind,
        by=by,
        at=at,
        code=wanted.code.strip(),
        note=wanted.note.strip(),
        seconds=wanted.seconds if wanted.kind is ActKind.EXTRA_TIME else 0,
        rule=wanted.rule if wanted.kind in _OF_A_RULE else "",
        of=wanted.of if wanted.kind in _OF_SOMETHING else "",
        to_all=wanted.to_all and wanted.kind is ActKind.MESSAGE,
        request=wanted.request,
    )


def _require_fresh(session: ExamSession, version: int | None, *, by: str) -> None:
    since = () if version is None else session.acts[max(0, version) :]
    # Who acts twice running knows what they did; the wall tells them of it only a moment later.
    others = (each for each in reversed(since) if each.kind not in WORDS_ALONE and each.by != by)
    if (newest := next(others, None)) is not None:
        raise StalePage(by=newest.by, act=newest.kind, version=len(session.acts))


def _done(session: ExamSession, done: Act, *, policy: Policy) -> ExamSession:
    now = done.at
    match done.kind:
        case ActKind.MESSAGE | ActKind.ASK_STILL | ActKind.IRREGULARITY:
            return session  # to be told, and no more
        case ActKind.ASK_ID:
            return _ask_id(session, done)
        case ActKind.PAUSE:
            return rules.pause(session, now=now)
        case ActKind.RESUME:
            return rules.resume(session, now=now, rules=policy.time)
        case ActKind.EXTRA_TIME:
            section = _open_section(session)
            given = timedelta(seconds=done.seconds)
            return rules.grant(session, section, given, reason=done.note, now=now)
        case ActKind.LIFT_RULE:
            return _lift(session, done, policy)
        case ActKind.RESTORE_RULE:
            return _restore(session, done.rule, now)
        case ActKind.ADMIT_DEVICE | ActKind.REFUSE_DEVICE:
            admit = done.kind is ActKind.ADMIT_DEVICE
            return _decide_device(session, done.of, Decision.ADMIT if admit else Decision.REFUSE)
        case ActKind.TERMINATE | ActKind.CONFIRM_TERMINATE:
            return _terminate(session, done)
        case ActKind.WITHDRAW_TERMINATE:
            _require_that(session, done.of or None, now)
            return replace(session, termination=None)
        case ActKind.ANSWER:
            answered = calls.answer(session.help, done.note, by=done.by, now=now)
            return replace(session, help=answered)
        case ActKind.UNDO:
            return _undo(session, done, policy)
        case _:
            assert_never(done.kind)


def _ask_id(session: ExamSession, done: Act) -> ExamSession:
    """Ask for new pictures of face and document; the session goes on as it is meanwhile."""
    check = advance_id_check(
        session.id_check,
        IdEvent.ASK_AGAIN,
        actor=Actor.PROCTOR,
        by=done.by,
        now=done.at,
        reason=done.note,
        code=AgainCode.OTHER,
    )
    return replace(session, id_check=check)


def _decide_device(session: ExamSession, device: str, decision: Decision) -> ExamSession:
    devices = asking.decide(session.devices, device, decision, phones=_phones(session))
    if devices is session.devices:
        # The act would say what it did not do: who was let in may have lost the session again.
        state = AskState.ADMITTED if decision is Decision.ADMIT else AskState.REFUSED
        raise AskDecided(device=device, state=state)
    return replace(session, devices=devices)


def _phones(session: ExamSession) -> tuple[KnownDevice, ...]:
    return () if session.second_camera is None else session.second_camera.phones


def _open_section(session: ExamSession) -> str:
    for section in session.sections:
        if section.state is SectionState.OPEN:
            return section.id
    raise SectionNotOpen(section="")


# --- rules -----------------------------------------------------------------------------------


def _lift(session: ExamSession, done: Act, policy: Policy) -> ExamSession:
    if done.rule == _LIFTABLE_NEVER or done.rule not in {rule.when for rule in policy.flags}:
        raise NoSuchRule
    if _is_lifted(session, done.rule):
        raise RuleUnchanged(rule=done.rule, lifted=True)
    lift = Lift(rule=done.rule, since=done.at)
    return replace(session, lifts=(*session.lifts, lift))


def _restore(session: ExamSession, rule: str, now: datetime) -> ExamSession:
    if not _is_lifted(session, rule):
        raise RuleUnchanged(rule=rule, lifted=False)
    lifts = tuple(
        replace(each, until=now) if each.rule == rule and each.until is None else each
        for each in session.lifts
    )
    return replace(session, lifts=lifts)


def _is_lifted(session: ExamSession, rule: str) -> bool:
    return any(each.rule == rule and each.until is None for each in session.lifts)


# --- the end ---------------------------------------------------------------------------------


def _terminate(session: ExamSession, done: Act) -> ExamSession:
    """End the session, or propose it, or confirm what another person proposes."""
    if done.kind is ActKind.CONFIRM_TERMINATE:
        proposed = _require_that(session, done.of, done.at)
        if proposed.by == done.by:
            raise AnotherPersonNeeded(by=done.by)
        return rules.terminate(session, now=done.at)
    if (standing := _proposed(session, done.at)) is not None:
        raise TerminationProposed(by=standing.by, lapses_at=standing.lapses_at)
    if not done.proposal:
        return rules.terminate(session, now=done.at)
    termination = Termination(
        by=done.by,
        code=done.code,
        note=done.note,
        at=done.at,
        lapses_at=done.at + CONFIRM_WITHIN,
        act=done.id,
    )
    return replace(session, termination=termination)


def _require_that(session: ExamSession, act: str | None, now: datetime) -> Termination:
    """Return the proposal that was named, or whatever is proposed where none was.

    Two people decide on one end: who confirms must mean the same reason, and the same moment, as
    who proposed it.
    """
    proposed = _proposed(session, now)
    if proposed is None:
        became, by = _became(session, act)
        raise NothingProposed(became=became, by=by)
    if act is not None and proposed.act != act:
        became, by = _became(session, act)
        raise StaleProposal(
            act=proposed.act,
            proposed_by=proposed.by,
            lapses_at=proposed.lapses_at,
            became=became,
            by=by,
        )
    return proposed


def _became(session: ExamSession, act: str | None) -> tuple[Became | None, str]:
    """Return what became of a proposal that stands no more, and by whom; None where unknown."""
    places = [at for at, each in enumerate(session.acts) if each.id == act and each.proposal]
    if not places:
        return None, ""
    for each in session.acts[places[0] + 1 :]:
        if each.kind is ActKind.TERMINATE:
            break
        if each.kind is ActKind.WITHDRAW_TERMINATE or (
            each.kind is ActKind.UNDO and each.of == act
        ):
            return Became.WITHDRAWN, each.by
    return Became.LAPSED, ""


def _proposed(session: ExamSession, now: datetime) -> Termination | None:
    proposed = session.termination
    return proposed if proposed is not None and now < proposed.lapses_at else None


# --- taking back -----------------------------------------------------------------------------


def _undo(session: ExamSession, done: Act, policy: Policy) -> ExamSession:
    place = next((at for at, each in enumerate(session.acts) if each.id == done.of), None)
    if place is None:
        raise NoSuchAct
    before = session.acts[place]
    if problem := _why_not(session, before):
        raise ActNotUndoable(act=before.id, problem=problem)
    match before.kind:
        case ActKind.PAUSE:
            session = rules.resume(session, now=done.at, rules=policy.time)
        case ActKind.EXTRA_TIME:
            shorter = rules.take_back(session, before.at, reason=done.note, now=done.at)
            if shorter is session:
                raise ActNotUndoable(act=before.id, problem="nothing of it is left")
            session = shorter
        case ActKind.LIFT_RULE:
            session = _restore(session, before.rule, done.at)
        case ActKind.TERMINATE:
            _require_that(session, before.id, done.at)
            session = replace(session, termination=None)
        case ActKind.ADMIT_DEVICE:
            first = _gave_way(session, before)
            assert first is not None  # else it could not be taken back
            admitted = (*session.devices.admitted, first)
            session = replace(session, devices=replace(session.devices, admitted=admitted))
        case ActKind.REFUSE_DEVICE:
            waits = asking.waiting_again(session.devices, before.of, refused_at=before.at)
            assert waits is not None  # else it could not be taken back
            session = replace(session, devices=waits)
        case _:
            pass  # an irregularity is struck, and that is all
    undone = replace(before, undone=True)
    acts = (*session.acts[:place], undone, *session.acts[place + 1 :])
    return replace(session, acts=acts)


def _taken_s(before: ExamSession, after: ExamSession) -> int:
    """Return how many seconds were taken back, rounded up; 0 where none were."""
    new = after.ledger[len(before.ledger) :]
    return sum(ceil(-each.given.total_seconds()) for each in new if each.cause is Cause.CORRECTION)


def _why_not(session: ExamSession, done: Act) -> str:
    """Return why an act can't be taken back, or ""."""
    if done.undone:
        return "it was taken back already"
    stands = False
    match done.kind:
        case ActKind.IRREGULARITY:
            return ""
        case ActKind.PAUSE:
            stands = session.state is State.PAUSED and session.paused_at == done.at
        case ActKind.EXTRA_TIME:
            stands = rules.granted_to_open(session, done.at) is not None
        case ActKind.LIFT_RULE:
            stands = any(
                each.rule == done.rule and each.since == done.at and each.until is None
                for each in session.lifts
            )
        case ActKind.TERMINATE:
            stands = session.termination is not None and session.termination.at == done.at
        case ActKind.ADMIT_DEVICE:
            stands = _gave_way(session, done) is not None
        case ActKind.REFUSE_DEVICE:
            waits = asking.waiting_again(session.devices, done.of, refused_at=done.at)
            opened = () if waits is None else rules.asks_open(replace(session, devices=waits))
            if any(each.device.id == done.of for each in opened):
                return ""  # also after the end, of one that asked then: to look
        case _:
            return "an act of this kind stays"
    if session.state in ENDED:
        return "the session has ended"
    return "" if stands else "it is over"


def _gave_way(session: ExamSession, done: Act) -> KnownDevice | None:
    """Return the device that had the session until another was let in, while that one has it."""
    later = session.acts[session.acts.index(done) + 1 :]
    if any(each.kind is ActKind.ADMIT_DEVICE for each in later):
        return None  # who has it now may have it for another reason
    return asking.gave_way(session.devices, done.of, at=done.at, phones=_phones(session))
