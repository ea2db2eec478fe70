"""Snapshots on the policy's schedule; and where there is none, a record that says why."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from proctor.evidence.record import Kind
from proctor_client import clock
from proctor_client.camera import Size, Still
from proctor_client.errors import CameraLost, ClientError, DiskFull, SpoolFull
from proctor_client.recorder import Blob, Recorder, Written

JPEG = "image/jpeg"
_SLEPT_S = 2.0  # a shorter sleep of the computer misses no snapshot


class Stills(Protocol):
    """A camera, as far as capture needs one."""

    async def still(self, size: Size) -> Still: ...


@dataclass(slots=True)
class _Outage:
    cause: str
    from_ms: int  # what is before it stands in a gap record already


class Capture:
    """Takes the snapshots of one session, apart from answering."""

    def __init__(
        self,
        camera: Stills,
        recorder: Recorder,
        *,
        size: Size,
        every_s: float,
        say: Callable[[str], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._wanted = wanted
        self._camera = camera
        self._recorder = recorder
        self._size = size
        self._every_s = every_s
        self._say = say
        self._outage: _Outage | None = None
        self._slept_s = clock.suspended_s()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()  # to stop, or to take one now
        self._stopped = asyncio.Event()
        self._stopped.set()  # it has not begun

    async def run(self) -> None:
        """Take a snapshot every so often while it is `wanted`, until `stop` is called."""
        self._stopped.clear()
        due_s = clock.monotonic_s()
        try:
            while not self._stop.is_set():
                if self._wanted():
                    await self.tick()
                else:
                    # Nobody is watched in a break or a waiting room: nothing is missed there.
                    await self._close_outage()
                # Snapshots that a slow camera made impossible are not made up for in a burst.
                due_s = max(due_s + self._every_s, clock.monotonic_s())
                with suppress(TimeoutError):
                    async with asyncio.timeout(due_s - clock.monotonic_s()):
                        await self._wake.wait()
                    self._wake.clear()
                    due_s = clock.monotonic_s()  # the schedule goes on from the one asked for
        finally:
            self._stopped.set()

    def soon(self) -> None:
        """Take the next snapshot now, if one is `wanted`: a proctor asks for it."""
        self._wake.set()

    async def stop(self) -> None:
        """Take no more snapshots, and say of an outage that it lasted until now."""
        self._stop.set()
        self._wake.set()
        await self._stopped.wait()
        await self._close_outage()

    async def tick(self) -> None:
        """Take one periodic snapshot, or account for its absence. Raises nothing of ours."""
        at_ms = self._recorder.now_ms()
        await self._tell_sleep(at_ms)
        try:
            still = await self._camera.still(self._size)
            await self.record("periodic", still, at_ms=at_ms)
        except CameraLost as no:
            await self._missed("camera", at_ms, no)
        except SpoolFull as no:
            await self._missed("spool-full", at_ms, no)
        except DiskFull as no:
            await self._missed("disk-full", at_ms, no)
        else:
            if (cause := await self._close_outage()) == "camera":
                with suppress(DiskFull):
                    await self._recorder.write(Kind.NOTICE, {"notice": "camera-back"})
            if cause:
                self._say("Snapshots are taken again.")

    async def record(self, purpose: str, still: Still, *, at_ms: int | None = None) -> Written:
        """Record a still that was taken. Raises SpoolFull or DiskFull."""
        facts = {"purpose": purpose, "width": still.width, "height": still.height}
        blob = Blob(data=still.jpeg, type=JPEG)
        return await self._recorder.write(Kind.SNAPSHOT, facts, blob=blob, at_ms=at_ms)

    async def take(self, purpose: str, size: Size | None = None) -> tuple[Still, Written]:
        """Take one still now and record it. Raises CameraLost, SpoolFull or DiskFull."""
        at_ms = self._recorder.now_ms()
        still = await self._camera.still(size or self._size)
        return still, await self.record(purpose, still, at_ms=at_ms)

    async def _close_outage(self) -> str:
        """Record the rest of an outage, and return its cause; "" if there was none."""
        if self._outage is None:
            return ""
        cause = self._outage.cause
        try:
            await self._gap(cause, self._outage.from_ms, self._recorder.now_ms())
        except DiskFull:
            return ""  # it stays open, and the next snapshot tries again
        self._outage = None
        return cause

    async def _missed(self, cause: str, at_ms: int, why: ClientError) -> None:
        if self._outage is not None and self._outage.cause == cause:
            return
        await self._close_outage()
        if self._outage is not None:
            return  # the disk is so full that not even the gap before can be said: one at a time
        self._outage = _Outage(cause, at_ms)
        self._say(f"{why.happened} {why.safe}".strip())
        try:
            if cause == "camera":
                await self._recorder.write(Kind.NOTICE, {"notice": "camera-lost"})
            # Said at once, for the client may not live to see the end of it.
            now_ms = self._recorder.now_ms()
            await self._gap(cause, at_ms, now_ms)
            self._outage.from_ms = now_ms
        except DiskFull:
            return  # then it is said when there is room

    async def _tell_sleep(self, now_ms: int) -> None:
        slept_s = clock.suspended_s()
        asleep_s, self._slept_s = slept_s - self._slept_s, slept_s
        if asleep_s > _SLEPT_S:
            try:
                await self._gap("suspended", now_ms - round(1000 * asleep_s), now_ms)
            except DiskFull:
                self._slept_s -= asleep_s

    async def _gap(self, cause: str, from_ms: int, to_ms: int) -> None:
        # The device's clock may have been set back meanwhile: a gap never ends before it begins.
        facts = {"of": "capture", "cause": cause, "from_ms": from_ms, "to_ms": max(from_ms, to_ms)}
        await self._recorder.write(Kind.GAP, facts)
