"""A rehearsal in a browser: the same way as the exam, ending in a report of what to mend."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.conftest import until
from tests.e2e.room import EXAM, Learner, OpenRoom, Room, Sit

pytestmark = pytest.mark.browser

REHEARSAL = "Rehearsal: three questions"


async def readiness(exam_room: Room) -> dict[str, Any]:
    """Return the only learner's row, as the course team reads it."""
    async with exam_room.team.get(f"/api/v1/exams/{EXAM}/readiness") as response:
        (row,) = (await response.json())["learners"]
    found: dict[str, Any] = row
    return found


async def told(exam_room: Room) -> dict[str, Any] | None:
    """Return that row once the computer has reported."""
    row = await readiness(exam_room)
    return row if row["reported_at_ms"] else None


async def rehearse(ada: Learner) -> None:
    """Go the whole way of a rehearsal, from its rules to its report."""
    await ada.check_in()
    await ada.open_section(REHEARSAL)
    await ada.choose(1, "b")
    await ada.write(2, "1.41")
    await ada.write(3, "A desk, a lamp and a window.")
    await ada.saved()
    await ada.hand_in(REHEARSAL)


async def reported(ada: Learner) -> None:
    await expect(ada.heading("What you can do now")).to_be_visible()


async def test_a_learner_rehearses_from_the_rules_of_the_exam_and_the_exam_stays_as_it_was(
    exam_room: Room, sit: Sit
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.at("Rehearse first")
    await ada.button("Rehearse").click()
    await ada.at("This is a rehearsal")
    await ada.look("rehearsal-rules")
    await rehearse(ada)
    await reported(ada)

    for line in ("Camera.", "Light.", "Your face.", "Clock.", "Network.", "Sending pictures."):
        await expect(ada.page.get_by_role("listitem").filter(has_text=line)).to_be_visible()
    found = ada.page.get_by_role("listitem").filter(has_text="Your face.")
    await expect(found).to_contain_text("Your face was found in every picture.")
    await ada.look("readiness")
    row = await until(lambda: told(exam_room))
    assert (row["session"], row["rehearsals"]) == (invited.session, 1)
    assert row["mend"] == []
    assert row["ready"] is True
    assert (await exam_room.session(invited.session))["state"] == "check-in"

    main = ada.page.get_by_role("main")
    shown = await main.inner_text()
    await ada.page.reload()
    await reported(ada)
    await expect(main).to_have_text(shown, use_inner_text=True)
    back = ada.page.get_by_role("link", name="Go to your exam")
    await expect(back).to_have_attribute("href", urlsplit(invited.link).path)
    await ada.button("Rehearse again").click()
    await ada.at("This is a rehearsal")
    assert (await readiness(exam_room))["rehearsals"] == 2


async def test_a_rehearsal_on_another_computer_leaves_the_link_unused(
    exam_room: Room, sit: Sit
) -> None:
    invited = await exam_room.invite()
    ada = await sit(f"{invited.link}#rehearse")
    await ada.at("Rehearse first")
    await ada.button("Rehearse").click()
    await ada.at("This is a rehearsal")

    assert (await exam_room.session(invited.session))["state"] == "invited"
    await (await sit(invited.link)).at("What you may use, and what is watched")


async def test_a_computer_that_the_policy_refuses_is_red_for_the_course_team(
    open_room: OpenRoom, sit: Sit
) -> None:
    exam_room = await open_room(policy='[system]\nrefuse = [{ os = "linux" }]\n')
    invited = await exam_room.invite()
    ada = await sit(f"{invited.link}#rehearse", expect_status=403)
    await ada.button("Rehearse").click()
    await ada.accept()
    await ada.at("This exam can't be taken on this computer")

    assert (await until(lambda: told(exam_room)))["mend"] == ["system"]
