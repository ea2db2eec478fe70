"""Reads one picture of an identity document: upright, turned, tilted; the zone twice.

Runs in the process of `adapters.documents.Reader`, alone with pictures of strangers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import pictures, portraits, vision
from proctor.adapters.ocr import LINE_HEIGHT, Line, Ocr, Picture
from proctor.domain import mrz
from proctor.domain.document import DocumentRead
from proctor.domain.mrz import Mrz
from proctor.domain.observation import Face

# The longer side of what is read. Letters of a zone are a hundredth of a page's width: 16 pixels.
PAGE: Final = (1600, 1600)
MAX_STRIPS: Final = 8
# Below this many degrees turning a picture blurs more than it helps.
_LEVEL: Final = 1.0
_STANDING: Final = 45.0
_RIGHT: Final = 90.0
_GOOD: Final = (cv2.IMWRITE_JPEG_QUALITY, 95)


@dataclass(frozen=True, slots=True)
class _Look:
    """A picture as it was looked at, and what was read in it, top to bottom."""

    picture: Picture
    lines: tuple[Line, ...]
    mrz: Mrz | None
    angle: float  # how it lay in the picture as given, in degrees; clockwise is positive

    @property
    def worth(self) -> tuple[bool, float]:
        # Upside down an OCR reads less, and is less sure of it.
        return self.mrz is not None, sum(len(line.text) * line.score for line in self.lines)

    @property
    def fillers(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.text.count("<") > 1)


def read(picture: bytes, ocr: Ocr | None, *, on: date) -> DocumentRead:
    """Read one picture.

    Args:
        picture: JPEG or PNG from a stranger.
        ocr: None: only the portrait is looked for.
        on: The day that decides centuries.
    """
    measured, _ = vision.measure(picture)
    if any(cause.startswith("picture") for cause in measured.unavailable):
        return DocumentRead(unavailable=measured.unavailable)
    try:
        given = pictures.Picture(picture)
        page = given.fitted(PAGE)
    except pictures.Unreadable as cause:
        return DocumentRead(unavailable=(f"picture: {cause}",))
    look = _best(page, ocr, on) if ocr else _Look(page, (), None, 0.0)
    portrait = _portrait(page, look, given.scale(page))
    models = tuple(model for model in measured.models if model.name == "yunet")
    return DocumentRead(
        lines=tuple(line.text for line in look.lines),
        mrz=look.mrz,
        portrait=portrait,
        unavailable=measured.unavailable,
        models=(ocr.models if ocr else ()) + models,
    )


def _best(page: Picture, ocr: Ocr, on: date) -> _Look:
    best = None
    for look in _turned(page, ocr, on):
        if best is None or look.worth > best.worth:
            best = look
        if look.mrz:
            break
    assert best is not None
    if not best.fillers:
        return best
    readings = [best.mrz] if best.mrz else []
    for again in _again(best, ocr, on):
        readings += [again] if again else []
        if settled := _settled(readings):
            return replace(best, mrz=settled)
    return replace(best, mrz=_unsettled(readings))


def _settled(readings: Sequence[Mrz]) -> Mrz | None:
    """Return a valid reading that another one shares, if no valid one contradicts it."""
    valid = [reading for reading in readings if reading.valid]
    if not valid or any(not mrz.same(valid[0], other) for other in valid):
        return None
    shared = sum(mrz.same(valid[0], reading) for reading in readings)
    return valid[0] if shared > 1 else None


def _unsettled(readings: Sequence[Mrz]) -> Mrz | None:
    """Return the best that can be said where no two readings settle it: never a valid one."""
    if not readings:
        return None
    best = next((reading for reading in readings if reading.valid), readings[0])
    if not best.valid:
        return best
    other = next((reading for reading in readings if not mrz.same(best, reading)), None)
    return mrz.agreed(best, other)


def _look(page: Picture, ocr: Ocr, on: date, angle: float = 0.0) -> _Look:
    picture = _rotated(page, angle)
    lines = ocr.lines(picture)
    return _Look(picture, lines, mrz.find([line.text for line in lines], on=on), angle)


def _turned(page: Picture, ocr: Ocr, on: date) -> Iterator[_Look]:
    """Look at a page as given, then so that its lines lie level, then upside down."""
    look = _look(page, ocr, on)
    if not look.lines:
        # The best, not the first with a zone: standing or upside down, fillers look like one too.
        others = (_look(page, ocr, on, angle) for angle in (90, 180, 270))
        yield max(others, key=lambda other: other.worth)
        return
    angle, quarter = _angle(look.lines), 0.0
    if abs(angle) < _STANDING:
        yield look
    else:
        # Standing lines may have been read as well, but are to be looked at again level; how they
        # lie is measured better then, and a whole quarter costs no sharpness.
        yield replace(look, mrz=None)
        quarter = math.copysign(_RIGHT, angle)
        look = _look(page, ocr, on, quarter)
        yield look
        angle = _angle(look.lines)
    level = quarter + (angle if abs(angle) > _LEVEL else 0.0)
    if level != quarter:
        yield _look(page, ocr, on, level)
    yield _look(page, ocr, on, level + 180)


def _angle(lines: Sequence[Line]) -> float:
    """Return how lines lie, in degrees over -90 to 90; clockwise is positive."""
    sum_ = 0j
    for line in lines:
        c = line.corners
        across, down = c[1] - c[0], c[3] - c[0]
        edge = across if np.linalg.norm(across) >= np.linalg.norm(down) else down
        length = float(np.linalg.norm(edge))
        if length > 2 * min(float(np.linalg.norm(across)), float(np.linalg.norm(down))):
            # Doubled: a line and the same line upside down lie alike.
            sum_ += length * np.exp(2j * math.atan2(edge[1], edge[0]))
    return math.degrees(np.angle(sum_)) / 2 if sum_ else 0.0


def _turn(picture: Picture, degrees: float) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Return how pixels move where what lay at `degrees` comes to lie level, and the new size."""
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    width, height = round(columns * cos + rows * sin), round(columns * sin + rows * cos)
    matrix[:, 2] += (width - columns) / 2, (height - rows) / 2
    return np.asarray(matrix, np.float64), (width, height)


