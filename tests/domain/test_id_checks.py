from dataclasses import replace
from datetime import date

import pytest

from proctor.domain.document import DocumentRead
from proctor.domain.id_checks import (
    MachineCheck,
    asked_for,
    concerns,
    document_checks,
    face_check,
    faces_check,
)
from proctor.domain.identity import Checked, CheckKind
from proctor.domain.mrz import Mrz
from proctor.domain.observation import Compared, Face, Measured, Model
from proctor.domain.policy import IdentityRules

DAY = date(2026, 6, 1)
RULES = IdentityRules()
MRZ = Mrz(
    format="TD3",
    code="P",
    issuer="UTO",
    number="L898902C3",
    nationality="UTO",
    birth=date(1990, 8, 12),
    sex="F",
    expiry=DAY,
    surname="LOVELACE",
    given="ADA",
    failed=(),
    lines=(),
)
SFACE = Model(name="sface", version="2021dec", sha256="f" * 64)
A_FACE = Face(x=1, y=2, width=30, height=40, score=0.9)
READ = DocumentRead(mrz=MRZ, portrait=A_FACE, models=(SFACE,))


def made(read: DocumentRead = READ, rules: IdentityRules = RULES) -> dict[CheckKind, MachineCheck]:
    checks = document_checks(read, rules, account="Ada Lovelace", on=DAY)
    return {each.check: each for each in checks}


def with_mrz(**changes: object) -> DocumentRead:
    return replace(READ, mrz=replace(MRZ, **changes))  # type: ignore[arg-type] # a test's own


def test_a_good_document_agrees_in_everything_asked() -> None:
    checks = made()

    assert {kind: each.result for kind, each in checks.items()} == {
        CheckKind.DIGITS: "agrees",
        CheckKind.EXPIRY: "agrees",
        CheckKind.KIND: "agrees",
        CheckKind.NAME: "agrees",
        CheckKind.PORTRAIT: "agrees",
    }
    assert checks[CheckKind.PORTRAIT].value == 0.9
    assert checks[CheckKind.PORTRAIT].models == (SFACE,)
    assert checks[CheckKind.NAME].outcome == Checked(check=CheckKind.NAME, result="agrees")


@pytest.mark.parametrize(
    ("read", "kind", "result"),
    [
        pytest.param(
            with_mrz(failed=("number", "odd")), CheckKind.DIGITS, "unsure", id="digits fail"
        ),
        pytest.param(
            with_mrz(expiry=date(2026, 5, 31)), CheckKind.EXPIRY, "differs", id="a day too old"
        ),
        pytest.param(with_mrz(expiry=None), CheckKind.EXPIRY, "unavailable", id="no expiry read"),
        pytest.param(with_mrz(failed=("expiry",)), CheckKind.EXPIRY, "unsure", id="expiry misread"),
        pytest.param(with_mrz(code="ID"), CheckKind.KIND, "agrees", id="a national ID"),
        pytest.param(with_mrz(code="DL"), CheckKind.KIND, "agrees", id="a driving licence"),
        pytest.param(with_mrz(code="IR"), CheckKind.KIND, "unsure", id="a residence permit"),
        pytest.param(with_mrz(surname="HOPPER"), CheckKind.NAME, "unsure", id="another surname"),
        pytest.param(
            with_mrz(surname="HOPPER", given="GRACE"), CheckKind.NAME, "differs", id="no name fits"
        ),
        pytest.param(
            with_mrz(surname="", given=""), CheckKind.NAME, "unavailable", id="no name read"
        ),
        pytest.param(replace(READ, portrait=None), CheckKind.PORTRAIT, "unsure", id="no portrait"),
        pytest.param(
            replace(READ, portrait=None, unavailable=("faces: the model yunet is missing",)),
            CheckKind.PORTRAIT,
            "unavailable",
            id="portraits can't be found",
        ),
    ],
)
def test_what_is_off_is_a_hint_and_nothing_else_changes(
    read: DocumentRead, kind: CheckKind, result: str
) -> None:
    assert made(read)[kind].result == result


