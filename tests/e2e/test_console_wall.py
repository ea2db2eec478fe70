"""The live wall in a browser: who needs someone is found, helped, paused and given time."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Route, expect

from proctor import config
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, OpenServer, Server, until
from tests.device import Device
from tests.e2e import room
from tests.e2e.big_wall import TILES, BigWall
from tests.e2e.visits import Scheme, Visit, Visitor
from tests.e2e.wall import (
    Sitting,
    Watch,
    give_reason,
    open_panel,
    panel,
    tile,
)
from tests.pictures import jpeg, webcam

pytestmark = pytest.mark.browser


@pytest.fixture
async def server(open_server: OpenServer, tmp_path: Path) -> Server:
    """A server with the exam of the room's tests: sections long enough for a slow machine."""
    server = await open_server()
    await config.publish(server.store, room.exam_folder(tmp_path / "exam"))
    return server


async def ask_for_help(device: Device, text: str) -> None:
    told = await device.send([device.add(Kind.MESSAGE, topic="question", text=text)])
    assert told["type"] == "receipt", told


async def test_who_asks_comes_first_and_is_answered_by_keyboard(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    zoe = await sitting("Zoë Quinn")
    page = (await watch()).page
    await expect(tile(page, "Ada Lovelace")).to_be_visible()

    await ask_for_help(zoe, "Is the answer a number?")
    first = page.get_by_role("list", name="Sessions").get_by_role("listitem").first
    await expect(first).to_contain_text("Zoë Quinn")
    await expect(first).to_contain_text("asks: Is the answer a number?")
    await page.keyboard.press("n")
    await expect(panel(page).get_by_text("Zoë Quinn has a question, since")).to_be_visible()
    await panel(page).get_by_label("Your answer").fill("Yes, one number.")
    await panel(page).get_by_role("button", name="Send the answer").press("Enter")

    await expect(page.get_by_text("Answer sent to Zoë Quinn.")).to_be_visible()
    await expect(panel(page).get_by_label("Your answer")).to_be_hidden()
    assert (await zoe.call("GET", "/api/v1/session"))["help"]["answer"] == "Yes, one number."


async def test_a_pause_says_what_the_learner_reads_and_can_be_undone(
    sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    await open_panel(page, "Ada Lovelace")

    await page.keyboard.press("p")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Reason")).to_be_focused()
    await dialog.get_by_role("button", name="Pause").press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("Choose a reason.")
    await give_reason(page, "Your line was down.")
    await expect(dialog.get_by_text("A proctor paused your exam: network.")).to_be_visible()
    await dialog.get_by_role("button", name="Pause").click()

    await expect(tile(page, "Ada Lovelace")).to_contain_text("paused for")
    told = await ada.call("GET", "/api/v1/session")
    assert told["state"] == "paused"
    # What the page said beforehand is what the learner's own page is told.
    assert told["acts"][-1]["words"] == "A proctor paused your exam: network."
    assert told["acts"][-1]["note"] == "Your line was down."

    undo = panel(page).get_by_role("button", name="Undo: A proctor paused your exam: network.")
    await undo.click()
    await expect(tile(page, "Ada Lovelace")).not_to_contain_text("paused for")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("left")
    assert (await ada.call("GET", "/api/v1/session"))["state"] == "running"


async def test_time_is_given_with_the_reason_that_was_last_chosen(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    page = (await watch()).page
    await open_panel(page, "Ada Lovelace")
    for minutes in ("5", "2.5"):
        await page.keyboard.press("t")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Minutes")).to_be_focused()
        await dialog.get_by_label("Minutes").fill(minutes)
        if minutes == "5":
            await give_reason(page, "For the outage.")
        else:
            await expect(dialog.get_by_label("Reason")).to_have_value("technical/network")
            await dialog.get_by_label("Note").fill("And again.")
        await dialog.get_by_label("Note").press("Control+Enter")
        await expect(dialog).to_be_hidden()

    await expect(tile(page, "Ada Lovelace")).to_contain_text("+7 min")
    await expect(panel(page).get_by_text("2 minutes 30 seconds given")).to_be_visible()


async def test_who_was_interrupted_often_is_interrupted_again_only_after_a_warning(
    sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    await open_panel(page, "Ada Lovelace")
    await expect(panel(page)).to_contain_text("Proctors have not interrupted this learner so far.")
    dialog = page.get_by_role("dialog")
    for number in range(1, 5):  # once more than the exam's policy asks for at most
        await page.keyboard.press("m")
        await expect(dialog.get_by_label("Your message")).to_be_focused()
        if number > 1:
            times = "once so far (1 message)" if number == 2 else f"{number - 1} times so far"
            await expect(dialog).to_contain_text(f"Interrupted {times}")
        warned = dialog.get_by_text("The exam's policy asks for at most 3. Can it wait?")
        await expect(warned).to_have_count(1 if number == 4 else 0)
        await dialog.get_by_label("Your message").fill(f"Message {number}.")
        await page.keyboard.press("Control+Enter")
        await expect(dialog).to_be_hidden()
        await expect(panel(page)).to_contain_text(f"({number} message")
    await expect(panel(page).get_by_text("The exam's policy asks for at most 3.")).to_be_visible()
    told = (await ada.call("GET", "/api/v1/session"))["acts"]
    assert [act["note"] for act in told][-1] == "Message 4."  # a person decides

    # What gives something interrupts nobody.
    await page.keyboard.press("t")
    await expect(dialog.get_by_label("Minutes")).to_be_visible()
    await expect(dialog).not_to_contain_text("Interrupted")


async def test_a_ready_sentence_is_chosen_by_keyboard_and_changed_before_it_is_sent(
    sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    here = await watch()
    page = here.page
    await open_panel(page, "Ada Lovelace")
    await page.keyboard.press("m")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").select_option("technical/network")
    await dialog.get_by_label("Your message").focus()
    await page.keyboard.press("Tab")  # from the message to what is ready
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("button", name="Just carry on")).to_be_visible()
    assert await here.barriers() == ""
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    ready = "Something technical went wrong. You did nothing wrong."
    await expect(dialog.get_by_label("Your message")).to_have_value(ready)
    await expect(dialog.get_by_label("Your message")).to_be_focused()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(" We are looking at it.")
    await page.keyboard.press("Control+Enter")
    await expect(dialog).to_be_hidden()
    (act,) = (await ada.call("GET", "/api/v1/session"))["acts"]
    assert act["note"] == f"{ready} We are looking at it."


async def test_many_are_written_to_at_once_and_who_could_not_be_is_named(
    sitting: Sitting, watch: Watch
) -> None:
    ada, ben = await sitting("Ada Lovelace"), await sitting("Ben Ali")
    page = (await watch()).page
    await tile(page, "Ada Lovelace").get_by_role("link").focus()
    await page.keyboard.press("x")
    await tile(page, "Ben Ali").get_by_role("checkbox", name="Select Ben Ali").check()
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await page.keyboard.press("m")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name="Message to 2 learners")).to_be_visible()
    await dialog.get_by_label("Your message").fill("mpt/?: five minutes left.")
    # Meanwhile, one of them hands in.
    for section in ("part-a", "part-b", "part-c"):
        await ben.open(section) if section != "part-a" else None
        await ben.call("POST", f"/api/v1/session/sections/{section}/close")
    await ben.submit()
    await expect(tile(page, "Ben Ali")).to_contain_text("handed in")
    await dialog.get_by_role("button", name="Send (2)").click()

    await expect(page.get_by_text("Sent to 1 learner.")).to_be_visible()
    await expect(page.get_by_text("Not done for 1 learner:")).to_be_visible()
    await expect(page.get_by_text(re.compile("^Ben Ali: "))).to_be_visible()
    (act,) = (await ada.call("GET", "/api/v1/session"))["acts"]
    assert (act["act"], act["note"]) == ("message", "mpt/?: five minutes left.")
    await page.get_by_role("button", name="Select those").click()
    await expect(page.get_by_text("1 selected")).to_be_visible()

    # What can't be done any more opens nothing; of many it is said at once who is left out.
    await page.keyboard.press("m")
    not_possible = page.get_by_text("Message to Ben Ali: not possible. The exam is over.")
    await expect(not_possible).to_be_visible()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Select all shown").first.click()
    await page.keyboard.press("m")
    await expect(dialog.get_by_role("heading", name="Message to Ada Lovelace")).to_be_visible()
    left = dialog.get_by_text("It goes to 1 of the 2 chosen. Left out: 1 is over.")
    await expect(left).to_be_visible()


async def test_what_was_done_to_many_by_mistake_is_taken_back_from_its_note(
    sitting: Sitting, watch: Watch
) -> None:
    learners = [await sitting(name) for name in ("Ada Lovelace", "Ben Ali")]
    page = (await watch()).page
    for name in ("Ada Lovelace", "Ben Ali"):
        await tile(page, name).get_by_role("checkbox", name=f"Select {name}").check()
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the alarm.")
    await dialog.get_by_label("Minutes").fill("50")
    await dialog.get_by_role("button", name="Give the time (2)").click()
    await expect(page.get_by_text("Time given: 2 learners.")).to_be_visible()
    await expect(tile(page, "Ben Ali")).to_contain_text("+50 min")

    await page.get_by_role("button", name="Undo for all 2").click()

    await expect(page.get_by_text("Undone: 2 learners.")).to_be_visible()
    for name in ("Ada Lovelace", "Ben Ali"):
        await expect(tile(page, name)).not_to_contain_text("+50 min")
    for device in learners:
        told = (await device.call("GET", "/api/v1/session"))["acts"]
        assert told[0]["undone"]
        assert told[1]["words"] == "A proctor took back the 50 minutes given by mistake."


async def test_the_ends_of_many_are_confirmed_by_who_has_read_why(
    sitting: Sitting, watch: Watch
) -> None:
    learners = [await sitting(name) for name in ("Ada Lovelace", "Ben Ali")]
    one = (await watch()).page
    two = (await watch("second-proctor")).page
    for page in (one, two):
        for name in ("Ada Lovelace", "Ben Ali"):
            await tile(page, name).get_by_role("checkbox", name=f"Select {name}").check()
    acts = one.get_by_role("region", name="For the selected")
    await acts.get_by_role("button", name="End the exam").click()
    dialog = await give_reason(one, "They talked.", code="learner/behaviour")
    await dialog.get_by_role("button", name="End the exam (2)").click()
    await expect(dialog).to_be_hidden()
    await expect(one.get_by_role("button", name="Confirm the end")).to_be_hidden()

    await two.get_by_role("button", name="Confirm the end (2)").click()
    dialog = two.get_by_role("dialog")
    await expect(
        dialog.get_by_text("proctor proposes to end the exam of Ada Lovelace, Ben Ali.")
    ).to_be_visible()
    said = "What the learner would read: “A proctor ended your exam: behaviour. They talked.”"
    await expect(dialog.get_by_text(said)).to_be_visible()
    await dialog.get_by_role("button", name="End the exam now (2)").click()

    await expect(two.get_by_text("Ended: 2 learners.")).to_be_visible()
    for device in learners:
        assert (await device.call("GET", "/api/v1/session"))["state"] == "terminated"


async def act(server: Server, device: Device, **sent: Any) -> None:
    """Act on a learner's session as another proctor."""
    other = await server.as_staff(StaffRole.PROCTOR, "second-proctor")
    path = f"/api/v1/sessions/{device.joined['session']}/acts"
    async with other.post(path, json=sent) as response:
        assert response.status == 200, await response.text()


END = {"act": "terminate", "code": "learner/behaviour", "note": "They talked."}


async def test_the_end_of_one_is_confirmed_from_the_wall_by_who_has_read_why(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    await tile(page, "Ada Lovelace").get_by_role("checkbox", name="Select Ada Lovelace").check()
    await act(server, ada, **END)
    await page.get_by_role("button", name="Confirm the end (1)").click()

    dialog = page.get_by_role("dialog")
    await expect(
        dialog.get_by_text("second-proctor proposes to end the exam of Ada Lovelace.")
    ).to_be_visible()
    said = "What the learner would read: “A proctor ended your exam: behaviour. They talked.”"
    await expect(dialog.get_by_text(said)).to_be_visible()
    await dialog.get_by_role("button", name="End the exam now").click()
    await expect(page.get_by_text("Ended: Ada Lovelace.")).to_be_visible()
    assert (await ada.call("GET", "/api/v1/session"))["state"] == "terminated"


async def test_of_many_who_another_acted_on_meanwhile_is_named_with_what_that_means(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada, ben = await sitting("Ada Lovelace"), await sitting("Ben Ali")
    page = (await watch()).page
    for name in ("Ada Lovelace", "Ben Ali"):
        await tile(page, name).get_by_role("checkbox", name=f"Select {name}").check()
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the outage.")
    await act(server, ada, act="pause", code="technical/network", note="The line.")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("paused for")
    await dialog.get_by_role("button", name="Give the time (2)").click()
    told = page.get_by_role("listitem")
    said = "Ada Lovelace: Somebody else has acted on this session since you looked."
    await expect(told.get_by_text(said)).to_be_visible()

    for device in (ada, ben):
        await act(server, device, **END)
    await page.get_by_role("button", name="Confirm the end (2)").click()
    await act(server, ada, act="withdraw-terminate")
    await act(server, ada, **END)
    await dialog.get_by_role("button", name="End the exam now (2)").click()
    said = "Ada Lovelace: The proposal that you read stands no more, and there is a new one."
    await expect(told.get_by_text(said)).to_be_visible()
    states = [(await each.call("GET", "/api/v1/session"))["state"] for each in (ada, ben)]
    assert states == ["paused", "terminated"]


async def test_an_exam_ends_only_when_a_second_person_confirms(
    sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    one = (await watch()).page
    two = (await watch("second-proctor")).page
    await open_panel(one, "Ada Lovelace")
    await panel(one).get_by_role("button", name="End the exam").click()
    dialog = await give_reason(one, "Two people sat at the desk.")
    await dialog.get_by_role("button", name="End the exam").click()
    await expect(panel(one).get_by_text("You propose to end this exam.")).to_be_visible()
    await expect(panel(one).get_by_role("button", name="Confirm the end")).to_be_hidden()
    assert (await ada.call("GET", "/api/v1/session"))["state"] == "running"

    await expect(tile(two, "Ada Lovelace")).to_contain_text("proctor: end it?")
    await open_panel(two, "Ada Lovelace")
    await expect(panel(two).get_by_text("proctor proposes to end this exam.")).to_be_visible()
    said = panel(two).get_by_text(
        re.compile(
            r"^What the learner would read: “A proctor ended .*: .*Two people sat at the desk"
        )
    )
    await expect(said).to_be_visible()
    await panel(two).get_by_role("button", name="Confirm the end").click()
    await two.get_by_role("dialog").get_by_role("button", name="End the exam now").click()

    for page in (one, two):
        await expect(tile(page, "Ada Lovelace")).to_contain_text("ended by proctors")
    assert (await ada.call("GET", "/api/v1/session"))["state"] == "terminated"


async def test_of_two_who_act_at_once_one_is_told_what_the_other_did(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    watched = await watch()
    page = watched.page
    await open_panel(page, "Ada Lovelace")
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the outage.")
    other = await server.as_staff(StaffRole.PROCTOR, "second-proctor")
    body = {"act": "pause", "code": "technical/network", "note": "The line."}
    path = f"/api/v1/sessions/{ada.joined['session']}/acts"
    # The page is told within moments; what counts is what it had shown when it was decided.
    await page.route(f"**/api/v1/sessions/{ada.joined['session']}", lambda route: route.abort())
    async with other.post(path, json=body) as response:
        assert response.status == 200, await response.text()
    here = page.get_by_role("dialog").get_by_role("alert")
    await dialog.get_by_role("button", name="Give the time").click()

    await expect(here).to_contain_text("second-proctor has acted on this session meanwhile")
    await expect(dialog.get_by_label("Note")).to_have_value("For the outage.")
    watched.forgive("Failed to load resource: ")


async def test_of_two_who_act_on_a_tile_by_key_one_is_told_what_the_other_did(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    watched = await watch()
    page = watched.page
    await tile(page, "Ada Lovelace").get_by_role("link").focus()
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the outage.")
    other = await server.as_staff(StaffRole.PROCTOR, "second-proctor")
    body = {"act": "pause", "code": "technical/network", "note": "The line."}
    path = f"/api/v1/sessions/{ada.joined['session']}/acts"
    async with other.post(path, json=body) as response:
        assert response.status == 200, await response.text()
    # The tile says so by now; what counts is what it had shown when the key was pressed.
    await expect(tile(page, "Ada Lovelace")).to_contain_text("paused for")
    await dialog.get_by_role("button", name="Give the time").click()
    told = dialog.get_by_role("alert")
    await expect(told).to_contain_text("second-proctor has acted on this session meanwhile")
    watched.forgive("Failed to load resource: ")


async def test_a_session_is_taken_and_others_see_by_whom_and_who_looks(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    one = (await watch()).page
    two = (await watch("second-proctor")).page
    await open_panel(one, "Ada Lovelace")
    await one.keyboard.press("g")

    await expect(tile(one, "Ada Lovelace")).to_contain_text("taken by you")
    await expect(tile(two, "Ada Lovelace")).to_contain_text("taken by proctor · proctor looks")
    await expect(one.get_by_role("button", name="Mine 1")).to_be_visible()
    await one.keyboard.press("g")
    await expect(tile(two, "Ada Lovelace")).not_to_contain_text("taken by")
    await one.keyboard.press("Escape")
    await expect(panel(one)).to_be_hidden()
    await expect(tile(one, "Ada Lovelace").get_by_role("link")).to_be_focused()
    await expect(tile(two, "Ada Lovelace")).not_to_contain_text("looks")


async def test_another_device_is_let_in(server: Server, watch: Watch) -> None:
    invited = await server.invite(room.EXAM, learner="Ada Lovelace")
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http) as first,
        Device(http, name="d_second") as second,
    ):
        await first.join(invited["join_token"])
        await first.connect()
        await first.check_in()
        await second.ask(invited["join_token"])
        page = (await watch()).page
        await expect(tile(page, "Ada Lovelace")).to_contain_text("another device asks")
        await open_panel(page, "Ada Lovelace")
        await panel(page).get_by_role("button", name="Let it in").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Note (may be left out)")).to_be_focused()
        await dialog.get_by_role("button", name="Let it in").click()
        await expect(page.get_by_text("The other device was let in: Ada Lovelace.")).to_be_visible()
        await second.join(invited["join_token"])
        assert (await second.call("GET", "/api/v1/session"))["device"] == "d_second"


async def test_a_device_that_was_let_in_loses_the_exam_only_when_that_was_asked(
    server: Server, watch: Watch
) -> None:
    invited = await server.invite(room.EXAM, learner="Ada Lovelace")
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http) as first,
        Device(http, name="d_second") as second,
    ):
        await first.join(invited["join_token"])
        await first.connect()
        await first.check_in()
        await second.ask(invited["join_token"])
        page = (await watch()).page
        await open_panel(page, "Ada Lovelace")
        await panel(page).get_by_role("button", name="Let it in").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Let it in").click()
        await second.join(invited["join_token"])

        # In the note of what came of it, and in the list.
        await page.get_by_role("button", name="Undo", exact=True).first.click()
        await expect(dialog).to_contain_text("The computer that was let in loses the exam at once")
        await dialog.get_by_role("button", name="Cancel").click()
        assert (await second.call("GET", "/api/v1/session"))["device"] == "d_second"
        listed = "Undo: A proctor let your other computer in."
        await panel(page).get_by_role("button", name=listed).click()
        said = "A proctor gave the exam back to the computer before."
        await expect(dialog).to_contain_text(said)
        await dialog.get_by_role("button", name="Give the exam back").click()
        await expect(page.get_by_text("Undone: Ada Lovelace.")).to_be_visible()
        await first.join(invited["join_token"])
        assert (await first.call("GET", "/api/v1/session"))["device"] == "d_test"


async def test_who_is_not_let_in_reads_why(server: Server, watch: Watch) -> None:
    invited = await server.invite(room.EXAM, learner="Ada Lovelace")
    async with (
        aiohttp.ClientSession(server.url) as http,
        Device(http) as first,
        Device(http, name="d_second") as second,
    ):
        await first.join(invited["join_token"])
        await first.connect()
        await first.check_in()
        await second.ask(invited["join_token"])
        page = (await watch()).page
        await open_panel(page, "Ada Lovelace")
        await panel(page).get_by_role("button", name="Refuse it").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Refuse it").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Choose a reason.")
        await give_reason(page, "Come to the desk.", code="learner/id-authorization")
        said = "A proctor did not let another computer in: proof of identity."
        await expect(dialog.get_by_text(said)).to_be_visible()
        await dialog.get_by_role("button", name="Refuse it").click()
        await expect(dialog).to_be_hidden()
        (act,) = (await first.call("GET", "/api/v1/session"))["acts"]
        assert (act["words"], act["note"]) == (said, "Come to the desk.")


async def test_a_whole_exam_is_told_at_once(sitting: Sitting, watch: Watch) -> None:
    learners = [await sitting("Ada Lovelace"), await sitting("Ben Ali")]
    page = (await watch()).page
    await page.get_by_role("button", name="Announce").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Announcement")).to_be_focused()
    await expect(dialog).to_contain_text(
        "Each will read: A proctor wrote to everybody who sits this exam."
    )
    await dialog.get_by_label("Announcement").fill("Question 3 has a misprint: read 5 for 6.")
    await dialog.get_by_role("button", name="Send to all").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Choose the exam first.")
    await dialog.get_by_role("combobox", name=re.compile("^Exam")).select_option(room.EXAM)
    await expect(dialog).to_contain_text("It goes to 2 learners.")
    await dialog.get_by_role("button", name="Send to all (2)").click()
    await expect(page.get_by_text("Announced to 2 learners.")).to_be_visible()
    for device in learners:
        (act,) = (await device.call("GET", "/api/v1/session"))["acts"]
        assert act["note"] == "Question 3 has a misprint: read 5 for 6."


async def test_the_still_of_a_learner_is_shown_and_follows(sitting: Sitting, watch: Watch) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    picture = tile(page, "Ada Lovelace").get_by_role("img", name="Camera of Ada Lovelace")
    shown = []
    for number in range(2):
        data = jpeg(webcam()) + b"%d" % number
        line = ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")
        await ada.send([line], [data])

        async def is_another() -> str | None:
            wide = await picture.evaluate_all("all => all[0]?.complete && all[0].naturalWidth")
            address = await picture.get_attribute("src") if wide else None
            return None if address in shown else address

        shown.append(await until(is_another))


async def test_whoever_needs_someone_most_is_shown_with_their_whole_picture(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    data = jpeg(webcam())
    await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    await ask_for_help(ada, "May I use the normal approximation here, or must it be exact?")
    await act(server, ada, act="message", note="We are looking.")
    await open_panel(page, "Ada Lovelace")
    await page.keyboard.press("g")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("taken by you")

    picture = tile(page, "Ada Lovelace").get_by_role("img", name="Camera of Ada Lovelace")

    box = await resting(picture)
    assert box["height"] >= 116, box
    assert await picture.evaluate("each => getComputedStyle(each).objectFit") == "contain"


async def test_an_old_picture_says_how_old_it_is(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    data = jpeg(webcam())
    await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    here = await watch()
    page = here.page
    picture = tile(page, "Ada Lovelace").get_by_role("img", name="Camera of Ada Lovelace")
    await expect(picture).to_have_css("opacity", "1")
    server.clock.pass_(200)
    await ask_for_help(ada, "Is it a number?")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("picture is 3 min old")
    await expect(picture).to_have_css("opacity", "0.4")
    await open_panel(page, "Ada Lovelace")
    said = re.compile("3 minutes 2[0-9] seconds ago. It shows how it was then")  # it counts on
    await expect(panel(page)).to_contain_text(said)
    assert await here.barriers() == ""
    data += b"another"
    ada.at_ms += 200_000
    await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    await expect(tile(page, "Ada Lovelace")).not_to_contain_text("picture is")
    await expect(panel(page)).not_to_contain_text("It shows how it was then")


async def test_a_picture_that_failed_is_tried_again_with_the_next_ticket(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    data = jpeg(webcam())
    await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    here = await watch()
    page = here.page
    tickets = 0

    async def soon_over(route: Route) -> None:
        nonlocal tickets
        tickets += 1
        answer = await route.fetch()
        now_ms = int(server.clock.now().timestamp() * 1000)
        server.clock.pass_(1)  # or the next would be the same
        await route.fulfill(json={**await answer.json(), "until_ms": now_ms + 2000})

    async def first_fails(route: Route) -> None:
        await (route.abort() if tickets < 2 else route.continue_())

    wall = page.url
    await page.goto("about:blank")  # or a ticket for the page so far might be counted
    await page.route(f"**/api/v1/exams/{room.EXAM}/looks", soon_over)
    await page.route("**/api/v1/looks/**", first_fails)
    await page.goto(wall)
    await expect(tile(page, "Ada Lovelace")).to_contain_text("Picture can't be shown")
    picture = tile(page, "Ada Lovelace").get_by_role("img", name="Camera of Ada Lovelace")
    await expect(picture).to_be_visible()  # a ticket lasts for ten seconds at least
    here.forgive("Failed to load resource: ")


async def test_all_that_was_asked_is_read_in_full_and_stays_after_the_answer(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    long = "May I use " + "x" * 1980
    page = (await watch()).page
    await ask_for_help(ada, long)
    await ask_for_help(ada, "a ruler?")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("asks: a ruler? and 1 more")
    await open_panel(page, "Ada Lovelace")
    for text in (long, "a ruler?"):
        await expect(
            panel(page).locator("blockquote").get_by_text(text, exact=True)
        ).to_be_visible()
    server.clock.pass_(30)
    await panel(page).get_by_label("Your answer").fill("Both.")
    await panel(page).get_by_role("button", name="Send the answer").click()
    await expect(panel(page).get_by_label("Your answer")).to_be_hidden()
    # Of before this page, and of before this call.
    await page.reload()
    said = panel(page).get_by_role("region", name="Messages").get_by_role("listitem")
    await expect(said).to_have_count(3)
    for number, text in enumerate((long, "a ruler?", "Both.")):
        await expect(said.nth(number)).to_contain_text(text)


async def test_what_is_asked_while_the_story_can_t_be_fetched_is_read_before_the_answer(
    sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    here = await watch()
    page, quotes = here.page, panel(here.page).locator("blockquote")
    # Whose ID check waits while they work waits for nobody.
    await expect(tile(page, "Ada Lovelace")).to_contain_text("ID check waits")
    await expect(page.get_by_text("Nobody needs anyone now.")).to_be_visible()
    await ask_for_help(ada, "one")
    await open_panel(page, "Ada Lovelace")
    await expect(quotes).to_have_text(["one"])
    await page.route("**/api/v1/sessions/*/story", lambda route: route.abort())
    await ask_for_help(ada, "two")
    await expect(quotes).to_have_text(["one", "two"])
    await ask_for_help(ada, "three")
    await expect(quotes).to_have_text(["one", "three"])
    await expect(panel(page)).to_contain_text("1 earlier message is not shown here yet")
    await page.unroute("**/api/v1/sessions/*/story")
    await expect(quotes).to_have_text(["one", "two", "three"])
    here.forgive("Failed to load resource: ")


async def test_what_was_flagged_stands_on_the_tile_and_in_the_panel_with_its_picture(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    page = (await watch()).page
    for number in range(9):
        server.clock.pass_(2)
        ada.at_ms += 1000
        data = jpeg(webcam()) + b"%d two" % number
        await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    from_ms = ada.at_ms
    server.clock.pass_(20)
    ada.at_ms += 20_000
    to_ms = from_ms + 20_000
    gap = ada.add(Kind.GAP, of="capture", cause="camera", from_ms=from_ms, to_ms=to_ms)
    await ada.send([gap])

    await expect(tile(page, "Ada Lovelace")).to_contain_text("2 people")
    await ask_for_help(ada, "May I?")
    await expect(tile(page, "Ada Lovelace")).to_contain_text("asks: May I? (+1)")
    link = tile(page, "Ada Lovelace").get_by_role("link")
    await expect(link).to_have_attribute("title", "Also: 2 people")
    await open_panel(page, "Ada Lovelace")
    await expect(panel(page)).to_contain_text(re.compile(r"Connected: heard \d+ \w+ ago\."))
    story = panel(page).get_by_role("region", name="What happened")
    await expect(story).to_contain_text("Conduct flag: More than one person (2 faces; the rule's")
    await expect(story).to_contain_text("No pictures. Gap: camera, 20 seconds.")
    picture = story.get_by_role("img", name=re.compile("^What was flagged at "))
    await picture.scroll_into_view_if_needed()
    wide = "img => img.complete && img.naturalWidth > 0"

    async def is_shown() -> bool:
        return bool(await picture.evaluate(wide))

    await until(is_shown)
    # Somebody has looked: it stands there still, and is no reason to come any more.
    await expect(tile(page, "Ada Lovelace")).to_contain_text("conduct: 2 people")


async def test_all_that_are_shown_are_selected_before_one_is(
    sitting: Sitting, watch: Watch
) -> None:
    for name in ("Ada Lovelace", "Ben Ali"):
        await sitting(name)
    page = (await watch()).page
    await expect(page.get_by_role("button", name="Check-in 0")).to_be_visible()
    await page.get_by_role("button", name="Working 2").click()
    await page.get_by_role("button", name="Select all shown").click()
    await expect(page.get_by_text("2 selected")).to_be_visible()


async def resting(thing: Locator) -> Any:
    """Return where something is, once it stays there."""
    places: list[Any] = []

    async def is_still() -> bool:
        places.append(await thing.bounding_box())
        return len(places) > 5 and places[-1] == places[-5]

    await until(is_still)
    return places[-1]


async def test_nothing_moves_while_somebody_points_at_the_wall(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    zoe = await sitting("Zoë Quinn")
    page = (await watch(width=850)).page  # where what stands above the tiles has little room
    first = page.get_by_role("list", name="Sessions").get_by_role("listitem").first
    await expect(tile(page, "Zoë Quinn")).to_be_visible()
    ada = tile(page, "Ada Lovelace")
    await ada.hover()
    place = await resting(first)
    await ada.hover(position={"x": 40, "y": 40})
    await ask_for_help(zoe, "Is it a number?")

    changed = page.get_by_text("Order changed:")
    await expect(changed).to_be_visible()
    await ada.hover(position={"x": 50, "y": 50})
    await expect(first).to_contain_text("Ada Lovelace")
    assert await resting(first) == place
    await ada.hover(position={"x": 40, "y": 40})
    await page.keyboard.press("u")  # a way to the button would be a way off the wall
    await expect(first).to_contain_text("Zoë Quinn")
    await expect(changed).to_be_hidden()


# A press of the pointer, where it rests, as soon as the tiles have moved.
PRESS_AS_TILES_MOVE = """([x, y]) => {
  const press = () => document.elementFromPoint(x, y).dispatchEvent(
    new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1 }));
  const list = document.querySelector(".tiles");
  const watch = new MutationObserver(() => { watch.disconnect(); press(); });
  watch.observe(list, { childList: true });
}"""


async def test_who_needs_someone_comes_first_though_the_pointer_and_the_focus_were_left_on_a_tile(
    sitting: Sitting, watch: Watch
) -> None:
    for name in ("Ada Lovelace", "Ben Ali"):
        await sitting(name)
    zoe = await sitting("Zoë Quinn")
    page = (await watch()).page
    first = page.get_by_role("list", name="Sessions").get_by_role("listitem").first
    await open_panel(page, "Ben Ali")
    await tile(page, "Ben Ali").hover()
    await page.keyboard.press("Escape")
    link = tile(page, "Ben Ali").get_by_role("link")
    await expect(link).to_be_focused()
    await page.evaluate("window.same = document.activeElement")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowRight")
    box = await resting(link)
    await page.evaluate(PRESS_AS_TILES_MOVE, [box["x"] + 20, box["y"] + 10])
    await ask_for_help(zoe, "Is it a number?")
    await expect(page.get_by_text("Order changed:")).to_be_visible()

    await expect(first).to_contain_text("Zoë Quinn", timeout=10_000)
    await expect(page.get_by_text("Order changed:")).to_be_hidden()
    await expect(link).to_be_focused()
    assert await page.evaluate("window.same === document.activeElement")
    assert await page.evaluate("scrollY") == 0
    # Who pressed just then meant the tile of before: that opens nothing.
    await expect(
        page.get_by_text("Nothing was opened: the order had just changed.")
    ).to_be_visible()
    await expect(panel(page)).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(panel(page).get_by_role("heading", name="Ben Ali")).to_be_focused()


async def test_whoever_may_not_watch_is_told_so_at_the_address_of_a_session_too(
    server: Server, visit: Visitor
) -> None:
    await server.as_staff(StaffRole.COURSE_TEAM, "cy")
    here = await visit(f"{server.url}/console?session=s_1")
    await here.sign_in(("cy", PASSWORD))
    await expect(here.page.get_by_text("The wall is for proctors.")).to_be_visible()


async def test_from_an_exam_that_nobody_sits_there_is_a_way_to_all(
    sitting: Sitting, server: Server, visit: Visitor
) -> None:
    await sitting("Ada Lovelace")
    await server.as_staff(StaffRole.PROCTOR, "noor")
    here = await visit(f"{server.url}/console?exam=nobodys")
    await here.sign_in(("noor", PASSWORD))
    await here.page.get_by_role("button", name="Show all").click()
    await expect(tile(here.page, "Ada Lovelace")).to_be_visible()


async def test_filters_and_search_find_one_among_others(sitting: Sitting, watch: Watch) -> None:
    await sitting("Ada Lovelace")
    await sitting("José Álvarez")
    page = (await watch()).page
    await expect(page.get_by_role("button", name="Working 2")).to_be_visible()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("jose")
    await expect(tile(page, "Ada Lovelace")).to_be_hidden()
    await expect(tile(page, "José Álvarez")).to_be_visible()
    await page.get_by_role("searchbox").fill("nobody")
    await expect(page.get_by_text("Nobody fits what you search for.")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await page.get_by_role("button", name=re.compile("^Done")).click()
    await expect(page.get_by_text("Nobody is listed under “Done”.")).to_be_visible()


async def test_a_network_that_drops_is_said_with_the_time_and_comes_back(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    here = await watch()
    page = here.page
    await expect(tile(page, "Ada Lovelace")).to_be_visible()
    await page.context.set_offline(offline=True)
    said = page.get_by_role("alert").filter(has_text="What you see is from")
    await expect(said).to_contain_text(re.compile(r"from \d\d:\d\d"))
    await expect(tile(page, "Ada Lovelace")).to_be_visible()
    await page.context.set_offline(offline=False)
    await expect(said).to_be_hidden()
    await sitting("Ben Ali")
    await expect(tile(page, "Ben Ali")).to_be_visible()
    here.forgive("WebSocket connection to ", "Failed to load resource: net::ERR_")


@asynccontextmanager
async def answers_lost(here: Visit, address: str) -> AsyncIterator[list[str]]:
    """What the page sends to an address is done, and no answer comes; gives what was done."""
    done: list[str] = []

    async def lose(route: Route) -> None:
        answer = await route.fetch()
        assert answer.ok, await answer.text()
        done.append(await answer.text())
        await route.abort()

    await here.page.route(address, lose)
    yield done
    await here.page.unroute(address, lose)
    here.forgive("Failed to load resource: ")


async def read_by(learners: list[Device]) -> list[int]:
    """Return how many acts each of them reads."""
    return [len((await each.call("GET", "/api/v1/session"))["acts"]) for each in learners]


async def test_what_no_answer_came_to_is_sent_again_and_done_once(
    sitting: Sitting, watch: Watch
) -> None:
    learners = [await sitting("Ada Lovelace"), await sitting("Ben Ali")]
    here = await watch()
    page = here.page
    for name in ("Ada Lovelace", "Ben Ali"):
        await tile(page, name).get_by_role("checkbox").check()
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the outage.")
    async with answers_lost(here, "**/api/v1/exams/*/acts") as done:
        await dialog.get_by_role("button", name="Give the time (2)").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("No answer came")
    assert len(done) == 1

    await dialog.get_by_role("button", name="Send again").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text("Time given: 2 learners.")).to_be_visible()
    assert await read_by(learners) == [1, 1]
    for name in ("Ada Lovelace", "Ben Ali"):
        await expect(tile(page, name)).to_contain_text("+5 min")


async def test_what_no_answer_came_to_is_offered_again_after_the_page_was_loaded_anew(
    sitting: Sitting, watch: Watch
) -> None:
    learners = [await sitting("Ada Lovelace")]
    here = await watch()
    page = here.page
    await open_panel(page, "Ada Lovelace")
    await page.keyboard.press("t")
    dialog = await give_reason(page, "For the outage.")
    async with answers_lost(here, "**/api/v1/sessions/*/acts") as done:
        await dialog.get_by_role("button", name="Give the time").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("No answer came")
    assert len(done) == 1

    await page.reload()
    heading = "Give time to Ada Lovelace"
    await page.get_by_role("button", name=f"Send again: {heading}").click()
    await expect(page.get_by_text("Time given: Ada Lovelace.")).to_be_visible()
    assert await read_by(learners) == [1]
    await expect(page.get_by_role("button", name=f"Send again: {heading}")).to_be_hidden()
    await page.reload()
    await expect(tile(page, "Ada Lovelace")).to_contain_text("+5 min")
    await expect(page.get_by_text("no answer came")).to_be_hidden()


async def test_what_no_answer_came_to_stays_on_the_wall_with_its_words_until_it_is_known(
    sitting: Sitting, watch: Watch
) -> None:
    learners = [await sitting("Ada Lovelace"), await sitting("Ben Ali")]
    here = await watch()
    page = here.page
    await page.get_by_role("button", name="Announce").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Announcement").fill("Question 3 has a misprint.")
    exams = dialog.get_by_role("combobox", name=re.compile("^Exam"))
    await exams.select_option(room.EXAM)
    async with answers_lost(here, "**/announcements"):
        await dialog.get_by_role("button", name="Send to all").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("No answer came")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()

    note = page.get_by_role("status").filter(has_text="Announcement to all of")
    await expect(note).to_contain_text("Question 3 has a misprint.")
    assert await here.barriers() == ""
    await open_panel(page, "Ada Lovelace")
    await page.keyboard.press("m")
    await dialog.get_by_label("Your message").fill("Hello.")
    await dialog.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("Sent to Ada Lovelace.")).to_be_visible()
    await note.get_by_role("button", name="Send again").click()
    await expect(page.get_by_text("Announced to 2 learners.")).to_be_visible()
    await expect(note).to_be_hidden()
    assert await read_by(learners) == [2, 1]


async def test_a_course_team_begins_at_its_own_page_and_sees_no_other(
    server: Server, visit: Visitor
) -> None:
    await server.as_staff(StaffRole.COURSE_TEAM, "team")
    here = await visit(f"{server.url}/console")
    await here.sign_in(("team", PASSWORD))
    await here.page.wait_for_url(f"{server.url}/console/agreement")
    pages = here.page.get_by_role("navigation", name="Pages").get_by_role("link")
    await expect(pages).to_have_text(["Results and agreement"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_meets_a_barrier(sitting: Sitting, watch: Watch, scheme: Scheme) -> None:
    await ask_for_help(await sitting("Ada Lovelace"), "Is it a number?")
    await sitting("Ben Ali")
    here = await watch(scheme=scheme)
    page = here.page
    await expect(tile(page, "Ada Lovelace")).to_contain_text("asks")
    assert await here.barriers() == ""
    await open_panel(page, "Ada Lovelace")
    await tile(page, "Ben Ali").get_by_role("checkbox").check()
    assert await here.barriers() == ""
    await page.keyboard.press("p")
    await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("dialog").get_by_text("Not done yet.")).to_be_visible()
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
    sitting: Sitting, watch: Watch, width: int, height: int
) -> None:
    await ask_for_help(await sitting("Ada Lovelace"), "Is it a number?")
    page = (await watch(width=width, height=height)).page
    too_wide = "document.documentElement.scrollWidth - innerWidth"
    await expect(tile(page, "Ada Lovelace")).to_contain_text("asks")
    assert await page.evaluate(too_wide) <= 0
    await open_panel(page, "Ada Lovelace")
    assert await page.evaluate(too_wide) <= 0


async def test_on_a_phone_the_tiles_come_first_and_what_finds_them_is_folded(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    here = await watch(width=320, height=640)
    page = here.page
    await expect(tile(page, "Ada Lovelace")).to_be_in_viewport(ratio=0.9)
    await expect(page.get_by_role("searchbox")).to_be_hidden()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    assert await here.barriers() == ""


async def test_the_acts_on_many_stand_at_the_foot_of_the_window(
    sitting: Sitting, watch: Watch
) -> None:
    await sitting("Ada Lovelace")
    page = (await watch()).page
    await tile(page, "Ada Lovelace").get_by_role("checkbox").check()
    batch = page.get_by_role("region", name="For the selected")
    await expect(batch).to_be_visible()
    below = "bar => innerHeight - bar.getBoundingClientRect().bottom"

    async def is_at_the_foot() -> bool:
        gap: float = await batch.evaluate(below)
        return abs(gap) < 1

    await until(is_at_the_foot)
    await open_panel(page, "Ada Lovelace")
    await until(is_at_the_foot)


async def test_what_has_ended_is_asked_for_no_picture(
    server: Server, sitting: Sitting, watch: Watch
) -> None:
    ada = await sitting("Ada Lovelace")
    data = jpeg(webcam())
    await ada.send([ada.add(Kind.SNAPSHOT, blob=data, purpose="periodic")], [data])
    await server.terminate(ada.joined["session"])
    page = (await watch()).page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(tile(page, "Ada Lovelace")).to_contain_text("No picture after the end")
    await open_panel(page, "Ada Lovelace")
    await expect(panel(page)).to_contain_text("No picture after the end.")
    assert [url for url in asked if "/looks/" in url] == []


# --- 500 at once ---------------------------------------------------------------------------------

# Which tiles were drawn anew. Who needs someone comes first: that moves a tile, and draws none.
WATCH_TILES = """() => {
  window.drawn = [];
  const list = document.querySelector("ul.tiles");
  new MutationObserver((changes) => {
    const tiles = changes.map(({ target }) => target.parentElement?.closest("[data-session]"));
    drawn.push(...tiles.filter((tile) => tile).map((tile) => tile.dataset.session));
  }).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


async def test_of_500_tiles_those_that_change_are_drawn_anew_and_no_other(watch: Watch) -> None:
    page = (await watch()).page
    wall = await BigWall.open(page)
    await page.evaluate(WATCH_TILES)
    told: set[str] = set()
    for _ in range(4):
        before = len(wall.shown)
        told |= wall.tell()

        async def is_drawn(before: int = before) -> bool:
            return len(wall.shown) > before

        await until(is_drawn)
    drawn = set(await page.evaluate("drawn"))
    assert drawn
    assert drawn <= told


async def test_500_tiles_are_scrolled_to_the_last_though_few_are_in_the_page(watch: Watch) -> None:
    page = (await watch()).page
    wall = await BigWall.open(page)
    tiles = page.get_by_role("list", name="Sessions").get_by_role("listitem")
    first = set(wall.in_sight)
    assert await tiles.count() < 100
    await page.keyboard.press("End")
    await expect(tiles.last).to_be_in_viewport()
    await expect(tiles.last).to_have_attribute("aria-posinset", str(TILES))

    async def others_are_asked_for() -> bool:
        return bool(wall.in_sight) and first.isdisjoint(wall.in_sight)

    await until(others_are_asked_for)


async def test_arrows_lead_through_500_tiles_and_the_focus_stays_on_one_that_is_scrolled_away(
    watch: Watch,
) -> None:
    page = (await watch()).page
    await BigWall.open(page)
    focused = page.locator("[data-session]:focus-within")
    await page.get_by_role("listitem").first.get_by_role("link").focus()
    await page.keyboard.press("ArrowDown")
    second_row = int(await focused.get_attribute("aria-posinset") or "")
    for _ in range(20):
        await page.keyboard.press("ArrowDown")
    await expect(focused).to_have_attribute("aria-posinset", str(21 * (second_row - 1) + 1))
    await expect(focused).to_be_in_viewport()
    learner = await focused.get_by_role("link").inner_text()
    await page.mouse.wheel(0, -20_000)
    await expect(page.get_by_text("Learner 0", exact=True)).to_be_in_viewport()
    await expect(focused).to_have_text(re.compile(learner))
    await page.keyboard.press("ArrowRight")
    await expect(focused).to_be_in_viewport()
    await expect(focused).to_have_attribute("aria-posinset", str(21 * (second_row - 1) + 2))


async def test_tiles_stand_in_as_many_columns_as_a_narrower_window_has_room_for(
    watch: Watch,
) -> None:
    page = (await watch()).page
    await BigWall.open(page)
    first = page.get_by_role("list", name="Sessions").get_by_role("listitem").first
    await page.set_viewport_size({"width": 420, "height": 800})

    async def two_have_the_width() -> bool:
        box = await first.bounding_box()
        return box is not None and 180 < box["width"] < 210

    await until(two_have_the_width)
    assert await page.evaluate("document.documentElement.scrollWidth") == 420
