import string
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proctor.domain import mrz
from proctor.domain.mrz import Mrz, agreed, check_digit, find, same
from proctor.domain.mrz_lines import MAX_LINES

ON = date(2026, 11, 22)

# The specimens of ICAO 9303, parts 4, 5 and 6.
TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
TD2 = (
    "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
    "D231458907UTO7408122F1204159<<<<<<<6",
)


def read(*lines: str, on: date = ON) -> Mrz:
    found = find(lines, on=on)
    assert found is not None
    return found


def td3(
    *,
    name: str = TD3[0],
    number: str = "L898902C3",
    birth: str = "740812",
    expiry: str = "120415",
    sex: str = "F",
    optional: str = "ZE184226B<<<<<",
) -> list[str]:
    """A passport's lines with the digits that belong to them."""
    parts = [f"{field}{check_digit(field)}" for field in (number, birth, expiry, optional)]
    over = "".join(parts)
    second = f"{parts[0]}UTO{parts[1]}{sex}{parts[2]}{parts[3]}{check_digit(over)}"
    return [name, second]


def card(number: str, optional: str = "", *, names: str = TD1[2]) -> list[str]:
    """A card's lines; `number` with its digit, both of the first line's fields after it."""
    first = f"I<UTO{number}{optional}".ljust(30, "<")
    dates = "7408122F1204159UTO<<<<<<<<<<<"
    over = first[5:] + dates[:7] + dates[8:15] + dates[18:]
    return [first, f"{dates}{check_digit(over)}", names]


@pytest.mark.parametrize(
    ("lines", "format_", "code", "number"),
    [
        pytest.param(TD1, "TD1", "I", "D23145890", id="TD1"),
        pytest.param(TD2, "TD2", "I", "D23145890", id="TD2"),
        pytest.param(TD3, "TD3", "P", "L898902C3", id="TD3"),
    ],
)
def test_the_standards_own_specimens_are_read(
    lines: tuple[str, ...], format_: str, code: str, number: str
) -> None:
    found = read(*lines)

    assert (found.format, found.code, found.issuer, found.number) == (format_, code, "UTO", number)
    assert (found.surname, found.given) == ("ERIKSSON", "ANNA MARIA")
    assert (found.nationality, found.sex) == ("UTO", "F")
    assert (found.birth, found.expiry) == (date(1974, 8, 12), date(2012, 4, 15))
    assert found.lines == lines
    assert found.valid
    assert found.failed == ()
    assert all(check.holds for check in found.checks)


def test_only_a_passport_has_a_digit_of_its_own_for_the_optional_part() -> None:
    names = ["number", "birth", "expiry", "composite"]
    for lines, expected in ((TD1, names), (TD2, names), (TD3, [*names[:3], "optional", names[3]])):
        assert [check.name for check in read(*lines).checks] == expected


# The worked examples of part 3, appendix A.
@pytest.mark.parametrize(
    ("text", "digit"), [("520727", 3), ("AB2134<<<", 5), ("HA672242<6YTO5802254M9601086<<<<<<<", 8)]
)
def test_check_digits_are_those_of_the_standard(text: str, digit: int) -> None:
    if len(text) > 9:
        text = text[:10] + text[13:20] + text[21:]
    assert check_digit(text) == digit


@pytest.mark.parametrize("text", ["a", "?", "Ñ", "1 2"])
def test_other_characters_have_no_check_digit(text: str) -> None:
    assert check_digit(text) is None


# --- numbers, dates, names -----------------------------------------------------------------------


def test_a_cards_long_number_goes_on_in_the_optional_part() -> None:
    """Part 5: D23145890734, nine characters, a filler, three more and the digit."""
    digit = check_digit("D23145890734")
    found = read(*card("D23145890<", f"734{digit}"))

    assert found.number == "D23145890734"
    assert found.valid

    assert read(*card("D23145890<", f"735{digit}")).failed == ("number",)
    assert "number" in read(*card("D23145890<")).failed


def test_a_td2s_long_number_goes_on_in_the_optional_part() -> None:
    digit = check_digit("D23145890734")
    optional = f"734{digit}<<<"
    over = f"D23145890<74081221204159{optional}"
    found = read(TD2[0], f"D23145890<UTO7408122F1204159{optional}{check_digit(over)}")

    assert (found.format, found.number, found.valid) == ("TD2", "D23145890734", True)


def test_a_short_number_is_without_its_fillers() -> None:
    assert read(*td3(number="99003853<")).number == "99003853"


