import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.acts import RequestReused
from proctor.domain.contest import (
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    MAX_CONTEST_CHARS,
    MAX_CONTEST_FLAGS,
    Attachment,
    AttachmentsNotTaken,
    Contest,
    ContestEmpty,
    ContestOfUnknownFlag,
    ContestOver,
    ContestTooLarge,
    require_sound,
)
from proctor.domain.errors import Refusal
from proctor.domain.moves import IllegalMove
from proctor.domain.policy import ReviewRules
from proctor.domain.review import (
    MAX_COMMENTS,
    MAX_FLAG_REASON_CHARS,
    MAX_REASONS_CHARS,
    SENTENCES,
    SETTLED,
    ActedAlone,
    AnotherPersonNeeded,
    Comment,
    FlagOutcome,
    FlagReasonMissing,
    FlagsNotJudged,
    Outcome,
    OwnWordsMissing,
    QualityJudged,
    ReasonsMissing,
    ResultsHeld,
    Review,
    ReviewState,
    SessionGoesOn,
    TooManyComments,
    Verdict,
    assign,
    comment,
    comments_for,
    contest,
    contest_until,
    due_at,
    give_verdict,
    given_before,
    is_second_look,
    require_impartial,
    require_judged,
    require_results_free,
    state_for,
    verdicts_for,
)

SENTENCES_JSON = Path(__file__).parents[1] / "vectors" / "verdict-sentences.json"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLEAR, BREACH = Outcome.CLEAR, Outcome.BREACH
VOID, INCONCLUSIVE = Outcome.VOID, Outcome.INCONCLUSIVE
AWAITING, DECIDED = ReviewState.AWAITING, ReviewState.DECIDED
SECOND, THIRD = ReviewState.SECOND_NEEDED, ReviewState.THIRD_NEEDED
CONTESTED, FINAL = ReviewState.CONTESTED, ReviewState.FINAL
RULES = ReviewRules()
ANSWER = Contest(text="it was my reflection", at=AT)


def verdict(by: str, outcome: Outcome, reasons: str = "seen on three snapshots") -> Verdict:
    return Verdict(by=by, outcome=outcome, reasons=reasons, at=AT)


def reviewed(
    *verdicts: tuple[str, Outcome],
    adverse_needs: int = 2,
    look_twice: bool = False,
    review: Review | None = None,
) -> Review:
    review = review or Review()
    for by, outcome in verdicts:
        review = give_verdict(
            review, verdict(by, outcome), adverse_needs=adverse_needs, look_twice=look_twice
        )
    return review


def contested(*verdicts: tuple[str, Outcome]) -> Review:
    return contest(reviewed(*verdicts), ANSWER, rules=RULES)


# --- who decides ---------------------------------------------------------------------------------


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

    assert (review.state, review.outcome, review.decision) == (SECOND, None, None)


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


def test_a_clear_verdict_that_is_sampled_waits_for_a_second_person() -> None:
    review = reviewed(("ann", CLEAR), look_twice=True)
    assert (review.state, review.outcome) == (SECOND, None)

    review = reviewed(("bo", CLEAR), review=review, look_twice=True)
    assert (review.state, review.outcome) == (DECIDED, CLEAR)


@pytest.mark.parametrize("outcome", [VOID, INCONCLUSIVE])
def test_only_clear_verdicts_are_sampled(outcome: Outcome) -> None:
    assert reviewed(("ann", outcome), look_twice=True).state is DECIDED


@pytest.mark.parametrize("second", [BREACH, VOID, INCONCLUSIVE])
def test_a_second_person_who_differs_from_a_sampled_clear_brings_a_third(second: Outcome) -> None:
    review = reviewed(("ann", CLEAR), ("bo", second), look_twice=True)

    assert (review.state, review.outcome) == (THIRD, None)


