"""That the evaluation runs and says what it should; how good things are, `make evaluate` says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from proctor.adapters import models
from tests.evaluate import groups, page
from tests.evaluate.rows import Row
from tests.pictures import astronaut, jpeg, need, webcam

ROOT = Path(__file__).parent.parent.parent


def evaluate(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.evaluate", *map(str, options)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=590,  # before the test's own: what it said is seen then
        check=False,
    )


@pytest.mark.slow
def test_a_quick_run_on_pictures_of_packages_alone_writes_every_figure_and_keeps_the_prose(
    tmp_path: Path,
) -> None:
    need("yunet", "sface", "astronaut", "obama", "obama2", "obama3", "biden")
    figures, written = tmp_path / "accuracy.json", tmp_path / "accuracy.md"
    written.write_text(f"# By hand\n\n{page.START}\nold\n{page.END}\n\nkept\n", encoding="utf-8")

    ran = evaluate("--quick", "--json", figures, "--page", written)

    assert figures.exists(), ran.stderr
    rows = json.loads(figures.read_text(encoding="utf-8"))
    assert {row["name"] for row in rows} >= {
        "face found",
        "face seen where there is none",
        "second person found",
        "same person accepted, another photograph",
        "another person accepted",
        "living camera taken for frozen",
        "frozen camera found, the same bytes again",
    }
    assert "documents" in {row["part"] for row in rows}
    text = written.read_text(encoding="utf-8")
    assert text.startswith("# By hand\n")
    assert text.endswith("\n\nkept\n")
    assert "\nold\n" not in text
    for row in rows:
        assert row["count"] <= row["of"]
        assert f"| {row['name']} | {row['how']} | {row['count']} | {row['of']} |" in text
    assert str(ROOT) not in text
    missed = any(row["holds"] is False for row in rows)
    assert ran.returncode == missed, ran.stderr
    assert ("missed:" in ran.stdout) == missed
    assert "faces: one person, as given" in ran.stderr


def test_a_goal_holds_by_the_rate_alone_where_its_interval_reaches_past_it() -> None:
    few = Row(part="p", name="n", how="h", count=10, of=10, goal=0.95)
    many = Row(part="p", name="n", how="h", count=1000, of=1000, goal=0.95)
    bad = Row(part="p", name="n", how="h", count=9, of=10, goal=0.95)
    table = page.tables([few, many, bad])
    assert [line.split("|")[-2].strip() for line in table.splitlines()[4:]] == [
        "yes, by the rate",
        "yes",
        "NO",
    ]


def test_a_page_without_markers_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    written = tmp_path / "accuracy.md"
    written.write_text("by hand", encoding="utf-8")
    with pytest.raises(ValueError, match=r"accuracy\.md has no"):
        page.put(written, "figures")
    assert written.read_text(encoding="utf-8") == "by hand"


def labelled(folder: Path, lines: str) -> Path:
    labels = folder / "labels.csv"
    labels.write_text(lines, encoding="utf-8")
    return labels


def test_an_audit_counts_misses_and_refusals_for_each_group_and_light(tmp_path: Path) -> None:
    need("sface")
    person = webcam()
    (tmp_path / "one.jpg").write_bytes(jpeg(person))
    (tmp_path / "two.jpg").write_bytes(jpeg(np.ascontiguousarray(person[:, ::-1])))
    wall = cv2.resize(astronaut()[:40, 400:440], (640, 480))
    (tmp_path / "wall.jpg").write_bytes(jpeg(wall))
    labels = labelled(
        tmp_path,
        "picture,group,person,faces\n"
        "one.jpg,A,anna,1\n"
        "two.jpg,A,anna,\n"
        "one.jpg,B,berta,1\n"
        "wall.jpg,B,berta,1\n"
        "wall.jpg,B,nobody,0\n",
    )
    said: list[str] = []

    rows = {
        (row.part, row.name, row.how): (row.count, row.of)
        for row in groups.measure(groups.read(labels), progress=said.append)
    }

    assert said == ["reading 5 pictures", "group A: 2 pictures", "group B: 3 pictures"]
    assert rows["group A", groups.MISSED, "as given"] == (0, 2)
    assert rows["group A", groups.SECOND, "light x 0.1"] == (0, 2)
    assert rows["group A", groups.REFUSED, "as given"] == (0, 1)
    assert rows["group B", groups.MISSED, "as given"] == (1, 2)
    assert rows["group B", groups.REFUSED, "as given"] == (1, 1)
    assert rows["group B", groups.NOBODY, "as given"] == (0, 1)
    assert ("group A", groups.TAKEN, "as given") not in rows  # there is nobody else


def test_an_audit_counts_who_is_taken_for_another_of_the_group(tmp_path: Path) -> None:
    need("yunet", "sface", "obama", "biden")
    for name in ("obama", "biden"):
        shutil.copy(models.path(name), tmp_path / name)
    labels = labelled(
        tmp_path,
        "picture,group,person\nobama,A,one\nbiden,A,two\nobama,B,one\nobama,B,the same again\n",
    )
    rows = {
        (row.part, row.name, row.how): (row.count, row.of)
        for row in groups.measure(groups.read(labels), progress=lambda _: None)
    }
    assert rows["group A", groups.TAKEN, "as given"] == (0, 2)
    assert rows["group B", groups.TAKEN, "as given"] == (2, 2)


def test_a_picture_that_is_none_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg(webcam()))
    (tmp_path / "none.jpg").write_bytes(jpeg(webcam())[:2000])
    labels = labelled(tmp_path, "picture,group,person\none.jpg,A,x\nnone.jpg,A,x\n")
    said: list[str] = []
    with pytest.raises(groups.BadLabels, match="line 3, column picture: the picture ends early"):
        groups.measure(groups.read(labels), progress=said.append)
    assert said == ["reading 2 pictures"]


def test_what_spreadsheets_do_to_a_csv_is_taken_or_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    spaced = groups.read(labelled(tmp_path, " picture, group ,person\na.jpg, A,x\n"))
    assert [(each.group, each.person) for each in spaced] == [("A", "x")]
    with pytest.raises(groups.BadLabels, match=r"line 1, column picture: .* separated by commas"):
        groups.read(labelled(tmp_path, "picture;group;person\na.jpg;A;x\n"))
    with pytest.raises(groups.BadLabels, match="line 2, column any: the line has more cells"):
        groups.read(labelled(tmp_path, "picture,group,person\na.jpg,A,Smith, Ann\n"))
    with pytest.raises(groups.BadLabels, match=r"no file 'b\.jpg'"):
        groups.read(labelled(tmp_path, "picture,group,person\nb.jpg,A,x\n"))
    with pytest.raises(groups.BadLabels, match=r"nowhere\.csv: No such file"):
        groups.read(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        pytest.param("picture,person\na.jpg,x\n", 1, "group", id="a column is missing"),
        pytest.param("picture,group,person\n", 1, "picture", id="no picture"),
        pytest.param("picture,group,person\na.jpg,A,x\nno.jpg,A,x\n", 3, "picture", id="no file"),
        pytest.param("picture,group,person\na.jpg,,x\n", 2, "group", id="no group"),
        pytest.param("picture,group,person\na.jpg\n", 2, "group", id="a short line"),
        pytest.param("picture,group,person,faces\na.jpg,A,x,-1\n", 2, "faces", id="minus one face"),
        pytest.param("picture,group,person,faces\na.jpg,A,x,51\n", 2, "faces", id="a crowd"),
        pytest.param(f"picture,group,person\na.jpg,{'A' * 201},x\n", 2, "group", id="a long name"),
        pytest.param('picture,group,person\n"a.jpg,A,x\n', 2, "any", id="an open quote"),
    ],
)
def test_a_bad_csv_is_refused_with_its_line_and_column(
    tmp_path: Path, lines: str, line: int, column: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(groups.BadLabels) as refused:
        groups.read(labelled(tmp_path, lines))
    assert (refused.value.line, refused.value.column) == (line, column)
    assert f"labels.csv, line {line}, column {column}: " in str(refused.value)


def test_a_csv_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    labels = tmp_path / "labels.csv"
    labels.write_bytes(b"picture,group,person\na.jpg,A,x\na.jpg,\xe4,x\n")
    with pytest.raises(groups.BadLabels, match="line 3, column any: not UTF-8"):
        groups.read(labels)


def test_a_csv_of_more_pictures_than_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_ROWS", 2)
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(groups.BadLabels, match="line 4, column picture: more than 2 pictures"):
        groups.read(labelled(tmp_path, "picture,group,person\n" + "a.jpg,A,x\n" * 3))


def test_an_audit_with_a_picture_that_is_none_ends_with_its_line_and_status_two(
    tmp_path: Path,
) -> None:
    need("yunet", "sface")
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    labels = labelled(tmp_path, "picture,group,person\na.jpg,A,x\n")
    ran = evaluate("--groups", labels, "--json", tmp_path / "groups.json")
    assert ran.returncode == 2
    assert "labels.csv, line 2, column picture: not an image that can be read" in ran.stderr
