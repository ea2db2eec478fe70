"""The pictures that tests measure: one astronaut, fetched like every model and never committed."""

import sys
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from proctor.adapters import models
from proctor.adapters.ocr import why_missing


def need(*names: str) -> list[Path]:
    """Fetch files of models.toml, or skip the test, saying why they cannot be had."""
    try:
        return models.fetch(names)
    except models.FetchFailed as failure:
        pytest.skip(f"needs {failure.name}: {failure}")


def need_ocr() -> None:
    """Skip the test where no text can be read from pictures, saying why."""
    try:
        metadata.distribution("rapidocr_onnxruntime")
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs the OCR: {why_missing(sys.version_info[:2])}")


def astronaut() -> npt.NDArray[np.uint8]:
    """One person, 512x512, BGR; the detector that finds her is here as well."""
    _, path = need("yunet", "astronaut")
    return np.asarray(cv2.imread(str(path)), dtype=np.uint8)


def webcam() -> npt.NDArray[np.uint8]:
    """The same person as a webcam sees her, 640x480."""
    return np.asarray(cv2.resize(astronaut()[:384], (640, 480)), dtype=np.uint8)


def jpeg(picture: npt.ArrayLike, quality: int = 85) -> bytes:
    array = np.asarray(picture, dtype=np.uint8)
    return cv2.imencode(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture: npt.ArrayLike) -> bytes:
    return cv2.imencode(".png", np.asarray(picture, dtype=np.uint8))[1].tobytes()
