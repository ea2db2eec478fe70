"""Sheets of thumbnails, made in a process of its own: decoding strangers' pictures may crash."""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from proctor.adapters.pictures import Picture, Pixels, Unreadable, pixels
from proctor.adapters.processes import Died, Process

logger = logging.getLogger(__name__)

WIDTH: Final = 96
HEIGHT: Final = 72
COLUMNS: Final = 10
ROWS: Final = 6
QUALITY: Final = 80
# The process takes 60 MB: it ends when nobody has asked for this long.
IDLE_S: Final = 300.0
PRIORITY: Final = 10  # Unix's own scale: of one core that both want, it gets a tenth


class Sheets:
    """Makes sheets; the port `services.ports.Thumbnails`.

    The process starts with the first sheet and ends after some minutes without one. One that dies
    is replaced; a picture that ends two of them is black.
    """

    def __init__(self, *, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._process = Process(_start)
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    async def sheet(self, pictures: Sequence[bytes | None]) -> bytes:
        """Return a JPEG of at most 60 pictures, each fitted into 96 x 72, in rows of ten.

        Args:
            pictures: JPEG or PNG from strangers; None, or what can't be read, is black.
        """
        assert len(pictures) <= COLUMNS * ROWS
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                return await self._twice(pictures)
            finally:
                if not self._closed:
                    self._idle = asyncio.get_running_loop().call_later(
                        self._idle_s, self._process.end
                    )

    async def close(self) -> None:
        """End the process; a second call does nothing."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        await self._process.close()

    async def _twice(self, pictures: Sequence[bytes | None]) -> bytes:
        try:
            return await self._once(pictures)
        except Died:
            # One of them kills the process: each by itself, it takes no other with it.
            logger.warning("thumbnails died", extra={"pictures": len(pictures)})
        return await self._once([await self._harmless(each) for each in pictures])

    async def _harmless(self, picture: bytes | None) -> bytes | None:
        try:
            await self._once([picture])
        except Died:
            return None
        return picture

    async def _once(self, pictures: Sequence[bytes | None]) -> bytes:
        return await self._process.run(sheet, pictures)


def sheet(pictures: Sequence[bytes | None]) -> bytes:
    """Return a JPEG of 60 cells, 960 x 432 pixels; no bytes whatever make it raise."""
    whole = np.zeros((ROWS * HEIGHT, COLUMNS * WIDTH, 3), np.uint8)
    for at, picture in enumerate(pictures):
        small = None if picture is None else _small(picture)
        if small is None:
            continue
        rows, columns = small.shape[:2]
        top = at // COLUMNS * HEIGHT + (HEIGHT - rows) // 2
        left = at % COLUMNS * WIDTH + (WIDTH - columns) // 2
        whole[top : top + rows, left : left + columns] = small
    _, encoded = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return encoded.tobytes()


def _small(picture: bytes) -> Pixels | None:
    """Return a picture that fits a cell, decoded no larger than needed; None if it can't be."""
    try:
        fitted = Picture(picture).fitted((WIDTH, HEIGHT))
    except Unreadable:
        return None
    rows, columns = fitted.shape[:2]
    if rows <= HEIGHT:
        return fitted
    # Upright, as phones' are: `fitted` lets it be as high as a cell is wide.
    size = (max(1, round(columns * HEIGHT / rows)), HEIGHT)
    return pixels(cv2.resize(fitted, size, interpolation=cv2.INTER_AREA))


def _start() -> None:
    # Receipts do not wait for thumbnails; those go before pictures that no person waits for.
    os.nice(PRIORITY)
    cv2.setNumThreads(1)
