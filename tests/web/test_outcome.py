"""What a learner learns after the exam."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import Server, analysed
from tests.device import JPEG, Device
from tests.web.sat import accept, hand_in, sat

LOOKS = " A person will look at it before anything is concluded."


@pytest.fixture
async def device(server: Server) -> AsyncIterator[Device]:
    """A learner who handed in, with two people in some pictures."""
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)
        await device.check_in()
        await device.open("part-a")
        for number in range(4):
            server.clock.pass_(1)
            picture = JPEG + b"%d two" % number
            line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
            await device.send([line], [picture])
        await device.answer("part-a", "two-dice", "c")
        await device.submit()
        yield device


async def outcome(device: Device) -> dict[str, Any]:
    found: dict[str, Any] = await device.call("GET", "/api/v1/session/outcome")
    return found


async def test_before_it_is_decided_no_flag_is_told(server: Server, device: Device) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    shown = await analysed(proctor, f"/api/v1/sessions/{device.joined['session']}")
    assert shown["flags"]
    assert await outcome(device) == {
        "review": "awaiting",
        "outcome": None,
        "reasons": None,
        "flags": None,
        "released_unjudged": False,
        "contest_until_ms": None,
        "contested": False,
        "results": None,
        "results_held": False,
        "receipt_mailed": False,
    }


async def test_once_decided_flags_are_told_in_words_and_results_once_released(
    server: Server, device: Device
) -> None:
    path = f"/api/v1/sessions/{device.joined['session']}"
    team = await server.as_staff(StaffRole.COURSE_TEAM)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    (flag,) = (await analysed(proctor, path))["flags"]
    async with team.post(f"{path}/result/release") as response:
        assert response.status == 409
        assert (await response.json())["type"].endswith(":not-decided-yet")
    verdict = {
        "outcome": "clear",
        "reasons": "a poster",
        "flags": [{"flag": flag["flag"], "outcome": "not-upheld", "reason": "it is printed"}],
    }
    async with proctor.post(f"{path}/verdicts", json=verdict) as response:
        assert response.status == 200
    told = await outcome(device)
    assert (told["review"], told["outcome"], told["reasons"]) == ("decided", "clear", "a poster")
    assert told["flags"] == [
        {
            "flag": flag["flag"],
            # Nobody will look any more: what was made of it stands beside it.
            "words": flag["explanation"].removesuffix(LOOKS),
            "outcome": "not-upheld",
            "reason": "it is printed",
        }
    ]
    assert told["results"] is None
    for _ in range(2):
        async with team.post(f"{path}/result/release") as response:
            assert response.status == 200
    results = (await outcome(device))["results"]
    async with team.get(f"{path}/result") as response:
        assert results == await response.json()
    lines = await server.store.server_lines(device.joined["session"])
    released = [each for each in map(json.loads, lines) if each.get("event") == "result-released"]
    assert [each["by"] for each in released] == ["course-team"]


async def test_all_results_that_need_nobody_are_released_at_once(server: Server) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http) as device,
        sat(server, "Grace Hopper", "d_grace") as flagged,
    ):
        quiet = (await hand_in(server, device, pictures=2))["session"]
        await accept(server, quiet)
        proctor = await server.as_staff(StaffRole.PROCTOR)
        path = f"/api/v1/sessions/{quiet}"
        shown = await analysed(proctor, path)
        assert shown["flags"] == []
        team = await server.as_staff(StaffRole.COURSE_TEAM)
        async with team.post("/api/v1/exams/short/results/release") as response:
            found = await response.json()
        assert found["done"] == [quiet]
        assert [(no["session"], no["code"]) for no in found["failed"]] == [
            (flagged.session, "not-decided-yet")
        ]
        told = await outcome(device)
        assert (told["review"], told["released_unjudged"], told["outcome"]) == (
            "awaiting",
            True,
            None,
        )
        assert told["results"] is not None
        shown = await device.call("GET", "/api/v1/session/timeline")
        assert (shown["released_unjudged"], shown["flags"]) == (True, [])
        headers = {"Authorization": f"Bearer {device.joined['device_token']}"}
        async with device.http.get("/api/v1/session/bundle", headers=headers) as response:
            assert response.status == 200
        verdict = {"outcome": "clear", "reasons": "calm"}
        async with proctor.post(f"{path}/verdicts", json=verdict) as response:
            assert response.status == 409
            assert (await response.json())["type"].endswith(":released-unjudged")
