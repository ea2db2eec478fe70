"""Measures snapshots: faces, light, whether the camera is covered or its picture stands still.

`measure` is a plain function of bytes; `Workers` runs it in processes of its own, because
decoding strangers' pictures may crash and may never hold up the server.
"""

import asyncio
import functools
import logging
import multiprocessing
import os
import signal
import struct
import threading
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import models
from proctor.domain.observation import Face, Measured, Model

logger = logging.getLogger(__name__)

# Bounds on what is decoded at all. A webcam still is 40 KB and under 1 Mpixel; a scan of a
# document may be larger. Within them no picture takes a worker more than seconds or 300 MB.
MAX_BYTES: Final = 8 << 20
MAX_SIDE: Final = 4096
MAX_PIXELS: Final = 16 << 20
MIN_SIDE: Final = 32  # the detector's coarsest cell: below it there is nothing to find
# A progressive JPEG is decoded once per scan, and a scan may be ten bytes long. Real ones
# have about ten; the rest of the room is for thumbnails inside the file.
MAX_SCANS: Final = 64

# Every snapshot is looked at in this size (longer side, shorter side); any count of faces but
# one gets a second look in twice that, which settles it: small or ill-lit faces missed at
# 320 x 240 are found at 640 x 480, and doubles seen in the coarse picture go away.
FIRST_LOOK: Final = (320, 240)
SECOND_LOOK: Final = (640, 480)
# OpenCV's default of 0.9 loses one face in five.
FACE_SCORE: Final = 0.6
_NMS_OVERLAP: Final = 0.3  # the detector's own, of the union
_MAX_FACES: Final = 50
# Two boxes that share more than half of the smaller one are one face seen twice.
SAME_FACE_OVERLAP: Final = 0.5

# Grey levels, 0 to 255. Both must hold: a face lit by its screen in a dark room has a low
# mean and a high 95th percentile, and can be seen well.
DARK_MEAN: Final = 40
DARK_P95: Final = 70
# A hand, tape or a lid leaves noise and a slow gradient.
COVERED_CONTRAST: Final = 5
# Mean difference to the last picture. A repeated picture gives 0.0. A real webcam gave 0.6
# or more between frames 1/24 s apart, 2.0 or more 1 s apart with a person sitting still.
# Far below that: an empty room before a quiet camera must not look like a stopped one.
FROZEN_CHANGE: Final = 0.3
# What is kept of a picture to compare the next with. Picked, not averaged, pixels: averaging
# takes away the sensor's noise, which is what tells a live camera from a still picture.
_SMALL_WIDTH: Final = 80
_SMALL_HEIGHT: Final = 60

LIGHT: Final = Model(name="light", version="1")
FROZEN: Final = Model(name="frozen", version="1")

Small: TypeAlias = bytes  # 80 x 60 grey levels, row by row
_Picture: TypeAlias = npt.NDArray[np.uint8]  # BGR, or grey

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class _Unreadable(Exception):
    """Why a picture was not measured; foreign bytes cause nothing worse."""


def measure(jpeg: bytes, previous: Small | None = None) -> tuple[Measured, Small | None]:
    """Measure one picture; no bytes whatever make it raise.

    Light, contrast, sharpness and change are of the picture fitted into 320 x 240, so that
    cameras compare. `frozen` is None without a previous picture, and in a covered one, where
    any two are alike.

    Args:
        jpeg: JPEG or PNG from a stranger.
        previous: What this function returned for the same device's last picture.

    Returns:
        The measurements, and what to pass with the next picture; None in its place if this
        one could not be read.
    """
    try:
        width, height = _dimensions(jpeg)
        first = _decode(jpeg, width, height, FIRST_LOOK)
    except _Unreadable as cause:
        return Measured(unavailable=(f"picture: {cause}",)), None

    grey = _pixels(cv2.cvtColor(first, cv2.COLOR_BGR2GRAY))
    mean, contrast = float(grey.mean()), float(grey.std())
    p95 = float(np.percentile(grey, 95))
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())

    small = _pixels(
        cv2.resize(grey, (_SMALL_WIDTH, _SMALL_HEIGHT), interpolation=cv2.INTER_NEAREST)
    )
    change = None
    if previous is not None:
        last = np.frombuffer(previous, np.uint8).reshape(small.shape)
        change = float(cv2.absdiff(small, last).mean())

    used, unavailable = [LIGHT, FROZEN], []
    faces = None
    try:
        faces = _faces(first, FIRST_LOOK, max(width, height))
        if len(faces) != 1:
            second = _decode(jpeg, width, height, SECOND_LOOK)
            faces = _settle(faces, _faces(second, SECOND_LOOK, max(width, height)))
        used.append(_yunet())
    except models.ModelMissing as missing:
        unavailable.append(f"faces: the model {missing.name} {missing.reason}")
    except (cv2.error, _Unreadable):
        # Not known to happen; were it to, it is a picture without a count, not a lost worker.
        faces = None
        unavailable.append("faces: the detector failed")

    # A person far off in a dark room has little contrast too, but has a face.
    covered = contrast < COVERED_CONTRAST and not faces
    return Measured(
        faces=faces,
        light_mean=round(mean, 2),
        light_p95=round(p95, 2),
        contrast=round(contrast, 2),
        sharpness=round(sharpness, 2),
        change=None if change is None else round(change, 2),
        dark=mean < DARK_MEAN and p95 < DARK_P95,
        covered=covered,
        frozen=None if change is None or covered else change < FROZEN_CHANGE,
        unavailable=tuple(unavailable),
        models=tuple(used),
    ), small.tobytes()


