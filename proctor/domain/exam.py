"""An exam as it is published: sections, items, and the key that learners never see.

A definition that breaks a bound cannot be made: the constructors refuse it. A published exam is
never edited; another definition is another digest (`adapters/exams.py`).

Refusal
├── BadExam                 its pass mark, window or an id is impossible
├── ExamWithoutSections
├── TooManySections
├── BadSection              its limit is impossible, or it has no items
├── TooManyItems
├── DuplicateId
├── BadItem                 its points, choices, file bounds or key are impossible
├── UnknownSection          asked for a section which the exam does not have
└── BadResponse             a learner's answer has the wrong shape or breaks a bound
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, assert_never

from proctor.domain.errors import Refusal

MAX_SECTIONS = 100
MAX_ITEMS = 500  # a section
MAX_CHOICES = 26  # an item: one for each letter
MAX_POINTS = 1000
MAX_LIMIT = timedelta(hours=24)
MAX_UPLOAD_BYTES = 4 * 1024 * 1024  # what a blob of evidence may be
MAX_FILL_IN_CHARS = 1000
MAX_IMAGES = 20  # an item
MAX_IMAGE_BYTES = 1024 * 1024
MAX_SHORT_TEXT_CHARS = 20_000
# A response travels in a record, and a record's line ends at 64 KiB.
MAX_SHORT_TEXT_BYTES = 60_000

_ID = re.compile(r"[a-z0-9-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadExam(Refusal):
    code = "bad-exam"

    def __init__(self, *, exam_id: str, problem: str) -> None:
        super().__init__(f"exam {exam_id}: {problem}")
        self.exam_id = exam_id
        self.problem = problem


class ExamWithoutSections(Refusal):
    code = "exam-without-sections"

    def __init__(self, *, exam_id: str) -> None:
        super().__init__(f"exam {exam_id} has no sections")
        self.exam_id = exam_id


class TooManySections(Refusal):
    code = "too-many-sections"

    def __init__(self, *, exam_id: str, found: int) -> None:
        super().__init__(f"exam {exam_id} has {found} sections; at most {MAX_SECTIONS} are allowed")
        self.exam_id = exam_id
        self.found = found
        self.at_most = MAX_SECTIONS


class BadSection(Refusal):
    code = "bad-section"

    def __init__(self, *, section_id: str, problem: str) -> None:
        super().__init__(f"section {section_id}: {problem}")
        self.section_id = section_id
        self.problem = problem


class TooManyItems(Refusal):
    code = "too-many-items"

    def __init__(self, *, section_id: str, found: int) -> None:
        super().__init__(f"section {section_id} has {found} items; at most {MAX_ITEMS} are allowed")
        self.section_id = section_id
        self.found = found
        self.at_most = MAX_ITEMS


class DuplicateId(Refusal):
    code = "duplicate-id"

    def __init__(self, *, what: str, duplicate: str) -> None:
        super().__init__(f"two of the {what}s are named {duplicate}")
        self.what = what  # "section", "item" or "choice"
        self.duplicate = duplicate


class BadItem(Refusal):
    code = "bad-item"

    def __init__(self, *, item_id: str, problem: str) -> None:
        super().__init__(f"item {item_id}: {problem}")
        self.item_id = item_id
        self.problem = problem


class UnknownSection(Refusal):
    code = "unknown-section"

    def __init__(self, *, exam_id: str, section_id: str) -> None:
        super().__init__(f"exam {exam_id} has no section {section_id}")
        self.exam_id = exam_id
        self.section_id = section_id


class BadResponse(Refusal):
    code = "bad-response"

    def __init__(self, *, item_id: str, item_kind: str, expected: str) -> None:
        super().__init__(f"item {item_id} is {item_kind}: expected {expected}")
        self.item_id = item_id
        self.item_kind = item_kind
        self.expected = expected


class Kind(StrEnum):
    SINGLE_CHOICE = "single-choice"
    MULTIPLE_CHOICE = "multiple-choice"
    FILL_IN = "fill-in"
    SHORT_TEXT = "short-text"  # scored by people
    FILE_UPLOAD = "file-upload"  # scored by people


IMAGE_TYPES = ("image/png", "image/jpeg")
BY_PEOPLE = frozenset({Kind.SHORT_TEXT, Kind.FILE_UPLOAD})
BY_CHOICE = frozenset({Kind.SINGLE_CHOICE, Kind.MULTIPLE_CHOICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceKey:
    right: tuple[str, ...]  # ids of the right choices, sorted; exactly one if single-choice


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberKey:
    """Right is a number with |number - value| <= max(within, relative * |value|)."""

    value: Fraction
    within: Fraction  # absolute, >= 0
    relative: Fraction  # dimensionless, >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKey:
    accept: tuple[str, ...]  # compared with case and spaces folded


Key = ChoiceKey | NumberKey | TextKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    id: str
    text: str  # Markdown source
    html: str  # sanitised


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that an item's HTML shows as <img src="sha256:…">."""

    sha256: str
    type: str  # IMAGE_TYPES
    size: int  # bytes, at most MAX_IMAGE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question. Raises BadItem or DuplicateId if it cannot be asked or scored."""

    id: str
    kind: Kind
    points: Fraction  # > 0, at most MAX_POINTS
    text: str  # Markdown source, for a terminal
    html: str  # the same, rendered and sanitised
    choices: tuple[Choice, ...] = ()
    partial: bool = False  # multiple-choice: see `scoring.py`
    max_bytes: int | None = None  # file-upload: of the file, 1 to MAX_UPLOAD_BYTES
    suffixes: tuple[str, ...] = ()  # file-upload: ".pdf", lower case, at least one
    key: Key | None = None  # None where people score, and in whatever a learner is sent
    images: tuple[Image, ...] = ()  # each once

    def __post_init__(self) -> None:
        if problem := _item_problem(self):
            raise BadItem(item_id=self.id, problem=problem)
        _refuse_duplicates("choice", (choice.id for choice in self.choices))
        if problem := _key_problem(self):
            raise BadItem(item_id=self.id, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    id: str
    title: str
    limit: timedelta  # before any allowance: whole seconds, 1 s to 24 h
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BadSection(section_id=self.id, problem=ID_RULE)
        if not timedelta(seconds=1) <= self.limit <= MAX_LIMIT or self.limit.microseconds:
            problem = f"its limit is {self.limit}; it must be whole seconds, 1 s to 24 h"
            raise BadSection(section_id=self.id, problem=problem)
        if not self.items:
            raise BadSection(section_id=self.id, problem="it has no items")
        if len(self.items) > MAX_ITEMS:
            raise TooManyItems(section_id=self.id, found=len(self.items))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When an exam may be sat: [start, end), aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Raises one of this module's refusals if a bound is broken."""

    id: str
    title: str
    programme: str
    policy_id: str
    sections: tuple[Section, ...]
    window: Window | None = None  # None: always open
    pass_mark: Fraction = Fraction(3, 5)  # share of all points, 0 to 1
    in_order: bool = False  # sections only open in the order given

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or not _ID.fullmatch(self.policy_id):
            raise BadExam(exam_id=self.id, problem=ID_RULE)
        if not 0 <= self.pass_mark <= 1:
            raise BadExam(exam_id=self.id, problem="its pass mark is outside 0 to 1")
        if self.window and not _is_window(self.window):
            problem = "its window must start before it ends, both in UTC"
            raise BadExam(exam_id=self.id, problem=problem)
        if not self.sections:
            raise ExamWithoutSections(exam_id=self.id)
        if len(self.sections) > MAX_SECTIONS:
            raise TooManySections(exam_id=self.id, found=len(self.sections))
        _refuse_duplicates("section", (section.id for section in self.sections))
        # Responses are kept by item id alone, so it is unique in the whole exam.
        _refuse_duplicates("item", (item.id for item in self.items))

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for section in self.sections for item in section.items)

    def section(self, section_id: str) -> Section:
        for section in self.sections:
            if section.id == section_id:
                return section
        raise UnknownSection(exam_id=self.id, section_id=section_id)


