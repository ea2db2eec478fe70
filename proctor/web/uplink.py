"""The uplink: one WebSocket for each device, on which its log grows.

Binary messages come in and are taken one after the other; each is answered by one text message.
What changes in the session meanwhile is told in between. docs/protocol.md has the words.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict

from aiohttp import WSMsgType, web

from proctor.domain.errors import Refusal
from proctor.domain.session import SessionClosed
from proctor.evidence.batch import MAX_BATCH_BYTES
from proctor.evidence.errors import EvidenceError, Fork
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.intake import Held, Intake, Line, Receipted, Resume, Superseded
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, StorageFull
from proctor.services.views import view
from proctor.web.api import Api, Role
from proctor.web.auth import learner_of
from proctor.web.metrics import Metrics
from proctor.web.problems import problem_of

# A dead line is noticed after at most one and a half of these.
HEARTBEAT_S = 10.0
# What one device may have told without being heard before it must have read something: a reader
# that never reads is cut off instead of filling the memory.
SEND_TIMEOUT_S = 20.0

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

    @api.route("GET", "/api/v1/uplink", role=Role.LEARNER, raw=True, status=101, tags=["learner"])
    async def uplink(request: web.Request) -> web.WebSocketResponse:
        """Open the uplink of a device (WebSocket)."""
        learner = learner_of(request)
        device = next(
            each
            for each in await intake.store.devices(learner.session)
            if each.id == learner.device
        )
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MAX_BATCH_BYTES, compress=False
        )
        socket[_REQUEST] = request
        await socket.prepare(request)
        socket.headers.clear()  # they are sent; this is held for hours, of thousands at once
        sockets = request.app[UPLINKS]
        sockets.add(socket)
        metrics.uplinks.inc()
        line: Line | None = None
        told = _Telling(socket, cases)
        try:
            line = await intake.connect(device)
            with cases.watching(device.session, told.changed):
                await _send(socket, await _welcome(cases, line))
                await _serve(socket, line, metrics, analysis)
        except Refusal as no:
            # Before a word was heard: such as a full disk. The device comes again.
            await _send(socket, {"type": "problem", "problem": problem_of(no)})
        finally:
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
    for socket in tuple(sockets):
        await socket.close(code=1001, message=b"server shutdown")


async def _serve(
    socket: web.WebSocketResponse, line: Line, metrics: Metrics, analysis: Analysis
) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY:
            await socket.close(code=1003, message=b"batches are binary")
            return
        if not await _take(message.data, socket, line, metrics, analysis):
            return
        # Else each device that is silent would hold its last batch, pictures and all.
        del message


async def _take(
    batch: bytes,
    socket: web.WebSocketResponse,
    line: Line,
    metrics: Metrics,
    analysis: Analysis,
) -> bool:
    """Take a batch and answer it; tell whether the line takes more."""
    try:
        answer = await line.take(batch)
    except (EvidenceError, Refusal) as no:
        metrics.batches_refused.labels(no.code).inc()
        await _send(socket, {"type": "problem", "problem": problem_of(no)})
        if isinstance(no, Fork):
            analysis.touch(line.device.session)
        return not isinstance(no, (Superseded, SessionClosed))
    if isinstance(answer, Receipted):
        metrics.receipts.inc()
        metrics.records_accepted.inc(answer.records)
        if answer.told:
            # Only what a rule can be about; snapshots are touched when they were looked at.
            analysis.touch(line.device.session)
        await _send_text(socket, _receipt(answer))
    else:
        await _send(socket, _answer(answer))
    return True


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
    return {
        "type": "welcome",
        "size": line.frontier.size,
        "root": line.frontier.root().hex(),
        "owed": line.owed(),
        "server_log": _server_log(case),
        "session": asdict(view(case.session, published, now=now)),
        "state": str(case.session.state),
        "now_ms": milliseconds(now),
    }


def _server_log(case: Case) -> dict[str, object]:
    return {"size": case.log.size, "root": case.log.root().hex()}


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
    """Tells a device what changed in its session, the newest state only."""

    __slots__ = ("_cases", "_newest", "_socket", "_task")

    def __init__(self, socket: web.WebSocketResponse, cases: Cases) -> None:
        self._socket = socket
        self._cases = cases
        self._newest: Case | None = None
        self._task: asyncio.Task[None] | None = None

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
                shown = view(case.session, published, now=self._cases.now())
                message: dict[str, object] = {
                    "type": "session",
                    "session": asdict(shown),
                    "server_log": _server_log(case),
                }
                await _send(self._socket, message)
        except (ConnectionError, TimeoutError):
            pass  # the line is gone: its handler says so
        finally:
            self._task = None
