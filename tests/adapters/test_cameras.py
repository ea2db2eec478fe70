from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from proctor.adapters import cameras
from proctor.adapters.cameras import Camera, Cameras, Small
from proctor.adapters.pictures import Picture, pixels
from proctor.adapters.vision import measure
from proctor.domain.observation import Face, Measured
from tests.pictures import jpeg, webcam

SOMEBODY = Measured(
    faces=(Face(x=200, y=100, width=90, height=120, score=0.9),), covered=False, dark=False
)
NOBODY = replace(SOMEBODY, faces=())
COVERED = replace(SOMEBODY, faces=(), covered=True)


def kept(picture: npt.ArrayLike, quality: int = 85) -> Small:
    fitted = Picture(jpeg(picture, quality)).fitted((320, 240))
    return cameras.small(pixels(cv2.cvtColor(fitted, cv2.COLOR_BGR2GRAY)))


def noisy(picture: npt.ArrayLike, sigma: float, seed: int) -> npt.NDArray[np.uint8]:
    array = np.asarray(picture, np.float64)
    noise = np.random.default_rng(seed).normal(0, sigma, array.shape)
    return np.clip(array + noise, 0, 255).astype(np.uint8)


def film(count: int, first: int = 0, *, sway: int = 12) -> Sequence[npt.NDArray[np.uint8]]:
    """A learner who moves about, before a camera with noise."""
    frames = []
    for seed in range(first, first + count):
        x, y = np.random.default_rng(seed).integers(-sway, sway + 1, 2)
        turn = np.array([[1, 0, x], [0, 1, y]], np.float32)
        moved = cv2.warpAffine(webcam(), turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)
        frames.append(noisy(moved, 1.5, seed))
    return frames


@pytest.fixture
def camera() -> Camera:
    return Camera()


def test_the_first_picture_is_neither_frozen_nor_looped(camera: Camera) -> None:
    seen = camera.see(*measure(jpeg(webcam())))

    assert (seen.change, seen.frozen, seen.looped, seen.repeat) == (None, None, None, None)


def test_the_same_picture_again_is_frozen(camera: Camera) -> None:
    camera.see(*measure(jpeg(webcam())))
    again = camera.see(*measure(jpeg(webcam())))

    assert (again.change, again.frozen) == (0.0, True)
    assert {model.name for model in again.models} == {"yunet", "light", "frozen"}


