"""The review: people look at what was flagged and decide, with reasons.

An adverse end rests on as many adverse verdicts as the policy says, on every way to it: a first
one alone waits for a second, and where two differ, a third decides, and others until enough agree.
Some clear ones are looked at by a second person, too. Who has yet to decide reads nothing of what
others said. The learner may contest a decision; somebody who said nothing before then settles it.
Nothing here is decided by a machine, and nothing by one number.

Refusal
├── ReasonsMissing        a verdict without reasons
├── FlagReasonMissing     a flag judged without a reason
├── FlagsNotJudged        a flag of conduct that nothing is said of
├── QualityJudged         a flag of quality, of which there is nothing to judge
├── OwnWordsMissing       a breach that no flag carries, in words that fit every session
├── AnotherPersonNeeded   who has decided already
├── ActedAlone            who alone acted on the session
├── SessionGoesOn         too early
├── TooManyComments       more than are kept
└── ResultsHeld           the policy holds results back until the days to contest are over
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from proctor.domain.acts import RequestReused
from proctor.domain.contest import Contest, ContestOver
from proctor.domain.errors import Refusal
from proctor.domain.moves import Actor, move
from proctor.domain.policy import ReviewRules

MAX_REASONS_CHARS = 4000
MAX_FLAG_REASON_CHARS = 500
MAX_COMMENT_CHARS = 1000
MAX_COMMENTS = 200  # of a session, which is one row
# A due date this near is warned of.
DUE_SOON = timedelta(hours=24)

# What the desk offers to choose from as the reasons of a whole session. Of a breach that no flag
# carries they say too little: they fit every session. The page has the same ones, in its
# `text/reasons.ts`; tests/vectors/verdict-sentences.json is what both must be.
SENTENCES = frozenset(
    {
        "No flag was upheld. Nothing counts against this exam.",
        "I looked at the whole session and saw nothing that breaks a rule.",
        "What was upheld was small and gave no advantage.",
        "Another person helped during the exam.",
        "Somebody else than the person invited sat the exam.",
        "Something was used that this exam does not allow.",
        "The pictures are too unclear to tell what happened.",
        "Too little of the session was recorded to judge it.",
        "A fault of ours spoiled the session.",
    }
)

_ROLL_BITS = 64
_ROLLS: int = 1 << _ROLL_BITS


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
    CONTESTED = "contested"
    FINAL = "final"


class ReviewEvent(StrEnum):
    """What one person's verdict, or the learner's answer, does to the review."""

    DECIDE = "decided"  # not adverse, or adverse where one person suffices
    SAMPLE = "sampled"  # clear, and chosen to be looked at twice
    ACCUSE = "accused"  # adverse, and not enough people have said so
    CONFIRM = "confirmed"  # a second person agrees
    DIFFER = "differed"  # a second person does not
    SETTLE = "settled"  # another person decides between them, or on a contest
    CONTEST = "contested"  # the learner answers the decision


MOVES: Mapping[ReviewState, Mapping[ReviewEvent, ReviewState]] = {
    ReviewState.AWAITING: {
        ReviewEvent.DECIDE: ReviewState.DECIDED,
        ReviewEvent.SAMPLE: ReviewState.SECOND_NEEDED,
        ReviewEvent.ACCUSE: ReviewState.SECOND_NEEDED,
    },
    ReviewState.SECOND_NEEDED: {
        ReviewEvent.CONFIRM: ReviewState.DECIDED,
        ReviewEvent.DIFFER: ReviewState.THIRD_NEEDED,
    },
    ReviewState.THIRD_NEEDED: {
        ReviewEvent.SETTLE: ReviewState.DECIDED,
        # Clear, then void, then a breach: one person's word is not enough for that.
        ReviewEvent.ACCUSE: ReviewState.THIRD_NEEDED,
    },
    ReviewState.DECIDED: {ReviewEvent.CONTEST: ReviewState.CONTESTED},
    ReviewState.CONTESTED: {
        ReviewEvent.SETTLE: ReviewState.FINAL,
        ReviewEvent.ACCUSE: ReviewState.CONTESTED,
    },
    ReviewState.FINAL: {},
}
CAUSES: Mapping[ReviewEvent, frozenset[Actor]] = dict.fromkeys(
    ReviewEvent, frozenset({Actor.PROCTOR})
) | {ReviewEvent.CONTEST: frozenset({Actor.LEARNER})}
SETTLED = frozenset({ReviewState.DECIDED, ReviewState.FINAL})


class ReasonsMissing(Refusal):
    code = "reasons-missing"

    def __init__(self) -> None:
        super().__init__(f"a verdict needs its reasons: 1 to {MAX_REASONS_CHARS} characters")
        self.at_most = MAX_REASONS_CHARS


class FlagReasonMissing(Refusal):
    code = "flag-reason-missing"

    def __init__(self, *, flag: str) -> None:
        super().__init__(f"a flag is judged with a reason: 1 to {MAX_FLAG_REASON_CHARS} characters")
        self.flag = flag
        self.at_most = MAX_FLAG_REASON_CHARS


class FlagsNotJudged(Refusal):
    code = "flags-not-judged"

    def __init__(self, *, flags: Sequence[str]) -> None:
        super().__init__("a verdict says of each flag of conduct what came of it")
        self.flags = list(flags)


class QualityJudged(Refusal):
    code = "quality-judged"

    def __init__(self, *, flag: str) -> None:
        super().__init__("a flag of quality counts for nothing: there is nothing to judge in it")
        self.flag = flag


class OwnWordsMissing(Refusal):
    code = "own-words-missing"

    def __init__(self) -> None:
        super().__init__("no flag is upheld: a breach needs words of one's own, on what happened")


class AnotherPersonNeeded(Refusal):
    code = "another-person-needed"

    def __init__(self, *, by: str) -> None:
        super().__init__(f"{by} has decided already: another person is needed")
        self.by = by


class ActedAlone(Refusal):
    code = "acted-alone"

    def __init__(self, *, by: str) -> None:
        super().__init__(f"{by} alone acted on this session: another person judges it")
        self.by = by


class SessionGoesOn(Refusal):
    code = "session-goes-on"

    def __init__(self, *, state: str) -> None:
        super().__init__(f"the session is {state}: a verdict waits for its end")
        self.state = state


class TooManyComments(Refusal):
    code = "too-many-comments"

    def __init__(self) -> None:
        super().__init__(f"a session has at most {MAX_COMMENTS} comments")
        self.at_most = MAX_COMMENTS


class ResultsHeld(Refusal):
    code = "results-held"

    def __init__(self, *, until: datetime) -> None:
        super().__init__(f"results are held until {until.isoformat()}: the learner may contest")
        self.until = until


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    by: str
    outcome: Outcome
    reasons: str
    at: datetime  # aware UTC, server clock
    flags: tuple[tuple[str, FlagOutcome], ...] = ()  # (flag's id, outcome)
    flag_reasons: tuple[tuple[str, str], ...] = ()  # (flag's id, reason)
    request: str = ""  # of whoever gave it: one that comes again is this one

    @property
    def adverse(self) -> bool:
        return self.outcome is Outcome.BREACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What one person noted at a moment of a session; for staff alone."""

    by: str
    at_ms: int  # the moment, server's milliseconds since 1970
    text: str
    written_at: datetime
    request: str = ""  # of whoever wrote it: one that comes again is this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    state: ReviewState = ReviewState.AWAITING
    verdicts: tuple[Verdict, ...] = ()  # one a person, oldest first
    comments: tuple[Comment, ...] = ()  # oldest first; at most MAX_COMMENTS
    assigned_to: str = ""  # who is asked to and has not decided; anybody who may can
    due_at: datetime | None = None  # None: as the policy says
    contest: Contest | None = None

    @property
    def decision(self) -> Verdict | None:
        """The verdict that stands; None while nothing is decided. A contested one stands."""
        if self.state in SETTLED:
            return self.verdicts[-1]
        return None if self.contest is None else self.verdicts[self.contest.rests_on - 1]

    @property
    def outcome(self) -> Outcome | None:
        """What was decided; None while it isn't."""
        decision = self.decision
        return None if decision is None else decision.outcome


