import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest

from proctor.domain.errors import Refusal
from proctor.domain.exam import (
    BadExam,
    BadItem,
    BadResponse,
    BadSection,
    Choice,
    ChoiceKey,
    DuplicateId,
    Exam,
    ExamWithoutSections,
    Image,
    Item,
    Key,
    Kind,
    NumberKey,
    Section,
    TextKey,
    TooManyItems,
    TooManySections,
    UnknownSection,
    Window,
    check_response,
    image_of,
    learner_section,
    without_keys,
)

NUMBER = NumberKey(value=Fraction(1, 2), within=Fraction(0), relative=Fraction(0))
START = datetime(2026, 6, 1, tzinfo=UTC)


def choices(ids: str = "abc") -> tuple[Choice, ...]:
    return tuple(Choice(id=c, text=f"*{c}*", html=f"<em>{c}</em>") for c in ids)


def item(item_id: str = "one", kind: Kind = Kind.FILL_IN, key: Key | None = NUMBER) -> Item:
    return Item(id=item_id, kind=kind, points=Fraction(1), text="?", html="<p>?</p>", key=key)


SINGLE = Item(
    id="single",
    kind=Kind.SINGLE_CHOICE,
    points=Fraction(3, 2),
    text="?",
    html="<p>?</p>",
    choices=choices(),
    key=ChoiceKey(right=("b",)),
)
MULTIPLE = replace(
    SINGLE, id="multiple", kind=Kind.MULTIPLE_CHOICE, key=ChoiceKey(right=("a", "c")), partial=True
)
FILL_IN = item("fill-in")
SHORT = item("short", Kind.SHORT_TEXT, None)
UPLOAD = Item(
    id="upload",
    kind=Kind.FILE_UPLOAD,
    points=Fraction(1),
    text="?",
    html="<p>?</p>",
    max_bytes=1000,
    suffixes=(".pdf", ".tar.gz"),
)

IMAGE = Image(sha256="a" * 64, type="image/png", size=9)


def section(section_id: str = "part-a", *items: Item) -> Section:
    return Section(
        id=section_id, title="Part A", limit=timedelta(hours=2), items=items or (item(),)
    )


def exam(*sections: Section) -> Exam:
    return Exam(id="e", title="E", programme="P", policy_id="demo", sections=sections)


WHOLE = exam(section("part-a", SINGLE, MULTIPLE), section("part-b", FILL_IN, SHORT, UPLOAD))


