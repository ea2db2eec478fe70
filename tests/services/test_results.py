from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from proctor.domain.acts import ActKind
from proctor.domain.identity import IdEvent
from proctor.domain.observation import Measured
from proctor.domain.review import Outcome, SessionGoesOn
from proctor.domain.scoring import MarkReleased
from proctor.domain.session import ExamSession, NotDecidedYet, ReleasedUnjudged
from proctor.evidence.record import Kind, parse
from proctor.services import analysis as analysing
from proctor.services.analysis import NotLookedAtYet
from proctor.services.outcomes import Outcomes, UnderReview
from proctor.services.ports import NotFound
from proctor.services.results import Marking, ResultView
from tests.conftest import ScriptedVision
from tests.device import JPEG
from tests.memory_store import MemoryStore
from tests.services.house import House, Seat


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


async def result(seat: Seat) -> ResultView:
    return await seat.house.results.result(seat.session)


async def test_the_last_answer_in_time_counts(seat: Seat) -> None:
    await seat.answer("part-a", "two-dice", "a")
    assert (await result(seat)).points == 0
    await seat.answer("part-a", "two-dice", "c")
    assert (await result(seat)).points == 1


async def test_a_late_answer_does_not_count_and_is_named_for_a_person(seat: Seat) -> None:
    await seat.answer("part-a", "two-dice", "a")
    seat.tick(31)
    await seat.answer("part-a", "two-dice", "c")
    await seat.answer("part-a", "independent", ["both"])
    found = await result(seat)
    assert found.points == 0
    # Where an answer came in time, that one counts: nothing is left to decide.
    assert found.late == ["independent"]


async def test_an_item_is_answered_in_its_own_section_whatever_the_record_says(
    seat: Seat,
) -> None:
    """A learner's program can name the open section and answer an item of a closed one."""
    await seat.house.sessions.close_section(seat.session, "part-a")
    await seat.house.sessions.open_section(seat.session, "part-b")
    await seat.answer("part-b", "two-dice", "c")
    await seat.answer("part-a", "geometric-mean", "4")
    found = await result(seat)
    assert found.late == ["two-dice"]
    assert found.points == 2
    shown = await seat.house.reviews.timeline(seat.session, me="bo")
    assert {(each.section, each.item): each.late for each in shown.answers} == {
        ("part-a", "two-dice"): True,
        ("part-b", "geometric-mean"): False,
    }


async def test_answers_to_items_that_are_none_are_passed_over(seat: Seat) -> None:
    for item in ("no-such-item", 7, None, ["two-dice"]):
        await seat.send([seat.add(Kind.ANSWER, section="part-a", item=item, response="c")])
    await seat.send([seat.add(Kind.ANSWER)])
    found = await result(seat)
    assert (found.points, found.late) == (0, [])


async def test_an_answer_of_the_wrong_shape_scores_nothing(seat: Seat) -> None:
    for response in ({"a": 1}, 10**10, ["c"] * 100, "x" * 50_000, None, True):
        await seat.answer("part-a", "two-dice", response)
        assert (await result(seat)).points == 0


async def test_what_a_person_must_score_leaves_the_pass_open(seat: Seat) -> None:
    await seat.house.sessions.close_section(seat.session, "part-a")
    await seat.house.sessions.open_section(seat.session, "part-b")
    await seat.house.sessions.close_section(seat.session, "part-b")
    await seat.house.sessions.open_section(seat.session, "part-c")
    await seat.answer("part-c", "randomise", "So that only chance differs.")
    found = await result(seat)
    assert "randomise" in found.awaiting
    assert found.possible > found.points


# --- marks ---------------------------------------------------------------------------------------


async def essayist(house: House) -> Seat:
    """Let a learner who needs nobody else answer a question that no machine can score."""
    seat = await accepted(house, "Ada Lovelace")
    for _ in range(4):
        await seat.snapshot()
    await seat.answer("part-a", "two-dice", "c")
    seat.tick(1)
    for before, section in (("part-a", "part-b"), ("part-b", "part-c")):
        await house.sessions.close_section(seat.session, before)
        await house.sessions.open_section(seat.session, section)
    await seat.answer("part-c", "randomise", "So that only chance differs.")
    return seat


