"""Reviews: which sessions need a person first, what happened in one, and the verdict."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from proctor.domain.acts import WORDS_ALONE, StalePage
from proctor.domain.errors import Refusal
from proctor.domain.flags import FlagClass
from proctor.domain.review import (
    SETTLED,
    ActedAlone,
    Comment,
    FlagOutcome,
    Outcome,
    ReviewState,
    SessionGoesOn,
    Verdict,
    assign,
    comment,
    give_verdict,
    given_before,
    is_second_look,
    require_impartial,
    require_judged,
)
from proctor.domain.session import (
    ENDED,
    ExamSession,
    ReleasedUnjudged,
    is_released_unjudged,
    require_judgeable,
)
from proctor.evidence.errors import MalformedRecord
from proctor.evidence.note import SigningKey
from proctor.services.acts import FailedView, each_by_itself
from proctor.services.analysis import Analysis, NotLookedAtYet
from proctor.services.cases import Cases
from proctor.services.journal import lines, milliseconds, verdict_entry
from proctor.services.logins import Account, LoginStore, StaffRole
from proctor.services.own_exams import NotTheirExam, NotYourExam, OwnExams, is_among
from proctor.services.ports import CASES_AT_ONCE, MAX_CASES, Case, NotFound, Store
from proctor.services.review_queue import ReviewRow, has_conduct, row_of, urgency, waits_for
from proctor.services.review_views import (
    CommentView,
    ContestView,
    ReviewView,
    comment_views,
    contest_view,
    review_view,
)
from proctor.services.timeline import (
    AnswerView,
    ExamView,
    FlagView,
    GapView,
    MessageView,
    SnapshotView,
    UnavailableView,
    flag_view,
    happened,
)
from proctor.services.views import ActView, LedgerView, SessionView, act_views, view

REVIEWERS = frozenset({StaffRole.PROCTOR, StaffRole.LEAD})
# For how long what somebody did is counted as done lately: a day, wherever their midnight is.
LATELY = timedelta(hours=24)
# Of a place in the log: more digits than any will have.
_FAR = 10**9


class UnknownFlag(Refusal):
    code = "unknown-flag"

    def __init__(self, *, flag: str) -> None:
        super().__init__(f"no flag {flag} was raised in this session")
        self.flag = flag


class VerdictTooLarge(Refusal):
    code = "verdict-too-large"

    def __init__(self) -> None:
        super().__init__("all reasons of a verdict together are more than one record holds")


class NoSuchReviewer(Refusal):
    code = "no-such-reviewer"

    def __init__(self) -> None:
        super().__init__("nobody of this name may give verdicts here")


class NothingToDecide(Refusal):
    code = "nothing-to-decide"

    def __init__(self) -> None:
        super().__init__("the session is decided: nobody has to look at it any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesView:
    """How far the machine is behind with looking: until it has, flags may be missing."""

    waiting: int  # pictures in the queue
    oldest_ms: int | None  # since when the one waits that waits for longest
    behind: int  # sessions whose pictures found no room in it, and are looked through again
    # What is not measured for want of a model, as of the last picture. It is never taken for "ok".
    unavailable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    reviews: list[ReviewRow]
    pictures: PicturesView
    minutes: float  # of what the person who asked may decide now
    fits: int  # how many of these, from the top, fit the budget; 0 without one
    done_last_day: int  # verdicts that the person gave within the last 24 hours
    reviewers: list[str]  # by name, who gives verdicts in some exam that the person is for
    more: bool  # there are older sessions, which are not looked through


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All that happened in a session, as one of the staff may read it."""

    session: SessionView
    learner: str
    exam: ExamView
    policy_sha256: str
    review: ReviewView
    snapshots: list[SnapshotView]
    flags: list[FlagView]
    gaps: list[GapView]
    ledger: list[LedgerView]
    answers: list[AnswerView]
    messages: list[MessageView]
    acts: list[ActView]
    comments: list[CommentView]
    contest: ContestView | None
    analysed: bool  # the machine has looked at every picture that is held
    unavailable: list[UnavailableView]  # and what it could not see; the most frequent
    released_unjudged: bool  # its results were released: nobody had to judge it
    me: str
    may_decide: bool
    why_not: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    done: list[str]
    failed: list[FailedView]