ID_RULE = "an id is 1 to 64 of a-z, 0-9 and -"


def image_of(section: Section, sha256: str) -> Image | None:
    """Return an image that an item of this section shows; None where none does."""
    images = (image for item in section.items for image in item.images)
    return next((image for image in images if image.sha256 == sha256), None)


def without_keys(exam: Exam) -> Exam:
    """Return the exam as learners may know it."""
    return replace(
        exam,
        sections=tuple(
            replace(section, items=tuple(replace(item, key=None) for item in section.items))
            for section in exam.sections
        ),
    )


def learner_section(exam: Exam, section_id: str) -> dict[str, Any]:
    """Return what a learner is sent of one section: JSON-able, and never a key.

    Fields are named one by one, so that a field added to `Item` stays here until someone lets it
    out. Raises UnknownSection.
    """
    section = exam.section(section_id)
    return {
        "id": section.id,
        "title": section.title,
        "limit_s": section.limit // timedelta(seconds=1),
        "items": [_learner_item(item) for item in section.items],
    }


def _learner_item(item: Item) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": item.id,
        "kind": item.kind.value,
        # For display only; scores are computed from the exact fraction.
        "points": int(item.points) if item.points.denominator == 1 else float(item.points),
        "text": item.text,
        "html": item.html,
    }
    if item.images:
        shown["images"] = [
            {"sha256": each.sha256, "type": each.type, "size": each.size} for each in item.images
        ]
    if item.kind in BY_CHOICE:
        shown["choices"] = [{"id": c.id, "text": c.text, "html": c.html} for c in item.choices]
    if item.kind is Kind.FILE_UPLOAD:
        shown["max_bytes"] = item.max_bytes
        shown["suffixes"] = list(item.suffixes)
    return shown