# --- deciding --------------------------------------------------------------------------------


def give_verdict(
    review: Review, verdict: Verdict, *, adverse_needs: int, look_twice: bool = False
) -> Review:
    """Return the review after one person's verdict.

    Args:
        review: As it stands.
        verdict: One person's, with reasons.
        adverse_needs: How many must agree to a breach, 1 or 2: the policy's `review`.
        look_twice: A second person looks, too, should this be the first and clear.

    Raises:
        AnotherPersonNeeded: This person has given one already.
        FlagReasonMissing: A flag is judged without a reason, or with over 500 characters of them.
        IllegalMove: It is decided.
        ReasonsMissing: No reasons, or over 4,000 characters of them.
    """
    if not 0 < len(verdict.reasons.strip()) <= MAX_REASONS_CHARS:
        raise ReasonsMissing
    given = dict(verdict.flag_reasons)
    for flag, _ in verdict.flags:
        if not 0 < len(given.get(flag, "").strip()) <= MAX_FLAG_REASON_CHARS:
            raise FlagReasonMissing(flag=flag)
    event = _event(review, verdict, adverse_needs, look_twice=look_twice)
    state = move("review", review.state, event, Actor.PROCTOR, moves=MOVES, causes=CAUSES)
    if verdict.by in {earlier.by for earlier in review.verdicts}:
        raise AnotherPersonNeeded(by=verdict.by)
    # Who has done what was asked of them is not asked any more: another may be needed, and finds
    # it by its being nobody's. It looks like one that was put back.
    is_done = verdict.by == review.assigned_to and state not in SETTLED
    asked = "" if is_done else review.assigned_to
    verdicts = (*review.verdicts, verdict)
    return replace(review, state=state, verdicts=verdicts, assigned_to=asked)


