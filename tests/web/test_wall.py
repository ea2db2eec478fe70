"""The wall over real sockets: what proctors are told of learners who sit an exam."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web

from proctor.evidence.record import Kind
from proctor.services import wall as walls
from proctor.services import watch
from proctor.services.logins import StaffRole
from proctor.services.watch import MAX_VIEWED, Watch
from proctor.web import serve
from proctor.web import wall as walls_over_http
from proctor.web.api import Api
from proctor.web.wall import MAX_TAKEN_AT_ONCE, MAX_WORD_BYTES, WALLS, add_wall_route
from tests.conftest import Server, check_in_read, until
from tests.device import JPEG, Device
from tests.services.house import House
from tests.web.serving import app_of, bearer, serving


class Watcher:
    """A proctor's page: keeps the tiles it was told of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.wall: dict[str, Any] = {}
        self.tiles: dict[str, dict[str, Any]] = {}
        self.gone: list[str] = []

    async def begin(self) -> Self:
        self.wall = json.loads(await self.socket.receive_str(timeout=60))
        assert self.wall["type"] == "wall"
        self.tiles = {tile["session"]: tile for tile in self.wall["tiles"]}
        return self

    async def say(self, type: str, **more: object) -> None:  # noqa: A002 - the word's own key
        await self.socket.send_str(json.dumps({"type": type, **more}))

    async def hear(self) -> dict[str, Any]:
        delta: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=60))
        assert delta["type"] == "delta"
        for changed in delta["tiles"]:
            self.tiles.setdefault(changed["session"], {}).update(changed)
        for session in delta["gone"]:
            del self.tiles[session]
            self.gone.append(session)
        return delta

    async def closed(self) -> int | None:
        """Read until the server hangs up; return how it said good-bye."""
        async with asyncio.timeout(60):
            async for _ in self.socket:
                pass
        return self.socket.close_code

    async def told(self, session: str, **facts: object) -> None:
        await self.until(lambda: facts.items() <= self.tiles[session].items())

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                await self.hear()


@asynccontextmanager
async def watching(
    server: Server,
    name: str = "proctor",
    *,
    exam: str | None = None,
    role: StaffRole = StaffRole.PROCTOR,
) -> AsyncIterator[Watcher]:
    proctor = await server.as_staff(role, name)
    query = {} if exam is None else {"exam": exam}
    async with proctor.ws_connect("/api/v1/wall", params=query, max_msg_size=0) as socket:
        yield await Watcher(socket).begin()


@asynccontextmanager
async def sitting(server: Server, learner: str = "Ada Lovelace") -> AsyncIterator[Device]:
    """A device whose learner is in the first section."""
    invited = await server.invite(learner=learner)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        await device.open("part-a")
        yield device


@asynccontextmanager
async def alone() -> AsyncIterator[aiohttp.ClientSession]:
    """A proctor, and a server that has a wall and nothing else."""
    api, house = Api("wall", "1"), House()
    add_wall_route(api, wall=house.wall)

    def before(app: web.Application) -> None:
        app[WALLS] = set()

    async with (
        serving(app_of(api, before=before)) as client,
        aiohttp.ClientSession(client.make_url("/"), headers=bearer("proctor")) as proctor,
    ):
        yield proctor


async def test_a_wall_shows_who_sits_and_follows(server: Server) -> None:
    async with sitting(server) as device, watching(server) as watcher:
        session = device.joined["session"]
        assert watcher.wall["me"] == "proctor"
        assert [each["id"] for each in watcher.wall["exams"]] == ["short"]
        tile = watcher.tiles[session]
        assert (tile["learner"], tile["state"], tile["connected"]) == (
            "Ada Lovelace",
            "running",
            True,
        )
        await watcher.say("view", sessions=[session])
        line = device.add(Kind.SNAPSHOT, blob=JPEG, purpose="periodic")
        await device.send([line], [JPEG])
        await watcher.until(lambda: watcher.tiles[session]["still"])
        assert watcher.tiles[session]["still"]["sha256"] == sha256(JPEG).hexdigest()
        await device.hang_up()
        await watcher.until(
            lambda: watcher.tiles[session]["needs"] == ["offline", "id-check-later"]
        )


async def act(server: Server, session: str, **body: object) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    body = {"code": "technical/network", "note": "a fire alarm", **body}
    async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
        assert response.status == 200, await response.text()


# --- who may watch -------------------------------------------------------------------------------


async def test_a_lead_watches_too(server: Server) -> None:
    async with watching(server, "grace", role=StaffRole.LEAD) as watcher:
        assert watcher.wall["me"] == "grace"


@pytest.mark.parametrize(
    ("role", "status"),
    [
        pytest.param(StaffRole.COURSE_TEAM, 403, id="a course team"),
        pytest.param(StaffRole.ADMINISTRATOR, 403, id="an administrator"),
        pytest.param(None, 401, id="nobody"),
    ],
)
async def test_nobody_else_watches(server: Server, role: StaffRole | None, status: int) -> None:
    async with aiohttp.ClientSession(server.url) as anyone:
        http = anyone if role is None else await server.as_staff(role)
        with pytest.raises(aiohttp.WSServerHandshakeError) as no:
            await http.ws_connect("/api/v1/wall")
    assert no.value.status == status


