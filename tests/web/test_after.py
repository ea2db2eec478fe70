"""What a learner reads after the exam, keeps, and answers."""

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.evidence.note import VerifierKey
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from proctor.web.after import MAX_CONTEST_BODY_BYTES
from tests.conftest import OpenServer, Server, until
from tests.device import JPEG, Device, Refused
from tests.web.sat import Sat, code_of, sat

DAY_S = 24 * 3600
TEAM = StaffRole.COURSE_TEAM


@pytest.fixture
async def here(server: Server) -> AsyncIterator[Sat]:
    async with sat(server) as found:
        yield found


async def mine(here: Sat, path: str, method: str = "GET", **more: Any) -> Any:
    return await here.device.call(method, f"/api/v1/session{path}", **more)


async def raw(here: Sat, path: str) -> tuple[int, bytes, str]:
    headers = {"Authorization": f"Bearer {here.device.joined['device_token']}"}
    async with here.device.http.get(f"/api/v1/session{path}", headers=headers) as response:
        return response.status, await response.read(), response.headers.get("Cache-Control", "")


def file(name: str, data: bytes, kind: str = "application/pdf") -> dict[str, str]:
    return {"name": name, "type": kind, "data_base64": b64encode(data).decode()}


async def contest(here: Sat, body: Any) -> tuple[int, Any]:
    """Answer, with a body as large as it is: status and what came back."""
    headers = {
        "Authorization": f"Bearer {here.device.joined['device_token']}",
        "Content-Type": "application/json",
    }
    sent = BytesIO(json.dumps(body).encode())
    async with here.device.http.post(
        "/api/v1/session/contest", data=sent, headers=headers
    ) as response:
        return response.status, await response.json(content_type=None)


async def refused(here: Sat, body: Any) -> str:
    status, problem = await contest(here, body)
    assert status in {403, 409, 422}, problem
    return code_of(problem)


async def test_while_the_exam_goes_on_nothing_of_it_is_shown(server: Server) -> None:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        for path in ("timeline", f"blobs/{'0' * 64}", "bundle"):
            with pytest.raises(Refused) as no:
                await device.call("GET", f"/api/v1/session/{path}")
            assert (no.value.status, no.value.code) == (409, "not-over-yet")


async def test_the_learner_reads_the_same_and_flags_once_it_is_decided(here: Sat) -> None:
    note = {"act": "irregularity", "of": "room", "code": "environment/noise", "note": "a drill"}
    await here.ask("cy", "POST", "{session}/acts", json=note)
    await here.ask("cy", "POST", "{session}/comments", json={"at_ms": 1, "text": "a phone?"})
    staff = await here.ask("cy", "GET", "{session}/timeline")
    shown = await mine(here, "/timeline")
    assert (shown["review"], shown["outcome"], shown["flags"]) == ("awaiting", None, None)
    assert [each["sha256"] for each in shown["snapshots"]] == [
        each["sha256"] for each in staff["snapshots"]
    ]
    assert {each["observation"] for each in shown["snapshots"]} == {None}
    assert (shown["gaps"], shown["answers"]) == (staff["gaps"], staff["answers"])
    assert [each["saved"] for each in shown["answers"]] == [1]
    assert shown["answers"][0]["at_ms"] == [shown["answers"][0]["last_at_ms"]]

    await here.judge("ann", "breach")
    assert (await mine(here, "/timeline")) == shown
    await here.judge("bo", "breach")
    shown = await mine(here, "/timeline")
    assert (shown["review"], shown["outcome"], shown["reasons"]) == (
        "decided",
        "breach",
        "bo looked",
    )
    (flag,) = shown["flags"]
    assert (flag["flag"], flag["outcome"], flag["reason"]) == (
        here.flag,
        "upheld",
        "bo heard a voice",
    )
    # Nobody will look any more: what was made of it stands beside it.
    looks = " A person will look at it before anything is concluded."
    assert flag["explanation"] + looks == staff["flags"][0]["explanation"]
    (told,) = (await mine(here, "/outcome"))["flags"]
    assert told["words"] == flag["explanation"]
    staff = await here.ask("cy", "GET", "{session}/timeline")
    assert staff["flags"][0]["explanation"] == flag["explanation"]
    assert shown["snapshots"] == (await here.ask("cy", "GET", "{session}/timeline"))["snapshots"]
    assert "phone?" not in json.dumps(shown)