def assign(review: Review, *, to: str, by: str, acted: Collection[str]) -> Review:
    """Return the review asked of one person.

    Args:
        review: As it stands.
        to: Who is asked; "" takes back that anybody was.
        by: Who asks.
        acted: The names of those who acted on the session.

    Raises:
        ActedAlone: They alone acted on the session.
        AnotherPersonNeeded: They have decided already, and `by` may know: to others it must not
            tell that anybody has.
    """
    if to in {earlier.by for earlier in verdicts_for(review, by)}:
        raise AnotherPersonNeeded(by=to)
    if to:
        require_impartial(to, acted=acted)
    return replace(review, assigned_to=to)


def given_before(review: Review, verdict: Verdict) -> bool:
    """Tell whether this verdict was given already, by the same request of the same person.

    Raises:
        RequestReused: That request was for another one.
    """
    for before in review.verdicts:
        if verdict.request and (before.request, before.by) == (verdict.request, verdict.by):
            if replace(before, at=verdict.at) != verdict:
                raise RequestReused(act="verdict")
            return True
    return False


def require_judged(verdict: Verdict, *, conduct: Sequence[str]) -> None:
    """Refuse a verdict that passes over a flag of conduct, or says what no flag carries.

    Args:
        verdict: One person's.
        conduct: The ids of all flags of conduct of the session, in the order to name them.

    Raises:
        FlagsNotJudged: It says nothing of some of them.
        OwnWordsMissing: A breach, with no flag upheld, and the reasons are `SENTENCES` alone.
        QualityJudged: It judges another flag.
    """
    # Known hole: beyond some 750 flags of conduct, with reasons of a word each, no record holds the
    # verdict. Flags of a rule within a minute are one, so that takes hours of doing little else.
    judged = dict(verdict.flags)
    if left := [flag for flag in conduct if flag not in judged]:
        raise FlagsNotJudged(flags=left)
    for flag in judged:
        if flag not in conduct:
            raise QualityJudged(flag=flag)
    upheld = FlagOutcome.UPHELD in judged.values()
    said = {line.strip() for line in verdict.reasons.splitlines()} - {""}
    # No reasons at all are refused as such.
    if verdict.adverse and not upheld and said and said <= SENTENCES:
        raise OwnWordsMissing


def _event(
    review: Review, verdict: Verdict, adverse_needs: int, *, look_twice: bool
) -> ReviewEvent:
    said = sum(each.adverse for each in (*review.verdicts, verdict))
    too_few = verdict.adverse and said < adverse_needs
    match review.state:
        case ReviewState.AWAITING if too_few:
            return ReviewEvent.ACCUSE
        case ReviewState.AWAITING if look_twice and verdict.outcome is Outcome.CLEAR:
            return ReviewEvent.SAMPLE
        case ReviewState.SECOND_NEEDED:
            agrees = verdict.outcome is review.verdicts[0].outcome
            return ReviewEvent.CONFIRM if agrees else ReviewEvent.DIFFER
        case ReviewState.THIRD_NEEDED | ReviewState.CONTESTED:
            return ReviewEvent.ACCUSE if too_few else ReviewEvent.SETTLE
        case _:
            return ReviewEvent.DECIDE


