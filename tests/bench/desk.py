"""A session of two hours at the desk: how soon it can be read, how soon its evidence is verified.

    python -m tests.bench.desk SERVER_CORE ROUNDS SNAPSHOTS RECORDS FOLDER

The real server, a real session: a device sends `SNAPSHOTS` pictures of about 50 KB, and as many
other records as make `RECORDS`, each a batch of its own, while the exam's clock is moved on; four
times two people are seen. It hands in, and the machine has looked at all. Then a proctor who is
signed in opens the session by its address in Chromium, in a browser that is new in each round.

Prints a line of JSON for each round: seconds from the beginning of the navigation until the
timeline is drawn and keys are obeyed, and until the badge says that the evidence is verified; then
how many frames a second there were as the strip was scrolled through, three thumbnails a frame, the
95th percentile of what one took by the clock, and what one took of the page's own thread by that
thread's clock, in seconds. Or one line that says why nothing was measured.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from proctor.evidence.record import Kind
from tests.bench import vision
from tests.bench.load import check_in
from tests.bench.serving import Server, serving
from tests.device import Device
from tests.e2e.browsers import FLAGS, HOW, executable

SECTIONS = ("part-a", "part-b", "part-c")
ITEMS = ("two-dice", "independent")
EVERY_S = 5.0  # a snapshot
FLAGS_RAISED = 4
SEEN_TWICE = 4  # snapshots that raise one
ALL_S = 60.0  # until all of it must be there
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How much of everything."""

    core: int
    rounds: int
    snapshots: int
    records: int
    folder: Path


async def sit(server: Server, asked: Asked) -> str:
    """Let a learner sit for two hours and hand in; return the session."""
    (token,) = await server.ask("invite", count=1)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        session = str((await device.join(token))["session"])
        await device.connect()
        device.at_ms = await server.ask("pass", seconds=0)
        pictures = vision.people()[0]
        await check_in(device, pictures[0])
        for section in SECTIONS:
            await device.open(section)
            if section == SECTIONS[0]:
                await _work(server, device, asked, pictures)
            await device.call("POST", f"/api/v1/session/sections/{section}/close")
        await device.submit()
    return session


