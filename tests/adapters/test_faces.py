import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from proctor.adapters import faces, models
from proctor.adapters.pictures import Picture
from proctor.adapters.vision import SAME_FACE_ON_TWO_ACCOUNTS, SAME_PERSON, measure
from proctor.domain.observation import Face
from tests.pictures import astronaut, jpeg, need, webcam


def portrait(name: str) -> bytes:
    return need("yunet", "sface", name)[2].read_bytes()


def turned(picture: npt.NDArray[np.uint8], degrees: float) -> npt.NDArray[np.uint8]:
    rows, columns = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 0.8)
    return np.asarray(
        cv2.warpAffine(picture, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def loaded(name: str) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(portrait(name), np.uint8), 1), np.uint8)


def box(x: int, y: int = 0, size: int = 100) -> Face:
    return Face(x=x, y=y, width=size, height=size, score=0.9)


def test_both_looks_must_see_a_second_person() -> None:
    one, two = (box(0),), (box(0), box(300))

    assert faces.settle(two, two) == two
    assert faces.settle(two, one) == one
    assert faces.settle(two, ()) == two[:1]
    assert faces.settle((), one) == one
    assert faces.settle((), two) == two[:1]
    assert faces.settle((), ()) == ()


def test_folds_of_a_suit_that_the_closer_look_takes_for_a_face_are_none() -> None:
    suit = cv2.resize(astronaut()[341 : 341 + 162, 50 : 50 + 217], (640, 480))
    picture = Picture(jpeg(np.asarray(suit, np.uint8)))
    assert len(faces.at(picture, faces.SECOND_LOOK)) == 1
    assert faces.find(picture) == ()


def test_boxes_that_share_most_of_the_smaller_one_are_the_same_face() -> None:
    assert faces.same_place(box(0), box(20, 20, 50))
    assert faces.same_place(box(0), box(30))
    assert not faces.same_place(box(0), box(60))
    assert not faces.same_place(box(0), box(200))
    assert not faces.same_place(box(0), box(0, 200))


def test_a_face_that_comes_goes_or_is_elsewhere_at_once_has_jumped() -> None:
    assert faces.jumped((), (box(0),))
    assert faces.jumped((box(0),), (box(0), box(300)))
    assert faces.jumped((box(0),), (box(150),))
    assert not faces.jumped((box(0),), (box(60, 40),))
    assert not faces.jumped((), ())
    # A face that only came nearer is where it was.
    assert not faces.jumped((box(50, 50),), (box(0, 0, 200),))


@pytest.mark.parametrize("light", [0.1, 0.03])
@pytest.mark.parametrize("tilt", [-30, 0, 30])
def test_a_tilted_face_is_found_in_the_dark_where_it_is(light: float, tilt: float) -> None:
    need("yunet")
    picture = turned(webcam(), tilt)
    (lit,) = faces.find(Picture(jpeg(picture)))

    (dark,) = faces.find(Picture(jpeg(np.rint(picture * light))))

    assert faces.same_place(lit, dark)


def test_noise_in_the_dark_is_no_face_however_much_it_is_brightened() -> None:
    need("yunet")
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(5, 1 + seed / 2, (480, 640, 3))
        assert faces.find(Picture(jpeg(np.clip(noise, 0, 255)))) == ()


def test_the_same_person_in_other_years_is_alike_and_another_is_not() -> None:
    same = [
        faces.compare(portrait(one), portrait(other))
        for one, other in (("obama", "obama2"), ("obama", "obama3"), ("obama2", "obama3"))
    ]
    other = [faces.compare(portrait("biden"), portrait(f"obama{i}")) for i in ("", "2", "3")]

    for compared in same:
        assert compared.same_person is not None
        assert compared.same_person > SAME_FACE_ON_TWO_ACCOUNTS > SAME_PERSON
        assert compared.unavailable == ()
        assert {model.name for model in compared.models} == {"yunet", "sface"}
    assert all((compared.same_person or 1) < SAME_PERSON - 0.05 for compared in other)


