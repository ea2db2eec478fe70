"""Reads pictures of identity documents in a process of its own; nothing read is ever logged.

The process takes 500 MB, so that it starts with the first picture and ends after some minutes
without one. What is read in it is decided by `adapters.document_looks`.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import cv2

from proctor.adapters import document_looks, slices
from proctor.adapters.clock import SystemClock
from proctor.adapters.ocr import NoText, Ocr
from proctor.domain.document import DocumentRead

logger = logging.getLogger(__name__)

# A reading is 1 to 8 s on one core; a machine may be doing ten other things.
TIMEOUT_S: Final = 60.0
IDLE_S: Final = 300.0


class Reader:
    """Reads one picture after another; the port `services.ports.DocumentReader`.

    One picture is in work; callers beyond it wait their turn, each holding its own picture. A
    process that dies takes nothing with it: its picture is read once more in a new one, and a
    picture that ends two, or takes longer than `timeout_s`, is a reading that says so. The
    process ends with this one, however this one ends.
    """

    def __init__(
        self, *, timeout_s: float = TIMEOUT_S, idle_s: float = IDLE_S, threads: int = 1
    ) -> None:
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._threads = threads
        self._turn = asyncio.Lock()
        # One thread owns the process and its pipe: a caller that gives up while it waits leaves
        # no answer behind for the next.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    async def read(self, picture: bytes, *, on: date | None = None) -> DocumentRead:
        """Read one picture; nothing that it holds makes this raise.

        Args:
            picture: JPEG or PNG from a stranger.
            on: The day that decides the centuries of dates; None is today, UTC.
        """
        day = on or SystemClock().now().date()
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(self._thread, self._read, picture, day)
            finally:
                if not self._closed:
                    self._idle = loop.call_later(
                        self._idle_s, self._thread.submit, self._end_process
                    )

    async def close(self) -> None:
        """End the process, also in the middle of a picture; a second call does nothing."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None:
            self._process.kill()
        await asyncio.to_thread(self._thread.shutdown)
        self._end_process()

    def _read(self, picture: bytes, on: date) -> DocumentRead:
        for _ in range(2):
            if self._closed:
                return DocumentRead(unavailable=("text: the reader is closed",))
            try:
                pipe = self._open()
                pipe.send((picture, on))
                if not pipe.poll(self._timeout_s):
                    self._end_process()
                    logger.warning("document took too long", extra={"size_bytes": len(picture)})
                    cause = f"text: reading took longer than {self._timeout_s:g} s"
                    return DocumentRead(unavailable=(cause,))
                answer = pipe.recv()
            except (EOFError, OSError):
                self._end_process()
                if not self._closed:
                    logger.warning("document reader died", extra={"size_bytes": len(picture)})
            else:
                assert isinstance(answer, DocumentRead)
                return answer
        return DocumentRead(unavailable=("text: the process that read it died, twice",))

    def _open(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        # Spawned: a fork would copy the server's sockets, threads and half-held locks.
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_serve, args=(theirs, self._threads), name="documents", daemon=True
        )
        self._process.start()
        # Or its death would not be an end of the pipe.
        theirs.close()
        return self._pipe

    def _end_process(self) -> None:
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()


def _serve(pipe: Connection, threads: int) -> None:
    # Behind the event loop, as the server's own threads are: no receipt waits for a document.
    os.nice(slices.BEHIND)
    # Ctrl-C reaches every process of the terminal; this one is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # The OCR's loggers print to standard error whatever they are told; no text may be logged.
    logging.disable(logging.CRITICAL)
    cv2.setNumThreads(threads)
    ocr, missing = None, ""
    try:
        ocr = Ocr(threads)
    except NoText as cause:
        missing = f"text: {cause}"
    while True:
        try:
            picture, on = pipe.recv()
        except EOFError:
            return
        pipe.send(_read(picture, ocr, missing, on))


def _read(picture: bytes, ocr: Ocr | None, missing: str, on: date) -> DocumentRead:
    try:
        answer = document_looks.read(picture, ocr, on=on)
    except Exception as error:  # noqa: BLE001 # a stranger's picture; what failed is in the answer
        # Its name alone: a message might hold what was read.
        return DocumentRead(unavailable=(f"text: reading failed: {type(error).__name__}",))
    if missing and not any(cause.startswith("picture") for cause in answer.unavailable):
        return replace(answer, unavailable=(*answer.unavailable, missing))
    return answer


def _end_with(parent: BaseProcess) -> None:
    # A killed server cannot end its reader, which may be in the middle of a page.
    parent.join()
    os._exit(1)
