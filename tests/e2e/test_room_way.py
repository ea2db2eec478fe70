"""A learner's whole way in a browser: from the link to a receipt and a bundle that verifies."""

import asyncio
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from tests.e2e.room import GIVEN, IN_PART_A, PART_A, PART_B, PART_C, OpenRoom, Room, Sit
from tests.pictures import png

pytestmark = pytest.mark.browser


async def test_a_whole_exam_is_sat_in_the_browser(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.part_b()
    await ada.hand_in(PART_B)
    await ada.at("What comes next")
    await ada.part_c()
    await ada.saved()
    await ada.hand_in(PART_C)
    receipt = await ada.receipt()
    assert await ada.download() == receipt

    assert (await exam_room.session(invited.session))["state"] == "submitted"
    evidence = await exam_room.evidence(invited.session, tmp_path)
    evidence.assert_whole()
    assert evidence.handed_in() == GIVEN
    taken = [record["purpose"] for record in evidence.records("snapshot")]
    assert taken[:2] == ["face", "document"]
    assert "periodic" in taken
    assert "file" in taken
    (device,) = evidence.facts["devices"]
    assert receipt == evidence.checkpoints[device]


async def test_a_link_opened_again_after_the_end_shows_the_same_receipt(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    receipt = await ada.receipt()

    await ada.page.reload()

    assert await ada.receipt() == receipt
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert evidence.handed_in() == IN_PART_A


async def test_a_call_for_help_reaches_the_proctor_and_the_answer_is_kept(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()

    await ada.button("Ask for help").click()
    dialog = ada.page.get_by_role("dialog", name="Ask for help")
    await dialog.get_by_role("button", name="Send").click()
    await expect(ada.alert("Write what it is about")).to_be_visible()
    await dialog.get_by_role("textbox", name="Your message").fill(
        "Is question 2 about <b>one</b> die?"
    )
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_role("status")).to_contain_text("A proctor will see it")
    await ada.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()

    async with exam_room.proctor.get("/api/v1/reviews") as response:
        (row,) = [
            each
            for each in (await response.json())["reviews"]
            if each["session"] == invited.session
        ]
    assert row["why"]
    evidence = await exam_room.evidence(invited.session, tmp_path)
    (message,) = evidence.records("message")
    assert message["text"] == "Is question 2 about <b>one</b> die?"


TRANSLATORS = """
[[allow]]
kind = "website"
choose = 1
of = [
  { name = "Youdao", url = "https://fanyi.example.org/" },
  { name = "Bing", url = "https://bing.example.org/translator" },
]
"""


async def test_leaving_for_a_translator_of_ones_choice_is_recorded_as_allowed(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy=TRANSLATORS)
    invited = await here.invite()
    ada = await sit(invited.link)
    context = ada.page.context
    await context.route("https://*.example.org/**", lambda route: route.fulfill(body="ni hao"))
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.can_look_away()
    await ada.page.get_by_role("link", name=re.compile("^Youdao")).click()
    dialog = ada.page.get_by_role("dialog", name="Use this website?")
    await expect(dialog).to_be_visible()
    await ada.look("choose-translator")
    async with context.expect_page() as opening:
        await dialog.get_by_role("link", name="Use Youdao").click()
    translator = await opening.value
    await translator.bring_to_front()
    await expect(translator.get_by_text("ni hao")).to_be_visible()
    assert await translator.evaluate("window.opener") is None
    await asyncio.sleep(1.5)  # away for long enough to be noted
    await ada.page.bring_to_front()

    await expect(ada.page.get_by_text("Your choice")).to_be_visible()
    await expect(ada.page.get_by_role("link", name=re.compile("^Bing"))).to_have_count(0)
    await ada.look("translator-chosen")
    await ada.answer_part_a()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    await ada.receipt()
    evidence = await here.evidence(invited.session, tmp_path)
    (focus,) = evidence.records("focus")
    assert focus["away_to"] == "https://fanyi.example.org/"
    assert focus["to_ms"] - focus["from_ms"] > 1000


async def test_an_image_of_a_question_is_shown_before_and_after_a_reload(
    open_room: OpenRoom, sit: Sit
) -> None:
    here = await open_room(image=png(np.full((120, 160, 3), 90, np.uint8)))
    ada = await sit((await here.invite()).link)
    await ada.check_in()
    await ada.open_section(PART_A)

    for _ in range(2):
        image = ada.page.get_by_role("img", name="Two dice")
        await expect(image).to_be_visible()
        await expect(image).to_have_js_property("width", 160)
        await ada.look("image")
        await ada.page.reload()


async def test_a_long_text_that_is_pasted_is_noted_by_its_length_alone(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.go_to(2)
    await ada.field(2).evaluate(PASTE, "secret " * 50)
    await ada.saved()

    evidence = await exam_room.evidence(invited.session, tmp_path)
    (paste,) = [each for each in evidence.records("notice") if each["notice"] == "paste"]
    assert (paste["item"], paste["characters"]) == ("overfit", 350)
    assert "secret" not in json.dumps(paste)


PASTE = """(field, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  field.focus();
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  document.execCommand("insertText", false, text);
}"""