@pytest.mark.parametrize("tilt", [-45, -30, -20, 20, 30, 45])
def test_a_tilted_head_is_still_the_same_person(tilt: float) -> None:
    for one, other in (("obama", "obama2"), ("obama2", "obama3")):
        tilted = faces.compare(portrait(one), jpeg(turned(loaded(other), tilt))).same_person
        assert tilted is not None
        assert tilted > 0.5


def test_the_largest_face_is_the_one_that_is_compared() -> None:
    one = loaded("obama")
    small = cv2.resize(loaded("biden"), None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    both = np.full((1137, 1300, 3), 128, np.uint8)
    both[:, :910] = one
    both[: small.shape[0], 930 : 930 + small.shape[1]] = small
    assert len(faces.find(Picture(jpeg(both)))) == 2

    compared = faces.compare(jpeg(both), portrait("obama2"))

    assert (compared.same_person or 0) > 0.5


def head(name: str, side: int) -> npt.NDArray[np.uint8]:
    """A square of a portrait: the face, and as much again around it."""
    picture = loaded(name)
    (face,) = faces.find(Picture(portrait(name)))
    half = face.height
    x, y = face.x + face.width // 2, face.y + face.height // 2
    cut = picture[max(0, y - half) : y + half, max(0, x - half) : x + half]
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def beside(large: str, small: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    picture = np.full((700, 1000, 3), 128, np.uint8)
    picture[:600, :600] = head(large, 600)
    picture[100:400, 650:950] = small
    return picture


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_learner_larger_than_the_portrait_is_not_compared_with_themselves(quarters: int) -> None:
    """Who holds up a document of somebody else, however it lies."""
    held_up = jpeg(beside("obama", np.rot90(head("biden", 300), quarters)))
    at = Face(x=725, y=175, width=150, height=150, score=0.9)

    assert (faces.compare(portrait("obama2"), held_up).same_person or 0) > 0.5
    theirs = faces.compare(portrait("obama2"), held_up, at=at).same_person
    assert theirs is not None
    assert theirs < SAME_PERSON
    assert (faces.compare(portrait("biden"), held_up, at=at).same_person or 0) > 0.5


def test_a_learner_behind_somebody_larger_is_found() -> None:
    picture = jpeg(beside("biden", head("obama", 300)))
    assert len(measure(picture)[0].faces or ()) == 2

    assert (measure(picture, face=portrait("obama2"), sample=True)[0].same_person or 0) > 0.5
    # Nobody there is the learner.
    alone = jpeg(beside("biden", head("biden", 300)))
    nobody = measure(alone, face=portrait("obama2"), sample=True)[0].same_person
    assert nobody is not None
    assert nobody < SAME_PERSON


def test_at_most_three_faces_of_a_snapshot_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Face] = []
    features = faces._features

    def noted(picture: Picture, face: Face) -> object:
        compared.append(face)
        return features(picture, face)

    picture = Picture(portrait("obama"))
    (here,) = faces.find(picture)
    shifted = [
        Face(x=here.x, y=here.y, width=here.width - k, height=here.height - k, score=0.9)
        for k in range(5)
    ]
    faces.likeness(picture, [here], portrait("obama2"))  # remembered from here on
    monkeypatch.setattr(faces, "_features", noted)

    faces.likeness(picture, shifted[::-1], portrait("obama2"))
    assert compared == shifted[:3]
    compared.clear()
    faces.likeness(picture, [here], portrait("obama2"))
    assert compared == [here]

    empty = Face(x=0, y=0, width=20, height=20, score=0.9)
    with pytest.raises(faces.NotComparable, match="not clear enough"):
        faces.likeness(picture, [empty], portrait("obama2"))
    assert faces.likeness(picture, [empty, here], portrait("obama2")) > 0.5


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        pytest.param(b"none", "not an image that can be read", id="no picture"),
        pytest.param(jpeg(np.zeros((480, 640, 3))), "no face in it", id="no face"),
    ],
)
def test_what_cannot_be_compared_says_why_and_is_never_the_same(data: bytes, cause: str) -> None:
    good = portrait("obama")

    assert faces.compare(good, data).unavailable == (
        f"same person: the document's picture: {cause}",
    )
    assert faces.compare(data, good).unavailable == (f"same person: the face's picture: {cause}",)
    assert faces.compare(data, good).same_person is None
    measured, _ = measure(good, face=data, sample=True)
    assert measured.unavailable == (f"same person: the check-in picture: {cause}",)
    assert measured.same_person is None


