"""Acts on one session and on many, and what the server's log says of them."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from proctor.domain.acts import (
    ActIncomplete,
    ActKind,
    ActReasonMissing,
    NothingProposed,
    RequestReused,
    StalePage,
    Wanted,
)
from proctor.domain.identity import IdState
from proctor.domain.moves import IllegalMove
from proctor.domain.session import ExamSession, SessionClosed, State
from proctor.evidence.record import Kind
from proctor.services import acts as room
from proctor.services.acts import Batch, OneOfMany
from proctor.services.ports import NotFound
from proctor.services.views import ACTS_SHOWN, SessionView, view
from tests.memory_store import MemoryStore
from tests.services.house import House, Seat

CODE = "technical/network"


@pytest.fixture
async def house() -> House:
    house = House()
    await house.publish()
    return house


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


async def log(house: House, session: str) -> list[dict[str, Any]]:
    """Return what the server's log says of acts and what came of them."""
    lines = map(json.loads, await house.store.server_lines(session))
    return [
        {name: value for name, value in each.items() if name not in {"v", "session", "device"}}
        for each in lines
        if each["kind"] == Kind.STATE and "event" in each
    ]


async def shown(seat: Seat, *, staff: bool = True) -> SessionView:
    case = await seat.house.cases.settled(seat.session)
    published = await seat.house.cases.published(case.session)
    now = seat.house.clock.now()
    return view(case.session, published, now=now, held_before=0, staff=staff)


# --- the log --------------------------------------------------------------------------------------


async def test_every_act_is_a_line_of_the_log_beside_what_follows_from_it(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.PAUSE, code=CODE, note="the line")
    lines = [json.loads(each) for each in await seat.house.store.server_lines(seat.session)]
    facts = ("kind", "state", "event", "act", "id", "code", "note", "by", "reason")
    assert [{name: each[name] for name in facts if name in each} for each in lines[-2:]] == [
        {
            "kind": "state",
            "state": "paused",
            "event": "act",
            "act": "pause",
            "id": "a1",
            "code": CODE,
            "note": "the line",
            "by": "bo",
        },
        {"kind": "state", "state": "paused", "by": "bo", "reason": "the line"},
    ]


async def test_a_correction_of_time_is_told_by_who_made_it(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.EXTRA_TIME, seconds=60, note="noise")
    await seat.house.act(seat.session, ActKind.UNDO, of="a1", code="", note="", by="cy")
    lines = [json.loads(each) for each in await seat.house.store.server_lines(seat.session)]
    times = [each for each in lines if each["kind"] == Kind.TIME]
    assert [(each["seconds"], each["cause"], each["by"]) for each in times] == [
        (60, "proctor", "bo"),
        (-60, "correction", "cy"),
    ]
    undo = (await log(seat.house, seat.session))[-1]
    assert (undo["act"], undo["of"], undo["by"]) == ("undo", "a1", "cy")


async def test_a_proposal_that_lapses_is_logged_by_the_clock(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.TERMINATE)
    seat.tick(59)
    await seat.house.cases.sweep()
    assert (await seat.house.cases.get(seat.session)).session.termination is not None
    seat.tick(1)
    await seat.house.cases.sweep()
    session = (await seat.house.cases.get(seat.session)).session
    assert (session.state, session.termination) == (State.RUNNING, None)
    told = await log(seat.house, seat.session)
    assert [(each["event"], each["by"]) for each in told] == [
        ("act", "bo"),
        ("termination-lapsed", "clock"),
    ]
    assert (told[0]["proposal"], told[1]["proposed_by"]) == (True, "bo")


async def test_who_confirms_too_late_is_refused_and_the_lapse_stored(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.TERMINATE)
    seat.tick(60)
    with pytest.raises(NothingProposed):
        await seat.house.act(seat.session, ActKind.CONFIRM_TERMINATE, by="cy", of="a1")
    assert (await seat.house.store.case(seat.session)).session.termination is None


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(ActKind.CONFIRM_TERMINATE, id="confirmed"),
        pytest.param(ActKind.WITHDRAW_TERMINATE, id="withdrawn"),
    ],
)
async def test_a_proposal_that_somebody_decides_on_does_not_lapse(seat: Seat, end: ActKind) -> None:
    await seat.house.act(seat.session, ActKind.TERMINATE)
    await seat.house.act(seat.session, end, by="cy", of="a1")
    seat.tick(100)
    await seat.house.cases.sweep()
    events = [each["event"] for each in await log(seat.house, seat.session)]
    assert events == ["act", "act"]


