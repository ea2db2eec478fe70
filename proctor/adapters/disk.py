"""Writes to the disk that the event loop does not wait for, and no thread either.

A thread that writes must win the interpreter's lock back before it can tell that it is done, which
on a busy server took several times as long as the write. Linux' own asynchronous I/O (io_submit(2))
works for files that were opened past the page cache, and tells the event loop by a descriptor:
measured, 20 us to submit and 200 us in all for 44 KB. Where there is none, a thread writes.
"""

import asyncio
import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final

# Writes under way at once; the store has one.
MAX_UNDER_WAY: Final = 16
# setup, destroy, getevents, submit: io_setup(2) and so on, which the C library has no names for.
_CALLS: Final = {"x86_64": (206, 207, 208, 209), "aarch64": (0, 1, 4, 2)}
# struct iocb of linux/aio_abi.h: data, key, rw_flags, opcode, priority, file, buffer, size, offset,
# reserved, flags, file that is told of the end.
_IOCB: Final = struct.Struct("<QIIHhIQQqQII")
_PWRITE: Final = 1
_TELL: Final = 1
_EVENT_WORDS: Final = 4  # struct io_event: data, iocb, result, result of the second half


class Disk:
    """Writes at places of files. Belongs to the event loop that it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._kernel = _Kernel.open(self._loop)

    async def write(self, file: int, data: memoryview, at: int) -> None:
        """Write all of `data`; it must not change meanwhile.

        Args:
            file: Opened for writing. Past the page cache, `data` and `at` begin and end at blocks.
            data: Of a buffer that can be written to.
            at: Offset in bytes.

        Raises:
            OSError: The disk is full or broken; a part may have been written.
        """
        done = 0
        while done < len(data):  # a disk that fills up writes a part first, and refuses the rest
            rest = data[done:]
            if self._kernel is None:
                done += await self._loop.run_in_executor(None, os.pwrite, file, rest, at + done)
            else:
                done += await self._kernel.write(file, rest, at + done)

    def close(self) -> None:
        """Let go of it. Nothing may be under way."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None


class _Kernel:
    """The kernel's queue of writes, and the descriptor by which it tells that one has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, calls: tuple[int, int, int, int]) -> None:
        """Set up the queue.

        Raises:
            OSError: The kernel gives none: it has too many, or this process may not have one.
        """
        self._loop = loop
        self._setup, self._destroy, self._getevents, self._submit = calls
        # The interpreter's lock is kept: the calls are short, and to win it back takes longer.
        self._libc = ctypes.PyDLL(None, use_errno=True)
        self._queue = ctypes.c_ulong(0)
        self._call(self._setup, MAX_UNDER_WAY, ctypes.byref(self._queue))
        self._events = (ctypes.c_uint64 * (_EVENT_WORDS * MAX_UNDER_WAY))()
        self._ended = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._under_way: dict[int, tuple[asyncio.Future[int], object]] = {}
        self._count = 0
        loop.add_reader(self._ended, self._take)

    @classmethod
    def open(cls, loop: asyncio.AbstractEventLoop) -> "_Kernel | None":
        """Return a queue; None where there is none to be had."""
        calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
        try:
            return None if calls is None else cls(loop, calls)
        except OSError:
            return None

    def write(self, file: int, data: memoryview, at: int) -> asyncio.Future[int]:
        """Begin to write; the result is how many bytes were written.

        Raises:
            OSError: It could not begin.
        """
        self._count += 1
        ended: asyncio.Future[int] = self._loop.create_future()
        begin = ctypes.addressof(ctypes.c_char.from_buffer(data))
        job = _IOCB.pack(
            *(self._count, 0, 0, _PWRITE, 0, file, begin, len(data), at, 0, _TELL, self._ended)
        )
        iocb = ctypes.create_string_buffer(job, len(job))
        self._call(self._submit, self._queue, 1, (ctypes.c_void_p * 1)(ctypes.addressof(iocb)))
        # Held until it ended: what is written from, and the order itself.
        self._under_way[self._count] = (ended, (data, iocb))
        return ended

    def close(self) -> None:
        self._loop.remove_reader(self._ended)
        self._call(self._destroy, self._queue)
        os.close(self._ended)

    def _take(self) -> None:
        os.eventfd_read(self._ended)
        count = self._call(self._getevents, self._queue, 0, MAX_UNDER_WAY, self._events, None)
        for first in range(0, count * _EVENT_WORDS, _EVENT_WORDS):
            ended, _ = self._under_way.pop(self._events[first])
            result = ctypes.c_int64(self._events[first + 2]).value
            if ended.done():  # whoever waited was cancelled
                continue
            if result < 0:
                ended.set_exception(OSError(-result, os.strerror(-result)))
            elif result == 0:
                ended.set_exception(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            else:
                ended.set_result(result)

    def _call(self, number: int, *args: object) -> int:
        result = int(self._libc.syscall(number, *args))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result