def test_a_third_person_alone_decides_no_breach() -> None:
    """Clear, void, and then a breach: nobody else has said so."""
    review = reviewed(("ann", CLEAR), ("bo", VOID), ("cy", BREACH), look_twice=True)
    assert (review.state, review.outcome) == (THIRD, None)

    assert reviewed(("di", BREACH), review=review).outcome is BREACH
    assert reviewed(("di", VOID), review=review).outcome is VOID
    assert reviewed(("cy2", BREACH), review=review, adverse_needs=1).state is DECIDED


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


PEOPLE = [f"p{number}" for number in range(9)]


@given(
    steps=st.lists(st.one_of(st.just("contest"), st.sampled_from(list(Outcome))), max_size=9),
    adverse_needs=st.sampled_from([1, 2]),
    look_twice=st.booleans(),
)
def test_an_adverse_end_rests_on_as_many_as_the_policy_says(
    steps: list[str | Outcome], adverse_needs: int, look_twice: bool
) -> None:
    review, decisions = Review(), []
    for by, step in zip(PEOPLE, steps, strict=False):
        try:
            if isinstance(step, Outcome):
                review = reviewed(
                    (by, step), review=review, adverse_needs=adverse_needs, look_twice=look_twice
                )
            else:
                review = contest(review, ANSWER, rules=RULES)
        except IllegalMove:
            continue
        rests_on = review.verdicts
        if review.state is CONTESTED:
            assert review.contest is not None
            rests_on = rests_on[: review.contest.rests_on]
        if review.outcome is BREACH:
            assert sum(each.outcome is BREACH for each in rests_on) >= adverse_needs
        assert (review.outcome is None) == (review.decision is None)
        assert len({each.by for each in review.verdicts}) == len(review.verdicts)
        decisions.append(review.state)
    assert (FINAL in decisions) <= (CONTESTED in decisions) <= (DECIDED in decisions)


# --- what is said with it ------------------------------------------------------------------------


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


def judged(*reasons: tuple[str, str]) -> Verdict:
    flags = (("f1", FlagOutcome.UPHELD), ("f2", FlagOutcome.CANNOT_TELL))
    return Verdict(
        by="ann", outcome=CLEAR, reasons="a poster", at=AT, flags=flags, flag_reasons=reasons
    )


def test_what_a_verdict_says_of_each_flag_is_kept() -> None:
    said = judged(("f1", "a poster"), ("f2", "x" * MAX_FLAG_REASON_CHARS))

    assert give_verdict(Review(), said, adverse_needs=2).verdicts == (said,)


@pytest.mark.parametrize(
    ("reason", "flag"),
    [
        pytest.param([("f1", "a poster")], "f2", id="none"),
        pytest.param([("f1", " "), ("f2", "x")], "f1", id="blank"),
        pytest.param([("f1", "x"), ("f2", "x" * (MAX_FLAG_REASON_CHARS + 1))], "f2", id="too long"),
    ],
)
def test_a_flag_is_judged_with_a_reason(reason: list[tuple[str, str]], flag: str) -> None:
    with pytest.raises(FlagReasonMissing) as refused:
        give_verdict(Review(), judged(*reason), adverse_needs=2)

    assert refused.value.facts() == {"flag": flag, "at_most": 500}


def test_a_new_review_has_no_outcome() -> None:
    assert (Review().state, Review().outcome) == (AWAITING, None)


def test_a_verdict_before_the_end_names_the_state() -> None:
    refused = SessionGoesOn(state="running")

    assert refused.code == "session-goes-on"
    assert refused.facts() == {"state": "running"}
    assert str(refused) == "the session is running: a verdict waits for its end"


def test_who_alone_acted_on_a_session_does_not_judge_it() -> None:
    with pytest.raises(ActedAlone):
        require_impartial("ann", acted={"ann"})
    require_impartial("ann", acted={"ann", "bo"})
    require_impartial("ann", acted={"bo"})
    require_impartial("ann", acted=())


# --- second looks --------------------------------------------------------------------------------


