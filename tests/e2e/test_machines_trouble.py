"""Trouble with what looks at pictures, in a whole server: nothing is lost, and the exam goes on.

Its workers, its document reader and its store are the real ones.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
import pytest

from proctor.adapters import models
from proctor.adapters.documents import Reader
from proctor.adapters.vision import Workers
from proctor.demo import clips
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, analysed, check_in_read, unheard, until
from tests.device import Device
from tests.pictures import jpeg, need, need_ocr, png, webcam
from tests.poison import animated_png, bomb_jpeg, bomb_png, cmyk_jpeg

pytestmark = pytest.mark.slow

NO_IMAGE = b"Dear proctor, my camera is broken."
GONE = "it died with the picture, twice"


def children() -> list[psutil.Process]:
    """Return the processes that look at pictures, and read documents."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


@asynccontextmanager
async def sitting(
    server: Server, *, face: bytes | None = None, document: bytes | None = None
) -> AsyncIterator[Device]:
    """Let a learner check in and begin."""
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        with unheard():
            await device.connect()
        server.clock.pass_(5)
        face = face or jpeg(webcam())
        document = document or jpeg(webcam())
        lines = [
            device.hello(),
            device.add(Kind.SNAPSHOT, blob=face, purpose="face"),
            device.add(Kind.SNAPSHOT, blob=document, purpose="document"),
        ]
        await device.send(lines, [face, document])
        await device.call("POST", "/api/v1/session/check-in")
        await device.open("part-a")
        yield device


async def snapshot(server: Server, device: Device, picture: bytes) -> None:
    """Send one, and have it receipted."""
    server.clock.pass_(1)
    line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
    answer = await device.send([line], [picture])
    assert answer["type"] == "receipt", answer


async def seen(server: Server, device: Device) -> list[dict[str, Any]]:
    """Return what a proctor is shown of the periodic snapshots, once all were looked at."""
    proctor = await server.as_staff(StaffRole.PROCTOR)
    timeline = await analysed(proctor, f"/api/v1/sessions/{device.joined['session']}")
    assert all(each["blob"] == "held" for each in timeline["snapshots"])
    return [each["observation"] for each in timeline["snapshots"] if each["purpose"] == "periodic"]


async def hand_in(device: Device) -> None:
    """The exam goes on to its end."""
    await device.answer("part-a", "two-dice", "c")
    await device.call("POST", "/api/v1/session/sections/part-a/close")
    for section in ("part-b", "part-c"):
        await device.open(section)
        await device.call("POST", f"/api/v1/session/sections/{section}/close")
    assert (await device.submit())["state"] == "submitted"


async def told(server: Server) -> list[str]:
    """Return what a proctor is told that the machine lacks."""
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get("/api/v1/reviews") as response:
        lacking: list[str] = (await response.json())["pictures"]["unavailable"]
    return lacking


@pytest.fixture
async def looking(open_server: OpenServer) -> Server:
    """A server whose pictures are looked at by a worker."""
    need("yunet", "sface")
    return await open_server(vision=Workers(1))


async def test_a_worker_that_is_killed_again_and_again_loses_no_picture(looking: Server) -> None:
    killed = set()

    async def kill() -> None:
        while True:
            for child in children():
                killed.add(child.pid)
                child.kill()
            await asyncio.sleep(0.9)  # it starts, and looks at some

    async with sitting(looking) as device:
        killing = asyncio.ensure_future(kill())
        for number in range(40):
            await snapshot(looking, device, jpeg(webcam()) + b"%d" % number)
            await asyncio.sleep(0.05)
        killing.cancel()
        observed = await seen(looking, device)
        await hand_in(device)
    assert len(killed) > 1
    assert len(observed) == 40
    for each in observed:
        assert each is not None
        assert len(each["faces"] or ()) == 1 or GONE in each["unavailable"][0]
    assert sum(each["faces"] is not None for each in observed) > 20


