import asyncio
import importlib
import json
import logging
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from http import HTTPStatus

import pytest
from aiohttp import ClientPayloadError, WSMsgType, web

import proctor.domain
import proctor.evidence
import proctor.services
import proctor.web
from proctor.domain.errors import Refusal
from proctor.domain.exam import UnknownSection
from proctor.evidence.errors import BadSignature, EvidenceError
from proctor.services.logins import TooManyLogins
from proctor.web.api import Api, Role
from proctor.web.problems import CONTENT_TYPE, DEFAULT, STATUS, problem_of, status_of
from tests.web.serving import Client, app_of, serving


def kinds_of(base: type[Exception]) -> Iterator[type[Exception]]:
    for room in (proctor.domain, proctor.evidence, proctor.services, proctor.web):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    stack = [base]
    while stack:
        kind = stack.pop()
        stack += kind.__subclasses__()
        if kind is not base and kind.__module__.startswith("proctor."):
            yield kind


def test_every_refusal_has_a_status_named_or_inherited_or_409() -> None:
    kinds = list(kinds_of(Refusal))
    assert set(STATUS) <= set(kinds)
    for kind in kinds:
        status = status_of(kind)
        named = [STATUS[one] for one in kind.__mro__ if one in STATUS]
        assert status is (named[0] if named else DEFAULT)
        # A refusal is an answer to the caller: a 500 would send them looking for our fault.
        assert 400 <= status < 500 or status is HTTPStatus.INSUFFICIENT_STORAGE
    assert DEFAULT is HTTPStatus.CONFLICT


@pytest.mark.parametrize("base", [Refusal, EvidenceError])
def test_every_code_is_kebab_case_and_of_one_class(base: type[Exception]) -> None:
    kinds: dict[str, type[Exception]] = {}
    for kind in kinds_of(base):
        code = str(vars(kind).get("code", ""))
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code), kind
        assert code not in kinds, (kind, kinds.get(code))
        kinds[code] = kind


def test_a_refusal_has_the_status_of_its_nearest_ancestor() -> None:
    class OfAnotherExam(UnknownSection):
        code = "of-another-exam"

    class Unlisted(Refusal):
        code = "unlisted"

    assert status_of(OfAnotherExam) is HTTPStatus.NOT_FOUND
    assert status_of(Unlisted) is HTTPStatus.CONFLICT


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    seen: datetime


class Laden(Refusal):
    code = "laden-with-facts"

    def __init__(self) -> None:
        super().__init__("too many facts")
        at = datetime(2026, 6, 1, 10, 15, tzinfo=UTC)
        self.facts_of_json = [None, True, 1, 1.5, "text"]
        self.at = at
        self.day = date(2026, 6, 1)
        self.wait = timedelta(seconds=90)
        self.colour = Colour.RED
        self.digest = b"\x01\xff"
        self.some = frozenset({"b", "a"})
        self.by_name = {Colour.RED: (at,)}
        self.point = Point(1, at)
        self.infinite = float("inf")
        self.factor = Decimal("1.25")
        self.status = "a fact of the name of a member"
        self._hidden = "no fact"


def test_facts_are_what_json_has() -> None:
    problem = problem_of(Laden())
    assert json.loads(json.dumps(problem, allow_nan=False)) == {
        "type": "urn:proctor:problem:laden-with-facts",
        "title": "Laden with facts",
        "status": 409,
        "detail": "too many facts",
        "facts_of_json": [None, True, 1, 1.5, "text"],
        "at": "2026-06-01T10:15:00+00:00",
        "day": "2026-06-01",
        "wait": 90.0,
        "colour": "red",
        "digest": "01ff",
        "some": ["a", "b"],
        "by_name": {"red": ["2026-06-01T10:15:00+00:00"]},
        "point": {"x": 1, "seen": "2026-06-01T10:15:00+00:00"},
        "infinite": None,
        "factor": "1.25",
        "status_": "a fact of the name of a member",
    }


def test_of_bad_evidence_the_log_learns_why_and_the_sender_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem = problem_of(BadSignature("line 3 of d_1 differs at byte 7"))
    assert problem == {
        "type": "urn:proctor:problem:bad-signature",
        "title": "Bad signature",
        "status": 422,
        "detail": "the bytes can't be believed",
    }
    (record,) = caplog.records
    assert record.__dict__["why"] == "line 3 of d_1 differs at byte 7"


RAISED: dict[str, Exception] = {
    "refusal": Laden(),
    "evidence": BadSignature("of line 3"),
    "unexpected": RuntimeError("the password is swordfish"),
    "value": ValueError("the password is swordfish"),
    "teapot": web.HTTPException(),
    "redirection": web.HTTPSeeOther("/elsewhere"),
    "later": TooManyLogins(retry_at=datetime(2026, 6, 1, 10, 15, tzinfo=UTC)),
    "unavailable": web.HTTPServiceUnavailable(text="the password is swordfish"),
    "conflict": web.HTTPConflict(),
}


