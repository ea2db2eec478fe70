"""Who is asking, and whether this is for them. Nothing is for anyone unless its route says so.

Staff carry their login in a cookie or as a bearer token, learners' devices a bearer token. A page
can't put a header on a WebSocket, so there a device's token may come as a subprotocol, which like a
header stands in no address.

Whoever of the staff is for some exams alone gets nothing of another: each route whose address names
an exam or a session is held against them here, whatever it does; what is no address (lists, bodies,
the wall's words) is each route's own to hold.

The cookie is `__Host-login`: Secure, HttpOnly, SameSite=Strict, Path=/, no Domain. Chromium takes
and sends it on plain http at 127.0.0.1 and localhost (tried with 156), so a demo needs no other.
Elsewhere on plain http, and on it in Safari, browsers refuse it: staff need https there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import StringConstraints

from proctor.services import logins
from proctor.services.logins import LoginStore, PasswordHasher, StaffRole
from proctor.services.own_exams import NotYourExam, OwnExams, is_among
from proctor.web.api import REFUSED, ROLES, STAFF, Api, Role, Shape
from proctor.web.problems import CrossSite, LoginNeeded, RoleNotAllowed

COOKIE = "__Host-login"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Ours are 43 characters; nothing longer is worth a question to the database.
_TOKEN_MAX = 256
# As `api.Id`: no exam and no session has another.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

UPLINK_PROTOCOL = "proctor-uplink"
_BEARER_PROTOCOL = "proctor-token."


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    name: str
    role: StaffRole
    exams: OwnExams
    expires_at: datetime

    @property
    def allowed_as(self) -> Role:
        return Role(self.role.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerDevice:
    session: str
    device: str
    role: Role = Role.LEARNER

    @property
    def allowed_as(self) -> Role:
        return self.role

    @property
    def second_camera(self) -> bool:
        return self.role is Role.SECOND_CAMERA


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A browser that its learner let look; it is no device."""

    session: str

    @property
    def allowed_as(self) -> Role:
        return Role.VIEWER


Caller: TypeAlias = Staff | LearnerDevice | Viewer


class Identify(Protocol):
    """Finds whose token this is; None for one that is unknown, expired or revoked.

    A token is at most 256 characters of whatever a stranger sent.
    """

    async def staff(self, token: str) -> Staff | None: ...

    async def learner(self, token: str) -> LearnerDevice | Viewer | None: ...

    async def exam_of(self, session: str) -> str | None:
        """Return the id of a session's exam; None where there is no such session."""
        ...


IDENTIFY: web.AppKey[Identify] = web.AppKey("identify")
PUBLIC_ORIGIN: web.AppKey[str] = web.AppKey("public_origin", str)
CALLER: web.RequestKey[Caller] = web.RequestKey("caller")


def install(app: web.Application, identify: Identify, *, public_origin: str | None = None) -> None:
    """Let no request of this app pass whose route's role the caller has not.

    Args:
        app: Gets a middleware; install `problems` before it, so that it can say why.
        identify: Whose tokens are whose.
        public_origin: Such as https://proctor.example, where a proxy stands before the server
            and the server's own idea of its scheme or host is another.
    """
    app[IDENTIFY] = identify
    if public_origin is not None:
        app[PUBLIC_ORIGIN] = public_origin
    app.middlewares.append(_middleware)


def staff_of(request: web.Request) -> Staff:
    """Return who is asking, in a handler whose roles are all staff's."""
    caller = request[CALLER]
    assert isinstance(caller, Staff)
    return caller


def learner_of(request: web.Request) -> LearnerDevice:
    """Return which device is asking, in a handler whose roles are all devices'."""
    caller = request[CALLER]
    assert isinstance(caller, LearnerDevice)
    return caller


def session_of(request: web.Request) -> str:
    """Return whose session it is, in a handler whose roles are devices' and viewers'."""
    caller = request[CALLER]
    assert isinstance(caller, LearnerDevice | Viewer)
    return caller.session


async def still_allowed(request: web.Request) -> bool:
    """Tell whether who asked is signed in still, and as before: for what stays open for hours.

    As before is with the same role and the same exams.
    """
    return await _caller(request) == request[CALLER]


def protocols_of(request: web.Request) -> tuple[str, ...]:
    """Return the subprotocols that a WebSocket was asked for with; one of them may be a token."""
    if not _is_websocket(request):
        return ()
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    return tuple(each for one in asked.split(",") if (each := one.strip()))


def origin_of_request(request: web.Request) -> str:
    """Return where people reach this server, such as https://proctor.example."""
    return request.app.get(PUBLIC_ORIGIN) or f"{request.scheme}://{request.host}"


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.match_info.http_exception is not None:
        return await handler(request)  # no such address or method
    # A KeyError, hence a 500, for a route that stated no role: closed is the safe side.
    allowed = request.app[ROLES][request.match_info.route]
    _check_site(request)
    if Role.ANYONE not in allowed:
        caller = await _caller(request)
        if caller is None:
            raise LoginNeeded
        request[CALLER] = caller
        if caller.allowed_as not in allowed:
            await _tell_refused(request)
            raise RoleNotAllowed(role=caller.allowed_as, allowed=allowed)
        if isinstance(caller, Staff) and caller.exams is not None:
            await _check_exams(request, caller.exams)
    return await handler(request)


