"""What the demo learners' cameras see: clips and an ID card made from one public picture.

Every learner wears the face of the NASA astronaut (public domain), moved, scaled, doubled and
covered, so that nobody's picture is shown as a cheat's.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from proctor.adapters import models

WIDTH: Final = 640
HEIGHT: Final = 480
# About 100 KB a frame. Stills are 1 s apart or more, so that each is another frame.
FPS: Final = 2
# A clip is played again from its start when it ends. 13 is prime: stills taken every 1, 2, 5
# or 10 s are never twice the same frame, which would be a camera that stands still.
CALM_S: Final = 13

_NOISE_SIGMA = 3.0  # grey levels, as a webcam in a lit room

_Picture: TypeAlias = npt.NDArray[np.uint8]  # BGR
_Mask: TypeAlias = npt.NDArray[np.float32]  # 0 outside to 1 inside
_Draw: TypeAlias = Callable[[float], _Picture]  # the scene at a time in s, without noise


def calm(path: Path, seconds: float = CALM_S, *, seed: int = 0) -> None:
    """Write a clip of one person at work: an .avi of MJPG, 640x480, 2 frames a second.

    Args:
        path: Ends in .avi; what is there is replaced, at once and whole.
        seconds: Length; mind what `CALM_S` says when choosing another.
        seed: Another learner: other movements, place and size in the picture.

    Raises:
        models.ModelMissing: the astronaut is not here; `models.fetch(["astronaut"])` brings it.
        OSError: `path` cannot be written.
    """
    _write(path, _one_person(_astronaut(), seed), seconds, seed)


def story_two_people_then_covered(
    path: Path,
    seconds: float,
    *,
    two_people: tuple[float, float],
    covered: tuple[float, float],
    seed: int = 1,
) -> None:
    """Write a clip of one person, joined by a second for a while, whose camera is covered later.

    Args:
        path: As in `calm`, which also says what is raised.
        seconds: Length of the clip; the story is told anew when it is played again.
        two_people: From and to, half-open, in seconds from the start.
        covered: Likewise; it wins where both hold.
        seed: As in `calm`.
    """
    astronaut = _astronaut()
    one = _one_person(astronaut, seed)
    two = _with_second_person(one, astronaut, seed)

    def story(at_s: float) -> _Picture:
        if covered[0] <= at_s < covered[1]:
            return np.full((HEIGHT, WIDTH, 3), 8, np.uint8)
        if two_people[0] <= at_s < two_people[1]:
            return two(at_s)
        return one(at_s)

    _write(path, story, seconds, seed, covered)


def id_document(
    path: Path,
    *,
    surname: str = "Eriksson",
    given_names: str = "Anna Maria",
    number: str = "D23145890",
    birth: str = "740812",
    expiry: str = "391231",
) -> None:
    """Write a JPEG, 1280x720, of a specimen identity card of Utopia lying on a table.

    Args:
        path: Ends in .jpg; what is there is replaced.
        surname: A to Z, as they stand on the card.
        given_names: Likewise, separated by spaces.
        number: Up to 9 of A to Z and 0 to 9.
        birth: YYMMDD.
        expiry: YYMMDD.

    Raises:
        models.ModelMissing: the astronaut is not here.
        OSError: `path` cannot be written.
    """
    ink, pale = (60, 40, 20), (150, 120, 90)
    card = np.full((638, 1012, 3), (236, 240, 232), np.uint8)  # ID-1 at 300 dpi
    for row in range(90, 440, 14):  # guilloche, of a kind
        points = [(x, row + round(6 * math.sin(x / 37 + row))) for x in range(0, 1013, 4)]
        cv2.polylines(card, [np.array(points, np.int32)], False, (222, 230, 214), 1, cv2.LINE_AA)
    cv2.rectangle(card, (0, 0), (1011, 76), (140, 92, 40), -1)
    _text(card, "UTOPIA   IDENTITY CARD", (30, 52), 1.3, (255, 255, 255), weight=2)
    portrait = _astronaut()[20:260, 130:320]
    card[110:430, 40:293] = cv2.resize(portrait, (253, 320), interpolation=cv2.INTER_CUBIC)
    fields = {
        "Surname": surname.upper(),
        "Given names": given_names.upper(),
        "Nationality": "UTO",
        "Date of birth": _day(birth),
        "Date of expiry": _day(expiry),
        "Document no.": number,
    }
    for place, (label, value) in enumerate(fields.items()):
        _text(card, label, (340, 118 + 58 * place), 0.55, pale)
        _text(card, value, (340, 146 + 58 * place), 0.9, ink, weight=2)
    _stamp(card, "SPECIMEN")

    cv2.rectangle(card, (0, 460), (1011, 637), (250, 250, 250), -1)
    lines = mrz(surname=surname, given_names=given_names, number=number, birth=birth, expiry=expiry)
    for place, line in enumerate(lines):
        for column, sign in enumerate(line):  # a fixed pitch, as machines expect
            at = (34 + round(column * 31.6), 512 + 52 * place)
            _text(card, sign, at, 1.15, (20, 20, 20), weight=2)

    table = np.full((720, 1280, 3), (96, 120, 140), np.uint8)
    table[41:679, 134:1146] = card
    turned = cv2.getRotationMatrix2D((640, 360), 1.5, 0.98)
    seen = cv2.warpAffine(_pixels(table), turned, (1280, 720), borderMode=cv2.BORDER_REPLICATE)
    _replace(path, cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def mrz(
    *, surname: str, given_names: str, number: str, birth: str, expiry: str, sex: str = "F"
) -> tuple[str, str, str]:
    """Return the three lines of 30 signs of a card (TD1) of Utopia (UTO).

    Source: ICAO Doc 9303 part 5, 4.2; UTO is its code for specimens.
    """
    first = f"I<UTO{number:<<9}{_check_digit(f'{number:<<9}')}{'':<<15}"
    second = f"{birth}{_check_digit(birth)}{sex}{expiry}{_check_digit(expiry)}UTO{'':<<11}"
    total = _check_digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])
    name = f"{surname}<<{given_names}".upper().replace(" ", "<")
    return first, f"{second}{total}", f"{name:<<30}"[:30]


def _check_digit(signs: str) -> int:
    # ICAO Doc 9303 part 3, 4.9: weights 7, 3, 1; A is 10; the filler is 0.
    values = (0 if sign == "<" else int(sign, 36) for sign in signs)
    return sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10


def _day(yymmdd: str) -> str:
    return f"{yymmdd[4:6]}.{yymmdd[2:4]}.{yymmdd[0:2]}"


def _text(
    picture: _Picture,
    text: str,
    at: tuple[int, int],
    scale: float,
    colour: tuple[int, int, int],
    *,
    weight: int = 1,
) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_DUPLEX, scale, colour, weight, cv2.LINE_AA)


def _stamp(card: _Picture, word: str) -> None:
    over = card.copy()
    _text(over, word, (330, 420), 3.6, (60, 60, 200), weight=9)
    card[:] = cv2.addWeighted(over, 0.35, card, 0.65, 0)


def _astronaut() -> _Picture:
    picture = cv2.imread(str(models.path("astronaut")), cv2.IMREAD_COLOR)
    assert picture is not None  # its SHA-256 was right
    return _pixels(picture)


def _pixels(array: npt.ArrayLike) -> _Picture:
    return np.asarray(array, dtype=np.uint8)


def _one_person(astronaut: _Picture, seed: int) -> _Draw:
    """The upper three quarters of the picture, before a head that is never quite still."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * math.pi, 3)
    zoom = 1.28 + rng.uniform(0, 0.08)  # 1.25 is the whole width

    def draw(at_s: float) -> _Picture:
        x = -8 + 7 * math.sin(at_s / 1.9 + phase[0])
        y = -6 + 5 * math.sin(at_s / 1.3 + phase[1])
        scale = zoom + 0.015 * math.sin(at_s / 2.7 + phase[2])
        place = np.array([[scale, 0, x], [0, scale, y]])
        seen = cv2.warpAffine(astronaut, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        return _pixels(seen)

    return draw


def _with_second_person(one: _Draw, astronaut: _Picture, seed: int) -> _Draw:
    """The same scene and the same face, mirrored and smaller, leaning in from the right."""
    rng = np.random.default_rng(seed + 1000)
    phase = rng.uniform(0, 2 * math.pi, 2)
    person, mask = astronaut[:, ::-1].copy(), _person(astronaut)[:, ::-1].copy()

    def draw(at_s: float) -> _Picture:
        x = 250 + 6 * math.sin(at_s / 1.4 + phase[0])
        y = 92 + 4 * math.sin(at_s / 1.1 + phase[1])
        place = np.array([[0.98, 0, x], [0, 0.98, y]])
        beside = cv2.warpAffine(person, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        inside = cv2.warpAffine(mask, place, (WIDTH, HEIGHT), borderValue=0)
        return _pixels(cv2.blendLinear(beside, one(at_s), inside, 1 - inside))

    return draw


def _person(astronaut: _Picture) -> _Mask:
    """Cut the person out: told where she surely and perhaps is, GrabCut finds the outline."""
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    cut = np.full((256, 256), cv2.GC_BGD, np.uint8)
    outline = [(5, 256), (15, 165), (50, 105), (90, 85), (145, 85), (165, 125), (185, 160)]
    perhaps = np.array([*outline, (185, 256)], np.int32)
    chest = [(30, 256), (35, 170), (65, 120), (100, 140), (150, 150), (160, 256)]
    cv2.ellipse(cut, (113, 58), (42, 56), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.fillPoly(cut, [perhaps], cv2.GC_PR_FGD)
    cv2.ellipse(cut, (113, 55), (22, 32), 0, 0, 360, cv2.GC_FGD, -1)  # face
    cv2.ellipse(cut, (105, 110), (43, 32), 0, 0, 360, cv2.GC_FGD, -1)  # collar
    cv2.fillPoly(cut, [np.array(chest, np.int32)], cv2.GC_FGD)
    cv2.setRNGSeed(1)
    model = (np.zeros((1, 65)), np.zeros((1, 65)))
    cv2.grabCut(small, cut, (0, 0, 0, 0), *model, 3, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(cut, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    size = (astronaut.shape[1], astronaut.shape[0])
    soft = cv2.GaussianBlur(cv2.resize(inside, size), (0, 0), 2)
    return np.asarray(soft, dtype=np.float32)


def _write(
    path: Path,
    scene: _Draw,
    seconds: float,
    seed: int,
    quiet: tuple[float, float] = (0, 0),
) -> None:
    """Write the scene with noise; `quiet` is when there is less, behind a cover."""
    whole = path.with_name(f".{path.stem}.part.avi")
    # OpenCV's own writer of AVI is in every build, FFmpeg is not.
    film = cv2.VideoWriter(
        str(whole),
        cv2.CAP_OPENCV_MJPEG,
        cv2.VideoWriter.fourcc(*"MJPG"),
        FPS,
        (WIDTH, HEIGHT),
    )
    try:
        if not film.isOpened():
            raise OSError(f"{path} cannot be written")
        noise = _noise(seed)
        for frame in range(round(seconds * FPS)):
            at_s = frame / FPS
            strength = 0.3 if quiet[0] <= at_s < quiet[1] else 1.0
            light = 0.92 + 0.05 * math.sin(at_s / 5 + seed)  # clouds pass, the camera adapts
            lit = cv2.convertScaleAbs(scene(at_s), alpha=light)
            film.write(cv2.add(lit, next(noise) * strength, dtype=cv2.CV_8U))
        film.release()
        whole.replace(path)
    finally:
        film.release()
        whole.unlink(missing_ok=True)


def _noise(seed: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield noise for one frame after another: windows of one large field, which is quick."""
    rng = np.random.default_rng(seed)
    field = rng.normal(0, _NOISE_SIGMA, (HEIGHT + 97, WIDTH + 101, 3)).astype(np.float32)
    while True:
        top, left = int(rng.integers(97)), int(rng.integers(101))
        yield field[top : top + HEIGHT, left : left + WIDTH]


def _replace(path: Path, data: bytes) -> None:
    whole = path.with_name(f".{path.name}.part")
    whole.write_bytes(data)
    whole.replace(path)
