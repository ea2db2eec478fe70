import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from proctor.adapters import models
from proctor.adapters.cameras import Camera
from proctor.adapters.vision import measure
from proctor.demo import clips
from proctor.domain.observation import Measured
from tests.pictures import jpeg, need

TWO_PEOPLE = (6.0, 14.0)
COVERED = (17.0, 22.0)


@pytest.fixture(autouse=True)
def _pictures() -> None:
    need("yunet", "astronaut")


def measured(path: Path, every_s: float) -> list[tuple[float, Measured]]:
    """What the server measures of the stills that a client takes of a clip."""
    film = cv2.VideoCapture(str(path))
    fps = film.get(cv2.CAP_PROP_FPS)
    found: list[tuple[float, Measured]] = []
    camera = Camera()
    frame = 0
    while True:
        ok, picture = film.read()
        if not ok:
            film.release()
            return found
        assert picture.shape == (480, 640, 3)
        if frame % round(every_s * fps) == 0:
            found.append((frame / fps, camera.see(*measure(jpeg(picture, 85)))))
        frame += 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_calm_learner_is_one_person_whom_nothing_can_be_held_against(
    tmp_path: Path, seed: int
) -> None:
    clips.calm(tmp_path / "calm.avi", seed=seed)

    found = measured(tmp_path / "calm.avi", 1)

    assert len(found) == clips.CALM_S
    for _, each in found:
        assert each.faces is not None
        assert len(each.faces) == 1
        assert not each.dark
        assert not each.covered
        assert not each.frozen
    # Far from the threshold, or a slow machine would tip it.
    assert min(each.change or 0 for _, each in found[1:]) > 1.5


def test_the_calm_clip_does_not_stand_still_where_it_begins_anew(tmp_path: Path) -> None:
    clips.calm(tmp_path / "calm.avi")
    frames = [round(at_s) % clips.CALM_S for at_s in range(0, 10 * clips.CALM_S, 10)]

    assert all(one != next_ for one, next_ in itertools.pairwise(frames))


def test_the_story_has_its_second_person_and_its_cover_when_it_says(tmp_path: Path) -> None:
    path = tmp_path / "story.avi"
    clips.story_two_people_then_covered(path, 24, two_people=TWO_PEOPLE, covered=COVERED)

    found = measured(path, 0.5)

    counts = [
        len(each.faces or ()) for at_s, each in found if TWO_PEOPLE[0] <= at_s < TWO_PEOPLE[1]
    ]
    assert len(counts) == 16
    assert counts.count(2) >= 0.95 * len(counts)
    for at_s, each in found:
        is_covered = COVERED[0] <= at_s < COVERED[1]
        assert each.covered is is_covered
        assert not each.frozen
        if not is_covered and not TWO_PEOPLE[0] <= at_s < TWO_PEOPLE[1]:
            assert each.faces is not None
            assert len(each.faces) == 1


def test_clips_are_small_and_leave_nothing_else_behind(tmp_path: Path) -> None:
    clips.calm(tmp_path / "calm.avi")

    assert [path.name for path in tmp_path.iterdir()] == ["calm.avi"]
    assert (tmp_path / "calm.avi").stat().st_size < 4_000_000


def test_a_clip_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none.calm\.avi cannot be written"):
        clips.calm(tmp_path / "none" / "calm.avi")


def test_without_the_astronaut_the_way_to_get_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCTOR_MODELS", str(tmp_path))
    with pytest.raises(models.ModelMissing, match="proctor models fetch astronaut"):
        clips.calm(tmp_path / "calm.avi")


def test_the_identity_card_is_a_readable_picture_with_one_portrait(tmp_path: Path) -> None:
    clips.id_document(tmp_path / "id.jpg")

    picture = cv2.imread(str(tmp_path / "id.jpg"))
    assert picture is not None
    assert picture.shape == (720, 1280, 3)
    observed, _ = measure((tmp_path / "id.jpg").read_bytes())
    assert len(observed.faces or ()) == 1
    assert not observed.dark
    assert not observed.covered


def test_two_names_make_two_cards(tmp_path: Path) -> None:
    clips.id_document(tmp_path / "one.jpg")
    clips.id_document(tmp_path / "two.jpg", surname="Okonkwo", given_names="Ada", number="T100")

    one, two = (cv2.imread(str(tmp_path / name)) for name in ("one.jpg", "two.jpg"))
    assert one is not None
    assert two is not None
    assert np.any(one != two)


def test_the_machine_readable_zone_is_the_published_specimen_of_icao_9303() -> None:
    lines = clips.mrz(
        surname="Eriksson",
        given_names="Anna Maria",
        number="D23145890",
        birth="740812",
        expiry="120415",
    )

    assert lines == (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    )
