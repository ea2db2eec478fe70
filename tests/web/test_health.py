"""What /healthz and /metrics say of a server of which a part fails."""

import asyncio
from typing import Any

import aiohttp
import pytest

from proctor.domain.observation import Measured
from proctor.evidence.record import Kind
from proctor.services import analysis, faults
from proctor.services.logins import StaffRole
from proctor.services.ports import StorageFull
from tests.conftest import OpenServer, ScriptedVision, Server, full_disk, until
from tests.device import JPEG, Device

WELL = (200, {"status": "ok", "failing": []})


async def health(server: Server) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession(server.url) as http, http.get("/healthz") as answer:
        return answer.status, await answer.json()


async def failing_parts(server: Server) -> set[str]:
    administrator = await server.as_staff(StaffRole.ADMINISTRATOR)
    async with administrator.get("/metrics") as answer:
        told = (await answer.text()).splitlines()
    return {
        part for part in ("storage", "analysis") if f'proctor_failing{{part="{part}"}} 1.0' in told
    }


async def test_anyone_may_ask_whether_the_server_is_well(server: Server) -> None:
    assert await health(server) == WELL
    assert await failing_parts(server) == set()


async def test_a_server_that_can_write_no_more_says_so_until_it_is_started_again(
    server: Server, open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await failing_parts(server)  # signed in while that can be written

    def broken() -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(server.store._writer, "_take", broken)
    await server.store.exams()
    await server.store.write(lambda tx: tx.exec_driver_sql("SELECT 1").scalar())

    async def unwell() -> bool:
        return (await health(server))[0] == 503

    await until(unwell)
    why = "nothing can be written until the server is started again"
    assert await health(server) == (
        503,
        {"status": "unhealthy", "failing": [{"part": "storage", "why": why}]},
    )
    assert await failing_parts(server) == {"storage"}
    assert await health(await open_server()) == WELL


async def test_a_full_disk_is_said_and_that_it_is_over(server: Server) -> None:
    await failing_parts(server)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join((await server.invite())["join_token"])
        await device.connect()
        with full_disk():
            message = device.batch([device.hello()])
            assert (await device.send_raw(message))["type"] == "problem"
            status, told = await health(server)
        assert (status, told["status"]) == (200, "degraded")
        assert [each["part"] for each in told["failing"]] == ["storage"]
        assert await failing_parts(server) == {"storage"}
        assert (await device.send_raw(message))["type"] == "receipt"
        assert await health(server) == WELL


async def test_a_full_disk_that_no_batch_came_upon_is_said_too(server: Server) -> None:
    await failing_parts(server)  # an account is made while it can be
    change = "UPDATE staff SET made_at_ms = made_at_ms + 1"
    with full_disk():
        with pytest.raises(StorageFull):
            await server.store.write(lambda tx: tx.exec_driver_sql(change))
        assert (await health(server))[1]["status"] == "degraded"
        assert await failing_parts(server) == {"storage"}
    await server.store.write(lambda tx: tx.exec_driver_sql(change))
    assert await health(server) == WELL


class Broken(ScriptedVision):
    """Fails for pictures that end in b"poison", the second time not before `again` is set."""

    def __init__(self) -> None:
        self.again, self.tried = asyncio.Event(), False

    async def observe(self, stream: str, jpeg: bytes, **more: Any) -> Measured:
        if jpeg.endswith(b"poison"):
            if self.tried:
                await self.again.wait()
            self.tried = True
            raise ValueError(jpeg)
        return await super().observe(stream, jpeg, **more)


async def test_pictures_that_cannot_be_looked_at_are_said_until_they_are_given_up(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "EVALUATE_EVERY_S", 0.01)
    monkeypatch.setattr(faults, "FIRST_S", 0.01)
    vision = Broken()
    server = await open_server(vision=vision)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join((await server.invite())["join_token"])
        await device.connect()
        await device.check_in()
        await device.open("part-a")
        picture = JPEG + b"poison"
        line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
        await device.send([line], [picture])

        async def failing() -> set[str]:
            return await failing_parts(server)

        assert await until(failing) == {"analysis"}
        why = "ValueError in 1 sessions; tried again"
        assert await health(server) == (
            200,
            {"status": "degraded", "failing": [{"part": "analysis", "why": why}]},
        )

        vision.again.set()

        async def well() -> bool:
            return await health(server) == WELL

        await until(well)
