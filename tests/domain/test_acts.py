"""What a proctor does to a session, and how it is taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.act_words import act_words, lapsed, lifted_words, permitted_words, told
from proctor.domain.acting import act, done_before, undoable
from proctor.domain.acts import (
    ACTS_TO_END,
    ACTS_TO_HELP,
    CLOSING,
    CONFIRM_WITHIN,
    FORMER_REASONS,
    HELPING,
    MAX_ACTS,
    MAX_NOTE_CHARS,
    NO_CODE,
    NO_NOTE,
    REASON_WORDS,
    REASONS,
    Act,
    ActIncomplete,
    ActKind,
    ActNotUndoable,
    ActReasonMissing,
    Became,
    Lift,
    NoSuchAct,
    NoSuchReason,
    NoSuchRule,
    NothingProposed,
    RequestReused,
    RuleUnchanged,
    StalePage,
    StaleProposal,
    TerminationProposed,
    TooManyActs,
    Wanted,
    interruptions,
    lifted,
)
from proctor.domain.devices import (
    Ask,
    AskDecided,
    AskState,
    Decision,
    Devices,
    KnownDevice,
    NoSuchAsk,
    decide,
)
from proctor.domain.devices import ask as ask_for
from proctor.domain.errors import Refusal
from proctor.domain.help import Call, NobodyCalls, Topic
from proctor.domain.identity import IdCheck, IdState, learner_reads
from proctor.domain.moves import IllegalMove
from proctor.domain.policy import FlagRule, Policy, ReviewRules, TimeRules
from proctor.domain.review import AnotherPersonNeeded
from proctor.domain.second_camera import SecondCamera
from proctor.domain.session import (
    ENDED,
    BadGrant,
    ExamSession,
    SectionNotOpen,
    SectionRun,
    SessionClosed,
    State,
    closes_at,
    contact_lost,
    lapse,
    open_section,
    settle,
    submit,
    take_back,
)
from proctor.domain.timing import Allowance, Cause

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
CODE = "technical/network"
TIME = TimeRules(give_back="all", after_s=10, most_s=600)
PEOPLE = FlagRule(when="person-count", for_s=10)
POLICY = Policy(
    id="p", title="P", time=TIME, flags=(PEOPLE, FlagRule(when="dark"), FlagRule(when="log-fork"))
)
ONE_ENDS = replace(POLICY, review=ReviewRules(terminate_needs=1))
OTHER = KnownDevice(id="d_2", key="k2", kind="browser")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ready() -> ExamSession:
    return ExamSession(
        id="s_1",
        exam="sds",
        exam_sha256="e" * 64,
        policy_sha256="p" * 64,
        learner="Ada",
        made_at=at(-9000),
        sections=(
            SectionRun(id="a", limit=timedelta(hours=1)),
            SectionRun(id="b", limit=timedelta(hours=1)),
        ),
        in_order=True,
        state=State.READY,
    )


def running() -> ExamSession:
    return open_section(ready(), "a", now=START)


def do(
    session: ExamSession,
    kind: ActKind,
    *,
    by: str = "bo",
    now_s: float = 60,
    policy: Policy = POLICY,
    version: int | None = None,
    code: str = CODE,
    note: str = "the line",
    seconds: int = 0,
    rule: str = "",
    of: str = "",
    to_all: bool = False,
    request: str = "",
) -> ExamSession:
    wanted = Wanted(
        kind=kind,
        code=code,
        note=note,
        seconds=seconds,
        rule=rule,
        of=of,
        to_all=to_all,
        request=request,
    )
    now = at(now_s)
    settled = lapse(settle(session, now=now, rules=TIME), now=now)
    return act(settled, wanted, by=by, now=now, policy=policy, version=version)


def refusal(session: ExamSession, kind: ActKind, **more: Any) -> Refusal | None:
    try:
        do(session, kind, **more)
    except Refusal as no:
        return no
    return None


def read(session: ExamSession) -> list[str]:
    """Return what the learner reads."""
    return [act_words(each, session, POLICY) for each in told(session.acts)]


def ends_s(session: ExamSession) -> float:
    end = closes_at(session, session.section("a"))
    assert end is not None
    return (end - START).total_seconds()


# --- what every act says -------------------------------------------------------------------------


def test_an_act_keeps_who_what_when_and_why() -> None:
    session = do(running(), ActKind.PAUSE, note="  the line ")

    assert session.state is State.PAUSED
    assert session.acts == (
        Act(id="a1", kind=ActKind.PAUSE, by="bo", at=at(60), code=CODE, note="the line"),
    )


@pytest.mark.parametrize("kind", ActKind)
def test_an_act_needs_its_reason_and_its_note(kind: ActKind) -> None:
    without = {"code": kind not in NO_CODE, "note": kind not in NO_NOTE}
    for missing, needed in without.items():
        given = {"code": CODE, "note": "words"} | {missing: " "}
        refused = refusal(running(), kind, of="a1", **given)
        if needed:
            assert isinstance(refused, ActReasonMissing)
            assert refused.missing == missing
        else:
            assert not isinstance(refused, ActReasonMissing)


def test_a_reason_is_one_of_the_list() -> None:
    for code in REASON_WORDS.keys() - FORMER_REASONS.keys():
        assert do(running(), ActKind.PAUSE, code=code).acts[0].code == code
    for code in ("technical/gremlins", *FORMER_REASONS):
        with pytest.raises(NoSuchReason):
            do(running(), ActKind.PAUSE, code=code)


def test_the_list_of_reasons_has_categories_with_words() -> None:
    assert list(REASONS) == ["environment", "learner", "staff", "technical", "other"]
    listed = [f"{category}/{name}" for category, (_, names) in REASONS.items() for name in names]
    assert set(listed) == REASON_WORDS.keys() - FORMER_REASONS.keys()
    assert all(REASON_WORDS.values())


# Its category and ours; its names, in kebab-case.
_OF_TAO = {
    ("environment", "environment"): "comfort disturbance noise power-outage weather",
    ("examinee", "learner"): (
        "behaviour complaint id-authorization illness late navigation no-show"
    ),
    ("proctorStaff", "staff"): "behaviour compliance error late no-show",
    ("technical", "technical"): "freezing launching network printing testing-workstation",
}


@pytest.mark.parametrize(
    ("category", "names"),
    [pytest.param(ours, names, id=theirs) for (theirs, ours), names in _OF_TAO.items()],
)
def test_every_reason_that_tao_has_is_in_the_list(category: str, names: str) -> None:
    assert set(names.split()) <= REASONS[category][1].keys()


def test_no_two_reasons_read_the_same_to_a_learner() -> None:
    listed = [words for _, names in REASONS.values() for words in names.values()]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("learner/health", "health", id="what is an illness now"),
        pytest.param("learner/weather", "weather", id="what is of the environment now"),
        pytest.param("staff/late-start", "late start", id="what is late now"),
        pytest.param("technical/workstation", "workstation", id="what has another name now"),
    ],
)
def test_an_act_stored_with_a_reason_that_was_in_the_list_reads_as_it_did(
    code: str, words: str
) -> None:
    paused = do(running(), ActKind.PAUSE)
    before = replace(paused, acts=(replace(paused.acts[0], code=code),))
    assert read(before) == [f"A proctor paused your exam: {words}."]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"kind": ActKind.MESSAGE, "note": "x" * (MAX_NOTE_CHARS + 1)}, id="too long"),
        pytest.param({"kind": ActKind.IRREGULARITY, "of": "weather"}, id="of neither"),
        pytest.param({"kind": ActKind.UNDO}, id="undo of nothing"),
        pytest.param({"kind": ActKind.CONFIRM_TERMINATE}, id="confirmation of nothing"),
    ],
)
def test_an_act_says_what_it_is_about(wanted: dict[str, str]) -> None:
    with pytest.raises(ActIncomplete):
        do(running(), **wanted)  # type: ignore[arg-type] # as `do` takes them


# --- on a session that has ended ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ActKind)
def test_nothing_is_done_to_a_session_that_has_ended_but_what_is_noted(kind: ActKind) -> None:
    over = submit(running(), now=at(30))
    refused = refusal(over, kind, of="room", seconds=60, rule="dark")
    assert isinstance(refused, SessionClosed) == (kind not in _AFTER)


_AFTER = {
    ActKind.IRREGULARITY,
    ActKind.ANSWER,
    ActKind.UNDO,
    ActKind.ADMIT_DEVICE,
    ActKind.REFUSE_DEVICE,
}


# --- a stale page ---------------------------------------------------------------------------------


def test_who_decides_on_a_page_that_is_old_is_told_what_was_done_and_by_whom() -> None:
    paused = do(running(), ActKind.PAUSE, by="bo", version=0)
    with pytest.raises(StalePage) as no:
        do(paused, ActKind.RESUME, by="cy", version=0)
    assert (no.value.by, no.value.act, no.value.version) == ("bo", "pause", 1)
    assert do(paused, ActKind.RESUME, by="cy", version=1).state is State.RUNNING


def test_what_a_proctor_did_makes_no_page_of_their_own_old() -> None:
    paused = do(running(), ActKind.PAUSE, by="bo", version=0)
    assert do(paused, ActKind.RESUME, by="bo", version=0).state is State.RUNNING
    given = do(paused, ActKind.EXTRA_TIME, seconds=60, by="cy", version=1)
    own = do(given, ActKind.ASK_STILL, by="bo")
    with pytest.raises(StalePage) as no:
        do(own, ActKind.RESUME, by="bo", version=1)
    assert (no.value.by, no.value.act, no.value.version) == ("cy", "extra-time", 3)


def test_a_page_is_old_too_once_flags_came_that_it_does_not_show() -> None:
    no = StalePage(flags=["f1", "f2"])
    assert no.facts() == {"flags": ("f1", "f2")}
    assert str(no).startswith("2 flags came since")


def test_words_make_no_page_old() -> None:
    told_all = do(running(), ActKind.MESSAGE)
    assert do(told_all, ActKind.PAUSE, version=0).state is State.PAUSED


# --- messages, stills -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ActKind.MESSAGE, ActKind.ASK_STILL])
def test_what_is_only_said_changes_nothing_else(kind: ActKind) -> None:
    before = running()
    after = do(before, kind)
    assert replace(after, acts=()) == before


def test_a_call_is_answered() -> None:
    calling = replace(running(), help=Call(topic=Topic.HAND, since=at(10)))
    answered = do(calling, ActKind.ANSWER, code="", note="I am here")
    assert answered.help is not None
    assert (answered.help.answer, answered.help.answered_by) == ("I am here", "bo")
    with pytest.raises(NobodyCalls):
        do(answered, ActKind.ANSWER)


# --- the document again ---------------------------------------------------------------------------


def test_a_document_is_asked_for_again_where_the_check_allows_it() -> None:
    captured = replace(
        ready(), state=State.CHECK_IN, id_check=IdCheck(state=IdState.CAPTURED, captured_at=at(0))
    )
    again = do(captured, ActKind.ASK_ID, note="It is too dark.")
    assert again.id_check.state is IdState.RETAKE
    assert learner_reads(again.id_check) == "It is too dark."


def test_of_who_was_accepted_it_is_asked_again_and_the_exam_goes_on() -> None:
    check = IdCheck(state=IdState.ACCEPTED, by="lin", captured_at=START)
    accepted = replace(running(), id_check=check)
    asked = do(accepted, ActKind.ASK_ID)
    assert (asked.id_check.state, asked.id_check.before) == (IdState.RETAKE, accepted.id_check)
    assert replace(asked, id_check=accepted.id_check, acts=()) == accepted
    assert read(asked) == [
        "A proctor asked you to take the pictures of your ID check again: network."
    ]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(IdCheck(), id="nothing was shown yet"),
        pytest.param(IdCheck(state=IdState.RETAKE), id="it is asked for already"),
    ],
)
def test_what_can_t_be_shown_again_is_not_asked_for(check: IdCheck) -> None:
    with pytest.raises(IllegalMove):
        do(replace(running(), id_check=check), ActKind.ASK_ID)


# --- pause and time -------------------------------------------------------------------------------


def test_a_session_that_is_paused_can_t_be_paused() -> None:
    with pytest.raises(IllegalMove):
        do(do(running(), ActKind.PAUSE), ActKind.PAUSE)


def test_a_pause_is_taken_back_by_going_on_and_gives_its_time() -> None:
    paused = do(running(), ActKind.PAUSE, now_s=100)
    assert undoable(paused, paused.acts[0])
    gone_on = do(paused, ActKind.UNDO, of="a1", now_s=160)
    assert gone_on.state is State.RUNNING
    assert ends_s(gone_on) == 3660
    assert gone_on.acts[0].undone
    assert read(gone_on)[1] == "A proctor ended the pause: network."


def test_a_pause_that_is_over_can_t_be_taken_back() -> None:
    resumed = do(do(running(), ActKind.PAUSE), ActKind.RESUME, now_s=70)
    assert not undoable(resumed, resumed.acts[0])
    again = do(resumed, ActKind.PAUSE, now_s=80)
    with pytest.raises(ActNotUndoable) as no:
        do(again, ActKind.UNDO, of="a1", now_s=90)
    assert no.value.act == "a1"


def test_extra_time_goes_to_the_open_section() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600)
    assert ends_s(longer) == 4200
    assert read(longer) == ["A proctor gave you 10 minutes more: network."]
    with pytest.raises(BadGrant):
        do(running(), ActKind.EXTRA_TIME)
    with pytest.raises(SectionNotOpen):
        do(ready(), ActKind.EXTRA_TIME, seconds=600)


def test_extra_time_is_taken_back_with_an_entry_of_its_own() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600)
    back = do(longer, ActKind.UNDO, of="a1", code="", note="", now_s=70)
    assert ends_s(back) == 3600
    assert [(e.cause, e.given.total_seconds(), e.at) for e in back.ledger] == [
        (Cause.PROCTOR, 600, at(60)),
        (Cause.CORRECTION, -600, at(70)),
    ]
    assert read(back)[1] == "A proctor took back the 10 minutes given by mistake."
    with pytest.raises(ActNotUndoable):
        do(back, ActKind.UNDO, of="a1", now_s=80)


def test_of_extra_time_no_more_is_taken_back_than_is_left() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600, now_s=3500)
    back = do(longer, ActKind.UNDO, of="a1", now_s=4000)
    assert back.ledger[-1].given == timedelta(seconds=-200)
    assert back.acts[-1].seconds == 200
    words = "A proctor took back 3 minutes 20 seconds of the 10 minutes given by mistake: network."
    assert read(back)[1] == words
    # The deadline is now: the clock closes the section at this instant, not before it.
    assert settle(back, now=at(4000), rules=TIME).section("a").closed_at == at(4000)


def test_in_a_pause_what_is_left_is_what_was_left_when_it_began() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600, now_s=60)
    paused = do(longer, ActKind.PAUSE, now_s=4000)
    back = do(paused, ActKind.UNDO, of="a1", now_s=9000)
    assert back.ledger[-1].given == timedelta(seconds=-200)


def test_time_of_a_section_that_is_closed_stays() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600)
    assert not undoable(settle(longer, now=at(5000), rules=TIME), longer.acts[0])
    with pytest.raises(ActNotUndoable):
        do(longer, ActKind.UNDO, of="a1", now_s=5000)
    closed = settle(longer, now=at(5000), rules=TIME)
    assert take_back(closed, at(60), reason="", now=at(5000)) == closed


def test_time_of_which_an_outage_has_left_nothing_stays() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=60)
    lost = contact_lost(longer, at=at(3600))
    # Past its old deadline, which moves as long as the outage lasts.
    with pytest.raises(ActNotUndoable) as no:
        do(lost, ActKind.UNDO, of="a1", now_s=3700)
    assert no.value.problem == "nothing of it is left"


@given(granted=st.integers(1, 86_400), after_s=st.integers(0, 3_000), waited=st.integers(0, 90_000))
def test_a_deadline_never_moves_before_now(granted: int, after_s: int, waited: int) -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=granted, now_s=after_s)
    now_s = after_s + waited
    try:
        back = do(longer, ActKind.UNDO, of="a1", now_s=now_s)
    except ActNotUndoable:
        assert settle(longer, now=at(now_s), rules=TIME).section("a").closed_at is not None
    else:
        assert ends_s(back) >= max(3600, now_s)
        assert ends_s(back) <= ends_s(longer)


# --- rules ----------------------------------------------------------------------------------------


def test_a_rule_is_lifted_and_restored() -> None:
    free = do(running(), ActKind.LIFT_RULE, rule="person-count", now_s=100)
    assert lifted_words(free, POLICY) == ("more than 1 person for 10 seconds",)
    with pytest.raises(RuleUnchanged) as no:
        do(free, ActKind.LIFT_RULE, rule="person-count")
    assert (no.value.rule, no.value.lifted) == ("person-count", True)
    other = do(free, ActKind.LIFT_RULE, rule="dark", now_s=150)
    held = do(other, ActKind.RESTORE_RULE, rule="person-count", now_s=200)
    assert held.lifts == (
        Lift(rule="person-count", since=at(100), until=at(200)),
        Lift(rule="dark", since=at(150)),
    )
    with pytest.raises(RuleUnchanged) as no:
        do(held, ActKind.RESTORE_RULE, rule="person-count")
    assert no.value.lifted is False
    assert [lifted(held.lifts, "person-count", at(each)) for each in (99, 100, 199, 200)] == [
        False,
        True,
        True,
        False,
    ]
    assert [lifted(held.lifts, "dark", at(each)) for each in (149, 150, 9999)] == [
        False,
        True,
        True,
    ]


def test_a_lift_is_taken_back_once_and_only_while_it_holds() -> None:
    free = do(running(), ActKind.LIFT_RULE, rule="dark", now_s=100)
    held = do(free, ActKind.UNDO, of="a1", now_s=120)
    assert held.lifts == (Lift(rule="dark", since=at(100), until=at(120)),)
    assert read(held)[1] == "A proctor put a rule in force again, “too dark to see”: network."
    restored = do(free, ActKind.RESTORE_RULE, rule="dark", now_s=120)
    assert not undoable(restored, restored.acts[0])


@pytest.mark.parametrize("rule", ["log-fork", "no-face", "", "anything"])
def test_only_a_rule_of_the_policy_is_lifted_and_never_that_of_two_histories(rule: str) -> None:
    with pytest.raises(NoSuchRule):
        do(running(), ActKind.LIFT_RULE, rule=rule)


# --- devices --------------------------------------------------------------------------------------


def asked_by_another(phone: SecondCamera | None = None) -> ExamSession:
    ask = Ask(device=OTHER, asked_at=at(1))
    return replace(running(), devices=Devices(asks=(ask,)), second_camera=phone)


def test_another_device_is_let_in_or_not() -> None:
    admitted = do(asked_by_another(), ActKind.ADMIT_DEVICE, of="d_2", code="", note="")
    assert admitted.devices.used == OTHER
    refused = do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2", note="")
    assert refused.devices.asks[0].state is AskState.REFUSED
    with pytest.raises(NoSuchAsk):
        do(running(), ActKind.ADMIT_DEVICE, of="d_2")


def test_who_lets_a_device_in_may_say_why_and_who_refuses_one_has_a_reason() -> None:
    why: dict[str, Any] = {"of": "d_2", "code": "learner/late", "note": "Ask at the door."}
    admitted = do(asked_by_another(), ActKind.ADMIT_DEVICE, **why)
    assert (admitted.acts[0].code, admitted.acts[0].note) == (why["code"], why["note"])
    assert read(admitted) == ["A proctor let your other computer in: late arrival."]
    refused = do(asked_by_another(), ActKind.REFUSE_DEVICE, **why)
    assert read(refused) == ["A proctor did not let another computer in: late arrival."]
    with pytest.raises(ActReasonMissing) as no:
        do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2", code="", note="No.")
    assert no.value.missing == "code"


FIRST = KnownDevice(id="d_1", key="k1", kind="desktop")


def let_in(**changed: Any) -> ExamSession:
    """Return a session that its first device had until a proctor let another in."""
    ask = Ask(device=OTHER, asked_at=at(1))
    two = replace(running(), devices=Devices(admitted=(FIRST,), asks=(ask,)), **changed)
    return do(two, ActKind.ADMIT_DEVICE, of="d_2")


def test_a_device_that_was_let_in_by_mistake_gives_the_session_back() -> None:
    admitted = let_in()
    assert undoable(admitted, admitted.acts[0])
    back = do(admitted, ActKind.UNDO, of="a1", now_s=90, code="", note="")
    assert back.devices.used == FIRST
    assert read(back)[-1] == "A proctor gave the exam back to the computer before."
    assert not undoable(back, back.acts[0])
    # The other one may ask again, and is decided on again.
    anew = ask_for(back.devices, OTHER, now=at(100))
    again = do(replace(back, devices=anew), ActKind.ADMIT_DEVICE, of="d_2", now_s=110)
    assert again.devices.used == OTHER
    assert undoable(again, again.acts[2])


def test_what_was_asked_once_is_decided_once() -> None:
    back = do(let_in(), ActKind.UNDO, of="a1", now_s=90)
    with pytest.raises(AskDecided) as no:
        do(back, ActKind.ADMIT_DEVICE, of="d_2", now_s=95)
    assert (no.value.device, no.value.state) == ("d_2", "admitted")
    refused = do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2")
    with pytest.raises(AskDecided) as no:
        do(refused, ActKind.REFUSE_DEVICE, of="d_2")
    assert (no.value.device, no.value.state) == ("d_2", "refused")


def test_a_device_that_its_learner_let_in_is_let_in_by_no_proctor_who_could_undo_that() -> None:
    ask = Ask(device=OTHER, asked_at=at(1))
    asked = Devices(admitted=(FIRST,), asks=(ask,))
    by_learner = replace(running(), devices=decide(asked, "d_2", Decision.ADMIT))
    with pytest.raises(AskDecided):
        do(by_learner, ActKind.ADMIT_DEVICE, of="d_2", version=0)


def test_a_device_has_nobody_to_give_the_session_back_to() -> None:
    alone = do(asked_by_another(), ActKind.ADMIT_DEVICE, of="d_2")
    with pytest.raises(ActNotUndoable):
        do(alone, ActKind.UNDO, of="a1")
    phone = SecondCamera(link_sha256="", since=START, phone=FIRST)
    admitted = let_in(second_camera=phone)
    assert not undoable(admitted, admitted.acts[0])


def test_a_device_that_has_the_session_for_another_reason_by_now_keeps_it() -> None:
    admitted = let_in()
    (asked,) = admitted.devices.asks
    # Its learner let the first in again, and then this one.
    chain = (FIRST, OTHER, FIRST, OTHER)
    anew = Devices(admitted=chain, asks=(asked, replace(asked, asked_at=at(80))))
    assert not undoable(replace(admitted, devices=anew), admitted.acts[0])
    # Another was let in, and that was taken back.
    third = KnownDevice(id="d_3", key="k3", kind="browser")
    asks = ask_for(admitted.devices, third, now=at(70))
    more = do(replace(admitted, devices=asks), ActKind.ADMIT_DEVICE, of="d_3", now_s=75)
    assert not undoable(more, more.acts[0])
    back = do(more, ActKind.UNDO, of="a2", now_s=80)
    assert back.devices.used == OTHER
    assert not undoable(back, back.acts[0])


def test_a_device_that_was_refused_by_mistake_waits_again() -> None:
    refused = do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2", note="")
    assert undoable(refused, refused.acts[0])
    back = do(refused, ActKind.UNDO, of="a1", now_s=90, code="", note="")
    assert back.devices == asked_by_another().devices
    assert read(back)[-1] == (
        "A proctor took back that another computer was not let in: it waits again."
    )
    assert not undoable(back, back.acts[0])
    # What is decided on it now can be taken back, too.
    again = do(back, ActKind.REFUSE_DEVICE, of="d_2", now_s=95)
    assert [undoable(again, each) for each in again.acts] == [False, False, True]
    assert do(back, ActKind.ADMIT_DEVICE, of="d_2", now_s=95).devices.used == OTHER


def test_a_refused_device_that_has_asked_anew_or_is_unknown_is_left_as_it_is() -> None:
    refused = do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2", note="")
    asks = ask_for(refused.devices, OTHER, now=at(90))
    for devices in (asks, decide(asks, "d_2", Decision.REFUSE), Devices()):
        other = replace(refused, devices=devices)
        assert not undoable(other, refused.acts[0])


@pytest.mark.parametrize(
    ("asked_s", "can"),
    [
        pytest.param(1, False, id="it wanted to work there"),
        pytest.param(200, True, id="it wants to look"),
    ],
)
def test_after_the_end_a_refusal_is_taken_back_of_a_device_that_asked_then(
    asked_s: int, can: bool
) -> None:
    over = submit(asked_by_another(), now=at(100))
    asks = tuple(replace(each, asked_at=at(asked_s)) for each in over.devices.asks)
    over = replace(over, devices=replace(over.devices, asks=asks))
    refused = do(over, ActKind.REFUSE_DEVICE, of="d_2", note="", now_s=300)
    assert undoable(refused, refused.acts[0]) is can


def test_a_phone_is_never_given_the_session() -> None:
    phone = SecondCamera(link_sha256="", since=START, phone=OTHER)
    with pytest.raises(NoSuchAsk):
        do(asked_by_another(phone), ActKind.ADMIT_DEVICE, of="d_2")


# --- the end --------------------------------------------------------------------------------------


def test_an_exam_is_ended_by_two() -> None:
    proposed = do(running(), ActKind.TERMINATE, by="bo", now_s=100)
    assert proposed.state is State.RUNNING
    assert proposed.termination is not None
    assert proposed.termination.lapses_at == at(160)
    with pytest.raises(AnotherPersonNeeded):
        do(proposed, ActKind.CONFIRM_TERMINATE, of="a1", by="bo", now_s=110)
    with pytest.raises(TerminationProposed) as no:
        do(proposed, ActKind.TERMINATE, by="cy", now_s=110)
    assert (no.value.by, no.value.lapses_at) == ("bo", at(160))
    over = do(proposed, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=159.9, code="", note="")
    assert (over.state, over.closed_at, over.termination) == (State.TERMINATED, at(159.9), None)
    # Whoever confirms it makes the reason theirs.
    assert (over.acts[1].code, over.acts[1].note, over.acts[1].by) == (CODE, "the line", "cy")


def test_who_confirms_may_say_it_in_their_own_words() -> None:
    proposed = do(running(), ActKind.TERMINATE, by="bo")
    over = do(
        proposed, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", code="learner/illness", note="so ill"
    )
    assert (over.acts[1].code, over.acts[1].note) == ("learner/illness", "so ill")


def test_a_proposal_lapses_after_a_minute() -> None:
    proposed = do(running(), ActKind.TERMINATE, now_s=100)
    late = at(100) + CONFIRM_WITHIN
    assert lapse(proposed, now=late - timedelta(seconds=1)) == proposed
    assert lapse(proposed, now=late).termination is None
    with pytest.raises(NothingProposed):
        do(proposed, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=160)
    with pytest.raises(NothingProposed):
        do(running(), ActKind.CONFIRM_TERMINATE, of="a1", by="cy")
    # It can be proposed anew.
    assert do(proposed, ActKind.TERMINATE, by="cy", now_s=170).termination is not None


def test_who_confirms_ends_it_for_the_reason_they_read_and_no_other() -> None:
    first = do(running(), ActKind.TERMINATE, by="bo", note="asleep", now_s=100)
    withdrawn = do(first, ActKind.WITHDRAW_TERMINATE, by="bo", now_s=110)
    second = do(withdrawn, ActKind.TERMINATE, by="bo", note="left the room", now_s=120)
    with pytest.raises(StaleProposal) as no:
        # Whatever else happened, the page is told of the proposal.
        do(second, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=130, version=1)
    stale = no.value
    assert (stale.act, stale.proposed_by, stale.lapses_at) == ("a3", "bo", at(180))
    assert (stale.became, stale.by) == (Became.WITHDRAWN, "bo")
    assert do(second, ActKind.CONFIRM_TERMINATE, of="a3", by="cy", now_s=130).state in ENDED


def test_what_became_of_a_proposal_is_told_to_who_confirms_it() -> None:
    proposed = do(running(), ActKind.TERMINATE, by="bo", now_s=100)
    taken_back = do(proposed, ActKind.UNDO, of="a1", by="di", now_s=110)
    with pytest.raises(NothingProposed) as no:
        do(taken_back, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=120)
    assert (no.value.became, no.value.by) == (Became.WITHDRAWN, "di")
    said = do(proposed, ActKind.MESSAGE, now_s=130)
    with pytest.raises(NothingProposed) as no:
        do(said, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=170)
    assert (no.value.became, no.value.by) == (Became.LAPSED, "")
    anew = do(said, ActKind.TERMINATE, by="di", now_s=170)
    with pytest.raises(StaleProposal) as stale:
        do(anew, ActKind.CONFIRM_TERMINATE, of="a1", by="cy", now_s=175)
    assert (stale.value.became, stale.value.act) == (Became.LAPSED, "a3")
    with pytest.raises(NothingProposed) as no:
        do(running(), ActKind.CONFIRM_TERMINATE, of="a9", by="cy")
    assert (no.value.became, no.value.by) == (None, "")


def test_a_proposal_that_is_named_is_withdrawn_and_no_other() -> None:
    first = do(running(), ActKind.TERMINATE, now_s=100)
    second = do(first, ActKind.TERMINATE, by="cy", now_s=170)
    with pytest.raises(StaleProposal):
        do(second, ActKind.WITHDRAW_TERMINATE, of="a1", now_s=180)
    assert do(second, ActKind.WITHDRAW_TERMINATE, of="a2", now_s=180).termination is None
    # Unnamed, it is whatever stands: to end nothing needs no second thought.
    assert do(second, ActKind.WITHDRAW_TERMINATE, now_s=180).termination is None


def test_a_proposal_that_is_over_is_not_taken_back() -> None:
    proposed = do(running(), ActKind.TERMINATE, now_s=100)
    back = Wanted(kind=ActKind.UNDO, of="a1")
    with pytest.raises(NothingProposed):
        act(proposed, back, by="bo", now=at(160), policy=POLICY)


def test_a_minute_that_is_over_is_over_before_the_clock_has_noted_it() -> None:
    proposed = do(running(), ActKind.TERMINATE, now_s=100)
    for kind in (ActKind.CONFIRM_TERMINATE, ActKind.WITHDRAW_TERMINATE):
        with pytest.raises(NothingProposed):
            act(proposed, Wanted(kind=kind, of="a1"), by="cy", now=at(160), policy=POLICY)


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        pytest.param(ActKind.WITHDRAW_TERMINATE, "", id="withdrawn"),
        pytest.param(ActKind.UNDO, "a1", id="taken back"),
    ],
)
def test_a_proposal_is_withdrawn_and_the_learner_reads_nothing_of_it(
    kind: ActKind, of: str
) -> None:
    proposed = do(running(), ActKind.TERMINATE)
    assert undoable(proposed, proposed.acts[0])
    withdrawn = do(proposed, kind, of=of, by="cy", code="", note="")
    assert withdrawn.termination is None
    assert read(withdrawn) == []
    staff = [act_words(each, withdrawn, POLICY) for each in withdrawn.acts]
    assert not any(lapsed(each, withdrawn) for each in withdrawn.acts)
    assert staff == [
        "A proctor proposed to end the exam: network.",
        "A proctor withdrew the proposal to end the exam.",
    ]
    assert not undoable(withdrawn, withdrawn.acts[0])


def test_a_proposal_that_nobody_confirms_is_said_to_have_lapsed() -> None:
    proposed = do(running(), ActKind.TERMINATE)
    assert not lapsed(proposed.acts[0], proposed)
    anew = do(proposed, ActKind.TERMINATE, now_s=121)
    assert [act_words(each, anew, POLICY) for each in anew.acts] == [
        "A proctor proposed to end the exam: network. Nobody confirmed it in time, so it lapsed.",
        "A proctor proposed to end the exam: network.",
    ]
    over = do(anew, ActKind.CONFIRM_TERMINATE, of="a2", by="cy", now_s=130)
    assert [lapsed(each, over) for each in over.acts] == [True, False, False]
    settled = lapse(anew, now=at(300))
    assert [lapsed(each, settled) for each in settled.acts] == [True, True]


def test_of_an_end_by_two_the_learner_reads_once() -> None:
    proposed = do(running(), ActKind.TERMINATE)
    over = do(proposed, ActKind.CONFIRM_TERMINATE, of="a1", by="cy")
    assert read(over) == ["A proctor ended your exam: network."]


def test_where_the_policy_says_so_one_person_ends_an_exam() -> None:
    over = do(running(), ActKind.TERMINATE, policy=ONE_ENDS)
    assert over.state is State.TERMINATED
    assert read(over) == ["A proctor ended your exam: network."]
    assert not undoable(over, over.acts[0])


def test_a_proposal_is_gone_with_the_session() -> None:
    proposed = do(running(), ActKind.TERMINATE)
    assert submit(proposed, now=at(70)).termination is None


# --- irregularities, taking back ------------------------------------------------------------------


def test_an_irregularity_is_noted_and_struck_even_afterwards() -> None:
    over = submit(running(), now=at(30))
    noted = do(over, ActKind.IRREGULARITY, of="room")
    assert noted.acts[0].of == "room"
    struck = do(noted, ActKind.UNDO, of="a1", now_s=90)
    assert struck.acts[0].undone
    assert read(struck) == [
        "A proctor noted an irregularity of the room: network.",
        "A proctor struck a note of an irregularity: network.",
    ]


def test_nothing_but_an_irregularity_is_taken_back_once_the_session_has_ended() -> None:
    free = do(running(), ActKind.LIFT_RULE, rule="dark")
    over = submit(free, now=at(90))
    with pytest.raises(ActNotUndoable) as no:
        do(over, ActKind.UNDO, of="a1", now_s=100)
    assert no.value.problem == "the session has ended"


def test_what_was_said_stays_said_and_what_was_never_done_is_not_found() -> None:
    said = do(running(), ActKind.MESSAGE)
    with pytest.raises(ActNotUndoable):
        do(said, ActKind.UNDO, of="a1")
    with pytest.raises(NoSuchAct):
        do(said, ActKind.UNDO, of="a2")


# --- how many -------------------------------------------------------------------------------------


def with_acts(session: ExamSession, count: int) -> ExamSession:
    """Return it with so many acts, as if others had been done before."""
    said = do(running(), ActKind.MESSAGE).acts[0]
    return replace(session, acts=(*session.acts, *[said] * (count - len(session.acts))))


def test_what_begins_something_has_its_places_and_no_more() -> None:
    almost = with_acts(running(), MAX_ACTS - 1)
    full = do(almost, ActKind.MESSAGE)
    for kind in set(ActKind) - CLOSING - HELPING - {ActKind.TERMINATE}:
        refused = refusal(full, kind, of="room", rule="dark", seconds=60)
        assert isinstance(refused, TooManyActs), kind
        assert refused.at_most == MAX_ACTS


def test_who_waits_for_a_person_is_helped_after_that() -> None:
    asks = tuple(
        Ask(device=KnownDevice(id=each, key=each, kind="browser"), asked_at=at(1))
        for each in ("d_2", "d_3")
    )
    waits = replace(running(), help=Call(topic=Topic.HAND, since=at(1)), devices=Devices(asks=asks))
    full = with_acts(waits, MAX_ACTS)
    answered = do(full, ActKind.ANSWER, note="I am here")
    assert answered.help is not None
    assert answered.help.answer == "I am here"
    assert do(full, ActKind.ADMIT_DEVICE, of="d_2").devices.used == asks[0].device
    do(full, ActKind.REFUSE_DEVICE, of="d_3")
    helped = with_acts(waits, MAX_ACTS + ACTS_TO_HELP)
    for kind in HELPING:
        refused = refusal(helped, kind, of="d_2")
        assert isinstance(refused, TooManyActs), kind
        assert refused.at_most == MAX_ACTS + ACTS_TO_HELP


def test_what_closes_something_takes_no_place_of_what_helps() -> None:
    asks = (Ask(device=KnownDevice(id="d_2", key="d_2", kind="browser"), asked_at=at(1)),)
    session = replace(running(), devices=Devices(asks=asks))
    for number in range(MAX_ACTS):
        session = do(session, ActKind.IRREGULARITY, of="room")
        if number >= ACTS_TO_HELP:
            session = do(session, ActKind.UNDO, of=session.acts[-1].id)
    assert len(session.acts) == MAX_ACTS + MAX_ACTS - ACTS_TO_HELP
    assert isinstance(refusal(session, ActKind.PAUSE), TooManyActs)
    assert do(session, ActKind.ADMIT_DEVICE, of="d_2").devices.used == asks[0].device
    assert do(session, ActKind.TERMINATE).termination is not None


def test_an_exam_can_be_ended_after_that_too() -> None:
    most = MAX_ACTS + ACTS_TO_HELP + ACTS_TO_END
    last = do(with_acts(running(), most - 1), ActKind.TERMINATE)
    assert len(last.acts) == most
    over = do(last, ActKind.CONFIRM_TERMINATE, of=last.acts[-1].id, by="cy")
    assert over.state is State.TERMINATED
    with pytest.raises(TooManyActs):
        do(with_acts(running(), most), ActKind.TERMINATE)


_BEGUN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"kind": ActKind.PAUSE}, {"kind": ActKind.RESUME}),
    ({"kind": ActKind.PAUSE}, {"kind": ActKind.UNDO, "of": "a1"}),
    (
        {"kind": ActKind.LIFT_RULE, "rule": "dark"},
        {"kind": ActKind.RESTORE_RULE, "rule": "dark"},
    ),
    ({"kind": ActKind.TERMINATE}, {"kind": ActKind.CONFIRM_TERMINATE, "of": "a1", "by": "cy"}),
    ({"kind": ActKind.TERMINATE}, {"kind": ActKind.WITHDRAW_TERMINATE}),
]


@pytest.mark.parametrize(
    ("begun", "closed"),
    [pytest.param(*each, id=f"{each[0]['kind']}, {each[1]['kind']}") for each in _BEGUN],
)
def test_what_an_act_has_begun_can_be_closed_whatever_came_since(
    begun: dict[str, Any], closed: dict[str, Any]
) -> None:
    brim = with_acts(do(running(), **begun), MAX_ACTS + ACTS_TO_HELP + ACTS_TO_END)
    assert len(do(brim, **closed).acts) == len(brim.acts) + 1


# --- a request that comes again -------------------------------------------------------------------

REQUEST = "6fb5a34c-1df5-4f24-a2a1-d7dbb2bb8f1a"


def wanted_of(kind: ActKind = ActKind.EXTRA_TIME, **more: Any) -> Wanted:
    return Wanted(**{"kind": kind, "code": CODE, "note": "the line", "request": REQUEST} | more)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"kind": ActKind.MESSAGE, "note": " two spaces "}, id="a message"),
        pytest.param({"kind": ActKind.MESSAGE, "to_all": True}, id="an announcement"),
        pytest.param({"kind": ActKind.EXTRA_TIME, "seconds": 60}, id="time"),
        pytest.param({"kind": ActKind.LIFT_RULE, "rule": "dark"}, id="a rule"),
        pytest.param({"kind": ActKind.TERMINATE}, id="a proposal"),
        pytest.param({"kind": ActKind.PAUSE, "rule": "dark"}, id="with more than it needs"),
    ],
)
def test_a_request_that_comes_again_finds_what_was_done_for_it(more: dict[str, Any]) -> None:
    session = do(running(), request=REQUEST, **more)
    session = do(session, ActKind.MESSAGE)
    assert done_before(session, wanted_of(**more), by="bo") == session.acts[0]
    # Another's request is another, whatever its id.
    assert done_before(session, wanted_of(**more), by="cy") is None
    assert done_before(session, replace(wanted_of(**more), request="other"), by="bo") is None
    assert done_before(session, replace(wanted_of(**more), request=""), by="bo") is None


def test_a_request_is_known_by_what_it_said_and_not_by_what_came_of_it() -> None:
    longer = do(running(), ActKind.EXTRA_TIME, seconds=600)
    back = do(longer, ActKind.UNDO, of="a1", request=REQUEST)
    again = wanted_of(ActKind.UNDO, of="a1")
    assert done_before(back, again, by="bo") == back.acts[1]
    assert back.acts[1].seconds == 600

    over = do(
        do(running(), ActKind.TERMINATE),
        ActKind.CONFIRM_TERMINATE,
        of="a1",
        by="cy",
        code="",
        note="",
        request=REQUEST,
    )
    again = wanted_of(ActKind.CONFIRM_TERMINATE, of="a1", code="", note="")
    assert done_before(over, again, by="cy") == over.acts[1]

    paused = do(running(), ActKind.PAUSE, request=REQUEST)
    resumed = do(paused, ActKind.UNDO, of="a1", now_s=90)
    assert done_before(resumed, wanted_of(ActKind.PAUSE), by="bo") == resumed.acts[0]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"kind": ActKind.ASK_STILL}, id="another act"),
        pytest.param({"note": "another note"}, id="another note"),
        pytest.param({"code": "technical/camera"}, id="another reason"),
        pytest.param({"seconds": 61}, id="another length"),
    ],
)
def test_a_requests_id_is_not_used_for_something_else(other: dict[str, Any]) -> None:
    session = do(running(), ActKind.EXTRA_TIME, seconds=60, request=REQUEST)
    asked: dict[str, Any] = {"seconds": 60} | other
    with pytest.raises(RequestReused) as no:
        done_before(session, wanted_of(**asked), by="bo")
    assert no.value.act == "a1"


def test_an_announcement_of_before_it_was_kept_that_it_is_one_is_not_written_twice() -> None:
    session = do(running(), ActKind.MESSAGE, request=REQUEST)
    assert done_before(session, wanted_of(ActKind.MESSAGE, to_all=True), by="bo") == session.acts[0]


# --- words ----------------------------------------------------------------------------------------


def test_an_announcement_is_told_from_a_message_and_no_other_act_is_one() -> None:
    told_all = do(running(), ActKind.MESSAGE, code="", to_all=True)
    assert read(told_all)[-1] == "A proctor wrote to everybody who sits this exam."
    why = do(running(), ActKind.MESSAGE, to_all=True)
    assert read(why)[-1] == "A proctor wrote to everybody who sits this exam: network."
    assert not do(running(), ActKind.PAUSE, to_all=True).acts[-1].to_all


def test_what_is_permitted_is_told_without_a_reason() -> None:
    allowed = replace(
        running(),
        allowance=Allowance(time_factor=Decimal("1.50"), extra=timedelta(minutes=5)),
    )
    free = do(allowed, ActKind.LIFT_RULE, rule="dark", code="learner/illness", note="ill")
    assert permitted_words(free, POLICY) == (
        "1.5 times the time",
        "5 minutes more for each section",
        "Rule lifted: too dark to see",
    )
    assert permitted_words(running(), POLICY) == ()
    whole = replace(running(), allowance=Allowance(time_factor=Decimal(2)))
    assert permitted_words(whole, POLICY) == ("2 times the time",)


_ONE: dict[ActKind, Callable[[], ExamSession]] = {
    ActKind.MESSAGE: lambda: do(running(), ActKind.MESSAGE, code=""),
    ActKind.ASK_STILL: lambda: do(running(), ActKind.ASK_STILL),
    ActKind.RESUME: lambda: do(do(running(), ActKind.PAUSE), ActKind.RESUME, code=""),
    ActKind.LIFT_RULE: lambda: do(running(), ActKind.LIFT_RULE, rule="dark"),
    ActKind.RESTORE_RULE: lambda: do(
        do(running(), ActKind.LIFT_RULE, rule="dark"), ActKind.RESTORE_RULE, rule="dark"
    ),
    ActKind.ADMIT_DEVICE: lambda: do(
        asked_by_another(), ActKind.ADMIT_DEVICE, of="d_2", code="", note=""
    ),
    ActKind.REFUSE_DEVICE: lambda: do(asked_by_another(), ActKind.REFUSE_DEVICE, of="d_2", note=""),
    ActKind.ANSWER: lambda: do(
        replace(running(), help=Call(topic=Topic.HAND, since=at(1))), ActKind.ANSWER, code=""
    ),
}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ActKind.MESSAGE, "A proctor wrote to you."),
        (ActKind.ASK_STILL, "A proctor asked for a new picture: network."),
        (ActKind.RESUME, "A proctor resumed your exam."),
        (ActKind.LIFT_RULE, "A proctor lifted a rule for you, “too dark to see”: network."),
        (ActKind.RESTORE_RULE, "A proctor put a rule in force again, “too dark to see”: network."),
        (ActKind.ADMIT_DEVICE, "A proctor let your other computer in."),
        (ActKind.REFUSE_DEVICE, "A proctor did not let another computer in: network."),
        (ActKind.ANSWER, "A proctor answered you."),
    ],
)
def test_the_learner_reads_what_was_done_in_plain_words(kind: ActKind, words: str) -> None:
    assert read(_ONE[kind]())[-1] == words


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind"), [pytest.param(s, k, id=f"{s}, {k}") for s, k in product(State, ActKind)]
)
def test_an_act_is_done_or_refused_and_a_refusal_changes_nothing(
    state: State, kind: ActKind
) -> None:
    before = replace(
        running() if state in {State.RUNNING, State.PAUSED} else ready(),
        state=state,
        paused_at=at(20) if state is State.PAUSED else None,
        closed_at=at(20) if state in ENDED else None,
    )
    kept = replace(before)
    wanted = Wanted(kind=kind, code=CODE, note="x", seconds=60, rule="dark", of="room")
    try:
        after = act(before, wanted, by="bo", now=at(30), policy=POLICY)
    except Refusal:
        assert before == kept
    else:
        assert len(after.acts) == 1
        assert after.acts[0].kind is kind


def test_messages_pauses_and_requests_interrupt_a_learner_and_what_is_given_does_not() -> None:
    done = [
        Act(id=f"a{place}", kind=kind, by="bo", at=START + timedelta(minutes=place))
        for place, kind in enumerate(ActKind)
    ]
    found = interruptions(done)
    assert found is not None
    assert (found.messages, found.pauses, found.requests) == (1, 1, 2)
    assert found.last_at == START + timedelta(minutes=list(ActKind).index(ActKind.PAUSE))
    kinds = {ActKind.MESSAGE, ActKind.PAUSE, ActKind.ASK_STILL, ActKind.ASK_ID}
    assert interruptions([each for each in done if each.kind not in kinds]) is None


def test_what_was_undone_has_interrupted_a_learner_all_the_same() -> None:
    pause = Act(id="a1", kind=ActKind.PAUSE, by="bo", at=START, undone=True)
    found = interruptions([pause])
    assert found is not None
    assert (found.pauses, found.last_at) == (1, START)
