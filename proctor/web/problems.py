"""How HTTP says that something went wrong (RFC 9457), and the headers that every answer has.

The refusals of HTTP itself:

    Refusal
    ├── LoginNeeded       401  nobody, or nobody any more
    ├── RoleNotAllowed    403  somebody, but not who may do this
    ├── CrossSite         403  a browser that another site told to ask
    ├── UnreadableBody    400  a body that is not what its own headers say
    ├── NotJson           415  a body that is no application/json
    └── InvalidInput      422  not of the shape that the route asks for
"""

import logging
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from http import HTTPStatus
from typing import ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from proctor.domain import (
    acts,
    contest,
    devices,
    exam,
    identity,
    moves,
    rehearsal,
    review,
    scoring,
    second_camera,
    session,
    viewing,
)
from proctor.domain.errors import Refusal
from proctor.evidence.errors import EvidenceError
from proctor.services import (
    contests,
    intake,
    logins,
    look_tickets,
    own_exams,
    ports,
    reviews,
    sessions,
)
from proctor.services import identity as check_in

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class LoginNeeded(Refusal):
    code: ClassVar[str] = "login-needed"

    def __init__(self) -> None:
        super().__init__("this needs a login that holds")


class RoleNotAllowed(Refusal):
    code: ClassVar[str] = "role-not-allowed"

    def __init__(self, *, role: str, allowed: Iterable[str]) -> None:
        self.role = role
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"this is for {', '.join(self.allowed)}, not for {role}")


class CrossSite(Refusal):
    code: ClassVar[str] = "cross-site"

    def __init__(self) -> None:
        super().__init__("a login cookie counts only for pages of this server")


class UnreadableBody(Refusal):
    code: ClassVar[str] = "unreadable-body"

    def __init__(self) -> None:
        super().__init__("the body is not encoded as its headers say")


