import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from proctor.domain.acts import ActKind, RequestReused
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.identity import IdEvent
from proctor.domain.moves import IllegalMove
from proctor.domain.review import (
    ActedAlone,
    AnotherPersonNeeded,
    FlagOutcome,
    Outcome,
    ReasonsMissing,
    Review,
    SessionGoesOn,
)
from proctor.domain.session import ExamSession
from proctor.evidence.record import Kind, parse
from proctor.services import analysis as analysing
from proctor.services import cases, reviews
from proctor.services.agreements import agreement_of
from proctor.services.analysis import NotLookedAtYet
from proctor.services.contests import Contests
from proctor.services.exam_tables import ExamTables, Table
from proctor.services.journal import Entry
from proctor.services.logins import Account, StaffRole
from proctor.services.ports import NotFound
from proctor.services.review_views import ReviewView
from proctor.services.reviews import NoSuchReviewer, UnknownFlag, VerdictTooLarge
from tests.device import JPEG
from tests.services.house import House, Seat


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


@pytest.fixture
async def house() -> House:
    house = House()
    await house.publish()
    return house


async def sat(house: House, learner: str, seen: list[bytes]) -> Seat:
    """A session of one section in which these pictures were taken, handed in and looked at."""
    invited = await house.invite(learner=learner)
    seat = Seat(house, await house.joined(invited.join_token), invited.session)
    await seat.connect()
    await seat.begin()
    for each in seen:
        await seat.snapshot(each)
    await seat.hand_in()
    await house.analysed(seat.session)
    return seat


async def decide(
    seat: Seat,
    by: str = "bo",
    outcome: Outcome = Outcome.CLEAR,
    reasons: str = "looked calm",
    **more: Any,
) -> ReviewView:
    """Give a verdict; each flag of conduct is judged alike where `flags` are not said."""
    if "flags" not in more:
        more["flags"] = await seat.house.judged(seat.session)
    return await seat.house.reviews.decide(
        seat.session, by=by, outcome=outcome, reasons=reasons, **more
    )


# --- the queue -----------------------------------------------------------------------------------


async def test_quality_alone_lifts_nobody_above_anybody(house: House) -> None:
    calm = await sat(house, "calm", [b""] * 4)
    # Much longer, and many more flags: none of it is suspicion.
    dark = await sat(house, "covered", [b"covered"] * 10 + [b""] * 2)
    later = await sat(house, "later", [b""] * 2)
    two = await sat(house, "two", [b"two"] * 4)
    never = await house.invite(learner="never came")
    rows = (await house.reviews.queue(None, me="bo")).reviews
    assert [row.session for row in rows] == [
        two.session,
        calm.session,
        dark.session,
        later.session,
    ]
    assert never.session not in {row.session for row in rows}
    by = {row.session: row for row in rows}
    assert (by[two.session].conduct, by[two.session].severity) == (1, 0.6)
    assert (by[dark.session].conduct, by[dark.session].severity) == (0, 0.0)
    assert by[dark.session].quality >= 1
    assert by[two.session].why == ["more than 1 person for 2 seconds"]
    assert by[calm.session].why == []


async def test_what_proctors_noted_is_counted_beside_the_flags_until_it_is_struck(
    house: House,
) -> None:
    calm = await sat(house, "calm", [b""])
    noted = []
    for _ in range(2):
        case = await house.act(calm.session, ActKind.IRREGULARITY, of="room", by="bo")
        noted.append(case.session.acts[-1].id)
    await house.act(calm.session, ActKind.UNDO, of=noted[0], by="bo", note="", code="")
    (row,) = (await house.reviews.queue(None, me="cy")).reviews
    assert (row.irregularities, row.queue, row.conduct, row.why) == (1, "other", 0, [])


