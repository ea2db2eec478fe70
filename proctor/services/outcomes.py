"""What a learner learns after the exam: what was seen, what was decided and why, the result."""

from dataclasses import dataclass, replace

from proctor.domain.act_words import told
from proctor.domain.errors import Refusal
from proctor.domain.flags import Flag
from proctor.domain.review import (
    ResultsHeld,
    ReviewState,
    Verdict,
    contest_until,
    require_results_free,
    state_for,
)
from proctor.domain.session import ENDED, ExamSession, is_released_unjudged
from proctor.services.cases import Cases
from proctor.services.journal import milliseconds
from proctor.services.ports import Published, Store
from proctor.services.results import Results, ResultView
from proctor.services.review_queue import has_conduct
from proctor.services.review_views import ContestView, contest_view
from proctor.services.timeline import (
    AnswerView,
    ExamView,
    FlagView,
    GapView,
    MessageView,
    SnapshotView,
    explained,
    flag_view,
    happened,
)
from proctor.services.views import ActView, LedgerView, SessionView, act_views, view


class NotOverYet(Refusal):
    code = "not-over-yet"

    def __init__(self, *, state: str) -> None:
        super().__init__(f"the session is {state}: what was seen is shown after its end")
        self.state = state


class UnderReview(Refusal):
    code = "under-review"

    def __init__(self) -> None:
        super().__init__(
            "people still look at this session: its evidence is yours once they decided"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFlag:
    """What a rule saw, in words, and what people made of it."""

    flag: str
    words: str
    outcome: str | None  # None where nobody judged it by itself
    reason: str  # empty where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOutcome:
    review: str
    outcome: str | None
    reasons: str | None
    flags: list[JudgedFlag] | None  # once decided: until then a flag is nobody's judgement
    released_unjudged: bool  # released without a verdict, for nobody had to judge it
    contest_until_ms: int | None  # until when the decision may be contested; None: not (any more)
    contested: bool  # it was
    results: ResultView | None  # once released
    results_held: bool  # the policy holds them back for now
    receipt_mailed: bool  # a mail server took it, for the address in the invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerFlag(FlagView):
    """A flag with all that a reviewer reads of it, and what they made of it."""

    outcome: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerTimeline:
    """All that happened in a session, for its learner: nothing that is for staff alone."""

    session: SessionView
    exam: ExamView
    policy_sha256: str
    review: str
    outcome: str | None
    reasons: str | None
    # Released without a verdict: what a decision would show is shown, too.
    released_unjudged: bool
    snapshots: list[SnapshotView]  # once decided, with what a machine saw in each
    flags: list[LearnerFlag] | None  # once decided
    gaps: list[GapView]
    ledger: list[LedgerView]
    answers: list[AnswerView]
    messages: list[MessageView]
    acts: list[ActView]
    contest: ContestView | None
    contest_until_ms: int | None


class Outcomes:
    def __init__(self, store: Store, cases: Cases, results: Results) -> None:
        self._store = store
        self._cases = cases
        self._results = results

    async def of(self, session_id: str) -> SessionOutcome:
        """Return what the learner of a session may know of it now."""
        session = (await self._cases.settled(session_id)).session
        published = await self._cases.published(session)
        review, rules = session.review, published.policy.review
        released = None if session.released_at is None else await self._results.result(session_id)
        mailed = await self._store.receipt_mailed(session_id)
        decision = review.decision
        flags = await self._store.flags(session_id)
        unjudged = is_released_unjudged(session, conduct_flags=has_conduct(flags))
        held = False
        if released is None:
            try:
                require_results_free(review, rules=rules, now=self._cases.now())
            except ResultsHeld:
                held = True
        return SessionOutcome(
            review=str(state_for(review, None)),
            outcome=None if decision is None else str(decision.outcome),
            reasons=None if decision is None else decision.reasons,
            flags=[_judged(flag, decision) for flag in flags]
            if decision is not None or unjudged
            else None,
            released_unjudged=unjudged,
            contest_until_ms=self._contest_until_ms(session, published),
            contested=review.contest is not None,
            results=released,
            results_held=held,
            receipt_mailed=mailed,
        )

    async def timeline(self, session_id: str) -> LearnerTimeline:
        """Return all that happened in a session, for its learner.

        Raises:
            NotOverYet: It goes on.
        """
        session = await self.over(session_id)
        published = await self._cases.published(session)
        decision = session.review.decision
        found = await happened(self._store, session, published.exam)
        before = self._cases.held_before(session)
        shown = view(session, published, now=self._cases.now(), held_before=before)
        snapshots = found.snapshots
        flags = await self._store.flags(session_id)
        unjudged = is_released_unjudged(session, conduct_flags=has_conduct(flags))
        is_open = decision is None and not unjudged
        if is_open:
            snapshots = [replace(each, observation=None) for each in snapshots]
        return LearnerTimeline(
            session=shown,
            exam=ExamView(id=published.exam.id, title=published.exam.title),
            policy_sha256=published.policy_sha256,
            review=str(state_for(session.review, None)),
            outcome=None if decision is None else str(decision.outcome),
            reasons=None if decision is None else decision.reasons,
            released_unjudged=unjudged,
            snapshots=snapshots,
            flags=None if is_open else [_flag(flag, decision) for flag in flags],
            gaps=found.gaps,
            ledger=shown.ledger,
            answers=found.answers,
            messages=found.messages,
            acts=act_views(session, published, told(session.acts), staff=False),
            contest=contest_view(session.review, published.policy.review),
            contest_until_ms=self._contest_until_ms(session, published),
        )

    async def over(self, session_id: str) -> ExamSession:
        """Return a session that has ended.

        Raises:
            NotOverYet: It goes on.
        """
        session = (await self._cases.settled(session_id)).session
        if session.state not in ENDED:
            raise NotOverYet(state=session.state)
        return session

    async def decided(self, session_id: str) -> ExamSession:
        """Return a session that has ended and was decided: its log tells what its pages do.

        Or one whose result was released because nobody had to judge it.

        Raises:
            NotOverYet: It goes on.
            UnderReview: It is not decided.
        """
        session = await self.over(session_id)
        flags = await self._store.flags(session_id)
        unjudged = is_released_unjudged(session, conduct_flags=has_conduct(flags))
        if session.review.decision is None and not unjudged:
            raise UnderReview
        return session

    def _contest_until_ms(self, session: ExamSession, published: Published) -> int | None:
        """Return until when the learner may contest; None where they can't any more."""
        if session.review.state is not ReviewState.DECIDED:
            return None
        until = contest_until(session.review, published.policy.review)
        return None if until is None or self._cases.now() >= until else milliseconds(until)


def _judged(flag: Flag, decision: Verdict | None) -> JudgedFlag:
    outcome, reason = _said(flag.id, decision)
    words = explained(flag, decision)
    return JudgedFlag(flag=flag.id, words=words, outcome=outcome, reason=reason)


def _flag(flag: Flag, decision: Verdict | None) -> LearnerFlag:
    outcome, reason = _said(flag.id, decision)
    shown = flag_view(flag, decision)
    return LearnerFlag(
        **{name: getattr(shown, name) for name in FlagView.__slots__},
        outcome=outcome,
        reason=reason,
    )


def _said(flag: str, decision: Verdict | None) -> tuple[str | None, str]:
    if decision is None:
        return None, ""
    outcome = dict(decision.flags).get(flag)
    return outcome and str(outcome), dict(decision.flag_reasons).get(flag, "")
