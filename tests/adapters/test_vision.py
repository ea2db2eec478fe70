import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.adapters import faces, pictures, vision
from proctor.adapters.cameras import Camera
from proctor.adapters.pictures import Picture as Given
from proctor.adapters.processes import Died
from proctor.adapters.vision import Workers, _start_worker, measure
from tests.pictures import astronaut, jpeg, need, png, webcam
from tests.poison import animated_png, bomb_jpeg, bomb_png, cmyk_jpeg

Picture = npt.NDArray[np.uint8]


def noisy(picture: npt.ArrayLike, sigma: float, seed: int = 0) -> Picture:
    array = np.asarray(picture, dtype=np.float64)
    noise = np.random.default_rng(seed).normal(0, sigma, array.shape)
    return np.clip(array + noise, 0, 255).astype(np.uint8)


def two_people() -> Picture:
    one = astronaut()[:384, :360]
    return np.hstack([one, one[:, ::-1]])


def test_one_person_is_one_face_in_pixels_of_the_full_size_picture() -> None:
    for scale in (1, 2, 4):
        picture = cv2.resize(astronaut(), None, fx=scale, fy=scale)
        (face,) = measure(jpeg(picture))[0].faces or ()

        # Where a person sees it in the 512x512 original: brow to chin, temple to temple.
        assert abs(face.x / scale - 178) < 12
        assert abs(face.y / scale - 58) < 12
        assert abs(face.width / scale - 93) < 15
        assert abs(face.height / scale - 115) < 15
        assert 0.6 <= face.score <= 1


def test_a_good_picture_is_neither_dark_nor_covered_and_names_what_measured_it() -> None:
    measured, _ = measure(jpeg(webcam()))

    assert measured.dark is False
    assert measured.covered is False
    assert measured.unavailable == ()
    assert {model.name for model in measured.models} == {"yunet", "light"}
    (yunet,) = (model for model in measured.models if model.name == "yunet")
    assert (yunet.version, yunet.sha256[:8]) == ("2023mar", "8f2383e4")


def test_a_png_measures_like_a_jpeg() -> None:
    of_png, of_jpeg = measure(png(webcam()))[0], measure(jpeg(webcam(), 95))[0]

    assert of_png.faces is not None
    assert of_jpeg.faces is not None
    assert len(of_png.faces) == len(of_jpeg.faces) == 1
    assert of_png.light_mean == pytest.approx(of_jpeg.light_mean, abs=1)


