"""The desk of ID checks over HTTP: who waits, what there is to go by, and the decisions."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

from aiohttp import web
from pydantic import StringConstraints, model_validator

from proctor.domain.identity import AgainCode, IdEvent, IdReasonMissing
from proctor.domain.moves import IllegalMove
from proctor.domain.review import MAX_REASONS_CHARS, AnotherPersonNeeded
from proctor.services.id_desk import IdDesk, IdDesks, IdQueue, ReadingView
from proctor.services.id_pictures import Digests
from proctor.services.identity import IdCheckChanged, Identity
from proctor.services.look_book import What, Why
from proctor.services.looks import Looks
from proctor.services.ports import NotFound, StorageFull
from proctor.web.api import Api, Id, Role, Sha256, Shape
from proctor.web.auth import Staff, staff_of
from proctor.web.metrics import Metrics

_NOT_SHOWN = ReadingView(
    state="unavailable",
    unavailable=("it is not shown while no look can be written down",),
    lines=(),
    mrz=None,
)


class IdSeen(Shape):
    """The pictures that stood before who decides; null where none was shown."""

    face: Sha256 | None = None
    document: Sha256 | None = None


class IdDecision(Shape):
    event: IdEvent
    code: AgainCode | None = None
    # Empty passes here: that a reason is missing is a rule's to say, with its own code.
    reason: Annotated[str, StringConstraints(max_length=MAX_REASONS_CHARS)] = ""
    # What was accepted or refused is what was looked at. Without it, another decision is on
    # whatever was shown.
    seen: IdSeen | None = None

    @model_validator(mode="after")
    def _was_looked_at(self) -> Self:
        if self.seen is None and self.event in (IdEvent.ACCEPT, IdEvent.REFUSE):
            raise ValueError(f'"seen" must say which pictures are {self.event}')
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDesk:
    """What these routes work with."""

    identity: Identity
    desks: IdDesks
    looks: Looks
    metrics: Metrics


def add_identity_routes(api: Api, desk: IdentityDesk) -> None:
    """Declare the routes."""

    async def shown(session: str, *, me: Staff) -> IdDesk:
        found = await desk.desks.desk(session, me=me.name, own=me.exams)
        if found.reading is not None and (found.reading.lines or found.reading.mrz):
            await desk.looks.note(session, by=me.name, what=What.READING, why=Why.CHECK_IN)
        return found

    @api.route("GET", "/api/v1/id-checks", role=Role.PROCTOR, out=IdQueue, tags=["identity"])
    async def list_id_checks(request: web.Request, exam: Id | None = None) -> IdQueue:
        """List the ID checks that wait for a person, and for how long people wait."""
        return await desk.desks.queue(exam, own=staff_of(request).exams)

    @api.route(
        "GET",
        "/api/v1/sessions/{session}/id-check",
        role=Role.PROCTOR,
        out=IdDesk,
        tags=["identity"],
        errors=[NotFound],
    )
    async def get_id_check(request: web.Request, session: Id) -> IdDesk:
        """Read all there is to decide one ID check by."""
        return await shown(session, me=staff_of(request))

    @api.route(
        "POST",
        "/api/v1/sessions/{session}/id-check",
        role=Role.PROCTOR,
        out=IdDesk,
        tags=["identity"],
        errors=[NotFound, IdReasonMissing, AnotherPersonNeeded, IdCheckChanged, IllegalMove],
    )
    async def decide_identity(request: web.Request, session: Id, body: IdDecision) -> IdDesk:
        """Decide on an ID check; a refusal needs another person to confirm it."""
        me = staff_of(request)
        case = await desk.identity.decide(
            session,
            body.event,
            by=me.name,
            reason=body.reason,
            code=body.code,
            seen=None
            if body.seen is None
            else Digests(face=body.seen.face, document=body.seen.document),
        )
        waited = case.session.id_check.waited
        if waited is not None:
            desk.metrics.id_check_waited.observe(waited.total_seconds())
        try:
            return await shown(session, me=me)
        except StorageFull:
            # The decision is stored, and an error would say that it was not. Whatever needs a look
            # to be written down is not shown.
            found = await desk.desks.desk(session, me=me.name, own=me.exams)
            return replace(found, reading=_NOT_SHOWN if found.reading else None)
