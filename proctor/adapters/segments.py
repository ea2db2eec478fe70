"""Blobs on disk: encrypted, one after the other, in large files that only grow.

A file for each snapshot costs an fsync each; a segment takes whatever is to be written with one.
Where a blob lies is a row of the database; bytes that no row points to (the rest of a block) are
dead weight and nothing else. A blob that is held already and was written again becomes zeros there
soon, as erasing would not find it; what a crash or a failing disk prevents of that, the next start
does in the newest segment alone. Each write begins with a list of what is in it, so that rows that
a crash left unwritten can be written from it. A blob is AES-256-GCM under its session's key, so
that destroying the key destroys it; session and digest are bound in, so that one blob can't be
passed off as another.

Blobs are written past the page cache, over zeros that were written before. Measured on a virtual
machine, for a blob of 40 KB: through the cache the kernel first finds pages and copies, which took
80 us of a server under load; behind a file's end or into room that was only set aside, a write
waits for the file system's own journal, 230 us instead of 140.
"""

import asyncio
import errno
import json
import mmap
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proctor.adapters.disk import Disk

NONCE_BYTES = 12
TAG_BYTES = 16
# What a blob is longer by on disk: its nonce and its tag.
OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
# Large enough that a busy hour makes few, small enough to copy one by one.
MAX_SEGMENT_BYTES = 256 * 1024 * 1024
# What a write past the page cache begins and ends at: no disk has larger blocks.
BLOCK_BYTES = 4096
# Zeros that are written ahead: two hundred snapshots. And the first of a segment, which are waited
# for.
AHEAD_BYTES = 8 * 1024 * 1024
_FIRST_BYTES = 512 * 1024
# Better written at once than more: so much stays in the processor's cache after it was encrypted.
TOGETHER_BYTES = 1024 * 1024
_FLAGS = os.O_CREAT | os.O_RDWR | os.O_DSYNC
# At the beginning of each write: what it is, and the length of the list that follows.
_HEAD = struct.Struct(">8sI")
_MAGIC = b"proctor1"
_MAX_LIST_BYTES = 16 * 1024 * 1024
# Linux has them; elsewhere the bytes go through the cache, and more than them is made durable.
_DIRECT: int = getattr(os, "O_DIRECT", 0)
_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Place(NamedTuple):
    """Where a blob lies."""

    segment: int
    offset: int
    size: int  # of the ciphertext, with nonce and tag


class Blob(NamedTuple):
    """A blob to be encrypted and written."""

    key: AESGCM
    session: str
    sha256: str
    data: bytes | memoryview


