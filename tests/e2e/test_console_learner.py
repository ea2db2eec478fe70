"""What proctors do reaches the learner in words, and afterwards all that was seen and decided."""

import asyncio
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import FilePayload, Locator, expect

from proctor.cli import verify
from proctor.domain.observation import Face, Measured
from tests.conftest import ScriptedVision, analysed, until
from tests.e2e.room import PART_A, Learner, OpenRoom, Room, Sit
from tests.e2e.visits import Scheme

pytestmark = pytest.mark.browser

READ = "I have read this"
DONE = "What proctors did"
NETWORK = "technical/network"
# So seldom that a second picture within the test comes of nothing but a wish; no rule could tell
# anything of so few.
SELDOM = """
[drop]
flag = ["another-person", "covered", "dark", "frozen", "no-face", "person-count"]

[capture]
snapshot_every_s = 300
"""


def told(ada: Learner, words: str) -> Locator:
    """Find the notice of an act that was not read yet: what is said aloud is not seen."""
    return ada.page.locator(".notice .acts").get_by_text(words)


def said(ada: Learner, words: str) -> Locator:
    return ada.page.get_by_role("status").filter(has_text=words)


async def working(here: Room, sit: Sit) -> tuple[Learner, str]:
    """Bring a learner into the first section; return them and their session."""
    invited = await here.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.open_section(PART_A)
    return ada, invited.session


async def test_a_message_is_said_once_and_stays_until_it_was_read(
    exam_room: Room, sit: Sit
) -> None:
    ada, session = await working(exam_room, sit)
    await ada.choose(1, "c")

    await exam_room.act(session, "message", code="", note="Please move your lamp a little.")

    await expect(told(ada, "A proctor wrote to you.")).to_be_visible()
    await expect(ada.page.get_by_text("Please move your lamp a little.").last).to_be_visible()
    await expect(said(ada, "Please move your lamp a little.")).to_have_count(1)
    await ada.look("act-message")
    # Nobody is taken away from what they do.
    await expect(ada.page.get_by_role("radio").first).to_be_visible()

    await ada.page.reload()
    await expect(told(ada, "A proctor wrote to you.")).to_be_visible()
    await exam_room.act(session, "extra-time", code=NETWORK, note="For the outage.", seconds=600)
    await expect(told(ada, "A proctor gave you 10 minutes more: network.")).to_be_visible()
    await ada.look("act-two")
    await ada.page.set_viewport_size({"width": 320, "height": 640})
    await expect(told(ada, "A proctor gave you 10 minutes more")).to_be_in_viewport()
    await ada.look("act-two-narrow")
    await ada.page.set_viewport_size({"width": 1280, "height": 800})
    await ada.button(READ).click()
    await expect(ada.button(READ)).to_be_hidden()
    await expect(said(ada, "Please move your lamp a little.")).to_have_count(0)

    await ada.button(DONE).click()
    listed = ada.page.get_by_role("dialog").get_by_role("listitem")
    await expect(listed).to_have_count(2)
    await expect(listed.first).to_contain_text("A proctor wrote to you.")
    await expect(listed.last).to_contain_text("For the outage.")
    await ada.look("acts-listed")
    await ada.page.keyboard.press("Escape")
    await ada.page.reload()
    await expect(ada.button(DONE)).to_be_visible()
    await expect(ada.button(READ)).to_be_hidden()


async def test_a_pause_and_an_end_say_why(exam_room: Room, sit: Sit) -> None:
    ada, session = await working(exam_room, sit)

    await exam_room.act(session, "pause", code=NETWORK, note="The network of the house is down.")
    await ada.at("A proctor paused your exam")
    main = ada.page.get_by_role("main")
    await expect(main).to_contain_text("A proctor paused your exam: network.")
    await expect(main).to_contain_text("The network of the house is down.")
    await expect(ada.button(READ)).to_be_hidden()  # the screen says it
    await ada.look("paused-why")
    await exam_room.act(session, "resume", code="", note="")
    await ada.at(re.compile("^Question 1 of "))
    await expect(told(ada, "A proctor resumed your exam.")).to_be_visible()
    await expect(told(ada, "A proctor paused your exam")).to_be_hidden()

    # Who proposes an end accuses nobody before another agrees.
    of = await exam_room.act(
        session, "terminate", code="learner/behaviour", note="Somebody helped."
    )
    await exam_room.act(session, "message", code="", note="A word meanwhile.")
    await expect(ada.page.get_by_text("A word meanwhile.").last).to_be_visible()
    await expect(ada.page.get_by_text("Somebody helped.")).to_have_count(0)
    await exam_room.act(session, "confirm-terminate", of=of, code="", note="", by=exam_room.second)
    await ada.at("Your exam was ended")
    await expect(main).to_contain_text("A proctor ended your exam: behaviour.")
    await expect(main).to_contain_text("Somebody helped.")
    await ada.look("terminated-why")
    await opens_what_was_seen(ada)
    await picture_is_there(ada.page.get_by_role("img").first)
    await ada.button("Back").click()
    await ada.at("Your exam was ended")