async def test_the_queue_says_why_somebody_may_give_no_verdict_as_the_session_does(
    house: House,
) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    await house.act(seat.session, ActKind.IRREGULARITY, of="room", by="bo")
    await decide(seat, by="ann", outcome=Outcome.BREACH)
    said = {
        "ann": "You have given your verdict: another person is needed.",
        "bo": "You alone acted on this session: another person judges it.",
        "cy": None,
    }
    for me, why_not in said.items():
        (row,) = (await house.reviews.queue(None, me=me)).reviews
        assert (row.why_not, row.may_decide) == (why_not, why_not is None)
        assert (await house.reviews.timeline(seat.session, me=me)).why_not == why_not


async def test_what_is_decided_comes_last(house: House) -> None:
    two = await sat(house, "two", [b"two"] * 4)
    calm = await sat(house, "calm", [b""])
    await decide(two)
    rows = (await house.reviews.queue("short", me="bo")).reviews
    assert [row.session for row in rows] == [calm.session, two.session]
    assert [row.outcome for row in rows] == [None, "clear"]
    assert (await house.reviews.queue("another exam", me="bo")).reviews == []


async def test_who_is_held_in_check_in_stands_before_all_reviews(house: House) -> None:
    two = await sat(house, "two", [b"two"] * 4)
    await house.publish("closed-book")  # which holds
    seat = await house.seat(policy="closed-book")
    assert seat.session not in {
        row.session for row in (await house.reviews.queue(None, me="bo")).reviews
    }
    house.clock.pass_(60)
    await seat.check_in()
    held, flagged = (await house.reviews.queue(None, me="bo")).reviews
    assert (held.session, flagged.session) == (seat.session, two.session)
    assert held.why == ["ID check waits for a person"]
    assert (held.session_state, held.id_check) == ("check-in", "captured")
    assert held.waiting_since_ms == int(house.clock.now().timestamp() * 1000)
    shown = await house.reviews.timeline(seat.session, me="bo")
    assert [each.purpose for each in shown.snapshots] == ["face", "document"]
    await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="blurred")
    assert [row.session for row in (await house.reviews.queue(None, me="bo")).reviews] == [
        two.session
    ]


async def test_contests_come_first_then_what_is_overdue_grave_and_far_reaching(
    house: House,
) -> None:
    seats = {
        name: await sat(house, name, [b"two"] * 4)
        for name in ("later", "grave", "wide", "overdue", "decided", "contested")
    }
    calm = await sat(house, "calm", [b""])
    # First: each start looks at all sessions anew.
    for name in ("decided", "contested"):
        await house.analysed(seats[name].session)
        await decide(seats[name])

    async def change(name: str, review: Review | None = None, **flag: Any) -> None:
        (raised,) = await house.store.flags(seats[name].session)
        more = [replace(raised, **flag)] if flag else []

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            return replace(session, review=review or session.review)

        await house.cases.change(seats[name].session, decide, by="test", flags=more)

    await change("grave", severity=0.9)
    await change("wide", id="another", section_id="part-b")
    await change("overdue", Review(due_at=house.clock.now()))
    contests = Contests(house.store, house.cases)
    await contests.contest(seats["contested"].session, text="no", flags=[], files=[])
    rows = (await house.reviews.queue(None, me="cy")).reviews
    order = [row.learner for row in rows]
    assert order == ["contested", "overdue", "grave", "wide", "later", "calm", "decided"]
    by = {row.learner: row for row in rows}
    assert by["contested"].waiting_since_ms == int(house.clock.now().timestamp() * 1000)
    assert (by["wide"].reach, by["later"].reach, by["calm"].reach) == (2, 1, 0)
    assert {row.learner for row in rows if row.queue == "other"} == {"calm"}
    assert (by["overdue"].clock, by["decided"].clock) == ("over", "ok")
    assert calm.session == by["calm"].session


# --- verdicts ------------------------------------------------------------------------------------


async def test_a_verdict_waits_for_the_end(house: House) -> None:
    seat = await house.seat()
    await seat.begin()
    with pytest.raises(SessionGoesOn):
        await decide(seat)
    shown = await house.reviews.timeline(seat.session, me="bo")
    assert (shown.may_decide, bool(shown.why_not)) == (False, True)