async def _work(server: Server, device: Device, asked: Asked, pictures: list[bytes]) -> None:
    """Send what a device sends in two hours, a batch a record, as the clock is moved on."""
    others = asked.records - asked.snapshots - device.log.frontier.size - 1  # what is handed in
    flagged = max(SEEN_TWICE * 2, asked.snapshots // FLAGS_RAISED)
    typed = 0
    for at in range(asked.snapshots):
        device.at_ms = await server.ask("pass", seconds=EVERY_S)
        seen = b"two" if at % flagged in range(2, 2 + SEEN_TWICE) else b""
        # What stands behind the end of a picture makes it another one.
        picture = pictures[at % len(pictures)] + b"%08d" % at + seen
        await device.send([device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")], [picture])
        while typed * asked.snapshots < (at + 1) * others:
            await device.send([_other(device, typed)])
            typed += 1


def _other(device: Device, number: int) -> bytes:
    """Write what is no snapshot: mostly answers, and now and then the learner was away."""
    if number % 50 == 49:
        at_ms = device.at_ms
        return device.add(
            Kind.FOCUS, away_to="https://translate.google.com/", from_ms=at_ms - 900, to_ms=at_ms
        )
    item, response = ITEMS[number % len(ITEMS)], f"a word, no. {number}"
    return device.add(Kind.ANSWER, section=SECTIONS[0], item=item, response=response)


async def looked_at(server: Server, token: str, session: str) -> None:
    """Wait until the machine has looked at all of a session's pictures."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        while True:
            async with http.get(f"/api/v1/sessions/{session}/timeline") as answer:
                timeline = await answer.json()
            if timeline["analysed"]:
                break
            await asyncio.sleep(0.5)
    assert timeline["flags"], "two people were seen, and no flag was raised"


@asynccontextmanager
async def signed_in(chromium: Browser, url: str, proctor: dict[str, str]) -> AsyncIterator[Page]:
    """Sign in with a browser that nothing is stored in yet."""
    context = await chromium.new_context(viewport=VIEWPORT, locale="en-GB")
    try:
        page = await context.new_page()
        await page.goto(f"{url}/console/review")
        await page.get_by_label("Name").fill(proctor["name"])
        await page.get_by_label("Password").fill(proctor["password"])
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        yield page
    finally:
        await context.close()


async def opened(page: Page, address: str) -> dict[str, float]:
    """Open a session, and scroll through its strip; return what a round is measured as."""
    await page.add_init_script(_WATCH)
    await page.goto(address)
    badge = page.get_by_role("button", name="Evidence verified")
    await expect(badge).to_be_visible(timeout=ALL_S * 1000)
    seen: dict[str, float] = await page.evaluate(_WATCHED)
    debugger = await page.context.new_cdp_session(page)
    await debugger.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def thread_s() -> float:
        found = (await debugger.send("Performance.getMetrics"))["metrics"]
        return float(next(each["value"] for each in found if each["name"] == "TaskDuration"))

    before_s = await thread_s()
    seen |= await page.evaluate(_SCROLL)
    seen["frame_thread_s"] = (await thread_s() - before_s) / seen["frames"]
    return seen


async def measure(asked: Asked) -> AsyncIterator[dict[str, Any]]:
    async with async_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            yield {"left_out": HOW}
            return
        async with serving("moved", asked.core, asked.folder) as server:
            session = await sit(server, asked)
            proctor = await server.ask("proctor")
            await looked_at(server, proctor["token"], session)
            chromium = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            for _ in range(asked.rounds):
                async with signed_in(chromium, server.url, proctor) as page:
                    yield await opened(page, f"{server.url}/console/review?session={session}")
            await chromium.close()


async def run(asked: Asked) -> None:
    async for seen in measure(asked):
        print(json.dumps(seen), flush=True)


def main() -> None:
    core, *numbers = map(int, sys.argv[1:5])
    rounds, snapshots, records = numbers
    asked = Asked(
        core=core,
        rounds=rounds,
        snapshots=snapshots,
        records=records,
        folder=Path(sys.argv[5]),
    )
    uvloop.run(run(asked))


# From the beginning of the navigation, as the page's own clock has it.
_WATCH = """
window.watched = {};
(() => {
  let drawn = false;
  const look = () => {
    // What was drawn in a frame is seen, and keys are obeyed, in the one after.
    if (drawn) watched.usable_s ??= performance.now() / 1000;
    drawn = document.querySelector(".plot canvas") && document.querySelector(".strip li");
    if (document.querySelector(".badge.verified")) watched.verified_s = performance.now() / 1000;
    else requestAnimationFrame(look);
  };
  look();
})();
"""

# The badge is there; that it is was written down in the frame after.
_WATCHED = """() => new Promise((done) => {
  const look = () => (watched.verified_s ? done(watched) : requestAnimationFrame(look));
  look();
})"""

_SCROLL = """() => new Promise((done) => {
  const strip = document.querySelector("div.strip");
  const took = [];
  let before = null;
  const step = (now) => {
    if (before !== null) took.push((now - before) / 1000);
    before = now;
    strip.scrollLeft += 312;
    if (strip.scrollLeft + strip.clientWidth < strip.scrollWidth - 1) requestAnimationFrame(step);
    else {
      const all_s = took.reduce((sum, each) => sum + each, 0);
      const p95_s = took.sort((a, b) => a - b)[Math.floor(took.length * 0.95)];
      done({ frames: took.length, frames_s: took.length / all_s, frame_p95_s: p95_s });
    }
  };
  requestAnimationFrame(step);
})"""


if __name__ == "__main__":
    main()
