"""One learner through a whole exam over real HTTP and WebSocket, and what comes of it."""

import aiohttp

from proctor.evidence.note import VerifierKey
from proctor.evidence.record import Kind
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from tests.conftest import Server, analysed
from tests.device import JPEG, Device


async def test_an_exam_from_invitation_to_verdict(server: Server) -> None:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        assert (await device.check_in())["state"] == "ready"

        opened = await device.open("part-a")
        assert opened["session"]["state"] == "running"
        for n, end in enumerate([b"", b"two", b"two", b"two", b"two", b"", b"", b""]):
            picture = JPEG + b"%d" % n + end
            server.clock.pass_(1)
            device.at_ms = int(server.clock.now().timestamp() * 1000) - 1000
            line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
            receipt = await device.send([line], [picture])
            assert receipt["owed"] == []
        item = opened["items"][0]["id"]
        await device.answer("part-a", item, "a")
        for section in ("part-a", "part-b", "part-c"):
            await device.open(section) if section != "part-a" else None
            await device.call("POST", f"/api/v1/session/sections/{section}/close")
        handed_in = await device.submit()
        assert handed_in["state"] == "submitted"

    proctor = await server.as_staff(StaffRole.PROCTOR)
    path = f"/api/v1/sessions/{invited['session']}"
    timeline = await analysed(proctor, path)
    assert [flag["flag_class"] for flag in timeline["flags"]] == ["conduct"]
    flags = [
        {"flag": flag["flag"], "outcome": "not-upheld", "reason": "it was short"}
        for flag in timeline["flags"]
    ]
    verdict = {"outcome": "clear", "reasons": "a flatmate passed by", "flags": flags}
    async with proctor.post(f"{path}/verdicts", json=verdict) as answer:
        assert (await answer.json())["review"]["outcome"] == "clear"

    bundle = await (await proctor.get(f"{path}/bundle")).read()
    keys = await (await proctor.get("/.well-known/proctor-keys.json")).json()
    report = verify(bundle, server_key=VerifierKey.parse(keys["keys"][0]))
    assert report.holds, report.steps
