"""Faces: where they are, and how alike two of them look.

What SFace makes of a face (its features) is gone when the comparison is made, but for the pictures
shown at check-in by those who sit now: theirs are compared with snapshot after snapshot. Those are
kept in this process's memory only, are dropped after `IDLE_S` without a snapshot, and die with it.
None is ever returned, logged or written: a comparison is made from pictures, while their key lives.
"""

import functools
import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import models
from proctor.adapters.pictures import Look, Picture, Pixels, Unreadable, pixels
from proctor.domain.observation import Compared, Face, Model

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
# A face that moved by more than its own width between two snapshots: somebody stood up, or
# somebody else sat down.
JUMP_WIDTHS: Final = 1.0

# To compare a face it is cut out at twice its size, upright and tilted by 30 degrees each way,
# and the cut that the detector is surest of is taken: its landmarks hardly turn with a tilted
# face, and SFace is aligned by them. Median cosine of a picture to itself tilted by 30 degrees:
# 0.38 to 0.60 with the landmarks of the first look, 0.97 so; by 45 degrees: 0.14 to 0.24, 0.90.
_CUT: Final = (160, 160)
_CUT_FACES: Final = 2.0
_TILTS: Final = (0.0, -30.0, 30.0)
# A document is held as it fits: its portrait may stand on its head.
_ANY_WAY: Final = (*_TILTS, 90.0, 180.0, -90.0)
# Of the faces of a snapshot: beyond three, somebody walks through a crowd, and each takes 25 ms.
MOST_COMPARED: Final = 3
# Eyes that are less out of level than this, in degrees, are as level as landmarks are exact.
_LEVEL: Final = 8.0
# 0.5 KB each: the faces of everybody who sits at a time, as far as one worker sees them.
MAX_KNOWN: Final = 512
# Not compared with for so long, they do not sit any more. Dropped after twice that at the latest.
IDLE_S: Final = 15 * 60.0

# A face by itself that the first look is less sure of must be in the second one too: of 240
# pieces of portraits without their faces, 7 were faces to the first look and 3 to both.
SURE_SCORE: Final = 0.8
# Where no look finds a face, the picture is turned by 30 degrees each way and looked at again,
# which takes 35 ms: an empty room costs six times what a learner does. At light x 0.03 and a
# tilt of 30 degrees 79 of 80 are found so, 69 without; none of those 440 pictures is one more.
TILTED_SCORE: Final = 0.8
# A face by itself that no look is surer of must be found once more, cut out as for comparing: of
# 26 found in 1,800 pieces of portraits without their faces (not those that docs/accuracy.md is
# made with) 25 are not, and all that are found in tilted, dark, blurred or half-covered faces are.
CERTAIN_SCORE: Final = 0.9
# A picture whose 98th percentile is below this is brightened to it before it is looked at: at
# light x 0.03 and JPEG 85, 40 of 40 are found so and none of 40 as it is. At JPEG 60 as much was
# lost as to leave 7 of 40.
_LIT: Final = 130
_GRAINY: Final = 4.0  # the gain from which its noise is smoothed first

_Row: TypeAlias = list[float]  # x, y, width, height, five landmarks, score
_Features: TypeAlias = npt.NDArray[np.float32]


class NotComparable(Exception):
    """Why there is nothing to compare in a picture: "no face"."""


def find(picture: Picture) -> tuple[Face, ...]:
    """Return the faces, surest first, in pixels of the full-size picture.

    Raises:
        models.ModelMissing: YuNet is not on this machine.
        Unreadable: The picture does not decode.
        cv2.error: Not known to happen.
    """
    faces = at(picture, FIRST_LOOK)
    if len(faces) != 1 or faces[0].score < SURE_SCORE:
        faces = settle(faces, at(picture, SECOND_LOOK))
    if not _is_certain(picture, faces):
        faces = ()
    if not faces:
        faces = _tilted(picture)
    return faces if _is_certain(picture, faces) else ()


def _is_certain(picture: Picture, faces: Sequence[Face]) -> bool:
    if len(faces) != 1 or faces[0].score >= CERTAIN_SCORE:
        return True
    seen = _lit(picture.fitted(SECOND_LOOK))
    return any(_cut(seen, faces[0], picture.scale(seen), tilt) for tilt in _TILTS)


def at(picture: Picture, look: Look) -> tuple[Face, ...]:
    """Return the faces of one look. Raises as `find` does."""
    seen = _lit(picture.fitted(look))
    return _faces(sorted(_detect(seen, look), key=lambda row: -row[14]), seen, picture)


def _tilted(picture: Picture) -> tuple[Face, ...]:
    """Return the surest face of a picture turned either way, its box upright again."""
    seen = _lit(picture.fitted(SECOND_LOOK))
    rows, columns = seen.shape[:2]
    best: _Row | None = None
    for tilt in _TILTS[1:]:
        turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), tilt, 1)
        for row in _detect(pixels(cv2.warpAffine(seen, turn, (columns, rows))), SECOND_LOOK):
            if row[14] >= max(TILTED_SCORE, best[14] if best else 0.0):
                back = cv2.invertAffineTransform(turn)
                x, y = back @ (row[0] + row[2] / 2, row[1] + row[3] / 2, 1)
                best = [x - row[2] / 2, y - row[3] / 2, *row[2:]]
    return () if best is None else _faces([best], seen, picture)


