from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from proctor.domain.acts import Act, ActKind
from proctor.domain.devices import KnownDevice
from proctor.domain.errors import Refusal
from proctor.domain.identity import Checked, CheckKind, IdCheck, IdState
from proctor.domain.moves import Actor, IllegalMove, NotTheirEvent
from proctor.domain.policy import IdentityRules, Policy, ReviewRules, TimeRules
from proctor.domain.review import (
    Outcome,
    ResultsHeld,
    Review,
    ReviewState,
    SessionGoesOn,
    Verdict,
)
from proctor.domain.session import (
    CAUSES,
    ENDED,
    HAND_IN_GRACE,
    MOVES,
    AnotherSectionFirst,
    BadGrant,
    Event,
    ExamSession,
    Found,
    NoSuchSection,
    NotDecidedYet,
    OutsideWindow,
    ReleasedUnjudged,
    SectionClosed,
    SectionEvent,
    SectionNotOpen,
    SectionRun,
    SectionState,
    SessionClosed,
    State,
    advance,
    closes_at,
    contact_back,
    contact_lost,
    grant,
    hand_in_section,
    held_since,
    is_late,
    is_released_unjudged,
    join,
    needs_nobody,
    open_section,
    pause,
    release,
    require_intake,
    require_judgeable,
    resume,
    settle,
    submit,
    terminate,
)
from proctor.domain.timing import Cause

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
RULES = TimeRules(give_back="all", after_s=10, most_s=600)
LATE = timedelta(hours=24)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def ready(
    *, ids: str = "abc", limit_s: float = 3600, in_order: bool = True, window: bool = False
) -> ExamSession:
    """Return a session that may begin; its window, if any, is [0 s, 8000 s)."""
    return ExamSession(
        id="s_1",
        exam="sds",
        exam_sha256="e" * 64,
        policy_sha256="p" * 64,
        learner="Ada",
        made_at=at(-9000),
        sections=tuple(SectionRun(id=each, limit=s(limit_s)) for each in ids),
        in_order=in_order,
        state=State.READY,
        starts_at=at(0) if window else None,
        ends_at=at(8000) if window else None,
    )


def running(*, ids: str = "abc", in_order: bool = True, window: bool = False) -> ExamSession:
    return open_section(ready(ids=ids, in_order=in_order, window=window), ids[0], now=at(0))


def in_state(state: State) -> ExamSession:
    match state:
        case State.INVITED | State.CHECK_IN | State.READY:
            return replace(ready(window=True), state=state)
        case State.RUNNING:
            return running(window=True)
        case State.PAUSED:
            return pause(running(window=True), now=at(10))
        case State.SUBMITTED:
            return submit(running(window=True), now=at(20))
        case State.TERMINATED:
            return terminate(running(window=True), now=at(20))
        case State.EXPIRED:
            return settle(ready(window=True), now=at(8000), rules=RULES)


@pytest.mark.parametrize(
    ("state", "event", "actor"),
    [
        pytest.param(state, event, actor, id=f"{state}, {event} by {actor}")
        for state, event, actor in product(State, Event, Actor)
    ],
)
def test_a_session_moves_as_its_tables_say_or_stays_as_it_is(
    state: State, event: Event, actor: Actor
) -> None:
    session = in_state(state)
    before = deepcopy(session)
    after = MOVES[state].get(event)

    if after is not None and actor in CAUSES[event]:
        assert advance(session, event, actor=actor) == replace(session, state=after)
    else:
        with pytest.raises(IllegalMove if actor in CAUSES[event] else NotTheirEvent):
            advance(session, event, actor=actor)
    assert session == before


