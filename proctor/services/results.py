"""Results: the answers that count, and what they score where a machine can tell."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from proctor.domain.exam import BY_PEOPLE, Exam
from proctor.domain.flags import is_unseen
from proctor.domain.review import SessionGoesOn
from proctor.domain.scoring import Mark, Score, give_mark, latest_marks, score
from proctor.domain.session import (
    ENDED,
    ExamSession,
    Found,
    State,
    is_late,
    needs_nobody,
    release,
)
from proctor.evidence.record import Kind, parse
from proctor.services.acts import FailedView, each_by_itself
from proctor.services.analysis import Analysis, NotLookedAtYet
from proctor.services.cases import Cases, Decide, pages_of
from proctor.services.intake import is_watched
from proctor.services.journal import erased, milliseconds
from proctor.services.ports import Case, NotFound, Published, Received, Store
from proctor.services.review_queue import has_conduct
from proctor.services.seen import Rows, load, read

# A session may be saved while its rows are read: they are read so often, at the most.
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    points: float
    possible: float
    passed: bool | None  # None while items that a person must score could change it
    awaiting: list[str]  # items that a person must score
    late: list[str]  # items answered only when their section was not open: a person decides


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """An answer that counts, and the record it stands in."""

    section: str
    item: str
    response: Any
    device: str
    seq: int
    sha256: str  # of the record's line
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkView:
    """A mark that was given; the last of an answer counts."""

    points: float
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToMark:
    """An answer that no machine can score."""

    section: str
    item: str
    text: str  # the question, as Markdown
    response: Any
    possible: float
    marks: list[MarkView]  # oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """What people score in one session."""

    session: str
    learner: str
    released: bool  # the learner reads the result: what counts stays
    points: float  # of the whole session, so far
    possible: float
    answers: list[AnswerToMark]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkingRow:
    session: str
    learner: str
    group: str
    released: bool
    marked: int  # answers that somebody has marked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamMarking:
    items: int  # of the exam as last published, those that people score
    sessions: list[MarkingRow]  # that have ended, newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What became of all results of an exam that were not released before."""

    done: list[str]
    failed: list[FailedView]


