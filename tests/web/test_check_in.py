"""Which computers a policy lets check in."""

from typing import Any

import aiohttp
import pytest

from proctor.adapters import exams, policies
from proctor.evidence.record import Kind
from tests.conftest import SHORT_EXAM, Server
from tests.device import JPEG, Device, Refused

POM = policies.load(policies.builtin_folder() / "mitx-pom-final.toml").body


async def joined(server: Server, http: aiohttp.ClientSession) -> Device:
    await server.store.publish(exams.load(SHORT_EXAM).body, POM)
    invited = await server.invite()
    device = Device(http)
    await device.join(invited["join_token"])
    await device.connect()
    return device


def hello(device: Device, **system: Any) -> bytes:
    key, policy = device.key.verifier.encode(), device.joined["policy_sha256"]
    return device.add(Kind.HELLO, key=key, policy_sha256=policy, **system)


async def shown(device: Device) -> None:
    for purpose in ("face", "document"):
        picture = JPEG + purpose.encode()
        line = device.add(Kind.SNAPSHOT, blob=picture, purpose=purpose)
        await device.send([line], [picture])


@pytest.mark.parametrize(
    ("system", "refused"),
    [
        pytest.param(
            {"os": "windows", "os_version": "6.2.9200"}, ["Windows before 10"], id="Windows 8"
        ),
        pytest.param(
            {
                "os": "windows",
                "os_version": "10.0.22631",
                "maker": "Microsoft Corporation",
                "model": "Surface Pro 7",
                "form": "laptop",
            },
            ["Microsoft Surface"],
            id="a Surface",
        ),
        pytest.param(
            {"os": "windows", "os_version": "8.1", "form": "tablet"},
            ["Windows before 10", "Tablets"],
            id="for two reasons",
        ),
    ],
)
async def test_a_computer_that_the_policy_refuses_does_not_check_in(
    server: Server, system: dict[str, str], refused: list[str]
) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        device = await joined(server, http)
        await device.send([hello(device, system=system)])
        # Before any picture is missed: nobody has to show a document for nothing.
        for _ in range(2):
            with pytest.raises(Refused) as no:
                await device.call("POST", "/api/v1/session/check-in")
            assert (no.value.status, no.value.code) == (403, "system-refused")
            assert no.value.problem["refused"] == refused
            await shown(device)
        session = await device.call("GET", "/api/v1/session")
        assert (session["state"], session["id_check"]["state"]) == ("check-in", "awaited")
        await device.hang_up()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"system": {"os": "windows", "os_version": "10.0.22631"}}, id="Windows 11"),
        pytest.param({"system": {"os": "macos", "maker": "Apple", "form": "laptop"}}, id="a Mac"),
        pytest.param({"system": {"os": "windows", "os_version": ""}}, id="an unknown version"),
        pytest.param({}, id="a computer that says nothing"),
        pytest.param({"system": ["windows", "6.2"]}, id="no object"),
        pytest.param({"system": {"os": ["windows"], "os_version": 6, "form": None}}, id="no text"),
        pytest.param({"system": {"form ": "tablet", "kind": "phone"}}, id="keys of its own"),
    ],
)
async def test_a_computer_that_the_policy_does_not_refuse_checks_in(
    server: Server, told: dict[str, object]
) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        device = await joined(server, http)
        await device.send([hello(device, **told)])
        with pytest.raises(Refused) as no:
            await device.call("POST", "/api/v1/session/check-in")
        assert no.value.problem["missing"] == ["face", "document"]
        await shown(device)
        checked = await device.call("POST", "/api/v1/session/check-in")
        assert checked["id_check"]["state"] == "captured"
        await device.hang_up()