COMMANDS: dict[str, tuple[Callable[[ExamSession], ExamSession], set[State], set[State]]] = {
    # what: (command, states in which it does something, states in which it changes nothing)
    "open": (
        lambda session: open_section(session, "a", now=at(30)),
        {State.READY},
        {State.RUNNING},
    ),
    "hand in a section": (
        lambda session: hand_in_section(session, "a", now=at(30)),
        {State.RUNNING},
        set(ENDED),
    ),
    "submit": (
        lambda session: submit(session, now=at(30)),
        {State.RUNNING},
        {State.SUBMITTED},
    ),
    "terminate": (
        lambda session: terminate(session, now=at(30)),
        set(State) - ENDED,
        set(),
    ),
    "pause": (lambda session: pause(session, now=at(30)), {State.RUNNING}, set()),
    "resume": (
        lambda session: resume(session, now=at(30), rules=RULES),
        {State.PAUSED},
        set(),
    ),
    "grant": (
        lambda session: grant(session, "a", s(60), reason="fire alarm", now=at(30)),
        {State.RUNNING, State.PAUSED},
        set(),
    ),
    "contact lost": (
        lambda session: contact_lost(session, at=at(30)),
        set(State) - ENDED,
        set(ENDED),
    ),
    "contact back": (
        lambda session: contact_back(session, now=at(30), rules=RULES),
        set(),
        set(State),
    ),
}


@pytest.mark.parametrize(
    ("what", "state"),
    [pytest.param(what, state, id=f"{what}, {state}") for what, state in product(COMMANDS, State)],
)
def test_a_command_acts_where_it_may_and_is_refused_elsewhere_without_a_trace(
    what: str, state: State
) -> None:
    command, acts_in, idle_in = COMMANDS[what]
    session = in_state(state)
    before = deepcopy(session)

    if state in acts_in:
        assert command(session) != before
    elif state in idle_in:
        assert command(session) == before
    else:
        with pytest.raises(Refusal):
            command(session)
    assert session == before


@pytest.mark.parametrize("what", [what for what in COMMANDS if "contact" not in what])
def test_no_command_brings_an_ended_session_back(what: str) -> None:
    command, acts_in, _ = COMMANDS[what]

    assert not acts_in & ENDED
    for state in ENDED:
        try:
            after = command(in_state(state))
        except Refusal:
            continue
        assert after == in_state(state)


# Sections and their order


def test_the_first_section_starts_the_session() -> None:
    session = open_section(ready(), "a", now=at(5))

    assert session.state is State.RUNNING
    assert session.section("a").state is SectionState.OPEN
    assert session.section("a").opened_at == at(5)
    assert closes_at(session, session.section("a")) == at(3605)


def test_opening_an_open_section_again_changes_nothing() -> None:
    session = running()

    assert open_section(session, "a", now=at(50)) == session


@pytest.mark.parametrize("in_order", [True, False])
def test_no_two_sections_are_open_at_once(in_order: bool) -> None:
    session = running(in_order=in_order)

    with pytest.raises(AnotherSectionFirst) as refused:
        open_section(session, "b", now=at(50))

    assert refused.value.code == "another-section-first"
    assert refused.value.facts() == {"section": "b", "first": "a"}


def test_an_exam_in_order_opens_its_sections_in_order() -> None:
    with pytest.raises(AnotherSectionFirst) as refused:
        open_section(ready(), "b", now=at(0))
    assert refused.value.first == "a"

    session = hand_in_section(running(), "a", now=at(10))
    with pytest.raises(AnotherSectionFirst) as refused:
        open_section(session, "c", now=at(20))
    assert refused.value.first == "b"

    assert open_section(session, "b", now=at(20)).section("b").state is SectionState.OPEN


def test_an_exam_without_order_opens_any_section_next() -> None:
    session = open_section(ready(in_order=False), "c", now=at(0))
    session = hand_in_section(session, "c", now=at(10))

    session = open_section(session, "a", now=at(20))

    states = [section.state for section in session.sections]
    assert states == [SectionState.OPEN, SectionState.PLANNED, SectionState.CLOSED]


