"""Pictures from strangers, decoded within bounds: never more pixels than the header admits."""

import struct
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

# Bounds on what is decoded at all. A webcam still is 40 KB and under 1 Mpixel; a scan of a
# document may be larger. Within them no picture takes a worker more than seconds or 350 MB.
MAX_BYTES: Final = 8 << 20
MAX_SIDE: Final = 4096
MAX_PIXELS: Final = 16 << 20
MIN_SIDE: Final = 32  # the detector's coarsest cell: below it there is nothing to find
# A progressive JPEG is decoded once per scan, and a scan may be ten bytes long. Real ones
# have about ten; the rest of the room is for thumbnails inside the file.
MAX_SCANS: Final = 64

Look: TypeAlias = tuple[int, int]  # longer side, shorter side
Pixels: TypeAlias = npt.NDArray[np.uint8]  # BGR, or grey

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8"
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class Unreadable(Exception):
    """Why a picture was not decoded; foreign bytes cause nothing worse."""


class Picture:
    """A JPEG or PNG whose header was read and found within the bounds."""

    def __init__(self, data: bytes) -> None:
        """Read the header and decode nothing.

        Raises:
            Unreadable: It is no picture, a broken one, or out of bounds.
        """
        self._data = data
        self.width, self.height = dimensions(data)
        self._fitted: dict[Look, Pixels] = {}

    def fitted(self, look: Look) -> Pixels:
        """Decode, once for each look, no larger than needed; upright or lying as it is.

        An animation is its first picture: a PNG that moves is measured as it stands.

        Raises:
            Unreadable: The header was right, what follows it is not.
        """
        if look not in self._fitted:
            self._fitted[look] = _decode(self._data, self.width, self.height, look)
        return self._fitted[look]

    def scale(self, fitted: Pixels) -> float:
        """Return how many pixels of the full-size picture one of `fitted` is.

        By the longer side, not by the size, because decoding may turn the picture.
        """
        longer: int = max(fitted.shape[:2])
        return max(self.width, self.height) / longer


def dimensions(data: bytes) -> tuple[int, int]:
    """Return width and height as the header says, having decoded nothing.

    Raises:
        Unreadable: It is no picture, a broken one, or out of bounds.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{len(data)} bytes are more than {MAX_BYTES}")
    if data.startswith(PNG):
        width, height = _png_dimensions(data)
    elif data.startswith(JPEG):
        width, height = _jpeg_dimensions(data)
    else:
        raise Unreadable("not an image that can be read")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Unreadable(f"{width} x {height} pixels are more than will be decoded")
    if min(width, height) < MIN_SIDE:
        raise Unreadable(f"{width} x {height} pixels are too few to measure")
    return width, height


def _png_dimensions(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or b"IEND" not in data:
        raise Unreadable("not an image that can be read")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg_dimensions(data: bytes) -> tuple[int, int]:
    """Walk the segments exactly as libjpeg does, so that it cannot see another size than we."""
    at = len(JPEG)
    while True:
        at = data.find(b"\xff", at)
        while at != -1 and data[at : at + 1] == b"\xff":
            at += 1
        if at == -1 or at + 8 > len(data):
            raise Unreadable("not an image that can be read")
        marker = data[at]
        length, height, width = struct.unpack_from(">HxHH", data, at + 1)
        if marker in _BARE:
            at += 1
        elif marker in _FRAME:
            break
        elif marker in _NO_FRAME:
            raise Unreadable("not an image that can be read")
        else:
            at += 1 + length
    last_scan = data.rfind(b"\xff\xda")
    # Inside a scan 0xFF is escaped, so that these two are markers wherever they stand.
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise Unreadable(f"a JPEG of more than {MAX_SCANS} scans")
    # A JPEG cut short decodes, the rest of it grey: measured, it would be a lie.
    if data.rfind(b"\xff\xd9") < last_scan:
        raise Unreadable("the picture ends early")
    return width, height


_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})  # no length, nothing follows
_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # one for each kind of JPEG
_NO_FRAME = frozenset({0xD8, 0xD9, 0xDA})  # another start, the end, a scan: too late for one


def _decode(data: bytes, width: int, height: int, look: Look) -> Pixels:
    """Decode, no larger than needed, and fit into `look`, upright or lying as the picture is."""
    # libjpeg skips the work of the pixels it leaves out: half the size is half the time.
    factor = max(each for each in _REDUCED if each == 1 or max(width, height) >= each * look[0])
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor])
    except cv2.error as error:
        raise Unreadable("not an image that can be read") from error
    if decoded is None:
        raise Unreadable("not an image that can be read")
    rows, columns = decoded.shape[:2]
    scale = min(1.0, look[0] / max(rows, columns), look[1] / min(rows, columns))
    if scale < 1:
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        decoded = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
    return pixels(decoded)


def pixels(array: npt.ArrayLike) -> Pixels:
    return np.asarray(array, dtype=np.uint8)
