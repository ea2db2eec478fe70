"""`proctor observe`: what the machine sees in any picture."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from proctor.adapters.faces import largest
from proctor.adapters.pictures import MAX_BYTES
from proctor.adapters.vision import SAME_PERSON, measure
from proctor.domain.observation import Measured


def run(images: Sequence[Path], *, against: Path | None, as_json: bool) -> int:
    """Print what is seen in each picture; return the exit status, 1 if one cannot be read.

    With `as_json` a line for each: `faces` and `dark` and `covered` are null where they could not
    be measured, and `unavailable` says why. Nothing is printed where `against` is no picture.
    """
    try:
        face = None if against is None else _read(against)
    except OSError as no:
        print(f"{against}: can't be read: {no.strerror}", file=sys.stderr)
        return 1
    if face is not None:
        known, _ = measure(face)
        if known.light_mean is None:
            print(f"{against}: {_why_unreadable(known)}", file=sys.stderr)
            return 1
        if known.faces is not None and len(known.faces) > 1:
            one = largest(known.faces)
            which = f"the largest, {one.width} x {one.height} pixels at {one.x}, {one.y}"
            count = len(known.faces)
            print(f"{against}: {count} faces; compared is {which}", file=sys.stderr)
    status = 0
    for image in images:
        try:
            measured, _ = measure(_read(image), face=face, sample=True)
        except OSError as no:
            measured = Measured(unavailable=(f"picture: can't be read: {no.strerror}",))
        unreadable = measured.light_mean is None
        if unreadable:
            status = 1
            print(f"{image}: {_why_unreadable(measured)}", file=sys.stderr)
        if as_json:
            print(json.dumps(_row(image, measured), ensure_ascii=False), flush=True)
        elif not unreadable:
            print(f"{image}: {'; '.join(_words(measured, compared=face is not None))}", flush=True)
    return status


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)  # one more than is looked at: it is refused as too large


def _why_unreadable(measured: Measured) -> str:
    return measured.unavailable[0].removeprefix("picture: ")


def _row(image: Path, measured: Measured) -> dict[str, object]:
    faces = measured.faces
    return {
        "image": str(image),
        "faces": None
        if faces is None
        else [[each.x, each.y, each.width, each.height, each.score] for each in faces],
        "dark": measured.dark,
        "covered": measured.covered,
        "same_person": measured.same_person,
        "unavailable": list(measured.unavailable),
    }


def _words(measured: Measured, *, compared: bool) -> list[str]:
    words = []
    if measured.faces is not None:
        count = len(measured.faces)
        words.append({0: "no face", 1: "one face"}.get(count, f"{count} faces"))
        words += [
            f"{face.width} x {face.height} pixels at {face.x}, {face.y} (score {face.score:.2f})"
            for face in measured.faces
        ]
    if measured.covered:
        words.append("the camera seems covered")
    elif measured.dark:
        words.append("too dark")
    else:
        words.append("light enough")
    if measured.same_person is not None:
        same = "the same person" if measured.same_person >= SAME_PERSON else "another person"
        words.append(f"looks like {same} (cosine {measured.same_person:.2f}, limit {SAME_PERSON})")
    elif compared and measured.faces == ():
        words.append("nobody to compare")
    return [*words, *measured.unavailable]
