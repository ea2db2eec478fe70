"""This computer's log on its own disk: what was recorded, whether it was sent or not.

    records.jsonl       the records, a line each, only ever appended to
    blobs/<sha256>      pictures and files that the server is not known to hold
    receipt.note        the last checkpoint that the server cosigned
    lock                held by the one client that writes

The order is the safety argument: (1) a blob is durable before the record that names it, (2) a
record is durable before it may be sent, (3) a blob is deleted after the server said that it holds
it. So after a kill at any point the disk holds a log that includes all that was ever sent.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from proctor.evidence.errors import EvidenceError
from proctor.evidence.note import Checkpoint, Note
from proctor.evidence.record import BlobRef, Record, parse_in_place
from proctor.evidence.tree import Frontier, leaf_hash
from proctor_client.errors import DiskFull, SpoolBusy, SpoolDamaged, SpoolFull
from proctor_client.files import sync_folder, write_whole

BLOBS_LIMIT_BYTES = 2 * 1024**3  # a day of snapshots at 5 s, 100 KB each


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a session's folder against other clients; the system lets go if this one dies.

    Raises:
        SpoolBusy: Another client holds it.
    """
    with (folder / "lock").open("a+b") as file:
        try:
            _lock(file.fileno())
        except OSError:
            raise SpoolBusy from None
        yield