def test_the_share_of_second_looks_is_the_policys() -> None:
    ids = [f"s_{number}" for number in range(4000)]
    for share in (0.0, 0.1, 0.5, 1.0):
        chosen = sum(is_second_look(each, share=share, key=b"k") for each in ids)
        assert chosen == pytest.approx(share * len(ids), abs=0.03 * len(ids))


@given(
    session=st.text(max_size=20),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    key=st.binary(min_size=1),
)
def test_a_session_chosen_for_a_share_is_chosen_for_every_greater_one(
    session: str, shares: tuple[float, float], key: bytes
) -> None:
    fewer, more = sorted(shares)
    assert is_second_look(session, share=fewer, key=key) <= is_second_look(
        session, share=more, key=key
    )
    assert is_second_look(session, share=1.0, key=key)
    assert not is_second_look(session, share=0.0, key=key)


def test_who_has_not_the_key_does_not_know_which_are_chosen() -> None:
    ids = [f"s_{number}" for number in range(400)]
    one, other = ({each for each in ids if is_second_look(each, share=0.5, key=key)}
                  for key in (b"one", b"other"))  # fmt: skip
    assert 100 < len(one ^ other) < 300


# --- blindness -----------------------------------------------------------------------------------


def known(review: Review, me: str | None) -> tuple[object, ...]:
    """Return all that a person may read of a review."""
    return (
        state_for(review, me),
        verdicts_for(review, me),
        comments_for(review, me),
        review.outcome,
    )


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("verdict"), st.sampled_from(PEOPLE), st.sampled_from(list(Outcome))),
            st.tuples(st.just("comment"), st.sampled_from(PEOPLE), st.just(CLEAR)),
            st.tuples(st.just("contest"), st.just(""), st.just(CLEAR)),
        ),
        max_size=14,
    ),
    look_twice=st.booleans(),
)
def test_who_has_yet_to_decide_learns_nothing_of_what_others_said(
    steps: list[tuple[str, str, Outcome]], look_twice: bool
) -> None:
    """What they read is what they would if nobody had said anything in this round."""
    review, untouched = Review(), Review()
    for what, by, outcome in steps:
        try:
            if what == "verdict":
                review = reviewed((by, outcome), review=review, look_twice=look_twice)
            elif what == "comment":
                at = AT - timedelta(hours=1) if review.contest is None else AT
                written = Comment(by=by, at_ms=1, text="a phone", written_at=at)
                review = comment(review, written)
                untouched = comment(untouched, written)
            else:
                review = untouched = contest(review, ANSWER, rules=RULES)
        except Refusal:
            continue
        if review.state in SETTLED:
            for me in (None, *PEOPLE):
                assert known(review, me) == (
                    review.state,
                    review.verdicts,
                    review.comments,
                    review.outcome,
                )
            continue
        for me in {None, *PEOPLE} - {each.by for each in review.verdicts}:
            assert known(review, me) == known(untouched, me)
            assert all(each.by == me or review.contest for each in comments_for(review, me))
            if review.contest is None:
                assert known(review, me)[:2] == (AWAITING, ())


def test_who_has_decided_reads_all() -> None:
    written = Comment(by="cy", at_ms=1, text="a phone", written_at=AT)
    review = comment(reviewed(("ann", BREACH), ("bo", CLEAR)), written)

    assert known(review, "ann") == known(review, "bo") == (
        THIRD, review.verdicts, (written,), None
    )  # fmt: skip
    assert known(review, "di") == (AWAITING, (), (), None)
    assert known(review, "cy") == (AWAITING, (), (written,), None)


def test_a_sampled_clear_looks_as_an_accusation_and_as_what_released_unjudged_at() -> None:
    sampled = reviewed(("ann", CLEAR), look_twice=True)

    assert known(sampled, "bo") == known(reviewed(("ann", BREACH)), "bo") == known(Review(), "bo")


def test_who_settles_a_contest_reads_the_decision_and_not_who_settles_it_too() -> None:
    review = contested(("ann", CLEAR))
    accused = reviewed(("bo", BREACH), review=review)

    assert accused.state is CONTESTED
    assert (
        known(review, "cy")
        == known(accused, "cy")
        == (CONTESTED, review.verdicts, (), Outcome.CLEAR)
    )
    assert known(accused, "bo")[1] == accused.verdicts


