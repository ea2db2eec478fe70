import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError, web
from openapi_spec_validator import OpenAPIV31SpecValidator

from proctor.services import logins
from proctor.services.logins import StaffRole
from proctor.web.api import STAFF, Api, Role, Shape
from proctor.web.auth import (
    COOKIE,
    LearnerDevice,
    LoginDesk,
    Staff,
    add_login_routes,
    learner_of,
    staff_of,
)
from proctor.web.openapi import document
from proctor.web.problems import CONTENT_TYPE
from tests.services.memory_logins import MemoryLoginStore, PlainHasher
from tests.web.serving import Client, Tokens, app_of, bearer, serving

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse"


class Told(Shape):
    me: str


def api_of_roles() -> Api:
    api = Api("Test", "1")

    @api.route("GET", "/anyone", role=Role.ANYONE, out=Told)
    async def get_anyone(_request: web.Request) -> Told:
        return Told(me="anyone")

    @api.route("POST", "/anyone", role=Role.ANYONE, out=Told)
    async def post_anyone(_request: web.Request) -> Told:
        return Told(me="anyone")

    @api.route("GET", "/proctor", role=Role.PROCTOR, out=Told)
    async def get_proctor(request: web.Request) -> Told:
        return Told(me=staff_of(request).name)

    @api.route("POST", "/proctor", role=Role.PROCTOR, out=Told)
    async def post_proctor(request: web.Request) -> Told:
        return Told(me=staff_of(request).name)

    @api.route("GET", "/staff", role=STAFF, out=Told)
    async def get_staff(request: web.Request) -> Told:
        return Told(me=staff_of(request).role)

    @api.route("GET", "/learner", role=Role.LEARNER, out=Told)
    async def get_learner(request: web.Request) -> Told:
        return Told(me=learner_of(request).device)

    @api.route("GET", "/socket", role=[Role.PROCTOR, Role.LEARNER], raw=True, status=101)
    async def get_socket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        await socket.close()
        return socket

    return api


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(app_of(api_of_roles())) as client:
        yield client


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


ROLES = ["proctor", "lead", "course-team", "administrator", "learner"]
ALLOWED: dict[str, set[str | None]] = {
    "/anyone": {None, *ROLES},
    "/proctor": {"proctor", "lead"},  # what a proctor may, a lead may too
    "/staff": {"proctor", "lead", "course-team", "administrator"},
    "/learner": {"learner"},
}


@pytest.mark.parametrize("caller", [None, *ROLES])
@pytest.mark.parametrize("path", ALLOWED)
async def test_a_route_is_for_its_roles_and_no_other(
    client: Client, path: str, caller: str | None
) -> None:
    headers = {} if caller is None else bearer(caller)
    async with client.get(path, headers=headers) as answer:
        if caller in ALLOWED[path]:
            assert answer.status == 200
        elif caller is None:
            told = await answer.json(content_type=CONTENT_TYPE)
            assert told["type"] == "urn:proctor:problem:login-needed"
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        else:
            told = await answer.json(content_type=CONTENT_TYPE)
            assert told["type"] == "urn:proctor:problem:role-not-allowed"
            assert answer.status == 403
            assert told["role"] == caller
            assert set(told["allowed"]) == ALLOWED[path]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Authorization": "Bearer"}, id="a scheme alone"),
        pytest.param({"Authorization": "Bearer "}, id="an empty token"),
        pytest.param({"Authorization": "proctor"}, id="a token alone"),
        pytest.param({"Authorization": "Basic proctor"}, id="another scheme"),
        pytest.param(bearer("unknown"), id="a token that is nobody's"),
        pytest.param(bearer("proctor x"), id="two words"),
        pytest.param(bearer("learner" * 100), id="a token too long"),
        pytest.param({**bearer("unknown"), **cookie("proctor")}, id="a cookie beside it"),
        pytest.param(cookie("learner"), id="a device's token as a cookie"),
        pytest.param(cookie(""), id="an empty cookie"),
        pytest.param({"Cookie": "login=proctor"}, id="a cookie of another name"),
    ],
)
async def test_what_is_no_login_is_nobody(client: Client, headers: dict[str, str]) -> None:
    for path in ("/proctor", "/learner"):
        async with client.get(path, headers=headers) as answer:
            assert answer.status == 401, path


