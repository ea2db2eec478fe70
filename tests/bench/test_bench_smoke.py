"""That the bench runs and says what it should; never how fast: that is `make bench`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are pinned on Linux only")
def test_a_tiny_bench_writes_each_figure_with_its_goal_and_a_page_without_paths(
    tmp_path: Path,
) -> None:
    figures, page = tmp_path / "bench.json", tmp_path / "performance.md"
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tests.bench", "--small"),
            *("--json", str(figures), "--page", str(page)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=590,  # before the test's own: what it said is seen then
        check=False,
    )

    assert figures.exists(), ran.stderr
    rows = json.loads(figures.read_text(encoding="utf-8"))
    assert [row["better"] for row in rows] == (
        ["higher"] * 6
        + ["lower"] * 4
        + ["higher"] * 2
        + ["lower", "higher", "lower"]
        + ["lower"] * 3
        + ([] if "desk were left out" in ran.stdout else ["lower"] * 3 + ["higher"])
    )
    for row in rows:
        assert set(row) == {"name", "ratio", "goal", "better", "spread"}
        least, most = row["spread"]
        assert 0 < least <= row["ratio"] <= most
        assert row["name"] in ran.stdout
        assert row["name"] in page.read_text(encoding="utf-8")
    assert ("missed:" in ran.stdout) == (ran.returncode == 1)
    assert str(ROOT) not in page.read_text(encoding="utf-8")
    assert not list(tmp_path.glob("bench-*")), "what was written was not removed"
