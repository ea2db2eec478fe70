"""Files that are there whole or not at all, whatever happens to the computer in between."""

import os
import sys
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: new files, renames."""
    if sys.platform == "win32":  # no handle on a folder there; NTFS journals names by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a reader finds the old one or the new one, durable on return.

    Raises:
        OSError: Nothing changed, but that a file named `<path>.part` may be left.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner may read; else as `write_whole`."""
    write_whole(path, data, mode=0o600)