def _dimensions(data: bytes) -> tuple[int, int]:
    """Return width and height as the header says, having decoded nothing."""
    if len(data) > MAX_BYTES:
        raise _Unreadable(f"{len(data)} bytes are more than {MAX_BYTES}")
    if data.startswith(_PNG):
        width, height = _png_dimensions(data)
    elif data.startswith(_JPEG):
        width, height = _jpeg_dimensions(data)
    else:
        raise _Unreadable("not an image that can be read")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _Unreadable(f"{width} x {height} pixels are more than will be decoded")
    if min(width, height) < MIN_SIDE:
        raise _Unreadable(f"{width} x {height} pixels are too few to measure")
    return width, height


def _png_dimensions(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or b"IEND" not in data:
        raise _Unreadable("not an image that can be read")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg_dimensions(data: bytes) -> tuple[int, int]:
    """Walk the segments exactly as libjpeg does, so that it cannot see another size than we."""
    at = len(_JPEG)
    while True:
        at = data.find(b"\xff", at)
        while at != -1 and data[at : at + 1] == b"\xff":
            at += 1
        if at == -1 or at + 8 > len(data):
            raise _Unreadable("not an image that can be read")
        marker = data[at]
        length, height, width = struct.unpack_from(">HxHH", data, at + 1)
        if marker in _BARE:
            at += 1
        elif marker in _FRAME:
            break
        elif marker in _NO_FRAME:
            raise _Unreadable("not an image that can be read")
        else:
            at += 1 + length
    last_scan = data.rfind(b"\xff\xda")
    # Inside a scan 0xFF is escaped, so that these two are markers wherever they stand.
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise _Unreadable(f"a JPEG of more than {MAX_SCANS} scans")
    # A JPEG cut short decodes, the rest of it grey: measured, it would be a lie.
    if data.rfind(b"\xff\xd9") < last_scan:
        raise _Unreadable("the picture ends early")
    return width, height


_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})  # no length, nothing follows
_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # one for each kind of JPEG
_NO_FRAME = frozenset({0xD8, 0xD9, 0xDA})  # another start, the end, a scan: too late for one


def _decode(data: bytes, width: int, height: int, look: tuple[int, int]) -> _Picture:
    """Decode, no larger than needed, and fit into `look`, upright or lying as the picture is."""
    # libjpeg skips the work of the pixels it leaves out: half the size is half the time.
    factor = max(each for each in _REDUCED if each == 1 or max(width, height) >= each * look[0])
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor])
    except cv2.error as error:
        raise _Unreadable("not an image that can be read") from error
    if decoded is None:
        raise _Unreadable("not an image that can be read")
    rows, columns = decoded.shape[:2]
    scale = min(1.0, look[0] / max(rows, columns), look[1] / min(rows, columns))
    if scale < 1:
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        decoded = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
    return _pixels(decoded)


def _pixels(array: npt.ArrayLike) -> _Picture:
    return np.asarray(array, dtype=np.uint8)


@functools.cache
def _yunet() -> Model:
    entry = models.catalogue()["yunet"]
    return Model(name=entry.name, version=entry.version, sha256=entry.sha256)


@functools.cache
def _detector(path: str, look: tuple[int, int]) -> cv2.FaceDetectorYN:
    # One per look: another size makes the network plan its layers anew.
    return cv2.FaceDetectorYN.create(path, "", look, FACE_SCORE, _NMS_OVERLAP, _MAX_FACES)


