"""The desk in a browser: a flagged session is judged from the keyboard, by two people."""

import os
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.desk import picture_is_there, reasons_of, record_a_breach
from tests.e2e.visits import Scheme, Visit, Visitor

pytestmark = pytest.mark.browser


class ConsoleServer(Protocol):
    """A server with one session that has a conduct and a quality flag, and its pictures."""

    url: str
    proctor: tuple[str, str]  # name and password
    second: tuple[str, str]
    session: str


async def at_the_desk(visit: Visitor, server: ConsoleServer, *, scheme: Scheme = "light") -> Visit:
    """Open the session by its own address, signed in as the first proctor."""
    here = await visit(f"{server.url}/console/review?session={server.session}", scheme=scheme)
    await here.sign_in(server.proctor)
    await picture_is_there(here.page)
    return here


def eyebrow(page: Page, number: int) -> Locator:
    """Find the line that says which flag is in view."""
    return page.locator(".eyebrow", has_text=f"Flag {number} of 2")


async def picture(page: Page, name: str) -> None:
    """Write what is seen to the folder that PROCTOR_SCREENSHOTS names, if it names one."""
    if folder := os.environ.get("PROCTOR_SCREENSHOTS"):
        path = Path(folder, f"review-{name}.png")
        await page.screenshot(path=path, full_page=True, animations="disabled")


async def test_a_breach_is_judged_by_two_people(
    visit: Visitor, console_server: ConsoleServer
) -> None:
    first = await visit(f"{console_server.url}/console/review")
    page = first.page
    await first.sign_in(console_server.proctor)

    foremost = page.locator("a.row").first
    await expect(foremost).to_have_attribute("href", f"?session={console_server.session}")
    await foremost.press("Enter")
    await picture_is_there(page)
    await expect(eyebrow(page, 1)).to_be_visible()
    await page.keyboard.press("j")
    await expect(eyebrow(page, 2)).to_be_visible()
    await expect(page.get_by_text("It is never counted")).to_be_visible()
    await page.keyboard.press("k")
    await expect(eyebrow(page, 1)).to_be_visible()

    await record_a_breach(page, "Two people at the desk; rule: one person.")
    await expect(page.get_by_text("a second person looks, without seeing")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out")).to_be_visible()

    second = await visit(f"{console_server.url}/console/review?session={console_server.session}")
    page = second.page
    await second.sign_in(console_server.second)
    await picture_is_there(page)
    # Nothing tells that somebody has judged before, not even that a second look is needed.
    await expect(page.get_by_role("article").get_by_text("needs a look")).to_be_visible()
    article = await page.get_by_role("article").inner_text()
    assert "Two people at the desk" not in article
    assert console_server.proctor[0] not in article.split()
    await record_a_breach(page, "I see the second person too.")
    await expect(page.get_by_text("The session is decided.")).to_be_visible()
    await expect(page.get_by_role("article").get_by_text("Decided: breach.")).to_be_visible()
    # Now both see both.
    await page.reload()
    await expect(page.get_by_text("Two people at the desk; rule: one person.")).to_be_visible()
    await expect(page.get_by_text("I see the second person too.")).to_be_visible()
    await picture(page, "decided")


async def test_a_verdict_without_reasons_is_refused_in_words(
    visit: Visitor, console_server: ConsoleServer
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(urlsplit(request.url).path))

    await page.get_by_role("button", name="Not upheld").click()
    await page.get_by_role("button", name="To the verdict").click()
    await page.get_by_role("radio", name="Clear").check()
    await page.get_by_role("button", name="Record the verdict").click()

    # First the flag, whose reason is missing; then the session's own.
    alert = page.get_by_role("alert")
    await expect(alert.filter(has_text="Give your reason for flag 1")).to_be_visible()
    await page.get_by_label("Your reason").fill("The second face is a poster.")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Record the verdict").click()
    await expect(alert.filter(has_text="Write your reasons")).to_be_visible()
    await expect(reasons_of(page)).to_be_focused()
    assert not [path for path in sent if path.endswith("/verdicts")]


async def test_letters_typed_into_the_reasons_are_only_letters(
    visit: Visitor, console_server: ConsoleServer
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    await page.get_by_role("button", name="To the verdict").click()
    await reasons_of(page).click()

    await page.keyboard.type("judcqmt k?1")

    await expect(reasons_of(page)).to_have_value("judcqmt k?1")
    assert await page.locator("[aria-pressed=true]").count() == 0
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_arrows_step_the_snapshots_and_the_slider_says_where_it_is(
    visit: Visitor, console_server: ConsoleServer
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    slider = page.get_by_role("slider", name="Timeline")
    before = await slider.get_attribute("aria-valuenow")
    assert before is not None

    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuenow", str(int(before) + 1))
    await slider.press("Home")
    await expect(slider).to_have_attribute("aria-valuenow", "1")
    await page.keyboard.press("ArrowLeft")
    await expect(slider).to_have_attribute("aria-valuenow", "1")


async def test_a_wrong_password_is_said_in_words(
    visit: Visitor, console_server: ConsoleServer
) -> None:
    here = await visit(f"{console_server.url}/console/review")

    await here.sign_in((console_server.proctor[0], "not the password"))

    await expect(here.page.get_by_text("don't belong together")).to_be_visible()
    await expect(here.page.get_by_role("button", name="Sign out")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_meets_a_barrier(
    visit: Visitor, console_server: ConsoleServer, scheme: Scheme
) -> None:
    here = await visit(f"{console_server.url}/console/review", scheme=scheme)
    page = here.page
    await expect(page.get_by_label("Name")).to_be_focused()
    assert await here.barriers() == ""
    await here.sign_in(console_server.proctor)
    await expect(page.locator("a.row").first).to_be_visible()
    assert await here.barriers() == ""

    await page.locator("a.row").first.click()
    await picture_is_there(page)
    assert await here.barriers() == ""
    await picture(page, f"flag-{scheme}")
    await page.keyboard.press("u")
    await expect(page.get_by_label("Your reason")).to_be_visible()
    assert await here.barriers() == ""
    await page.get_by_role("button", name="To the verdict").click()
    await page.get_by_role("radio", name="Breach").check()
    assert await here.barriers() == ""
    await picture(page, f"verdict-{scheme}")
    await page.get_by_role("button", name="Record the verdict").click()
    await expect(page.get_by_text("Not recorded yet")).to_be_visible()
    assert await here.barriers() == ""
    await page.get_by_role("button", name="Keys").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await here.barriers() == ""


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(320, 640, id="a phone's 320 pixels"),
        pytest.param(640, 400, id="1280 at 200 % zoom"),
        pytest.param(1024, 768, id="a small laptop"),
    ],
)
async def test_nothing_is_cut_off_at_the_side(
    visit: Visitor, console_server: ConsoleServer, width: int, height: int
) -> None:
    here = await visit(
        f"{console_server.url}/console/review?session={console_server.session}",
        width=width,
        height=height,
    )
    await here.sign_in(console_server.proctor)
    await picture_is_there(here.page)
    await picture(here.page, f"{width}")

    wider = await here.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert wider <= 0
