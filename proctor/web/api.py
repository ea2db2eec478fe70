"""Routes with types: pydantic in and out, and a role without which none can be declared.

    api = Api("Proctor", "1")

    @api.route("GET", "/api/v1/reviews", role=Role.PROCTOR, out=Reviews, tags=["review"])
    async def list_reviews(request: web.Request, exam: Id | None = None) -> Reviews:
        '''List the sessions that need a person.'''

    api.mount(app)

A parameter that the path names comes from the path, one whose type is a pydantic model is the
body, every other comes from the query. `web/auth.py` enforces the roles, `web/problems.py` says
what went wrong, `web/openapi.py` tells all of it to machines.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, TypeAdapter

from proctor.domain.errors import Refusal
from proctor.evidence.errors import EvidenceError
from proctor.web.inputs import BadRoute, Id, Inputs, Sha256, adapter_of, inputs_of

__all__ = [
    "DEVICES",
    "LOOKING_BACK",
    "REFUSED",
    "ROLES",
    "STAFF",
    "Api",
    "BadRoute",
    "CanFail",
    "Id",
    "Operation",
    "Role",
    "Sha256",
    "Shape",
    "undeclared",
]

_Handles = TypeVar("_Handles", bound=Callable[..., Awaitable[object]])
CanFail = type[Refusal | EvidenceError] | int
Refused = Callable[[web.Request], Awaitable[None]]
Around = Callable[[web.Request], AbstractAsyncContextManager[None]]


class Role(StrEnum):
    """Who may call a route. A route names all of its own; what a proctor may, a lead may too."""

    ANYONE = "anyone"
    LEARNER = "learner"
    SECOND_CAMERA = "second-camera"  # a learner's phone
    VIEWER = "viewer"  # a browser that its learner let look once the exam was over
    PROCTOR = "proctor"
    LEAD = "lead"
    COURSE_TEAM = "course-team"
    ADMINISTRATOR = "administrator"


DEVICES = (Role.LEARNER, Role.SECOND_CAMERA)
LOOKING_BACK = (Role.LEARNER, Role.VIEWER)
STAFF = (Role.PROCTOR, Role.LEAD, Role.COURSE_TEAM, Role.ADMINISTRATOR)


class Shape(BaseModel):
    """A JSON object of the API: a key that it does not have is an error, and so are NaN and Inf."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One declared route. `raw`: its handler answers with a response of its own."""

    method: str
    path: str
    handler: Callable[..., Awaitable[object]]
    roles: frozenset[Role]
    inputs: Inputs
    out: TypeAdapter[Any] | None
    out_type: str
    raw: bool
    status: HTTPStatus
    tags: tuple[str, ...]
    errors: tuple[CanFail, ...]
    refused: Refused | None = None
    max_body: int | None = None  # bytes; None: the app's own bound
    around: Around | None = None

    @property
    def name(self) -> str:
        return getattr(self.handler, "__name__", "")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Call the handler with what the request says, validated.

        Raises:
            InvalidInput, NotJson, UnreadableBody: As `Inputs.read` says.
        """
        arguments = await self.inputs.read(request, max_body=self.max_body)
        result = await self.handler(request, **arguments)
        if self.raw:
            if not isinstance(result, web.StreamResponse):
                raise BadRoute(f"{self.name} is raw and returned no response")
            return result
        if self.out is None:
            return web.Response(status=self.status)
        # Validated too, so that a handler of ours can't send what the document does not promise.
        sent = self.out.dump_json(self.out.validate_python(result))
        return web.Response(body=sent, status=self.status, content_type=self.out_type)

    async def answer_within(self, request: web.Request) -> web.StreamResponse:
        """Answer within what is around it, such as a turn."""
        assert self.around is not None
        async with self.around(request):
            return await self.answer(request)


class Api:
    """All that a server offers over HTTP. Declare first, then `mount` once."""

    def __init__(self, title: str, version: str) -> None:
        self.title = title
        self.version = version
        self.operations: list[Operation] = []
        self._pages: list[tuple[str, Handler, frozenset[Role]]] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        role: Role | Iterable[Role],
        out: Any = None,
        out_type: str = "application/json",
        raw: bool = False,
        status: int = 200,
        tags: Sequence[str] = (),
        errors: Sequence[CanFail] = (),
        refused: Refused | None = None,
        max_body: int | None = None,
        around: Around | None = None,
    ) -> Callable[[_Handles], _Handles]:
        """Declare a route; the handler's first line of docstring says what it does.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path: Its parameters look like {session}; a `str` among them means an `Id`.
            role: Who may call it. Role.ANYONE stands alone.
            out: A type that pydantic can say as JSON, or None for no body (or a `raw` one).
            out_type: What is sent, when it is not JSON.
            raw: The handler returns a web.StreamResponse itself: bytes, a stream, or a WebSocket
                (whose `status` is 101).
            status: That of success.
            tags: For the document.
            errors: The refusals and other statuses that callers should expect, for the document.
            refused: Awaited before one of the staff, whose role the route does not name, is
                refused: for what is written down.
            max_body: The bytes that a body may have, where that is not the app's own bound.
            around: Entered before the body is read, and left once the handler is done: for what
                refuses a body unread, or bounds how many are in memory.

        Raises:
            BadRoute: The declaration can't work, or another has its method and path, or its name.
        """

        def declare(handler: _Handles) -> _Handles:
            operation = Operation(
                method=method,
                path=path,
                handler=handler,
                roles=_roles(role),
                inputs=inputs_of(handler, path),
                out=None if out is None else adapter_of(out),
                out_type=out_type,
                raw=raw,
                status=HTTPStatus(status),
                tags=tuple(tags),
                errors=tuple(errors),
                refused=refused,
                max_body=max_body,
                around=around,
            )
            if operation.inputs.body is not None and method in {"GET", "DELETE"}:
                raise BadRoute(f"{method} {path}: a {method} has no body")
            places = {(one.method, _place(one.path)) for one in self.operations}
            if (method, _place(path)) in places:
                raise BadRoute(f"{method} {path} is declared twice")
            if operation.name in {one.name for one in self.operations}:
                raise BadRoute(f"{method} {path}: another route is named {operation.name}")
            self.operations.append(operation)
            return handler

        return declare

    def page(self, path: str, file: Path, *, role: Role | Iterable[Role]) -> None:
        """Serve one file; the path may hold parameters, which the page reads for itself."""

        async def handler(_request: web.Request) -> web.StreamResponse:
            return await _file(file.parent, file.name)

        self._pages.append((path, handler, _roles(role)))

    def static(self, prefix: str, folder: Path, *, role: Role | Iterable[Role]) -> None:
        """Serve the files of a folder, none outside of it, and no lists of them."""

        # Not aiohttp's add_static: it answers an absent file with 404 and no body at all.
        async def handler(request: web.Request) -> web.StreamResponse:
            return await _file(folder, request.match_info["file"])

        self._pages.append((f"{prefix}/{{file:.+}}", handler, _roles(role)))

    def mount(self, app: web.Application) -> None:
        """Add all routes to the app, their roles to app[ROLES], who is told to app[REFUSED]."""
        roles: dict[web.AbstractRoute, frozenset[Role]] = {}
        refused: dict[web.AbstractRoute, Refused] = {}
        for one in self.operations:
            # An uplink's is held for hours, and has no need of a block that does nothing.
            answer = one.answer if one.around is None else one.answer_within
            route = app.router.add_route(one.method, one.path, answer, expect_handler=_continue)
            roles[route] = one.roles
            if one.refused is not None:
                refused[route] = one.refused
        for path, handler, allowed in self._pages:
            resource = app.router.add_resource(path)
            for method in ("GET", "HEAD"):
                route = resource.add_route(method, handler, expect_handler=_continue)
                roles[route] = allowed
        app[ROLES] = roles
        app[REFUSED] = refused


ROLES: web.AppKey[dict[web.AbstractRoute, frozenset[Role]]] = web.AppKey("roles")
REFUSED: web.AppKey[dict[web.AbstractRoute, Refused]] = web.AppKey("refused")


def undeclared(app: web.Application) -> list[str]:
    """Return the routes of the app that state no role, for the test which refuses them."""
    roles = app.get(ROLES, {})
    return [f"{one.method} {one.resource}" for one in app.router.routes() if one not in roles]


def _roles(role: Role | Iterable[Role]) -> frozenset[Role]:
    roles = frozenset({role} if isinstance(role, Role) else role)
    if not roles or (Role.ANYONE in roles and len(roles) > 1):
        raise BadRoute("a route has roles, or is for anyone")
    return roles | {Role.LEAD} if Role.PROCTOR in roles else roles


def _place(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


async def _file(folder: Path, name: str) -> web.StreamResponse:
    def find() -> Path | None:
        try:
            path = (folder / name).resolve()
            inside = path.is_relative_to(folder.resolve())
            return path if inside and path.is_file() else None
        except (OSError, ValueError):  # too long for a name, or a zero byte in it
            return None

    path = await asyncio.to_thread(find)
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path)


async def _continue(request: web.Request) -> None:
    # aiohttp's own refuses what else is expected before any middleware could make a problem of
    # it; RFC 9110, 10.1.1 allows to ignore it.
    if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # what follows is the answer's beginning
