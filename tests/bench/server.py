"""The servers under the bench: the real one, and one that stores nothing.

    python -m tests.bench.server real|looks|moved|forgets|nothing CORE FOLDER

In `looks` the pictures are looked at while it is told to, by a worker as `proctor serve` starts it,
on the same core; in `real` they wait. In `moved` the server's clock is moved on by whoever drives
it, and how many faces are seen stands behind a picture's end. `forgets` is the real one but that it
verifies, signs and answers without having stored anything; `nothing` is the front alone: it answers
each batch at once.

Each is a process of its own on one core. It is told what to do by lines of JSON on its standard
input, and answers each with one on its standard output.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import uvloop
from aiohttp import WSMsgType, web

from proctor import config
from proctor.adapters import exams, keys, policies, slices
from proctor.adapters.clock import SystemClock
from proctor.adapters.logins import SqlLogins
from proctor.adapters.looks import SqlLooks
from proctor.adapters.passwords import Argon2Passwords
from proctor.adapters.segments import Segments
from proctor.adapters.store import SqlStore, open_engine
from proctor.adapters.thumbnails import Sheets
from proctor.adapters.vision import Workers
from proctor.cli.serve import hand_over_soon, put_threads_behind, spare_the_collector
from proctor.domain.observation import Compared, Face, Measured
from proctor.domain.session import ExamSession
from proctor.services.cases import Cases
from proctor.services.journal import milliseconds
from proctor.services.logins import StaffRole, add_staff, sign_in
from proctor.services.ports import Append, Vision
from proctor.services.sessions import Sessions
from proctor.web.app import Parts, build
from proctor.web.serve import listening
from proctor.web.uplink import HEARTBEAT_S

EXAM = Path(exams.__file__).parent.parent / "demo" / "exams" / "short"
# The section stays open as long as the bench may take.
EXTRA = timedelta(hours=2)
# When they have been sat, the clock shows the time again.
MOVED = timedelta(hours=2, minutes=10)
SERVER = "proctor.bench"
CHECKED_IN = 3  # records: hello, face, document
PAGE_BYTES = resource.getpagesize()

Deeds = dict[str, Callable[[dict[str, Any]], Awaitable[object]]]


class PatientVision:
    """Looks at nothing before the bench is over: its pictures wait, as behind a busy worker."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        del stream, jpeg, face, sample
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        del face, document, at
        raise AssertionError("no document is read here")

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        del face, others
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async def close(self) -> None:
        return None


class MovedClock(SystemClock):
    """Runs as this machine's does, and is moved on."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead


class HeldVision:
    """The workers of `proctor serve`, who look at pictures only while they are let."""

    def __init__(self) -> None:
        self._workers = Workers(1)
        self._let = asyncio.Event()
        self.order: list[str] = []  # the sessions of the pictures looked at

    def let(self, *, look: bool) -> None:
        if look:
            self._let.set()
        else:
            self._let.clear()

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        await self._let.wait()
        session, _, camera = stream.partition("/")
        if camera != "check-in":  # which is read for the ID desk, and no picture of the queue
            self.order.append(session)
        measured = await self._workers.observe(stream, jpeg, face=face, sample=sample)
        assert measured.faces, "no face was found in a portrait"
        return measured

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        return await self._workers.compare(face, document, at=at)

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        return await self._workers.closest(face, others)

    async def close(self) -> None:
        await self._workers.close()


class ToldVision(PatientVision):
    """Sees two people where b"two" stands behind a picture's end, else one."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        del stream, face, sample
        one = Face(x=211, y=96, width=143, height=190, score=0.914)
        return Measured(
            faces=(one, one) if jpeg.endswith(b"two") else (one,),
            light_mean=112.4,
            contrast=51.7,
            dark=False,
            covered=False,
            frozen=False,
        )

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        del face, document, at
        return Compared(same_person=0.8)


class Forgetful(SqlStore):
    """Keeps sessions, and of what their devices send only what they check in with."""

    async def append(self, append: Append) -> None:
        if append.first < CHECKED_IN:
            await super().append(append)