async def test_a_proposal_on_a_session_that_its_learner_hands_in_does_not_lapse(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.TERMINATE)
    await seat.hand_in()
    assert [each["event"] for each in await log(seat.house, seat.session)] == ["act"]


# --- views ----------------------------------------------------------------------------------------


async def test_staff_read_who_and_what_can_be_undone_and_the_learner_what_and_why(
    seat: Seat,
) -> None:
    await seat.house.act(seat.session, ActKind.LIFT_RULE, rule="person-count", note="a carer")
    await seat.house.act(seat.session, ActKind.TERMINATE, by="cy", note="left the room")
    staff, learner = await shown(seat), await shown(seat, staff=False)
    assert [(each.id, each.by, each.undoable) for each in staff.acts] == [
        ("a1", "bo", True),
        ("a2", "cy", True),
    ]
    assert staff.termination is not None
    assert (staff.termination.by, staff.termination.note) == ("cy", "left the room")
    assert staff.version == 2
    (lifted,) = learner.acts
    assert (lifted.act, lifted.by, lifted.note, lifted.undoable) == (
        "lift-rule",
        "",
        "a carer",
        False,
    )
    assert (learner.termination, learner.version) == (None, 1)
    assert learner.lifted == staff.lifted
    assert learner.permitted == [f"Rule lifted: {rule}" for rule in learner.lifted]


async def test_the_newest_acts_are_shown_and_all_are_counted(seat: Seat) -> None:
    for number in range(ACTS_SHOWN + 5):
        await seat.house.act(seat.session, ActKind.MESSAGE, note=f"{number}")
    learner = await shown(seat, staff=False)
    assert len(learner.acts) == ACTS_SHOWN
    assert (learner.acts[-1].note, learner.version) == (f"{ACTS_SHOWN + 4}", ACTS_SHOWN + 5)


async def test_the_last_time_a_still_was_asked_for_is_shown(seat: Seat) -> None:
    assert (await shown(seat, staff=False)).asked_still_ms is None
    for _ in range(2):
        seat.tick(5)
        await seat.house.act(seat.session, ActKind.ASK_STILL)
    now_ms = int(seat.house.clock.now().timestamp() * 1000)
    assert (await shown(seat, staff=False)).asked_still_ms == now_ms


async def test_a_learner_is_seen_among_a_group_by_staff_alone(house: House) -> None:
    seat = Seat(house, None, (await house.invite(group=" Boston ")).session)  # type: ignore[arg-type] # nobody joins
    assert (await shown(seat)).group == "Boston"
    assert (await shown(seat, staff=False)).group == ""


# --- lifted rules ---------------------------------------------------------------------------------


async def test_a_lifted_rule_raises_nothing_and_a_restored_one_does_again(seat: Seat) -> None:
    async def second_person() -> int:
        for _ in range(4):
            await seat.snapshot(b"two", after_s=2)
        return len(await seat.house.analysed(seat.session))

    await seat.house.act(seat.session, ActKind.LIFT_RULE, rule="person-count")
    seat.tick(1)
    assert await second_person() == 0
    seat.tick(1)
    await seat.house.act(seat.session, ActKind.RESTORE_RULE, rule="person-count")
    assert await second_person() == 1


# --- two at once ----------------------------------------------------------------------------------


async def test_of_two_proctors_on_one_page_one_wins_and_the_other_is_told(seat: Seat) -> None:
    version = (await shown(seat)).version
    pause = Wanted(kind=ActKind.PAUSE, code=CODE, note="the line")
    done = await seat.house.acts.act(seat.session, pause, by="bo", version=version)
    assert (done.act.id, done.case.session.state) == ("a1", State.PAUSED)
    with pytest.raises(StalePage) as no:
        await seat.house.acts.act(seat.session, pause, by="cy", version=version)
    assert (no.value.by, no.value.act) == ("bo", "pause")


