"""What each picture of a session is, and the strip of its snapshots: sheets of small pictures.

Read from the session's records and remembered for a while: which picture is a document must be
known before it is shown, and 1,500 thumbnails are 25 sheets instead of 1,500 requests.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from proctor.domain.session import ENDED
from proctor.evidence.record import Kind
from proctor.services.cases import Cases
from proctor.services.device_time import dated
from proctor.services.intake import Snapshot
from proctor.services.journal import milliseconds
from proctor.services.look_book import What
from proctor.services.ports import Case, NotFound, Received, Store, Thumbnails

SHEET_PICTURES = 60
# Sessions of which it is remembered what each picture is: some hundred kilobytes each.
MAX_KNOWN = 32
# Sheets remembered, of about 60 KB each, and for how long: they hold pictures that may be erased.
MAX_SHEETS = 128
SHEET_FOR = timedelta(minutes=5)
# Pictures of one sheet read at the same time.
_AT_ONCE = 8
# The newest stills of each session that goes on: what walls ask for needs no look into the records.
_LIVE = 8

_PURPOSES: Mapping[object, What] = {
    "file": What.FILE,
    "document": What.DOCUMENT,
    "face": What.FACE,
}
# Where records name the same bytes twice, the first of these is what they are.
_GRAVEST = (What.DOCUMENT, What.FACE, What.SNAPSHOT, What.FILE)


@dataclass(frozen=True, slots=True)
class _Known:
    sizes: Sequence[tuple[str, int]]  # of the logs that it was read from
    what: Mapping[str, What]
    strip: Sequence[str]  # digests of the periodic snapshots, by the server's clock; "" for none


@dataclass(frozen=True, slots=True)
class _Sheet:
    jpeg: bytes
    made_at: datetime


class Strips:
    def __init__(self, store: Store, cases: Cases, thumbnails: Thumbnails) -> None:
        self._store = store
        self._cases = cases
        self._thumbnails = thumbnails
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reading = asyncio.Lock()
        self._sheets: OrderedDict[tuple[str | None, ...], _Sheet] = OrderedDict()
        self._live: dict[str, deque[str]] = {}
        cases.when_ended(self._over)

    def saw(self, snapshots: Sequence[Snapshot]) -> None:
        """Take note of snapshots whose pictures are held. It does not wait."""
        for session_id, some in groupby(snapshots, attrgetter("session")):
            known = self._cases.in_memory(session_id)
            if known is None or known[0].session.state in ENDED:
                continue  # they came late
            self._live.setdefault(session_id, deque(maxlen=_LIVE)).extend(
                record.blob.sha256
                for record in (each.record for each in some)
                if record.blob is not None and record.facts.get("purpose") == "periodic"
            )

    def is_live(self, session_id: str, sha256: str) -> bool:
        """Tell whether a blob is one of the newest stills of a session that goes on."""
        return sha256 in self._live.get(session_id, ())

    async def what(self, session_id: str, sha256: str) -> What:
        """Return what a blob of a session is; a file where no record of a device names it."""
        known = self._known.get(session_id)
        if known is None or sha256 not in known.what:
            known = await self._read(session_id)
        return known.what.get(sha256, What.FILE)

    async def sheet(self, session_id: str, number: int) -> bytes:
        """Return a JPEG of 60 snapshots, in rows of ten; black where a picture is not held.

        Args:
            session_id: Which session's.
            number: 0 for the first 60 of the periodic snapshots, by the server's clock.

        Raises:
            NotFound: There is no such session, or it has not as many snapshots.
        """
        await self._cases.get(session_id)
        strip = (await self._read(session_id)).strip
        digests = strip[number * SHEET_PICTURES : (number + 1) * SHEET_PICTURES]
        if not digests:
            raise NotFound(what="sheet", id=str(number))
        held = await self._store.held(session_id)
        # With what is held in it: once a picture was erased, no sheet that shows it is found.
        key = (session_id, *(each if each in held else None for each in digests))
        now = self._cases.now()
        while self._sheets and now - next(iter(self._sheets.values())).made_at > SHEET_FOR:
            self._sheets.popitem(last=False)
        if (made := self._sheets.get(key)) is not None:
            return made.jpeg
        jpeg = await self._thumbnails.sheet(await self._pictures(session_id, key[1:]))
        self._sheets[key] = _Sheet(jpeg, now)
        if len(self._sheets) > MAX_SHEETS:
            self._sheets.popitem(last=False)
        return jpeg

    async def _pictures(
        self, session_id: str, digests: Sequence[str | None]
    ) -> Sequence[bytes | None]:
        async def one(digest: str | None) -> bytes | None:
            if digest is None:
                return None
            async with at_once:
                try:
                    return await self._store.blob(session_id, digest)
                except NotFound:
                    return None  # erased meanwhile

        at_once = asyncio.Semaphore(_AT_ONCE)
        return await asyncio.gather(*(one(digest) for digest in digests))

    async def _read(self, session_id: str) -> _Known:
        """Return what a session's records say of its pictures, as of now."""
        devices = await self._store.devices(session_id)
        sizes = [
            (each.id, (await self._store.device_log(session_id, each.id)).frontier.size)
            for each in devices
        ]
        # One at a time: a page asks for many sheets at once, and each would read all records.
        async with self._reading:
            known = self._known.get(session_id)
            if known is None or known.sizes != sizes:
                logs = [await self._store.received(session_id, each.id) for each in devices]
                what, strip = await asyncio.to_thread(_pictures_of, logs)
                known = self._known[session_id] = _Known(sizes, what, strip)
            self._known.move_to_end(session_id)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
            return known

    def _over(self, case: Case) -> None:
        self._live.pop(case.session.id, None)


def _pictures_of(logs: Sequence[Sequence[Received]]) -> tuple[Mapping[str, What], Sequence[str]]:
    """Return what each blob is, and the digests of the periodic snapshots by time."""
    what: dict[str, What] = {}
    strip: list[tuple[int, str]] = []
    for received in logs:
        for each in dated(received):
            blob, purpose = each.record.blob, each.record.facts.get("purpose")
            if blob is not None:
                found = _PURPOSES.get(purpose, What.SNAPSHOT)
                before = what.get(blob.sha256, found)
                what[blob.sha256] = min(found, before, key=_GRAVEST.index)
            if each.record.kind is Kind.SNAPSHOT and purpose == "periodic":
                # To the millisecond, as the timeline has them: who counts there must find it here.
                strip.append((milliseconds(each.written_at), "" if blob is None else blob.sha256))
    return what, [digest for _, digest in sorted(strip, key=lambda each: each[0])]
