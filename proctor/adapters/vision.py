"""Measures snapshots: faces, whose they are, light, whether the camera shows what is before it.

`measure` is a plain function of bytes; `Workers` runs it in processes of its own, because
decoding strangers' pictures may crash and may never hold up the server.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec, TypeVar

import cv2
import numpy as np

from proctor.adapters import cameras, faces, models
from proctor.adapters.pictures import Picture, Unreadable, pixels
from proctor.adapters.processes import Died, Process
from proctor.domain.observation import Compared, Face, Measured, Model

logger = logging.getLogger(__name__)

# Grey levels, 0 to 255. Both must hold: a face lit by its screen in a dark room has a low
# mean and a high 95th percentile, and can be seen well.
DARK_MEAN: Final = 40
DARK_P95: Final = 70
# A hand, tape or a lid leaves noise and a slow gradient.
COVERED_CONTRAST: Final = 5

# Cosine of SFace from which two faces are taken for the same one: OpenCV's own figure.
SAME_PERSON: Final = 0.363
# Of two accounts of one programme. One session compares two faces; a programme of 1,000 learners
# has 499,500 pairs, and at one in a thousand, which SAME_PERSON is good for, 500 of them would be
# raised in vain. One in vain in a whole programme needs 2 in a million. Taking the cosines of
# different people for normal about 0.09 with the deviation 0.09 that puts one in a thousand at
# SAME_PERSON (on the pictures we have: -0.01 to 0.26), 2 in a million lie above 0.52; 0.6 leaves
# room for siblings, whose cosines no set of ours can tell. The same person in other pictures of
# other days had 0.67 to 0.80. What is missed by it is missed: a person sees it only by chance.
SAME_FACE_ON_TWO_ACCOUNTS: Final = 0.6

# Unix's own scale, where SCHED_IDLE can't be had.
LEAST_PRIORITY: Final = 19

LIGHT: Final = Model(name="light", version="1")


def measure(
    jpeg: bytes,
    *,
    face: bytes | None = None,
    sample: bool = False,
    before: Sequence[Face] | None = None,
) -> tuple[Measured, cameras.Small | None]:
    """Measure one picture; no bytes whatever make it raise.

    Light, contrast and sharpness are of the picture fitted into 320 x 240, so that cameras
    compare. Whether it stands still or comes again, `cameras.Camera.see` adds.

    Args:
        jpeg: JPEG or PNG from a stranger.
        face: The check-in picture; None: no face is compared.
        sample: Compare with it; else only where faces jumped from where they were `before`.
        before: The faces of the camera's last picture; None: it had none, or was not counted.

    Returns:
        The measurements, and what to compare the camera's next picture with; None in its place
        if this one could not be read.
    """
    try:
        picture = Picture(jpeg)
        first = picture.fitted(faces.FIRST_LOOK)
    except Unreadable as cause:
        return Measured(unavailable=(f"picture: {cause}",)), None

    grey = pixels(cv2.cvtColor(first, cv2.COLOR_BGR2GRAY))
    mean, contrast = float(grey.mean()), float(grey.std())
    p95 = float(np.percentile(grey, 95))
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())

    used, unavailable = [LIGHT], []
    found = same_person = None
    try:
        found = faces.find(picture)
        used.append(faces.model("yunet"))
    except models.ModelMissing as missing:
        unavailable.append(f"faces: the model {missing.name} {missing.reason}")
    except (cv2.error, Unreadable):
        # Not known to happen; were it to, it is a picture without a count, not a lost worker.
        unavailable.append("faces: the detector failed")

    if face is not None and found and (sample or _jumped(before, found)):
        try:
            same_person = faces.likeness(picture, found, face)
            used.append(faces.model("sface"))
        except models.ModelMissing as missing:
            unavailable.append(f"same person: the model {missing.name} {missing.reason}")
        except faces.NotComparable as cause:
            unavailable.append(f"same person: {cause}")
        except (cv2.error, Unreadable):
            unavailable.append("same person: the model failed")

    return Measured(
        faces=found,
        light_mean=round(mean, 2),
        light_p95=round(p95, 2),
        contrast=round(contrast, 2),
        sharpness=round(sharpness, 2),
        dark=mean < DARK_MEAN and p95 < DARK_P95,
        # A person far off in a dark room has little contrast too, but has a face.
        covered=contrast < COVERED_CONTRAST and not found,
        same_person=same_person,
        unavailable=tuple(unavailable),
        models=tuple(used),
    ), cameras.small(grey)


def _jumped(before: Sequence[Face] | None, found: Sequence[Face]) -> bool:
    return before is not None and faces.jumped(before, found)


_P = ParamSpec("_P")
_T = TypeVar("_T")


# A picture takes a twentieth of a second, 32 comparisons two: at one job for longer, a worker is
# looked at.
PATIENCE_S = 30.0


class Workers:
    """Measures in processes of its own; the port `services.ports.Vision`.

    At most `MAX_WAITING` pictures per worker are held; more callers wait. A worker that
    dies, or gets nowhere and is killed, takes nothing with it: the pictures it had are measured
    again, each alone, and one that kills a worker twice is an observation that says so. A worker
    is looked at every `PATIENCE_S` that it is at one job: one that waits is killed at the first
    look, one that runs in a circle when it had a core for half of that since the first. The
    processes end with this one, however it ends.
    """

    # One in work, one ready: a worker never waits for the event loop.
    MAX_WAITING: Final = 2
    # Of one call of `closest`, a job of a second or so: then snapshots get their turns.
    MAX_OTHERS: Final = 32

    def __init__(self, count: int) -> None:
        assert count > 0
        self._processes = [Process(_start_worker, patience_s=PATIENCE_S) for _ in range(count)]
        self._room = asyncio.Semaphore(count * self.MAX_WAITING)
        self._second_try = asyncio.Lock()
        self._cameras = cameras.Cameras()

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        """Measure one picture of a stream, compared with those given before.

        Args:
            stream: Session and device. Its pictures come in order, one at a time, each once:
                the same picture given again is a picture that stands still.
            jpeg: JPEG or PNG from a stranger.
            face: The check-in picture; None: no face is compared.
            sample: Compare with it, even if no face came, went or jumped.
        """
        try:
            measured, small = await self._run(
                measure, jpeg, face=face, sample=sample, before=self._cameras.faces(stream)
            )
        except Died:
            return Measured(unavailable=("worker: it died with the picture, twice",))
        return self._cameras.see(stream, measured, small)

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        """Compare the faces of two pictures, JPEG or PNG from strangers.

        Args:
            face: Of which the largest face is compared.
            document: Another picture.
            at: Which of its faces, in its pixels; None: the largest.
        """
        try:
            return await self._run(faces.compare, face, document, at=at)
        except Died:
            return Compared(unavailable=("same person: the worker that compared died, twice",))

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        """Compare the largest face of a picture with those of at most 32 others.

        Returns:
            For each of `others` the cosine, -1 to 1, or None where it could not be compared.
        """
        assert len(others) <= self.MAX_OTHERS
        try:
            return await self._run(faces.closest, face, others)
        except Died:
            pass  # one of them kills workers: each by itself, it takes no other with it
        compared = await asyncio.gather(*(self.compare(face, other) for other in others))
        return [each.same_person for each in compared]

    async def close(self) -> None:
        """Finish what is in work, end the processes; a second call does nothing."""
        await asyncio.gather(*(each.close() for each in self._processes))

    async def _run(self, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a job in a worker; one that kills a worker twice raises Died."""
        async with self._room:
            try:
                return await self._once(job, *args, **kwargs)
            except Died:
                # Which picture did it cannot be told, and all that were in work are back
                # here. One at a time, a culprit brings down only itself.
                async with self._second_try:
                    return await self._once(job, *args, **kwargs)

    async def _once(self, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        process = min(self._processes, key=lambda each: each.asked)
        try:
            return await process.run(job, *args, **kwargs)
        except Died:
            logger.warning("vision worker died", extra={"job": job.__name__})
            raise


def _start_worker() -> None:
    # Receipts do not wait for pictures: where cores are scarce, the server has them first, at
    # once. Of one core that both want all the time, a worker gets a three-hundredth.
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # not Linux, or not allowed here
        os.nice(LEAST_PRIORITY)
    cv2.setNumThreads(1)  # as many workers as cores; threads on top would only compete
    measure(_WARM_UP)


# Loads the model now instead of with the first snapshot; a missing one is said then.
_WARM_UP = cv2.imencode(".jpg", np.zeros((480, 640, 3), np.uint8))[1].tobytes()
