"""One wall that is open: what its proctor is told, and has before their eyes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from proctor.services.journal import milliseconds
from proctor.services.own_exams import OwnExams, is_among
from proctor.services.places import Change, Place, encode

# A page that hears nothing for longer takes its line for dead.
QUIET_S = 10.0
# Tiles that one page has before its reader's eyes, and some above and below them.
MAX_VIEWED = 120


class Watched(Protocol):
    """What all who watch see: `services.wall.Wall`. None of this waits for anything."""

    def place(self, session_id: str) -> Place | None: ...

    def is_of(self, session_id: str, own: OwnExams) -> bool: ...

    def count_viewed(self, before: Iterable[str], after: Iterable[str]) -> None: ...

    def looked(self, session_id: str) -> None: ...

    def take(self, sessions: Iterable[str], name: str) -> None: ...

    def release(self, sessions: Iterable[str], name: str) -> None: ...


class Watch:
    """One wall that is open: what its proctor sees, and has before their eyes."""

    def __init__(self, wall: Watched, name: str, exam: str | None, own: OwnExams) -> None:
        self.name = name
        self.exam = exam
        self.own = own
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
            if place is not None and self.is_mine(place.session.exam)
        )
        self._owed |= viewed - self.viewed
        self._wall.count_viewed(self.viewed, viewed)
        self.viewed = viewed

    def look(self, session: str | None) -> None:
        """Have one session open, or none."""
        own = [] if session is None else self._own([session])
        before, self.looks_at = self.looks_at, own[0] if own else None
        for each in (before, self.looks_at):
            if each is not None:
                self._wall.looked(each)

    def take(self, sessions: Iterable[str]) -> None:
        """See to these learners, whoever did before."""
        self._wall.take(self._own(sessions), self.name)

    def release(self, sessions: Iterable[str]) -> None:
        """See to these no more; those of others stay theirs."""
        self._wall.release(self._own(sessions), self.name)

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
        self._gone.update(each.session.id for each in gone if self.is_mine(each.session.exam))
        mine = [each for each in changed if self.is_mine(each.exam)]
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

    def is_mine(self, exam: str) -> bool:
        """Tell whether the sessions of an exam are on this wall."""
        return self.exam in (None, exam) and is_among(exam, self.own)

    def _own(self, sessions: Iterable[str]) -> list[str]:
        """Return those of them that are of one's own exams, whichever the wall is of."""
        if self.own is None:
            return list(sessions)
        return [each for each in sessions if self._wall.is_of(each, self.own)]