async def test_a_learner_does_not_watch(server: Server) -> None:
    async with sitting(server) as device:
        token = bearer(device.joined["device_token"])
        with pytest.raises(aiohttp.WSServerHandshakeError) as no:
            await device.http.ws_connect("/api/v1/wall", headers=token)
    assert no.value.status == 403


@pytest.mark.parametrize(
    ("exam", "status"),
    [
        pytest.param("nowhere", 404, id="no such exam"),
        pytest.param("practice", 404, id="the practice exam"),
        pytest.param("../x", 422, id="no name"),
    ],
)
async def test_a_wall_of_no_exam_is_a_problem(server: Server, exam: str, status: int) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    with pytest.raises(aiohttp.WSServerHandshakeError) as no:
        await proctor.ws_connect("/api/v1/wall", params={"exam": exam})
    assert no.value.status == status


async def test_who_signs_out_watches_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "QUIET_S", 0)
    monkeypatch.setattr(walls_over_http, "ASK_LOGIN_EVERY_S", 0)
    async with watching(server) as watcher:
        await watcher.hear()
        proctor = await server.as_staff(StaffRole.PROCTOR)
        async with proctor.delete("/api/v1/login") as response:
            assert response.status == 204
        assert await watcher.closed() == 1008


async def test_a_login_that_ends_closes_its_wall(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "QUIET_S", 0)
    monkeypatch.setattr(walls_over_http, "ASK_LOGIN_EVERY_S", 0)
    async with watching(server) as watcher:
        server.clock.pass_(13 * 3600)
        assert await watcher.closed() == 1008


# --- bad words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("hello", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param("{}", id="nothing"),
        pytest.param('{"type":"pause","sessions":[]}', id="no word of a wall's"),
        pytest.param('{"type":"look"}', id="a look at what?"),
        pytest.param('{"type":"look","session":7}', id="a number"),
        pytest.param('{"type":"look","session":"s_1","why":"x"}', id="a key too many"),
        pytest.param('{"type":"take","sessions":["<b>"]}', id="a name that is none"),
        pytest.param('{"type":"take","sessions":"s_1"}', id="one for many"),
        pytest.param(
            json.dumps({"type": "view", "sessions": ["s_1"] * (MAX_VIEWED + 1)}),
            id="more than anybody sees",
        ),
        pytest.param(
            json.dumps({"type": "take", "sessions": ["s_1"] * (MAX_TAKEN_AT_ONCE + 1)}),
            id="more than anybody takes",
        ),
        pytest.param(b"\x00", id="bytes"),
    ],
)
async def test_a_bad_word_ends_the_wall(word: str | bytes) -> None:
    async with alone() as client, client.ws_connect("/api/v1/wall") as socket:
        watcher = await Watcher(socket).begin()
        if isinstance(word, bytes):
            await socket.send_bytes(word)
        else:
            await socket.send_str(word)
        assert await watcher.closed() == 1008
        async with client.ws_connect("/api/v1/wall") as another:
            await Watcher(another).begin()  # the server goes on


async def test_a_word_that_is_too_long_ends_the_wall() -> None:
    async with alone() as client, client.ws_connect("/api/v1/wall") as socket:
        watcher = await Watcher(socket).begin()
        await socket.send_str(" " * (MAX_WORD_BYTES + 1))
        assert await watcher.closed() == 1009


async def test_as_many_as_may_be_are_viewed_and_taken(server: Server) -> None:
    invited = [(await server.invite(learner=f"L{each}"))["session"] for each in range(3)]
    async with watching(server) as watcher:
        names = [f"s_{each:062d}" for each in range(MAX_TAKEN_AT_ONCE - 3)]
        await watcher.say("take", sessions=[*invited, *names])
        await watcher.until(lambda: watcher.tiles[invited[2]]["taken_by"] == "proctor")
        await watcher.say("view", sessions=[*invited, *names[: MAX_VIEWED - 3]])
        await watcher.say("release", sessions=[*invited, *names])
        await watcher.until(lambda: watcher.tiles[invited[2]]["taken_by"] is None)
    assert set(watcher.tiles) == set(invited)


# --- proctors beside each other ------------------------------------------------------------------


async def test_two_proctors_see_what_the_other_does(server: Server) -> None:
    async with (
        sitting(server) as device,
        watching(server, "ada") as ada,
        watching(server, "bo") as bo,
    ):
        session = device.joined["session"]
        await ada.say("take", sessions=[session])
        await ada.say("look", session=session)
        await bo.until(lambda: bo.tiles[session]["taken_by"] == "ada")
        await bo.until(lambda: bo.tiles[session]["looking"] == ["ada"])
        await bo.say("take", sessions=[session])
        await ada.until(lambda: ada.tiles[session]["taken_by"] == "bo")
        await ada.say("look", session=None)
        await bo.until(lambda: bo.tiles[session]["looking"] == [])
        await act(server, session, act="pause")
        for each in (ada, bo):
            await each.told(session, state="paused")
        # What a machine reads of the check-in may have been told to only one of them so far.
        await check_in_read(server, session)
        await act(server, session, act="resume", code="", note="")
        for each in (ada, bo):
            await each.told(session, state="running")
        assert ada.tiles == bo.tiles


