"""The desk of ID checks in a browser: who waits is looked at, and let in or not, by people."""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from proctor.adapters.documents import Reader
from proctor.adapters.vision import Workers
from tests.conftest import PASSWORD, OpenServer, Server
from tests.e2e.check_ins import ONE, OTHER, CheckIns, check_ins, login, seen_in
from tests.e2e.room import PART_A, PART_B, OpenRoom, Sit
from tests.e2e.visits import Scheme, Visit, Visitor
from tests.pictures import need, need_ocr

pytestmark = pytest.mark.browser


@pytest.fixture
async def held(server: Server, tmp_path: Path) -> AsyncIterator[CheckIns]:
    need("astronaut")
    async with check_ins(server, tmp_path) as those:
        yield those


async def at_check(
    visit: Visitor, held: CheckIns, session: str, *, name: str = ONE, scheme: Scheme = "light"
) -> Visit:
    """Open one ID check by its own address, with its pictures decoded."""
    here = await visit(held.desk(session), scheme=scheme)
    await here.sign_in(login(name))
    await pictures_are_there(here.page)
    return here


async def pictures_are_there(page: Page) -> None:
    for which in ("document", "face"):
        shown = page.get_by_alt_text(f"The {which} shown at check-in")
        await expect(shown).not_to_have_js_property("naturalWidth", 0)
        await expect(shown).to_have_js_property("complete", value=True)


def act(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(f"^{name}"))


async def picture(page: Page, name: str) -> None:
    """Write what is seen to the folder that PROCTOR_SCREENSHOTS names, if it names one."""
    if folder := os.environ.get("PROCTOR_SCREENSHOTS"):
        path = Path(folder, f"identity-{name}.png")
        await page.screenshot(path=path, full_page=True, animations="disabled")


async def test_nobody_waits_is_said_with_what_to_do(visit: Visitor, held: CheckIns) -> None:
    here = await visit(held.desk())
    await here.sign_in(login(ONE))

    await expect(here.page.get_by_text("Nobody waits for an ID check.")).to_be_visible()
    await expect(here.page.get_by_text("Leave this page open")).to_be_visible()
    assert await here.barriers() == ""
    await here.page.get_by_role("link", name="Reviews", exact=True).click()
    await expect(here.page.get_by_role("heading", name="Reviews")).to_be_visible()
    await here.page.get_by_role("link", name="ID checks").click()
    await expect(here.page.get_by_role("heading", name="ID checks")).to_be_visible()


async def test_who_comes_is_shown_by_itself_and_let_in_from_the_keyboard(
    visit: Visitor, held: CheckIns
) -> None:
    here = await visit(held.desk())
    page = here.page
    await here.sign_in(login(ONE))
    await expect(page.get_by_text("Nobody waits for an ID check.")).to_be_visible()

    session = await held.held()
    row = page.get_by_role("link", name="Anna Maria Eriksson")
    await expect(row).to_be_visible()  # without a key or a click
    await expect(page.get_by_text("Can't begin before a person has looked")).to_be_visible()
    await page.keyboard.press("j")
    await pictures_are_there(page)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("ask for a new picture")
    await page.keyboard.press("Escape")
    await page.keyboard.press("d")
    await expect(page.get_by_role("dialog", name="Document")).to_be_visible()
    await page.keyboard.press("Escape")

    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="Choose what you do")).to_be_visible()
    await page.keyboard.press("a")
    await expect(act(page, "Accept")).to_be_checked()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("status").filter(has_text="accepted")).to_be_visible()
    told = await held.told(session)
    assert (told["state"], told["id_check"]["state"]) == ("ready", "accepted")
    await page.keyboard.press("Enter")  # back to the list, where nobody is left
    await expect(page.get_by_text("Nobody waits for an ID check.")).to_be_visible()


