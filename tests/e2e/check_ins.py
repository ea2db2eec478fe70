"""Learners who have shown face and document and wait for a person, for the tests of the ID desk."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from proctor.adapters import exams, policies
from proctor.demo import clips
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, SHORT_EXAM, Server, check_in_read, unheard
from tests.device import Device
from tests.pictures import jpeg, webcam

ONE, OTHER = "proctor", "second-proctor"
CAPSTONE = "capstone"


class CheckIns:
    """A server whose exam holds learners for a person, and those who are held there."""

    def __init__(self, server: Server, stack: AsyncExitStack, card: bytes) -> None:
        self.server = server
        self._stack = stack
        self._card = card

    def desk(self, session: str | None = None) -> str:
        """Return the address of the desk, or of one ID check there."""
        return f"{self.server.url}/console/identity" + (f"?session={session}" if session else "")

    async def held(
        self,
        learner: str = "Anna Maria Eriksson",
        card: bytes | None = None,
        *,
        exam: str = "short",
    ) -> str:
        """Let a learner show a face and a document; return the session, which waits."""
        invited = await self.server.invite(exam, learner=learner)
        http = await self._stack.enter_async_context(aiohttp.ClientSession(self.server.url))
        device = await self._stack.enter_async_context(Device(http))
        await device.join(invited["join_token"])
        with unheard():
            await device.connect()
        self.server.clock.pass_(10)
        face, document = jpeg(webcam()), card or self._card
        lines = [
            device.hello(),
            device.add(Kind.SNAPSHOT, blob=face, purpose="face"),
            device.add(Kind.SNAPSHOT, blob=document, purpose="document"),
        ]
        await device.send(lines, [face, document])
        await device.call("POST", "/api/v1/session/check-in")
        return str(invited["session"])

    async def joined(self, learner: str = "Anna Maria Eriksson") -> str:
        """Let a learner join, who has shown nothing; return the session."""
        invited = await self.server.invite(learner=learner)
        http = await self._stack.enter_async_context(aiohttp.ClientSession(self.server.url))
        device = await self._stack.enter_async_context(Device(http))
        await device.join(invited["join_token"])
        return str(invited["session"])

    async def told(self, session: str) -> dict[str, Any]:
        """Return a session as staff are told of it."""
        proctor = await self.server.as_staff(StaffRole.PROCTOR, ONE)
        async with proctor.get(f"/api/v1/sessions/{session}") as response:
            told: dict[str, Any] = await response.json()
            assert response.status == 200, told
            return told

    async def decide(self, session: str, **decided: object) -> None:
        """Decide as the other proctor, at another desk."""
        other = await self.server.as_staff(StaffRole.PROCTOR, OTHER)
        body = {"code": None, "reason": "", **decided}
        path = f"/api/v1/sessions/{session}/id-check"
        if body.get("event") in ("accepted", "refused"):
            async with other.get(path) as response:
                body["seen"] = seen_in(await response.json())
        async with other.post(path, json=body) as response:
            assert response.status == 200, await response.text()

    async def read(self, session: str) -> None:
        """Wait until the machine has read a document and looked for its like."""
        # The face is looked for on other accounts last of all.
        await check_in_read(self.server, session)
        proctor = await self.server.as_staff(StaffRole.PROCTOR, ONE)
        async with proctor.get(f"/api/v1/sessions/{session}/id-check") as response:
            assert (await response.json())["reading"]["state"] == "read"

    async def logged(self, session: str) -> list[dict[str, Any]]:
        """Return what the server's log says of the ID check."""
        lines = await self.server.store.server_lines(session)
        return [record for line in lines if (record := json.loads(line))["kind"] == "id-check"]


def seen_in(desk: dict[str, Any]) -> dict[str, str | None]:
    """Return what a desk shows, as a decision names it."""
    shown = {each: desk[each] for each in ("face", "document")}
    return {each: None if ref is None else ref["sha256"] for each, ref in shown.items()}


@asynccontextmanager
async def check_ins(server: Server, folder: Path) -> AsyncIterator[CheckIns]:
    held = policies.load(policies.builtin_folder() / "closed-book.toml")
    assert held.policy.identity.hold
    await server.store.publish(exams.load(SHORT_EXAM).body, held.body)
    for name in (ONE, OTHER):
        await server.as_staff(StaffRole.PROCTOR, name)
    card = folder / "card.jpg"
    clips.id_document(card)
    capstone = exams.load(SHORT_EXAM.parent / CAPSTONE).body
    await server.store.publish(capstone, held.body)
    async with AsyncExitStack() as stack:
        yield CheckIns(server, stack, card.read_bytes())


def login(name: str) -> tuple[str, str]:
    return name, PASSWORD
