"""Whoever goes away and comes back finds the same place, with every answer."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.room import (
    GIVEN,
    IN_PART_A,
    IN_PART_B,
    PART_A,
    PART_B,
    Computer,
    Room,
    Sit,
    handed_in,
)

pytestmark = pytest.mark.browser


async def test_a_reload_brings_back_the_same_question_with_every_answer(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.write(1, GIVEN["geometric-mean"])
    await ada.write(2, GIVEN["overfit"])
    await ada.button(re.compile("^Mark for later")).click()
    # As soon as it is said to be saved, it is.
    await expect(ada.page.get_by_text(re.compile(r"^(Saved on|Received by)")).first).to_be_visible()

    await ada.page.reload()

    await ada.at("Question 2 of 3")
    await expect(ada.field(2)).to_have_value(GIVEN["overfit"])
    marked = ada.page.get_by_role("button", name="Mark for later", pressed=True)
    await expect(marked).to_be_visible()
    await ada.go_to(1)
    await expect(ada.field(1)).to_have_value(GIVEN["geometric-mean"])
    await expect(ada.page.get_by_text("Camera on")).to_be_visible()
    await ada.write(3, GIVEN["matrix"])
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A | IN_PART_B
    # A camera that opens again after a reload was never lost.
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert [gap for gap in evidence.records("gap") if gap["cause"] == "camera"] == []


async def test_a_browser_that_crashed_offline_has_every_answer_it_said_was_saved(
    exam_room: Room, computer: Computer, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await computer.open(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.write(1, GIVEN["geometric-mean"])
    await ada.saved()
    await ada.goes_offline(exam_room.wire)
    await ada.write(2, GIVEN["overfit"])
    await expect(ada.page.get_by_text("Saved on this computer.")).to_be_visible()

    await computer.crash()
    exam_room.wire.mend()
    ada = await computer.open(invited.link)

    await ada.at("Question 2 of 3")
    await expect(ada.field(2)).to_have_value(GIVEN["overfit"])
    await ada.write(3, GIVEN["matrix"])
    await ada.saved()
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A | IN_PART_B


async def test_of_two_tabs_one_works_and_the_other_says_so(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")
    await ada.saved()

    other = await sit(invited.link, beside=ada)
    await other.at("Your exam is open in another tab")
    await other.look("other-tab")
    await expect(ada.heading(PART_A)).to_be_visible()
    await other.button("Use it here").click()
    await other.at(re.compile(r"^Question \d of 2"))
    await ada.at("Your exam is open in another tab")
    await expect(other.page.get_by_role("navigation", name="Questions")).to_contain_text("answered")
    await other.choose(2, "a", "c")
    await other.hand_in(PART_A)
    await other.leave_out_the_rest()
    assert await handed_in(exam_room, other, invited.session, tmp_path) == IN_PART_A


async def test_a_second_computer_goes_on_when_the_first_says_yes(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")
    await ada.saved()

    second = await sit(invited.link, expect_status=409)
    await second.at("This link is in use on another computer or browser")
    await second.look("link-used")
    await second.button("Ask to go on here").click()
    await second.at("You asked to go on here")
    await second.look("asked")
    await ada.at("Another computer asks to go on with your exam")
    await ada.look("asked-first")
    ada.expect_cut().expect_status(401, 409)
    await ada.button("Yes, go on there").click()
    await ada.at("Your exam goes on on another computer")
    await ada.look("stopped")

    await second.accept()
    await second.at(re.compile(r"^Question \d of 2"))
    await expect(second.page.get_by_role("radio").nth(2)).to_be_checked()
    await second.choose(2, "a", "c")
    await second.hand_in(PART_A)
    await second.leave_out_the_rest()
    assert await handed_in(exam_room, second, invited.session, tmp_path) == IN_PART_A
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert len(evidence.facts["devices"]) == 2


async def test_a_reload_at_each_step_comes_back_to_that_step(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)

    async def again(heading: str) -> None:
        await ada.at(heading)
        await ada.page.reload()
        await ada.at(heading)

    await again("What you may use, and what is watched")
    await ada.accept()
    await again("A picture of your face")
    await ada.show("face")
    await again("A picture of your document")
    await ada.show("document")
    await again("Ready to check in")
    await ada.button("Check in").click()
    await again("You are checked in")
    await ada.part_a()
    await ada.button("Overview and hand in").first.click()
    await again(PART_A)
    await ada.hand_in(PART_A)
    await again("What comes next")
    await ada.leave_out_the_rest()
    await again("Your exam is handed in")
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert len(evidence.records("hello")) == 1
    assert len(evidence.records("submission")) == 1


async def test_what_was_typed_a_moment_before_the_page_went_is_there_again(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.go_to(2)
    await ada.field(2).press_sequentially(GIVEN["overfit"])
    await ada.page.reload()

    await ada.at("Question 2 of 3")
    await expect(ada.field(2)).to_have_value(GIVEN["overfit"])
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    given = await handed_in(exam_room, ada, invited.session, tmp_path)
    assert given["overfit"] == GIVEN["overfit"]
