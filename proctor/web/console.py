"""What staff ask over HTTP: invitations, the queue of reviews, one session, verdicts, bundles."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from proctor.domain import session as rules
from proctor.domain.devices import AskDecided, Decision, NoSuchAsk
from proctor.domain.help import NobodyCalls
from proctor.domain.moves import IllegalMove
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.review import (
    MAX_REASONS_CHARS,
    AnotherPersonNeeded,
    FlagOutcome,
    Outcome,
    ReasonsMissing,
    SessionGoesOn,
)
from proctor.services.cases import Cases
from proctor.services.export import Export
from proctor.services.ports import Case, NotFound, Store
from proctor.services.results import Results, ResultView
from proctor.services.reviews import (
    NotLookedAtYet,
    PicturesView,
    ReviewRow,
    Reviews,
    ReviewView,
    Timeline,
    UnknownFlag,
    review_view,
)
from proctor.services.sessions import (
    MAX_EMAIL_CHARS,
    Act,
    ActReasonMissing,
    BadInvitation,
    Sessions,
)
from proctor.services.views import SessionView, view
from proctor.web.api import Api, Id, Role, Sha256, Shape
from proctor.web.auth import origin_of_request, staff_of

# Zero-length reasons pass here: that a reason is missing is a rule's to say, with its own code.
_Reason = Annotated[str, StringConstraints(max_length=MAX_REASONS_CHARS)]


class ExamRow(Shape):
    id: str
    title: str
    policy: str
    sections: int
    sessions: int


class InviteRequest(Shape):
    learner: Annotated[str, StringConstraints(max_length=200)]
    time_factor: Decimal = Decimal(1)
    extra_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    email: Annotated[str, StringConstraints(max_length=MAX_EMAIL_CHARS)] = ""


class InvitationView(Shape):
    session: str
    join_token: str
    join_link: str


class ReviewQueue(Shape):
    reviews: list[ReviewRow]
    pictures: PicturesView


class FlagVerdict(Shape):
    flag: Annotated[str, StringConstraints(max_length=200)]
    outcome: FlagOutcome


class VerdictRequest(Shape):
    outcome: Outcome
    reasons: _Reason
    flags: Annotated[tuple[FlagVerdict, ...], Field(max_length=1000)] = ()


class ReviewAnswer(Shape):
    review: ReviewView


class DeviceDecision(Shape):
    decision: Decision


class ActRequest(Shape):
    act: Act
    reason: _Reason
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleDesk:
    """What these routes work with."""

    store: Store
    cases: Cases
    sessions: Sessions
    reviews: Reviews
    results: Results
    export: Export


def add_console_routes(api: Api, desk: ConsoleDesk) -> None:
    """Declare the routes."""
    watching = (Role.PROCTOR, Role.COURSE_TEAM)

    async def shown(case: Case) -> SessionView:
        published = await desk.cases.published(case.session)
        before = desk.cases.held_before(case.session)
        return view(case.session, published, now=desk.cases.now(), held_before=before, staff=True)

    @api.route("GET", "/api/v1/exams", role=watching, out=list[ExamRow], tags=["exams"])
    async def list_exams(_request: web.Request) -> list[ExamRow]:
        """List the exams published here."""
        return [
            ExamRow(
                id=published.exam.id,
                title=published.exam.title,
                policy=published.policy.id,
                sections=len(published.exam.sections),
                sessions=count,
            )
            for published, count in await desk.store.exams()
            if published.exam.id != PRACTICE_EXAM
        ]

    @api.route(
        "POST",
        "/api/v1/exams/{exam}/sessions",
        role=Role.COURSE_TEAM,
        status=201,
        out=InvitationView,
        tags=["exams"],
        errors=[NotFound, BadInvitation],
    )
    async def invite(request: web.Request, exam: Id, body: InviteRequest) -> InvitationView:
        """Invite a learner: a session, and the link that joins it."""
        invitation = await desk.sessions.invite(
            exam,
            learner=body.learner,
            time_factor=body.time_factor,
            extra=timedelta(seconds=body.extra_s),
            email=body.email,
        )
        return InvitationView(
            session=invitation.session,
            join_token=invitation.join_token,
            join_link=f"{origin_of_request(request)}/join/{invitation.join_token}",
        )

    @api.route("GET", "/api/v1/reviews", role=Role.PROCTOR, out=ReviewQueue, tags=["review"])
    async def list_reviews(request: web.Request, exam: Id | None = None) -> ReviewQueue:
        """List sessions, those that need a person first."""
        me = staff_of(request).name
        return ReviewQueue(
            reviews=await desk.reviews.queue(exam, me=me), pictures=desk.reviews.pictures()
        )

    @api.route(
        "GET",
        "/api/v1/sessions/{session}",
        role=watching,
        out=SessionView,
        tags=["review"],
        errors=[NotFound],
    )
    async def get_session(_request: web.Request, session: Id) -> SessionView:
        """Read where a session stands."""
        return await shown(await desk.cases.settled(session))

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
        "GET",
        "/api/v1/sessions/{session}/result",
        role=Role.COURSE_TEAM,
        out=ResultView,
        tags=["exams"],
        errors=[NotFound],
    )
    async def get_result(_request: web.Request, session: Id) -> ResultView:
        """Read what a session's answers score."""
        return await desk.results.result(session)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/result/release",
        role=Role.COURSE_TEAM,
        out=SessionView,
        tags=["exams"],
        errors=[NotFound, rules.NotDecidedYet],
    )
    async def release_result(request: web.Request, session: Id) -> SessionView:
        """Let the learner see what the answers score."""
        return await shown(await desk.results.release(session, by=staff_of(request).name))

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/blobs/{sha256}",
        role=Role.PROCTOR,
        raw=True,
        out_type="application/octet-stream",
        tags=["review"],
        errors=[NotFound],
    )
    async def get_blob(_request: web.Request, session: Id, sha256: Sha256) -> web.Response:
        """Read a picture or file of a session's evidence."""
        blob = await desk.store.blob(session, sha256)
        # What it is is told by its bytes, never by the learner's device: a page must not come in.
        kind = "image/jpeg" if blob.startswith(b"\xff\xd8\xff") else "application/octet-stream"
        return web.Response(body=blob, content_type=kind, headers={"Cache-Control": "no-store"})

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/verdicts",
        role=Role.PROCTOR,
        out=ReviewAnswer,
        tags=["review"],
        errors=[
            NotFound,
            ReasonsMissing,
            AnotherPersonNeeded,
            SessionGoesOn,
            NotLookedAtYet,
            UnknownFlag,
            IllegalMove,
        ],
    )
    async def give_verdict(request: web.Request, session: Id, body: VerdictRequest) -> ReviewAnswer:
        """Give one person's verdict."""
        case = await desk.reviews.decide(
            session,
            by=staff_of(request).name,
            outcome=body.outcome,
            reasons=body.reasons,
            flags=[(each.flag, each.outcome) for each in body.flags],
        )
        published = await desk.cases.published(case.session)
        return ReviewAnswer(review=review_view(case.session.review, published))

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/acts",
        role=Role.PROCTOR,
        out=SessionView,
        tags=["review"],
        errors=[
            NotFound,
            ActReasonMissing,
            NobodyCalls,
            rules.BadGrant,
            rules.SectionNotOpen,
            IllegalMove,
        ],
    )
    async def act(request: web.Request, session: Id, body: ActRequest) -> SessionView:
        """Pause, resume or terminate a session, give it time, or answer its learner's call."""
        by = staff_of(request).name
        return await shown(
            await desk.sessions.act(
                session, body.act, by=by, reason=body.reason, section_s=body.seconds
            )
        )

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/devices/{device}",
        role=Role.PROCTOR,
        out=SessionView,
        tags=["review"],
        errors=[NotFound, NoSuchAsk, AskDecided],
    )
    async def decide_session_device(
        request: web.Request, session: Id, device: Id, body: DeviceDecision
    ) -> SessionView:
        """Let another device that asked go on with a session, or not."""
        by = staff_of(request).name
        return await shown(await desk.sessions.decide_device(session, device, body.decision, by=by))

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/bundle",
        role=Role.PROCTOR,
        raw=True,
        out_type="application/zip",
        tags=["evidence"],
        errors=[NotFound],
    )
    async def get_bundle(request: web.Request, session: Id) -> web.StreamResponse:
        """Export all evidence of a session as one file that anyone can verify."""
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip",
                "Content-Disposition": f'attachment; filename="{session}.zip"',
                "Cache-Control": "no-store",
            }
        )
        parts = desk.export.bundle(session)
        # The first part before the answer begins: an unknown session can still be a 404.
        first = await anext(parts)
        await response.prepare(request)
        await response.write(first)
        async for part in parts:
            await response.write(part)
        await response.write_eof()
        return response
