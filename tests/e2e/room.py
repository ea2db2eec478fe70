"""What the tests of the exam room share: the exam, the server as staff see it, and a learner.

A learner is a page in a real Chromium whose camera plays a clip of the astronaut. Everything on the
page is found by its role and its name, as someone finds it who hears the page.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
import cv2
from playwright.async_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Error,
    FilePayload,
    Locator,
    expect,
)

from proctor.cli import verify
from proctor.demo import clips
from tests.conftest import SHORT_EXAM, StillClock
from tests.e2e.evidence import Evidence
from tests.e2e.process import Process
from tests.e2e.visits import Scheme, Visit
from tests.e2e.wire import Wire

EXAM = "room"
# The exam is the short one, with time enough for a slow machine.
PART_A, PART_B, PART_C = (
    "Part A: chance",
    "Part B: numbers and words",
    "Part C: in your own words",
)
LIMITS: Mapping[str, int] = {"part-a": 600, "part-b": 600, "part-c": 600}
READER: Mapping[str, Any] = {
    "locale": "en-GB",
    "timezone_id": "Asia/Kolkata",
    "reduced_motion": "reduce",
}
FPS = 5  # of the clip; a camera of 30 would keep a core busy

FILE = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"mean 4, n = 12\n")
# What the learner gives, by item: as the page takes it, and as the record has it.
GIVEN: Mapping[str, Any] = {
    "two-dice": "c",
    "independent": ["both", "given"],
    "geometric-mean": "4",
    "overfit": "Overfitting",
    "matrix": "-2",
    "randomise": "So that chance alone parts the groups: π ≠ 3, “quoted”, 日本.\nA second line.",
    "work": {
        "name": "notes.txt",
        "sha256": sha256(FILE["buffer"]).hexdigest(),
        "size": len(FILE["buffer"]),
    },
}

IN_PART_A = {item: GIVEN[item] for item in ("two-dice", "independent")}
IN_PART_B = {item: GIVEN[item] for item in ("geometric-mean", "overfit", "matrix")}


# So that a test can let time pass on the learner's computer: a limit need not be waited for.
HURRIES = """
const steady = performance.now.bind(performance), Dates = Date;
let ahead_ms = 0;
performance.now = () => steady() + ahead_ms;
globalThis.Date = class extends Dates {
  constructor(...given) { given.length ? super(...given) : super(Dates.now() + ahead_ms); }
  static now() { return Dates.now() + ahead_ms; }
};
window.hurry = (seconds) => { ahead_ms += seconds * 1000; };
"""


# --- the camera ------------------------------------------------------------------------------


def film(path: Path) -> None:
    """Write a clip of one person as Chromium's fake camera reads it: .y4m, 640x480, 2 s."""
    avi = path.with_suffix(".avi")
    clips.calm(avi, 2)
    reader = cv2.VideoCapture(str(avi))
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W640 H480 F{FPS}:1 Ip A1:1 C420mpeg2\n".encode())
        while True:
            ok, frame = reader.read()
            if not ok:
                break
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    reader.release()
    avi.unlink()


def camera_flags(clip: Path) -> list[str]:
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]


# --- the exam --------------------------------------------------------------------------------


def exam_folder(
    folder: Path,
    *,
    limits: Mapping[str, int] = LIMITS,
    policy: str = "",
    window: str = "",
    image: bytes = b"",
) -> Path:
    """Make the exam `room`: the short one with other limits.

    Args:
        folder: Is made.
        limits: Of sections, in s.
        policy: TOML that is added to the policy `demo`.
        window: A table of exam.toml.
        image: PNG or JPEG, shown with the first question as "Two dice".
    """
    shutil.copytree(SHORT_EXAM, folder)
    if image:
        (folder / "images").mkdir()
        (folder / "images" / "dice.png").write_bytes(image)
        item = folder / "items" / "two-dice.md"
        item.write_text(
            item.read_text().replace("A fair die", "![Two dice](images/dice.png)\n\nA fair die")
        )
    toml = (folder / "exam.toml").read_text()
    toml = toml.replace('id = "short"', f'id = "{EXAM}"').replace('"demo"', '"room"')
    for section, limit_s in limits.items():
        after = rf'(id = "{section}"\n.*\n)limit_s = \d+'
        toml, found = re.subn(after, rf"\g<1>limit_s = {limit_s}", toml)
        assert found == 1
    (folder / "exam.toml").write_text(toml.replace("\n[[section]]", f"\n{window}\n[[section]]", 1))
    (folder / "room.toml").write_text(
        f'schema = 1\nid = "room"\ntitle = "The room"\nextends = "demo"\n{policy}'
    )
    return folder


