"""Pictures that wait to be looked at: those of the oldest exam first, each camera's in order."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from proctor.services.intake import Snapshot

# What is looked at first: the smaller.
Rank: TypeAlias = tuple[int, datetime]


class _Waiting(NamedTuple):
    snapshot: Snapshot
    since: datetime


class PictureQueue:
    """What one worker looks at. It has no bound: who puts looks at `waiting` first."""

    def __init__(self, rank: Callable[[str], Rank]) -> None:
        """Take how to rank a session, by its id."""
        self._rank = rank
        # A session has one place among the sessions, so that its pictures cannot change places.
        self._sessions: list[tuple[Rank, str]] = []  # a heap
        self._pictures: dict[str, deque[_Waiting]] = {}
        self._some = asyncio.Event()
        self.waiting = 0

    @property
    def oldest(self) -> datetime | None:
        """Since when the one waits that waits for longest."""
        return min((each[0].since for each in self._pictures.values()), default=None)

    def put(self, snapshot: Snapshot, *, since: datetime) -> None:
        session = snapshot.session
        pictures = self._pictures.get(session)
        if pictures is None:
            pictures = self._pictures[session] = deque()
            heapq.heappush(self._sessions, (self._rank(session), session))
        pictures.append(_Waiting(snapshot, since))
        self.waiting += 1
        self._some.set()

    async def get(self) -> Snapshot:
        """Take the next one; wait for it where there is none."""
        while not self._sessions:
            self._some.clear()
            await self._some.wait()
        _, session = heapq.heappop(self._sessions)
        pictures = self._pictures[session]
        snapshot = pictures.popleft().snapshot
        if pictures:
            heapq.heappush(self._sessions, (self._rank(session), session))
        else:
            del self._pictures[session]
        self.waiting -= 1
        return snapshot
