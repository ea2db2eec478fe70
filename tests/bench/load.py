"""The load: learners whose batches were made and signed before the clock starts.

Bytes go straight to sockets, so that a core of load keeps a core of server busy.
"""

import asyncio
import ctypes
import os
import random
import re
import struct
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import aiohttp
from yarl import URL

from proctor.evidence.record import Kind
from tests.bench.limit import SNAPSHOT_BYTES
from tests.device import JPEG, Device

# Unanswered batches of one device, as many as `proctor_client.outbox` sends ahead.
UNDER_WAY = 8
SECTION = "part-a"
# A server frames every message with a fresh mask; the work of unmasking is the same with one.
_MASK = bytes.fromhex("5aa53cc3")
_PING, _PONG = 0x9, 0xA
_SHORT, _MIDDLE = 126, 127
_SIZE = re.compile(rb'"size": ?([0-9]+)')
_RECEIPTS = (b'{"type":"receipt"', b'{"type": "receipt"')
# Joins and check-ins under way at once.
_AT_ONCE = 16


class Unplaced(Device):
    """A device of no session: for a server that keeps nothing and asks nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(cast("aiohttp.ClientSession", None), name=name)
        self.joined = {"session": "s_bench", "origin": "b/short/s_bench/d", "device_token": "none"}


class Frame(NamedTuple):
    """A batch as it goes over the wire, and how long the log is with it."""

    message: bytes
    size: int


@dataclass
class Learner:
    """A device that sits an exam, and its connection once it has one."""

    device: Device
    path: str = "/api/v1/uplink"
    wire: "Wire | None" = None
    frames: deque[Frame] = field(default_factory=deque)
    pictures: Sequence[bytes] = ()  # what the camera sees; none: bytes that are no picture

    def say_hello(self) -> None:
        assert self.wire is not None
        self.wire.send(Frame(frame_of(self.device.batch([self.device.hello()])), 1), 0.0)


class Wire(asyncio.Protocol):
    """One WebSocket, client side, as bare as can be: whole frames out, text messages in."""

    def __init__(self, url: URL, path: str, token: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._buffer = bytearray()
        self._upgraded = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent: deque[tuple[float, int]] = deque()  # when, and the log's size with it
        self.answered: deque[tuple[float, float]] = deque()  # sent, answered
        self.on_answer = _ignore
        self.problem = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own does not inherit
        self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        self.problem = self.problem or b"the line was closed"
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("refused"))
        self.on_answer()

    def send(self, frame: Frame, at: float) -> None:
        self.sent.append((at, frame.size))
        self._transport.write(frame.message)

    async def until_answered(self) -> None:
        """Wait for the answer to the one batch that was sent."""
        heard = asyncio.Event()
        self.on_answer = heard.set
        while not self.answered and not self.problem:
            heard.clear()
            await heard.wait()
        self.on_answer = _ignore
        assert not self.problem, self.problem
        self.answered.clear()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert buffer.startswith(b"HTTP/1.1 101"), bytes(buffer[:end])
            self._upgraded = True
            del buffer[: end + 4]
        at = 0
        while len(buffer) - at >= 2:
            code, size, body = buffer[at] & 0x0F, buffer[at + 1] & 0x7F, at + 2
            if size == _SHORT:
                size, body = int.from_bytes(buffer[body : body + 2], "big"), body + 2
            elif size == _MIDDLE:
                size, body = int.from_bytes(buffer[body : body + 8], "big"), body + 8
            if body > len(buffer) or body + size > len(buffer):
                break
            self._heard(code, bytes(buffer[body : body + size]))
            at = body + size
        del buffer[:at]

    def _heard(self, code: int, message: bytes) -> None:
        if code == _PING:
            self._transport.write(frame_of(message, code=_PONG))
        elif message.startswith(_RECEIPTS):
            # One receipt answers all batches up to its size, if they waited together.
            found = _SIZE.search(message)
            assert found is not None
            size, first = int(found[1]), True
            while first or (self.sent and self.sent[0][1] <= size):
                self.answered.append((self.sent.popleft()[0], time.perf_counter()))
                self.on_answer()
                first = False
        elif message.startswith(b'{"type":"welcome"'):
            self.ready.set_result(None)
        elif not message.startswith(b'{"type":"session"'):
            self.problem = message
            self.on_answer()


def _ignore() -> None:
    return None


def frame_of(message: bytes, *, code: int = 0x2) -> bytes:
    """Return a message as a client frames it: masked."""
    size = len(message)
    if size < _SHORT:
        head = bytes([0x80 | code, 0x80 | size])
    elif size < 1 << 16:
        head = bytes([0x80 | code, 0x80 | _SHORT]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | code, 0x80 | _MIDDLE]) + size.to_bytes(8, "big")
    mask = int.from_bytes((_MASK * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(message, "big") ^ mask).to_bytes(size, "big")
    return head + _MASK + masked


async def enrol(
    url: str, tokens: Sequence[str], *, sitting: bool, people: Sequence[Sequence[bytes]] = ()
) -> list[Learner]:
    """Join with each token; `sitting`: say hello, check in and open a section, too.

    Of `people`, each with some pictures, everyone is one in turn and shows the first of them.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as http:

        async def one(at: int, token: str) -> Learner:
            async with turns:
                device = Device(http, name=f"d_bench{at:05d}")
                person = people[at % len(people)] if people else ()
                device.at_ms = int(time.time() * 1000)
                await device.join(token)
                if sitting:
                    await device.connect()
                    await check_in(device, person[0] if person else JPEG + b"face")
                    await device.open(SECTION)
                    await device.hang_up()
                return Learner(device, pictures=person)

        return await asyncio.gather(*(one(at, token) for at, token in enumerate(tokens)))


