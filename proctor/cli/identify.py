"""`proctor identify`: what the machine reads in pictures of identity documents."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from proctor.adapters.documents import Reader
from proctor.adapters.pictures import MAX_BYTES
from proctor.domain.document import DocumentRead
from proctor.domain.mrz import Mrz
from proctor.domain.names import compare_names

_DIGITS: Final = {
    "number": "of the number",
    "birth": "of the date of birth",
    "expiry": "of the expiry",
    "optional": "of the optional part",
    "composite": "over all of these",
}
_FORMATS: Final = {
    "TD1": "three lines, as cards have (TD1)",
    "TD2": "two short lines (TD2)",
    "TD3": "two lines, as passports have (TD3)",
}
_NAMES: Final = {
    "agrees": "agrees with the account",
    "unsure": "may or may not be the account's",
    "differs": "differs from the account's",
}


def run(images: Sequence[Path], *, name: str, on: date | None, today: date, as_json: bool) -> int:
    """Print what each picture holds; return the exit status, 1 if one could not be read.

    Args:
        images: The pictures.
        name: The account's, to compare; empty: none is compared.
        on: The exam's date, for the expiry; None: `today`, and `--json` leaves it out.
        today: The date.
        as_json: A line of JSON for each.
    """
    return asyncio.run(_run(images, name=name, on=on, today=today, as_json=as_json))


async def _run(
    images: Sequence[Path], *, name: str, on: date | None, today: date, as_json: bool
) -> int:
    status, day = 0, on or today
    reader = Reader()
    try:
        for image in images:
            try:
                # One byte too many is said by the reader; a terabyte is not read to say it.
                with image.open("rb") as file:
                    picture = file.read(MAX_BYTES + 1)
            except OSError as no:
                print(f"{image}: {no.strerror}", file=sys.stderr)
                status = 1
                if as_json:
                    unread = DocumentRead(unavailable=(f"picture: {no.strerror}",))
                    _print_line(image, unread, name=name, on=on)
                continue
            found = await reader.read(picture, on=day)
            for cause in found.unavailable:
                print(f"{image}: {cause}", file=sys.stderr)
                status = 1
            if not as_json and any(each.startswith("picture") for each in found.unavailable):
                continue
            if as_json:
                _print_line(image, found, name=name, on=on)
            else:
                print("\n".join([str(image), *in_words(found, name=name, on=day)]), flush=True)
    finally:
        await reader.close()
    return status


def _print_line(image: Path, found: DocumentRead, *, name: str, on: date | None) -> None:
    print(json.dumps(as_dict(image, found, name=name, on=on), ensure_ascii=False), flush=True)


def as_dict(
    image: Path, found: DocumentRead, *, name: str = "", on: date | None = None
) -> dict[str, object]:
    """Return the line of `--json`: `names` is empty without a zone, as any text might be one.

    `birth` is null where a part of it is unknown, and where its century is open; `births` has each
    day that it may be. It has `name` and `expired` where there is a name, or a date, to compare
    with; of a picture without a zone, or whose date is not known in full, they are null.
    `unavailable` says what could not be done and why: empty where all could.
    """
    mrz, face = found.mrz, found.portrait
    compared: dict[str, object] = {}
    if name:
        match = mrz and compare_names(name, surname=mrz.surname, given=mrz.given)
        compared["name"] = match and {"result": match.result, "why": match.why}
    if on is not None:
        compared["expired"] = mrz.expiry < on if mrz and mrz.expiry else None
    return {
        "image": str(image),
        "mrz": mrz
        and {
            "format": mrz.format,
            "number": mrz.number,
            "birth": mrz.birth and mrz.birth.isoformat(),
            "births": [day.isoformat() for day in mrz.births],
            "expiry": mrz.expiry and mrz.expiry.isoformat(),
            "valid": mrz.valid,
            "failed": list(mrz.failed),
        },
        "names": [mrz.surname, *mrz.given.split()] if mrz and mrz.surname else [],
        "portrait": face and [face.x, face.y, face.width, face.height],
        "unavailable": list(found.unavailable),
        **compared,
    }


def in_words(found: DocumentRead, *, name: str, on: date) -> Iterator[str]:
    """Yield what people read of a picture, a line each."""
    if found.mrz:
        yield from _zone(found.mrz, name=name, on=on)
    elif not any(cause.startswith("text") for cause in found.unavailable):
        yield "  No machine-readable zone was found. A person has to read the document."
        yield from (f"    {_shown(line)}" for line in found.lines)
    if face := found.portrait:
        yield f"  Portrait     {face.width} x {face.height} pixels, at {face.x}, {face.y}"
    else:
        yield "  Portrait     none was found that is surely the document's"


def _zone(mrz: Mrz, *, name: str, on: date) -> Iterator[str]:
    yield f"  Zone         {_FORMATS[mrz.format]}, code {mrz.code or '?'}, of {mrz.issuer or '?'}"
    yield f"  Number       {mrz.number}"
    yield f"  Surname      {mrz.surname or 'not read'}"
    yield f"  Given names  {mrz.given or 'none'}"
    yield f"  Born         {_birth(mrz)}"
    yield f"  Expires      {_expiry(mrz.expiry, on)}"
    for check in mrz.checks:
        says = "holds" if check.holds else "DOES NOT HOLD"
        yield f"  Check digit  {_DIGITS[check.name]} {says}: {check.why}"
    if mrz.valid:
        yield "  All check digits hold, which is no proof that the document is genuine."
        yield "  No digit covers the name, which is often misread: compare it by eye."
    else:
        yield "  Not every check digit holds: a person has to read the document."
    if name:
        match = compare_names(name, surname=mrz.surname, given=mrz.given)
        yield f"  Name         {_NAMES[match.result]}: {match.why}"


def _birth(mrz: Mrz) -> str:
    if mrz.birth or not mrz.births:
        return str(mrz.birth or "not known in full")
    either = " or ".join(map(str, mrz.births))
    return f"{either}: the zone has two digits of the year, see what is printed"


def _expiry(expiry: date | None, on: date) -> str:
    if expiry is None:
        return "not known in full"
    # Valid to the end of the day that is printed.
    return f"{expiry}: {'EXPIRED' if expiry < on else 'not expired'} on {on}"


def _shown(line: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in line)
