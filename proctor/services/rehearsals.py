"""Rehearsals: practice sessions that are made with a learner's own link, and what came of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from proctor.domain.exam import Exam
from proctor.domain.policy import SystemReport, system_refusals
from proctor.domain.rehearsal import (
    PRACTICE_EXAM,
    PRACTICE_KEPT_DAYS,
    PRACTICE_OPEN_FOR,
    READINESS,
    Check,
    NotARehearsal,
    Status,
    checks_of,
    is_wanted,
    require_room,
)
from proctor.domain.resource_words import system_rule_words
from proctor.domain.session import ExamSession, SectionRun, SessionClosed, settle
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases, pages_of
from proctor.services.intake import is_watched
from proctor.services.journal import Entry, lines, milliseconds
from proctor.services.ports import Case, NotFound, Published, Store
from proctor.services.sessions import Invitation, JoinLinkUnknown, digest

_MARK = f'"{READINESS}"'.encode()  # most lines need not be parsed to see they are no report


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """Makes what practice sessions are opened under. Both are deterministic."""

    exam_body: Callable[[], bytes]
    policy_body: Callable[[bytes], bytes]  # of the exam's policy, to that of its rehearsals


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server saw in the pictures of a rehearsal, for its learner."""

    pictures: int  # received and held: of the face, and those taken while working
    looked_at: int  # of them, by the machine
    unavailable: int  # of those, in how many it could not look for faces
    no_face: int
    one_face: int
    more_faces: int
    dark: int
    covered: int
    frozen: int
    light_mean: float | None  # mean grey of all that were looked at, 0 to 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a policy says of one computer, before anything is joined with it."""

    refused: tuple[str, ...]  # the rules that refuse it, in words
    displays_most: int  # that may be connected


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessRow:
    """How ready one invited learner is, by the last report of a rehearsal."""

    session: str
    learner: str
    rehearsals: int  # begun
    last_at_ms: int | None  # when the last was begun; None: never rehearsed
    reported_at_ms: int | None  # when the last report was received; None: none ended with one
    ready: bool | None  # nothing is to be mended; None without a report
    mend: list[str]
    mind: list[str]
    not_tried: list[str]
    over: bool  # their exam has ended: there is nothing left to rehearse for


