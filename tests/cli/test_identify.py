"""`proctor identify`, as course teams run it."""

import json
from datetime import date
from pathlib import Path

import pytest

from proctor.cli import identify
from proctor.domain import mrz
from proctor.domain.document import DocumentRead
from proctor.domain.names import compare_names
from proctor.domain.observation import Face
from tests.cli.running import Terminal

ON = date(2026, 11, 22)
FACE = Face(x=1, y=2, width=3, height=4, score=0.9)
LINES = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)


def found(*lines: str) -> DocumentRead:
    return DocumentRead(lines=lines, mrz=mrz.find(lines, on=ON), portrait=FACE)


def words(read: DocumentRead, *, name: str = "", on: date = ON) -> str:
    return "\n".join(identify.in_words(read, name=name, on=on))


def test_json_has_what_the_zone_says_and_nothing_else() -> None:
    assert identify.as_dict(Path("a.jpg"), found(*LINES)) == {
        "image": "a.jpg",
        "mrz": {
            "format": "TD3",
            "number": "L898902C3",
            "birth": "1974-08-12",
            "births": ["1974-08-12"],
            "expiry": "2012-04-15",
            "valid": True,
            "failed": [],
        },
        "names": ["ERIKSSON", "ANNA", "MARIA"],
        "portrait": [1, 2, 3, 4],
        "unavailable": [],
    }


def test_json_has_what_was_compared_where_a_name_or_a_date_is_given() -> None:
    plain = identify.as_dict(Path("a.jpg"), found(*LINES))

    line = identify.as_dict(Path("a.jpg"), found(*LINES), name="Zhang Wei", on=ON)
    assert line["name"] == {"result": "differs", "why": compare_names_why("Zhang Wei")}
    assert line["expired"] is True
    assert {key: line[key] for key in plain} == plain
    assert line.keys() - plain.keys() == {"name", "expired"}
    last = identify.as_dict(Path("a.jpg"), found(*LINES), on=date(2012, 4, 15))
    assert last == plain | {"expired": False}


def compare_names_why(account: str) -> str:
    return compare_names(account, surname="ERIKSSON", given="ANNA MARIA").why


def test_json_of_a_page_without_zone_or_face_has_nothing_made_up() -> None:
    nothing: dict[str, object] = {"image": "a.jpg", "mrz": None, "names": [], "portrait": None}
    nothing["unavailable"] = []
    page = DocumentRead(lines=("DRIVER LICENCE",))
    assert identify.as_dict(Path("a.jpg"), page) == nothing
    compared = identify.as_dict(Path("a.jpg"), page, name="Anna", on=ON)
    assert compared == nothing | {"name": None, "expired": None}


def test_people_read_each_check_digit_with_its_reason() -> None:
    text = words(found(LINES[0], LINES[1].replace("7408122", "7408123")))

    assert "of the number holds: the digit printed is the one the characters give" in text
    assert (
        "of the date of birth DOES NOT HOLD: the digit printed is not the one the characters give"
        in text
    )
    assert "a person has to read the document" in text


def test_a_birth_in_either_of_two_centuries_is_said_to_be_one_or_the_other() -> None:
    lines = LINES[0], LINES[1].replace("7408122", "1101017")
    printed = found(*lines)

    assert "Born         1911-01-01 or 2011-01-01: the zone has two digits" in words(printed)
    zone = identify.as_dict(Path("a.jpg"), printed)["mrz"]
    assert isinstance(zone, dict)
    assert (zone["birth"], zone["births"]) == (None, ["1911-01-01", "2011-01-01"])


@pytest.mark.parametrize(
    ("on", "says"),
    [
        pytest.param(date(2012, 4, 15), "not expired on 2012-04-15", id="its last day"),
        pytest.param(date(2012, 4, 16), "EXPIRED on 2012-04-16", id="the day after"),
    ],
)
def test_expiry_is_against_the_exams_date(on: date, says: str) -> None:
    assert f"2012-04-15: {says}" in words(found(*LINES), on=on)


def test_a_name_is_compared_if_one_is_given() -> None:
    assert "agrees with the account" in words(found(*LINES), name="Anna Maria Eriksson")
    assert "differs from the account's" in words(found(*LINES), name="Zhang Wei")
    assert "account" not in words(found(*LINES))


def test_a_page_without_a_zone_shows_its_text_and_no_control_characters() -> None:
    text = words(DocumentRead(lines=("DRIVER\x1b[2J LICENCE",)))

    assert "No machine-readable zone was found" in text
    assert "DRIVER?[2J LICENCE" in text
    assert "Portrait     none was found" in text
    unread = DocumentRead(unavailable=("text: rapidocr is not installed",))
    assert "zone" not in words(unread)


@pytest.mark.slow
def test_a_bad_file_is_a_line_and_the_others_are_printed(
    terminal: Terminal, tmp_path: Path
) -> None:
    from tests.pictures import (  # noqa: PLC0415 # skips where no picture can be had
        astronaut,
        need_ocr,
        png,
    )

    need_ocr()
    good, bad = tmp_path / "face.png", tmp_path / "bad.jpg"
    good.write_bytes(png(astronaut()))
    bad.write_bytes(b"no picture")

    ran = terminal.run("identify", tmp_path / "none.jpg", bad, good, "--json", "--on", "2026-11-22")

    assert ran.status == 1
    assert ran.err.splitlines() == [
        f"{tmp_path / 'none.jpg'}: No such file or directory",
        f"{bad}: picture: not an image that can be read",
    ]
    missing, unread, line = map(json.loads, ran.out.splitlines())
    nothing: dict[str, object] = {"mrz": None, "names": [], "portrait": None, "expired": None}
    why = "picture: No such file or directory"
    assert missing == {"image": str(tmp_path / "none.jpg"), **nothing, "unavailable": [why]}
    why = "picture: not an image that can be read"
    assert unread == {"image": str(bad), **nothing, "unavailable": [why]}
    assert line.keys() == unread.keys()
    assert line["mrz"] is None
    assert line["portrait"] is None  # no text says that this is a document