def test_two_people_are_two_faces() -> None:
    found = measure(jpeg(two_people()))[0].faces

    assert found is not None
    assert sorted(face.x > 360 for face in found) == [False, True]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda: webcam()[:, ::-1], id="mirrored"),
        pytest.param(lambda: webcam() // 4, id="a quarter of the light"),
        pytest.param(lambda: noisy(webcam() // 4, 6), id="dim and noisy"),
        pytest.param(lambda: cv2.resize(webcam(), (160, 120)), id="a very small picture"),
        pytest.param(lambda: cv2.copyMakeBorder(webcam(), 480, 0, 640, 640, 1), id="far away"),
        pytest.param(lambda: cv2.copyMakeBorder(webcam(), 240, 240, 0, 0, 0), id="upright"),
        pytest.param(lambda: cv2.GaussianBlur(webcam(), (0, 0), 4), id="out of focus"),
    ],
)
def test_a_person_is_found(picture: object) -> None:
    assert callable(picture)
    assert len(measure(jpeg(picture(), 70))[0].faces or ()) == 1


def test_a_small_and_ill_lit_face_is_found_by_the_second_look() -> None:
    room = np.full((480, 640, 3), 120, np.uint8)
    room[360:, 240:400] = cv2.resize(webcam(), (160, 120), interpolation=cv2.INTER_AREA)
    picture = jpeg(noisy(room * 0.1, 3), 70)

    assert faces.at(Given(picture), faces.FIRST_LOOK) == ()
    measured, _ = measure(picture)
    assert len(measured.faces or ()) == 1
    assert measured.contrast is not None
    assert measured.contrast < vision.COVERED_CONTRAST
    assert (measured.dark, measured.covered) == (True, False)


def test_an_empty_room_has_no_face_which_is_not_the_same_as_no_count() -> None:
    need("yunet")
    room = noisy(np.linspace(60, 200, 640)[None, :, None].repeat(480, 0).repeat(3, 2), 5)

    assert measure(jpeg(room))[0].faces == ()


@pytest.mark.parametrize(
    ("picture", "dark", "covered"),
    [
        pytest.param(lambda: noisy(webcam() * 0.1, 3), True, False, id="a room without light"),
        pytest.param(lambda: noisy(np.full((480, 640, 3), 6), 2), True, True, id="tape"),
        pytest.param(lambda: noisy(np.full((480, 640, 3), 190), 3), False, True, id="paper"),
        pytest.param(webcam, False, False, id="a person in the light"),
    ],
)
def test_light_and_cover_are_told_apart(picture: object, dark: bool, covered: bool) -> None:
    assert callable(picture)
    measured, _ = measure(jpeg(picture()))

    assert (measured.dark, measured.covered) == (dark, covered)


def test_a_face_lit_by_its_screen_in_a_dark_room_is_not_too_dark() -> None:
    picture = webcam() // 8
    picture[10:250, 190:400] = webcam()[10:250, 190:400]
    measured, _ = measure(jpeg(picture))

    assert measured.light_mean is not None
    assert measured.light_mean < vision.DARK_MEAN
    assert measured.dark is False


def test_a_blurred_picture_is_less_sharp() -> None:
    sharp, _ = measure(jpeg(webcam()))
    blurred, _ = measure(jpeg(cv2.GaussianBlur(webcam(), (0, 0), 4)))

    assert sharp.sharpness is not None
    assert blurred.sharpness is not None
    assert blurred.sharpness < sharp.sharpness / 5


def many_scans() -> bytes:
    data = jpeg(np.zeros((64, 64, 3)))
    scan = data.index(b"\xff\xda")
    return data[:-2] + data[scan:-2] * 100 + data[-2:]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        pytest.param(b"", "not an image", id="no bytes"),
        pytest.param(b"Dear proctor, my camera is broken.", "not an image", id="text"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image", id="SVG"),
        pytest.param(b"GIF89a" + bytes(100), "not an image", id="GIF"),
        pytest.param(b"\xff\xd8", "not an image", id="only the start of a JPEG"),
        pytest.param(b"\xff\xd8" + b"\xff" * 500, "not an image", id="a JPEG of fill bytes"),
        pytest.param(b"\xff\xd8" + bytes(500), "not an image", id="a JPEG of zeros"),
        pytest.param(b"\xff\xd8\xff\xd9" + bytes(9), "not an image", id="a JPEG without picture"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "not an image", id="only the start of a PNG"),
        pytest.param(png(np.zeros((64, 64, 3)))[:-30], "not an image", id="a PNG cut short"),
        pytest.param(jpeg(np.zeros((64, 64, 3)))[:-2], "ends early", id="a JPEG without its end"),
        pytest.param(bomb_png(), "60000 x 60000", id="a PNG of 3.6 gigapixels"),
        pytest.param(bomb_jpeg(), "65000 x 65000", id="a JPEG of 4.2 gigapixels"),
        pytest.param(many_scans(), "scans", id="a JPEG of a hundred scans"),
        pytest.param(jpeg(np.zeros((32, 4097, 3))), "4097 x 32", id="one pixel too wide"),
        pytest.param(jpeg(np.zeros((1, 1, 3))), "1 x 1", id="one pixel"),
        pytest.param(jpeg(np.zeros((31, 640, 3))), "too few", id="one pixel too low"),
        pytest.param(bytes(pictures.MAX_BYTES + 1), "bytes are more", id="one byte too many"),
    ],
)
def test_what_cannot_be_measured_says_why_and_is_never_fine(data: bytes, cause: str) -> None:
    measured, small = measure(data)

    (line,) = measured.unavailable
    assert line.startswith("picture: ")
    assert cause in line
    assert small is None
    assert measured.faces is None
    assert (measured.dark, measured.covered, measured.frozen) == (None, None, None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(animated_png, id="an animated PNG"),
        pytest.param(lambda: jpeg(webcam()) + jpeg(webcam() * 0), id="Motion JPEG"),
    ],
)
def test_what_moves_is_measured_as_its_first_picture(data: Callable[[], bytes]) -> None:
    need("yunet")
    moving, still = measure(data())[0], measure(jpeg(webcam(), 95))[0]

    assert moving.unavailable == ()
    assert len(moving.faces or ()) == 1
    assert moving.light_mean == pytest.approx(still.light_mean, abs=2)


