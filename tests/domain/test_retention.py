from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proctor.domain.policy import Policy, RetainRules, ReviewRules, TimeRules
from proctor.domain.retention import Holding, due, holding_of, kept_days, review_is_open
from proctor.domain.review import Outcome, Review, ReviewState, Verdict
from proctor.domain.session import ExamSession, State

END = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
POLICY = Policy(id="p", title="P", retain=RetainRules(snapshots_days=90, id_document_days=30))
SECOND = timedelta(seconds=1)


def session(
    *, state: State = State.SUBMITTED, review: ReviewState = ReviewState.AWAITING
) -> ExamSession:
    return ExamSession(
        id="s_1",
        exam="short",
        exam_sha256="e" * 64,
        policy_sha256="a" * 64,
        learner="Ada Lovelace",
        made_at=END - timedelta(hours=3),
        sections=(),
        in_order=True,
        state=state,
        review=Review(state=review),
        closed_at=None if state is State.RUNNING else END,
    )


@pytest.mark.parametrize(
    ("purposes", "holding"),
    [
        pytest.param({"document"}, Holding.DOCUMENT, id="a document"),
        pytest.param({"periodic"}, Holding.SNAPSHOT, id="a snapshot"),
        pytest.param({"face"}, Holding.SNAPSHOT, id="the face at check-in"),
        pytest.param({"file"}, Holding.ANSWER, id="a file handed in"),
        pytest.param({"portrait"}, Holding.SNAPSHOT, id="a purpose that nobody knows"),
        pytest.param({"periodic", "document"}, Holding.DOCUMENT, id="a document seen twice"),
        pytest.param({"document", "file"}, Holding.ANSWER, id="a document handed in as an answer"),
    ],
)
def test_a_blob_is_what_its_records_say(purposes: set[str], holding: Holding) -> None:
    assert holding_of(purposes) is holding


@pytest.mark.parametrize(
    ("after", "erased"),
    [
        pytest.param(timedelta(days=30) - SECOND, set(), id="before any term"),
        pytest.param(timedelta(days=30), {Holding.DOCUMENT}, id="at the document's term"),
        pytest.param(timedelta(days=90) - SECOND, {Holding.DOCUMENT}, id="before the snapshots'"),
        pytest.param(
            timedelta(days=90), {Holding.DOCUMENT, Holding.SNAPSHOT}, id="at the snapshots'"
        ),
        pytest.param(
            timedelta(days=9000), {Holding.DOCUMENT, Holding.SNAPSHOT}, id="answers stay for ever"
        ),
    ],
)
@pytest.mark.parametrize("state", [State.SUBMITTED, State.TERMINATED, State.EXPIRED])
def test_pictures_are_due_at_their_terms(
    state: State, after: timedelta, erased: set[Holding]
) -> None:
    found = due(session(state=state), POLICY, conduct_flags=False, now=END + after)
    assert found == erased


def test_nothing_is_due_while_a_session_goes_on() -> None:
    going = session(state=State.RUNNING)
    assert not due(going, POLICY, conduct_flags=False, now=END + timedelta(days=9000))


@pytest.mark.parametrize("conduct_flags", [True, False])
@pytest.mark.parametrize("state", ReviewState)
def test_an_open_review_keeps_its_pictures(state: ReviewState, conduct_flags: bool) -> None:
    reviewed = session(review=state)
    is_open = state not in (ReviewState.DECIDED, ReviewState.FINAL) and (
        conduct_flags or state is not ReviewState.AWAITING
    )
    assert review_is_open(reviewed, conduct_flags=conduct_flags) is is_open
    found = due(reviewed, POLICY, conduct_flags=conduct_flags, now=END + timedelta(days=90))
    assert (found == frozenset()) is is_open


def test_nothing_is_erased_while_late_records_may_come() -> None:
    policy = Policy(
        id="p",
        title="P",
        retain=RetainRules(snapshots_days=1, id_document_days=2),
        time=TimeRules(late_h=49),
    )
    assert kept_days(policy) == {Holding.DOCUMENT: 3, Holding.SNAPSHOT: 3}


def test_after_a_late_verdict_its_learner_has_the_whole_term_to_see_the_evidence() -> None:
    decided_at = END + timedelta(days=89)
    verdict = Verdict(by="kim", outcome=Outcome.BREACH, reasons="seen", at=decided_at)
    decided = replace(session(), review=Review(state=ReviewState.DECIDED, verdicts=(verdict,)))
    days_90 = timedelta(days=90)

    assert due(decided, POLICY, conduct_flags=True, now=END + days_90) == set()
    assert due(decided, POLICY, conduct_flags=True, now=decided_at + days_90) == {
        Holding.DOCUMENT,
        Holding.SNAPSHOT,
    }


def test_pictures_stay_while_the_learner_may_contest_what_they_show() -> None:
    policy = Policy(
        id="p",
        title="P",
        retain=RetainRules(snapshots_days=1, id_document_days=1),
        review=ReviewRules(contest_days=14),
    )
    verdict = Verdict(by="kim", outcome=Outcome.VOID, reasons="seen", at=END)
    decided = replace(session(), review=Review(state=ReviewState.DECIDED, verdicts=(verdict,)))
    final = replace(session(), review=Review(state=ReviewState.FINAL, verdicts=(verdict,)))
    day = timedelta(days=1)

    assert due(decided, policy, conduct_flags=True, now=END + 14 * day - SECOND) == set()
    assert due(decided, policy, conduct_flags=True, now=END + 14 * day) == set(kept_days(policy))
    assert due(final, policy, conduct_flags=True, now=END + day) == set(kept_days(policy))
