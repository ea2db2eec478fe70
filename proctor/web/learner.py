"""What a learner's device asks over HTTP: join, check in, open and close sections, hand in."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import StringConstraints

from proctor.domain import session as rules
from proctor.domain.moves import IllegalMove
from proctor.domain.wording import for_learner
from proctor.evidence.note import origin_of
from proctor.services.cases import Cases
from proctor.services.identity import CheckInIncomplete, Identity, SystemRefused
from proctor.services.journal import milliseconds, seconds
from proctor.services.ports import Case, Published
from proctor.services.sessions import (
    BadDeviceKey,
    JoinLinkUnknown,
    JoinLinkUsed,
    Sessions,
    SubmissionMissing,
)
from proctor.services.views import SessionView, view
from proctor.web.api import Api, Id, Role, Shape
from proctor.web.auth import learner_of

_Text = Annotated[str, StringConstraints(max_length=512)]


class JoinRequest(Shape):
    token: _Text
    key: _Text
    proof: _Text
    client: _Text = ""
    kind: Literal["desktop", "browser"]


class SectionOutline(Shape):
    id: str
    title: str
    limit_s: float


class ExamOutline(Shape):
    id: str
    title: str
    sections: list[SectionOutline]
    in_order: bool


class NoticeChapter(Shape):
    heading: str
    lines: list[str]


class CaptureRules(Shape):
    snapshot_every_s: int
    width: int
    height: int
    jpeg_quality: int


class JoinView(Shape):
    session: str
    device: str
    device_token: str
    origin: str
    server_keys: list[str]
    exam: ExamOutline
    policy_sha256: str
    policy: dict[str, Any]
    notice: list[NoticeChapter]
    capture: CaptureRules
    now_ms: int


class OpenSection(Shape):
    section: str
    title: str
    items: list[dict[str, Any]]
    session: SessionView


class ServerKeys(Shape):
    server: str
    keys: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerDesk:
    """What these routes work with."""

    cases: Cases
    sessions: Sessions
    identity: Identity
    server: str
    server_key: str  # VerifierKey.encode()


def add_learner_routes(api: Api, desk: LearnerDesk) -> None:
    """Declare the routes."""

    async def shown(case: Case) -> SessionView:
        published = await desk.cases.published(case.session)
        return view(case.session, published, now=desk.cases.now())

    @api.route(
        "GET", "/.well-known/proctor-keys.json", role=Role.ANYONE, out=ServerKeys, tags=["evidence"]
    )
    async def get_server_keys(_request: web.Request) -> ServerKeys:
        """Read the public keys that this server signs with."""
        return ServerKeys(server=desk.server, keys=[desk.server_key])

    @api.route(
        "POST",
        "/api/v1/join",
        role=Role.ANYONE,
        out=JoinView,
        tags=["learner"],
        errors=[JoinLinkUnknown, JoinLinkUsed, BadDeviceKey, IllegalMove],
    )
    async def join(_request: web.Request, body: JoinRequest) -> JoinView:
        """Join a session with its link; the same device may do so again."""
        joined = await desk.sessions.join(
            body.token, key=body.key, proof=body.proof, kind=body.kind
        )
        session, published = joined.case.session, joined.published
        origin = origin_of(
            server=desk.server, exam=session.exam, session=session.id, device=joined.device.id
        )
        return JoinView(
            session=session.id,
            device=joined.device.id,
            device_token=joined.device_token,
            origin=origin,
            server_keys=[desk.server_key],
            exam=_outline(published),
            policy_sha256=published.policy_sha256,
            policy=json.loads(published.policy_body),
            notice=_notice(published),
            capture=CaptureRules(
                snapshot_every_s=published.policy.capture.snapshot_every_s,
                width=published.policy.capture.max_px,
                height=published.policy.capture.max_px * 3 // 4,
                jpeg_quality=published.policy.capture.quality,
            ),
            now_ms=milliseconds(desk.cases.now()),
        )

    @api.route("GET", "/api/v1/session", role=Role.LEARNER, out=SessionView, tags=["learner"])
    async def get_own_session(request: web.Request) -> SessionView:
        """Read where the session stands."""
        return await shown(await desk.cases.settled(learner_of(request).session))

    @api.route(
        "POST",
        "/api/v1/session/check-in",
        role=Role.LEARNER,
        out=SessionView,
        tags=["learner"],
        errors=[CheckInIncomplete, SystemRefused, IllegalMove],
    )
    async def check_in(request: web.Request) -> SessionView:
        """Check in: the policy is accepted, face and document are captured."""
        learner = learner_of(request)
        return await shown(await desk.identity.check_in(learner.session, learner.device))

    @api.route(
        "POST",
        "/api/v1/session/sections/{section}/open",
        role=Role.LEARNER,
        out=OpenSection,
        tags=["learner"],
        errors=[
            rules.NoSuchSection,
            rules.SectionClosed,
            rules.AnotherSectionFirst,
            rules.OutsideWindow,
            IllegalMove,
        ],
    )
    async def open_section(request: web.Request, section: Id) -> OpenSection:
        """Open a section: its time begins."""
        opened = await desk.sessions.open_section(learner_of(request).session, section)
        return await _open(*opened)

    @api.route(
        "GET",
        "/api/v1/session/sections/{section}",
        role=Role.LEARNER,
        out=OpenSection,
        tags=["learner"],
        errors=[rules.NoSuchSection, rules.SectionNotOpen],
    )
    async def get_section(request: web.Request, section: Id) -> OpenSection:
        """Read a section that is open."""
        return await _open(*await desk.sessions.section(learner_of(request).session, section))

    @api.route(
        "POST",
        "/api/v1/session/sections/{section}/close",
        role=Role.LEARNER,
        out=SessionView,
        tags=["learner"],
        errors=[rules.NoSuchSection, rules.SectionNotOpen, IllegalMove],
    )
    async def close_section(request: web.Request, section: Id) -> SessionView:
        """Hand a section in."""
        return await shown(await desk.sessions.close_section(learner_of(request).session, section))

    @api.route(
        "POST",
        "/api/v1/session/submit",
        role=Role.LEARNER,
        out=SessionView,
        tags=["learner"],
        errors=[SubmissionMissing, IllegalMove],
    )
    async def submit(request: web.Request) -> SessionView:
        """Hand everything in."""
        learner = learner_of(request)
        return await shown(await desk.sessions.submit(learner.session, learner.device))

    async def _open(case: Case, section: dict[str, Any]) -> OpenSection:
        return OpenSection(
            section=section["id"],
            title=section["title"],
            items=section["items"],
            session=await shown(case),
        )


def _outline(published: Published) -> ExamOutline:
    exam = published.exam
    return ExamOutline(
        id=exam.id,
        title=exam.title,
        sections=[
            SectionOutline(id=each.id, title=each.title, limit_s=seconds(each.limit))
            for each in exam.sections
        ],
        in_order=exam.in_order,
    )


def _notice(published: Published) -> list[NoticeChapter]:
    names = {section.id: section.title for section in published.exam.sections}
    return [
        NoticeChapter(heading=chapter.heading, lines=list(chapter.lines))
        for chapter in for_learner(published.policy, names)
    ]