def test_a_jpeg_in_cmyk_is_measured_or_says_why_not() -> None:
    need("yunet")
    measured, small = measure(cmyk_jpeg())

    assert (small is None) == bool(measured.unavailable)


def test_half_a_jpeg_is_not_measured_as_if_it_were_whole() -> None:
    whole = jpeg(webcam())

    assert measure(whole[: len(whole) // 2])[0].unavailable == ("picture: the picture ends early",)


def test_the_largest_picture_allowed_is_measured() -> None:
    need("yunet")
    measured, small = measure(jpeg(np.full((4096, 4096, 3), 90), 50))

    assert measured.unavailable == ()
    assert small is not None


SEED = jpeg(
    cv2.resize(np.arange(48, dtype=np.uint8).reshape(6, 8).repeat(3).reshape(6, 8, 3), (96, 64))
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(SEED)),
)
def test_a_damaged_picture_never_raises_and_is_never_larger_than_its_header_says(
    changes: list[tuple[int, int]], cut: int
) -> None:
    need("yunet")
    data = bytearray(SEED)
    for at, value in changes:
        data[at] = value
    for damaged in (bytes(data), bytes(data[:cut])):
        measured, _ = measure(damaged)
        if not measured.unavailable:
            decoded = cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
            assert decoded is not None
            assert decoded.shape[1::-1] == pictures.dimensions(damaged)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff", pictures.PNG]))
def test_no_bytes_whatever_raise(tail: bytes, start: bytes) -> None:
    measure(start + tail)


def test_without_its_model_faces_are_unknown_and_the_rest_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = jpeg(webcam())
    monkeypatch.setenv("PROCTOR_MODELS", str(tmp_path))

    measured, small = measure(picture)

    assert measured.faces is None
    assert measured.unavailable == ("faces: the model yunet is not there",)
    assert "yunet" not in {model.name for model in measured.models}
    assert measured.light_mean is not None
    assert small is not None


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    need("yunet")
    made = Workers(2)
    yield made
    await made.close()


async def test_workers_measure_and_compare_the_pictures_of_each_stream(workers: Workers) -> None:
    picture = jpeg(webcam())

    first = await workers.observe("s1/d1", picture)
    other = await workers.observe("s2/d1", picture)
    await workers.observe("s1/d1", b"no picture")
    again = await workers.observe("s1/d1", picture)

    assert first == Camera().see(*measure(picture))
    assert other.frozen is None
    assert again.frozen is True


async def test_more_pictures_than_there_is_room_for_are_all_measured(workers: Workers) -> None:
    pictures = [jpeg(webcam()), b"none"] * 8

    measured = await asyncio.gather(
        *(workers.observe(f"s{i}", picture) for i, picture in enumerate(pictures))
    )

    assert [len(each.faces or ()) for each in measured] == [1, 0] * 8


async def test_a_killed_worker_loses_no_picture(workers: Workers) -> None:
    picture = jpeg(webcam())
    await workers.observe("before", picture)
    waiting = [asyncio.ensure_future(workers.observe(f"s{i}", picture)) for i in range(6)]
    await asyncio.sleep(0)  # all are on their way

    for child in multiprocessing.active_children():
        child.kill()

    measured = await asyncio.gather(*waiting)
    assert [len(each.faces or ()) for each in measured] == [1] * 6
    assert (await workers.observe("before", picture)).frozen is True


async def test_a_picture_that_kills_each_worker_is_an_observation_that_says_so(
    workers: Workers,
) -> None:
    picture = jpeg(webcam())
    waiting = asyncio.ensure_future(workers.observe("s", picture))
    while not waiting.done():
        for child in multiprocessing.active_children():
            child.kill()
        await asyncio.sleep(0)

    assert (await waiting).unavailable == ("worker: it died with the picture, twice",)
    assert len((await workers.observe("s", picture)).faces or ()) == 1


@pytest.mark.timeout(900)  # beside other tests it hardly has a core, which is what it is about
async def test_a_worker_as_a_server_starts_it_runs_when_nobody_else_does_and_measures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("yunet")
    monkeypatch.setattr(vision, "_start_worker", _start_worker)
    workers = Workers(1)
    try:
        measured = await workers.observe("s", jpeg(webcam()))
        (child,) = multiprocessing.active_children()
        assert child.pid is not None
        idle = os.sched_getscheduler(child.pid) == os.SCHED_IDLE
        assert idle or os.getpriority(os.PRIO_PROCESS, child.pid) == vision.LEAST_PRIORITY
        assert len(measured.faces or ()) == 1
    finally:
        await workers.close()


async def test_a_stopped_worker_is_killed_and_its_picture_is_measured_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("yunet")
    monkeypatch.setattr(vision, "PATIENCE_S", 4.0)
    workers = Workers(1)
    try:
        picture = jpeg(webcam())
        await workers.observe("s", picture)
        (child,) = multiprocessing.active_children()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)

        assert len((await workers.observe("t", picture)).faces or ()) == 1
        assert not child.is_alive()
    finally:
        await workers.close()