def decrypt(key: AESGCM, *, session: str, sha256: str, sealed: bytes) -> bytes:
    """Return a blob.

    Raises:
        InvalidTag: It was sealed with another key, for another session or digest, or was changed.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return key.decrypt(nonce, ciphertext, _bound(session, sha256))


class Segments:
    """The segment files of one folder. One task writes at a time; any thread may read."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_SEGMENT_BYTES, read_only: bool = False
    ) -> None:
        """Take the folder; it is made unless it is to be read alone."""
        if not read_only:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._number = max(self._numbers(), default=0)
        self._file: int | None = None
        self._end = 0  # where the next write begins: at a block
        self._room = 0  # where what was written ahead ends
        self._ahead: asyncio.Task[None] | None = None
        # Begins at a page, as a write past the cache must. Only what is touched takes memory.
        self._buffer = memoryview(mmap.mmap(-1, _aligned(2 * TOGETHER_BYTES)))
        self._disk: Disk | None = None

    async def write(self, blobs: Sequence[Blob]) -> list[Place]:
        """Encrypt blobs, append them with one write and return where they lie, durable.

        One call at a time.

        Raises:
            OSError: The disk is full or broken. Nothing is referred to; the tail is cut off.
        """
        if not blobs:
            return []
        try:
            return await self._write(blobs)
        except BaseException:
            # What the disk has of it is not known: the next go into a new file.
            await self._close_file()
            raise

    def written(self, *, since: int) -> Iterator[tuple[str, str, Place]]:
        """Yield session, digest and place of what was written, from a segment on, in order.

        To be called before anything is written. What a crash left half-written at the end of a
        segment may be among them: whether a blob is whole, its tag tells. What was written ahead
        is cut off, and nothing but its zeros: behind a list that rotted there is more. A segment of
        an earlier version says nothing of itself.
        """
        for number in sorted(each for each in self._numbers() if each >= since):
            file = os.open(self._path(number), os.O_RDWR)
            try:
                end, whole = 0, os.fstat(file).st_size
                while (listed := _read_list(file, end)) is not None:
                    at = end + listed[0]
                    for session, sha256, size in listed[1]:
                        yield session, sha256, Place(number, at, size)
                        at += size
                    end = _aligned(at)
                if end and (used := _used(file, end, whole)) < whole:
                    os.ftruncate(file, used)
            finally:
                os.close(file)

    def read(self, place: Place) -> bytes:
        """Return a blob's ciphertext, nonce first.

        Raises:
            OSError: The segment is gone.
        """
        file = os.open(self._path(place.segment), os.O_RDONLY)
        try:
            return os.pread(file, place.size, place.offset)
        finally:
            os.close(file)

    def erase(self, places: Iterable[Place]) -> None:
        """Overwrite blobs with zeros, durably. One call at a time; `write` may go on.

        Past the cache, in whole blocks, as they were written: each block is of one write that has
        ended, so that nothing goes back to the disk of what `write` puts beside them.

        A segment that is gone holds nothing. The room is not given back, and what lies beneath the
        file (a copy-on-write file system, a drive that moves its blocks) may keep the ciphertext:
        only destroying its key is final.

        Raises:
            OSError: The disk is broken. Some may be erased.
        """
        of: dict[int, list[Place]] = {}
        for place in places:
            of.setdefault(place.segment, []).append(place)
        for number, some in of.items():
            try:
                file = _open(self._path(number), os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                size = os.fstat(file).st_size
                for place in some:
                    _zero(file, place, size)
                _sync(file)
            finally:
                os.close(file)

    async def close(self) -> None:
        """Close the segment being written; what was written ahead and not used is cut off."""
        await self._close_file()
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    async def _close_file(self) -> None:
        if self._ahead is not None:
            await asyncio.wait({self._ahead})
            self._ahead = None
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.ftruncate(file, self._end)
            finally:
                os.close(file)

    async def _write(self, blobs: Sequence[Blob]) -> list[Place]:
        sizes = [len(blob.data) + OVERHEAD_BYTES for blob in blobs]
        rows = [(each.session, each.sha256, size) for each, size in zip(blobs, sizes, strict=True)]
        listed = json.dumps(rows, separators=(",", ":")).encode()
        head = _HEAD.pack(_MAGIC, len(listed)) + listed
        whole = _aligned(len(head) + sum(sizes))
        file = await self._with_room(whole)
        if whole > len(self._buffer):
            self._buffer = memoryview(mmap.mmap(-1, whole))
        buffer, used = self._buffer[:whole], len(head)
        buffer[:used] = head
        places = []
        nonces = os.urandom(NONCE_BYTES * len(blobs))
        for at, (blob, size) in enumerate(zip(blobs, sizes, strict=True)):
            _seal(blob, nonces[at * NONCE_BYTES :][:NONCE_BYTES], buffer[used : used + size])
            places.append(Place(self._number, self._end + used, size))
            used += size
        buffer[used:] = bytes(whole - used)
        if self._disk is None:
            self._disk = Disk()
        await self._disk.write(file, buffer, self._end)
        self._end += whole
        return places

    async def _with_room(self, size: int) -> int:
        """Return the file that the next write goes to, having room for it."""
        if self._file is None or self._end >= self._max_bytes:
            await self._close_file()
            # An earlier run's last segment may end with what a crash left of a write: nothing may
            # come behind it, or it would not be found.
            number = self._number + 1
            self._file = await asyncio.to_thread(_create, self._path(number))
            self._number, self._end, self._room = number, 0, 0
        if self._end + size > self._room and self._ahead is not None:
            await asyncio.wait({self._ahead})
        if self._end + size > self._room:
            await self._write_ahead(max(size, _FIRST_BYTES))
        left = self._room - self._end - size
        if left < AHEAD_BYTES // 2 and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._try_ahead())
        return self._file

    async def _write_ahead(self, size: int) -> None:
        await asyncio.to_thread(_write_zeros, self._path(self._number), self._room, size)
        self._room += size

    async def _try_ahead(self) -> None:
        # A full disk is told to whoever needs the room.
        with suppress(OSError):
            await self._write_ahead(AHEAD_BYTES)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}"

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self._folder.glob("[0-9]" * 8)]


