"""Pictures come from the right moment, and a camera that hangs harms nothing else."""

import asyncio
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from proctor_client.camera import (
    Camera,
    Clip,
    Frame,
    Size,
    Still,
    document_still,
    light_of,
    opener,
    still_of,
)
from proctor_client.capture import Capture
from proctor_client.errors import BadInput, CameraLost
from proctor_client.recorder import Recorder
from proctor_client.spool import Spool

from proctor.evidence.record import Kind
from tests.client.clips import grey, write_clip

SIZE = Size(width=640, height=480, quality=85)


@pytest.mark.parametrize(
    ("elapsed_s", "level"),
    [
        pytest.param(0.0, 60, id="its start"),
        pytest.param(0.24, 60, id="still its first frame"),
        pytest.param(0.25, 70, id="its second frame"),
        pytest.param(2.6, 160, id="near its end"),
        pytest.param(3.1, 60, id="its start again"),
        pytest.param(3 * 1000 + 1.3, 110, id="after a thousand rounds"),
    ],
)
def test_a_clip_shows_one_frame_at_one_time(tmp_path: Path, elapsed_s: float, level: int) -> None:
    path = write_clip(tmp_path / "clip.avi", 12, lambda at: grey(60 + 10 * at))
    clip = Clip(path, lambda: elapsed_s)
    frame = clip.read()
    assert frame is not None
    assert frame.mean() == pytest.approx(level, abs=2)
    clip.close()


async def test_a_restarted_client_goes_on_in_its_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi", 12, lambda at: grey(60 + 10 * at))
    camera = Camera(opener(str(path), elapsed_s=lambda: 0.25, offset_s=1.0))
    still = await camera.still(SIZE)
    camera.close()
    assert light_of(still).mean == pytest.approx(110, abs=2)
    assert (still.width, still.height) == (640, 480)


def test_a_clip_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        opener(str(tmp_path / "none.avi"), elapsed_s=lambda: 0.0)


@pytest.mark.parametrize("ending", ["jpg", "png"])
async def test_a_picture_stands_for_a_camera_that_always_shows_it(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"learner.{ending}"
    cv2.imwrite(str(path), grey(100))
    camera = Camera(opener(str(path), elapsed_s=lambda: 3.0))
    stills = [await camera.still(SIZE) for _ in range(3)]
    camera.close()
    assert [each.jpeg for each in stills] == [stills[0].jpeg] * 3
    assert light_of(stills[0]).mean == pytest.approx(100, abs=2)


def test_a_file_that_is_neither_a_picture_nor_a_clip_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "no.avi"
    path.write_bytes(b"no clip")
    with pytest.raises(BadInput) as no:
        opener(str(path), elapsed_s=lambda: 0.0)
    assert no.value.happened == f"{path} is no picture or clip that can be read."


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param((960, 1280, 3), (640, 480), id="four to three"),
        pytest.param((720, 1280, 3), (640, 360), id="wide: kept wide, with no black bars"),
        pytest.param((240, 320, 3), (320, 240), id="small: not enlarged"),
    ],
)
def test_a_still_keeps_its_proportions(
    shape: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    still = still_of(np.zeros(shape, np.uint8), SIZE)
    assert (still.width, still.height) == expected
    assert still.jpeg.startswith(b"\xff\xd8")


def test_a_document_is_encoded_anew_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "id.png"
    cv2.imwrite(str(path), np.zeros((2000, 3000, 3), np.uint8))
    still = document_still(path)
    assert (still.width, still.height) == (1920, 1280)


@pytest.mark.parametrize(
    "data", [pytest.param(b"", id="empty"), pytest.param(b"%PDF-1.7", id="a PDF")]
)
def test_a_document_that_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "id").write_bytes(data)
    with pytest.raises(BadInput):
        document_still(tmp_path / "id")
    with pytest.raises(BadInput):
        document_still(tmp_path / "none")


