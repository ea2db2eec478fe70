"""Check-in: a picture of the face, one of the document, and the wait until they are accepted."""

import asyncio
from pathlib import Path

from proctor_client.camera import DOCUMENT, Camera, Size, Still, document_still, light_of
from proctor_client.capture import Capture
from proctor_client.errors import CameraLost, ComputerRefused, Refused, SessionEnded
from proctor_client.screen import Screen
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
        told = ""
        while self._standing.state in {"invited", "check-in"}:
            check = self._standing.id_check
            if check["state"] in {"awaited", "retake"}:
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
            elif check["state"] != told:
                told = check["state"]
                self._screen.say(_ON_HOLD)
            await self._standing.news()
        self._standing.raise_if_over()

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

    async def _picture(self, purpose: str) -> int:
        """Take and record one picture; return how long the log is with it."""
        if purpose == "document" and self._document is not None:
            still = await asyncio.to_thread(document_still, self._document)
        else:
            still = await self._light_still(purpose)
        written = await self._capture.record(purpose, still)
        self._memory.pictures.add(purpose)
        return written.seq + 1

    async def _light_still(self, purpose: str) -> Still:
        for left in reversed(range(_LIGHT_TRIES)):
            await self._screen.ready(purpose)
            still = await self._patient_still(DOCUMENT if purpose == "document" else self._size)
            light = light_of(still)
            if not (light.dark or light.covered) or not left or await self._screen.keep(_TOO_DARK):
                return still
        raise AssertionError

    async def _patient_still(self, size: Size) -> Still:
        for left in reversed(range(_CAMERA_TRIES)):
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
