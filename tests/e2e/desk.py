"""What the tests of the desk share: a picture that is there, a breach that is judged by keys."""

from playwright.async_api import Locator, Page, expect


async def picture_is_there(page: Page) -> None:
    """Wait until the large picture is decoded: a frame alone proves nothing."""
    await expect(page.locator(".frame img").first).not_to_have_js_property("naturalWidth", 0)
    await expect(page.locator(".frame img").first).to_have_js_property("complete", value=True)


def reasons_of(page: Page) -> Locator:
    """Find the field for the reasons of the whole verdict."""
    return page.get_by_label("Reasons", exact=False).and_(page.locator("textarea"))


async def record_a_breach(page: Page, reasons: str) -> None:
    """Judge the flag in view, choose an outcome and give reasons, from the keyboard alone."""
    await page.keyboard.press("u")
    await page.keyboard.press("1")  # a sentence for the flag; then the verdict is in view
    await expect(page.get_by_role("heading", name="Your verdict")).to_be_visible()
    await page.keyboard.press("Enter")  # goes to what is missing: the outcome
    await expect(page.get_by_role("radio", name="Clear")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="Breach")).to_be_checked()
    await page.keyboard.press("Enter")  # and on to the reasons
    await expect(reasons_of(page)).to_be_focused()
    await page.keyboard.type(reasons)
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Record the breach").press("Enter")
