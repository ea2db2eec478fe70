"""Functions in a process of its own: each caller gets its own answer, whatever befalls others."""

import asyncio
import multiprocessing
import os
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