# --- a lost answer --------------------------------------------------------------------------------

REQUEST = "6fb5a34c-1df5-4f24-a2a1-d7dbb2bb8f1a"
LONGER = Wanted(kind=ActKind.EXTRA_TIME, code=CODE, note="x", seconds=60, request=REQUEST)


async def test_a_request_that_comes_again_is_done_once_and_answered_as_before(seat: Seat) -> None:
    act, session = seat.house.acts.act, seat.session
    first = await act(session, LONGER, by="bo", version=0)
    # Somebody else acts before it comes again: that makes a page old, but not this one's answer.
    await seat.house.act(session, ActKind.PAUSE, by="cy")
    log = len(await seat.house.store.server_lines(session))

    again = await act(session, LONGER, by="bo", version=0)

    assert again.act == first.act
    assert [each.seconds for each in again.case.session.acts] == [60, 0]
    assert len(again.case.session.ledger) == 1
    assert len(await seat.house.store.server_lines(session)) == log
    (told, _) = await log_of_acts(seat)
    assert told["request"] == REQUEST


async def test_a_request_is_one_proctors_and_one_sessions(seat: Seat) -> None:
    other = await seat.house.invite("Zoë Quinn")
    wanted = Wanted(kind=ActKind.MESSAGE, note="hello", request=REQUEST)
    for session, by in ((seat.session, "bo"), (seat.session, "cy"), (other.session, "bo")):
        assert (await seat.house.acts.act(session, wanted, by=by)).act.by == by
    assert len((await seat.house.cases.get(seat.session)).session.acts) == 2


async def test_a_request_is_known_again_after_a_restart(seat: Seat) -> None:
    await seat.house.acts.act(seat.session, LONGER, by="bo")
    anew = House(seat.house.store, seat.house.clock)
    again = await anew.acts.act(seat.session, LONGER, by="bo")
    assert (again.act.id, len(again.case.session.acts)) == ("a1", 1)


async def test_a_request_of_an_act_that_ended_the_session_is_answered_still(seat: Seat) -> None:
    await seat.house.act(seat.session, ActKind.TERMINATE)
    confirm = Wanted(kind=ActKind.CONFIRM_TERMINATE, of="a1", request=REQUEST)
    first = await seat.house.acts.act(seat.session, confirm, by="cy")
    assert (await seat.house.acts.act(seat.session, confirm, by="cy")).act == first.act


async def test_a_request_that_was_refused_is_decided_anew(seat: Seat) -> None:
    resume = Wanted(kind=ActKind.RESUME, request=REQUEST)
    with pytest.raises(IllegalMove):
        await seat.house.acts.act(seat.session, resume, by="bo")
    await seat.house.act(seat.session, ActKind.PAUSE)
    assert (await seat.house.acts.act(seat.session, resume, by="bo")).act.id == "a2"


async def test_a_requests_id_is_not_taken_for_another_act(seat: Seat) -> None:
    await seat.house.acts.act(seat.session, LONGER, by="bo")
    with pytest.raises(RequestReused):
        await seat.house.acts.act(
            seat.session, Wanted(kind=ActKind.MESSAGE, note="x", request=REQUEST), by="bo"
        )


async def test_a_batch_that_comes_again_is_done_where_it_was_not_and_answered_the_same(
    house: House,
) -> None:
    sessions = await seats(house, 20)
    wanted = Wanted(kind=ActKind.MESSAGE, code=CODE, note="hello", request=REQUEST)
    await house.acts.act_on_many("short", sessions[:12], wanted, by="bo")
    for _ in range(2):
        batch = await house.acts.act_on_many("short", sessions, wanted, by="bo")
        assert [(each.session, each.act) for each in batch.done] == [(s, "a1") for s in sessions]
        assert batch.failed == []
    for session in sessions:
        assert len((await house.cases.get(session)).session.acts) == 1


