"""How many pictures a worker looks at, on one core: `python -m tests.bench.vision CORE ROUNDS N`.

Prints a line of JSON for each round: pictures a processor second with faces alone, and with the
face compared in one of six. Then the most memory, in bytes, that looking and comparing took with
a picture as bad as any.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import faces, models
from proctor.adapters.cameras import Camera
from proctor.adapters.pictures import pixels
from proctor.adapters.vision import measure

PEOPLE = ("astronaut", "obama", "obama2", "biden")
SAMPLE = 6  # of so many pictures one is compared with the face of the check-in


def people() -> list[list[bytes]]:
    """Each of them before a webcam of 640 x 480, moving a little: 45 KB a picture."""
    models.fetch(PEOPLE)
    found: list[list[bytes]] = []
    for name in PEOPLE:
        picture = np.asarray(cv2.imread(str(models.path(name))))
        upper = picture[: picture.shape[1] * 3 // 4]
        found.append([])
        for x in (0, 3, 6):
            moved = cv2.copyMakeBorder(upper, 0, 0, x, 0, cv2.BORDER_REPLICATE)
            still = cv2.resize(moved, (640, 480), interpolation=cv2.INTER_AREA)
            found[-1].append(_jpeg(pixels(still), [cv2.IMWRITE_JPEG_QUALITY, 85]))
    return found


def worst() -> bytes:
    """The largest picture that is decoded, in the way that takes the most memory."""
    noise = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), dtype=np.uint8)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)  # or it is too many bytes
    return _jpeg(
        np.tile(noise, (4, 4, 1)),
        [cv2.IMWRITE_JPEG_QUALITY, 50, cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
    )


def a_second(pictures: list[bytes], count: int, *, face: bytes | None = None) -> float:
    """Look at `count` pictures; return how many a processor second."""
    camera = Camera()
    began = time.process_time()
    for at in range(count):
        seen = camera.see(
            *measure(pictures[at % len(pictures)], face=face, sample=at % SAMPLE == 0)
        )
        assert seen.faces, "no face was found in a portrait"
    return count / (time.process_time() - began)


def _jpeg(picture: npt.NDArray[np.uint8], *options: list[int]) -> bytes:
    return cv2.imencode(".jpg", picture, [value for each in options for value in each])[1].tobytes()


def memory() -> None:
    """Look at the picture on standard input as a worker would; print the memory that took."""
    cv2.setNumThreads(1)
    picture = sys.stdin.buffer.read()
    compared = faces.compare(models.path("obama").read_bytes(), models.path("biden").read_bytes())
    assert compared.same_person is not None
    seen, _ = measure(picture, face=picture, sample=True)
    assert not seen.unavailable
    # Not `getrusage`: what the process that started this one took would be in it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    most_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps(int(most_kb) * 1024))


def main() -> None:
    core, rounds, count = map(int, sys.argv[1:])
    os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)  # as in a worker
    models.fetch(["yunet", "sface"])
    pictures = [each for person in people() for each in person]
    face = pictures[0]
    a_second(pictures, len(pictures), face=face)  # loads both models
    for _ in range(rounds):
        print(json.dumps([a_second(pictures, count), a_second(pictures, count, face=face)]))
    # In a process of its own: to make the picture takes as much as to look at it.
    alone = "from tests.bench.vision import memory; memory()"
    done = subprocess.run(
        [sys.executable, "-c", alone], input=worst(), capture_output=True, check=True
    )
    print(done.stdout.decode().strip())


if __name__ == "__main__":
    main()
