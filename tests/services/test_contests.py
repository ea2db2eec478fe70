"""Answers with files: few of them are in memory at the same time, and none is late for that."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from proctor.domain.contest import ContestOver
from proctor.domain.review import Outcome
from proctor.services import analysis, contests
from proctor.services.contests import IN_TIME_FOR, MAX_LARGE_AT_ONCE, Contests, ContestsBusy
from tests.services.house import House

DAYS_S = 14 * 24 * 3600  # as policies have it that don't say


@pytest.fixture
def taken() -> Contests:
    house = House()
    return Contests(house.store, house.cases)


@pytest.fixture
async def decided(monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with one session, which may be answered from now on for DAYS_S."""
    monkeypatch.setattr(analysis, "EVALUATE_EVERY_S", 0.001)
    house = House()
    seat = await house.seat()
    await seat.begin()
    await seat.hand_in()
    await house.analysed(seat.session)
    await house.reviews.decide(seat.session, by="ann", outcome=Outcome.VOID, reasons="x")
    return house


async def test_so_many_have_a_turn_and_one_more_waits_for_theirs(taken: Contests) -> None:
    async with AsyncExitStack() as others, asyncio.timeout(60):
        for number in range(MAX_LARGE_AT_ONCE - 1):
            await others.enter_async_context(taken.turn(f"s_{number}"))
        async with taken.turn("s_last"):
            late = asyncio.create_task(_one(taken, "s_late"))
            await asyncio.sleep(0)
            assert not late.done()
        await late


async def test_who_waits_too_long_is_asked_to_come_back(
    taken: Contests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contests, "TURN_WITHIN_S", 0)
    async with AsyncExitStack() as others:
        for number in range(MAX_LARGE_AT_ONCE):
            await others.enter_async_context(taken.turn(f"s_{number}"))
        with pytest.raises(ContestsBusy) as no:
            await _one(taken, "s_late")
        assert no.value.retry_after_s == contests.RETRY_AFTER_S
    await _one(taken, "s_late")


async def test_one_learner_has_one_turn(taken: Contests) -> None:
    async with taken.turn("s_1"):
        with pytest.raises(ContestsBusy):
            await _one(taken, "s_1")
        await _one(taken, "s_2")
    await _one(taken, "s_1")


async def test_a_turn_that_fails_or_is_called_off_is_free_again(taken: Contests) -> None:
    for _ in range(MAX_LARGE_AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError):
            async with taken.turn("s_1"):
                raise ZeroDivisionError
    async with AsyncExitStack() as others:
        for number in range(MAX_LARGE_AT_ONCE):
            await others.enter_async_context(taken.turn(f"s_{number}"))
        waiting = asyncio.create_task(_one(taken, "s_gone"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await _one(taken, "s_gone")


async def test_who_came_in_time_and_had_to_wait_is_in_time(
    decided: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contests, "TURN_WITHIN_S", 0)
    taken = Contests(decided.store, decided.cases)
    (case,) = await decided.store.cases(None)
    session = case.session.id
    decided.clock.pass_(DAYS_S - 1)
    async with AsyncExitStack() as others:
        for number in range(MAX_LARGE_AT_ONCE):
            await others.enter_async_context(taken.turn(f"s_{number}"))
        with pytest.raises(ContestsBusy):
            await _one(taken, session)
    decided.clock.pass_(60)
    await taken.require_open(session)
    async with taken.turn(session):
        decided.clock.pass_(60)
        await taken.contest(session, text="It was my mirror.", flags=[], files=[])
    answer = (await decided.cases.get(session)).session.review.contest
    assert answer is not None
    assert answer.at == decided.clock.now()


@pytest.mark.parametrize(
    ("before_s", "after_s"),
    [
        pytest.param(0, 0, id="at the end"),
        pytest.param(1, IN_TIME_FOR.total_seconds(), id="not come back in time"),
    ],
)
async def test_who_came_late_or_too_long_ago_is_late(
    decided: House, before_s: float, after_s: float
) -> None:
    taken = Contests(decided.store, decided.cases)
    (case,) = await decided.store.cases(None)
    decided.clock.pass_(DAYS_S - before_s)
    await _one(taken, case.session.id)
    decided.clock.pass_(after_s)
    with pytest.raises(ContestOver):
        await taken.require_open(case.session.id)
    with pytest.raises(ContestOver):
        await taken.contest(case.session.id, text="x", flags=[], files=[])


async def _one(taken: Contests, session: str) -> None:
    async with taken.turn(session):
        pass
