"""The review: people look at what was flagged and decide, with reasons.

An adverse verdict needs as many people as the policy says. When the second does not agree, a third
decides. Nothing here is decided by a machine, and nothing by one number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from proctor.domain.errors import Refusal
from proctor.domain.moves import Actor, move

MAX_REASONS_CHARS = 4000


class Outcome(StrEnum):
    """What a session's verdict says."""

    CLEAR = "clear"
    BREACH = "breach"
    VOID = "void"  # by a fault of ours: the learner may sit again
    INCONCLUSIVE = "inconclusive"


class FlagOutcome(StrEnum):
    UPHELD = "upheld"
    NOT_UPHELD = "not-upheld"
    CANNOT_TELL = "cannot-tell"


class ReviewState(StrEnum):
    AWAITING = "awaiting"
    SECOND_NEEDED = "second-needed"
    THIRD_NEEDED = "third-needed"
    DECIDED = "decided"


class ReviewEvent(StrEnum):
    """What one person's verdict does to the review."""

    DECIDE = "decided"  # not adverse, or adverse where one person suffices
    ACCUSE = "accused"  # adverse, and another person must agree
    CONFIRM = "confirmed"  # a second person agrees
    DIFFER = "differed"  # a second person does not
    SETTLE = "settled"  # a third person decides between them


MOVES: Mapping[ReviewState, Mapping[ReviewEvent, ReviewState]] = {
    ReviewState.AWAITING: {
        ReviewEvent.DECIDE: ReviewState.DECIDED,
        ReviewEvent.ACCUSE: ReviewState.SECOND_NEEDED,
    },
    ReviewState.SECOND_NEEDED: {
        ReviewEvent.CONFIRM: ReviewState.DECIDED,
        ReviewEvent.DIFFER: ReviewState.THIRD_NEEDED,
    },
    ReviewState.THIRD_NEEDED: {ReviewEvent.SETTLE: ReviewState.DECIDED},
    # Final here: a contest, which reopens it, comes with the learner's side.
    ReviewState.DECIDED: {},
}
CAUSES: Mapping[ReviewEvent, frozenset[Actor]] = dict.fromkeys(
    ReviewEvent, frozenset({Actor.PROCTOR})
)


class ReasonsMissing(Refusal):
    code = "reasons-missing"

    def __init__(self) -> None:
        super().__init__(f"a verdict needs its reasons: 1 to {MAX_REASONS_CHARS} characters")
        self.at_most = MAX_REASONS_CHARS


class AnotherPersonNeeded(Refusal):
    code = "another-person-needed"

    def __init__(self, *, by: str) -> None:
        super().__init__(f"{by} has decided already: another person is needed")
        self.by = by


class SessionGoesOn(Refusal):
    code = "session-goes-on"

    def __init__(self, *, state: str) -> None:
        super().__init__(f"the session is {state}: a verdict waits for its end")
        self.state = state


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    by: str
    outcome: Outcome
    reasons: str
    at: datetime  # aware UTC, server clock
    flags: tuple[tuple[str, FlagOutcome], ...] = ()  # (flag's id, outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    state: ReviewState = ReviewState.AWAITING
    verdicts: tuple[Verdict, ...] = ()  # one a person, oldest first

    @property
    def outcome(self) -> Outcome | None:
        """What was decided; None while it isn't."""
        return self.verdicts[-1].outcome if self.state is ReviewState.DECIDED else None


def give_verdict(review: Review, verdict: Verdict, *, adverse_needs: int) -> Review:
    """Return the review after one person's verdict.

    Args:
        review: As it stands.
        verdict: One person's, with reasons.
        adverse_needs: How many must agree to a breach, 1 or 2: the policy's `review`.

    Raises:
        AnotherPersonNeeded: This person has given one already.
        IllegalMove: It is decided.
        ReasonsMissing: No reasons, or over 4,000 characters of them.
    """
    if not 0 < len(verdict.reasons.strip()) <= MAX_REASONS_CHARS:
        raise ReasonsMissing
    event = _event(review, verdict, adverse_needs)
    state = move("review", review.state, event, Actor.PROCTOR, moves=MOVES, causes=CAUSES)
    if verdict.by in {earlier.by for earlier in review.verdicts}:
        raise AnotherPersonNeeded(by=verdict.by)
    return replace(review, state=state, verdicts=(*review.verdicts, verdict))


def _event(review: Review, verdict: Verdict, adverse_needs: int) -> ReviewEvent:
    adverse = verdict.outcome is Outcome.BREACH
    match review.state:
        case ReviewState.SECOND_NEEDED:
            return ReviewEvent.CONFIRM if adverse else ReviewEvent.DIFFER
        case ReviewState.THIRD_NEEDED:
            return ReviewEvent.SETTLE
        case _:
            return ReviewEvent.ACCUSE if adverse and adverse_needs > 1 else ReviewEvent.DECIDE