def _faces(picture: _Picture, look: tuple[int, int], longer_side: int) -> tuple[Face, ...]:
    """Return the faces, surest first, in pixels of the full-size picture.

    Args:
        picture: Fitted into `look`.
        look: Which of the two looks this is.
        longer_side: Of the full-size picture; a side, not a size, because decoding may turn it.

    Raises:
        models.ModelMissing: YuNet is not on this machine.
    """
    rows, columns = picture.shape[:2]
    detector = _detector(str(models.path("yunet")), look)
    detector.setInputSize((columns, rows))
    # A row a face: x, y, width, height, five landmarks, score. No row at all is None, which
    # the stubs do not know.
    found: npt.NDArray[Any] | None = detector.detect(picture)[1]
    if found is None:
        return ()
    scale = longer_side / max(rows, columns)
    faces: list[Face] = []
    for row in sorted(found.tolist(), key=lambda row: -row[14]):
        # A face at the edge has a box that leaves the picture.
        left, top = max(0.0, row[0]), max(0.0, row[1])
        right, bottom = min(columns, row[0] + row[2]), min(rows, row[1] + row[3])
        face = Face(
            x=round(left * scale),
            y=round(top * scale),
            width=round((right - left) * scale),
            height=round((bottom - top) * scale),
            score=round(min(1.0, row[14]), 3),
        )
        if not any(_same(face, other) for other in faces):
            faces.append(face)
    return tuple(faces)


def _same(one: Face, other: Face) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return across > 0 and down > 0 and across * down > SAME_FACE_OVERLAP * smaller


def _settle(first: tuple[Face, ...], second: tuple[Face, ...]) -> tuple[Face, ...]:
    """Return what two looks agree on: several faces only where both saw several."""
    if len(first) > 1 and len(second) <= 1:
        return second or first[:1]
    if not first:
        # The closer look finds the one the first had missed; a second person must be in both.
        return second[:1]
    return second


class Workers:
    """Measures in processes of its own; the port `services.ports.Vision`.

    At most `MAX_WAITING` pictures per worker are held; more callers wait. A worker
    that dies takes nothing with it: the pictures it had are measured again, each alone, and
    one that kills a worker twice is an observation that says so. The processes end with
    this one, however it ends.
    """

    # One in work, one ready: a worker never waits for the event loop.
    MAX_WAITING: Final = 2
    # 4.8 KB each; a stream that falls out has one picture without `change`.
    MAX_STREAMS: Final = 4096

    def __init__(self, count: int) -> None:
        assert count > 0
        self._count = count
        self._pool = self._open()
        self._room = asyncio.Semaphore(count * self.MAX_WAITING)
        self._second_try = asyncio.Lock()
        self._last: OrderedDict[str, Small] = OrderedDict()

    async def observe(self, stream: str, jpeg: bytes) -> Measured:
        """Measure one picture of a stream, compared with the last one given.

        Args:
            stream: Session and device. Its pictures come in order, one at a time, each once:
                the same picture given again is a picture that stands still.
            jpeg: JPEG or PNG from a stranger.
        """
        async with self._room:
            previous = self._last.get(stream)
            try:
                measured, small = await self._measure(jpeg, previous)
            except BrokenProcessPool:
                # Which picture did it cannot be told, and all that were in work are back
                # here. One at a time, a culprit brings down only itself.
                async with self._second_try:
                    try:
                        measured, small = await self._measure(jpeg, previous)
                    except BrokenProcessPool:
                        cause = "picture: the worker that measured it died, twice"
                        return Measured(unavailable=(cause,))
        if small is not None:
            self._last[stream] = small
            self._last.move_to_end(stream)
            if len(self._last) > self.MAX_STREAMS:
                self._last.popitem(last=False)
        return measured

    async def close(self) -> None:
        """Finish what is in work, end the processes; a second call does nothing."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _measure(self, jpeg: bytes, previous: Small | None) -> tuple[Measured, Small | None]:
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, measure, jpeg, previous)
        except BrokenProcessPool:
            if self._pool is pool:  # the first to notice
                logger.warning("vision worker died", extra={"size_bytes": len(jpeg)})
                pool.shutdown(wait=False)
                self._pool = self._open()
            raise

    def _open(self) -> ProcessPoolExecutor:
        # Spawned: a fork would copy the server's sockets, threads and half-held locks.
        spawn = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, mp_context=spawn, initializer=_start_worker)


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; this one is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)  # as many workers as cores; threads on top would only compete
    measure(_WARM_UP)


def _end_with(parent: BaseProcess) -> None:
    # A killed server cannot end its workers, and they would wait for work for ever.
    parent.join()
    os._exit(1)


# Loads the model now instead of with the first snapshot; a missing one is said then.
_WARM_UP = cv2.imencode(".jpg", np.zeros((480, 640, 3), np.uint8))[1].tobytes()
