"""A small exam server that speaks the wire contract over real HTTP, and fails on demand.

It keeps what it accepts in memory and believes nothing that `proctor.evidence` does not verify, so
that a test can compare what arrived with what was recorded, byte for byte.
"""

import asyncio
import time
from base64 import b64decode
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Any

import aiohttp
from aiohttp import web

from proctor.evidence.batch import Batch, check_named, open_batch_checkpoint, open_records, split
from proctor.evidence.errors import EvidenceError
from proctor.evidence.note import (
    KeyKind,
    Note,
    SigningKey,
    VerifierKey,
    cosignature,
    origin_of,
)
from proctor.evidence.record import Kind, Record, parse
from proctor.evidence.tree import Frontier
from tests.sim.serving import free_port

TOKEN = "t" * 43
SESSION = "s_7Q2M"
NAME = "proctor.example"
EXAM = "sds-2026"
POLICY_SHA256 = "ab" * 32


class Fault(Enum):
    """What goes wrong with the next batch."""

    NONE = auto()
    LOST_REQUEST = auto()  # cut before anything is stored
    ANSWERED_LATER = auto()  # stored, and answered by the receipt of the next
    LOST_ANSWER = auto()  # stored, and cut before the receipt
    RESUME = auto()  # told that it starts elsewhere
    DISK_FULL = auto()
    LOST_BLOBS = auto()  # records kept, blobs not
    CLOSED = auto()  # the session is over


