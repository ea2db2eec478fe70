"""A phone as second camera: another device of the session, which shows the room and no more."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.domain.second_camera import MAX_PHONES
from proctor.evidence.note import VerifierKey
from proctor.evidence.record import Kind
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, StillClock, analysed, until
from tests.device import JPEG, Device, Refused
from tests.phone import invited_with_phone, show_room

ASK = "/api/v1/session/second-camera"


@dataclass
class Desk:
    """A learner who has joined on a computer, and phones."""

    server: Server
    session: str
    computer: Device
    phone: Device
    other: Device
    token: str  # of the computer's link

    async def ask(self) -> str:
        asked: dict[str, str] = await self.computer.call("POST", ASK)
        assert asked["link"] == f"{self.server.url}/join/{asked['join_token']}"
        return asked["join_token"]

    async def camera(self) -> dict[str, Any] | None:
        view: dict[str, Any] = await self.computer.call("GET", "/api/v1/session")
        found: dict[str, Any] | None = view["second_camera"]
        return found

    async def state(self) -> str | None:
        found = await self.camera()
        return None if found is None else str(found["state"])

    async def show(self) -> None:
        """Make the phone the second camera, and let it show the room."""
        await self.phone.join(await self.ask())
        await self.phone.connect()
        await self.phone.send([self.phone.hello()])
        await show_room(self.phone)

    async def log(self, kind: str) -> list[dict[str, Any]]:
        lines = await self.server.store.server_lines(self.session)
        return [each for each in map(json.loads, lines) if each["kind"] == kind]


@pytest.fixture
async def desk(server: Server) -> AsyncIterator[Desk]:
    invited = await invited_with_phone(server)
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http, name="d_computer") as computer,
        Device(http, name="d_phone") as phone,
        Device(http, name="d_other") as other,
    ):
        await computer.join(invited["join_token"])
        await computer.connect()
        server.clock.pass_(5)
        yield Desk(server, invited["session"], computer, phone, other, invited["join_token"])


async def refused(device: Device, method: str, path: str, **more: Any) -> Refused:
    with pytest.raises(Refused) as no:
        await device.call(method, path, **more)
    return no.value


async def test_a_phone_shows_the_room_and_its_learner_is_told(desk: Desk) -> None:
    assert await desk.camera() is None
    token = await desk.ask()
    asked_ms = int(desk.server.clock.now().timestamp() * 1000)
    assert await desk.camera() == {"state": "asked", "since_ms": asked_ms}

    joined = await desk.phone.join(token, kind="browser")
    assert (joined["device"], joined["device_kind"]) == ("d_phone", "phone")
    assert joined["session"] == desk.session
    await desk.phone.connect()
    await desk.phone.send([desk.phone.hello()])
    assert await desk.state() == "asked"
    desk.server.clock.pass_(5)
    await show_room(desk.phone)
    assert await desk.camera() == {"state": "connected", "since_ms": asked_ms + 5000}
    while (await desk.computer.hear("session"))["session"]["second_camera"]["state"] != "connected":
        pass

    await desk.phone.hang_up()
    await until(lambda: is_state(desk, "lost"))
    await desk.phone.connect()
    assert await desk.state() == "connected"
    assert [(each["id"], each["device_kind"], each["by"]) for each in await desk.log("device")] == [
        ("d_computer", "desktop", "learner"),
        ("d_phone", "phone", "learner"),
    ]
    # It never has the session.
    view = await desk.computer.call("GET", "/api/v1/session")
    assert view["device"] == "d_computer"


async def is_state(desk: Desk, state: str) -> bool:
    return await desk.state() == state


async def test_check_in_is_incomplete_until_the_phone_has_shown_the_room(desk: Desk) -> None:
    computer, phone = desk.computer, desk.phone
    with pytest.raises(Refused) as no:
        await computer.check_in()
    assert (no.value.code, no.value.problem["missing"]) == (
        "check-in-incomplete",
        ["second-camera"],
    )
    # A picture of the room by the computer is none of a second camera.
    await show_room(computer)
    await phone.join(await desk.ask())
    await phone.connect()
    await phone.send([phone.hello()])
    assert (await refused(computer, "POST", "/api/v1/session/check-in")).problem["missing"] == [
        "second-camera"
    ]
    await show_room(phone)
    checked = await computer.call("POST", "/api/v1/session/check-in")
    assert (checked["state"], checked["id_check"]["state"]) == ("ready", "captured")


BLANK: dict[str, Any] = {
    "id_check": {
        "state": "",
        "asked_again": False,
        "reason": "",
        "held_since_ms": None,
        "held_before": None,
        "assurance": [],
    },
    "window": None,
    "ledger": [],
    "verdict": None,
    "device": "",
    "asking": [],
    "help": None,
    "asks": [],
    "asked_before": [],
}


async def test_a_phone_is_shown_how_far_the_exam_is_and_nothing_of_its_learner(desk: Desk) -> None:
    await desk.show()
    await desk.computer.check_in()
    await desk.computer.open("part-a")
    help_ = desk.computer.add(Kind.MESSAGE, topic="hand", text="")
    await desk.computer.send([help_])
    await desk.other.ask(desk.token)
    whole = await desk.computer.call("GET", "/api/v1/session")
    assert whole["help"] is not None
    assert whole["asking"] != []

    assert desk.phone.welcome is not None
    asked = await desk.phone.call("GET", "/api/v1/session")
    while True:
        told = (await desk.phone.hear("session"))["session"]
        assert told.items() >= BLANK.items()
        if told["sections"][0]["opened_at_ms"] is not None:
            break
    for shown in (asked, desk.phone.welcome["session"]):
        assert shown.items() >= BLANK.items()
        assert {each["title"] for each in shown["sections"]} == {""}
    assert (asked["state"], asked["second_camera"]) == (whole["state"], whole["second_camera"])
    times = ("id", "opened_at_ms", "closes_at_ms", "closed_at_ms")
    assert [[each[time] for time in times] for each in asked["sections"]] == [
        [each[time] for time in times] for each in whole["sections"]
    ]


async def test_the_token_of_a_phone_ends_with_the_session(desk: Desk) -> None:
    token = await desk.ask()
    await desk.phone.join(token)
    assert (await desk.phone.call("GET", "/api/v1/session"))["state"] == "check-in"
    await desk.server.terminate(desk.session)
    assert (await refused(desk.phone, "GET", "/api/v1/session")).status == 401
    with pytest.raises(Refused) as no:
        await desk.phone.join(token)
    assert no.value.code == "session-closed"
    assert (await desk.computer.call("GET", "/api/v1/session"))["state"] == "terminated"


async def test_without_such_a_policy_nobody_gets_a_link(server: Server) -> None:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        assert (await refused(device, "POST", ASK)).code == "no-second-camera"


async def test_a_session_that_has_ended_takes_no_phone(desk: Desk) -> None:
    token = await desk.ask()
    await desk.server.terminate(desk.session)
    with pytest.raises(Refused) as no:
        await desk.phone.join(token)
    assert no.value.code == "session-closed"
    assert (await refused(desk.computer, "POST", ASK)).code == "session-closed"


async def test_a_link_is_one_phones(desk: Desk) -> None:
    token = await desk.ask()
    await desk.phone.join(token)
    await desk.phone.join(token)  # it may come again
    with pytest.raises(Refused) as no:
        await desk.other.join(token)
    assert no.value.code == "join-link-used"
    with pytest.raises(Refused) as no:
        await desk.other.ask(token)
    assert no.value.code == "join-link-unknown"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("s_none.abc", id="of no session"),
        pytest.param("{session}.abc", id="guessed"),
        pytest.param(".", id="of nothing"),
    ],
)
async def test_a_link_that_was_not_told_is_unknown(desk: Desk, token: str) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as no:
            await desk.phone.join(token.replace("{session}", desk.session))
        assert no.value.code == "join-link-unknown"
        await desk.ask()


async def test_the_computer_is_not_its_own_second_camera(desk: Desk) -> None:
    with pytest.raises(Refused) as no:
        await desk.computer.join(await desk.ask())
    assert no.value.code == "device-name-taken"


async def test_asking_again_replaces_the_phone(desk: Desk) -> None:
    await desk.show()
    first = await desk.ask()
    assert await desk.state() == "asked"
    over = await desk.phone.hear("problem")
    assert over["problem"]["type"].endswith(":superseded")
    assert (await refused(desk.phone, "GET", "/api/v1/session")).status == 401
    second = await desk.ask()
    with pytest.raises(Refused) as no:
        await desk.other.join(first)
    assert no.value.code == "join-link-unknown"

    await desk.other.join(second)
    await desk.other.connect()
    await desk.other.send([desk.other.hello()])
    await show_room(desk.other)
    assert await desk.state() == "connected"
    *_, last = await desk.log("device")
    assert (last["id"], last["instead_of"]) == ("d_other", "d_phone")


async def test_phones_are_bounded(desk: Desk) -> None:
    async with aiohttp.ClientSession(desk.server.url) as http:
        for number in range(MAX_PHONES):
            await Device(http, name=f"d_{number}").join(await desk.ask())
    assert (await refused(desk.computer, "POST", ASK)).code == "too-many-phones"


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        pytest.param(
            Kind.ANSWER, {"section": "part-a", "item": "two-dice", "response": "c"}, id="an answer"
        ),
        pytest.param(Kind.SUBMISSION, {"answers": []}, id="a submission"),
        pytest.param(Kind.MESSAGE, {"topic": "hand", "text": ""}, id="a message"),
        pytest.param(Kind.FOCUS, {"away_to": "", "from_ms": 1, "to_ms": 2}, id="a page left"),
        pytest.param(Kind.SNAPSHOT, {"purpose": "face"}, id="a face"),
        pytest.param(Kind.SNAPSHOT, {"purpose": "periodic"}, id="a webcam's snapshot"),
    ],
)
async def test_a_phone_writes_nothing_but_what_a_second_camera_sees(
    desk: Desk, kind: Kind, facts: dict[str, Any]
) -> None:
    await desk.show()
    blob = JPEG + b"more" if kind is Kind.SNAPSHOT else None
    line = desk.phone.add(kind, blob=blob, **facts)
    answer = await desk.phone.send([line], [] if blob is None else [blob])
    assert answer["problem"]["type"].endswith(":second-camera-only")
    assert (answer["problem"]["status"], answer["problem"]["kind"]) == (403, str(kind))


async def test_a_phone_may_say_what_it_missed(desk: Desk) -> None:
    await desk.show()
    gap: dict[str, Any] = {"of": "capture", "cause": "camera", "from_ms": 1, "to_ms": 2}
    lines = [desk.phone.add(Kind.NOTICE, notice="camera-lost"), desk.phone.add(Kind.GAP, **gap)]
    assert (await desk.phone.send(lines))["type"] == "receipt"


async def test_the_room_stands_in_the_timeline_and_raises_no_flag(desk: Desk) -> None:
    await desk.show()
    await desk.computer.check_in()
    await desk.computer.open("part-a")
    gap: dict[str, Any] = {"of": "capture", "cause": "camera"}
    for number in range(12):
        desk.server.clock.pass_(1)
        desk.phone.at_ms += 1000
        at_ms = desk.phone.at_ms
        await show_room(desk.phone, b"%d two" % number)
        await desk.phone.send([desk.phone.add(Kind.GAP, **gap, from_ms=at_ms - 9000, to_ms=at_ms)])
    await desk.computer.submit()

    proctor = await desk.server.as_staff(StaffRole.PROCTOR)
    timeline = await analysed(proctor, f"/api/v1/sessions/{desk.session}")
    shown = [each for each in timeline["snapshots"] if each["purpose"] == "room"]
    assert len(shown) == 13
    assert {(each["device"], each["blob"], each["observation"]) for each in shown} == {
        ("d_phone", "held", None)
    }
    assert timeline["flags"] == []
    assert len(timeline["gaps"]) == 12
    async with proctor.get(f"/api/v1/sessions/{desk.session}/bundle") as response:
        bundle = await response.read()
    report = verify(bundle, server_key=VerifierKey.parse(desk.computer.joined["server_keys"][0]))
    assert report.holds, report.steps


async def test_a_phone_alone_is_no_contact(desk: Desk) -> None:
    await desk.show()
    await desk.computer.check_in()
    opened = await desk.computer.open("part-a")
    closes_ms = opened["session"]["sections"][0]["closes_at_ms"]
    await desk.computer.hang_up()
    await until(lambda: is_out_of_contact(desk))
    for _ in range(4):
        desk.server.clock.pass_(10)
        await show_room(desk.phone, b"%d" % _)
    await desk.computer.connect()
    view = await desk.computer.call("GET", "/api/v1/session")
    assert [(each["seconds"], each["cause"]) for each in view["ledger"]] == [(40.0, "outage")]
    assert view["sections"][0]["closes_at_ms"] == closes_ms + 40_000


async def is_out_of_contact(desk: Desk) -> bool:
    return (await desk.server.store.case(desk.session)).session.lost_at is not None


async def test_the_phone_stays_when_another_computer_takes_over(desk: Desk) -> None:
    await desk.show()
    await desk.other.ask(desk.token)
    path = "/api/v1/session/devices/d_other"
    view = await desk.computer.call("POST", path, json={"decision": "admit"})
    assert (view["device"], view["second_camera"]["state"]) == ("d_other", "connected")
    assert (await show_room(desk.phone, b"later"))["type"] == "receipt"
    await desk.other.join(desk.token)
    await desk.other.connect()
    checked = await desk.other.check_in()
    assert checked["state"] == "ready"


async def test_after_a_restart_the_phone_is_lost_until_it_comes_again(
    open_server: OpenServer, tmp_path: Path
) -> None:
    clock = StillClock()
    first = await open_server(tmp_path / "data", clock)
    invited = await invited_with_phone(first)
    async with aiohttp.ClientSession(first.url) as http, Device(http) as computer:
        await computer.join(invited["join_token"])
        asked = await computer.call("POST", ASK)
        async with Device(http, name="d_phone") as phone:
            await phone.join(asked["join_token"])
            await phone.connect()
            await phone.send([phone.hello()])
            await show_room(phone)
            # The first server knows of no loss: it is as if it was killed.
            second = await open_server(tmp_path / "data", clock)
            case = await second.store.case(invited["session"])
    assert case.session.second_camera is not None
    assert str(case.session.second_camera.state) == "lost"
    async with aiohttp.ClientSession(second.url) as http:
        computer.http = phone.http = http
        await phone.connect()
        view = await computer.call("GET", "/api/v1/session")
        assert view["second_camera"]["state"] == "connected"
        await phone.hang_up()
