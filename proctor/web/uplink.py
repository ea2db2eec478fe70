"""The uplink: one WebSocket for each device, on which its log grows.

Binary messages come in and are taken in their order; each is answered by a text message, but that a
receipt answers all batches up to its size. What changes in the session is told in between.
docs/protocol.md has the words.
"""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import sha256

from aiohttp import WSMsgType, web

from proctor.domain.errors import Refusal
from proctor.domain.second_camera import PHONE
from proctor.domain.session import SessionClosed
from proctor.evidence.batch import MAX_BATCH_BYTES, Batch, split, together
from proctor.evidence.errors import EvidenceError, Fork
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.intake import (
    Held,
    Intake,
    Line,
    Receipted,
    Resume,
    Superseded,
)
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, Device, Published, StorageFull
from proctor.services.second_cameras import as_phone_sees
from proctor.services.sessions import takes_part
from proctor.services.views import SessionView, view
from proctor.web.api import DEVICES, Api
from proctor.web.auth import UPLINK_PROTOCOL, learner_of, protocols_of
from proctor.web.metrics import Metrics
from proctor.web.problems import problem_of
from proctor.web.serve import say_good_bye

logger = logging.getLogger(__name__)

# A dead line is noticed after at most one and a half of these.
HEARTBEAT_S = 10.0
# What one device may have told without being heard before it must have read something: a reader
# that never reads is cut off instead of filling the memory.
SEND_TIMEOUT_S = 20.0

# Of one device, beside what is worked on; then its connection is read no further.
MAX_WAITING_BYTES = 1024 * 1024

UPLINKS = web.AppKey("uplinks", set)

_REQUEST = web.ResponseKey("request", web.Request)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def add_uplink_route(
    api: Api,
    *,
    intake: Intake,
    cases: Cases,
    analysis: Analysis,
    metrics: Metrics,
) -> None:
    """Declare GET /api/v1/uplink."""

    @api.route("GET", "/api/v1/uplink", role=DEVICES, raw=True, status=101, tags=["learner"])
    async def uplink(request: web.Request) -> web.WebSocketResponse:
        """Open the uplink of a device (WebSocket)."""
        asked = protocols_of(request)
        if asked and UPLINK_PROTOCOL not in asked:
            # aiohttp would log all that was asked for: a token among it.
            raise web.HTTPBadRequest
        learner = learner_of(request)
        device = next(
            each
            for each in await intake.store.devices(learner.session)
            if each.id == learner.device
        )
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_BATCH_BYTES,
            compress=False,
            protocols=(UPLINK_PROTOCOL,),
        )
        socket[_REQUEST] = request
        await socket.prepare(request)
        socket.headers.clear()  # they are sent; this is held for hours, of thousands at once
        sockets = request.app[UPLINKS]
        sockets.add(socket)
        metrics.uplinks.inc()
        line: Line | None = None
        inbox: _Inbox | None = None
        told = _Telling(socket, cases, device)
        try:
            line = await intake.connect(device)
            with cases.watching(device.session, told.changed):
                await _send(socket, await _welcome(cases, line))
                inbox = _Inbox(socket, line, metrics, analysis)
                await inbox.serve()
        except Refusal as no:
            # Before a word was heard: such as a full disk. The device comes again.
            await _send(socket, {"type": "problem", "problem": problem_of(no)})
        finally:
            if inbox is not None:
                inbox.stop()
            told.stop()
            sockets.discard(socket)
            metrics.uplinks.dec()
            if line is not None:
                # Shielded: a handler that is cancelled must still say that contact was lost.
                await asyncio.shield(_hang_up(intake, line))
        return socket


async def _hang_up(intake: Intake, line: Line) -> None:
    # A server that stops, or whose disk is full, can't write it down: the next start does.
    with suppress(StorageFull):
        await intake.disconnect(line)


async def close_uplinks(app: web.Application) -> None:
    """Say good-bye to every device when the server stops; they come again by themselves."""
    sockets: set[web.WebSocketResponse] = app[UPLINKS]
    await say_good_bye(sockets)


