"""A learner calls for a person, and is answered."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proctor.domain.help import MAX_MESSAGE_CHARS
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import Server
from tests.device import Device


@pytest.fixture
async def device(server: Server) -> AsyncIterator[Device]:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(60)
        await device.send([device.hello()])
        yield device


async def say(device: Device, **facts: Any) -> None:
    assert (await device.send([device.add(Kind.MESSAGE, **facts)]))["type"] == "receipt"


async def asked(server: Server, path: str) -> Any:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(path) as response:
        assert response.status == 200
        return await response.json()


async def events(server: Server, device: Device) -> list[tuple[str, str]]:
    lines = await server.store.server_lines(device.joined["session"])
    return [
        (each["event"], each.get("reason", ""))
        for each in map(json.loads, lines)
        if each["kind"] == "state" and each.get("event", "act") != "act"
    ]


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("question", "the learner asks a question"),
        ("hand", "the learner raised a hand"),
        ("fault", "the learner reports a technical fault"),
    ],
)
async def test_a_call_stands_first_in_the_queue_until_it_is_answered(
    server: Server, device: Device, topic: str, why: str
) -> None:
    session = device.joined["session"]
    assert (await asked(server, "/api/v1/reviews"))["reviews"] == []
    await say(device, topic=topic, text="may I?", raised=True)
    (row,) = (await asked(server, "/api/v1/reviews"))["reviews"]
    assert row["why"] == [why]
    assert row["waiting_since_ms"] == int(server.clock.now().timestamp() * 1000)
    (message,) = (await asked(server, f"/api/v1/sessions/{session}/timeline"))["messages"]
    assert (message["topic"], message["text"], message["raised"]) == (topic, "may I?", True)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    body = {"act": "answer", "note": "you may"}
    async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
        assert (await response.json())["session"]["help"]["answer"] == "you may"
    while (told := await device.hear("session"))["session"]["help"]["answer"] != "you may":
        pass
    assert told["session"]["help"]["topic"] == topic
    assert (await asked(server, "/api/v1/reviews"))["reviews"] == []
    async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
        assert (response.status, (await response.json())["type"]) == (
            409,
            "urn:proctor:problem:nobody-calls",
        )
    assert await events(server, device) == [("help-called", ""), ("help-answered", "you may")]


async def test_a_hand_may_be_taken_down(server: Server, device: Device) -> None:
    await say(device, topic="hand", raised=True)
    await say(device, topic="hand", raised=False)
    assert (await asked(server, "/api/v1/reviews"))["reviews"] == []
    assert (await device.call("GET", "/api/v1/session"))["help"] is None
    assert await events(server, device) == [("help-called", ""), ("hand-down", "")]


async def test_who_waits_goes_on_waiting_since_then(server: Server, device: Device) -> None:
    await say(device, topic="question", text="one")
    since = (await device.call("GET", "/api/v1/session"))["help"]["since_ms"]
    server.clock.pass_(30)
    await say(device, topic="fault", text="two")
    assert (await device.call("GET", "/api/v1/session"))["help"]["since_ms"] == since
    assert len(await events(server, device)) == 1


async def test_a_proctor_reads_all_that_waits_in_full(server: Server, device: Device) -> None:
    session, long = device.joined["session"], "x" * MAX_MESSAGE_CHARS
    for text in ("one", long):
        await say(device, topic="question", text=text)
    told = await asked(server, f"/api/v1/sessions/{session}/story")
    assert [(each["text"], each["waits"]) for each in told["messages"]] == [
        ("one", True),
        (long, True),
    ]
    assert (told["flags"], told["gaps"], told["acts"], told["cut"]) == ([], [], [], False)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="no topic"),
        pytest.param({"topic": "pizza", "text": "now"}, id="another topic"),
        pytest.param({"topic": ["hand"]}, id="a topic that is no word"),
        pytest.param({"topic": {"hand": 1}, "text": 5, "raised": "yes"}, id="odd all over"),
    ],
)
async def test_an_odd_message_calls_nobody_and_is_shown(
    server: Server, device: Device, facts: dict[str, Any]
) -> None:
    await say(device, **facts)
    assert (await asked(server, "/api/v1/reviews"))["reviews"] == []
    session = device.joined["session"]
    (message,) = (await asked(server, f"/api/v1/sessions/{session}/timeline"))["messages"]
    assert message["raised"] is None


async def test_a_long_message_is_shown_cut_and_kept_whole(server: Server, device: Device) -> None:
    await say(device, topic="question", text="x" * (MAX_MESSAGE_CHARS + 1))
    session = device.joined["session"]
    (message,) = (await asked(server, f"/api/v1/sessions/{session}/timeline"))["messages"]
    assert len(message["text"]) == MAX_MESSAGE_CHARS
    (batch,) = (await server.store.received(session, "d_test"))[1:]
    assert len(batch.lines[0]) > MAX_MESSAGE_CHARS


async def test_a_call_ends_with_the_session(server: Server, device: Device) -> None:
    await say(device, topic="hand", raised=True)
    session = device.joined["session"]
    await server.terminate(session)
    assert (await asked(server, "/api/v1/reviews"))["reviews"] == []
    await say(device, topic="fault", text="why?")  # late, but taken
    assert len([each for each, _ in await events(server, device) if each == "help-called"]) == 1