async def test_the_learner_reads_why_a_new_picture_is_asked_for(
    open_room: OpenRoom, sit: Sit, visit: Visitor
) -> None:
    here = await open_room(policy="[identity]\nhold = true\n")
    invited = await here.invite()
    ada = await sit(invited.link)
    await ada.accept()
    await ada.show("face")
    await ada.show("document")
    await ada.button("Check in").click()
    await ada.at("A person looks at your pictures")
    desk = await visit(f"{here.proctor._base_url}/console/identity?session={invited.session}")
    await desk.sign_in(("proctor", PASSWORD))

    await act(desk.page, "Ask for a new picture").check()
    words = "Light is reflected on the document. Tilt it a little, or move the lamp."
    await desk.page.get_by_role("radio", name=words).check()
    await desk.page.get_by_label("A word more").fill("The name is hidden.")
    await expect(desk.page.get_by_text(f"{words} The name is hidden.")).to_be_visible()
    assert await desk.barriers() == ""
    await desk.page.get_by_role("button", name="Ask for a new picture").click()
    await expect(desk.page.get_by_text("is asked for a new picture")).to_be_visible()

    await ada.at("A picture of your face")
    await expect(ada.page.get_by_text(f"{words} The name is hidden.")).to_be_visible()
    await ada.look("asked-again")
    await ada.show("face")
    await ada.show("document")
    await ada.button("Check in").click()
    await ada.at("A person looks at your pictures")
    # The desk was left open: it says that there are other pictures now.
    await expect(desk.page.get_by_text("This changed while you looked")).to_be_visible()
    await act(desk.page, "Accept").check()
    await desk.page.get_by_role("button", name="Accept").click()
    await ada.at("You are checked in")


async def test_new_pictures_are_asked_for_taken_and_accepted_in_mid_section(
    open_room: OpenRoom, sit: Sit, visit: Visitor
) -> None:
    here = await open_room()
    invited = await here.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    address = f"/api/v1/sessions/{invited.session}/id-check"
    async with here.proctor.get(address) as response:
        seen = seen_in(await response.json())
    accept = {"event": "accepted", "code": None, "reason": "", "seen": seen}
    async with here.proctor.post(address, json=accept) as response:
        assert response.status == 200
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.open_section(PART_B)
    await ada.field(1).fill("So that ch")
    ends = (await here.session(invited.session))["sections"][1]["closes_at_ms"]

    await here.act(invited.session, "ask-id", note="Somebody else sat there.")

    card = ada.page.get_by_role("status").filter(has_text="take the pictures of your ID check")
    await expect(card).to_contain_text("Somebody else sat there.")
    await expect(card).to_contain_text("You can go on answering.")
    await ada.page.keyboard.type("ance")  # it took no focus
    await ada.look("id-again")
    await ada.page.set_viewport_size({"width": 320, "height": 640})
    await expect(ada.button("Take the pictures")).to_be_in_viewport()
    await ada.look("id-again-320")
    await ada.page.set_viewport_size({"width": 1280, "height": 800})
    await ada.button("Later").click()
    await ada.button("Take the pictures").click()
    dialog = ada.page.get_by_role("dialog", name="New pictures for your ID check")
    await ada.show("face")
    await ada.look("id-again-step")
    await ada.page.keyboard.press("Escape")  # what was taken stays
    await expect(dialog).to_be_hidden()
    await expect(ada.field(1)).to_have_value("So that chance")
    await ada.button("Take the pictures").click()
    await ada.show("document")
    waits = ada.page.get_by_role("status").filter(has_text="Your new pictures were received")
    await expect(waits).to_be_visible()
    await expect(dialog).to_be_hidden()
    await ada.field(1).fill("So that chance alone")
    await ada.saved()

    desk = await visit(f"{here.proctor._base_url}/console/identity")
    await desk.sign_in(("proctor", PASSWORD))
    await desk.page.get_by_role("link", name="Ada Lovelace").click()
    await pictures_are_there(desk.page)
    before = desk.page.get_by_role("region", name="Pictures before these")
    await expect(before).to_contain_text("proctor: accepted.")
    for which in ("document", "face"):
        await expect(before.get_by_alt_text(f"The {which} shown before")).to_be_visible()
    await picture(desk.page, "asked-in-mid-section")
    assert await desk.barriers() == ""
    await act(desk.page, "Accept").check()
    await desk.page.get_by_role("button", name="Accept").click()
    await expect(desk.page.get_by_role("status").filter(has_text="accepted")).to_be_visible()

    told = ada.page.get_by_role("status").filter(has_text="A person accepted your new pictures.")
    await told.get_by_role("button", name="Read").click()
    await expect(told).to_be_hidden()
    session = await here.session(invited.session)
    assert (session["state"], session["id_check"]["state"]) == ("running", "accepted")
    assert session["sections"][1]["closes_at_ms"] == ends
    await expect(ada.field(1)).to_have_value("So that chance alone")

    # In a pause it is asked for all the same.
    await here.act(invited.session, "pause")
    await ada.at("A proctor paused your exam")
    await here.act(invited.session, "ask-id", note="Once more.")
    await expect(card).to_contain_text("No time of yours passes meanwhile.")
    await ada.button("Take the pictures").click()
    await ada.show("face")
    await ada.at("A picture of your document")
    await ada.page.reload()  # what was taken stays, and only the other is missing
    await ada.button("Take the pictures").click()
    await ada.show("document")
    await expect(waits).to_be_visible()
    session = await here.session(invited.session)
    assert (session["state"], session["id_check"]["state"]) == ("paused", "captured")


