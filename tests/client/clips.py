"""Clips for a camera, made of nothing but numbers."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

FPS = 4


def grey(level: int) -> npt.NDArray[np.uint8]:
    """A picture whose mean is `level`, 60..195, and which is not flat."""
    frame = np.full((480, 640, 3), level - 60, np.uint8)
    frame[:, 320:] = level + 60
    return frame


def write_clip(path: Path, count: int, frame: Callable[[int], npt.NDArray[np.uint8]]) -> Path:
    """Write `count` frames at 4 a second, MJPG."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (640, 480))
    for at in range(count):
        writer.write(frame(at))
    writer.release()
    return path