async def test_a_verdict_waits_until_the_machine_has_looked(house: House) -> None:
    seat = await house.seat()
    await seat.begin()
    for _ in range(3):
        await seat.snapshot(b"two")
    await seat.hand_in()
    with pytest.raises(NotLookedAtYet):
        await decide(seat)
    assert not (await house.reviews.timeline(seat.session, me="bo")).analysed
    await house.analysed(seat.session)
    assert (await house.reviews.timeline(seat.session, me="bo")).analysed
    await decide(seat)


async def test_a_flag_that_is_raised_while_a_verdict_is_given_is_not_passed_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited = await house.invite()
    seat = Seat(house, await house.joined(invited.join_token), invited.session)
    await seat.connect()
    await seat.begin()
    for _ in range(4):
        await seat.snapshot(b"two")
    await seat.hand_in()
    stored = house.store.flags

    async def slow(session_id: str) -> Sequence[Flag]:
        found = await stored(session_id)
        monkeypatch.setattr(house.store, "flags", stored)
        await house.analysed(session_id)
        return found

    monkeypatch.setattr(house.store, "flags", slow)
    with pytest.raises(NotLookedAtYet):
        await decide(seat, flags=[], flags_seen=[])


async def test_a_breach_needs_a_second_person(house: House) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    (flag,) = await house.store.flags(seat.session)
    first = await house.reviews.decide(
        seat.session,
        by="bo",
        outcome=Outcome.BREACH,
        reasons=" somebody helped ",
        flags=[(flag.id, FlagOutcome.UPHELD, " a voice ")],
    )
    assert first.state == "second-needed"
    with pytest.raises(AnotherPersonNeeded):
        await decide(seat, outcome=Outcome.BREACH)
    mine = await house.reviews.timeline(seat.session, me="bo")
    assert (mine.may_decide, mine.review.outcome) == (False, None)
    assert (await house.reviews.timeline(seat.session, me="cy")).may_decide
    decided = await decide(seat, by="cy", outcome=Outcome.BREACH)
    assert decided.outcome == "breach"
    with pytest.raises(IllegalMove):
        await decide(seat, by="di")
    shown = await house.reviews.timeline(seat.session, me="di")
    assert shown.review.outcome == "breach"
    assert [each.by for each in shown.review.verdicts] == ["bo", "cy"]
    (judged,) = shown.review.verdicts[0].flags
    assert (judged.flag, judged.outcome, judged.reason) == (flag.id, "upheld", "a voice")
    assert shown.review.verdicts[0].reasons == "somebody helped"
    assert not shown.may_decide
    kinds = [parse(line).kind for line in await house.store.server_lines(seat.session)]
    assert kinds.count(Kind.VERDICT) == 2


async def test_two_who_differ_need_a_third(house: House) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    await decide(seat, outcome=Outcome.BREACH)
    assert (await decide(seat, by="cy")).state == "third-needed"
    decided = await decide(seat, by="di", outcome=Outcome.INCONCLUSIVE)
    assert decided.outcome == "inconclusive"


async def test_a_verdict_without_reasons_or_on_a_flag_never_raised_is_refused(
    house: House,
) -> None:
    seat = await sat(house, "calm", [b""])
    with pytest.raises(ReasonsMissing):
        await decide(seat, reasons=" ")
    with pytest.raises(UnknownFlag):
        await house.reviews.decide(
            seat.session,
            by="bo",
            outcome=Outcome.CLEAR,
            reasons="looked calm",
            flags=[("person-count.d_test.1", FlagOutcome.NOT_UPHELD, "x")],
        )
    with pytest.raises(NotFound):
        await house.reviews.decide("s_none", by="bo", outcome=Outcome.CLEAR, reasons="x")
    assert (await house.cases.get(seat.session)).session.review.verdicts == ()


