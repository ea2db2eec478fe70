"""Check-in: a picture of the face, one of the document, and the wait until they are accepted.

A proctor may ask for both once more while the exam goes on: nothing waits for that.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from proctor_client import clock
from proctor_client.camera import DOCUMENT, Camera, Size, Still, document_still, light_of
from proctor_client.capture import Capture
from proctor_client.errors import (
    BadInput,
    CameraLost,
    ComputerRefused,
    DiskFull,
    Refused,
    SessionEnded,
    SpoolFull,
)
from proctor_client.screen import Screen, duration
from proctor_client.server import Server
from proctor_client.standing import Memory, Standing
from proctor_client.uplink import Uplink

_CAMERA_TRIES, _CAMERA_PAUSE_S = 10, 3.0
_LIGHT_TRIES = 3  # pictures, until one is light enough or the last is taken as it is
_ROUNDS = 3  # of pictures that the server still misses
_TOO_DARK = "We can't see you well. Is there light in front of you, and nothing on the lens?"
_ON_HOLD = (
    "A person looks at your pictures now. This takes some minutes, and none of your exam time."
    " The exam goes on by itself when they are accepted."
)
_STILL = "Your pictures still wait for a person."
_LEAVE = "You may stop this with Ctrl-C: the same command goes on where it stopped."
_LIFE_S = 60.0  # between two lines of a wait
_LEAST_S = 20.0  # however fast the queue moves
_SENT_S = 10.0  # then the exam is handed in all the same
_DECIDED = {
    "accepted": "A person accepted your new pictures.",
    "refused": "Your new pictures were not accepted.",
}
_NEEDLESS = "No new pictures are needed any more."
_GOES_ON = "The exam goes on meanwhile."
_LATER = (
    "You are asked for them before the next section, in a pause, and before you hand the exam in."
)
_WITHOUT = "The exam is handed in without them. A person decides on what there is."
_AGAIN_S = 5.0  # until the server is asked once more about pictures that it would not speak of


class _PutOff(Exception):
    """The learner takes the picture later."""


class Wait:
    """What is said while a check-in waits for a person: each minute, and when the queue moved."""

    def __init__(self) -> None:
        self._said_s: float | None = None
        self._before: int | None = None

    def line(self, check: dict[str, Any], *, server_ms: int, at_s: float) -> str:
        """Return what to say now, "" for nothing.

        Args:
            check: The session's `id_check`; a server may not tell who waits before it.
            server_ms: The server's time, ms since 1970 UTC.
            at_s: Now, on a clock that never goes back.
        """
        before, since_ms = check.get("held_before"), check.get("held_since_ms")
        queue = "" if before is None else _queue(int(before))
        if self._said_s is None:
            words = [_ON_HOLD, queue, _LEAVE]
        else:
            past_s = at_s - self._said_s
            moved = before is not None and before != self._before
            if past_s < (_LEAST_S if moved else _LIFE_S):
                return ""
            waited_s = 0 if since_ms is None else max(0, server_ms - int(since_ms)) / 1000
            waited = "" if since_ms is None else f"You have waited for {duration(waited_s)}."
            words = [_STILL, waited, queue, _LEAVE]
        self._said_s, self._before = at_s, before
        return " ".join(filter(None, words))


def _queue(before: int) -> str:
    if before <= 0:
        return "You are next."
    return f"{before} learner{'s' * (before > 1)} before you."


class CheckIn:
    def __init__(
        self,
        *,
        screen: Screen,
        server: Server,
        standing: Standing,
        memory: Memory,
        uplink: Uplink,
        capture: Capture,
        camera: Camera,
        size: Size,
        wanted: set[str],
        document: Path | None,
        at_once: bool,
    ) -> None:
        """Prepare.

        Args:
            screen: Who is asked.
            server: Where to check in.
            standing: Of the session.
            memory: Which pictures were taken before.
            uplink: Brings them to the server.
            capture: Records them; its snapshots begin with them.
            camera: Takes them.
            size: Of a face.
            wanted: Purposes the policy asks for: "face", "document".
            document: A picture of it, instead of the camera's.
            at_once: Pictures that are asked for once more need nobody before the camera.
        """
        self._screen = screen
        self._server = server
        self._standing = standing
        self._memory = memory
        self._uplink = uplink
        self._capture = capture
        self._camera = camera
        self._size = size
        self._wanted = wanted
        self._document = document
        self._at_once = at_once
        # What is to be shown once more, while the exam goes on; that it is now, and was not put
        # off; and that it may have changed.
        self._due: set[str] = set()
        self._is_due = asyncio.Event()
        self._stir = asyncio.Event()
        self._lost = ""  # why none of them could be taken, or asked about, as it was said
        self._waits = False  # a person has yet to decide on them
        self._again_size = 0  # of the log with the last of these pictures

    async def run(self, watching: asyncio.Event) -> None:
        """Check in, if it was not done before, and wait until the exam may begin.

        Args:
            watching: Set as soon as there are pictures: from then on, snapshots are taken.

        Raises:
            SessionEnded: The ID check was refused, or the session was ended.
            ComputerRefused: The policy refuses this kind of computer.
            Refused: The server accepts no check-in.
            CameraLost: No picture comes, and nobody mends it.
        """
        wait = Wait()
        while self._standing.state in {"invited", "check-in"}:
            check = self._standing.id_check
            if check["state"] in {"awaited", "retake"}:
                wait = Wait()
                missing = self._wanted - self._memory.pictures
                if check["state"] == "retake":
                    missing = self._wanted
                    why = str(check.get("reason") or "the first ones can't be used")
                    self._screen.say(f"New pictures are needed: {why.rstrip('.')}.")
                elif not self._memory.pictures:
                    # With nothing to show yet, so that nobody holds a document to the camera of a
                    # computer that is refused.
                    await self._uplink.receipted(1)
                    missing = await self._missing()
                await self._check_in(missing, watching)
                if self._standing.id_check["state"] not in {"awaited", "retake"}:
                    continue
            elif check["state"] == "refused":
                raise SessionEnded("the ID check was refused", str(check.get("reason") or ""))
            else:
                now_ms, now_s = self._server.clock.now_ms(), clock.monotonic_s()
                if line := wait.line(check, server_ms=now_ms, at_s=now_s):
                    self._screen.say(line)
            await self._standing.news()
        self._standing.raise_if_over()

    # --- while the exam goes on ----------------------------------------------------------------

    def stir(self) -> None:
        """Look whether pictures are asked for once more: the session may have changed."""
        self._stir.set()

    async def again(self) -> None:
        """Tell what is asked for once more, and send it once it is taken; until cancelled."""
        told = False
        while True:
            await self._stir.wait()
            self._stir.clear()
            if not self._standing.asks_again:
                if told and self._standing.id_check["state"] == "accepted":
                    self._screen.say(_NEEDLESS)  # for none were sent
                told = False
                self._set_due(set())
                self._tell_decision()
            elif not self._due:
                await self._uplink.receipted(self._again_size)
                told = await self._show_again(told=told)
            if self._due and self._at_once and not await self._take_due(prompts=False):
                await asyncio.sleep(_CAMERA_PAUSE_S)
                self._stir.set()

    async def _show_again(self, *, told: bool) -> bool:
        """Check in with what was taken; return whether something is asked for still."""
        try:
            missing = await self._missing()
        except (Refused, ComputerRefused) as no:  # nothing to stop an exam for
            if isinstance(no, Refused) and no.code == "session-closed":
                self._screen.say(no.happened)  # it has ended meanwhile
                return told
            self._say_lost(f"{no.happened} It is tried again. {_GOES_ON}")
            await asyncio.sleep(_AGAIN_S)
            self._stir.set()
            return told
        if not missing:
            self._screen.say("Your new pictures were received. A person looks at them.")
            self._waits = True
            return False
        if not told:
            why = str(self._standing.id_check.get("reason") or "a person asks for them")
            when = "They are taken now." if self._at_once else "You are asked for them in a moment."
            self._screen.say(f"New pictures are needed: {why.rstrip('.')}. {when} {_GOES_ON}")
        self._set_due(missing)
        return True

    def _tell_decision(self) -> None:
        check = self._standing.id_check
        if self._waits and check["state"] in _DECIDED:
            self._waits = False
            self._screen.say(f"{_DECIDED[check['state']]} {check.get('reason') or ''}".strip())

    async def prompts(self) -> None:
        """Take what is asked for once more as soon as it is; until cancelled."""
        self._set_due(self._due)
        while not self._at_once:
            await self._is_due.wait()
            if not await self._take_due(prompts=True):
                await asyncio.sleep(_CAMERA_PAUSE_S)
        await asyncio.Event().wait()  # `again` takes them

    async def at_prompt(self, *, last: bool = False) -> None:
        """Take what is asked for once more, now that no section's time passes."""
        if not self._at_once and not await self._take_due(prompts=True, last=last):
            self._is_due.clear()

    async def between(self) -> None:
        """Take it between two questions, unless it was put off: their time passes."""
        if self._is_due.is_set():
            await self.at_prompt()

    async def sent(self) -> None:
        """Wait a little for what was taken to be sent: after the end it would not count."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SENT_S):
                while self._standing.asks_again and (self._at_once or not self._due):
                    await self._standing.news()

    async def _take_due(self, *, prompts: bool, last: bool = False) -> bool:
        """Take what is due, unless the learner puts it off; return False if none can be taken."""
        try:
            for purpose in sorted(self._due, reverse=True):
                self._again_size = await self._picture(purpose, prompts=prompts, tries=1)
                self._set_due(self._due - {purpose})
        # Bad input: the file that --document names is gone, or is no picture any more.
        except (BadInput, CameraLost, SpoolFull, DiskFull) as no:
            self._say_lost(f"{no.happened} {no.do} {_GOES_ON}")
            return False
        except _PutOff:
            self._is_due.clear()
            self._screen.say(_WITHOUT if last else _LATER)
        self._lost = ""
        return True

    def _say_lost(self, lost: str) -> None:
        if lost != self._lost:
            self._screen.say(lost)  # once, however often it is tried
        self._lost = lost

    def _set_due(self, due: set[str]) -> None:
        if self._due and not due:
            self._stir.set()
        self._due = due
        if due:
            self._is_due.set()
        else:
            self._is_due.clear()

    # --- pictures --------------------------------------------------------------------------------

    async def _check_in(self, missing: set[str], watching: asyncio.Event) -> None:
        for _ in range(_ROUNDS):
            size = 0
            for purpose in sorted(missing, reverse=True):  # the face first
                size = await self._picture(purpose)
            watching.set()
            await self._uplink.receipted(size)
            missing = await self._missing()
            if not missing:
                self._screen.say("Checked in.")
                return
        raise SessionEnded("check-in", "the exam server does not find your pictures")

    async def _missing(self) -> set[str]:
        """Check in; return the purposes of pictures that the server misses, none if it is done."""
        try:
            self._standing.see(await self._server.check_in())
        except Refused as no:
            if no.code == "system-refused":
                raise ComputerRefused(_words(no.facts.get("refused"))) from None
            missing = {"face", "document"} & set(no.facts.get("missing") or ())
            if no.code != "check-in-incomplete" or not missing:
                raise
            return missing
        return set()

    async def _picture(
        self, purpose: str, *, prompts: bool = True, tries: int = _CAMERA_TRIES
    ) -> int:
        """Take and record one picture; return how long the log is with it."""
        if purpose == "document" and self._document is not None:
            still = await asyncio.to_thread(document_still, self._document)
        else:
            still = await self._light_still(purpose, prompts=prompts, tries=tries)
        written = await self._capture.record(purpose, still)
        self._memory.pictures.add(purpose)
        return written.seq + 1

    async def _light_still(self, purpose: str, *, prompts: bool, tries: int) -> Still:
        size = DOCUMENT if purpose == "document" else self._size
        if not prompts:
            return await self._patient_still(size, tries=tries)
        for left in reversed(range(_LIGHT_TRIES)):
            if not await self._screen.ready(purpose, may_wait=bool(self._due)):
                raise _PutOff
            still = await self._patient_still(size, tries=tries)
            light = light_of(still)
            if not (light.dark or light.covered) or not left or await self._screen.keep(_TOO_DARK):
                return still
        raise AssertionError

    async def _patient_still(self, size: Size, *, tries: int) -> Still:
        for left in reversed(range(tries)):
            try:
                return await self._camera.still(size)
            except CameraLost as no:
                if not left:
                    raise
                self._screen.say(f"{no.happened} {no.do}")
                await asyncio.sleep(_CAMERA_PAUSE_S)
        raise AssertionError


def _words(told: object) -> list[str]:
    return [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