async def test_an_announcement_that_comes_again_is_read_once_by_each() -> None:
    house = House()
    here = [await house.seat(connected=False)]
    for _ in range(2):
        batch = await house.acts.announce("short", code="", note="Hi.", by="bo", request=REQUEST)
        assert len(batch.done) == len(here)
        here.append(await house.seat(connected=False, learner="Zoë Quinn"))
    for seat in here[:2]:
        assert len((await house.cases.get(seat.session)).session.acts) == 1


async def log_of_acts(seat: Seat) -> list[dict[str, Any]]:
    return [each for each in await log(seat.house, seat.session) if each["event"] == "act"]


# --- many -----------------------------------------------------------------------------------------


async def seats(house: House, count: int) -> list[str]:
    return [(await house.invite(f"Learner {number}")).session for number in range(count)]


async def on_many(
    house: House, sessions: list[str], kind: ActKind = ActKind.MESSAGE, **more: Any
) -> Batch:
    wanted = Wanted(kind=kind, code=CODE, note="hello", **more)
    return await house.acts.act_on_many("short", sessions, wanted, by="bo")


async def at_work(house: House, count: int) -> list[Seat]:
    found = [await house.seat() for _ in range(count)]
    for seat in found:
        await seat.begin()
    return found


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(ActKind.UNDO, id="an act of one"),
        pytest.param(ActKind.CONFIRM_TERMINATE, id="a proposal that nobody read"),
        pytest.param(ActKind.ADMIT_DEVICE, id="a device of one"),
    ],
)
async def test_what_names_something_of_one_session_is_named_for_each_of_many(
    house: House, kind: ActKind
) -> None:
    sessions = await seats(house, 2)
    wanted = Wanted(kind=kind, code=CODE, note="hello", of="a1")
    for particular in ({}, {sessions[0]: OneOfMany(of="a1")}):
        with pytest.raises(ActIncomplete, match="session by session"):
            await house.acts.act_on_many("short", sessions, wanted, by="bo", particular=particular)


async def test_what_is_said_of_a_session_that_is_none_of_the_many_is_refused(
    house: House,
) -> None:
    one, other = await at_work(house, 2)
    pause = Wanted(kind=ActKind.PAUSE, code=CODE, note="the line")
    particular = {one.session: OneOfMany(version=0), other.session: OneOfMany(version=0)}
    with pytest.raises(ActIncomplete, match=other.session):
        await house.acts.act_on_many("short", [one.session], pause, by="bo", particular=particular)
    assert (await house.cases.get(one.session)).session.acts == ()


async def test_what_was_given_to_many_is_taken_back_from_many(house: House) -> None:
    one, other, third = await at_work(house, 3)
    # In each the act has a number of its own.
    await house.act(other.session, ActKind.MESSAGE)
    sessions = [each.session for each in (one, other, third)]
    given = await on_many(house, sessions, ActKind.EXTRA_TIME, seconds=600)
    assert [(each.act, each.undoable) for each in given.done] == [
        ("a1", True),
        ("a2", True),
        ("a1", True),
    ]
    await house.act(third.session, ActKind.UNDO, of="a1", by="cy")
    undo = Wanted(kind=ActKind.UNDO, request=REQUEST)
    particular = {done.session: OneOfMany(of=done.act) for done in given.done}

    batch = await house.acts.act_on_many("short", sessions, undo, by="bo", particular=particular)

    assert [(done.session, done.act, done.undoable) for done in batch.done] == [
        (one.session, "a2", False),
        (other.session, "a3", False),
    ]
    assert [(no.session, no.code) for no in batch.failed] == [(third.session, "act-not-undoable")]
    for seat in (one, other, third):
        session = (await house.cases.get(seat.session)).session
        assert sum(entry.given.total_seconds() for entry in session.ledger) == 0
        words = [each.words for each in (await shown(seat, staff=False)).acts]
        assert words[-1].startswith("A proctor took back the 10 minutes given by mistake")
    told = (await log_of_acts(other))[-1]
    assert (told["act"], told["of"], told["request"]) == ("undo", "a2", REQUEST)
    # Sent again, it is done nowhere a second time.
    again = await house.acts.act_on_many("short", sessions, undo, by="bo", particular=particular)
    assert again.done == batch.done


