r"""A batch: some records, their blobs, and one checkpoint over the log with them in it.

    proctor-batch/v1 512 214 40213\n      bytes of the records, of the note, of each blob
    {"v":1,…}\n{"v":1,…}\n                the records, a line each
    proctor.example/…                     the device's signed checkpoint
    …                                     the blobs, one after the other

One signature serves all records of a batch, because verifying it is the dearest step of the hot
path. A blob may come in a later batch than its record, even alone: then there is no record and no
note, and the first two lengths are 0.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from proctor.evidence.errors import BlobMismatch, Inconsistent, MalformedBatch
from proctor.evidence.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    SigningKey,
    VerifierKey,
    only_signed_by,
    open_checkpoint,
    sign_checkpoint,
)
from proctor.evidence.record import MAX_BLOB_BYTES, Record, parse_in_place
from proctor.evidence.tree import Frontier, leaf_hash

MAX_RECORDS = 256
MAX_BLOBS = 64
# Two of the largest blobs fit; so does an hour's worth of records without any.
MAX_BATCH_BYTES = 9 * 1024 * 1024
_HEADER = re.compile(rb"proctor-batch/v1((?: (?:0|[1-9][0-9]{0,8})){2,66})\n")
_MAX_HEADER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch taken apart. Nothing of it is verified yet, but its blobs bear their digests.

    They are windows on the message: who keeps one keeps it all.
    """

    lines: tuple[bytes, ...]
    note: Note | None
    blobs: tuple[tuple[str, memoryview], ...]  # (SHA-256 in hex, bytes)


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch whose signature and tree hold."""

    frontier: Frontier
    checkpoint: Checkpoint
    records: tuple[Record, ...]


def seal(
    *,
    lines: Sequence[bytes],
    blobs: Sequence[bytes],
    frontier: Frontier,
    origin: str,
    key: SigningKey,
) -> bytes:
    """Return the message that carries records and blobs.

    Args:
        lines: Records, oldest first, already in the tree.
        blobs: Blobs that these or earlier records name.
        frontier: The tree with `lines` in it.
        origin: Of the device's log.
        key: The device's.
    """
    note = b""
    if lines:
        note = sign_checkpoint(Checkpoint(origin, frontier.size, frontier.root()), key)
    return join(lines=lines, note=note, blobs=blobs)


def join(*, lines: Sequence[bytes], note: bytes, blobs: Sequence[bytes]) -> bytes:
    """Return a message of parts that are ready: what a spool sends again, byte for byte."""
    records = b"".join(line + b"\n" for line in lines)
    lengths = [len(records), len(note), *map(len, blobs)]
    header = b"proctor-batch/v1 " + b" ".join(b"%d" % length for length in lengths) + b"\n"
    return b"".join([header, records, note, *blobs])


def split(message: bytes) -> Batch:
    """Take a message apart.

    Raises:
        MalformedBatch: It is no batch, or over a bound.
        MalformedNote: Its note is none.
    """
    if len(message) > MAX_BATCH_BYTES:
        raise MalformedBatch(f"a batch of {len(message)} bytes; {MAX_BATCH_BYTES} at the most")
    header = _HEADER.match(message, 0, _MAX_HEADER_BYTES)
    if not header:
        raise MalformedBatch("no header of proctor-batch/v1")
    records_bytes, note_bytes, *blob_bytes = map(int, header[1].split())
    at = header.end()
    if at + records_bytes + note_bytes + sum(blob_bytes) != len(message):
        raise MalformedBatch("the lengths in the header are not those of the message")
    if note_bytes > MAX_NOTE_BYTES or any(size > MAX_BLOB_BYTES for size in blob_bytes):
        raise MalformedBatch("a part is over its bound")
    if bool(records_bytes) != bool(note_bytes) or not (records_bytes or blob_bytes):
        raise MalformedBatch("records and a checkpoint come together, or blobs alone")
    lines: tuple[bytes, ...] = ()
    if records_bytes:
        *parts, rest = message[at : at + records_bytes].split(b"\n")
        if rest or len(parts) > MAX_RECORDS:
            raise MalformedBatch(f"1 to {MAX_RECORDS} records, a line each")
        lines = tuple(parts)
    at += records_bytes
    note = Note.parse(message[at : at + note_bytes]) if note_bytes else None
    at += note_bytes
    blobs = []
    whole = memoryview(message)  # a copy of every picture would cost a quarter of hashing it
    for size in blob_bytes:
        blob = whole[at : at + size]
        blobs.append((sha256(blob).hexdigest(), blob))
        at += size
    return Batch(lines, note, tuple(blobs))


def together(batches: Sequence[Batch]) -> Batch:
    """Return the batch that says what some say that came one after the other, all with records.

    Its checkpoint is the last one's, which is over the records of them all.
    """
    return Batch(
        tuple(line for batch in batches for line in batch.lines),
        batches[-1].note,
        tuple(blob for batch in batches for blob in batch.blobs),
    )


def open_records(
    batch: Batch,
    *,
    frontier: Frontier,
    session: str,
    device: str,
    origin: str,
    key: VerifierKey,
) -> Opened:
    """Verify that a batch's records grow the device's log, then parse them.

    Args:
        batch: With records.
        frontier: The device's tree before the batch.
        session: Whose log it is.
        device: Whose log it is.
        origin: Of the device's log.
        key: The device's.

    Raises:
        BadSignature: The device did not sign the checkpoint.
        Inconsistent: The tree with these records is not the one that was signed.
        MalformedRecord: A line is no record.
        OutOfPlace: A line belongs elsewhere.
        WrongOrigin: The checkpoint is of another log.
    """
    # 1. The signature, before anything in the records is looked at.
    checkpoint = open_batch_checkpoint(batch, origin=origin, key=key)
    # 2. The tree, and 3. what the records say.
    return grow(batch, checkpoint, frontier=frontier, session=session, device=device)


def open_batch_checkpoint(batch: Batch, *, origin: str, key: VerifierKey) -> Checkpoint:
    """Verify the signature of a batch with records, and return what was signed.

    Raises:
        BadSignature: The device did not sign the checkpoint.
        MalformedNote: The note is no checkpoint.
        WrongOrigin: The checkpoint is of another log.
    """
    assert batch.note is not None
    only_signed_by(batch.note, [key])
    return open_checkpoint(batch.note, key=key, origin=origin)


def grow(
    batch: Batch, checkpoint: Checkpoint, *, frontier: Frontier, session: str, device: str
) -> Opened:
    """Hold a batch's records against the checkpoint its device signed, then parse them.

    A checkpoint of another size than `frontier` leads to is for the caller to look at first: it
    may be one sent again, or a fork.

    Raises:
        Inconsistent: The tree with these records is not the one that was signed.
        MalformedRecord: A line is no record.
        OutOfPlace: A line belongs elsewhere.
    """
    # What was signed is what came.
    grown = frontier.extended([leaf_hash(line) for line in batch.lines])
    if grown.size != checkpoint.size or grown.root() != checkpoint.root:
        raise Inconsistent(f"the records don't lead from {frontier.size} to {checkpoint.size}")
    # What the records say, each in its place.
    records = tuple(
        parse_in_place(line, session=session, device=device, seq=frontier.size + at)
        for at, line in enumerate(batch.lines)
    )
    return Opened(grown, checkpoint, records)


def check_named(blobs: Sequence[tuple[str, memoryview]], sizes: Mapping[str, int]) -> None:
    """Check that every blob is one that a record names, with its size.

    Args:
        blobs: Digest in hex and bytes, as `split` found them.
        sizes: What the records of the batch, and blobs still owed, name: digest to bytes.

    Raises:
        BlobMismatch: A blob has another digest or another size than any record says.
    """
    for digest, blob in blobs:
        if sizes.get(digest) != len(blob):
            raise BlobMismatch(f"no record names a blob {digest} of {len(blob)} bytes")
