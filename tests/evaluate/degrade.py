"""What goes wrong with a webcam's picture, done to good ones; seeded, so that runs compare."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters.pictures import Pixels, pixels

Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height
Change: TypeAlias = Callable[[Pixels, Box], tuple[Pixels, Box]]

FRAME: Final = (640, 480)
WEBCAM_QUALITY: Final = 85


def jpeg(picture: npt.ArrayLike, quality: int = WEBCAM_QUALITY) -> bytes:
    """Pack a picture as a webcam would."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", pixels(picture), options)[1].tobytes()


def light(picture: Pixels, factor: float) -> Pixels:
    """Return the picture in less light, as whole grey levels: what is lost stays lost."""
    return pixels(np.rint(picture.astype(np.float32) * factor))


def grain(picture: Pixels, deviation: float, seed: int) -> Pixels:
    """Return the picture with a sensor's noise, in grey levels."""
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return pixels(np.clip(np.rint(picture + noise), 0, 255))


def turned(picture: Pixels, degrees: float) -> Pixels:
    return _turned(picture, (0, 0, 0, 0), degrees)[0]


def _same(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    return picture, face


def _lit(factor: float) -> Change:
    return lambda picture, face: (light(picture, factor), face)


def _grainy(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    return grain(light(picture, 0.03), 1.5, seed=round(sum(face))), face


def _blurred(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    return pixels(cv2.GaussianBlur(picture, (0, 0), 3)), face


def _turned(picture: Pixels, face: Box, degrees: float) -> tuple[Pixels, Box]:
    rows, columns = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    x, y = turn @ (face[0] + face[2] / 2, face[1] + face[3] / 2, 1)
    seen = cv2.warpAffine(picture, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    return pixels(seen), (x - face[2] / 2, y - face[3] / 2, face[2], face[3])


def _tilted(degrees: float) -> Change:
    return lambda picture, face: _turned(picture, face, degrees)


def _packed(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    decoded = cv2.imdecode(np.frombuffer(jpeg(picture, 15), np.uint8), cv2.IMREAD_COLOR)
    return pixels(np.asarray(decoded)), face


def _far(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    rows, columns = picture.shape[:2]
    shrink = np.array([[0.4, 0, columns * 0.3], [0, 0.4, rows * 0.3]])
    seen = cv2.warpAffine(
        cv2.GaussianBlur(picture, (0, 0), 1),  # else every other pixel is dropped, not averaged
        shrink,
        (columns, rows),
        borderMode=cv2.BORDER_REPLICATE,
    )
    x, y, width, height = (0.4 * each for each in face)
    return pixels(seen), (x + columns * 0.3, y + rows * 0.3, width, height)


def _covered(picture: Pixels, face: Box) -> tuple[Pixels, Box]:
    """A hand before the lower part of the face: mouth and chin, and half of each cheek."""
    x, y, width, height = face
    seen = picture.copy()
    middle, size = (round(x + width / 2), round(y + height * 0.95)), (width * 0.55, height * 0.33)
    axes = (round(size[0]), round(size[1]))
    cv2.ellipse(seen, middle, axes, 0, 0, 360, (120, 150, 190), cv2.FILLED)
    return seen, face


CHANGES: Final[Mapping[str, Change]] = {
    "as given": _same,
    "light x 0.1": _lit(0.1),
    "light x 0.03": _lit(0.03),
    "light x 0.03, then grain of 1.5 grey levels": _grainy,
    "blur, deviation 3 pixels": _blurred,
    "tilt 30 degrees left": _tilted(30),
    "tilt 30 degrees right": _tilted(-30),
    "JPEG 15": _packed,
    "far away, 0.4 of the size": _far,
    "lower part of the face covered": _covered,
}