def test_a_closed_section_never_opens_again() -> None:
    session = hand_in_section(running(), "a", now=at(10))

    with pytest.raises(SectionClosed) as refused:
        open_section(session, "a", now=at(20))

    assert refused.value.code == "section-closed"
    assert refused.value.facts() == {"section": "a", "closed_at": at(10)}
    assert str(refused.value) == f"section a closed at {at(10).isoformat()}"


def test_a_section_closed_nobody_knows_when_is_said_without_an_instant() -> None:
    assert str(SectionClosed(section="a", closed_at=None)) == "section a closed"


@pytest.mark.parametrize("state", [State.INVITED, State.CHECK_IN])
def test_no_section_opens_before_check_in(state: State) -> None:
    with pytest.raises(IllegalMove):
        open_section(in_state(state), "a", now=at(0))


def test_no_section_opens_while_paused() -> None:
    between = pause(hand_in_section(running(), "a", now=at(5)), now=at(10))

    with pytest.raises(IllegalMove):
        open_section(between, "b", now=at(20))
    with pytest.raises(IllegalMove):
        open_section(pause(running(), now=at(10)), "a", now=at(20))


@pytest.mark.parametrize(
    ("now_s", "inside"),
    [
        pytest.param(-0.001, False, id="just before the window"),
        pytest.param(0, True, id="at its start"),
        pytest.param(7999.999, True, id="just before its end"),
        pytest.param(8000, False, id="at its end"),
    ],
)
def test_a_section_opens_inside_the_window_only(now_s: float, inside: bool) -> None:
    session = ready(window=True)

    if inside:
        assert open_section(session, "a", now=at(now_s)).state is State.RUNNING
        return
    with pytest.raises(OutsideWindow) as refused:
        open_section(session, "a", now=at(now_s))
    assert refused.value.code == "outside-window"
    assert refused.value.facts() == {"starts_at": at(0), "ends_at": at(8000)}


def test_an_exam_without_a_window_is_sat_at_any_time() -> None:
    assert open_section(ready(), "a", now=at(10**8)).state is State.RUNNING


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda it: it.section("x"), id="look"),
        pytest.param(lambda it: open_section(it, "x", now=at(0)), id="open"),
        pytest.param(lambda it: hand_in_section(it, "x", now=at(0)), id="hand in"),
        pytest.param(lambda it: grant(it, "x", s(60), reason="why", now=at(0)), id="grant"),
    ],
)
def test_a_section_the_exam_does_not_have_is_refused(
    command: Callable[[ExamSession], object],
) -> None:
    with pytest.raises(NoSuchSection) as refused:
        command(running())

    assert refused.value.code == "no-such-section"
    assert refused.value.facts() == {"section": "x"}


def test_a_planned_section_has_no_deadline() -> None:
    session = running()

    assert closes_at(session, session.section("b")) is None


# Handing in


def test_a_section_handed_in_closes_at_that_moment_by_its_learner() -> None:
    session = hand_in_section(running(), "a", now=at(100))

    section = session.section("a")
    assert (section.state, section.closed_by) == (SectionState.CLOSED, SectionEvent.HAND_IN)
    assert section.closed_at == closes_at(session, section) == at(100)
    assert session.state is State.RUNNING


def test_a_section_handed_in_twice_closed_the_first_time() -> None:
    session = hand_in_section(running(), "a", now=at(100))

    assert hand_in_section(session, "a", now=at(200)) == session


def test_a_section_that_was_not_opened_is_not_handed_in() -> None:
    with pytest.raises(SectionNotOpen) as refused:
        hand_in_section(running(), "b", now=at(100))

    assert refused.value.code == "section-not-open"
    assert refused.value.facts() == {"section": "b"}


def test_nothing_is_handed_in_while_paused() -> None:
    session = pause(running(), now=at(50))

    with pytest.raises(IllegalMove):
        hand_in_section(session, "a", now=at(100))
    with pytest.raises(IllegalMove):
        submit(session, now=at(100))


