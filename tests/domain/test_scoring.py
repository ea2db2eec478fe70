from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.exam import (
    Choice,
    ChoiceKey,
    Exam,
    Item,
    Key,
    Kind,
    NumberKey,
    Section,
    TextKey,
    without_keys,
)
from proctor.domain.scoring import (
    MAX_MARKS,
    BadMark,
    ItemScore,
    Mark,
    MarkChanged,
    MarkReleased,
    Outcome,
    Score,
    TooManyMarks,
    give_mark,
    latest_marks,
    readings,
    score,
)


def item(item_id: str, kind: Kind, key: Key | None = None, points: int = 1) -> Item:
    choices = {
        Kind.SINGLE_CHOICE: "abc",
        Kind.MULTIPLE_CHOICE: "abcd",
    }.get(kind, "")
    upload = kind is Kind.FILE_UPLOAD
    return Item(
        id=item_id,
        kind=kind,
        points=Fraction(points),
        text="?",
        html="<p>?</p>",
        choices=tuple(Choice(id=c, text=c, html=c) for c in choices),
        max_bytes=10 if upload else None,
        suffixes=(".txt",) if upload else (),
        key=key,
    )


def number(value: str, within: str = "0", relative: str = "0") -> NumberKey:
    return NumberKey(value=Fraction(value), within=Fraction(within), relative=Fraction(relative))


def exam(*items: Item) -> Exam:
    section = Section(id="a", title="A", limit=timedelta(seconds=60), items=items)
    return Exam(id="e", title="E", programme="P", policy_id="demo", sections=(section,))


def only(scored: Score) -> ItemScore:
    [one] = scored.sections[0].items
    return one


SINGLE = item("single", Kind.SINGLE_CHOICE, ChoiceKey(right=("b",)), points=2)
MULTIPLE = item("multiple", Kind.MULTIPLE_CHOICE, ChoiceKey(right=("a", "b", "c")), points=3)
PARTIAL = replace(MULTIPLE, partial=True)
TEXT = item("text", Kind.FILL_IN, TextKey(accept=("Central Limit Theorem", "CLT")))
ESSAY = item("essay", Kind.SHORT_TEXT, points=4)
UPLOAD = item("upload", Kind.FILE_UPLOAD)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
MINUS = "\N{MINUS SIGN}"
FILE = {"name": "a.txt", "sha256": "0" * 64, "size": 3}


@pytest.mark.parametrize(
    ("one", "response", "points"),
    [
        pytest.param(SINGLE, "b", 2, id="the right choice"),
        pytest.param(SINGLE, "a", 0, id="a wrong choice"),
        pytest.param(MULTIPLE, ["a", "b", "c"], 3, id="all right choices"),
        pytest.param(MULTIPLE, ["a", "b"], 0, id="one missed"),
        pytest.param(MULTIPLE, ["a", "b", "c", "d"], 0, id="one too many"),
        pytest.param(PARTIAL, ["a", "b", "c"], 3, id="partial, all right"),
        pytest.param(PARTIAL, ["a", "b"], 2, id="partial, one missed"),
        pytest.param(PARTIAL, ["a", "b", "c", "d"], 2, id="partial, everything ticked"),
        pytest.param(PARTIAL, ["d"], 0, id="partial, never below nothing"),
        pytest.param(PARTIAL, [], 0, id="partial, nothing ticked"),
        pytest.param(TEXT, "  central   LIMIT\ttheorem ", 1, id="case and spaces folded"),
        pytest.param(TEXT, "clt".translate(WIDE), 1, id="width folded"),
        pytest.param(TEXT, "centrallimittheorem", 0, id="a space dropped"),
    ],
)
def test_a_machine_scores(one: Item, response: object, points: int) -> None:
    scored = only(score(exam(one), {one.id: response}))

    assert scored.points == points
    assert scored.outcome is Outcome.SCORED


