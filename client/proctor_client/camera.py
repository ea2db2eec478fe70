"""The camera: an index of the system's, or a clip or a picture that stands for one.

OpenCV blocks for as long as a driver likes, so the camera has a thread of its own that nothing else
waits for: a picture that does not come in time is a camera lost, and answers go on meanwhile.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from proctor_client.errors import BadInput, CameraLost

Frame = npt.NDArray[np.uint8]

PATIENCE_S = 5.0  # a webcam that starts takes 1 to 3 s for its first picture
_WAITING = 4  # asks for a picture that may queue up behind a driver that hangs
# Asked of a webcam; a document is kept this large, everything else is made smaller.
DOCUMENT_WIDTH, DOCUMENT_HEIGHT, DOCUMENT_QUALITY = 1920, 1440, 85
_MAX_PICTURE_BYTES = 32 * 1024 * 1024
_DARK_MEAN, _DARK_P95, _COVERED_STD = 40.0, 70.0, 5.0  # grey levels 0..255, design §9


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The bounds of a still: pixels, and JPEG quality 1..100."""

    width: int
    height: int
    quality: int


DOCUMENT = Size(width=DOCUMENT_WIDTH, height=DOCUMENT_HEIGHT, quality=DOCUMENT_QUALITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One picture, ready to be recorded."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """How light a picture is, in grey levels 0..255."""

    mean: float
    p95: float
    std: float

    @property
    def covered(self) -> bool:
        return self.std < _COVERED_STD

    @property
    def dark(self) -> bool:
        return self.mean < _DARK_MEAN and self.p95 < _DARK_P95


class Source(Protocol):
    """Where frames come from. Used by one thread; any call may block."""

    live: bool  # frames pile up unless they are skipped

    def read(self) -> Frame | None:
        """Return the picture of now, or None if there is none: the camera is lost."""

    def skip(self) -> bool:
        """Let one frame pass; False if none came."""

    def close(self) -> None: ...


class Webcam:
    live = True

    def __init__(self, index: int) -> None:
        self._capture = cv2.VideoCapture(index)
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, DOCUMENT_WIDTH)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, DOCUMENT_HEIGHT)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> Frame | None:
        return _frame(self._capture)

    def skip(self) -> bool:
        return self._capture.grab()

    def close(self) -> None:
        self._capture.release()


class Clip:
    """A file that plays in a loop by the clock, so that one time always shows one frame."""

    live = False

    def __init__(self, path: Path, elapsed_s: Callable[[], float]) -> None:
        self._capture = cv2.VideoCapture(str(path))
        self._elapsed_s = elapsed_s
        self._fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def read(self) -> Frame | None:
        if self._count <= 0 or not self._fps > 0:
            return None
        at = int(self._elapsed_s() * self._fps) % self._count
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, at)
        return _frame(self._capture)

    def skip(self) -> bool:
        return True

    def close(self) -> None:
        self._capture.release()


class Picture:
    """A file that always shows the same."""

    live = False

    def __init__(self, path: Path) -> None:
        self.frame: Frame | None = None  # None: it is no picture
        with suppress(OSError, cv2.error):  # such as one whose header claims too many pixels
            if path.stat().st_size <= _MAX_PICTURE_BYTES:
                read = cv2.imread(str(path), cv2.IMREAD_COLOR)
                self.frame = None if read is None else np.asarray(read, np.uint8)

    def read(self) -> Frame | None:
        return self.frame

    def skip(self) -> bool:
        return True

    def close(self) -> None: ...


def opener(
    camera: str, *, elapsed_s: Callable[[], float], offset_s: float = 0.0
) -> Callable[[], Source]:
    """Return what opens the camera, again and again if it is lost.

    Args:
        camera: "0" is the system's first; anything else is the path of a clip or a picture.
        elapsed_s: Seconds since the clip's start.
        offset_s: Added to it, so that a client that was restarted goes on in its clip.

    Raises:
        BadInput: There is no such file, or it is neither a picture nor a clip.
    """
    if camera.isdecimal():
        return lambda: Webcam(int(camera))
    path = Path(camera)
    if not path.is_file():
        raise BadInput(
            f"There is no camera, clip or picture {camera}.",
            do="Say --camera 0 for the first camera.",
        )

    def open_file(at_s: Callable[[], float] = lambda: elapsed_s() + offset_s) -> Source:
        picture = Picture(path)
        return picture if picture.frame is not None else Clip(path, at_s)

    # Said at once: of a file that holds no picture none ever comes, however long one waits.
    source = open_file(lambda: 0.0)
    try:
        if source.read() is None:
            raise BadInput(
                f"{camera} is no picture or clip that can be read.",
                do="Say --camera 0 for the first camera.",
            )
    finally:
        source.close()
    return open_file


class Camera:
    """A camera that gives one still at a time. Close it in the end."""

    def __init__(
        self, open_source: Callable[[], Source], *, patience_s: float = PATIENCE_S
    ) -> None:
        self._open_source = open_source
        self._patience_s = patience_s
        self._asks: queue.Queue[tuple[Size, Future[Still]] | None] = queue.Queue(_WAITING)
        self._source: Source | None = None
        self._closed = threading.Event()
        # A daemon, because a driver that hangs must not keep the program from ending.
        threading.Thread(target=self._work, name="camera", daemon=True).start()

    async def still(self, size: Size) -> Still:
        """Return the picture of now, within a few seconds.

        Raises:
            CameraLost: None came.
        """
        answer: Future[Still] = Future()
        try:
            self._asks.put_nowait((size, answer))
            async with asyncio.timeout(self._patience_s):
                return await asyncio.wrap_future(answer)
        except queue.Full:
            raise CameraLost("it hangs") from None
        except TimeoutError:
            raise CameraLost(f"nothing came for {self._patience_s:.0f} seconds") from None

    def close(self) -> None:
        self._closed.set()
        with suppress(queue.Full):  # then the thread hangs; it looks at `_closed` when it is back
            self._asks.put_nowait(None)

    def _work(self) -> None:
        while not self._closed.is_set():
            live = self._source is not None and self._source.live
            try:
                # A webcam's driver queues frames: those nobody asked for are let pass, or the next
                # still would be seconds old.
                ask = self._asks.get(timeout=0.001) if live else self._asks.get()
            except queue.Empty:
                if self._source is not None and not self._source.skip():
                    self._lose()
                continue
            if ask is None:
                break
            size, answer = ask
            if not answer.set_running_or_notify_cancel():
                continue  # whoever asked has given up
            try:
                answer.set_result(self._take(size))
            except Exception as no:  # noqa: BLE001 - the thread must live; who asked is told
                self._lose()
                known = isinstance(no, CameraLost)
                answer.set_exception(no if known else CameraLost(type(no).__name__))
        self._lose()

    def _take(self, size: Size) -> Still:
        if self._source is None:
            self._source = self._open_source()
        frame = self._source.read()
        if frame is None:
            raise CameraLost("it is not there, or another program uses it")
        return still_of(frame, size)

    def _lose(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None


def still_of(frame: Frame, size: Size) -> Still:
    """Return a frame as a JPEG inside the bounds, its proportions kept, never enlarged."""
    height, width = frame.shape[:2]
    scale = min(size.width / width, size.height / height, 1.0)
    if scale < 1.0:
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        frame = np.asarray(
            cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    done, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, size.quality])
    if not done:
        raise CameraLost("its picture makes no JPEG")
    return Still(jpeg=jpeg.tobytes(), width=width, height=height)


def document_still(path: Path) -> Still:
    """Return a picture of a document from a file, encoded anew so that nothing else travels along.

    Raises:
        BadInput: It can't be read, is no picture, or is over 32 MiB.
    """
    do = "Give a JPEG or PNG picture of your document."
    try:
        too_large = path.stat().st_size > _MAX_PICTURE_BYTES
        data = b"" if too_large else path.read_bytes()
    except OSError as no:
        raise BadInput(f"{path} can't be read: {no.strerror}.", do=do) from None
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:  # such as one whose header claims more pixels than OpenCV takes
        frame = None
    if frame is None:
        raise BadInput(f"{path} is no picture, or over 32 MiB.", do=do)
    return still_of(np.asarray(frame, np.uint8), DOCUMENT)


def light_of(still: Still) -> Light:
    """Measure a still."""
    grey = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return Light(mean=float(grey.mean()), p95=float(np.percentile(grey, 95)), std=float(grey.std()))


def _frame(capture: cv2.VideoCapture) -> Frame | None:
    came, frame = capture.read()
    return np.asarray(frame, np.uint8) if came else None
