"""Which face in a picture of a document is the document's portrait: by where its text stands.

A learner who holds a document up is in the picture too, often larger than the portrait. Compared
with that face, everybody looks like themselves; so what may be the learner is never chosen. Where
it is in doubt there is no portrait, and a person looks.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from proctor.domain.observation import Face

Corners = npt.NDArray[np.float32]  # of a line of text: four, clockwise from its top left

# Of the length of a zone's lines, by ICAO 9303: a passport's page has 112 mm of zone across and
# 65 mm above it, and faces 25 to 32 mm high there; on cards all of it is less. Of nine specimens
# whose portrait is found, the highest begins 0.49 above the zone, the largest is 0.28 high.
PAGE_ABOVE_ZONE: Final = 0.65
FACE_OF_ZONE: Final = 0.35
# Of the height of a line of print. Portraits of those specimens are 7 to 9 lines high; the face of
# who holds a document is some 60, and 20 where it is held three times nearer to the camera.
FACE_OF_LINE: Final = 12.0
# How far a face's box may leave the document's text, of its own size: hair and collar have room.
_OUTSIDE: Final = 0.25


def portrait(
    faces: Sequence[Face], *, zone: Sequence[Corners], lines: Sequence[Corners]
) -> Face | None:
    """Return the document's portrait; None where none is, or none can be told from the learner.

    Of several on the document it is the largest: the others are ghosts of it.

    Args:
        faces: Found in a picture whose text stands upright, in its pixels.
        zone: The lines of the machine-readable zone; none where it was not found.
        lines: All lines of text.
    """
    if not (zone or lines):
        return None
    # Behind a document nobody is seen: a face within its text's bounds is printed on it.
    within = _page(zone) if zone else _bounds(lines)
    most = (
        FACE_OF_ZONE * _width(zone)
        if zone
        else FACE_OF_LINE * float(np.median([np.ptp(line[:, 1]) for line in lines]))
    )
    on_it = [face for face in faces if face.height <= most and _is_within(face, within)]
    return max(on_it, key=lambda face: face.width * face.height, default=None)


def _width(lines: Sequence[Corners]) -> float:
    left, _, right, _ = _bounds(lines)
    return right - left


def _bounds(lines: Sequence[Corners]) -> tuple[float, float, float, float]:
    corners = np.concatenate(list(lines))
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _page(zone: Sequence[Corners]) -> tuple[float, float, float, float]:
    left, top, right, _ = _bounds(zone)
    return left, top - PAGE_ABOVE_ZONE * _width(zone), right, top


def _is_within(face: Face, bounds: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = bounds
    across, down = _OUTSIDE * face.width, _OUTSIDE * face.height
    return (
        left - across <= face.x
        and face.x + face.width <= right + across
        and top - down <= face.y
        and face.y + face.height <= bottom + down
    )