def api_that_raises() -> Api:
    api = Api("Test", "1")

    @api.route("GET", "/api/v1/raise/{what}", role=Role.ANYONE)
    async def raise_it(_request: web.Request, what: str) -> None:
        raise RAISED[what]

    @api.route("POST", "/api/v1/echo", role=Role.ANYONE, raw=True)
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    @api.route("GET", "/api/v1/broken-stream", role=Role.ANYONE, raw=True)
    async def broken_stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"the first half")
        raise RuntimeError("the disk is gone")

    @api.route("GET", "/api/v1/broken-socket", role=Role.ANYONE, raw=True, status=101)
    async def broken_socket(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        raise RuntimeError("the disk is gone")

    return api


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(app_of(api_that_raises())) as client:
        yield client


async def test_a_refusal_is_told_with_its_facts(client: Client) -> None:
    async with client.get("/api/v1/raise/refusal") as answer:
        assert answer.status == 409
        assert answer.content_type == CONTENT_TYPE
        assert await answer.json(content_type=CONTENT_TYPE) == problem_of(Laden())


async def test_bad_evidence_is_unprocessable(client: Client) -> None:
    async with client.get("/api/v1/raise/evidence") as answer:
        assert answer.status == 422
        told = await answer.json(content_type=CONTENT_TYPE)
        assert told["type"] == "urn:proctor:problem:bad-signature"
        assert "line 3" not in str(told)


@pytest.mark.parametrize("what", ["unexpected", "value"])
async def test_an_unexpected_error_is_logged_once_and_told_by_its_number_only(
    client: Client, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.get(f"/api/v1/raise/{what}") as answer:
        assert answer.status == 500
        told = await answer.json(content_type=CONTENT_TYPE)
    assert told.keys() == {"type", "title", "status", "detail", "incident"}
    assert told["type"] == "urn:proctor:problem:internal-error"
    assert "swordfish" not in str(told)
    (record,) = (one for one in caplog.records if one.levelno >= logging.WARNING)
    assert record.__dict__["incident"] == told["incident"]
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nowhere", 404, "not-found", id="no such address"),
        pytest.param("GET", "/api/v1/raise/", 404, "not-found", id="no such address of the api"),
        pytest.param("POST", "/api/v1/raise/x", 405, "method-not-allowed", id="no such method"),
        pytest.param("PROPFIND", "/api/v1/raise/x", 405, "method-not-allowed", id="WebDAV's"),
        pytest.param("GET", "/api/v1/raise/unavailable", 503, "unavailable", id="not now"),
        pytest.param("GET", "/api/v1/raise/conflict", 409, "http-409", id="a status without words"),
    ],
)
async def test_aiohttp_s_own_errors_are_problems_too(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    async with client.request(method, path) as answer:
        assert (answer.status, answer.content_type) == (status, CONTENT_TYPE)
        told = await answer.json(content_type=CONTENT_TYPE)
        assert (told["status"], told["type"]) == (status, f"urn:proctor:problem:{code}")
        assert "swordfish" not in str(told)


async def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    async with client.delete("/api/v1/echo") as answer:
        assert answer.headers["Allow"] == "POST"


async def test_a_redirection_is_no_problem(client: Client) -> None:
    async with client.get("/api/v1/raise/redirection", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/elsewhere")


async def test_a_wait_is_told_in_the_header_of_http(client: Client) -> None:
    async with client.get("/api/v1/raise/later") as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "Mon, 01 Jun 2026 10:15:00 GMT"
        told = await answer.json(content_type=CONTENT_TYPE)
        assert told["retry_at"] == "2026-06-01T10:15:00+00:00"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_too_large_is_refused_before_it_is_held(client: Client, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1025):
            yield b"x"

    sent = chunks() if chunked else b"x" * 1025
    async with client.post("/api/v1/echo", data=sent) as answer:
        assert (answer.status, answer.content_type) == (413, CONTENT_TYPE)
    async with client.post("/api/v1/echo", data=b"x" * 1024) as answer:
        assert len(await answer.read()) == 1024


async def test_a_stream_that_breaks_does_not_look_whole(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.get("/api/v1/broken-stream") as answer:
        assert answer.status == 200
        with pytest.raises(ClientPayloadError):
            await answer.read()
    (record,) = (one for one in caplog.records if one.levelno >= logging.WARNING)
    assert record.message == "unexpected error"


async def test_a_websocket_that_breaks_closes_with_a_code(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.ws_connect("/api/v1/broken-socket") as socket:
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1011
    (record,) = (one for one in caplog.records if one.levelno >= logging.WARNING)
    assert record.message == "unexpected error"


async def test_a_client_that_went_away_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = asyncio.Event()
    noticed = asyncio.Event()
    api = Api("Test", "1")

    @api.route("GET", "/slow", role=Role.ANYONE, raw=True)
    async def slow(request: web.Request) -> web.StreamResponse:
        await gone.wait()
        # aiohttp tells nobody that it noticed.
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0)
        noticed.set()
        raise ConnectionResetError

    async with serving(app_of(api)) as client:
        assert client.port is not None
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        gone.set()
        await noticed.wait()
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_every_answer_says_what_a_browser_may_do_with_it(
    client: Client,
) -> None:
    for path in ("/nowhere", "/api/v1/raise/unexpected", "/api/v1/raise/refusal"):
        async with client.get(path) as answer:
            headers = answer.headers
            assert headers["Content-Security-Policy"] == (
                "default-src 'self'; base-uri 'none'; form-action 'self'; "
                "frame-ancestors 'none'; object-src 'none'"
            )
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            may = headers["Permissions-Policy"].split(", ")
            assert {"camera=()", "fullscreen=()", "microphone=()", "geolocation=()"} <= set(may)
            assert all(one.endswith("=()") for one in may)
            assert "aiohttp" not in headers["Server"]
            assert headers.get("Cache-Control") == ("no-store" if "/api/" in path else None)


async def test_a_websocket_s_answer_has_the_headers_too(client: Client) -> None:
    async with client.ws_connect("/api/v1/broken-socket") as socket:
        response = socket._response
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
