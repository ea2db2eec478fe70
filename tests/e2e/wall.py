"""What the tests of the wall share: its tiles, the session at its right, its dialogs."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.device import Device
from tests.e2e.visits import Visit

TITLE = "Wall"  # of all exams; with one alone, its own

Sitting = Callable[[str], Awaitable[Device]]
Watch = Callable[..., Awaitable[Visit]]


def tile(page: Page, learner: str) -> Locator:
    return (
        page.get_by_role("list", name="Sessions").get_by_role("listitem").filter(has_text=learner)
    )


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary")


async def open_panel(page: Page, learner: str) -> Locator:
    """Open a learner's session by keyboard; wait until it is there."""
    await tile(page, learner).get_by_role("link").press("Enter")
    await expect(panel(page).get_by_role("heading", name=learner)).to_be_focused()
    await expect(panel(page).get_by_role("heading", name="What happened")).to_be_visible()
    return panel(page)


async def give_reason(page: Page, note: str, *, code: str = "technical/network") -> Locator:
    """Fill the dialog of an act; return it."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").select_option(code)
    await dialog.get_by_role("textbox", name=re.compile("Note|Your message")).fill(note)
    return dialog
