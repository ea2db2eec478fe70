"""Pictures and documents over HTTP: a ticket, what it lets one see, and who looked at what."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError

from proctor.domain.review import SessionGoesOn
from proctor.services.export import Export
from proctor.services.look_book import LookView, What, Why
from proctor.services.look_tickets import (
    MAX_TICKET_CHARS,
    LookAtRehearsal,
    LookElsewhere,
    LookExpired,
    LookNotYours,
)
from proctor.services.looks import Looks
from proctor.services.ports import NotFound, StorageFull
from proctor.services.results import Results
from proctor.services.reviews import REVIEWERS
from proctor.web.api import LOOKING_BACK, Api, Id, Role, Sha256, Shape
from proctor.web.auth import session_of, staff_of

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_Ticket = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_TICKET_CHARS}}}$")]
_Sheet = Annotated[int, Field(ge=0, le=100_000)]


class LookRequest(Shape):
    why: Literal[Why.REVIEW, Why.CHECK_IN, Why.HELP, Why.CONTEST, Why.AUDIT]


class WatchRequest(Shape):
    why: Literal[Why.WATCHING]


class LookAnswer(Shape):
    path: str  # append /{session}/{sha256}, or /{session}/strip/{n}
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookDesk:
    """What these routes work with."""

    looks: Looks
    export: Export
    results: Results


def add_look_routes(api: Api, desk: LookDesk) -> None:
    """Declare the routes."""
    looks = desk.looks
    not_for_this = [NotFound, LookExpired, LookNotYours, LookElsewhere, StorageFull]

    def writes_down(what: What) -> Callable[[web.Request], Awaitable[None]]:
        """Return what writes down that one of the staff was refused."""

        async def refused(request: web.Request) -> None:
            # Nothing of the request was looked at: it may be any text.
            session = request.match_info["session"]
            if _ID.fullmatch(session):
                by = staff_of(request).name
                await looks.refused(session, by=by, what=what, why=await _why(request))

        return refused

    async def refused_exam(request: web.Request) -> None:
        if _ID.fullmatch(exam := request.match_info["exam"]):
            await looks.refused_exam(exam, by=staff_of(request).name)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/looks",
        role=Role.PROCTOR,
        out=LookAnswer,
        tags=["looks"],
        errors=[NotFound, LookAtRehearsal, StorageFull],
        refused=writes_down(What.PICTURES),
    )
    async def look_at_session(request: web.Request, session: Id, body: LookRequest) -> LookAnswer:
        """Get an address for the pictures of a session, good for minutes."""
        by = staff_of(request).name
        text, until_ms = await looks.at_session(session, by=by, why=body.why)
        return LookAnswer(path=f"/api/v1/looks/{text}", until_ms=until_ms)

    @api.route(
        "POST",
        "/api/v1/exams/{exam}/looks",
        role=Role.PROCTOR,
        out=LookAnswer,
        tags=["looks"],
        errors=[NotFound, LookAtRehearsal],
        refused=refused_exam,
    )
    async def look_at_exam(request: web.Request, exam: Id, body: WatchRequest) -> LookAnswer:
        """Get an address for the live stills of an exam, good for minutes."""
        assert body.why is Why.WATCHING
        text, until_ms = await looks.at_exam(exam, by=staff_of(request).name)
        return LookAnswer(path=f"/api/v1/looks/{text}", until_ms=until_ms)

    @api.route(
        "GET",
        "/api/v1/looks/{ticket}/{session}/{sha256}",
        role=Role.PROCTOR,
        raw=True,
        out_type="application/octet-stream",
        tags=["looks"],
        errors=not_for_this,
        refused=writes_down(What.PICTURES),
    )
    async def get_picture(
        request: web.Request, ticket: _Ticket, session: Id, sha256: Sha256
    ) -> web.Response:
        """Read a picture or file of a session's evidence."""
        by = staff_of(request).name
        return shown(await looks.picture(ticket, session, sha256, by=by))

    @api.route(
        "GET",
        "/api/v1/looks/{ticket}/{session}/strip/{n}",
        role=Role.PROCTOR,
        raw=True,
        out_type="image/jpeg",
        tags=["looks"],
        errors=not_for_this,
        refused=writes_down(What.THUMBNAILS),
    )
    async def get_strip(
        request: web.Request, ticket: _Ticket, session: Id, n: _Sheet
    ) -> web.Response:
        """Read sixty thumbnails of a session's periodic snapshots, ten in a row, 96 x 72 each.

        In the order of the timeline's snapshots; black where a picture is not held.
        """
        by = staff_of(request).name
        return shown(await looks.sheet(ticket, session, n, by=by))

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/marks/{item}/file",
        role=Role.COURSE_TEAM,
        raw=True,
        out_type="application/octet-stream",
        tags=["exams"],
        errors=[NotFound, LookAtRehearsal, SessionGoesOn, StorageFull],
        refused=writes_down(What.FILE),
    )
    async def get_file_to_mark(request: web.Request, session: Id, item: Id) -> web.Response:
        """Read the file that is an answer which people score."""
        digest = await desk.results.file(session, item)
        file = await looks.handed_in(session, digest, by=staff_of(request).name)
        return web.Response(
            body=file,
            content_type="application/octet-stream",
            headers={"Cache-Control": "no-store", "Content-Disposition": "attachment"},
        )

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/looks",
        role=(Role.PROCTOR, Role.COURSE_TEAM, Role.ADMINISTRATOR),
        out=list[LookView],
        tags=["looks"],
        errors=[NotFound],
    )
    async def list_looks(request: web.Request, session: Id) -> list[LookView]:
        """List who looked at what of a session, when and why; oldest first."""
        staff = staff_of(request)
        # A lead gives verdicts as a proctor does.
        reviewer = staff.name if staff.role in REVIEWERS else None
        return await looks.of(session, reviewer=reviewer)

    @api.route(
        "GET", "/api/v1/session/looks", role=LOOKING_BACK, out=list[LookView], tags=["learner"]
    )
    async def list_my_looks(request: web.Request) -> list[LookView]:
        """List who looked at my pictures and documents, when and why; oldest first."""
        return await looks.of(session_of(request))

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/bundle",
        role=Role.PROCTOR,
        raw=True,
        out_type="application/zip",
        tags=["evidence"],
        errors=[NotFound, LookAtRehearsal, StorageFull],
        refused=writes_down(What.BUNDLE),
    )
    async def get_bundle(
        request: web.Request, session: Id, why: Literal["review", "contest", "audit"] = "review"
    ) -> web.StreamResponse:
        """Export all evidence of a session as one file that anyone can verify."""
        by = staff_of(request).name

        async def note() -> None:
            await looks.note(session, by=by, what=What.BUNDLE, why=Why(why))

        return await sent(request, session, desk.export.bundle(session), before=note)


async def sent(
    request: web.Request,
    session: str,
    bundle: AsyncIterator[bytes],
    *,
    before: Callable[[], Awaitable[None]] | None = None,
) -> web.StreamResponse:
    """Answer with a bundle, a member at a time; `before` is awaited once there is one to send."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{session}.zip"',
            "Cache-Control": "no-store",
        }
    )
    # The first part before the answer begins: an unknown session can still be a 404.
    first = await anext(bundle)
    if before is not None:
        await before()
    await response.prepare(request)
    await response.write(first)
    async for part in bundle:
        await response.write(part)
    await response.write_eof()
    return response


def shown(blob: bytes) -> web.Response:
    """Return the answer that shows a blob, which nobody keeps."""
    # What it is is told by its bytes, never by the learner's device: a page must not come in.
    kind = "image/jpeg" if blob.startswith(b"\xff\xd8\xff") else "application/octet-stream"
    return web.Response(body=blob, content_type=kind, headers={"Cache-Control": "no-store"})


async def _why(request: web.Request) -> Why:
    """Return why somebody who is refused wanted to look, where they say so."""
    try:
        return LookRequest.model_validate_json(await request.read()).why
    except (ValidationError, web.HTTPException):
        return Why.NONE