class _Inbox:
    """What a device sent and is not answered yet.

    What came while a batch was worked on is taken together: one signature is verified, one receipt
    signed, one row written. A device that catches up after an outage, or a server that is hard
    pressed, has several batches waiting; else there is one at a time.
    """

    __slots__ = ("_analysis", "_bytes", "_line", "_metrics", "_socket", "_waiting", "_work")

    def __init__(
        self, socket: web.WebSocketResponse, line: Line, metrics: Metrics, analysis: Analysis
    ) -> None:
        self._socket = socket
        self._line = line
        self._metrics = metrics
        self._analysis = analysis
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None  # none while nothing waits

    async def serve(self) -> None:
        """Take what comes until the line is closed."""
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                await self._socket.close(code=1003, message=b"batches are binary")
                break
            self._waiting.append(message.data)
            self._bytes += len(message.data)
            # Else each device that is silent would hold its last batch, pictures and all.
            del message
            if self._work is None:
                self._work = asyncio.ensure_future(self._take_all())
            if self._bytes > MAX_WAITING_BYTES:
                await asyncio.wait({self._work})
        if self._work is not None:
            await self._work

    def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()

    async def _take_all(self) -> None:
        try:
            while self._waiting:
                messages, self._waiting, self._bytes = self._waiting, [], 0
                if not await self._take(messages):
                    await self._socket.close()
                    return
        except ConnectionError:
            pass  # the line is gone: whoever reads it notices
        except TimeoutError:  # a reader that never reads
            await self._socket.close(code=1008, message=b"answers are not read")
        except Exception:
            # A bug of ours: the device must not wait for an answer that never comes.
            logger.exception("a batch could not be taken")
            await self._socket.close(code=1011)
        finally:
            self._work = None

    async def _take(self, messages: Sequence[bytes]) -> bool:
        """Take messages and answer them; tell whether the line takes more."""
        for run in _runs(messages):
            if isinstance(run, EvidenceError):
                goes_on = await self._refuse(run)
            else:
                goes_on = await self._take_run(run)
            if not goes_on:
                return False
        return True

    async def _take_run(self, batches: Sequence[Batch]) -> bool:
        """Take batches as one if that can be; if not each by itself, so that each is answered."""
        if len(batches) > 1:
            with suppress(EvidenceError, Refusal):
                answer = await self._line.take(together(batches))
                if isinstance(answer, Receipted):
                    await self._answer(answer)
                    return True
        for batch in batches:
            try:
                answer = await self._line.take(batch)
            except (EvidenceError, Refusal) as no:
                if not await self._refuse(no):
                    return False
            else:
                await self._answer(answer)
        return True

    async def _answer(self, answer: Receipted | Held | Resume) -> None:
        if not isinstance(answer, Receipted):
            await _send(self._socket, _answer(answer))
            return
        self._metrics.receipts.inc()
        self._metrics.records_accepted.inc(answer.records)
        if answer.told:
            # Only what a rule can be about; snapshots are touched when they were looked at.
            self._analysis.touch(self._line.device.session)
        await _send_text(self._socket, _receipt(answer))

    async def _refuse(self, no: EvidenceError | Refusal) -> bool:
        self._metrics.batches_refused.labels(no.code).inc()
        await _send(self._socket, {"type": "problem", "problem": problem_of(no)})
        if isinstance(no, Fork):
            self._analysis.touch(self._line.device.session)
        return not isinstance(no, (Superseded, SessionClosed))


def _runs(messages: Sequence[bytes]) -> Iterator[list[Batch] | EvidenceError]:
    """Take messages apart: batches with records that follow one another, and what is no batch."""
    run: list[Batch] = []
    for message in messages:
        try:
            batch = split(message)  # each blob is hashed here
        except EvidenceError as no:
            if run:
                yield run
            yield no
            run = []
            continue
        if run and (batch.note is None or run[-1].note is None):
            yield run
            run = []
        run.append(batch)
    if run:
        yield run


