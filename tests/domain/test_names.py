# ruff: noqa: RUF001 - letters of other alphabets are what this is about

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.names import compare_names

WORD = st.text("ABCDEFGHKLMNOPRSTVZ", min_size=3, max_size=9)


@pytest.mark.parametrize(
    ("account", "surname", "first"),
    [
        pytest.param("Ada Lovelace", "LOVELACE", "ADA", id="the same"),
        pytest.param("lovelace, ada", "LOVELACE", "ADA", id="another order"),
        pytest.param("Jürgen Müller", "MUELLER", "JUERGEN", id="umlauts as ICAO writes them"),
        pytest.param("Jurgen Muller", "MUELLER", "JUERGEN", id="umlauts left out"),
        pytest.param("Jürgen Müller", "MUXXLLER", "JUXXRGEN", id="umlauts as some states do"),
        pytest.param("Søren Åsgård", "AASGAARD", "SOEREN", id="Danish letters"),
        pytest.param("Soeren Aasgaard", "Åsgård", "Søren", id="the document printed, not coded"),
        pytest.param("Anna Groß", "GROSS", "ANNA", id="a sharp s"),
        pytest.param("Íñigo Núñez", "NUNXXEZ", "INIGO", id="Spanish"),
        pytest.param("Łukasz Żółć", "ZOLC", "LUKASZ", id="Polish"),
        pytest.param("Юлия Хрущёва", "KHRUSHCHEVA", "IULIIA", id="Russian"),
        pytest.param("Yuliya Hrushcheva", "KHRUSHCHEVA", "IULIIA", id="Russian, read otherwise"),
        pytest.param("Γεώργιος Παπανδρέου", "PAPANDREOU", "GEORGIOS", id="Greek"),
        pytest.param("Sean O'Brien", "OBRIEN", "SEAN", id="an apostrophe left out"),
        pytest.param("Sean O’Brien", "O BRIEN", "SEAN", id="an apostrophe as a space"),
        pytest.param("Jean-Luc Dal Santo", "DALSANTO", "JEAN LUC", id="hyphen and spaces"),
        pytest.param("JeanLuc Picard", "PICARD", "JEAN LUC", id="joined on the account"),
        pytest.param("Gabriel García Márquez", "GARCIA MARQUEZ", "GABRIEL JOSE", id="no middle"),
        pytest.param("Grace Brewster Hopper", "HOPPER", "GRACE", id="a middle name more"),
        pytest.param("Ada Byron King", "KING", "ADA", id="a double surname on the account"),
        pytest.param("Sukarno", "SUKARNO", "", id="one name alone"),
        pytest.param("Sukarno Sukarno", "SUKARNO", "", id="one name written twice"),
        pytest.param("FNU Sukarno", "SUKARNO", "", id="a form's word for no first name"),
        pytest.param("Van Le", "LE", "VAN ANH", id="names that are particles elsewhere"),
        pytest.param(
            "Nilavadhanananda Chayapa Dejthamrong Krasuang",
            "NILAVADHANANANDA",
            "CHAYAPA DEJTHAMRONG K",
            id="cut after 39 characters",
        ),
        pytest.param(
            "Bartholomew Featherstonehaugh",
            "FEATHERSTONEHAUGH",
            "BARTHOLOMEW CH",
            id="cut, with a name that the account lacks",
        ),
        pytest.param(
            "Venkatanarasimharajuvaripeta Srinivasan",
            "VENKATANARASIMHARAJUVARIPETA",
            "SRI",
            id="cut in the middle of a given name",
        ),
    ],
)
def test_the_same_name_agrees_however_it_is_written(account: str, surname: str, first: str) -> None:
    assert compare_names(account, surname=surname, given=first).result == "agrees"


@pytest.mark.parametrize(
    ("account", "surname", "first"),
    [
        pytest.param("Ada Byron", "KING", "ADA", id="a married name"),
        pytest.param("Ada Byron King", "LOVELACE KING", "ADA", id="more names on both sides"),
        pytest.param("Ada", "LOVELACE", "ADA", id="the account has a first name alone"),
        pytest.param("Alexander Smyth", "SMITHE", "ALEX", id="a short form"),
        pytest.param("A. Lovelase", "LOVELACE", "ADA", id="initials"),
        pytest.param("Lovlace", "LOVELACE", "ADA", id="a letter missing"),
        pytest.param("Lovelane", "LOVELACE S", "", id="a letter changed"),
        pytest.param("李小龙", "LI", "XIAOLONG", id="letters that no table has"),
        pytest.param("Ada Lovelace", "", "", id="nothing on the document"),
        pytest.param(
            "Featherstonehaughs", "FEATHERSTONEHAUGH", "BARTHOLOMEW", id="cut, one name alone"
        ),
    ],
)
def test_what_may_be_the_same_name_is_for_a_person(account: str, surname: str, first: str) -> None:
    assert compare_names(account, surname=surname, given=first).result == "unsure"


@pytest.mark.parametrize(
    ("account", "surname", "first"),
    [
        pytest.param("Ada Lovelace", "HOPPER", "GRACE", id="another person"),
        pytest.param("Ana de Souza", "DE LIMA", "MARIA", id="only a small word is shared"),
        pytest.param("Bob Roe", "BOD", "ROT", id="short words with a letter changed"),
        pytest.param("Maximilian Stone", "HOPPER", "GRACIELLA", id="far from alike"),
    ],
)
def test_a_name_differs_where_nothing_fits(account: str, surname: str, first: str) -> None:
    assert compare_names(account, surname=surname, given=first).result == "differs"


@given(words=st.lists(WORD, min_size=2, max_size=4, unique=True))
def test_the_order_of_words_never_matters(words: list[str]) -> None:
    for order in permutations(words):
        found = compare_names(" ".join(order), surname=words[0], given=" ".join(words[1:]))
        assert found.result == "agrees"


@given(name=st.text(max_size=60), surname=st.text(max_size=40), first=st.text(max_size=40))
def test_any_text_is_compared_and_no_name_is_quoted(name: str, surname: str, first: str) -> None:
    found = compare_names(name, surname=surname, given=first)

    assert found.result in ("agrees", "unsure", "differs")
    assert found.why in {
        "There is no name to compare, in letters we know.",
        "The names are the same.",
        "The names are the same; the document cuts a long one short.",
        "The names are the same; one of them has more names.",
        "Only one name is the same.",
        "A part of the name is the same, another is not.",
        "The names are alike, but none is the same.",
        "No part of the name is the same.",
    }


@given(name=st.text(min_size=1, max_size=60))
def test_no_name_differs_from_itself(name: str) -> None:
    assert compare_names(name, surname=name, given="").result != "differs"
