"""A group audit: misses and false flags per group and light, on anybody's own labelled pictures.

The labels are a CSV with a head: `picture` (a path, from the CSV's folder), `group` and `person`
(any words), and, if wanted, `faces`: how many there are in the picture, 1 where it says nothing.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import cv2

from proctor.adapters import faces
from proctor.adapters.pictures import MAX_BYTES, Picture, Pixels, Unreadable
from proctor.adapters.vision import SAME_PERSON
from tests.evaluate.degrade import jpeg, light
from tests.evaluate.rows import Row

MAX_ROWS: Final = 100_000
MAX_CSV_BYTES: Final = 64 << 20
MAX_FACES: Final = 50
PROGRESS_EVERY: Final = 100  # pictures; half a minute
MAX_WORDS: Final = 200  # characters of a group's or a person's name
LIGHTS: Final = {"as given": 1.0, "light x 0.1": 0.1, "light x 0.03": 0.03}
_NEEDED: Final = ("picture", "group", "person")

Progress: TypeAlias = Callable[[str], None]


class BadLabels(Exception):
    """The CSV cannot be used: where, and why."""

    def __init__(self, path: Path, line: int, column: str, reason: str) -> None:
        where = f"{path.name}, line {line}, column {column}" if line else f"{path}"
        super().__init__(f"{where}: {reason}")
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    line: int  # of the CSV, whose first is 1
    csv: Path
    picture: Path
    group: str
    person: str
    faces: int = 1


def read(path: Path) -> list[Label]:
    """Read the labels, at most 100,000; no picture is opened yet.

    Raises:
        BadLabels: Not a CSV of these columns, too long, or a picture that is not there.
    """
    labels: list[Label] = []
    # `utf-8-sig`: spreadsheets write a mark first.
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            try:
                if path.stat().st_size > MAX_CSV_BYTES:
                    raise BadLabels(path, 1, "any", f"more than {MAX_CSV_BYTES} bytes")
                head = [each.strip() for each in rows.fieldnames or ()]
                rows.fieldnames = head
                for column in _NEEDED:
                    if column not in head:
                        raise BadLabels(path, 1, column, _lacks(head))
                for row in rows:
                    if len(labels) == MAX_ROWS:
                        reason = f"more than {MAX_ROWS} pictures"
                        raise BadLabels(path, rows.line_num, "picture", reason)
                    labels.append(_label(path, rows.line_num, row))
            except csv.Error as error:
                raise BadLabels(path, rows.reader.line_num, "any", f"{error}") from error
            except UnicodeDecodeError as error:
                raise BadLabels(path, _broken(path), "any", "not UTF-8") from error
    except OSError as error:
        raise BadLabels(path, 0, "any", error.strerror or "cannot be read") from error
    if not labels:
        raise BadLabels(path, 1, "picture", "no picture is named")
    return labels


def _lacks(head: Sequence[str]) -> str:
    names = ", ".join(f'"{each}"' for each in head)
    hint = ""
    # What spreadsheets write where a comma stands in numbers.
    if len(head) == 1 and (";" in head[0] or "\t" in head[0]):
        hint = "; columns are separated by commas"
    return f"the head has no such column, but {names or 'nothing'}{hint}"


def _broken(path: Path) -> int:
    """Return the first line that is not UTF-8; the decoder itself reads far ahead."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _label(path: Path, line: int, row: dict[str | None, str | None]) -> Label:
    if None in row:
        reason = 'the line has more cells than the head; a comma in a name needs "quotes"'
        raise BadLabels(path, line, "any", reason)
    words: dict[str, str] = {}
    for column in _NEEDED:
        words[column] = (row[column] or "").strip()
        if not words[column]:
            raise BadLabels(path, line, column, "is empty")
    for column in ("group", "person"):
        if len(words[column]) > MAX_WORDS:
            raise BadLabels(path, line, column, f"is longer than {MAX_WORDS} characters")
    count = (row.get("faces") or "").strip() or "1"
    if not (count.isascii() and count.isdigit() and len(count) <= 3 and int(count) <= MAX_FACES):
        raise BadLabels(path, line, "faces", f"is not a whole number from 0 to {MAX_FACES}")
    picture = path.parent / words["picture"]
    if "\0" in words["picture"] or not picture.is_file():
        raise BadLabels(path, line, "picture", f"there is no file {words['picture']!r}")
    return Label(
        line=line,
        csv=path,
        picture=picture,
        group=words["group"],
        person=words["person"],
        faces=int(count),
    )