# --- the contest ---------------------------------------------------------------------------------


def test_a_decision_that_is_contested_stands_until_another_person_has_looked() -> None:
    review = contested(("ann", BREACH), ("bo", BREACH))
    assert (review.state, review.outcome) == (CONTESTED, BREACH)
    assert review.contest == replace(ANSWER, rests_on=2)

    for by in ("ann", "bo"):
        with pytest.raises(AnotherPersonNeeded):
            reviewed((by, CLEAR), review=review)
    review = reviewed(("cy", CLEAR), review=review)
    assert (review.state, review.outcome) == (FINAL, CLEAR)


def test_a_contest_makes_no_breach_by_one_person() -> None:
    review = reviewed(("cy", BREACH), review=contested(("ann", CLEAR)))
    assert (review.state, review.outcome) == (CONTESTED, CLEAR)

    assert reviewed(("di", CLEAR), review=review).outcome is CLEAR
    twice = reviewed(("di", BREACH), review=review)
    assert (twice.state, twice.outcome) == (FINAL, BREACH)


def test_what_is_final_stays_final() -> None:
    review = reviewed(("cy", CLEAR), review=contested(("ann", CLEAR)))

    with pytest.raises(IllegalMove):
        reviewed(("di", CLEAR), review=review)
    with pytest.raises(IllegalMove):
        contest(review, ANSWER, rules=RULES)


def test_a_contest_is_nobodys_yet_and_due_anew() -> None:
    given = replace(reviewed(("ann", CLEAR)), assigned_to="ann", due_at=AT)
    review = contest(given, replace(ANSWER, at=AT + timedelta(days=3)), rules=RULES)

    assert (review.assigned_to, review.due_at) == ("", None)
    assert due_at(review, ended_at=AT, rules=RULES) == AT + timedelta(days=3 + 5)


@pytest.mark.parametrize("state", [AWAITING, SECOND, THIRD])
def test_only_a_decision_is_contested(state: ReviewState) -> None:
    with pytest.raises(IllegalMove) as no:
        contest(Review(state=state), ANSWER, rules=RULES)
    assert no.value.state == "awaiting"  # whether somebody has given a verdict is not told


def test_a_contest_comes_within_the_days_of_the_policy() -> None:
    decided = reviewed(("ann", CLEAR))
    until = AT + timedelta(days=14)
    assert contest_until(decided, RULES) == until
    last = replace(ANSWER, at=until - timedelta(microseconds=1))
    after = contest(decided, last, rules=RULES)
    assert contest_until(after, RULES) == until
    assert contest_until(reviewed(("bo", CLEAR), review=after), RULES) == until

    with pytest.raises(ContestOver) as refused:
        contest(decided, replace(ANSWER, at=until), rules=RULES)
    assert refused.value.facts() == {"until": until}
    with pytest.raises(ContestOver) as refused:
        contest(decided, ANSWER, rules=ReviewRules(contest_days=0))
    assert refused.value.facts() == {"until": None}
    assert contest_until(Review(), RULES) is None


