"""A LookStore in memory that fails when it is told to."""

from collections.abc import Sequence
from dataclasses import replace

from proctor.services.look_book import Look
from proctor.services.ports import StorageFull


class MemoryLooks:
    """`services.look_book.LookStore`. While `full`, nothing is stored."""

    def __init__(self) -> None:
        self.full = False
        self.writes = 0
        self._looks: dict[tuple[object, ...], Look] = {}

    async def add(self, looks: Sequence[Look]) -> None:
        if self.full:
            raise StorageFull
        self.writes += 1
        for look in looks:
            entry = (look.session, look.window, look.by, look.what, look.why, look.allowed)
            before = self._looks.get(entry, replace(look, count=0))
            self._looks[entry] = replace(
                before,
                at=min(before.at, look.at),
                until=max(before.until, look.until),
                count=before.count + look.count,
            )

    async def of(self, session_id: str) -> Sequence[Look]:
        found = [look for look in self._looks.values() if look.session == session_id]
        return sorted(found, key=lambda each: (each.at, each.by, each.what, each.why))
