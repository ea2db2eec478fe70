"""Where the machine-readable zone is among lines of text, by the shape of its lines alone.

Which digits hold plays no part: choosing what makes them hold would make wrong readings valid.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Format: TypeAlias = Literal["TD1", "TD2", "TD3"]

WIDTH: Final[Mapping[Format, int]] = {"TD1": 30, "TD2": 36, "TD3": 44}
FILLER: Final = "<"
UNREAD: Final = "?"

# Text is a stranger's: bounds on what is looked at.
MAX_LINES: Final = 300
MAX_LINE: Final = 120
# Into how many pieces a line may have been cut.
MAX_PIECES: Final = 3
# How many characters a line may be too long or too short by: fillers are lost in tens.
MAX_OFF: Final = 14
# Of the 18 places whose kind of character is known, how many may hold another kind.
MAX_MISFITS: Final = 3
_MIN_LINE: Final = 10
_MIN_DIGITS: Final = 7  # one whole date: a row of fillers fits every pattern
# More than any line that is there can cost.
_NO_LINE: Final = 60

DIGIT_LIKE: Final = "OQDILZSBGoqilzsbg"
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "digit": frozenset("0123456789<" + DIGIT_LIKE),
    "letter": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz<0125689"),
    "sex": frozenset("MFX<mfxckKHNWPE"),
}
_BIRTH_TO_EXPIRY: Final = ("digit",) * 7 + ("sex",) + ("digit",) * 7
_COUNTRY: Final = ("letter",) * 3
_DATES: Final[Mapping[Format, tuple[str, ...]]] = {
    "TD1": _BIRTH_TO_EXPIRY + _COUNTRY,
    "TD2": _COUNTRY + _BIRTH_TO_EXPIRY,
    "TD3": _COUNTRY + _BIRTH_TO_EXPIRY,
}
_DATES_AT: Final[Mapping[Format, int]] = {"TD1": 0, "TD2": 10, "TD3": 10}
# Before it may stand an edge, read as an l.
_BEGINS: Final[Mapping[Format, re.Pattern[str]]] = {
    "TD1": re.compile(r"l?(?P<line>[ACI1l][A-Z<0][A-Z<0125689]{3})"),
    "TD2": re.compile(r"l?(?P<line>[ACI1l][A-Z<0][A-Z<0125689]{3})"),
    "TD3": re.compile(r"l?(?P<line>[Pp][A-Za-z<0][A-Z<0125689]{3})"),
}
# What begins so goes on with nothing that stands before it.
_PASSPORT: Final = re.compile(r"[Pp]<[A-Z0125689]{3}")
# What an OCR makes of a filler. NFKD has made ASCII of the full-width ones.
_FILLERS: Final = str.maketrans(
    {"\u2039": "<", "\u3008": "<", "≤": "<", "(": "<", "[": "<", "{": "<", "|": "l"}
    | {"«": "<<", "\u300a": "<<"}
)
_NOT_READ: Final = re.compile(r"[^A-Za-z0-9<]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """The lines of a zone as they were read, each as long as its format says.

    Characters are A-Z, 0-9, <, ? for what was not read, and a-z where the OCR was unsure.
    """

    format: Format
    first: str  # "" where it was not found
    second: str
    third: str  # "" where it was not found, and for TD2 and TD3


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines that follow each other, joined."""

    text: str
    start: int
    end: int

    def away(self, other: "_Piece") -> int | None:
        """Return how many lines lie between; None if they share one."""
        if other.start < self.end and self.start < other.end:
            return None
        return max(self.start - other.end, other.start - self.end)


@dataclass(frozen=True, slots=True)
class _Line:
    """A piece seen as a certain line of a format: the less it costs, the better it fits."""

    piece: _Piece
    text: str
    cost: int


def locate(lines: Sequence[str]) -> Zone | None:
    """Return the zone whose shape fits best; None if there is none."""
    pieces = list(_pieces([_flat(line) for line in lines[:MAX_LINES]]))
    zones = [
        found
        for format_ in WIDTH
        for second in _second_lines(format_, pieces)
        if (found := _around(format_, second, pieces))
    ]
    return min(zones, key=lambda found: found[0])[1] if zones else None


def _flat(line: str) -> str:
    plain = unicodedata.normalize("NFKD", line[:MAX_LINE]).translate(_FILLERS)
    plain = "".join(each for each in plain if not (each.isspace() or unicodedata.combining(each)))
    if sum(map(str.islower, plain)) > sum(map(str.isupper, plain)):
        # All but l, which may be the digit: an L for a 1 is what no check digit sees.
        plain = "".join(each if each == "l" else each.upper() for each in plain)
    return _NOT_READ.sub(UNREAD, plain).strip(UNREAD)


