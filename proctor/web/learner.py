"""What a learner's device asks over HTTP: join, check in, open and close sections, hand in."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import StringConstraints

from proctor.domain import session as rules
from proctor.domain.devices import (
    AskDecided,
    AskState,
    DeviceNameTaken,
    NoSuchAsk,
    TooManyAsks,
)
from proctor.domain.exam import Exam
from proctor.domain.moves import IllegalMove
from proctor.domain.rehearsal import chapter as rehearsal_chapter
from proctor.domain.second_camera import NoSecondCamera, TooManyPhones
from proctor.domain.wording import for_learner
from proctor.evidence.note import origin_of
from proctor.services.cases import Cases
from proctor.services.identity import CheckInIncomplete, Identity, SystemRefused
from proctor.services.journal import milliseconds, seconds
from proctor.services.ports import Case, NotFound, Published
from proctor.services.rehearsals import exam_rehearsed
from proctor.services.results import GivenAnswer, Results
from proctor.services.second_cameras import SecondCameras, as_phone_sees, is_phone_link
from proctor.services.sessions import (
    BadDeviceKey,
    JoinLinkUnknown,
    JoinLinkUsed,
    Sessions,
    SubmissionMissing,
)
from proctor.services.views import SessionView, view
from proctor.web.acts import DeviceDecision
from proctor.web.api import DEVICES, Api, Id, Role, Sha256, Shape
from proctor.web.auth import learner_of, origin_of_request

_Text = Annotated[str, StringConstraints(max_length=512)]


class JoinRequest(Shape):
    token: _Text
    key: _Text
    proof: _Text
    client: _Text = ""
    kind: Literal["desktop", "browser"]


class AskAnswer(Shape):
    session: str
    state: Literal["waiting", "admitted"]
    now_ms: int


class GivenAnswers(Shape):
    answers: list[GivenAnswer]


class SectionOutline(Shape):
    id: str
    title: str
    limit_s: float


class ExamOutline(Shape):
    id: str
    title: str
    sections: list[SectionOutline]
    in_order: bool
    practice: bool = False  # a rehearsal: nothing counts


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
    device_kind: str  # as it said; "phone" where the link was a second camera's
    device_token: str
    origin: str
    server_keys: list[str]
    exam: ExamOutline
    policy_sha256: str
    policy: dict[str, Any]
    notice: list[NoticeChapter]
    capture: CaptureRules
    now_ms: int


class SecondCameraLink(Shape):
    join_token: str
    link: str


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
    phones: SecondCameras
    identity: Identity
    results: Results
    server: str
    server_key: str  # VerifierKey.encode()


def add_learner_routes(api: Api, desk: LearnerDesk) -> None:
    """Declare the routes."""

    async def shown(case: Case) -> SessionView:
        published = await desk.cases.published(case.session)
        before = desk.cases.held_before(case.session)
        return view(case.session, published, now=desk.cases.now(), held_before=before)

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
        errors=[
            JoinLinkUnknown,
            JoinLinkUsed,
            BadDeviceKey,
            DeviceNameTaken,
            rules.SessionClosed,
            IllegalMove,
        ],
    )
    async def join(_request: web.Request, body: JoinRequest) -> JoinView:
        """Join a session with its link; the same device may do so again."""
        if is_phone_link(body.token):
            joined = await desk.phones.join(body.token, key=body.key, proof=body.proof)
        else:
            joined = await desk.sessions.join(
                body.token, key=body.key, proof=body.proof, kind=body.kind
            )
        session, published = joined.case.session, joined.published
        rehearsed = await exam_rehearsed(desk.cases, session)
        origin = origin_of(
            server=desk.server, exam=session.exam, session=session.id, device=joined.device.id
        )
        return JoinView(
            session=session.id,
            device=joined.device.id,
            device_kind=joined.device.kind,
            device_token=joined.device_token,
            origin=origin,
            server_keys=[desk.server_key],
            exam=_outline(published, practice=rehearsed is not None),
            policy_sha256=published.policy_sha256,
            policy=json.loads(published.policy_body),
            notice=_notice(published, rehearsed),
            capture=CaptureRules(
                snapshot_every_s=published.policy.capture.snapshot_every_s,
                width=published.policy.capture.max_px,
                height=published.policy.capture.max_px * 3 // 4,
                jpeg_quality=published.policy.capture.quality,
            ),
            now_ms=milliseconds(desk.cases.now()),
        )

    @api.route(
        "POST",
        "/api/v1/join/ask",
        role=Role.ANYONE,
        out=AskAnswer,
        tags=["learner"],
        errors=[JoinLinkUnknown, BadDeviceKey, DeviceNameTaken, TooManyAsks],
    )
    async def ask_to_join(_request: web.Request, body: JoinRequest) -> AskAnswer:
        """Ask to go on with a session that another device has."""
        case, state = await desk.sessions.ask(
            body.token, key=body.key, proof=body.proof, kind=body.kind
        )
        return AskAnswer(
            session=case.session.id,
            state="admitted" if state is AskState.ADMITTED else "waiting",
            now_ms=milliseconds(desk.cases.now()),
        )

    @api.route(
        "POST",
        "/api/v1/session/devices/{device}",
        role=Role.LEARNER,
        out=SessionView,
        tags=["learner"],
        errors=[NoSuchAsk, AskDecided],
    )
    async def decide_device(request: web.Request, device: Id, body: DeviceDecision) -> SessionView:
        """Let another device that asked go on with this session, or not."""
        session = learner_of(request).session
        return await shown(
            await desk.sessions.decide_device(session, device, body.decision, by="learner")
        )

    @api.route(
        "POST",
        "/api/v1/session/second-camera",
        role=Role.LEARNER,
        out=SecondCameraLink,
        tags=["learner"],
        errors=[NoSecondCamera, TooManyPhones, rules.SessionClosed],
    )
    async def ask_second_camera(request: web.Request) -> SecondCameraLink:
        """Make a link that makes a phone the second camera; the one before is replaced."""
        token = await desk.phones.ask(learner_of(request).session)
        return SecondCameraLink(join_token=token, link=f"{origin_of_request(request)}/join/{token}")

    @api.route("GET", "/api/v1/session", role=DEVICES, out=SessionView, tags=["learner"])
    async def get_own_session(request: web.Request) -> SessionView:
        """Read where the session stands."""
        learner = learner_of(request)
        found = await shown(await desk.cases.settled(learner.session))
        return as_phone_sees(found) if learner.second_camera else found

    @api.route(
        "GET", "/api/v1/session/answers", role=Role.LEARNER, out=GivenAnswers, tags=["learner"]
    )
    async def get_answers(request: web.Request) -> GivenAnswers:
        """Read the answers that count, from whichever device they came."""
        return GivenAnswers(answers=await desk.results.given(learner_of(request).session))

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
        "GET",
        "/api/v1/session/images/{sha256}",
        role=Role.LEARNER,
        raw=True,
        out_type="image/*",
        tags=["learner"],
        errors=[NotFound],
    )
    async def get_image(request: web.Request, sha256: Sha256) -> web.Response:
        """Read an image that an item of an open section shows."""
        image, data = await desk.sessions.image(learner_of(request).session, sha256)
        return web.Response(body=data, content_type=image.type)

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


def _outline(published: Published, *, practice: bool) -> ExamOutline:
    exam = published.exam
    return ExamOutline(
        id=exam.id,
        title=exam.title,
        sections=[
            SectionOutline(id=each.id, title=each.title, limit_s=seconds(each.limit))
            for each in exam.sections
        ],
        in_order=exam.in_order,
        practice=practice,
    )


def _notice(published: Published, rehearsed: Exam | None) -> list[NoticeChapter]:
    names = {section.id: section.title for section in published.exam.sections}
    first = [] if rehearsed is None else [rehearsal_chapter(rehearsed.title)]
    return [
        NoticeChapter(heading=chapter.heading, lines=list(chapter.lines))
        for chapter in (*first, *for_learner(published.policy, names))
    ]
