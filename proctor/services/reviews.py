"""Reviews: which sessions need a person first, what happened in one, and the verdict."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from proctor.domain.errors import Refusal
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.help import MAX_MESSAGE_CHARS, Topic
from proctor.domain.identity import UNDECIDED
from proctor.domain.observation import Observation
from proctor.domain.review import (
    FlagOutcome,
    Outcome,
    Review,
    ReviewState,
    SessionGoesOn,
    Verdict,
    give_verdict,
)
from proctor.domain.session import ENDED, ExamSession, State, is_late
from proctor.evidence.record import Kind
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.device_time import Dated, dated
from proctor.services.journal import erased, milliseconds
from proctor.services.ports import Case, Published, Store
from proctor.services.results import sections_of_items
from proctor.services.views import LedgerView, SessionView, view

# What a person takes to look at a flag and at the whole of a session: for the length of a queue
# said in minutes, not for judging anyone's work.
MINUTES_A_FLAG = 1.0
MINUTES_A_SESSION = 2.0

# Causes of what could not be measured, in one session: a device could make up many.
MOST_UNAVAILABLE = 5

ID_CHECK_WAITS = "ID check waits for a person"
DEVICE_ASKS = "another computer asks to go on"
CALLS = {
    Topic.QUESTION: "the learner asks a question",
    Topic.HAND: "the learner raised a hand",
    Topic.FAULT: "the learner reports a technical fault",
}


class UnknownFlag(Refusal):
    code = "unknown-flag"

    def __init__(self, *, flag: str) -> None:
        super().__init__(f"no flag {flag} was raised in this session")
        self.flag = flag


class NotLookedAtYet(Refusal):
    code = "not-looked-at-yet"

    def __init__(self) -> None:
        super().__init__("the machine is still looking at this session's pictures: wait a moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    session: str
    learner: str
    exam: str
    exam_title: str
    state: str
    session_state: str
    id_check: str
    conduct: int
    quality: int
    severity: float  # of the gravest conduct flag; 0 where there is none. Never a sum
    why: list[str]
    snapshots: int
    minutes: float
    waiting_since_ms: int
    outcome: str | None
    may_decide: bool  # the person who asked may give a verdict now


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesView:
    """How far the machine is behind with looking: until it has, flags may be missing."""

    waiting: int  # pictures in the queue
    oldest_ms: int | None  # since when the one waits that waits for longest
    behind: int  # sessions whose pictures found no room in it, and are looked through again
    # What is not measured for want of a model, as of the last picture. It is never taken for "ok".
    unavailable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    by: str
    outcome: str
    reasons: str
    at_ms: int
    flags: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    state: str
    outcome: str | None
    adverse_needs: int  # how many must agree to a breach
    verdicts: list[VerdictView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationView:
    faces: list[tuple[float, ...]] | None  # x, y, width, height in pixels, score
    dark: bool | None
    covered: bool | None
    frozen: bool | None
    light_mean: float | None
    unavailable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailableView:
    """What could not be measured in pictures that were looked at."""

    why: str  # "faces: the model yunet is not there", "picture: the picture ends early"
    snapshots: int  # in how many


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotView:
    """A snapshot. All times of a timeline are by the server's clock."""

    device: str
    seq: int
    at_ms: int
    sha256: str
    type: str
    blob: str  # "held", "owed" or "erased"
    purpose: str
    observation: ObservationView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefView:
    device: str
    seq: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagView:
    flag: str
    rule: str
    flag_class: str
    severity: float
    started_at_ms: int
    ended_at_ms: int
    section: str
    measurement: str
    value: float | None
    threshold: float | None
    explanation: str
    snapshots: list[RefView]
    snapshot_count: int
    policy_sha256: str
    models: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    device: str
    seq: int
    cause: str
    of: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    section: str
    item: str
    saved: int  # how often
    last_at_ms: int
    late: bool  # the last one came when the section was not open


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """What the learner wrote to a proctor."""

    device: str
    seq: int
    at_ms: int
    topic: str  # "question", "hand", "fault", or whatever a device made of it
    text: str
    raised: bool | None  # of a hand: up or down; None for any other


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamView:
    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
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
    analysed: bool  # the machine has looked at every picture that is held
    unavailable: list[UnavailableView]  # and what it could not see; the most frequent
    me: str
    may_decide: bool
    why_not: str | None