async def test_faces_are_compared_in_a_worker_and_across_the_death_of_one(
    workers: Workers,
) -> None:
    one, again, other = (path.read_bytes() for path in need("obama", "obama2", "biden"))
    need("sface")

    alike = (await workers.compare(one, again)).same_person or 0
    for child in multiprocessing.active_children():
        child.kill()
    closest = await workers.closest(one, [again, b"no picture", other])
    observed = await workers.observe("s", again, face=one, sample=True)
    without = await workers.observe("s", again, face=one)
    jumped = await workers.observe("s", jpeg(np.full((480, 640, 3), 99)), face=one)
    back = await workers.observe("s", other, face=one)

    assert alike > vision.SAME_FACE_ON_TWO_ACCOUNTS
    assert closest[0] == alike
    assert closest[1] is None
    assert (closest[2] or 1) < vision.SAME_PERSON
    assert (observed.same_person or 0) > vision.SAME_PERSON
    assert (without.same_person, jumped.same_person) == (None, None)
    assert back.same_person == closest[2]


async def test_a_comparison_that_kills_each_worker_says_so(workers: Workers) -> None:
    picture = jpeg(webcam())
    waiting = asyncio.ensure_future(workers.compare(picture, picture))
    while not waiting.done():
        for child in multiprocessing.active_children():
            child.kill()
        await asyncio.sleep(0)

    compared = await waiting
    assert compared.same_person is None
    assert compared.unavailable == ("same person: the worker that compared died, twice",)


async def test_a_face_that_kills_workers_takes_no_other_of_its_call_with_it(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = workers._run

    async def killed(job: Any, *args: Any, **kwargs: Any) -> Any:
        if job is faces.closest or b"poison" in args:
            raise Died
        return await run(job, *args, **kwargs)

    monkeypatch.setattr(workers, "_run", killed)
    one, again = (path.read_bytes() for path in need("obama", "obama2"))
    need("sface")
    bad, good = await workers.closest(one, [b"poison", again])
    assert bad is None
    assert (good or 0) > vision.SAME_FACE_ON_TWO_ACCOUNTS


async def test_closing_twice_does_nothing(workers: Workers) -> None:
    await workers.observe("s", b"")
    await workers.close()
    await workers.close()

    assert multiprocessing.active_children() == []


def test_where_the_idle_class_is_not_allowed_pictures_are_looked_at_at_least_priority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    niced: list[int] = []
    monkeypatch.setattr(os, "nice", niced.append)
    monkeypatch.setattr(os, "sched_setscheduler", refused)
    monkeypatch.setattr(cv2, "setNumThreads", lambda _count: None)

    _start_worker()

    assert niced == [vision.LEAST_PRIORITY]


def refused(*_: object) -> None:
    raise PermissionError


SERVER = """
import asyncio, multiprocessing, sys
from proctor.adapters.vision import Workers

async def main():
    workers = Workers(2)
    await asyncio.gather(*(workers.observe(str(i), b"") for i in range(4)))
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        children = [psutil.Process(int(pid)) for pid in server.stdout.readline().split()]
        server.send_signal(signal.SIGKILL)

    assert children
    _gone, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