async def test_a_verdict_that_no_record_holds_is_refused_when_it_is_given(house: House) -> None:
    """Else it would be the last one's that can't be told in the log."""
    seat = await sat(house, "two", [b"two"] * 4)
    (flag,) = await house.store.flags(seat.session)
    many = [flag, *(replace(flag, id=f"f{number}") for number in range(29))]
    await house.cases.change(seat.session, lambda same, _now: same, by="clock", flags=many)
    flags = [(each.id, FlagOutcome.UPHELD, "\x01" * 500) for each in many]
    with pytest.raises(VerdictTooLarge):
        await decide(seat, outcome=Outcome.BREACH, flags=flags)
    flags = [(each.id, FlagOutcome.UPHELD, "a voice") for each in many]
    await decide(seat, outcome=Outcome.BREACH, flags=flags)
    assert (await decide(seat, by="cy", outcome=Outcome.BREACH, flags=flags)).outcome


async def test_clear_ones_are_looked_at_twice_in_the_share_that_the_policy_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def chosen(_session: str, *, share: float, key: bytes) -> bool:
        asked.append(share)
        assert key == b"second looks"
        return True

    monkeypatch.setattr(reviews, "is_second_look", chosen)
    seat = await sat(house, "calm", [b""])
    assert (await decide(seat)).state == "second-needed"
    assert (await decide(seat, by="cy")).outcome == "clear"
    assert set(asked) == {0.0}  # of the demonstration


async def test_acting_with_words_alone_bars_nobody(house: House) -> None:
    seat = await house.seat()
    await seat.begin()
    await house.act(seat.session, ActKind.MESSAGE, note="ten minutes left")
    await seat.hand_in()
    await house.analysed(seat.session)
    await house.act(seat.session, ActKind.IRREGULARITY, by="cy", of="room")
    with pytest.raises(ActedAlone):
        await decide(seat, by="cy")
    await decide(seat)


async def test_a_verdict_whose_answer_was_lost_is_given_once(house: House) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    first = await decide(seat, outcome=Outcome.BREACH, request="r1")
    # Whatever came since: it was given.
    (raised,) = await house.store.flags(seat.session)
    later = replace(raised, id="later")
    flags = await house.judged(seat.session)
    await house.cases.change(seat.session, lambda same, _now: same, by="clock", flags=[later])
    again = await decide(
        seat, outcome=Outcome.BREACH, request="r1", flags=flags, flags_seen=[raised.id]
    )
    assert again == first
    with pytest.raises(RequestReused):
        await decide(seat, outcome=Outcome.CLEAR, request="r1")
    with pytest.raises(AnotherPersonNeeded):
        await decide(seat, outcome=Outcome.BREACH, request="r2")
    (verdict,) = (await house.cases.get(seat.session)).session.review.verdicts
    assert verdict.request == "r1"


async def test_a_verdict_that_comes_twice_at_once_is_given_once(house: House) -> None:
    seat = await sat(house, "calm", [b""])
    both = await asyncio.gather(decide(seat, request="r1"), decide(seat, request="r1"))
    assert [each.outcome for each in both] == ["clear", "clear"]
    assert len((await house.cases.get(seat.session)).session.review.verdicts) == 1


async def test_a_mark_whose_answer_was_lost_is_saved_once(house: House) -> None:
    seat = await sat(house, "calm", [b""])
    for _ in range(2):
        found = await house.reviews.note(seat.session, by="bo", at_ms=1, text="?", request="r1")
        assert len(found) == 1


# --- whose it is ---------------------------------------------------------------------------------


async def staff(house: House, name: str, role: StaffRole, *exams: str) -> None:
    """Add an account to the house."""
    await house.logins.add_account(
        Account(
            name=name,
            role=role,
            exams=frozenset(exams) or None,
            password_hash="x",
            made_at=house.clock.now(),
        )
    )


async def test_a_second_look_is_nobodys_until_somebody_takes_it(house: House) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    await staff(house, "ann", StaffRole.PROCTOR)
    await house.reviews.assign([seat.session], to="ann", by="ann", due_at=None)
    await decide(seat, by="ann", outcome=Outcome.BREACH)
    (row,) = (await house.reviews.queue(None, me="bo")).reviews
    assert (row.assigned_to, row.state, row.may_decide) == (None, "awaiting", True)