def test_handing_in_ends_the_session_and_cuts_what_is_left() -> None:
    session = submit(running(), now=at(100))

    assert session.state is State.SUBMITTED
    assert (session.closed_at, session.closed_by) == (at(100), Actor.LEARNER)
    assert {section.state for section in session.sections} == {SectionState.CLOSED}
    assert {section.closed_by for section in session.sections} == {SectionEvent.CUT}
    assert {section.closed_at for section in session.sections} == {at(100)}


def test_handing_in_leaves_a_closed_section_as_it_closed() -> None:
    session = submit(hand_in_section(running(), "a", now=at(60)), now=at(100))

    assert session.section("a").closed_at == at(60)
    assert session.section("a").closed_by is SectionEvent.HAND_IN


def test_a_session_handed_in_twice_ended_the_first_time() -> None:
    session = submit(running(), now=at(100))

    assert submit(session, now=at(200)) == session


def test_a_rejected_session_is_not_handed_in_again() -> None:
    with pytest.raises(IllegalMove):
        submit(terminate(running(), now=at(100)), now=at(200))


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_a_proctor_ends_any_session_that_goes_on(state: State) -> None:
    session = terminate(contact_lost(in_state(state), at=at(11)), now=at(100))

    assert session.state is State.TERMINATED
    assert (session.closed_at, session.closed_by) == (at(100), Actor.PROCTOR)
    assert (session.paused_at, session.lost_at) == (None, None)
    assert {section.closed_by for section in session.sections} == {SectionEvent.CUT}


def test_a_section_cut_after_the_window_closed_at_its_end() -> None:
    session = settle(running(window=True), now=at(8100), rules=RULES)

    ended = submit(session, now=at(8100))

    assert ended.closed_at == at(8100)
    assert [each.closed_at for each in ended.sections] == [at(3600), at(8000), at(8000)]


# Pause


def test_a_pause_is_given_back_to_the_open_section() -> None:
    session = resume(pause(running(), now=at(100)), now=at(160), rules=RULES)

    assert (session.state, session.paused_at) == (State.RUNNING, None)
    assert closes_at(session, session.section("a")) == at(3660)
    assert [(e.section, e.given, e.cause, e.at) for e in session.ledger] == [
        ("a", s(60), Cause.PAUSE, at(160))
    ]


def test_a_pause_between_sections_gives_nothing() -> None:
    session = hand_in_section(running(), "a", now=at(50))

    session = resume(pause(session, now=at(100)), now=at(160), rules=RULES)

    assert session.ledger == ()


def test_a_pause_of_no_length_gives_nothing() -> None:
    session = running()

    assert resume(pause(session, now=at(100)), now=at(100), rules=RULES) == session


# Extra time


@pytest.mark.parametrize("given_s", [1, 60, 24 * 3600])
def test_a_proctor_gives_an_open_section_time_with_a_reason(given_s: float) -> None:
    session = grant(running(), "a", s(given_s), reason="fire alarm", now=at(50))

    assert closes_at(session, session.section("a")) == at(3600 + given_s)
    (entry,) = session.ledger
    assert (entry.cause, entry.reason, entry.at) == (Cause.PROCTOR, "fire alarm", at(50))


def test_what_one_section_is_given_no_other_gets() -> None:
    session = grant(running(), "a", s(60), reason="fire alarm", now=at(50))

    session = open_section(hand_in_section(session, "a", now=at(60)), "b", now=at(100))

    assert closes_at(session, session.section("b")) == at(3700)


@pytest.mark.parametrize(
    ("given_s", "reason"),
    [
        pytest.param(0.999, "why", id="less than a second"),
        pytest.param(0, "why", id="nothing"),
        pytest.param(-60, "why", id="time taken away"),
        pytest.param(24 * 3600 + 0.001, "why", id="more than a day"),
        pytest.param(60, "", id="no reason"),
        pytest.param(60, " \n", id="a blank reason"),
    ],
)
def test_time_is_not_given_out_of_its_range_or_without_a_reason(
    given_s: float, reason: str
) -> None:
    with pytest.raises(BadGrant) as refused:
        grant(running(), "a", s(given_s), reason=reason, now=at(50))

    assert refused.value.code == "bad-grant"
    assert refused.value.facts() == {"problem": "extra time is 1 second to 24 hours, with a reason"}


