"""The OCR of rapidocr, whose models come inside its wheel; nothing is fetched, nothing logged."""

import base64
import hashlib
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from proctor.domain.observation import Model

Picture: TypeAlias = npt.NDArray[np.uint8]  # BGR

# What is read at most: an OCR of a page full of text is seconds and a few hundred lines.
MAX_LINES: Final = 200
MAX_LINE: Final = 120
# Height of the lines that its recogniser reads, pixels.
LINE_HEIGHT: Final = 48
_PACKAGE: Final = "rapidocr_onnxruntime"
_NEWEST_PYTHON: Final = (3, 12)  # that there is a wheel of it for; pyproject.toml says so too
_MODELS: Final = ("ch_PP-OCRv4_det_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx")


class NoText(Exception):
    """Why no text can be read on this machine."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    score: float  # how sure the OCR is, 0 to 1
    corners: npt.NDArray[np.float32]  # four, clockwise from the text's top left


class Ocr:
    """The OCR of `rapidocr_onnxruntime`, whose models come inside its wheel.

    Raises:
        NoText: It, or a model of its, is not on this machine or not what was installed.
    """

    def __init__(self, threads: int = 1) -> None:
        self.models = _models()
        try:
            # Here, not above: it takes a second and 200 MB, and some machines do not have it.
            rapidocr = importlib.import_module(_PACKAGE)
            self._ocr: Any = rapidocr.RapidOCR(
                intra_op_num_threads=threads,
                inter_op_num_threads=threads,
                use_cls=False,
                # Lines differ in length: in batches short ones are filled up to the longest.
                rec_batch_num=1,
            )
        except Exception as error:
            raise NoText(f"rapidocr does not start: {type(error).__name__}") from error

    def strips(self, strips: Sequence[Picture]) -> tuple[str, ...]:
        """Return what stands in pictures of one line each."""
        found = self._ocr.text_rec(list(strips))[0] if strips else ()
        return tuple(str(text)[:MAX_LINE] for text, _score in found)

    def lines(self, picture: Picture) -> tuple[Line, ...]:
        found: Any = self._ocr(picture)[0] or ()
        lines = [
            Line(str(text)[:MAX_LINE], float(score), np.asarray(box, np.float32))
            for box, text, score in found[:MAX_LINES]
        ]
        return _in_order(lines)


def why_missing(python: tuple[int, int]) -> str:
    """Return why there is no OCR on a Python of this version, where none is installed."""
    if python <= _NEWEST_PYTHON:
        return "rapidocr is not installed"
    newest = ".".join(map(str, _NEWEST_PYTHON))
    return (
        f"rapidocr is not installed: there is none for Python {'.'.join(map(str, python))}, and "
        f"documents are read on Python {newest} or older"
    )


def _models() -> tuple[Model, ...]:
    try:
        installed = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise NoText(why_missing(sys.version_info[:2])) from error
    files = {Path(file).name: file for file in installed.files or ()}
    found = []
    for name in _MODELS:
        try:
            sha256 = hashlib.sha256(Path(str(files[name].locate())).read_bytes())
        except (KeyError, OSError) as error:
            raise NoText(f"the model {name} is missing") from error
        # As in the wheel's own list: base64 without padding.
        listed = files[name].hash
        encoded = base64.urlsafe_b64encode(sha256.digest()).rstrip(b"=").decode()
        if listed is None or listed.value != encoded:
            raise NoText(f"the model {name} is not the one that was installed")
        version = f"rapidocr-onnxruntime {installed.version}"
        found.append(Model(name=Path(name).stem, version=version, sha256=sha256.hexdigest()))
    return tuple(found)


def _in_order(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return lines from top to bottom, pieces of one row from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.corners[:, 1].mean()):
        middle = line.corners[:, 1].mean()
        if rows:
            last = rows[-1][0].corners[:, 1]
            if abs(middle - last.mean()) < 0.4 * (last.max() - last.min()):
                rows[-1].append(line)
                continue
        rows.append([line])
    return tuple(
        line for row in rows for line in sorted(row, key=lambda line: line.corners[:, 0].min())
    )
