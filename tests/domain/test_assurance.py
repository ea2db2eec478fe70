from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import get_args

import pytest

from proctor.domain.assurance import assurance
from proctor.domain.identity import Checked, CheckKind, CheckResult, IdCheck, IdState, Proposal

AT = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
PROPOSED = Proposal(by="ann", reason="another person", at=AT)


def test_the_learner_reads_nothing_of_other_accounts() -> None:
    checks = (
        Checked(check=CheckKind.NAME, result="agrees"),
        Checked(check=CheckKind.ONE_DOCUMENT, result="differs"),
        Checked(check=CheckKind.ONE_FACE, result="unavailable"),
    )
    check = IdCheck(state=IdState.CAPTURED, checks=checks)

    assert assurance(check, staff=False) == (
        "The name on the document agrees with the account's (machine)",
        "No person has decided",
    )
    assert len(assurance(check)) == 4


def test_each_check_is_named_with_who_made_it() -> None:
    check = IdCheck(
        state=IdState.ACCEPTED,
        by="lin",
        checks=(
            Checked(check=CheckKind.DIGITS, result="agrees"),
            Checked(check=CheckKind.NAME, result="unsure"),
            Checked(check=CheckKind.FACE, result="unavailable"),
            Checked(check=CheckKind.ONE_FACE, result="unavailable"),
        ),
    )

    assert assurance(check) == (
        "Check digits of the machine-readable zone hold (machine)",
        "The name on the document may be the account's (machine)",
        "Not checked by machine: face and portrait, face on other accounts",
        "Accepted by lin (person)",
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        pytest.param(IdCheck(), "Nothing was shown, and no person has decided", id="nothing shown"),
        pytest.param(IdCheck(state=IdState.CAPTURED), "No person has decided", id="undecided"),
        pytest.param(
            IdCheck(state=IdState.RETAKE, by="lin"),
            "New pictures were asked for by lin (person)",
            id="asked again",
        ),
        pytest.param(
            IdCheck(
                state=IdState.ACCEPTED, by="bo", before=IdCheck(state=IdState.ACCEPTED, by="lin")
            ),
            "Accepted by bo (person)",
            id="asked again and accepted",
        ),
        pytest.param(
            IdCheck(state=IdState.ACCEPTED, by="lin", vouched=True),
            "No document: vouched for by lin (person)",
            id="vouched for",
        ),
        pytest.param(
            IdCheck(state=IdState.ACCEPTED, by="lin", vouched=True, captured_at=AT),
            "Accepted without a matching document: vouched for by lin (person)",
            id="vouched for whatever was shown",
        ),
        pytest.param(
            IdCheck(state=IdState.REFUSAL_PROPOSED, by="ann", proposed=PROPOSED),
            "Refusal proposed by ann (person); no second person has confirmed it",
            id="a refusal is proposed",
        ),
        pytest.param(
            IdCheck(state=IdState.REFUSED, by="bo", proposed=PROPOSED),
            "Refused by ann, confirmed by bo (persons)",
            id="refused",
        ),
        pytest.param(
            IdCheck(state=IdState.REFUSED, by="bo"),
            "Refused by bo (person)",
            id="refused when one person could",
        ),
    ],
)
def test_what_people_decided_is_said_with_their_names(check: IdCheck, words: str) -> None:
    assert assurance(check) == (words,)


@pytest.mark.parametrize(
    ("vouched", "how"),
    [pytest.param(False, "accepted", id="accepted"), pytest.param(True, "vouched for", id="known")],
)
def test_what_is_checked_of_new_pictures_and_of_those_before_is_told_apart(
    vouched: bool, how: str
) -> None:
    made = (Checked(check=CheckKind.NAME, result="agrees"),)
    before = IdCheck(state=IdState.ACCEPTED, by="lin", captured_at=AT, checks=made, vouched=vouched)
    asked = replace(before, state=IdState.RETAKE, by="bo", before=before)
    name, counts = (
        "The name on the document agrees with the account's (machine)",
        f"The pictures before were {how} by lin (person)",
    )

    assert assurance(asked) == (
        name,
        "New pictures were asked for by bo (person); what was checked is of those before",
        counts,
    )
    captured = IdCheck(state=IdState.CAPTURED, by="learner", before=before)
    assert assurance(captured) == ("No person has decided", counts)
    # Of the same pictures nothing else is said than what was decided last.
    refused = replace(asked, state=IdState.REFUSED, checks=())
    assert assurance(refused) == ("Refused by bo (person)",)
    proposed = replace(asked, state=IdState.REFUSAL_PROPOSED, by="ann", checks=())
    assert len(assurance(proposed)) == 1
    others = IdCheck(state=IdState.REFUSED, by="bo", captured_at=LATER, before=before)
    assert assurance(others) == ("Refused by bo (person)", counts)


def test_pictures_that_nobody_accepted_are_not_said_to_be() -> None:
    before = IdCheck(state=IdState.CAPTURED, by="learner", captured_at=AT)
    check = IdCheck(state=IdState.CAPTURED, by="learner", captured_at=LATER, before=before)

    assert assurance(check) == ("No person has decided",)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(Checked(check=kind, result=result), id=f"{kind} {result}")
        for kind, result in product(CheckKind, get_args(CheckResult))
    ],
)
def test_no_result_is_left_unsaid_or_said_to_be_a_person_s(made: Checked) -> None:
    check = replace(IdCheck(state=IdState.CAPTURED), checks=(made,))

    said, person = assurance(check)

    assert person == "No person has decided"
    assert ("Not checked by machine" in said) == (made.result == "unavailable")
    assert "machine" in said
