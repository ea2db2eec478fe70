"""The desk in a browser: keys, marks, evidence, the queue, the strip, agreement, the report."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, Route, expect

from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.bench.bundle import write_two_hours
from tests.conftest import PASSWORD, Server
from tests.device import Device
from tests.e2e.desk import reasons_of
from tests.e2e.exam_day import Console, flagged_session
from tests.e2e.visits import Scheme, Visit, Visitor
from tests.evidence.building import SERVER_KEY
from tests.pictures import jpeg, webcam

# A test names its server before its visits: a page that still asks while the server goes away
# would complain of it.
pytestmark = pytest.mark.browser

# Two people, for long enough to be flagged.
TWICE = (b"", b"", b"two", b"two", b"two", b"two", b"", b"", b"")
EXPORTS = ("Sessions", "Flags", "Irregularities", "Verdicts")
MOST_KEYS = 12
SNAPSHOTS = 1440
USABLE_MS = 1000
FRAME_MS = 1000 / 60
TRIES = 8  # whatever else this machine does can only add to what is measured
VERIFIED_S = 3


async def picture(page: Page, name: str) -> None:
    """Write what is seen to the folder that PROCTOR_SCREENSHOTS names, if it names one."""
    if folder := os.environ.get("PROCTOR_SCREENSHOTS"):
        path = Path(folder, f"desk-{name}.png")
        await page.screenshot(path=path, full_page=True, animations="disabled")


async def seen(page: Page, name: str) -> None:
    """As `picture`, of what is in view alone."""
    if folder := os.environ.get("PROCTOR_SCREENSHOTS"):
        await page.screenshot(path=Path(folder, f"desk-{name}.png"), animations="disabled")


async def at_the_desk(visit: Visitor, console: Console, **how: Any) -> Visit:
    here = await visit(f"{console.url}/console/review?session={console.session}", **how)
    await here.sign_in(console.proctor)
    await expect(here.page.get_by_role("slider")).to_be_visible()
    return here


def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Route], Awaitable[None]]:
    """Return a handler that hands on the server's own answer, changed."""

    async def handle(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        change(body)
        await route.fulfill(response=answer, body=json.dumps(body))

    return handle


async def test_three_flags_and_the_session_are_cleared_with_few_keys(
    server: Server, visit: Visitor
) -> None:
    after = await flagged_session(server, learner="R. Okafor")
    console = await flagged_session(server, seen_in_turn=TWICE, parts=3)
    page = (await at_the_desk(visit, console)).page
    pressed = 0

    async def press(*keys: str) -> None:
        nonlocal pressed
        for key in keys:
            await page.keyboard.press(key)
            pressed += 1

    for number in (1, 2, 3):
        await expect(page.locator(".eyebrow", has_text=f"Flag {number} of 3")).to_be_visible()
        await press("d", "1")
    await expect(page.get_by_role("heading", name="Your verdict")).to_be_visible()
    await press("1", "Enter")
    await expect(page.get_by_text("Recorded: clear.")).to_be_visible()
    await expect(page.get_by_role("button", name="Next: R. Okafor")).to_be_focused()
    await press("Enter")

    await expect(page.get_by_role("heading", name="R. Okafor")).to_be_visible()
    assert pressed <= MOST_KEYS
    await expect(page).to_have_url(f"{after.url}/console/review?session={after.session}")


async def test_snapshots_are_played_slower_and_faster_by_key_or_by_choice(
    console_server: Console, visit: Visitor
) -> None:
    here = await at_the_desk(visit, console_server)
    page = here.page
    speed = page.get_by_label("Speed")
    await expect(speed).to_have_value("1")
    for key, value in (("]", "2"), ("]", "4"), ("]", "4"), ("[", "2")):
        await page.keyboard.press(key)
        await expect(speed).to_have_value(value)
    await speed.select_option("0.5")
    await expect(speed).to_have_value("0.5")
    await page.get_by_role("button", name="Keys").click()
    listed = page.get_by_role("dialog").get_by_text("play slower, faster")
    await expect(listed).to_be_visible()
    assert await here.barriers() == ""


async def test_a_moment_is_marked_and_found_again(console_server: Console, visit: Visitor) -> None:
    here = await at_the_desk(visit, console_server)
    page = here.page
    await page.keyboard.press("m")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("textbox")).to_be_focused()
    assert await here.barriers() == ""
    await page.keyboard.type("A poster on the wall?")
    await page.keyboard.press("Enter")

    marks = page.get_by_role("region", name="Marks")
    await expect(marks).to_contain_text("A poster on the wall?")
    await expect(dialog).to_be_hidden()
    await page.get_by_role("slider").press("End")
    await expect(page.get_by_text("Snapshot 12 of 12")).to_be_visible()
    await marks.get_by_role("button").click()
    await expect(page.get_by_text("Snapshot 3 of 12")).to_be_visible()


