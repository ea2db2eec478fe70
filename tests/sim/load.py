"""Devices that send as fast as they are answered, and may be killed at any point.

Each keeps its log in a file and fsyncs a record before it sends it, as the real client does. What
the server said is appended to `receipts.jsonl`, fsynced, before anything else is done with it:
that file is what the server is held to afterwards.

    <folder>/<number>.seed      the device's key
    <folder>/<number>.jsonl     its log
    <folder>/receipts.jsonl     {"session", "device", "note", "owed"} or {"session", "held"}
"""

import asyncio
import json
import os
import random
import secrets
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from proctor.evidence.batch import seal
from proctor.evidence.note import KeyKind, SigningKey
from proctor.evidence.record import Kind, parse
from proctor.evidence.tree import Frontier, leaf_hash
from tests.device import Device, Refused

RECEIPTS = "receipts.jsonl"
# A session that has grown to this is left for the next one, so that its bundle stays small.
FULL = 400
AGAIN_S = 0.02
MOST_RECORDS = 8
MOST_PICTURE_BYTES = 24_000
_SEED_BYTES = 32


class Ledger:
    """An append-only file of lines, each durable before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        held = path.read_bytes()
        whole = held.rfind(b"\n") + 1
        os.ftruncate(self._file, whole)  # the end of a line that a kill cut
        self.lines = held[:whole].split(b"\n")[:-1]

    def write(self, *lines: bytes) -> None:
        os.write(self._file, b"".join(line + b"\n" for line in lines))
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


def key_of(path: Path, name: str) -> SigningKey:
    """Return the key in a file, which is made where there is none."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_bytes(secrets.token_bytes(_SEED_BYTES))
        fresh.rename(path)
    return SigningKey.from_seed(name, KeyKind.ED25519, path.read_bytes())


def picture(device: str, seq: int) -> bytes:
    """Return the picture of a record: always the same, so that it need not be kept."""
    chance = random.Random(f"{device}/{seq}")
    return b"\xff\xd8" + chance.randbytes(chance.randint(100, MOST_PICTURE_BYTES))


class Sitting:
    """One device in one session, from the join link until its log is full."""

    def __init__(self, folder: Path, number: int, token: str, receipts: Ledger, seed: str) -> None:
        self._token = token
        self._receipts = receipts
        self._chance = random.Random(seed)
        self._name = f"d_crash{number:04d}"
        self._ledger = Ledger(folder / f"{number:04d}.jsonl")
        self._key = key_of(folder / f"{number:04d}.seed", self._name)
        self._sent = 0  # what the server is known to hold

    @property
    def full(self) -> bool:
        return len(self._ledger.lines) >= FULL and self._sent == len(self._ledger.lines)

    def close(self) -> None:
        self._ledger.close()

    async def run(self, url: str) -> None:
        """Join, or join again; then send until the line breaks or the log is full."""
        async with aiohttp.ClientSession(url) as http, Device(http, name=self._name) as device:
            device.key = self._key
            await device.join(self._token)
            device.log.lines = list(self._ledger.lines)
            device.log.frontier = Frontier().extended(map(leaf_hash, device.log.lines))
            if device.log.lines:
                device.at_ms = parse(device.log.lines[-1]).at_ms
            else:
                self._begin(device)
            welcome = await device.connect()
            self._sent = int(welcome["size"])
            assert self._sent <= len(device.log.lines), "the server holds what was never written"
            owed = [str(digest) for digest in welcome["owed"]]
            while not self.full:
                await self._step(device, owed)

    def _begin(self, device: Device) -> None:
        device.hello()
        for purpose in ("face", "document"):
            seq = len(device.log.lines)
            device.add(Kind.SNAPSHOT, blob=picture(self._name, seq), purpose=purpose)
        self._keep(device, device.log.lines)

    def _keep(self, device: Device, lines: Sequence[bytes]) -> None:
        assert device.log.frontier.size == len(device.log.lines)
        self._ledger.write(*lines)
        self._ledger.lines += lines

    async def _step(self, device: Device, owed: list[str]) -> None:
        """Send a batch of what is there and what is new; or some of the pictures that are owed."""
        if owed and self._chance.random() < 0.3:
            await self._send_owed(device, owed)
            return
        if self._sent == len(device.log.lines):
            self._record(device)
        stop = min(len(device.log.lines), self._sent + self._chance.randint(1, MOST_RECORDS))
        lines = device.log.lines[self._sent : stop]
        frontier = Frontier().extended(map(leaf_hash, device.log.lines[:stop]))
        late = self._chance.random() < 0.2 and self._sent > 0
        blobs = [] if late else [picture(self._name, seq) for seq in _named(lines)]
        answer = await device.send_raw(
            seal(
                lines=lines,
                blobs=blobs,
                frontier=frontier,
                origin=device.joined["origin"],
                key=device.key,
            )
        )
        if answer["type"] == "resume":
            self._sent = int(answer["size"])
            return
        if answer["type"] != "receipt":
            raise ConnectionError(str(answer))
        self._hear(device, note=answer["note"], owed=answer["owed"])
        self._sent = stop
        owed[:] = answer["owed"]

    async def _send_owed(self, device: Device, owed: list[str]) -> None:
        wanted = set(owed[: self._chance.randint(1, 4)])
        seqs = _named(device.log.lines)
        blobs = [
            blob
            for blob in (picture(self._name, seq) for seq in seqs)
            if sha256(blob).hexdigest() in wanted
        ]
        answer = await device.send_raw(
            seal(lines=[], blobs=blobs, frontier=Frontier(), origin="", key=device.key)
        )
        if answer["type"] != "held":
            raise ConnectionError(str(answer))
        self._hear(device, held=answer["sha256"])
        owed[:] = [digest for digest in owed if digest not in answer["sha256"]]

    def _hear(self, device: Device, **told: Any) -> None:
        heard = {"session": device.joined["session"], "device": self._name, **told}
        self._receipts.write(json.dumps(heard).encode())

    def _record(self, device: Device) -> None:
        lines = []
        for _ in range(self._chance.randint(1, MOST_RECORDS)):
            seq = len(device.log.lines)
            if self._chance.random() < 0.5:
                blob = picture(self._name, seq)
                lines.append(device.add(Kind.SNAPSHOT, blob=blob, purpose="periodic"))
            else:
                lines.append(
                    device.add(
                        Kind.ANSWER, section="part-a", item="two-dice", response=f"no. {seq}"
                    )
                )
        self._keep(device, lines)


def _named(lines: Sequence[bytes]) -> list[int]:
    return [record.seq for record in map(parse, lines) if record.blob]


def load(folder: Path, url: str, tokens: Sequence[str], at_once: int, seed: str) -> None:
    """Sit sessions, so many at once, until killed."""
    uvloop.run(_load(folder, url, tokens, at_once, seed))


async def _load(folder: Path, url: str, tokens: Sequence[str], at_once: int, seed: str) -> None:
    receipts = Ledger(folder / RECEIPTS)

    async def chair(first: int) -> None:
        for number in range(first, len(tokens), at_once):
            sitting = Sitting(folder, number, tokens[number], receipts, f"{seed}/{number}")
            while not sitting.full:
                try:
                    await sitting.run(url)
                except (aiohttp.ClientError, ConnectionError, TimeoutError, Refused):
                    await asyncio.sleep(AGAIN_S)
            sitting.close()

    await asyncio.gather(*(chair(first) for first in range(at_once)))
    await asyncio.Event().wait()  # all sessions are full: wait for the end
