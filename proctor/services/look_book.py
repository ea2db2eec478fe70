"""Who looked at what of a session, when and why: written down before anything is shown.

Looks of one person at one kind of thing, for one reason, within ten minutes are one entry: a strip
of 1,500 thumbnails is one look, and so is an hour at the wall six. The entry is durable before the
first bytes go out; that there were more of them follows within seconds.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from proctor.services.journal import milliseconds

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=10)
# How late a count may be written. What was looked at, by whom and why, stands from the first on.
COUNT_WITHIN_S = 5.0
# Entries of which more looks are counted in memory; each look beyond is written by itself.
MAX_ENTRIES = 65_536


class What(StrEnum):
    """What was looked at."""

    SNAPSHOT = "snapshot"
    FACE = "face"
    DOCUMENT = "document"
    FILE = "file"  # that the learner handed in
    THUMBNAILS = "thumbnails"
    LIVE_STILLS = "live stills"
    READING = "reading"  # what a machine read in a document
    BUNDLE = "bundle"
    PICTURES = "pictures"  # asked for, and not shown: which is not known


class Why(StrEnum):
    REVIEW = "review"
    CHECK_IN = "check-in"
    HELP = "help"
    CONTEST = "contest"
    AUDIT = "audit"
    WATCHING = "watching"
    MARKING = "marking"  # an answer that no machine can score
    NONE = ""  # who was refused gave no reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks of one person at one kind of thing within one window.

    `at` is when the first of them was, `until` the last, `count` how many pictures were asked for.
    """

    session: str
    by: str  # a staff account's name
    what: What
    why: Why
    allowed: bool = True  # False: refused, nothing was shown
    at: datetime
    until: datetime
    count: int = 1

    @property
    def window(self) -> int:
        """Which ten minutes, counted since 1970."""
        return milliseconds(self.at) // (WINDOW // timedelta(milliseconds=1))


class LookStore(Protocol):
    """Looks, kept as long as their session is. Calls may run concurrently."""

    async def add(self, looks: Sequence[Look]) -> None:
        """Keep looks, durably. One of an entry that is there widens it and adds to its count."""
        ...

    async def of(self, session_id: str) -> Sequence[Look]:
        """Return a session's looks, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LookView:
    by: str
    what: str
    why: str
    at_ms: int
    until_ms: int
    count: int
    allowed: bool


_Entry = tuple[str, int, str, What, Why, bool]


class LookBook:
    def __init__(self, store: LookStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._more: dict[_Entry, Look] = {}  # durable entries, and what to add to each

    async def note(
        self, session_id: str, *, by: str, what: What, why: Why, allowed: bool = True
    ) -> None:
        """Write down a look. Nothing may be shown before this returned.

        Args:
            session_id: Of a session that exists.
            by: Who looks.
            what: At what.
            why: For which reason, as they say.
            allowed: False where they were refused.

        Raises:
            StorageFull: It could not be written: show nothing.
        """
        now = self._now()
        look = Look(
            session=session_id, by=by, what=what, why=why, allowed=allowed, at=now, until=now
        )
        entry = (session_id, look.window, by, what, why, allowed)
        if (more := self._more.get(entry)) is not None:
            self._more[entry] = replace(more, until=now, count=more.count + 1)
            return
        await self._store.add([look])
        if len(self._more) < MAX_ENTRIES:
            self._more.setdefault(entry, replace(look, count=0))

    async def of(self, session_id: str) -> list[LookView]:
        """Return who looked at a session, oldest look first."""
        await self.write_counts()
        return [
            LookView(
                by=look.by,
                what=str(look.what),
                why=str(look.why),
                at_ms=milliseconds(look.at),
                until_ms=milliseconds(look.until),
                count=look.count,
                allowed=look.allowed,
            )
            for look in await self._store.of(session_id)
        ]

    async def write_counts(self) -> None:
        """Write what was counted in memory; forget entries whose ten minutes are over.

        Raises:
            StorageFull: It is counted still, and written next time.
        """
        window = milliseconds(self._now()) // (WINDOW // timedelta(milliseconds=1))
        due = [look for look in self._more.values() if look.count]
        # Emptied first: what is counted while this waits is for the next time.
        self._more = {
            entry: replace(look, count=0)
            for entry, look in self._more.items()
            if look.window >= window
        }
        if not due:
            return
        try:
            await self._store.add(due)
        except Exception:
            self._count_again(due)
            raise

    async def run(self) -> None:
        """Write counts until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(COUNT_WITHIN_S)
                await self._write_or_log()
        finally:
            await self._write_or_log()

    async def _write_or_log(self) -> None:
        try:
            await self.write_counts()
        except Exception:
            logger.exception("looks not counted")

    def _count_again(self, looks: Sequence[Look]) -> None:
        for look in looks:
            entry = (look.session, look.window, look.by, look.what, look.why, look.allowed)
            since = self._more.get(entry, replace(look, count=0))
            self._more[entry] = replace(since, count=since.count + look.count)