def measure(labels: Sequence[Label], *, progress: Progress) -> list[Row]:
    """Look at each picture in each light; compare it with its person's first and another's.

    The other is the next person of the group, in the order of their names. Pictures are read one
    at a time, so that memory does not grow with them; once before anything is measured, so that
    hours are not lost to the last one.

    Raises:
        BadLabels: A picture cannot be read.
    """
    rows: list[Row] = []
    grouped: dict[str, list[Label]] = defaultdict(list)
    progress(f"reading {len(labels)} pictures")
    for label in labels:
        _pixels(label)
        grouped[label.group].append(label)
    for group, members in sorted(grouped.items()):
        # One person's pictures one after another: two faces are at hand meanwhile.
        members.sort(key=lambda label: label.person)
        progress(f"group {group}: {len(members)} pictures")
        rows += _group(group, members, progress)
    return rows


def _group(group: str, members: Sequence[Label], progress: Progress) -> list[Row]:
    tallies: dict[tuple[str, str], list[bool]] = defaultdict(list)
    firsts: dict[str, Label] = {}
    for label in members:
        if label.faces == 1:
            firsts.setdefault(label.person, label)
    after = dict(zip(firsts, [*firsts][1:] + [*firsts][:1], strict=True))
    first: Label | None = None
    face = other = b""
    for number, label in enumerate(members, start=1):
        if number % PROGRESS_EVERY == 0:
            progress(f"group {group}: {number} of {len(members)}")
        seen = _pixels(label)
        if first is not firsts.get(label.person):
            first = firsts.get(label.person)
            face = b"" if first is None else jpeg(_pixels(first))
            alone = first is None or len(firsts) == 1
            other = b"" if alone else jpeg(_pixels(firsts[after[label.person]]))
        for how, factor in LIGHTS.items():
            picture = jpeg(light(seen, factor))
            found = len(faces.find(Picture(picture)))
            if label.faces == 0:
                tallies[NOBODY, how].append(found > 0)
            else:
                tallies[MISSED, how].append(found == 0)
            if label.faces == 1:
                tallies[SECOND, how].append(found > 1)
                if label is not first:
                    alike = faces.compare(picture, face).same_person
                    tallies[REFUSED, how].append(alike is None or alike < SAME_PERSON)
                if other:
                    alike = faces.compare(picture, other).same_person
                    tallies[TAKEN, how].append(alike is not None and alike >= SAME_PERSON)
            elif label.faces > 1:
                tallies[FEWER, how].append(found < 2)
    return [
        Row(
            part=f"group {group}",
            name=name,
            how=how,
            count=sum(tallies[name, how]),
            of=len(tallies[name, how]),
            better="less",
        )
        for name in (MISSED, SECOND, REFUSED, TAKEN, FEWER, NOBODY)
        for how in LIGHTS
        if (name, how) in tallies
    ]


MISSED: Final = "face missed"
SECOND: Final = "second person seen where there is one"
REFUSED: Final = "same person refused"
TAKEN: Final = "another person taken for the same"
FEWER: Final = "second person missed"
NOBODY: Final = "face seen where there is none"


def _pixels(label: Label) -> Pixels:
    """Return the picture as a webcam of 640 x 480 would have it, decoded within bounds."""
    try:
        with label.picture.open("rb") as file:
            return Picture(file.read(MAX_BYTES + 1)).fitted(faces.SECOND_LOOK)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise BadLabels(label.csv, label.line, "picture", reason) from error
    except (Unreadable, cv2.error) as error:
        raise BadLabels(label.csv, label.line, "picture", f"{error}") from error