class Reviews:
    def __init__(self, store: Store, cases: Cases, analysis: Analysis) -> None:
        self._store = store
        self._cases = cases
        self._analysis = analysis

    async def queue(self, exam_id: str | None, *, me: str) -> list[ReviewRow]:
        """Return the sessions that were begun or need someone now, those that do first.

        A learner held in check-in cannot begin before a person has looked, and one who calls for
        help waits: these come before all reviews. Then undecided ones with conduct flags, the
        gravest on top; quality flags alone never lift a session above another.
        """
        rows = []
        for case in await self._store.cases(exam_id):
            if case.session.rehearsal_of:
                continue  # nobody looks at a rehearsal
            begun = any(section.opened_at for section in case.session.sections)
            waits = _waits_for(case.session)
            if not (begun or waits):
                continue
            rows.append((not waits, await self._row(case, me)))
        return [row for _, row in sorted(rows, key=_urgency)]

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
        held = await self._store.held(session_id)
        seen = {
            (each.device, each.seq): each for each in await self._store.observations(session_id)
        }
        gone = erased(await self._store.server_lines(session_id))
        snapshots: list[SnapshotView] = []
        gaps: list[GapView] = []
        answers: dict[tuple[str, str], AnswerView] = {}
        messages: list[MessageView] = []
        sections = sections_of_items(published.exam)
        for device in await self._store.devices(session_id):
            for each in dated(await self._store.received(session_id, device.id)):
                match each.record.kind:
                    case Kind.SNAPSHOT:
                        found = seen.get((device.id, each.record.seq))
                        snapshots.append(_snapshot(each, found, held, gone))
                    case Kind.GAP:
                        gaps.append(_gap(each))
                    case Kind.MESSAGE:
                        messages.append(_message(each))
                    case Kind.ANSWER if section := sections.get(str(each.record.facts.get("item"))):
                        late = is_late(session, section, received_at=each.received_at)
                        _count(answers, section, each, late=late)
                    case _:
                        pass
        why_not = self._why_not(session, me)
        before = self._cases.held_before(session)
        shown = view(session, published, now=self._cases.now(), held_before=before, staff=True)
        return Timeline(
            session=shown,
            learner=session.learner,
            exam=ExamView(id=published.exam.id, title=published.exam.title),
            policy_sha256=published.policy_sha256,
            review=review_view(session.review, published),
            snapshots=sorted(snapshots, key=lambda each: each.at_ms),
            flags=[_flag(flag) for flag in await self._store.flags(session_id)],
            gaps=sorted(gaps, key=lambda each: each.from_ms),
            ledger=shown.ledger,
            answers=list(answers.values()),
            messages=sorted(messages, key=lambda each: each.at_ms),
            analysed=self._analysis.is_done(session_id),
            unavailable=_unavailable(seen.values()),
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
        flags: Sequence[tuple[str, FlagOutcome]],
    ) -> Case:
        """Give one person's verdict.

        Raises:
            NotLookedAtYet: Pictures wait for the machine: a verdict now could miss what it shows.
            SessionGoesOn: It has not ended.
            UnknownFlag: A flag was judged that was not raised.
            Refusal: Of `domain.review.give_verdict`.
        """
        raised = {flag.id for flag in await self._store.flags(session_id)}
        judged = dict(flags)
        for flag in judged:
            if flag not in raised:
                raise UnknownFlag(flag=flag)
        case = await self._cases.settled(session_id)
        if case.session.state in ENDED and not self._analysis.is_done(session_id):
            raise NotLookedAtYet
        needs = (await self._cases.published(case.session)).policy.review.adverse_needs
        verdict = Verdict(
            by=by,
            outcome=outcome,
            reasons=reasons.strip(),
            at=self._cases.now(),
            flags=tuple(judged.items()),
        )

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            if session.state not in ENDED:
                raise SessionGoesOn(state=session.state)
            review = give_verdict(session.review, verdict, adverse_needs=needs)
            return replace(session, review=review)

        return await self._cases.change(session_id, decide, by=by)

    async def _row(self, case: Case, me: str) -> ReviewRow:
        session = case.session
        published: Published = await self._cases.published(session)
        flags = await self._store.flags(session.id)
        conduct = [flag for flag in flags if flag.flag_class is FlagClass.CONDUCT]
        waits = _waits_for(session)
        since = milliseconds(session.closed_at or session.made_at)
        if _is_held(session):  # since the pictures came, not since the learner was invited
            since = milliseconds(session.id_check.captured_at or session.made_at)
        elif waits:
            since = milliseconds(_waits_since(session))
        rules = list(dict.fromkeys(flag.rule for flag in (conduct or flags)))[:3]
        return ReviewRow(
            session=session.id,
            learner=session.learner,
            exam=session.exam,
            exam_title=published.exam.title,
            state=str(session.review.state),
            session_state=str(session.state),
            id_check=str(session.id_check.state),
            conduct=len(conduct),
            quality=len(flags) - len(conduct),
            severity=max((flag.severity for flag in conduct), default=0.0),
            why=waits or rules,
            snapshots=await self._store.observed(session.id),
            minutes=MINUTES_A_SESSION + MINUTES_A_FLAG * len(flags),
            waiting_since_ms=since,
            outcome=session.review.outcome and str(session.review.outcome),
            may_decide=self._why_not(session, me) is None,
        )

    def _why_not(self, session: ExamSession, me: str) -> str | None:
        if session.state not in ENDED:
            return "The session goes on: a verdict waits for its end."
        if session.review.state is ReviewState.DECIDED:
            return "This session is decided."
        if me in {verdict.by for verdict in session.review.verdicts}:
            return "You have given your verdict: another person is needed."
        return None


def _is_held(session: ExamSession) -> bool:
    """Return whether the learner has shown face and document and waits for a person to look."""
    return session.state is State.CHECK_IN and session.id_check.state in UNDECIDED


