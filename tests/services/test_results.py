import pytest

from proctor.evidence.record import Kind
from proctor.services.results import ResultView
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