class Reviews:
    def __init__(
        self, store: Store, cases: Cases, analysis: Analysis, logins: LoginStore, *, key: bytes
    ) -> None:
        """Take the parts; `key` chooses which clear sessions are looked at twice, and is secret."""
        self._store = store
        self._cases = cases
        self._analysis = analysis
        self._logins = logins
        self._key = key

    async def queue(
        self,
        exam_id: str | None,
        *,
        me: str,
        own: OwnExams = None,
        budget_min: float | None = None,
    ) -> Queue:
        """Return the sessions that were begun or need someone now, those that do first.

        Args:
            exam_id: Of which exam; None: of all that are `own`.
            me: Who asks.
            own: The exams that `me` is for; nothing is told of another.
            budget_min: The minutes that there are for it; None: it is not said.
        """
        rows: list[tuple[bool, ReviewRow]] = []
        listed: list[tuple[bool, ExamSession]] = []
        now = self._cases.now()
        lately = now - LATELY
        done = 0
        cases = await self._cases_of(exam_id, own)
        for case in cases[:MAX_CASES]:
            session = case.session
            if session.rehearsal_of:
                continue  # nobody looks at a rehearsal
            done += sum(each.by == me and each.at >= lately for each in session.review.verdicts)
            begun = any(section.opened_at for section in session.sections)
            waits = bool(waits_for(session))
            if begun or waits:
                listed.append((waits, session))
        for start in range(0, len(listed), CASES_AT_ONCE):
            some = listed[start : start + CASES_AT_ONCE]
            ids = [session.id for _, session in some]
            flags, seen = await self._store.flags_of(ids), await self._store.observed_of(ids)
            for waits, session in some:
                row = row_of(
                    session,
                    await self._cases.published(session),
                    flags[session.id],
                    snapshots=seen[session.id],
                    why_not=why_not_decide(
                        session, me, conduct_flags=has_conduct(flags[session.id])
                    ),
                    me=me,
                    now=now,
                )
                rows.append((waits, row))
        ordered = [row for _, row in sorted(rows, key=lambda row: urgency(row[1], waits=row[0]))]
        mine = [row.minutes for row in ordered if row.may_decide]
        return Queue(
            reviews=ordered,
            pictures=self.pictures(),
            minutes=sum(mine),
            fits=_fitting(mine, budget_min),
            done_last_day=done,
            reviewers=await self._reviewers(own),
            more=len(cases) > MAX_CASES,
        )

    def pictures(self) -> PicturesView:
        """Return how far the machine is behind."""
        progress = self._analysis.progress()
        return PicturesView(
            waiting=progress.waiting,
            oldest_ms=None if progress.oldest_at is None else milliseconds(progress.oldest_at),
            behind=progress.behind,
            unavailable=list(progress.unavailable),
        )

    async def timeline(self, session_id: str, *, me: str) -> Timeline:
        """Return all that happened in a session, for the person `me` to review."""
        case = await self._cases.settled(session_id)
        session = case.session
        published = await self._cases.published(session)
        rules = published.policy.review
        found = await happened(self._store, session, published.exam)
        flags = await self._store.flags(session_id)
        why_not = why_not_decide(session, me, conduct_flags=has_conduct(flags))
        before = self._cases.held_before(session)
        shown = view(session, published, now=self._cases.now(), held_before=before, staff=True)
        return Timeline(
            session=shown,
            learner=session.learner,
            exam=ExamView(id=published.exam.id, title=published.exam.title),
            policy_sha256=published.policy_sha256,
            review=review_view(session.review, rules, me=me),
            snapshots=found.snapshots,
            flags=[flag_view(flag, session.review.decision) for flag in flags],
            gaps=found.gaps,
            ledger=shown.ledger,
            answers=found.answers,
            messages=found.messages,
            acts=act_views(session, published, session.acts, staff=True),
            comments=comment_views(session.review, me=me),
            contest=contest_view(session.review, rules),
            analysed=self._analysis.is_done(session_id),
            unavailable=found.unavailable,
            released_unjudged=is_released_unjudged(session, conduct_flags=has_conduct(flags)),
            me=me,
            may_decide=why_not is None,
            why_not=why_not,
        )

    async def decide(
        self,
        session_id: str,
        *,
        by: str,
        outcome: Outcome,
        reasons: str,
        flags: Sequence[tuple[str, FlagOutcome, str]] = (),
        flags_seen: Sequence[str] | None = None,
        request: str = "",
    ) -> ReviewView:
        """Give one person's verdict, and return the review as they may read it from then on.

        A request that comes again is answered as it was: who sends one can't know whether a lost
        answer was a lost request.

        Args:
            session_id: Which.
            by: The person.
            outcome: What they say of the session.
            reasons: Why.
            flags: What they say of each flag of conduct: its id, the outcome, the reason.
            flags_seen: The flags that they saw, by id; None: it is not said.
            request: The id of this request; "": a verdict that comes again is a second one.

        Raises:
            NotLookedAtYet: Pictures wait for the machine: a verdict now could miss what it shows.
            RequestReused: The request's id was that of another verdict.
            ReleasedUnjudged: Its result was released, for nobody had to judge it.
            SessionGoesOn: It has not ended.
            StalePage: Other flags were raised since.
            UnknownFlag: A flag was judged that was not raised.
            VerdictTooLarge: No record holds it.
            Refusal: Of `domain.review`: `give_verdict`, `require_impartial`, `require_judged`.
        """
        case = await self._cases.settled(session_id)
        rules = (await self._cases.published(case.session)).policy.review
        verdict = Verdict(
            by=by,
            outcome=outcome,
            reasons=reasons.strip(),
            at=self._cases.now(),
            flags=tuple({flag: outcome for flag, outcome, _ in flags}.items()),
            flag_reasons=tuple({flag: reason.strip() for flag, _, reason in flags}.items()),
            request=request,
        )
        # Whatever came since, it was given.
        if given_before(case.session.review, verdict):
            return review_view(case.session.review, rules, me=by)
        if case.session.state in ENDED and not self._analysis.is_done(session_id):
            raise NotLookedAtYet
        # Only then: what was raised before the machine was done is not all.
        found = await self._store.flags(session_id)
        raised = [flag.id for flag in found]
        for flag, _, _ in flags:
            if flag not in raised:
                raise UnknownFlag(flag=flag)
        if flags_seen is not None and (since := sorted(set(raised) - set(flags_seen))):
            raise StalePage(flags=since)
        _require_room(verdict, session_id)
        conduct = [flag.id for flag in found if flag.flag_class is FlagClass.CONDUCT]
        twice = is_second_look(session_id, share=rules.second_looks, key=self._key)

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            if given_before(session.review, verdict):
                return session  # while this one waited for its turn
            require_judgeable(session, conduct_flags=bool(conduct))
            require_impartial(by, acted=_acted(session))
            review = give_verdict(
                session.review, verdict, adverse_needs=rules.adverse_needs, look_twice=twice
            )
            require_judged(verdict, conduct=conduct)
            return replace(session, review=review)

        case = await self._cases.change(session_id, decide, by=by)
        return review_view(case.session.review, rules, me=by)

    async def note(
        self, session_id: str, *, by: str, at_ms: int, text: str, request: str = ""
    ) -> list[CommentView]:
        """Keep a comment at a moment of a session, and return those that its writer may read.

        With a `request` it is kept once, however often that comes.

        Raises:
            RequestReused: The request's id was that of another comment.
            TooManyComments: It has as many as are kept.
        """

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            written = Comment(by=by, at_ms=at_ms, text=text, written_at=now, request=request)
            return replace(session, review=comment(session.review, written))

        case = await self._cases.change(session_id, decide, by=by)
        return comment_views(case.session.review, me=by)

    async def assign(
        self,
        sessions: Sequence[str],
        *,
        to: str | None,
        by: str,
        due_at: datetime | None,
        own: OwnExams = None,
    ) -> Assigned:
        """Ask a person to look at sessions, each by itself.

        A session of an exam that one of the two is not for is among those that failed, and so is
        one that they, or nobody any more, can decide on.

        Args:
            sessions: Which.
            to: Their login name; None takes back what was assigned.
            by: Who asks.
            due_at: Until when; None leaves that as it is.
            own: The exams that `by` is for.

        Raises:
            NoSuchReviewer: Nobody of this name gives verdicts.
        """
        theirs: OwnExams = None
        if to is not None:
            account = await self._logins.account(to)
            if account is None or not _gives_verdicts(account):
                raise NoSuchReviewer
            theirs = account.exams

        async def one(session_id: str) -> str:
            conduct = has_conduct(await self._store.flags(session_id))

            def decide(session: ExamSession, _now: datetime) -> ExamSession:
                if to is not None:
                    _require_undecided(session, conduct_flags=conduct)
                review = assign(session.review, to=to or "", by=by, acted=_acted(session))
                return replace(session, review=replace(review, due_at=due_at or review.due_at))

            exam = await self._exam_of(session_id, own)
            if to is not None and not is_among(exam, theirs):
                raise NotTheirExam(exam=exam, name=to)
            await self._cases.change(session_id, decide, by=by)
            return session_id

        found = await each_by_itself(list(dict.fromkeys(sessions)), one)
        return Assigned(
            done=[each for each in found if isinstance(each, str)],
            failed=[each for each in found if isinstance(each, FailedView)],
        )

    async def _exam_of(self, session_id: str, own: OwnExams) -> str:
        """Return a session's exam. Who is for some exams is not told which others there are."""
        try:
            exam = await self._cases.exam_of(session_id)
        except NotFound:
            if own is None:
                raise
            raise NotYourExam from None
        if not is_among(exam, own):
            raise NotYourExam
        return exam

    async def _cases_of(self, exam_id: str | None, own: OwnExams) -> Sequence[Case]:
        if exam_id is not None and not is_among(exam_id, own):
            return ()
        of = own if exam_id is None else exam_id
        return await self._store.cases(of, most=MAX_CASES + 1)  # one more tells that there are more

    async def _reviewers(self, own: OwnExams) -> list[str]:
        return [
            each.name
            for each in await self._logins.all_accounts()
            if _gives_verdicts(each) and (own is None or each.exams is None or own & each.exams)
        ]


