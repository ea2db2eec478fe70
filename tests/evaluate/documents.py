"""How well identity documents are read: published specimens, or two drawn here; then degraded.

A specimen is a flat scan or a drawing. What a camera makes of a card in a hand, with glare and
bent, is worse, and is not measured here.
"""

import asyncio
import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import models
from proctor.adapters.documents import Reader
from proctor.domain.document import DocumentRead
from tests import specimens
from tests.evaluate.rows import Row
from tests.pictures import png

Picture: TypeAlias = npt.NDArray[np.uint8]  # BGR
Progress: TypeAlias = Callable[[str], None]

PART: Final = "documents"
READ_GOAL: Final = 0.84
AS_GIVEN: Final = "as given"
# The day that decides centuries: figures may not change with the calendar.
ON: Final = date(2026, 11, 22)
# A reader takes 500 MB and a core.
READERS: Final = min(2, os.cpu_count() or 1)
# A busy machine may not look like a document that cannot be read.
PATIENCE_S: Final = 240.0
_QUICK: Final = 2  # specimens, and looks at each
_TABLE: Final = (96, 112, 120)
_THUMB: Final = (120, 150, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A picture with a zone, and what is printed there."""

    what: str
    picture: bytes
    number: str
    birth: date
    expiry: date
    holds: bool = True  # False: its check digits are printed wrong
    portrait: bool = True  # whether it shows a face


def measure(data: Path | None, *, quick: bool, progress: Progress) -> list[Row]:
    """Read every specimen in every way and count.

    Args:
        data: Holds `ids/`; without it two specimens are drawn.
        quick: Two specimens in two ways, to see that it runs.
        progress: Told a line now and then; nothing that was read is in it.

    Returns:
        Three rows for each way. Empty, and `progress` told why, where there is nothing to read.
    """
    known = _published(data / "ids", progress) if data else _drawn(progress)
    ways = list(LOOKS.items())
    if quick:
        known, ways = known[:_QUICK], ways[:_QUICK]
    rows = asyncio.run(_measure(known, dict(ways), progress)) if known else []
    if data:
        return rows
    # Drawn zones are in a hand that no document is printed in: what they say is that it runs.
    return [replace(row, goal=None) if row.goal == READ_GOAL else row for row in rows]


async def _measure(
    known: Sequence[Specimen], ways: Mapping[str, Callable[[Picture], bytes]], progress: Progress
) -> list[Row]:
    readers = [Reader(timeout_s=PATIENCE_S) for _ in range(READERS)]
    free: asyncio.Queue[Reader] = asyncio.Queue()
    for reader in readers:
        free.put_nowait(reader)

    async def read(specimen: Specimen, how: str) -> DocumentRead:
        reader = await free.get()
        try:
            # As given is the very file; reading it again could only lose.
            picture = specimen.picture
            return await reader.read(
                picture if how == AS_GIVEN else ways[how](_decoded(picture)), on=ON
            )
        finally:
            free.put_nowait(reader)

    rows = []
    try:
        for how in ways:
            found = await asyncio.gather(*(read(each, how) for each in known))
            rows += _rows(known, found, how, progress)
    finally:
        await asyncio.gather(*(reader.close() for reader in readers))
    return rows


def _rows(
    known: Sequence[Specimen], found: Sequence[DocumentRead], how: str, progress: Progress
) -> list[Row]:
    of = len(known)
    right = 0
    missed: list[str] = []
    wrong: list[str] = []
    for specimen, reading in zip(known, found, strict=True):
        for cause in reading.unavailable:
            progress(f"documents, {how}: {specimen.what}: {cause}")
        valid = reading.mrz is not None and reading.mrz.valid
        if valid and specimen.holds and _is_right(specimen, reading):
            right += 1
        else:
            # Also where everything was read as printed and the digits printed do not hold. Where it
            # is said that the century is open, nothing wrong is said, and nothing is known either.
            stated = valid and not (specimen.holds and _is_among(specimen, reading))
            (wrong if stated else missed).append(specimen.what)
    portraits = [
        reading.portrait is not None
        for specimen, reading in zip(known, found, strict=True)
        if specimen.portrait
    ]
    progress(f"documents, {how}: {right} of {of} right; not: {'; '.join(missed) or 'none'}")
    if wrong:
        progress(f"documents, {how}: WRONG with all digits valid: {'; '.join(wrong)}")
    return [
        Row(
            part=PART,
            name="number, birth and expiry right, all digits valid",
            how=how,
            count=right,
            of=of,
            goal=READ_GOAL if how == AS_GIVEN else None,
        ),
        Row(
            part=PART,
            name="read wrongly with all digits valid",
            how=how,
            count=len(wrong),
            of=of,
            goal=0.0,
            better="less",
        ),
        # Whether it is the right face of several is not told here.
        Row(part=PART, name="portrait found", how=how, count=sum(portraits), of=len(portraits)),
    ]


def _is_right(specimen: Specimen, reading: DocumentRead) -> bool:
    assert reading.mrz is not None
    read = (reading.mrz.number, reading.mrz.birth, reading.mrz.expiry)
    return read == (specimen.number, specimen.birth, specimen.expiry)


def _is_among(specimen: Specimen, reading: DocumentRead) -> bool:
    """Tell whether all is right but the century of the birth, which the reading leaves open."""
    mrz = reading.mrz
    assert mrz is not None
    same = (mrz.number, mrz.expiry) == (specimen.number, specimen.expiry)
    return same and mrz.birth is None and specimen.birth in mrz.births


def _published(folder: Path, progress: Progress) -> list[Specimen]:
    truth = tomllib.loads(Path(__file__).with_name("specimens.toml").read_text(encoding="utf-8"))
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        picture = path.read_bytes()
        printed = truth.pop(hashlib.sha256(picture).hexdigest(), None)
        if printed:
            found.append(Specimen(picture=picture, **printed))
        else:
            progress(f"documents: {path.name} is none of the specimens known")
    for missing in truth.values():
        progress(f"documents: not in {folder}: {missing['what']}")
    return found


def _drawn(progress: Progress) -> list[Specimen]:
    try:
        models.fetch(("yunet", "astronaut"))
    except models.FetchFailed as failure:
        progress(f"documents: nothing to draw a portrait from: {failure}")
        return []
    birth, expiry = date(1974, 8, 12), date(2012, 4, 15)
    return [
        Specimen(
            what=what,
            picture=png(specimens.page(*zone)),
            number=number,
            birth=birth,
            expiry=expiry,
        )
        for what, zone, number in (
            ("drawn passport", specimens.TD3, "L898902C3"),
            ("drawn card", specimens.TD1, "D23145890"),
        )
    ]


def _decoded(picture: bytes) -> Picture:
    return np.asarray(
        cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8
    )


def _tilted(picture: Picture, degrees: float) -> Picture:
    """Turn to the left on a table; nothing is cut off."""
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    width, height = round(columns * cos + rows * sin), round(columns * sin + rows * cos)
    matrix[:, 2] += (width - columns) / 2, (height - rows) / 2
    turned = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=_TABLE
    )
    return np.asarray(turned, np.uint8)


def _smaller(picture: Picture, factor: float) -> Picture:
    """Show it from farther away: as many pixels in all, fewer of them the document's."""
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    seen = np.full_like(picture, _TABLE)
    top = (picture.shape[0] - small.shape[0]) // 2
    left = (picture.shape[1] - small.shape[1]) // 2
    seen[top : top + small.shape[0], left : left + small.shape[1]] = small
    return seen


def _held(picture: Picture, *, right: bool) -> Picture:
    """Put a thumb on a lower corner, where the zone begins or ends."""
    rows, columns = picture.shape[:2]
    size = (round(columns * 0.12), round(rows * 0.2))
    at = (columns if right else 0, rows)
    return np.asarray(cv2.ellipse(picture.copy(), at, size, 0, 0, 360, _THUMB, -1), np.uint8)


def _darker(picture: Picture, factor: float) -> bytes:
    return png((picture * factor).astype(np.uint8))


def _compressed(picture: Picture) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 15])[1].tobytes()


# PNG, so that each way shows its own harm and no encoder's.
LOOKS: Final[Mapping[str, Callable[[Picture], bytes]]] = {
    AS_GIVEN: png,
    "turned 90°": lambda picture: png(np.rot90(picture)),
    "turned 180°": lambda picture: png(np.rot90(picture, 2)),
    "turned 270°": lambda picture: png(np.rot90(picture, 3)),
    "tilt 10°": lambda picture: png(_tilted(picture, 10)),
    "blur, sigma 1.5": lambda picture: png(cv2.GaussianBlur(picture, (0, 0), 1.5)),
    "light x 0.1": lambda picture: _darker(picture, 0.1),
    "light x 0.03": lambda picture: _darker(picture, 0.03),
    "JPEG 15": _compressed,
    "far away, size x 0.65": lambda picture: png(_smaller(picture, 0.65)),
    "a thumb where the zone begins": lambda picture: png(_held(picture, right=False)),
    "a thumb where the zone ends": lambda picture: png(_held(picture, right=True)),
}
