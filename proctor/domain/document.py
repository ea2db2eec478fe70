"""What a machine read in a picture of an identity document: facts for the person who decides."""

from dataclasses import dataclass

from proctor.domain.mrz import Mrz
from proctor.domain.observation import Face, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRead:
    """A reading. Nothing found is empty or None; what could not be tried is in `unavailable`."""

    lines: tuple[str, ...] = ()  # text from top to bottom, the document upright
    mrz: Mrz | None = None
    # In pixels of the picture as given. None: none was found, or none that surely is the document's
    # and not the face of who holds it.
    portrait: Face | None = None
    unavailable: tuple[str, ...] = ()  # "text: rapidocr is not installed", one line a cause
    models: tuple[Model, ...] = ()
