"""A process of its own, and functions run in it: decoding strangers' pictures may crash.

Not `concurrent.futures`: its two threads want the interpreter's lock of the server, beside which
pictures are looked at, and each hand-over waits for them. Here the event loop itself writes what
is to be done into a socket and reads what came of it.
"""

import asyncio
import functools
import multiprocessing
import os
import pickle
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LENGTH: Final = 4  # bytes, big-endian, before each pickle


class Died(Exception):
    """The process ended with the job in it, or waiting for it."""


class Process:
    """Runs functions in a process of its own, in the order in which they are asked for.

    The process is started when it is needed, also after it ended. It ends with this one, however
    this one ends.

    Args:
        start: What it does first, such as to lower its priority; a function of a module.
        patience_s: How long it may be at one job before it is looked at, and killed where it
            gets nowhere: at the first look if it waits, at a later one if it had half of this
            of a core since. None: for ever.
    """

    def __init__(self, start: Callable[[], object], *, patience_s: float | None = None) -> None:
        self.asked = 0  # callers of `run` that have no answer yet
        self._start = start
        self._patience_s = patience_s
        self._starting = asyncio.Lock()
        self._pipe: _Pipe | None = None
        self._process: BaseProcess | None = None

    async def run(self, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Return what a function of a module returns, or raise what it raises.

        Raises:
            Died: The process ended before, or got nowhere and was killed.
        """
        work = pickle.dumps(functools.partial(job, *args, **kwargs), pickle.HIGHEST_PROTOCOL)
        self.asked += 1
        try:
            async with self._starting:
                if self._pipe is None or self._pipe.is_closed:
                    self._pipe = await self._open()
            return cast(_T, await self._pipe.ask(work))
        finally:
            self.asked -= 1

    def end(self) -> None:
        """Let it finish what it was asked for, and end."""
        if self._pipe is not None:
            self._pipe.close()

    async def close(self) -> None:
        """End it, and wait until it ended; a second call does nothing."""
        self.end()
        if self._process is not None:
            await asyncio.to_thread(self._process.join)

    async def _open(self) -> "_Pipe":
        ours, theirs = socket.socketpair()
        # Spawned: a fork would copy the server's sockets, threads and half-held locks.
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=_serve, args=(theirs, self._start), daemon=True)
        with theirs:
            process.start()
        self._process = process
        _, pipe = await asyncio.get_running_loop().create_unix_connection(
            lambda: _Pipe(process, self._patience_s), sock=ours
        )
        return pipe


class _Pipe(asyncio.Protocol):
    """Takes what is to be done to a process, and gives each who waits the answer, in order."""

    def __init__(self, process: BaseProcess, patience_s: float | None) -> None:
        self.is_closed = False
        self._process = process
        self._patience_s = patience_s
        self._watch: asyncio.TimerHandle | None = None
        self._used_s: float | None = None  # of a core, when the job was looked at first
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._read = bytearray()

    def ask(self, work: bytes) -> asyncio.Future[object]:
        assert self._transport is not None
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.is_closed:
            answer.set_exception(Died())
        else:
            self._transport.writelines((len(work).to_bytes(_LENGTH, "big"), work))
            self._waiting.append(answer)
            if len(self._waiting) == 1:
                self._begins()
        return answer

    def close(self) -> None:
        """Ask for nothing more; what was asked for is answered."""
        if not self.is_closed and self._transport is not None:
            self.is_closed = True
            self._transport.write_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._read += data
        while len(self._read) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._read[:_LENGTH], "big")
            if len(self._read) < end:
                return
            returned, value = pickle.loads(self._read[_LENGTH:end])  # noqa: S301 # as ours are
            del self._read[:end]
            answer = self._waiting.popleft()
            self._begins()
            if answer.done():  # nobody waits for it any more
                continue
            if returned:
                answer.set_result(value)
            else:
                answer.set_exception(value)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # that it ended is what is known
        self.is_closed = True
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(Died())
        self._waiting.clear()
        self._begins()

    def _begins(self) -> None:
        """Watch the job that is first now, or none."""
        self._used_s = None
        if self._watch is not None:
            self._watch.cancel()
        if self._patience_s is not None:
            loop = asyncio.get_running_loop()
            again = loop.call_later(self._patience_s, self._look) if self._waiting else None
            self._watch = again

    def _look(self) -> None:
        """Kill a process that is stopped, waits for itself, or runs in a circle.

        One that only has no core is left alone: beside a busy server one of the least priority
        may wait for minutes, and its pictures would be marked for no fault of theirs.
        """
        assert self._patience_s is not None
        used_s = _core_used_s(self._process.pid)
        # Since the first look, not the last: a circle that gets a tenth of a core ends too.
        if self._used_s is None:
            self._used_s = used_s
        if used_s is None or self._used_s is None or used_s - self._used_s > self._patience_s / 2:
            self._process.kill()  # which ends the pipe
        else:
            self._watch = asyncio.get_running_loop().call_later(self._patience_s, self._look)


def _core_used_s(pid: int | None) -> float | None:
    """Return how long a process had a core; None: it wants none, or this system does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if told[0] not in {b"R", b"D"}:  # proc(5): running or waiting for a core; for the disk
        return None
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _serve(theirs: socket.socket, start: Callable[[], object]) -> None:
    # Ctrl-C reaches every process of the terminal; this one is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    start()
    with theirs, theirs.makefile("rb") as asked:
        while length := asked.read(_LENGTH):
            job = pickle.loads(asked.read(int.from_bytes(length, "big")))  # noqa: S301 # the server's
            try:
                done = True, job()
            except Exception as error:  # noqa: BLE001 # whoever asked is told
                done = False, error
            answer = pickle.dumps(done, pickle.HIGHEST_PROTOCOL)
            theirs.sendall(len(answer).to_bytes(_LENGTH, "big") + answer)


def _end_with(parent: BaseProcess) -> None:
    # A killed server cannot end it, and it may be in a job that never ends.
    parent.join()
    os._exit(1)
