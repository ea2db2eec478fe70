"""Bad input: each time a sentence says what happened and what to do, and nothing is lost."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from tests.e2e.room import (
    FILE,
    GIVEN,
    IN_PART_A,
    PART_A,
    PART_B,
    PART_C,
    Learner,
    OpenRoom,
    Room,
    Sit,
)

pytestmark = pytest.mark.browser

NO_CAMERA = (
    "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '%s'));"
)
# A whole computer that runs ahead: what a page can ask for the time.
FAST = """
const ahead = 2 * 3600 * 1000, RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) { given.length ? super(...given) : super(RealDate.now() + ahead); }
  static now() { return RealDate.now() + ahead; }
};
"""
NO_STORAGE = "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });"
STORAGE_REFUSED = """
IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); };
"""
FULL = """
const put = IDBObjectStore.prototype.put, add = IDBObjectStore.prototype.add;
const full = () => { throw new DOMException("full", "QuotaExceededError"); };
window.fill = () => { IDBObjectStore.prototype.put = IDBObjectStore.prototype.add = full; };
window.makeRoom = () => Object.assign(IDBObjectStore.prototype, { put, add });
"""


async def stopped(learner: Learner, heading: str, *words: str, name: str) -> None:
    """The page has this heading, says this, and meets the rules for all pages."""
    await learner.at(heading)
    for each in words:
        await expect(learner.page.get_by_role("main")).to_contain_text(each)
    await learner.look(name)


async def test_a_link_that_is_none_leads_to_words(exam_room: Room, sit: Sit) -> None:
    ada = await sit(f"{exam_room.url}/join/nobody-made-this", expect_status=404)

    heading = "This link leads to no exam"
    await stopped(ada, heading, "Open the link again from the message", name="link-unknown")


async def test_a_link_in_use_elsewhere_offers_to_ask_there(exam_room: Room, sit: Sit) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.at("What you may use")

    other = await sit(invited.link, expect_status=409)

    heading = "This link is in use on another computer or browser"
    await stopped(other, heading, "What was answered there is safe", name="link-used")
    await expect(other.button("Ask to go on here")).to_be_visible()


def window(*, starts_in_h: int) -> str:
    """A window of four hours, as exam.toml has it."""
    start = datetime.now(UTC) + timedelta(hours=starts_in_h)
    end = start + timedelta(hours=4)
    return f"[window]\nstart = {start:%Y-%m-%dT%H:%M:%SZ}\nend = {end:%Y-%m-%dT%H:%M:%SZ}\n"


async def test_before_its_window_an_exam_says_when_it_opens(open_room: OpenRoom, sit: Sit) -> None:
    here = await open_room(window=window(starts_in_h=2))
    ada = await sit((await here.invite()).link)
    await ada.check_in()

    said = ada.page.get_by_role("status").filter(has_text="The exam opens at")
    await expect(said).to_contain_text("(GMT+5:30)")
    await expect(ada.button(f"Open {PART_A}")).to_be_disabled()
    await ada.look("window-not-open")


async def test_after_its_window_an_exam_says_that_it_is_over(open_room: OpenRoom, sit: Sit) -> None:
    here = await open_room(window=window(starts_in_h=-5))
    ada = await sit((await here.invite()).link, expect_status=409)

    heading = "This exam can't be joined any more"
    await stopped(ada, heading, "Its time is over", "Ask your course team", name="window-over")


async def test_a_computer_that_the_policy_refuses_is_told_before_any_picture(
    open_room: OpenRoom, sit: Sit
) -> None:
    here = await open_room(policy='[[system.refuse]]\nos = "linux"\n')
    ada = await sit((await here.invite()).link, expect_status=403)
    await ada.accept()

    heading = "This exam can't be taken on this computer"
    await stopped(ada, heading, "inux", "no picture was taken", name="system-refused")


@pytest.mark.parametrize(
    ("why", "words"),
    [
        pytest.param("NotAllowedError", "This page may not use the camera", id="denied"),
        pytest.param("NotFoundError", "No camera was found", id="none there"),
        pytest.param("NotReadableError", "Another program has the camera", id="taken"),
    ],
)
async def test_without_a_camera_the_page_says_what_to_do(
    exam_room: Room, sit: Sit, why: str, words: str
) -> None:
    ada = await sit((await exam_room.invite()).link, script=NO_CAMERA % why)
    await ada.accept()
    await ada.button("Turn the camera on").click()

    await expect(ada.alert(words)).to_be_visible()
    await expect(ada.button("Try again")).to_be_visible()
    await ada.look(f"camera-{why.removesuffix('Error').lower()}")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(NO_STORAGE, id="no IndexedDB"),
        pytest.param(STORAGE_REFUSED, id="site data are blocked"),
    ],
)
async def test_a_browser_that_keeps_nothing_is_told_so_before_the_link_is_used(
    exam_room: Room, sit: Sit, script: str
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, script=script)

    heading = "This browser keeps nothing"
    await stopped(ada, heading, "Open your link in an ordinary window", name="no-storage")
    # The link is still there for another browser.
    other = await sit(invited.link)
    await other.at("What you may use")


async def test_when_no_room_is_left_the_answer_is_tried_again(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, script=FULL)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.page.evaluate("fill()")
    await ada.choose(1, "c")
    await expect(ada.alert("has no room left")).to_be_visible()
    await ada.look("storage-full")

    await ada.page.evaluate("makeRoom()")

    await expect(ada.alert("has no room left")).to_be_hidden()
    await ada.choose(2, "a", "c")
    await ada.saved()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    await ada.receipt()
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert evidence.handed_in() == IN_PART_A


@pytest.mark.parametrize("whose", ["computer", "server"])
async def test_a_clock_two_hours_off_is_said_and_costs_nothing(
    open_room: OpenRoom, sit: Sit, tmp_path: Path, whose: str
) -> None:
    here = await open_room(ahead=timedelta(hours=-2 if whose == "server" else 0))
    invited = await here.invite()
    ada = await sit(invited.link, script=FAST if whose == "computer" else "")
    await ada.check_in()
    await ada.open_section(PART_A)
    status = ada.page.get_by_role("region", name="State of your exam")
    await expect(status).to_contain_text("The clock of this computer is 2 hours fast")
    await expect(ada.page.get_by_text("10 minutes left").first).to_be_visible()
    await ada.look(f"clock-off-{whose}")
    await ada.choose(1, "c")
    await ada.choose(2, "a", "c")
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    await ada.receipt()
    evidence = await here.evidence(invited.session, tmp_path)
    assert evidence.handed_in() == IN_PART_A


WRONG_FILES = [
    (FilePayload(name="notes.exe", mimeType="text/plain", buffer=b"x"), "This kind of file"),
    (FilePayload(name="a.txt", mimeType="text/plain", buffer=b"x" * 65_537), "too large"),
    (FilePayload(name="empty.txt", mimeType="text/plain", buffer=b""), "is empty"),
]


async def test_a_file_that_is_too_large_or_of_a_wrong_kind_is_refused_in_words(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    for title in (PART_A, PART_B):
        await ada.hand_in(title)
        await ada.at("What comes next")
        await ada.button(re.compile("^Open Part")).click()
    await ada.write(1, GIVEN["randomise"])
    await ada.upload(2, FILE)
    await expect(ada.page.get_by_text("Your file: notes.txt")).to_be_visible()

    for file, words in WRONG_FILES:
        await ada.upload(2, file)
        await expect(ada.alert(words)).to_contain_text("Nothing was changed")
        await expect(ada.page.get_by_text("Your file: notes.txt")).to_be_visible()
    await ada.look("file-refused")

    await ada.hand_in(PART_C)
    await ada.receipt()
    given = (await exam_room.evidence(invited.session, tmp_path)).handed_in()
    assert given["work"] == GIVEN["work"]


HTML = "<img src=x onerror=\"document.title='pwned'\"><b>bold</b> &amp; </textarea><script>1"


async def test_html_in_an_answer_is_text_and_nothing_else(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.at("What comes next")
    await ada.open_section(PART_B)
    await ada.write(2, HTML)
    await ada.saved()

    await ada.page.reload()

    await ada.at("Question 2 of 3")
    await expect(ada.field(2)).to_have_value(HTML)
    assert "pwned" not in await ada.page.title()
    await expect(ada.page.get_by_role("img")).to_have_count(0)
    await ada.hand_in(PART_B)
    await ada.leave_out_the_rest()
    await ada.receipt()
    evidence = await exam_room.evidence(invited.session, tmp_path)
    assert evidence.handed_in()["overfit"] == HTML


async def test_a_server_that_is_away_is_waited_for(exam_room: Room, sit: Sit) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, away=["**/api/v1/join"])
    ada.expect_cut()

    heading = "The exam server can't be reached"
    await stopped(ada, heading, "This page also tries by itself", name="unreachable")
    await ada.page.context.unroute_all()
    await ada.at("What you may use")


async def test_a_document_can_be_uploaded_and_what_is_no_picture_is_refused(
    exam_room: Room, sit: Sit, document: Path, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link)
    await ada.accept()
    await ada.show("face")
    await ada.at("A picture of your document")
    await ada.page.get_by_text("Use a picture file instead").click()
    field = ada.page.get_by_label("Choose a file")
    await field.set_input_files(FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=b"no"))
    await expect(ada.alert("can't be read as a picture")).to_be_visible()
    await ada.look("document-refused")
    await field.set_input_files(document)
    await expect(ada.page.get_by_role("img", name="The picture of your document")).to_be_visible()
    await ada.look("document-uploaded")
    await ada.button("Use this picture").click()
    await ada.button("Check in").click()
    await ada.at("You are checked in")

    evidence = await exam_room.evidence(invited.session, tmp_path)
    shown = [each for each in evidence.records("snapshot") if each["purpose"] == "document"]
    assert [(each["width"], each["height"]) for each in shown] == [(1280, 720)]
