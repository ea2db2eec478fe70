"""Blobs on disk: encrypted, one after the other, in large files that only grow.

A file for each snapshot costs an fsync each; a segment takes a whole group's blobs with one. Where
a blob lies is a row of the database; bytes that no row points to (a crash between the two, the
rest of a block) are dead weight and nothing else. A blob is AES-256-GCM under its session's key, so
that destroying the key destroys it; session and digest are bound in, so that one blob can't be
passed off as another.

Blobs are written past the page cache, into room that was set aside before. Measured on a virtual
machine, for a blob of 40 KB: through the cache the kernel first finds pages and copies, which took
80 us of a server under load; and the first write behind a file's end waits for the file system's
own journal, 280 us alone instead of 160.
"""

import errno
import mmap
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proctor.evidence.record import MAX_BLOB_BYTES

NONCE_BYTES = 12
TAG_BYTES = 16
# What a blob is longer by on disk: its nonce and its tag.
OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
# Large enough that a busy hour makes few, small enough to copy one by one.
MAX_SEGMENT_BYTES = 256 * 1024 * 1024
# What a write past the page cache begins and ends at: no disk has larger blocks.
BLOCK_BYTES = 4096
# Set aside at a time: two hundred snapshots.
AHEAD_BYTES = 8 * 1024 * 1024
# Encrypted, then written at once: so much stays in the processor's cache between the two.
_TOGETHER_BYTES = 1024 * 1024
_FLAGS = os.O_CREAT | os.O_RDWR | os.O_DSYNC
# Linux has it; elsewhere the same bytes go through the cache.
_DIRECT: int = getattr(os, "O_DIRECT", 0)


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
    data: bytes


def decrypt(key: AESGCM, *, session: str, sha256: str, sealed: bytes) -> bytes:
    """Return a blob.

    Raises:
        InvalidTag: It was sealed with another key, for another session or digest, or was changed.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return key.decrypt(nonce, ciphertext, _bound(session, sha256))


class Segments:
    """The segment files of one folder. One thread writes; any may read."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._number = max((int(path.name) for path in folder.glob("[0-9]" * 8)), default=0)
        self._file: int | None = None
        self._end = 0  # where the next write begins: at a block
        self._room = 0  # where what was set aside ends
        # Begins at a page, as a write past the cache must. Only what is touched takes memory.
        self._buffer = memoryview(mmap.mmap(-1, _aligned(_TOGETHER_BYTES + _MAX_SEALED_BYTES)))

    def write(self, blobs: Iterable[Blob]) -> list[Place]:
        """Encrypt blobs, append them and return where they lie, durable.

        Raises:
            OSError: The disk is full or broken. Nothing is referred to; the tail is cut off.
        """
        places: list[Place] = []
        buffer, used, end = self._buffer, 0, 0
        try:
            for blob in blobs:
                if not places:
                    self._open()
                    end = self._end
                elif used > _TOGETHER_BYTES:
                    end, used = self._write(end, used), 0
                size = _seal(blob, buffer[used:])
                places.append(Place(self._number, end + used, size))
                used += size
            if used:
                self._end = self._write(end, used)
        except BaseException:
            # Places must not be counted from an end that is no more: it is read anew.
            self.close()
            raise
        return places

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
        """Overwrite blobs with zeros, durably. To be called where `write` is; again is no harm.

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
            # Not the file that is being appended to, which takes whole blocks only.
            try:
                file = os.open(self._path(number), os.O_WRONLY)
            except FileNotFoundError:
                continue
            try:
                for place in some:
                    _zero(file, place)
                os.fdatasync(file)
            finally:
                os.close(file)

    def close(self) -> None:
        """Close the segment being written; what was set aside and not used is given back."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.ftruncate(file, self._end)
            finally:
                os.close(file)

    def _write(self, at: int, used: int) -> int:
        """Write the buffer's first bytes, durably; return where the next begin."""
        assert self._file is not None
        whole = _aligned(used)
        self._buffer[used:whole] = bytes(whole - used)
        end = at + whole
        if end > self._room:
            room = end + AHEAD_BYTES
            _set_aside(self._file, self._room, room - self._room)
            self._room = room
        done = 0
        while done < whole:  # a disk that fills up writes a part first, and refuses the rest
            done += os.pwrite(self._file, self._buffer[done:whole], at + done)
        return end

    def _open(self) -> None:
        if self._file is not None and self._end < self._max_bytes:
            return
        if self._file is not None or self._number == 0:
            self.close()
            self._number += 1
        path = self._path(self._number)
        try:
            self._file = os.open(path, _FLAGS | _DIRECT, 0o600)
        except OSError as no:
            if no.errno != errno.EINVAL:  # a file system that knows nothing but its cache
                raise
            self._file = os.open(path, _FLAGS, 0o600)
        # What an earlier run left half-written stays; appending begins behind it.
        self._end = self._room = _aligned(os.fstat(self._file).st_size)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}"


_MAX_SEALED_BYTES = MAX_BLOB_BYTES + OVERHEAD_BYTES


def _aligned(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _seal(blob: Blob, into: memoryview) -> int:
    """Encrypt a blob to the beginning of `into`; return how many bytes it takes there."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    size = len(blob.data) + OVERHEAD_BYTES
    into[:NONCE_BYTES] = nonce
    bound = _bound(blob.session, blob.sha256)
    blob.key.encrypt_into(nonce, blob.data, bound, into[NONCE_BYTES:size])
    return size


def _set_aside(file: int, at: int, size: int) -> None:
    # A file system that can't: then the file grows as it is written.
    try:
        os.posix_fallocate(file, at, size)
    except OSError as no:
        if no.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def _zero(file: int, place: Place) -> None:
    at, end = place.offset, place.offset + place.size
    while at < end:
        at += os.pwrite(file, bytes(end - at), at)


def _bound(session: str, sha256: str) -> bytes:
    return f"{session}\n{sha256}".encode()