async def test_the_page_verifies_the_evidence_by_itself(
    console_server: Console, visit: Visitor
) -> None:
    here = await at_the_desk(visit, console_server)
    page = here.page
    badge = page.get_by_role("button", name="Evidence verified")
    await expect(badge).to_be_visible()
    await badge.click()
    await expect(page.get_by_role("dialog")).to_contain_text("the file is a bundle")
    assert await here.barriers() == ""
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_evidence_that_was_changed_is_said_to_be(
    console_server: Console, visit: Visitor
) -> None:
    here = await visit(f"{console_server.url}/console/review")
    page = here.page

    async def forged(route: Route) -> None:
        """One letter of a record is another one."""
        answer = await route.fetch()
        body = (await answer.body()).replace(b'"two-dice"', b'"two-dicf"', 1)
        await route.fulfill(response=answer, body=body)

    await page.context.route("**/bundle", forged)
    await here.sign_in(console_server.proctor)
    await page.locator("a.row").first.click()

    badge = page.get_by_role("button", name="Evidence does not verify")
    await expect(badge).to_be_visible()
    # The session can be read and judged all the same.
    await page.keyboard.press("u")
    await expect(page.get_by_label("Your reason")).to_be_visible()
    await badge.click()
    await expect(page.get_by_role("dialog")).to_contain_text("does not hold")
    await expect(page.get_by_role("dialog")).to_contain_text("Decide nothing on it")
    assert await here.barriers() == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_learners_answer_stands_before_every_verdict_button(
    console_server: Console, visit: Visitor, scheme: Scheme
) -> None:
    def answered(body: dict[str, Any]) -> None:
        flag = body["flags"][0]["flag"]
        body["review"]["state"] = "contested"
        body["contest"] = {
            "text": "I was alone in my room.",
            "flags": [{"flag": flag, "text": "It is a poster of my band, behind me."}],
            "attachments": [],
            "at_ms": body["session"]["now_ms"],
            "until_ms": None,
        }

    here = await visit(f"{console_server.url}/console/review", scheme=scheme)
    page = here.page
    await page.route("**/timeline", changed(answered))
    await here.sign_in(console_server.proctor)
    await page.locator("a.row").first.click()

    said = page.get_by_text("It is a poster of my band, behind me.")
    await expect(said).to_be_visible()
    await expect(page.get_by_text("I was alone in my room.")).to_be_visible()
    before = await page.evaluate(
        """() => {
          const said = document.querySelector(".flag .answered");
          const button = document.querySelector(".judge button");
          return said.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING;
        }"""
    )
    assert before
    assert await here.barriers() == ""
    await picture(page, f"answer-{scheme}")