@asynccontextmanager
async def real(
    folder: Path,
    kind: type[SqlStore],
    vision: Vision,
    *,
    clock: SystemClock | None = None,
    policy: Path | None = None,
) -> AsyncIterator[tuple[web.Application, Deeds]]:
    """The application of `proctor serve`, but for when pictures are looked at."""
    found = keys.load(folder / "keys", server=SERVER)
    engine, clock = open_engine(folder / "proctor.db"), clock or SystemClock()
    store = kind(engine, Segments(folder / "segments"), found, clock)
    try:
        await config.publish(store, EXAM, policy_file=policy)
        parts = Parts(
            store=store,
            logins=SqlLogins(store),
            looks=SqlLooks(store),
            ticket_key=found.ticket_key(),
            thumbnails=Sheets(),
            passwords=Argon2Passwords(),
            vision=vision,
            lanes=1,
            key=found.signing,
            server=SERVER,
            now=clock.now,
            token=config.token,
            new_id=config.new_id,
            pages=config.PAGES,
            practice=config.PRACTICE,
        )

        async def invite(asked: dict[str, Any]) -> list[str]:
            cases = Cases(store, clock)
            sessions = Sessions(store, cases, token=parts.token, new_id=parts.new_id)
            made = [
                sessions.invite("short", learner="Ada Lovelace", extra=EXTRA)
                for _ in range(asked["count"])
            ]
            return [invitation.join_token for invitation in await asyncio.gather(*made)]

        async def held(_asked: dict[str, Any]) -> int:
            return await store.read(
                lambda tx: tx.exec_driver_sql(
                    "SELECT COALESCE(SUM(size - first), 0) FROM batches"
                ).scalar_one()
            )

        async def proctor(_asked: dict[str, Any]) -> dict[str, str]:
            return await _proctor(parts)

        async def pass_(asked: dict[str, Any]) -> int:
            """Move the clock on; return what it shows, in milliseconds."""
            assert isinstance(clock, MovedClock)
            clock.ahead += timedelta(seconds=asked["seconds"])
            return milliseconds(clock.now())

        async def look(asked: dict[str, Any]) -> None:
            assert isinstance(vision, HeldVision)
            vision.let(look=asked["on"])

        async def looked(asked: dict[str, Any]) -> dict[str, Any]:
            """Tell how many observations are stored, and whose pictures were looked at last.

            And how many check-ins were read.
            """
            assert isinstance(vision, HeldVision)
            stored, read = await store.read(
                lambda tx: tx.exec_driver_sql(
                    "SELECT (SELECT COUNT(*) FROM observations), (SELECT COUNT(*) FROM id_readings)"
                ).one()
            )
            return {"stored": stored, "read": read, "order": vision.order[asked["after"] :]}

        async def by_age(_asked: dict[str, Any]) -> list[str]:
            """Tell the sessions, the one whose section was opened earliest first."""
            sessions = [case.session for case in await store.cases(None)]
            return [each.id for each in sorted(sessions, key=_opened_at)]

        deeds: Deeds = {"invite": invite, "held": held, "proctor": proctor}
        deeds |= {"look": look, "looked": looked, "by_age": by_age, "pass": pass_}
        yield build(parts), deeds
    finally:
        await vision.close()
        await store.close()


def moved(folder: Path) -> AbstractAsyncContextManager[tuple[web.Application, Deeds]]:
    """The application, two hours ago, with an exam that asks for a picture every five seconds."""
    toml = (policies.builtin_folder() / "demo.toml").read_text(encoding="utf-8")
    toml, _, _ = toml.partition("[[test]]")  # they are about its own pace
    for pace in ("snapshot_every_s = 1", "for_s = 2", "for_s = 4"):
        assert f"{pace}\n" in toml
        toml = toml.replace(f"{pace}\n", f"{pace.partition('=')[0]}= 5\n")
    path = folder / "demo.toml"
    path.write_text(toml, encoding="utf-8")
    return real(folder, SqlStore, ToldVision(), clock=MovedClock(-MOVED), policy=path)


async def _proctor(parts: Parts) -> dict[str, str]:
    """Make an account for a proctor, and return its name, its password and a login's token."""
    name, password = "bo", parts.token()
    now, hasher, role = parts.now(), parts.passwords, StaffRole.PROCTOR
    await add_staff(parts.logins, hasher, name=name, role=role, password=password, now=now)
    made = await sign_in(
        parts.logins, hasher, name=name, password=password, now=now, token_factory=parts.token
    )
    return {"name": name, "password": password, "token": made.token}


def _opened_at(session: ExamSession) -> datetime:
    return min(each.opened_at for each in session.sections if each.opened_at is not None)


@asynccontextmanager
async def nothing() -> AsyncIterator[tuple[web.Application, Deeds]]:
    """The same front, which answers each batch at once and keeps nothing."""
    answer = json.dumps({"type": "receipt", "note": "x" * 330, "size": 1, "owed": []})

    async def uplink(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=9 * 1024 * 1024, compress=False
        )
        await socket.prepare(request)
        await socket.send_str('{"type":"welcome"}')
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_str(answer)
        return socket

    app = web.Application()
    app.router.add_get("/api/v1/uplink", uplink)
    yield app, {}


async def usage(_asked: dict[str, Any]) -> dict[str, float]:
    """Processor seconds and resident bytes of this process."""
    return {"cpu_s": time.process_time(), "rss_bytes": resident_bytes()}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


async def tidy(_asked: dict[str, Any]) -> None:
    """Collect garbage now, so that what is held is what is needed."""
    gc.collect()


async def serve(which: str, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    hand_over_soon()
    put_threads_behind()
    asked: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(asked.put_nowait, line)
        loop.call_soon_threadsafe(asked.put_nowait, "")

    Thread(target=read, daemon=True).start()
    made = {
        "real": lambda: real(folder, SqlStore, PatientVision()),
        "looks": lambda: real(folder, SqlStore, HeldVision()),
        "moved": lambda: moved(folder),
        "forgets": lambda: real(folder, Forgetful, PatientVision()),
        "nothing": nothing,
    }[which]()
    async with made as (app, deeds), listening(app, host="127.0.0.1", port=0) as url:
        deeds |= {"usage": usage, "tidy": tidy}
        spare_the_collector()
        print(json.dumps(url), flush=True)
        while line := await asked.get():
            told = json.loads(line)
            print(json.dumps(await deeds[told["do"]](told)), flush=True)


def main() -> None:
    which, core, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    os.sched_setaffinity(0, {core})
    slices.ask(slices.SERVER_NS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(which, folder))


if __name__ == "__main__":
    main()
