"""A second computer: it asks, somebody decides, and one device at a time has the session."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.domain.devices import MAX_ASKS
from proctor.evidence.note import VerifierKey
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, StillClock
from tests.device import Device, Refused


@dataclass
class Two:
    server: Server
    token: str
    session: str
    first: Device
    second: Device

    async def log(self, kind: str) -> list[dict[str, Any]]:
        lines = await self.server.store.server_lines(self.session)
        return [each for each in map(json.loads, lines) if each["kind"] == kind]

    async def asked(self) -> list[dict[str, Any]]:
        """Return what the log says of devices that asked."""
        return [
            each for each in await self.log("state") if each.get("event", "").startswith("device-")
        ]


@pytest.fixture
async def two(server: Server) -> AsyncIterator[Two]:
    """A learner in the first section, with one answer given, and another computer."""
    invited = await server.invite()
    token = invited["join_token"]
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http, name="d_first") as first,
        Device(http, name="d_second") as second,
    ):
        await first.join(token)
        await first.connect()
        server.clock.pass_(5)
        await first.check_in()
        await first.open("part-a")
        await first.answer("part-a", "two-dice", "c")
        yield Two(server, token, invited["session"], first, second)


async def refused(device: Device, method: str, path: str, **more: Any) -> Refused:
    with pytest.raises(Refused) as no:
        await device.call(method, path, **more)
    return no.value


async def test_the_first_device_lets_the_second_go_on(two: Two) -> None:
    first, second = two.first, two.second
    with pytest.raises(Refused) as no:
        await second.join(two.token)
    assert (no.value.code, no.value.problem["asked"]) == ("join-link-used", None)

    asked = await second.ask(two.token, kind="browser")
    assert (asked["state"], asked["session"]) == ("waiting", two.session)
    assert (await second.ask(two.token))["state"] == "waiting"
    while not (told := await first.hear("session"))["session"]["asking"]:
        pass
    at_ms = int(two.server.clock.now().timestamp() * 1000)
    assert told["session"]["asking"] == [
        {"device": "d_second", "device_kind": "browser", "asked_at_ms": at_ms}
    ]
    with pytest.raises(Refused) as no:
        await second.join(two.token)
    assert no.value.problem["asked"] == "waiting"

    path = "/api/v1/session/devices/d_second"
    view = await first.call("POST", path, json={"decision": "admit"})
    assert (view["device"], view["asking"]) == ("d_second", [])
    # The first is told by its uplink, which ends; and its token is worth nothing.
    over = await first.hear("problem")
    assert over["problem"]["type"].endswith(":superseded")
    with pytest.raises(ConnectionError):
        await first.hear("receipt")
    assert (await refused(first, "GET", "/api/v1/session")).status == 401

    assert (await second.ask(two.token))["state"] == "admitted"
    await second.join(two.token)
    await second.connect()
    assert (await second.send([second.hello()]))["type"] == "receipt"
    opened = await second.call("GET", "/api/v1/session/sections/part-a")
    assert [each["id"] for each in opened["items"]] == ["two-dice", "independent"]
    assert opened["session"]["device"] == "d_second"
    with pytest.raises(Refused) as no:
        await first.join(two.token)
    assert no.value.code == "join-link-used"

    asks = await two.asked()
    assert [(each["event"], each["id"], each["by"]) for each in asks] == [
        ("device-asked", "d_second", "learner")
    ]
    admitted = await two.log("device")
    assert [(each["id"], each["device_kind"]) for each in admitted] == [
        ("d_first", "desktop"),
        ("d_second", "browser"),
    ]
    assert admitted[1]["instead_of"] == "d_first"
    assert "instead_of" not in admitted[0]


async def test_what_was_answered_before_counts_and_is_shown(two: Two) -> None:
    first, second = two.first, two.second
    await second.ask(two.token)
    await first.call("POST", "/api/v1/session/devices/d_second", json={"decision": "admit"})
    await second.join(two.token)
    await second.connect()
    two.server.clock.pass_(5)
    await second.send([second.hello()])
    (given,) = (await second.call("GET", "/api/v1/session/answers"))["answers"]
    assert (given["item"], given["response"], given["device"]) == ("two-dice", "c", "d_first")
    await second.answer("part-a", "independent", ["a"])
    found = (await second.call("GET", "/api/v1/session/answers"))["answers"]
    assert {each["item"]: each["device"] for each in found} == {
        "two-dice": "d_first",
        "independent": "d_second",
    }
    await second.submit()
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(f"/api/v1/sessions/{two.session}/bundle") as response:
        bundle = await response.read()
    report = verify(bundle, server_key=VerifierKey.parse(second.joined["server_keys"][0]))
    assert report.holds, report.steps


async def test_back_at_the_first_computer_its_newer_answer_counts(two: Two) -> None:
    first, second = two.first, two.second
    for device, other, response in ((second, first, "a"), (first, second, "b")):
        await device.ask(two.token)
        path = f"/api/v1/session/devices/{device.key.name}"
        await other.call("POST", path, json={"decision": "admit"})
        await device.join(two.token)
        await device.connect()
        two.server.clock.pass_(5)
        if not device.log.lines:
            await device.send([device.hello()])
        await device.answer("part-a", "two-dice", response)
    (given,) = (await first.call("GET", "/api/v1/session/answers"))["answers"]
    assert (given["response"], given["device"]) == ("b", "d_first")


async def test_a_proctor_decides_where_the_first_can_t(two: Two) -> None:
    await two.first.hang_up()
    await two.second.ask(two.token)
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    async with proctor.get("/api/v1/reviews") as response:
        (row,) = (await response.json())["reviews"]
    assert row["why"] == ["another computer asks to go on"]
    refuse = {"decision": "refuse", "code": "learner/id-authorization"}
    address = f"/api/v1/sessions/{two.session}/devices/d_second"
    async with proctor.post(address, json=refuse) as response:
        assert (response.status, (await response.json())["device"]) == (200, "d_first")
    with pytest.raises(Refused) as no:
        await two.second.join(two.token)
    assert no.value.problem["asked"] == "refused"
    async with proctor.post(address, json={"decision": "admit"}) as response:
        assert response.status == 409
        assert (await response.json())["type"].endswith(":ask-decided")
    await two.second.ask(two.token)
    async with proctor.post(address, json={"decision": "admit"}) as response:
        assert (await response.json())["device"] == "d_second"
    await two.second.join(two.token)
    events = [(each["event"], each["by"]) for each in await two.asked()]
    assert events == [
        ("device-asked", "learner"),
        ("device-refused", "proctor"),
        ("device-asked", "learner"),
    ]
    assert (await two.log("device"))[-1]["by"] == "proctor"


async def test_a_device_let_in_by_mistake_gives_the_session_back(two: Two) -> None:
    await two.second.ask(two.token)
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    address = f"/api/v1/sessions/{two.session}/acts"
    admit = {
        "act": "admit-device",
        "of": "d_second",
        "code": "technical/freezing",
        "note": "Go on.",
    }
    async with proctor.post(address, json=admit) as response:
        answer = await response.json()
    assert (answer["session"]["device"], answer["act"]["undoable"]) == ("d_second", True)
    await two.second.join(two.token)
    await two.second.connect()
    async with proctor.post(address, json={"act": "undo", "of": answer["act"]["id"]}) as response:
        assert (await response.json())["session"]["device"] == "d_first"
    over = await two.second.hear("problem")
    assert over["problem"]["type"].endswith(":superseded")
    # The first goes on with its link, and asks nobody.
    assert (await two.first.ask(two.token))["state"] == "admitted"
    await two.first.join(two.token)
    view = await two.first.call("GET", "/api/v1/session")
    assert [each["words"] for each in view["acts"]] == [
        "A proctor let your other computer in: freezing.",
        "A proctor gave the exam back to the computer before.",
    ]
    log = [(each["id"], each.get("instead_of")) for each in await two.log("device")]
    assert log == [("d_first", None), ("d_second", "d_first"), ("d_first", "d_second")]


async def test_who_is_not_let_in_is_told_why_once(two: Two) -> None:
    await two.second.ask(two.token)
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    address = f"/api/v1/sessions/{two.session}/devices/d_second"
    why = {"code": "learner/id-authorization", "note": "Come to the desk."}
    async with proctor.post(address, json={"decision": "refuse", **why}) as response:
        assert response.status == 200, await response.text()
    async with proctor.post(address, json={"decision": "refuse", **why}) as response:
        problem = await response.json()
        assert (response.status, problem["state"]) == (409, "refused")
        assert problem["type"].endswith(":ask-decided")
    (told,) = (await two.first.call("GET", "/api/v1/session"))["acts"]
    assert told["words"] == "A proctor did not let another computer in: proof of identity."
    assert (told["code"], told["note"]) == (why["code"], why["note"])


async def test_a_device_refused_by_mistake_waits_again_and_can_be_let_in(two: Two) -> None:
    await two.second.ask(two.token)
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    address = f"/api/v1/sessions/{two.session}/acts"
    refuse = {"act": "refuse-device", "of": "d_second", "code": "staff/error"}
    async with proctor.post(address, json=refuse) as response:
        act = (await response.json())["act"]
    assert act["undoable"]
    async with proctor.post(address, json={"act": "undo", "of": act["id"]}) as response:
        view = (await response.json())["session"]
    assert [each["device"] for each in view["asking"]] == ["d_second"]
    assert (await two.second.ask(two.token))["state"] == "waiting"
    async with proctor.post(address, json={"act": "admit-device", "of": "d_second"}) as response:
        assert (await response.json())["session"]["device"] == "d_second"
    await two.second.join(two.token)
    acts = [(each["act"], each.get("of")) for each in await two.log("state") if "act" in each]
    assert acts == [("refuse-device", "d_second"), ("undo", "a1"), ("admit-device", "d_second")]


async def test_what_was_answered_on_a_device_that_lost_the_session_again_counts(two: Two) -> None:
    first, second = two.first, two.second
    await second.ask(two.token)
    proctor = await two.server.as_staff(StaffRole.PROCTOR)
    address = f"/api/v1/sessions/{two.session}/acts"
    admit = {"act": "admit-device", "of": "d_second"}
    async with proctor.post(address, json=admit) as response:
        assert response.status == 200
    await second.join(two.token)
    await second.connect()
    two.server.clock.pass_(5)
    await second.send([second.hello()])
    await second.answer("part-a", "two-dice", "a")
    two.server.clock.pass_(60)
    async with proctor.post(address, json={"act": "undo", "of": "a1"}) as response:
        assert response.status == 200, await response.text()

    # What had not reached the server stays where it is: its device can't even connect.
    assert (await refused(second, "GET", "/api/v1/session")).status == 401
    await first.join(two.token)
    (given,) = (await first.call("GET", "/api/v1/session/answers"))["answers"]
    assert (given["response"], given["device"]) == ("a", "d_second")


async def test_a_device_that_never_asked_is_not_found(two: Two) -> None:
    path = "/api/v1/session/devices/d_second"
    no = await refused(two.first, "POST", path, json={"decision": "admit"})
    assert (no.status, no.code) == (404, "no-such-ask")


async def test_another_key_may_not_take_the_name(two: Two) -> None:
    with pytest.raises(Refused) as no:
        await Device(two.first.http, name="d_first").ask(two.token)
    assert (no.value.status, no.value.code) == (409, "device-name-taken")


async def test_a_learner_is_not_disturbed_without_end(two: Two) -> None:
    for number in range(MAX_ASKS):
        await Device(two.first.http, name=f"d_{number}").ask(two.token)
    with pytest.raises(Refused) as no:
        await two.second.ask(two.token)
    assert (no.value.status, no.value.code) == (409, "too-many-asks")


async def test_a_link_that_nobody_used_needs_no_asking(server: Server) -> None:
    token = (await server.invite())["join_token"]
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        assert (await device.ask(token))["state"] == "admitted"
        await device.join(token)
        assert (await device.call("GET", "/api/v1/session"))["asking"] == []


async def test_who_has_the_session_is_stored(open_server: OpenServer, tmp_path: Path) -> None:
    clock = StillClock()
    server = await open_server(tmp_path / "data", clock)
    token = (await server.invite())["join_token"]
    async with aiohttp.ClientSession(server.url) as http:
        first, second = Device(http, name="d_1"), Device(http, name="d_2")
        await first.join(token)
        await second.ask(token)
        await first.call("POST", "/api/v1/session/devices/d_2", json={"decision": "admit"})
        await second.join(token)
        devices = await server.store.devices(first.joined["session"])
        case = await server.store.case(first.joined["session"])
        assert [each.id for each in devices] == ["d_1", "d_2"]
        assert case.session.devices.used is not None
        assert case.session.devices.used.id == "d_2"