async def test_the_queue_says_what_fits_and_is_shared_out(server: Server, visit: Visitor) -> None:
    console = await flagged_session(server, seen_in_turn=TWICE, parts=3)
    other = await flagged_session(server, learner="R. Okafor")
    await flagged_session(server, learner="Li Wei", seen_in_turn=(b"",) * 4)
    here = await visit(f"{console.url}/console/review")
    page = here.page
    await here.sign_in(console.proctor)
    rows = page.locator("a.row")
    await expect(rows).to_have_count(3)
    await expect(page.get_by_role("heading", name="No conduct flagged")).to_be_visible()

    # From the keyboard: to the second row, choose it, and the first one, take both.
    await page.keyboard.press("j")
    await expect(rows.first).to_be_focused()
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.get_by_text("2 sessions chosen")).to_be_visible()
    assert await here.barriers() == ""
    await picture(page, "queue")
    await page.keyboard.press("t")
    await expect(page.get_by_text("2 sessions given to proctor.")).to_be_visible()
    await expect(page.locator(".whose", has_text="yours")).to_have_count(2)
    await page.get_by_label("Whose").select_option("nobody")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Whose").select_option("all")

    await page.get_by_label("I have").select_option("15")
    await expect(page.get_by_text("fit in 15 minutes")).to_be_visible()
    await expect(page.locator(".row.fits")).to_have_count(3)

    await page.get_by_role("checkbox", name="Choose R. Okafor").check()
    await page.get_by_role("button", name="Give", exact=True).click()
    await expect(page.get_by_text("Type whom to give these to.")).to_be_visible()
    await page.get_by_label("Give to").fill("second-proctor")
    await page.get_by_label("Due").fill("2026-06-02T09:00")
    await page.get_by_role("button", name="Give", exact=True).click()
    await expect(page.get_by_text("1 session given to second-proctor.")).to_be_visible()
    await expect(page.locator(".whose", has_text="with second-proctor")).to_be_visible()
    await page.goto(f"{other.url}/console/review?session={other.session}")
    await expect(page.get_by_role("article").get_by_text("With second-proctor")).to_be_visible()


async def test_who_alone_noted_something_is_told_so_and_when_it_was(
    server: Server, visit: Visitor
) -> None:
    console = await flagged_session(server, learner="Li Wei", seen_in_turn=(b"",) * 4)
    server.clock.pass_(20 * 60)
    proctor = await server.as_staff(StaffRole.PROCTOR, "proctor")
    note = {"act": "irregularity", "of": "room", "code": "environment/noise", "note": "a drill"}
    path = f"/api/v1/sessions/{console.session}/acts"
    async with proctor.post(path, json=note) as response:
        assert response.status == 200, await response.text()

    here = await visit(f"{console.url}/console/review", width=1400, height=900)
    page = here.page
    await here.sign_in(console.proctor)
    row = page.locator("a.row")
    await expect(row).to_contain_text("You alone acted on this session: another person judges it.")
    await expect(row).to_contain_text("no flags · 1 irregularity noted")
    await expect(page.get_by_text("You have given your verdict")).to_be_hidden()
    assert await here.barriers() == ""
    await picture(page, "queue-alone")
    await row.click()
    await page.get_by_text("All that happened, in words").click()
    noted = page.locator(".happened li", has_text="proctor noted an irregularity")
    await expect(noted).to_contain_text("After the end, at ")
    await page.get_by_text("Who looked at pictures of this session").click()
    await expect(page.get_by_text("looks of other reviewers for a review")).to_be_visible()
    assert await here.barriers() == ""
    await picture(page, "alone")

    other = await visit(f"{console.url}/console/review")
    await other.sign_in(console.second)
    await expect(other.page.get_by_role("heading", name="No conduct flagged")).to_be_visible()
    await expect(other.page.locator("a.row")).to_contain_text("1 irregularity noted")
    # Who opens a session stands at its head, also where the verdict is all that is left to give.
    await other.page.set_viewport_size({"width": 1400, "height": 500})
    await other.page.locator("a.row").click()
    await expect(other.page.get_by_role("heading", name="Your verdict")).to_be_visible()
    await expect(other.page.get_by_role("heading", name="Li Wei")).to_be_in_viewport(ratio=1)


