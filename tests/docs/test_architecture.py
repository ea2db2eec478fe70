"""docs/ARCHITECTURE.md says what the code does; its tables are drawn from it (tests/docs/drawn)."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from proctor.adapters import tables
from tests.docs.drawn import DOCS, NAMED, ROOT, drawn, names_in, part_of, rows_of, table

PAGE = DOCS / "ARCHITECTURE.md"
TEXT = PAGE.read_text(encoding="utf-8")
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
CONTRACTS: list[dict[str, Any]] = TOOLS["importlinter"]["contracts"]
CLIENT = "client/proctor_client"
OURS = {"proctor", "proctor_client", "tests"}


def layers() -> list[list[str]]:
    """Return the rooms of the server, highest first; those of one layer side by side."""
    (contract,) = [each for each in CONTRACTS if each["type"] == "layers"]
    assert contract["containers"] == ["proctor"]
    assert contract["exhaustive"]
    return [layer.split(" | ") for layer in contract["layers"]]


def may_import(room: str) -> list[str]:
    if room == CLIENT:
        (contract,) = [
            each for each in CONTRACTS if each.get("source_modules") == ["proctor_client"]
        ]
        kept = {f"proctor.{room}" for layer in layers() for room in layer}
        return sorted(each.split(".")[1] for each in kept - set(contract["forbidden_modules"]))
    name = Path(room).stem
    (depth,) = [at for at, layer in enumerate(layers()) if name in layer]
    return [below for layer in layers()[depth + 1 :] for below in layer]


def modules_of(room: str) -> list[Path]:
    """Return a room's modules, but for empty ones."""
    path = ROOT / room
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [each for each in found if each.read_text(encoding="utf-8").strip()]


def third_party(room: str) -> list[str]:
    found: set[str] = set()
    for path in modules_of(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    found |= {each.name.split(".")[0] for each in names}
                case ast.ImportFrom(module=str(module), level=0):
                    found.add(module.split(".")[0])
                case _:
                    pass
    return sorted(found - sys.stdlib_module_names - OURS)


def draw_rooms(part: str) -> str:
    rows = [
        [room, question, ", ".join(may_import(path)), ", ".join(third_party(path))]
        for room, question, *_ in rows_of(part)
        for path in [room.strip("`")]
    ]
    return table(["room", "the question it answers", "may import", "third party"], rows)


def draw_rules(_: str) -> str:
    rows = [
        [
            contract["name"],
            ", ".join(f"`{each}`" for each in contract["source_modules"]),
            ", ".join(contract.get("forbidden_modules", [])) or "(none named)",
        ]
        for contract in CONTRACTS
        if contract["type"] == "forbidden"
    ]
    return table(["rule", "who", "must not import"], rows)


def draw_modules(_: str) -> str:
    return "\n".join(
        table(
            [f"`{room}`", ""],
            [[f"`{_short(path, room)}`", _first_line(path)] for path in modules_of(room)],
        )
        for room in _rooms()
    )


def _rooms() -> list[str]:
    return [row[0].strip("`") for row in rows_of(part_of(TEXT, "rooms"))]


def _short(path: Path, room: str) -> str:
    base = ROOT / room
    return path.name if base.is_file() else str(path.relative_to(base))


def _first_line(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said, f"{path.relative_to(ROOT)} does not say what it is for"
    return said.partition("\n")[0].replace("|", "\\|")


def test_the_page_is_drawn_from_the_code() -> None:
    draw = {"rooms": draw_rooms, "rules": draw_rules, "modules": draw_modules}

    page, wanted = drawn(PAGE, draw)

    assert page == wanted, "REDRAW=1 python -m pytest tests/docs"


def test_every_room_of_the_linter_has_a_row() -> None:
    rooms = {Path(room).stem for room in _rooms()}

    assert rooms == {room for layer in layers() for room in layer} | {"proctor_client"}


def test_every_module_is_in_a_room() -> None:
    in_rooms = {path for room in _rooms() for path in modules_of(room)}
    everywhere = {path for top in ("proctor", CLIENT) for path in modules_of(top)}

    assert everywhere == in_rooms


def test_the_drawing_has_the_rooms_in_the_order_of_their_layers() -> None:
    house = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert house is not None
    lines = house[1].splitlines()
    heights = [
        {at for at, line in enumerate(lines) for room in layer if room in line.split()[:2]}
        for layer in layers()
    ]

    assert all(len(height) == 1 for height in heights)
    assert heights == sorted(heights, key=min)


def _named() -> list[Any]:
    return [
        pytest.param(path, name, id=f"{page.stem}: {Path(path).stem} {name}")
        for page in [*DOCS.glob("*.md"), *(DOCS / "adr").glob("*.md")]
        for path, name in dict.fromkeys(NAMED.findall(page.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(("path", "name"), _named())
def test_what_a_page_names_is_there(path: str, name: str) -> None:
    assert name in names_in(ROOT / path)


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "protocol.md", "THREAT_MODEL.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    files = re.findall(r"`((?:proctor|client|docs|tests|policies)/[\w./-]*\w\.\w+)`", text)

    assert [file for file in files if not (ROOT / file).exists()] == []


def test_steps_called_pure_are_in_the_core() -> None:
    path = TEXT.partition("## The path of one snapshot")[2].partition("\n## ")[0]
    for step, where, pure, _ in rows_of(path):
        files = [file for file, _ in NAMED.findall(where)]
        in_core = [file.startswith(("proctor/evidence/", "proctor/domain/")) for file in files]
        assert files
        assert all(in_core) == any(in_core) == (pure == "yes"), step


def test_every_table_of_the_database_is_told_of() -> None:
    lives = TEXT.partition("## Where state lives")[2].partition("\n## ")[0]
    told = {
        name
        for where, *_ in rows_of(lives)
        if where.startswith("table")
        for name in re.findall(r"`(\w+)`", where)
    }

    assert tables.SessionRow.__tablename__ in told
    assert told == set(SQLModel.metadata.tables)


DECISIONS = sorted((DOCS / "adr").glob("*.md"))


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))
    assert re.findall(r"\(adr/([\w-]+\.md)\)", TEXT) == [path.name for path in DECISIONS]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_four_parts(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Options",
        "## Decision",
        "## Cost",
    ]
