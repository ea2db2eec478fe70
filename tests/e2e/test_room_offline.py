"""A minute without a network, by the clock on the wall."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from playwright.async_api import expect

from proctor.web.uplink import HEARTBEAT_S
from tests.e2e.room import GIVEN, IN_PART_A, IN_PART_B, PART_A, PART_B, Room, Sit, handed_in

pytestmark = pytest.mark.browser

CAN_T_BE_REACHED = re.compile("The exam server can't be reached")


@pytest.mark.slow
async def test_sixty_seconds_without_a_network_cost_nothing(
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
    await ada.saved()

    began = time.monotonic()
    await ada.goes_offline(exam_room.wire)
    status = ada.page.get_by_role("region", name="State of your exam")
    async with asyncio.TaskGroup() as minute:
        minute.create_task(asyncio.sleep(60))
        await expect(status).to_contain_text(CAN_T_BE_REACHED)
        await expect(status).to_contain_text("you will get this time back")
        await ada.write(2, GIVEN["overfit"])
        await expect(ada.page.get_by_text("Saved on this computer.")).to_be_visible()
        await ada.write(3, GIVEN["matrix"])
        await ada.look("offline")
    await ada.comes_online(exam_room.wire)

    await ada.saved()
    await expect(status).not_to_contain_text(CAN_T_BE_REACHED)
    lasted_s = time.monotonic() - began
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    assert await handed_in(exam_room, ada, invited.session, tmp_path) == IN_PART_A | IN_PART_B
    (entry,) = (await exam_room.session(invited.session))["ledger"]
    assert (entry["section"], entry["cause"]) == ("part-b", "outage")
    # From when the server last heard of it, to when it did again.
    assert 50 < entry["seconds"] < lasted_s + HEARTBEAT_S
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert [gap["cause"] for gap in evidence.records("gap") if gap["of"] == "contact"] == [
        "network"
    ]
    # Snapshots were taken all the while.
    times = [
        each["at_ms"] for each in evidence.records("snapshot") if each["purpose"] == "periodic"
    ]
    assert len(times) > 50