def test_time_is_given_to_an_open_section_only() -> None:
    session = hand_in_section(running(), "a", now=at(50))

    for section in ("a", "b"):
        with pytest.raises(SectionNotOpen):
            grant(session, section, s(60), reason="why", now=at(60))


def test_the_window_cuts_what_a_proctor_gives() -> None:
    session = grant(running(window=True), "a", s(7200), reason="why", now=at(50))

    assert closes_at(session, session.section("a")) == at(8000)


# Intake


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_a_session_that_goes_on_takes_records(state: State) -> None:
    require_intake(in_state(state), now=at(10**6), late=LATE)


def test_a_learner_who_handed_in_has_closed_the_log() -> None:
    session = submit(running(), now=at(100))

    with pytest.raises(SessionClosed) as refused:
        require_intake(session, now=at(100), late=LATE)

    assert refused.value.code == "session-closed"
    assert refused.value.facts() == {"state": "submitted", "closed_at": at(100)}


@pytest.mark.parametrize(
    ("session", "closed_at"),
    [
        pytest.param(terminate(running(), now=at(100)), at(100), id="by a proctor"),
        pytest.param(in_state(State.EXPIRED), at(8000), id="by the window, never begun"),
        pytest.param(
            settle(running(window=True), now=at(9999), rules=RULES),
            at(8000) + HAND_IN_GRACE,
            id="by the clock",
        ),
    ],
)
def test_any_other_end_takes_late_records_for_a_while(
    session: ExamSession, closed_at: datetime
) -> None:
    assert session.closed_at == closed_at
    require_intake(session, now=closed_at, late=LATE)
    require_intake(session, now=closed_at + LATE - s(0.001), late=LATE)
    with pytest.raises(SessionClosed):
        require_intake(session, now=closed_at + LATE, late=LATE)
    with pytest.raises(SessionClosed):
        require_intake(session, now=closed_at, late=s(0))


# Late


@pytest.mark.parametrize(
    ("received_s", "late"),
    [
        pytest.param(-0.001, True, id="before it was opened"),
        pytest.param(0, False, id="as it was opened"),
        pytest.param(3599.999, False, id="just before the deadline"),
        pytest.param(3600, True, id="at the deadline"),
    ],
)
def test_an_answer_is_late_unless_its_section_was_open(received_s: float, late: bool) -> None:
    session = running()
    settled = settle(session, now=at(4000), rules=RULES)

    assert is_late(session, "a", received_at=at(received_s)) is late
    assert is_late(settled, "a", received_at=at(received_s)) is late


def test_an_answer_after_handing_in_is_late() -> None:
    session = hand_in_section(running(), "a", now=at(100))

    assert not is_late(session, "a", received_at=at(99.999))
    assert is_late(session, "a", received_at=at(100))


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(running(), id="planned"),
        pytest.param(submit(running(), now=at(100)), id="cut before it was opened"),
    ],
)
@pytest.mark.parametrize("section", ["b", "x"])
def test_an_answer_to_a_section_never_opened_is_late(session: ExamSession, section: str) -> None:
    assert is_late(session, section, received_at=at(50))


def test_an_answer_that_comes_during_a_pause_is_not_late_for_a_deadline_that_waits() -> None:
    paused = pause(running(), now=at(3000))
    resumed = resume(paused, now=at(5000), rules=RULES)

    assert not is_late(paused, "a", received_at=at(4000))
    assert not is_late(resumed, "a", received_at=at(4000))
    assert not is_late(resumed, "a", received_at=at(5599))
    assert is_late(resumed, "a", received_at=at(5600))


def test_a_pause_makes_nothing_punctual_that_was_late_before_it() -> None:
    closed = hand_in_section(running(), "a", now=at(100))

    assert is_late(pause(closed, now=at(200)), "a", received_at=at(300))


