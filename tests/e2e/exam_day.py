"""A session that was sat, flagged and ended, for the tests of the pages that staff see."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, Server, analysed
from tests.device import Device
from tests.pictures import jpeg, webcam


@dataclass(frozen=True)
class Console:
    """What a visitor of the console needs to know."""

    url: str
    proctor: tuple[str, str]
    second: tuple[str, str]
    session: str


async def flagged_session(
    server: Server,
    *,
    learner: str = "A. Diaz",
    seen_in_turn: Sequence[bytes] | None = None,
    parts: int = 1,
) -> Console:
    """Play a session with one conduct flag and one quality flag; its pictures are held.

    A picture's last bytes, behind its end, tell `ScriptedVision` what to see in it;
    `seen_in_turn` is what each picture shows, one a second, in each of the first `parts` sections.
    """
    await server.as_staff(StaffRole.PROCTOR, "proctor")
    await server.as_staff(StaffRole.PROCTOR, "second-proctor")
    invited = await server.invite(learner=learner)
    face = jpeg(webcam())
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(10)
        lines = [
            device.hello(),
            device.add(Kind.SNAPSHOT, blob=face, purpose="face"),
            device.add(Kind.SNAPSHOT, blob=face, purpose="document"),
        ]
        await device.send(lines, [face])
        await device.call("POST", "/api/v1/session/check-in")
        for number, section in enumerate(("part-a", "part-b", "part-c")):
            await device.open(section)
            shown = (_SEEN if seen_in_turn is None else seen_in_turn) if number < parts else ()
            for at, seen in enumerate(shown):
                server.clock.pass_(1)
                device.at_ms = int(server.clock.now().timestamp() * 1000) - 1000
                picture = face + b"%d.%d" % (number, at) + seen
                line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
                await device.send([line], [picture])
            server.clock.pass_(1)
            if number == 0:
                await device.answer("part-a", "two-dice", "c")
            await device.call("POST", f"/api/v1/session/sections/{section}/close")
        await device.submit()
    proctor = await server.as_staff(StaffRole.PROCTOR, "proctor")
    await analysed(proctor, f"/api/v1/sessions/{invited['session']}")
    return Console(
        url=server.url,
        proctor=("proctor", PASSWORD),
        second=("second-proctor", PASSWORD),
        session=invited["session"],
    )


_SEEN = (
    b"",
    b"",
    b"two",
    b"two",
    b"two",
    b"two",
    b"",
    b"",
    b"covered",
    b"covered",
    b"covered",
    b"",
)
