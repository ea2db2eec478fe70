"""Faces: found or not, one or two, the same person or another, by the code that runs in exams."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from proctor.adapters import faces
from proctor.adapters.pictures import Picture, Pixels, pixels
from proctor.adapters.vision import SAME_PERSON
from proctor.domain.observation import Face
from tests.evaluate import people
from tests.evaluate.degrade import CHANGES, FRAME, Box, Change, grain, jpeg
from tests.evaluate.people import Portrait
from tests.evaluate.rows import Row

PART: Final = "faces"
SAME: Final = "same person"
OTHER_PHOTO: Final = "same person accepted, another photograph"
SAME_PHOTO: Final = "same person accepted, the same photograph"
ANOTHER: Final = "another person accepted"
GOALS: Final = {"as given": 0.99, "light x 0.03": 0.95}
_WIDTHS: Final = (60, 90, 130, 180)  # of a face, in pixels of 640
_PLACES: Final = ((0, 0), (-90, -20), (90, 20), (-45, 35), (45, -35))  # off the middle
_PIECES_EACH: Final = 50  # of each portrait, and as many mirrored


def measure(data: Path | None, *, quick: bool, progress: Callable[[str], None]) -> list[Row]:
    """Return the figures of faces found and compared; some minutes, or seconds if `quick`."""
    everybody = people.portraits(data)
    rows = _found(everybody, quick=quick, progress=progress)
    rows += _nobody(everybody, list(people.groups(data)), quick=quick, progress=progress)
    rows += _second(everybody, list(people.groups(data)), quick=quick, progress=progress)
    return rows + _compared(everybody, quick=quick, progress=progress)


def is_at(found: Face, place: Box) -> bool:
    """Tell whether a face found is the one at a place: its middle in it, and about as large."""
    x, y = found.x + found.width / 2, found.y + found.height / 2
    inside = place[0] < x < place[0] + place[2] and place[1] < y < place[1] + place[3]
    return inside and 0.5 < found.width / place[2] < 2


def _shots(portrait: Portrait, *, goal: bool, quick: bool) -> Iterator[tuple[Pixels, Box]]:
    widths, places = (_WIDTHS[1::2], _PLACES[:1]) if quick else (_WIDTHS, _PLACES)
    shots = list(itertools.product(widths, places, (False, True)))
    # Where no goal is set a third will do; an odd step takes mirrored and others in turns.
    for width, (x, y), mirrored in shots if goal else shots[::3]:
        yield portrait.shot(width=width, x=320 + x, y=220 + y, mirrored=mirrored)


def _found(
    everybody: Sequence[Portrait], *, quick: bool, progress: Callable[[str], None]
) -> list[Row]:
    found: list[Row] = []
    doubled: list[Row] = []
    for how, change in CHANGES.items():
        progress(f"faces: one person, {how}")
        hits = doubles = of = 0
        for portrait in everybody:
            for picture, place in _shots(portrait, goal=how in GOALS, quick=quick):
                changed, where = change(picture, place)
                seen = faces.find(Picture(jpeg(changed)))
                hits += any(is_at(face, where) for face in seen)
                doubles += len(seen) > 1
                of += 1
        found.append(
            Row(part=PART, name="face found", how=how, count=hits, of=of, goal=GOALS.get(how))
        )
        doubled.append(
            Row(
                part=PART,
                name="second person seen where there is one",
                how=how,
                count=doubles,
                of=of,
                better="less",
            )
        )
    return found + doubled


def _nobody(
    everybody: Sequence[Portrait],
    groups: Sequence[people.Group],
    *,
    quick: bool,
    progress: Callable[[str], None],
) -> list[Row]:
    rows = []
    sources = {
        "pieces of the pictures that hold no face": _pieces(everybody, groups, quick=quick),
        "flat, gradients, noise, text": _made(4 if quick else 40),
    }
    for how, pictures in sources.items():
        progress(f"faces: nobody there, {how}")
        seen = [bool(faces.find(Picture(jpeg(each)))) for each in pictures]
        rows.append(
            Row(
                part=PART,
                name="face seen where there is none",
                how=how,
                count=sum(seen),
                of=len(seen),
                goal=0.01,
                better="less",
            )
        )
    return rows


def _pieces(
    everybody: Sequence[Portrait], groups: Sequence[people.Group], *, quick: bool
) -> Iterator[Pixels]:
    """Yield cuts at random places that keep clear of each face, its hair and its chin."""
    random = np.random.default_rng(7)
    # Of a group picture's portraits the columns overlap, and others stand at its edges.
    grouped = {group.photo for group in groups}
    for portrait in everybody:
        if portrait.photo in grouped:
            continue
        rows, columns = portrait.picture.shape[:2]
        wanted, tries = (3 if quick else _PIECES_EACH), 5000
        while wanted and tries:
            tries -= 1
            width = int(random.uniform(0.15, 0.6) * columns)
            height = width * 3 // 4
            if height > rows:
                continue
            x = int(random.integers(0, columns - width + 1))
            y = int(random.integers(0, rows - height + 1))
            if _touch((x, y, width, height), portrait.face):
                continue
            wanted -= 1
            piece = cv2.resize(portrait.picture[y : y + height, x : x + width], FRAME)
            yield pixels(piece)
            yield pixels(piece[:, ::-1])


def _touch(piece: Box, face: Box) -> bool:
    x, y, width, height = face
    left, right = x - 0.3 * width, x + 1.3 * width
    top, bottom = y - 0.4 * height, y + 1.2 * height
    across = min(piece[0] + piece[2], right) - max(piece[0], left)
    down = min(piece[1] + piece[3], bottom) - max(piece[1], top)
    return across > 0 and down > 0


def _made(each: int) -> Iterator[Pixels]:
    random = np.random.default_rng(11)
    columns, rows = FRAME
    for at in range(each):
        flat = np.full((rows, columns, 3), random.integers(0, 256, 3), np.uint8)
        yield grain(flat, random.uniform(0, 6), seed=at)
        ramp = np.linspace(0, 1, columns)[None, :, None]
        ends = random.integers(0, 256, (2, 3))
        yield pixels(np.broadcast_to(ends[0] * (1 - ramp) + ends[1] * ramp, flat.shape))
        coarse = random.integers(0, 256, (6 + at, 8 + at, 3), dtype=np.uint8)
        yield pixels(cv2.resize(coarse, FRAME, interpolation=cv2.INTER_CUBIC))
        page = np.full((rows, columns, 3), 235, np.uint8)
        for line in range(30, rows, 24):
            words = "".join(
                random.choice(list("abcdefghij klmnop qrstu ()oO08:")) for _ in range(40)
            )
            cv2.putText(page, words, (12, line), random.integers(0, 8).item(), 0.7, (40, 40, 40), 1)
        yield pixels(page)


def _second(
    everybody: Sequence[Portrait],
    groups: Sequence[people.Group],
    *,
    quick: bool,
    progress: Callable[[str], None],
) -> list[Row]:
    rows = []
    pairs = [
        pair for pair in itertools.permutations(everybody, 2) if pair[0].person != pair[1].person
    ]
    sizes = ((120, 60), (120, 120)) if quick else ((120, 60), (120, 90), (120, 120), (160, 70))
    for how, change in CHANGES.items():
        progress(f"faces: two people, {how}")
        hits = of = 0
        for (one, other), size in itertools.product(pairs[:: 4 if quick else 1], sizes):
            left, where = one.shot(width=size[0], x=320, y=220, mirrored=False)
            right, there = other.shot(width=size[1], x=320, y=200, mirrored=False)
            both = np.hstack((left[:, 160:480], right[:, 160:480]))
            places = [(where[0] - 160, *where[1:]), (there[0] + 160, *there[1:])]
            hits += _both(pixels(both), places, change)
            of += 1
        goal = 0.95 if how == "as given" else None
        rows.append(
            Row(part=PART, name="second person found", how=how, count=hits, of=of, goal=goal)
        )
    if groups:
        progress("faces: group pictures")
    hits = of = 0
    for group, across, mirrored in itertools.product(groups, range(400, 641, 20), (False, True)):
        columns = group.picture.shape[1]
        scale = across / columns
        picture = cv2.resize(group.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        places = [(scale * x, scale * y, scale * w, scale * h) for x, y, w, h in group.faces]
        if mirrored:
            picture = picture[:, ::-1]
            places = [(across - x - w, y, w, h) for x, y, w, h in places]
        seen = faces.find(Picture(jpeg(picture)))
        hits += all(any(is_at(face, place) for face in seen) for place in places)
        of += 1
    rows.append(
        Row(
            part=PART,
            name="second person found",
            how="group pictures, as given",
            count=hits,
            of=of,
            goal=0.95,
        )
    )
    return rows


def _both(picture: Pixels, places: Sequence[Box], change: Change) -> bool:
    """Tell whether the faces at both places are found; what covers a face covers the first."""
    changed, first = change(picture, places[0])
    there = (first, change(picture, places[1])[1])
    seen = faces.find(Picture(jpeg(changed)))
    return all(any(is_at(face, place) for face in seen) for place in there)


@dataclass(slots=True)
class _Tally:
    count: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        self.count += hit
        self.of += 1


def _compared(
    everybody: Sequence[Portrait], *, quick: bool, progress: Callable[[str], None]
) -> list[Row]:
    """Compare each degraded shot with each good one, which stands for the check-in picture."""
    known = [
        (portrait, jpeg(portrait.shot(width=width, x=320, y=220, mirrored=False)[0]))
        for portrait in everybody
        for width in ((130,) if quick else (100, 140, 190))
    ]
    rows: list[Row] = []
    for how, change in CHANGES.items():
        progress(f"faces: compared, {how}")
        tallies: dict[str, _Tally] = defaultdict(_Tally)
        clean = how == "as given"
        # Of one person there are several photographs: with them, each way is tried out.
        for portrait in everybody if clean or not quick else everybody[1:2]:
            for picture, place in _lives(portrait, quick=quick):
                live = jpeg(change(picture, place)[0])
                for other, face in known:
                    compared = faces.compare(live, face).same_person
                    accepted = compared is not None and compared >= SAME_PERSON
                    if portrait.person != other.person:
                        tallies[ANOTHER].add(accepted)
                    elif portrait.photo != other.photo:
                        tallies[OTHER_PHOTO].add(accepted)
                    else:
                        tallies[SAME_PHOTO].add(accepted)
        for name, goal in ((OTHER_PHOTO, 0.99), (SAME_PHOTO, None), (ANOTHER, 0.001)):
            tally = tallies[name]
            rows.append(
                Row(
                    part=SAME,
                    name=name,
                    how=how,
                    count=tally.count,
                    of=tally.of,
                    goal=goal if clean else None,
                    better="less" if name == ANOTHER else "more",
                )
            )
    return sorted(rows, key=lambda row: (OTHER_PHOTO, SAME_PHOTO, ANOTHER).index(row.name))


def _lives(portrait: Portrait, *, quick: bool) -> Iterator[tuple[Pixels, Box]]:
    widths, places = ((120,), _PLACES[:1]) if quick else ((80, 120, 170), _PLACES[:2])
    for width, (x, y), mirrored in itertools.product(widths, places, (False, True)):
        yield portrait.shot(width=width, x=320 + x, y=220 + y, mirrored=mirrored)
