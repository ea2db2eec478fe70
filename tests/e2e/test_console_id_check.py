"""A learner held in check-in is let in from the keyboard, by a person who looked."""

import aiohttp
import pytest
from playwright.async_api import expect

from proctor.adapters import exams, policies
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import PASSWORD, SHORT_EXAM, Server
from tests.device import Device
from tests.e2e.visits import Visitor
from tests.pictures import jpeg, webcam

pytestmark = pytest.mark.browser


async def held_session(server: Server) -> str:
    """Let a learner show face and document where the policy holds them for a person."""
    held = policies.load(policies.builtin_folder() / "closed-book.toml")
    assert held.policy.identity.hold
    await server.store.publish(exams.load(SHORT_EXAM).body, held.body)
    await server.as_staff(StaffRole.PROCTOR)
    invited = await server.invite(learner="A. Diaz")
    picture = jpeg(webcam())
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(10)
        lines = [
            device.hello(),
            device.add(Kind.SNAPSHOT, blob=picture, purpose="face"),
            device.add(Kind.SNAPSHOT, blob=picture, purpose="document"),
        ]
        await device.send(lines, [picture])
        await device.call("POST", "/api/v1/session/check-in")
    return str(invited["session"])


async def test_a_held_learner_is_let_in_from_the_keyboard(server: Server, visit: Visitor) -> None:
    session = await held_session(server)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    here = await visit(f"{server.url}/console/review")
    page = here.page
    await here.sign_in((str(StaffRole.PROCTOR), PASSWORD))
    foremost = page.get_by_role("link", name="A. Diaz")
    await expect(foremost).to_contain_text("ID check waits for a person")
    assert await here.barriers() == ""
    await foremost.press("Enter")
    for name in ("face", "document"):
        shown = page.get_by_alt_text(f"The {name} shown at check-in")
        await expect(shown).to_have_js_property("complete", value=True)
        assert await shown.evaluate("picture => picture.naturalWidth") > 0

    await page.get_by_role("button", name="Refuse").press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="Write a reason")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_be_focused()
    assert await here.barriers() == ""
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Accept")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.get_by_text("ID check: accepted")).to_be_visible()
    await expect(page.get_by_role("button", name="Accept")).to_be_hidden()
    await expect(page.get_by_role("status")).to_contain_text("accepted")
    async with proctor.get(f"/api/v1/sessions/{session}") as response:
        found = await response.json()
    assert (found["state"], found["id_check"]["state"]) == ("ready", "accepted")
    assert await here.barriers() == ""