class Bound(Tokens):
    """Staff who are for one exam, where their token ends with its id; counts what is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[str] = []

    async def staff(self, token: str) -> Staff | None:
        role, _, exam = token.partition("-for-")
        found = await super().staff(role)
        return found and replace(found, exams=frozenset({exam}) if exam else None)

    async def exam_of(self, session: str) -> str | None:
        self.sessions.append(session)
        return await super().exam_of(session)


def api_of_sessions(told: list[str]) -> Api:
    api = Api("Test", "1")

    async def refused(request: web.Request) -> None:
        told.append(request.path)

    @api.route(
        "GET",
        "/sessions/{session}",
        role=[Role.PROCTOR, Role.LEARNER],
        out=Told,
        refused=refused,
    )
    async def get_session(_request: web.Request, session: str) -> Told:
        return Told(me=session)

    return api


@pytest.mark.parametrize(
    ("token", "session", "status", "looked_up", "written"),
    [
        pytest.param("proctor", "s_1", 200, [], 0, id="who is for every exam"),
        pytest.param("proctor-for-short", "s_1", 200, ["s_1"], 0, id="who is for this one"),
        pytest.param("proctor-for-other", "s_1", 403, ["s_1"], 1, id="who is for another"),
        pytest.param("lead-for-other", "s_1", 403, ["s_1"], 1, id="a lead, too"),
        pytest.param("proctor-for-other", "s_none", 403, ["s_none"], 0, id="no such session"),
        pytest.param("proctor-for-other", "s.none", 422, [], 0, id="what is no session's id"),
        pytest.param("course-team-for-other", "s_1", 403, [], 1, id="a role that may not at all"),
        pytest.param("learner", "s_1", 200, [], 0, id="a learner"),
    ],
)
async def test_whose_exam_a_session_is_of_is_asked_for_those_alone_who_are_not_for_all(
    token: str, session: str, status: int, looked_up: list[str], written: int
) -> None:
    told: list[str] = []
    identify = Bound()
    async with (
        serving(app_of(api_of_sessions(told), identify=identify)) as client,
        client.get(f"/sessions/{session}", headers=bearer(token)) as answer,
    ):
        assert answer.status == status
    assert identify.sessions == looked_up
    assert len(told) == written


async def test_the_scheme_may_be_written_small(client: Client) -> None:
    async with client.get("/proctor", headers={"Authorization": "bearer proctor"}) as answer:
        assert answer.status == 200


async def test_a_cookie_is_a_login_too(client: Client) -> None:
    async with client.get("/proctor", headers=cookie("proctor")) as answer:
        assert await answer.json() == {"me": "ada"}
    async with client.get("/proctor", headers=cookie("course-team")) as answer:
        assert answer.status == 403


async def test_for_what_is_anyone_s_nobody_is_looked_up() -> None:
    tokens = Tokens()
    async with serving(app_of(api_of_roles(), identify=tokens)) as client:
        async with client.get("/anyone", headers=bearer("proctor")) as answer:
            assert answer.status == 200
        async with client.get("/nowhere", headers=bearer("proctor")) as answer:
            assert answer.status == 404
    assert tokens.asked == []


async def test_a_body_is_not_read_for_who_may_not_send_it(client: Client) -> None:
    async with client.post("/proctor", data=b"x" * 10_000) as answer:
        assert answer.status == 401


# --- requests that another site makes a browser send

OURS = "same origin as the server"


def own(client: Client) -> str:
    return f"http://127.0.0.1:{client.port}"


SITES = [
    pytest.param({"Sec-Fetch-Site": "same-origin"}, True, id="a page of ours"),
    pytest.param({"Origin": OURS}, True, id="a page of ours, in an older browser"),
    pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": OURS}, True, id="both say so"),
    pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": OURS}, False, id="they disagree"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, False, id="another site"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, False, id="a neighbour"),
    pytest.param({"Sec-Fetch-Site": "none"}, False, id="the address bar"),
    pytest.param({"Origin": "http://127.0.0.1:1"}, False, id="another port"),
    pytest.param({"Origin": "https://127.0.0.1"}, False, id="another scheme"),
    pytest.param({"Origin": "https://evil.example"}, False, id="another host"),
    pytest.param({"Origin": "null"}, False, id="a sandboxed frame"),
    pytest.param({"Origin": ""}, False, id="an empty origin"),
    pytest.param({}, False, id="no word about it"),
]


def said(headers: dict[str, str], client: Client) -> dict[str, str]:
    return {name: own(client) if value == OURS else value for name, value in headers.items()}


@pytest.mark.parametrize(("headers", "passes"), SITES)
async def test_a_cookie_counts_only_for_what_our_pages_send(
    client: Client, headers: dict[str, str], passes: bool
) -> None:
    sent = {**cookie("proctor"), **said(headers, client)}
    async with client.post("/proctor", headers=sent) as answer:
        if passes:
            assert answer.status == 200
        else:
            told = await answer.json(content_type=CONTENT_TYPE)
            assert (answer.status, told["type"]) == (403, "urn:proctor:problem:cross-site")


@pytest.mark.parametrize(("headers", "passes"), SITES)
async def test_a_websocket_is_opened_with_a_cookie_by_our_pages_only(
    client: Client, headers: dict[str, str], passes: bool
) -> None:
    sent = {**cookie("proctor"), **said(headers, client)}
    if passes:
        async with client.ws_connect("/socket", headers=sent) as socket:
            assert (await socket.receive()).type is WSMsgType.TEXT
    else:
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("/socket", headers=sent)
        assert refused.value.status == 403


async def test_a_bearer_token_counts_wherever_it_comes_from(client: Client) -> None:
    away = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    async with client.post("/proctor", headers={**bearer("proctor"), **away}) as answer:
        assert answer.status == 200
    async with client.ws_connect("/socket", headers={**bearer("learner"), **away}) as socket:
        assert (await socket.receive()).type is WSMsgType.TEXT


@pytest.mark.parametrize(
    ("protocols", "headers"),
    [
        pytest.param(["x", "proctor-token.learner"], {}, id="a learner's device"),
        pytest.param(
            ["proctor-token.learner"], {"Sec-Fetch-Site": "cross-site"}, id="wherever it comes from"
        ),
        pytest.param(
            ["proctor-token.learner"], cookie("proctor"), id="a cookie that comes along is nobody's"
        ),
    ],
)
async def test_a_page_opens_a_websocket_with_its_token_as_a_subprotocol(
    client: Client, protocols: list[str], headers: dict[str, str]
) -> None:
    async with client.ws_connect("/socket", protocols=protocols, headers=headers) as socket:
        assert (await socket.receive()).type is WSMsgType.TEXT


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        pytest.param("proctor", {}, id="a login of staff"),
        pytest.param("stranger", {}, id="an unknown one"),
        pytest.param("learner" * 50, {}, id="one too long"),
        pytest.param("", {}, id="an empty one"),
        pytest.param("stranger", cookie("proctor"), id="an unknown one beside a good cookie"),
    ],
)
async def test_a_subprotocol_that_is_no_device_s_token_is_nobody(
    client: Client, token: str, headers: dict[str, str]
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(
            "/socket", protocols=[f"proctor-token.{token}"], headers={**headers, "Origin": "null"}
        )
    assert refused.value.status == 401


async def test_a_subprotocol_is_a_token_for_a_websocket_alone(client: Client) -> None:
    asked = {"Sec-WebSocket-Protocol": "proctor-token.learner"}
    async with client.get("/learner", headers=asked) as answer:
        assert answer.status == 401


async def test_reading_with_a_cookie_needs_no_word_about_the_site(client: Client) -> None:
    sent = {**cookie("proctor"), "Sec-Fetch-Site": "cross-site"}
    async with client.get("/proctor", headers=sent) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a program"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="a page of ours"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="a page of another site"),
    ],
)
async def test_what_is_anyone_s_is_for_no_other_site_s_pages(
    client: Client, headers: dict[str, str], status: int
) -> None:
    async with client.post("/anyone", headers=headers) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param("https://proctor.example", 200, id="the public one"),
        pytest.param(OURS, 200, id="the server's own"),
        pytest.param("http://proctor.example", 403, id="the public one without s"),
    ],
)
async def test_behind_a_proxy_the_public_origin_is_ours(origin: str, status: int) -> None:
    app = app_of(api_of_roles(), public_origin="https://proctor.example")
    async with serving(app) as client:
        sent = {**cookie("proctor"), **said({"Origin": origin}, client)}
        async with client.post("/proctor", headers=sent) as answer:
            assert answer.status == status


# --- signing in and out


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Real:
    """An Identify on a LoginStore, as the program's own is."""

    def __init__(self, store: MemoryLoginStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def staff(self, token: str) -> Staff | None:
        login = await logins.who(self.store, token=token, now=self.clock.now())
        if login is None:
            return None
        return Staff(
            name=login.name, role=login.role, exams=login.exams, expires_at=login.expires_at
        )

    async def learner(self, token: str) -> LearnerDevice | None:  # noqa: ARG002 - there are none
        return None

    async def exam_of(self, session: str) -> str | None:  # noqa: ARG002 - there are none
        return None


class Office:
    def __init__(self) -> None:
        self.store = MemoryLoginStore()
        self.clock = Clock()
        tokens = iter(range(1000))
        self.desk = LoginDesk(
            store=self.store,
            hasher=PlainHasher(),
            now=self.clock.now,
            new_token=lambda: f"token-{next(tokens)}",
        )
        self.api = Api("Test", "1")
        add_login_routes(self.api, self.desk)
        self.app = app_of(self.api, identify=Real(self.store, self.clock))


@pytest.fixture
async def office() -> Office:
    office = Office()
    await logins.add_staff(
        office.store,
        office.desk.hasher,
        name="ada",
        role=StaffRole.PROCTOR,
        password=PASSWORD,
        now=NOW,
    )
    return office


LOGIN = "/api/v1/login"
SENT = {"name": "ada", "password": PASSWORD}
END_MS = int((NOW + timedelta(hours=12)).timestamp() * 1000)


async def test_signing_in_gives_a_token_and_a_cookie_that_browsers_keep_to_us(
    office: Office,
) -> None:
    async with serving(office.app) as client, client.post(LOGIN, json=SENT) as answer:
        assert answer.status == 200
        assert await answer.json() == {
            "token": "token-0",
            "name": "ada",
            "role": "proctor",
            "exams": None,
            "expires_at_ms": END_MS,
        }
        assert answer.headers["Cache-Control"] == "no-store"
        header = answer.headers["Set-Cookie"]
        assert header.startswith("__Host-login=token-0;")
        attributes = {part.strip().lower() for part in header.split(";")[1:]}
        assert attributes == {
            "httponly",
            "max-age=43200",
            "path=/",
            "samesite=strict",
            "secure",
        }


@pytest.mark.parametrize("carried", [bearer, cookie])
async def test_who_is_signed_in_can_ask_who_they_are_until_they_sign_out(
    office: Office, carried: Callable[[str], dict[str, str]]
) -> None:
    async with serving(office.app) as client:
        async with client.post(LOGIN, json=SENT) as answer:
            headers = carried((await answer.json())["token"])
        async with client.get(LOGIN, headers=headers) as answer:
            told = await answer.json()
            assert told == {
                "name": "ada",
                "role": "proctor",
                "exams": None,
                "expires_at_ms": END_MS,
            }
        leaving = {**headers, "Sec-Fetch-Site": "same-origin"}
        async with client.delete(LOGIN, headers=leaving) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
            assert re.match(r'__Host-login="?"?; .*Max-Age=0', answer.headers["Set-Cookie"])
        async with client.get(LOGIN, headers=headers) as answer:
            assert answer.status == 401


async def test_a_login_ends_by_itself(office: Office) -> None:
    async with serving(office.app) as client:
        async with client.post(LOGIN, json=SENT) as answer:
            headers = bearer((await answer.json())["token"])
        office.clock.at = NOW + timedelta(hours=12)
        async with client.get(LOGIN, headers=headers) as answer:
            assert answer.status == 401
        async with client.delete(LOGIN, headers=headers) as answer:
            assert answer.status == 204


async def test_another_site_can_sign_nobody_out(office: Office) -> None:
    async with serving(office.app) as client:
        async with client.post(LOGIN, json=SENT) as answer:
            headers = cookie((await answer.json())["token"])
        away = {**headers, "Sec-Fetch-Site": "cross-site"}
        async with client.delete(LOGIN, headers=away) as answer:
            assert answer.status == 403
        async with client.get(LOGIN, headers=headers) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"name": "ada", "password": "wrong password"}, id="a wrong password"),
        pytest.param({"name": "bob", "password": PASSWORD}, id="an unknown name"),
        pytest.param({"name": "Ada", "password": PASSWORD}, id="an impossible name"),
    ],
)
async def test_a_wrong_login_does_not_say_what_is_wrong_with_it(
    office: Office, sent: dict[str, str]
) -> None:
    async with serving(office.app) as client, client.post(LOGIN, json=sent) as answer:
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers
        assert await answer.json(content_type=CONTENT_TYPE) == {
            "type": "urn:proctor:problem:bad-login",
            "title": "Bad login",
            "status": 401,
            "detail": "no account has this name and password",
        }


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"name": "ada"}, id="no password"),
        pytest.param({"name": "ada", "password": "swordfish" * 29}, id="a password too long"),
        pytest.param({"name": "a" * 65, "password": "swordfish"}, id="a name too long"),
        pytest.param({**SENT, "role": "administrator"}, id="a role of one's own choice"),
    ],
)
async def test_a_login_of_the_wrong_shape_is_refused(office: Office, sent: dict[str, str]) -> None:
    async with serving(office.app) as client, client.post(LOGIN, json=sent) as answer:
        assert answer.status == 422
        assert "swordfish" not in await answer.text()


async def test_too_many_wrong_logins_must_wait(office: Office) -> None:
    wrong = {"name": "ada", "password": "wrong password"}
    async with serving(office.app) as client:
        for _ in range(10):
            async with client.post(LOGIN, json=wrong) as answer:
                assert answer.status == 401
        async with client.post(LOGIN, json=SENT) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "Mon, 01 Jun 2026 09:15:00 GMT"
        office.clock.at = NOW + timedelta(minutes=15)
        async with client.post(LOGIN, json=SENT) as answer:
            assert answer.status == 200


async def test_the_login_routes_are_in_a_document_that_validates(office: Office) -> None:
    made = document(office.api)
    OpenAPIV31SpecValidator(made).validate()
    assert set(made["paths"][LOGIN]) == {"post", "get", "delete"}
    assert {"200", "401", "429"} < set(made["paths"][LOGIN]["post"]["responses"])