@pytest.mark.parametrize(
    ("key", "response", "right"),
    [
        pytest.param(number("1/2"), "0.5", True, id="decimal point"),
        pytest.param(number("1/2"), "0,5", True, id="decimal comma"),
        pytest.param(number("1/2"), ".5", True, id="bare point"),
        pytest.param(number("1/2"), "1/2", True, id="a fraction"),
        pytest.param(number("1/2"), "5e-1", True, id="an exponent"),
        pytest.param(number("1/2"), " + 0.5", False, id="sign apart"),
        pytest.param(number("1/2"), "half", False, id="a word"),
        pytest.param(number("-2"), f"{MINUS}2", True, id="a typographer's minus"),
        pytest.param(number("1/2"), "0.5".translate(WIDE), True, id="full width"),
        pytest.param(number("1000"), "1,000", True, id="a thousand, in English"),
        pytest.param(number("1"), "1,000", True, id="one, in German"),
        pytest.param(number("1/8"), "0,125", True, id="no thousand begins with 0"),
        pytest.param(number("1/3"), "0.333", False, id="a third is not 0.333"),
        pytest.param(number("1/3"), "1/3", True, id="a third is a third"),
        pytest.param(number("0.3", within="0.1"), "0.4", True, id="on the upper bound"),
        pytest.param(number("0.3", within="0.1"), "0.2", True, id="on the lower bound"),
        pytest.param(number("0.3", within="0.1"), "0.4000000000000000000001", False, id="over it"),
        pytest.param(number("-200", relative="0.01"), "-202", True, id="relative, on the bound"),
        pytest.param(number("-200", relative="0.01"), "-202.1", False, id="relative, over it"),
        pytest.param(number("200", "5", "0.01"), "205", True, id="the larger tolerance counts"),
        pytest.param(number("0", relative="0.5"), "0.001", False, id="relative to nothing"),
    ],
)
def test_a_number_is_compared_exactly(key: NumberKey, response: str, right: bool) -> None:
    one = item("n", Kind.FILL_IN, key)

    assert only(score(exam(one), {"n": response})).points == int(right)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("1,234", {Fraction(1234), Fraction(1234, 1000)}, id="two readings"),
        pytest.param("1,234,567.5", {Fraction("1234567.5")}, id="thousands and a point"),
        pytest.param("-1,5e2", {Fraction(-150)}, id="comma and exponent"),
        pytest.param("-.5/.25", {Fraction(-2)}, id="a fraction of decimals"),
        pytest.param("1e999", {Fraction(10**999)}, id="the largest exponent"),
        pytest.param("1e1000", set(), id="an exponent that fills the memory"),
        pytest.param("1" * 65, set(), id="65 digits"),
        pytest.param("1/0", set(), id="divided by nothing"),
        pytest.param("1_000", set(), id="underscores"),
        pytest.param("nan", set(), id="no number"),
        pytest.param("inf", set(), id="infinity"),
        pytest.param(".", set(), id="a point alone"),
        pytest.param("", set(), id="nothing"),
    ],
)
def test_a_number_is_read(text: str, found: set[Fraction]) -> None:
    assert readings(text) == found


