"""Whoever sat in a terminal, or sits at another computer now, gets to the page after the exam."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from playwright.async_api import FilePayload, Locator, expect

from proctor.services.logins import StaffRole
from tests.conftest import Server, analysed
from tests.device import Device
from tests.e2e.visits import Scheme, Visit, Visitor
from tests.web.sat import accept, hand_in

pytestmark = pytest.mark.browser

SEEN = "What was seen, and what was decided"
OVER = "This exam is over, and was sat elsewhere"
ASK = "Ask to look here"
USED = "This link shows nothing any more"


@dataclass
class Sat:
    """An exam that was sat in a terminal."""

    server: Server
    device: Device
    session: str
    link: str

    async def decide(self) -> None:
        ann = await self.server.as_staff(StaffRole.PROCTOR, "ann")
        address = f"/api/v1/sessions/{self.session}"
        await analysed(ann, address)
        verdict = {"outcome": "void", "reasons": "A fault of ours.", "flags": []}
        async with ann.post(f"{address}/verdicts", json=verdict) as response:
            assert response.status == 200, await response.text()

    async def viewer_link(self) -> str:
        return str((await self.device.call("POST", "/api/v1/session/viewer-link"))["link"])


@pytest.fixture
async def terminal(server: Server) -> AsyncIterator[Sat]:
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        invited = await hand_in(server, device, pictures=2)
        link = f"{server.url}/join/{invited['join_token']}"
        yield Sat(server, device, invited["session"], link)


def heading(here: Visit, words: str) -> Locator:
    return here.page.get_by_role("heading", level=1, name=words)


async def test_the_terminals_link_shows_what_was_decided_and_takes_an_answer(
    terminal: Sat, visit: Visitor
) -> None:
    here = await visit(await terminal.viewer_link())
    await expect(here.page.get_by_text("Nothing is decided yet.")).to_be_visible()
    await terminal.decide()
    await here.page.get_by_role("button", name="Check again").click()
    await here.page.get_by_label("To the decision").fill("It was my line.")
    await here.page.get_by_role("button", name="Send your answer").click()
    await here.page.get_by_role("button", name="Send it").click()
    await expect(here.page.get_by_text("You answered at")).to_be_visible()
    await expect(here.page.get_by_label("To the decision")).to_have_count(0)


async def test_of_several_files_the_good_ones_go_along_and_each_other_is_named(
    terminal: Sat, visit: Visitor
) -> None:
    await terminal.decide()
    here = await visit(await terminal.viewer_link())
    page = here.page
    files: list[FilePayload] = [
        {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": bytes(3 * 1024 * 1024)},
        {"name": "none.txt", "mimeType": "text/plain", "buffer": b""},
        {"name": "mirror.png", "mimeType": "image/png", "buffer": b"\x89PNG\n"},
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"It was my line."},
    ]
    await page.get_by_label("Add files").set_input_files(files)
    refused = page.get_by_role("alert").filter(has_text="2 of the 4 files were not added")
    await expect(refused.get_by_role("listitem")).to_contain_text(
        ["scan.pdf is larger than 2 MB", "none.txt is empty"]
    )
    assert await here.barriers() == ""
    await page.get_by_label("To the decision").fill("It was my line.")
    await page.get_by_role("button", name="Send your answer").click()
    sure = page.get_by_role("dialog", name="Send your answer?")
    await expect(sure).to_contain_text("2 files go along:")
    going = ["mirror.png (5 bytes)", "note.txt (15 bytes)"]
    await expect(sure.get_by_role("listitem")).to_have_text(going)
    assert await here.barriers() == ""
    await sure.get_by_role("button", name="Send it").click()
    await expect(page.get_by_text("You answered at")).to_be_visible()
    await expect(page.locator("#answer").get_by_role("listitem")).to_have_text(going)
    await expect(refused).to_have_count(0)


async def test_whom_nobody_had_to_judge_reads_so_and_keeps_all_the_same(
    terminal: Sat, visit: Visitor
) -> None:
    here = await visit(await terminal.viewer_link())
    keep = here.page.get_by_role("button", name="Download everything")
    await expect(keep).to_be_disabled()
    team = await terminal.server.as_staff(StaffRole.COURSE_TEAM)
    await accept(terminal.server, terminal.session)
    await analysed(
        await terminal.server.as_staff(StaffRole.PROCTOR), f"/api/v1/sessions/{terminal.session}"
    )
    async with team.post("/api/v1/exams/short/results/release") as response:
        assert (await response.json())["done"] == [terminal.session]
    await here.page.get_by_role("button", name="Check again").click()
    await expect(here.page.get_by_text("Nobody had to judge your exam")).to_be_visible()
    await expect(here.page.get_by_text("No rule raised a flag in your exam.")).to_be_visible()
    await expect(here.page.get_by_label("To the decision")).to_have_count(0)
    async with here.page.expect_download() as download:
        await keep.click()
    assert (await download.value).suggested_filename == f"evidence-{terminal.session}.zip"
    assert await here.barriers() == ""


async def test_a_link_lets_one_browser_in_and_the_next_link_another_in_its_place(
    terminal: Sat, visit: Visitor
) -> None:
    link = await terminal.viewer_link()
    first = await visit(link)
    await expect(heading(first, SEEN)).to_be_visible()
    second = await visit(link)
    await expect(heading(second, USED)).to_be_visible()
    await expect(second.page.get_by_text("proctor-client after LINK")).to_be_visible()

    # In the same tab: only what stands behind the # is another.
    await second.page.goto(await terminal.viewer_link())
    await expect(heading(second, SEEN)).to_be_visible()
    await first.page.get_by_role("button", name="Check again").click()
    await expect(first.page.get_by_text("another browser took its place")).to_be_visible()
    for here in (first, second):
        here.forgive_answers(401, 404)


async def test_whoever_looks_is_there_after_a_reload_until_they_are_done(
    terminal: Sat, visit: Visitor
) -> None:
    await terminal.decide()
    here = await visit(await terminal.viewer_link())
    await expect(heading(here, SEEN)).to_be_visible()
    assert "#" not in here.page.url  # nothing of the link stays in the history
    await here.page.get_by_role("link", name="Answer it").click()
    await here.page.reload()
    await expect(heading(here, SEEN)).to_be_visible()
    await expect(here.page.get_by_text("This browser may look until")).to_be_visible()

    await here.page.get_by_role("button", name="Done: forget this here").click()
    await expect(heading(here, "This browser has forgotten your exam")).to_be_visible()
    await here.page.reload()
    await expect(heading(here, USED)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_who_looks_back_meets_a_barrier(
    terminal: Sat, visit: Visitor, scheme: Scheme
) -> None:
    await terminal.decide()
    here = await visit(await terminal.viewer_link(), scheme=scheme)
    await expect(here.page.get_by_label("To the decision")).to_be_visible()
    assert await here.barriers() == ""
    await here.page.get_by_role("button", name="Done: forget this here").click()
    await expect(heading(here, "This browser has forgotten your exam")).to_be_visible()
    assert await here.barriers() == ""


async def test_an_answer_that_comes_too_late_stays_on_the_page(
    terminal: Sat, visit: Visitor
) -> None:
    await terminal.decide()
    terminal.server.clock.pass_(14 * 24 * 3600 - 60)
    here = await visit(await terminal.viewer_link())
    await here.page.get_by_label("To the decision").fill("It was my line.")
    terminal.server.clock.pass_(120)
    await here.page.get_by_role("button", name="Send your answer").click()
    await here.page.get_by_role("button", name="Send it").click()
    over = "The days in which it could be answered are over."
    await expect(here.page.get_by_text(over).first).to_be_visible()
    await expect(here.page.get_by_label("To the decision")).to_have_value("It was my line.")
    here.forgive_answers(403)


async def test_a_browser_that_is_nobodys_is_told_where_to_go_and_can_ask(
    terminal: Sat, visit: Visitor
) -> None:
    here = await visit(terminal.link)
    await expect(heading(here, OVER)).to_be_visible()
    await expect(here.page.get_by_text("proctor-client after LINK")).to_be_visible()
    assert await here.barriers() == ""
    await here.page.get_by_role("button", name=ASK).click()
    await expect(heading(here, "You asked to look here")).to_be_visible()
    # Back another day: it waits still, and need not ask again.
    await here.page.reload()
    await expect(heading(here, "You asked to look here")).to_be_visible()
    assert await here.barriers() == ""

    cy = await terminal.server.as_staff(StaffRole.PROCTOR, "cy")
    address = f"/api/v1/sessions/{terminal.session}"
    async with cy.get(address) as response:
        (asking,) = (await response.json())["asking"]
    act = {"act": "admit-device", "of": asking["device"]}
    async with cy.post(f"{address}/acts", json=act) as response:
        assert response.status == 200, await response.text()
    await expect(heading(here, "Your exam is handed in")).to_be_visible()
    await here.page.get_by_role("link", name=SEEN).click()
    await expect(heading(here, SEEN)).to_be_visible()
    here.forgive_answers(409)
