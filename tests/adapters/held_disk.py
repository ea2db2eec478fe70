"""A disk that takes its time, for what is under way at once."""

import asyncio

import pytest

from proctor.adapters.disk import Disk


class HeldDisk:
    """Lets two writes wait until they are told to begin."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._let = [asyncio.Event(), asyncio.Event()]
        self._begun, self._written = asyncio.Semaphore(0), asyncio.Event()
        self._write = Disk.write
        monkeypatch.setattr(Disk, "write", self.write)
        self._turns = iter(self._let)

    async def write(self, file: int, data: memoryview, at: int) -> None:
        let = next(self._turns)
        self._begun.release()
        await let.wait()
        disk = Disk()
        try:
            await self._write(disk, file, data, at)
        finally:
            disk.close()
        self._written.set()

    async def one_begun(self) -> None:
        await self._begun.acquire()

    async def write_second(self) -> None:
        self._let[1].set()
        await self._written.wait()

    def let_first(self) -> None:
        self._let[0].set()
