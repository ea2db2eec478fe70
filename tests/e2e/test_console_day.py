"""A whole exam on the console, from the wall to the last word, and what goes wrong on such a day.

Proctors are browsers, and so is the learner about whom it is; the others are devices that speak
the protocol.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Page, Route, expect

from proctor import config
from proctor.domain.acts import CONFIRM_WITHIN
from proctor.domain.observation import Face, Measured
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, OpenServer, ScriptedVision, Server, analysed, until
from tests.device import Device
from tests.e2e import room
from tests.e2e.desk import picture_is_there, record_a_breach
from tests.e2e.evidence import Evidence
from tests.e2e.room import PART_A, Learner, RunningClock, Sit
from tests.e2e.visits import Visitor
from tests.e2e.wall import Sitting, Watch, give_reason, open_panel, panel, tile
from tests.e2e.wire import wire_to

pytestmark = pytest.mark.browser

ADA, BEN, ZOE = "Ada Lovelace", "Ben Ali", "Zoë Quinn"
PAUSED_S = 120
SEEN = "What was seen, and what was decided"
# What nobody who judges after them may read before they have judged.
FIRST_SAYS = "Two people sat at the desk in part A."
THEN_SAYS = "I see the second person too."
ADA_SAYS = "My sister brought tea; nobody spoke."
THIRD_SAYS = "She brings tea and leaves: no help was given."


class Visitors(ScriptedVision):
    """Sees one more person in each picture while a visitor is in the learner's room."""

    def __init__(self) -> None:
        self.inside = False
        self.seen = 0

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        measured = await super().observe(stream, jpeg, face=face, sample=sample)
        if not self.inside:
            return measured
        self.seen += 1
        another = Face(x=200, y=40, width=60, height=80, score=0.9)
        return replace(measured, faces=(*(measured.faces or ()), another))


@pytest.fixture
def visitors() -> Visitors:
    return Visitors()


@pytest.fixture
async def server(open_server: OpenServer, visitors: Visitors, tmp_path: Path) -> Server:
    """A server with the exam of the room's tests, whose clock runs, and jumps when it is told to.

    Whoever proctors has a login.
    """
    server = await open_server(clock=RunningClock(), vision=visitors)
    await config.publish(server.store, room.exam_folder(tmp_path / "exam"))
    for name in ("proctor", "second-proctor", "third-proctor"):
        await server.as_staff(StaffRole.PROCTOR, name)
    return server


# --- what the server tells -------------------------------------------------------------------