async def marked(seat: Seat, points: str, was: str | None, *, by: str = "tess") -> Marking:
    given, before = Decimal(points), None if was is None else Decimal(was)
    return await seat.house.results.mark(seat.session, "randomise", points=given, was=before, by=by)


async def told_of_marks(seat: Seat) -> list[tuple[object, object, object]]:
    records = map(parse, await seat.house.store.server_lines(seat.session))
    facts = [each.facts for each in records if each.facts.get("event") == "marked"]
    return [(each.get("was"), each["points"], each["by"]) for each in facts]


async def test_a_mark_is_corrected_until_the_result_is_released_and_both_stay_readable() -> None:
    house = House()
    seat = await essayist(house)
    with pytest.raises(SessionGoesOn):
        await house.results.marking(seat.session)
    with pytest.raises(SessionGoesOn):
        await marked(seat, "1", None)
    await seat.hand_in()
    await house.analysed(seat.session)
    (answer,) = (await house.results.marking(seat.session)).answers
    assert (answer.item, answer.marks) == ("randomise", [])
    assert answer.response == "So that only chance differs."

    await marked(seat, "1", None)
    found = await marked(seat, "0.5", "1", by="ann")

    assert [(each.points, each.by) for each in found.answers[0].marks] == [
        (1, "tess"),
        (0.5, "ann"),
    ]
    scored = await result(seat)
    assert (scored.points, scored.awaiting) == (1.5, [])
    listed = await house.results.to_mark("short")
    assert (listed.items, [row.marked for row in listed.sessions]) == (2, [1])
    # The learner may have the log before they may have the result.
    assert await told_of_marks(seat) == []
    await house.results.release(seat.session, by="tess")
    assert await told_of_marks(seat) == [(None, 1.0, "tess"), (1.0, 0.5, "ann")]
    with pytest.raises(MarkReleased):
        await marked(seat, "1", "0.5")
    assert (await house.results.marking(seat.session)).released


async def test_what_nobody_had_marked_when_it_was_released_is_marked_and_read_at_once() -> None:
    house = House()
    seat = await essayist(house)
    await seat.hand_in()
    await house.analysed(seat.session)
    await house.results.release(seat.session, by="tess")
    outcomes = Outcomes(house.store, house.cases, house.results)
    before = (await outcomes.of(seat.session)).results
    assert before is not None
    assert before.awaiting == ["randomise"]

    await marked(seat, "1", None)

    after = (await outcomes.of(seat.session)).results
    assert after is not None
    assert (after.awaiting, after.points) == ([], before.points + 1)
    assert await told_of_marks(seat) == [(None, 1.0, "tess")]
    kept = (await house.store.case(seat.session)).session
    assert (
        TypeAdapter(ExamSession).validate_json(TypeAdapter(ExamSession).dump_json(kept)).marks
        == kept.marks
    )


# --- released without a verdict ------------------------------------------------------------------


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


async def accepted(house: House, learner: str) -> Seat:
    """Let a learner begin, whom a person accepted and machines compared with the others."""
    seat = await house.seat(learner=learner)
    await seat.begin()
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    await house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo")
    return seat


async def handed_in(house: House, learner: str, seen: bytes = b"") -> Seat:
    seat = await accepted(house, learner)
    for _ in range(4):
        await seat.snapshot(seen)
    await seat.answer("part-a", "two-dice", "c")
    await seat.hand_in()
    return seat


async def test_a_quiet_session_is_released_without_a_verdict_once_it_was_looked_through() -> None:
    house = House()
    seat = await handed_in(house, "Ada Lovelace")
    with pytest.raises(NotLookedAtYet):
        await house.results.release(seat.session, by="team")
    await house.analysed(seat.session)
    # Until then a person may judge it.
    assert (await house.reviews.timeline(seat.session, me="bo")).may_decide

    await house.results.release(seat.session, by="team")

    outcomes = Outcomes(house.store, house.cases, house.results)
    told = await outcomes.of(seat.session)
    assert (told.review, told.outcome, told.released_unjudged) == ("awaiting", None, True)
    assert told.results is not None
    assert told.results.points == 1
    seen = await outcomes.timeline(seat.session)
    # What it rests on is the learner's to read and to keep, as with a decision.
    assert (seen.released_unjudged, seen.flags) == (True, [])
    assert seen.snapshots[-1].observation is not None
    assert (await outcomes.decided(seat.session)).id == seat.session
    with pytest.raises(ReleasedUnjudged):
        await house.reviews.decide(seat.session, by="bo", outcome=Outcome.CLEAR, reasons="calm")
    shown = await house.reviews.timeline(seat.session, me="bo")
    assert (shown.may_decide, shown.why_not) == (
        False,
        "Nobody had to judge it, and its results were released without a verdict.",
    )
    (row,) = (await house.reviews.queue(None, me="bo")).reviews
    assert (row.released_unjudged, row.may_decide, row.clock) == (True, False, "ok")


