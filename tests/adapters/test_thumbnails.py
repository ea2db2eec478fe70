"""Sheets of thumbnails, in the process that makes them and outside of it."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from proctor.adapters import thumbnails
from proctor.adapters.thumbnails import Sheets, sheet
from tests.pictures import jpeg, png
from tests.poison import animated_png, bomb_jpeg, bomb_png, cmyk_jpeg

DEADLY = b"kills whoever decodes it"


def flat(level: int, width: int = 640, height: int = 480) -> bytes:
    return jpeg(np.full((height, width, 3), level, np.uint8))


def read(made: bytes) -> npt.NDArray[np.uint8]:
    found = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    assert found.shape == (432, 960)
    return np.asarray(found, np.uint8)


def cell(made: npt.NDArray[np.uint8], at: int) -> npt.NDArray[np.uint8]:
    top, left = at // 10 * 72, at % 10 * 96
    return made[top : top + 72, left : left + 96]


def deadly(pictures: Sequence[bytes | None]) -> bytes:
    """Make a sheet as a decoder with a fault would; runs in the process."""
    if DEADLY in pictures:
        os._exit(1)
    return sheet(pictures)


@pytest.fixture
async def sheets() -> AsyncIterator[Sheets]:
    made = Sheets()
    yield made
    await made.close()


def test_pictures_stand_ten_in_a_row_in_their_order() -> None:
    whole = read(sheet([flat(40 + 3 * n) for n in range(60)]))
    for n in range(60):
        assert float(cell(whole, n)[8:64, 8:88].mean()) == pytest.approx(40 + 3 * n, abs=2)


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        pytest.param(640, 480, (72, 96), id="a webcam's"),
        pytest.param(1280, 720, (54, 96), id="wide"),
        pytest.param(480, 640, (72, 54), id="upright"),
        pytest.param(64, 48, (48, 64), id="smaller than a cell"),
        pytest.param(4000, 40, (1, 96), id="a stripe"),
    ],
)
def test_a_picture_keeps_its_shape_in_the_middle_of_its_cell(
    width: int, height: int, shown: tuple[int, int]
) -> None:
    whole = read(sheet([None, flat(255, width, height)]))
    rows, columns = np.nonzero(cell(whole, 1) > 128)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx(shown, abs=1)
    assert (rows.mean(), columns.mean()) == pytest.approx((35.5, 47.5), abs=1)
    assert float(cell(whole, 0)[:, :88].max()) < 16


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(None, id="none"),
        pytest.param(b"", id="no bytes"),
        pytest.param(b"\xff\xd8\xff\xe0 no picture \xff\xd9", id="no picture"),
        pytest.param(flat(200)[:500], id="cut short"),
        pytest.param(bomb_png(), id="a bomb"),
        pytest.param(bomb_jpeg(), id="another bomb"),
    ],
)
def test_what_can_not_be_shown_is_black_and_spoils_no_other(picture: bytes | None) -> None:
    whole = read(sheet([flat(200), picture, flat(200)]))
    assert float(cell(whole, 1)[8:64, 8:88].max()) < 8
    assert float(cell(whole, 2)[8:64, 8:88].min()) > 190


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(png(np.full((480, 640, 3), 200, np.uint8)), id="a PNG"),
        pytest.param(animated_png(), id="one that moves"),
        pytest.param(cmyk_jpeg(), id="of four colours"),
    ],
)
def test_other_pictures_are_shown_too(picture: bytes) -> None:
    assert float(cell(read(sheet([picture])), 0).max()) > 30


def test_sixty_webcam_pictures_take_less_than_a_fifth_of_a_second_of_one_core() -> None:
    blurred = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8), (9, 9), 3
    )
    pictures = [jpeg(blurred)] * 60
    assert len(pictures[0]) > 20_000
    sheet(pictures)
    took = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for _ in range(5):
            begun = time.process_time()
            sheet(pictures)
            took.append(time.process_time() - begun)
    finally:
        cv2.setNumThreads(threads)
    assert min(took) < 0.2  # whatever else this machine does can only add to it


async def test_a_sheet_is_made_in_a_process_that_ends_when_nobody_asks() -> None:
    made = Sheets(idle_s=0.2)
    try:
        assert await made.sheet([flat(200)]) == sheet([flat(200)])
        (process,) = multiprocessing.active_children()
        await asyncio.to_thread(process.join, 20)
        assert process.exitcode == 0
        assert await made.sheet([flat(90)]) == sheet([flat(90)])
    finally:
        await made.close()
        await made.close()


async def test_a_picture_that_kills_the_process_is_black_and_takes_no_other_with_it(
    sheets: Sheets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "sheet", deadly)
    made = read(await sheets.sheet([flat(200), DEADLY, flat(200)]))
    assert float(cell(made, 1)[8:64, 8:88].max()) < 8
    assert float(cell(made, 2)[8:64, 8:88].min()) > 190
    assert await sheets.sheet([flat(90)]) == sheet([flat(90)])