@pytest.mark.parametrize(
    ("birth", "expiry", "years"),
    [
        pytest.param("261123", "300101", [1926], id="nobody is born tomorrow"),
        pytest.param("261122", "300101", [1926, 2026], id="born today, or a hundred years ago"),
        pytest.param("991231", "300101", [1999], id="last century"),
        pytest.param("110101", "120704", [1911, 2011], id="a century old, or not yet two"),
        pytest.param("110101", "300101", [2011], id="nobody shows one at 115"),
        pytest.param("160101", "300101", [1916, 2016], id="at 110, or at ten"),
        pytest.param("040101", "300101", [2004], id="a grown learner"),
        pytest.param("000101", "991231", [1900, 2000], id="on a card that never expires"),
        pytest.param("110101", "<<<<<<", [2011], id="without an expiry, by the day of reading"),
        pytest.param("000229", "300101", [2000], id="a leap day of this century alone"),
        pytest.param("7408<<", "300101", [], id="the day is unknown"),
        pytest.param("<<<<<<", "300101", [], id="nothing is known"),
    ],
)
def test_a_birth_is_in_each_century_that_leaves_its_holder_neither_unborn_nor_too_old(
    birth: str, expiry: str, years: list[int]
) -> None:
    found = read(*td3(birth=birth, expiry=expiry))
    assert [day.year for day in found.births] == years
    assert found.birth == (found.births[0] if len(years) == 1 else None)
    assert found.valid


def test_a_century_is_not_told_by_an_expiry_whose_digit_does_not_hold() -> None:
    lines = td3(birth="110101", expiry="120704")
    wrong = lines[1][:27] + str((int(lines[1][27]) + 1) % 10) + lines[1][28:]

    assert read(lines[0], wrong).birth == date(2011, 1, 1)  # as where none was read


def test_a_document_whose_holder_was_born_in_either_century_is_one_and_the_same() -> None:
    lines = td3(birth="110101", expiry="120704")
    found = read(*lines)
    before = replace(found, birth=date(2011, 1, 1), births=())  # what an earlier version kept

    assert found.document == before.document == "L898902C3\x00110101\x00120704"
    assert same(found, read(*lines, on=date(2026, 1, 1)))
    assert not same(found, read(*td3(birth="120101", expiry="120704")))


@pytest.mark.parametrize(
    ("expiry", "on", "expected"),
    [
        pytest.param("350101", ON, date(2035, 1, 1), id="to come"),
        pytest.param("991231", ON, date(1999, 12, 31), id="long past"),
        pytest.param("050101", date(1999, 1, 1), date(2005, 1, 1), id="after the century's end"),
        pytest.param("991231", date(2101, 1, 1), date(2099, 12, 31), id="before the century's"),
    ],
)
def test_an_expiry_is_the_nearest_day(expiry: str, on: date, expected: date) -> None:
    assert read(*td3(expiry=expiry), on=on).expiry == expected


def test_a_day_that_no_calendar_has_does_not_hold_though_its_digit_does() -> None:
    found = read(*td3(expiry="120431"))

    assert found.expiry is None
    assert found.failed == ("expiry",)
    (check,) = (check for check in found.checks if not check.holds)
    assert check.why == "it is no day of the calendar"


@pytest.mark.parametrize(
    ("field", "surname", "first"),
    [
        pytest.param("ARKFREITH", "ARKFREITH", "", id="one name"),
        pytest.param("VAN<DER<MUELLEN<<MARTINE", "VAN DER MUELLEN", "MARTINE", id="many words"),
        pytest.param(
            "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K",
            "NILAVADHANANANDA",
            "CHAYAPA DEJTHAMRONG K",
            id="cut at the line's end",
        ),
        pytest.param(
            "ERIKSSON<<ANNA<<<<K<<C<<<<", "ERIKSSON", "ANNA", id="fillers read as letters"
        ),
        pytest.param("ERIKSSON<<ANNAcMARIAkk<<<", "ERIKSSON", "ANNA MARIA", id="in lower case"),
        pytest.param("ER1K550N<<ANNA", "ERIKSSON", "ANNA", id="letters read as digits"),
        pytest.param("ERIKSSON<<ANNA<<K", "ERIKSSON", "ANNA", id="after the second of two fillers"),
    ],
)
def test_names_are_parted_at_two_fillers(field: str, surname: str, first: str) -> None:
    found = read(*td3(name=f"P<UTO{field}".ljust(44, "<")))
    assert (found.surname, found.given) == (surname, first)


@pytest.mark.parametrize(("printed", "sex"), [("M", "M"), ("F", "F"), ("<", "X"), ("N", "M")])
def test_sex_is_what_the_zone_says_or_left_open(printed: str, sex: str) -> None:
    assert read(*td3(sex=printed)).sex == sex


# --- as an OCR reads them ------------------------------------------------------------------------

