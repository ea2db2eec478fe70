"""How a worker that looks at pictures begins in tests: as a server's does, but for its priority.

Beside the other processes that run tests, one of the least priority would starve. A module by
itself: each worker imports it.
"""

import cv2

from proctor.adapters import vision


def start_worker() -> None:
    cv2.setNumThreads(1)
    vision.measure(vision._WARM_UP)