async def test_nobody_is_given_what_they_cannot_decide(house: House) -> None:
    seat = await sat(house, "two", [b"two"] * 4)
    for name in ("ann", "bo", "cy"):
        await staff(house, name, StaffRole.PROCTOR)
    await house.act(seat.session, ActKind.IRREGULARITY, by="bo", of="room")

    async def assign(to: str, by: str) -> list[str]:
        given = await house.reviews.assign([seat.session], to=to, by=by, due_at=None)
        return [no.code for no in given.failed]

    assert await assign("bo", "cy") == ["acted-alone"]
    await decide(seat, by="ann", outcome=Outcome.BREACH)
    assert await assign("ann", "ann") == ["another-person-needed"]
    # It would tell `cy`, who has yet to decide, that somebody has.
    assert await assign("ann", "cy") == []
    assert await assign("cy", "ann") == []


async def test_what_nobody_judges_any_more_is_given_to_nobody(house: House) -> None:
    decided, open_ = await sat(house, "calm", [b""]), await sat(house, "later", [b""])
    await staff(house, "bo", StaffRole.PROCTOR)
    await staff(house, "gone", StaffRole.PROCTOR)
    await house.logins.set_password("gone", "!")
    with pytest.raises(NoSuchReviewer):
        await house.reviews.assign([open_.session], to="gone", by="bo", due_at=None)
    released = await sat(house, "quiet", [b""])
    await house.cases.change(
        released.session, lambda each, now: replace(each, released_at=now), by="team"
    )
    await decide(decided, by="ann")
    every = [decided.session, open_.session, released.session]
    given = await house.reviews.assign(every, to="bo", by="bo", due_at=None)
    assert given.done == [open_.session]
    assert [no.code for no in given.failed] == ["nothing-to-decide", "released-unjudged"]
    # To take back what was given before is no harm.
    back = await house.reviews.assign(every, to=None, by="bo", due_at=None)
    assert back.done == every


async def test_tables_agreement_and_release_go_through_all_sessions_of_an_exam(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "CASES_AT_ONCE", 2)
    seats = [await sat(house, f"learner {at}", [b""]) for at in range(5)]
    for seat in seats[:4]:
        await decide(seat)
    rows = [row async for row in ExamTables(house.store).rows("short", Table.SESSIONS)]
    assert {row[0] for row in rows[1:]} == {seat.session for seat in seats}
    assert len(rows) == 1 + len(seats)
    found = await agreement_of(house.store, "short")
    assert (found.sessions, found.decided) == (5, 4)
    released = await house.results.release_all("short", by="team")
    assert len(released.done) + len(released.failed) == len(seats)


async def test_what_was_said_of_flags_that_count_for_nothing_is_in_no_agreement(
    house: House,
) -> None:
    seat = await sat(house, "two", [b"two"] * 4 + [b"covered"] * 4)
    flags = await house.store.flags(seat.session)
    assert {str(flag.flag_class) for flag in flags} == {"conduct", "quality"}
    await decide(seat, by="ann")

    def before(session: ExamSession, _now: datetime) -> ExamSession:
        """Say of each flag what an earlier version took, and of one that there is none of."""
        said = ((each, FlagOutcome.UPHELD) for each in (*(flag.id for flag in flags), "unknown"))
        (verdict,) = session.review.verdicts
        verdict = replace(verdict, flags=tuple(said))
        return replace(session, review=replace(session.review, verdicts=(verdict,)))

    await house.cases.change(seat.session, before, by="clock")
    rules = (await agreement_of(house.store, "short")).flags
    assert [each.rule for each in rules] == [
        flag.rule for flag in flags if flag.flag_class is FlagClass.CONDUCT
    ]


