"""How good: `python -m tests.evaluate`. Exit status 1 where a goal is missed, 2 for a bad CSV.

What the figures mean stands in docs/accuracy.md, whose tables it writes.
"""

import argparse
import sys
import time
from pathlib import Path

from proctor.adapters import models
from tests.evaluate import cameras, documents, faces, groups, page

ROOT = Path(__file__).parent.parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, help="more pictures than packages have")
    parser.add_argument("--groups", type=Path, metavar="CSV", help="audit these pictures instead")
    parser.add_argument("--quick", action="store_true", help="a taste: no page unless it is named")
    parser.add_argument("--json", type=Path, help="build/accuracy.json, or groups.json beside it")
    parser.add_argument("--page", type=Path, help="docs/accuracy.md; never written by an audit")
    asked = parser.parse_args()

    began = time.monotonic()

    def progress(words: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {words}", file=sys.stderr, flush=True)

    if asked.groups is not None:
        return audit(asked.groups, asked.json or ROOT / "build/groups.json", progress)
    data: Path | None = asked.data
    if data is not None and not data.is_dir():
        parser.error(f"{data} is no folder")

    rows = []
    for part in (faces, cameras, documents):
        rows += part.measure(data, quick=asked.quick, progress=progress)
    progress("done")
    described = page.pictures(data)
    print(page.measured(rows, described))
    page.write_json(asked.json or ROOT / "build/accuracy.json", rows)
    written = asked.page or (None if asked.quick else ROOT / "docs/accuracy.md")
    if written is not None:
        page.put(written, page.measured(rows, described))
    missed = [row for row in rows if row.holds is False]
    for row in missed:
        print(f"missed: {row.part}: {row.name}, {row.how}: {page.share(row.rate)}")
    return 1 if missed else 0


def audit(csv: Path, json: Path, progress: groups.Progress) -> int:
    try:
        labels = groups.read(csv)
        models.fetch(("yunet", "sface"))
        rows = groups.measure(labels, progress=progress)
    except (groups.BadLabels, models.FetchFailed) as bad:
        print(f"{bad}", file=sys.stderr)
        return 2
    print(page.tables(rows))
    page.write_json(json, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
