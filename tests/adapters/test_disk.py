import asyncio
import mmap
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proctor.adapters import disk as disks
from proctor.adapters.disk import Disk
from tests.conftest import full_disk

BLOCK = 4096


@pytest.fixture(params=[pytest.param(True, id="kernel"), pytest.param(False, id="thread")])
async def disk(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Disk]:
    if not request.param:
        monkeypatch.setattr(disks, "_CALLS", {})
    made = Disk()
    if request.param and made._kernel is None:
        pytest.skip("this kernel has no asynchronous I/O for us")
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR | os.O_DSYNC, 0o600)
    yield handle
    os.close(handle)


def block(letter: bytes, count: int = 1) -> memoryview:
    made = memoryview(mmap.mmap(-1, count * BLOCK))
    made[:] = letter * len(made)
    return made


async def test_what_was_written_stands_where_it_was_to_be(disk: Disk, file: int) -> None:
    await disk.write(file, block(b"a"), 0)
    await disk.write(file, block(b"b", 3), BLOCK)
    assert os.pread(file, 5 * BLOCK, 0) == b"a" * BLOCK + b"b" * 3 * BLOCK


async def test_many_at_once_are_all_written(disk: Disk, file: int) -> None:
    letters = [bytes([65 + number]) for number in range(disks.MAX_UNDER_WAY)]
    writes = [disk.write(file, block(each), at * BLOCK) for at, each in enumerate(letters)]
    await asyncio.gather(*writes)
    assert os.pread(file, 2**20, 0) == b"".join(each * BLOCK for each in letters)


async def test_a_disk_that_fills_up_is_told(disk: Disk, file: int) -> None:
    with full_disk(room=2 * BLOCK), pytest.raises(OSError, match="File too large"):
        await disk.write(file, block(b"a", 4), 0)


async def test_a_file_that_is_closed_is_told_and_the_next_is_written(
    disk: Disk, file: int, tmp_path: Path
) -> None:
    closed = os.open(tmp_path / "closed", os.O_CREAT | os.O_RDWR, 0o600)
    os.close(closed)
    with pytest.raises(OSError, match="Bad file descriptor"):
        await disk.write(closed, block(b"a"), 0)
    await disk.write(file, block(b"b"), 0)
    assert os.pread(file, BLOCK, 0) == b"b" * BLOCK


async def test_one_who_goes_away_while_it_is_written_disturbs_nobody(disk: Disk, file: int) -> None:
    gone = asyncio.ensure_future(disk.write(file, block(b"a"), 0))
    await asyncio.sleep(0)
    gone.cancel()
    await disk.write(file, block(b"b"), BLOCK)
    assert os.pread(file, BLOCK, BLOCK) == b"b" * BLOCK
