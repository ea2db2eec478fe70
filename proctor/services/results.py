"""Results: the answers that count, and what they score where a machine can tell."""

from dataclasses import dataclass
from typing import Any

from proctor.domain.exam import Exam
from proctor.domain.scoring import Score, score
from proctor.domain.session import ExamSession, is_late
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    points: float
    possible: float
    passed: bool | None  # None while items that a person must score could change it
    awaiting: list[str]  # items that a person must score
    late: list[str]  # items answered only when their section was not open: a person decides


class Results:
    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    async def result(self, session_id: str) -> ResultView:
        """Score a session by its answers, the last one in time for each item."""
        case = await self._cases.settled(session_id)
        published = await self._cases.published(case.session)
        answers, late = await self._answers(case.session, published.exam)
        found: Score = score(published.exam, answers)
        return ResultView(
            points=float(found.points),
            possible=float(found.possible),
            passed=found.passed,
            awaiting=list(found.awaiting),
            late=sorted(late - answers.keys()),
        )

    async def _answers(self, session: ExamSession, exam: Exam) -> tuple[dict[str, Any], set[str]]:
        """Return the last answer in time to each item, and the items answered late."""
        answers: dict[str, Any] = {}
        late: set[str] = set()
        sections = sections_of_items(exam)
        for device in await self._store.devices(session.id):
            for batch in await self._store.received(session.id, device.id):
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
                    else:
                        answers[item] = record.facts.get("response")
        return answers, late


def sections_of_items(exam: Exam) -> dict[str, str]:
    """Return in which section each item is: what a record says of it decides nothing.

    Else an item of a closed section could be answered in the name of one that is open.
    """
    return {item.id: section.id for section in exam.sections for item in section.items}