async def check_in(device: Device, face: bytes) -> None:
    """Show a face and a document, which nobody looks at."""
    document = JPEG + b"document"
    lines = [
        device.hello(),
        device.add(Kind.SNAPSHOT, blob=face, purpose="face"),
        device.add(Kind.SNAPSHOT, blob=document, purpose="document"),
    ]
    await device.send(lines, [face, document])
    await device.call("POST", "/api/v1/session/check-in")


async def connect(url: str, learner: Learner) -> "Wire":
    """Open a learner's uplink and wait for its welcome."""
    where = URL(url)
    assert where.host is not None
    assert where.port is not None
    token = learner.device.joined["device_token"]
    _, wire = await asyncio.get_running_loop().create_connection(
        lambda: Wire(where, learner.path, token), where.host, where.port
    )
    await wire.ready
    learner.wire = wire
    return wire


async def prepare(learners: Sequence[Learner], *, batches: int, together: int) -> None:
    """Make the next batches of each learner: `together` snapshots of 40 KB each.

    It takes seconds, in which the servers ask whether the lines are still there.
    """
    await asyncio.to_thread(_make, learners, batches=batches, together=together)


def _make(learners: Sequence[Learner], *, batches: int, together: int) -> None:
    noise = [os.urandom(SNAPSHOT_BYTES - 16)]
    for learner in learners:
        bodies = learner.pictures or noise
        for number in range(batches):
            # What stands behind the end of a picture is not looked at, and makes it another one.
            pictures = [
                bodies[number % len(bodies)] + os.urandom(8).hex().encode() for _ in range(together)
            ]
            lines = [
                learner.device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
                for picture in pictures
            ]
            message = frame_of(learner.device.batch(lines, pictures))
            learner.frames.append(Frame(message, learner.device.log.frontier.size))


async def as_fast_as_it_goes(learners: Sequence[Learner], *, under_way: int = UNDER_WAY) -> float:
    """Send all that is prepared, each learner as fast as answers come; return the seconds."""
    done = asyncio.get_running_loop().create_future()
    left = sum(len(learner.frames) for learner in learners)

    def begin(learner: Learner) -> None:
        wire = learner.wire
        assert wire is not None

        def answered() -> None:
            nonlocal left
            if wire.problem:
                if not done.done():
                    done.set_exception(RuntimeError(wire.problem))
                return
            left -= 1
            if learner.frames:
                wire.send(learner.frames.popleft(), 0.0)
            elif left == 0:
                done.set_result(None)

        wire.on_answer = answered
        for _ in range(min(under_way, len(learner.frames))):
            wire.send(learner.frames.popleft(), 0.0)

    began = time.perf_counter()
    for learner in learners:
        begin(learner)
    await done
    took = time.perf_counter() - began
    for learner in learners:
        assert learner.wire is not None
        learner.wire.on_answer = _ignore
        learner.wire.answered.clear()
    return took


class _Alarm(int):
    """A timer of Linux that is a descriptor, and good to a few microseconds.

    The event loop's are good to a millisecond. A loop that asks for the time instead takes the
    core from the kernel, which ends the server's writes on whichever core the disk interrupts:
    receipts then took 3 ms longer than where nobody spins.
    """

    @classmethod
    def open(cls) -> "_Alarm | None":
        """Return one; None where there is none."""
        if sys.platform != "linux":
            return None
        made = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        return None if made < 0 else cls(made)

    def set(self, at: float) -> None:
        """Ring at an instant of `time.perf_counter`; one that is past at once."""
        # An interval of nothing, which is once; then seconds and nanoseconds of the instant.
        when = struct.pack("qqqq", 0, 0, int(at), max(1, int(at % 1 * 1e9)))
        absolute = 1
        if _libc.timerfd_settime(self, absolute, when, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")


_libc = ctypes.CDLL(None, use_errno=True)


async def at_rate(learners: Sequence[Learner], per_s: float, *, seed: int) -> list[float]:
    """Send all that is prepared at random instants, `per_s` on average.

    Returns:
        Seconds from when a batch was due to when its receipt came, whether or not earlier ones
        held it up.
    """
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    turns = [learner for learner in learners for _ in learner.frames]
    chance.shuffle(turns)
    due: deque[tuple[float, Learner]] = deque()
    at = time.perf_counter() + 0.01
    for learner in turns:
        at += chance.expovariate(per_s)
        due.append((at, learner))
    done = loop.create_future()
    left = len(due)

    def answered() -> None:
        nonlocal left
        left -= 1
        broken = next((each.wire.problem for each in learners if each.wire), b"")
        if broken and not done.done():
            done.set_exception(RuntimeError(broken))
        elif left == 0:
            done.set_result(None)

    alarm = _Alarm.open()

    def tick() -> None:
        now = time.perf_counter()
        while due and due[0][0] <= now:
            at, learner = due.popleft()
            assert learner.wire is not None
            if learner.wire.problem:  # nobody answers: what waits for `done` must be told
                answered()
                return
            learner.wire.send(learner.frames.popleft(), at)
        if due and alarm is not None:
            alarm.set(due[0][0])
        elif due:
            loop.call_soon(tick)

    def rung() -> None:
        with suppress(BlockingIOError):
            os.read(cast("int", alarm), 8)
        tick()

    wires = [learner.wire for learner in learners if learner.wire]
    for wire in wires:
        wire.on_answer = answered
    if alarm is not None:
        loop.add_reader(alarm, rung)
    tick()
    try:
        await done
    finally:
        if alarm is not None:
            loop.remove_reader(alarm)
            os.close(alarm)
    took = [answered - sent for wire in wires for sent, answered in wire.answered]
    for wire in wires:
        wire.on_answer = _ignore
        wire.answered.clear()
    return took