async def test_two_people_refuse_and_the_first_alone_does_not(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    first = await at_check(visit, held, session)
    page = first.page
    await page.keyboard.press("r")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Reason")).to_be_focused()
    await page.keyboard.type("The face is another person's.")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("It counts only when a second person")).to_be_visible()
    assert (await held.told(session))["id_check"]["state"] == "refusal-proposed"
    assert (await held.told(session))["id_check"]["reason"] == ""
    await page.reload()
    await expect(page.get_by_text("You proposed it")).to_be_visible()
    await expect(act(page, "Confirm")).to_have_count(0)
    await expect(act(page, "Accept")).to_be_visible()
    assert await first.barriers() == ""

    second = await at_check(visit, held, session, name=OTHER)
    page = second.page
    await expect(page.get_by_role("heading", name=f"{ONE} proposes to refuse")).to_be_visible()
    await expect(page.get_by_text("The face is another person's.")).to_be_visible()
    await picture(page, "proposed")
    assert await second.barriers() == ""
    await page.keyboard.press("r")
    await page.get_by_role("textbox", name="Reason").fill("I see another person, too.")
    await page.get_by_role("button", name="Confirm the refusal").click()

    await expect(page.get_by_text("Recorded: the ID check is refused")).to_be_visible()
    assert (await held.told(session))["id_check"]["state"] == "refused"
    by = [line["by"] for line in await held.logged(session)]
    assert [each for each in by if each != "machine"][-2:] == [ONE, OTHER]