def test_why_no_portrait_was_looked_for_is_said_without_the_machine_s_own_word() -> None:
    for cause in ("text: rapidocr is not installed", "rapidocr is not installed"):
        read = replace(READ, portrait=None, unavailable=(cause,))
        words = made(read)[CheckKind.PORTRAIT].words
        assert words == "No portrait was looked for: rapidocr is not installed."


def test_without_a_zone_nothing_is_said_to_agree() -> None:
    checks = made(DocumentRead(lines=("UTOPIA",)))

    assert {each.result for each in checks.values()} == {"unavailable", "unsure"}


def test_a_kind_that_the_policy_does_not_take_differs() -> None:
    rules = IdentityRules(kinds=("national-id", "driving-licence"))

    found = made(READ, rules)[CheckKind.KIND]

    assert found.result == "differs"
    assert found.words == (
        "It is a passport; the exam asks for a national ID or a driving licence, with photo and"
        " not expired."
    )


def test_only_what_the_policy_asks_is_compared() -> None:
    rules = IdentityRules(document="student-id", unexpired=False, name="none")

    assert set(made(READ, rules)) == {CheckKind.DIGITS, CheckKind.PORTRAIT}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        pytest.param(
            IdentityRules(),
            "a passport, a national ID or a driving licence, with photo and not expired",
            id="any",
        ),
        pytest.param(
            IdentityRules(kinds=("passport",), unexpired=False), "a passport, with photo", id="one"
        ),
        pytest.param(
            IdentityRules(document="student-id"), "a student ID with a photo", id="a student ID"
        ),
        pytest.param(IdentityRules(document="none"), "no document", id="none"),
    ],
)
def test_what_is_asked_for_is_said_in_words(rules: IdentityRules, words: str) -> None:
    assert asked_for(rules) == words


@pytest.mark.parametrize(
    ("cosine", "result"),
    [
        pytest.param(0.5, "agrees", id="alike"),
        pytest.param(0.363, "agrees", id="at the limit"),
        pytest.param(0.2, "differs", id="unlike"),
    ],
)
def test_faces_are_compared_and_the_number_is_kept(cosine: float, result: str) -> None:
    found = face_check(Compared(same_person=cosine, models=(SFACE,)), alike_from=0.363)

    assert (found.result, found.value, found.threshold) == (result, cosine, 0.363)
    assert found.models == (SFACE,)


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        pytest.param(None, "there is no portrait to compare", id="no portrait"),
        pytest.param(
            Compared(unavailable=("same person: the model sface is missing",), models=(SFACE,)),
            "not compared: the model sface is missing.",
            id="no model",
        ),
    ],
)
def test_faces_that_were_not_compared_never_agree(compared: Compared | None, words: str) -> None:
    found = face_check(compared, alike_from=0.363)

    assert (found.result, found.value) == ("unavailable", None)
    assert words in found.words


@pytest.mark.parametrize(
    ("measured", "result", "words"),
    [
        pytest.param(Measured(faces=(A_FACE,)), "agrees", "One face was found", id="one"),
        pytest.param(Measured(faces=()), "unsure", "No face was found", id="none"),
        pytest.param(Measured(faces=(A_FACE,) * 2), "differs", "2 faces were found", id="two"),
        pytest.param(None, "unavailable", "there is no picture of it", id="no picture"),
        pytest.param(
            Measured(unavailable=("faces: the model yunet is missing",)),
            "unavailable",
            "not counted: the model yunet is missing.",
            id="no model",
        ),
    ],
)
def test_faces_in_the_check_in_picture_are_counted(
    measured: Measured | None, result: str, words: str
) -> None:
    found = faces_check(measured)

    assert (found.check, found.result) == (CheckKind.FACES, result)
    assert words in found.words


def test_concerns_are_what_differs_or_is_not_sure_each_once() -> None:
    checks = [
        Checked(check=CheckKind.DIGITS, result="agrees"),
        Checked(check=CheckKind.NAME, result="differs"),
        Checked(check=CheckKind.EXPIRY, result="unsure"),
        Checked(check=CheckKind.FACE, result="unavailable"),
        Checked(check=CheckKind.ONE_FACE, result="differs"),
    ]

    assert concerns(checks) == [
        "the name differs",
        "the date of expiry is not sure",
        "a face that looks the same was shown on this and another account",
    ]
