"""A Chromium for the tests of the pages, and visits with it."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Browser, async_playwright, expect

from proctor import config
from proctor.demo import clips
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, OpenServer, Server, unheard
from tests.device import Device
from tests.e2e import room
from tests.e2e.browsers import FLAGS, HOW, Browsers, executable
from tests.e2e.exam_day import Console, flagged_session
from tests.e2e.process import Process, signed_in
from tests.e2e.room import (
    Computer,
    Learner,
    OpenRoom,
    ProcessRoom,
    Room,
    RunningClock,
    Sit,
)
from tests.e2e.visits import PATIENCE_MS, Scheme, Visit, Visitor
from tests.e2e.wall import TITLE, Sitting, Watch
from tests.e2e.wire import wire_to
from tests.pictures import need
from tests.sim.serving import HOST


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    """Browsers that stay open from test to test: to start one takes a second of a core."""
    with Browsers() as opened:
        yield opened


@pytest.fixture
async def chromium(browsers: Browsers) -> AsyncIterator[Browser]:
    async with browsers.visitor() as browser:
        yield browser


@pytest.fixture
async def visit(chromium: Browser, open_server: OpenServer) -> AsyncIterator[Visitor]:
    """Open an address; afterwards no page may have complained or asked another host.

    The pages close before the servers do: `open_server` is asked for so that it ends later.
    """
    del open_server
    visits: list[Visit] = []

    async def open_page(
        url: str, *, scheme: Scheme = "light", width: int = 1280, height: int = 800
    ) -> Visit:
        context = await chromium.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Asia/Kolkata",
            reduced_motion="reduce",
        )
        here = Visit(page=await context.new_page(), host=urlsplit(url).netloc)
        here.watch()
        visits.append(here)
        await here.page.goto(url)
        return here

    yield open_page
    for done in visits:
        await done.leave()
    assert [done.complaints for done in visits if done.complaints] == []
    assert [done.strangers for done in visits if done.strangers] == []


@pytest.fixture
async def console_server(server: Server) -> Console:
    """A real server with one session that was flagged."""
    return await flagged_session(server)


@pytest.fixture
async def sitting(server: Server) -> AsyncIterator[Sitting]:
    """Let learners sit in the exam's first section, each with a device that stays connected."""
    async with AsyncExitStack() as stack:

        async def sit_down(learner: str) -> Device:
            invited = await server.invite(room.EXAM, learner=learner)
            http = await stack.enter_async_context(aiohttp.ClientSession(server.url))
            device = await stack.enter_async_context(Device(http))
            device.at_ms = int(server.clock.now().timestamp() * 1000)
            await device.join(invited["join_token"])
            with unheard():
                await device.connect()
            await device.check_in()
            await device.open("part-a")
            return device

        yield sit_down


@pytest.fixture
async def watch(server: Server, visit: Visitor) -> Watch:
    """Open the wall, signed in as a proctor; `url` where the way to the server is another."""

    async def open_wall(name: str = "proctor", *, url: str = "", **changes: Any) -> Visit:
        await server.as_staff(StaffRole.PROCTOR, name)
        here = await visit(f"{url or server.url}/console", **changes)
        await here.sign_in((name, PASSWORD))
        await expect(here.page.get_by_role("heading", level=1)).to_have_text(TITLE)
        # Off the wall: nothing moves there while somebody points at it.
        await here.page.mouse.move(2, 2)
        return here

    return open_wall


# --- the exam room -----------------------------------------------------------------------------


expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a learner's camera sees: the astronaut, as Chromium's fake camera reads it."""
    need("astronaut")
    path = tmp_path_factory.mktemp("clip") / "astronaut.y4m"
    room.film(path)
    return path


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A specimen of an identity card, as somebody photographed it."""
    need("astronaut")
    path = tmp_path / "card.jpg"
    clips.id_document(path)
    return path


@pytest.fixture
async def camera_chromium(browsers: Browsers, clip: Path) -> AsyncIterator[Browser]:
    """A Chromium with a camera that plays the clip, and that may be used without asking."""
    async with browsers.visitor(*room.camera_flags(clip)) as browser:
        yield browser


@pytest.fixture
async def sit(camera_chromium: Browser) -> AsyncIterator[Sit]:
    """Open a join link as a learner; afterwards no page may have complained of what is ours."""
    learners: list[Learner] = []

    async def open_link(
        link: str, *, expect_status: int | None = None, away: Sequence[str] = (), **changes: Any
    ) -> Learner:
        learner = await room.arrive(camera_chromium, **changes)
        for address in away:
            await learner.page.context.route(address, lambda route: route.abort())
        learner.host = urlsplit(link).netloc
        if expect_status is not None:
            learner.expect_status(expect_status)
        learners.append(learner)
        await learner.page.goto(link)
        return learner

    yield open_link
    for learner in learners:
        await learner.leave()
    _none_complained(learners)


@pytest.fixture
async def computer(clip: Path, tmp_path: Path) -> AsyncIterator[Computer]:
    """A browser that can crash and be started again, with all that it kept."""
    async with async_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            pytest.skip(HOW)
        flags = [*FLAGS, *room.camera_flags(clip)]
        computer = Computer(playwright.chromium, path=path, flags=flags, home=tmp_path / "home")
        yield computer
        for learner in computer.learners:
            await learner.leave()
        await computer.close()
    _none_complained(computer.learners)


def _none_complained(learners: Sequence[Learner]) -> None:
    complaints = [each for learner in learners for each in learner.complaints]
    assert not complaints, "\n".join(complaints)
    assert [learner.strangers for learner in learners if learner.strangers] == []


@pytest.fixture
async def open_room(open_server: OpenServer, tmp_path: Path) -> AsyncIterator[OpenRoom]:
    """Start a server in this process that holds the exam, behind a network that can be cut."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            ahead: timedelta = timedelta(),
            parts: Mapping[str, Any] | None = None,
            **changes: Any,
        ) -> Room:
            clock = RunningClock(ahead=ahead)
            server = await open_server(clock=clock, **(parts or {}))
            await config.publish(server.store, room.exam_folder(tmp_path / "exam", **changes))
            wire = await stack.enter_async_context(wire_to(server.url))
            return Room(
                url=wire.url,
                team=await server.as_staff(StaffRole.COURSE_TEAM),
                proctor=await server.as_staff(StaffRole.PROCTOR),
                clock=clock,
                wire=wire,
                second=await server.as_staff(StaffRole.PROCTOR, "second-proctor"),
            )

        yield start


@pytest.fixture
async def exam_room(open_room: OpenRoom) -> Room:
    return await open_room()


@pytest.fixture
async def killable(tmp_path: Path) -> AsyncIterator[ProcessRoom]:
    """A server as a process of its own, which can be killed and started again."""
    process = Process(tmp_path / "data")
    await process.prepare(room.exam_folder(tmp_path / "exam"))
    await process.start()
    url = f"http://{HOST}:{process.port}"
    team = await signed_in(url, StaffRole.COURSE_TEAM)
    proctor = await signed_in(url, StaffRole.PROCTOR)
    try:
        async with wire_to(url) as wire, team, proctor:
            yield ProcessRoom(
                url=wire.url,
                team=team,
                proctor=proctor,
                clock=RunningClock(),
                wire=wire,
                process=process,
            )
    finally:
        await process.kill()
