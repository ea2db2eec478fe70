"""The learner's program: camera, log on disk, uplink, and the way through an exam."""

import os

# Read when OpenCV is loaded, so before that. A file that claims to be a picture of more pixels than
# any camera's is refused, not decoded for minutes.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(64 * 2**20))
