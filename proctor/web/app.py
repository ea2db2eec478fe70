"""The application: all routes, all middlewares, and what lives as long as it does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp import web

from proctor.domain.second_camera import PHONE
from proctor.evidence.note import SigningKey
from proctor.services.acts import Acts
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.contests import Contests
from proctor.services.exam_tables import ExamTables
from proctor.services.export import Export
from proctor.services.id_desk import IdDesks
from proctor.services.id_waits import IdWaits
from proctor.services.identity import Identity
from proctor.services.intake import Intake, Snapshot
from proctor.services.logins import LoginStore, PasswordHasher, who
from proctor.services.look_book import LookBook, LookStore
from proctor.services.looks import Looks
from proctor.services.one_account import OneAccount
from proctor.services.outcomes import Outcomes
from proctor.services.ports import DocumentReader, Mailer, NotFound, Store, Thumbnails, Vision
from proctor.services.readings import Readings
from proctor.services.receipts import Receipts
from proctor.services.rehearsals import Practice, Rehearsals
from proctor.services.results import Results
from proctor.services.retention import Retention
from proctor.services.reviews import Reviews, second_look_key
from proctor.services.second_cameras import SecondCameras
from proctor.services.sessions import Sessions
from proctor.services.strips import Strips
from proctor.services.viewers import Viewers, is_viewer_token
from proctor.services.wall import Wall
from proctor.web import auth, metrics, openapi, problems
from proctor.web.acts import ActsDesk, add_act_routes
from proctor.web.after import AfterDesk, add_after_routes
from proctor.web.api import Api, Role
from proctor.web.auth import LearnerDevice, LoginDesk, Staff, Viewer
from proctor.web.console import ConsoleDesk, add_console_routes
from proctor.web.exports import add_export_routes
from proctor.web.health import add_health_route
from proctor.web.identity import IdentityDesk, add_identity_routes
from proctor.web.learner import LearnerDesk, add_learner_routes
from proctor.web.looks import LookDesk, add_look_routes
from proctor.web.rehearsals import RehearsalDesk, add_rehearsal_routes
from proctor.web.reviews import ReviewDesk, add_review_routes
from proctor.web.uplink import UPLINKS, add_uplink_route, close_uplinks
from proctor.web.wall import WALLS, add_wall_route, close_walls

logger = logging.getLogger(__name__)

# JSON bodies only: what is large comes over the uplink, which has its own bound.
MAX_BODY_BYTES = 256 * 1024
# How often what the clock has done is made visible. A deadline does not wait for it.
SWEEP_EVERY_S = 1.0
# How often what is kept no longer is looked for. Terms are days.
RETAIN_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of: adapters and secrets, chosen by `config`."""

    store: Store
    logins: LoginStore
    looks: LookStore
    ticket_key: bytes = field(repr=False)  # signs tickets for looks, and nothing else
    thumbnails: Thumbnails
    passwords: PasswordHasher
    vision: Vision
    lanes: int  # pictures looked at side by side
    key: SigningKey
    server: str  # the public name that the key signs under
    now: Callable[[], datetime]
    token: Callable[[], str]
    new_id: Callable[[], str]
    pages: Path  # the built pages
    practice: Practice
    public_origin: str | None = None
    mailer: Mailer | None = None  # None: no mail
    reader: DocumentReader | None = None  # None: no document is read by machine
    # Cosines from which two faces look alike: of one session, and of one among thousands.
    same_person: float = 0.363
    same_face: float = 0.6


class _Clock:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now


