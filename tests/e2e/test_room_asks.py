"""A lamp goes out in mid-section: the learner is asked for light, and nobody suspects anything."""

from dataclasses import replace

import pytest
from playwright.async_api import expect

from proctor.adapters.vision import Workers
from proctor.domain.observation import Measured
from tests.conftest import ScriptedVision, until
from tests.e2e.room import PART_A, OpenRoom, Sit
from tests.pictures import need

pytestmark = pytest.mark.browser

# A lamp beside the camera, which a test can switch.
LAMP = """
const media = navigator.mediaDevices, ask = media.getUserMedia.bind(media);
let lit = true;
window.lamp = (on) => { lit = on; };
media.getUserMedia = async (wanted) => {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await ask(wanted);
  await video.play();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const seen = canvas.getContext("2d");
  const look = () => {
    seen.filter = lit ? "none" : "brightness(3%)";
    seen.drawImage(video, 0, 0);
  };
  look();
  setInterval(look, 200);
  return canvas.captureStream();
};
"""


async def test_a_learner_in_the_dark_is_asked_for_light_until_there_is_some(
    open_room: OpenRoom, sit: Sit
) -> None:
    need("yunet")
    here = await open_room(parts={"vision": Workers(1)})
    invited = await here.invite()
    ada = await sit(invited.link, script=LAMP)
    await ada.check_in()
    await ada.open_section(PART_A)
    await ada.page.evaluate("lamp(false)")
    asked = ada.page.get_by_role("status").filter(has_text="is the lamp off?")

    async def row() -> dict[str, object]:
        async with here.proctor.get("/api/v1/reviews") as response:
            rows = (await response.json())["reviews"]
        return next(each for each in rows if each["session"] == invited.session)

    async def is_flagged() -> object:
        return (await row())["quality"]

    await expect(asked).to_be_visible()
    await ada.look("dark")
    await ada.choose(1, "c")  # it is in nobody's way
    await ada.page.set_viewport_size({"width": 320, "height": 640})
    await expect(asked.get_by_text("We can't see you well")).to_be_in_viewport()
    await ada.page.set_viewport_size({"width": 1280, "height": 720})
    await until(is_flagged)  # it has to last for some seconds
    await ada.page.evaluate("lamp(true)")
    await expect(asked).to_be_hidden()

    await ada.button("Overview and hand in").first.click()
    await expect(ada.page.get_by_text("There was too little light for")).to_be_visible()
    await expect(ada.page.get_by_text("It never counts against you.")).to_be_visible()
    await ada.look("dark-lasted")
    assert (await row())["conduct"] == 0


class FirstWithoutFace(ScriptedVision):
    """Finds no face in the first picture of it, and one in all others."""

    def __init__(self) -> None:
        self.looked = 0

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        self.looked += 1
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        return replace(seen, faces=()) if self.looked == 1 else seen


async def test_a_face_that_was_not_found_may_be_taken_again_or_left(
    open_room: OpenRoom, sit: Sit
) -> None:
    vision = FirstWithoutFace()
    here = await open_room(parts={"vision": vision})
    ada = await sit((await here.invite()).link)
    await ada.accept()
    await ada.show("face")
    await ada.at("A picture of your document")
    said = ada.page.get_by_role("status").filter(has_text="We could not find your face")
    await expect(said).to_be_visible()
    await ada.look("no-face")
    await ada.show("document")  # it is in nobody's way
    await ada.at("Ready to check in")
    await expect(said).to_be_visible()
    await expect(ada.button("Check in")).to_be_enabled()

    await ada.button("Take the picture of my face again").click()
    await ada.show("face")
    await ada.button("Go on").click()
    await ada.at("Ready to check in")
    await expect(said).to_be_hidden()
    await ada.button("Check in").click()
    await ada.at("You are checked in")
    assert vision.looked > 1