# Contact


def test_contact_is_lost_once_until_it_is_back() -> None:
    session = contact_lost(running(), at=at(50))

    assert session.lost_at == at(50)
    assert contact_lost(session, at=at(60)) == session


def test_contact_that_was_never_lost_gives_nothing() -> None:
    assert contact_back(running(), now=at(50), rules=RULES) == running()


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_session_loses_no_contact(state: State) -> None:
    assert contact_lost(in_state(state), at=at(50)).lost_at is None


def test_an_outage_gives_its_length_back_to_the_open_section() -> None:
    session = contact_back(contact_lost(running(), at=at(50)), now=at(90), rules=RULES)

    assert session.lost_at is None
    assert [(e.section, e.given, e.cause, e.at) for e in session.ledger] == [
        ("a", s(40), Cause.OUTAGE, at(90))
    ]
    assert closes_at(session, session.section("a")) == at(3640)


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(ready(), id="before the first section"),
        pytest.param(hand_in_section(running(), "a", now=at(40)), id="between sections"),
    ],
)
def test_an_outage_while_nothing_is_open_gives_nothing(session: ExamSession) -> None:
    assert contact_back(contact_lost(session, at=at(50)), now=at(90), rules=RULES) == session


def test_an_outage_gives_nothing_to_a_section_handed_in_meanwhile() -> None:
    # The uplink is gone, and yet the request to hand in comes through.
    session = hand_in_section(contact_lost(running(), at=at(50)), "a", now=at(90))

    assert contact_back(session, now=at(120), rules=RULES).ledger == ()


def test_of_an_outage_a_section_opened_meanwhile_gets_its_own_part() -> None:
    session = hand_in_section(running(), "a", now=at(40))
    session = open_section(contact_lost(session, at=at(50)), "b", now=at(70))

    session = contact_back(session, now=at(90), rules=RULES)

    assert [(e.section, e.given) for e in session.ledger] == [("b", s(20))]


# --- the first device, and the result ------------------------------------------------------------


@pytest.mark.parametrize("state", [each for each in State if each is not State.INVITED])
def test_a_session_is_joined_first_but_once(state: State) -> None:
    device = KnownDevice(id="d_1", key="key", kind="browser")
    joined = join(in_state(State.INVITED), device)
    assert (joined.state, joined.devices.used) == (State.CHECK_IN, device)
    with pytest.raises(IllegalMove):
        join(in_state(state), device)


def test_a_result_is_released_once_people_have_decided() -> None:
    awaiting = in_state(State.SUBMITTED)
    rules = ReviewRules()
    said = Verdict(by="ann", outcome=Outcome.CLEAR, reasons="calm", at=at(0))
    # Where it stands between two people is nobody else's to know.
    for state in (ReviewState.AWAITING, ReviewState.SECOND_NEEDED, ReviewState.THIRD_NEEDED):
        with pytest.raises(NotDecidedYet) as refused:
            release(replace(awaiting, review=Review(state=state)), now=at(0), rules=rules)
        assert refused.value.facts() == {"review": "awaiting"}
    decided = replace(awaiting, review=Review(state=ReviewState.DECIDED, verdicts=(said,)))
    released = release(decided, now=at(1), rules=rules)
    assert released.released_at == at(1)
    assert release(released, now=at(2), rules=rules) is released
    holding = ReviewRules(results_held="until-contest-over")
    with pytest.raises(ResultsHeld):
        release(decided, now=at(1), rules=holding)


POLICY = Policy(id="p", title="P", time=TimeRules(late_h=24))
NOT_HELD = replace(POLICY, identity=IdentityRules(hold=False))
READ = (Checked(check=CheckKind.ONE_FACE, result="agrees"),)
ACCEPTED = IdCheck(state=IdState.ACCEPTED, captured_at=at(2), decided_at=at(5), checks=READ)
NOTHING = Found(conduct_flags=False, late_answers=False, owed=False, unseen=False)
NOTED = Act(id="a1", kind=ActKind.IRREGULARITY, by="bo", at=at(9), of="room")


