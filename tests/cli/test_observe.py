import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import Terminal
from tests.pictures import jpeg, need, webcam


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    path = tmp_path / "learner.jpg"
    path.write_bytes(jpeg(webcam()))
    return path


@pytest.fixture
def covered(tmp_path: Path) -> Path:
    path = tmp_path / "covered.jpg"
    path.write_bytes(jpeg(np.zeros((480, 640, 3))))
    return path


def test_a_picture_is_told_in_plain_words(terminal: Terminal, learner: Path, covered: Path) -> None:
    ran = terminal.run("observe", learner, covered)

    assert (ran.status, ran.err) == (0, "")
    first, second = ran.out.splitlines()
    assert first.startswith(f"{learner}: one face; ")
    assert first.endswith("light enough")
    assert second == f"{covered}: no face; the camera seems covered"


def test_a_line_of_json_is_printed_for_each_picture(
    terminal: Terminal, learner: Path, covered: Path
) -> None:
    ran = terminal.run("observe", learner, covered, "--json")

    one, none = map(json.loads, ran.out.splitlines())
    assert set(one) == {"image", "faces", "dark", "covered", "same_person", "unavailable"}
    ((x, y, width, height, score),) = one["faces"]
    assert 0 <= x < x + width <= 640
    assert 0 <= y < y + height <= 480
    assert score > 0.6
    assert (one["dark"], one["covered"], one["same_person"]) == (False, False, None)
    assert (none["faces"], none["covered"], none["unavailable"]) == ([], True, [])


def test_a_face_is_compared_with_another_picture(terminal: Terminal, covered: Path) -> None:
    _, _, one, again, other = need("yunet", "sface", "obama", "obama2", "biden")

    ran = terminal.run("observe", again, other, covered, "--against", one, "--json")
    words = terminal.run("observe", again, other, covered, "--against", one).out.splitlines()

    same, another, nobody = (json.loads(line)["same_person"] for line in ran.out.splitlines())
    assert same > 0.5
    assert another < 0.3
    assert nobody is None
    assert "looks like the same person" in words[0]
    assert "looks like another person" in words[1]
    assert words[2].endswith("nobody to compare")


def test_what_cannot_be_read_is_said_and_the_others_are_still_printed(
    terminal: Terminal, tmp_path: Path, learner: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    missing = tmp_path / "missing.jpg"

    ran = terminal.run("observe", text, missing, learner)
    rows = terminal.run("observe", text, missing, learner, "--json").out.splitlines()

    assert ran.status == 1
    assert ran.err.splitlines() == [
        f"{text}: not an image that can be read",
        f"{missing}: can't be read: No such file or directory",
    ]
    assert ran.out.startswith(f"{learner}: one face")
    unreadable, _, seen = map(json.loads, rows)
    assert unreadable["faces"] is None
    assert unreadable["unavailable"] == ["picture: not an image that can be read"]
    assert len(seen["faces"]) == 1


def test_a_missing_face_to_compare_with_is_refused(
    terminal: Terminal, tmp_path: Path, learner: Path
) -> None:
    assert "can't be read" in terminal.refused(
        "observe", learner, "--against", tmp_path / "none.jpg"
    )


def test_what_is_no_picture_is_nothing_to_compare_with(
    terminal: Terminal, tmp_path: Path, learner: Path
) -> None:
    text = tmp_path / "passwd"
    text.write_text("root:x:0:0")

    ran = terminal.run("observe", learner, "--against", text)

    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"{text}: not an image that can be read\n"


def test_of_several_faces_to_compare_with_it_is_said_which_one_is(
    terminal: Terminal, tmp_path: Path, learner: Path
) -> None:
    one = webcam()
    two = tmp_path / "two.jpg"
    two.write_bytes(jpeg(np.hstack([one, one])))

    ran = terminal.run("observe", learner, "--against", two)

    assert ran.status == 0
    assert ran.err.startswith(f"{two}: 2 faces; compared is the largest, ")
    assert len(ran.err.splitlines()) == len(ran.out.splitlines()) == 1


def test_a_missing_model_is_said_and_nobody_is_called_the_same(
    terminal: Terminal, tmp_path: Path, learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCTOR_MODELS", str(tmp_path / "none"))

    (line,) = terminal.run("observe", learner, "--against", learner, "--json").out.splitlines()

    row = json.loads(line)
    assert (row["faces"], row["same_person"]) == (None, None)
    assert row["unavailable"] == ["faces: the model yunet is not there"]
