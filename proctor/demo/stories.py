"""The three learners of the demonstration: what each does, and what must come of it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.demo import clips
from proctor.demo.cut import Network

CLIP_S = 61
# Times of the second learner's clip, counted from the start of the client.
TWO_PEOPLE_S = (9, 18)
COVERED_S = (24, 32)
CUT_S = 40.0
WRITTEN_WITHIN_S = 60
# Two people are in the picture for nine seconds: fewer snapshots than this were not looked at.
MIN_FLAGGED_SNAPSHOTS = 3


class StoryFailed(Exception):
    """A client did not come to its end. The message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What a learner plays with."""

    link: str  # the join link, by way of the learner's own network
    folder: Path  # of this learner: clip, document, spool
    answers: Path
    network: Network
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    name: str
    does: str
    play: Callable[[Cast], Awaitable[None]]
    # Problems with what came of it: of the timeline, the ledger and the bundle's logs.
    problems: Callable[["Outcome"], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a session."""

    timeline: Mapping[str, Any]
    spooled: Sequence[bytes]  # lines of the learner's own log
    bundled: Sequence[bytes]  # lines of it in the bundle
    missing: Sequence[str]  # blobs that never arrived


def flags(outcome: Outcome, flag_class: str) -> list[dict[str, Any]]:
    """Return the flags of a class."""
    return [flag for flag in outcome.timeline["flags"] if flag["flag_class"] == flag_class]


class Client:
    """The learner's program, as a process of its own."""

    def __init__(self, cast: Cast, *, hold_s: float, pace_s: float) -> None:
        self._cast = cast
        self._options = ["--hold", str(hold_s), "--pace", str(pace_s)]
        self._began = 0.0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, or start it again where it was."""
        loop = asyncio.get_running_loop()
        again = self._began != 0.0
        self._began = self._began or loop.time()
        cast = self._cast
        log = (cast.folder / "client.log").open("ab")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from proctor_client.cli import main; main()",
                "take",
                cast.link,
                *("--camera", str(cast.folder / "camera.avi")),
                *("--camera-offset", f"{loop.time() - self._began:.1f}"),
                *("--answers", str(cast.answers)),
                *("--document", str(cast.folder / "document.jpg")),
                *("--data", str(cast.folder / "sessions")),
                "--accept",
                *(["--resume"] if again else []),
                *self._options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PROCTOR_CLIENT_KEYRING": "off"},
            )

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def finish(self) -> None:
        """Wait until it has handed in.

        Raises:
            StoryFailed: It ended otherwise.
        """
        status = await self.wait()
        if status:
            words = (self._cast.folder / "client.log").read_text(errors="replace")[-2000:]
            raise StoryFailed(f"the client ended with {status} and said:\n{words}")

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self.kill()
            await self.wait()


async def _calm(cast: Cast) -> None:
    clips.calm(cast.folder / "camera.avi", CLIP_S, seed=11)
    await _to_the_end(Client(cast, hold_s=12, pace_s=1))


async def _company(cast: Cast) -> None:
    clips.story_two_people_then_covered(
        cast.folder / "camera.avi", CLIP_S, two_people=TWO_PEOPLE_S, covered=COVERED_S, seed=12
    )
    await _to_the_end(Client(cast, hold_s=13, pace_s=1))


async def _outage(cast: Cast) -> None:
    clips.calm(cast.folder / "camera.avi", CLIP_S, seed=13)
    client = Client(cast, hold_s=7, pace_s=3)
    try:
        await client.start()
        await _until(cast, '"kind":"answer","section":"part-b"')
        cast.tell(f"network cut for {CUT_S:.0f} s")
        cast.network.cut()
        await asyncio.sleep(CUT_S)
        cast.network.mend()
        cast.tell("network back")
        await _until(cast, '"cause":"network"')
        client.kill()
        await client.wait()
        cast.tell("client killed, and started again")
        await client.start()
        await client.finish()
    finally:
        await client.stop()


async def _to_the_end(client: Client) -> None:
    try:
        await client.start()
        await client.finish()
    finally:
        await client.stop()


async def _until(cast: Cast, text: str) -> None:
    """Wait until the learner's own log holds `text`.

    Raises:
        StoryFailed: It does not, for too long.
    """
    try:
        async with asyncio.timeout(WRITTEN_WITHIN_S):
            while not any(text.encode() in line for line in spooled(cast.folder)):
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise StoryFailed(
            f"after {WRITTEN_WITHIN_S} s the client had not written {text}; is this computer busy? "
            "Close what it is busy with, and play it again"
        ) from None


def spooled(folder: Path) -> list[bytes]:
    """Return the lines of a learner's own log: whole ones, as many as there are."""
    lines: list[bytes] = []
    for path in folder.glob("sessions/**/records.jsonl"):
        lines += path.read_bytes().split(b"\n")[:-1]
    return lines