def second_look_key(key: SigningKey) -> bytes:
    """Return the secret that chooses whose clear verdict is checked: grown from the server's."""
    return hmac.digest(key.seed(), b"proctor second looks", "sha256")


def _require_undecided(session: ExamSession, *, conduct_flags: bool) -> None:
    """Refuse to ask somebody to judge what nobody judges any more.

    Raises:
        NothingToDecide, ReleasedUnjudged: As their names say.
    """
    if session.review.state in SETTLED:
        raise NothingToDecide
    if session.state in ENDED:
        require_judgeable(session, conduct_flags=conduct_flags)


def why_not_decide(session: ExamSession, me: str, *, conduct_flags: bool) -> str | None:
    """Return why a person can't give a verdict now, in words; None where they can."""
    try:
        require_judgeable(session, conduct_flags=conduct_flags)
    except SessionGoesOn:
        return "The session goes on: a verdict waits for its end."
    except ReleasedUnjudged:
        return "Nobody had to judge it, and its results were released without a verdict."
    if session.review.state in SETTLED:
        return "This session is decided."
    if me in {verdict.by for verdict in session.review.verdicts}:
        return "You have given your verdict: another person is needed."
    try:
        require_impartial(me, acted=_acted(session))
    except ActedAlone:
        return "You alone acted on this session: another person judges it."
    return None


def _gives_verdicts(account: Account) -> bool:
    return account.role in REVIEWERS and not account.is_closed


def _acted(session: ExamSession) -> set[str]:
    return {act.by for act in session.acts if act.kind not in WORDS_ALONE}


def _require_room(verdict: Verdict, session_id: str) -> None:
    """Refuse a verdict that could not be told in the log: it is told later, and must not fail."""
    entry = verdict_entry(verdict, review=ReviewState.SECOND_NEEDED)
    try:
        lines([entry], session=session_id, first=_FAR, now=verdict.at)
    except MalformedRecord:
        raise VerdictTooLarge from None


def _fitting(minutes: Sequence[float], budget_min: float | None) -> int:
    if budget_min is None:
        return 0
    left = budget_min
    for count, each in enumerate(minutes):
        left -= each
        if left < 0:
            return count
    return len(minutes)