def check_response(item: Item, response: object) -> None:
    """Raise BadResponse unless the response has the item's shape and keeps its bounds.

    A response is JSON as an `answer` record carries it:

    single-choice    a choice's id
    multiple-choice  a list of choice ids, sorted, each once; may be empty
    fill-in          text, at most 1,000 characters
    short-text       text, at most 20,000 characters and 60,000 bytes of UTF-8
    file-upload      {"name": "work.pdf", "sha256": 64 lower-case hex digits, "size": bytes}
    """
    expected = _unmet(item, response)
    if expected:
        raise BadResponse(item_id=item.id, item_kind=item.kind.value, expected=expected)


def _unmet(item: Item, response: object) -> str:
    ids = [choice.id for choice in item.choices]
    match item.kind:
        case Kind.SINGLE_CHOICE:
            ok = isinstance(response, str) and response in ids
            return "" if ok else f"one of {', '.join(ids)}"
        case Kind.MULTIPLE_CHOICE:
            ok = (
                isinstance(response, Sequence)
                and not isinstance(response, str)
                and all(isinstance(one, str) and one in ids for one in response)
                and list(response) == sorted(set(response))
            )
            return "" if ok else f"a sorted list, without repeats, of {', '.join(ids)}"
        case Kind.FILL_IN:
            ok = _is_text(response, MAX_FILL_IN_CHARS)
            return "" if ok else f"text of at most {MAX_FILL_IN_CHARS} characters"
        case Kind.SHORT_TEXT:
            ok = _is_text(response, MAX_SHORT_TEXT_CHARS)
            return (
                ""
                if ok
                else (
                    f"text of at most {MAX_SHORT_TEXT_CHARS} characters and "
                    f"{MAX_SHORT_TEXT_BYTES} bytes, without control characters"
                )
            )
        case Kind.FILE_UPLOAD:
            return (
                ""
                if _is_file(item, response)
                else (
                    f"name ending in {' or '.join(item.suffixes)}, sha256, "
                    f"and size from 1 to {item.max_bytes}"
                )
            )
        case _:
            assert_never(item.kind)


