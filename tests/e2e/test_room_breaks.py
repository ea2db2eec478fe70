"""When the network, the server, the camera or the time goes, nothing that was answered does."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import TimeoutError as PageTimeout
from playwright.async_api import expect

from tests.conftest import until
from tests.e2e.room import (
    GIVEN,
    HURRIES,
    IN_PART_A,
    IN_PART_B,
    LIMITS,
    PART_A,
    PART_B,
    PART_C,
    OpenRoom,
    ProcessRoom,
    Room,
    Sit,
    handed_in,
)

pytestmark = pytest.mark.browser

CAN_T_BE_REACHED = re.compile("The exam server can't be reached")

# So that a test can unplug the camera: Chromium's fake one never goes away by itself.
CAMERA = """
const media = navigator.mediaDevices, ask = media.getUserMedia.bind(media), tracks = [];
let there = true;
media.getUserMedia = async (wanted) => {
  if (!there) throw new DOMException("gone", "NotFoundError");
  const stream = await ask(wanted);
  tracks.push(...stream.getTracks());
  return stream;
};
window.unplug = () => {
  there = false;
  for (const track of tracks.splice(0)) {
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
};
window.plugIn = () => { there = true; };
"""


async def test_a_router_that_starts_anew_is_not_even_mentioned(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = (await sit(invited.link)).expect_cut()
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")

    exam_room.wire.hang_up()
    await ada.choose(2, "a", "c")

    await ada.saved()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A


async def test_a_server_killed_in_mid_section_is_noticed_by_nobody(
    killable: ProcessRoom, sit: Sit, tmp_path: Path
) -> None:
    invited = await killable.invite()
    ada = (await sit(invited.link)).expect_cut()
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")

    await killable.process.kill()
    await ada.choose(2, "a", "c")
    await expect(ada.page.get_by_text("Saved on this computer.")).to_be_visible()
    await killable.process.start()

    await ada.saved()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await killable.process.kill()
    await killable.process.start()
    await ada.part_b()
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    assert await handed_in(killable, ada, invited.session, tmp_path) == IN_PART_A | IN_PART_B


async def test_a_camera_that_is_unplugged_is_asked_for_and_never_in_the_way(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, script=CAMERA)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")

    await ada.page.evaluate("unplug()")
    await expect(ada.alert("You can go on answering meanwhile")).to_be_visible()
    await ada.look("camera-lost")
    await ada.choose(2, "a", "c")
    await ada.saved()

    async def is_noticed(what: str) -> bool:
        evidence = await exam_room.evidence(invited.session, tmp_path)
        return what in {record["notice"] for record in evidence.records("notice")}

    await until(lambda: is_noticed("camera-lost"))
    await ada.page.evaluate("plugIn()")
    again = ada.button("Try again")
    await expect(again.or_(ada.page.get_by_text("Camera on"))).to_be_visible()
    if await again.is_visible():
        with suppress(PageTimeout):  # it may find the camera by itself meanwhile
            await again.click(timeout=3000)
    await expect(ada.page.get_by_text("Camera on")).to_be_visible()
    await until(lambda: is_noticed("camera-back"))

    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A
    evidence = await exam_room.evidence(invited.session, tmp_path)
    noticed = [record["notice"] for record in evidence.records("notice")]
    assert noticed == ["camera-lost", "camera-back"]
    # The gap is said at once, and the rest of it when it is over.
    begun, ended = [each for each in evidence.records("gap") if each["of"] == "capture"]
    assert begun["cause"] == ended["cause"] == "camera"
    assert begun["to_ms"] == ended["from_ms"]


async def test_a_deadline_that_passes_offline_costs_no_answer(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy='[time]\ngive_back = "none"\n')
    invited = await here.invite()
    ada = await sit(invited.link, script=HURRIES)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")
    await ada.saved()

    await ada.goes_offline(here.wire)
    await ada.choose(2, "a", "c")
    await ada.time_passes(LIMITS["part-a"], here.clock)
    await ada.at(f"The time of {PART_A} is over")
    await expect(ada.page.get_by_role("main")).to_contain_text(CAN_T_BE_REACHED)
    await ada.look("time-up-offline")
    await ada.comes_online(here.wire)

    await ada.at("What comes next")
    over = f"{PART_A} is over. Everything you answered was received."
    await expect(ada.page.get_by_text(over)).to_be_visible()
    await ada.part_b()
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    assert await handed_in(here, ada, invited.session, tmp_path) == IN_PART_A | IN_PART_B


async def test_a_deadline_that_passed_offline_is_moved_by_what_is_given_back(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy="[time]\nafter_s = 1\n")
    invited = await here.invite()
    ada = await sit(invited.link, script=HURRIES)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")
    await ada.saved()

    await ada.goes_offline(here.wire, noticed=True)
    await ada.time_passes(LIMITS["part-a"], here.clock)
    await ada.at(f"The time of {PART_A} is over")
    await ada.comes_online(here.wire)

    await ada.at(re.compile("^Question 1 of 2"))
    await ada.choose(2, "a", "c")
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    assert await handed_in(here, ada, invited.session, tmp_path) == IN_PART_A
    (entry,) = (await here.session(invited.session))["ledger"]
    assert (entry["section"], entry["cause"]) == ("part-a", "outage")


async def test_when_time_runs_out_what_was_typed_last_is_handed_in_by_itself(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room()
    invited = await here.invite()
    ada = await sit(invited.link, script=HURRIES)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.go_to(2)
    await ada.field(2).focus()
    typed = 0
    while await ada.field(2).is_visible():
        await ada.page.keyboard.type("o", delay=30)
        typed += 1
        if typed == 50:
            await ada.time_passes(LIMITS["part-b"], here.clock)

    await ada.at("What comes next")
    over = f"{PART_B} is over. Everything you answered was received."
    await expect(ada.page.get_by_text(over)).to_be_visible()
    await ada.look("time-up")
    await ada.leave_out_the_rest()
    given = await handed_in(here, ada, invited.session, tmp_path)
    assert given.keys() == {*IN_PART_A, "overfit"}
    # All but what was typed within the last moment.
    lost = typed - len(str(given["overfit"]))
    assert lost * 30 < 1500


async def test_the_last_section_that_ends_offline_is_handed_in_by_itself_in_the_end(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy='[time]\ngive_back = "none"\n')
    invited = await here.invite()
    ada = await sit(invited.link, script=HURRIES)
    await ada.check_in()
    for title in (PART_A, PART_B):
        await ada.open_section(title)
        await ada.hand_in(title)
        await ada.at("What comes next")
    await ada.open_section(PART_C)
    await ada.goes_offline(here.wire)
    await ada.write(1, GIVEN["randomise"])
    await ada.time_passes(LIMITS["part-c"], here.clock)
    await ada.at(f"The time of {PART_C} is over")
    await ada.comes_online(here.wire)

    # Nothing is pressed any more.
    given = await handed_in(here, ada, invited.session, tmp_path)
    assert given == {"randomise": GIVEN["randomise"]}


async def test_a_press_is_not_lost_because_something_was_just_received(
    exam_room: Room, sit: Sit
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await expect(ada.page.get_by_text("Everything you answered was received.")).to_be_visible()
    await ada.goes_offline(exam_room.wire)
    await ada.button("Ask for help").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Your message").fill("Is there a break?")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("It waits for the exam server")).to_be_visible()
    await ada.page.keyboard.press("Escape")

    button = ada.button(f"Open {PART_B}")
    await button.hover()
    await ada.page.mouse.down()
    before = await button.bounding_box()
    await ada.comes_online(exam_room.wire)

    async def is_received() -> bool:
        return (await exam_room.session(invited.session))["help"] is not None

    await until(is_received)
    await asyncio.sleep(1)  # for the receipt to reach the page
    assert await button.bounding_box() == before
    await ada.page.mouse.up()
    await ada.at(re.compile(r"^Question 1 of "))


async def test_a_section_handed_in_offline_waits_and_can_be_gone_back_to(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.goes_offline(exam_room.wire)
    await ada.choose(1, "c")
    await ada.hand_in(PART_A)
    waits = ada.page.get_by_text("is not handed in yet")
    await expect(waits).to_be_visible()
    await ada.look("handed-in-offline")
    await ada.button("Go on working").click()
    await ada.choose(2, "a", "c")
    await ada.hand_in(PART_A)
    await ada.comes_online(exam_room.wire)

    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A


async def test_time_that_a_proctor_gives_is_seen_at_once(exam_room: Room, sit: Sit) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await expect(ada.page.get_by_text("10 minutes left").first).to_be_visible()

    await exam_room.act(invited.session, "extra-time", seconds=600)

    await expect(ada.page.get_by_text("20 minutes left").first).to_be_visible()
    await expect(ada.page.get_by_text("(10 minutes added)")).to_be_visible()
    moved = ada.page.get_by_role("status").filter(has_text="The end has moved")
    await expect(moved).to_have_count(1)