async def test_the_learner_keeps_pictures_and_the_whole_bundle(here: Sat) -> None:
    shown = await mine(here, "/timeline")
    digest = shown["snapshots"][-1]["sha256"]
    status, picture, cached = await raw(here, f"/blobs/{digest}")
    assert (status, sha256(picture).hexdigest(), cached) == (200, digest, "no-store")
    assert picture.startswith(JPEG)
    assert (await raw(here, f"/blobs/{'0' * 64}"))[0] == 404
    # Its log tells of flags that people have not judged yet.
    assert code_of(json.loads((await raw(here, "/bundle"))[1])) == "under-review"
    await here.judge("ann", "void")
    status, bundle, cached = await raw(here, "/bundle")
    assert (status, cached) == (200, "no-store")
    report = verify(bundle, server_key=VerifierKey.parse(here.device.joined["server_keys"][0]))
    assert report.holds, report.steps


async def test_a_contest_brings_another_person_and_ends_it(here: Sat, tmp_path: Path) -> None:
    letter, picture = b"%PDF a letter", JPEG + b"my mirror"
    answer = {
        "text": "That was my own reflection.",
        "flags": [{"flag": here.flag, "text": "The wardrobe has a mirror."}],
        "attachments": [file("letter.pdf", letter), file("mirror ü.jpg", picture, "image/jpeg")],
    }
    assert await refused(here, answer) == "illegal-move"
    await here.judge("ann", "breach")
    assert await refused(here, answer) == "illegal-move"
    await here.judge("bo", "breach")
    told = await mine(here, "/outcome")
    now_ms = int(here.server.clock.now().timestamp() * 1000)
    assert (told["contested"], told["contest_until_ms"]) == (False, now_ms + 14 * DAY_S * 1000)

    told = await mine(here, "/contest", "POST", json=answer)
    assert (told["review"], told["outcome"], told["contested"]) == ("contested", "breach", True)
    assert told["contest_until_ms"] is None
    assert await refused(here, answer) == "illegal-move"
    no = await here.ask("team", "POST", "{session}/result/release", 409, role=TEAM)
    assert (code_of(no), no["review"]) == ("not-decided-yet", "contested")

    (row,) = (await here.ask("cy", "GET", "/api/v1/reviews"))["reviews"]
    assert (row["contested"], row["state"], row["may_decide"]) == (True, "contested", True)
    (row,) = (await here.ask("ann", "GET", "/api/v1/reviews"))["reviews"]
    assert not row["may_decide"]
    shown = (await here.ask("cy", "GET", "{session}/timeline"))["contest"]
    assert (shown["text"], shown["flags"]) == (answer["text"], answer["flags"])
    assert [(each["name"], each["size"]) for each in shown["attachments"]] == [
        ("letter.pdf", len(letter)),
        ("mirror ü.jpg", len(picture)),
    ]
    assert (await mine(here, "/timeline"))["contest"] == shown

    # The files are evidence: encrypted as pictures are, named in the log, in the bundle.
    assert (await raw(here, f"/blobs/{sha256(letter).hexdigest()}"))[1] == letter
    _, bundle, _ = await raw(here, "/bundle")
    assert letter in bundle
    report = verify(bundle, server_key=VerifierKey.parse(here.device.joined["server_keys"][0]))
    assert report.holds, report.steps
    files = [each for each in (tmp_path / "data" / "segments").rglob("*") if each.is_file()]
    assert files
    assert not any(b"a letter" in each.read_bytes() for each in files)

    assert code_of(await here.judge("bo", "clear", 403)) == "another-person-needed"
    await here.judge("cy", "clear")
    told = await mine(here, "/outcome")
    assert (told["review"], told["outcome"], told["reasons"]) == ("final", "clear", "cy looked")
    await here.ask("team", "POST", "{session}/result/release", role=TEAM)


