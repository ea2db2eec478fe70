"""What a machine measured in one snapshot: numbers, never a judgement about a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# What begins so in `Measured.unavailable` is of the picture: its bytes are none that can be read.
# A rule goes by it, so no cause of the server's own, such as a worker that died, may begin so.
# Not a field of its own: the line is what is stored, and what a reviewer is shown.
OF_THE_PICTURE: Final = "picture: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A face found in a snapshot. Pixels of the full-size picture, origin top left."""

    x: int
    y: int
    width: int
    height: int
    score: float  # the detector's confidence, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which program looked: a model file, or one of our own measurements."""

    name: str  # "yunet", "sface", "light", "frozen", "looped"
    version: str  # "2023mar"
    sha256: str = ""  # of the model file; empty for a measurement of our own


def cause_words(unavailable: str) -> str:
    """Return why something could not be measured, without the name of what."""
    return unavailable.partition(": ")[2] or unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurements of one picture. None is "could not be measured", never "fine"."""

    faces: tuple[Face, ...] | None = None
    light_mean: float | None = None  # grey level, 0 to 255
    light_p95: float | None = None  # grey level, 0 to 255
    contrast: float | None = None  # standard deviation of grey levels, 0 to 128
    sharpness: float | None = None  # variance of the Laplacian, >= 0
    change: float | None = None  # mean absolute difference to the device's last snapshot, 0 to 255
    dark: bool | None = None
    covered: bool | None = None
    frozen: bool | None = None
    # "faces: the model yunet is missing", one line a cause; see `OF_THE_PICTURE`.
    unavailable: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    # Cosine to the face of the check-in, -1 to 1; None where it was not compared.
    same_person: float | None = None
    looped: bool | None = None
    repeat: float | None = None  # smallest difference to an earlier picture, grey levels


def is_unreadable(measured: Measured) -> bool:
    """Tell whether a picture could not be measured for what it is: its bytes are no picture."""
    return any(cause.startswith(OF_THE_PICTURE) for cause in measured.unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How alike the faces of two pictures are. None is "could not be compared"."""

    same_person: float | None = None  # cosine, -1 to 1
    unavailable: tuple[str, ...] = ()  # "same person: the face's picture: no face in it"
    models: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Measurements, tied to the snapshot's record."""

    device: str
    seq: int  # of the snapshot's record in the device's log
    sha256: str  # of the picture, lower-case hex
    at: datetime  # the device's clock, aware UTC
    measured: Measured