class RunningClock(StillClock):
    """A server's clock that runs as this machine's does, and jumps when a test says so."""

    def __init__(self, *, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


# --- the server ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Invited:
    session: str
    link: str


@dataclass
class Room:
    """A server that holds the exam, as staff see it from outside."""

    url: str  # where learners go
    team: aiohttp.ClientSession
    proctor: aiohttp.ClientSession
    clock: StillClock
    wire: Wire
    # Who confirms what the first proposes; none where the server is a process of its own.
    second: aiohttp.ClientSession | None = field(default=None, kw_only=True)

    async def invite(self) -> Invited:
        body = {"learner": "Ada Lovelace"}
        async with self.team.post(f"/api/v1/exams/{EXAM}/sessions", json=body) as response:
            told = await response.json()
            assert response.status == 201, told
        return Invited(told["session"], f"{self.url}/join/{told['join_token']}")

    async def session(self, session: str) -> dict[str, Any]:
        async with self.proctor.get(f"/api/v1/sessions/{session}") as response:
            told: dict[str, Any] = await response.json()
            assert response.status == 200, told
            return told

    async def act(
        self,
        session: str,
        act: str,
        by: aiohttp.ClientSession | None = None,
        **more: Any,
    ) -> str:
        """Act on a session; return the act's id."""
        body = {"act": act, "code": "other/other", "note": "Asked by a test.", **more}
        proctor = by or self.proctor
        async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
            assert response.status == 200, await response.text()
            done: str = (await response.json())["act"]["id"]
            return done

    async def evidence(self, session: str, folder: Path) -> Evidence:
        """Export the bundle and let `proctor verify` judge it, with the key that is published."""
        path = folder / f"{session}.zip"
        async with self.proctor.get(f"/api/v1/sessions/{session}/bundle") as response:
            assert response.status == 200, await response.text()
            data = await response.read()
        async with self.team.get("/.well-known/proctor-keys.json") as response:
            (key,) = (await response.json())["keys"]
        await asyncio.to_thread(path.write_bytes, data)
        assert await asyncio.to_thread(verify.run, [str(path), "--key", key]) == verify.HOLDS
        return Evidence(path)


@dataclass
class ProcessRoom(Room):
    process: Process


# --- the learner -----------------------------------------------------------------------------


@dataclass
class Learner(Visit):
    """Somebody who sits the exam, step by step."""

    # What Chromium says of trouble that the test itself makes, by how it begins. All else that
    # it complains of fails the test.
    expected: list[str] = field(default_factory=list)

    def _heard(self, message: ConsoleMessage) -> None:
        # Whether this computer is taken is asked before any picture, which the server then misses.
        asked = message.location["url"].endswith("/api/v1/session/check-in")
        known = asked and "status of 409" in message.text
        if not known and not message.text.startswith(tuple(self.expected)):
            super()._heard(message)

    def _asked(self, url: str) -> None:
        # What the page itself holds, such as a question's image, bears the page's own origin.
        super()._asked(url.removeprefix("blob:"))

    def expect_cut(self) -> Self:
        """From now on what can't be reached is no complaint."""
        self.expected += ["Failed to load resource: net::ERR_", "WebSocket connection to "]
        return self

    def expect_status(self, *statuses: int) -> Self:
        """From now on these answers of the server are no complaint."""
        told = "Failed to load resource: the server responded with a status of "
        self.expected += [f"{told}{status} " for status in statuses]
        return self

    # --- finding -----------------------------------------------------------------------------

    def button(self, name: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name)

    def alert(self, words: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("alert").filter(has_text=words)

    async def at(self, heading: str | re.Pattern[str]) -> None:
        """Wait until the page is there, whose heading has the focus for who hears it."""
        await expect(self.heading(heading).first).to_be_visible()

    # --- before the exam -----------------------------------------------------------------------

    async def accept(self) -> None:
        await self.at("What you may use, and what is watched")
        await self.button("I accept these rules").click()

    async def show(self, what: str) -> None:
        """Take the picture of "face" or "document" with the camera, and use it."""
        await self.at(f"A picture of your {what}")
        on, take = self.button("Turn the camera on"), self.button("Take the picture")
        await expect(on.or_(take)).to_be_visible()
        if await on.is_visible():
            await on.click()
        await take.click()
        await expect(
            self.page.get_by_role("img", name=f"The picture of your {what}")
        ).to_be_visible()
        await self.button("Use this picture").click()

    async def check_in(self) -> None:
        """Go the whole way from the link to the list of sections."""
        await self.accept()
        await self.show("face")
        await self.show("document")
        await self.button("Check in").click()
        await self.at("You are checked in")

    # --- the exam ------------------------------------------------------------------------------

    async def open_section(self, title: str) -> None:
        await self.button(f"Open {title}").click()
        await self.at(re.compile(r"^Question \d+ of "))

    async def go_to(self, number: int) -> None:
        """Bring a question up by the list at the side."""
        questions = self.page.get_by_role("navigation", name="Questions")
        await questions.get_by_role("button", name=re.compile(rf"\b{number}\b")).click()
        await self.at(re.compile(f"^Question {number} of "))

    async def choose(self, number: int, *choices: str) -> None:
        """Choose by the choices' ids: "a" is the first."""
        await self.go_to(number)
        group = self.page.get_by_role("group", name=f"Your answer to question {number}")
        radio = group.get_by_role("radio")
        boxes = radio.or_(group.get_by_role("checkbox"))
        for choice in choices:
            await boxes.nth("abcdefgh".index(choice)).check()

    async def write(self, number: int, text: str) -> None:
        await self.go_to(number)
        await self.field(number).fill(text)

    def field(self, number: int) -> Locator:
        return self.page.get_by_role("textbox", name=f"Your answer to question {number}")

    async def upload(self, number: int, file: FilePayload) -> None:
        await self.go_to(number)
        await self.page.get_by_label(re.compile(r"^Choose (a|another) file")).set_input_files(file)

    async def saved(self) -> None:
        """Wait until the question says that the server has received the answer."""
        said = re.compile("^Received by the exam server")
        await expect(self.page.get_by_text(said).first).to_be_visible()

    async def hand_in(self, title: str) -> None:
        # On the last question there is a second one, below it.
        await self.button("Overview and hand in").first.click()
        await self.button(f"Hand in {title}").click()
        await self.page.get_by_role("dialog").get_by_role("button", name="Yes, hand in").click()

    async def leave_out_the_rest(self) -> None:
        """Hand the exam in without the sections that were not opened."""
        await self.at("What comes next")
        await self.button("Hand in the exam without the rest").click()
        await self.page.get_by_role("dialog").get_by_role("button", name="Hand in the exam").click()

    async def receipt(self) -> str:
        """Read the receipt that is shown at the end."""
        await self.at("Your exam is handed in")
        shown = self.page.get_by_role("group").filter(has_text="The receipt as text")
        if await shown.get_attribute("open") is None:
            await shown.get_by_text("The receipt as text").click()
        return await shown.get_by_text(f"/{EXAM}/").inner_text()

    async def download(self) -> str:
        """Download the receipt."""
        async with self.page.expect_download() as coming:
            await self.button("Download the receipt").click()
        file = await coming.value
        assert file.suggested_filename.startswith("receipt-s_")
        return (await file.path()).read_text()

    async def goes_offline(self, wire: Wire, *, noticed: bool = False) -> None:
        """Take the network away: both what is under way, and what is asked anew.

        `noticed`: the server hears at once that the line ended. Else nobody tells it, and it
        finds out by its heartbeat, after 10 to 15 s.
        """
        self.expect_cut()
        wire.cut()
        await self.page.context.set_offline(offline=True)
        if noticed:
            wire.hang_up()

    async def comes_online(self, wire: Wire) -> None:
        wire.mend()
        await self.page.context.set_offline(offline=False)

    async def time_passes(self, seconds: float, clock: StillClock) -> None:
        """Let it pass here, in a page with `HURRIES`, and on the server's clock."""
        clock.pass_(seconds)
        await self.page.evaluate("seconds => hurry(seconds)", seconds)

    async def can_look_away(self) -> None:
        """Let the page notice that another tab is in front: Playwright tells pages that none is."""
        session = await self.page.context.new_cdp_session(self.page)
        await session.send("Emulation.setFocusEmulationEnabled", {"enabled": False})

    async def part_a(self) -> None:
        await self.open_section(PART_A)
        await self.answer_part_a()

    async def answer_part_a(self) -> None:
        await self.choose(1, "c")
        await self.choose(2, "a", "c")

    async def part_b(self) -> None:
        await self.open_section(PART_B)
        for number, item in enumerate(("geometric-mean", "overfit", "matrix"), 1):
            await self.write(number, GIVEN[item])

    async def part_c(self) -> None:
        await self.open_section(PART_C)
        await self.write(1, GIVEN["randomise"])
        await self.upload(2, FILE)

    # --- looking -------------------------------------------------------------------------------

    async def look(self, name: str, *, axe: bool = True) -> None:
        """Hold what is seen to the rules for all pages, and write it down as a picture.

        What is found is a complaint, so that one run finds all there is.
        """
        await self.picture(name)
        if axe and (barriers := await self.barriers()):
            self.complaints.append(f"{name}: {barriers}")
        if wider := await self.too_wide():
            self.complaints.append(f"{name}: {wider} pixels are cut off at the side")
        cut = await self.page.get_by_role("button").evaluate_all(CUT)
        self.complaints += [f"{name}: not all of {words!r} can be read" for words in cut]

    async def picture(self, name: str) -> None:
        """Write what is seen to the folder that PROCTOR_SCREENSHOTS names, if it names one."""
        folder = os.environ.get("PROCTOR_SCREENSHOTS")
        if folder:
            path = Path(folder, f"room-{name}.png")
            await self.page.screenshot(path=path, full_page=True, animations="disabled")

    async def too_wide(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        wider: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, wider)


# The words of buttons that are wider than their button.
CUT = """buttons => buttons
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
  .map(one => one.textContent)"""


async def arrive(
    browser: Browser,
    *,
    scheme: Scheme = "light",
    width: int = 1280,
    height: int = 800,
    script: str = "",
    beside: Learner | None = None,
    **context: Any,
) -> Learner:
    """Make a learner in a browser of their own, or in another tab of somebody's.

    `script` runs before any page does.
    """
    if beside is not None:
        return await _learner_in(beside.page.context)
    made = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, **READER, **context
    )
    if script:
        await made.add_init_script(script)
    return await _learner_in(made)


async def _learner_in(context: BrowserContext) -> Learner:
    learner = Learner(page=await context.new_page(), host="")
    learner.watch()
    return learner


class Computer:
    """A browser whose storage outlives it: it can crash, and be started again."""

    def __init__(self, chromium: BrowserType, *, path: str, flags: list[str], home: Path) -> None:
        self._chromium = chromium
        self._path = path
        self._flags = flags
        self._home = home
        self._context: BrowserContext | None = None
        self.learners: list[Learner] = []

    async def open(self, link: str) -> Learner:
        if self._context is None:
            self._context = await self._chromium.launch_persistent_context(
                self._home, executable_path=self._path, args=self._flags, **READER
            )
        learner = await _learner_in(self._context)
        learner.host = urlsplit(link).netloc
        self.learners.append(learner)
        await learner.page.goto(link)
        return learner

    async def crash(self) -> None:
        """End the browser's process as a bug of its own would: nothing is said to any page."""
        assert self._context
        gone = asyncio.Event()
        self._context.on("close", lambda _: gone.set())
        browser = await self._context.new_cdp_session(self._context.pages[0])
        with suppress(Error):  # it does not live to answer
            await browser.send("Browser.crash")
        await asyncio.wait_for(gone.wait(), 60)
        self._context = None

    async def close(self) -> None:
        if self._context:
            await self._context.close()


async def handed_in(here: Room, learner: Learner, session: str, folder: Path) -> dict[str, Any]:
    """Wait for the receipt; return what was handed in, as the bundle has it."""
    await learner.receipt()
    evidence = await here.evidence(session, folder)
    evidence.assert_whole()
    return evidence.handed_in()


class Sit(Protocol):
    """Opens a link; `away` are addresses that can't be reached, `changes` are for `arrive`."""

    async def __call__(
        self,
        link: str,
        *,
        expect_status: int | None = None,
        away: Sequence[str] = (),
        **changes: Any,
    ) -> Learner: ...


class OpenRoom(Protocol):
    async def __call__(self, *, ahead: timedelta = ..., **changes: Any) -> Room: ...