def _read_list(file: int, at: int) -> tuple[int, list[tuple[str, str, int]]] | None:
    """Return the length of head and list of a write, and the list; None where no write begins."""
    head = os.pread(file, BLOCK_BYTES, at)
    if len(head) < _HEAD.size:
        return None
    magic, size = _HEAD.unpack_from(head)
    if magic != _MAGIC or size > _MAX_LIST_BYTES:
        return None
    try:
        rows = json.loads(os.pread(file, size, at + _HEAD.size))
    except ValueError:  # half written
        return None
    return _HEAD.size + size, [(session, sha256, size) for session, sha256, size in rows]


def _aligned(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _seal(blob: Blob, nonce: bytes, into: memoryview) -> None:
    """Encrypt a blob into the bytes that it takes."""
    into[:NONCE_BYTES] = nonce
    bound = _bound(blob.session, blob.sha256)
    blob.key.encrypt_into(nonce, blob.data, bound, into[NONCE_BYTES:])


def _create(path: Path) -> int:
    """Make a segment and open it for writes that are durable when they return."""
    file = _open(path, _FLAGS)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return file


def _open(path: Path, flags: int) -> int:
    """Open a segment to be written past the cache, where its file system knows how."""
    try:
        return os.open(path, flags | _DIRECT, 0o600)
    except OSError as no:
        if no.errno != errno.EINVAL:
            raise
    return os.open(path, flags, 0o600)


def _used(file: int, end: int, whole: int) -> int:
    """Return where the zeros at the end of a segment begin: at `end`, or behind a later block."""
    while whole > end and not os.pread(file, BLOCK_BYTES, whole - BLOCK_BYTES).strip(b"\0"):
        whole -= BLOCK_BYTES
    return max(end, whole)


_ZEROS = memoryview(mmap.mmap(-1, 512 * 1024))


def _write_zeros(path: Path, at: int, size: int) -> None:
    """Write zeros at the end of a segment, durable together.

    A batch that is written meanwhile waits for the piece that the disk is at, and to ask for its
    write the event loop waits for the file, which grows by that piece: 8 MB at once held both up
    for 7 ms, so that was the 99th percentile of all receipts; pieces of 512 KB hold up none for 2.
    """
    end = at + size
    file = _open(path, os.O_RDWR)
    try:
        while at < end:
            at += os.pwrite(file, _ZEROS[: end - at], at)
        _sync(file)
    finally:
        os.close(file)


def _zero(file: int, place: Place, size: int) -> None:
    """Overwrite a blob; of one that a crash cut off, what is there of it."""
    first, end = place.offset, min(size, place.offset + place.size)
    if first >= end:
        return
    at = first // BLOCK_BYTES * BLOCK_BYTES
    blocks = memoryview(mmap.mmap(-1, _aligned(end) - at))
    if os.preadv(file, [blocks], at) < end - at:
        # Else zeros would go over what stands beside it.
        raise OSError(errno.EIO, "a segment was read in part")
    blocks[first - at : end - at] = bytes(end - first)
    while blocks:
        done = os.pwrite(file, blocks, at)
        at, blocks = at + done, blocks[done:]


def _bound(session: str, sha256: str) -> bytes:
    return f"{session}\n{sha256}".encode()
