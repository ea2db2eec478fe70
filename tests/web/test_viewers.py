"""A browser that looks at an exam that is over, let in by the device that it was sat on."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from proctor.domain.viewing import LINK_FOR, VIEWER_FOR
from proctor.evidence.note import VerifierKey
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from proctor.services.wall import ENDED_SHOWN
from tests.conftest import Server
from tests.device import Device, Refused
from tests.web.sat import Sat, hand_in, sat

READS = ("outcome", "timeline", "looks")


@pytest.fixture
async def here(server: Server) -> AsyncIterator[Sat]:
    async with sat(server) as found:
        yield found


async def offered(here: Sat) -> dict[str, Any]:
    found: dict[str, Any] = await here.device.call("POST", "/api/v1/session/viewer-link")
    return found


async def come(here: Sat, token: str) -> tuple[int, dict[str, Any]]:
    async with here.device.http.post("/api/v1/viewer", json={"token": token}) as response:
        return response.status, await response.json()


async def ask(here: Sat, token: str, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    address = f"/api/v1/session{path}"
    async with here.device.http.request(method, address, headers=headers, **more) as response:
        return response.status, await response.read()


async def let_in_lines(here: Sat) -> list[dict[str, Any]]:
    lines = await here.server.store.server_lines(here.session)
    return [each for each in map(json.loads, lines) if each.get("event") == "viewer-let-in"]


async def test_a_link_lets_one_browser_in_once_and_the_log_says_so(here: Sat) -> None:
    link = await offered(here)
    assert link["link"].endswith(f"/join/after#{link['token']}")
    status, viewer = await come(here, link["token"])
    assert (status, viewer["session"], viewer["exam"]) == (200, here.session, "A short exam")
    for path in READS:
        assert (await ask(here, viewer["token"], "GET", f"/{path}"))[0] == 200
    status, problem = await come(here, link["token"])
    assert (status, problem["type"].rpartition(":")[2]) == (404, "viewer-link-unknown")
    assert [(each["by"], each["state"]) for each in await let_in_lines(here)] == [
        ("learner", "submitted")
    ]


async def test_what_is_kept_is_no_secret(here: Sat) -> None:
    link = await offered(here)
    _, viewer = await come(here, link["token"])
    again = await offered(here)
    session = (await here.server.store.case(here.session)).session
    log = b"".join(await here.server.store.server_lines(here.session)).decode()
    for token in (link["token"], viewer["token"], again["token"]):
        assert token.partition("~")[2] not in repr(session.viewing) + log


async def test_a_browser_that_looks_can_answer_the_decision_and_nothing_else(here: Sat) -> None:
    _, viewer = await come(here, (await offered(here))["token"])
    token = viewer["token"]
    for method, path in (
        ("GET", ""),
        ("GET", "/answers"),
        ("POST", "/submit"),
        ("POST", "/check-in"),
        ("POST", "/viewer-link"),
        ("POST", "/second-camera"),
        ("POST", "/sections/part-a/open"),
        ("POST", "/devices/d_other"),
    ):
        assert (await ask(here, token, method, path))[0] == 403, path
    headers = {"Authorization": f"Bearer {token}"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as no:
        await here.device.http.ws_connect("/api/v1/uplink", headers=headers)
    assert no.value.status == 403

    await here.judge("ann", "void")
    status, bundle = await ask(here, token, "GET", "/bundle")
    report = verify(bundle, server_key=VerifierKey.parse(here.device.joined["server_keys"][0]))
    assert (status, report.holds) == (200, True)
    status, told = await ask(here, token, "POST", "/contest", json={"text": "It was my mirror."})
    assert (status, json.loads(told)["contested"]) == (200, True)


async def test_while_the_exam_goes_on_no_browser_is_let_in(server: Server) -> None:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        with pytest.raises(Refused) as no:
            await device.call("POST", "/api/v1/session/viewer-link")
        assert (no.value.status, no.value.code) == (409, "not-over-yet")


async def test_a_link_is_worth_nothing_after_its_minutes_or_another(here: Sat) -> None:
    first, second = await offered(here), await offered(here)
    assert (await come(here, first["token"]))[0] == 404
    here.server.clock.pass_(LINK_FOR.total_seconds())
    assert (await come(here, second["token"]))[0] == 404
    assert await let_in_lines(here) == []


async def test_one_browser_looks_at_a_time_and_for_hours_only(here: Sat) -> None:
    _, first = await come(here, (await offered(here))["token"])
    link = await offered(here)
    assert (await ask(here, first["token"], "GET", "/outcome"))[0] == 200  # until another came
    _, second = await come(here, link["token"])
    assert (await ask(here, first["token"], "GET", "/outcome"))[0] == 401
    here.server.clock.pass_(VIEWER_FOR.total_seconds() - 1)
    assert (await ask(here, second["token"], "GET", "/outcome"))[0] == 200
    here.server.clock.pass_(1)
    assert (await ask(here, second["token"], "GET", "/outcome"))[0] == 401


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("~", id="a tilde"),
        pytest.param("s_none~secret", id="no such session"),
        pytest.param("{session}~secret", id="a guess"),
        pytest.param("{session}", id="a session alone"),
    ],
)
async def test_a_made_up_token_is_no_link_and_lets_nobody_look(here: Sat, token: str) -> None:
    await offered(here)
    made_up = token.replace("{session}", here.session)
    assert (await come(here, made_up))[0] == 404
    assert (await ask(here, made_up or "-", "GET", "/outcome"))[0] == 401


async def test_of_two_browsers_that_come_with_one_link_at_once_one_is_let_in(here: Sat) -> None:
    link = await offered(here)
    came = await asyncio.gather(*(come(here, link["token"]) for _ in range(8)))
    assert sorted(status for status, _ in came) == [200] + [404] * 7
    (viewer,) = [told for status, told in came if status == 200]
    assert (await ask(here, viewer["token"], "GET", "/outcome"))[0] == 200
    assert len(await let_in_lines(here)) == 1


async def test_the_links_token_opens_no_other_door(here: Sat) -> None:
    link = await offered(here)
    assert (await ask(here, link["token"], "GET", "/outcome"))[0] == 401
    _, viewer = await come(here, link["token"])
    assert (await come(here, viewer["token"]))[0] == 404
    assert (await ask(here, link["token"], "GET", "/outcome"))[0] == 401


async def test_a_device_that_was_replaced_lets_nobody_look(server: Server) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http, name="d_first") as first,
        Device(http, name="d_second") as second,
    ):
        invited = await hand_in(server, first)
        await second.ask(invited["join_token"])
        path = "/api/v1/session/devices/d_second"
        await first.call("POST", path, json={"decision": "admit"})
        with pytest.raises(Refused) as no:
            await first.call("POST", "/api/v1/session/viewer-link")
        assert no.value.status == 401


async def test_browsers_come_at_most_so_often(here: Sat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proctor.domain.viewing.MAX_VIEWERS", 1)
    await come(here, (await offered(here))["token"])
    with pytest.raises(Refused) as no:
        await offered(here)
    assert (no.value.status, no.value.code) == (409, "too-many-viewers")


# --- a computer that is nobody's, at an exam that is over ----------------------------------------


async def test_who_asks_to_look_after_the_end_is_told_where_and_reaches_a_proctor(
    server: Server,
) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http, name="d_first") as first,
        Device(http, name="d_web") as browser,
    ):
        invited = await hand_in(server, first)
        token = invited["join_token"]
        with pytest.raises(Refused) as no:
            await browser.join(token)
        assert {key: no.value.problem[key] for key in ("asked", "over", "on")} == {
            "asked": None,
            "over": True,
            "on": "desktop",
        }
        # Nobody looks at the wall by then: who asks days later is shown there all the same.
        server.clock.pass_(ENDED_SHOWN.total_seconds() + 3 * 24 * 3600)
        await browser.ask(token)
        with pytest.raises(Refused) as no:
            await browser.join(token)
        assert no.value.problem["asked"] == "waiting"

        proctor = await server.as_staff(StaffRole.PROCTOR)
        async with proctor.ws_connect("/api/v1/wall") as wall:
            (tile,) = (await wall.receive_json())["tiles"]
        assert (tile["session"], tile["needs"]) == (invited["session"], ["device-asks"])
        assert tile["needs_since_ms"] == int(server.clock.now().timestamp() * 1000)
        async with proctor.get("/api/v1/reviews") as response:
            (row,) = (await response.json())["reviews"]
        assert row["why"] == ["another computer asks to look at this exam, which is over"]

        address = f"/api/v1/sessions/{invited['session']}/acts"
        async with proctor.post(address, json={"act": "admit-device", "of": "d_web"}) as response:
            assert response.status == 200, await response.text()
        await browser.join(token)
        assert (await browser.call("GET", "/api/v1/session"))["state"] == "submitted"
        await browser.call("GET", "/api/v1/session/timeline")
        async with proctor.ws_connect("/api/v1/wall") as wall:
            assert (await wall.receive_json())["tiles"] == []


async def test_who_asked_to_go_on_is_answered_by_the_end_until_they_ask_to_look(
    server: Server,
) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http, name="d_first") as first,
        Device(http, name="d_web") as browser,
    ):
        invited = await server.invite()
        token = invited["join_token"]
        await first.join(token)
        await first.connect()
        server.clock.pass_(5)
        await first.check_in()
        await browser.ask(token)
        await first.open("part-a")
        server.clock.pass_(timedelta(minutes=1).total_seconds())
        await first.submit()
        await first.hang_up()

        async def asking() -> list[str]:
            view = await first.call("GET", "/api/v1/session")
            return [each["device"] for each in view["asking"]]

        assert await asking() == []
        with pytest.raises(Refused) as no:
            await browser.join(token)
        assert (no.value.problem["asked"], no.value.problem["over"]) == (None, True)
        server.clock.pass_(60)
        await browser.ask(token)
        assert await asking() == ["d_web"]
        await browser.ask(token)
        lines = await server.store.server_lines(invited["session"])
        events = [json.loads(each).get("event") for each in lines]
        assert events.count("device-asked") == 1