async def test_a_contest_is_over_after_the_days_of_the_policy(here: Sat) -> None:
    await here.judge("ann", "void")
    here.server.clock.pass_(14 * DAY_S)
    assert (await mine(here, "/outcome"))["contest_until_ms"] is None
    assert await refused(here, {"text": "too late"}) == "contest-over"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "contest-empty", id="nothing"),
        pytest.param({"text": " "}, "contest-empty", id="blank"),
        pytest.param({"flags": [{"flag": "x", "text": "x"}]}, "contest-of-unknown-flag", id="flag"),
        pytest.param({"text": "x" * 4001}, "invalid-input", id="too long"),
        pytest.param(
            {"text": "x", "flags": [{"flag": f"f{n}", "text": "x" * 4000} for n in range(10)]},
            "contest-too-large",
            id="too long in all",
        ),
        pytest.param(
            {"text": "x", "attachments": [file("a", b"x")] * 6}, "invalid-input", id="six files"
        ),
        pytest.param(
            {"text": "x", "attachments": [file("a", b"x" * (2 * 1024 * 1024 + 1))]},
            "contest-too-large",
            id="a file too large",
        ),
        pytest.param(
            {"text": "x", "attachments": [file("../a", b"x")]}, "invalid-input", id="a path"
        ),
        pytest.param(
            {"text": "x", "attachments": [file("a", b"x", "text")]}, "invalid-input", id="no type"
        ),
        pytest.param(
            {"text": "x", "attachments": [file("a", b"x") | {"data_base64": "%%%%"}]},
            "invalid-input",
            id="no base64",
        ),
        pytest.param(
            {"text": "x", "attachments": [file("a", b"")]}, "invalid-input", id="an empty file"
        ),
    ],
)
async def test_a_contest_out_of_bounds_is_refused(here: Sat, body: Any, code: str) -> None:
    await here.judge("ann", "void")
    held = await here.server.store.held(here.session)

    assert await refused(here, body) == code
    assert await here.server.store.held(here.session) == held
    assert not (await mine(here, "/outcome"))["contested"]


async def test_five_files_of_the_greatest_size_are_taken_and_no_larger_body(here: Sat) -> None:
    await here.judge("ann", "void")
    files = [file(f"{n}.bin", bytes([n]) * 2 * 1024 * 1024, "application/x") for n in range(5)]
    huge = {"text": "x", "junk": "x" * (5 * 1024 * 1024), "attachments": files}
    status, _ = await contest(here, huge)
    assert status == 413
    status, told = await contest(here, {"text": "x", "attachments": files})
    assert (status, told["contested"]) == (200, True)


@asynccontextmanager
async def begun_contest(here: Sat) -> AsyncIterator[asyncio.StreamReader]:
    """Begin to send an answer of the greatest size, and never end it."""
    host, port = here.server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /api/v1/session/contest HTTP/1.1\r\nHost: here\r\n"
        f"Authorization: Bearer {here.device.joined['device_token']}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {MAX_CONTEST_BODY_BYTES}\r\n\r\n"
    )
    writer.write(head.encode() + b"{")
    try:
        await writer.drain()
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def contest_being_read(
    here: Sat, is_busy: Callable[[], Awaitable[bool]]
) -> AsyncIterator[asyncio.StreamReader]:
    """Begin an answer, again where `is_busy` was read before it: that asks with one of its own."""
    async with AsyncExitStack() as begun, asyncio.timeout(60) as limit:
        reading = await begun.enter_async_context(begun_contest(here))
        while not await is_busy():
            try:
                async with asyncio.timeout(0.02):
                    answered = await reading.readexactly(12)
            except TimeoutError:
                continue
            assert answered == b"HTTP/1.1 429"
            reading = await begun.enter_async_context(begun_contest(here))
        limit.reschedule(None)
        yield reading


async def status_of(reading: asyncio.StreamReader) -> int:
    async with asyncio.timeout(60):
        return int((await reading.readline()).split()[1])


