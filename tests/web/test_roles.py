"""Every route, and everyone: who is let in, who must sign in, who is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from proctor.services.logins import StaffRole
from proctor.web.api import undeclared
from tests.conftest import Server
from tests.device import Device
from tests.phone import invited_with_phone
from tests.web.sat import hand_in

NOBODY, LEARNER, PHONE, VIEWER = "nobody", "learner", "second-camera", "viewer"
EVERYONE = (NOBODY, LEARNER, PHONE, VIEWER, *map(str, StaffRole))
LOGIN_NEEDED, NOT_THEIRS = 401, 403

ANYONE = {
    "GET /.well-known/proctor-keys.json",
    "GET /api/v1/openapi.json",
    "GET /healthz",
    "POST /api/v1/computer",
    "POST /api/v1/join",
    "POST /api/v1/join/ask",
    "POST /api/v1/login",
    "POST /api/v1/rehearsal",
    "POST /api/v1/viewer",
    "DELETE /api/v1/login",
}
ONLY: dict[str, set[str]] = {
    "GET /api/v1/session": {LEARNER, PHONE},
    "POST /api/v1/session/second-camera": {LEARNER},
    "POST /api/v1/session/check-in": {LEARNER},
    "POST /api/v1/session/sections/{section}/open": {LEARNER},
    "GET /api/v1/session/sections/{section}": {LEARNER},
    "POST /api/v1/session/sections/{section}/close": {LEARNER},
    "POST /api/v1/session/submit": {LEARNER},
    "GET /api/v1/session/answers": {LEARNER},
    "GET /api/v1/session/outcome": {LEARNER, VIEWER},
    "GET /api/v1/session/timeline": {LEARNER, VIEWER},
    "GET /api/v1/session/blobs/{sha256}": {LEARNER, VIEWER},
    "GET /api/v1/session/bundle": {LEARNER, VIEWER},
    "POST /api/v1/session/contest": {LEARNER, VIEWER},
    "POST /api/v1/session/viewer-link": {LEARNER},
    "GET /api/v1/session/images/{sha256}": {LEARNER},
    "POST /api/v1/session/devices/{device}": {LEARNER},
    "GET /api/v1/uplink": {LEARNER, PHONE},
    "GET /api/v1/session/rehearsal": {LEARNER},
    "GET /api/v1/exams/{exam}/readiness": {"course-team"},
    "GET /api/v1/login": {"proctor", "course-team", "administrator"},
    "GET /api/v1/exams": {"proctor", "course-team"},
    "POST /api/v1/exams/{exam}/sessions": {"course-team"},
    "GET /api/v1/wall": {"proctor"},
    "GET /api/v1/reviews": {"proctor"},
    "POST /api/v1/reviews/assign": {"proctor"},
    "POST /api/v1/sessions/{session}/comments": {"proctor"},
    "GET /api/v1/exams/{exam}/agreement": {"lead"},
    "GET /api/v1/sessions/{session}": {"proctor", "course-team"},
    "GET /api/v1/sessions/{session}/policy": {"proctor", "course-team"},
    "GET /api/v1/sessions/{session}/timeline": {"proctor"},
    "GET /api/v1/sessions/{session}/story": {"proctor"},
    "GET /api/v1/sessions/{session}/result": {"course-team"},
    "POST /api/v1/sessions/{session}/result/release": {"course-team"},
    "GET /api/v1/exams/{exam}/marks": {"course-team"},
    "GET /api/v1/sessions/{session}/marks": {"course-team"},
    "POST /api/v1/sessions/{session}/marks": {"course-team"},
    "GET /api/v1/sessions/{session}/marks/{item}/file": {"course-team"},
    "POST /api/v1/exams/{exam}/results/release": {"course-team"},
    "POST /api/v1/sessions/{session}/devices/{device}": {"proctor"},
    "POST /api/v1/sessions/{session}/verdicts": {"proctor"},
    "GET /api/v1/id-checks": {"proctor"},
    "GET /api/v1/sessions/{session}/id-check": {"proctor"},
    "POST /api/v1/sessions/{session}/id-check": {"proctor"},
    "GET /api/v1/act-reasons": {"proctor", "course-team", "administrator"},
    "POST /api/v1/sessions/{session}/acts": {"proctor"},
    "POST /api/v1/exams/{exam}/acts": {"proctor"},
    "POST /api/v1/exams/{exam}/announcements": {"proctor"},
    "GET /api/v1/sessions/{session}/bundle": {"proctor"},  # it holds the pictures
    "POST /api/v1/sessions/{session}/looks": {"proctor"},
    "POST /api/v1/exams/{exam}/looks": {"proctor"},
    "GET /api/v1/looks/{ticket}/{session}/{sha256}": {"proctor"},
    "GET /api/v1/looks/{ticket}/{session}/strip/{n}": {"proctor"},
    "GET /api/v1/sessions/{session}/looks": {"proctor", "course-team", "administrator"},
    "GET /api/v1/session/looks": {LEARNER, VIEWER},
    "GET /api/v1/exams/{exam}/export/{table}.csv": {"lead", "course-team"},
    "GET /api/v1/exams/{exam}/export/{table}.json": {"lead", "course-team"},
    "GET /metrics": {"administrator"},
}


@dataclass
class Town:
    """A server and somebody of each role, signed in."""

    server: Server
    session: str
    device: Device
    tokens: dict[str, str]

    async def status(self, who: str, method: str, path: str, **more: Any) -> int:
        headers = {} if who == NOBODY else {"Authorization": f"Bearer {self.tokens[who]}"}
        headers |= more.pop("headers", {})
        async with self.device.http.request(method, path, headers=headers, **more) as response:
            await response.read()
            return response.status

    def address(self, path: str) -> str:
        return (
            path.replace("{session}", self.session)
            .replace("{exam}", "short")
            .replace("{section}", "part-a")
            .replace("{device}", "d_other")
            .replace("{sha256}", "0" * 64)
            .replace("{ticket}", "none")
            .replace("{n}", "0")
            .replace("{table}", "sessions")
            .replace("{item}", "work")
        )


@pytest.fixture
async def town(server: Server) -> AsyncIterator[Town]:
    tokens = {}
    for role in StaffRole:
        client = await server.as_staff(role)
        tokens[str(role)] = str(client.headers["Authorization"]).removeprefix("Bearer ")
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http) as device,
        Device(http, name="d_phone") as phone,
        Device(http, name="d_done") as done,
    ):
        await hand_in(server, done)
        invited = await invited_with_phone(server)
        joined = await device.join(invited["join_token"])
        tokens[LEARNER] = joined["device_token"]
        asked = await device.call("POST", "/api/v1/session/second-camera")
        tokens[PHONE] = (await phone.join(asked["join_token"]))["device_token"]
        offered = await done.call("POST", "/api/v1/session/viewer-link")
        async with http.post("/api/v1/viewer", json={"token": offered["token"]}) as response:
            tokens[VIEWER] = (await response.json())["token"]
        yield Town(server, invited["session"], device, tokens)


def may(name: str) -> set[str]:
    """Return who may call a route: what a proctor may, a lead may too."""
    return ONLY[name] | ({"lead"} if "proctor" in ONLY[name] else set())


async def operations(town: Town) -> dict[str, Any]:
    async with town.device.http.get("/api/v1/openapi.json") as response:
        document = await response.json()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_no_route_is_without_a_role(server: Server) -> None:
    assert undeclared(server.app) == []


async def test_the_table_above_and_the_document_name_the_same_routes_and_roles(
    town: Town,
) -> None:
    found = await operations(town)
    assert found.keys() == ANYONE | ONLY.keys()
    for name, operation in found.items():
        roles = {"anyone"} if name in ANYONE else may(name)
        assert set(operation["x-role"]) == roles, name


@pytest.mark.parametrize("who", EVERYONE)
async def test_everyone_gets_in_where_they_may_and_nowhere_else(town: Town, who: str) -> None:
    wrong = []
    # Signing out comes last: it takes the token's worth.
    for name in sorted(ANYONE | ONLY.keys(), key=lambda each: each.startswith("DELETE")):
        method, path = name.split(" ")
        body = {"data": b"{}", "headers": {"Content-Type": "application/json"}}
        status = await town.status(
            who, method, town.address(path), **(body if method == "POST" else {})
        )
        if name in ANYONE or who in may(name):
            # What is asked is mostly nonsense: it must be looked at, and not fail.
            ok = status not in {LOGIN_NEEDED, NOT_THEIRS} or name == "POST /api/v1/login"
            ok = ok and status < 500
        else:
            ok = status == (LOGIN_NEEDED if who == NOBODY else NOT_THEIRS)
        if not ok:
            wrong.append(f"{name}: {status}")
    assert wrong == []


@pytest.mark.parametrize("who", EVERYONE)
async def test_pages_are_for_anyone(town: Town, who: str) -> None:
    for path in (
        "/",
        "/join/abc",
        "/console",
        "/console/review",
        "/console/identity",
        "/static/none.js",
    ):
        assert await town.status(who, "GET", path) in {200, 404}


async def test_a_token_that_is_none_is_asked_to_sign_in(town: Town) -> None:
    for token in ("x", "x" * 300, town.tokens[LEARNER][:-1]):
        town.tokens["thief"] = token
        assert await town.status("thief", "GET", "/api/v1/session") == LOGIN_NEEDED
        assert await town.status("thief", "GET", "/api/v1/exams") == LOGIN_NEEDED


async def test_a_learner_reaches_no_session_but_their_own(town: Town) -> None:
    invited = await town.server.invite(learner="Grace Hopper")
    async with Device(town.device.http, name="d_grace") as grace:
        await grace.join(invited["join_token"])
        mine = await town.device.call("GET", "/api/v1/session")
        hers = await grace.call("GET", "/api/v1/session")
    assert (mine["session"], hers["session"]) == (town.session, invited["session"])
    for path in ("", "/timeline", "/story", "/bundle", "/result", "/looks"):
        address = f"/api/v1/sessions/{invited['session']}{path}"
        assert await town.status(LEARNER, "GET", address) == NOT_THEIRS


async def test_the_token_of_before_is_worth_nothing_once_the_device_joined_again(
    town: Town,
) -> None:
    invited = await town.server.invite(learner="Grace Hopper")
    async with Device(town.device.http, name="d_grace") as grace:
        await grace.join(invited["join_token"])
        town.tokens["old"] = grace.joined["device_token"]
        await grace.join(invited["join_token"])
        assert await town.status("old", "GET", "/api/v1/session") == LOGIN_NEEDED
        await grace.call("GET", "/api/v1/session")


async def test_another_site_can_do_nothing_with_the_cookie_of_ours(town: Town) -> None:
    token = town.tokens["proctor"]
    address = f"/api/v1/sessions/{town.session}/acts"
    act = {"act": "message", "note": "told by another site"}
    for site in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ):
        headers = {"Cookie": f"__Host-login={token}", **site}
        status = await town.status(NOBODY, "POST", address, json=act, headers=headers)
        assert status == NOT_THEIRS, site
    ours = {"Cookie": f"__Host-login={token}", "Sec-Fetch-Site": "same-origin"}
    assert await town.status(NOBODY, "POST", address, json=act, headers=ours) == 200


async def test_another_site_cannot_sign_anybody_in_or_out(town: Town) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    body = {"name": "proctor", "password": "x"}
    assert await town.status(NOBODY, "POST", "/api/v1/login", json=body, headers=headers) == 403
    assert await town.status(NOBODY, "DELETE", "/api/v1/login", headers=headers) == 403
