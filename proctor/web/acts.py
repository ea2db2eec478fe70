"""What proctors do to sessions, over HTTP: acts on one and on many, announcements, devices."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from proctor.domain import session as rules
from proctor.domain.acts import (
    MAX_NOTE_CHARS,
    REASONS,
    Act,
    ActIncomplete,
    ActKind,
    ActNotUndoable,
    ActReasonMissing,
    NoSuchAct,
    NoSuchReason,
    NoSuchRule,
    NothingProposed,
    RequestReused,
    RuleUnchanged,
    StalePage,
    StaleProposal,
    TerminationProposed,
    TooManyActs,
    Wanted,
)
from proctor.domain.devices import AskDecided, Decision, NoSuchAsk
from proctor.domain.help import NobodyCalls
from proctor.domain.moves import IllegalMove
from proctor.domain.review import AnotherPersonNeeded
from proctor.services.acts import Acts, Batch, FailedView, OneOfMany
from proctor.services.cases import Cases
from proctor.services.ports import Case, NotFound
from proctor.services.views import ActView, SessionView, act_views, view
from proctor.web.api import STAFF, Api, Id, Role, Shape
from proctor.web.auth import staff_of

# Empty ones pass here: that a reason is missing is a rule's to say, with its own code.
_Note = Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARS)]
_Word = Annotated[str, StringConstraints(max_length=200)]
SESSIONS_MOST = 500

# What an act can be refused for, beside the session's absence.
_REFUSED = (
    ActReasonMissing,
    NoSuchReason,
    ActIncomplete,
    StalePage,
    rules.SessionClosed,
    IllegalMove,
    rules.SectionNotOpen,
    rules.BadGrant,
    NoSuchRule,
    RuleUnchanged,
    NothingProposed,
    StaleProposal,
    TerminationProposed,
    AnotherPersonNeeded,
    NobodyCalls,
    NoSuchAsk,
    AskDecided,
    NoSuchAct,
    ActNotUndoable,
    TooManyActs,
    RequestReused,
)


class DeviceDecision(Shape):
    decision: Decision
    code: _Word = ""
    note: _Note = ""


class ActReason(Shape):
    code: str
    words: str


class ActReasons(Shape):
    category: str
    words: str
    reasons: list[ActReason]


class _Asked(Shape):
    # Made anew for each decision, and kept where it is sent again: what was done for it is not
    # done a second time. Without it, what is sent twice is done twice, and browsers may send a
    # request twice by themselves: pages name it always.
    request: UUID | None = None

    @property
    def request_id(self) -> str:
        return "" if self.request is None else str(self.request)


class _Act(_Asked):
    act: ActKind
    code: _Word = ""
    note: _Note = ""
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    rule: _Word = ""
    of: _Word = ""

    def wanted(self) -> Wanted:
        return Wanted(
            kind=self.act,
            code=self.code,
            note=self.note,
            seconds=self.seconds,
            rule=self.rule,
            of=self.of,
            request=self.request_id,
        )


class ActRequest(_Act):
    version: Annotated[int, Field(ge=0)] | None = None  # of the view on which it was decided


class ActAnswer(Shape):
    act: ActView
    session: SessionView


class OneOfManyRequest(Shape):
    version: Annotated[int, Field(ge=0)] | None = None  # of the view on which it was decided
    of: _Word = ""  # undo, confirm-terminate, a device's acts: each session's own


class ManyActsRequest(_Act):
    sessions: Annotated[tuple[Id, ...], Field(min_length=1, max_length=SESSIONS_MOST)]
    each: dict[Id, OneOfManyRequest] = Field(default_factory=dict, max_length=SESSIONS_MOST)

    def particular(self) -> dict[str, OneOfMany]:
        return {
            session: OneOfMany(version=one.version, of=one.of) for session, one in self.each.items()
        }


class Announcement(_Asked):
    code: _Word = ""
    note: _Note


class AnnouncementAnswer(Shape):
    told: int
    failed: list[FailedView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActsDesk:
    """What these routes work with."""

    cases: Cases
    acts: Acts


def add_act_routes(api: Api, desk: ActsDesk) -> None:
    """Declare the routes."""

    async def shown(case: Case) -> SessionView:
        published = await desk.cases.published(case.session)
        before = desk.cases.held_before(case.session)
        return view(case.session, published, now=desk.cases.now(), held_before=before, staff=True)

    async def answer(case: Case, act: Act) -> ActAnswer:
        published = await desk.cases.published(case.session)
        (done,) = act_views(case.session, published, [act], staff=True)
        return ActAnswer(act=done, session=await shown(case))

    @api.route("GET", "/api/v1/act-reasons", role=STAFF, out=list[ActReasons], tags=["supervision"])
    async def list_act_reasons(_request: web.Request) -> list[ActReasons]:
        """List the reasons that an act can have."""
        return [
            ActReasons(
                category=category,
                words=words,
                reasons=[
                    ActReason(code=f"{category}/{name}", words=each)
                    for name, each in reasons.items()
                ],
            )
            for category, (words, reasons) in REASONS.items()
        ]

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/acts",
        role=Role.PROCTOR,
        out=ActAnswer,
        tags=["supervision"],
        errors=[NotFound, *_REFUSED],
    )
    async def act(request: web.Request, session: Id, body: ActRequest) -> ActAnswer:
        """Act on a session: write, pause, resume, give time, lift a rule, end it, take back."""
        by = staff_of(request).name
        done = await desk.acts.act(session, body.wanted(), by=by, version=body.version)
        return await answer(done.case, done.act)

    @api.route(
        "POST",
        "/api/v1/exams/{exam}/acts",
        role=Role.PROCTOR,
        out=Batch,
        tags=["supervision"],
        errors=[NotFound, ActReasonMissing, NoSuchReason, ActIncomplete],
    )
    async def act_on_many(request: web.Request, exam: Id, body: ManyActsRequest) -> Batch:
        """Do the same to many sessions of an exam, each by itself."""
        by = staff_of(request).name
        return await desk.acts.act_on_many(
            exam, body.sessions, body.wanted(), by=by, particular=body.particular()
        )

    @api.route(
        "POST",
        "/api/v1/exams/{exam}/announcements",
        role=Role.PROCTOR,
        out=AnnouncementAnswer,
        tags=["supervision"],
        errors=[NotFound, ActReasonMissing, NoSuchReason, ActIncomplete],
    )
    async def announce(request: web.Request, exam: Id, body: Announcement) -> AnnouncementAnswer:
        """Write to everybody who sits an exam now."""
        by = staff_of(request).name
        batch = await desk.acts.announce(
            exam, code=body.code, note=body.note, by=by, request=body.request_id
        )
        return AnnouncementAnswer(told=len(batch.done), failed=batch.failed)

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/devices/{device}",
        role=Role.PROCTOR,
        out=SessionView,
        tags=["supervision"],
        errors=[NotFound, ActReasonMissing, NoSuchReason, ActIncomplete, NoSuchAsk, AskDecided],
    )
    async def decide_session_device(
        request: web.Request, session: Id, device: Id, body: DeviceDecision
    ) -> SessionView:
        """Let another device that asked go on with a session, or not."""
        admit = body.decision is Decision.ADMIT
        kind = ActKind.ADMIT_DEVICE if admit else ActKind.REFUSE_DEVICE
        wanted = Wanted(kind=kind, of=device, code=body.code, note=body.note)
        done = await desk.acts.act(session, wanted, by=staff_of(request).name)
        return await shown(done.case)