def quiet() -> ExamSession:
    """Return a session that was handed in by a learner who was accepted."""
    return replace(in_state(State.SUBMITTED), id_check=ACCEPTED)


@pytest.mark.parametrize("policy", [POLICY, NOT_HELD], ids=["held", "not held"])
def test_a_session_in_which_nothing_waits_for_a_person_needs_nobody(policy: Policy) -> None:
    assert needs_nobody(quiet(), policy, NOTHING, now=at(21))
    struck = replace(quiet(), acts=(replace(NOTED, undone=True), replace(NOTED, kind=ActKind.UNDO)))
    assert needs_nobody(struck, policy, NOTHING, now=at(21))


@pytest.mark.parametrize(
    "session",
    [
        *[
            pytest.param(replace(in_state(state), id_check=ACCEPTED), id=f"it is {state}")
            for state in State
            if state is not State.SUBMITTED
        ],
        *[
            pytest.param(replace(quiet(), review=Review(state=state)), id=f"its review is {state}")
            for state in ReviewState
            if state is not ReviewState.AWAITING
        ],
        pytest.param(replace(quiet(), acts=(NOTED,)), id="a proctor noted an irregularity"),
        pytest.param(
            replace(quiet(), id_check=replace(ACCEPTED, doubted_at=at(6))), id="another account"
        ),
        pytest.param(replace(quiet(), id_check=IdCheck(state=IdState.REFUSED)), id="who sat it"),
        pytest.param(
            replace(quiet(), id_check=IdCheck(state=IdState.REFUSAL_PROPOSED)),
            id="one person would refuse who sat it",
        ),
        pytest.param(
            replace(quiet(), id_check=IdCheck(state=IdState.RETAKE, before=ACCEPTED)),
            id="new pictures were asked for and never came",
        ),
        pytest.param(
            replace(
                quiet(),
                id_check=IdCheck(state=IdState.CAPTURED, captured_at=at(6), before=ACCEPTED),
            ),
            id="new pictures that were asked for wait",
        ),
        # Until the last late record may have come.
        pytest.param(replace(quiet(), closed_by=Actor.CLOCK), id="it takes records still"),
    ],
)
@pytest.mark.parametrize("policy", [POLICY, NOT_HELD], ids=["held", "not held"])
def test_a_session_that_somebody_may_have_to_look_at_needs_somebody(
    session: ExamSession, policy: Policy
) -> None:
    assert not needs_nobody(session, policy, NOTHING, now=at(21))
    if session.state is State.SUBMITTED and session.closed_by is Actor.LEARNER:
        # Where it comes after the release, people judge it all the same.
        later = replace(session, released_at=at(30))
        require_judgeable(later, conduct_flags=False)
        assert not is_released_unjudged(later, conduct_flags=False)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(replace(NOTHING, conduct_flags=True), id="a flag of conduct"),
        pytest.param(replace(NOTHING, late_answers=True), id="answers that came late"),
        pytest.param(replace(NOTHING, owed=True), id="pictures that have not come"),
        pytest.param(replace(NOTHING, unseen=True), id="what could not be measured"),
    ],
)
def test_what_may_be_held_against_a_release_needs_somebody(found: Found) -> None:
    assert not needs_nobody(quiet(), POLICY, found, now=at(21))


