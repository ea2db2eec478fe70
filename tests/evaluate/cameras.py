"""Frozen cameras: found where they are, and not seen where a camera lives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from proctor.adapters.cameras import Camera
from proctor.adapters.pictures import Pixels, pixels
from proctor.adapters.vision import measure as measure_picture
from tests.evaluate import people
from tests.evaluate.degrade import FRAME, grain, jpeg, light
from tests.evaluate.people import Portrait
from tests.evaluate.rows import Row

CHOSEN: Final = "frozen, the clip the limits were chosen on"
OTHERS: Final = "frozen, made pictures the limits have not seen"
_GOAL: Final = 0.95
_ALARM: Final = 0.01
_BEFORE: Final = (
    10  # pictures of a living camera before it stops; the first 8 tell its usual change
)
_STANDING: Final = 5  # pictures for which it then stands

# The goals are for the clip and its re-encodings. A picture whose light changes between two
# snapshots does not stand still, and the made pictures stand for no camera: both are told without.
_LIGHT: Final = "light"

_Encoding = Callable[[Pixels], bytes]


def _half(picture: Pixels) -> Pixels:
    return pixels(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _lighter(picture: Pixels, levels: int) -> Pixels:
    return pixels(np.clip(picture.astype(np.int16) + levels, 0, 255))


ENCODINGS: Final[Mapping[str, _Encoding]] = {
    "JPEG 85": jpeg,
    "JPEG 50": lambda picture: jpeg(picture, 50),
    "JPEG 95": lambda picture: jpeg(picture, 95),
    "half the size": lambda picture: jpeg(_half(picture)),
    "light x 0.7": lambda picture: jpeg(light(picture, 0.7)),
    "light x 0.3": lambda picture: jpeg(light(picture, 0.3)),
    "light + 20": lambda picture: jpeg(_lighter(picture, 20)),
    "light - 20": lambda picture: jpeg(_lighter(picture, -20)),
}


def measure(data: Path | None, *, quick: bool, progress: Callable[[str], None]) -> list[Row]:
    """Return how often a standing camera is found, and a living one is taken for one."""
    rows: list[Row] = []
    clip = None if data is None else data / people.CLIP
    if clip is not None and clip.is_file():
        everything = list(people.frames(clip))
        # 252 frames are 10 s: each 10th is 0.4 s after the one before, 25 pictures a run.
        runs = [everything[start::10] for start in range(0, 1 if quick else 10, 3)]
        rows += _rows(CHOSEN, runs, quick=quick, progress=progress)
    portraits = [each for each in people.portraits(data) if each.photo == "astronaut"]
    runs = list(_made(portraits[0], quick=quick))
    return rows + _rows(OTHERS, runs, quick=quick, progress=progress)


def _rows(
    part: str,
    runs: Sequence[Sequence[Pixels]],
    *,
    quick: bool,
    progress: Callable[[str], None],
) -> list[Row]:
    alarms: list[Row] = []
    same: list[Row] = []
    anew: list[Row] = []
    encodings = dict(islice(ENCODINGS.items(), 2 if quick else None))
    for name, encode in encodings.items():
        progress(f"{part}: {name}")
        living = [flag for run in runs for flag in _flags([encode(each) for each in run])]
        repeated: list[bool] = []
        repacked: list[bool] = []
        for run in runs:
            before = [encode(each) for each in run[:_BEFORE]]
            repeated += _flags([*before, *[before[-1]] * _STANDING])[-_STANDING:]
            # The frame that a camera of JPEG 85 stops at, packed in this way and in that in turns.
            usual = [jpeg(each) for each in run[:_BEFORE]]
            turns = [encode(run[_BEFORE - 1]), usual[-1]] * _STANDING
            repacked += _flags([*usual, *turns[:_STANDING]])[-_STANDING:]
        alarms.append(_row(part, "living camera taken for frozen", name, living, alarm=True))
        same.append(_row(part, "frozen camera found, the same bytes again", name, repeated))
        if name != "JPEG 85":
            anew.append(
                _row(
                    part, "frozen camera found, its frame packed anew", f"JPEG 85, {name}", repacked
                )
            )
    return [
        *(_all([row for row in each if row.goal is not None] or each) for each in (alarms, same)),
        *([_all(aimed)] if (aimed := [row for row in anew if row.goal is not None]) else []),
        *alarms,
        *same,
        *anew,
    ]


def _row(part: str, name: str, how: str, flags: Sequence[bool], *, alarm: bool = False) -> Row:
    aimed = part == CHOSEN and _LIGHT not in how
    return Row(
        part=part,
        name=name,
        how=how,
        count=sum(flags),
        of=len(flags),
        goal=None if not aimed else _ALARM if alarm else _GOAL,
        better="less" if alarm else "more",
    )


def _all(rows: Sequence[Row]) -> Row:
    first = rows[0]
    return Row(
        part=first.part,
        name=first.name,
        how="all of them" if first.goal is None else "all re-encodings",
        count=sum(row.count for row in rows),
        of=sum(row.of for row in rows),
        goal=first.goal,
        better=first.better,
    )


def _flags(pictures: Sequence[bytes]) -> list[bool]:
    """Show pictures to a camera's memory as in an exam; return what it says from the second on."""
    camera = Camera()
    flags: list[bool] = []
    for picture in pictures:
        seen = camera.see(*measure_picture(picture))
        if seen.frozen is not None:
            flags.append(seen.frozen)
    return flags


def _made(portrait: Portrait, *, quick: bool) -> Iterator[list[Pixels]]:
    """Yield sequences: a person who moves a little before a sensor that is never quite quiet."""
    noises: Sequence[float] = (2.0,) if quick else (1.0, 2.0, 4.0)
    moves: Sequence[float] = (1.0,) if quick else (0.3, 2.0)
    lights: Sequence[float] = (1.0,) if quick else (1.0, 0.1)
    for run, (noise, move, lit) in enumerate(product(noises, moves, lights)):
        random = np.random.default_rng(run)
        x, y, size = 0.0, 0.0, 130.0
        sequence: list[Pixels] = []
        for at in range(25):
            # A breath's worth, in pixels of 640: back to the middle a little, and on.
            x, y = 0.8 * x + random.normal(0, move), 0.8 * y + random.normal(0, move)
            size = 130 + 0.8 * (size - 130) + random.normal(0, move / 4)
            seen, _ = portrait.shot(width=size, x=FRAME[0] / 2 + x, y=220 + y, mirrored=False)
            sequence.append(grain(light(seen, lit), noise, seed=1000 * run + at))
        yield sequence