async def test_poisoned_snapshots_are_receipted_marked_and_hold_nothing_up(
    looking: Server,
) -> None:
    whole = jpeg(webcam())
    poisons = {
        "60000 x 60000": bomb_png(),
        "65000 x 65000": bomb_jpeg(),
        "ends early": whole[: len(whole) // 2],
        "1 x 1": jpeg(np.zeros((1, 1, 3))),
        "not an image": NO_IMAGE,
        "too few": png(np.zeros((16, 640, 3))),
    }
    async with sitting(looking) as device:
        for number, poison in enumerate([*poisons.values(), animated_png(), cmyk_jpeg()]):
            await snapshot(looking, device, poison)
            await snapshot(looking, device, whole + b"%d" % number)
        observed = await seen(looking, device)
        await hand_in(device)
    poisoned, well = observed[0::2], observed[1::2]
    for cause, each in zip(poisons, poisoned, strict=False):
        assert cause in each["unavailable"][0]
        assert (each["faces"], each["dark"], each["covered"]) == (None, None, None)
    animated, cmyk = poisoned[len(poisons) :]
    assert len(animated["faces"]) == 1  # its first picture
    assert cmyk["unavailable"] or cmyk["faces"] is not None
    assert [len(each["faces"]) for each in well] == [1] * len(well)
    assert await told(looking) == []  # each says so of itself; the machine lacks nothing


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        pytest.param(lambda file: file.unlink(), "is not there", id="missing"),
        pytest.param(
            lambda file: file.write_bytes(bytes(file.stat().st_size)),
            "its SHA-256 differs",
            id="altered",
        ),
    ],
)
async def test_a_model_that_goes_while_the_server_runs_is_said_and_comes_back(
    open_server: OpenServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Any,
    cause: str,
) -> None:
    need("yunet", "sface")
    here = tmp_path / "models"
    here.mkdir()
    for name in ("yunet", "sface"):
        shutil.copy(models.path(name), here)
    kept, file = models.path("yunet"), here / models.path("yunet").name
    picture = jpeg(webcam())
    monkeypatch.setenv("PROCTOR_MODELS", str(here))  # the worker takes it over
    server = await open_server(vision=Workers(1))
    async with sitting(server) as device:
        await snapshot(server, device, picture + b"0")
        (before,) = await seen(server, device)
        assert await told(server) == []
        spoil(file)
        for number in range(3):
            await snapshot(server, device, picture + b"1%d" % number)
        without = (await seen(server, device))[1:]
        (said,) = await told(server)
        shutil.copy(kept, file)
        for number in range(3):
            await snapshot(server, device, picture + b"2%d" % number)
        after = (await seen(server, device))[4:]
        nothing = await told(server)
        await hand_in(device)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    path = f"/api/v1/sessions/{device.joined['session']}"
    timeline = await analysed(proctor, path)
    assert len(before["faces"]) == 1
    assert cause in said
    assert said.startswith("faces: the model yunet ")
    for each in without:
        assert each["faces"] is None
        assert each["dark"] is False  # what needs no model is measured
        assert said in each["unavailable"]
    assert [len(each["faces"]) for each in after] == [1] * 3
    assert nothing == []
    # And the one who reviews the session later is told of how many.
    (lacked,) = timeline["unavailable"]
    assert (lacked["why"], lacked["snapshots"]) == (said, 3)
    # No rule took "not known" for "nobody there".
    assert [flag for flag in timeline["flags"] if flag["rule"] in ("no-face", "person-count")] == []


# --- documents -----------------------------------------------------------------------------------


async def read_at_desk(server: Server, device: Device) -> dict[str, Any]:
    """Return what the desk shows of a check-in, once machines are done with it."""
    session = device.joined["session"]
    await check_in_read(server, session)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(f"/api/v1/sessions/{session}/id-check") as response:
        assert response.status == 200, await response.text()
        desk: dict[str, Any] = await response.json()
    return desk


@pytest.fixture
async def reading(open_server: OpenServer) -> Server:
    """A server that reads documents."""
    need_ocr()
    need("yunet", "sface")
    return await open_server(vision=Workers(1), reader=Reader())


async def test_a_document_is_read_though_the_reader_and_the_worker_are_killed(
    reading: Server, tmp_path: Path
) -> None:
    need("astronaut")
    card = tmp_path / "card.jpg"
    clips.id_document(card)
    async with sitting(reading, document=card.read_bytes()) as device:
        await until(_some_child)
        for child in children():
            child.kill()
        await snapshot(reading, device, jpeg(webcam()))
        desk = await read_at_desk(reading, device)
        (observed,) = await seen(reading, device)
        await hand_in(device)
    assert desk["reading"]["state"] == "read"
    assert desk["reading"]["lines"]
    (face,) = (each for each in desk["checks"] if each["check"] == "face")
    assert face["value"] is not None
    assert len(observed["faces"]) == 1


async def test_poisoned_documents_are_marked_and_people_decide(reading: Server) -> None:
    whole = jpeg(webcam())
    poisons = {
        "60000 x 60000": bomb_png(),
        "ends early": whole[: len(whole) // 2],
        "1 x 1": jpeg(np.zeros((1, 1, 3))),
        "not an image": NO_IMAGE,
    }
    moving = [animated_png(), cmyk_jpeg()]
    for cause, poison in [*poisons.items(), *(("", each) for each in moving)]:
        async with sitting(reading, document=poison) as device:
            desk = await read_at_desk(reading, device)
            await hand_in(device)
        document = desk["reading"]
        if cause:
            assert document["state"] == "unavailable", cause
            assert cause in " ".join(document["unavailable"])
            results = {each["check"]: each["result"] for each in desk["checks"]}
            assert "agrees" not in (results["digits"], results["face"])
        else:  # the first of several pictures, or four colours, if they can be read
            assert document["state"] == "read" or document["unavailable"]
        assert desk["state"] == "captured"  # accepted by nobody, refused by nobody


async def test_without_the_ocr_a_check_in_waits_for_a_person_and_says_why(
    open_server: OpenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("yunet", "sface")
    # A distribution of that name that came without its files; the reader's process finds it first.
    described = tmp_path / "packages" / "rapidocr_onnxruntime-0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Name: rapidocr-onnxruntime\nVersion: 0\n", "ascii")
    monkeypatch.syspath_prepend(described.parent)
    server = await open_server(vision=Workers(1), reader=Reader())
    async with sitting(server) as device:
        desk = await read_at_desk(server, device)
        await hand_in(device)
    assert desk["state"] == "captured"
    assert desk["reading"]["state"] == "unavailable"
    (why,) = desk["reading"]["unavailable"]
    assert why == "the model ch_PP-OCRv4_det_infer.onnx is missing"
    results = {each["check"]: each["result"] for each in desk["checks"]}
    assert results["digits"] == "unavailable"


async def _some_child() -> bool:
    return bool(children())