def _calm_problems(outcome: Outcome) -> list[str]:
    return [
        *_common(outcome),
        *(f"a conduct flag: {flag['rule']}" for flag in flags(outcome, "conduct")),
    ]


def _company_problems(outcome: Outcome) -> list[str]:
    problems = _common(outcome)
    conduct = flags(outcome, "conduct")
    if not any(
        flag["flag"].startswith("person-count") and len(flag["snapshots"]) >= MIN_FLAGGED_SNAPSHOTS
        for flag in conduct
    ):
        problems.append("no conduct flag that names the snapshots with two people")
    if not any(flag["flag"].startswith("covered") for flag in flags(outcome, "quality")):
        problems.append("no quality flag for the covered camera")
    return problems


def _outage_problems(outcome: Outcome) -> list[str]:
    problems = _common(outcome)
    if flags(outcome, "conduct"):
        problems.append("a conduct flag for an outage")
    gaps = outcome.timeline["gaps"]
    if not any(
        gap["cause"] == "network" and gap["to_ms"] - gap["from_ms"] >= (CUT_S - 10) * 1000
        for gap in gaps
    ):
        problems.append("no gap of the network's, as long as the cut")
    if not any(gap["cause"] == "client-stopped" for gap in gaps):
        problems.append("no gap of the killed client's")
    given = sum(e["seconds"] for e in outcome.timeline["ledger"] if e["cause"] == "outage")
    if given < CUT_S - 10:
        problems.append(f"the ledger gives {given:.0f} s back of {CUT_S:.0f}")
    return problems


def _common(outcome: Outcome) -> list[str]:
    problems = []
    timeline = outcome.timeline
    if timeline["session"]["state"] != "submitted":
        problems.append(f"the session is {timeline['session']['state']}")
    if list(outcome.spooled) != list(outcome.bundled):
        problems.append(
            f"{len(outcome.spooled)} records were spooled, {len(outcome.bundled)} are in the bundle"
        )
    if outcome.missing:
        problems.append(f"{len(outcome.missing)} pictures were spooled and did not arrive")
    answered = {json.loads(line)["item"] for line in outcome.spooled if b'"kind":"answer"' in line}
    handed_in = [
        json.loads(line)["answers"] for line in outcome.bundled if b'"kind":"submission"' in line
    ]
    if not handed_in or {answer["item"] for answer in handed_in[-1]} != answered:
        problems.append("an answer that was given was not handed in")
    return problems


LEARNERS: tuple[Learner, ...] = (
    Learner(
        name="Mei Lindqvist",
        does="works calmly to the end",
        play=_calm,
        problems=_calm_problems,
    ),
    Learner(
        name="Tomas Achterberg",
        does="has company for a while; later the camera is covered",
        play=_company,
        problems=_company_problems,
    ),
    Learner(
        name="Nia Okonjo",
        does=f"loses the network for {CUT_S:.0f} s, then the client is killed",
        play=_outage,
        problems=_outage_problems,
    ),
)
