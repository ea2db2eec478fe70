"""Points: exact, and by a machine only where a machine can be sure.

single-choice    all points for the right choice.
multiple-choice  all points for exactly the right choices, none otherwise. If the item is `partial`:
                 (right ones ticked - wrong ones ticked) / number of right ones, never below 0.
fill-in          a number within the key's tolerance, bounds included, compared as fractions; or
                 one of the accepted strings, case, width and spaces folded.
short-text,      awaiting a person, unless left empty; then 0. A person's points come as `marks`,
file-upload      of which a later one replaces an earlier one until the learner has read it.

How a number is read: `0.5`, `.5`, `0,5`, `1/2`, `5e-1`, `1,234.5`; a sign before it, spaces around
it, full-width digits and the minus U+2212 are all fine. `1,234` is a thousand to some readers and
one and a bit to others, so it counts if either reading is right: nobody loses a point to the
notation learned at school. There is no unit and no percent sign.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from proctor.domain.errors import Refusal
from proctor.domain.exam import (
    BY_PEOPLE,
    BadResponse,
    ChoiceKey,
    Exam,
    Item,
    NumberKey,
    TextKey,
    check_response,
)

# Of a session, which is one row: every answer corrected several times.
MAX_MARKS = 500


class BadMark(Refusal):
    code = "bad-mark"

    def __init__(self, *, item_id: str, problem: str) -> None:
        super().__init__(f"item {item_id}: {problem}")
        self.item_id = item_id
        self.problem = problem


class MarkChanged(Refusal):
    code = "mark-changed"

    def __init__(self, *, item_id: str, points: float | None, by: str) -> None:
        super().__init__(f"meanwhile {by} has marked this answer: look again")
        self.item_id = item_id
        self.points = points  # None: nobody has marked it
        self.by = by


class MarkReleased(Refusal):
    code = "mark-released"

    def __init__(self, *, item_id: str) -> None:
        super().__init__("the result is released, and the learner has read this mark: it stays")
        self.item_id = item_id


class TooManyMarks(Refusal):
    code = "too-many-marks"

    def __init__(self) -> None:
        super().__init__(f"a session has at most {MAX_MARKS} marks, replaced ones among them")
        self.at_most = MAX_MARKS


class Outcome(StrEnum):
    SCORED = "scored"
    UNANSWERED = "unanswered"  # no response, or an empty one: 0 points
    AWAITING = "awaiting"  # a person must score it: 0 points so far
    UNREADABLE = "unreadable"  # `check_response` refuses it: 0 points, for a person to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The points that a person gave to one answer: never changed, but replaced by later ones."""

    item: str
    points: Decimal  # 0 to the item's
    by: str  # the login name
    at: datetime  # aware UTC, server clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScore:
    item_id: str
    points: Fraction  # 0 to possible
    possible: Fraction
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionScore:
    section_id: str
    points: Fraction
    possible: Fraction
    items: tuple[ItemScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    points: Fraction  # so far
    possible: Fraction  # > 0
    sections: tuple[SectionScore, ...]
    awaiting: tuple[str, ...]  # ids of the items which people must still score
    passed: bool | None  # None: what people still decide can change it

    @property
    def share(self) -> Fraction:
        """Of all points, 0 to 1."""
        return self.points / self.possible


def score(
    exam: Exam, responses: Mapping[str, object], *, marks: Mapping[str, Fraction] | None = None
) -> Score:
    """Score one learner's responses.

    Args:
        exam: With its keys: an item without one, where a machine scores, is a programming error.
        responses: Item id to response, in the shapes of `exam.check_response`. A malformed one
            earns nothing and is `UNREADABLE`; one to an item which the exam lacks is ignored.
        marks: Item id to the points people gave, 0 to the item's points.

    Raises:
        BadMark: A mark is out of bounds, or is for an item which awaits nobody.
    """
    given = marks or {}
    sections = []
    for section in exam.sections:
        items = tuple(
            _item_score(item, responses.get(item.id), given.get(item.id)) for item in section.items
        )
        sections.append(
            SectionScore(
                section_id=section.id,
                points=sum((one.points for one in items), Fraction(0)),
                possible=sum((one.possible for one in items), Fraction(0)),
                items=items,
            )
        )
    _refuse_stray_marks(exam, given)
    waiting = [one for part in sections for one in part.items if one.outcome is Outcome.AWAITING]
    points = sum((part.points for part in sections), Fraction(0))
    possible = sum((part.possible for part in sections), Fraction(0))
    needed = exam.pass_mark * possible
    passed: bool | None = None
    if points >= needed:
        passed = True  # people can only add
    elif points + sum(one.possible for one in waiting) < needed:
        passed = False
    return Score(
        points=points,
        possible=possible,
        sections=tuple(sections),
        awaiting=tuple(one.item_id for one in waiting),
        passed=passed,
    )


def latest_marks(marks: Sequence[Mark]) -> dict[str, Mark]:
    """Return the mark that counts of each item, by its id."""
    return {each.item: each for each in marks}


def give_mark(
    marks: Sequence[Mark],
    mark: Mark,
    *,
    was: Decimal | None,
    exam: Exam,
    responses: Mapping[str, object],
    released: bool,
) -> tuple[Mark, ...]:
    """Return all marks with one more; as they are where the same points count already.

    Args:
        marks: All that were given, oldest first.
        mark: What is given now.
        was: The points that whoever gives it saw; None where there were none.
        exam: With its keys.
        responses: As `score`.
        released: The learner reads the result. What nobody had marked by then can be marked still.

    Raises:
        BadMark: It is out of bounds, or for an item which awaits nobody.
        MarkChanged: Another counts now than was seen.
        MarkReleased: The learner has read the one that counts.
        TooManyMarks: There are as many as are kept.
    """
    score(exam, responses, marks={mark.item: Fraction(mark.points)})
    counts = latest_marks(marks).get(mark.item)
    if counts is not None and counts.points == mark.points:
        return tuple(marks)
    if counts is not None and released:
        raise MarkReleased(item_id=mark.item)
    if (None if counts is None else counts.points) != was:
        points = None if counts is None else float(counts.points)
        raise MarkChanged(item_id=mark.item, points=points, by=counts.by if counts else "nobody")
    if len(marks) >= MAX_MARKS:
        raise TooManyMarks
    return (*marks, mark)


def _refuse_stray_marks(exam: Exam, marks: Mapping[str, Fraction]) -> None:
    strays = sorted(set(marks) - {item.id for item in exam.items})
    if strays:
        raise BadMark(item_id=strays[0], problem="the exam has no such item")


def _item_score(item: Item, response: object, mark: Fraction | None) -> ItemScore:
    outcome, points = _judge(item, response)
    if mark is not None:
        if outcome is not Outcome.AWAITING:
            raise BadMark(item_id=item.id, problem=f"it is {outcome}, not awaiting a person")
        if not 0 <= mark <= item.points:
            raise BadMark(item_id=item.id, problem=f"its mark must be 0 to {item.points}")
        outcome, points = Outcome.SCORED, mark
    return ItemScore(item_id=item.id, points=points, possible=item.points, outcome=outcome)


def _judge(item: Item, response: object) -> tuple[Outcome, Fraction]:
    nothing = Fraction(0)
    if response is None or (isinstance(response, str) and not response.strip()):
        return Outcome.UNANSWERED, nothing
    try:
        check_response(item, response)
    except BadResponse:
        return Outcome.UNREADABLE, nothing
    if item.kind in BY_PEOPLE:
        return Outcome.AWAITING, nothing
    return Outcome.SCORED, item.points * _share(item, response)


def _share(item: Item, response: object) -> Fraction:
    """Return the share of the item's points that a well-formed response earns, 0 to 1."""
    match item.key:
        case ChoiceKey(right=right):
            assert isinstance(response, (str, list, tuple))
            ticked = {response} if isinstance(response, str) else set(response)
            if not item.partial:
                return Fraction(ticked == set(right))
            hits = len(ticked & set(right))
            return max(Fraction(0), Fraction(2 * hits - len(ticked), len(right)))
        case NumberKey() as key:
            assert isinstance(response, str)
            room = max(key.within, key.relative * abs(key.value))
            return Fraction(any(abs(n - key.value) <= room for n in readings(response)))
        case TextKey(accept=accept):
            assert isinstance(response, str)
            return Fraction(fold(response) in {fold(one) for one in accept})
        case _:
            raise AssertionError(f"item {item.id} is to be scored without its key")


def fold(text: str) -> str:
    """Return the text with case, width and runs of white space made alike."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x2212: "-"}
_PLAIN = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
# Three digits of exponent: a longer one only serves to fill the memory.
_DECIMAL = re.compile(rf"([+-]?{_PLAIN}(?:[eE][+-]?[0-9]{{1,3}})?)")
_RATIO = re.compile(rf"([+-]?{_PLAIN})\s*/\s*({_PLAIN})")
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")
MAX_NUMBER_CHARS = 64


def readings(text: str) -> frozenset[Fraction]:
    """Return every number that the text may be read as: none, one, or two for `1,234`."""
    text = text.translate(_WIDE).strip()
    found: set[Fraction] = set()
    if len(text) > MAX_NUMBER_CHARS:
        return frozenset()
    if _DECIMAL.fullmatch(text):
        found.add(Fraction(text))
    if (ratio := _RATIO.fullmatch(text)) and Fraction(ratio[2]):
        found.add(Fraction(ratio[1]) / Fraction(ratio[2]))
    if _COMMA.fullmatch(text):
        found.add(Fraction(text.replace(",", ".")))
    if _THOUSANDS.fullmatch(text):
        found.add(Fraction(text.replace(",", "")))
    return frozenset(found)
