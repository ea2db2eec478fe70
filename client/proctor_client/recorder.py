"""The only writer of this computer's log.

Whoever has something to record calls it from any thread or task; each record is durable before its
call returns. Blobs are stored outside the lock, so that an answer never waits for a picture.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from proctor.evidence.errors import MalformedRecord
from proctor.evidence.record import BlobRef, Kind, encode
from proctor_client.errors import ClientError, Unsaveable
from proctor_client.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes to go with a record. `type` is a media type, lower case."""

    data: bytes
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A record that is durable."""

    seq: int
    at_ms: int
    sha256: str  # of its line, hex


class Recorder:
    def __init__(self, spool: Spool, *, now_ms: Callable[[], int]) -> None:
        self.spool = spool
        self.now_ms = now_ms
        self.written = asyncio.Event()  # set after each record: there is something to send
        self._turn = Lock()

    async def write(
        self,
        kind: Kind,
        facts: Mapping[str, Any],
        *,
        blob: Blob | None = None,
        at_ms: int | None = None,
    ) -> Written:
        """Add a record to the log.

        Args:
            kind: One that devices write.
            facts: Of its kind, JSON.
            blob: At most 4 MiB.
            at_ms: When it happened, device clock; None is now.

        Raises:
            SpoolFull: No room for the blob; nothing was recorded.
            DiskFull: Nothing was recorded.
            Unsaveable: An answer fits no record. (Other facts are ours, and always fit.)
        """
        try:
            return await asyncio.to_thread(self._write, kind, facts, blob, at_ms)
        finally:
            self.written.set()

    def close(self) -> None:
        """Close the spool, after the record that is being written, if one is."""
        with self._turn:
            self.spool.close()

    def _write(
        self, kind: Kind, facts: Mapping[str, Any], blob: Blob | None, at_ms: int | None
    ) -> Written:
        ref = None
        if blob is not None:
            limited = facts.get("purpose") != "file"
            digest = self.spool.store_blob(blob.data, limited=limited)
            ref = BlobRef(digest, blob.type, len(blob.data))
        # A thread's lock, not a task's: a cancelled task leaves its thread at work in here.
        with self._turn:
            seq = self.spool.size
            at_ms = self.now_ms() if at_ms is None else at_ms
            try:
                line = encode(
                    session=self.spool.session,
                    device=self.spool.device,
                    seq=seq,
                    at_ms=at_ms,
                    kind=kind,
                    facts=facts,
                    blob=ref,
                )
                self.spool.append(line, ref)
            except (MalformedRecord, ClientError) as no:
                self._forget(ref)
                if isinstance(no, MalformedRecord) and kind is Kind.ANSWER:
                    raise Unsaveable(str(no)) from None
                raise
        return Written(seq=seq, at_ms=at_ms, sha256=sha256(line).hexdigest())

    def _forget(self, ref: BlobRef | None) -> None:
        if ref is not None and ref.sha256 not in self.spool.named():
            self.spool.drop_blob(ref.sha256)
