"""What reviewers ask over HTTP: the queue, a timeline, verdicts, comments, agreement."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from proctor.domain.acts import RequestReused, StalePage
from proctor.domain.moves import IllegalMove
from proctor.domain.review import (
    MAX_COMMENT_CHARS,
    MAX_FLAG_REASON_CHARS,
    MAX_REASONS_CHARS,
    ActedAlone,
    AnotherPersonNeeded,
    FlagOutcome,
    FlagReasonMissing,
    FlagsNotJudged,
    Outcome,
    OwnWordsMissing,
    QualityJudged,
    ReasonsMissing,
    SessionGoesOn,
    TooManyComments,
)
from proctor.domain.session import ReleasedUnjudged
from proctor.services.agreements import AgreementView, agreement_of
from proctor.services.analysis import NotLookedAtYet
from proctor.services.ports import NotFound, Store
from proctor.services.review_views import CommentView, ReviewView
from proctor.services.reviews import (
    Assigned,
    NoSuchReviewer,
    Queue,
    Reviews,
    Timeline,
    UnknownFlag,
    VerdictTooLarge,
)
from proctor.web.api import Api, Id, Role, Shape
from proctor.web.auth import staff_of

# Sessions assigned by one request, as with acts.
MAX_ASSIGNED = 500
MAX_FLAGS_JUDGED = 1000
_MAX_MS = 4_102_444_800_000  # the year 2100
_DAY_MIN = 24 * 60

# Zero-length reasons pass here: that a reason is missing is a rule's to say, with its own code.
_Reasons = Annotated[str, StringConstraints(max_length=MAX_REASONS_CHARS)]
_FlagReason = Annotated[str, StringConstraints(max_length=MAX_FLAG_REASON_CHARS)]
_FlagId = Annotated[str, StringConstraints(max_length=200)]
_Ms = Annotated[int, Field(ge=0, le=_MAX_MS)]
_Minutes = Annotated[float, Field(ge=0, le=_DAY_MIN)]


class FlagVerdict(Shape):
    flag: _FlagId
    outcome: FlagOutcome
    reason: _FlagReason = ""


class VerdictRequest(Shape):
    outcome: Outcome
    reasons: _Reasons
    flags: Annotated[tuple[FlagVerdict, ...], Field(max_length=MAX_FLAGS_JUDGED)] = ()
    # Every flag that was on the page: one that was raised since is named. None: not said.
    flags_seen: Annotated[tuple[_FlagId, ...], Field(max_length=MAX_FLAGS_JUDGED)] | None = None
    request: UUID | None = None  # sent again with the same, it is given once; pages name it always


class ReviewAnswer(Shape):
    review: ReviewView


class AssignRequest(Shape):
    sessions: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_ASSIGNED)]
    to: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None
    due_at_ms: _Ms | None = None  # None leaves it as it is


class CommentRequest(Shape):
    at_ms: _Ms
    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_COMMENT_CHARS)
    ]

    request: UUID | None = None


class Comments(Shape):
    comments: list[CommentView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDesk:
    """What these routes work with."""

    store: Store
    reviews: Reviews


def add_review_routes(api: Api, desk: ReviewDesk) -> None:
    """Declare the routes."""

    @api.route("GET", "/api/v1/reviews", role=Role.PROCTOR, out=Queue, tags=["review"])
    async def list_reviews(
        request: web.Request, exam: Id | None = None, budget_min: _Minutes | None = None
    ) -> Queue:
        """List sessions, those that need a person first; how many of them fit into some minutes."""
        me = staff_of(request)
        return await desk.reviews.queue(exam, me=me.name, own=me.exams, budget_min=budget_min)

    @api.route(
        "POST",
        "/api/v1/reviews/assign",
        role=Role.PROCTOR,
        out=Assigned,
        tags=["review"],
        errors=[NoSuchReviewer],
    )
    async def assign_reviews(request: web.Request, body: AssignRequest) -> Assigned:
        """Ask one person to look at sessions, and say until when.

        Those of an exam that either of the two is not for fail, and say so.
        """
        due, me = body.due_at_ms, staff_of(request)
        return await desk.reviews.assign(
            body.sessions,
            to=body.to,
            by=me.name,
            own=me.exams,
            due_at=None if due is None else datetime.fromtimestamp(due / 1000, UTC),
        )

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/timeline",
        role=Role.PROCTOR,
        out=Timeline,
        tags=["review"],
        errors=[NotFound],
    )
    async def get_timeline(request: web.Request, session: Id) -> Timeline:
        """Read all that happened in a session."""
        return await desk.reviews.timeline(session, me=staff_of(request).name)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/verdicts",
        role=Role.PROCTOR,
        out=ReviewAnswer,
        tags=["review"],
        errors=[
            NotFound,
            ReasonsMissing,
            FlagReasonMissing,
            FlagsNotJudged,
            QualityJudged,
            OwnWordsMissing,
            AnotherPersonNeeded,
            ActedAlone,
            SessionGoesOn,
            NotLookedAtYet,
            RequestReused,
            ReleasedUnjudged,
            StalePage,
            UnknownFlag,
            VerdictTooLarge,
            IllegalMove,
        ],
    )
    async def give_verdict(request: web.Request, session: Id, body: VerdictRequest) -> ReviewAnswer:
        """Give one person's verdict."""
        review = await desk.reviews.decide(
            session,
            by=staff_of(request).name,
            outcome=body.outcome,
            reasons=body.reasons,
            flags=[(each.flag, each.outcome, each.reason) for each in body.flags],
            flags_seen=body.flags_seen,
            request=_id(body.request),
        )
        return ReviewAnswer(review=review)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/comments",
        role=Role.PROCTOR,
        out=Comments,
        tags=["review"],
        errors=[NotFound, RequestReused, TooManyComments],
    )
    async def comment(request: web.Request, session: Id, body: CommentRequest) -> Comments:
        """Note something at a moment of a session, for staff; until all is decided, for oneself."""
        by, sent = staff_of(request).name, _id(body.request)
        comments = await desk.reviews.note(
            session, by=by, at_ms=body.at_ms, text=body.text, request=sent
        )
        return Comments(comments=comments)

    @api.route(
        "GET",
        "/api/v1/exams/{exam}/agreement",
        role=Role.LEAD,
        out=AgreementView,
        tags=["review"],
        errors=[NotFound],
    )
    async def get_agreement(_request: web.Request, exam: Id) -> AgreementView:
        """Read how far proctors judge alike, over what two of them judged blind."""
        return await agreement_of(desk.store, exam)


def _id(request: UUID | None) -> str:
    return "" if request is None else str(request)
