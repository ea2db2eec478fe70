"""Parts of pages that are drawn from the code. After a change there:

REDRAW=1 python -m pytest tests/docs
"""

import ast
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DRAWN = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
# `proctor/evidence/tree.py` `Frontier.extended`
NAMED = re.compile(r"`((?:proctor|client)/[\w/]+\.py)` `([\w.]+)`")

Draw = Callable[[str], str]


def drawn(page: Path, draw: Mapping[str, Draw]) -> tuple[str, str]:
    """Return a page as it is and as it should be; with REDRAW set it is written first.

    Args:
        page: With parts between `<!-- drawn: name -->` and `<!-- end -->`.
        draw: By the name of a part; takes the part as it is, for the columns people write.
    """
    found = page.read_text(encoding="utf-8")
    wanted = DRAWN.sub(lambda part: part[1] + draw[part[2]](part[3]) + part[4], found)
    if os.environ.get("REDRAW"):
        page.write_text(wanted, encoding="utf-8")
        found = wanted
    return found, wanted


def part_of(text: str, name: str) -> str:
    """Return one drawn part of a page."""
    (found,) = [part for _, each, part, _ in DRAWN.findall(text) if each == name]
    return str(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, *rows]
    said = ["| " + " | ".join(cells) + " |" for cells in lines]
    said.insert(1, "|" + "---|" * len(head))
    return "".join(f"{line}\n" for line in said)


def rows_of(part: str) -> list[list[str]]:
    """Return the cells of a table's rows, without its head."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(path: Path) -> set[str]:
    """Return what a module defines: functions, classes, their methods, values."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found.add(name)
                found |= {
                    f"{name}.{each.name}"
                    for each in body
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                }
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found