class NotJson(Refusal):
    code: ClassVar[str] = "not-json"

    def __init__(self) -> None:
        super().__init__("the body must be application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputError:
    """`where` is a path like body.sections.0.title; neither part repeats what was sent."""

    where: str
    problem: str


class InvalidInput(Refusal):
    code: ClassVar[str] = "invalid-input"

    def __init__(self, *, errors: Sequence[InputError]) -> None:
        super().__init__("the request is not of the shape that this address asks for")
        self.errors = tuple(errors)


DEFAULT = HTTPStatus.CONFLICT
"""What a refusal is when STATUS does not name it: the rules said no to a well-formed request of
someone who may ask, because of the state that things are in."""

STATUS: Mapping[type[Refusal], HTTPStatus] = {
    UnreadableBody: HTTPStatus.BAD_REQUEST,
    LoginNeeded: HTTPStatus.UNAUTHORIZED,
    logins.BadLogin: HTTPStatus.UNAUTHORIZED,
    # Not for this person, or not at this time: trying the same again changes nothing.
    CrossSite: HTTPStatus.FORBIDDEN,
    RoleNotAllowed: HTTPStatus.FORBIDDEN,
    moves.NotTheirEvent: HTTPStatus.FORBIDDEN,
    review.ActedAlone: HTTPStatus.FORBIDDEN,
    review.AnotherPersonNeeded: HTTPStatus.FORBIDDEN,
    contest.ContestOver: HTTPStatus.FORBIDDEN,
    session.OutsideWindow: HTTPStatus.FORBIDDEN,
    check_in.SystemRefused: HTTPStatus.FORBIDDEN,
    look_tickets.LookAtRehearsal: HTTPStatus.FORBIDDEN,
    look_tickets.LookElsewhere: HTTPStatus.FORBIDDEN,
    look_tickets.LookExpired: HTTPStatus.FORBIDDEN,
    look_tickets.LookNotYours: HTTPStatus.FORBIDDEN,
    own_exams.NotYourExam: HTTPStatus.FORBIDDEN,
    own_exams.NotTheirExam: HTTPStatus.FORBIDDEN,
    second_camera.SecondCameraOnly: HTTPStatus.FORBIDDEN,
    session.SectionClosed: HTTPStatus.FORBIDDEN,
    session.SessionClosed: HTTPStatus.FORBIDDEN,
    exam.UnknownSection: HTTPStatus.NOT_FOUND,
    acts.NoSuchAct: HTTPStatus.NOT_FOUND,
    devices.NoSuchAsk: HTTPStatus.NOT_FOUND,
    ports.NotFound: HTTPStatus.NOT_FOUND,
    session.NoSuchSection: HTTPStatus.NOT_FOUND,
    sessions.JoinLinkUnknown: HTTPStatus.NOT_FOUND,
    viewing.ViewerLinkUnknown: HTTPStatus.NOT_FOUND,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    # Wrong in itself, whatever the state.
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.BadExam: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.BadItem: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.BadResponse: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.BadSection: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.DuplicateId: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.ExamWithoutSections: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.TooManyItems: HTTPStatus.UNPROCESSABLE_ENTITY,
    exam.TooManySections: HTTPStatus.UNPROCESSABLE_ENTITY,
    identity.IdReasonMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.BadHello: HTTPStatus.UNPROCESSABLE_ENTITY,
    logins.BadAccount: HTTPStatus.UNPROCESSABLE_ENTITY,
    contest.ContestEmpty: HTTPStatus.UNPROCESSABLE_ENTITY,
    contest.ContestOfUnknownFlag: HTTPStatus.UNPROCESSABLE_ENTITY,
    contest.ContestTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    review.FlagReasonMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    review.FlagsNotJudged: HTTPStatus.UNPROCESSABLE_ENTITY,
    review.OwnWordsMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    review.QualityJudged: HTTPStatus.UNPROCESSABLE_ENTITY,
    review.ReasonsMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    reviews.NoSuchReviewer: HTTPStatus.UNPROCESSABLE_ENTITY,
    reviews.NothingToDecide: HTTPStatus.CONFLICT,
    reviews.VerdictTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    scoring.BadMark: HTTPStatus.UNPROCESSABLE_ENTITY,
    session.BadGrant: HTTPStatus.UNPROCESSABLE_ENTITY,
    acts.ActIncomplete: HTTPStatus.UNPROCESSABLE_ENTITY,
    acts.ActReasonMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    acts.NoSuchReason: HTTPStatus.UNPROCESSABLE_ENTITY,
    acts.NoSuchRule: HTTPStatus.UNPROCESSABLE_ENTITY,
    sessions.BadDeviceKey: HTTPStatus.UNPROCESSABLE_ENTITY,
    sessions.BadInvitation: HTTPStatus.UNPROCESSABLE_ENTITY,
    logins.TooManyLogins: HTTPStatus.TOO_MANY_REQUESTS,
    rehearsal.TooManyRehearsals: HTTPStatus.TOO_MANY_REQUESTS,
    contests.ContestsBusy: HTTPStatus.TOO_MANY_REQUESTS,
    ports.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
}
"""The status of each refusal and of those that subclass it. Here and nowhere else."""

# Written out, for http.HTTPStatus words its phrases anew from one Python to the next, and a code
# is for ever.
_OF_HTTP: Mapping[int, tuple[str, str]] = {
    400: ("bad-request", "the request can't be read"),
    403: ("forbidden", "this is not to be had"),
    404: ("not-found", "there is nothing at this address"),
    405: ("method-not-allowed", "this address has no such method"),
    408: ("too-slow", "the request took too long to come"),
    411: ("length-needed", "the request must say how long it is"),
    413: ("too-large", "the body is larger than this server takes"),
    414: ("address-too-long", "the address is longer than this server takes"),
    415: ("wrong-type", "the body is of a type that this address does not take"),
    417: ("unknown-expectation", "only 100-continue may be expected"),
    426: ("upgrade-needed", "this address speaks WebSocket"),
    503: ("unavailable", "try again later"),
}
_MEMBERS = frozenset({"type", "title", "status", "detail", "instance"})

_STARTED: web.RequestKey[web.StreamResponse] = web.RequestKey("started", web.StreamResponse)


def status_of(kind: type[Exception]) -> HTTPStatus:
    """Return the status of a kind of exception: the nearest class that STATUS names."""
    if issubclass(kind, EvidenceError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if issubclass(kind, Refusal):
        return next((STATUS[c] for c in kind.__mro__ if c in STATUS), DEFAULT)
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(exc: Exception) -> dict[str, object]:
    """Say an exception as a problem (RFC 9457), ready for JSON.

    Call it once for each, where it stops: why evidence was not believed and what an unexpected
    exception was go to the log from here, and not into the problem.
    """
    status = status_of(type(exc))
    match exc:
        case Refusal():
            return _problem(exc.code, status, str(exc), exc.facts())
        case EvidenceError():
            # Told which check failed, a forger would learn how far they got.
            logger.warning("evidence refused", extra={"code": exc.code, "why": str(exc)})
            return _problem(exc.code, status, "the bytes can't be believed")
        case web.HTTPException():
            code, detail = _OF_HTTP.get(exc.status, (f"http-{exc.status}", "the request failed"))
            return _problem(code, exc.status, detail)
        case _:
            incident = uuid.uuid4().hex[:12]
            logger.error("unexpected error", extra={"incident": incident}, exc_info=exc)
            detail = "the fault is the server's; tell its keeper the incident"
            return _problem("internal-error", status, detail, {"incident": incident})


def answer_of(exc: Exception) -> web.Response:
    """Say an exception as an answer, with the headers that its status asks for."""
    problem = problem_of(exc)
    headers: dict[str, str] = {}
    match exc:
        case web.HTTPMethodNotAllowed():
            headers["Allow"] = exc.headers["Allow"]
        case logins.TooManyLogins():
            headers["Retry-After"] = format_datetime(exc.retry_at.astimezone(UTC), usegmt=True)
        case contests.ContestsBusy():
            headers["Retry-After"] = str(exc.retry_after_s)
        case LoginNeeded() | logins.BadLogin():
            headers["WWW-Authenticate"] = "Bearer"
        case _:
            pass
    status = exc.status if isinstance(exc, web.HTTPException) else status_of(type(exc))
    return web.json_response(problem, status=status, headers=headers, content_type=CONTENT_TYPE)


def install(app: web.Application) -> None:
    """Make problems of all exceptions, and put the headers on all answers, of this app.

    Known hole: bytes that are no HTTP, and an unknown `Expect` at an address that does not
    exist, are answered by aiohttp, in plain text, before any application is asked.
    """
    app.middlewares.append(_middleware)
    app.on_response_prepare.append(_on_prepare)


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as exc:  # the one place where exceptions stop
        if isinstance(exc, web.HTTPException) and exc.status < HTTPStatus.BAD_REQUEST:
            raise  # a redirection
        transport = request.transport
        if transport is None or transport.is_closing():
            return web.Response(status=499)  # gone: nobody reads this but the metrics
        if _STARTED not in request:
            return answer_of(exc)
        # A second answer would end up in the middle of the first. What is cut short must look
        # so: a close code on a WebSocket, a broken connection on all others.
        started = request[_STARTED]
        problem_of(exc)
        if isinstance(started, web.WebSocketResponse):
            await started.close(code=1011)
        else:
            transport.abort()
        return started


# connect-src follows default-src, and 'self' covers ws: and wss: of the same host (CSP 3, 6.7.2.8).
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not the versions of what runs here.
    "Server": "proctor",
}

# What a page may ask a browser for. Chromium complains of names that it does not know, so these are
# such as it knows; none of them is needed but the room's own.
_ROOM_NEEDS = ("camera", "fullscreen", "screen-wake-lock", "window-management")
_NEVER = (
    "microphone",
    "geolocation",
    "display-capture",
    "accelerometer",
    "gyroscope",
    "magnetometer",
    "midi",
    "payment",
    "usb",
)
_IN_ROOM = ", ".join([f"{one}=(self)" for one in _ROOM_NEEDS] + [f"{one}=()" for one in _NEVER])
_NOTHING = ", ".join(f"{one}=()" for one in (*_ROOM_NEEDS, *_NEVER))


async def _on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    # A signal and no middleware: a stream or a WebSocket has sent its headers long before its
    # handler returns.
    request[_STARTED] = response
    for name, value in _HEADERS.items():
        response.headers[name] = value
    is_page = response.content_type == "text/html"
    # By the address: a 304 has no type, and its headers become those of the page that it confirms.
    in_room = request.path.startswith("/join/")
    response.headers["Permissions-Policy"] = _IN_ROOM if in_room else _NOTHING
    if in_room or request.path.startswith("/console"):
        # An item's image is asked for with the device's token, which an <img> can't send; the
        # console keeps each picture that it was let see, so that one look is one request.
        response.headers["Content-Security-Policy"] += "; img-src 'self' blob:"
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    elif is_page:
        # Asked for anew each time: the scripts that it names change with every release.
        response.headers.setdefault("Cache-Control", "no-cache")


def answer_of_status(status: int) -> web.Response:
    """Return the answer to what is no HTTP, or more of it than is read: no handler ever saw it."""
    code, detail = _OF_HTTP.get(status, (f"http-{status}", "the request failed"))
    return web.json_response(
        _problem(code, status, detail), status=status, content_type=CONTENT_TYPE
    )


def _problem(
    code: str, status: int, detail: str, facts: Mapping[str, object] | None = None
) -> dict[str, object]:
    told = {
        f"{name}_" if name in _MEMBERS else name: _plain(value)
        for name, value in (facts or {}).items()
    }
    return {
        "type": f"urn:proctor:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        **told,
    }


def _plain(value: object) -> object:
    """Return what JSON has for a fact; text of it for what it has not."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case Mapping():
            return {str(_plain(name)): _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case AbstractSet():
            return sorted((_plain(one) for one in value), key=str)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(asdict(value))
        case _:
            return str(value)
