"""How much a learner's browser has to fetch before the exam room opens."""

import gzip
import json
from typing import Any

from proctor import config

MOST_BYTES = 80 * 1024


def test_the_room_is_at_most_80_kb_compressed() -> None:
    manifest: dict[str, Any] = json.loads(
        (config.PAGES / ".vite" / "manifest.json").read_text(encoding="utf-8")
    )
    wanted, files = ["join.html"], set[str]()
    while wanted:
        part = manifest[wanted.pop()]
        if part["file"] not in files:
            files |= {part["file"], *part.get("css", ())}
            # What comes only when it is asked for is a phone's page, and the code that leads to it.
            wanted += part.get("imports", ())
    # A worker stands in no list: it is found by its name in the scripts.
    scripts = b"".join((config.PAGES / name).read_bytes() for name in files)
    workers = set((config.PAGES / "assets").glob("*worker*.js"))
    assert all(path.name.encode() in scripts for path in workers)
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), mtime=0))
        for path in {config.PAGES / name for name in files} | workers
    }
    assert sum(sizes.values()) <= MOST_BYTES, sizes
