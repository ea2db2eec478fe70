"""The wall: what proctors see of all sessions that go on, and who of them sees to whom.

What changed within a quarter of a second is told together. Each change is made into JSON once,
whoever it goes to; stills, and when a device was last heard, go to those alone who have the tile
before their eyes. Who reads slowly skips: what was missed is told whole, as it is by then.

All of this is in memory. After a restart nobody has taken a session, and stills come with the next
snapshots.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from proctor.domain.flags import Flag, FlagClass
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.session import ENDED, ExamSession, asks_open
from proctor.evidence.record import Kind, Record
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.device_time import Dated, dated
from proctor.services.intake import Intake
from proctor.services.journal import milliseconds
from proctor.services.own_exams import OwnExams, is_among
from proctor.services.places import Change, Place, changed_to, encode
from proctor.services.ports import Case, NotFound, StorageFull, Store
from proctor.services.tiles import Known, Raised, Said, Tile, tile_of, waits_for_answer
from proctor.services.watch import Watch

logger = logging.getLogger(__name__)

# How often what changed is told. A person sees no difference below that.
TELL_EVERY_S = 0.25
# How often sessions are looked for that another program made: invitations from a terminal.
FIND_EVERY_S = 5.0
# What a proctor took returns to all so long after their last wall closed: a page that is loaded
# again, or a network that drops, gives nothing away.
TAKE_KEPT = timedelta(minutes=5)
# Who has handed in may still write or be asked for; then the desk has the session.
ENDED_SHOWN = timedelta(hours=1)
# A tile that could not be made is tried again, at first so soon, then after twice the time each.
AGAIN_AFTER = timedelta(seconds=1)
AGAIN_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Again:
    """When a tile that could not be made is tried again, and how long that was waited for."""

    at: datetime
    waited: timedelta


class Wall:
    def __init__(self, store: Store, cases: Cases, intake: Intake, analysis: Analysis) -> None:
        self.viewed: Counter[str] = Counter()  # by how many walls
        self._store = store
        self._cases = cases
        self._intake = intake
        self._places: dict[str, Place] = {}
        self._changed: set[str] = set()
        self._ended: set[str] = set()
        self._again: dict[str, _Again] = {}  # tiles that could not be made
        self._watches: set[Watch] = set()
        self._taken: dict[str, str] = {}
        self._left: dict[str, datetime] = {}  # proctors without a wall, who may have taken some
        self._telling = asyncio.Lock()
        cases.when_kept(self.see)
        intake.when_line(self._line_changed)
        intake.when_said(self._said)
        analysis.when_found(self._found)

    # --- what comes in: each of these is cheap, and waits for nothing ---------------------------

    def see(self, case: Case) -> None:
        """Take note of a session that was read or saved."""
        session = case.session
        if session.rehearsal_of:
            return
        place = self._places.get(session.id)
        if place is None:
            if _is_done(session, self._cases.now()):
                return
            place = self._places[session.id] = Place(case)
        elif case.version < place.version:
            return  # read before the one that is known was saved
        elif (call := session.help) is not None and call.waits:
            before = place.session.help
            if before is None or not before.waits or before.since != call.since:
                place.said = Said(since=call.since)  # it begins: what is said comes here
        place.session, place.version = session, case.version
        if session.state in ENDED:
            self._ended.add(session.id)
        self._changed.add(session.id)

    def looked(self, session_id: str) -> None:
        """Note that somebody has opened or left a session: what was flagged has been seen."""
        if place := self._places.get(session_id):
            place.looked_at = frozenset(place.conduct)
            self._changed.add(session_id)

    def count_viewed(self, before: Iterable[str], after: Iterable[str]) -> None:
        """Note that a wall shows other tiles than before."""
        self.viewed.update(after)
        self.viewed.subtract(before)
        for session in before:
            if self.viewed[session] == 0:
                del self.viewed[session]

    def take(self, sessions: Iterable[str], name: str) -> None:
        for session in sessions:
            if session in self._places:
                self._taken[session] = name
                self._changed.add(session)

    def release(self, sessions: Iterable[str], name: str) -> None:
        for session in sessions:
            if self._taken.get(session) == name:
                del self._taken[session]
                self._changed.add(session)

    def place(self, session_id: str) -> Place | None:
        """Return where a session stands, once it is shown."""
        place = self._places.get(session_id)
        return None if place is None or place.tile is None else place

    def is_of(self, session_id: str, own: OwnExams) -> bool:
        """Tell whether a session is known here, and of one of these exams."""
        place = self._places.get(session_id)
        return place is not None and is_among(place.session.exam, own)

    def _line_changed(self, session_id: str) -> None:
        if session_id in self._places:
            self._changed.add(session_id)

    def _said(self, session_id: str, message: Record) -> None:
        place = self._places.get(session_id)
        known = self._cases.in_memory(session_id)
        call = None if known is None else known[0].session.help
        if place is None or call is None or not call.waits:
            return
        # Else they called before this program began: all of it is read with the tile.
        if place.said is not None and place.said.since == call.since:
            place.said = place.said.heard(message)
        self._changed.add(session_id)

    def _found(self, session_id: str, flags: Sequence[Flag]) -> None:
        place = self._places.get(session_id)
        if place is None:
            return
        conduct = {
            each.id: Raised(each.started_at, each.when, each.value)
            for each in flags
            if each.flag_class is FlagClass.CONDUCT
        }
        if conduct != place.conduct:
            place.conduct = conduct
            self._changed.add(session_id)

    # --- what goes out ---------------------------------------------------------------------------

    @asynccontextmanager
    async def watching(
        self, name: str, *, exam: str | None = None, own: OwnExams = None
    ) -> AsyncIterator[Watch]:
        """Open a wall for a proctor within the block: of one exam, or of all of their own.

        Raises:
            NotFound: There is no such exam, or it is not one of their own.
        """
        exams = [
            {"id": each.exam.id, "title": each.exam.title}
            for each, _ in await self._store.exams()
            if each.exam.id != PRACTICE_EXAM
            and exam in (None, each.exam.id)
            and is_among(each.exam.id, own)
        ]
        if exam is not None and not exams:
            raise NotFound(what="exam", id=exam)
        if not self._watches:
            await self._find()
        watch = Watch(self, name, exam, own)
        async with self._telling:
            if not self._watches:
                await self._turn()  # nobody watched: what is known may be old
            self._let_lapse(self._cases.now())
            self._left.pop(name, None)
            # What was taken in an exam that is theirs no more returns to all.
            taken = [each for each, by in self._taken.items() if by == name]
            self.release([each for each in taken if not self.is_of(each, own)], name)
            watch.first = self._whole(watch, exams)
            self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            watch.view(())
            watch.look(None)
            if all(each.name != name for each in self._watches):
                self._left[name] = self._cases.now()

    async def run(self) -> None:
        """Tell who watches what changed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_ever())
            group.create_task(self._find_ever())

    async def turn(self) -> None:
        """Tell who watches what changed since the last turn."""
        async with self._telling:
            await self._turn()

    async def _tell_ever(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            if not self._watches:
                continue
            try:
                await self.turn()
            except Exception:
                logger.exception("walls not told")

    async def _find_ever(self) -> None:
        while True:
            await asyncio.sleep(FIND_EVERY_S)
            if not self._watches:
                # Else what ended would be kept until somebody opens a wall, perhaps for months.
                self._let_go(self._cases.now())
                continue
            try:
                await self._find()
            except Exception:
                logger.exception("sessions not looked for")

    async def _find(self) -> None:
        """See the sessions that have not ended and that nobody has used: their learners are due."""
        for session_id in await self._store.unfinished():
            # One that is in memory and not here is a rehearsal.
            if session_id in self._places or self._cases.in_memory(session_id):
                continue
            # Not `get`: somebody may join at this moment, and what is saved then is newer.
            with suppress(NotFound, StorageFull):
                await self._cases.settled(session_id)

    async def _turn(self) -> None:
        now = self._cases.now()
        self._let_lapse(now)
        gone = self._let_go(now)
        changed = await self._made_anew(now)
        # What came on the lines, of the tiles that somebody has before their eyes.
        news: dict[str, str] = {}
        for session_id in self.viewed:
            place = self._places.get(session_id)
            if place is not None and (members := place.news()):
                news[session_id] = f'{{"session":"{session_id}",{members}}}'
        for watch in self._watches:
            watch.tell(changed, news, gone, now)

    def _let_go(self, now: datetime) -> list[Place]:
        """Show no more what ended long enough ago; return where it stood."""
        over = [each for each in self._ended if _is_done(self._places[each].session, now)]
        for session_id in over:
            self._ended.discard(session_id)
            self._again.pop(session_id, None)
            self._taken.pop(session_id, None)
        self._changed.difference_update(over)
        return [self._places.pop(each) for each in over]

    def _let_lapse(self, now: datetime) -> None:
        for name in [each for each, at in self._left.items() if now - at >= TAKE_KEPT]:
            del self._left[name]
            self.release([each for each, by in self._taken.items() if by == name], name)

    async def _made_anew(self, now: datetime) -> list[Change]:
        """Make the tiles anew of which something may have changed; return what did."""
        due = {session_id for session_id, each in self._again.items() if each.at <= now}
        changed, self._changed = self._changed | due, set()
        looking: dict[str, set[str]] = {}
        for watch in self._watches:
            if watch.looks_at is not None:
                looking.setdefault(watch.looks_at, set()).add(watch.name)
        found = []
        for session_id in changed:
            place = self._places.get(session_id)
            if place is None:
                continue
            try:
                tile = await self._tile(place, sorted(looking.get(session_id, ())))
            except Exception:
                if session_id not in self._again:  # said once, until it is made
                    logger.exception("tile not made", extra={"session": session_id})
                self._put_off(session_id, now)
            else:
                self._again.pop(session_id, None)
                found.append(changed_to(place, tile))
        return found

    def _put_off(self, session_id: str, now: datetime) -> None:
        """Try a tile again later: what could not be read now may be, though nothing changes."""
        before = self._again.get(session_id)
        waited = AGAIN_AFTER if before is None else min(2 * before.waited, AGAIN_WITHIN)
        self._again[session_id] = _Again(now + waited, waited)

    async def _tile(self, place: Place, looking: Sequence[str]) -> Tile:
        session = place.session
        published = await self._cases.published(session)
        call, said = session.help, place.said
        if call is None or not call.waits:
            said = place.said = None
        elif said is None or said.since != call.since:  # after a restart
            said = await self._read_said(session, call.since)
            # What has come meanwhile may not be in it: then it is read again with the next tile.
            place.said = None if session.id in self._changed else said
        place.line = self._intake.line(session.id)
        if looking:
            place.looked_at = frozenset(place.conduct)
        unseen = [each for flag, each in place.conduct.items() if flag not in place.looked_at]
        known = Known(
            connected=place.line is not None,
            said=said,
            conduct=len(place.conduct),
            flagged=max(unseen or place.conduct.values(), key=lambda each: each.at, default=None),
            conduct_since=min((each.at for each in unseen), default=None),
            taken_by=self._taken.get(session.id),
            looking=looking,
        )
        return tile_of(session, published, known)

    async def _read_said(self, session: ExamSession, since: datetime) -> Said:
        """Return what a learner has said since a call began, on whichever device."""
        messages: list[Dated] = []
        for device in await self._store.devices(session.id):
            received = await self._store.received(session.id, device.id)
            messages += dated(received, {Kind.MESSAGE})
        said = Said(since=since)
        for message, received_at, _ in sorted(messages, key=lambda each: each.received_at):
            if waits_for_answer(session, message, received_at):
                said = said.heard(message)
        return said

    def _whole(self, watch: Watch, exams: Sequence[object]) -> str:
        tiles = []
        for session_id, place in self._places.items():
            if place.tile is None or not watch.is_mine(place.session.exam):
                continue
            if session_id not in self.viewed:
                place.news()  # nobody else waits for it
            tiles.append(place.whole())
        now_ms = milliseconds(self._cases.now())
        return (
            f'{{"type":"wall","now_ms":{now_ms},"me":{encode(watch.name)},'
            f'"exams":{encode(exams)},"tiles":[{",".join(tiles)}]}}'
        )


def _is_done(session: ExamSession, now: datetime) -> bool:
    """Tell whether a session ended long enough ago, and nobody waits to be let in."""
    if session.state not in ENDED or session.closed_at is None:
        return False
    return now - session.closed_at >= ENDED_SHOWN and not asks_open(session)