@pytest.mark.parametrize(
    ("frame", "dark", "covered"),
    [
        pytest.param(grey(120), False, False, id="a lit room"),
        pytest.param(grey(60) // 4, True, False, id="a dark room"),
        pytest.param(np.full((480, 640, 3), 120, np.uint8), False, True, id="a grey cover"),
        pytest.param(np.zeros((480, 640, 3), np.uint8), True, True, id="a black cover"),
    ],
)
def test_light_is_measured_by_its_rules(frame: Frame, *, dark: bool, covered: bool) -> None:
    light = light_of(still_of(frame, SIZE))
    assert (light.dark, light.covered) == (dark, covered)


class Blocked:
    """A driver that answers when the test lets it."""

    live = False

    def __init__(self) -> None:
        self.free = threading.Event()
        self.entered = threading.Event()

    def read(self) -> Frame | None:
        self.entered.set()
        self.free.wait()
        return grey(100)

    def skip(self) -> bool:
        return True

    def close(self) -> None: ...


def recorder_in(folder: Path, *, blobs_limit_bytes: int = 1_000_000) -> Recorder:
    ticks = iter(range(1000, 10_000))
    spool = Spool(folder, session="s_1", device="d_1", blobs_limit_bytes=blobs_limit_bytes)
    return Recorder(spool, now_ms=lambda: next(ticks))


def capture_of(camera: object, recorder: Recorder, said: list[str]) -> Capture:
    return Capture(camera, recorder, size=SIZE, every_s=10, say=said.append)  # type: ignore[arg-type]  # fakes


def story(recorder: Recorder) -> list[str]:
    """What the log tells, a word a record."""
    words = []
    for record in recorder.spool.records():
        match record.kind:
            case Kind.GAP:
                assert record.facts["of"] == "capture"
                assert record.facts["from_ms"] <= record.facts["to_ms"]
                words.append(f"gap {record.facts['cause']}")
            case Kind.NOTICE:
                words.append(str(record.facts["notice"]))
            case _:
                words.append(str(record.kind))
    return words


async def test_answers_go_on_while_the_camera_hangs(tmp_path: Path) -> None:
    driver, recorder = Blocked(), recorder_in(tmp_path)
    camera = Camera(lambda: driver, patience_s=30)
    capture = asyncio.create_task(capture_of(camera, recorder, []).tick())
    await asyncio.to_thread(driver.entered.wait)

    for at in range(20):
        await recorder.write(Kind.ANSWER, {"item": str(at)})

    assert not capture.done()
    assert story(recorder) == ["answer"] * 20
    driver.free.set()
    await capture
    assert story(recorder) == ["answer"] * 20 + ["snapshot"]
    camera.close()
    recorder.close()


async def test_a_camera_that_hangs_for_long_is_lost_and_can_come_back(tmp_path: Path) -> None:
    driver, recorder = Blocked(), recorder_in(tmp_path)
    said: list[str] = []
    camera = Camera(lambda: driver, patience_s=0.01)
    capture = capture_of(camera, recorder, said)
    for _ in range(6):  # more asks than the camera lets wait
        await capture.tick()
    assert story(recorder) == ["camera-lost", "gap camera"]
    driver.free.set()
    camera.close()
    camera = Camera(lambda: driver)
    capture._camera = camera
    await capture.tick()
    assert story(recorder)[2:] == ["snapshot", "gap camera", "camera-back"]
    assert len(said) == 2
    camera.close()
    recorder.close()


class Stills:
    """A camera that gives another picture each time, or none."""

    def __init__(self) -> None:
        self.count = 0
        self.lost = False

    async def still(self, size: Size) -> Still:
        if self.lost:
            raise CameraLost("unplugged")
        self.count += 1
        return Still(jpeg=b"%0100d" % self.count, width=size.width, height=size.height)


async def test_a_camera_unplugged_for_a_while_leaves_its_whole_absence_in_the_log(
    tmp_path: Path,
) -> None:
    camera, recorder = Stills(), recorder_in(tmp_path)
    capture = capture_of(camera, recorder, [])
    await capture.tick()
    camera.lost = True
    for _ in range(3):
        await capture.tick()
    camera.lost = False
    await capture.tick()

    assert story(recorder) == [
        "snapshot",
        "camera-lost",
        "gap camera",
        "snapshot",
        "gap camera",
        "camera-back",
    ]
    first, rest = [each.facts for each in recorder.spool.records() if each.kind is Kind.GAP]
    assert first["to_ms"] == rest["from_ms"]
    recorder.close()


async def test_a_full_spool_is_a_gap_with_its_cause_and_answers_go_on(tmp_path: Path) -> None:
    camera, recorder = Stills(), recorder_in(tmp_path, blobs_limit_bytes=250)
    capture = capture_of(camera, recorder, [])
    for _ in range(5):
        await capture.tick()
    await recorder.write(Kind.ANSWER, {"item": "1"})
    assert story(recorder) == ["snapshot", "snapshot", "gap spool-full", "answer"]
    assert len(recorder.spool.named()) == 2

    recorder.spool.drop_blob(next(iter(recorder.spool.named())))
    await capture.tick()

    assert story(recorder)[4:] == ["snapshot", "gap spool-full"]
    recorder.close()


async def test_an_outage_that_lasts_until_the_end_is_said_at_the_end(tmp_path: Path) -> None:
    camera, recorder = Stills(), recorder_in(tmp_path)
    capture = capture_of(camera, recorder, [])
    camera.lost = True
    await capture.tick()
    await capture.stop()
    assert story(recorder) == ["camera-lost", "gap camera", "gap camera"]
    recorder.close()


async def test_a_picture_whose_record_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    capture = capture_of(Stills(), recorder, [])
    with pytest.raises(Exception, match="65536 at the most"):
        await capture.record("x" * 70_000, Still(jpeg=b"x", width=1, height=1))
    assert recorder.spool.size == 0
    assert not list((tmp_path / "blobs").iterdir())
    recorder.close()
