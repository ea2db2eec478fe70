import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from aiohttp import WSMsgType, web
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import AnyUrl, BaseModel, Field, StringConstraints

from proctor.domain.errors import Refusal
from proctor.evidence.errors import BadSignature
from proctor.web.api import Api, BadRoute, Id, Role, Sha256, Shape, undeclared
from proctor.web.openapi import PATH, add_document_route, document
from proctor.web.problems import CONTENT_TYPE
from tests.web.serving import Client, app_of, bearer, serving, written


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Section(Shape):
    id: Id
    limit_s: Annotated[int, Field(gt=0)]


class Exam(Shape):
    title: Annotated[str, StringConstraints(max_length=80)]
    sections: tuple[Section, ...] = ()


class Stored(Shape):
    exam: str
    colour: Colour
    found: Exam | None = None


class Full(Refusal):
    code = "full"


def api_of_exams() -> Api:
    api = Api("Test", "1")
    add_document_route(api)

    @api.route(
        "GET",
        "/api/v1/exams/{exam}",
        role=[Role.PROCTOR, Role.COURSE_TEAM],
        out=Stored,
        tags=["exams"],
        errors=[Full, BadSignature, 410],
    )
    async def get_exam(
        _request: web.Request, exam: str, colour: Colour = Colour.RED, at_most: int | None = None
    ) -> Stored:
        """Read an exam.

        The second paragraph.
        """
        return Stored(exam=f"{exam} {at_most}", colour=colour)

    @api.route("PUT", "/api/v1/exams/{exam}", role=Role.COURSE_TEAM, out=Stored, status=201)
    async def put_exam(_request: web.Request, exam: Id, body: Exam) -> Stored:
        """Keep an exam."""
        return Stored(exam=exam, colour=Colour.BLUE, found=body)

    @api.route("GET", "/api/v1/exams", role=Role.PROCTOR, out=list[Stored])
    async def list_exams(_request: web.Request, colour: Colour) -> list[Stored]:
        """List exams."""
        return [Stored(exam="e", colour=colour)]

    @api.route("DELETE", "/api/v1/exams/{exam}", role=Role.ADMINISTRATOR, status=204)
    async def delete_exam(_request: web.Request, exam: Id) -> None:
        """Forget an exam."""

    @api.route(
        "GET",
        "/api/v1/blobs/{sha256}",
        role=Role.PROCTOR,
        raw=True,
        out_type="application/zip",
    )
    async def get_blob(_request: web.Request, sha256: Sha256) -> web.Response:
        """Fetch a blob."""
        return web.Response(body=sha256.encode(), content_type="application/zip")

    @api.route("GET", "/api/v1/uplink", role=Role.LEARNER, raw=True, status=101)
    async def uplink(request: web.Request) -> web.WebSocketResponse:
        """Speak WebSocket."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        await socket.close()
        return socket

    @api.route("GET", "/api/v1/wrong", role=Role.ANYONE, out=Stored)
    async def wrong(_request: web.Request) -> dict[str, Any]:
        """Answer what was not promised."""
        return {"exam": 1, "colour": "green"}

    @api.route("GET", "/api/v1/not-raw", role=Role.ANYONE, raw=True)
    async def not_raw(_request: web.Request) -> str:
        """Answer no response."""
        return "no response"

    return api


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(app_of(api_of_exams())) as client:
        yield client


TEAM = bearer("course-team")
PROCTOR = bearer("proctor")


async def test_path_and_query_come_as_the_types_declared(client: Client) -> None:
    url = "/api/v1/exams/sds-2026?colour=blue&at_most=5"
    async with client.get(url, headers=PROCTOR) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == {"exam": "sds-2026 5", "colour": "blue", "found": None}


async def test_what_has_a_default_may_be_left_out(client: Client) -> None:
    async with client.get("/api/v1/exams/e", headers=PROCTOR) as answer:
        assert await answer.json() == {"exam": "e None", "colour": "red", "found": None}


async def test_a_body_comes_as_its_model(client: Client) -> None:
    sent = {"title": "Final", "sections": [{"id": "a", "limit_s": 60}]}
    async with client.put("/api/v1/exams/e", json=sent, headers=TEAM) as answer:
        assert answer.status == 201
        assert (await answer.json())["found"] == sent


async def test_a_list_of_models_is_a_list(client: Client) -> None:
    async with client.get("/api/v1/exams?colour=red", headers=PROCTOR) as answer:
        assert await answer.json() == [{"exam": "e", "colour": "red", "found": None}]


async def test_no_content_is_none(client: Client) -> None:
    async with client.delete("/api/v1/exams/e", headers=bearer("administrator")) as answer:
        assert (answer.status, await answer.read()) == (204, b"")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        pytest.param("/api/v1/exams", ["query.colour"], id="a query parameter missing"),
        pytest.param("/api/v1/exams?colour=pink", ["query.colour"], id="not one of the words"),
        pytest.param("/api/v1/exams?colour=red&color=red", ["query.color"], id="a name mistyped"),
        pytest.param("/api/v1/exams?colour=red&colour=red", ["query.colour"], id="given twice"),
        pytest.param("/api/v1/exams/e?at_most=x", ["query.at_most"], id="no number"),
        pytest.param("/api/v1/exams/e?at_most=" + "9" * 5000, ["query.at_most"], id="too long"),
        pytest.param("/api/v1/exams/a.b", ["path.exam"], id="an id with a dot"),
        pytest.param("/api/v1/exams/a%2Fb", ["path.exam"], id="an id with a slash"),
        pytest.param("/api/v1/exams/a%0A", ["path.exam"], id="an id with a newline"),
        pytest.param("/api/v1/exams/a%00", ["path.exam"], id="an id with a zero byte"),
        pytest.param("/api/v1/exams/" + "a" * 65, ["path.exam"], id="an id too long"),
        pytest.param("/api/v1/blobs/" + "a" * 63, ["path.sha256"], id="a digest too short"),
        pytest.param("/api/v1/blobs/" + "A" * 64, ["path.sha256"], id="a digest in capitals"),
        pytest.param(
            "/api/v1/exams/a.b?at_most=x&z=1",
            ["path.exam", "query.at_most", "query.z"],
            id="all that is wrong at once",
        ),
    ],
)
async def test_what_the_address_says_wrongly_is_told_by_its_place(
    client: Client, path: str, where: list[str]
) -> None:
    async with client.get(path, headers=PROCTOR) as answer:
        assert (answer.status, answer.content_type) == (422, CONTENT_TYPE)
        told = await answer.json(content_type=CONTENT_TYPE)
        assert told["type"] == "urn:proctor:problem:invalid-input"
        assert [one["where"] for one in told["errors"]] == where
        assert all(one.keys() == {"where", "problem"} for one in told["errors"])


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        pytest.param(b"", "body", id="nothing"),
        pytest.param(b"{", "body", id="half an object"),
        pytest.param(b"\xff", "body", id="no UTF-8"),
        pytest.param(b"[" * 1000, "body", id="a thousand brackets"),
        pytest.param(b"[]", "body", id="a list"),
        pytest.param(b"{}", "body.title", id="a key missing"),
        pytest.param(b'{"title": 1}', "body.title", id="a number for a text"),
        pytest.param(b'{"title": "\\ud800"}', "body", id="half a surrogate pair"),
        pytest.param(b'{"title": "x", "more": 1}', "body.more", id="a key too many"),
        pytest.param(b'{"title": "x", "%s": 1}' % (b"k" * 99), "body.?", id="a long key too many"),
        pytest.param(
            b'{"title": "x", "sections": [{"id": "a", "limit_s": 0}]}',
            "body.sections.0.limit_s",
            id="a number out of range, deep down",
        ),
        pytest.param(
            b'{"title": "x", "sections": [{"id": "a", "limit_s": NaN}]}',
            "body.sections.0.limit_s",
            id="a number that is none",
        ),
    ],
)
async def test_what_the_body_says_wrongly_is_told_by_its_place(
    client: Client, sent: bytes, where: str
) -> None:
    headers = {**TEAM, "Content-Type": "application/json"}
    async with client.put("/api/v1/exams/e", data=sent, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (422, CONTENT_TYPE)
        told = await answer.json(content_type=CONTENT_TYPE)
        assert [one["where"] for one in told["errors"]] == [where]


async def test_of_a_thousand_errors_some_are_told(client: Client) -> None:
    sent = {"title": "x", "sections": [1] * 300}
    async with client.put("/api/v1/exams/e", json=sent, headers=TEAM) as answer:
        told = await answer.json(content_type=CONTENT_TYPE)
        assert len(told["errors"]) == 20


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(
    client: Client, content_type: str
) -> None:
    headers = {**TEAM, "Content-Type": content_type}
    async with client.put("/api/v1/exams/e", data=b'{"title": "x"}', headers=headers) as answer:
        assert (answer.status, answer.content_type) == (415, CONTENT_TYPE)


async def test_a_charset_beside_json_is_no_harm(client: Client) -> None:
    headers = {**TEAM, "Content-Type": "application/json; charset=utf-8"}
    async with client.put("/api/v1/exams/e", data=b'{"title": "x"}', headers=headers) as answer:
        assert answer.status == 201


@pytest.mark.parametrize(
    ("sent", "encoding", "status"),
    [
        pytest.param(b" " * 1025, None, 413, id="too large"),
        pytest.param(zlib.compress(b" " * 2000), "deflate", 413, id="too large once inflated"),
        pytest.param(zlib.compress(b" " * 100_000_000), "deflate", 413, id="a bomb"),
        pytest.param(b"no deflate", "deflate", 400, id="not encoded as it says"),
    ],
)
async def test_a_body_has_a_bound(
    client: Client, sent: bytes, encoding: str | None, status: int
) -> None:
    headers = {**TEAM, "Content-Type": "application/json"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    async with client.put("/api/v1/exams/e", data=sent, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (status, CONTENT_TYPE)


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(int, id="an integer"),
        pytest.param(float, id="a float"),
        pytest.param(bool, id="a boolean"),
        pytest.param(datetime, id="an instant"),
        pytest.param(UUID, id="a uuid"),
        pytest.param(AnyUrl, id="an address"),
        pytest.param(IPv4Address, id="an address of a machine"),
        pytest.param(Colour, id="an enumeration"),
        pytest.param(Literal["a", "b"], id="a literal"),
        pytest.param(Sha256, id="a pattern"),
        pytest.param(dict[str, int], id="an object"),
        pytest.param(Annotated[Cat | Dog, Field(discriminator="kind")], id="one of two objects"),
    ],
)
async def test_an_error_never_repeats_what_was_sent(kind: Any) -> None:
    class Body(BaseModel):
        value: kind

    api = Api("Test", "1")

    @api.route("POST", "/", role=Role.ANYONE)
    async def post(_request: web.Request, body: Body) -> None:
        raise AssertionError(body)

    async with serving(app_of(api)) as client:
        for value in ("swordfish", {"kind": "swordfish"}, {"a": "swordfish"}, ["swordfish"]):
            async with client.post("/", json={"value": value}) as answer:
                assert answer.status == 422
                assert "swordfish" not in await answer.text()
                assert "zzzz" not in await answer.text()


async def test_binary_routes_answer_as_they_like(client: Client) -> None:
    async with client.get("/api/v1/blobs/" + "a" * 64, headers=PROCTOR) as answer:
        assert answer.content_type == "application/zip"
        assert await answer.read() == b"a" * 64


async def test_websocket_routes_speak_it(client: Client) -> None:
    async with client.ws_connect("/api/v1/uplink", headers=bearer("learner-1")) as socket:
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.TEXT, "hello")


async def test_a_websocket_route_asked_otherwise_is_a_problem(client: Client) -> None:
    async with client.get("/api/v1/uplink", headers=bearer("learner-1")) as answer:
        assert 400 <= answer.status < 500
        assert answer.content_type == CONTENT_TYPE


@pytest.mark.parametrize("path", ["/api/v1/wrong", "/api/v1/not-raw"])
async def test_an_answer_that_was_not_promised_is_our_error_not_the_caller_s(
    client: Client, path: str
) -> None:
    async with client.get(path) as answer:
        assert answer.status == 500
        assert "errors" not in await answer.json(content_type=CONTENT_TYPE)


@pytest.mark.parametrize(
    ("expect", "answers"),
    [
        pytest.param("100-continue", [b"100 Continue", b"201 Created"], id="what HTTP knows"),
        pytest.param("tea", [b"201 Created"], id="what nobody knows"),
    ],
)
async def test_what_a_client_expects_is_no_trouble(
    client: Client, expect: str, answers: list[bytes]
) -> None:
    assert client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(
        b"PUT /api/v1/exams/e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Authorization: Bearer course-team\r\nContent-Type: application/json\r\n"
        b'Expect: %s\r\nContent-Length: 14\r\n\r\n{"title": "x"}' % expect.encode()
    )
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    heads = [one.removeprefix(b"HTTP/1.1 ") for one in received.split(b"\r\n") if b"HTTP/" in one]
    assert heads == answers


# --- what can't be declared


async def no_request() -> None: ...


async def plain(_request: web.Request) -> None: ...


async def other(_request: web.Request, other: Id) -> None: ...


async def taken(_request: web.Request, session: Id | None = None) -> None: ...


async def beside(_request: web.Request) -> web.Response:
    return web.Response(text="open to all")


async def with_id(_request: web.Request, session: Id) -> None: ...


async def untyped(_request: web.Request, session) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 - it is what is tested


async def two_bodies(_request: web.Request, one: Exam, two: Section) -> None: ...


async def one_body(_request: web.Request, one: Exam) -> None: ...


@pytest.mark.parametrize(
    ("method", "path", "role", "handler", "why"),
    [
        pytest.param("GET", "/{exam}", Role.ANYONE, plain, "does not take exam", id="not taken"),
        pytest.param("GET", "/{session:.*}", Role.ANYONE, with_id, "pattern", id="a pattern"),
        pytest.param("GET", "/", Role.ANYONE, untyped, "no type", id="no type"),
        pytest.param("POST", "/", Role.ANYONE, two_bodies, "two bodies", id="two bodies"),
        pytest.param("GET", "/", Role.ANYONE, one_body, "has no body", id="a GET with a body"),
        pytest.param("GET", "/", [], plain, "has roles", id="no role"),
        pytest.param("GET", "/", [Role.ANYONE, Role.PROCTOR], plain, "has roles", id="too many"),
        pytest.param(
            "GET", "/taken/{session}", Role.PROCTOR, with_id, "twice", id="the same place"
        ),
        pytest.param("GET", "/taken/{other}", Role.PROCTOR, other, "twice", id="a like place"),
        pytest.param("GET", "/", Role.PROCTOR, taken, "named taken", id="the same name"),
        pytest.param("GET", "/", Role.PROCTOR, no_request, "the request", id="no request"),
    ],
)
def test_what_can_t_work_is_refused_when_it_is_declared(
    method: str,
    path: str,
    role: Role | list[Role],
    handler: Callable[..., Awaitable[None]],
    why: str,
) -> None:
    api = Api("Test", "1")
    api.route("GET", "/taken/{session}", role=Role.PROCTOR)(taken)
    with pytest.raises(BadRoute, match=why):
        api.route(method, path, role=role)(handler)


def test_a_page_without_a_role_is_refused() -> None:
    with pytest.raises(BadRoute, match="has roles"):
        Api("Test", "1").page("/page", Path("page.html"), role=())


def test_a_route_can_t_be_declared_without_a_role() -> None:
    api = Api("Test", "1")
    with pytest.raises(TypeError, match="role"):
        api.route("GET", "/")  # type: ignore[call-arg] # it is what is tested
    with pytest.raises(TypeError, match="role"):
        api.page("/", Path("page.html"))  # type: ignore[call-arg] # it is what is tested


def test_a_route_added_beside_the_api_is_found() -> None:
    app = app_of(api_of_exams())
    assert undeclared(app) == []
    app.router.add_get("/beside", beside)
    assert sorted(one.split()[0] for one in undeclared(app)) == ["GET", "HEAD"]
    assert all("/beside" in one for one in undeclared(app))
    bare = web.Application()
    bare.router.add_post("/beside", beside)
    assert len(undeclared(bare)) == 1


async def test_a_route_added_beside_the_api_is_closed() -> None:
    app = app_of(api_of_exams())
    app.router.add_get("/beside", beside)
    async with serving(app) as client, client.get("/beside", headers=PROCTOR) as answer:
        assert answer.status == 500


# --- the document


async def test_the_document_validates(client: Client) -> None:
    async with client.get(PATH) as answer:
        assert answer.content_type == "application/json"
        told = await answer.json()
    assert told["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(told).validate()


def test_the_document_names_roles_parameters_and_problems() -> None:
    operation = document(api_of_exams())["paths"]["/api/v1/exams/{exam}"]["get"]
    assert operation["operationId"] == "get_exam"
    assert operation["summary"] == "Read an exam."
    assert operation["description"] == "Role: course-team, lead, proctor.\n\nThe second paragraph."
    assert operation["x-role"] == ["course-team", "lead", "proctor"]
    assert operation["security"] == [{"bearer": []}, {"cookie": []}]
    assert [(one["name"], one["in"], one["required"]) for one in operation["parameters"]] == [
        ("exam", "path", True),
        ("colour", "query", False),
        ("at_most", "query", False),
    ]
    assert operation["parameters"][0]["schema"]["pattern"] == "^[A-Za-z0-9_-]{1,64}$"
    described = {status: one["description"] for status, one in operation["responses"].items()}
    assert described == {
        "200": "OK",
        "401": "login-needed",
        "403": "not-your-exam, role-not-allowed",
        "409": "full",
        "410": "Gone",
        "422": "bad-signature, invalid-input",
        "default": "any other problem",
    }
    for status, one in operation["responses"].items():
        kind = "application/json" if status == "200" else CONTENT_TYPE
        assert list(one["content"]) == [kind]


def test_the_document_knows_bodies_sockets_bytes_and_what_anyone_may_do() -> None:
    paths = document(api_of_exams())["paths"]
    put = paths["/api/v1/exams/{exam}"]["put"]
    schema = put["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Exam"}
    assert {"201", "400", "401", "403", "413", "415", "422"} < set(put["responses"])
    uplink = paths["/api/v1/uplink"]["get"]
    assert uplink["responses"]["101"] == {"description": "Switching Protocols"}
    assert uplink["security"] == [{"bearer": []}]
    blob = paths["/api/v1/blobs/{sha256}"]["get"]
    assert blob["responses"]["200"]["content"] == {"application/zip": {}}
    assert paths[PATH]["get"]["security"] == []
    assert "content" not in paths["/api/v1/exams/{exam}"]["delete"]["responses"]["204"]


def test_every_reference_of_the_document_leads_somewhere() -> None:
    made = document(api_of_exams())
    text = json.dumps(made)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in made["components"]["schemas"]
    assert '"$ref": "#/$defs' not in text


# --- pages


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Client]:
    written(tmp_path, "secret.txt", "swordfish")
    written(tmp_path, "pages/review.html", "<p>review")
    written(tmp_path, "pages/assets/a.js", "let a")
    written(tmp_path, "pages/assets/deep/b.css", "b {}")
    (tmp_path / "pages/assets/link").symlink_to(tmp_path / "secret.txt")
    api = Api("Test", "1")
    folder = tmp_path / "pages"
    api.page("/console/review", folder / "review.html", role=Role.ANYONE)
    api.page("/join/{token}", folder / "review.html", role=Role.ANYONE)
    api.page("/unbuilt", folder / "unbuilt.html", role=Role.ANYONE)
    api.page("/inside", folder / "review.html", role=Role.PROCTOR)
    api.static("/static", folder / "assets", role=Role.ANYONE)
    app = app_of(api)
    assert undeclared(app) == []
    async with serving(app) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "may"),
    [
        pytest.param(
            "/join/anything",
            {"camera", "fullscreen", "screen-wake-lock", "window-management"},
            id="the exam room",
        ),
        pytest.param("/console/review", set(), id="the console"),
    ],
)
async def test_a_page_may_use_what_it_needs_and_is_asked_for_anew(
    pages: Client, path: str, may: set[str]
) -> None:
    async with pages.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert await answer.text() == "<p>review"
        headers = answer.headers
        allowed = dict(one.split("=") for one in headers["Permissions-Policy"].split(", "))
        assert {name for name, value in allowed.items() if value == "(self)"} == may
        assert {value for name, value in allowed.items() if name not in may} == {"()"}
        assert {"camera", "microphone", "geolocation", "display-capture"} <= allowed.keys()
        assert headers["Cache-Control"] == "no-cache"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        # Images of items come with a token, and each look at a picture is counted: both pages show
        # them from memory.
        assert "img-src 'self' blob:" in headers["Content-Security-Policy"]
        known, etag = headers["Permissions-Policy"], headers["ETag"]
    async with pages.get(path, headers={"If-None-Match": etag}) as again:
        # A browser takes these headers for those of the page it kept.
        assert (again.status, again.headers["Permissions-Policy"]) == (304, known)
    async with pages.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/static/a.js", "javascript"), ("/static/deep/b.css", "css")],
)
async def test_the_files_of_a_folder_are_served(pages: Client, path: str, kind: str) -> None:
    async with pages.get(path) as answer:
        assert (answer.status, answer.content_type.partition("/")[2]) == (200, kind)
        assert answer.headers["Permissions-Policy"].startswith("camera=(),")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/unbuilt", id="a page not built"),
        pytest.param("/static/absent.js", id="an absent file"),
        pytest.param("/static/deep", id="a folder"),
        pytest.param("/static/", id="the folder itself"),
        pytest.param("/static/link", id="a link out of the folder"),
        pytest.param("/static/%2e%2e/review.html", id="one level up"),
        pytest.param("/static/..%2f..%2fsecret.txt", id="two levels up"),
        pytest.param("/static//etc/passwd", id="from the root"),
        pytest.param("/static/%2fetc%2fpasswd", id="from the root, quoted"),
        pytest.param("/static/a%00.js", id="a zero byte"),
        pytest.param("/static/" + "a" * 5000, id="a name too long"),
    ],
)
async def test_what_is_no_file_of_the_folder_is_not_found(pages: Client, path: str) -> None:
    assert pages.port is not None
    # By hand: a polite client would not send some of these.
    reader, writer = await asyncio.open_connection("127.0.0.1", pages.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert received.startswith(b"HTTP/1.1 404 ")
    assert CONTENT_TYPE.encode() in received
    assert b"swordfish" not in received
    assert b"root:" not in received


async def test_a_page_can_have_a_role(pages: Client) -> None:
    async with pages.get("/inside") as answer:
        assert answer.status == 401
    async with pages.get("/inside", headers=PROCTOR) as answer:
        assert answer.status == 200