class Results:
    def __init__(self, store: Store, cases: Cases, analysis: Analysis) -> None:
        self._store = store
        self._cases = cases
        self._analysis = analysis

    async def result(self, session_id: str) -> ResultView:
        """Score a session by its answers, the last one in time for each item."""
        case = await self._cases.settled(session_id)
        published = await self._cases.published(case.session)
        answers, late = await self._answers(case.session, published.exam)
        found = _scored(case.session, published.exam, _responses(answers))
        return ResultView(
            points=float(found.points),
            possible=float(found.possible),
            passed=found.passed,
            awaiting=list(found.awaiting),
            late=sorted(late - answers.keys()),
        )

    async def given(self, session_id: str) -> list[GivenAnswer]:
        """Return the answers that count, from whichever device they came."""
        case = await self._cases.settled(session_id)
        published = await self._cases.published(case.session)
        answers, _ = await self._answers(case.session, published.exam)
        return list(answers.values())

    async def marking(self, session_id: str) -> Marking:
        """Return the answers of a session that people score, and the marks they were given.

        Raises:
            SessionGoesOn: It has not ended.
        """
        case = await self._cases.settled(session_id)
        session = case.session
        if session.state not in ENDED:
            raise SessionGoesOn(state=session.state)
        exam = (await self._cases.published(session)).exam
        answers, _ = await self._answers(session, exam)
        responses = _responses(answers)
        awaiting = score(exam, responses).awaiting
        found = _scored(session, exam, responses)
        return Marking(
            session=session.id,
            learner=session.learner,
            released=session.released_at is not None,
            points=float(found.points),
            possible=float(found.possible),
            answers=[
                AnswerToMark(
                    section=answers[item.id].section,
                    item=item.id,
                    text=item.text,
                    response=answers[item.id].response,
                    possible=float(item.points),
                    marks=[
                        MarkView(points=float(each.points), by=each.by, at_ms=milliseconds(each.at))
                        for each in session.marks
                        if each.item == item.id
                    ],
                )
                for item in exam.items
                if item.id in awaiting
            ],
        )

    async def file(self, session_id: str, item: str) -> str:
        """Return the digest of the file that is a session's answer to an item.

        Raises:
            NotFound: No file is.
            SessionGoesOn: It has not ended.
        """
        marking = await self.marking(session_id)
        response = next((each.response for each in marking.answers if each.item == item), None)
        digest = response.get("sha256") if isinstance(response, dict) else None
        if not isinstance(digest, str):
            raise NotFound(what="file", id=item)
        return digest

    async def mark(
        self, session_id: str, item: str, *, points: Decimal, was: Decimal | None, by: str
    ) -> Marking:
        """Give an answer points, or other points than it was given.

        Raises:
            Refusal: Of `scoring.give_mark`.
            SessionGoesOn: It has not ended.
        """
        case = await self._cases.settled(session_id)
        exam = (await self._cases.published(case.session)).exam
        answers, _ = await self._answers(case.session, exam)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if session.state not in ENDED:
                raise SessionGoesOn(state=session.state)
            marks = give_mark(
                session.marks,
                Mark(item=item, points=points, by=by, at=now),
                was=was,
                exam=exam,
                responses=_responses(answers),
                released=session.released_at is not None,
            )
            return replace(session, marks=marks)

        await self._cases.change(session_id, decide, by=by)
        return await self.marking(session_id)

    async def to_mark(self, exam_id: str) -> ExamMarking:
        """Return the sessions of an exam whose answers people can score.

        Raises:
            NotFound: There is no such exam.
        """
        exam = (await self._store.latest(exam_id)).exam
        sessions = [
            case.session
            async for page in pages_of(self._store, exam_id)
            for case in page
            if case.session.state in (State.SUBMITTED, State.TERMINATED)
            and not case.session.rehearsal_of
        ]
        return ExamMarking(
            items=sum(item.kind in BY_PEOPLE for item in exam.items),
            sessions=[
                MarkingRow(
                    session=session.id,
                    learner=session.learner,
                    group=session.group,
                    released=session.released_at is not None,
                    marked=len(latest_marks(session.marks)),
                )
                for session in sessions
            ],
        )

    async def release(self, session_id: str, *, by: str) -> Case:
        """Let the learner see the result, once people decided or where nothing waits for them.

        Raises:
            NotDecidedYet: The review goes on, or something in it waits for a person.
            NotLookedAtYet: Pictures wait for the machine: something may come to wait for a person.
            ResultsHeld: The learner may still contest.
        """
        case = await self._cases.settled(session_id)
        published = await self._cases.published(case.session)
        policy = published.policy

        def decide_by(case: Case, found: Found | None) -> Decide:
            def decide(session: ExamSession, now: datetime) -> ExamSession:
                quiet = found is not None and needs_nobody(session, policy, found, now=now)
                if quiet and session.released_at is None:
                    # 1. Before the machine is done, what was raised is not all.
                    if not self._analysis.is_done(session_id):
                        raise NotLookedAtYet
                    # 2. Flags are kept with the session: `found` is all, if it was not saved since.
                    known = self._cases.in_memory(session_id)
                    if known is None or known[0].version != case.version:
                        raise _SavedSince
                return release(session, now=now, rules=policy.review, unjudged=quiet)

            return decide

        for _ in range(TRIES):
            found = await self._found(case.session, published)
            try:
                return await self._cases.change(session_id, decide_by(case, found), by=by)
            except _SavedSince:
                case = await self._cases.settled(session_id)
        raise NotLookedAtYet

    async def release_all(self, exam_id: str, *, by: str) -> Released:
        """Release each result of an exam that can be, of what was handed in or ended.

        Raises:
            NotFound: There is no such exam.
        """
        await self._store.latest(exam_id)
        held = [
            case.session.id
            async for page in pages_of(self._store, exam_id)
            for case in page
            if case.session.state in (State.SUBMITTED, State.TERMINATED)
            and case.session.released_at is None
            and not case.session.rehearsal_of
        ]

        async def one(session_id: str) -> str:
            await self.release(session_id, by=by)
            return session_id

        found = await each_by_itself(held, one)
        return Released(
            done=[each for each in found if isinstance(each, str)],
            failed=[each for each in found if isinstance(each, FailedView)],
        )

    async def _found(self, session: ExamSession, published: Published) -> Found | None:
        """Return what stands in a session's rows; None where people decide whatever it is.

        Raises:
            NotLookedAtYet: Pictures wait for the machine.
        """
        conduct = has_conduct(await self._store.flags(session.id))
        known = Found(conduct_flags=conduct, late_answers=False, owed=False, unseen=False)
        now = self._cases.now()
        # Few rows are read of most that wait for a person.
        if session.released_at or not needs_nobody(session, published.policy, known, now=now):
            return None
        if not self._analysis.is_done(session.id):
            raise NotLookedAtYet
        _, late = await self._answers(session, published.exam)
        received = [
            await self._store.received(session.id, device.id)
            for device in await self._store.devices(session.id)
        ]
        held = await self._store.held(session.id)
        rows = await load(self._store, session.id)
        # Thousands of records are parsed: everybody else's exam goes on meanwhile.
        owed, unseen = await asyncio.to_thread(_missing, session, published, received, held, rows)
        return replace(known, late_answers=bool(late), owed=owed, unseen=unseen)

    async def _answers(
        self, session: ExamSession, exam: Exam
    ) -> tuple[dict[str, GivenAnswer], set[str]]:
        """Return the last answer in time to each item, and the items answered late."""
        answers: dict[str, GivenAnswer] = {}
        late: set[str] = set()
        sections = sections_of_items(exam)
        batches = [
            batch
            for device in await self._store.devices(session.id)
            for batch in await self._store.received(session.id, device.id)
        ]
        # A learner may go on at another computer, and back: what came last counts, by our clock.
        for batch in sorted(batches, key=lambda each: each.received_at):
            for line in batch.lines:
                record = parse(line)
                if record.kind is not Kind.ANSWER:
                    continue
                item = str(record.facts.get("item"))
                section = sections.get(item)
                if section is None:
                    continue
                if is_late(session, section, received_at=batch.received_at):
                    late.add(item)
                    continue
                answers[item] = GivenAnswer(
                    section=section,
                    item=item,
                    response=record.facts.get("response"),
                    device=record.device,
                    seq=record.seq,
                    sha256=sha256(line).hexdigest(),
                    received_at_ms=milliseconds(batch.received_at),
                )
        return answers, late


