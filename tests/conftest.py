"""A real server for tests: real sockets, a real SQLite file, real segment files."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import settings

from proctor import config
from proctor.adapters import exams, policies, vision
from proctor.adapters.logins import SqlLogins
from proctor.adapters.looks import SqlLooks
from proctor.adapters.store import SqlStore
from proctor.adapters.thumbnails import Sheets
from proctor.config import Settings
from proctor.domain.identity import CheckKind
from proctor.domain.observation import Compared, Face, Measured
from proctor.services.logins import StaffRole, add_staff
from proctor.web.app import Parts, build
from proctor.web.serve import listening
from tests.services.memory_logins import PlainHasher
from tests.waking import start_worker

# No deadline in any: a slow machine is no broken law.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

PASSWORD = "correct horse battery"
SHORT_EXAM = Path(exams.__file__).parent.parent / "demo" / "exams" / "short"


class StillClock:
    """A server's clock that moves when a test says so."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class ScriptedVision:
    """Sees what a test wrote into the picture: b"two", b"card", b"dark" or b"covered" at its end.

    b"card" is one person with a card in their hand, b"two card" are two.
    """

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        assert stream
        assert face is not None or not sample
        one = Face(x=1, y=1, width=9, height=9, score=0.9)
        faces = (one, one) if jpeg.endswith((b"two", b"two card")) else (one,)
        if jpeg.endswith(b"card"):
            # The detector may well be surer of a portrait than of who holds it.
            faces = (Face(x=5, y=5, width=3, height=4, score=0.99), *faces)
        covered = jpeg.endswith(b"covered")
        return Measured(
            faces=() if covered else faces,
            light_mean=100.0,
            contrast=1.0 if covered else 40.0,
            dark=False,
            covered=covered,
            frozen=False,
            same_person=0.9 if sample else None,
        )

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        assert at is not None  # else the largest face of a document counts: maybe the learner's
        return Compared(same_person=_alike(face, document))

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        assert len(others) <= 32
        return [_alike(face, other) for other in others]

    async def close(self) -> None:
        return None


def _alike(one: bytes, other: bytes) -> float | None:
    """Return how alike two faces are: whose each is stands behind b"who=", if a face is there."""
    names = [picture.partition(b"who=")[2] for picture in (one, other)]
    return None if b"" in names else 0.9 if names[0] == names[1] else 0.1


@dataclass
class Server:
    """A server under test, and ways to speak to it."""

    url: str
    parts: Parts
    clock: StillClock
    store: SqlStore
    app: web.Application
    staff: dict[str, aiohttp.ClientSession] = field(default_factory=dict)

    async def as_staff(self, role: StaffRole, name: str = "") -> aiohttp.ClientSession:
        """Return a client signed in as one of the staff."""
        name = name or str(role)
        if name not in self.staff:
            await add_staff(
                self.parts.logins,
                self.parts.passwords,
                name=name,
                role=role,
                password=PASSWORD,
                now=self.clock.now(),
            )
            async with aiohttp.ClientSession(self.url) as http:
                body = {"name": name, "password": PASSWORD}
                async with http.post("/api/v1/login", json=body) as response:
                    token = (await response.json())["token"]
            self.staff[name] = aiohttp.ClientSession(
                self.url, headers={"Authorization": f"Bearer {token}"}
            )
        return self.staff[name]

    async def terminate(self, session: str) -> None:
        """Let two proctors end a session."""
        proposed = ""
        for name, act in (("proctor", "terminate"), ("another", "confirm-terminate")):
            proctor = await self.as_staff(StaffRole.PROCTOR, name)
            body = {"act": act, "code": "other/other", "note": "a test's", "of": proposed}
            async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
                assert response.status == 200, await response.text()
                proposed = (await response.json())["act"]["id"]

    async def invite(self, exam: str = "short", **body: Any) -> dict[str, Any]:
        team = await self.as_staff(StaffRole.COURSE_TEAM)
        body = {"learner": "Ada Lovelace", **body}
        async with team.post(f"/api/v1/exams/{exam}/sessions", json=body) as response:
            assert response.status == 201, await response.text()
            invited: dict[str, Any] = await response.json()
            return invited