@given(st.text(alphabet=f"0123456789.,/eE+-{MINUS} a\n", max_size=70) | st.text(max_size=70))
def test_no_text_breaks_the_reader_of_numbers(text: str) -> None:
    assert len(readings(text)) <= 2


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_a_decimal_reads_as_itself_with_a_point_or_a_comma(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    whole, rest = divmod(abs(digits), 10**places)
    text = ("-" if digits < 0 else "") + (f"{whole}.{rest:0{places}}" if places else f"{whole}")

    assert readings(text) == {value}
    assert value in readings(text.replace(".", ","))


@pytest.mark.parametrize(
    ("responses", "outcome"),
    [
        pytest.param({}, Outcome.UNANSWERED, id="no response"),
        pytest.param({"essay": " \n"}, Outcome.UNANSWERED, id="only blanks"),
        pytest.param({"essay": "Because."}, Outcome.AWAITING, id="some text"),
        pytest.param({"essay": ["Because."]}, Outcome.UNREADABLE, id="a wrong shape"),
        pytest.param({"other": "Because."}, Outcome.UNANSWERED, id="another exam's item"),
    ],
)
def test_what_a_machine_cannot_score_earns_nothing_yet(
    responses: dict[str, object], outcome: Outcome
) -> None:
    scored = score(exam(ESSAY), responses)

    assert only(scored).outcome is outcome
    assert scored.points == 0
    assert scored.awaiting == (("essay",) if outcome is Outcome.AWAITING else ())


@pytest.mark.parametrize(
    ("choice", "essay", "marks", "passed"),
    [
        pytest.param("b", None, {}, False, id="2 of 6 and nothing to come"),
        pytest.param("b", "Because.", {}, None, id="2 of 6 and 4 may come"),
        pytest.param("b", "Because.", {"essay": Fraction(8, 5)}, True, id="3.6 of 6"),
        pytest.param("b", "Because.", {"essay": Fraction(159, 100)}, False, id="3.59 of 6"),
        pytest.param("a", "Because.", {}, None, id="0 of 6 and 4 may come"),
    ],
)
def test_sixty_per_cent_passes(
    choice: str, essay: str | None, marks: dict[str, Fraction], passed: bool | None
) -> None:
    scored = score(exam(SINGLE, ESSAY), {"single": choice, "essay": essay}, marks=marks)

    assert scored.passed is passed
    assert scored.share == scored.points / 6


@pytest.mark.parametrize(
    ("mark", "single", "passed"),
    [
        pytest.param(Fraction(1, 3), "b", True, id="passed already"),
        pytest.param(Fraction(1), "a", False, id="failed already"),
    ],
)
def test_an_outcome_that_cannot_change_waits_for_nobody(
    mark: Fraction, single: str, passed: bool
) -> None:
    scored = score(
        replace(exam(SINGLE, ESSAY), pass_mark=mark), {"single": single, "essay": "Because."}
    )

    assert scored.awaiting == ("essay",)
    assert scored.passed is passed


def test_a_score_adds_up_over_sections() -> None:
    first = Section(id="a", title="A", limit=timedelta(seconds=9), items=(SINGLE, PARTIAL))
    second = replace(first, id="b", items=(TEXT, UPLOAD))
    whole = replace(exam(SINGLE), sections=(first, second))

    scored = score(whole, {"single": "b", "multiple": ["a"], "text": "clt", "upload": FILE})

    first_part, second_part = scored.sections
    assert f"{first_part.section_id}: {first_part.points} of {first_part.possible}" == "a: 3 of 5"
    assert (
        f"{second_part.section_id}: {second_part.points} of {second_part.possible}" == "b: 1 of 2"
    )
    assert f"{scored.points} of {scored.possible}" == "4 of 7"
    assert scored.awaiting == ("upload",)


@pytest.mark.parametrize(
    ("responses", "marks"),
    [
        pytest.param({"essay": "x"}, {"essay": Fraction(5)}, id="more than all points"),
        pytest.param({"essay": "x"}, {"essay": Fraction(-1)}, id="less than none"),
        pytest.param({}, {"essay": Fraction(1)}, id="for no response"),
        pytest.param({"single": "a"}, {"single": Fraction(1)}, id="where the machine scored"),
        pytest.param({}, {"other": Fraction(1)}, id="for an item which the exam lacks"),
    ],
)
def test_a_mark_that_cannot_be_is_refused(
    responses: dict[str, object], marks: dict[str, Fraction]
) -> None:
    with pytest.raises(BadMark) as caught:
        score(exam(SINGLE, ESSAY), responses, marks=marks)

    assert caught.value.facts()["item_id"] == next(iter(marks))


AT = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


def marked(
    marks: Sequence[Mark],
    points: str,
    *,
    was: str | None = None,
    by: str = "tess",
    released: bool = False,
    responses: Mapping[str, object] = MappingProxyType({"essay": "x"}),
) -> tuple[Mark, ...]:
    return give_mark(
        marks,
        Mark(item="essay", points=Decimal(points), by=by, at=AT),
        was=None if was is None else Decimal(was),
        exam=exam(SINGLE, ESSAY),
        responses=responses,
        released=released,
    )


def test_a_later_mark_replaces_the_one_before_and_both_are_kept() -> None:
    first = marked((), "1")
    both = marked(first, "0.5", was="1", by="ann")
    assert [(str(each.points), each.by) for each in both] == [("1", "tess"), ("0.5", "ann")]
    assert latest_marks(both)["essay"].by == "ann"
    # Sent again, or the same from somebody else, nothing is added.
    assert marked(both, "0.50", was="1", by="tess") == both


@pytest.mark.parametrize("was", [pytest.param(None, id="none"), pytest.param("2", id="another")])
def test_a_mark_that_was_given_meanwhile_is_not_lost(was: str | None) -> None:
    with pytest.raises(MarkChanged) as no:
        marked(marked((), "1", by="ann"), "0", was=was)
    assert no.value.facts() == {"item_id": "essay", "points": 1.0, "by": "ann"}
    with pytest.raises(MarkChanged) as no:
        marked((), "0", was="1")
    assert (no.value.points, no.value.by) == (None, "nobody")


def test_a_mark_that_the_learner_has_read_stays_and_what_awaits_one_still_can_have_it() -> None:
    first = marked((), "1", released=True)
    with pytest.raises(MarkReleased) as no:
        marked(first, "0.5", was="1", released=True)
    assert "the learner has read this mark" in str(no.value)
    assert marked(first, "1", was="1", released=True) == first


def test_a_mark_out_of_bounds_or_for_no_answer_is_none() -> None:
    with pytest.raises(BadMark):
        marked((), "99")
    with pytest.raises(BadMark):
        marked((), "1", responses={})


def test_a_session_has_room_for_so_many_marks() -> None:
    marks = marked((), "1") * MAX_MARKS
    with pytest.raises(TooManyMarks) as no:
        marked(marks, "0", was="1")
    assert no.value.at_most == MAX_MARKS


def test_scoring_without_the_key_is_a_bug_and_not_a_zero() -> None:
    with pytest.raises(AssertionError, match="without its key"):
        score(without_keys(exam(SINGLE)), {"single": "b"})
