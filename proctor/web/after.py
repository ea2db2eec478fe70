"""What a learner asks after the exam: what was seen, all of it to keep, and how to answer it."""

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, Field, StringConstraints

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
from proctor.services.contests import Contests, File
from proctor.services.export import Export
from proctor.services.outcomes import (
    LearnerTimeline,
    NotOverYet,
    Outcomes,
    SessionOutcome,
    UnderReview,
)
from proctor.services.ports import NotFound, StorageFull, Store
from proctor.web.api import Api, Role, Sha256, Shape
from proctor.web.auth import learner_of
from proctor.web.looks import sent, shown

# Base64 takes four characters for three bytes; what is said beside the files takes little.
_MAX_BASE64 = (MAX_ATTACHMENT_BYTES + 2) // 3 * 4
MAX_CONTEST_BODY_BYTES = MAX_ATTACHMENTS * _MAX_BASE64 + 4 * 1024 * 1024

_Text = Annotated[str, StringConstraints(max_length=MAX_CONTEST_CHARS)]


def _is_base64(text: str) -> str:
    try:
        b64decode(text, validate=True)
    except NotBase64:
        raise ValueError("is no base64") from None
    return text


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
    data_base64: Annotated[
        str,
        StringConstraints(min_length=4, max_length=_MAX_BASE64),
        AfterValidator(_is_base64),
    ]


class ContestRequest(Shape):
    text: _Text = ""
    flags: Annotated[tuple[FlagContest, ...], Field(max_length=MAX_CONTEST_FLAGS)] = ()
    attachments: Annotated[tuple[ContestFile, ...], Field(max_length=MAX_ATTACHMENTS)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterDesk:
    """What these routes work with."""

    store: Store
    outcomes: Outcomes
    contests: Contests
    export: Export


def add_after_routes(api: Api, desk: AfterDesk) -> None:
    """Declare the routes."""

    @api.route(
        "GET", "/api/v1/session/outcome", role=Role.LEARNER, out=SessionOutcome, tags=["learner"]
    )
    async def get_outcome(request: web.Request) -> SessionOutcome:
        """Read how far the review is, and once it is decided, what was decided and why."""
        return await desk.outcomes.of(learner_of(request).session)

    @api.route(
        "GET",
        "/api/v1/session/timeline",
        role=Role.LEARNER,
        out=LearnerTimeline,
        tags=["learner"],
        errors=[NotOverYet],
    )
    async def get_own_timeline(request: web.Request) -> LearnerTimeline:
        """Read all that happened in my session; once it is decided, every flag with its reasons."""
        return await desk.outcomes.timeline(learner_of(request).session)

    @api.route(
        "GET",
        "/api/v1/session/blobs/{sha256}",
        role=Role.LEARNER,
        raw=True,
        out_type="application/octet-stream",
        tags=["learner"],
        errors=[NotFound, NotOverYet],
    )
    async def get_own_blob(request: web.Request, sha256: Sha256) -> web.Response:
        """Read a picture or file of my session."""
        session = await desk.outcomes.over(learner_of(request).session)
        return shown(await desk.store.blob(session.id, sha256))

    @api.route(
        "GET",
        "/api/v1/session/bundle",
        role=Role.LEARNER,
        raw=True,
        out_type="application/zip",
        tags=["learner"],
        errors=[NotOverYet, UnderReview],
    )
    async def get_own_bundle(request: web.Request) -> web.StreamResponse:
        """Keep all evidence of my session, once it is decided, as a file that anyone can verify."""
        session = await desk.outcomes.decided(learner_of(request).session)
        return await sent(request, session.id, desk.export.bundle(session.id))

    @api.route(
        "POST",
        "/api/v1/session/contest",
        role=Role.LEARNER,
        out=SessionOutcome,
        tags=["learner"],
        max_body=MAX_CONTEST_BODY_BYTES,
        errors=[
            IllegalMove,
            ContestOver,
            ContestEmpty,
            ContestTooLarge,
            ContestOfUnknownFlag,
            AttachmentsNotTaken,
            StorageFull,
        ],
    )
    async def contest(request: web.Request, body: ContestRequest) -> SessionOutcome:
        """Answer the decision on my session, by flags and with files: another person then looks."""
        session = learner_of(request).session
        await desk.contests.contest(
            session,
            text=body.text,
            flags=[(each.flag, each.text) for each in body.flags],
            files=[
                File(name=each.name, type=each.type, data=b64decode(each.data_base64))
                for each in body.attachments
            ],
        )
        return await desk.outcomes.of(session)
