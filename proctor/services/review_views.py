"""Where a review stands, as one person may read it: plain values, times in milliseconds.

Everything that tells of a review goes through here, and through `domain.review`'s `state_for`,
`verdicts_for` and `comments_for`: who has yet to decide must learn nothing of what others said.
"""

from dataclasses import dataclass

from proctor.domain.contest import Contest
from proctor.domain.policy import ReviewRules
from proctor.domain.review import (
    Review,
    Verdict,
    comments_for,
    contest_until,
    state_for,
    verdicts_for,
)
from proctor.services.journal import milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagVerdictView:
    flag: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    by: str
    outcome: str
    reasons: str
    at_ms: int
    flags: list[FlagVerdictView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """As one of the staff may read it: see `domain.review.state_for`."""

    state: str
    outcome: str | None
    adverse_needs: int  # how many must agree to a breach
    verdicts: list[VerdictView]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentView:
    by: str
    at_ms: int  # the moment of the session
    text: str
    written_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagAnswer:
    flag: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    name: str
    sha256: str
    size: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestView:
    """What the learner answers."""

    text: str
    flags: list[FlagAnswer]
    attachments: list[AttachmentView]
    at_ms: int
    until_ms: int | None  # until when it could have been given


def review_view(review: Review, rules: ReviewRules, *, me: str | None) -> ReviewView:
    """Return a review as `me` may read it; None is anybody who gives no verdict in it."""
    return ReviewView(
        state=str(state_for(review, me)),
        outcome=review.outcome and str(review.outcome),
        adverse_needs=rules.adverse_needs,
        verdicts=[_verdict(each) for each in verdicts_for(review, me)],
    )


def comment_views(review: Review, *, me: str) -> list[CommentView]:
    """Return the comments that `me` may read."""
    return [
        CommentView(
            by=each.by,
            at_ms=each.at_ms,
            text=each.text,
            written_at_ms=milliseconds(each.written_at),
        )
        for each in comments_for(review, me)
    ]


def contest_view(review: Review, rules: ReviewRules) -> ContestView | None:
    """Return the learner's answer to the decision; None while there is none."""
    contest: Contest | None = review.contest
    if contest is None:
        return None
    until = contest_until(review, rules)
    return ContestView(
        text=contest.text,
        flags=[FlagAnswer(flag=flag, text=text) for flag, text in contest.flags],
        attachments=[
            AttachmentView(name=each.name, sha256=each.sha256, size=each.size, type=each.type)
            for each in contest.attachments
        ],
        at_ms=milliseconds(contest.at),
        until_ms=None if until is None else milliseconds(until),
    )


def _verdict(verdict: Verdict) -> VerdictView:
    reasons = dict(verdict.flag_reasons)
    return VerdictView(
        by=verdict.by,
        outcome=str(verdict.outcome),
        reasons=verdict.reasons,
        at_ms=milliseconds(verdict.at),
        flags=[
            FlagVerdictView(flag=flag, outcome=str(outcome), reason=reasons.get(flag, ""))
            for flag, outcome in verdict.flags
        ],
    )
