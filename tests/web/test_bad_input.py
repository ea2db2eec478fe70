"""Bad input over HTTP: a clear refusal, and nothing lost."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from yarl import URL

from proctor.adapters.vision import Workers
from proctor.domain.exam import TooManySections
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, until
from tests.device import JPEG, Device

JSON = {"Content-Type": "application/json"}
JOIN = "/api/v1/join"


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as http:
        yield http


def _body(**changes: object) -> bytes:
    body = {"token": "t", "key": "k", "proof": "p", "kind": "desktop"} | changes
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"{", 422, id="half an object"),
        pytest.param(b'{"token":"\xff\xfe"}', 422, id="invalid UTF-8"),
        pytest.param(b"\xff" * 100, 422, id="no text at all"),
        pytest.param(_body(token="\ud800"), 422, id="half a surrogate pair"),
        pytest.param(_body(token="\x00" * 10), 422, id="zero bytes"),
        pytest.param(_body(token="t" * 513), 422, id="a token too long"),
        pytest.param(_body(kind="toaster"), 422, id="a kind that is none"),
        pytest.param(_body(extra=1), 422, id="a key that is not known"),
        pytest.param(_body(token=10**400), 422, id="a number without end"),
        pytest.param(b"[" * 100_000, 422, id="a deep body"),
        pytest.param(b'{"a":' * 40_000, 422, id="a deeper body"),
        pytest.param(b'{"token":NaN}', 422, id="no number"),
        pytest.param(b"1" * 200_000, 422, id="a long number"),
        pytest.param(b"x" * 300_000, 413, id="a body too large"),
    ],
)
async def test_a_body_that_is_no_request_is_refused(
    http: aiohttp.ClientSession, data: bytes, status: int
) -> None:
    async with http.post(JOIN, data=data, headers=JSON) as response:
        problem = await response.json(content_type="application/problem+json")
        assert response.status == status, problem
        assert problem["status"] == status


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        pytest.param({"Content-Type": "text/plain"}, b"{}", 415, id="another type"),
        pytest.param(JSON | {"Content-Encoding": "deflate"}, b"no zlib", 400, id="no zlib"),
        pytest.param(
            JSON | {"Content-Encoding": "deflate"},
            zlib.compress(b" " * 10_000_000),
            413,
            id="a decompression bomb",
        ),
    ],
)
async def test_a_body_that_is_not_what_its_headers_say_is_refused(
    http: aiohttp.ClientSession, headers: dict[str, str], data: bytes, status: int
) -> None:
    async with http.post(JOIN, data=data, headers=headers) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/sessions/" + "a" * 65,
        "/api/v1/sessions/..%2f..%2fetc",
        "/api/v1/sessions/%00",
        "/api/v1/sessions/%ff%fe",
        "/api/v1/looks/none/s_1/" + "G" * 64,
        "/api/v1/reviews?exam=%27%20OR%201%3D1",
        "/api/v1/reviews?exams=short",
        "/api/v1/reviews?exam=a&exam=b",
    ],
)
async def test_an_address_that_is_none_is_refused(server: Server, path: str) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(URL(server.url + path, encoded=True)) as response:
        assert response.status in {404, 422}, await response.text()
        assert response.content_type == "application/problem+json"


async def test_a_static_file_outside_of_the_pages_is_not_found(
    server: Server, http: aiohttp.ClientSession
) -> None:
    for path in ("/static/..%2fapp.py", "/static/../app.py", "/static/%00", "/static/" + "a" * 300):
        async with http.get(URL(server.url + path, encoded=True)) as response:
            assert response.status == 404
            assert b"import" not in await response.read()


async def test_an_unfinished_request_takes_nothing_down(server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    for data in (b"\x16\x03\x01 no http", b"POST /api/v1/join HTTP/1.1\r\nHost: x\r\nContent-"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        await writer.drain()
        writer.close()
        del reader
    async with aiohttp.ClientSession(server.url) as http, http.get("/healthz") as response:
        assert response.status == 200


# --- pictures ------------------------------------------------------------------------------------


def _bomb() -> bytes:
    """A PNG of 20,000 by 20,000 grey pixels: 400 MB out of half a megabyte."""
    ok, png = cv2.imencode(".png", np.zeros((20_000, 20_000), np.uint8))
    assert ok
    return bytes(png.tobytes())


async def test_a_snapshot_that_is_a_bomb_or_no_picture_is_an_observation_that_says_so(
    open_server: OpenServer,
) -> None:
    server = await open_server(vision=Workers(1))
    invited = await server.invite()
    pictures = [_bomb(), b"no picture at all", JPEG, b""]
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        lines = [device.hello()]
        lines += [device.add(Kind.SNAPSHOT, blob=p, purpose="periodic") for p in pictures]
        answer = await device.send(lines, pictures)
        assert (answer["type"], answer["owed"]) == ("receipt", [])
        proctor = await server.as_staff(StaffRole.PROCTOR)

        async def seen() -> Any:
            address = f"/api/v1/sessions/{invited['session']}/timeline"
            async with proctor.get(address) as response:
                shown = (await response.json())["snapshots"]
            return shown if all(each["observation"] for each in shown) else None

        for each in await until(seen):
            observation = each["observation"]
            assert observation["unavailable"], each
            assert observation["faces"] is None


# --- exams ---------------------------------------------------------------------------------------


async def test_an_exam_of_ten_thousand_sections_is_published_by_nobody(server: Server) -> None:
    exam = (await server.store.latest("short")).exam
    section = exam.sections[0]
    with pytest.raises(TooManySections):
        replace(
            exam,
            sections=tuple(replace(section, id=f"s-{n}") for n in range(10_000)),
        )


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GARBAGE\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="an address"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", id="a header"
        ),
        pytest.param(
            b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -4\r\n\r\n", id="a length"
        ),
    ],
)
async def test_what_aiohttp_refuses_unread_is_a_problem_too(server: Server, sent: bytes) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.split(b"\r\n")[0]
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == "urn:proctor:problem:bad-request"
    assert b"aaaa" not in body
