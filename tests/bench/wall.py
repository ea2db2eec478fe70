"""What it costs to keep proctors' walls up to date.

    python -m tests.bench.wall SERVER_CORE LOAD_CORE ROUNDS SECONDS SESSIONS EVENTS PROCTORS

`EVENTS` a second happen to `SESSIONS` sessions while `PROCTORS` walls are open over real sockets,
each with 120 tiles before its reader's eyes. Nine events of ten are a batch that a device sent, a
fifth of them with a snapshot; of the rest four fifths move the state of a session, one raises a
flag. They are told to `services.wall` as `Line.take`, `Cases` and `Analysis` tell it; to take a
batch itself is another figure's. The processor time of the fan-out is that of the process less
what the same events cost with no wall open. The same for one JSON message per event and proctor,
at a fifth of the events, because that many more messages would be more than a core can send.

Prints a line of JSON for each round: the fan-out's seconds an event, those of a message an event
and proctor, bytes a second and proctor, and the 99th percentile of the age of what was shown, in
seconds: from the instant a device was heard to that at which a proctor's program has read it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import uvloop
from aiohttp import web

from proctor.adapters.clock import SystemClock
from proctor.cli.serve import spare_the_collector
from proctor.domain import session as rules
from proctor.domain.asks import QualityAsk
from proctor.domain.devices import KnownDevice
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.moves import Actor
from proctor.domain.session import ExamSession, SectionRun
from proctor.evidence.note import KeyKind, SigningKey
from proctor.evidence.record import BlobRef, Kind, Record
from proctor.services.intake import Line
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, Device, Published
from proctor.services.tiles import Known, Tile, changes, tile_of
from proctor.web.api import Api, Role
from proctor.web.serve import listening
from proctor.web.wall import WALLS, add_wall_route
from tests.services.house import House
from tests.web.serving import app_of

ROOT = Path(__file__).parent.parent.parent
STEP_S = 0.01  # events come in so many handfuls: a hundred a second
FEWER = 5  # of the events, where each is told to each proctor


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much of everything."""

    rounds: int
    seconds: float  # of each part of a round
    sessions: int
    events_s: int
    proctors: int


@dataclass
class Sitting:
    """A learner who works, and whose device is connected."""

    case: Case
    line: Line
    tile: Tile  # as told to those who are told each event


class Exam:
    """Two thousand learners at work, and what happens to them."""

    def __init__(self, house: House, sitting: list[Sitting], of: Published) -> None:
        self.house = house
        self.wall = house.wall
        self.sitting = sitting
        self.published = of
        self._happened = count()

    def happen(self) -> tuple[Sitting, dict[str, object]]:
        """Let something happen to somebody; return to whom, and what changed of the tile."""
        number = next(self._happened)
        # Every session in its turn, and each kind of event falls to any.
        who = self.sitting[number * 7919 % len(self.sitting)]
        now = self.house.clock.now()
        session = {"session": who.case.session.id}
        match number % 50:
            case 0 | 1 | 2 | 3:
                return who, session | self._ask(who, now)
            case 4:
                return who, session | self._flag(who, number, now)
            case kind:
                who.line.heard_at = now
                heard: dict[str, object] = {"heard_ms": milliseconds(now)}
                if kind % 5 == 0:
                    heard["still"] = self._snapshot(who, number, now)
                return who, session | heard

    def _snapshot(self, who: Sitting, number: int, now: datetime) -> dict[str, object]:
        at_ms, digest = milliseconds(now) - 40, f"{number:064x}"
        record = Record(
            session=who.case.session.id,
            device=who.line.device.id,
            seq=number,
            at_ms=at_ms,
            kind=Kind.SNAPSHOT,
            blob=BlobRef(digest, "image/jpeg", 40_000),
            facts={"purpose": "periodic"},
        )
        who.line.still = (record, now)
        return {"device": record.device, "sha256": digest, "at_ms": at_ms}

    def _ask(self, who: Sitting, now: datetime) -> dict[str, object]:
        session = who.case.session
        asks = () if session.asks else (QualityAsk(kind="dark", section="part-a", since=now),)
        who.case = replace(
            who.case, session=replace(session, asks=asks), version=who.case.version + 1
        )
        self.wall.see(who.case)
        return self._changed(who)

    def _flag(self, who: Sitting, number: int, now: datetime) -> dict[str, object]:
        flag = Flag(
            id=f"person-count.{who.line.device.id}.{number}",
            when="person-count",
            rule="more than 1 person for 5 seconds",
            flag_class=FlagClass.CONDUCT,
            severity=0.6,
            policy_sha256=who.case.session.policy_sha256,
            section_id="part-a",
            started_at=now,
            ended_at=now,
            measurement="faces",
            value=2,
            threshold=1,
            snapshots=(),
            snapshot_count=0,
            records=(),
            models=(),
            seen=(),
            explanation="",
        )
        self.wall._found(who.case.session.id, [flag])
        return self._changed(who)

    def _changed(self, who: Sitting) -> dict[str, object]:
        before = who.tile
        who.tile = tile_of(who.case.session, self.published, Known(connected=True))
        return changes(before, who.tile)


