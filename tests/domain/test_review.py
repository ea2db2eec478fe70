from copy import deepcopy
from datetime import UTC, datetime

import pytest

from proctor.domain.moves import IllegalMove
from proctor.domain.review import (
    MAX_REASONS_CHARS,
    AnotherPersonNeeded,
    FlagOutcome,
    Outcome,
    ReasonsMissing,
    Review,
    ReviewState,
    SessionGoesOn,
    Verdict,
    give_verdict,
)

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLEAR, BREACH = Outcome.CLEAR, Outcome.BREACH
VOID, INCONCLUSIVE = Outcome.VOID, Outcome.INCONCLUSIVE
AWAITING, DECIDED = ReviewState.AWAITING, ReviewState.DECIDED
SECOND, THIRD = ReviewState.SECOND_NEEDED, ReviewState.THIRD_NEEDED


def verdict(by: str, outcome: Outcome, reasons: str = "seen on three snapshots") -> Verdict:
    return Verdict(by=by, outcome=outcome, reasons=reasons, at=AT)


def reviewed(*verdicts: tuple[str, Outcome], adverse_needs: int = 2) -> Review:
    review = Review()
    for by, outcome in verdicts:
        review = give_verdict(review, verdict(by, outcome), adverse_needs=adverse_needs)
    return review


@pytest.mark.parametrize("adverse_needs", [1, 2])
@pytest.mark.parametrize("outcome", [CLEAR, VOID, INCONCLUSIVE])
def test_one_person_suffices_to_a_verdict_that_accuses_nobody(
    outcome: Outcome, adverse_needs: int
) -> None:
    review = reviewed(("ann", outcome), adverse_needs=adverse_needs)

    assert (review.state, review.outcome) == (DECIDED, outcome)


def test_one_person_decides_a_breach_where_the_policy_asks_for_one() -> None:
    review = reviewed(("ann", BREACH), adverse_needs=1)

    assert (review.state, review.outcome) == (DECIDED, BREACH)


def test_a_breach_is_not_decided_by_one_person_where_the_policy_asks_for_two() -> None:
    review = reviewed(("ann", BREACH))

    assert (review.state, review.outcome) == (SECOND, None)


def test_a_second_person_who_agrees_decides() -> None:
    review = reviewed(("ann", BREACH), ("bo", BREACH))

    assert (review.state, review.outcome) == (DECIDED, BREACH)


@pytest.mark.parametrize("other", [CLEAR, VOID, INCONCLUSIVE])
def test_a_second_person_who_differs_decides_nothing(other: Outcome) -> None:
    review = reviewed(("ann", BREACH), ("bo", other))

    assert (review.state, review.outcome) == (THIRD, None)


@pytest.mark.parametrize("last", list(Outcome))
def test_a_third_person_decides_between_two(last: Outcome) -> None:
    review = reviewed(("ann", BREACH), ("bo", CLEAR), ("cy", last))

    assert (review.state, review.outcome) == (DECIDED, last)
    assert [given.by for given in review.verdicts] == ["ann", "bo", "cy"]


@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param([("ann", BREACH)], id="as the second"),
        pytest.param([("ann", BREACH), ("bo", CLEAR)], id="as the third"),
        pytest.param([("bo", BREACH), ("ann", CLEAR)], id="as the third, having been second"),
    ],
)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_nobody_gives_two_verdicts(earlier: list[tuple[str, Outcome]], outcome: Outcome) -> None:
    review = reviewed(*earlier)
    before = deepcopy(review)

    with pytest.raises(AnotherPersonNeeded) as refused:
        give_verdict(review, verdict("ann", outcome), adverse_needs=2)

    assert refused.value.code == "another-person-needed"
    assert refused.value.facts() == {"by": "ann"}
    assert review == before


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("adverse_needs", [1, 2])
@pytest.mark.parametrize("by", ["ann", "bo"])
def test_what_is_decided_stays_decided(by: str, adverse_needs: int, outcome: Outcome) -> None:
    review = reviewed(("ann", CLEAR))
    before = deepcopy(review)

    with pytest.raises(IllegalMove) as refused:
        give_verdict(review, verdict(by, outcome), adverse_needs=adverse_needs)

    assert (refused.value.machine, refused.value.state) == ("review", "decided")
    assert review == before


@pytest.mark.parametrize(
    "reasons",
    [
        pytest.param("", id="none"),
        pytest.param(" \t\n", id="blank"),
        pytest.param("x" * (MAX_REASONS_CHARS + 1), id="one character too many"),
    ],
)
def test_a_verdict_without_fitting_reasons_is_refused(reasons: str) -> None:
    review = Review()

    with pytest.raises(ReasonsMissing) as refused:
        give_verdict(review, verdict("ann", CLEAR, reasons), adverse_needs=2)

    assert refused.value.code == "reasons-missing"
    assert refused.value.facts() == {"at_most": 4000}
    assert review == Review()


@pytest.mark.parametrize("reasons", ["x", "x" * MAX_REASONS_CHARS])
def test_reasons_of_1_to_4000_characters_are_kept_as_written(reasons: str) -> None:
    review = give_verdict(Review(), verdict("ann", CLEAR, reasons), adverse_needs=2)

    assert review.verdicts[0].reasons == reasons


def test_what_a_verdict_says_of_each_flag_is_kept() -> None:
    flags = (("f1", FlagOutcome.UPHELD), ("f2", FlagOutcome.CANNOT_TELL))
    said = Verdict(by="ann", outcome=CLEAR, reasons="a poster", at=AT, flags=flags)

    assert give_verdict(Review(), said, adverse_needs=2).verdicts == (said,)


def test_a_new_review_has_no_outcome() -> None:
    assert (Review().state, Review().outcome) == (AWAITING, None)


def test_a_verdict_before_the_end_names_the_state() -> None:
    refused = SessionGoesOn(state="running")

    assert refused.code == "session-goes-on"
    assert refused.facts() == {"state": "running"}
    assert str(refused) == "the session is running: a verdict waits for its end"