def test_a_snapshot_is_compared_on_a_sample_and_where_the_faces_jumped() -> None:
    picture, face = portrait("obama"), portrait("obama2")
    (here,) = measure(picture)[0].faces or ()
    away = Face(x=0, y=0, width=here.width, height=here.height, score=0.9)

    assert measure(picture, face=face)[0].same_person is None
    assert measure(picture, face=face, before=(here,))[0].same_person is None
    assert measure(picture, sample=True, before=(away,))[0].same_person is None
    for compared in (
        measure(picture, face=face, sample=True)[0],
        measure(picture, face=face, before=(away,))[0],
        measure(picture, face=face, before=())[0],
    ):
        assert (compared.same_person or 0) > SAME_PERSON
        assert "sface" in {model.name for model in compared.models}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "is not there", id="missing"),
        pytest.param(b"x", "has 1 bytes where models.toml says 38696353", id="cut short"),
    ],
)
def test_without_sface_nobody_is_the_same_and_the_faces_are_still_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, reason: str
) -> None:
    one, other = portrait("obama"), portrait("obama2")
    assert faces.compare(one, other).same_person
    measure(one, face=other, sample=True)  # what was remembered is no way around it
    yunet = models.path("yunet").read_bytes()
    monkeypatch.setenv("PROCTOR_MODELS", str(tmp_path))
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(yunet)
    if content is not None:
        (tmp_path / "face_recognition_sface_2021dec.onnx").write_bytes(content)

    measured, _ = measure(one, face=other, sample=True)

    assert len(measured.faces or ()) == 1
    assert measured.same_person is None
    assert measured.unavailable == (f"same person: the model sface {reason}",)
    compared = faces.compare(one, other)
    assert (compared.same_person, compared.unavailable) == (None, measured.unavailable)


def test_an_altered_model_of_the_right_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = jpeg(webcam())
    data = bytearray(models.path("yunet").read_bytes())
    data[5000] ^= 1
    monkeypatch.setenv("PROCTOR_MODELS", str(tmp_path))
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(data)

    measured, _ = measure(picture)

    assert measured.faces is None
    assert "its SHA-256 differs" in measured.unavailable[0]


def test_a_bounded_number_of_check_in_faces_is_remembered_until_they_are_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(faces, "MAX_KNOWN", 2)
    monkeypatch.setattr("proctor.adapters.faces.time.monotonic", lambda: now)
    faces._known.clear()
    picture = Picture(portrait("obama"))
    found = faces.find(picture)
    shown = [portrait("obama2"), portrait("biden"), jpeg(astronaut())]
    values = [faces.likeness(picture, found, each) for each in shown]
    assert len(faces._known) == 2
    assert faces._sweep is not None
    assert faces._sweep.daemon

    now += faces.IDLE_S - 1
    assert faces.likeness(picture, found, shown[2]) == values[2]
    now += 1
    faces._sweep.cancel()
    faces._drop_idle()
    assert len(faces._known) == 1  # who still sits
    now += faces.IDLE_S
    faces._sweep.cancel()
    faces._drop_idle()
    assert not faces._known
    assert faces._sweep is None


def test_what_is_compared_across_accounts_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faces._known.clear()
    first, second = portrait("obama"), portrait("obama2")
    value = faces.compare(first, second).same_person
    assert math.isclose(faces.compare(first, first).same_person or 0, 1)
    made: list[Face] = []
    features = faces._features

    def counted(picture: Picture, face: Face, **more: Any) -> Any:
        made.append(face)
        return features(picture, face, **more)

    monkeypatch.setattr(faces, "_features", counted)
    assert faces.closest(first, [second, b"no picture", second]) == [value, None, value]
    assert len(made) == 3  # of the first once
    assert faces.closest(b"no picture", [first, second]) == [None, None]
    assert not faces._known