def _pieces(flat: Sequence[str]) -> Iterator[_Piece]:
    for start in range(len(flat)):
        text = ""
        for end in range(start + 1, min(start + MAX_PIECES, len(flat)) + 1):
            if text and _PASSPORT.match(flat[end - 1]):
                break
            text += flat[end - 1]
            if _MIN_LINE <= len(text) <= MAX_LINE:
                yield _Piece(text, start, end)


def _second_lines(format_: Format, pieces: Iterable[_Piece]) -> Iterator[_Line]:
    """Find what may be the line of the dates."""
    usual = _DATES_AT[format_]
    for piece in pieces:
        off = abs(len(piece.text) - WIDTH[format_])
        if off > MAX_OFF:
            continue
        misfits, away, at = min(
            (_misfits(piece.text[at:], _DATES[format_]), abs(at - usual), at)
            for at in range(max(0, usual - 2), usual + 3)
        )
        if misfits <= MAX_MISFITS:
            # What is too much before a card's dates is noise. Before a passport's stands the
            # number, of which nothing is cut off: its check digit shall fail.
            text = piece.text[at:] if format_ == "TD1" else piece.text
            yield _Line(piece, text, 3 * (misfits + away + off))


def _misfits(text: str, kinds: Sequence[str]) -> int:
    if sum(map(str.isdigit, text[: len(kinds)])) < _MIN_DIGITS:
        return len(kinds)
    missing = max(0, len(kinds) - len(text))
    return missing + sum(each not in _KINDS[kind] for each, kind in zip(text, kinds, strict=False))


def _around(format_: Format, second: _Line, pieces: Sequence[_Piece]) -> tuple[int, Zone] | None:
    """Return a second line's cost and zone; None if it is none without other lines."""
    width = WIDTH[format_]
    two = _fitted(second.text, width, fixed=2 if format_ == "TD3" else 1)
    first = min(_first_lines(format_, second, pieces), key=_cost, default=None)
    if first is None:
        # The number of a passport stands in its second line; of that, length is the proof.
        if format_ == "TD1" or len(second.text) != width:
            return None
        return second.cost + _NO_LINE, Zone(format=format_, first="", second=two, third="")
    third = None
    if format_ == "TD1":
        third = min(_third_lines(first, second, pieces), key=_cost, default=None)
    zone = Zone(
        format=format_,
        first=_fitted(first.text, width, fixed=0),
        second=two,
        third=_fitted(third.text, width, fixed=0) if third else "",
    )
    return second.cost + first.cost + (third.cost if third else 0), zone


def _cost(line: _Line) -> int:
    return line.cost


def _first_lines(format_: Format, second: _Line, pieces: Iterable[_Piece]) -> Iterator[_Line]:
    for piece in pieces:
        away = piece.away(second.piece)
        begin = _BEGINS[format_].match(piece.text)
        if away is None or begin is None or FILLER not in piece.text[2:]:
            continue
        text = piece.text[begin.start("line") :]
        off = len(text) - WIDTH[format_]
        if format_ == "TD1":
            if abs(off) <= MAX_OFF and any(map(str.isdigit, text[5:15])):
                yield _Line(piece, text, 3 * abs(off) + away)
        elif off <= MAX_OFF:
            # Of names an OCR loses any number of fillers, and nothing is lost with them.
            digits = sum(map(str.isdigit, text))
            yield _Line(piece, text, max(off, -off // 4) + away + 2 * digits)


def _third_lines(first: _Line, second: _Line, pieces: Iterable[_Piece]) -> Iterator[_Line]:
    for piece in pieces:
        away = piece.away(second.piece)
        if away is None or piece.away(first.piece) is None or FILLER not in piece.text:
            continue
        off = len(piece.text) - WIDTH["TD1"]
        wrong = sum(not (each.isalpha() or each == FILLER) for each in piece.text)
        if off <= MAX_OFF and wrong <= MAX_MISFITS:
            yield _Line(piece, piece.text, max(off, -off // 4) + away + 2 * wrong)


def _fitted(text: str, width: int, *, fixed: int) -> str:
    """Make a line as long as it is printed, by the last row of fillers and nothing else.

    After that row stand `fixed` characters, to the line's end.
    """
    cut = len(text) - fixed
    body, end = text[:cut], text[cut:]
    room = width - fixed
    if len(body) > room:
        kept = body.rstrip(FILLER)
        body = body[: max(room, len(kept))]
    elif body.endswith(FILLER):
        body = body.ljust(room, FILLER)
    fitted = (body + end).ljust(width, UNREAD)
    # What is cut off may be what belongs there: the last check digit shall not hold.
    return fitted if len(fitted) == width else fitted[: width - 1] + UNREAD
