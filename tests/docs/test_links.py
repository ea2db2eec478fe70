"""Every link from a page to a file of ours leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)"  # Markdown's, images too
    r"|<(?:img|a|source)\s[^>]*?(?:src|href|srcset)=\"([^\"]+)\""
)
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^(```+).*?^\1|`[^`\n]+`", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def links(page: Path) -> Iterator[str]:
    for found in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        target = found[0] or found[1]
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings, as GitHub makes them."""
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in headings}


def every_link() -> list[Any]:
    return [
        pytest.param(page, target, id=f"{page.relative_to(ROOT)} to {target}")
        for page in pages()
        for target in dict.fromkeys(links(page))
    ]


@pytest.mark.parametrize(("page", "target"), every_link())
def test_a_link_leads_to_a_file_of_ours(page: Path, target: str) -> None:
    path, _, anchor = unquote(target).partition("#")
    there = (page.parent / path).resolve() if path else page

    assert there.is_relative_to(ROOT)
    assert there.exists()
    assert not anchor or anchor in anchors(there)


def test_pages_are_found() -> None:
    assert ROOT / "docs" / "ARCHITECTURE.md" in pages()
    assert "adr/0001-time-is-an-argument.md" in set(links(ROOT / "docs" / "ARCHITECTURE.md"))


def test_a_link_in_code_is_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](b.md) `[c](d.md)`\n\n```\n[e](f.md)\n```\n", encoding="utf-8")

    assert list(links(page)) == ["b.md"]
