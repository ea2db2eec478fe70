"""Brings the log to the server and the receipts back, over whatever network there is.

The server's first message says how much it holds; from there the records follow in order. After
every cut the server's own size decides where to go on, so that nothing is skipped and nothing
stands twice. A receipt is believed only after both signatures and the root were verified.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, assert_never

import aiohttp

from proctor.evidence.note import SigningKey, VerifierKey
from proctor.evidence.record import Kind
from proctor_client import clock
from proctor_client.errors import DiskFull, ReceiptRefused, Refused, SessionEnded
from proctor_client.outbox import OWED_LISTED, Flight, Outbox
from proctor_client.recorder import Recorder
from proctor_client.server import Backoff, Server
from proctor_client.wire import (
    Held,
    Message,
    NotUnderstood,
    Problem,
    Pushed,
    Receipt,
    Resume,
    ServerLog,
    View,
    Welcome,
    open_receipt,
    read_message,
)

CONTACT_LOST_S = 3.0  # a shorter loss of contact is no gap
BEAT_EVERY_S = 10.0
_WELCOME_S = 15.0
# Problems that a later try may not meet: no room; an older line of ours still open; blobs behind.
_PASSING = {"disk-full", "superseded", "too-many-owed"}


class _Cut(Exception):
    """This connection is of no more use; the next may be."""


class Uplink:
    """One device's uplink. `run` it; meanwhile wait for `receipted` or `delivered`."""

    def __init__(
        self,
        server: Server,
        recorder: Recorder,
        *,
        key: SigningKey,
        origin: str,
        server_keys: tuple[VerifierKey, ...],
        on_session: Callable[[View], None],
        on_contact: Callable[[], None],
        say: Callable[[str], None],
        backoff: Backoff | None = None,
    ) -> None:
        """Prepare; nothing is sent before `run`.

        Args:
            server: Where to.
            recorder: Whose log is sent; it gets the beats and the gaps of contact.
            key: The device's.
            origin: Of the device's log.
            server_keys: One of these cosigns.
            on_session: Called with each session view that the server pushes.
            on_contact: Called whenever the server has welcomed this device.
            say: Tells the learner one sentence.
            backoff: Between connections.
        """
        self.connected = False
        self.beats = True  # set to False once the log should come to rest
        self.ended: SessionEnded | None = None
        self._server = server
        self._recorder = recorder
        self._spool = recorder.spool
        self._outbox = Outbox(recorder.spool, key=key, origin=origin)
        self._key = key.verifier
        self._origin = origin
        self._server_keys = server_keys
        self._on_session = on_session
        self._on_contact = on_contact
        self._say = say
        self._backoff = backoff or Backoff()
        self._wake = recorder.written
        self._changed = asyncio.Condition()
        self._delivering = False
        self._heard_s = clock.monotonic_s()  # last sign of life
        self._heard_ms = 0  # the same, device clock; 0: never
        self._server_log: ServerLog | None = None
        self._beaten: ServerLog | None = None
        self._beat_s = float("-inf")

    @property
    def pending(self) -> int:
        """How many records have no receipt yet."""
        return self._spool.size - self._spool.receipted

    @property
    def blobs_pending(self) -> int:
        """How many blobs the server is not known to hold."""
        return len(self._spool.named())

    async def run(self) -> None:
        """Keep the uplink up, until cancelled or until the server has closed the session.

        Raises:
            HistoryDiffers: The server holds other records. Nothing is sent.
            ReceiptRefused: A receipt is not the server's.
            Refused: The server refused a batch for good.
        """
        while True:
            began_s, lost = clock.monotonic_s(), False
            try:
                link = await self._server.connect()
                try:
                    await self._talk(link)
                finally:
                    lost, self.connected = self.connected, False
                    await link.close()
                    await self._tell_waiters()
            except (_Cut, NotUnderstood, aiohttp.ClientError, OSError):
                pass  # OSError covers TimeoutError; what to do is the same for all: try again
            if self.ended is not None:
                return
            if lost:
                self._say("The exam server can't be reached. Everything is saved on this computer.")
            if clock.monotonic_s() - began_s > _WELCOME_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    async def receipted(self, size: int) -> None:
        """Wait until the first `size` records are under a receipt.

        Raises:
            SessionEnded: They will never be.
        """
        await self._until(lambda: self._spool.receipted >= size)

    async def delivered(self) -> None:
        """Wait until all records are receipted and all blobs held. Raises SessionEnded."""
        self._delivering = True
        self._wake.set()
        try:
            await self._until(lambda: not self.pending and not self.blobs_pending)
        finally:
            self._delivering = False

    async def contact(self) -> None:
        """Wait until the server is connected. Raises SessionEnded."""
        await self._until(lambda: self.connected)

    async def _until(self, done: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: done() or self.ended is not None)
        if self.ended is not None and not done():
            raise self.ended

    async def _tell_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # --- one connection ----------------------------------------------------------------------

    async def _talk(self, link: aiohttp.ClientWebSocketResponse) -> None:
        async with asyncio.timeout(_WELCOME_S):
            welcome = await self._hear(link)
        if isinstance(welcome, Problem):
            await self._answered(welcome)
            return
        if not isinstance(welcome, Welcome):
            raise _Cut
        await self._welcomed(welcome)
        sender = asyncio.create_task(self._send(link))
        try:
            while self.ended is None and (message := await self._next_message(link, sender)):
                await self._answered(message)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _next_message(
        self, link: aiohttp.ClientWebSocketResponse, sender: asyncio.Task[None]
    ) -> Message | None:
        """Return the next message, None at the end; raise what ended the sender, if it did."""
        hearing = asyncio.ensure_future(self._hear(link))
        try:
            await asyncio.wait({hearing, sender}, return_when=asyncio.FIRST_COMPLETED)
            if sender.done():
                sender.result()
            return await hearing
        finally:
            hearing.cancel()

    async def _hear(self, link: aiohttp.ClientWebSocketResponse) -> Message | None:
        """Return the server's next message, or None if the connection is over."""
        while True:
            message = await link.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._alive()
                return read_message(message.data)
            if message.type is aiohttp.WSMsgType.PING:
                await link.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                return None
            self._alive()

    def _alive(self) -> None:
        # Until the welcome was dealt with, the last sign of life is that of the connection before.
        if self.connected:
            self._heard_s, self._heard_ms = clock.monotonic_s(), self._recorder.now_ms()

    async def _send(self, link: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            self._wake.clear()
            flight = self._outbox.plan(clock.monotonic_s())
            if flight is None:
                await self._rest()
                continue
            message = await asyncio.to_thread(self._outbox.pack, flight)
            if message is not None:
                # Noted first: the answer may be there before `send_bytes` returns.
                self._outbox.left(flight, clock.monotonic_s())
                await link.send_bytes(message)

    async def _rest(self) -> None:
        # Nothing more can be sent; so what is missing now will not come over this connection: a
        # receipt that was cut off, or word of a blob for which the server's lists had no room.
        blobs_unclear = self._delivering and self._outbox.idle and self.blobs_pending
        if self._outbox.sent_without_receipt() or blobs_unclear:
            raise _Cut
        await self._tell_waiters()
        await self._wake.wait()

    # --- what comes back ---------------------------------------------------------------------

    async def _welcomed(self, welcome: Welcome) -> None:
        self._outbox.begin(size=welcome.size, root=welcome.root, owed=welcome.owed)
        if len(welcome.owed) < OWED_LISTED:
            named = (self._spool.blob_named(seq) for seq in range(welcome.size))
            await self._held({ref.sha256 for ref in named if ref is not None} - welcome.owed)
        lost_s, lost_ms = clock.monotonic_s() - self._heard_s, self._heard_ms
        self.connected = True
        self._alive()
        # Where the server holds all records but the receipt was cut off, one more brings another.
        unconfirmed = welcome.size == self._spool.size > self._spool.receipted
        lost = lost_ms and lost_s > CONTACT_LOST_S
        # The first record is the device's hello: before it, nothing may be written.
        if self._spool.size and (lost or unconfirmed):
            cause = "network" if lost_ms else "client-stopped"
            from_ms = lost_ms or await asyncio.to_thread(self._spool.last_at_ms)
            to_ms = max(from_ms, self._heard_ms)
            facts = {"of": "contact", "cause": cause, "from_ms": from_ms, "to_ms": to_ms}
            await self._write(Kind.GAP, facts)
        if lost_ms:
            self._say("The exam server is back. What was saved meanwhile is being sent.")
        self._on_contact()
        await self._seen(welcome.server_log)
        await self._tell_waiters()

    async def _answered(self, message: Message) -> None:
        match message:
            case Receipt():
                await self._receipt(message)
                await self._seen(message.server_log)
            case Held():
                await self._blobs_held(message.digests)
            case Resume():
                self._landed()
                self._outbox.rewind(size=message.size, root=message.root)
            case Problem():
                self._refused(message.refused)
            case Pushed():
                self._on_session(message.view)
                await self._seen(message.server_log)
            case Welcome():
                raise _Cut
            case _:
                assert_never(message)
        self._wake.set()
        await self._tell_waiters()

    async def _receipt(self, message: Receipt) -> None:
        if not self._outbox.awaits(message.size):
            raise ReceiptRefused(f"of {message.size} records, where no batch that was sent ends")
        open_receipt(
            message.note,
            key=self._key,
            origin=self._origin,
            server_keys=self._server_keys,
            size=message.size,
            root=self._spool.frontier_at(message.size).root(),
        )
        try:
            await asyncio.to_thread(self._spool.keep_receipt, message.note, message.size)
        except DiskFull:
            raise _Cut from None  # asked for again once there may be room
        # Only now: what has landed and has no receipt looks like a receipt that was cut off.
        flights = self._outbox.landed_up_to(message.size, clock.monotonic_s())
        self._outbox.owe(message.owed)
        # A list cut at its bound says nothing of a blob that did not come along.
        whole = len(message.owed) < OWED_LISTED
        told = {
            digest
            for flight in flights
            for digest in (flight.blobs | flight.named if whole else flight.blobs)
        }
        await self._held(told - message.owed)
        self._backoff.reset()

    async def _blobs_held(self, digests: frozenset[str]) -> None:
        if not self._landed().blobs & digests:
            raise _Cut
        await self._held(digests)
        self._backoff.reset()

    async def _held(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self._outbox.settle(digest)
            if self._spool.has_blob(digest):
                await asyncio.to_thread(self._spool.drop_blob, digest)

    def _refused(self, problem: Refused) -> None:
        flight = self._outbox.landed(clock.monotonic_s())
        if problem.code == "session-closed":
            self.ended = SessionEnded(problem.code, problem.detail)
            return
        alone = flight is not None and flight.alone
        # A blob alone may be not what the server expects (any more): its next welcome tells.
        if problem.code in _PASSING or problem.may_pass or alone:
            raise _Cut
        raise problem

    def _landed(self) -> Flight:
        flight = self._outbox.landed(clock.monotonic_s())
        if flight is None:
            raise _Cut
        return flight

    # --- what is recorded about it -----------------------------------------------------------

    async def _seen(self, server_log: ServerLog | None) -> None:
        """Record the server's log as it told of it: at most one beat in ten seconds."""
        self._server_log = seen = server_log or self._server_log
        now_s = clock.monotonic_s()
        if not self.beats or seen is None or not seen.size or seen == self._beaten:
            return
        # The first record is the device's hello: before it, nothing may be written.
        if now_s - self._beat_s >= BEAT_EVERY_S and self._spool.size:
            self._beat_s, self._beaten = now_s, seen
            await self._write(Kind.BEAT, {"size": seen.size, "root": seen.root})

    async def _write(self, kind: Kind, facts: dict[str, Any]) -> None:
        try:
            await self._recorder.write(kind, facts)
        except DiskFull as no:
            self._say(f"{no.happened} {no.do}")