async def test_an_answer_that_can_t_be_taken_is_refused_before_it_is_read(here: Sat) -> None:
    async with begun_contest(here) as reading:
        assert await status_of(reading) == 409  # nothing is decided
    await here.judge("ann", "void")
    here.server.clock.pass_(14 * DAY_S)
    async with begun_contest(here) as reading:
        assert await status_of(reading) == 403


async def test_while_one_large_answer_is_read_its_session_has_no_other(here: Sat) -> None:
    await here.judge("ann", "void")
    added = file("a.bin", b"x" * 512 * 1024, "application/x")

    async def busy() -> bool:
        headers = {"Authorization": f"Bearer {here.device.joined['device_token']}"}
        body = {"text": "x", "attachments": [added], "junk": "x"}  # refused, were it read
        async with here.device.http.post(
            "/api/v1/session/contest", json=body, headers=headers
        ) as response:
            found = await response.json(content_type=None)
            if response.status != 429:
                assert response.status == 422, found
                return False
            assert (code_of(found), response.headers["Retry-After"]) == ("contests-busy", "30")
            return True

    async with contest_being_read(here, busy) as reading:
        # Words alone are small: they wait for nobody.
        status, told = await contest(here, {"text": "It was my mirror."})
        assert (status, told["contested"], reading.at_eof()) == (200, True, False)


async def test_what_is_compressed_waits_for_its_turn_however_little_is_sent(here: Sat) -> None:
    await here.judge("ann", "void")
    body = {"text": "x", "junk": "x" * 512 * 1024}  # refused, were it read
    packed = gzip.compress(json.dumps(body).encode())
    assert len(packed) < 4096

    async def answer() -> str:
        headers = {
            "Authorization": f"Bearer {here.device.joined['device_token']}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        async with here.device.http.post(
            "/api/v1/session/contest", data=packed, headers=headers
        ) as response:
            return code_of(await response.json(content_type=None))

    assert await answer() == "invalid-input"

    async def busy() -> bool:
        return await answer() == "contests-busy"

    async with contest_being_read(here, busy) as reading:
        assert not reading.at_eof()


async def test_an_answer_that_comes_too_slowly_is_called_off(
    here: Sat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.web.inputs._SLOW_FOR_S", 0.5)
    await here.judge("ann", "void")
    async with begun_contest(here) as reading:
        assert await status_of(reading) == 408
    monkeypatch.setattr("proctor.web.inputs._SLOW_FOR_S", 20)
    files = [file("a.bin", b"x" * 1024 * 1024, "application/x")]
    assert (await contest(here, {"text": "x", "attachments": files}))[0] == 200


async def test_an_answer_that_does_not_arrive_in_time_is_called_off(
    here: Sat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.web.inputs.LARGE_BODY_S", 0.05)
    await here.judge("ann", "void")
    async with begun_contest(here) as reading:
        assert await status_of(reading) == 408
    assert not (await mine(here, "/outcome"))["contested"]


async def test_what_a_learner_added_is_erased_with_the_pictures(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.web.app.RETAIN_EVERY_S", 0.02)
    letter = b"%PDF a letter"
    digest = sha256(letter).hexdigest()
    async with sat(await open_server()) as here:
        await here.judge("ann", "void")
        added = {"text": "x", "attachments": [file("a", letter)]}
        await mine(here, "/contest", "POST", json=added)
        here.server.clock.pass_(400 * DAY_S)
        assert digest in await here.server.store.held(here.session)  # while it is open
        await here.judge("bo", "void")
        here.server.clock.pass_(400 * DAY_S)

        async def erased() -> bool:
            return not await here.server.store.held(here.session)

        await until(erased)
        _, bundle, _ = await raw(here, "/bundle")
        key = VerifierKey.parse(here.device.joined["server_keys"][0])
        report = verify(bundle, server_key=key)
        assert report.holds, report.steps
        shown = (await here.ask("di", "GET", "{session}/timeline"))["contest"]
        assert [each["name"] for each in shown["attachments"]] == ["a"]