def test_what_the_clock_handed_in_needs_nobody_once_no_record_can_come() -> None:
    session = replace(quiet(), closed_by=Actor.CLOCK)
    end = at(20) + LATE
    assert not needs_nobody(session, POLICY, NOTHING, now=end - s(1))
    assert needs_nobody(session, POLICY, NOTHING, now=end)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(IdCheck(), id="not shown"),
        pytest.param(
            IdCheck(state=IdState.CAPTURED, captured_at=at(2), checks=READ), id="not looked at"
        ),
        pytest.param(replace(ACCEPTED, checks=()), id="not compared with other accounts yet"),
    ],
)
def test_who_sat_it_is_accepted_by_a_person_where_the_policy_asks_who_that_is(
    check: IdCheck,
) -> None:
    session = replace(quiet(), id_check=check)
    assert not needs_nobody(session, POLICY, NOTHING, now=at(21))
    # It lets the learner begin at once, and asks for a document all the same.
    assert not needs_nobody(session, NOT_HELD, NOTHING, now=at(21))


def test_where_no_document_is_asked_for_nobody_has_to_accept_one() -> None:
    not_asked = replace(POLICY, identity=IdentityRules(hold=False, document="none"))
    shown = IdCheck(state=IdState.CAPTURED, captured_at=at(2))
    session = replace(quiet(), id_check=replace(shown, checks=READ))
    assert needs_nobody(session, not_asked, NOTHING, now=at(21))
    assert not needs_nobody(replace(session, id_check=shown), not_asked, NOTHING, now=at(21))
    doubted = replace(session, id_check=replace(shown, checks=READ, doubted_at=at(6)))
    assert not needs_nobody(doubted, not_asked, NOTHING, now=at(21))


def test_who_was_vouched_for_without_pictures_has_nothing_to_be_compared() -> None:
    vouched = IdCheck(state=IdState.ACCEPTED, vouched=True, decided_at=at(5))
    assert needs_nobody(replace(quiet(), id_check=vouched), POLICY, NOTHING, now=at(21))


@pytest.mark.parametrize("state", list(State))
def test_only_what_has_ended_is_judged(state: State) -> None:
    if state in ENDED:
        require_judgeable(in_state(state), conduct_flags=False)
        return
    with pytest.raises(SessionGoesOn):
        require_judgeable(in_state(state), conduct_flags=True)


def test_what_was_released_without_a_verdict_is_judged_for_a_later_flag_alone() -> None:
    released = replace(quiet(), released_at=at(30))
    with pytest.raises(ReleasedUnjudged) as refused:
        require_judgeable(released, conduct_flags=False)
    assert refused.value.facts() == {"released_at": at(30)}
    require_judgeable(released, conduct_flags=True)


def test_what_needs_nobody_is_released_without_a_verdict() -> None:
    holding = ReviewRules(results_held="until-contest-over")
    for rules in (ReviewRules(), holding):
        released = release(quiet(), now=at(30), rules=rules, unjudged=True)
        assert released.released_at == at(30)
        assert is_released_unjudged(released, conduct_flags=False)
        assert not is_released_unjudged(released, conduct_flags=True)
    assert not is_released_unjudged(quiet(), conduct_flags=False)
    judged = replace(quiet(), review=Review(state=ReviewState.DECIDED), released_at=at(30))
    assert not is_released_unjudged(judged, conduct_flags=False)


# --- held in check-in ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "check", "rehearsal_of", "since"),
    [
        pytest.param(State.CHECK_IN, IdState.CAPTURED, "", at(5), id="until a person looks"),
        pytest.param(
            State.CHECK_IN, IdState.REFUSAL_PROPOSED, "", at(5), id="until a second person looks"
        ),
        pytest.param(
            State.CHECK_IN, IdState.RETAKE, "", None, id="not while it is the learner's turn"
        ),
        pytest.param(State.READY, IdState.CAPTURED, "", None, id="not where the exam may begin"),
        pytest.param(State.CHECK_IN, IdState.CAPTURED, "s_0", None, id="not in a rehearsal"),
    ],
)
def test_a_check_in_is_held_until_a_person_has_looked(
    state: State, check: IdState, rehearsal_of: str, since: datetime | None
) -> None:
    session = replace(
        ready(),
        state=state,
        id_check=IdCheck(state=check, captured_at=at(5)),
        rehearsal_of=rehearsal_of,
    )

    assert held_since(session) == since