async def test_of_many_those_are_named_on_which_another_proctor_acted_meanwhile(
    house: House,
) -> None:
    one, other = await at_work(house, 2)
    await house.act(other.session, ActKind.EXTRA_TIME, seconds=60, by="cy")
    sessions = [one.session, other.session]
    particular = {session: OneOfMany(version=0) for session in sessions}
    pause = Wanted(kind=ActKind.PAUSE, code=CODE, note="the line")
    batch = await house.acts.act_on_many("short", sessions, pause, by="bo", particular=particular)
    assert [done.session for done in batch.done] == [one.session]
    assert [(no.session, no.code, no.detail) for no in batch.failed] == [
        (other.session, "stale-page", "meanwhile cy has done extra-time: look again before you act")
    ]
    assert (await house.cases.get(other.session)).session.state is State.RUNNING


async def test_the_ends_of_many_are_confirmed_where_what_was_read_still_stands(
    house: House,
) -> None:
    one, other = await at_work(house, 2)
    sessions = [one.session, other.session]
    await on_many(house, sessions, ActKind.TERMINATE)
    await house.act(other.session, ActKind.WITHDRAW_TERMINATE, by="di", code="", note="")
    particular = {session: OneOfMany(of="a1") for session in sessions}
    confirm = Wanted(kind=ActKind.CONFIRM_TERMINATE)
    batch = await house.acts.act_on_many("short", sessions, confirm, by="cy", particular=particular)
    assert [done.session for done in batch.done] == [one.session]
    assert [(no.session, no.code) for no in batch.failed] == [(other.session, "nothing-proposed")]
    states = [(await house.cases.get(session)).session.state for session in sessions]
    assert states == [State.TERMINATED, State.RUNNING]


async def test_of_a_batch_those_that_fail_are_named_and_the_others_done(house: House) -> None:
    sessions = await seats(house, 499)
    for over in sessions[10:12]:
        await house.terminate(over)
    batch = await on_many(house, [*sessions, "s_none"])
    assert len(batch.done) == 497
    assert [each.session for each in batch.done] == sessions[:10] + sessions[12:]
    assert [(each.session, each.code) for each in batch.failed] == [
        (sessions[10], "session-closed"),
        (sessions[11], "session-closed"),
        ("s_none", "not-found"),
    ]
    for done in batch.done:
        assert len((await house.cases.get(done.session)).session.acts) == 1


async def test_a_session_named_twice_is_acted_on_once(house: House) -> None:
    (session,) = await seats(house, 1)
    assert [each.act for each in (await on_many(house, [session, session])).done] == ["a1"]


async def test_a_session_of_another_exam_is_none_of_this_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session,) = await seats(house, 1)
    monkeypatch.setattr(MemoryStore, "latest", _any)
    wanted = Wanted(kind=ActKind.MESSAGE, note="hello")
    batch = await house.acts.act_on_many("another", [session], wanted, by="bo")
    assert [(each.session, each.code) for each in batch.failed] == [(session, "not-found")]


async def _any(_store: MemoryStore, _exam: str) -> None:
    return None


async def test_a_batch_that_could_be_done_to_nobody_is_refused_whole(house: House) -> None:
    sessions = await seats(house, 1)
    with pytest.raises(ActReasonMissing):
        await house.acts.act_on_many("short", sessions, Wanted(kind=ActKind.PAUSE), by="bo")
    with pytest.raises(NotFound):
        await house.acts.act_on_many("none", sessions, Wanted(kind=ActKind.MESSAGE), by="bo")