def _is_text(value: object, max_chars: int) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= max_chars
        and len(value.encode("utf-8", "replace")) <= MAX_SHORT_TEXT_BYTES
        # Cc: a control character, six bytes in JSON. Cs: half a character, no UTF-8 at all.
        and all(c in "\t\n\r" or unicodedata.category(c) not in {"Cc", "Cs"} for c in value)
    )


def _is_file(item: Item, value: object) -> bool:
    assert item.max_bytes is not None
    if not isinstance(value, Mapping) or set(value) != {"name", "sha256", "size"}:
        return False
    name, sha256, size = value["name"], value["sha256"], value["size"]
    return (
        _is_text(name, 255)
        and not any(c in "/\\\t\n\r" for c in name)
        and name.casefold().endswith(item.suffixes)
        and isinstance(sha256, str)
        and _SHA256.fullmatch(sha256) is not None
        and type(size) is int  # JSON's true is an int to isinstance
        and 1 <= size <= item.max_bytes
    )


def _images_problem(images: Sequence[Image]) -> str:
    if len(images) > MAX_IMAGES:
        return f"it has {len(images)} images; at most {MAX_IMAGES} are allowed"
    if not all(
        _SHA256.fullmatch(one.sha256)
        and one.type in IMAGE_TYPES
        and 0 < one.size <= MAX_IMAGE_BYTES
        for one in images
    ):
        return f"an image is PNG or JPEG, at most {MAX_IMAGE_BYTES} bytes, named by its SHA-256"
    return ""


def _is_window(window: Window) -> bool:
    utc = all(instant.utcoffset() == timedelta(0) for instant in (window.start, window.end))
    return utc and window.start < window.end


def _refuse_duplicates(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise DuplicateId(what=what, duplicate=one)
        seen.add(one)


def _item_problem(item: Item) -> str:
    if problem := _images_problem(item.images):
        return problem
    if not all(_ID.fullmatch(one) for one in (item.id, *(c.id for c in item.choices))):
        return ID_RULE
    if not 0 < item.points <= MAX_POINTS:
        return f"its points must be above 0 and at most {MAX_POINTS}"
    if item.kind in BY_CHOICE and not 2 <= len(item.choices) <= MAX_CHOICES:  # noqa: PLR2004 - a choice needs two
        return f"it has {len(item.choices)} choices; 2 to {MAX_CHOICES} are needed"
    if item.kind not in BY_CHOICE and item.choices:
        return f"{item.kind} has no choices"
    if item.partial and item.kind is not Kind.MULTIPLE_CHOICE:
        return f"{item.kind} has no partial points"
    if item.kind is not Kind.FILE_UPLOAD:
        return f"{item.kind} takes no file" if item.max_bytes or item.suffixes else ""
    if item.max_bytes is None or not 1 <= item.max_bytes <= MAX_UPLOAD_BYTES:
        return f"max_bytes must be 1 to {MAX_UPLOAD_BYTES}"
    if not item.suffixes or not all(re.fullmatch(r"(\.[a-z0-9]+)+", s) for s in item.suffixes):
        return 'suffixes must name at least one, like ".pdf", in lower case'
    return ""


def _key_problem(item: Item) -> str:
    match item.key:
        case None:
            return ""
        case ChoiceKey(right=right):
            if item.kind not in BY_CHOICE:
                return f"{item.kind} has no right choice"
            if not right:
                return "none of its choices is right"
            if list(right) != sorted(set(right)):
                return "its right choices must be named in order, each once"
            if not set(right) <= {choice.id for choice in item.choices}:
                return "its key names a choice which it does not have"
            if item.kind is Kind.SINGLE_CHOICE and len(right) > 1:
                return f"single-choice has exactly one right choice, not {len(right)}"
            return ""
        case NumberKey() as key:
            if item.kind is not Kind.FILL_IN:
                return f"{item.kind} has no right number"
            return "its tolerance is below 0" if min(key.within, key.relative) < 0 else ""
        case TextKey(accept=accept):
            if item.kind is not Kind.FILL_IN:
                return f"{item.kind} has no accepted strings"
            return "" if accept and all(s.strip() for s in accept) else "it accepts only nothing"
        case _:
            assert_never(item.key)
