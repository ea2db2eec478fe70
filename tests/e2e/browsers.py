"""Which Chromium the tests of the pages use, and browsers that stay open from test to test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
import pytest
from playwright.async_api import Browser, Playwright, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox, because a container's root may not make one. The others keep it from asking for
# anything that the page did not ask for.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW = (
    "no Chromium was found: install the system's package `chromium`, or name a browser in "
    "PROCTOR_CHROMIUM, or run `python -m playwright install chromium`"
)

T = TypeVar("T")


def executable(playwright: Playwright) -> str | None:
    named = os.environ.get("PROCTOR_CHROMIUM")
    own = playwright.chromium.executable_path
    found = [named, *map(shutil.which, NAMES), own if Path(own).is_file() else None]
    return next(filter(None, found), None)


async def _port_of(browser: Browser) -> int:
    """Return the debugging port that a browser chose: one that we choose may be taken by then."""
    session = await browser.new_browser_cdp_session()
    told = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    process = psutil.Process(next(each["id"] for each in told if each["type"] == "browser"))
    async with asyncio.timeout(60):
        while True:
            for line in process.net_connections("tcp"):
                if line.status == psutil.CONN_LISTEN:
                    return int(line.laddr.port)
            await asyncio.sleep(0.05)


class Browsers:
    """One browser for each set of flags, started when it is first asked for.

    Playwright's objects belong to an event loop, and each test has its own: the browsers run in a
    loop that stays, and each test speaks to them by their debugging port.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._playwright: Playwright | None = None
        self._open: dict[tuple[str, ...], tuple[Browser, int]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._there(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @asynccontextmanager
    async def visitor(self, *flags: str) -> AsyncIterator[Browser]:
        """Connect to the browser with these flags beside the usual ones; skip if there is none."""
        async with async_playwright() as playwright:
            path = executable(playwright)
            if path is None:
                pytest.skip(HOW)
            port = await asyncio.to_thread(self._there, self._started(path, flags))
            browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            yield browser
            await browser.close()

    def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _started(self, path: str, flags: tuple[str, ...]) -> int:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        browser, port = self._open.get(flags, (None, 0))
        if browser is None or not browser.is_connected():
            browser = await self._playwright.chromium.launch(
                executable_path=path, args=[*FLAGS, *flags, "--remote-debugging-port=0"]
            )
            port = await _port_of(browser)
            self._open[flags] = browser, port
        return port

    async def _close(self) -> None:
        for browser, _ in self._open.values():
            await browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
