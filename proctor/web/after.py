"""What a learner asks after the exam: what was seen, all of it to keep, and how to answer it."""

import asyncio
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from proctor.domain.contest import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENT_NAME_CHARS,
    MAX_ATTACHMENTS,
    MAX_CONTEST_CHARS,
    MAX_CONTEST_FLAGS,
    AttachmentsNotTaken,
    ContestEmpty,
    ContestOfUnknownFlag,
    ContestOver,
    ContestTooLarge,
)
from proctor.domain.moves import IllegalMove
from proctor.domain.viewing import TooManyViewers, ViewerLinkUnknown
from proctor.services.contests import Contests, ContestsBusy, File
from proctor.services.export import Export
from proctor.services.journal import milliseconds
from proctor.services.outcomes import (
    LearnerTimeline,
    NotOverYet,
    Outcomes,
    SessionOutcome,
    UnderReview,
)
from proctor.services.ports import NotFound, StorageFull, Store
from proctor.services.viewers import Viewers
from proctor.web.api import LOOKING_BACK, Api, Role, Sha256, Shape
from proctor.web.auth import learner_of, origin_of_request, session_of
from proctor.web.looks import sent, shown
from proctor.web.problems import InputError, InvalidInput

# Base64 takes four characters for three bytes; what is said beside the files takes little.
_MAX_BASE64 = (MAX_ATTACHMENT_BYTES + 2) // 3 * 4
# Of all bodies under this one there may be as many as of any other route's.
_SMALL_BYTES = 256 * 1024
MAX_CONTEST_BODY_BYTES = MAX_ATTACHMENTS * _MAX_BASE64 + 4 * 1024 * 1024

_BASE64_PART = 64 * 1024  # a multiple of four

_Text = Annotated[str, StringConstraints(max_length=MAX_CONTEST_CHARS)]


class FlagContest(Shape):
    flag: Annotated[str, StringConstraints(max_length=200)]
    text: _Text


class ContestFile(Shape):
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[^\x00-\x1f\x7f/\\]+$", max_length=MAX_ATTACHMENT_NAME_CHARS),
    ]
    type: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}$"),
    ]
    data_base64: Annotated[str, StringConstraints(min_length=4, max_length=_MAX_BASE64)]


class ContestRequest(Shape):
    text: _Text = ""
    flags: Annotated[tuple[FlagContest, ...], Field(max_length=MAX_CONTEST_FLAGS)] = ()
    attachments: Annotated[tuple[ContestFile, ...], Field(max_length=MAX_ATTACHMENTS)] = ()


class ViewerLink(Shape):
    link: str
    token: str
    until_ms: int


class ViewerRequest(Shape):
    token: Annotated[str, StringConstraints(max_length=256)]


class ViewerView(Shape):
    session: str
    exam: str  # its title
    token: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterDesk:
    """What these routes work with."""

    store: Store
    outcomes: Outcomes
    contests: Contests
    export: Export
    viewers: Viewers