def test_a_blurred_and_empty_room_is_frozen_in_whichever_quality_it_is_packed(
    camera: Camera,
) -> None:
    room = cv2.GaussianBlur(webcam() // 3, (0, 0), 6)

    camera.see(NOBODY, kept(room, 90))
    assert camera.see(NOBODY, kept(room, 95)).frozen is True


@pytest.mark.parametrize("sigma", [1.5, 3, 5])
def test_a_person_who_does_not_move_is_not_frozen_for_a_camera_has_noise(
    camera: Camera, sigma: float
) -> None:
    seen = [camera.see(SOMEBODY, kept(noisy(webcam(), sigma, seed))) for seed in range(30)]

    assert not any(each.frozen for each in seen)
    assert not any(each.looped for each in seen)


def test_an_empty_room_after_a_lively_person_is_not_frozen(camera: Camera) -> None:
    for frame in film(20):
        camera.see(SOMEBODY, kept(frame))
    room = np.full((480, 640, 3), 120)

    empty = [camera.see(NOBODY, kept(noisy(room, 3, seed))) for seed in range(5)]

    assert [each.frozen for each in empty] == [False] * 5
    assert [each.looped for each in empty] == [None] * 5


@pytest.mark.parametrize(
    "anew",
    [
        pytest.param(lambda frame: kept(frame, 60), id="in JPEG 60"),
        pytest.param(lambda frame: kept(frame, 95), id="in JPEG 95"),
        pytest.param(lambda frame: kept(cv2.resize(frame, (1280, 960))), id="twice the size"),
        pytest.param(
            lambda frame: kept(cv2.resize(frame, (320, 240), interpolation=cv2.INTER_AREA)),
            id="half the size",
        ),
        pytest.param(lambda frame: kept(frame * 0.7), id="darker"),
    ],
)
def test_a_picture_that_stands_still_is_found_though_it_is_packed_anew(
    camera: Camera, anew: object
) -> None:
    assert callable(anew)
    frames = film(12)
    for frame in frames:
        camera.see(SOMEBODY, kept(frame))

    seen = camera.see(SOMEBODY, anew(frames[-1]))

    assert seen.change is not None
    assert seen.change > cameras.FROZEN_CHANGE * 0.5
    assert seen.frozen is True


def test_covered_pictures_are_alike_and_so_never_frozen(camera: Camera) -> None:
    black = kept(np.zeros((480, 640, 3)))
    camera.see(COVERED, black)

    seen = camera.see(COVERED, black)

    assert (seen.change, seen.frozen, seen.looped) == (0.0, None, None)


def test_a_camera_that_changes_its_size_is_still_compared(camera: Camera) -> None:
    camera.see(SOMEBODY, kept(webcam()))
    seen = camera.see(SOMEBODY, kept(cv2.resize(webcam(), (1280, 960))))

    assert seen.change is not None
    assert seen.change < 5


def test_a_film_that_plays_again_is_looped_and_the_first_time_was_not(camera: Camera) -> None:
    frames = [kept(frame) for frame in film(30)]

    first = [camera.see(SOMEBODY, frame) for frame in frames]
    second = [camera.see(SOMEBODY, frame) for frame in frames]

    assert not any(each.looped for each in first)
    assert min(each.repeat for each in first if each.repeat is not None) > 0.5
    assert [each.looped for each in second] == [True] * 30
    assert {each.repeat for each in second} == {0.0}
    assert not any(each.frozen for each in second)
    assert "looped" in {model.name for model in second[-1].models}


def test_a_picture_that_stands_still_is_frozen_and_not_looped(camera: Camera) -> None:
    frames = [kept(frame) for frame in film(12)]
    for frame in frames:
        camera.see(SOMEBODY, frame)

    still = [camera.see(SOMEBODY, frames[-1]) for _ in range(4)]

    assert [each.frozen for each in still] == [True] * 4
    assert [each.looped for each in still] == [False] * 4


def test_too_few_pictures_to_know_the_camera_say_nothing(camera: Camera) -> None:
    frames = [kept(frame) for frame in film(4)]

    seen = [camera.see(SOMEBODY, frame) for frame in frames * 2]

    assert {each.looped for each in seen} == {None}


def test_a_picture_that_could_not_be_read_is_as_if_not_taken(camera: Camera) -> None:
    camera.see(SOMEBODY, kept(webcam()))
    unreadable = Measured(unavailable=("picture: not an image that can be read",))

    assert camera.see(unreadable, None) == unreadable
    assert camera.faces == SOMEBODY.faces
    assert camera.see(SOMEBODY, kept(webcam())).frozen is True


def test_only_as_many_earlier_pictures_are_kept_as_there_is_room_for(camera: Camera) -> None:
    frames = [kept(frame) for frame in film(20)]
    for frame in frames:
        camera.see(SOMEBODY, frame, room=5)

    assert camera.earlier_bytes == 5 * 300
    assert camera.see(SOMEBODY, frames[-4], room=5).looped is True
    assert camera.see(SOMEBODY, frames[3], room=5).looped is False


def test_the_least_recently_seen_camera_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Cameras, "MAX_CAMERAS", 2)
    all_of_them, small = Cameras(), kept(webcam())
    for stream in ("a", "b", "a", "c"):
        all_of_them.see(stream, SOMEBODY, small)

    assert all_of_them.faces("b") is None
    assert all_of_them.see("a", SOMEBODY, small).frozen is True
    assert all_of_them.see("b", SOMEBODY, small).frozen is None


def test_all_cameras_together_stay_within_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cameras, "MAX_EARLIER_BYTES", 30 * 300)
    all_of_them = Cameras()
    frames = [kept(frame) for frame in film(24)]
    for at, frame in enumerate(frames):
        all_of_them.see("old", SOMEBODY, frame)
        assert all_of_them.earlier_bytes == (at + 1) * 300
    for frame in frames:
        for stream in ("one", "two"):
            all_of_them.see(stream, SOMEBODY, frame)
            assert all_of_them.earlier_bytes <= 30 * 300

    # Each of the two has its share, and what went was that of the one not seen since.
    assert all_of_them.see("one", SOMEBODY, frames[-8]).looped is True
    assert all_of_them.see("old", SOMEBODY, frames[2]).looped is None