async def test_of_many_those_that_need_somebody_are_named_and_the_others_released() -> None:
    house = House()
    quiet = await handed_in(house, "Ada Lovelace")
    flagged = await handed_in(house, "Grace Hopper", b"two")
    judged = await handed_in(house, "Mary Somerville", b"two")
    accused = await handed_in(house, "Emmy Noether")
    await house.seat(learner="Sofja Kowalewskaja")  # who goes on
    await house.analysed(quiet.session)
    flags = await house.judged(judged.session)
    for seat, outcome, some in (
        (judged, Outcome.CLEAR, flags),
        (accused, Outcome.BREACH, []),
    ):
        await house.reviews.decide(
            seat.session, by="bo", outcome=outcome, reasons="I saw it", flags=some
        )

    found = await house.results.release_all("short", by="team")

    assert set(found.done) == {quiet.session, judged.session}
    assert {(no.session, no.code) for no in found.failed} == {
        (flagged.session, "not-decided-yet"),
        (accused.session, "not-decided-yet"),
    }
    again = await house.results.release_all("short", by="team")
    assert (again.done, len(again.failed)) == ([], 2)
    with pytest.raises(NotFound):
        await house.results.release_all("none", by="team")


async def test_a_flag_of_a_picture_that_came_late_is_looked_at_after_all() -> None:
    house = House()
    seat = await handed_in(house, "Ada Lovelace")
    other = await handed_in(house, "Grace Hopper", b"two")
    await house.analysed(seat.session)
    await house.results.release(seat.session, by="team")
    (flag,) = await house.store.flags(other.session)
    await house.cases.change(seat.session, lambda same, _now: same, by="clock", flags=[flag])

    assert (await house.reviews.timeline(seat.session, me="bo")).may_decide
    outcomes = Outcomes(house.store, house.cases, house.results)
    told = await outcomes.of(seat.session)
    assert (told.released_unjudged, told.flags, told.results is None) == (False, None, False)
    with pytest.raises(UnderReview):
        await outcomes.decided(seat.session)
    flags = await house.judged(seat.session)
    await house.reviews.decide(
        seat.session, by="bo", outcome=Outcome.CLEAR, reasons="a poster", flags=flags
    )
    assert (await outcomes.of(seat.session)).outcome == "clear"


async def test_answers_that_came_late_are_a_persons_to_decide_on() -> None:
    house = House()
    seat = await accepted(house, "Ada Lovelace")
    await seat.snapshot()
    await seat.answer("part-a", "two-dice", "a")
    seat.tick(31)
    await seat.answer("part-a", "two-dice", "c")
    await seat.hand_in()
    await house.analysed(seat.session)
    with pytest.raises(NotDecidedYet):
        await house.results.release(seat.session, by="team")


async def test_no_result_is_released_unjudged_while_a_picture_has_not_come() -> None:
    house = House()
    seat = await accepted(house, "Ada Lovelace")
    await seat.snapshot()
    picture = JPEG + b"the last one"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")])
    await seat.hand_in()
    await house.analysed(seat.session)
    with pytest.raises(NotDecidedYet):
        await house.results.release(seat.session, by="team")

    await seat.send([], [picture])
    await house.analysed(seat.session)
    await house.results.release(seat.session, by="team")