class ExamServer:
    def __init__(self) -> None:
        self.key = SigningKey.generate(NAME, KeyKind.COSIGNATURE)
        self.signs_with = self.key
        self.faults: deque[Fault] = deque()
        self.device: VerifierKey | None = None
        self.lines: list[bytes] = []
        self.frontiers = [Frontier()]
        self.blobs: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.batches: list[Batch] = []
        self.state = "invited"
        self.id_check = "awaited"
        self.holds = False
        self.reason = ""
        self.asked_from: int | None = None  # the first record that counts, once asked again
        self.no_check_in: deque[str] = deque()  # codes with which the next are refused
        self.refused: list[str] = []  # kinds of computers, as the policy's words say them
        # What stands between a computer and this server, such as a hotel's network with its login.
        self.between: web.HTTPException | None = None
        self.displays_most = 1
        self.policy: dict[str, Any] = {"identity": {"document": "government-photo-id"}}
        self.server_log: dict[str, Any] = {"size": 3, "root": "cd" * 32}
        self.sections: dict[str, dict[str, Any]] = {
            name: {"id": name, "title": f"Part {name}", "state": "planned", "limit_s": 600}
            for name in ("a", "b")
        }
        self.items: dict[str, list[dict[str, Any]]] = {
            name: [
                {"id": f"{name}{at}", "kind": "fill-in", "points": 1, "text": "?"}
                for at in range(3)
            ]
            for name in ("a", "b")
        }
        self.acts: list[dict[str, Any]] = []
        self.asks: list[dict[str, Any]] = []
        self.asked_still_ms: int | None = None
        self.snapshot_every_s = 0.1
        self.limit_ms: dict[str, int] = {}
        self._accepted = asyncio.Event()
        self._links: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = free_port()  # which stays free while it is stopped

    # --- for tests ---------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def link(self) -> str:
        return f"{self.url}/join/{TOKEN}"

    @property
    def origin(self) -> str:
        assert self.device
        return origin_of(server=NAME, exam=EXAM, session=SESSION, device=self.device.name)

    def records(self, kind: Kind | None = None) -> list[Record]:
        return [each for each in map(parse, self.lines) if kind in {None, each.kind}]

    def answers(self) -> dict[str, Any]:
        return {each.facts["item"]: each.facts["response"] for each in self.records(Kind.ANSWER)}

    async def answered(self, count: int) -> None:
        """Wait until answers to `count` items were accepted."""
        while len(self.answers()) < count:
            self._accepted.clear()
            await self._accepted.wait()

    async def push(self) -> None:
        """Tell every device that something changed."""
        for link in set(self._links):
            await link.send_json({"type": "session", "session": self.view()})

    async def ask_again(self, reason: str) -> None:
        """Ask for new pictures while the exam goes on."""
        self.id_check, self.reason, self.asked_from = "retake", reason, len(self.lines)
        await self.push()

    async def start(self) -> None:
        app = web.Application()
        at = "/api/v1/session"
        app.router.add_get("/healthz", self._health)
        app.router.add_post("/api/v1/join", self._join)
        app.router.add_post("/api/v1/computer", self._computer)
        app.router.add_get(at, self._session)
        app.router.add_post(f"{at}/check-in", self._check_in)
        app.router.add_post(f"{at}/sections/{{section}}/open", self._open)
        app.router.add_post(f"{at}/sections/{{section}}/close", self._close)
        app.router.add_post(f"{at}/submit", self._submit)
        app.router.add_get("/api/v1/uplink", self._uplink)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()

    async def stop(self) -> None:
        for link in set(self._links):
            _abort(link)
        assert self._runner
        await self._runner.cleanup()

    # --- HTTP --------------------------------------------------------------------------------

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "now_ms": _now_ms()})

    async def _computer(self, request: web.Request) -> web.Response:
        if self.between is not None and not request.query:
            raise self.between
        asked = await request.json()
        assert asked["system"].keys() == {"os", "os_version", "maker", "model", "form"}
        if asked["token"] != TOKEN:
            return web.json_response({"type": "urn:proctor:problem:join-link-unknown"}, status=404)
        fit = {"refused": self.refused, "displays_most": self.displays_most}
        return web.json_response({"fit": fit, "now_ms": 0})

    async def _join(self, request: web.Request) -> web.Response:
        asked = await request.json()
        key = VerifierKey.parse(asked["key"])
        message = f"proctor-join/v1\n{asked['token']}\n{asked['key']}".encode()
        key.verify(b64decode(asked["proof"]), message)
        if asked["token"] != TOKEN or (self.device and self.device != key):
            return _problem("join-link-used", 409)
        self.device = key
        return web.json_response(
            {
                "session": SESSION,
                "device": key.name,
                "device_token": "secret",
                "origin": self.origin,
                "server_keys": [self.key.verifier.encode()],
                "exam": {"id": EXAM, "title": "Exam", "sections": self._views(), "in_order": True},
                "policy_sha256": POLICY_SHA256,
                "policy": self.policy,
                "notice": [{"heading": "You may use", "lines": ["a pen"]}],
                "capture": {
                    "snapshot_every_s": self.snapshot_every_s,
                    "width": 640,
                    "height": 480,
                    "jpeg_quality": 85,
                },
                "now_ms": _now_ms(),
            }
        )

    def _views(self) -> list[dict[str, Any]]:
        for section in self.sections.values():
            closes_at_ms = section.get("closes_at_ms")
            if section["state"] == "open" and closes_at_ms and _now_ms() >= closes_at_ms:
                section["state"] = "closed"
        return list(self.sections.values())

    def view(self) -> dict[str, Any]:
        return {
            "session": SESSION,
            "state": self.state,
            "id_check": {"state": self.id_check, "reason": self.reason},
            "sections": self._views(),
            "ledger": [],
            "acts": list(self.acts),
            "asks": [dict(ask) for ask in self.asks],
            "asked_still_ms": self.asked_still_ms,
            "now_ms": _now_ms(),
            "verdict": None,
        }

    async def _session(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer secret":
            return _problem("login-needed", 401)
        return web.json_response(self.view())

    async def _check_in(self, _request: web.Request) -> web.Response:
        if self.refused:
            return _problem("system-refused", 403, refused=self.refused)
        if self.no_check_in:
            return _problem(self.no_check_in.popleft(), 409)
        since = self.asked_from or 0
        have = {each.facts["purpose"] for each in self.records(Kind.SNAPSHOT) if each.seq >= since}
        if missing := sorted({"face", "document"} - have):
            return _problem("check-in-incomplete", 409, missing=missing)
        self.id_check = "captured"
        if self.asked_from is None:
            self.state = "check-in" if self.holds else "ready"
        return web.json_response(self.view())

    async def _open(self, request: web.Request) -> web.Response:
        name = request.match_info["section"]
        section = self.sections[name]
        if section["state"] == "planned":
            self.state = "running"
            now_ms = _now_ms()
            limit_ms = self.limit_ms.get(name, 600_000)
            section |= {"state": "open", "opened_at_ms": now_ms, "closes_at_ms": now_ms + limit_ms}
        self._views()
        if section["state"] == "closed":
            return _problem("section-closed", 403)
        told = {"section": section, "items": self.items[name], "session": self.view()}
        return web.json_response(told)

    async def _close(self, request: web.Request) -> web.Response:
        self.sections[request.match_info["section"]]["state"] = "closed"
        return web.json_response(self.view())

    async def _submit(self, _request: web.Request) -> web.Response:
        if not self.records(Kind.SUBMISSION):
            return _problem("submission-missing", 409)
        self.state = "submitted"
        return web.json_response(self.view())

    # --- the uplink --------------------------------------------------------------------------

    async def _uplink(self, request: web.Request) -> web.WebSocketResponse:
        link = web.WebSocketResponse(heartbeat=10, max_msg_size=9 * 1024 * 1024)
        await link.prepare(request)
        self._links.add(link)
        try:
            await link.send_json(
                {
                    "type": "welcome",
                    "size": len(self.lines),
                    "root": self.frontiers[-1].root().hex(),
                    "owed": self.owed(),
                    "server_log": self.server_log,
                    "state": self.state,
                    "now_ms": _now_ms(),
                }
            )
            async for message in link:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
                if not await self._batch(link, message.data):
                    _abort(link)
                    break
        finally:
            self._links.discard(link)
        return link

    def owed(self) -> list[str]:
        return sorted(self.sizes.keys() - self.blobs.keys())

    async def _batch(self, link: web.WebSocketResponse, message: bytes) -> bool:
        """Answer a batch; False cuts the connection."""
        fault = self.faults.popleft() if self.faults else Fault.NONE
        batch = split(message)
        if fault is Fault.LOST_REQUEST:
            return False
        if fault is Fault.DISK_FULL:
            await link.send_json(_refusal("disk-full", 507))
            return True
        if fault is Fault.CLOSED:
            await link.send_json(_refusal("session-closed", 409))
            return True
        if fault is Fault.RESUME:
            await link.send_json(self._resume())
            return True
        try:
            answer = self._accept(batch, keep_blobs=fault is not Fault.LOST_BLOBS)
        except EvidenceError as no:
            answer = _refusal(no.code, 400)
        if fault is Fault.LOST_ANSWER:
            return False
        if fault is not Fault.ANSWERED_LATER:
            await link.send_json(answer)
        return True

    def _resume(self) -> dict[str, Any]:
        return {
            "type": "resume",
            "size": len(self.lines),
            "root": self.frontiers[-1].root().hex(),
        }

    def _accept(self, batch: Batch, *, keep_blobs: bool) -> dict[str, Any]:
        assert self.device
        if batch.note is None:
            check_named(batch.blobs, {digest: self.sizes[digest] for digest in self.owed()})
            self.blobs.update((digest, bytes(blob)) for digest, blob in batch.blobs)
            self.batches.append(batch)
            return {"type": "held", "sha256": [digest for digest, _ in batch.blobs]}
        signed = open_batch_checkpoint(batch, origin=self.origin, key=self.device)
        if signed.size - len(batch.lines) != len(self.lines):
            return self._resume()
        opened = open_records(
            batch,
            frontier=self.frontiers[-1],
            session=SESSION,
            device=self.device.name,
            origin=self.origin,
            key=self.device,
        )
        sizes = {each.blob.sha256: each.blob.size for each in opened.records if each.blob}
        check_named(batch.blobs, sizes)
        self.lines.extend(batch.lines)
        self.frontiers.append(opened.frontier)
        self.sizes |= sizes
        self.batches.append(batch)
        self._accepted.set()
        if keep_blobs:
            self.blobs.update((digest, bytes(blob)) for digest, blob in batch.blobs)
        line = cosignature(batch.note.text, key=self.signs_with, at_s=int(time.time()))
        note = Note(batch.note.text, (*batch.note.signatures, line))
        return {
            "type": "receipt",
            "note": note.encode().decode(),
            "size": opened.frontier.size,
            "owed": self.owed()[:256],
            "server_log": self.server_log,
        }


@asynccontextmanager
async def serving() -> AsyncIterator[ExamServer]:
    server = ExamServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _abort(link: web.WebSocketResponse) -> None:
    """Cut a connection as a network does: nobody says goodbye."""
    transport = link._req.transport if link._req else None
    if transport is not None:
        transport.abort()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _refusal(code: str, status: int) -> dict[str, Any]:
    told = {"type": f"urn:proctor:problem:{code}", "title": code, "status": status, "detail": code}
    return {"type": "problem", "problem": told}


def _problem(code: str, status: int, **facts: object) -> web.Response:
    told = _refusal(code, status)["problem"] | facts
    return web.json_response(told, status=status, content_type="application/problem+json")