def _rotated(picture: Picture, degrees: float) -> Picture:
    """Turn so that what lay at `degrees` lies level; nothing is cut off."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(picture, round(degrees / 90)))
    if degrees > _RIGHT:
        return np.ascontiguousarray(np.rot90(_rotated(picture, degrees - 180), 2))
    matrix, size = _turn(picture, degrees)
    return np.asarray(
        cv2.warpAffine(
            picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _again(first: _Look, ocr: Ocr, on: date) -> Iterator[Mrz | None]:
    for margin in (0.1, 0.25):
        yield mrz.find(ocr.strips(_strips(first, margin)), on=on)
    for closer in _closer(first):
        yield _look(closer, ocr, on).mrz


def _closer(look: _Look) -> Iterator[Picture]:
    corners = np.concatenate([line.corners for line in look.fillers])
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    margin = 1.5 * _height(look.fillers)
    rows, columns = look.picture.shape[:2]
    x0, x1 = max(0, int(left - margin)), min(columns, int(right + margin))
    y0, y1 = max(0, int(top - margin)), min(rows, int(bottom + margin))
    band = _rotated(look.picture[y0:y1, x0:x1], _angle(look.fillers))
    for width in (1000, 1400):
        scale = width / band.shape[1]
        sized = cv2.resize(
            band,
            None,
            fx=scale,
            fy=scale,
            interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA,
        )
        # The detector enlarges what is low and wide beyond measure: room above and below.
        room = max(0, 740 - sized.shape[0]) // 2
        colour = [float(each) for each in np.median(sized, axis=(0, 1))]
        yield np.asarray(
            cv2.copyMakeBorder(sized, room, room, 0, 0, cv2.BORDER_CONSTANT, value=colour), np.uint8
        )


def _height(lines: Sequence[Line]) -> float:
    return float(np.median([np.linalg.norm(c.corners[3] - c.corners[0]) for c in lines]))


def _strips(look: _Look, margin: float) -> list[Picture]:
    """Cut the zone's lines out whole, with the fillers that the detector lost at their ends.

    A line's height of `margin` is left above and below each.
    """
    height = _height(look.fillers)
    angle = math.radians(_angle(look.fillers))
    along = np.array([math.cos(angle), math.sin(angle)])
    down = np.array([-along[1], along[0]])
    ends = np.concatenate([line.corners for line in look.fillers]) @ along
    start, length = ends.min() - 0.4 * height, np.ptp(ends) + 0.8 * height
    middles: list[float] = []
    for middle in sorted(float((line.corners @ down).mean()) for line in look.fillers):
        if not middles or middle - middles[-1] > 0.6 * height:
            middles.append(middle)
    tall = height * (1 + 2 * margin)
    strips = []
    for middle in middles[:MAX_STRIPS]:
        corner = along * start + down * (middle - tall / 2)
        scale = LINE_HEIGHT / tall
        # From the strip's pixels to the picture's: along, down, and where the strip begins.
        matrix = np.column_stack([along / scale, down / scale, corner])
        strips.append(
            np.asarray(
                cv2.warpAffine(
                    look.picture,
                    matrix,
                    (round(length * scale), LINE_HEIGHT),
                    flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                    borderMode=cv2.BORDER_REPLICATE,
                ),
                np.uint8,
            )
        )
    return strips


def _portrait(page: Picture, look: _Look, scale: float) -> Face | None:
    """Return the document's portrait in the picture as given, of which `page` is 1 / `scale`."""
    encoded = cv2.imencode(".jpg", look.picture, _GOOD)[1].tobytes()
    face = portraits.portrait(
        vision.measure(encoded)[0].faces or (),
        zone=[line.corners for line in look.fillers],
        lines=[line.corners for line in look.lines],
    )
    if face is None:
        return None
    middle = np.array([face.x + face.width / 2, face.y + face.height / 2, 1])
    x, y = cv2.invertAffineTransform(_turn(page, look.angle)[0]) @ middle
    width, height = face.width, face.height
    if round(look.angle / 90) % 2:
        width, height = height, width
    rows, columns = page.shape[:2]
    left, right = max(0.0, x - width / 2), min(float(columns), x + width / 2)
    top, bottom = max(0.0, y - height / 2), min(float(rows), y + height / 2)
    return Face(
        x=round(left * scale),
        y=round(top * scale),
        width=round((right - left) * scale),
        height=round((bottom - top) * scale),
        score=face.score,
    )