def _receipt(answer: Receipted) -> str:
    """Return the receipt's message: the one that is made thousands of times a second."""
    note, owed = _encode(answer.note.decode()), _encode(answer.owed) if answer.owed else "[]"
    return f'{{"type":"receipt","note":{note},"size":{answer.size},"owed":{owed}}}'


def _answer(answer: Held | Resume) -> dict[str, object]:
    match answer:
        case Held():
            return {"type": "held", "sha256": answer.sha256}
        case Resume():
            return {"type": "resume", "size": answer.size, "root": answer.root.hex()}


async def _welcome(cases: Cases, line: Line) -> dict[str, object]:
    case = await cases.settled(line.device.session)
    published = await cases.published(case.session)
    now = cases.now()
    shown = _shown(cases, case, published, line.device, now=now)
    return {
        "type": "welcome",
        "size": line.frontier.size,
        "root": line.frontier.root().hex(),
        "owed": line.owed(),
        "server_log": _server_log(case),
        "session": asdict(shown),
        "state": str(case.session.state),
        "now_ms": milliseconds(now),
    }


def _shown(
    cases: Cases, case: Case, published: Published, device: Device, *, now: datetime
) -> SessionView:
    before = cases.held_before(case.session)
    shown = view(case.session, published, now=now, held_before=before)
    return as_phone_sees(shown) if device.kind == PHONE else shown


def _server_log(case: Case) -> dict[str, object]:
    return {"size": case.log.size, "root": case.log.root().hex()}


def _digest(message: dict[str, object], shown: SessionView) -> bytes:
    """Return a digest of what a message says; that time passes is no news."""
    asks = [
        replace(each, seconds=0) if each.until_ms is None else each  # it grows with the clock
        for each in shown.asks
    ]
    said = message | {"session": asdict(replace(shown, now_ms=0, asks=asks))}
    return sha256(_encode(said).encode()).digest()


async def _send(socket: web.WebSocketResponse, message: dict[str, object]) -> None:
    await _send_text(socket, _encode(message))


async def _send_text(socket: web.WebSocketResponse, text: str) -> None:
    # Where all that was said before is on its way, this can't be held up; a timer would cost a
    # tenth of a batch.
    if _unsent(socket) == 0:
        await socket.send_str(text)
        return
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await socket.send_str(text)


def _unsent(socket: web.WebSocketResponse) -> int | None:
    """Return how many bytes wait for the device to read; None where the line is gone."""
    transport = socket[_REQUEST].transport
    return None if transport is None else transport.get_write_buffer_size()


class _Telling:
    """Tells a device what changed in its session, the newest state only; nothing else is told.

    A session is saved for much that its learner is not shown. One whose place another device has
    taken is told that as the last thing.
    """

    __slots__ = ("_cases", "_device", "_newest", "_socket", "_task", "_told")

    def __init__(self, socket: web.WebSocketResponse, cases: Cases, device: Device) -> None:
        self._socket = socket
        self._cases = cases
        self._device = device
        self._newest: Case | None = None
        self._task: asyncio.Task[None] | None = None
        self._told = b""  # a digest of what was told last: thousands are held for hours

    def changed(self, case: Case) -> None:
        self._newest = case
        if self._task is None:
            self._task = asyncio.ensure_future(self._tell())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tell(self) -> None:
        try:
            while (case := self._newest) is not None:
                self._newest = None
                published = await self._cases.published(case.session)
                now = self._cases.now()
                shown = _shown(self._cases, case, published, self._device, now=now)
                message: dict[str, object] = {
                    "type": "session",
                    "session": asdict(shown),
                    "server_log": _server_log(case),
                }
                before, self._told = self._told, _digest(message, shown)
                if before != self._told:
                    await _send(self._socket, message)
                if not takes_part(case.session, self._device):
                    problem = problem_of(Superseded())
                    await _send(self._socket, {"type": "problem", "problem": problem})
                    await self._socket.close()
        except (ConnectionError, TimeoutError):
            pass  # the line is gone: its handler says so
        finally:
            self._task = None
