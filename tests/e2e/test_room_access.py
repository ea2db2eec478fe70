"""Whoever sits the exam: axe on every page of the way, keys alone, a narrow window, in the dark."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from tests.e2e.check_ins import seen_in
from tests.e2e.room import (
    GIVEN,
    PART_A,
    PART_B,
    PART_C,
    Learner,
    OpenRoom,
    Room,
    Sit,
)

pytestmark = pytest.mark.browser

WINDOWS = [
    pytest.param({}, "", id="light"),
    pytest.param({"scheme": "dark"}, "-dark", id="dark"),
    pytest.param({"width": 320, "height": 640}, "-320", id="a phone's 320 pixels"),
    pytest.param({"width": 640, "height": 400}, "-zoomed", id="1280 at 200 % zoom"),
]


async def picture_moves(learner: Learner) -> None:
    """Wait until the camera's picture is there: an empty frame is none."""
    video = learner.page.get_by_label("What your camera sees now")
    await expect(video).to_have_js_property("videoWidth", 640)


@pytest.mark.parametrize(("window", "name"), WINDOWS)
async def test_nobody_meets_a_barrier_on_the_way(
    exam_room: Room, sit: Sit, window: dict[str, Any], name: str
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, **window)
    page = ada.page

    async def look(what: str) -> None:
        # What axe reads is the same page at both of the narrow windows.
        await ada.look(f"{what}{name}", axe=name != "-zoomed")

    await ada.at("What you may use, and what is watched")
    await look("rules")
    await ada.button("I need help").click()
    await look("help-early")
    await page.keyboard.press("Escape")
    await ada.accept()
    await ada.at("A picture of your face")
    await look("face-camera-off")
    await ada.button("Turn the camera on").click()
    await expect(ada.button("Take the picture")).to_be_visible()
    await picture_moves(ada)
    await look("face")
    await ada.button("Take the picture").click()
    await expect(ada.button("Use this picture")).to_be_visible()
    await look("face-taken")
    await ada.button("Use this picture").click()
    await ada.at("A picture of your document")
    await page.get_by_text("Use a picture file instead").click()
    await look("document")
    await ada.show("document")
    await ada.at("Ready to check in")
    await look("ready")
    await ada.button("Check in").click()
    await ada.at("You are checked in")
    await look("sections")

    await ada.part_a()
    await look("multiple-choice")
    await ada.go_to(1)
    await ada.saved()
    await look("single-choice")
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await look("between")
    await ada.button("Hand in the exam without the rest").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await look("leave-out")
    await page.keyboard.press("Escape")

    await ada.open_section(PART_B)
    await ada.write(1, "4")
    await ada.button(re.compile("^Mark for later")).click()
    await ada.saved()
    await look("fill-in")
    await ada.button("Show all questions").click()
    await look("list")
    await ada.button("Hide timer").click()
    await ada.button("Overview and hand in").first.click()
    await look("overview")
    await ada.button(f"Hand in {PART_B}").click()
    await look("sure")
    await page.get_by_role("dialog").get_by_role("button", name="Go on working").click()
    await ada.button("Ask for help").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await look("help")
    await page.keyboard.press("Escape")
    await ada.button("Show the picture").click()
    await picture_moves(ada)
    await look("camera")
    await page.keyboard.press("Escape")
    await ada.hand_in(PART_B)

    await ada.at("What comes next")
    await ada.part_c()
    await look("file")
    await ada.go_to(1)
    await look("short-text")
    await ada.hand_in(PART_C)
    await ada.receipt()
    await look("done")


@pytest.mark.parametrize(("window", "name"), WINDOWS[1:3])
async def test_nobody_meets_a_barrier_where_the_way_stops(
    open_room: OpenRoom, sit: Sit, window: dict[str, Any], name: str
) -> None:
    here = await open_room(policy="[identity]\nhold = true\n")
    invited = await here.invite()
    ada = await sit(invited.link, **window)

    async def look(heading: str, what: str) -> None:
        await ada.at(heading)
        await ada.look(f"{what}{name}")

    assert here.second is not None

    async def judged(event: str, by: aiohttp.ClientSession = here.proctor) -> None:
        path = f"/api/v1/sessions/{invited.session}/id-check"
        async with by.get(path) as response:
            seen = seen_in(await response.json())
        body = {"event": event, "reason": "The card can't be read.", "seen": seen}
        async with by.post(path, json=body) as response:
            assert response.status == 200, await response.text()

    await ada.accept()
    await ada.show("face")
    await ada.show("document")
    await ada.button("Check in").click()
    await look("A person looks at your pictures", "held")
    await judged("asked-again")
    await look("A picture of your face", "retake")
    await ada.show("face")
    await ada.show("document")
    await ada.button("Check in").click()
    await ada.at("A person looks at your pictures")
    await judged("refused")  # which the learner hears nothing of until a second person agrees
    await ada.at("A person looks at your pictures")
    await judged("refused", here.second)
    await look("Your ID check was not accepted", "id-refused")
    await judged("accepted")
    await ada.at("You are checked in")
    await ada.open_section(PART_A)
    await here.act(invited.session, "pause")
    await look("A proctor paused your exam", "paused")
    await here.act(invited.session, "resume")
    await ada.at(PART_A)
    of = await here.act(invited.session, "terminate")
    await here.act(invited.session, "confirm-terminate", by=here.second, of=of)
    await look("Your exam was ended", "terminated")


