"""Images of items: for learners in the section that shows them, and for nobody else."""

import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest

from proctor import config
from tests.conftest import SHORT_EXAM, Server
from tests.device import Device

PNG = b"\x89PNG\r\n\x1a\n a tree"
DIGEST = sha256(PNG).hexdigest()


@pytest.fixture
async def device(server: Server, tmp_path: Path) -> AsyncIterator[Device]:
    """A learner checked in to the short exam, whose second section shows an image."""
    folder = tmp_path / "exam"
    shutil.copytree(SHORT_EXAM, folder)
    (folder / "images").mkdir()
    (folder / "images" / "tree.png").write_bytes(PNG)
    item = folder / "items" / "geometric-mean.md"
    item.write_text(item.read_text(encoding="utf-8") + "\n![A tree](images/tree.png)\n")
    await config.publish(server.store, folder)
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        yield device


async def status(device: Device, digest: str = DIGEST) -> int:
    headers = {"Authorization": f"Bearer {device.joined['device_token']}"}
    path = f"/api/v1/session/images/{digest}"
    async with device.http.get(path, headers=headers) as response:
        if response.status == 200:
            assert await response.read() == PNG
            assert response.content_type == "image/png"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
        return response.status


async def test_an_image_is_shown_while_its_section_is_open(server: Server, device: Device) -> None:
    assert await status(device) == 404
    await device.open("part-a")
    assert await status(device) == 404
    await device.call("POST", "/api/v1/session/sections/part-a/close")
    opened = await device.open("part-b")
    assert await status(device) == 200
    (item,) = [each for each in opened["items"] if "images" in each]
    assert item["images"] == [{"sha256": DIGEST, "type": "image/png", "size": len(PNG)}]
    assert f'src="sha256:{DIGEST}"' in item["html"]
    assert await status(device, "0" * 64) == 404
    server.clock.pass_(100)  # its deadline passes
    assert await status(device) == 404


async def test_a_session_of_another_exam_does_not_see_it(server: Server, device: Device) -> None:
    await config.publish(server.store, SHORT_EXAM)  # as it was, without the image
    invited = await server.invite()
    async with Device(device.http, name="d_other") as other:
        await other.join(invited["join_token"])
        await other.connect()
        await other.check_in()
        await other.open("part-a")
        await other.call("POST", "/api/v1/session/sections/part-a/close")
        await other.open("part-b")
        assert await status(other) == 404
