"""Functions in a process of its own: each caller gets its own answer, whatever befalls others."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvloop

from proctor.adapters.processes import Died, Process


def nothing_first() -> None: ...


def same(value: bytes) -> bytes:
    return value


def wait_at(gate: Path) -> bytes:
    with gate.open("rb", buffering=0) as opened:
        return opened.read(9)


class Gate:
    """A named pipe: who waits at it goes on with what is written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._pipe = os.open(path, os.O_RDWR)  # also for reading, so that it opens at once

    def open(self, value: bytes) -> None:
        os.write(self._pipe, value)

    def close(self) -> None:
        """Let all go that still wait."""
        os.close(self._pipe)


def refuse(why: str) -> None:
    raise ValueError(why)


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process(nothing_first)
    await made.run(os.getpid)  # from now on what is asked for is on its way after one turn
    yield made
    await made.close()


@pytest.fixture
def gate(process: Process, tmp_path: Path) -> Iterator[Gate]:
    del process  # it ends after this one, which its job may wait at
    made = Gate(tmp_path / "gate")
    yield made
    made.close()


async def test_each_caller_gets_its_own_answer_in_a_process_that_is_not_ours(
    process: Process,
) -> None:
    answers = await asyncio.gather(*(process.run(same, b"%d" % each) for each in range(4)))

    assert answers == [b"0", b"1", b"2", b"3"]
    assert await process.run(os.getpid) != os.getpid()
    assert process.asked == 0


async def test_an_answer_larger_than_a_pipe_holds_comes_whole(process: Process) -> None:
    large = os.urandom(3_000_000)
    assert await process.run(same, large) == large


async def test_what_a_function_raises_is_raised_here_and_ends_nothing(process: Process) -> None:
    before = await process.run(os.getpid)
    with pytest.raises(ValueError, match="four legs"):
        await process.run(refuse, "four legs")
    assert await process.run(os.getpid) == before


async def test_who_no_longer_waits_takes_no_answer_from_who_does(
    process: Process, gate: Gate
) -> None:
    gone = asyncio.ensure_future(process.run(wait_at, gate.path))
    there = asyncio.ensure_future(process.run(same, b"there"))
    await asyncio.sleep(0)
    gone.cancel()
    gate.open(b"gone")

    assert await there == b"there"
    assert await process.run(same, b"later") == b"later"


async def test_all_who_wait_are_told_that_it_died_and_the_next_starts_another(
    process: Process, gate: Gate
) -> None:
    first = await process.run(os.getpid)
    waiting = [asyncio.ensure_future(process.run(wait_at, gate.path)) for _ in range(3)]
    await asyncio.sleep(0)
    (child,) = multiprocessing.active_children()
    child.kill()

    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [Died] * 3
    assert await process.run(os.getpid) != first


async def test_ended_it_finishes_what_it_was_asked_for(process: Process, gate: Gate) -> None:
    asked = asyncio.ensure_future(process.run(wait_at, gate.path))
    await asyncio.sleep(0)
    process.end()
    gate.open(b"asked")

    assert await asked == b"asked"
    assert await process.run(same, b"again") == b"again"


def test_the_loop_of_the_server_does_it_too() -> None:
    async def run() -> bytes:
        process = Process(nothing_first)
        try:
            return await process.run(same, b"so it does")
        finally:
            await process.close()

    assert uvloop.run(run()) == b"so it does"


# --- one that gets nowhere -----------------------------------------------------------------------


def spin(seconds: float) -> str:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return "done"


@pytest.fixture
async def impatient() -> AsyncIterator[Process]:
    made = Process(nothing_first, patience_s=2.0)
    await made.run(os.getpid)
    yield made
    await made.close()


async def test_a_stopped_process_is_killed_and_what_comes_next_gets_another(
    impatient: Process,
) -> None:
    before = await impatient.run(os.getpid)
    os.kill(before, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(impatient.run(same, b"1")) for _ in range(3)]

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(each) for each in answers] == [Died] * 3
    assert await impatient.run(os.getpid) != before


async def test_a_process_that_waits_for_what_never_comes_is_killed(
    impatient: Process, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "gate")
    with pytest.raises(Died):
        await impatient.run(wait_at, tmp_path / "gate")


async def test_a_process_that_runs_in_a_circle_is_killed(impatient: Process) -> None:
    with pytest.raises(Died):
        await impatient.run(spin, 3600)


async def test_a_circle_that_gets_less_than_half_of_a_core_is_killed_too(
    impatient: Process,
) -> None:
    # A quarter, beside one for which nobody lowered the priority: between two looks it never has
    # a core for long.
    me = await impatient.run(os.getpid)
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(me, {core})
    os.setpriority(os.PRIO_PROCESS, me, 5)
    busy = Process(nothing_first)
    beside = await busy.run(os.getpid)
    try:
        os.sched_setaffinity(beside, {core})
        ahead = asyncio.ensure_future(busy.run(spin, 3600))
        async with asyncio.timeout(300):
            with pytest.raises(Died):
                await impatient.run(spin, 3600)
    finally:
        os.kill(beside, signal.SIGKILL)
        await asyncio.gather(ahead, return_exceptions=True)
        await busy.close()


async def test_a_process_that_had_no_core_is_left_alone(impatient: Process) -> None:
    # Of the least priority, beside two for each core that it may use: it hardly runs, but would.
    me = await impatient.run(os.getpid)
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(me, {core})
    os.sched_setscheduler(me, os.SCHED_IDLE, os.sched_param(0))
    busy = Process(nothing_first)
    try:
        os.sched_setaffinity(await busy.run(os.getpid), {core})
        ahead = asyncio.ensure_future(busy.run(spin, 2.5))
        assert await impatient.run(spin, 0.1) == "done"
        await ahead
        assert await impatient.run(os.getpid) == me
    finally:
        await busy.close()


async def test_patience_is_for_each_job_by_itself(impatient: Process) -> None:
    jobs = [impatient.run(spin, 0.9) for _ in range(5)]
    assert await asyncio.gather(*jobs) == ["done"] * 5
