"""Afterwards believe nothing: everything is rebuilt from the bytes on the disk.

Nothing of the server's own reading is used for logs and pictures: the database is opened with
`sqlite3`, segments are read where its rows point; the server was started once more, which writes
the rows that the last kill left to its segments. What devices heard is in a file of theirs.
"""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proctor import config
from proctor.adapters import keys
from proctor.adapters.clock import SystemClock
from proctor.adapters.segments import decrypt
from proctor.config import Settings
from proctor.evidence.note import (
    Checkpoint,
    Note,
    SigningKey,
    VerifierKey,
    only_signed_by,
    open_checkpoint,
    open_cosignature,
    origin_of,
)
from proctor.evidence.record import SERVER_DEVICE, parse_in_place
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.evidence.verify import verify
from proctor.services.cases import Cases
from proctor.services.export import Export

EXAM = "short"


@dataclass
class Found:
    """What was found on the disk, counted; and all that is not as it must be."""

    records: int = 0
    receipts: int = 0
    pictures: int = 0
    bundles: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class _Log:
    """A device's log as the database has it."""

    key: VerifierKey
    origin: str
    lines: list[bytes] = field(default_factory=list)
    roots: list[bytes] = field(default_factory=list)  # of each size, from 0 on


class Rebuilt:
    """All logs and pictures of a data folder, read from its bytes."""

    def __init__(self, data: Path, server: str) -> None:
        self._data = data
        self._keys = keys.load(data / "keys", server=server)
        self._database = sqlite3.connect(data / "proctor.db")
        self.server = server
        self.server_key = self._keys.signing.verifier
        self.found = Found()
        self.sessions: list[str] = []
        self.logs: dict[tuple[str, str], _Log] = {}
        self.held: dict[str, set[str]] = defaultdict(set)

    @property
    def signing(self) -> SigningKey:
        return self._keys.signing

    def wrong(self, *words: object) -> None:
        self.found.wrong.append(" ".join(map(str, words)))

    def read(self) -> None:
        """Rebuild; what does not fit is in `found.wrong`."""
        (whole,) = self._database.execute("PRAGMA integrity_check").fetchone()
        if whole != "ok":
            self.wrong("the database is damaged:", whole)
        for session, device, key in self._database.execute("SELECT session, id, key FROM devices"):
            self.logs[session, device] = self._log(session, device, VerifierKey.parse(key))
        rows = self._database.execute("SELECT id FROM sessions ORDER BY id")
        self.sessions = [row[0] for row in rows]
        for session in self.sessions:
            self._server_log(session)
            self._pictures(session)
        self._database.close()

    def _log(self, session: str, device: str, key: VerifierKey) -> _Log:
        origin = origin_of(server=self.server, exam=EXAM, session=session, device=device)
        log, tree = _Log(key, origin), Frontier()
        log.roots.append(tree.root())
        rows = self._database.execute(
            "SELECT first, size, lines, frontier, receipt FROM batches"
            " WHERE session = ? AND device = ? ORDER BY first",
            (session, device),
        )
        for first, size, joined, edge, receipt in rows:
            lines = joined.split(b"\n")
            if first != len(log.lines) or size != first + len(lines):
                self.wrong(session, device, "rows leave a hole at", first)
                break
            for line in lines:
                parse_in_place(line, session=session, device=device, seq=len(log.lines))
                tree = tree.extended([leaf_hash(line)])
                log.lines.append(line)
                log.roots.append(tree.root())
            if Frontier.from_bytes(size, edge) != tree:
                self.wrong(session, device, "the tree kept is not that of the lines at", size)
            if self.size_of(log, receipt) != size:
                self.wrong(session, device, "the receipt kept is not for", size)
        self.found.records += len(log.lines)
        return log

    def size_of(self, log: _Log, receipt: bytes) -> int:
        """Verify a receipt's signatures and root; return the size it is for.

        Raises:
            EvidenceError: It does not verify.
        """
        note = Note.parse(receipt)
        only_signed_by(note, [log.key, self.server_key])
        open_cosignature(note, self.server_key)
        checkpoint = open_checkpoint(note, key=log.key, origin=log.origin)
        if checkpoint.size > len(log.lines):
            self.wrong(log.origin, checkpoint.size, "receipted records,", len(log.lines), "held")
        elif log.roots[checkpoint.size] != checkpoint.root:
            self.wrong(log.origin, "another history was receipted at", checkpoint.size)
        return checkpoint.size

    def _server_log(self, session: str) -> None:
        rows = self._database.execute(
            "SELECT seq, line FROM server_lines WHERE session = ? ORDER BY seq", (session,)
        ).fetchall()
        tree = Frontier()
        for at, (seq, line) in enumerate(rows):
            if seq != at:
                self.wrong(session, "the server's log has a hole at", at)
            parse_in_place(line, session=session, device=SERVER_DEVICE, seq=at)
            tree = tree.extended([leaf_hash(line)])
        size, edge = self._database.execute(
            "SELECT log_size, log_frontier FROM sessions WHERE id = ?", (session,)
        ).fetchone()
        if Frontier.from_bytes(size, edge) != tree:
            self.wrong(session, "the server's log is not the one the session's row states")

    def _pictures(self, session: str) -> None:
        (wrapped,) = self._database.execute(
            "SELECT wrapped FROM session_keys WHERE session = ?", (session,)
        ).fetchone()
        key = AESGCM(self._keys.unwrap(session, wrapped))
        rows = self._database.execute(
            "SELECT sha256, segment, start, size FROM blobs WHERE session = ?", (session,)
        )
        for digest, segment, start, size in rows:
            file = os.open(self._data / "segments" / f"{segment:08d}", os.O_RDONLY)
            try:
                sealed = os.pread(file, size, start)
            finally:
                os.close(file)
            try:
                blob = decrypt(key, session=session, sha256=digest, sealed=sealed)
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                blob = b""
            if sha256(blob).hexdigest() != digest:
                self.wrong(session, "a picture is not the one named", digest)
                continue
            self.held[session].add(digest)
            self.found.pictures += 1

    def hold_to(self, receipts: Path, device_logs: dict[str, list[bytes]]) -> None:
        """Hold the server to what it told devices, and to what they wrote down themselves."""
        for text in receipts.read_bytes().split(b"\n")[:-1]:
            told = json.loads(text)
            session, device = told["session"], told["device"]
            if "held" in told:
                missing = set(told["held"]) - self.held[session]
            else:
                log = self.logs[session, device]
                size = self.size_of(log, told["note"].encode())
                if log.lines[:size] != device_logs[device][:size]:
                    self.wrong(session, device, "the records held are not those sent")
                owed = set(told["owed"])
                missing = _named(log.lines[:size], session, device) - owed - self.held[session]
            if missing:
                self.wrong(session, device, "told to be held, and not there:", missing)
            self.found.receipts += 1

    def hold_to_client(self, folder: Path) -> None:
        """Hold the server to the last receipt that a real client kept."""
        note = (folder / "receipt.note").read_bytes()
        origin = Checkpoint.parse(Note.parse(note).text).origin
        log = next((each for each in self.logs.values() if each.origin == origin), None)
        if log is None:
            self.wrong(origin, "was receipted and is not held")
            return
        size = self.size_of(log, note)
        sent = (folder / "records.jsonl").read_bytes().split(b"\n")[:size]
        if log.lines[:size] != sent:
            self.wrong(origin, "the records held are not those sent")
        self.found.receipts += 1


def _named(lines: list[bytes], session: str, device: str) -> set[str]:
    records = (
        parse_in_place(line, session=session, device=device, seq=seq)
        for seq, line in enumerate(lines)
    )
    return {record.blob.sha256 for record in records if record.blob}


async def export_and_verify(data: Path, rebuilt: Rebuilt) -> None:
    """Export a bundle of each session, and verify it with the server's key."""
    async with config.open_store(Settings(data=data, server=rebuilt.server)) as (store, _):
        cases = Cases(store, SystemClock())
        export = Export(store, cases, key=rebuilt.signing, server=rebuilt.server)
        for session in rebuilt.sessions:
            packed = b"".join([part async for part in export.bundle(session)])
            report = verify(packed, server_key=rebuilt.server_key)
            if not report.holds:
                rebuilt.wrong(session, "its bundle does not verify:", report.steps[-1])
            rebuilt.found.bundles += 1


def client_folders(root: Path) -> Iterator[Path]:
    return (note.parent for note in root.rglob("receipt.note"))
