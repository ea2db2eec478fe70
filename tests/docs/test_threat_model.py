"""docs/THREAT_MODEL.md names the bounds that hold, and no hole that was closed."""

import importlib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.docs.drawn import DOCS, ROOT, drawn, names_in, part_of, rows_of, table

PAGE = DOCS / "THREAT_MODEL.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROOMS = ("evidence", "domain", "services", "adapters", "web")
_KIB = 1024


def said(name: str, value: object) -> str:
    """Return a bound as the page says it."""
    match value:
        case timedelta():
            minutes = value // timedelta(minutes=1)
            return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
        case int() if "_BYTES" in name and value % _KIB**2 == 0:
            return f"{value // _KIB**2:,} MiB"
        case int() if "_BYTES" in name and value % _KIB == 0:
            return f"{value // _KIB:,} KiB"
        case int() if "_BYTES" in name:
            return f"{value:,} bytes"
        case int() | float() if name.endswith("_S"):
            return f"{value:,} s".replace(".0 s", " s")
        case int() | Decimal():
            return f"{value:,}"
        case _:
            raise AssertionError(name)


def draw_bounds(part: str) -> str:
    rows = []
    for what, constant, *_ in rows_of(part):
        module, _, name = constant.strip("`").rpartition(".")
        rows.append([what, constant, said(name, getattr(importlib.import_module(module), name))])
    return table(["what", "constant", "value"], rows)


def bounds() -> set[str]:
    """Return the bounds that the server's modules name."""
    return {
        f"{str(path.relative_to(ROOT).with_suffix('')).replace('/', '.')}.{name}"
        for room in ROOMS
        for path in (ROOT / "proctor" / room).rglob("*.py")
        for name in names_in(path)
        if re.fullmatch(r"MAX_[A-Z_]+|[A-Z_]+_MOST", name)
    }


def test_the_page_names_the_values_of_the_code() -> None:
    page, wanted = drawn(PAGE, {"bounds": draw_bounds})

    assert page == wanted, "REDRAW=1 python -m pytest tests/docs"


def test_every_bound_has_a_row() -> None:
    told = {row[1].strip("`") for row in rows_of(part_of(TEXT, "bounds"))}

    assert bounds() - told == set()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("MAX_BYTES", 9 * 1024**2, "9 MiB", id="whole MiB"),
        pytest.param("MAX_BYTES", 65_536, "64 KiB", id="whole KiB"),
        pytest.param("MAX_BYTES", 1000, "1,000 bytes", id="neither"),
        pytest.param("WITHIN", timedelta(minutes=15), "15 min", id="minutes"),
        pytest.param("FOR", timedelta(hours=12), "12 h", id="hours"),
        pytest.param("EVERY_S", 10.0, "10 s", id="seconds"),
        pytest.param("MAX_CASES", 10_000, "10,000", id="a count"),
    ],
)
def test_a_bound_is_said_in_its_unit(name: str, value: object, words: str) -> None:
    assert said(name, value) == words


# --- holes -----------------------------------------------------------------------------------


def _source(*folders: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def _no_client_reports_focus() -> bool:
    return "Kind.FOCUS" not in _source("client/proctor_client")


def _silence_is_unseen() -> bool:
    from proctor.domain.policy import WHENS  # noqa: PLC0415 - this hole's alone

    return not {when for when in WHENS if "silen" in when or "missing" in when}


HOLES: Mapping[str, Callable[[], bool]] = {
    "silence": _silence_is_unseen,
    "focus": _no_client_reports_focus,
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_told_of_while_it_is_open(hole: str) -> None:
    assert (f"<!-- hole: {hole} -->" in TEXT) == HOLES[hole]()


def test_every_marked_hole_is_looked_at() -> None:
    assert re.findall(r"<!-- hole: ([\w-]+) -->", TEXT) == list(HOLES)
