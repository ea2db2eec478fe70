"""What each camera showed before: whether its picture stands still, or comes again.

A virtual camera that adds noise of its own to each picture defeats both; nothing here can tell.
"""

import statistics
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters.pictures import Pixels, pixels
from proctor.domain.observation import Face, Measured, Model

# Mean difference to the last picture, grey levels 0 to 255. A repeated picture gives 0.0. A real
# webcam gave 0.6 or more between frames 1/24 s apart, 2.0 or more 1 s apart with a person sitting
# still. Far below that: an empty room before a quiet camera must not look like a stopped one.
FROZEN_CHANGE: Final = 0.3
# And below this share of the camera's usual change, which in the dark is small itself. Over that
# webcam's clip as it is, packed in JPEG 50 to 95, of half, double and 0.59 of the size, at light
# x 0.3, x 0.7, + 20 and - 20, every 1st, 2nd, 5th, 10th and 24th frame: 0 of 5,071 frames taken for
# still, 0 for repeated. It is one of six shares that were tried on this same clip.
FROZEN_SHARE: Final = 0.2
# The same frame packed anew in another of these ways is not the same pixels (1.2 between JPEG 50
# and 85, 3.2 to half the size), but averaged, its light taken out, it is less than this, where
# frames 1 s apart have 0.6 or more: at 0.2 to 0.4 s a frame, stopped at any from the 10th on, 161
# of 161 are found for each way but JPEG 50 (135), x 0.7 (133), - 20, which cuts the shadows off,
# and x 0.3, which leaves too few levels (0 each).
FROZEN_EVEN: Final = 0.35
# Picked, not averaged, pixels: averaging takes away the sensor's noise, which is what tells a
# live camera from a still picture.
_PICKED: Final = (80, 60)
_EVEN: Final = (40, 30)
_EVEN_DEVIATION: Final = 50.0  # what each picture's contrast is brought to
_EVEN_STEP: Final = 64  # of an int16, to a grey level
_LEAST_CONTRAST: Final = 5.0
_EVERY: Final = 4  # of the picked pixels, each way, in what is kept of earlier pictures
_EARLIER_BYTES: Final = (_PICKED[0] // _EVERY) * (_PICKED[1] // _EVERY)

# A camera's usual change is the median of its last minutes; fewer pictures say nothing yet.
_BASELINE: Final = 60
_LEAST_BASELINE: Final = 8

FROZEN: Final = Model(name="frozen", version="2")
LOOPED: Final = Model(name="looped", version="1")


@dataclass(frozen=True, slots=True)
class Small:
    """What is kept of a picture to compare the next with; no face can be told in it."""

    picked: bytes  # 80 x 60 grey levels, row by row
    even: bytes  # 40 x 30 averages about 0, int16


def small(grey: Pixels) -> Small:
    """Take what is kept out of a grey picture."""
    picked = cv2.resize(grey, _PICKED, interpolation=cv2.INTER_NEAREST)
    even = cv2.resize(grey.astype(np.float32), _EVEN, interpolation=cv2.INTER_AREA)
    gain = _EVEN_DEVIATION * _EVEN_STEP / max(float(even.std()), _LEAST_CONTRAST)
    limit = np.iinfo(np.int16).max
    steps = np.clip((even - even.mean()) * gain, -limit, limit)
    return Small(pixels(picked).tobytes(), np.rint(steps).astype(np.int16).tobytes())


class Camera:
    """One camera's pictures, in their order."""

    # The longest loop that is found: 43 minutes of a snapshot each 5 s; 150 KB.
    MAX_EARLIER: Final = 512

    def __init__(self) -> None:
        self.faces: Sequence[Face] | None = None  # of the last picture; None: there is none
        self._last: Small | None = None
        self._changes: deque[float] = deque(maxlen=_BASELINE)
        self._even_changes: deque[float] = deque(maxlen=_BASELINE)
        self._earlier = bytearray()  # row by row, oldest first; of pictures with a face

    def see(self, measured: Measured, now: Small | None, *, room: int = MAX_EARLIER) -> Measured:
        """Add what is new against the pictures before.

        Frozen is None without a picture before, and in a covered one, where any two are alike.
        Looped is None where nobody is seen, since an empty room does come again, and until the
        camera's usual change is known.

        Args:
            measured: What was measured in the picture alone.
            now: What is kept of it; None: it could not be read, and is as if not taken.
            room: For how many earlier pictures there is room.
        """
        self.faces = measured.faces if measured.faces is not None else self.faces
        if now is None:
            return measured
        last, self._last = self._last, now
        measured = replace(measured, models=(*measured.models, FROZEN))
        change = frozen = None
        if last is not None:
            change = _difference(last.picked, now.picked)
            even = _even_difference(last.even, now.even)
            if not measured.covered:
                # Packed anew only where somebody sits: a person always moves, an empty room
                # may really be as still as that.
                frozen = change < self._still() or (
                    bool(measured.faces) and even < self._still_when_averaged()
                )
            if frozen is False and measured.faces:
                self._changes.append(change)
                self._even_changes.append(even)
            measured = replace(measured, change=round(change, 2), frozen=frozen)
        if measured.faces and not measured.covered:
            measured = self._seek(measured, now)
            if change is None or change >= self._still():
                self._earlier += _thinned(now.picked)
            del self._earlier[: max(0, len(self._earlier) - room * _EARLIER_BYTES)]
        return measured

    @property
    def earlier_bytes(self) -> int:
        return len(self._earlier)

    def forget(self) -> None:
        """Forget the earlier pictures; the last one and the usual change stay."""
        self._earlier.clear()

    def _still(self) -> float:
        if len(self._changes) < _LEAST_BASELINE:
            return FROZEN_CHANGE
        return min(FROZEN_CHANGE, FROZEN_SHARE * statistics.median(self._changes))

    def _still_when_averaged(self) -> float:
        if len(self._even_changes) < _LEAST_BASELINE:
            return 0.0
        return min(FROZEN_EVEN, FROZEN_SHARE * statistics.median(self._even_changes))

    def _seek(self, measured: Measured, now: Small) -> Measured:
        """Look for the picture among the earlier ones, those that it follows left out."""
        if len(self._changes) < _LEAST_BASELINE:
            return measured
        limit = self._still()
        earlier = np.frombuffer(self._earlier, np.uint8).reshape(-1, _EARLIER_BYTES)
        this = np.frombuffer(_thinned(now.picked), np.uint8)
        # uint8 has no sign: the larger less the smaller.
        apart = (np.maximum(earlier, this) - np.minimum(earlier, this)).mean(axis=1)
        others = np.flatnonzero(apart >= limit)
        # What came after the last other one is this one, standing.
        before = apart[: min(others[-1] + 1, apart.size - 1)] if others.size else others
        if not before.size:
            return measured
        repeat = float(before.min())
        return replace(
            measured,
            looped=repeat < limit,
            repeat=round(repeat, 2),
            models=(*measured.models, LOOPED),
        )


class Cameras:
    """All cameras that a server sees, within bounds; the least recently seen is forgotten."""

    MAX_CAMERAS: Final = 4096  # 7 KB each, besides what they showed earlier
    MAX_EARLIER_BYTES: Final = 32 << 20  # of all of them together

    def __init__(self) -> None:
        self._cameras: OrderedDict[str, Camera] = OrderedDict()
        self.earlier_bytes = 0

    def faces(self, stream: str) -> Sequence[Face] | None:
        """Return the faces of the camera's last picture, if there is one."""
        camera = self._cameras.get(stream)
        return None if camera is None else camera.faces

    def see(self, stream: str, measured: Measured, now: Small | None) -> Measured:
        """Add what is new against the camera's pictures before; they come in order."""
        camera = self._cameras.setdefault(stream, Camera())
        self._cameras.move_to_end(stream)
        if len(self._cameras) > self.MAX_CAMERAS:
            _, gone = self._cameras.popitem(last=False)
            self.earlier_bytes -= gone.earlier_bytes
        # Shared out evenly: to forget whole cameras, which are seen in turns, would be to
        # forget each just before it is seen again.
        share = self.MAX_EARLIER_BYTES // (len(self._cameras) * _EARLIER_BYTES)
        self.earlier_bytes -= camera.earlier_bytes
        measured = camera.see(measured, now, room=min(Camera.MAX_EARLIER, share))
        self.earlier_bytes += camera.earlier_bytes
        # Those not seen since the shares were larger.
        for old in self._cameras.values():
            if self.earlier_bytes <= self.MAX_EARLIER_BYTES:
                break
            self.earlier_bytes -= old.earlier_bytes
            old.forget()
        return measured


def _thinned(picked: bytes) -> bytes:
    columns, rows = _PICKED
    return np.frombuffer(picked, np.uint8).reshape(rows, columns)[::_EVERY, ::_EVERY].tobytes()


def _difference(one: bytes, other: bytes) -> float:
    pair = (np.frombuffer(each, np.uint8).astype(np.int16) for each in (one, other))
    return _mean_apart(*pair)


def _even_difference(one: bytes, other: bytes) -> float:
    pair = (np.frombuffer(each, np.int16).astype(np.int32) for each in (one, other))
    return _mean_apart(*pair) / _EVEN_STEP


def _mean_apart(one: npt.NDArray[np.signedinteger], other: npt.NDArray[np.signedinteger]) -> float:
    return float(np.abs(one - other).mean())
