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
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from proctor.domain.flags import Flag, FlagClass
from proctor.domain.help import Topic
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.session import ENDED, ExamSession
from proctor.evidence.record import Kind, Record, parse
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.intake import Intake
from proctor.services.journal import milliseconds
from proctor.services.places import Change, Place, changed_to, encode
from proctor.services.ports import Case, NotFound, StorageFull, Store
from proctor.services.tiles import HELP_CHARS, Known, Tile, tile_of

logger = logging.getLogger(__name__)

# How often what changed is told. A person sees no difference below that.
TELL_EVERY_S = 0.25
# A page that hears nothing for longer takes its line for dead.
QUIET_S = 10.0
# How often sessions are looked for that another program made: invitations from a terminal.
FIND_EVERY_S = 5.0
# What a proctor took returns to all so long after their last wall closed: a page that is loaded
# again, or a network that drops, gives nothing away.
TAKE_KEPT = timedelta(minutes=5)
# Who has handed in may still write or be asked for; then the desk has the session.
ENDED_SHOWN = timedelta(hours=1)
# Tiles that one page has before its reader's eyes, and some above and below them.
MAX_VIEWED = 120


class Watch:
    """One wall that is open: what its proctor sees, and has before their eyes."""

    def __init__(self, wall: "Wall", name: str, exam: str | None) -> None:
        self.name = name
        self.exam = exam
        self.looks_at: str | None = None
        self.viewed: frozenset[str] = frozenset()
        self.first = ""  # the whole wall, to be told before any news
        self._wall = wall
        self._owed: set[str] = set()  # to be told whole
        self._gone: set[str] = set()
        self._told_at = asyncio.get_running_loop().time()
        self._waits: asyncio.Future[str] | None = None

    async def news(self) -> str:
        """Wait for the next message. Until it is asked for, what changes is kept by name alone."""
        self._waits = asyncio.get_running_loop().create_future()
        try:
            return await self._waits
        finally:
            self._waits = None

    def view(self, sessions: Iterable[str]) -> None:
        """Have these before one's eyes, and no others."""
        places = {each: self._wall.place(each) for each in sessions}
        viewed = frozenset(
            session
            for session, place in places.items()
            if place is not None and self._is_mine(place.session.exam)
        )
        self._owed |= viewed - self.viewed
        self._wall.count_viewed(self.viewed, viewed)
        self.viewed = viewed

    def look(self, session: str | None) -> None:
        """Have one session open, or none."""
        before, self.looks_at = self.looks_at, session
        for each in (before, session):
            if each is not None:
                self._wall.looked(each)

    def take(self, sessions: Iterable[str]) -> None:
        """See to these learners, whoever did before."""
        self._wall.take(sessions, self.name)

    def release(self, sessions: Iterable[str]) -> None:
        """See to these no more; those of others stay theirs."""
        self._wall.release(sessions, self.name)

    def tell(
        self,
        changed: Sequence[Change],
        news: Mapping[str, str],
        gone: Sequence[Place],
        now: datetime,
    ) -> None:
        """Take what changed since the last time.

        Args:
            changed: Tiles that everybody sees; none of a session in `gone`.
            news: Of sessions that are in no change: what came on their lines, as JSON.
            gone: What is shown no more.
            now: Server clock.
        """
        self._gone.update(each.session.id for each in gone if self._is_mine(each.session.exam))
        mine = [each for each in changed if self._is_mine(each.exam)]
        seen = self.viewed & news.keys()
        if self._waits is None or self._waits.done():
            self._owed |= seen
            self._owed.update(each.session for each in mine)
            return
        tiles = [news[session] for session in seen - self._owed]
        for change in mine:
            text = change.viewed if change.session in self.viewed else change.all
            if text and change.session not in self._owed:
                tiles.append(text)
        owed = (self._wall.place(session) for session in self._owed)
        tiles.extend(place.whole() for place in owed if place is not None)
        loop_now = asyncio.get_running_loop().time()
        if not tiles and not self._gone and loop_now - self._told_at < QUIET_S:
            return
        self._told_at = loop_now
        self._waits.set_result(
            f'{{"type":"delta","now_ms":{milliseconds(now)},'
            f'"tiles":[{",".join(tiles)}],"gone":{encode(sorted(self._gone))}}}'
        )
        self._owed, self._gone = set(), set()

    def _is_mine(self, exam: str) -> bool:
        return self.exam is None or self.exam == exam


