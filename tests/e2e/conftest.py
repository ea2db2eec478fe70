"""A Chromium for the tests of the pages, and visits with it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, async_playwright

from tests.conftest import Server
from tests.e2e.exam_day import Console, flagged_session
from tests.e2e.visits import FLAGS, HOW, Scheme, Visit, Visitor, executable


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            pytest.skip(HOW)
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def visit(chromium: Browser) -> AsyncIterator[Visitor]:
    """Open an address; afterwards no page may have complained or asked another host."""
    visits: list[Visit] = []

    async def open_page(
        url: str, *, scheme: Scheme = "light", width: int = 1280, height: int = 800
    ) -> Visit:
        context = await chromium.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Asia/Kolkata",
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        here = Visit(page=await context.new_page(), host=urlsplit(url).netloc)
        here.watch()
        visits.append(here)
        await here.page.goto(url)
        return here

    yield open_page
    for done in visits:
        await done.page.context.close()
    assert [done.complaints for done in visits if done.complaints] == []
    assert [done.strangers for done in visits if done.strangers] == []


@pytest.fixture
async def console_server(server: Server) -> Console:
    """A real server with one session that was flagged."""
    return await flagged_session(server)