def test_an_exam_passes_at_sixty_per_cent_and_is_always_open_unless_told_otherwise() -> None:
    assert WHOLE.pass_mark == Fraction(3, 5)
    assert WHOLE.window is None
    assert not WHOLE.in_order


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        pytest.param(exam, ExamWithoutSections, id="no sections"),
        pytest.param(
            lambda: exam(*(section(f"s{n}", item(f"i{n}")) for n in range(101))),
            TooManySections,
            id="101 sections",
        ),
        pytest.param(lambda: exam(*[section()] * 10_000), TooManySections, id="10,000 sections"),
        pytest.param(
            lambda: exam(section("a"), section("a", item("two"))), DuplicateId, id="section twice"
        ),
        pytest.param(
            lambda: exam(section("a"), section("b")), DuplicateId, id="item in two sections"
        ),
        pytest.param(lambda: exam(section("a", item(), item())), DuplicateId, id="item twice"),
        pytest.param(
            lambda: replace(SINGLE, choices=choices("aba")), DuplicateId, id="choice twice"
        ),
        pytest.param(
            lambda: section("a", *(item(f"i{n}") for n in range(501))), TooManyItems, id="501 items"
        ),
        pytest.param(lambda: replace(section(), items=()), BadSection, id="no items"),
        pytest.param(lambda: section("Part A"), BadSection, id="section id with a space"),
        pytest.param(
            lambda: replace(section(), limit=timedelta(0)), BadSection, id="limit of nothing"
        ),
        pytest.param(
            lambda: replace(section(), limit=timedelta(hours=24, seconds=1)),
            BadSection,
            id="limit over 24 h",
        ),
        pytest.param(
            lambda: replace(section(), limit=timedelta(seconds=1.5)),
            BadSection,
            id="limit of half seconds",
        ),
        pytest.param(lambda: replace(WHOLE, id="é"), BadExam, id="exam id not ASCII"),
        pytest.param(lambda: replace(WHOLE, policy_id=""), BadExam, id="no policy"),
        pytest.param(
            lambda: replace(WHOLE, pass_mark=Fraction(11, 10)), BadExam, id="pass mark over 1"
        ),
        pytest.param(
            lambda: replace(WHOLE, pass_mark=Fraction(-1)), BadExam, id="pass mark below 0"
        ),
        pytest.param(
            lambda: replace(WHOLE, window=Window(start=START, end=START)),
            BadExam,
            id="empty window",
        ),
        pytest.param(
            lambda: replace(
                WHOLE,
                window=Window(
                    start=START.replace(tzinfo=None),
                    end=START.replace(tzinfo=None, year=2027),
                ),
            ),
            BadExam,
            id="window without a zone",
        ),
        pytest.param(
            lambda: replace(
                WHOLE,
                window=Window(
                    start=START, end=datetime(2027, 1, 1, tzinfo=timezone(timedelta(hours=1)))
                ),
            ),
            BadExam,
            id="window not in UTC",
        ),
        pytest.param(lambda: item("-" * 65), BadItem, id="item id of 65"),
        pytest.param(lambda: item("one\n"), BadItem, id="item id ends its line"),
        pytest.param(
            lambda: replace(SINGLE, choices=choices("aB")), BadItem, id="choice id in capitals"
        ),
        pytest.param(lambda: replace(SHORT, images=(IMAGE,) * 21), BadItem, id="21 images"),
        pytest.param(
            lambda: replace(SHORT, images=(replace(IMAGE, sha256="A" * 64),)),
            BadItem,
            id="image without a digest",
        ),
        pytest.param(
            lambda: replace(SHORT, images=(replace(IMAGE, type="image/svg+xml"),)),
            BadItem,
            id="image that may hold a script",
        ),
        pytest.param(
            lambda: replace(SHORT, images=(replace(IMAGE, size=0),)), BadItem, id="empty image"
        ),
        pytest.param(
            lambda: replace(SHORT, images=(replace(IMAGE, size=1024**2 + 1),)),
            BadItem,
            id="image over 1 MiB",
        ),
        pytest.param(lambda: replace(SHORT, points=Fraction(0)), BadItem, id="no points"),
        pytest.param(lambda: replace(SHORT, points=Fraction(1001)), BadItem, id="1,001 points"),
        pytest.param(lambda: replace(SINGLE, choices=choices("b")), BadItem, id="one choice"),
        pytest.param(
            lambda: replace(SINGLE, choices=choices("abcdefghijklmnopqrstuvwxyz0")),
            BadItem,
            id="27 choices",
        ),
        pytest.param(
            lambda: replace(FILL_IN, choices=choices()), BadItem, id="choices of a fill-in"
        ),
        pytest.param(lambda: replace(SINGLE, partial=True), BadItem, id="half of a single choice"),
        pytest.param(lambda: replace(SHORT, max_bytes=1), BadItem, id="bytes of a text"),
        pytest.param(lambda: replace(SHORT, suffixes=(".a",)), BadItem, id="suffix of a text"),
        pytest.param(lambda: replace(UPLOAD, max_bytes=None), BadItem, id="file without a bound"),
        pytest.param(lambda: replace(UPLOAD, max_bytes=0), BadItem, id="file of 0 bytes"),
        pytest.param(
            lambda: replace(UPLOAD, max_bytes=4 * 1024**2 + 1), BadItem, id="file over 4 MiB"
        ),
        pytest.param(lambda: replace(UPLOAD, suffixes=()), BadItem, id="file of no suffix"),
        pytest.param(lambda: replace(UPLOAD, suffixes=("pdf",)), BadItem, id="suffix without dot"),
        pytest.param(
            lambda: replace(FILL_IN, key=ChoiceKey(right=("a",))), BadItem, id="fill-in by choice"
        ),
        pytest.param(
            lambda: replace(SINGLE, key=ChoiceKey(right=())), BadItem, id="no right choice"
        ),
        pytest.param(
            lambda: replace(MULTIPLE, key=ChoiceKey(right=("c", "a"))), BadItem, id="key unsorted"
        ),
        pytest.param(
            lambda: replace(SINGLE, key=ChoiceKey(right=("z",))), BadItem, id="key names a stranger"
        ),
        pytest.param(
            lambda: replace(SINGLE, key=ChoiceKey(right=("a", "b"))),
            BadItem,
            id="two right single choices",
        ),
        pytest.param(lambda: replace(SHORT, key=NUMBER), BadItem, id="short text by number"),
        pytest.param(
            lambda: replace(FILL_IN, key=replace(NUMBER, within=Fraction(-1))),
            BadItem,
            id="tolerance below 0",
        ),
        pytest.param(
            lambda: replace(SINGLE, key=TextKey(accept=("b",))), BadItem, id="choice by text"
        ),
        pytest.param(
            lambda: replace(FILL_IN, key=TextKey(accept=())), BadItem, id="accepts nothing"
        ),
        pytest.param(
            lambda: replace(FILL_IN, key=TextKey(accept=("x", " "))), BadItem, id="accepts blanks"
        ),
    ],
)
def test_an_exam_that_breaks_a_bound_cannot_be_made(
    make: Callable[[], object], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as caught:
        make()

    assert type(caught.value) is refusal
    json.dumps(caught.value.facts())


def test_a_refusal_of_too_many_sections_says_how_many_are_allowed() -> None:
    with pytest.raises(TooManySections, match="10000 sections; at most 100") as caught:
        exam(*[section()] * 10_000)

    assert caught.value.code == "too-many-sections"
    assert caught.value.facts() == {"exam_id": "e", "found": 10_000, "at_most": 100}


def test_an_exam_on_every_bound_can_be_made() -> None:
    full = section("a", *(item(f"i{n}") for n in range(500)))
    day = replace(full, limit=timedelta(hours=24))
    rest = (
        Section(id=f"s{n}", title="S", limit=timedelta(seconds=1), items=(item(f"s{n}"),))
        for n in range(99)
    )
    window = Window(start=START, end=START + timedelta(microseconds=1))

    made = replace(exam(day, *rest), window=window, pass_mark=Fraction(1))

    assert len(made.items) == 599
    assert replace(FILL_IN, key=TextKey(accept=("yes",))).key == TextKey(accept=("yes",))
    assert replace(UPLOAD, max_bytes=4 * 1024**2).max_bytes == 4 * 1024**2


def test_an_image_is_of_the_section_that_shows_it() -> None:
    shown = section("a", replace(SHORT, images=(IMAGE,)))

    assert image_of(shown, IMAGE.sha256) == IMAGE
    assert image_of(shown, "b" * 64) is None
    assert image_of(section("b", SHORT), IMAGE.sha256) is None
    (item,) = learner_section(exam(shown), "a")["items"]
    assert item["images"] == [{"sha256": "a" * 64, "type": "image/png", "size": 9}]


def test_an_exam_without_keys_has_everything_else() -> None:
    bare = without_keys(WHOLE)

    assert [one.key for one in bare.items] == [None] * 5
    assert [replace(one, key=None) for one in WHOLE.items] == list(bare.items)
    assert replace(bare, sections=WHOLE.sections) == WHOLE


def test_a_learner_is_sent_every_question_and_no_key() -> None:
    assert learner_section(WHOLE, "part-a") == learner_section(without_keys(WHOLE), "part-a")
    assert learner_section(WHOLE, "part-a") == {
        "id": "part-a",
        "title": "Part A",
        "limit_s": 7200,
        "items": [
            {
                "id": one.id,
                "kind": one.kind,
                "points": 1.5,
                "text": "?",
                "html": "<p>?</p>",
                "choices": [
                    {"id": c, "text": f"*{c}*", "html": f"<em>{c}</em>"} for c in ("a", "b", "c")
                ],
            }
            for one in (SINGLE, MULTIPLE)
        ],
    }
    fill_in, short, upload = learner_section(WHOLE, "part-b")["items"]
    assert set(fill_in) == set(short) == {"id", "kind", "points", "text", "html"}
    assert upload["max_bytes"] == 1000
    assert upload["suffixes"] == [".pdf", ".tar.gz"]
    assert json.dumps(upload["points"]) == "1"


def test_a_section_which_the_exam_lacks_is_refused() -> None:
    with pytest.raises(UnknownSection) as caught:
        learner_section(WHOLE, "part-z")

    assert caught.value.facts() == {"exam_id": "e", "section_id": "part-z"}


FILE = {"name": "Work.PDF", "sha256": "0" * 64, "size": 1000}


@pytest.mark.parametrize(
    ("one", "response"),
    [
        pytest.param(SINGLE, "a", id="a choice"),
        pytest.param(MULTIPLE, [], id="no choice"),
        pytest.param(MULTIPLE, ["a", "b", "c"], id="every choice"),
        pytest.param(FILL_IN, "", id="nothing yet"),
        pytest.param(FILL_IN, "x" * 1000, id="as long as can be"),
        pytest.param(SHORT, "一" * 20_000, id="20,000 Chinese characters"),
        pytest.param(SHORT, "two\r\n\tlines", id="white space"),
        pytest.param(UPLOAD, FILE, id="a file"),
        pytest.param(UPLOAD, {**FILE, "name": "a.tar.gz", "size": 1}, id="a double suffix"),
    ],
)
def test_a_response_of_the_right_shape_is_let_in(one: Item, response: object) -> None:
    check_response(one, response)


@pytest.mark.parametrize(
    ("one", "response"),
    [
        pytest.param(SINGLE, "d", id="an unknown choice"),
        pytest.param(SINGLE, ["a"], id="a list for one choice"),
        pytest.param(SINGLE, None, id="null"),
        pytest.param(MULTIPLE, "ab", id="text for many choices"),
        pytest.param(MULTIPLE, 5, id="a number for many choices"),
        pytest.param(MULTIPLE, ["c", "a"], id="unsorted"),
        pytest.param(MULTIPLE, ["a", "a"], id="twice"),
        pytest.param(MULTIPLE, ["a", "z"], id="one unknown choice"),
        pytest.param(MULTIPLE, [["a"]], id="nested"),
        pytest.param(MULTIPLE, {"a": True}, id="an object"),
        pytest.param(FILL_IN, 0.5, id="a bare number"),
        pytest.param(FILL_IN, "x" * 1001, id="1,001 characters"),
        pytest.param(FILL_IN, "\ud800", id="half a character"),
        pytest.param(FILL_IN, "a\0", id="a control character"),
        pytest.param(SHORT, "x" * 20_001, id="20,001 characters"),
        pytest.param(SHORT, "😀" * 15_001, id="over 60,000 bytes"),
        pytest.param(SHORT, True, id="a boolean"),
        pytest.param(UPLOAD, "work.pdf", id="a name alone"),
        pytest.param(UPLOAD, {"name": "a.pdf", "size": 1}, id="no digest"),
        pytest.param(UPLOAD, {**FILE, "more": 1}, id="an unknown key"),
        pytest.param(UPLOAD, {**FILE, "name": "work.exe"}, id="another suffix"),
        pytest.param(UPLOAD, {**FILE, "name": "../work.pdf"}, id="a path"),
        pytest.param(UPLOAD, {**FILE, "name": "a\nb.pdf"}, id="a name of two lines"),
        pytest.param(UPLOAD, {**FILE, "name": 5}, id="a number for a name"),
        pytest.param(UPLOAD, {**FILE, "sha256": "0" * 63}, id="a short digest"),
        pytest.param(UPLOAD, {**FILE, "sha256": "A" * 64}, id="a digest in capitals"),
        pytest.param(UPLOAD, {**FILE, "sha256": 5}, id="a number for a digest"),
        pytest.param(UPLOAD, {**FILE, "size": 1001}, id="too large"),
        pytest.param(UPLOAD, {**FILE, "size": 0}, id="an empty file"),
        pytest.param(UPLOAD, {**FILE, "size": True}, id="true for a size"),
    ],
)
def test_a_response_of_the_wrong_shape_is_refused(one: Item, response: object) -> None:
    with pytest.raises(BadResponse) as caught:
        check_response(one, response)

    facts = caught.value.facts()
    assert facts["item_id"] == one.id
    assert facts["item_kind"] == one.kind
    assert facts["expected"]
    assert caught.value.code == "bad-response"