async def sat(sessions: int) -> Exam:
    """Seat so many learners."""
    house = House()
    house.clock = SystemClock()  # type: ignore[assignment] # the house's own stands still
    house.cases._clock = house.clock
    published = await house.publish()
    now = house.clock.now()
    key = SigningKey.generate("d_bench", KeyKind.ED25519).verifier.encode()
    known = KnownDevice(id="d_bench", key=key, kind="browser")
    sitting = []
    for number in range(sessions):
        session = ExamSession(
            id=f"s_{number:010d}",
            exam=published.exam.id,
            exam_sha256=published.exam_sha256,
            policy_sha256=published.policy_sha256,
            learner=f"Learner {number}",
            made_at=now,
            sections=tuple(
                SectionRun(id=each.id, limit=timedelta(hours=2)) for each in published.exam.sections
            ),
            in_order=True,
        )
        session = rules.join(session, known)
        session = rules.advance(session, rules.Event.CHECK_IN, actor=Actor.LEARNER)
        session = rules.open_section(session, "part-a", now=now)
        await house.store.create(session, join_sha256=str(number), lines=[])
        device = Device(
            id=known.id, session=session.id, key=key, kind=known.kind, token_sha256=str(number)
        )
        line = await house.intake.connect(device)
        case = await house.cases.get(session.id)
        tile = tile_of(session, published, Known(connected=True))
        sitting.append(Sitting(case, line, tile))
    return Exam(house, sitting, published)


@asynccontextmanager
async def walls(url: str, path: str, core: int, load: Load) -> AsyncIterator[dict[str, float]]:
    """Let proctors watch from another process; what it says at the end is what they saw."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.proctors"),
        *(url, path, str(core), str(load.sessions), str(load.proctors)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        seen: dict[str, float] = {}
        yield seen
        process.stdin.close()
        seen |= json.loads(await process.stdout.readline())
    except BaseException:
        process.kill()
        raise
    finally:
        await process.wait()


async def cpu_an_event(
    happen: Callable[[], Awaitable[object]], *, events_s: int, seconds: float
) -> float:
    """Let events happen at a steady rate; return the processor seconds that each took."""
    loop = asyncio.get_running_loop()
    began, cpu_began, done = loop.time(), time.process_time(), 0
    while (since := loop.time() - began) < seconds:
        for _ in range(int(since * events_s) - done):
            await happen()
            done += 1
        await asyncio.sleep(STEP_S)
    return (time.process_time() - cpu_began) / max(1, done)


async def rounds(
    url: str, exam: Exam, each_told: set[web.WebSocketResponse], core: int, load: Load
) -> AsyncIterator[dict[str, float]]:
    async def happen() -> None:
        exam.happen()

    async def tell_each() -> None:
        _, changed = exam.happen()
        for socket in each_told:
            await socket.send_str(json.dumps({"type": "tile", **changed}))

    fewer = load.events_s // FEWER
    for _ in range(load.rounds):
        alone = await cpu_an_event(happen, events_s=load.events_s, seconds=load.seconds)
        async with walls(url, "/api/v1/wall", core, load) as seen:
            fan_out = await cpu_an_event(happen, events_s=load.events_s, seconds=load.seconds)
        alone_too = await cpu_an_event(happen, events_s=fewer, seconds=load.seconds)
        async with walls(url, "/each", core, load):
            messages = await cpu_an_event(tell_each, events_s=fewer, seconds=load.seconds)
        yield {
            # What is too little to be measured, as in a tiny run, is not less than nothing.
            "fan_out_s": max(1e-6, fan_out - alone),
            "messages_s": max(1e-6, messages - alone_too),
            **seen,
        }


async def serve(server_core: int, load_core: int, load: Load) -> None:
    os.sched_setaffinity(0, {server_core})
    exam = await sat(load.sessions)
    api = Api("bench", "1")
    add_wall_route(api, wall=exam.wall)
    each_told: set[web.WebSocketResponse] = set()

    @api.route("GET", "/each", role=Role.PROCTOR, raw=True, status=101)
    async def tell_each(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        each_told.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            each_told.discard(socket)
        return socket

    app = app_of(api)
    app[WALLS] = set()
    async with listening(app, host="127.0.0.1", port=0) as url:
        telling = asyncio.ensure_future(exam.wall.run())
        spare_the_collector()
        async for done in rounds(url, exam, each_told, load_core, load):
            print(json.dumps(done), flush=True)
        telling.cancel()
        await asyncio.wait({telling})


def main() -> None:
    server_core, load_core, number = map(int, sys.argv[1:4])
    sessions, events_s, proctors = map(int, sys.argv[5:])
    load = Load(
        rounds=number,
        seconds=float(sys.argv[4]),
        sessions=sessions,
        events_s=events_s,
        proctors=proctors,
    )
    uvloop.run(serve(server_core, load_core, load))


if __name__ == "__main__":
    main()
