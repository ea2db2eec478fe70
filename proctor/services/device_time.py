"""When a record was written, by the server's clock.

A device's clock is testimony: it may be an hour off, be set right in mid-exam, or lie. What the
server knows is when each record came, and that a record is never written after it came.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from proctor.evidence.record import Kind, Record, parse
from proctor.services.journal import milliseconds
from proctor.services.ports import Received

# A clock that moves against the server's by more than this was set. Less is left as it is: records
# come in batches and over slow lines, and half a minute changes no section.
SET_MS = 60_000
# Of a line that was parsed when it was received: no name in its head can hold a quotation mark.
_HEAD = re.compile(rb'"at_ms":([0-9]+),"kind":"([a-z-]+)"')


class Dated(NamedTuple):
    """A record, and how far its device's clock was ahead of the server's when it was written."""

    record: Record
    received_at: datetime
    ahead_ms: int

    def at(self, device_ms: int) -> datetime:
        """Return an instant of the device's clock by the server's, aware UTC.

        Never after the record was received: nobody records what is to come.
        """
        at_ms = min(max(device_ms - self.ahead_ms, 0), milliseconds(self.received_at))
        return datetime.fromtimestamp(at_ms / 1000, UTC)

    @property
    def written_at(self) -> datetime:
        return self.at(self.record.at_ms)


def dated(received: Sequence[Received], kinds: Collection[Kind] = tuple(Kind)) -> list[Dated]:
    """Return a device's records of some kinds, oldest first, each with its place in time.

    As long as a clock runs on, the record that took the least time on its way tells how far it is
    ahead: the others were kept back by an outage. Where it was set, that is found anew: set back,
    records seem to be older than those before them; set on, they come sooner after they were
    written than any before. The second also looks so where the very first records were kept back:
    they are then taken to be as late as they came.
    """
    found: list[Dated] = []
    some = {kind.encode() for kind in kinds}
    for stretch, least_ms in _stretches(received):
        found += [
            Dated(parse(line), received_at, -least_ms)
            for kind, line, received_at in stretch
            if kind in some
        ]
    return found


def _stretches(
    received: Sequence[Received],
) -> Iterator[tuple[list[tuple[bytes, bytes, datetime]], int]]:
    """Yield kinds and lines between which the clock was not set, and the least time any took.

    All of them tell the time: to parse only those that are asked for takes a fifth of the time.
    """
    stretch: list[tuple[bytes, bytes, datetime]] = []
    least_ms = newest_ms = 0
    for batch in received:
        received_ms = milliseconds(batch.received_at)
        for line in batch.lines:
            head = _HEAD.search(line)
            assert head is not None
            at_ms, kind = int(head[1]), head[2]
            took_ms = received_ms - at_ms
            if stretch and (at_ms < newest_ms - SET_MS or took_ms < least_ms - SET_MS):
                yield stretch, least_ms
                stretch = []
            least_ms = min(least_ms, took_ms) if stretch else took_ms
            newest_ms = max(newest_ms, at_ms) if stretch else at_ms
            stretch.append((kind, line, batch.received_at))
    if stretch:
        yield stretch, least_ms
