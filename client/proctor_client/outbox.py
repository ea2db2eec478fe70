"""What to send next: which records and blobs are under way, owed, or waiting.

It knows no network. The server's size says where to begin; records go in order, several batches
under way at a time. On a slow link records go first and alone, and one blob follows at a time, so
that an answer never waits behind more than one picture.
"""

from collections import deque
from dataclasses import dataclass
from threading import Lock

from proctor.evidence.batch import join as join_batch
from proctor.evidence.batch import seal
from proctor.evidence.note import SigningKey
from proctor_client.errors import HistoryDiffers
from proctor_client.spool import Spool

SLOW_S = 2.0  # a batch that takes longer has a slow link
FAST_S = 1.0
BACKLOG = 64  # records that wait: then they go first
OWED_LISTED = 256  # a list of owed blobs that is shorter is complete
_IN_FLIGHT, _IN_FLIGHT_SLOW = 8, 2
_RECORDS, _RECORDS_BACKLOG = 16, 64  # in a batch; 64 of the largest are 4 MiB
_BLOB_BYTES = 1024 * 1024  # along with records; larger ones travel alone
_BLOB_BYTES_ALONE = 4 * 1024 * 1024
_BLOBS = 64
_BARE = 2048  # records ahead of their blobs; a server may refuse to wait for more than 4096


@dataclass(slots=True, kw_only=True)
class Flight:
    """A batch: records start..stop-1, or blobs alone (start == stop)."""

    start: int
    stop: int
    blobs: frozenset[str]  # that travel with it
    named: frozenset[str] = frozenset()  # by its records
    sent_s: float = 0.0

    @property
    def alone(self) -> bool:
        return self.start == self.stop


