"""A session that was sat and handed in, with a flag of conduct, and people to judge it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import Server, analysed, check_in_read
from tests.device import JPEG, Device


@dataclass
class Sat:
    server: Server
    session: str
    device: Device
    flag: str  # the one that was raised

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        status: int = 200,
        *,
        role: StaffRole = StaffRole.PROCTOR,
        **more: Any,
    ) -> Any:
        """Ask as one of the staff; `{session}` in a path is the session's address."""
        client = await self.server.as_staff(role, name)
        address = path.replace("{session}", f"/api/v1/sessions/{self.session}")
        async with client.request(method, address, **more) as response:
            found = await response.json(content_type=None)
            assert response.status == status, found
            return found

    async def judge(self, name: str, outcome: str, status: int = 200, **more: Any) -> Any:
        """Let one of the proctors give a verdict on the session and its flag."""
        judged = {"flag": self.flag, "outcome": "upheld", "reason": f"{name} heard a voice"}
        body = {"outcome": outcome, "reasons": f"{name} looked", "flags": [judged], **more}
        return await self.ask(name, "POST", "{session}/verdicts", status, json=body)


@asynccontextmanager
async def sat(
    server: Server,
    learner: str = "Ada Lovelace",
    name: str = "d_test",
    *,
    exam: str = "short",
    seen: bytes = b"two",
    pictures: int = 4,
) -> AsyncIterator[Sat]:
    invited = await server.invite(exam, learner=learner)
    async with aiohttp.ClientSession(server.url) as http, Device(http, name=name) as device:
        device.at_ms = int(server.clock.now().timestamp() * 1000)
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)
        await device.check_in()
        await device.open("part-a")
        for number in range(pictures):
            server.clock.pass_(1)
            picture = JPEG + b"%d %s" % (number, seen)
            line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
            await device.send([line], [picture])
        await device.answer("part-a", "two-dice", "c")
        await device.submit()
        await device.hang_up()
        proctor = await server.as_staff(StaffRole.PROCTOR)
        (flag,) = (await analysed(proctor, f"/api/v1/sessions/{invited['session']}"))["flags"]
        await check_in_read(server, invited["session"])  # the log holds what machines found
        yield Sat(server, invited["session"], device, flag["flag"])


async def hand_in(
    server: Server, device: Device, learner: str = "Grace Hopper", *, pictures: int = 0
) -> dict[str, Any]:
    """Let a learner sit with one answer and hand in; return the invitation."""
    invited = await server.invite(learner=learner)
    device.at_ms = int(server.clock.now().timestamp() * 1000)
    await device.join(invited["join_token"])
    await device.connect()
    server.clock.pass_(5)
    await device.check_in()
    await device.open("part-a")
    for number in range(pictures):
        server.clock.pass_(1)
        picture = JPEG + b"%d" % number
        await device.send([device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")], [picture])
    await device.answer("part-a", "two-dice", "c")
    if pictures:
        server.clock.pass_(1)  # what comes in the instant of the end comes late
    await device.submit()
    await device.hang_up()
    return invited


async def accept(server: Server, session: str) -> None:
    """Let a proctor accept the ID check, once machines are done with it."""
    await check_in_read(server, session)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    path = f"/api/v1/sessions/{session}/id-check"
    async with proctor.get(path) as response:
        desk = await response.json()
    seen = {each: desk[each] and desk[each]["sha256"] for each in ("face", "document")}
    async with proctor.post(path, json={"event": "accepted", "seen": seen}) as response:
        assert response.status == 200, await response.text()


def code_of(problem: dict[str, Any]) -> str:
    return str(problem["type"]).removeprefix("urn:proctor:problem:")
