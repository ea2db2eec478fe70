"""Functions in a process of its own: each caller gets its own answer, whatever befalls others."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator

import pytest
import uvloop

from proctor.adapters.processes import Died, Process


def nothing_first() -> None: ...


def slowly(value: bytes) -> bytes:
    time.sleep(0.05)
    return value


def refuse(why: str) -> None:
    raise ValueError(why)


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process(nothing_first)
    await made.run(os.getpid)  # from now on what is asked for is on its way after one turn
    yield made
    await made.close()


async def test_each_caller_gets_its_own_answer_in_a_process_that_is_not_ours(
    process: Process,
) -> None:
    answers = await asyncio.gather(*(process.run(slowly, b"%d" % each) for each in range(4)))

    assert answers == [b"0", b"1", b"2", b"3"]
    assert await process.run(os.getpid) != os.getpid()
    assert process.asked == 0


async def test_an_answer_larger_than_a_pipe_holds_comes_whole(process: Process) -> None:
    large = os.urandom(3_000_000)
    assert await process.run(slowly, large) == large


async def test_what_a_function_raises_is_raised_here_and_ends_nothing(process: Process) -> None:
    before = await process.run(os.getpid)
    with pytest.raises(ValueError, match="four legs"):
        await process.run(refuse, "four legs")
    assert await process.run(os.getpid) == before


async def test_who_no_longer_waits_takes_no_answer_from_who_does(process: Process) -> None:
    gone = asyncio.ensure_future(process.run(slowly, b"gone"))
    there = asyncio.ensure_future(process.run(slowly, b"there"))
    await asyncio.sleep(0)
    gone.cancel()

    assert await there == b"there"
    assert await process.run(slowly, b"later") == b"later"


async def test_all_who_wait_are_told_that_it_died_and_the_next_starts_another(
    process: Process,
) -> None:
    first = await process.run(os.getpid)
    waiting = [asyncio.ensure_future(process.run(slowly, b"")) for _ in range(3)]
    await asyncio.sleep(0)
    (child,) = multiprocessing.active_children()
    child.kill()

    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [Died] * 3
    assert await process.run(os.getpid) != first


async def test_ended_it_finishes_what_it_was_asked_for(process: Process) -> None:
    asked = asyncio.ensure_future(process.run(slowly, b"asked"))
    await asyncio.sleep(0)
    process.end()

    assert await asked == b"asked"
    assert await process.run(slowly, b"again") == b"again"


def test_the_loop_of_the_server_does_it_too() -> None:
    async def run() -> bytes:
        process = Process(nothing_first)
        try:
            return await process.run(slowly, b"so it does")
        finally:
            await process.close()

    assert uvloop.run(run()) == b"so it does"
