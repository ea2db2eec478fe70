"""What proctors do to sessions: to one, to many at once, to a whole exam."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from proctor.domain import acting
from proctor.domain.acts import Act, ActIncomplete, ActKind, Wanted, require_complete
from proctor.domain.errors import Refusal
from proctor.domain.session import ExamSession, SessionClosed, State, is_turned_away
from proctor.services.cases import Cases
from proctor.services.ports import Case, NotFound, Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Sessions acted on side by side: each waits for the disk, and the uplinks of an exam wait beside.
AT_ONCE = 16
# They name an act, a device or a proposal of one session, which in another is something else.
_OF_ITS_OWN = frozenset(
    {ActKind.UNDO, ActKind.ADMIT_DEVICE, ActKind.REFUSE_DEVICE, ActKind.CONFIRM_TERMINATE}
)
# Who has not joined hears nothing yet.
_GOES_ON = frozenset({State.CHECK_IN, State.READY, State.RUNNING, State.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    case: Case
    act: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfMany:
    """What an act on many is in one of them."""

    version: int | None = None  # of the session on which it was decided; None: whatever stands
    of: str = ""  # its own act, device or proposal; "": as of all


_AS_ALL = OneOfMany()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneView:
    session: str
    act: str  # its id
    undoable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedView:
    """A session in which nothing was done, and why."""

    session: str
    code: str  # of the refusal
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What became of one act in many sessions, in the order in which they were named."""

    done: list[DoneView]
    failed: list[FailedView]


class Acts:
    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    async def act(
        self, session_id: str, wanted: Wanted, *, by: str, version: int | None = None
    ) -> Done:
        """Do to a session what a proctor wants done; once for each of their requests.

        A request that comes again is answered with what was done the first time: who sends one
        can't know whether a lost answer was a lost request. What was refused is decided anew.

        Args:
            session_id: Which.
            wanted: What, and by which request.
            by: The proctor's login name.
            version: Of the `SessionView` on which it was decided; None: whatever stands there.

        Raises:
            NotFound: There is no such session.
            Refusal: Of `domain.acting.act` and `done_before`.
        """
        case = await self._cases.get(session_id)
        policy = (await self._cases.published(case.session)).policy
        done: list[Act] = []

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if before := acting.done_before(session, wanted, by=by):
                done[:] = [before]
                return session
            acted = acting.act(session, wanted, by=by, now=now, policy=policy, version=version)
            done[:] = acted.acts[-1:]
            return acted

        case = await self._cases.change(session_id, decide, by=by, reason=wanted.note.strip())
        return Done(case=case, act=done[0])

    async def act_on_many(
        self,
        exam_id: str,
        sessions: Sequence[str],
        wanted: Wanted,
        *,
        by: str,
        particular: Mapping[str, OneOfMany] | None = None,
    ) -> Batch:
        """Do the same to many sessions of an exam, each by itself: some may refuse it.

        Args:
            exam_id: Whose sessions.
            sessions: Which.
            wanted: What, and by which request.
            by: The proctor's login name.
            particular: What is so of some of them, by session.

        Raises:
            ActReasonMissing, ActIncomplete, NoSuchReason: It could be done to none, or some are
                not told of what of their own it is, or `particular` names another session.
            NotFound: No such exam was published.
        """
        await self._store.latest(exam_id)
        said = particular or {}
        if others := said.keys() - set(sessions):
            # Dropped in silence, a version or a device would be thought to have been heeded.
            problem = f'"each" names {min(others)}, which is not among "sessions"'
            raise ActIncomplete(problem=problem)
        of_each = {session: said.get(session, _AS_ALL) for session in sessions}
        if wanted.kind in _OF_ITS_OWN and not all(one.of for one in of_each.values()):
            problem = f'"each" must say, session by session, what {wanted.kind} is "of"'
            raise ActIncomplete(problem=problem)
        wanted_there = {
            session: replace(wanted, of=one.of) if one.of else wanted
            for session, one in of_each.items()
        }
        for each_wanted in wanted_there.values():
            require_complete(each_wanted)

        async def one(session_id: str) -> Done:
            if (await self._cases.get(session_id)).session.exam != exam_id:
                raise NotFound(what="session", id=session_id)
            version = of_each[session_id].version
            return await self.act(session_id, wanted_there[session_id], by=by, version=version)

        return await _each(list(of_each), one)

    async def announce(
        self, exam_id: str, *, code: str, note: str, by: str, request: str = ""
    ) -> Batch:
        """Write to everybody who has joined an exam and goes on; to each once for one request.

        Whoever was turned away at the ID check does not go on.

        Raises:
            ActReasonMissing, ActIncomplete, NoSuchReason: It says nothing, or too much.
            NotFound: No such exam was published.
        """
        await self._store.latest(exam_id)
        wanted = Wanted(kind=ActKind.MESSAGE, code=code, note=note, to_all=True, request=request)
        require_complete(wanted)

        async def goes_on(session_id: str) -> bool:
            try:
                session = (await self._cases.get(session_id)).session
            except NotFound:
                return False  # a practice session that was deleted meanwhile
            there = session.state in _GOES_ON and not is_turned_away(session)
            return there and not session.rehearsal_of

        there = [each for each in await self._store.unfinished(exam_id) if await goes_on(each)]
        batch = await _each(there, lambda each: self.act(each, wanted, by=by))
        # One that ended while the others were told does not go on.
        failed = [each for each in batch.failed if each.code != SessionClosed.code]
        return Batch(done=batch.done, failed=failed)


async def each_by_itself(
    sessions: Sequence[str], do: Callable[[str], Awaitable[T]]
) -> list[T | FailedView]:
    """Do something to each session, AT_ONCE side by side, whatever becomes of the others.

    Returns:
        What came of each, in their order.
    """
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(session_id: str) -> T | FailedView:
        async with waiting:
            try:
                return await do(session_id)
            except Refusal as no:
                return FailedView(session=session_id, code=no.code, detail=str(no))
            except Exception:
                # The others are done all the same: an answer must say which.
                logger.exception("an act on one of many failed", extra={"session": session_id})
                detail = "the fault is the server's"
                return FailedView(session=session_id, code="internal-error", detail=detail)

    return await asyncio.gather(*map(one, sessions))


async def _each(sessions: Sequence[str], do: Callable[[str], Awaitable[Done]]) -> Batch:
    found = await each_by_itself(sessions, do)
    return Batch(
        done=[
            DoneView(
                session=each.case.session.id,
                act=each.act.id,
                undoable=acting.undoable(each.case.session, each.act),
            )
            for each in found
            if isinstance(each, Done)
        ],
        failed=[each for each in found if isinstance(each, FailedView)],
    )
