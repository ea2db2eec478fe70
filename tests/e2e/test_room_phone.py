"""A phone as second camera: two browsers, one session, and a bundle with both of their logs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.room import IN_PART_A, PART_A, OpenRoom, Sit

pytestmark = pytest.mark.browser

POLICY = '[capture]\nsecond_camera = "phone"\n'
UPRIGHT: dict[str, Any] = {"width": 390, "height": 844}


async def test_a_phone_shows_the_room_from_check_in_to_the_end(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy=POLICY)
    invited = await here.invite()
    ada = await sit(invited.link)
    await expect(ada.page.get_by_text("a phone with a camera is needed")).to_be_visible()
    await ada.accept()
    await ada.show("face")
    await ada.show("document")

    await ada.at("Your phone as second camera")
    await ada.look("phone-asked")
    await ada.button("Show the code").click()
    code = ada.page.get_by_role("img", name="QR code of the address for your phone")
    await expect(code).to_be_visible()
    await expect(ada.page.get_by_text("Waiting for the phone.")).to_be_visible()
    link = await ada.page.locator("pre").inner_text()
    assert link.startswith(f"{here.url}/join/{invited.session}.")
    await ada.look("phone-code")

    phone = await sit(link, **UPRIGHT)
    await phone.at("This phone as second camera")
    await expect(phone.page.get_by_text("Keep this phone plugged in")).to_be_visible()
    await phone.look("phone-fresh")
    await phone.button("Start the camera").click()
    await expect(phone.page.get_by_text("the first picture is taken")).to_be_visible()
    await phone.button("Show the picture").click()
    live = phone.page.get_by_label("What this phone's camera sees now")
    await expect(live).to_have_js_property("videoWidth", 640)
    await phone.look("phone-on")
    await phone.button("Hide the picture").click()

    # The computer goes on by itself.
    await ada.at("Ready to check in")
    await expect(ada.page.get_by_text("Your phone shows the room.")).to_be_visible()
    await ada.button("Check in").click()
    await ada.at("You are checked in")
    await ada.open_section(PART_A)
    await expect(phone.page.get_by_text("Pictures are taken.")).to_be_visible()
    await ada.answer_part_a()

    # A phone that is put away is asked for, and answering goes on.
    await phone.page.goto("about:blank")
    await expect(ada.page.get_by_text("Your phone does not show the room now")).to_be_visible()
    await ada.look("phone-lost")
    await ada.button("Connect a phone").click()
    dialog = ada.page.get_by_role("dialog", name="Connect a phone")
    await expect(dialog.get_by_role("button", name="Show a new code")).to_be_visible()
    await phone.page.goto(link)
    await expect(dialog).to_be_hidden()
    await expect(ada.page.get_by_text("Your phone does not show the room now")).to_be_hidden()
    await expect(phone.page.get_by_text("Pictures are taken.")).to_be_visible()

    await ada.hand_in(PART_A)
    await expect(phone.page.get_by_text("Pictures begin when you open")).to_be_visible()
    await ada.leave_out_the_rest()
    await ada.receipt()
    await phone.at("Your exam is over")
    await phone.look("phone-over")

    evidence = await here.evidence(invited.session, tmp_path)
    assert evidence.handed_in() == IN_PART_A
    server = [json.loads(line) for line in evidence.logs["server"]]
    admitted = [each for each in server if each["kind"] == "device"]
    assert [each["device_kind"] for each in admitted] == ["browser", "phone"]
    name = admitted[1]["id"]
    records = evidence.records(device=name)
    assert (records[0]["kind"], records[0]["device_kind"]) == ("hello", "phone")
    shown = [each for each in records if each["kind"] == "snapshot"]
    assert {each["purpose"] for each in shown} == {"room"}
    assert len(shown) > 2
    assert {each["kind"] for each in records} <= {"hello", "snapshot", "gap", "notice", "beat"}
    assert evidence.facts["missing"] == []


async def test_a_code_that_was_replaced_says_so_on_the_phone(open_room: OpenRoom, sit: Sit) -> None:
    here = await open_room(policy=POLICY)
    ada = await sit((await here.invite()).link)
    await ada.accept()
    await ada.show("face")
    await ada.show("document")
    await ada.button("Show the code").click()
    first = await ada.page.locator("pre").inner_text()
    phone = await sit(first, **UPRIGHT)
    phone.expect_cut().expect_status(401, 404)
    await phone.button("Start the camera").click()
    await ada.at("Ready to check in")
    await ada.button("Back").click()
    await ada.button("Show a new code").click()
    await expect(ada.page.locator("pre")).not_to_have_text(first)
    await phone.at("This phone is the second camera no more")
    await phone.look("phone-replaced")
    late = await sit(first, expect_status=404, **UPRIGHT)
    await late.at("This code is not the newest one")
    await late.look("phone-blocked")
    other = await sit(await ada.page.locator("pre").inner_text(), **UPRIGHT)
    await other.button("Start the camera").click()
    await ada.at(re.compile("Ready to check in|Your phone as second camera"))
    await expect(ada.page.get_by_text("The phone shows the room.")).to_be_visible()