class Wall:
    def __init__(self, store: Store, cases: Cases, intake: Intake, analysis: Analysis) -> None:
        self.viewed: Counter[str] = Counter()  # by how many walls
        self._store = store
        self._cases = cases
        self._intake = intake
        self._places: dict[str, Place] = {}
        self._changed: set[str] = set()
        self._ended: dict[str, datetime] = {}
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
            if session.state in ENDED and _is_over(session.closed_at, self._cases.now()):
                return
            place = self._places[session.id] = Place(case)
        elif case.version < place.version:
            return  # read before the one that is known was saved
        place.session, place.version = session, case.version
        if session.state in ENDED and session.closed_at is not None:
            self._ended[session.id] = session.closed_at
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

    def _line_changed(self, session_id: str) -> None:
        if session_id in self._places:
            self._changed.add(session_id)

    def _said(self, session_id: str, message: Record) -> None:
        place = self._places.get(session_id)
        known = self._cases.in_memory(session_id)
        call = None if known is None else known[0].session.help
        if place is None or call is None or not call.waits:
            return
        text = _text(message)
        if text or place.known_said != call.since:
            place.said, place.known_said = text, call.since
            self._changed.add(session_id)

    def _found(self, session_id: str, flags: Sequence[Flag]) -> None:
        place = self._places.get(session_id)
        if place is None:
            return
        conduct = {
            each.id: each.started_at for each in flags if each.flag_class is FlagClass.CONDUCT
        }
        if conduct != place.conduct:
            place.conduct = conduct
            self._changed.add(session_id)

    # --- what goes out ---------------------------------------------------------------------------

    @asynccontextmanager
    async def watching(self, name: str, *, exam: str | None = None) -> AsyncIterator[Watch]:
        """Open a wall for a proctor within the block: of one exam, or of all.

        Raises:
            NotFound: There is no such exam.
        """
        exams = [
            {"id": each.exam.id, "title": each.exam.title}
            for each, _ in await self._store.exams()
            if each.exam.id != PRACTICE_EXAM and exam in (None, each.exam.id)
        ]
        if exam is not None and not exams:
            raise NotFound(what="exam", id=exam)
        if not self._watches:
            await self._find()
        watch = Watch(self, name, exam)
        async with self._telling:
            if not self._watches:
                await self._turn()  # nobody watched: what is known may be old
            self._let_lapse(self._cases.now())
            self._left.pop(name, None)
            watch.first = self._whole(name, exam, exams)
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
        changed = await self._made_anew()
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
        over = [each for each, at in self._ended.items() if _is_over(at, now)]
        for session_id in over:
            del self._ended[session_id]
            self._taken.pop(session_id, None)
        self._changed.difference_update(over)
        return [self._places.pop(each) for each in over]

    def _let_lapse(self, now: datetime) -> None:
        for name in [each for each, at in self._left.items() if now - at >= TAKE_KEPT]:
            del self._left[name]
            self.release([each for each, by in self._taken.items() if by == name], name)

    async def _made_anew(self) -> list[Change]:
        """Make the tiles anew of which something may have changed; return what did."""
        changed, self._changed = self._changed, set()
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
                logger.exception("tile not made", extra={"session": session_id})
            else:
                found.append(changed_to(place, tile))
        return found

    async def _tile(self, place: Place, looking: Sequence[str]) -> Tile:
        session = place.session
        published = await self._cases.published(session)
        call = session.help
        if call is not None and call.waits and place.known_said != call.since:
            # After a restart; or the message is on its way here.
            place.said = await self._read_said(session, call.since)
            place.known_said = call.since
        place.line = self._intake.line(session.id)
        if looking:
            place.looked_at = frozenset(place.conduct)
        unseen = [at for flag, at in place.conduct.items() if flag not in place.looked_at]
        known = Known(
            connected=place.line is not None,
            said=place.said,
            conduct=len(place.conduct),
            conduct_since=min(unseen, default=None),
            taken_by=self._taken.get(session.id),
            looking=looking,
        )
        return tile_of(session, published, known)

    async def _read_said(self, session: ExamSession, since: datetime) -> str:
        """Return what a learner said last, from when the call began."""
        used, marker = session.devices.used, f'"kind":"{Kind.MESSAGE}"'.encode()
        received = [] if used is None else await self._store.received(session.id, used.id)
        for batch in reversed(received):
            # The call is noted a moment after its message was received.
            if batch.received_at < since - timedelta(seconds=5):
                break
            for line in reversed(batch.lines):
                if marker in line and (text := _text(parse(line))):
                    return text
        return ""

    def _whole(self, name: str, exam: str | None, exams: Sequence[object]) -> str:
        tiles = []
        for session_id, place in self._places.items():
            if place.tile is None or exam not in (None, place.session.exam):
                continue
            if session_id not in self.viewed:
                place.news()  # nobody else waits for it
            tiles.append(place.whole())
        now_ms = milliseconds(self._cases.now())
        return (
            f'{{"type":"wall","now_ms":{now_ms},"me":{encode(name)},'
            f'"exams":{encode(exams)},"tiles":[{",".join(tiles)}]}}'
        )


def _is_over(closed_at: datetime | None, now: datetime) -> bool:
    return closed_at is not None and now - closed_at >= ENDED_SHOWN


def _text(message: Record) -> str:
    """Return a message's words as a tile has room for them; "" where it is for nobody."""
    topic, text = message.facts.get("topic"), message.facts.get("text")
    return text[:HELP_CHARS] if topic in list(Topic) and isinstance(text, str) else ""