async def test_a_fault_of_the_server_fails_one_and_leaves_the_others_done(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = await seats(house, 2)
    act = house.acts.act

    async def faulty(session: str, *args: Any, **more: Any) -> room.Done:
        if session == one:
            raise RuntimeError
        return await act(session, *args, **more)

    monkeypatch.setattr(house.acts, "act", faulty)
    batch = await on_many(house, [one, other])
    assert [each.session for each in batch.done] == [other]
    assert [(each.session, each.code) for each in batch.failed] == [(one, "internal-error")]
    assert "an act on one of many failed" in caplog.text


# --- announcements --------------------------------------------------------------------------------


async def test_an_announcement_reaches_all_who_joined_and_go_on() -> None:
    house = House()
    here, there = await house.seat(connected=False), await house.seat(connected=False)
    over = await house.seat(connected=False)
    await house.terminate(over.session)
    invited = await house.invite("Not here yet")
    turned_away = await house.seat(connected=False)

    def refuse(session: ExamSession, _: datetime) -> ExamSession:
        check = replace(session.id_check, state=IdState.REFUSED)
        return replace(session, state=State.CHECK_IN, id_check=check)

    await house.cases.change(turned_away.session, refuse, by="cy")
    told = await house.acts.announce("short", code="", note="The hall is closed.", by="bo")
    assert {each.session for each in told.done} == {here.session, there.session}
    assert told.failed == []
    for nobody in (invited.session, turned_away.session):
        assert not (await house.cases.get(nobody)).session.acts
    for seat in (here, there):
        (act,) = (await house.cases.get(seat.session)).session.acts
        assert (act.kind, act.note, act.code) == (ActKind.MESSAGE, "The hall is closed.", "")
        assert act.to_all
        (logged,) = await log_of_acts(seat)
        assert (logged["act"], logged["to_all"]) == ("message", True)


async def test_an_announcement_of_before_it_was_kept_that_it_is_one_is_read_as_it_was() -> None:
    house = House()
    seat = await house.seat(connected=False)
    await house.acts.announce("short", code="", note="Hi.", by="bo")
    row = TypeAdapter(ExamSession).dump_python(
        (await house.cases.get(seat.session)).session, mode="json"
    )
    del row["acts"][0]["to_all"]
    (act,) = TypeAdapter(ExamSession).validate_json(json.dumps(row)).acts
    assert (act.note, act.to_all) == ("Hi.", False)


async def test_a_message_to_many_is_no_announcement() -> None:
    house = House()
    seat = await house.seat(connected=False)
    await on_many(house, [seat.session])
    (act,) = (await house.cases.get(seat.session)).session.acts
    assert not act.to_all
    (logged,) = await log_of_acts(seat)
    assert "to_all" not in logged


async def test_an_announcement_says_something_about_an_exam_there_is(house: House) -> None:
    with pytest.raises(ActReasonMissing):
        await house.acts.announce("short", code="", note=" ", by="bo")
    with pytest.raises(NotFound):
        await house.acts.announce("none", code="", note="Hello.", by="bo")


async def test_an_announcement_reads_the_sessions_of_its_exam_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House()
    await house.seat(connected=False)
    asked: list[object] = []
    unfinished = MemoryStore.unfinished

    async def asked_for(store: MemoryStore, exam: str | None = None) -> Any:
        asked.append(exam)
        return await unfinished(store, exam)

    monkeypatch.setattr(MemoryStore, "unfinished", asked_for)
    await house.acts.announce("short", code="", note="Hello.", by="bo")
    assert asked == ["short"]


async def test_one_that_ends_or_goes_while_the_others_are_told_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House()
    seat = await house.seat(connected=False)
    unfinished = await house.store.unfinished()

    async def with_one_gone(_store: MemoryStore, _exam: str) -> list[str]:
        return [*unfinished, "s_gone"]

    async def over(*_: object, **__: object) -> room.Done:
        raise SessionClosed(state="submitted", closed_at=None)

    monkeypatch.setattr(MemoryStore, "unfinished", with_one_gone)
    monkeypatch.setattr(house.acts, "act", over)
    told = await house.acts.announce("short", code="", note="Hello.", by="bo")
    assert (told.done, told.failed) == ([], [])
    assert (await house.cases.get(seat.session)).session.acts == ()


async def test_extra_time_counts_at_once(seat: Seat) -> None:
    before = (await shown(seat)).sections[0].closes_at_ms
    await seat.house.act(seat.session, ActKind.EXTRA_TIME, seconds=60)
    after = (await shown(seat)).sections[0].closes_at_ms
    assert before is not None
    assert after == before + timedelta(minutes=1) // timedelta(milliseconds=1)