class Outbox:
    """What one connection sends. `begin` anew with each."""

    def __init__(self, spool: Spool, *, key: SigningKey, origin: str) -> None:
        self._spool = spool
        self._key = key
        self._origin = origin
        self._next = 0  # the first record that is not on its way
        self._flights: deque[Flight] = deque()  # not answered yet, oldest first
        self._owed: dict[str, None] = {}  # in the order the server named them
        self._owed_guard = Lock()  # packing has a thread of its own
        self._bare: set[str] = set()  # blobs whose records went ahead
        self._rewind: tuple[int, bytes] | None = None
        self._slow = False

    def begin(self, *, size: int, root: bytes, owed: frozenset[str]) -> None:
        """Take up where the server's copy of the log ends.

        Raises:
            HistoryDiffers: It is no copy of this log's beginning.
        """
        self._flights.clear()
        self._rewind = None
        self._owed = dict.fromkeys(owed)
        self._go_on_from(size, root)
        refs = (self._spool.blob_named(seq) for seq in range(size))
        self._bare = {ref.sha256 for ref in refs if ref and self._spool.has_blob(ref.sha256)}

    def rewind(self, *, size: int, root: bytes) -> None:
        """Go on from `size` as soon as everything under way is answered."""
        self._rewind = size, root

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and no record waits."""
        return not self._flights and self._next == self._spool.size

    def plan(self, now_s: float) -> Flight | None:
        """Return what to send now, or None if it is best to wait. Raises HistoryDiffers."""
        if self._rewind is not None:
            if self._flights:
                return None
            (size, root), self._rewind = self._rewind, None
            self._go_on_from(size, root)
        waiting = self._spool.size - self._next
        if self._flights and now_s - self._flights[0].sent_s > SLOW_S:
            self._slow = True
        slow = self._slow or waiting > BACKLOG
        if len(self._flights) >= (_IN_FLIGHT_SLOW if slow else _IN_FLIGHT):
            return None
        return self._records(waiting, slow=slow) if waiting else self._blobs(slow=slow)

    def pack(self, flight: Flight) -> bytes | None:
        """Return a flight's message, or None if its blobs are gone. Reads the disk and signs."""
        blobs = []
        for digest in flight.blobs:
            data = self._spool.read_blob(digest)
            if data is None:
                # Someone deleted or changed it: it will have "never arrived", and nothing waits.
                self._spool.drop_blob(digest)
                self.settle(digest)
                flight.blobs -= {digest}
            else:
                blobs.append(data)
        if flight.alone:
            return join_batch(lines=[], note=b"", blobs=blobs) if blobs else None
        return seal(
            lines=self._spool.lines(flight.start, flight.stop),
            blobs=blobs,
            frontier=self._spool.frontier_at(flight.stop),
            origin=self._origin,
            key=self._key,
        )

    def left(self, flight: Flight, now_s: float) -> None:
        """Note that a flight is under way."""
        flight.sent_s = now_s
        self._flights.append(flight)
        self._next = flight.stop
        with self._owed_guard:
            self._bare |= flight.named - flight.blobs

    def landed(self, now_s: float) -> Flight | None:
        """Return the oldest flight under way, which is answered now; None if there is none."""
        if not self._flights:
            return None
        flight = self._flights.popleft()
        took_s = now_s - flight.sent_s
        if took_s > SLOW_S:
            self._slow = True
        elif took_s < FAST_S and self._next == self._spool.size:
            self._slow = False
        return flight

    def awaits(self, size: int) -> bool:
        """Tell whether a receipt of `size` records answers a batch under way, and those before."""
        for flight in self._flights:
            if flight.alone or flight.stop >= size:
                return not flight.alone and flight.stop == size
        return False

    def landed_up_to(self, size: int, now_s: float) -> list[Flight]:
        """Return the flights that a receipt of `size` records answers, oldest first.

        A server may take batches that wait together, and answer them with one receipt.
        """
        flights: list[Flight] = []
        while self._flights and not self._flights[0].alone and self._flights[0].stop <= size:
            flight = self.landed(now_s)
            assert flight is not None
            flights.append(flight)
        return flights

    def owe(self, digests: frozenset[str]) -> None:
        """Note that the server asks for blobs."""
        with self._owed_guard:
            self._owed.update(dict.fromkeys(digests))

    def settle(self, digest: str) -> None:
        """Note that the server has a blob, or never will."""
        with self._owed_guard:
            self._owed.pop(digest, None)
            self._bare.discard(digest)

    def sent_without_receipt(self) -> bool:
        """Tell whether records left whose answer will not come over this connection."""
        return not self._flights and self._spool.receipted < self._next

    def _go_on_from(self, size: int, root: bytes) -> None:
        ours = self._spool.size
        # Sending would sign a second history; so this is looked at before anything is sent.
        if size > ours or self._spool.frontier_at(size).root() != root:
            raise HistoryDiffers(size=size, ours=ours)
        self._next = size

    def _records(self, waiting: int, *, slow: bool) -> Flight:
        start = self._next
        stop = start + min(waiting, _RECORDS_BACKLOG if slow else _RECORDS)
        refs = (self._spool.blob_named(seq) for seq in range(start, stop))
        named = list(dict.fromkeys(ref.sha256 for ref in refs if ref is not None))
        bare = slow and len(self._bare) < _BARE
        blobs = frozenset() if bare else self._fitting(named, _BLOB_BYTES, _BLOBS)
        return Flight(start=start, stop=stop, blobs=blobs, named=frozenset(named))

    def _blobs(self, *, slow: bool) -> Flight | None:
        under_way = {digest for flight in self._flights for digest in flight.blobs}
        if slow and under_way:
            return None
        with self._owed_guard:
            owed = [digest for digest in self._owed if digest not in under_way]
        blobs = self._fitting(owed, _BLOB_BYTES_ALONE, 1 if slow else _BLOBS)
        return Flight(start=self._next, stop=self._next, blobs=blobs) if blobs else None

    def _fitting(self, digests: list[str], most_bytes: int, most: int) -> frozenset[str]:
        here, used = self._spool.named(), 0
        fitting: set[str] = set()
        for digest in digests:
            size = here.get(digest)
            if size is not None and used + size <= most_bytes and len(fitting) < most:
                fitting.add(digest)
                used += size
        return frozenset(fitting)