async def test_a_second_person_may_accept_what_the_first_would_refuse(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    await held.decide(session, event="refused", reason="The hair is different.")
    here = await at_check(visit, held, session)
    await here.page.keyboard.press("a")
    await here.page.keyboard.press("Enter")

    await expect(here.page.get_by_text("Recorded: the ID check is accepted")).to_be_visible()
    assert (await held.told(session))["state"] == "ready"


async def test_that_who_was_vouched_for_should_show_pictures_is_taken_back(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.joined()
    await held.decide(session, event="vouched", reason="Dr. Berg has taught her since 2024.")
    await held.decide(session, event="asked-again", code="other", reason="Show your passport.")
    here = await visit(held.desk(session))
    await here.sign_in(login(ONE))
    page = here.page
    await expect(act(page, "Take the request back")).to_be_visible()
    await page.keyboard.press("t")
    await page.keyboard.press("Enter")
    await page.get_by_role("textbox", name="Why is no new picture needed?").fill("She is here.")
    assert await here.barriers() == ""
    await page.get_by_role("button", name="Take the request back").click()

    await expect(page.get_by_text("Recorded: no new picture is wanted.")).to_be_visible()
    told = (await held.told(session))["id_check"]
    assert told["state"] == "accepted"
    assert told["assurance"] == [
        f"New pictures were asked for, and that was taken back by {ONE} (person)",
        f"No document: vouched for by {OTHER} (person)",
    ]


async def test_somebody_without_a_document_that_fits_is_vouched_for(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    here = await at_check(visit, held, session)
    page = here.page
    await page.keyboard.press("v")
    await page.keyboard.press("Enter")
    vouching = page.get_by_role("textbox", name="Who vouches")
    await expect(vouching).to_be_focused()
    assert await here.barriers() == ""
    await vouching.fill("Dr. Berg, registrar, has taught her since 2024.")
    await page.get_by_role("button", name="Vouch and accept").click()

    await expect(page.get_by_text("is vouched for")).to_be_visible()
    told = await held.told(session)
    assert (told["state"], told["id_check"]["state"]) == ("ready", "accepted")
    assert any("vouch" in words for words in told["id_check"]["assurance"])
    # The review of the session says so, too.
    await page.get_by_role("link", name="Open the session in the reviews").click()
    assured = page.get_by_role("region", name="Who it is")
    await expect(assured).to_contain_text("vouch")
    assert await here.barriers() == ""


async def test_a_decision_of_somebody_else_is_told_and_no_word_is_lost(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    page = (await at_check(visit, held, session)).page
    await page.keyboard.press("r")
    await page.get_by_role("textbox", name="Reason").fill("The face is another person's.")

    await held.decide(session, event="accepted")

    await expect(page.get_by_role("alert").filter(has_text=OTHER)).to_be_visible()
    await expect(page.get_by_role("textbox", name="Reason")).to_have_value(
        "The face is another person's."
    )
    assert (await held.told(session))["id_check"]["state"] == "accepted"


async def test_what_the_machine_read_stands_beside_the_pictures_disagreements_first(
    open_server: OpenServer, visit: Visitor, tmp_path: Path
) -> None:
    """With the real reader and the real eyes: the same card is shown on two accounts."""
    need_ocr()
    need("astronaut", "yunet", "sface")
    server = await open_server(vision=Workers(1), reader=Reader())
    async with check_ins(server, tmp_path) as held:
        first = await held.held()
        await held.read(first)
        second = await held.held("Li Wei")
        await held.read(second)
        here = await visit(held.desk(second))
        page = here.page
        await here.sign_in(login(ONE))
        await pictures_are_there(page)

        raised = page.get_by_role("region", name="Look at this first")
        await expect(raised).to_contain_text("The same document and a face that looks")
        compared = page.get_by_role("region", name="What the machine compared")
        await expect(compared.get_by_role("listitem").first).to_contain_text("differs")
        await expect(page.get_by_role("img", name="The portrait, cut out")).to_be_visible()
        await expect(page.get_by_text("D23145890", exact=True).first).to_be_visible()
        assert await here.barriers() == ""
        await picture(page, "raised")
        await raised.get_by_role("link", name="Open Anna Maria Eriksson").click()
        await expect(page.get_by_role("heading", name="Anna Maria Eriksson")).to_be_visible()
        await expect(compared).to_contain_text("agrees")
        await picture(page, "read")


async def test_one_exam_alone_is_listed_and_the_address_remembers_it(
    visit: Visitor, held: CheckIns
) -> None:
    await held.held()
    here = await visit(held.desk())
    page = here.page
    await here.sign_in(login(ONE))
    anna, li = (page.get_by_role("link", name=name) for name in ("Anna Maria Eriksson", "Li Wei"))
    await expect(anna).to_be_visible()
    choice = page.get_by_label("Exam")
    await expect(choice).to_be_hidden()  # there is nothing to choose
    await held.held("Li Wei", exam="sds-capstone")
    await expect(li).to_be_visible()

    await choice.select_option("sds-capstone")
    await expect(anna).to_be_hidden()
    await expect(page.get_by_text("1 learner waits.")).to_be_visible()
    assert await here.barriers() == ""
    await picture(page, "one-exam")
    await page.reload()
    await expect(choice).to_have_value("sds-capstone")
    await expect(anna).to_be_hidden()
    await li.click()
    await expect(page.get_by_role("heading", name="Li Wei")).to_be_visible()
    await page.keyboard.press("q")
    await expect(page.get_by_text("1 learner waits.")).to_be_visible()
    await expect(anna).to_be_hidden()

    await page.goto(held.desk() + "?exam=another")
    await expect(page.get_by_text("In others 2 learners wait.")).to_be_visible()
    await page.get_by_role("button", name="All exams").click()
    await expect(anna).to_be_visible()


async def test_other_pictures_than_those_that_were_seen_are_not_decided_on(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    here = await at_check(visit, held, session)
    page = here.page

    async def late(route: Route) -> None:
        """The page is slow: it still shows the pictures before."""
        body: Any = route.request.post_data_json
        body["seen"]["face"] = "0" * 64
        await route.continue_(post_data=json.dumps(body))

    await page.route(
        "**/id-check",
        lambda route: late(route) if route.request.method == "POST" else route.continue_(),
    )
    await page.keyboard.press("a")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_text("Other pictures came meanwhile. Look at them first.")
    ).to_be_visible()
    assert (await held.told(session))["id_check"]["state"] == "captured"
    here.forgive_answers(409)
    await page.unroute("**/id-check")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Recorded: the ID check is accepted")).to_be_visible()


async def test_a_picture_that_did_not_come_is_fetched_once_more(
    visit: Visitor, held: CheckIns
) -> None:
    session = await held.held()
    here = await visit(held.desk(session))
    await here.page.route("**/api/v1/looks/**", lambda route: route.abort())
    await here.sign_in(login(ONE))
    again = here.page.get_by_role("button", name="Try again")
    await expect(again).to_have_count(2)
    assert await here.barriers() == ""
    await here.page.unroute("**/api/v1/looks/**")
    for left in (1, 0):
        await again.first.click()
        await expect(again).to_have_count(left)
    await pictures_are_there(here.page)
    here.forgive("Failed to load resource: ")


async def test_letters_typed_into_a_reason_are_only_letters(visit: Visitor, held: CheckIns) -> None:
    session = await held.held()
    page = (await at_check(visit, held, session)).page
    await page.keyboard.press("r")
    await page.get_by_role("textbox", name="Reason").click()
    await page.keyboard.type("avpq d?")

    await expect(page.get_by_role("textbox", name="Reason")).to_have_value("avpq d?")
    await expect(act(page, "Refuse")).to_be_checked()
    await expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_meets_a_barrier(visit: Visitor, held: CheckIns, scheme: Scheme) -> None:
    session = await held.held()
    here = await visit(held.desk(), scheme=scheme)
    assert await here.barriers() == ""
    await here.sign_in(login(ONE))
    await expect(here.page.get_by_role("link", name="Anna Maria Eriksson")).to_be_visible()
    assert await here.barriers() == ""
    await picture(here.page, f"queue-{scheme}")
    await here.page.goto(held.desk(session))
    await pictures_are_there(here.page)
    for key in "aprv":
        await here.page.keyboard.press(key)
        assert await here.barriers() == ""
        await here.page.get_by_role("heading").first.click()
    await picture(here.page, f"check-{scheme}")
    await here.page.get_by_role("button", name="Enlarge: Face").click()
    await expect(here.page.get_by_role("dialog", name="Face")).to_be_visible()
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
    visit: Visitor, held: CheckIns, width: int, height: int
) -> None:
    session = await held.held()
    here = await visit(held.desk(), width=width, height=height)
    await here.sign_in(login(ONE))
    await expect(here.page.get_by_role("link", name="Anna Maria Eriksson")).to_be_visible()
    wider = "document.documentElement.scrollWidth - innerWidth"
    assert await here.page.evaluate(wider) <= 0
    await here.page.goto(held.desk(session))
    await pictures_are_there(here.page)
    await here.page.keyboard.press("p")
    await picture(here.page, f"check-{width}")

    assert await here.page.evaluate(wider) <= 0
    await here.page.get_by_role("button", name="Enlarge: Document").click()
    assert await here.page.evaluate(wider) <= 0
    close = here.page.get_by_role("dialog").get_by_role("button", name="Close")
    await expect(close).to_be_in_viewport()