BY_AN_OCR = [
    pytest.param(lambda a: [" ".join(line) for line in a], id="spaces inside"),
    pytest.param(lambda a: [line.lower().replace("l", "L") for line in a], id="lower case"),
    pytest.param(lambda a: list(reversed(a)), id="from the bottom up"),
    pytest.param(
        lambda a: ["PASSPORT", "<<", *a, "Signature/Signature du titulaire"], id="among text"
    ),
    pytest.param(
        lambda a: [p for line in a for p in (line[:12], line[12:])], id="each in two pieces"
    ),
    pytest.param(
        lambda a: [p for line in a for p in (line[:9], line[9:20], line[20:])], id="three"
    ),
    pytest.param(lambda a: [line.replace("<<<<<", "<<<", 1) for line in a], id="fillers missing"),
    pytest.param(lambda a: [line.replace("<<<<<", "<<<<<<<<", 1) for line in a], id="too many"),
    pytest.param(lambda a: [line.replace("<<<<", "««", 1) for line in a], id="guillemets"),
    pytest.param(lambda a: [line.replace("<", "\u2039") for line in a], id="single guillemets"),
    pytest.param(lambda a: [f"·{line}·" for line in a], id="dirt at the ends"),
    pytest.param(lambda a: [line.replace("UTO", "UT0") for line in a], id="a country with a digit"),
    pytest.param(
        lambda a: [line.replace("120415", "12O4I5") for line in a], id="dates with letters"
    ),
]


@pytest.mark.parametrize("by_an_ocr", BY_AN_OCR)
@pytest.mark.parametrize("lines", [TD1, TD2, TD3], ids=["TD1", "TD2", "TD3"])
def test_a_zone_is_found_as_an_ocr_reads_it(lines: tuple[str, ...], by_an_ocr: object) -> None:
    assert callable(by_an_ocr)
    found = read(*by_an_ocr(list(lines)))

    assert found.number == read(*lines).number
    assert (found.birth, found.expiry) == (date(1974, 8, 12), date(2012, 4, 15))
    assert (found.surname, found.given) == ("ERIKSSON", "ANNA MARIA")
    assert found.valid


def test_a_passport_without_its_first_line_has_no_names() -> None:
    found = read(TD3[1])
    assert (found.number, found.surname, found.issuer, found.valid) == ("L898902C3", "", "", True)
    assert found.lines == (TD3[1],)
    assert read(TD2[1]).format == "TD2"


def test_a_card_without_its_third_line_has_no_names() -> None:
    found = read(*TD1[:2])
    assert (found.number, found.surname, found.valid) == ("D23145890", "", True)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="nothing"),
        pytest.param(["", "   ", "?" * 500], id="empty lines"),
        pytest.param([TD3[0]], id="names alone"),
        pytest.param(TD1[1:], id="a card without its number"),
        pytest.param([TD3[1][:-4]], id="a passport's second line alone, and cut"),
        pytest.param(["<" * 44, "<" * 44], id="fillers"),
        pytest.param(["P<UTOERIKSSON<<ANNA<MARIA", "4111111111111111"], id="a bank card"),
        pytest.param(["Place of birth/Lieu de naissance", "12 AUGUST/AOUT 74"], id="print"),
        pytest.param(["x"] * MAX_LINES + list(TD3), id="more lines than are looked at"),
    ],
)
def test_what_is_no_zone_is_none(lines: list[str]) -> None:
    assert find(lines, on=ON) is None


def test_of_two_zones_the_one_of_the_better_shape_is_read_whatever_its_digits() -> None:
    wrong = TD3[1][:-1] + "7"
    short = "PA09404097AUS8406077F1903212<17331334P<<0"
    for lines in ([TD3[0], wrong, short], [short, TD3[0], wrong]):
        found = read(*lines)
        assert (found.number, found.failed) == ("L898902C3", ("composite",))


def test_a_first_line_is_not_put_to_what_stands_above_it() -> None:
    found = read("AUSTRALIA<<<<<<<", *TD3)
    assert (found.format, found.surname) == ("TD3", "ERIKSSON")


def test_a_line_too_long_without_fillers_or_too_short_does_not_hold() -> None:
    assert "composite" in read(TD3[0], TD3[1] + "5").failed
    assert "composite" in read(TD3[0], TD3[1][:36]).failed
    assert not read(TD3[0], "7" + TD3[1]).valid
    assert not read(TD3[0], TD3[1][1:]).valid


@given(st.lists(st.text(max_size=130), max_size=8))
def test_no_text_whatever_makes_it_raise(lines: list[str]) -> None:
    find([*lines, *TD3], on=ON)
    find(lines, on=ON)


# --- what must not be believed -------------------------------------------------------------------

ALPHABET = string.digits + string.ascii_uppercase + "<"
CHECKED = [*range(10), *range(13, 20), *range(21, 44)]


