"""Rehearsals over HTTP: begin one, read what was seen in it, read how ready a cohort is."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from proctor.domain.policy import SystemReport
from proctor.domain.rehearsal import NotARehearsal, TooManyRehearsals
from proctor.domain.session import SessionClosed
from proctor.services.cases import Cases
from proctor.services.journal import milliseconds
from proctor.services.ports import NotFound
from proctor.services.rehearsals import Fit, ReadinessRow, Rehearsals, Seen
from proctor.services.sessions import JoinLinkUnknown
from proctor.web.api import Api, Id, Role, Shape
from proctor.web.auth import learner_of


class RehearsalRequest(Shape):
    token: Annotated[str, StringConstraints(max_length=512)]


class RehearsalLink(Shape):
    join_token: str


Told = Annotated[str, StringConstraints(max_length=200)]


class Computer(Shape):
    """What a computer is, as a hello says it; "" is not known."""

    os: Told = ""
    os_version: Told = ""
    maker: Told = ""
    model: Told = ""
    form: Told = ""


class ComputerRequest(Shape):
    token: Annotated[str, StringConstraints(max_length=512)]
    system: Computer


class ComputerFit(Shape):
    fit: Fit
    now_ms: int


class RehearsalSeen(Shape):
    seen: Seen
    now_ms: int


class Readiness(Shape):
    exam: str
    learners: list[ReadinessRow]
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalDesk:
    """What these routes work with."""

    cases: Cases
    rehearsals: Rehearsals


def add_rehearsal_routes(api: Api, desk: RehearsalDesk) -> None:
    """Declare the routes."""

    @api.route(
        "POST",
        "/api/v1/rehearsal",
        role=Role.ANYONE,
        status=201,
        out=RehearsalLink,
        tags=["learner"],
        errors=[JoinLinkUnknown, SessionClosed, TooManyRehearsals],
    )
    async def rehearse(_request: web.Request, body: RehearsalRequest) -> RehearsalLink:
        """Make a practice session with a join link, which is not used up by it."""
        made = await desk.rehearsals.rehearse(body.token)
        return RehearsalLink(join_token=made.join_token)

    @api.route(
        "POST",
        "/api/v1/computer",
        role=Role.ANYONE,
        out=ComputerFit,
        tags=["learner"],
        errors=[JoinLinkUnknown],
    )
    async def check_computer(_request: web.Request, body: ComputerRequest) -> ComputerFit:
        """Tell whether the exam of a join link can be taken on a computer; nothing is joined."""
        fit = await desk.rehearsals.fit(body.token, SystemReport(**body.system.model_dump()))
        return ComputerFit(fit=fit, now_ms=milliseconds(desk.cases.now()))

    @api.route(
        "GET",
        "/api/v1/session/rehearsal",
        role=Role.LEARNER,
        out=RehearsalSeen,
        tags=["learner"],
        errors=[NotARehearsal],
    )
    async def get_seen(request: web.Request) -> RehearsalSeen:
        """Read what the machine saw in the pictures of one's own rehearsal."""
        seen = await desk.rehearsals.seen(learner_of(request).session)
        return RehearsalSeen(seen=seen, now_ms=milliseconds(desk.cases.now()))

    @api.route(
        "GET",
        "/api/v1/exams/{exam}/readiness",
        role=Role.COURSE_TEAM,
        out=Readiness,
        tags=["exams"],
        errors=[NotFound],
    )
    async def get_readiness(_request: web.Request, exam: Id) -> Readiness:
        """Read who has rehearsed, and what each report says is to be mended."""
        rows = await desk.rehearsals.readiness(exam)
        return Readiness(exam=exam, learners=rows, now_ms=milliseconds(desk.cases.now()))
