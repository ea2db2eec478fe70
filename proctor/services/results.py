"""Results: the answers that count, and what they score where a machine can tell."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from proctor.domain.exam import Exam
from proctor.domain.scoring import Score, score
from proctor.domain.session import ExamSession, is_late, release
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, Store


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


class Results:
    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    async def result(self, session_id: str) -> ResultView:
        """Score a session by its answers, the last one in time for each item."""
        case = await self._cases.settled(session_id)
        published = await self._cases.published(case.session)
        answers, late = await self._answers(case.session, published.exam)
        responses = {item: each.response for item, each in answers.items()}
        found: Score = score(published.exam, responses)
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

    async def release(self, session_id: str, *, by: str) -> Case:
        """Let the learner see the result.

        Raises:
            NotDecidedYet: The review goes on.
            ResultsHeld: The learner may still contest.
        """
        session = (await self._cases.get(session_id)).session
        rules = (await self._cases.published(session)).policy.review

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            return release(session, now=now, rules=rules)

        return await self._cases.change(session_id, decide, by=by)

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


def sections_of_items(exam: Exam) -> dict[str, str]:
    """Return in which section each item is: what a record says of it decides nothing.

    Else an item of a closed section could be answered in the name of one that is open.
    """
    return {item.id: section.id for section in exam.sections for item in section.items}