class Spool:
    """One device's log on disk. Appending is for one thread at a time; reading for any."""

    def __init__(
        self,
        folder: Path,
        *,
        session: str,
        device: str,
        blobs_limit_bytes: int = BLOBS_LIMIT_BYTES,
    ) -> None:
        """Open, or make, the spool in a folder whose lock is held.

        Raises:
            SpoolDamaged: The records are not a log that this client wrote.
        """
        self.folder = folder
        self.session = session
        self.device = device
        self.blobs_limit_bytes = blobs_limit_bytes
        self._path = folder / "records.jsonl"
        self._blobs_path = folder / "blobs"
        self._blobs_path.mkdir(parents=True, exist_ok=True)
        self._ends = [0]  # where each record ends in the file; the first is no record's
        # The tree after each number of records: an edge shares its hashes with its neighbours, so
        # a day's records are a few MB, and any root a receipt names is at hand.
        self._frontiers = [Frontier()]
        self._refs: dict[int, BlobRef] = {}  # seq: what it names
        self._stored: dict[str, int] = {}  # blobs on disk: bytes
        self._guard = Lock()  # of _stored
        self._torn = False  # the file may be longer than the log
        self.receipt: bytes | None = None
        self.receipted = 0  # records under the last receipt
        self._file = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600
        )
        try:
            self._reopen()
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Close the file. An append after this fails, and adds nothing."""
        os.close(self._file)
        self._file = -1

    @property
    def size(self) -> int:
        """How many records are durable."""
        return len(self._frontiers) - 1

    def frontier_at(self, size: int) -> Frontier:
        """Return the tree over the first `size` records, 0..self.size."""
        return self._frontiers[size]

    def lines(self, start: int, stop: int) -> list[bytes]:
        """Return the records start..stop-1 exactly as they were written."""
        if start >= stop:
            return []
        with self._path.open("rb") as file:
            file.seek(self._ends[start])
            data = file.read(self._ends[stop] - self._ends[start])
        return data[:-1].split(b"\n")

    def records(self) -> Iterator[Record]:
        """Yield all records, oldest first."""
        for seq, line in enumerate(self.lines(0, self.size)):
            yield parse_in_place(line, session=self.session, device=self.device, seq=seq)

    def last_at_ms(self) -> int:
        """Return when the last record was written, device clock; 0 if there is none."""
        last = self.size - 1
        if last < 0:
            return 0
        (line,) = self.lines(last, last + 1)
        return parse_in_place(line, session=self.session, device=self.device, seq=last).at_ms

    def append(self, line: bytes, blob: BlobRef | None = None) -> None:
        """Add a record, which is durable on return.

        Args:
            line: As `evidence.record.encode` made it, for seq `self.size`.
            blob: What it names, already stored.

        Raises:
            DiskFull: It was not added. Later records can be, once there is room.
        """
        end = self._ends[-1]
        data = line + b"\n"
        try:
            if self._torn:
                os.ftruncate(self._file, end)
            self._torn = True
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError as no:
            # What it left is cut now, or by the next append: after a crash, the next start could
            # take a whole line for one that was kept.
            with suppress(OSError):
                os.ftruncate(self._file, end)
            raise DiskFull(no.strerror or str(no)) from no
        self._torn = False
        if blob is not None:
            self._refs[self.size] = blob
        self._ends.append(end + len(data))
        # Last, because this makes the record visible to the uplink.
        self._frontiers.append(self._frontiers[-1].extended([leaf_hash(line)]))

    def blob_named(self, seq: int) -> BlobRef | None:
        """Return the blob that a record names."""
        return self._refs.get(seq)

    def named(self) -> Mapping[str, int]:
        """Return the blobs on disk that a record names: digest to bytes."""
        digests = {ref.sha256 for ref in list(self._refs.values())}
        with self._guard:
            return {digest: size for digest, size in self._stored.items() if digest in digests}

    def has_blob(self, digest: str) -> bool:
        """Tell whether a blob is on disk. One that is not: the server holds it, or it was lost."""
        return digest in self._stored

    def store_blob(self, data: bytes, *, limited: bool = True) -> str:
        """Make a blob durable and return its digest. Call before its record is appended.

        A picture is limited in the room it may take. A file that is an answer is not: pictures
        that wait must never be why an answer is lost.

        Raises:
            SpoolFull: Blobs already use all the room they may.
            DiskFull: The disk takes no more.
        """
        digest = sha256(data).hexdigest()
        with self._guard:
            if digest in self._stored:
                return digest
            if limited and sum(self._stored.values()) + len(data) > self.blobs_limit_bytes:
                raise SpoolFull(limit_bytes=self.blobs_limit_bytes)
        try:
            write_whole(self._blobs_path / digest, data, mode=0o600)
        except OSError as no:
            raise DiskFull(no.strerror or str(no)) from no
        with self._guard:
            self._stored[digest] = len(data)
        return digest

    def read_blob(self, digest: str) -> bytes | None:
        """Return a blob, or None if it is gone or no longer what its name says."""
        try:
            data = (self._blobs_path / digest).read_bytes()
        except OSError:
            return None
        # A batch with a wrong blob would be refused whole, so a spoilt picture must not stop it.
        return data if sha256(data).hexdigest() == digest else None

    def drop_blob(self, digest: str) -> None:
        """Delete a blob that the server holds, or that no record names."""
        with self._guard:
            self._stored.pop(digest, None)
        (self._blobs_path / digest).unlink(missing_ok=True)

    def keep_receipt(self, note: bytes, size: int) -> None:
        """Keep the server's last word; an older one than is kept changes nothing.

        Args:
            note: A cosigned checkpoint, verified.
            size: Of the log, that it states.

        Raises:
            DiskFull: The receipt before it is still there.
        """
        if size < self.receipted:
            return
        try:
            write_whole(self.receipt_path, note)
        except OSError as no:
            raise DiskFull(no.strerror or str(no)) from no
        self.receipt, self.receipted = note, size

    @property
    def receipt_path(self) -> Path:
        return self.folder / "receipt.note"

    def _reopen(self) -> None:
        receipt = self._read_receipt()
        data = self._path.read_bytes()
        # 1. Bytes after the last newline are a line that was being written: it was never sent.
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole[:-1].split(b"\n") if whole else []
        for seq, line in enumerate(lines):
            try:
                record = parse_in_place(line, session=self.session, device=self.device, seq=seq)
            except EvidenceError as no:
                # 2. After a power cut even a last line with its newline can hold holes. It was not
                #    yet durable, so it was not sent either. Any other bad line is damage.
                if seq == len(lines) - 1 and seq >= (receipt.size if receipt else 0):
                    break
                raise SpoolDamaged(f"record {seq}: {no}") from None
            self._ends.append(self._ends[-1] + len(line) + 1)
            self._frontiers.append(self._frontiers[-1].extended([leaf_hash(line)]))
            if record.blob is not None:
                self._refs[seq] = record.blob
        if len(data) != self._ends[-1]:
            os.ftruncate(self._file, self._ends[-1])
        # 3. A line may be whole but only in memory: it must be durable before it may be sent.
        os.fsync(self._file)
        sync_folder(self.folder)
        if receipt is not None:
            known = receipt.size <= self.size
            if not known or self._frontiers[receipt.size].root() != receipt.root:
                raise SpoolDamaged(f"the receipt for {receipt.size} records is of another log")
            self.receipted = receipt.size
        self._find_blobs()

    def _read_receipt(self) -> Checkpoint | None:
        try:
            note = self.receipt_path.read_bytes()
            receipt = Checkpoint.parse(Note.parse(note).text)
        except (FileNotFoundError, EvidenceError):
            # Without it nothing is lost: the server says at once what it holds.
            return None
        self.receipt = note
        return receipt

    def _find_blobs(self) -> None:
        sizes = {ref.sha256: ref.size for ref in self._refs.values()}
        for path in self._blobs_path.iterdir():
            if sizes.get(path.name) == path.stat().st_size:
                self._stored[path.name] = sizes[path.name]
            else:  # half written, or its record was not reached: nobody was told of it
                path.unlink()


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there only

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - not on Windows

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
