"""The machine-readable zone of an identity document, read and checked.

Source: ICAO 9303, 8th edition: part 3 section 4 (characters, names, check digits), part 4 (TD3,
2 lines of 44, passports), part 5 (TD1, 3 of 30, cards), part 6 (TD2, 2 of 36).

What a wrong answer costs decides what is repaired. A character is put right only where its field
can hold nothing else: a digit in a date, a letter in a country. A document's number may hold
both, so nothing in it is guessed, and nothing anywhere is tried until the digits hold.

What check digits cannot see (weights 7, 3, 1, last digit of the sum): characters whose values are
ten apart. To them 0 A K U < are the same, as are 1 B L V, 2 C M W, 3 D N X, 4 E O Y, 5 F P Z,
6 G Q, 7 H R, 8 I S and 9 J T. The composite digit has the same weights and does not see them
either. In a number an 8 read as S therefore holds. `agreed` is against that: it takes a second
reading, made in another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, TypeAlias

from proctor.domain.mrz_lines import DIGIT_LIKE, FILLER, UNREAD, Format, Zone, locate

CheckName: TypeAlias = Literal["number", "birth", "expiry", "optional", "composite"]

# Two wrong repairs in one date may cancel out in its check digit; one never does.
MAX_REPAIRS: Final = 2

# A date there has two digits of its year. Nobody older shows a document at an exam, nor did when
# one that has expired was last good: with that, who was past ten then is of a known century.
OLDEST: Final = 110

_AS_DIGIT: Final = str.maketrans(DIGIT_LIKE, "00011258609112569")
_AS_LETTER: Final = str.maketrans("0125689", "OIZSGBG")
_SEX: Final = {"M": "M", "m": "M", "H": "M", "N": "M", "W": "M"} | dict.fromkeys("FfPE", "F")
_FILLER_LIKE: Final = str.maketrans("ck", FILLER * 2)
_WEIGHTS: Final = (7, 3, 1)
_VALUES: Final = {FILLER: 0} | {
    each: value for value, each in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
_HOLDS: Final = "the digit printed is the one the characters give"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check digit, and why it holds or does not."""

    name: CheckName
    holds: bool
    why: str  # for people; says nothing of what the document says


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrz:
    """What a zone says, without fillers."""

    format: Format
    code: str  # "P", "ID", "AC"
    issuer: str  # letters of ISO 3166 or ICAO: "UTO", "D"; "" where its line was not found
    number: str  # of the document, whole even where it is longer than its field
    nationality: str
    # None: a part of it is unknown, it is no day, or its century is open (see `births`).
    birth: date | None
    sex: str  # "M", "F", or "X" for what the zone leaves open
    expiry: date | None
    surname: str  # a space between words; a person of one name has it here
    given: str  # "" for a person of one name, and where the line of names was not found
    failed: tuple[str, ...]  # the names of check digits that do not hold
    lines: tuple[str, ...]  # as read, after repairs; ? for what was not read
    checks: tuple[Check, ...] = ()  # each, with its reason
    # Each day that the date of birth may be, earliest first: of two years a century apart, nothing
    # in the zone tells which. Empty where there is none, and in readings of older versions.
    births: tuple[date, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether every check digit holds, which is not whether the document is genuine."""
        return not self.failed

    @property
    def document(self) -> str:
        """What tells this document from any other; "" where a part of it may be misread.

        Number, birth and expiry, each with a check digit of its own that holds. Issuer and kind
        have none: of one document they could be read in two ways.
        """
        if not self.number or {"number", "birth", "expiry"} & set(self.failed):
            return ""
        # As printed: which century a date is in depends on the day of the reading.
        return "\0".join((self.number, self.born_as_printed, _printed(self.expiry)))

    @property
    def born_as_printed(self) -> str:
        """The date of birth as the zone has it, YYMMDD; "" where it is not known in full."""
        return _printed(self.births[0] if self.births else self.birth)


def check_digit(text: str) -> int | None:
    """Return the check digit of characters 0-9, A-Z and <; None if there is any other."""
    total = 0
    for place, character in enumerate(text):
        if character not in _VALUES:
            return None
        total += _VALUES[character] * _WEIGHTS[place % 3]
    return total % 10


def find(lines: Sequence[str], *, on: date) -> Mrz | None:
    """Find a zone among lines of text and read it.

    The lines may stand in any order, have spaces inside, be cut into pieces that follow each
    other, and have too few or too many of the fillers at their end. Of several zones the one
    whose shape fits best is read.

    Args:
        lines: What an OCR read, in its order.
        on: The day that decides centuries: an expiry is the day nearest to it, a birth none after
            it and none that makes anybody too old. Where that leaves two, both are returned.
    """
    zone = locate(lines)
    return _read(zone, on) if zone else None


def same(one: Mrz, other: Mrz) -> bool:
    """Whether two readings say the same of number, birth and expiry."""
    return not _differing(one, other)


def agreed(one: Mrz, other: Mrz | None) -> Mrz:
    """Return `one`, with the checks failed of those fields that another reading saw otherwise.

    A picture read in another size errs in other places. What two readings share is unlikely to
    be a misreading that check digits cannot see; where they differ, neither is believed.

    Where `other` is None no other reading found a zone, and nothing of `one` is believed.
    """
    doubted = _differing(one, other) if other else {"number", "birth", "expiry"}
    return _checked(
        one,
        [
            replace(check, holds=False, why="two readings of the picture do not agree")
            if check.name in doubted and check.holds
            else check
            for check in one.checks
        ],
    )


def _differing(one: Mrz, other: Mrz) -> set[str]:
    return {
        name
        for name, equal in (
            ("number", one.number == other.number),
            ("birth", one.born_as_printed == other.born_as_printed),
            ("expiry", one.expiry == other.expiry),
        )
        if not equal
    }


def _checked(mrz: Mrz, checks: Sequence[Check]) -> Mrz:
    failed = tuple(check.name for check in checks if not check.holds)
    return replace(mrz, checks=tuple(checks), failed=failed)


def _read(zone: Zone, on: date) -> Mrz:
    if zone.format == "TD1":
        names = zone.third
        number, optional = zone.first[5:15], zone.first[15:]
        birth, sex, expiry = zone.second[:7], zone.second[7], zone.second[8:15]
        nationality, rest = zone.second[15:18], zone.second[18:29]
    else:
        names = zone.first[5:]
        number, nationality = zone.second[:10], zone.second[10:13]
        birth, sex, expiry = zone.second[13:20], zone.second[20], zone.second[21:28]
        optional = rest = zone.second[28:-1]

    full, digit, doubt = _number(number, "" if zone.format == "TD3" else optional)
    head, nationality = _letters(zone.first[:5]), _letters(nationality)
    number, optional, rest = number[:9].upper() + _digits(number[9]), optional.upper(), rest.upper()
    if zone.format == "TD3":
        rest = rest[:-1] + _digits(rest[-1])
    born, expires, composite = _digits(birth), _digits(expiry), _digits(zone.second[-1])
    sex = _SEX.get(sex, FILLER)
    day_of_expiry = _expiry(expires[:6], on)
    expiry_check = _check("expiry", expires[:6], expires[6], _doubt(expiry, expires, day_of_expiry))
    births = _births(born[:6], on, day_of_expiry if expiry_check.holds else None)

    checks = [
        _check("number", full, digit, doubt),
        _check("birth", born[:6], born[6], _doubt(birth, born, births[-1] if births else None)),
        expiry_check,
    ]
    if zone.format == "TD1":
        over = number + optional + born + expires + rest
        dates = born + sex + expires + nationality + rest + composite
        lines: tuple[str, ...] = (head + number + optional, dates, _letters(names))
    else:
        over = number + born + expires + rest
        dates = number + nationality + born + sex + expires + rest + composite
        lines = (head + _letters(names), dates)
    if zone.format == "TD3":
        checks.append(_check("optional", rest[:-1], rest[-1]))
    checks.append(_check("composite", over, composite))

    surname, given = _names(names)
    mrz = Mrz(
        format=zone.format,
        code=head[:2].rstrip(FILLER),
        issuer=head[2:].rstrip(FILLER),
        number=full.replace(FILLER, ""),
        nationality=nationality.rstrip(FILLER),
        birth=births[0] if len(births) == 1 else None,
        sex="X" if sex == FILLER else sex,
        expiry=day_of_expiry,
        surname=surname,
        given=given,
        failed=(),
        lines=tuple(line for line in lines if line),
        births=births,
    )
    return _checked(mrz, checks)


def _number(field: str, optional: str) -> tuple[str, str, str]:
    """Return the number, its check digit, and why it is not believed; "" if it is.

    Args:
        field: Nine characters and the check digit, as read.
        optional: Where a longer number goes on, its check digit last; "" where none may.
            The filler in the check digit's place says that it does (parts 5 and 6).
    """
    number, digit = field[:9], field[9]
    more = optional.partition(FILLER)[0]
    if digit == FILLER and FILLER not in number and len(more) > 1:
        number, digit = number + more[:-1], more[-1]
    doubt = ""
    if any(map(str.islower, number)):
        doubt = "a character could be another: it looks like lower case, which no zone has"
    # To a check digit K is a filler, and an OCR often takes the one for the other.
    elif number.rstrip(FILLER).endswith("K"):
        doubt = "its last character is a K or a filler"
    return number.upper(), _digits(digit), doubt


def _check(name: CheckName, text: str, printed: str, doubt: str = "") -> Check:
    computed = check_digit(text)
    # An empty field may have a filler for its digit (part 4, section 4.2.2.2).
    right = printed == str(computed) or (printed == FILLER and not text.strip(FILLER))
    if computed is None or printed == UNREAD:
        why = "a character could not be read"
    elif not right:
        why = "the digit printed is not the one the characters give"
    else:
        why = doubt
    return Check(name=name, holds=not why, why=why or _HOLDS)


def _doubt(read: str, repaired: str, day: date | None) -> str:
    if sum(one != other for one, other in zip(read, repaired, strict=True)) > MAX_REPAIRS:
        return "too many of its digits were read as letters"
    # Unknown is a whole part, two fillers (part 3, section 4.8). One is a 0 that was not read: to
    # a check digit they are the same.
    unknown = "<<" in (repaired[:2], repaired[2:4], repaired[4:6])
    halves = any(repaired[at : at + 2].count(FILLER) == 1 for at in (0, 2, 4))
    if halves or (day is None and not unknown):
        return "it is no day of the calendar"
    return ""


def _digits(text: str) -> str:
    return text.translate(_AS_DIGIT)


def _letters(text: str) -> str:
    return text.upper().translate(_AS_LETTER)


def _births(yymmdd: str, on: date, expiry: date | None) -> tuple[date, ...]:
    """Return each day it may be: of two, only one where the other makes its holder too old.

    Args:
        yymmdd: As read.
        on: Nobody is born after it.
        expiry: None where it is not known. It says nothing of how young its holder is: what never
            expires may have a day of a century before.
    """
    years = (on.year - 200, on.year - 100, on.year)
    days = [day for year in years if (day := _day(yymmdd, year)) and day <= on]
    last = min(on, expiry or on)  # on it, the document was still good
    young = [day for day in days if last.year - day.year <= OLDEST]
    return tuple(young or days[-1:])


def _expiry(yymmdd: str, on: date) -> date | None:
    years = (on.year - 100, on.year, on.year + 100)
    days = [day for year in years if (day := _day(yymmdd, year))]
    return min(days, key=lambda day: abs(day - on), default=None)


def _printed(day: date | None) -> str:
    return f"{day:%y%m%d}" if day else ""


def _day(yymmdd: str, near: int) -> date | None:
    """Return the day in the century of the year `near`."""
    if not yymmdd.isdecimal():
        return None
    try:
        year = near // 100 * 100 + int(yymmdd[:2])
        return date(year, int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        return None


def _names(field: str) -> tuple[str, str]:
    """Return surname and given names: two fillers between them, one between words.

    Three fillers end them, whatever an OCR made of the fillers after that.
    """
    # Lower case among upper: a c or k is a filler more often than a letter.
    plain = field.translate(_FILLER_LIKE).replace(UNREAD, "")
    surname, _, given = _letters(plain.partition(FILLER * 3)[0]).partition(FILLER * 2)
    given = given.partition(FILLER * 2)[0]
    return _words(surname), _words(given)


def _words(field: str) -> str:
    return " ".join(word for word in field.split(FILLER) if word)
