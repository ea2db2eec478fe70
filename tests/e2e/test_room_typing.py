"""Quick enough: answering never waits for capture, nor a slow machine for the questions."""

from pathlib import Path
from statistics import median, quantiles

import pytest
from playwright.async_api import Route

from tests.e2e.room import PART_A, PART_B, PART_C, Learner, Room, Sit

pytestmark = pytest.mark.browser

SENTENCE = "Chance alone parts the groups, so that a later difference is due to the treatment. "
CALM_S, SATURATED_S = 600, 0.05  # from one snapshot to the next; twenty a second are more than fit
FRAME_MS = 1000 / 60
TRIES = 4
MOST_TIMES = 3  # the wait of a key, where the machine does nothing else

# From the key to when its frame is done: what comes after the frame is told by a message.
MEASURE = """
window.waits = [];
addEventListener("keydown", (event) => {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => waits.push(performance.now() - event.timeStamp);
    port2.postMessage(0);
  });
}, true);
"""


async def waits(here: Room, sit: Sit, folder: Path, *, every_s: float) -> tuple[list[float], float]:
    """Type a text; return each key's wait in ms, and the snapshots a second."""

    async def paced(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        told["capture"]["snapshot_every_s"] = every_s
        await route.fulfill(response=answer, json=told)

    invited = await here.invite()
    ada = await sit("about:blank", script=MEASURE)
    ada.host = here.url.removeprefix("http://")
    await ada.page.context.route("**/api/v1/join", paced)
    await ada.page.goto(invited.link)
    await ada.check_in()
    await to_the_text(ada)
    began = await ada.page.evaluate("waits.length = 0; Date.now()")
    await ada.field(1).focus()
    await ada.page.keyboard.type(SENTENCE * 2, delay=20)
    await ada.page.wait_for_function("keys => waits.length >= keys", arg=len(SENTENCE * 2))
    measured: list[float] = await ada.page.evaluate("waits")
    ended = await ada.page.evaluate("Date.now()")
    await ada.saved()
    await ada.hand_in(PART_C)
    await ada.receipt()
    evidence = await here.evidence(invited.session, folder)
    assert evidence.handed_in() == {"randomise": SENTENCE * 2}
    assert len(measured) == len(SENTENCE * 2)
    taken = [record["at_ms"] for record in evidence.records("snapshot")]
    return measured, sum(began < at < ended for at in taken) / (ended - began) * 1000


async def to_the_text(ada: Learner) -> None:
    for title in (PART_A, PART_B):
        await ada.open_section(title)
        await ada.hand_in(title)
        await ada.at("What comes next")
    await ada.open_section(PART_C)


async def test_typing_is_as_quick_while_capture_takes_all_it_can(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    # What else this machine does may come between the two, and not each time.
    tried: list[dict[str, bool]] = []
    while len(tried) < TRIES and not (tried and all(tried[-1].values())):
        tried.append(await compared(exam_room, sit, tmp_path))
    assert all(tried[-1].values()), tried


async def compared(here: Room, sit: Sit, folder: Path) -> dict[str, bool]:
    """Type without capture and beside it; return what holds of the two."""
    calm, few = await waits(here, sit, folder, every_s=CALM_S)
    busy, many = await waits(here, sit, folder, every_s=SATURATED_S)

    print(f"calm: {median(calm):.1f} ms, {few:.1f} snapshots a second")
    print(f"busy: {median(busy):.1f} ms, {many:.1f} snapshots a second")
    print(f"one of twenty: {quantiles(calm, n=20)[-1]:.1f} and {quantiles(busy, n=20)[-1]:.1f} ms")
    # A wait is a frame at least, so that no quiet machine makes the limit shorter than that.
    usual = MOST_TIMES * max(median(calm), FRAME_MS)
    rare = 2 * MOST_TIMES * max(quantiles(calm, n=20)[-1], FRAME_MS)
    return {
        "many snapshots": many > max(1, 5 * few),
        "usually quick": median(busy) <= usual,
        "quick but for one of twenty": quantiles(busy, n=20)[-1] <= rare,
    }


SLOWED = 4  # times
USABLE_WITHIN_MS = 1000

# From the press on the button to the frame in which the first question can be answered.
OPEN = """button => new Promise(done => {
  const began = performance.now();
  const look = () => {
    const field = document.querySelector("article input, article textarea");
    if (field === null || field.disabled) requestAnimationFrame(look);
    else requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  };
  button.click();
  look();
})"""


async def test_the_first_question_is_usable_within_a_second_on_a_slow_machine(
    exam_room: Room, sit: Sit
) -> None:
    ada = await sit((await exam_room.invite()).link)
    await ada.check_in()
    slow = await ada.page.context.new_cdp_session(ada.page)
    await slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    took: list[float] = []
    for title in (PART_A, PART_B, PART_C):
        took.append(await ada.button(f"Open {title}").evaluate(OPEN))
        if title != PART_C:
            await ada.hand_in(title)
            await ada.at("What comes next")

    print("opened within", ", ".join(f"{each:.0f} ms" for each in took))
    # Whatever else this machine does can only add to it.
    assert min(took) <= USABLE_WITHIN_MS