def value(character: str) -> int:
    return 0 if character == "<" else int(character, 36)


@given(st.sampled_from(CHECKED), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_refused_or_repaired_or_ten_away(at: int, other: str) -> None:
    """What 7-3-1 cannot see are values ten apart: those alone, and in letters' fields alone."""
    right = TD3[1][at]
    assume(other != right)
    found = find([TD3[0], TD3[1][:at] + other + TD3[1][at + 1 :]], on=ON)

    if found is not None and found.valid:
        truth = read(*TD3)
        repaired = (found.number, found.birth, found.expiry, found.lines[1]) == (
            truth.number,
            truth.birth,
            truth.expiry,
            TD3[1],
        )
        blind = (at < 9 or at >= 28) and (value(other) - value(right)) % 10 == 0
        assert repaired or blind


@given(st.integers(0, 5), st.sampled_from(ALPHABET), st.sampled_from(["birth", "expiry"]))
def test_no_wrong_character_in_a_date_passes(at: int, other: str, field: str) -> None:
    start = 13 if field == "birth" else 21
    line = TD3[1][: start + at] + other + TD3[1][start + at + 1 :]
    found = find([TD3[0], line], on=ON)

    if found is not None and found.valid:
        assert (found.birth, found.expiry) == (date(1974, 8, 12), date(2012, 4, 15))


def test_a_number_is_never_repaired() -> None:
    assert read(*td3(number="L8989O2C3")).number == "L8989O2C3"
    wrong = TD3[1].replace("L898902C3", "L8989O2C3")
    found = read(TD3[0], wrong)
    assert (found.number, found.failed) == ("L8989O2C3", ("number", "composite"))


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("l234567<<", id="l, an L or a 1, which are the same to a check digit"),
        pytest.param("1234567K<", id="K before a filler, the same to a check digit"),
        pytest.param("12345678K", id="K at the end"),
    ],
)
def test_a_number_that_could_be_another_with_the_same_digit_is_not_believed(number: str) -> None:
    lines = td3(number=number.upper())
    found = read(lines[0], number + lines[1][9:])
    assert found.failed == ("number",)


def test_a_date_of_letters_is_not_believed_even_if_its_digit_holds() -> None:
    found = read(TD3[0], TD3[1].replace("1204159", "I2O4IS9").replace("7408122", "74O8I22"))
    assert found.expiry == date(2012, 4, 15)
    assert found.failed == ("expiry",)


def test_an_unread_character_is_said() -> None:
    found = read(TD3[0], TD3[1].replace("L89", "L?9"))
    assert found.failed == ("number", "composite")
    assert {check.why for check in found.checks if not check.holds} == {
        "a character could not be read"
    }


def test_two_readings_must_agree() -> None:
    one, other = read(*TD3), read(*td3(number="L898902M3"))
    assert one.valid
    assert other.valid
    assert same(one, one)
    assert not same(one, other)

    assert agreed(one, one) == one
    assert agreed(one, other).failed == ("number",)
    assert agreed(one, read(*td3(birth="740813"))).failed == ("birth",)
    assert agreed(one, read(*td3(expiry="130415"))).failed == ("expiry",)
    assert agreed(one, None).failed == ("number", "birth", "expiry")
    assert agreed(read(TD3[0], "M" + TD3[1][1:]), other).failed == ("number", "composite")


def test_a_document_is_told_from_others_by_what_check_digits_cover() -> None:
    document = read(*td3()).document
    assert document == "L898902C3\x00740812\x00120415"
    misread = td3(name=TD3[0].replace("UTO", "UT0"))
    assert read(*misread).document == read(*td3(name=TD3[0].replace("<UTO", "<<<<"))).document
    assert read(*td3(), on=date(2075, 1, 1)).document == document
    others = [td3(number="L898902C4"), td3(birth="740813"), td3(expiry="120416")]
    assert len({document, *(read(*other).document for other in others)}) == 4
    assert read(*td3(birth="7408<<")).document == "L898902C3\x00\x00120415"


@pytest.mark.parametrize("field", ["number", "birth", "expiry"])
def test_a_document_that_may_be_misread_is_told_from_none(field: str) -> None:
    good = read(*td3())
    assert replace(good, failed=(field,)).document == ""
    assert replace(good, failed=("optional", "composite")).document == good.document
    assert replace(good, number="").document == ""


def test_reasons_quote_nothing_of_the_document() -> None:
    for lines in (TD3, (TD3[0], TD3[1].replace("L89", "L?9")), td3(expiry="120431")):
        for check in read(*lines).checks:
            assert not any(map(str.isdigit, check.why))
            assert check.name in mrz.CheckName.__args__  # type: ignore[attr-defined] # a Literal
