"""The figures on the terminal, for machines, and between the markers of the page."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from proctor.adapters import models
from tests.bench.figures import plain_table
from tests.evaluate import people
from tests.evaluate.rows import Row

START: Final = "<!-- measured -->"
END: Final = "<!-- end -->"
HEAD: Final = ("figure", "pictures", "count", "of", "rate", "95 % interval", "goal", "holds")


def share(value: float | None) -> str:
    return "none tried" if value is None else f"{value:.4f}"


def tables(rows: Sequence[Row]) -> str:
    """Return a table for each part, in the order in which the parts come."""
    parts = dict.fromkeys(row.part for row in rows)
    return "\n\n".join(
        f"### {part[0].upper()}{part[1:]}\n\n"
        + plain_table([HEAD, *(_cells(row) for row in rows if row.part == part)])
        for part in parts
    )


def _cells(row: Row) -> Sequence[str]:
    goal = "" if row.goal is None else f"{'≥' if row.better == 'more' else '≤'} {row.goal:g}"
    return (
        row.name.replace("|", "/"),
        row.how.replace("|", "/"),
        f"{row.count}",
        f"{row.of}",
        share(row.rate),
        "" if row.interval is None else f"{row.interval[0]:.4f} to {row.interval[1]:.4f}",
        goal,
        _holds(row),
    )


def _holds(row: Row) -> str:
    if row.holds is None or row.interval is None or row.goal is None:
        return ""
    if not row.holds:
        return "NO"
    shown = row.interval[0] >= row.goal if row.better == "more" else row.interval[1] <= row.goal
    return "yes" if shown else "yes, by the rate"


def pictures(data: Path | None) -> list[str]:
    """Say what there was to measure on."""
    portraits = people.portraits(data)
    who: dict[str, list[str]] = {}
    for each in portraits:
        who.setdefault(each.person, []).append(each.photo)
    said = [
        f"{len(who)} people in {len(portraits)} photographs: "
        + "; ".join(f"{person} ({', '.join(photos)})" for person, photos in who.items()),
        "group pictures: " + (", ".join(each.photo for each in people.groups(data)) or "none"),
        "a clip of one person: " + ("yes" if data and (data / people.CLIP).is_file() else "no"),
    ]
    if data is None:
        said.append("no data folder: pictures out of packages alone")
    return said


def measured(rows: Sequence[Row], described: Sequence[str]) -> str:
    """Return what stands between the markers."""
    goals = [row for row in rows if row.goal is not None]
    lines = [
        f"- run on {datetime.now(tz=UTC).date().isoformat()}",
        *(f"- {each}" for each in described),
        *(
            f"- {model.name} {model.version}, SHA-256 {model.sha256[:16]}…"
            for name, model in models.catalogue().items()
            if name in {"yunet", "sface"}
        ),
        f"- Python {platform.python_version()}, opencv-python {version('opencv-python')}",
    ]
    held = (
        f"{sum(row.holds is True for row in goals)} of {len(goals)} goals hold, "
        f"{sum(row.holds is False for row in goals)} are missed, "
        f"{sum(row.holds is None for row in goals)} had nothing to be tried on."
    )
    chosen = plain_table([HEAD[:2] + HEAD[4:], *(_short(row) for row in goals)])
    return "\n".join([*lines, "", held, "", "### Goals", "", chosen, "", tables(rows)])


def _short(row: Row) -> Sequence[str]:
    cells = _cells(row)
    return (*cells[:2], *cells[4:])


def put(path: Path, text: str) -> None:
    """Replace what stands between the markers; the words around them are written by hand.

    Raises:
        ValueError: The page has not each marker once, in their order.
    """
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{path.name} has no {START} … {END}")
    path.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def write_json(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [
        {
            "part": row.part,
            "name": row.name,
            "how": row.how,
            "count": row.count,
            "of": row.of,
            "rate": row.rate,
            "interval": row.interval,
            "goal": row.goal,
            "better": row.better,
            "holds": row.holds,
        }
        for row in rows
    ]
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