def _faces(found: Sequence[_Row], seen: Pixels, picture: Picture) -> tuple[Face, ...]:
    rows, columns = seen.shape[:2]
    scale = picture.scale(seen)
    faces: list[Face] = []
    for row in found:
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
        if not any(same_place(face, other) for other in faces):
            faces.append(face)
    return tuple(faces)


def _lit(seen: Pixels) -> Pixels:
    high = float(np.percentile(seen[::4, ::4], 98))
    gain = _LIT / max(1.0, high)
    if gain <= 1:
        return seen
    if gain < _GRAINY:
        return pixels(cv2.convertScaleAbs(seen, alpha=gain))
    smooth = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 1.2)
    return pixels(np.clip(smooth * gain, 0, 255))


def settle(first: tuple[Face, ...], second: tuple[Face, ...]) -> tuple[Face, ...]:
    """Return what two looks agree on: several faces only where both saw several."""
    if len(first) > 1 and len(second) <= 1:
        return second or first[:1]
    if not first:
        # The closer look finds the one the first had missed; a second person must be in both.
        return second[:1]
    return second


def same_place(one: Face, other: Face) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return across > 0 and down > 0 and across * down > SAME_FACE_OVERLAP * smaller


def largest(faces: Sequence[Face]) -> Face:
    """Return the face nearest to the camera."""
    return max(faces, key=_size)


def _size(face: Face) -> int:
    return face.width * face.height


def jumped(before: Sequence[Face], now: Sequence[Face]) -> bool:
    """Tell whether faces came, went or moved so far that another person may sit there."""
    if len(before) != len(now):
        return True
    if not now:
        return False
    was, is_ = largest(before), largest(now)
    across = (was.x + was.width / 2) - (is_.x + is_.width / 2)
    down = (was.y + was.height / 2) - (is_.y + is_.height / 2)
    return math.hypot(across, down) > JUMP_WIDTHS * max(was.width, is_.width)


def likeness(picture: Picture, faces: Sequence[Face], known: bytes) -> float:
    """Compare the faces found in a picture with the largest of `known`.

    Who it is may sit behind somebody else: of several faces, the three largest are compared.

    Args:
        picture: Looked at once, not remembered.
        faces: At least one, as `find` returned them.
        known: JPEG or PNG, shown at check-in; what was made of it is remembered in this process,
            until it was not asked for in `IDLE_S`.

    Returns:
        Cosine of the face that is most like it, -1 to 1.

    Raises:
        NotComparable: `known` has no face, or none of the faces is clear.
        models.ModelMissing: SFace or YuNet is not on this machine.
        Unreadable: One does not decode.
    """
    try:
        other = _remembered(known)
    except (NotComparable, Unreadable) as cause:
        raise NotComparable(f"the check-in picture: {cause}") from cause
    nearest = sorted(faces, key=_size, reverse=True)[:MOST_COMPARED]
    alike: list[float] = []
    unclear = NotComparable("no face in it")
    for face in nearest:
        try:
            alike.append(_cosine(_features(picture, face), other))
        except NotComparable as cause:
            unclear = cause
    if not alike:
        raise unclear
    return max(alike)