def add_after_routes(api: Api, desk: AfterDesk) -> None:
    """Declare the routes."""

    @asynccontextmanager
    async def contest_read(request: web.Request) -> AsyncIterator[None]:
        """Refuse an answer unread that could not be taken, and have few large ones in memory."""
        session = session_of(request)
        await desk.contests.require_open(session)
        length = request.content_length
        # What is compressed may be large however little of it is sent.
        packed = "Content-Encoding" in request.headers
        if length is not None and length <= _SMALL_BYTES and not packed:
            yield
            return
        async with desk.contests.turn(session):
            yield

    @api.route(
        "POST",
        "/api/v1/session/viewer-link",
        role=Role.LEARNER,
        out=ViewerLink,
        tags=["learner"],
        errors=[NotOverYet, TooManyViewers],
    )
    async def offer_viewer_link(request: web.Request) -> ViewerLink:
        """Make a link that lets one browser look, once, at an exam that is over."""
        offered = await desk.viewers.offer(learner_of(request).session)
        # Behind the #: what stands there no browser sends, and no proxy writes down.
        link = f"{origin_of_request(request)}/join/after#{offered.token}"
        return ViewerLink(link=link, token=offered.token, until_ms=milliseconds(offered.until))

    @api.route(
        "POST",
        "/api/v1/viewer",
        role=Role.ANYONE,
        out=ViewerView,
        tags=["learner"],
        errors=[ViewerLinkUnknown],
    )
    async def let_viewer_in(_request: web.Request, body: ViewerRequest) -> ViewerView:
        """Look at an exam that is over, with the link that its device asked for."""
        viewer = await desk.viewers.let_in(body.token)
        return ViewerView(
            session=viewer.session.id,
            exam=viewer.published.exam.title,
            token=viewer.token,
            until_ms=milliseconds(viewer.until),
        )

    @api.route(
        "GET", "/api/v1/session/outcome", role=LOOKING_BACK, out=SessionOutcome, tags=["learner"]
    )
    async def get_outcome(request: web.Request) -> SessionOutcome:
        """Read how far the review is, and once it is decided, what was decided and why."""
        return await desk.outcomes.of(session_of(request))

    @api.route(
        "GET",
        "/api/v1/session/timeline",
        role=LOOKING_BACK,
        out=LearnerTimeline,
        tags=["learner"],
        errors=[NotOverYet],
    )
    async def get_own_timeline(request: web.Request) -> LearnerTimeline:
        """Read all that happened in my session; once it is decided, every flag with its reasons."""
        return await desk.outcomes.timeline(session_of(request))

    @api.route(
        "GET",
        "/api/v1/session/blobs/{sha256}",
        role=LOOKING_BACK,
        raw=True,
        out_type="application/octet-stream",
        tags=["learner"],
        errors=[NotFound, NotOverYet],
    )
    async def get_own_blob(request: web.Request, sha256: Sha256) -> web.Response:
        """Read a picture or file of my session."""
        session = await desk.outcomes.over(session_of(request))
        return shown(await desk.store.blob(session.id, sha256))

    @api.route(
        "GET",
        "/api/v1/session/bundle",
        role=LOOKING_BACK,
        raw=True,
        out_type="application/zip",
        tags=["learner"],
        errors=[NotOverYet, UnderReview],
    )
    async def get_own_bundle(request: web.Request) -> web.StreamResponse:
        """Keep all evidence of my session, once it is decided, as a file that anyone can verify."""
        session = await desk.outcomes.decided(session_of(request))
        return await sent(request, session.id, desk.export.bundle(session.id))

    @api.route(
        "POST",
        "/api/v1/session/contest",
        role=LOOKING_BACK,
        out=SessionOutcome,
        tags=["learner"],
        max_body=MAX_CONTEST_BODY_BYTES,
        around=contest_read,
        errors=[
            IllegalMove,
            ContestOver,
            ContestEmpty,
            ContestTooLarge,
            ContestOfUnknownFlag,
            AttachmentsNotTaken,
            ContestsBusy,
            StorageFull,
        ],
    )
    async def contest(request: web.Request, body: ContestRequest) -> SessionOutcome:
        """Answer the decision on my session, by flags and with files: another person then looks."""
        session = session_of(request)
        await desk.contests.contest(
            session,
            text=body.text,
            flags=[(each.flag, each.text) for each in body.flags],
            files=await asyncio.to_thread(_files, body.attachments),
        )
        return await desk.outcomes.of(session)


def _files(sent: Sequence[ContestFile]) -> list[File]:
    """Decode what was sent with an answer.

    Raises:
        InvalidInput: Some of it is no base64.
    """
    files = []
    for number, each in enumerate(sent):
        try:
            data = b"".join(_decoded(each.data_base64))
        except (NotBase64, ValueError):
            where = f"body.attachments.{number}.data_base64"
            raise InvalidInput(errors=[InputError(where=where, problem="is no base64")]) from None
        files.append(File(name=each.name, type=each.type, data=data))
    return files


def _decoded(text: str) -> Iterator[bytes]:
    """Decode in parts: whoever decodes a whole file keeps all threads waiting for 50 ms."""
    for start in range(0, len(text), _BASE64_PART):
        part = text[start : start + _BASE64_PART]
        if part.endswith("=") and start + _BASE64_PART < len(text):
            raise ValueError("what fills the end up stands before it")
        yield b64decode(part, validate=True)
