"""The sessions in use, each changed by one caller at a time.

Every change takes the same steps: load, settle what the clock has done, decide (pure), store the
new state with the lines it writes into the server's log, tell whoever watches. A session in use is
kept in memory; the row is the truth, and a save that finds another version there stores nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from proctor.domain.flags import Flag
from proctor.domain.session import ENDED, ExamSession, contact_lost, held_since, lapse, settle
from proctor.services.journal import Entry, entries, lines
from proctor.services.ports import (
    CASES_AT_ONCE,
    Case,
    Clock,
    Conflict,
    Device,
    Published,
    StorageFull,
    Store,
)

logger = logging.getLogger(__name__)

# A session in memory is a few kilobytes. The oldest are forgotten, and read again when needed.
MAX_IN_MEMORY = 20_000

# Contact that ended is noticed this late at the latest: a heartbeat, and the wait for its answer.
SILENCE = timedelta(seconds=16)

# Takes the session, and the time at which it was settled; returns the new one, or raises a refusal.
Decide = Callable[[ExamSession, datetime], ExamSession]
Watcher = Callable[[Case], None]


async def pages_of(
    store: Store, exams: str | frozenset[str] | None
) -> AsyncIterator[Sequence[Case]]:
    """Yield all sessions of an exam, of some, or of all, newest first, however many there are.

    Few are in memory at the same time. Each page is as things are when it is asked for.
    """
    page = await store.cases(exams, most=CASES_AT_ONCE)
    while page:
        yield page
        page = await store.cases(exams, most=CASES_AT_ONCE, after=page[-1])


def unchanged(session: ExamSession, _now: datetime) -> ExamSession:
    """Decide nothing: what is stored is what the clock has done, and what is told besides."""
    return session


class Cases:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cases: dict[str, Case] = {}
        self._published: dict[str, Published] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # Most have one: a set for each would take a quarter KB of thousands of idle sessions.
        self._watchers: dict[str, tuple[Watcher, ...]] = {}
        # Since when check-ins wait for a person. All that are not decided are read at the start.
        self._held: dict[str, datetime] = {}
        self._ended: list[Watcher] = []
        self._kept: list[Watcher] = []
        self._lost: dict[str, datetime] = {}  # since when, where that is not stored yet
        self._heard: Callable[[str], datetime | None] = lambda _: None

    def now(self) -> datetime:
        return self._clock.now()

    async def get(self, session_id: str) -> Case:
        """Return a session as last saved.

        Raises:
            NotFound: There is none.
        """
        case = self._cases.get(session_id)
        if case is None:
            case = self._keep(await self._store.case(session_id))
            await self.published(case.session)
        return case

    async def exam_of(self, session_id: str) -> str:
        """Return the id of a session's exam, which never changes.

        Raises:
            NotFound: There is no such session.
        """
        case = self._cases.get(session_id)
        return await self._store.exam_of(session_id) if case is None else case.session.exam

    async def published(self, session: ExamSession) -> Published:
        """Return the exam and policy a session was opened under."""
        key = session.exam_sha256 + session.policy_sha256
        known = self._published.get(key)
        if known is None:
            known = await self._store.published(session.exam_sha256, session.policy_sha256)
            self._published[key] = known
        return known

    def in_memory(self, session_id: str) -> tuple[Case, Published] | None:
        """Return a session without waiting, where it is in use already."""
        case = self._cases.get(session_id)
        if case is None:
            return None
        session = case.session
        published = self._published.get(session.exam_sha256 + session.policy_sha256)
        return None if published is None else (case, published)

    def held_before(self, session: ExamSession) -> int:
        """Return how many check-ins wait for a person for longer than this one."""
        since = held_since(session)
        return 0 if since is None else sum(other < since for other in self._held.values())

    async def settled(self, session_id: str) -> Case:
        """Return a session with everything stored that the clock has done by now."""
        return await self.change(session_id, unchanged, by="clock")

    async def change(
        self,
        session_id: str,
        decide: Decide,
        *,
        by: str,
        reason: str = "",
        also: Sequence[Entry] = (),
        device: Device | None = None,
        flags: Sequence[Flag] = (),
    ) -> Case:
        """Decide on a session and store what was decided, or nothing.

        Args:
            session_id: Which.
            decide: What to do with it; it may run twice.
            by: Who causes it, for the server's log.
            reason: In their words.
            also: Records to append besides those that follow from the change.
            device: To admit.
            flags: To keep.

        Raises:
            NotFound: There is no such session.
            Refusal: What `decide` raised. What the clock had done by then is stored all the same.
        """
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            for last in (False, True):
                case = await self.get(session_id)
                rules = (await self.published(case.session)).policy.time
                now = self._clock.now()
                session = case.session
                if lost_at := self._lost.get(session_id):
                    session = contact_lost(session, at=lost_at)
                settled = settle(session, now=self._certain(session_id, now), rules=rules)
                settled = lapse(settled, now=now)
                refused: Exception | None = None
                try:
                    decided = decide(settled, now)
                except Exception as no:  # noqa: BLE001 - raised again below
                    decided, refused = settled, no
                written = [
                    *entries(case.session, settled, by="clock"),
                    *entries(settled, decided, by=by, reason=reason),
                    *(() if refused else also),
                ]
                # A bare change, such as contact lost, is stored too, though no record tells of it.
                if written or decided != case.session or device or flags:
                    added = lines(written, session=session_id, first=case.log.size, now=now)
                    try:
                        case = self._keep(
                            await self._store.save(
                                case,
                                decided,
                                lines=added,
                                device=None if refused else device,
                                flags=() if refused else flags,
                            )
                        )
                    except Conflict:
                        self._cases.pop(session_id, None)
                        if last:
                            raise
                        continue
                    except StorageFull:
                        raise  # nothing was stored: what is in memory is the row still
                    except BaseException:
                        # Cancelled, or a fault: whether it was stored is read from the row.
                        self._cases.pop(session_id, None)
                        raise
                    if written:
                        kinds = [str(entry.kind) for entry in written]
                        logger.info("session moved", extra={"session": session_id, "log": kinds})
                    for tell in self._watchers.get(session_id, ()):
                        tell(case)
                    if session.state not in ENDED and decided.state in ENDED:
                        for tell in self._ended:
                            tell(case)
                if lost_at:
                    self._lost.pop(session_id, None)
                if refused:
                    raise refused
                return case
        raise AssertionError("unreachable: the second try returns or raises")

    async def contact_lost(self, session_id: str, *, at: datetime) -> None:
        """Store since when no device of a session is in contact.

        Known from now on, even where it can't be stored yet: before any deadline is held against
        the session, and stored with its next change.
        """
        self._lost.setdefault(session_id, at)
        await self.change(session_id, unchanged, by="clock")

    def in_contact(self, heard: Callable[[str], datetime | None]) -> None:
        """Let `heard` say when the device that has a session last spoke; None without a line."""
        self._heard = heard

    def _certain(self, session_id: str, now: datetime) -> datetime:
        """Return until when it is known whether a device is in contact.

        A cut cable is noticed seconds later. A deadline that passes meanwhile is not held against
        the session before it is known that the device was there: the outage may move it.
        """
        heard = self._heard(session_id)
        return now if heard is None or now - heard > SILENCE else heard

    @asynccontextmanager
    async def frozen(self, session_id: str) -> AsyncIterator[Case]:
        """Hold a session still within the block: nobody changes it, and its log does not grow."""
        async with self._locks.setdefault(session_id, asyncio.Lock()):
            yield await self.get(session_id)

    def watching(self, session_id: str, tell: Watcher) -> "_Watching":
        """While within, call `tell` with the session as it was saved. It must not wait."""
        return _Watching(self._watchers, session_id, tell)

    def when_ended(self, tell: Watcher) -> None:
        """Call `tell` with each session that ends, once that is stored. It must not wait."""
        self._ended.append(tell)

    def when_kept(self, tell: Watcher) -> None:
        """Call `tell` with each session that was read or saved. It must not wait."""
        self._kept.append(tell)

    async def tell_all(self) -> None:
        """Call whoever asked by `when_kept` with every session there is, ended ones too."""
        async for page in pages_of(self._store, None):
            for case in page:
                newest = self._cases.get(case.session.id, case)  # saved since they were read
                for tell in self._kept:
                    tell(newest)

    async def forget(self, session_id: str) -> None:
        """Delete a practice session, once it holds no picture: `ports.Store.forget`."""
        async with self._locks.setdefault(session_id, asyncio.Lock()):
            await self._store.forget(session_id)
            self._cases.pop(session_id, None)
            self._held.pop(session_id, None)
            self._lost.pop(session_id, None)

    async def sweep(self) -> None:
        """Settle every session in memory: what the clock has done becomes visible.

        One that can't be settled now is settled when it is needed, or by the next sweep.
        """
        now = self._clock.now()
        for session_id, case in list(self._cases.items()):
            if case.session.state in ENDED:
                continue
            try:
                rules = (await self.published(case.session)).policy.time
                certain = self._certain(session_id, now)
                if lapse(settle(case.session, now=certain, rules=rules), now=now) != case.session:
                    await self.settled(session_id)
            except StorageFull:
                logger.warning("sessions not settled: nothing can be stored")
                return
            except Exception:
                logger.exception("session not settled", extra={"session": session_id})

    def _keep(self, case: Case) -> Case:
        if case.session.id not in self._cases and len(self._cases) >= MAX_IN_MEMORY:
            self._cases.pop(next(iter(self._cases)))
        self._cases[case.session.id] = case
        if (since := held_since(case.session)) is None:
            self._held.pop(case.session.id, None)
        else:
            self._held[case.session.id] = since
        for tell in self._kept:
            tell(case)
        return case


class _Watching:
    """What `Cases.watching` returns. No generator: thousands of these are held for hours."""

    __slots__ = ("_session_id", "_tell", "_watchers")

    def __init__(
        self, watchers: dict[str, tuple[Watcher, ...]], session_id: str, tell: Watcher
    ) -> None:
        self._watchers = watchers
        self._session_id = session_id
        self._tell = tell

    def __enter__(self) -> None:
        self._watchers[self._session_id] = (*self._watchers.get(self._session_id, ()), self._tell)

    def __exit__(self, *_: object) -> None:
        left = list(self._watchers.pop(self._session_id))
        left.remove(self._tell)
        if left:
            self._watchers[self._session_id] = tuple(left)
