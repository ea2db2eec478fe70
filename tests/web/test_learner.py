"""A learner's way over HTTP: join, check in, sections, handing in."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import Server, check_in_read
from tests.device import JPEG, Device, Refused


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as http:
        yield http


@pytest.fixture
async def device(server: Server, http: aiohttp.ClientSession) -> AsyncIterator[Device]:
    invited = await server.invite()
    async with Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        yield device


async def refused(device: Device, method: str, path: str, **more: Any) -> Refused:
    with pytest.raises(Refused) as no:
        await device.call(method, path, **more)
    return no.value


async def test_joining_tells_all_that_a_device_needs(
    server: Server, http: aiohttp.ClientSession
) -> None:
    invited = await server.invite()
    assert invited["join_link"] == f"{server.url}/join/{invited['join_token']}"
    device = Device(http)
    joined = await device.join(invited["join_token"])
    assert joined["session"] == invited["session"]
    assert joined["origin"] == f"proctor.test/short/{invited['session']}/d_test"
    assert joined["exam"] == {
        "id": "short",
        "title": "A short exam",
        "sections": [
            {"id": "part-a", "title": "Part A: chance", "limit_s": 30.0},
            {"id": "part-b", "title": "Part B: numbers and words", "limit_s": 40.0},
            {"id": "part-c", "title": "Part C: in your own words", "limit_s": 30.0},
        ],
        "in_order": True,
        "practice": False,
    }
    assert joined["policy"]["id"] == "demo"
    assert joined["capture"]["snapshot_every_s"] == 1
    assert all(chapter["heading"] and chapter["lines"] for chapter in joined["notice"])
    async with http.get("/.well-known/proctor-keys.json") as response:
        assert (await response.json())["keys"] == joined["server_keys"]


async def test_a_link_that_was_used_is_refused_to_another_key_and_not_to_its_own(
    server: Server, http: aiohttp.ClientSession
) -> None:
    invited = await server.invite()
    mine, other = Device(http), Device(http, name="d_other")
    first = await mine.join(invited["join_token"])
    with pytest.raises(Refused) as no:
        await other.join(invited["join_token"])
    assert (no.value.status, no.value.code) == (409, "join-link-used")
    again = await mine.join(invited["join_token"])
    assert again["session"] == first["session"]
    assert again["device_token"] != first["device_token"]
    assert (await mine.call("GET", "/api/v1/session"))["state"] == "check-in"


async def test_a_link_that_is_not_known_says_so(http: aiohttp.ClientSession) -> None:
    with pytest.raises(Refused) as no:
        await Device(http).join("x" * 43)
    assert (no.value.status, no.value.code) == (404, "join-link-unknown")


async def test_a_proof_by_another_key_is_refused(
    server: Server, http: aiohttp.ClientSession
) -> None:
    invited = await server.invite()
    with pytest.raises(Refused) as no:
        await Device(http).join(invited["join_token"], proof="AAAA")
    assert (no.value.status, no.value.code) == (422, "bad-device-key")


async def test_check_in_says_what_is_missing(device: Device) -> None:
    no = await refused(device, "POST", "/api/v1/session/check-in")
    assert (no.status, no.code) == (409, "check-in-incomplete")
    assert no.problem["missing"] == ["hello", "face", "document"]


async def test_sections_open_in_their_order_and_show_no_keys(
    server: Server, device: Device
) -> None:
    await device.check_in()
    await check_in_read(server, device.joined["session"])
    no = await refused(device, "POST", "/api/v1/session/sections/part-b/open")
    assert (no.code, no.problem["first"]) == ("another-section-first", "part-a")
    no = await refused(device, "GET", "/api/v1/session/sections/part-a")
    assert no.code == "section-not-open"
    opened = await device.open("part-a")
    assert opened["section"] == "part-a"
    assert [item["id"] for item in opened["items"]] == ["two-dice", "independent"]
    # Opened once: asking again is no new time.
    assert await device.open("part-a") == opened
    assert await device.call("GET", "/api/v1/session/sections/part-a") == opened


async def test_a_section_that_is_none_is_not_found(device: Device) -> None:
    await device.check_in()
    for method, path in (("POST", "/open"), ("GET", ""), ("POST", "/close")):
        no = await refused(device, method, f"/api/v1/session/sections/part-z{path}")
        assert (no.status, no.code) == (404, "no-such-section")


async def test_a_section_that_is_over_is_closed_at_its_deadline(
    server: Server, device: Device
) -> None:
    await device.check_in()
    opened = await device.open("part-a")
    server.clock.pass_(100)
    no = await refused(device, "POST", "/api/v1/session/sections/part-a/open")
    assert (no.status, no.code) == (403, "section-closed")
    view = await device.call("GET", "/api/v1/session")
    closes = opened["session"]["sections"][0]["closes_at_ms"]
    assert view["sections"][0]["closed_at_ms"] == closes
    assert view["sections"][0]["closed_by"] == "time-up"
    # Handing in what is closed already changes nothing.
    closed = await device.call("POST", "/api/v1/session/sections/part-a/close")
    assert closed["sections"][0]["closed_by"] == "time-up"


async def test_handing_in_needs_the_submission_and_may_be_repeated(device: Device) -> None:
    await device.check_in()
    no = await refused(device, "POST", "/api/v1/session/submit")
    assert no.code == "submission-missing"
    await device.open("part-a")
    await device.answer("part-a", "two-dice", "c")
    assert (await device.submit())["state"] == "submitted"
    assert (await device.call("POST", "/api/v1/session/submit"))["state"] == "submitted"


async def test_a_learner_with_an_allowance_has_more_time(
    server: Server, http: aiohttp.ClientSession
) -> None:
    invited = await server.invite(time_factor="1.5", extra_s=10)
    async with Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        section = (await device.open("part-a"))["session"]["sections"][0]
    assert section["closes_at_ms"] - section["opened_at_ms"] == 55_000
    assert section["limit_s"] == 30


async def test_what_changes_is_told_over_the_uplink(server: Server, device: Device) -> None:
    await device.check_in()
    await check_in_read(server, device.joined["session"])
    await device.open("part-a")
    proctor = await server.as_staff(StaffRole.PROCTOR)
    session = device.joined["session"]
    act = {"act": "extra-time", "seconds": 60, "code": "environment/noise", "note": "it was noisy"}
    async with proctor.post(f"/api/v1/sessions/{session}/acts", json=act) as response:
        assert response.status == 200, await response.text()
    while not (told := await device.hear("session"))["session"]["ledger"]:
        pass
    (entry,) = told["session"]["ledger"]
    assert (entry["section"], entry["seconds"], entry["reason"]) == ("part-a", 60, "it was noisy")
    assert told["server_log"]["size"] == len(await server.store.server_lines(session))


async def test_a_retake_is_told_and_needs_new_pictures(server: Server, device: Device) -> None:
    await device.check_in()
    proctor = await server.as_staff(StaffRole.PROCTOR)
    server.clock.pass_(5)
    body = {"event": "asked-again", "reason": "the card is blurred"}
    address = f"/api/v1/sessions/{device.joined['session']}/id-check"
    async with proctor.post(address, json=body) as response:
        assert response.status == 200, await response.text()
        assert (await response.json())["state"] == "retake"
    no = await refused(device, "POST", "/api/v1/session/check-in")
    assert no.problem["missing"] == ["face", "document"]
    server.clock.pass_(5)
    pictures = [JPEG + b"face 2", JPEG + b"document 2"]
    lines = [
        device.add(Kind.SNAPSHOT, blob=picture, purpose=purpose)
        for picture, purpose in zip(pictures, ("face", "document"), strict=True)
    ]
    await device.send(lines, pictures)
    view = await device.call("POST", "/api/v1/session/check-in")
    assert view["id_check"]["state"] == "captured"