FILE = Attachment(name="doctor.pdf", sha256="0" * 64, size=1, type="application/pdf")
LONG = "x" * (MAX_CONTEST_CHARS + 1)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        pytest.param(Contest(text=" ", at=AT, flags=(("f1", ""),)), ContestEmpty, id="nothing"),
        pytest.param(Contest(text=LONG, at=AT), ContestTooLarge, id="too long a text"),
        pytest.param(
            Contest(text="", at=AT, flags=(("f1", LONG),)), ContestTooLarge, id="too long for one"
        ),
        pytest.param(
            Contest(text="x", at=AT, flags=(("f1", ""),) * (MAX_CONTEST_FLAGS + 1)),
            ContestTooLarge,
            id="too many flags",
        ),
        pytest.param(
            Contest(text="x", at=AT, flags=(("f9", "x"),)), ContestOfUnknownFlag, id="no such flag"
        ),
        pytest.param(
            Contest(text="x", at=AT, flags=(("f1", "x"),) * 2),
            ContestOfUnknownFlag,
            id="one flag twice",
        ),
        pytest.param(
            Contest(text="x", at=AT, attachments=(FILE,) * (MAX_ATTACHMENTS + 1)),
            ContestTooLarge,
            id="too many files",
        ),
        pytest.param(
            Contest(text="x", at=AT, attachments=(replace(FILE, size=MAX_ATTACHMENT_BYTES + 1),)),
            ContestTooLarge,
            id="a file too large",
        ),
    ],
)
def test_an_answer_that_is_unsound_is_refused(answer: Contest, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        require_sound(answer, raised={"f1", "f2"})


def test_an_answer_to_some_flags_with_files_is_sound() -> None:
    files = (replace(FILE, size=MAX_ATTACHMENT_BYTES),) * MAX_ATTACHMENTS
    answer = Contest(text="", at=AT, flags=(("f2", "a poster"),), attachments=files)

    require_sound(answer, raised={"f1", "f2"})
    assert AttachmentsNotTaken().code == "attachments-not-taken"


# --- results, due dates, comments ----------------------------------------------------------------


def test_results_are_held_until_nobody_can_contest_where_the_policy_says_so() -> None:
    decided = reviewed(("ann", CLEAR))
    until = AT + timedelta(days=14)
    holding = ReviewRules(results_held="until-contest-over")
    with pytest.raises(ResultsHeld) as refused:
        require_results_free(decided, rules=holding, now=until - timedelta(seconds=1))
    assert refused.value.facts() == {"until": until}

    require_results_free(decided, rules=holding, now=until)
    require_results_free(decided, rules=RULES, now=AT)
    final = reviewed(("cy", CLEAR), review=contest(decided, ANSWER, rules=holding))
    require_results_free(final, rules=holding, now=AT)


def test_a_review_is_due_as_the_policy_or_a_person_says() -> None:
    ended_at = AT - timedelta(days=1)

    assert due_at(Review(), ended_at=ended_at, rules=RULES) == ended_at + timedelta(days=5)
    assert due_at(Review(due_at=AT), ended_at=ended_at, rules=RULES) == AT


def test_comments_are_kept_up_to_their_number() -> None:
    written = Comment(by="ann", at_ms=1, text="a phone", written_at=AT)
    full = Review(comments=(written,) * MAX_COMMENTS)

    with pytest.raises(TooManyComments) as refused:
        comment(full, written)
    assert refused.value.facts() == {"at_most": 200}


# --- what is judged ------------------------------------------------------------------------------


def on_flags(outcome: Outcome, reasons: str = "I saw it", **flags: FlagOutcome) -> Verdict:
    return replace(verdict("ann", outcome, reasons), flags=tuple(flags.items()))


def test_a_verdict_says_of_each_flag_of_conduct_what_came_of_it() -> None:
    said = on_flags(CLEAR, f2=FlagOutcome.CANNOT_TELL)
    with pytest.raises(FlagsNotJudged) as refused:
        require_judged(said, conduct=["f1", "f2", "f3"])
    assert refused.value.facts() == {"flags": ["f1", "f3"]}
    require_judged(said, conduct=["f2"])
    require_judged(on_flags(VOID), conduct=[])


@pytest.mark.parametrize("outcome", list(FlagOutcome))
def test_of_a_flag_of_quality_there_is_nothing_to_judge(outcome: FlagOutcome) -> None:
    with pytest.raises(QualityJudged) as refused:
        require_judged(on_flags(CLEAR, f1=outcome, dark=outcome), conduct=["f1"])
    assert refused.value.facts() == {"flag": "dark"}


@pytest.mark.parametrize("reasons", [*sorted(SENTENCES), "\n \n".join(sorted(SENTENCES)[:2])])
def test_a_breach_that_no_flag_carries_needs_words_of_ones_own(reasons: str) -> None:
    flag = FlagOutcome.NOT_UPHELD
    with pytest.raises(OwnWordsMissing):
        require_judged(on_flags(BREACH, f"  {reasons} ", f1=flag), conduct=["f1"])
    with pytest.raises(OwnWordsMissing):
        require_judged(on_flags(BREACH, reasons), conduct=[])
    require_judged(on_flags(BREACH, f"{reasons}\nShe read from a note.", f1=flag), conduct=["f1"])
    require_judged(on_flags(BREACH, reasons, f1=FlagOutcome.UPHELD), conduct=["f1"])
    require_judged(on_flags(CLEAR, reasons, f1=flag), conduct=["f1"])


def test_the_sentences_to_choose_from_are_those_of_the_page() -> None:
    assert sorted(SENTENCES) == sorted(json.loads(SENTENCES_JSON.read_text()))


# --- once for a request --------------------------------------------------------------------------


def test_a_verdict_that_comes_again_is_known_by_its_request() -> None:
    first = replace(on_flags(BREACH, f1=FlagOutcome.UPHELD), request="r1")
    review = Review(verdicts=(first,), state=SECOND)
    assert given_before(review, replace(first, at=AT + timedelta(minutes=1)))
    assert not given_before(review, replace(first, by="bo"))
    assert not given_before(review, replace(first, request="r2"))
    assert not given_before(Review(verdicts=(replace(first, request=""),)), first)
    assert not given_before(
        Review(verdicts=(replace(first, request=""),)), replace(first, request="")
    )
    with pytest.raises(RequestReused):
        given_before(review, replace(first, outcome=CLEAR))


def test_a_comment_of_one_request_is_kept_once() -> None:
    mark = Comment(by="ann", at_ms=1, text="who is that?", written_at=AT, request="r1")
    once = comment(Review(), mark)
    assert comment(once, replace(mark, written_at=AT + timedelta(minutes=1))) is once
    full = replace(once, comments=(mark,) * MAX_COMMENTS)
    assert comment(full, mark) is full
    assert len(comment(once, replace(mark, by="bo")).comments) == 2
    assert len(comment(once, replace(mark, request="r2")).comments) == 2
    for text, at_ms in (("another", 1), ("who is that?", 2)):
        with pytest.raises(RequestReused):
            comment(once, replace(mark, text=text, at_ms=at_ms))
    anonymous = replace(mark, request="")
    assert len(comment(comment(Review(), anonymous), anonymous).comments) == 2


# --- whose it is ---------------------------------------------------------------------------------


def test_who_has_judged_is_not_asked_any_more_while_another_is_needed() -> None:
    asked = Review(assigned_to="ann")
    first = reviewed(("ann", BREACH), review=asked)
    assert (first.state, first.assigned_to) == (SECOND, "")
    assert reviewed(("bo", BREACH), review=asked).assigned_to == "ann"
    assert reviewed(("ann", CLEAR), review=asked).assigned_to == "ann"


def test_nobody_is_asked_who_cannot_decide_as_far_as_the_asker_may_know() -> None:
    assert assign(Review(), to="bo", by="ann", acted=["cy"]).assigned_to == "bo"
    assert assign(Review(assigned_to="bo"), to="", by="ann", acted=["bo"]).assigned_to == ""
    with pytest.raises(ActedAlone) as acted:
        assign(Review(), to="bo", by="ann", acted=["bo", "bo"])
    assert acted.value.facts() == {"by": "bo"}
    first = reviewed(("bo", BREACH))
    with pytest.raises(AnotherPersonNeeded):
        assign(first, to="bo", by="bo", acted=[])
    # To whoever has yet to decide, a refusal would tell that somebody has.
    assert assign(first, to="bo", by="ann", acted=[]).assigned_to == "bo"
    with pytest.raises(AnotherPersonNeeded):
        assign(contested(("bo", CLEAR)), to="bo", by="ann", acted=[])