async def test_a_new_picture_is_taken_as_soon_as_a_proctor_asks(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here = await open_room(policy=SELDOM)
    ada, session = await working(here, sit)

    async def taken() -> int:
        evidence = await here.evidence(session, tmp_path)
        purposes = [record["purpose"] for record in evidence.records("snapshot")]
        return purposes.count("periodic")

    async def one_is_taken() -> bool:
        return await taken() == 1

    await until(one_is_taken)

    await here.act(session, "ask-still", code="technical/camera", note="The picture is dark.")

    async def two_are_taken() -> bool:
        return await taken() == 2

    await until(two_are_taken)
    await expect(told(ada, "A proctor asked for a new picture: camera.")).to_be_visible()
    await asyncio.sleep(2)
    assert await taken() == 2


async def test_what_is_permitted_stands_where_the_rules_are(exam_room: Room, sit: Sit) -> None:
    ada, session = await working(exam_room, sit)
    rules = ada.page.get_by_role("region", name="You may use")

    await exam_room.act(
        session, "lift-rule", code="environment/noise", note="The street.", rule="person-count"
    )

    await expect(rules.get_by_role("heading", name="Granted to you")).to_be_visible()
    await expect(rules.get_by_text(re.compile("^Rule lifted: "))).to_be_visible()
    await expect(told(ada, "A proctor lifted a rule for you")).to_be_visible()
    await ada.look("act-lifted")


# --- after the exam --------------------------------------------------------------------------

LETTER = FilePayload(name="letter.txt", mimeType="text/plain", buffer=b"My sister was here.\n")
LINK = "What was seen, and what was decided"


class SomebodyCame(ScriptedVision):
    """Sees two people in some pictures, one after another, and one person in all others."""

    def __init__(self) -> None:
        self.looked = 0

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        self.looked += 1
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        two = Face(x=200, y=40, width=60, height=80, score=0.9)
        return replace(seen, faces=(*(seen.faces or ()), two)) if 4 <= self.looked <= 7 else seen

    @property
    def gone(self) -> bool:
        return self.looked > 9


async def flagged(open_room: OpenRoom, sit: Sit, **how: Any) -> tuple[Room, Learner, str]:
    """Let a learner sit an exam in which somebody else is seen, and hand it in."""
    vision = SomebodyCame()
    here = await open_room(parts={"vision": vision})
    invited = await here.invite()
    ada = await sit(invited.link, **how)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.choose(1, "c")
    await here.act(invited.session, "message", code="", note="Please be alone in the room.")

    async def they_left() -> bool:
        return vision.gone

    await until(they_left)
    await ada.button(READ).click()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    await ada.receipt()
    await analysed(here.proctor, f"/api/v1/sessions/{invited.session}")
    return here, ada, invited.session


async def decided(here: Room, session: str) -> None:
    """Let two people find a breach, each for themselves, and one of them look at a picture."""
    assert here.second is not None
    timeline = await analysed(here.proctor, f"/api/v1/sessions/{session}")
    (two,) = (flag for flag in timeline["flags"] if flag["flag_class"] == "conduct")
    async with here.proctor.post(
        f"/api/v1/sessions/{session}/looks", json={"why": "review"}
    ) as response:
        ticket = await response.json()
    sha256 = two["snapshots"][0]["sha256"]
    async with here.proctor.get(f"{ticket['path']}/{session}/{sha256}") as response:
        assert response.status == 200, await response.text()
    body = {
        "outcome": "breach",
        "reasons": "Two people sat at the desk.",
        "flags": [{"flag": two["flag"], "outcome": "upheld", "reason": "I see two of them."}],
        "flags_seen": [flag["flag"] for flag in timeline["flags"]],
    }
    for person in (here.proctor, here.second):
        await gives_verdict(person, session, body)


async def gives_verdict(person: aiohttp.ClientSession, session: str, body: dict[str, Any]) -> None:
    async with person.post(f"/api/v1/sessions/{session}/verdicts", json=body) as response:
        assert response.status == 200, await response.text()


async def opens_what_was_seen(ada: Learner) -> None:
    # By key: news that comes moves the link away from under a pointer.
    await ada.page.get_by_role("link", name=LINK).press("Enter")
    await ada.at(LINK)


async def picture_is_there(picture: Locator) -> None:
    """Wait until a picture is decoded: an empty frame proves nothing."""
    await expect(picture).to_be_visible()
    await expect(picture).not_to_have_js_property("naturalWidth", 0)
    await expect(picture).to_have_js_property("complete", value=True)


async def test_a_learner_reads_all_that_was_seen_and_answers_it(
    open_room: OpenRoom, sit: Sit, tmp_path: Path
) -> None:
    here, ada, session = await flagged(open_room, sit)
    page = ada.page
    await opens_what_was_seen(ada)
    await expect(page.get_by_text("Nothing is decided yet.")).to_be_visible()
    await expect(page.get_by_text("a flag is nobody's judgement")).to_be_visible()
    await ada.look("after-awaiting")

    await decided(here, session)
    await ada.button("Check again").click()
    await expect(page.get_by_text("It was decided that a rule was broken.")).to_be_visible()
    await expect(page.get_by_text("Two people sat at the desk.")).to_be_visible()
    flag = page.get_by_role("article").filter(has_text="About conduct")
    await expect(flag).to_have_count(1)
    await expect(flag).to_contain_text("A person decided: this counts.")
    await expect(flag).to_contain_text("I see two of them.")
    await flag.get_by_text("How it was measured").click()
    await expect(flag).to_contain_text("the rule's limit is 1")
    await picture_is_there(flag.get_by_role("img").or_(flag.locator("img")).first)
    await ada.look("after-decided")

    # Each picture of a flag leads to its place among all, from where the arrows go on.
    await flag.get_by_role("button", name=re.compile("^Show the picture of ")).first.click()
    which = page.get_by_role("slider", name="Which picture")
    await expect(which).to_be_focused()
    await picture_is_there(page.get_by_role("img", name=re.compile("^Taken at ")))
    before = int(await which.input_value())
    await which.press("ArrowRight")
    await expect(which).to_have_js_property("value", str(before + 1))
    await expect(page.get_by_text(f"picture {before + 2} of ")).to_be_visible()

    await page.get_by_text("All that happened, in words").click()
    moments = page.get_by_role("listitem")
    await expect(moments.filter(has_text=f"{PART_A} was opened.")).to_be_visible()
    await expect(moments.filter(has_text="Please be alone in the room.")).to_be_visible()
    await expect(moments.filter(has_text=re.compile("^[0-9:]+ *Flag: "))).not_to_have_count(0)
    looked = page.get_by_role("row").filter(has_text="to review your exam")
    # The clip is short: the same picture may have been shown as the face, and is named so.
    await expect(looked.first).to_contain_text(re.compile("^proctor.*picture"))
    await ada.look("after-looks")

    await page.get_by_label(re.compile("^Your answer to flag 1")).fill("She brought tea.")
    await page.get_by_label("To the decision").fill("My sister came in; I was alone before.")
    await page.get_by_label(re.compile("^Add files")).set_input_files(LETTER)
    await expect(page.get_by_text("letter.txt (20 bytes)")).to_be_visible()
    await ada.look("after-writing")
    await ada.button("Send your answer").click()
    await ada.look("after-sure")
    await page.get_by_role("dialog").get_by_role("button", name="Send it").click()
    await expect(page.get_by_role("status").filter(has_text="You answered at")).to_be_visible()
    await expect(flag).to_contain_text("She brought tea.")
    await expect(page.get_by_text("letter.txt (20 bytes)")).to_be_visible()
    await expect(page.get_by_text("has given no verdict on your exam before")).to_be_visible()
    await expect(ada.button("Send your answer")).to_be_hidden()
    await ada.look("after-answered")

    path = await downloads_everything(ada, tmp_path)
    async with here.team.get("/.well-known/proctor-keys.json") as response:
        (key,) = (await response.json())["keys"]
    assert await asyncio.to_thread(verify.run, [str(path), "--key", key]) == verify.HOLDS
    with zipfile.ZipFile(path) as bundle:
        blobs = [bundle.read(name) for name in bundle.namelist() if name.startswith("blobs/")]
    assert LETTER["buffer"] in blobs

    await ada.button("Back").click()
    await ada.at("Your exam is handed in")
    await page.go_back()
    await ada.at(LINK)


async def downloads_everything(ada: Learner, folder: Path) -> Path:
    async with ada.page.expect_download() as coming:
        await ada.button("Download everything").click()
    file = await coming.value
    assert file.suggested_filename.startswith("evidence-s_")
    path = folder / file.suggested_filename
    await file.save_as(path)
    return path


async def test_an_answer_that_says_nothing_is_asked_for_in_words(
    open_room: OpenRoom, sit: Sit
) -> None:
    here, ada, session = await flagged(open_room, sit)
    await decided(here, session)
    await opens_what_was_seen(ada)

    await ada.button("Send your answer").click()
    await expect(ada.alert("Write your answer")).to_be_visible()
    await expect(ada.page.get_by_role("dialog")).to_be_hidden()
    large = FilePayload(name="film.mp4", mimeType="video/mp4", buffer=bytes(2 * 1024 * 1024 + 1))
    await ada.page.get_by_label(re.compile("^Add files")).set_input_files(large)
    await expect(ada.alert("film.mp4 is larger than 2 MB")).to_be_visible()
    await ada.look("after-problem")


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [
        pytest.param("dark", 1280, 800, id="dark"),
        pytest.param("light", 320, 640, id="a phone's 320 pixels"),
        pytest.param("light", 640, 400, id="1280 at 200 % zoom"),
    ],
)
async def test_nobody_meets_a_barrier_in_what_was_seen(
    open_room: OpenRoom, sit: Sit, scheme: Scheme, width: int, height: int
) -> None:
    here, ada, session = await flagged(open_room, sit, scheme=scheme, width=width, height=height)
    await decided(here, session)
    await opens_what_was_seen(ada)
    await expect(ada.button("Send your answer")).to_be_visible()
    await ada.page.get_by_text("All that happened, in words").click()
    for how in await ada.page.get_by_text("How it was measured").all():
        await how.click()
    await ada.look(f"after-{scheme}-{width}")
