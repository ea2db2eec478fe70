"""Answers with files: few of them are in memory at the same time."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from proctor.services import contests
from proctor.services.contests import MAX_LARGE_AT_ONCE, Contests, ContestsBusy
from tests.services.house import House


@pytest.fixture
def taken() -> Contests:
    house = House()
    return Contests(house.store, house.cases)


async def test_so_many_have_a_turn_and_one_more_waits_for_theirs(taken: Contests) -> None:
    async with AsyncExitStack() as others, asyncio.timeout(5):
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


async def _one(taken: Contests, session: str) -> None:
    async with taken.turn(session):
        pass