async def test_what_a_key_opens_is_in_view(console_server: Console, visit: Visitor) -> None:
    page = (await at_the_desk(visit, console_server, width=1400, height=900)).page
    await expect(page.locator(".frame img").first).to_be_visible()
    await page.keyboard.press("u")
    await expect(page.locator(".because-form")).to_be_in_viewport(ratio=1)
    await seen(page, "key-u")
    await page.keyboard.press("1")
    await expect(page.get_by_role("heading", name="Your verdict")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Record the verdict")).to_be_in_viewport(ratio=1)
    await seen(page, "key-verdict")
    await page.keyboard.press("3")
    said = page.get_by_text("Some sessions are looked at by a second person")
    await expect(said).to_be_in_viewport(ratio=1)
    await page.keyboard.press("k")
    await expect(page.locator(".eyebrow", has_text="Flag 2 of 2")).to_be_in_viewport(ratio=1)
    await seen(page, "key-k")


async def test_two_hours_open_at_once_and_their_strip_scrolls(
    console_server: Console, visit: Visitor
) -> None:
    here = await visit(f"{console_server.url}/console/review")
    page = here.page
    sheet = jpeg(webcam())

    def long(body: dict[str, Any]) -> None:
        periodic = [each for each in body["snapshots"] if each["purpose"] == "periodic"]
        others = [each for each in body["snapshots"] if each["purpose"] != "periodic"]
        start = periodic[0]["at_ms"]
        body["snapshots"] = others + [
            periodic[n % len(periodic)]
            | {"seq": 1000 + n, "at_ms": start + n * 5000, "device": "d_long"}
            for n in range(SNAPSHOTS)
        ]
        section = body["session"]["sections"][0]
        section["opened_at_ms"] = start
        section["closed_at_ms"] = start + SNAPSHOTS * 5000
        body["answers"] = [
            {
                "section": section["id"],
                "item": f"q{item}",
                "saved": 100,
                "last_at_ms": start + 7_000_000,
                "late": False,
                "at_ms": [start + n * 60_000 + item * 2000 for n in range(100)],
            }
            for item in range(15)
        ]

    async def small(route: Route) -> None:
        await route.fulfill(body=sheet, content_type="image/jpeg")

    await page.route("**/timeline", changed(long))
    await page.route("**/strip/*", small)
    await here.sign_in(console_server.proctor)
    opened_ms, frames_ms = [], []
    for _ in range(TRIES):
        await expect(page.locator("a.row").first).to_be_visible()
        opened_ms.append(await page.evaluate(_OPENED))
        count = await page.locator(".strip li").count()
        slow = await page.evaluate(_SCROLLED)
        frames_ms.append(slow["median"])
        print(f"opened in {opened_ms[-1]:.0f} ms; {count} thumbnails; frames {slow}")
        assert 0 < count < 60
        if min(opened_ms) <= USABLE_MS and min(frames_ms) <= FRAME_MS * 1.2:
            break
        await page.goto(f"{console_server.url}/console/review")

    await picture(page, "two-hours")
    assert min(opened_ms) <= USABLE_MS
    assert min(frames_ms) <= FRAME_MS * 1.2
    assert await page.get_by_text(f"of {SNAPSHOTS}").count() > 0
    await page.get_by_role("slider").press("End")
    await page.locator(".strip").scroll_into_view_if_needed()
    await expect(page.locator(".strip [aria-current]")).to_be_in_viewport()


async def test_small_pictures_that_do_not_come_are_said_to_be_missing_and_asked_for_again(
    console_server: Console, visit: Visitor
) -> None:
    here = await visit(f"{console_server.url}/console/review?session={console_server.session}")
    page = here.page
    await page.route("**/strip/*", lambda route: route.abort())
    await here.sign_in(console_server.proctor)
    missing = page.get_by_text("the small pictures are missing")
    await expect(missing).to_be_visible()
    assert await here.barriers() == ""
    here.forgive("Failed to load resource: ")

    await page.unroute("**/strip/*")
    await page.locator(".sheets").get_by_role("button", name="Try again").click()

    await expect(page.locator(".strip .cut").first).to_be_visible()
    await expect(missing).to_be_hidden()


async def test_two_hours_of_evidence_are_verified_in_seconds(
    console_server: Console, visit: Visitor, tmp_path: Path
) -> None:
    path = tmp_path / "two-hours.zip"
    await asyncio.to_thread(write_two_hours, path)
    key = {"server": SERVER_KEY.verifier.name, "keys": [SERVER_KEY.verifier.encode()]}

    async def whole(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    app = web.Application()
    app.router.add_get("/bundle", whole)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        here = await visit(f"{console_server.url}/console/review")
        page = here.page
        # The bytes come from beside the server: through the browser's debugger they would crawl.
        await page.context.route(
            "**/bundle", lambda route: route.continue_(url=f"{site.name}/bundle")
        )
        await page.context.route("**/proctor-keys.json", lambda route: route.fulfill(json=key))
        await here.sign_in(console_server.proctor)
        took_s: list[float] = []
        for _ in range(TRIES):
            await page.locator("a.row").first.click()
            badge = page.get_by_role("button", name="Evidence verified")
            await expect(badge).to_be_visible()
            await badge.click()
            told = await page.get_by_text("It took").inner_text()
            took_s.append(float(told.rsplit("It took ", 1)[1].removesuffix(" s.")))
            print(f"{path.stat().st_size / 1e6:.0f} MB verified in {took_s[-1]} s")
            if took_s[-1] <= VERIFIED_S:
                break
            await page.goto(f"{console_server.url}/console/review")
    finally:
        await runner.cleanup()
    assert min(took_s) <= VERIFIED_S


# From the click until the timeline is drawn and a key would be obeyed.
_OPENED = """() => new Promise((done) => {
  const began = performance.now();
  const look = () => {
    const drawn = document.querySelector(".plot canvas") && document.querySelector(".strip li");
    if (drawn) requestAnimationFrame(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  document.querySelector("a.row").click();
  look();
})"""

# Scrolls through the whole strip, some hundred pixels a frame, and tells how long frames took.
_SCROLLED = """() => new Promise((done) => {
  const strip = document.querySelector("div.strip");
  const took = [];
  let before = performance.now();
  const step = () => {
    const now = performance.now();
    took.push(now - before);
    before = now;
    strip.scrollLeft += 300;
    if (took.length < 240) requestAnimationFrame(step);
    else {
      const sorted = took.slice(1).sort((a, b) => a - b);
      const at = (share) => Math.round(10 * sorted[Math.floor(sorted.length * share)]) / 10;
      done({ median: at(0.5), p95: at(0.95), most: at(0.999) });
    }
  };
  requestAnimationFrame(step);
})"""


async def test_what_the_machine_could_not_see_is_said(
    console_server: Console, visit: Visitor
) -> None:
    def unseen(body: dict[str, Any]) -> None:
        body["unavailable"] = [{"why": "faces: the model yunet is not there", "snapshots": 12}]

    def models(body: dict[str, Any]) -> None:
        body["pictures"]["unavailable"] = ["faces: the model yunet is not there"]

    here = await visit(f"{console_server.url}/console/review")
    page = here.page
    await page.route("**/timeline", changed(unseen))
    await page.route("**/reviews", changed(models))
    await here.sign_in(console_server.proctor)
    await expect(page.get_by_text("For want of a model")).to_be_visible()
    await page.locator("a.row").first.click()
    region = page.get_by_role("region", name="What the machine could not see")
    await expect(region).to_contain_text("in 12 snapshots")
    assert await here.barriers() == ""


async def test_looks_are_listed_and_the_report_prints(
    console_server: Console, visit: Visitor
) -> None:
    here = await at_the_desk(visit, console_server)
    page = here.page
    await expect(page.locator(".frame img").first).to_be_visible()
    await page.get_by_text("Who looked at pictures of this session").click()
    await expect(page.locator(".looked")).to_contain_text("proctor looked at")
    await page.get_by_text("All that happened, in words").click()
    await expect(page.locator(".happened")).to_contain_text("Conduct flag: More than one person")
    assert await here.barriers() == ""

    await page.get_by_role("link", name="Report to print").click()
    await expect(page.get_by_role("heading", name="Report of a session")).to_be_visible()
    await expect(page.get_by_role("button", name="Print")).to_be_visible()
    await expect(page.get_by_text("Evidence verified").first).to_be_visible()
    await expect(page.locator(".report .frame img")).to_have_count(7)
    assert await here.barriers() == ""
    await picture(page, "report")
    await page.emulate_media(media="print")
    await expect(page.get_by_role("button", name="Print")).to_be_hidden()
    await expect(page.get_by_text("more than 1 person").first).to_be_visible()
    await picture(page, "report-printed")


async def test_the_lead_finds_the_tables_from_the_reviews_and_what_each_holds(
    server: Server, console_server: Console, visit: Visitor
) -> None:
    await server.as_staff(StaffRole.LEAD, "lena")
    here = await visit(f"{console_server.url}/console/review")
    page = here.page
    await here.sign_in(("lena", PASSWORD))
    await page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Tables to download")
    lines = dialog.get_by_role("listitem")
    await expect(lines).to_have_text(
        [re.compile(rf"^{name} \(JSON\): a line for each ") for name in EXPORTS]
    )
    assert await here.barriers() == ""
    async with page.expect_download() as download:
        await dialog.get_by_role("link", name="Irregularities", exact=True).click()
    assert (await download.value).suggested_filename.endswith("-irregularities.csv")
    async with page.expect_download() as download:
        await dialog.get_by_role("link", name="JSON of irregularities").click()
    assert (await download.value).suggested_filename.endswith("-irregularities.json")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()

    of_a_proctor = await visit(f"{console_server.url}/console/review")
    await of_a_proctor.sign_in(console_server.proctor)
    await expect(of_a_proctor.page.get_by_role("button", name="Check again")).to_be_visible()
    await expect(of_a_proctor.page.get_by_role("button", name="Export")).to_be_hidden()


async def test_after_the_end_no_learner_is_said_to_wait_for_an_id_check(
    console_server: Console, visit: Visitor
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    said = page.get_by_role("region", name="Who it is: the checks that were made")
    await expect(said).to_contain_text("No person has decided.")
    await expect(page.get_by_text("This learner waits for an ID check")).to_be_hidden()


async def test_a_breach_without_an_upheld_flag_needs_words_of_ones_own(
    console_server: Console, visit: Visitor
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    await page.keyboard.press("d")
    await page.keyboard.press("1")
    await page.keyboard.press("4")  # a sentence that calls any session a breach
    await expect(page.get_by_role("radio", name="Breach")).to_be_checked()
    await page.keyboard.press("Enter")
    lacks = page.get_by_role("alert").filter(has_text="Not recorded yet.")
    await expect(lacks).to_contain_text("Write in your own words what the breach was")
    await expect(reasons_of(page)).to_be_focused()
    await page.keyboard.press("Escape")  # out of the field, where a digit is a digit
    await page.keyboard.press("6")
    await expect(reasons_of(page)).to_have_value(re.compile("does not allow"))
    await page.keyboard.press("Enter")
    await expect(reasons_of(page)).to_be_focused()
    await page.keyboard.type(" The notes on the wall are of this course. ")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("dialog", name="Record a breach?")).to_be_visible()


async def test_a_sentence_that_a_flag_belies_is_not_offered(
    console_server: Console, visit: Visitor
) -> None:
    page = (await at_the_desk(visit, console_server)).page
    await page.keyboard.press("u")
    await page.keyboard.press("1")
    await expect(page.get_by_text("Your verdict doesn't decide it.")).to_be_visible()  # who it was
    offered = page.get_by_role("list", name="Sentences to choose from")
    await expect(offered).to_contain_text("What was upheld was small")
    await expect(offered).not_to_contain_text("No flag was upheld")
    await page.keyboard.press("1")
    await page.keyboard.press("Enter")
    lacks = page.get_by_role("alert").filter(has_text="Not recorded yet.")
    await expect(lacks).to_contain_text("Write your reasons.")
    await expect(page.get_by_role("radio", name="Clear")).to_be_focused()
    await page.keyboard.press("3")
    await expect(reasons_of(page)).to_have_value(re.compile("was small and gave no advantage"))
    await expect(lacks).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_lead_reads_how_far_people_agree(
    server: Server, console_server: Console, visit: Visitor, scheme: Scheme
) -> None:
    await server.as_staff(StaffRole.LEAD, "lena")

    def judged(body: dict[str, Any]) -> None:
        one = {"n": 40, "agree": 0.9, "kappa": 0.74, "low": 0.62, "high": 0.86}
        few = {"n": 2, "agree": 1.0, "kappa": None, "low": None, "high": None}
        body["pairs"] = [
            {"one": "proctor", "other": "second-proctor", **one},
            {"one": "kim", "other": "proctor", **few},
        ]
        body["rules"] = [{"rule": "more than 1 person for 2 seconds", **one}]
        came = {"n": 40, "upheld": 4, "not_upheld": 30, "cannot_tell": 6}
        share = {"share": 0.75, "low": 0.598, "high": 0.858}
        body["flags"] = [{"rule": "more than 1 person for 2 seconds", **came, **share}]
        body["sessions"], body["decided"] = 12_300, 11_950

    here = await visit(f"{console_server.url}/console/agreement", scheme=scheme)
    page = here.page
    await page.route("**/agreement", changed(judged), times=1)
    await here.sign_in(("lena", PASSWORD))
    table = page.get_by_role("region", name="Pairs of reviewers")
    await expect(table).to_be_visible()
    if scheme == "light":
        await expect(table).to_contain_text("0.62 to 0.86")
        await expect(table).to_contain_text("they agree")
        counted = page.get_by_text("11,950 of the exam's 12,300 sessions are decided.")
        await expect(counted).to_be_visible()
        came = page.get_by_role("region", name="What became of flags").get_by_role("row").last
        await expect(came.get_by_role("cell")).to_have_text(
            ["40", "4", "30", "6", "75 %", "60 % to 86 %"]
        )
    assert await here.barriers() == ""
    await picture(page, f"agreement-{scheme}")
    await expect(page.get_by_role("link", name="Agreement")).to_have_attribute(
        "aria-current", "page"
    )
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Flags", exact=True).click()
    assert (await download.value).suggested_filename.endswith(".csv")


async def test_the_course_team_releases_what_waits_for_nobody(
    server: Server, console_server: Console, visit: Visitor
) -> None:
    await server.as_staff(StaffRole.COURSE_TEAM, "tess")
    here = await visit(f"{console_server.url}/console/agreement")
    page = here.page
    await here.sign_in(("tess", PASSWORD))
    release = page.get_by_role("button", name="Release what can be released")
    await release.click()
    sure = page.get_by_role("dialog", name="Release the results of")
    await sure.get_by_role("button", name="Go back").click()
    await expect(sure).to_have_count(0)
    await release.click()
    await sure.get_by_role("button", name="Release the results").click()
    said = page.get_by_role("status").filter(has_text="result")
    # Its one session has a flag of conduct, which nobody has judged.
    await expect(said).to_contain_text("No result was released just now.")
    await expect(said).to_contain_text("1 result not released: a person has to decide")
    assert await here.barriers() == ""

    # The reviews are not for this login: no page names them, and trying again is no help.
    here.forgive_answers(403)
    await page.goto(f"{console_server.url}/console/review")
    await expect(page.get_by_text("Your login does not allow this.")).to_be_visible()
    await expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    pages = page.get_by_role("navigation", name="Pages").get_by_role("link")
    await expect(pages).to_have_text(["Results and agreement"])
    await picture(page, "course-team")


async def test_the_course_team_marks_an_answer_and_corrects_the_mark(
    server: Server, visit: Visitor
) -> None:
    await server.as_staff(StaffRole.COURSE_TEAM, "tess")
    await wrote(server, "Mary Somerville", "So that only chance differs.")
    here = await visit(f"{server.url}/console/agreement")
    page = here.page
    await here.sign_in(("tess", PASSWORD))
    await page.get_by_label("Whose answers").select_option("Mary Somerville: 0 marked")
    answer = page.get_by_role("article", name="Answer to randomise")
    await expect(answer).to_contain_text("So that only chance differs.")
    points = answer.get_by_role("textbox", name="Points for randomise")
    await answer.get_by_role("button", name="Give the points").click()
    await expect(answer.get_by_role("alert")).to_contain_text("Write a number from 0 to")
    await expect(points).to_have_attribute("aria-invalid", "true")
    assert await here.barriers() == ""
    await points.fill("1")
    await points.press("Enter")
    await expect(page.get_by_text("Recorded for randomise: 1.")).to_be_visible()
    await points.fill("0,5")
    await answer.get_by_role("button", name="Correct the points").click()
    await expect(answer.get_by_text("was 1, now 0.5, by tess")).to_be_visible()
    await expect(page.get_by_label("Whose answers")).to_contain_text("Mary Somerville: 1 marked")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Open notes.txt").click()
    kept = await download.value
    assert kept.suggested_filename == "notes.txt"
    assert (await kept.path()).read_bytes() == b"So that only chance differs."
    await picture(page, "marks")


async def wrote(server: Server, learner: str, words: str) -> None:
    """Let a learner answer the questions that people score, one with a file, and hand in."""
    invited = await server.invite(learner=learner)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)
        await device.check_in()
        for section in ("part-a", "part-b", "part-c"):
            await device.open(section)
            server.clock.pass_(1)
            if section == "part-c":
                await device.answer(section, "randomise", words)
                file = words.encode()
                await device.send([device.add(Kind.SNAPSHOT, blob=file, purpose="file")], [file])
                named = {"name": "notes.txt", "size": len(file), "sha256": sha256(file).hexdigest()}
                await device.answer(section, "work", named)
                server.clock.pass_(1)
            else:
                await device.call("POST", f"/api/v1/session/sections/{section}/close")
        await device.submit()


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(320, 640, id="a phone's 320 pixels"),
        pytest.param(640, 400, id="1280 at 200 % zoom"),
    ],
)
async def test_nothing_of_the_list_the_report_or_the_agreement_is_cut_off(
    server: Server, console_server: Console, visit: Visitor, width: int, height: int
) -> None:
    await server.as_staff(StaffRole.LEAD, "lena")
    here = await visit(f"{console_server.url}/console/review", width=width, height=height)
    page = here.page
    await here.sign_in(("lena", PASSWORD))
    await page.get_by_role("checkbox", name="Choose A. Diaz").check()
    await expect(page.get_by_label("Give to")).to_be_visible()
    wider = "document.documentElement.scrollWidth - innerWidth"
    await picture(page, f"queue-{width}")
    assert await page.evaluate(wider) <= 0
    assert await here.barriers() == ""
    for address in (f"/console/report?session={console_server.session}", "/console/agreement"):
        await page.goto(console_server.url + address)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("Waiting for")).to_be_hidden()
        assert await page.evaluate(wider) <= 0