async def told(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def ledger_of(server: Server, session: str) -> list[tuple[str, str, float]]:
    """Return the cause, the section and the seconds of all that was given or taken."""
    shown = await told(server.staff["proctor"], f"/api/v1/sessions/{session}")
    return [(each["cause"], each["section"], each["seconds"]) for each in shown["ledger"]]


async def state_of(device: Device) -> str:
    return str((await device.call("GET", "/api/v1/session"))["state"])


async def server_log(server: Server, session: str, folder: Path) -> list[dict[str, Any]]:
    """Return what the server wrote into the session's evidence."""
    path = folder / f"{session}.zip"
    async with server.staff["proctor"].get(f"/api/v1/sessions/{session}/bundle") as response:
        assert response.status == 200, await response.text()
        data = await response.read()
    await asyncio.to_thread(path.write_bytes, data)
    return Evidence(path).records("state", device="server")


# --- what people do --------------------------------------------------------------------------


async def arrives(server: Server, sit: Sit, learner: str = ADA) -> tuple[Learner, str]:
    """Bring a learner with a browser into the first section; return them and their session."""
    invited = await server.invite(room.EXAM, learner=learner)
    ada = await sit(f"{server.url}/join/{invited['join_token']}")
    await ada.check_in()
    await ada.open_section(PART_A)
    return ada, str(invited["session"])


async def hands_in(device: Device) -> None:
    # Nobody answered the server's pings meanwhile: the line may be gone.
    await device.hang_up()
    await device.connect()
    for section in ("part-a", "part-b", "part-c"):
        if section != "part-a":
            await device.open(section)
        await device.call("POST", f"/api/v1/session/sections/{section}/close")
    await device.submit()


async def acts(page: Page, learner: str, key: str, note: str, submit: str) -> None:
    """Open a session, press an act's key, give the reason and do it."""
    await open_panel(page, learner)
    await page.keyboard.press(key)
    dialog = await give_reason(page, note)
    await dialog.get_by_role("button", name=submit).click()
    await expect(dialog).to_be_hidden()


def main(ada: Learner) -> Locator:
    return ada.page.get_by_role("main")


async def opens_the_desk(visit: Visitor, server: Server, name: str, session: str) -> Page:
    here = await visit(f"{server.url}/console/review?session={session}")
    await here.sign_in((name, PASSWORD))
    await picture_is_there(here.page)
    return here.page


# --- the whole day ---------------------------------------------------------------------------


async def test_two_proctors_and_three_learners_go_through_a_whole_exam(
    *,
    server: Server,
    visitors: Visitors,
    sit: Sit,
    sitting: Sitting,
    watch: Watch,
    visit: Visitor,
    tmp_path: Path,
) -> None:
    ada, session = await arrives(server, sit)
    ben, zoe = await sitting(BEN), await sitting(ZOE)
    one, two = (await watch("proctor")).page, (await watch("second-proctor")).page
    for page in (one, two):
        await expect(page.get_by_role("button", name="Working 3")).to_be_visible()

    await has_time_given(server, one, ben)
    await is_nearly_ended(server, one, two, zoe)
    await is_paused_by_one_and_resumed_by_another(server, one, two, ada, session)
    await is_visited(visitors)
    await ada.choose(1, "c")
    await ada.saved()
    for device in (ben, zoe):
        await hands_in(device)
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    await ada.receipt()
    for page in (one, two):
        await expect(page.get_by_role("button", name="Done 3")).to_be_visible()
    log = await server_log(server, zoe.joined["session"], tmp_path)
    assert [each.get("event") for each in log].count("termination-lapsed") == 1

    await is_accused_by_two_who_see_nothing_of_each_other(server, visit, session)
    await contests(ada)
    await is_cleared_by_a_third_person(server, visit, session)
    await main(ada).get_by_role("button", name="Check again").click()
    await expect(main(ada)).to_contain_text("It is decided for good, after your answer.")
    await expect(main(ada)).to_contain_text("nothing counts against you")
    await expect(main(ada)).to_contain_text(THIRD_SAYS)


async def has_time_given(server: Server, one: Page, ben: Device) -> None:
    await open_panel(one, BEN)
    await one.keyboard.press("t")
    await one.get_by_role("dialog").get_by_label("Minutes").fill("10")
    dialog = await give_reason(one, "Your computer was slow.")
    await dialog.get_by_role("button", name="Give the time").click()

    await expect(tile(one, BEN)).to_contain_text("+10 min")
    assert await ledger_of(server, ben.joined["session"]) == [("proctor", "part-a", 600)]
    (act,) = (await ben.call("GET", "/api/v1/session"))["acts"]
    assert act["words"] == "A proctor gave you 10 minutes more: network."
    assert act["note"] == "Your computer was slow."


async def is_nearly_ended(server: Server, one: Page, two: Page, zoe: Device) -> None:
    await open_panel(one, ZOE)
    await panel(one).get_by_role("button", name="End the exam").click()
    dialog = await give_reason(one, "She speaks.", code="learner/behaviour")
    await dialog.get_by_role("button", name="End the exam").click()
    await open_panel(two, ZOE)
    confirm = panel(two).get_by_role("button", name="Confirm the end")
    await expect(confirm).to_be_visible()
    await expect(tile(two, ZOE)).to_contain_text("proctor: end it?")

    server.clock.pass_(CONFIRM_WITHIN.total_seconds())  # and nobody confirms

    await expect(confirm).to_be_hidden()
    for page in (one, two):
        await expect(tile(page, ZOE)).not_to_contain_text("end it?")
    # A page that has not heard of it yet ends nothing.
    path = f"/api/v1/sessions/{zoe.joined['session']}/acts"
    body = {"act": "confirm-terminate", "of": "a1"}
    async with server.staff["second-proctor"].post(path, json=body) as response:
        assert response.status == 409, await response.text()
    assert await state_of(zoe) == "running"
    # The one who is accused of nothing reads nothing.
    assert (await zoe.call("GET", "/api/v1/session"))["acts"] == []


async def is_paused_by_one_and_resumed_by_another(
    server: Server, one: Page, two: Page, ada: Learner, session: str
) -> None:
    before = await part_a_closes_ms(server, session)
    await acts(one, ADA, "p", "The line of the house is down.", "Pause")
    await ada.at("A proctor paused your exam")
    await expect(main(ada)).to_contain_text("A proctor paused your exam: network.")
    await expect(main(ada)).to_contain_text("The line of the house is down.")
    await expect(tile(two, ADA)).to_contain_text("paused for")

    server.clock.pass_(PAUSED_S)
    await open_panel(two, ADA)
    await panel(two).get_by_role("button", name="Resume").click()
    dialog = await give_reason(two, "Your line is back.")
    await dialog.get_by_role("button", name="Resume").click()

    await ada.at(re.compile("^Question 1 of "))
    await expect(panel(two).get_by_text(re.compile("given, Part A: chance: pause"))).to_be_visible()
    (given_s,) = [
        seconds
        for cause, section, seconds in await ledger_of(server, session)
        if (cause, section) == ("pause", "part-a")
    ]
    assert given_s >= PAUSED_S
    assert await part_a_closes_ms(server, session) >= before + PAUSED_S * 1000


async def part_a_closes_ms(server: Server, session: str) -> int:
    shown = await told(server.staff["proctor"], f"/api/v1/sessions/{session}")
    return int(shown["sections"][0]["closes_at_ms"])


async def is_visited(visitors: Visitors) -> None:
    """Let somebody come into the room for long enough to be flagged, and leave."""

    async def for_long_enough() -> bool:
        return visitors.seen >= 4

    visitors.inside = True
    await until(for_long_enough)
    visitors.inside = False


async def is_accused_by_two_who_see_nothing_of_each_other(
    server: Server, visit: Visitor, session: str
) -> None:
    second = server.staff["second-proctor"]
    before = await what_is_told_of_the_review(second, session)
    page = await opens_the_desk(visit, server, "proctor", session)
    await record_a_breach(page, FIRST_SAYS)
    await expect(page.get_by_text("a second person looks, without seeing")).to_be_visible()

    assert await what_is_told_of_the_review(second, session) == before
    page = await opens_the_desk(visit, server, "second-proctor", session)
    await expect(page.get_by_role("article").get_by_text("needs a look")).to_be_visible()
    assert FIRST_SAYS not in await page.content()
    await record_a_breach(page, THEN_SAYS)
    await expect(page.get_by_text("The session is decided.")).to_be_visible()
    await page.reload()
    for words in (FIRST_SAYS, THEN_SAYS):
        await expect(page.get_by_text(words)).to_be_visible()


async def what_is_told_of_the_review(client: aiohttp.ClientSession, session: str) -> Any:
    """Return all that one person is told of a session's verdicts, on both pages of the desk."""
    timeline = await analysed(client, f"/api/v1/sessions/{session}")
    rows = (await told(client, "/api/v1/reviews"))["reviews"]
    (row,) = (each for each in rows if each["session"] == session)
    return timeline["review"], timeline["may_decide"], timeline["why_not"], row


async def contests(ada: Learner) -> None:
    await ada.page.get_by_role("link", name=SEEN).click()
    await ada.at(SEEN)
    await expect(main(ada)).to_contain_text("It was decided that a rule was broken.")
    await ada.page.get_by_label("To the decision").fill(ADA_SAYS)
    await ada.button("Send your answer").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Send it").click()
    await expect(ada.page.get_by_role("status").filter(has_text="You answered at")).to_be_visible()


async def is_cleared_by_a_third_person(server: Server, visit: Visitor, session: str) -> None:
    for name in ("proctor", "second-proctor"):
        seen = await told(server.staff[name], f"/api/v1/sessions/{session}/timeline")
        assert not seen["may_decide"]
    here = await visit(f"{server.url}/console/review")
    page = here.page
    await here.sign_in(("third-proctor", PASSWORD))
    foremost = page.locator("a.row").first
    await expect(foremost).to_contain_text("the learner answered")
    await expect(foremost).to_have_attribute("href", f"?session={session}")
    await foremost.press("Enter")
    await picture_is_there(page)
    await expect(
        page.get_by_role("article").get_by_text("the learner answered", exact=True)
    ).to_be_visible()
    await expect(page.get_by_role("article").get_by_text(ADA_SAYS)).to_be_visible()
    await page.keyboard.press("d")
    await page.keyboard.press("1")
    await page.get_by_role("radio", name="Clear").check()
    await page.get_by_label("Reasons").fill(THIRD_SAYS)
    await page.get_by_role("button", name="Record the verdict").click()
    await expect(page.get_by_text("The case is settled.")).to_be_visible()


# --- what goes wrong -------------------------------------------------------------------------


async def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    session = (await sitting(ADA)).joined["session"]
    watched = [await watch("proctor"), await watch("second-proctor")]
    both = asyncio.Barrier(len(watched))

    async def at_once(route: Route) -> None:
        await both.wait()  # until both have decided, each on what both saw
        await route.continue_()

    dialogs = []
    for here in watched:
        await here.page.route("**/acts", at_once)
        await open_panel(here.page, ADA)
        await here.page.keyboard.press("t")
        await here.page.get_by_role("dialog").get_by_label("Minutes").fill("5")
        dialogs.append(await give_reason(here.page, "For the outage."))
    for dialog in dialogs:
        await dialog.get_by_role("button", name="Give the time").click()

    pages = [here.page for here in watched]
    won, lost = await who_won(pages)
    by = ("proctor", "second-proctor")[pages.index(won)]
    refused = lost.get_by_role("dialog").get_by_role("alert")
    await expect(refused).to_contain_text(f"{by} has acted on this session meanwhile")
    await expect(tile(lost, ADA)).to_contain_text("+5 min")
    assert await ledger_of(server, session) == [("proctor", "part-a", 300)]
    for here in watched:
        here.forgive_answers(409)


async def who_won(pages: Sequence[Page]) -> tuple[Page, Page]:
    """Return the page that says that it is done, and the other one."""

    async def one_says_so() -> tuple[Page, Page] | None:
        done = [await page.get_by_text(f"Time given: {ADA}.").count() for page in pages]
        return None if sum(done) != 1 else (pages[done.index(1)], pages[done.index(0)])

    won: tuple[Page, Page] = await until(one_says_so)
    return won


async def test_a_wall_whose_network_drops_says_from_when_it_is_and_is_current_again(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting(ADA)
    async with wire_to(server.url) as wire:
        opened = server.clock.now()
        here = await watch(url=wire.url)
        page = here.page
        await expect(tile(page, ADA)).to_contain_text("left")

        wire.cut()
        heard = minutes_in_kolkata(opened, server.clock.now())
        wire.hang_up()
        server.clock.pass_(300)
        async with server.staff["second-proctor"].post(
            f"/api/v1/sessions/{ada.joined['session']}/acts",
            json={"act": "pause", "code": "technical/network", "note": "The line."},
        ) as response:
            assert response.status == 200, await response.text()

        said = page.get_by_role("alert").filter(has_text="What you see is from")
        await expect(said).to_contain_text(re.compile(f"from ({'|'.join(heard)})"))
        await expect(tile(page, ADA)).not_to_contain_text("paused for")
        wire.mend()
        await expect(said).to_be_hidden()
        await expect(tile(page, ADA)).to_contain_text("paused for")
        here.forgive("WebSocket connection to ", "Failed to load resource: net::ERR_")
        await page.context.close()


def minutes_in_kolkata(start: datetime, end: datetime) -> list[str]:
    """Return the minutes of a time as a visitor's page shows them, the first and the last too."""
    at = start.astimezone(timezone(timedelta(hours=5, minutes=30))).replace(second=0, microsecond=0)
    shown = []
    while at <= end:
        shown.append(at.strftime("%H:%M"))
        at += timedelta(minutes=1)
    return shown


async def test_a_picture_that_the_course_team_opens_is_refused_and_the_learner_reads_of_it(
    server: Server, sit: Sit, visit: Visitor
) -> None:
    ada, session = await arrives(server, sit)
    await server.terminate(session)
    await ada.at("Your exam was ended")
    await server.as_staff(StaffRole.COURSE_TEAM, "course-team")
    address = await address_of_a_picture(server, session)
    here = await visit(f"{server.url}/console/review")
    await here.sign_in(("course-team", PASSWORD))
    await expect(here.page.get_by_role("button", name="Sign out")).to_be_visible()

    status, problem = await here.page.evaluate(_OPENED, address)

    assert (status, problem["type"]) == (403, "urn:proctor:problem:role-not-allowed")
    await ada.page.get_by_role("link", name=SEEN).click()
    looks = ada.page.get_by_role("row").filter(has_text="course-team")
    await expect(looks).to_have_count(1)
    await expect(looks).to_contain_text("refused: nothing was shown")
    here.forgive_answers(403)


# Not as a page of its own: Chromium would ask for an icon of it, too.
_OPENED = """async (address) => {
  const answer = await fetch(address);
  return [answer.status, await answer.json()];
}"""


async def address_of_a_picture(server: Server, session: str) -> str:
    """Return where a proctor sees a picture: whoever else is given it sees nothing there."""
    proctor = server.staff["proctor"]
    timeline = await analysed(proctor, f"/api/v1/sessions/{session}")
    body = {"why": "review"}
    async with proctor.post(f"/api/v1/sessions/{session}/looks", json=body) as response:
        path = (await response.json())["path"]
    return f"{path}/{session}/{timeline['snapshots'][0]['sha256']}"


async def test_of_many_the_one_that_has_ended_is_named_and_the_others_are_done(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada, ben, zoe = await sitting(ADA), await sitting(BEN), await sitting(ZOE)
    page = (await watch()).page
    for learner in (ADA, BEN, ZOE):
        await tile(page, learner).get_by_role("checkbox").check()
    await page.keyboard.press("t")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Minutes").fill("5")
    await give_reason(page, "For the fire alarm.")
    await hands_in(ben)
    await dialog.get_by_role("button", name="Give the time (3)").click()

    result = page.get_by_role("status").filter(has_text="Not done for")
    await expect(result).to_contain_text("Time given: 2 learners.")
    await expect(result.get_by_role("listitem")).to_have_text([f"{BEN}: This exam is over."])
    given = [await ledger_of(server, each.joined["session"]) for each in (ada, ben, zoe)]
    assert given == [[("proctor", "part-a", 300)], [], [("proctor", "part-a", 300)]]
