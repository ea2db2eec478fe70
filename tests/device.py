"""A device that speaks the protocol and does nothing by itself: for tests, bench and crash runs."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import aiohttp

from proctor.evidence.batch import seal
from proctor.evidence.note import KeyKind, SigningKey
from proctor.evidence.record import BlobRef, Kind, encode
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.sessions import proof_text

JPEG = b"\xff\xd8\xff\xe0 a picture that nobody can read \xff\xd9"


class Refused(Exception):
    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem}")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem["type"]).removeprefix("urn:proctor:problem:")


@dataclass
class Log:
    """A device's log as the device holds it."""

    lines: list[bytes] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)


class Device:
    """Joins with a token; then `add` makes records, `send` sends them as one batch."""

    def __init__(self, http: aiohttp.ClientSession, *, name: str = "d_test") -> None:
        self.http = http
        self.key = SigningKey.generate(name, KeyKind.ED25519)
        self.log = Log()
        self.joined: dict[str, Any] = {}
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        self.welcome: dict[str, Any] = {}
        self.at_ms = 1_780_308_000_000  # StillClock's first instant, 2026-06-01T10:00Z

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.hang_up()

    async def join(self, token: str, **other: object) -> dict[str, Any]:
        self.joined = await self.call("POST", "/api/v1/join", json=self._shown(token, **other))
        return self.joined

    async def ask(self, token: str, **other: object) -> dict[str, Any]:
        """Ask to go on with a session that another device has."""
        asked: dict[str, Any] = await self.call(
            "POST", "/api/v1/join/ask", json=self._shown(token, **other)
        )
        return asked

    def _shown(self, token: str, **other: object) -> dict[str, object]:
        key = self.key.verifier.encode()
        proof = b64encode(self.key.sign(proof_text(token, key))).decode()
        return {"token": token, "key": key, "proof": proof, "kind": "desktop", **other}

    async def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {}
        if self.joined:
            headers["Authorization"] = f"Bearer {self.joined['device_token']}"
        async with self.http.request(method, path, headers=headers, **options) as response:
            found = await response.json(content_type=None)
            if response.status >= 400:
                raise Refused(response.status, found)
            return found

    async def connect(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.joined['device_token']}"}
        self.socket = await self.http.ws_connect("/api/v1/uplink", headers=headers, max_msg_size=0)
        self.welcome = await self.hear("welcome")
        return self.welcome

    async def hang_up(self) -> None:
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    def add(self, kind: Kind, *, blob: bytes | None = None, **facts: object) -> bytes:
        """Append a record to the log; return its line."""
        self.at_ms += 1000
        ref = None
        if blob is not None:
            ref = BlobRef(sha256(blob).hexdigest(), "image/jpeg", len(blob))
        line = encode(
            session=self.joined["session"],
            device=self.key.name,
            seq=self.log.frontier.size,
            at_ms=self.at_ms,
            kind=kind,
            facts=facts,
            blob=ref,
        )
        self.log.lines.append(line)
        self.log.frontier = self.log.frontier.extended([leaf_hash(line)])
        return line

    def hello(self) -> bytes:
        return self.add(
            Kind.HELLO,
            key=self.key.verifier.encode(),
            policy_sha256=self.joined["policy_sha256"],
            client="test",
        )

    def batch(self, lines: Sequence[bytes], blobs: Sequence[bytes] = ()) -> bytes:
        """Return a batch of the newest lines."""
        return seal(
            lines=lines,
            blobs=blobs,
            frontier=self.log.frontier,
            origin=self.joined["origin"],
            key=self.key,
        )

    async def send(self, lines: Sequence[bytes], blobs: Sequence[bytes] = ()) -> dict[str, Any]:
        return await self.send_raw(self.batch(lines, blobs))

    async def send_raw(self, message: bytes) -> dict[str, Any]:
        assert self.socket is not None
        await self.socket.send_bytes(message)
        return await self.hear("receipt", "held", "resume", "problem")

    async def hear(self, *types: str) -> dict[str, Any]:
        assert self.socket is not None
        while True:
            message = await self.socket.receive(timeout=60)
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError(f"the line was closed: {message.type}")
            told: dict[str, Any] = json.loads(message.data)
            if told["type"] in types:
                return told

    async def check_in(self) -> dict[str, Any]:
        """Accept the policy, show face and document, check in."""
        face, document = JPEG + b"face", JPEG + b"document"
        lines = [
            self.hello(),
            self.add(Kind.SNAPSHOT, blob=face, purpose="face"),
            self.add(Kind.SNAPSHOT, blob=document, purpose="document"),
        ]
        await self.send(lines, [face, document])
        checked: dict[str, Any] = await self.call("POST", "/api/v1/session/check-in")
        return checked

    async def open(self, section: str) -> dict[str, Any]:
        opened: dict[str, Any] = await self.call("POST", f"/api/v1/session/sections/{section}/open")
        return opened

    async def answer(self, section: str, item: str, response: object) -> dict[str, Any]:
        line = self.add(Kind.ANSWER, section=section, item=item, response=response)
        return await self.send([line])

    async def submit(self) -> dict[str, Any]:
        """Hand in the last answer to each item."""
        last: dict[str, dict[str, object]] = {}
        for seq, line in enumerate(self.log.lines):
            record = json.loads(line)
            if record["kind"] == "answer":
                last[record["item"]] = {
                    "item": record["item"],
                    "seq": seq,
                    "sha256": sha256(line).hexdigest(),
                }
        await self.send([self.add(Kind.SUBMISSION, answers=list(last.values()))])
        handed_in: dict[str, Any] = await self.call("POST", "/api/v1/session/submit")
        return handed_in