async def test_whose_network_drops_has_five_minutes_to_come_back(server: Server) -> None:
    session = (await server.invite())["session"]
    async with watching(server, "bo") as bo:
        for away_s, taken_by in ((299, "ada"), (300, None)):
            async with watching(server, "ada") as ada:
                await ada.say("take", sessions=[session])
                await ada.say("look", session=session)
                await bo.until(lambda: bo.tiles[session]["looking"] == ["ada"])
                connection = ada.socket._conn
                assert connection is not None
                assert connection.transport is not None
                connection.transport.abort()  # the cable is cut
                await bo.until(lambda: bo.tiles[session]["looking"] == [])
            assert bo.tiles[session]["taken_by"] == "ada"
            server.clock.pass_(away_s)
            if taken_by is None:
                await bo.until(lambda: bo.tiles[session]["taken_by"] is None)
            async with watching(server, "ada") as ada:
                assert ada.tiles[session]["taken_by"] == taken_by


async def test_after_a_drop_a_wall_is_told_all_of_it_again(server: Server) -> None:
    async with sitting(server) as device:
        session = device.joined["session"]
        async with watching(server) as watcher:
            assert watcher.tiles[session]["state"] == "running"
        await act(server, session, act="pause")
        async with watching(server) as watcher:
            assert watcher.tiles[session]["state"] == "paused"


async def test_who_reads_slowly_costs_no_memory_and_sees_the_newest(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walls, "TELL_EVERY_S", 0.005)
    invited = [(await server.invite(learner=f"L{each}"))["session"] for each in range(60)]
    told = count_turns(monkeypatch)
    connector = aiohttp.TCPConnector(socket_factory=small)
    proctor = await server.as_staff(StaffRole.PROCTOR, "slow")
    slow_http = aiohttp.ClientSession(server.url, headers=proctor.headers, connector=connector)
    async with slow_http, watching(server, "quick") as quick:
        slow_socket = await slow_http.ws_connect("/api/v1/wall", max_msg_size=0)
        slow = await Watcher(slow_socket).begin()
        connection = slow_socket._conn
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        (unread,) = [
            transport
            for each in server.app[WALLS]
            if (transport := each._req.transport).get_extra_info("peername")
            == connection.transport.get_extra_info("sockname")
        ]
        unread.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
        waiting, owed = 0, 0
        for number in range(160):
            taken_by = None if number % 2 else "quick"
            await quick.say("release" if number % 2 else "take", sessions=invited)
            await quick.told(invited[-1], taken_by=taken_by)
            waiting = max(waiting, unread.get_write_buffer_size())
            owed = max(owed, *(len(each._owed) for each in told))
        assert owed == len(invited)  # it was not told, and will be
        assert waiting < 256 * 1024
        await quick.say("take", sessions=invited[:30])
        await quick.until(lambda: quick.tiles[invited[29]]["taken_by"] == "quick")
        connection.transport.resume_reading()
        await slow.until(lambda: slow.tiles == quick.tiles)


def small(address: Any) -> sockets.socket:
    """A socket that has room for little."""
    family, kind, protocol, *_ = address
    made = sockets.socket(family, kind, protocol)
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    return made


def count_turns(monkeypatch: pytest.MonkeyPatch) -> set[Watch]:
    """Return a set that gets each wall that is told something."""
    found: set[Watch] = set()
    tell = Watch.tell

    def told(watch: Watch, *what: Any) -> None:
        found.add(watch)
        tell(watch, *what)

    monkeypatch.setattr(Watch, "tell", told)
    return found


# --- the server's end ----------------------------------------------------------------------------


async def test_a_server_that_stops_says_good_bye(server: Server) -> None:
    async with watching(server) as watcher:
        closing = asyncio.ensure_future(walls_over_http.close_walls(server.app))
        assert await watcher.closed() == 1001
        await closing

    async def forgotten() -> bool:
        return not server.app[WALLS]

    await until(forgotten)


async def test_a_server_that_stops_waits_for_all_walls_at_once_and_not_for_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "GOOD_BYE_S", 2)
    async with AsyncExitStack() as walls:
        for _ in range(3):  # of pages that have gone to sleep: none reads, none answers
            await walls.enter_async_context(watching(server))
        began = asyncio.get_running_loop().time()
        await walls_over_http.close_walls(server.app)
        assert asyncio.get_running_loop().time() - began < 5.5

        async def forgotten() -> bool:
            return not server.app[WALLS]

        await until(forgotten)


async def test_a_fault_of_ours_ends_the_wall_and_is_logged(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_: Watch) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Watch, "news", fails)
    async with watching(server) as watcher:
        assert await watcher.closed() == 1011
    assert "a wall is not told any more" in caplog.text