async def analysed(proctor: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    """Return a session's timeline once the machine has looked at all of its pictures."""
    async with asyncio.timeout(60):
        while True:
            async with proctor.get(f"{path}/timeline") as response:
                timeline: dict[str, Any] = await response.json()
            if timeline["analysed"]:
                return timeline
            await asyncio.sleep(0.05)


async def check_in_read(server: Server, session_id: str) -> None:
    """Wait until a server has done with a check-in whatever machines do with it."""

    async def is_read() -> bool:
        checks = (await server.store.case(session_id)).session.id_check.checks
        return CheckKind.ONE_FACE in {each.check for each in checks}

    await until(is_read)


OpenServer = Callable[..., Awaitable[Server]]


@contextmanager
def full_disk(*, room: int = 0) -> Iterator[None]:
    """Make this process' disk full: no file grows beyond `room` bytes within the block.

    A limit of the kernel's, so that SQLite and our own writes fail as they do on a full disk: a
    part is written, the rest is refused.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def until(holds: Callable[[], Awaitable[Any]], *, within_s: float = 60) -> Any:
    """Ask until the answer is true, and return it: for what a server does in its own time."""
    async with asyncio.timeout(within_s):
        while not (answer := await holds()):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
        return answer


async def all_taken() -> None:
    """Return once servers of `asyncio.start_server` have begun with whoever has connected.

    One that is closed between the two leaves the connection open.
    """
    for _ in range(4):  # accepted, attached, made, begun
        await asyncio.sleep(0)


@contextmanager
def unheard() -> Iterator[None]:
    """Let connections that begin within the block live on while nobody answers the server's pings.

    A `Device` answers them only while it waits to hear something.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proctor.web.uplink.HEARTBEAT_S", 300.0)
        yield


@cache  # a thousand tests publish it, and to read it takes longer than all else of that
def short_exam(policy: str = "demo") -> tuple[exams.LoadedExam, policies.LoadedPolicy]:
    return exams.load(SHORT_EXAM), policies.load(policies.builtin_folder() / f"{policy}.toml")


@pytest.fixture(scope="session", autouse=True)
def wide_awake() -> Iterator[None]:
    """Let workers look at pictures at once, however busy those are who run other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vision, "_start_worker", start_worker)
        yield


@pytest.fixture
async def open_server(tmp_path: Path) -> AsyncIterator[OpenServer]:
    """Start servers on a folder; all of them end with the test, and then what they looked with."""
    async with AsyncExitStack() as stack:

        async def start(
            data: Path = tmp_path / "data", clock: StillClock | None = None, **changes: object
        ) -> Server:
            settings = Settings(data=data, server="proctor.test")
            clock = clock or StillClock()
            thumbnails = Sheets()
            stack.push_async_callback(thumbnails.close)
            store, keys = await stack.enter_async_context(config.open_store(settings))
            exam, policy = short_exam()
            await store.publish(exam.body, policy.body, images=exam.images)
            parts = Parts(
                store=store,
                logins=SqlLogins(store),
                looks=SqlLooks(store),
                ticket_key=keys.ticket_key(),
                thumbnails=thumbnails,
                passwords=PlainHasher(),  # Argon2 takes a core for 50 ms
                vision=ScriptedVision(),
                lanes=1,
                key=keys.signing,
                server="proctor.test",
                now=clock.now,
                token=config.token,
                new_id=config.new_id,
                pages=config.PAGES,
                practice=config.PRACTICE,
            )
            parts = replace(parts, **changes)  # type: ignore[arg-type] # a test's own words
            # After the server: a worker that is asked once more is started once more.
            stack.push_async_callback(parts.vision.close)
            if parts.reader is not None:
                stack.push_async_callback(parts.reader.close)
            app = build(parts)
            url = await stack.enter_async_context(listening(app, host="127.0.0.1", port=0))
            server = Server(url, parts, clock, store, app)

            async def sign_out() -> None:
                for client in server.staff.values():
                    await client.close()

            stack.push_async_callback(sign_out)
            return server

        yield start


@pytest.fixture
async def server(open_server: OpenServer) -> Server:
    return await open_server()