async def _check_exams(request: web.Request, own: frozenset[str]) -> None:
    """Refuse what is of another exam than somebody's own.

    Raises:
        NotYourExam: The address names such an exam, or a session of one, or one that is not there.
    """
    if _ID.fullmatch(session := request.match_info.get("session", "")):
        exam = await request.app[IDENTIFY].exam_of(session)
        if exam is None or not is_among(exam, own):
            if exam is not None:
                await _tell_refused(request)
            # Nobody has told them which exam, nor whether there is such a session at all.
            raise NotYourExam
    for each in (*request.query.getall("exam", []), request.match_info.get("exam", "")):
        # What is no id is said to be none by the route, which repeats nothing of it.
        if _ID.fullmatch(each) and not is_among(each, own):
            await _tell_refused(request)
            raise NotYourExam(exam=each)


async def _tell_refused(request: web.Request) -> None:
    tell = request.app[REFUSED].get(request.match_info.route)
    if tell is not None and isinstance(request[CALLER], Staff):
        await tell(request)


async def _caller(request: web.Request) -> Caller | None:
    identify = request.app[IDENTIFY]
    bearer = _bearer(request)
    if bearer is not None:
        return await identify.staff(bearer) or await identify.learner(bearer)
    if (token := _token_protocol(request)) is not None:
        return await identify.learner(token) if len(token) <= _TOKEN_MAX else None
    if "Authorization" in request.headers:
        # Whoever names a token is not somebody else by the cookie that happens to come along.
        return None
    cookie = _cookie(request)
    return None if cookie is None else await identify.staff(cookie)


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and 0 < len(token) <= _TOKEN_MAX else None


def _token_protocol(request: web.Request) -> str | None:
    for each in protocols_of(request):
        if each.startswith(_BEARER_PROTOCOL):
            return each.removeprefix(_BEARER_PROTOCOL)
    return None


def _is_websocket(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").strip().lower() == "websocket"


def _cookie(request: web.Request) -> str | None:
    token = request.cookies.get(COOKIE)
    return token if token is not None and 0 < len(token) <= _TOKEN_MAX else None


def _check_site(request: web.Request) -> None:
    """Refuse what another site made a browser ask with the cookie of ours.

    SameSite=Strict keeps the cookie from being sent so already; this is for a neighbour on
    another port or subdomain, which counts as the same site. Nobody names a token in a header
    without meaning to, so requests that do pass: the cookie counts for nothing there.
    """
    if request.method in _SAFE and not _is_websocket(request):
        return
    if "Authorization" in request.headers or _token_protocol(request) is not None:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if fetch_site is not None:
        ours = fetch_site == "same-origin"
    elif origin is not None:
        # Chromium sends no Sec-Fetch-Site with a WebSocket on plain http.
        ours = origin in {
            f"{request.scheme}://{request.host}",
            request.app.get(PUBLIC_ORIGIN),
        }
    else:
        # No browser of today leaves out both. What is none has no cookie to be misused.
        ours = COOKIE not in request.cookies
    if not ours:
        raise CrossSite


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginDesk:
    """What the login routes work with. `new_token` makes 32 random bytes, URL-safe."""

    store: LoginStore
    hasher: PasswordHasher
    now: Callable[[], datetime]
    new_token: Callable[[], str] = field(repr=False)


class Credentials(Shape):
    name: Annotated[str, StringConstraints(max_length=64)]
    password: Annotated[str, StringConstraints(max_length=logins.PASSWORD_MAX)]


class LoginView(Shape):
    name: str
    role: StaffRole
    exams: list[str] | None  # by id; null: every exam
    expires_at_ms: int


class NewLoginView(LoginView):
    token: str


def add_login_routes(api: Api, desk: LoginDesk) -> None:
    """Declare POST, GET and DELETE /api/v1/login."""

    @api.route(
        "POST",
        "/api/v1/login",
        role=Role.ANYONE,
        out=NewLoginView,
        raw=True,
        tags=["login"],
        errors=[logins.BadLogin, logins.TooManyLogins],
    )
    async def sign_in(_request: web.Request, body: Credentials) -> web.Response:
        """Sign in, for 12 hours; the token comes as a cookie too."""
        signed_in = await logins.sign_in(
            desk.store,
            desk.hasher,
            name=body.name,
            password=body.password,
            now=desk.now(),
            token_factory=desk.new_token,
        )
        login = signed_in.login
        view = NewLoginView(
            token=signed_in.token,
            name=login.name,
            role=login.role,
            exams=_listed(login.exams),
            expires_at_ms=_ms(login.expires_at),
        )
        response = web.json_response(text=view.model_dump_json())
        _set_cookie(response, signed_in.token, logins.LOGIN_FOR)
        return response

    @api.route("GET", "/api/v1/login", role=STAFF, out=LoginView, tags=["login"])
    async def get_login(request: web.Request) -> LoginView:
        """Tell who is signed in."""
        staff = staff_of(request)
        return LoginView(
            name=staff.name,
            role=staff.role,
            exams=_listed(staff.exams),
            expires_at_ms=_ms(staff.expires_at),
        )

    # For anyone, so that a login that is over can be left too, and its cookie go.
    @api.route("DELETE", "/api/v1/login", role=Role.ANYONE, raw=True, status=204, tags=["login"])
    async def sign_out(request: web.Request) -> web.Response:
        """Sign out: the token, wherever else it is, is worth nothing from now on."""
        for token in (_bearer(request), _cookie(request)):
            if token is not None:
                await logins.sign_out(desk.store, token=token, now=desk.now())
        response = web.Response(status=204)
        _set_cookie(response, "", timedelta(0))
        return response


def _set_cookie(response: web.Response, token: str, keep: timedelta) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(keep.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )


def _listed(exams: OwnExams) -> list[str] | None:
    return None if exams is None else sorted(exams)


def _ms(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
