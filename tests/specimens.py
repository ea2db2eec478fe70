"""Identity documents drawn here: no document, nobody's data."""

import cv2
import numpy as np
import numpy.typing as npt

from tests.pictures import astronaut

Page = npt.NDArray[np.uint8]

# The specimens of ICAO 9303, whose state, Utopia, does not exist.
TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
FACE_AT = (40, 60, 260, 260)  # where the portrait is pasted


def page(*lines: str, width: int = 1000, height: int = 640) -> Page:
    """Draw a page: a portrait, some print, and lines as a zone has them, in columns."""
    drawn = np.full((height, width, 3), 235, np.uint8)
    x, y, w, h = FACE_AT
    drawn[y : y + h, x : x + w] = cv2.resize(astronaut()[:400, 50:450], (w, h))
    for text, at in (
        ("UTOPIA", (40, 45)),
        ("Passport / Passeport", (380, 100)),
        ("Name ERIKSSON", (380, 160)),
        ("Valid until 15 APR 2012", (40, 380)),
    ):
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (60, 20, 20), 2, cv2.LINE_AA)
    step = (width - 60) / 44 if max(map(len, lines), default=0) > 30 else (width - 60) / 30
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            at = (round(30 + column * step), height - 60 * (len(lines) - row) + 20)
            size = step / 24
            cv2.putText(
                drawn, character, at, cv2.FONT_HERSHEY_SIMPLEX, size, (20, 20, 20), 2, cv2.LINE_AA
            )
    return drawn