class Rehearsals:
    """Use cases of rehearsals. `token` and `new_id` as `Sessions` takes them."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        practice: Practice,
        *,
        token: Callable[[], str],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._cases = cases
        self._practice = practice
        self._token = token
        self._new_id = new_id

    async def rehearse(self, token: str) -> Invitation:
        """Make a practice session for whoever has a join link, and return its own link's token.

        The link's session stays as it is. The link of a practice session does as well as the one
        it was made with.

        Raises:
            JoinLinkUnknown: No session has this link.
            SessionClosed: The exam that would be rehearsed is over for this learner.
            TooManyRehearsals: As `domain.rehearsal.require_room`.
        """
        case = await self._invited(token)
        if case.session.rehearsal_of:
            case = await self._cases.get(case.session.rehearsal_of)
        # One after the other: those that come at once would all be counted before any is made.
        async with self._cases.frozen(case.session.id) as case:
            session = await self._as_of_now(case.session)
            if not is_wanted(session):
                raise SessionClosed(state=session.state, closed_at=session.closed_at)
            before = await self._store.rehearsals(session.id)
            require_room([each.session.made_at for each in before], now=self._cases.now())
            published = await self._cases.published(session)
            opened = await self._store.publish(
                self._practice.exam_body(), self._practice.policy_body(published.policy_body)
            )
            return await self._open(session, opened)

    async def fit(self, token: str, computer: SystemReport) -> Fit:
        """Hold a computer against the rules of the exam that a join link is for; nothing is kept.

        Raises:
            JoinLinkUnknown: No session has this link.
        """
        case = await self._invited(token)
        policy = (await self._cases.published(case.session)).policy
        refused = map(system_rule_words, system_refusals(policy, computer))
        return Fit(refused=tuple(refused), displays_most=policy.system.displays_most)

    async def _invited(self, token: str) -> Case:
        try:
            return await self._cases.get(await self._store.invited(digest(token)))
        except NotFound:
            raise JoinLinkUnknown from None

    async def seen(self, session_id: str) -> Seen:
        """Return what the machine saw in a practice session by now.

        Raises:
            NotARehearsal: Of a session that counts its learner is told nothing of the kind.
        """
        case = await self._cases.get(session_id)
        if not case.session.rehearsal_of:
            raise NotARehearsal
        held = await self._store.held(session_id)
        pictures = {
            (device.id, record.seq)
            for device in await self._store.devices(session_id)
            for batch in await self._store.received(session_id, device.id)
            for record in map(parse, batch.lines)
            if is_watched(record) and record.blob and record.blob.sha256 in held
        }
        seen = [
            each.measured
            for each in await self._store.observations(session_id)
            if (each.device, each.seq) in pictures
        ]
        faces = [len(each.faces) for each in seen if each.faces is not None]
        lights = [each.light_mean for each in seen if each.light_mean is not None]
        return Seen(
            pictures=len(pictures),
            looked_at=len(seen),
            unavailable=len(seen) - len(faces),
            no_face=faces.count(0),
            one_face=faces.count(1),
            more_faces=sum(count > 1 for count in faces),
            dark=sum(each.dark is True for each in seen),
            covered=sum(each.covered is True for each in seen),
            frozen=sum(each.frozen is True for each in seen),
            light_mean=round(sum(lights) / len(lights), 1) if lights else None,
        )

    async def readiness(self, exam_id: str) -> list[ReadinessRow]:
        """Return how ready each invited learner of an exam is: the least ready first.

        Raises:
            NotFound: No such exam was published.
        """
        await self._store.latest(exam_id)
        mine: dict[str, list[Case]] = {}
        async for page in pages_of(self._store, PRACTICE_EXAM):
            for case in page:
                mine.setdefault(case.session.rehearsal_of, []).append(case)
        rows = [
            await self._row(case.session, mine.get(case.session.id, []))
            async for page in pages_of(self._store, exam_id)
            for case in page
            if not case.session.rehearsal_of
        ]
        return sorted(
            rows, key=lambda row: (row.last_at_ms is not None, row.ready or False, row.learner)
        )

    async def forget(self) -> int:
        """Delete practice sessions whose time is over, and return how many.

        That is a week after their end, once their pictures are erased. One is kept longer, without
        pictures: that of the last report, until the session it was for has ended.
        """
        groups: dict[str, list[Case]] = {}
        async for page in pages_of(self._store, PRACTICE_EXAM):
            for case in page:
                groups.setdefault(case.session.rehearsal_of, []).append(case)
        count = 0
        for of, practice in groups.items():
            over = [case.session.id for case in practice if await self._is_over(case.session)]
            if not over:
                continue
            kept = await self._last_reported(practice) if await self._goes_on(of) else ""
            for session_id in over:
                if session_id != kept and not await self._store.held(session_id):
                    await self._cases.forget(session_id)
                    count += 1
        return count

    async def _is_over(self, practice: ExamSession) -> bool:
        ended = await self._as_of_now(practice)
        if ended.closed_at is None:
            return False
        return self._cases.now() - ended.closed_at >= timedelta(days=PRACTICE_KEPT_DAYS)

    async def _goes_on(self, session_id: str) -> bool:
        return is_wanted(await self._as_of_now((await self._cases.get(session_id)).session))

    async def _last_reported(self, practice: Sequence[Case]) -> str:
        for case in practice:
            checks, _ = await self._report(case.session.id)
            if checks is not None:
                return case.session.id
        return ""

    async def _as_of_now(self, session: ExamSession) -> ExamSession:
        """Return a session with what the clock has done by now, which need not be stored."""
        rules = (await self._cases.published(session)).policy.time
        return settle(session, now=self._cases.now(), rules=rules)

    async def _open(self, session: ExamSession, opened: Published) -> Invitation:
        now = self._cases.now()
        practice = ExamSession(
            id=f"s_{self._new_id()}",
            exam=opened.exam.id,
            exam_sha256=opened.exam_sha256,
            policy_sha256=opened.policy_sha256,
            learner=session.learner,
            made_at=now,
            sections=tuple(
                SectionRun(id=each.id, limit=each.limit) for each in opened.exam.sections
            ),
            in_order=opened.exam.in_order,
            starts_at=now,
            ends_at=now + PRACTICE_OPEN_FOR,
            allowance=session.allowance,
            rehearsal_of=session.id,
        )
        facts = {
            "exam": opened.exam.id,
            "exam_sha256": opened.exam_sha256,
            "policy_sha256": opened.policy_sha256,
        }
        token = self._token()
        await self._store.create(
            practice,
            join_sha256=digest(token),
            lines=lines([Entry(Kind.OPENED, facts)], session=practice.id, first=0, now=now),
        )
        return Invitation(session=practice.id, join_token=token)

    async def _row(self, session: ExamSession, practice: Sequence[Case]) -> ReadinessRow:
        """Return a learner's row. `practice` has their practice sessions, the newest first."""
        checks: tuple[Check, ...] | None = None
        at_ms: int | None = None
        for case in practice:
            checks, at_ms = await self._report(case.session.id)
            if checks is not None:
                break

        def those(status: Status) -> list[str]:
            return [each.check for each in checks or () if each.status is status]

        return ReadinessRow(
            session=session.id,
            learner=session.learner,
            rehearsals=len(practice),
            last_at_ms=milliseconds(practice[0].session.made_at) if practice else None,
            reported_at_ms=at_ms,
            ready=None if checks is None else not those(Status.MEND),
            mend=those(Status.MEND),
            mind=those(Status.MIND),
            not_tried=those(Status.NOT_TRIED),
            over=not is_wanted(await self._as_of_now(session)),
        )

    async def _report(self, session_id: str) -> tuple[tuple[Check, ...] | None, int | None]:
        """Return the last report of a practice session, and when it was received, in ms."""
        found: tuple[tuple[Check, ...] | None, int | None] = (None, None)
        for device in await self._store.devices(session_id):
            for batch in await self._store.received(session_id, device.id):
                for line in batch.lines:
                    if _MARK not in line:
                        continue
                    record = parse(line)
                    if record.kind is not Kind.NOTICE:
                        continue
                    checks = checks_of(record.facts)
                    if checks is not None:
                        found = (checks, milliseconds(batch.received_at))
        return found


async def exam_rehearsed(cases: Cases, session: ExamSession) -> Exam | None:
    """Return the exam that a practice session is for; None where the session counts."""
    if not session.rehearsal_of:
        return None
    case = await cases.get(session.rehearsal_of)
    return (await cases.published(case.session)).exam