def _waits_for(session: ExamSession) -> list[str]:
    """Return what a learner waits for a person for, now."""
    waits = [ID_CHECK_WAITS] if _is_held(session) else []
    if session.help is not None and session.help.waits and session.state not in ENDED:
        waits.append(CALLS[session.help.topic])
    if session.devices.waiting:
        waits.append(DEVICE_ASKS)
    return waits


def _waits_since(session: ExamSession) -> datetime:
    """Return since when a session's learner waits for a person, who called or whose device asks."""
    asked = [ask.asked_at for ask in session.devices.waiting]
    if session.help is not None and session.help.waits:
        asked.append(session.help.since)
    return min(asked)


def _urgency(place: tuple[bool, ReviewRow]) -> tuple[object, ...]:
    nobody_waits, row = place
    return (
        nobody_waits,
        row.state == ReviewState.DECIDED,
        row.conduct == 0,
        -row.severity,
        row.waiting_since_ms,
    )


def review_view(review: Review, published: Published) -> ReviewView:
    return ReviewView(
        state=str(review.state),
        outcome=review.outcome and str(review.outcome),
        adverse_needs=published.policy.review.adverse_needs,
        verdicts=[
            VerdictView(
                by=verdict.by,
                outcome=str(verdict.outcome),
                reasons=verdict.reasons,
                at_ms=milliseconds(verdict.at),
                flags=[(flag, str(outcome)) for flag, outcome in verdict.flags],
            )
            for verdict in review.verdicts
        ],
    )


def _snapshot(
    dated: Dated,
    observation: Observation | None,
    held: Mapping[str, int],
    gone: frozenset[str],
) -> SnapshotView:
    record = dated.record
    digest = record.blob.sha256 if record.blob else ""
    state = "held" if digest in held else "erased" if digest in gone else "owed"
    return SnapshotView(
        device=record.device,
        seq=record.seq,
        at_ms=milliseconds(dated.written_at),
        sha256=digest,
        type=record.blob.type if record.blob else "",
        blob=state,
        purpose=str(record.facts.get("purpose", "")),
        observation=_observation(observation),
    )


def _unavailable(seen: Iterable[Observation]) -> list[UnavailableView]:
    causes = Counter(why for each in seen for why in each.measured.unavailable)
    return [
        UnavailableView(why=why, snapshots=count)
        for why, count in causes.most_common(MOST_UNAVAILABLE)
    ]


def _observation(observation: Observation | None) -> ObservationView | None:
    if observation is None:
        return None
    measured = observation.measured
    faces = measured.faces
    return ObservationView(
        faces=None
        if faces is None
        else [(face.x, face.y, face.width, face.height, face.score) for face in faces],
        dark=measured.dark,
        covered=measured.covered,
        frozen=measured.frozen,
        light_mean=measured.light_mean,
        unavailable=list(measured.unavailable),
    )


def _flag(flag: Flag) -> FlagView:
    return FlagView(
        flag=flag.id,
        rule=flag.rule,
        flag_class=str(flag.flag_class),
        severity=flag.severity,
        started_at_ms=milliseconds(flag.started_at),
        ended_at_ms=milliseconds(flag.ended_at),
        section=flag.section_id,
        measurement=flag.measurement,
        value=flag.value,
        threshold=flag.threshold,
        explanation=flag.explanation,
        snapshots=[
            RefView(device=ref.device, seq=ref.seq, sha256=ref.sha256) for ref in flag.snapshots
        ],
        snapshot_count=flag.snapshot_count,
        policy_sha256=flag.policy_sha256,
        models=[f"{model.name} {model.version}".strip() for model in flag.models],
    )


def _gap(dated: Dated) -> GapView:
    record, facts = dated.record, dated.record.facts
    times = [facts.get(key) for key in ("from_ms", "to_ms")]
    start, end = (dated.at(each if type(each) is int else record.at_ms) for each in times)
    return GapView(
        device=record.device,
        seq=record.seq,
        cause=str(facts.get("cause", "")),
        of=str(facts.get("of", "")),
        from_ms=milliseconds(start),
        to_ms=milliseconds(end),
    )


def _message(dated: Dated) -> MessageView:
    record, facts = dated.record, dated.record.facts
    raised = facts.get("raised")
    return MessageView(
        device=record.device,
        seq=record.seq,
        at_ms=milliseconds(dated.written_at),
        topic=str(facts.get("topic", ""))[:MAX_MESSAGE_CHARS],
        text=str(facts.get("text", ""))[:MAX_MESSAGE_CHARS],
        raised=raised if isinstance(raised, bool) else None,
    )


def _count(
    answers: dict[tuple[str, str], AnswerView], section: str, dated: Dated, *, late: bool
) -> None:
    item = str(dated.record.facts.get("item"))
    before = answers.get((section, item))
    answers[section, item] = AnswerView(
        section=section,
        item=item,
        saved=before.saved + 1 if before else 1,
        last_at_ms=milliseconds(dated.written_at),
        late=late,
    )