async def test_the_queue_names_who_gives_verdicts_in_the_readers_exams(house: House) -> None:
    await staff(house, "di", StaffRole.LEAD)
    await staff(house, "bo", StaffRole.PROCTOR, "short", "longer")
    await staff(house, "cy", StaffRole.PROCTOR, "longer")
    await staff(house, "ann", StaffRole.COURSE_TEAM)
    await staff(house, "gone", StaffRole.PROCTOR)
    await house.logins.set_password("gone", "!")
    assert (await house.reviews.queue(None, me="di")).reviewers == ["bo", "cy", "di"]
    queue = await house.reviews.queue(None, me="bo", own=frozenset({"short"}))
    assert queue.reviewers == ["bo", "di"]


async def test_the_queue_says_where_it_is_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sat(house, "calm", [b""])
    monkeypatch.setattr(reviews, "MAX_CASES", 1)
    assert not (await house.reviews.queue(None, me="bo")).more
    await sat(house, "later", [b""])
    queue = await house.reviews.queue(None, me="bo")
    assert (queue.more, len(queue.reviews)) == (True, 1)


async def test_what_somebody_has_done_lately_is_of_a_day_wherever_their_midnight_is(
    house: House,
) -> None:
    seat = await sat(house, "calm", [b""])
    await decide(seat)
    house.clock.pass_(24 * 3600 - 1)
    assert (await house.reviews.queue(None, me="bo")).done_last_day == 1
    house.clock.pass_(2)
    assert (await house.reviews.queue(None, me="bo")).done_last_day == 0


# --- the timeline --------------------------------------------------------------------------------


async def test_a_timeline_says_of_each_picture_whether_it_is_held_owed_or_erased(
    house: House,
) -> None:
    seat = await house.seat()
    await seat.begin()
    await seat.snapshot()
    before = await house.store.held(seat.session)
    seat.tick(1)
    owed = JPEG + b"owed"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=owed, purpose="periodic")])
    await seat.snapshot(b"erased")
    (digest,) = (await house.store.held(seat.session)).keys() - before.keys()
    await house.store.erase(seat.session, [digest])
    entry = Entry(Kind.ERASED, {"sha256": [digest], "why": "retention"})
    await house.cases.change(seat.session, lambda same, _now: same, by="clock", also=[entry])
    seat.tick(1)
    await seat.send([seat.add(Kind.SNAPSHOT, purpose="periodic")])  # of which there is no picture
    shown = await house.reviews.timeline(seat.session, me="bo")
    states = [each.blob for each in shown.snapshots]
    assert states.count("erased") == 1
    assert states.count("owed") == 2
    assert states.count("held") == len(states) - 3
    assert shown.snapshots[-1].sha256 == ""


@pytest.mark.parametrize("off_ms", [0, 3_600_000, -3_600_000])
async def test_snapshots_flags_and_gaps_stand_on_one_clock(house: House, off_ms: int) -> None:
    """Else a picture would stand an hour beside the flag that it raised."""
    seat = await house.seat()
    seat.device.at_ms += off_ms
    await seat.begin()
    began_ms = int(house.clock.now().timestamp() * 1000)
    for _ in range(4):
        await seat.snapshot(b"two")
    at = seat.device.at_ms
    gap = seat.add(Kind.GAP, cause="camera", of="capture", from_ms=at - 2000, to_ms=at)
    odd = seat.add(Kind.GAP, cause=7, from_ms="then", to_ms=None)
    await seat.send([gap, odd, seat.add(Kind.ANSWER, section="part-a", item="two-dice")])
    await house.analysed(seat.session)
    shown = await house.reviews.timeline(seat.session, me="bo")
    assert [each.at_ms - began_ms for each in shown.snapshots] == [0, 0, 1000, 2000, 3000, 4000]
    (flag,) = (each for each in shown.flags if each.flag_class == "conduct")
    assert (flag.started_at_ms, flag.ended_at_ms) == (began_ms + 1000, began_ms + 4000)
    assert [(each.from_ms - began_ms, each.to_ms - began_ms) for each in shown.gaps] == [
        (2000, 4000),
        (4000, 4000),
    ]
    assert [each.last_at_ms - began_ms for each in shown.answers] == [4000]