def compare(face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
    """Compare the faces of two pictures, remembering neither; no bytes whatever make it raise.

    Args:
        face: JPEG or PNG, of which the largest face is compared.
        document: JPEG or PNG, another picture of a face or one of an ID document.
        at: Which face of `document`, in its pixels; it may lie any way. None: its largest.
    """
    one, other = _tried("face's", face), _tried("document's", document, at)
    return _compared(one, other)


def closest(face: bytes, others: Sequence[bytes]) -> list[float | None]:
    """Compare the largest face of a picture with those of others, remembering none.

    No bytes whatever make it raise.

    Returns:
        For each of `others` the cosine, -1 to 1, or None where it could not be compared.
    """
    one = _tried("face's", face)
    if isinstance(one, str):
        return [None] * len(others)
    return [_compared(one, _tried("document's", other)).same_person for other in others]


def _compared(*tried: _Features | str) -> Compared:
    unavailable = [each for each in tried if isinstance(each, str)]
    if unavailable:
        # A model that is missing is missing for both.
        return Compared(unavailable=tuple(dict.fromkeys(unavailable)))
    one, other = (each for each in tried if not isinstance(each, str))
    return Compared(same_person=_cosine(one, other), models=(model("yunet"), model("sface")))


def _tried(which: str, picture: bytes, place: Face | None = None) -> _Features | str:
    """Return the features of a picture's face, or why there are none."""
    try:
        return _of(picture, place)
    except models.ModelMissing as missing:
        return f"same person: the model {missing.name} {missing.reason}"
    except (NotComparable, Unreadable) as cause:
        return f"same person: the {which} picture: {cause}"
    except cv2.error:
        return f"same person: the {which} picture: the model failed"


@functools.cache
def model(name: str) -> Model:
    """Return who looks, as models.toml names it."""
    entry = models.catalogue()[name]
    return Model(name=entry.name, version=entry.version, sha256=entry.sha256)


def _of(data: bytes, at: Face | None = None) -> _Features:
    """Return the features of a picture's face `at` a place, or of its largest."""
    picture = Picture(data)
    if at is not None:
        return _features(picture, at, tilts=_ANY_WAY)
    faces = find(picture)
    if not faces:
        raise NotComparable("no face in it")
    return _features(picture, largest(faces))


_known: OrderedDict[bytes, tuple[_Features, float]] = OrderedDict()  # and when it was last used
_known_lock = threading.Lock()
_sweep: threading.Timer | None = None


def _remembered(data: bytes) -> _Features:
    """Return the features of a picture's largest face, made once while it is used and fits."""
    models.path("sface")  # what was remembered is not used when the model is not there any more
    global _sweep  # noqa: PLW0603 - of this process, as what is remembered
    key = hashlib.sha256(data).digest()
    with _known_lock:
        known = _known.get(key)
    features = known[0] if known else _of(data)
    with _known_lock:
        _known[key] = features, time.monotonic()
        _known.move_to_end(key)
        if len(_known) > MAX_KNOWN:
            _known.popitem(last=False)
        if _sweep is None:
            _sweep = _sweep_later()
    return features


def _sweep_later() -> threading.Timer:
    # A thread, since an exam that is over sends no snapshots with which to look.
    timer = threading.Timer(IDLE_S, _drop_idle)
    timer.daemon = True
    timer.start()
    return timer


def _drop_idle() -> None:
    """Drop what nobody used in `IDLE_S`; look again later while anything is left."""
    global _sweep  # noqa: PLW0603 - as above
    with _known_lock:
        until = time.monotonic() - IDLE_S
        while _known and next(iter(_known.values()))[1] <= until:
            _known.popitem(last=False)
        _sweep = _sweep_later() if _known else None


def _features(picture: Picture, face: Face, tilts: Sequence[float] = _TILTS) -> _Features:
    recognizer = _recognizer(str(models.path("sface")))
    seen = _lit(picture.fitted(SECOND_LOOK))
    best: tuple[Pixels, _Row] | None = None
    tilt = 0.0
    for each in tilts:
        found = _cut(seen, face, picture.scale(seen), each)
        if found is not None and (best is None or found[1][14] > best[1][14]):
            best, tilt = found, each
    if best is None:
        raise NotComparable("its face is not clear enough")
    # Level by the eye line and detect again; the eyes are the first two landmarks.
    row = best[1]
    off = math.degrees(math.atan2(row[7] - row[5], row[6] - row[4]))
    if abs(off) > _LEVEL:
        best = _cut(seen, face, picture.scale(seen), tilt + off) or best
    cut, row = best
    aligned = recognizer.alignCrop(cut, np.asarray(row, np.float32))
    return np.asarray(recognizer.feature(aligned), np.float32).ravel().copy()


def _cut(seen: Pixels, face: Face, scale: float, tilt: float) -> tuple[Pixels, _Row] | None:
    """Cut a face out, turned by `tilt` degrees; None if the detector does not find it there."""
    side = _CUT[0]
    x, y = (face.x + face.width / 2) / scale, (face.y + face.height / 2) / scale
    factor = side * scale / (_CUT_FACES * max(face.width, face.height))
    turn = cv2.getRotationMatrix2D((x, y), tilt, factor)
    turn[0, 2] += side / 2 - x
    turn[1, 2] += side / 2 - y
    cut = pixels(cv2.warpAffine(seen, turn, _CUT))
    rows = _detect(cut, _CUT)

    def off_centre(row: _Row) -> float:
        return math.hypot(row[0] + row[2] / 2 - side / 2, row[1] + row[3] / 2 - side / 2)

    row = min(rows, key=off_centre, default=None)
    return None if row is None or off_centre(row) > side / 4 else (cut, row)


def _cosine(one: _Features, other: _Features) -> float:
    cosine = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return round(max(-1.0, min(1.0, cosine)), 3)


def _detect(picture: Pixels, look: Look) -> list[_Row]:
    rows, columns = picture.shape[:2]
    detector = _detector(str(models.path("yunet")), look)
    detector.setInputSize((columns, rows))
    # No row at all is None, which the stubs do not know.
    found: npt.NDArray[Any] | None = detector.detect(picture)[1]
    return [] if found is None else found.tolist()


@functools.cache
def _detector(path: str, look: Look) -> cv2.FaceDetectorYN:
    # One per look: another size makes the network plan its layers anew.
    return cv2.FaceDetectorYN.create(path, "", look, FACE_SCORE, _NMS_OVERLAP, _MAX_FACES)


@functools.cache
def _recognizer(path: str) -> cv2.FaceRecognizerSF:
    # With the first comparison, not with the worker: course teams without ID checks have none.
    return cv2.FaceRecognizerSF.create(path, "")