async def test_the_whole_exam_is_sat_with_the_keyboard_alone(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    keys = Keys(ada)

    await keys.at("What you may use, and what is watched")
    await keys.press("I accept these rules")
    for what in ("face", "document"):
        await keys.at(f"A picture of your {what}")
        if what == "face":
            await keys.press("Turn the camera on")
            await expect(ada.button("Take the picture")).to_be_visible()
        await keys.press("Take the picture")
        await expect(ada.button("Use this picture")).to_be_visible()
        await keys.press("Use this picture")
    await keys.at("Ready to check in")
    await keys.press("Check in")
    await keys.at("You are checked in")

    await keys.press(f"Open {PART_A}")
    await keys.at(PART_A)
    await keys.reach("radio", "")
    await ada.page.keyboard.press("ArrowDown")
    await ada.page.keyboard.press("ArrowDown")
    await expect(ada.page.get_by_role("radio").nth(2)).to_be_checked()
    await keys.press("Next question")
    await keys.at("Question 2 of 2")
    for place in (1, 3):
        await keys.reach("checkbox", "", place=place)
        await ada.page.keyboard.press("Space")
    await keys.hand_in(PART_A)

    await keys.at("What comes next")
    await keys.press(f"Open {PART_B}")
    for number, item in enumerate(("geometric-mean", "overfit", "matrix"), 1):
        await keys.at(PART_B if number == 1 else f"Question {number} of 3")
        await keys.reach("textbox", f"Your answer to question {number}")
        await ada.page.keyboard.type(GIVEN[item])
        if number < 3:
            await keys.press("Next question")
    await keys.hand_in(PART_B)

    await keys.at("What comes next")
    await keys.press(f"Open {PART_C}")
    await keys.at(PART_C)
    await keys.reach("textbox", "Your answer to question 1")
    await ada.page.keyboard.type(GIVEN["randomise"])
    await keys.hand_in(PART_C)
    await keys.at("Your exam is handed in")

    evidence = await exam_room.evidence(invited.session, tmp_path)
    evidence.assert_whole()
    assert evidence.handed_in() == {k: v for k, v in GIVEN.items() if k != "work"}


class Keys:
    """Reaches everything by Tab, as whoever has no mouse."""

    MOST = 60  # Tabs until something is found

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._keyboard = learner.page.keyboard

    async def at(self, heading: str) -> None:
        """Wait for a heading until it has the focus: after that, nothing but Tab moves it."""
        await expect(self._learner.heading(heading).first).to_be_focused()

    async def reach(self, role: str, name: str, *, place: int = 1) -> None:
        """Go on to what has this role and name; or to the `place`th of a role, in page order."""
        page = self._learner.page
        wanted = page.get_by_role(role, name=name, exact=True) if name else page.get_by_role(role)  # type: ignore[arg-type]  # a role's name is any of a long list
        wanted = wanted.nth(place - 1)
        await expect(wanted).to_be_enabled()
        for _ in range(self.MOST):
            if await wanted.evaluate("one => one === document.activeElement"):
                return
            await self._keyboard.press("Tab")
        pytest.fail(f"Tab does not reach the {role} {name!r}")

    async def press(self, button: str) -> None:
        await self.reach("button", button)
        await self._keyboard.press("Enter")

    async def hand_in(self, title: str) -> None:
        await self.press("Overview and hand in")
        await expect(self._learner.heading(f"{title}: what you answered")).to_be_focused()
        await self.press(f"Hand in {title}")
        await expect(self._learner.page.get_by_role("dialog")).to_be_visible()
        await self.press("Yes, hand in")
