"""What a learner learns after the exam: how far the review is, what was decided, the result."""

from dataclasses import dataclass

from proctor.domain.review import ReviewState
from proctor.services.cases import Cases
from proctor.services.ports import Store
from proctor.services.results import Results, ResultView


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFlag:
    """What a rule saw, in words, and what people made of it."""

    words: str
    outcome: str | None  # None where nobody judged it by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOutcome:
    review: str
    outcome: str | None
    reasons: str | None
    flags: list[JudgedFlag] | None  # once decided: until then a flag is nobody's judgement
    results: ResultView | None  # once released
    receipt_mailed: bool  # a mail server took it, for the address in the invitation


class Outcomes:
    def __init__(self, store: Store, cases: Cases, results: Results) -> None:
        self._store = store
        self._cases = cases
        self._results = results

    async def of(self, session_id: str) -> SessionOutcome:
        """Return what the learner of a session may know of it now."""
        session = (await self._cases.settled(session_id)).session
        review = session.review
        released = None if session.released_at is None else await self._results.result(session_id)
        mailed = await self._store.receipt_mailed(session_id)
        if review.state is not ReviewState.DECIDED:
            return SessionOutcome(
                review=str(review.state),
                outcome=None,
                reasons=None,
                flags=None,
                results=released,
                receipt_mailed=mailed,
            )
        last = review.verdicts[-1]
        judged = {flag: str(outcome) for flag, outcome in last.flags}
        return SessionOutcome(
            review=str(review.state),
            outcome=str(last.outcome),
            reasons=last.reasons,
            flags=[
                JudgedFlag(words=flag.explanation, outcome=judged.get(flag.id))
                for flag in await self._store.flags(session_id)
            ],
            results=released,
            receipt_mailed=mailed,
        )