class Blind(ScriptedVision):
    """Lacks the model that finds faces."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        why = "faces: the model yunet is missing"
        return replace(seen, faces=None, same_person=None, unavailable=(why,))


async def test_what_no_machine_could_measure_is_looked_at_by_a_person() -> None:
    house = House(vision=Blind())
    seat = await handed_in(house, "Ada Lovelace")
    assert await house.analysed(seat.session) == []
    with pytest.raises(NotDecidedYet):
        await house.results.release(seat.session, by="team")


async def test_a_rule_that_was_lifted_keeps_no_result_for_what_could_not_be_measured() -> None:
    house = House(vision=Blind())
    seat = await accepted(house, "Ada Lovelace")
    for rule in ("person-count", "another-person"):
        await house.act(seat.session, ActKind.LIFT_RULE, rule=rule)
    await seat.snapshot()
    await seat.hand_in()
    assert await house.analysed(seat.session) == []
    await house.results.release(seat.session, by="team")


async def test_an_exam_of_which_no_picture_came_is_looked_at_by_a_person() -> None:
    house = House()
    seat = await accepted(house, "Ada Lovelace")
    await seat.hand_in()
    await house.analysed(seat.session)
    with pytest.raises(NotDecidedYet):
        await house.results.release(seat.session, by="team")


async def test_of_whom_nobody_accepted_who_sat_the_result_waits_for_a_person() -> None:
    house = House()
    seat = await house.seat()
    await seat.begin()  # the policy of the demonstration holds nobody back
    await seat.snapshot()
    await seat.hand_in()
    await house.analysed(seat.session)
    for after in (
        lambda: house.readings.read(seat.session),
        lambda: house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo"),
        lambda: house.accounts.face(seat.session),
    ):
        with pytest.raises(NotDecidedYet):
            await house.results.release(seat.session, by="team")
        await after()
    await house.results.release(seat.session, by="team")


async def test_a_flag_that_is_raised_while_the_rows_are_read_holds_the_release() -> None:
    store = InterruptedStore()
    house = House(store)
    seat = await handed_in(house, "Ada Lovelace")
    other = await handed_in(house, "Grace Hopper", b"two")
    await house.analysed(seat.session)
    (flag,) = await store.flags(other.session)

    async def raise_one() -> None:
        await house.cases.change(seat.session, lambda same, _now: same, by="clock", flags=[flag])

    store.meanwhile = raise_one
    with pytest.raises(NotDecidedYet):
        await house.results.release(seat.session, by="team")


async def test_a_session_that_is_saved_again_and_again_is_released_later() -> None:
    store = InterruptedStore()
    house = House(store)
    seat = await handed_in(house, "Ada Lovelace")
    await house.analysed(seat.session)

    async def note() -> None:
        text = f"at {house.clock.now()}"
        await house.reviews.note(seat.session, by="bo", at_ms=0, text=text)
        store.meanwhile = note

    store.meanwhile = note
    with pytest.raises(NotLookedAtYet):
        await house.results.release(seat.session, by="team")
    store.meanwhile = None
    await house.results.release(seat.session, by="team")


class InterruptedStore(MemoryStore):
    """Lets something happen while it is asked which blobs are held."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def held(self, session_id: str) -> Mapping[str, int]:
        found = await super().held(session_id)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found


@pytest.mark.parametrize("later", ["doubt", "refusal", "irregularity"])
async def test_what_is_raised_after_the_release_is_judged_by_people_after_all(later: str) -> None:
    house = House()
    seat = await handed_in(house, "Ada Lovelace")
    await house.analysed(seat.session)
    await house.results.release(seat.session, by="team")
    assert not (await house.reviews.timeline(seat.session, me="cy")).may_decide

    def doubted(session: ExamSession, now: datetime) -> ExamSession:
        return replace(session, id_check=replace(session.id_check, doubted_at=now))

    if later == "doubt":
        seat.tick(1)
        await house.cases.change(seat.session, doubted, by="machine")
    elif later == "refusal":
        reason = "the name differs"
        await house.identity.decide(seat.session, IdEvent.REFUSE, by="bo", reason=reason)
    else:
        await house.act(seat.session, ActKind.IRREGULARITY, by="bo", of="room")

    shown = await house.reviews.timeline(seat.session, me="cy")
    assert (shown.may_decide, shown.released_unjudged) == (True, False)
    (row,) = (await house.reviews.queue(None, me="cy")).reviews
    assert (row.may_decide, row.released_unjudged) == (True, False)
    outcomes = Outcomes(house.store, house.cases, house.results)
    assert not (await outcomes.of(seat.session)).released_unjudged
    await house.reviews.decide(seat.session, by="cy", outcome=Outcome.CLEAR, reasons="it is them")
