"""What staff ask over HTTP: exams, invitations, where a session stands, results."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from proctor.domain import session as rules
from proctor.domain.flag_words import rule_words
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.review import ResultsHeld, SessionGoesOn
from proctor.domain.scoring import BadMark, MarkChanged, MarkReleased, TooManyMarks
from proctor.domain.wording import for_proctor
from proctor.services.analysis import NotLookedAtYet
from proctor.services.cases import Cases
from proctor.services.own_exams import is_among
from proctor.services.ports import Case, NotFound, Store
from proctor.services.results import ExamMarking, Marking, Released, Results, ResultView
from proctor.services.sessions import (
    MAX_ACCOUNT_CHARS,
    MAX_EMAIL_CHARS,
    MAX_GROUP_CHARS,
    BadInvitation,
    Sessions,
)
from proctor.services.timeline import Story, story
from proctor.services.views import SessionView, view
from proctor.web.api import Api, Id, Role, Shape
from proctor.web.auth import origin_of_request, staff_of


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
    group: Annotated[str, StringConstraints(max_length=MAX_GROUP_CHARS)] = ""
    # The learner's in the course team's own system: tells apart two learners of one name, and one
    # who has two accounts under one name.
    account: Annotated[str, StringConstraints(max_length=MAX_ACCOUNT_CHARS)] = ""


class InvitationView(Shape):
    session: str
    join_token: str
    join_link: str


Points = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=3)]


class MarkRequest(Shape):
    item: Id
    points: Points
    was: Points | None = None  # what stood there; null: nothing


class PolicyChapter(Shape):
    heading: str
    lines: list[str]


class RuleWords(Shape):
    rule: str  # by which it is lifted; several may have one
    words: str


class SessionPolicy(Shape):
    """What holds for all learners of a session's exam; what is permitted to one is in its view."""

    title: str
    sha256: str
    terminate_needs: int  # people
    chapters: list[PolicyChapter]
    rules: list[RuleWords]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleDesk:
    """What these routes work with."""

    store: Store
    cases: Cases
    sessions: Sessions
    results: Results


def add_console_routes(api: Api, desk: ConsoleDesk) -> None:
    """Declare the routes."""
    watching = (Role.PROCTOR, Role.COURSE_TEAM)

    async def shown(case: Case) -> SessionView:
        published = await desk.cases.published(case.session)
        before = desk.cases.held_before(case.session)
        return view(case.session, published, now=desk.cases.now(), held_before=before, staff=True)

    @api.route("GET", "/api/v1/exams", role=watching, out=list[ExamRow], tags=["exams"])
    async def list_exams(request: web.Request) -> list[ExamRow]:
        """List the exams published here, those of one's own."""
        own = staff_of(request).exams
        return [
            ExamRow(
                id=published.exam.id,
                title=published.exam.title,
                policy=published.policy.id,
                sections=len(published.exam.sections),
                sessions=count,
            )
            for published, count in await desk.store.exams()
            if published.exam.id != PRACTICE_EXAM and is_among(published.exam.id, own)
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
            group=body.group,
            account=body.account,
        )
        return InvitationView(
            session=invitation.session,
            join_token=invitation.join_token,
            join_link=f"{origin_of_request(request)}/join/{invitation.join_token}",
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
        "/api/v1/sessions/{session}/policy",
        role=watching,
        out=SessionPolicy,
        tags=["review"],
        errors=[NotFound],
    )
    async def get_session_policy(_request: web.Request, session: Id) -> SessionPolicy:
        """Read what a proctor goes by in a session."""
        case = await desk.cases.get(session)
        published = await desk.cases.published(case.session)
        names = {section.id: section.title for section in published.exam.sections}
        return SessionPolicy(
            title=published.policy.title,
            sha256=published.policy_sha256,
            terminate_needs=published.policy.review.terminate_needs,
            chapters=[
                PolicyChapter(heading=chapter.heading, lines=list(chapter.lines))
                for chapter in for_proctor(published.policy, names)
            ],
            rules=[
                RuleWords(rule=rule.when, words=rule_words(rule)) for rule in published.policy.flags
            ],
        )

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/story",
        role=Role.PROCTOR,
        out=Story,
        tags=["wall"],
        errors=[NotFound],
    )
    async def get_story(_request: web.Request, session: Id) -> Story:
        """Read what was said, flagged and missed in a session so far, to help its learner."""
        case = await desk.cases.settled(session)
        return await story(desk.store, case.session, await desk.cases.published(case.session))

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
        "GET",
        "/api/v1/exams/{exam}/marks",
        role=Role.COURSE_TEAM,
        out=ExamMarking,
        tags=["exams"],
        errors=[NotFound],
    )
    async def list_marking(_request: web.Request, exam: Id) -> ExamMarking:
        """List the sessions of an exam whose answers people can score."""
        return await desk.results.to_mark(exam)

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/marks",
        role=Role.COURSE_TEAM,
        out=Marking,
        tags=["exams"],
        errors=[NotFound, SessionGoesOn],
    )
    async def get_marks(_request: web.Request, session: Id) -> Marking:
        """Read the answers that no machine can score, and the marks they were given."""
        return await desk.results.marking(session)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/marks",
        role=Role.COURSE_TEAM,
        out=Marking,
        tags=["exams"],
        errors=[NotFound, SessionGoesOn, BadMark, MarkChanged, MarkReleased, TooManyMarks],
    )
    async def give_mark(request: web.Request, session: Id, body: MarkRequest) -> Marking:
        """Give an answer points, or others than it was given: until the result is released."""
        return await desk.results.mark(
            session, body.item, points=body.points, was=body.was, by=staff_of(request).name
        )

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/result/release",
        role=Role.COURSE_TEAM,
        out=SessionView,
        tags=["exams"],
        errors=[NotFound, rules.NotDecidedYet, NotLookedAtYet, ResultsHeld],
    )
    async def release_result(request: web.Request, session: Id) -> SessionView:
        """Let the learner see what the answers score, once decided or where nobody has to."""
        return await shown(await desk.results.release(session, by=staff_of(request).name))

    @api.route(
        "POST",
        "/api/v1/exams/{exam}/results/release",
        role=Role.COURSE_TEAM,
        out=Released,
        tags=["exams"],
        errors=[NotFound],
    )
    async def release_results(request: web.Request, exam: Id) -> Released:
        """Release all results of an exam that can be, each by itself; the others say why not."""
        return await desk.results.release_all(exam, by=staff_of(request).name)