def build(parts: Parts) -> web.Application:
    """Return the application. It owns nothing of `parts`: who made them closes them."""
    cases = Cases(parts.store, _Clock(parts.now))
    sessions = Sessions(parts.store, cases, token=parts.token, new_id=parts.new_id)
    phones = SecondCameras(parts.store, cases, token=parts.token)
    viewers = Viewers(cases, token=parts.token)
    analysis = Analysis(parts.store, cases, parts.vision, lanes=parts.lanes)
    waits = IdWaits(cases)
    accounts = OneAccount(
        parts.store,
        cases,
        parts.vision,
        same_face=parts.same_face,
        busy=lambda: analysis.progress().waiting > 0,
    )
    readings = Readings(
        parts.store,
        cases,
        parts.vision,
        parts.reader,
        accounts,
        same_person=parts.same_person,
    )
    identity = Identity(parts.store, cases, captured=readings.add)
    book = LookBook(parts.looks, parts.now)
    strips = Strips(parts.store, cases, parts.thumbnails)
    looks = Looks(parts.store, cases, book, strips, key=parts.ticket_key)

    def seen(snapshots: Sequence[Snapshot]) -> None:
        analysis.add(snapshots)
        strips.saw(snapshots)

    intake = Intake(parts.store, cases, sessions, key=parts.key, server=parts.server, seen=seen)
    wall = Wall(parts.store, cases, intake, analysis)
    retention = Retention(parts.store, cases, analysis.is_done)
    receipts: Receipts | None = None
    if parts.mailer is not None:
        receipts = Receipts(
            parts.store,
            cases,
            parts.mailer,
            server=parts.server,
            server_key=parts.key.verifier.encode(),
        )
    counts = metrics.Metrics()
    counts.analysis_waiting.set_function(lambda: analysis.progress().waiting)
    counts.id_checks_waiting.set_function(lambda: len(waits.waiting()))
    counts.id_checks_longest.set_function(
        lambda: 0.0 if (longest := waits.longest()) is None else longest.total_seconds()
    )
    counts.id_readings_waiting.set_function(lambda: readings.waiting + accounts.waiting)

    results = Results(parts.store, cases, analysis)
    api = Api("Proctor", "1")
    add_learner_routes(
        api,
        LearnerDesk(
            cases=cases,
            sessions=sessions,
            phones=phones,
            identity=identity,
            results=results,
            server=parts.server,
            server_key=parts.key.verifier.encode(),
        ),
    )
    rehearsals = Rehearsals(
        parts.store, cases, parts.practice, token=parts.token, new_id=parts.new_id
    )
    add_rehearsal_routes(api, RehearsalDesk(cases=cases, rehearsals=rehearsals))
    add_uplink_route(api, intake=intake, cases=cases, analysis=analysis, metrics=counts)
    add_wall_route(api, wall=wall)
    add_console_routes(
        api,
        ConsoleDesk(
            store=parts.store,
            cases=cases,
            sessions=sessions,
            results=results,
        ),
    )
    reviews = Reviews(parts.store, cases, analysis, parts.logins, key=second_look_key(parts.key))
    add_review_routes(api, ReviewDesk(store=parts.store, reviews=reviews))
    export = Export(parts.store, cases, key=parts.key, server=parts.server)
    after = AfterDesk(
        store=parts.store,
        outcomes=Outcomes(parts.store, cases, results),
        contests=Contests(parts.store, cases),
        export=export,
        viewers=viewers,
    )
    add_after_routes(api, after)
    add_look_routes(api, LookDesk(looks=looks, export=export, results=results))
    add_export_routes(api, ExamTables(parts.store))
    add_act_routes(api, ActsDesk(cases=cases, acts=Acts(parts.store, cases)))
    add_identity_routes(
        api,
        IdentityDesk(
            identity=identity,
            desks=IdDesks(parts.store, cases, waits),
            looks=looks,
            metrics=counts,
        ),
    )
    auth.add_login_routes(
        api,
        LoginDesk(store=parts.logins, hasher=parts.passwords, now=parts.now, new_token=parts.token),
    )
    metrics.add_metrics_routes(api, counts)
    add_health_route(api, parts.store, analysis, counts)
    openapi.add_document_route(api)
    _add_pages(api, parts.pages)

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    metrics.install(app, counts)
    problems.install(app)
    identify = _Identify(parts, cases, sessions, viewers, intake)
    auth.install(app, identify, public_origin=parts.public_origin)
    app[UPLINKS], app[WALLS] = set(), set()
    api.mount(app)
    app.on_shutdown.append(close_uplinks)
    app.on_shutdown.append(close_walls)

    async def background(_app: web.Application) -> AsyncIterator[None]:
        await sessions.after_restart()
        await phones.after_restart()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(analysis.run()),
                group.create_task(readings.run()),
                group.create_task(_see_waits(waits)),
                group.create_task(_sweep(cases)),
                group.create_task(wall.run()),
                group.create_task(_retain(retention, rehearsals)),
                group.create_task(book.run()),
            ]
            if receipts is not None:
                tasks.append(group.create_task(receipts.run()))
            yield
            for task in tasks:
                task.cancel()

    app.cleanup_ctx.append(background)
    return app


async def _see_waits(waits: IdWaits) -> None:
    try:
        await waits.after_restart()
    except Exception:
        # Who waits and goes on is known all the same: sessions that are not over are read first.
        logger.exception("ended sessions not looked through for ID checks")


async def _sweep(cases: Cases) -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        await cases.sweep()


async def _retain(retention: Retention, rehearsals: Rehearsals) -> None:
    while True:
        try:
            await retention.run()
            await rehearsals.forget()
        except Exception:
            # Nobody waits for it, and the exam goes on without it: the next run looks again.
            logger.exception("nothing erased")
        await asyncio.sleep(RETAIN_EVERY_S)


def _add_pages(api: Api, pages: Path) -> None:
    api.page("/", pages / "index.html", role=Role.ANYONE)
    api.page("/join/{token}", pages / "join.html", role=Role.ANYONE)
    # The page itself holds nothing: it asks who is signed in, and shows what they may see.
    api.page("/console", pages / "console" / "wall.html", role=Role.ANYONE)
    api.page("/console/review", pages / "console" / "review.html", role=Role.ANYONE)
    api.page("/console/identity", pages / "console" / "identity.html", role=Role.ANYONE)
    api.page("/console/report", pages / "console" / "report.html", role=Role.ANYONE)
    api.page("/console/agreement", pages / "console" / "agreement.html", role=Role.ANYONE)
    api.static("/static", pages, role=Role.ANYONE)


class _Identify:
    def __init__(
        self, parts: Parts, cases: Cases, sessions: Sessions, viewers: Viewers, intake: Intake
    ) -> None:
        self._parts = parts
        self._cases = cases
        self._sessions = sessions
        self._viewers = viewers
        self._intake = intake

    async def staff(self, token: str) -> Staff | None:
        login = await who(self._parts.logins, token=token, now=self._parts.now())
        if login is None:
            return None
        return Staff(
            name=login.name, role=login.role, exams=login.exams, expires_at=login.expires_at
        )

    async def exam_of(self, session: str) -> str | None:
        try:
            return await self._cases.exam_of(session)
        except NotFound:
            return None

    async def learner(self, token: str) -> LearnerDevice | Viewer | None:
        if is_viewer_token(token):
            session = await self._viewers.session(token)
            return None if session is None else Viewer(session=session)
        device = await self._sessions.device(token)
        if device is None:
            return None
        self._intake.heard(device.session, device.id)
        role = Role.SECOND_CAMERA if device.kind == PHONE else Role.LEARNER
        return LearnerDevice(session=device.session, device=device.id, role=role)