def _responses(answers: Mapping[str, GivenAnswer]) -> dict[str, object]:
    return {item: each.response for item, each in answers.items()}


def _scored(session: ExamSession, exam: Exam, responses: Mapping[str, object]) -> Score:
    """Score answers by machine, and by the marks that count where a machine can't."""
    awaiting = score(exam, responses).awaiting
    marks = latest_marks(session.marks)
    points = {item: Fraction(marks[item].points) for item in awaiting if item in marks}
    return score(exam, responses, marks=points)


class _SavedSince(Exception):
    """The session was saved after its rows were read."""


def _missing(
    session: ExamSession,
    published: Published,
    received: Sequence[Sequence[Received]],
    held: Mapping[str, int],
    rows: Rows,
) -> tuple[bool, bool]:
    """Return whether a blob is owed, and whether a picture was not looked at as rules need it."""
    there = {*held, *erased(rows.server_lines)}
    looked_at = {(each.device, each.seq) for each in rows.observations}
    records = [parse(line) for some in received for batch in some for line in batch.lines]
    owed = any(each.blob is not None and each.blob.sha256 not in there for each in records)
    passed_over = any(
        is_watched(each) and (each.device, each.seq) not in looked_at for each in records
    )
    seen = read(session, rows).observations
    return owed, passed_over or is_unseen(published.policy, seen, lifts=session.lifts)


def sections_of_items(exam: Exam) -> dict[str, str]:
    """Return in which section each item is: what a record says of it decides nothing.

    Else an item of a closed section could be answered in the name of one that is open.
    """
    return {item.id: section.id for section in exam.sections for item in section.items}
