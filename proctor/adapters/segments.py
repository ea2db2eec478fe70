"""Blobs on disk: encrypted, one after the other, in large files that only grow.

A file for each snapshot costs an fsync each; a segment takes a whole group's blobs with one. Where
a blob lies is a row of the database; bytes that no row points to (a crash between the two) are
dead weight and nothing else. A blob is AES-256-GCM under its session's key, so that destroying the
key destroys it; session and digest are bound in, so that one blob can't be passed off as another.
"""

import os
import secrets
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
# What a blob is longer by on disk: its nonce and its tag.
OVERHEAD_BYTES = NONCE_BYTES + 16
# Large enough that a busy hour makes few, small enough to copy one by one.
MAX_SEGMENT_BYTES = 256 * 1024 * 1024
# Blobs encrypted, then written with one writev: so many stay in the processor's cache between the
# two. Larger writes make the kernel ask for memory in large pieces, which on a virtual machine the
# host has to find first: measured, 60 us a blob instead of 10.
_TOGETHER = 16


class Place(NamedTuple):
    """Where a blob lies."""

    segment: int
    offset: int
    size: int  # of the ciphertext, with nonce and tag


class Sealed(NamedTuple):
    """An encrypted blob, ready to be written."""

    nonce: bytes
    ciphertext: bytes


def encrypt(key: AESGCM, *, session: str, sha256: str, blob: bytes) -> Sealed:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Sealed(nonce, key.encrypt(nonce, blob, _bound(session, sha256)))


def decrypt(key: AESGCM, *, session: str, sha256: str, sealed: bytes) -> bytes:
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
        self._end = 0

    def write(self, sealed: Iterable[Sealed]) -> list[Place]:
        """Append blobs and return where they lie, durable. They are asked for a few at a time.

        Raises:
            OSError: The disk is full or broken. Nothing is referred to; the tail is cut off.
        """
        places: list[Place] = []
        blobs = iter(sealed)
        some = list(islice(blobs, _TOGETHER))
        if not some:
            return places
        file, at = self._open(), self._end
        try:
            while some:
                for blob in some:
                    size = NONCE_BYTES + len(blob.ciphertext)
                    places.append(Place(self._number, at, size))
                    at += size
                _write_all(file, [piece for blob in some for piece in blob])
                some = list(islice(blobs, _TOGETHER))
            os.fdatasync(file)
        except BaseException:
            # Where the file ends is read anew at the next write: places must not be counted from
            # an end that is no more.
            self.close()
            os.truncate(self._path(self._number), self._end)
            raise
        self._end = at
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
            # Not the file that is being appended to: with O_APPEND Linux writes at the end,
            # whatever the offset.
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
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is not None and self._end < self._max_bytes:
            return self._file
        if self._file is not None or self._number == 0:
            self.close()
            self._number += 1
        path = self._path(self._number)
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        # What an earlier run left half-written stays; appending begins behind it.
        self._end = os.fstat(self._file).st_size
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._file

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}"


def _write_all(file: int, pieces: list[bytes]) -> None:
    left = sum(map(len, pieces))
    done = os.writev(file, pieces)
    if done < left:  # a disk that fills up writes a part first, and refuses the rest
        rest = b"".join(pieces)[done:]
        while rest:
            rest = rest[os.write(file, rest) :]


def _zero(file: int, place: Place) -> None:
    at, end = place.offset, place.offset + place.size
    while at < end:
        at += os.pwrite(file, bytes(end - at), at)


def _bound(session: str, sha256: str) -> bytes:
    return f"{session}\n{sha256}".encode()
