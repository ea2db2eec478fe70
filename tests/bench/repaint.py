"""What a repaint of a wall of 500 tiles takes of the page's own thread.

    python -m tests.bench.repaint SERVER_CORE ROUNDS TURNS FOLDER

The real page in Chromium, signed in to the real server, which is then played by
`tests.e2e.big_wall`: each turn tells news of 40 tiles, of which a fourth of those in sight have a
new still. Prints a line of JSON for each round: the mean of its turns from message to paint, in
seconds of the thread's own clock, because others use the cores too. Or one line that says why
nothing was measured.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvloop
from playwright.async_api import Browser, Page, async_playwright

from tests.bench.desk import signed_in
from tests.bench.serving import serving
from tests.e2e.big_wall import BigWall
from tests.e2e.browsers import FLAGS, HOW, executable

TURN_S = 0.25
# What a repaint is made of: our own code, then style, layout, what is in sight, and paint.
STEPS = frozenset(
    {
        *("FunctionCall", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit"),
        "IntersectionObserverController::computeIntersections",
    }
)


async def measure(
    core: int, rounds: int, turns: int, folder: Path
) -> AsyncIterator[dict[str, Any]]:
    async with async_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            yield {"left_out": HOW}
            return
        async with serving("real", core, folder) as server:
            proctor = await server.ask("proctor")
            chromium = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            async with signed_in(chromium, server.url, proctor) as page:
                await page.goto(f"{server.url}/console")
                wall = await BigWall.open(page)
                await repainted(chromium, page, wall, turns)  # the first is not the usual
                for _ in range(rounds):
                    yield {"repaint_s": await repainted(chromium, page, wall, turns)}
            await chromium.close()


async def repainted(chromium: Browser, page: Page, wall: BigWall, turns: int) -> float:
    """Tell news, a turn at a time; return what one took, in seconds."""
    shown = len(wall.shown)
    await chromium.start_tracing(page=page, categories=["devtools.timeline"])
    for _ in range(turns):
        wall.tell()
        await asyncio.sleep(TURN_S)
    traced = json.loads(await chromium.stop_tracing())
    assert len(wall.shown) > shown, "no tile was drawn anew"
    return _busy_s(traced["traceEvents"]) / turns


def _busy_s(events: list[dict[str, Any]]) -> float:
    """Return for how long the page's own thread worked at repaints, in seconds."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    steps = [event for event in events if event["name"] in STEPS and "tdur" in event]
    ran = dict.fromkeys(mains, 0.0)
    ends = dict.fromkeys(mains, 0.0)
    for event in sorted(steps, key=lambda event: (event["ts"], -event["dur"])):
        thread = event["pid"], event["tid"]
        # A step within another is of it: the paint of a frame has those of its layers.
        if thread in mains and event["ts"] >= ends[thread]:
            ran[thread] += event["tdur"] / 1e6
            ends[thread] = event["ts"] + event["dur"]
    return max(ran.values())


async def run(core: int, rounds: int, turns: int, folder: Path) -> None:
    async for seen in measure(core, rounds, turns, folder):
        print(json.dumps(seen), flush=True)


def main() -> None:
    core, rounds, turns = map(int, sys.argv[1:4])
    uvloop.run(run(core, rounds, turns, Path(sys.argv[4])))


if __name__ == "__main__":
    main()