def is_second_look(session_id: str, *, share: float, key: bytes) -> bool:
    """Tell whether a session is one of those whose clear verdict a second person checks.

    The first 64 bits of HMAC-SHA-256(key, id), as a fraction of 2**64, are below `share`: the
    same answer each time, which nobody knows in advance who does not have the server's key.

    Args:
        session_id: Which.
        share: Of all sessions, 0 to 1.
        key: The server's, secret.
    """
    digest = hmac.digest(key, session_id.encode(), "sha256")
    return int.from_bytes(digest[: _ROLL_BITS // 8]) < share * _ROLLS


def require_impartial(by: str, *, acted: Collection[str]) -> None:
    """Refuse a verdict by who alone acted on the session.

    Raises:
        ActedAlone: All of `acted`, the names of who did, are `by`.
    """
    if set(acted) == {by}:
        raise ActedAlone(by=by)


# --- what is not said before its time --------------------------------------------------------


def verdicts_for(review: Review, me: str | None) -> tuple[Verdict, ...]:
    """Return the verdicts that a person may read; `me` None is anybody who gives none.

    Who has yet to decide reads none of those that a decision is still to rest on, nor that there
    are any; of a contested decision, the verdicts it rests on are known.
    """
    if knows(review, me):
        return review.verdicts
    return review.verdicts[: review.contest.rests_on] if review.contest else ()


def state_for(review: Review, me: str | None) -> ReviewState:
    """Return where a review stands, as a person may know it.

    To who has yet to decide, one that waits for a second or third person looks like any other: a
    clear one that is sampled like an accusation, and like one that nobody has looked at.
    """
    known = knows(review, me) or review.contest is not None
    return review.state if known else ReviewState.AWAITING


def comments_for(review: Review, me: str | None) -> tuple[Comment, ...]:
    """Return the comments that a person may read: until they have decided, their own."""
    if knows(review, me):
        return review.comments
    known = known_until(review)
    return tuple(
        each
        for each in review.comments
        if each.by == me or (known is not None and each.written_at < known)
    )


def knows(review: Review, me: str | None) -> bool:
    """Tell whether a person may know what others said: they have, or it is decided."""
    return review.state in SETTLED or me in {each.by for each in review.verdicts}


def known_until(review: Review) -> datetime | None:
    """Return until when, exclusive, what people did for their verdicts is known to everybody.

    Of a contested decision all is known that it rests on, and nothing of who settles it; None
    where no decision was contested.
    """
    return review.contest.at if review.contest else None


# --- contest and results ---------------------------------------------------------------------


def contest(review: Review, answer: Contest, *, rules: ReviewRules) -> Review:
    """Return the review contested by the learner. It is nobody's any more, and due anew.

    Raises:
        ContestOver: The policy's days since the decision are over, or it gives none.
        IllegalMove: Nothing is decided, or it was contested before.
    """
    # As the learner may know it: a refusal must not tell that somebody has given a verdict.
    known = state_for(review, None)
    state = move("review", known, ReviewEvent.CONTEST, Actor.LEARNER, moves=MOVES, causes=CAUSES)
    until = contest_until(review, rules)
    if until is None or answer.at >= until:
        raise ContestOver(until=until)
    answer = replace(answer, rests_on=len(review.verdicts))
    return replace(review, state=state, contest=answer, assigned_to="", due_at=None)


def contest_until(review: Review, rules: ReviewRules) -> datetime | None:
    """Return until when, exclusive, a decision can or could be contested; None where it can't be.

    That stays what it was once it is contested.
    """
    decision = review.decision
    if review.contest is not None:
        decision = review.verdicts[review.contest.rests_on - 1]
    if decision is None or rules.contest_days == 0:
        return None
    return decision.at + timedelta(days=rules.contest_days)


def require_results_free(review: Review, *, rules: ReviewRules, now: datetime) -> None:
    """Refuse to release results of a decided session that the policy holds back still.

    Raises:
        ResultsHeld: The learner may still contest.
    """
    until = contest_until(review, rules)
    waits = review.state is ReviewState.DECIDED and rules.results_held == "until-contest-over"
    if waits and until is not None and now < until:
        raise ResultsHeld(until=until)


# --- the queue -------------------------------------------------------------------------------


def due_at(review: Review, *, ended_at: datetime, rules: ReviewRules) -> datetime:
    """Return when a review should be decided: as was said, or so many days after it was due."""
    since = review.contest.at if review.contest else ended_at
    return review.due_at or since + timedelta(days=rules.due_days)


def comment(review: Review, written: Comment) -> Review:
    """Return the review with a comment; as it is where the same request wrote one before.

    Raises:
        RequestReused: The request's id was that of another comment.
        TooManyComments: It has as many as are kept.
    """
    for before in review.comments:
        if written.request and (before.request, before.by) == (written.request, written.by):
            if (before.at_ms, before.text) != (written.at_ms, written.text):
                raise RequestReused(act="comment")
            return review
    if len(review.comments) >= MAX_COMMENTS:
        raise TooManyComments
    return replace(review, comments=(*review.comments, written))
