"""A rehearsal: a practice session with the learner's own link, and the report that it ends with.

Refusal
├── TooManyRehearsals   the link was rehearsed with as often as it can be for now
└── NotARehearsal       the session is one that counts
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from proctor.domain.errors import Refusal
from proctor.domain.session import ENDED, ExamSession
from proctor.domain.wording import Chapter

# The id of the exam that all practice sessions are of.
PRACTICE_EXAM = "proctor-rehearsal"
# Often enough to mend one thing after the other.
MAX_REHEARSALS = 20
REHEARSALS_WITHIN = timedelta(hours=24)
# A practice session that was left lying ends by itself, so that its pictures are erased.
PRACTICE_OPEN_FOR = timedelta(hours=24)
# How long a rehearsal is kept. Of pictures a policy that keeps its own shorter holds here too.
PRACTICE_KEPT_DAYS = 7

# Ten minutes at a picture a second are 40 MB. With MAX_REHEARSALS this is what whoever has a link
# can fill of the disk: 960 MiB a day, 7.5 GiB in the eight days that pictures can be kept.
MAX_PRACTICE_BYTES = 48 * 2**20

READINESS = "readiness"  # the `notice` of the record
MAX_CHECKS = 40
_NAME = re.compile(r"[a-z][a-z-]{0,39}")


class TooManyRehearsals(Refusal):
    code = "too-many-rehearsals"

    def __init__(self, *, again_at: datetime) -> None:
        super().__init__(
            f"{MAX_REHEARSALS} rehearsals were begun with this link within a day: "
            f"the next can begin at {again_at.isoformat()}"
        )
        self.at_most = MAX_REHEARSALS
        self.again_at = again_at


class NotARehearsal(Refusal):
    code = "not-a-rehearsal"

    def __init__(self) -> None:
        super().__init__("this session is no rehearsal")


class Status(StrEnum):
    OK = "ok"
    MIND = "mind"  # an exam is possible
    MEND = "mend"  # something must be mended before the exam
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a report. What was measured stands in the record, not here."""

    check: str
    status: Status


def require_room(begun_at: Sequence[datetime], *, now: datetime) -> None:
    """Refuse one more rehearsal where there were MAX_REHEARSALS within REHEARSALS_WITHIN.

    Args:
        begun_at: When each rehearsal with the link was begun, in any order; aware UTC.
        now: Server clock, aware UTC.

    Raises:
        TooManyRehearsals: There were.
    """
    recent = sorted(at for at in begun_at if now - at < REHEARSALS_WITHIN)
    if len(recent) >= MAX_REHEARSALS:
        raise TooManyRehearsals(again_at=recent[-MAX_REHEARSALS] + REHEARSALS_WITHIN)


def is_wanted(session: ExamSession) -> bool:
    """Tell whether a session is one that is to be rehearsed for: it counts, and has not ended."""
    return not session.rehearsal_of and session.state not in ENDED


def checks_of(facts: Mapping[str, Any]) -> tuple[Check, ...] | None:
    """Return the lines of a report that a device wrote; None where the facts are no report.

    What is odd is left out: a device may write anything, and this is shown to people.
    """
    rows = facts.get("rows")
    if facts.get("notice") != READINESS or not isinstance(rows, list):
        return None
    found: dict[str, Check] = {}
    for row in rows[:MAX_CHECKS]:
        name, status = (row.get("check"), row.get("status")) if isinstance(row, dict) else (0, 0)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or status not in list(Status):
            continue
        found[name] = Check(check=name, status=Status(status))
    return tuple(found.values())


def chapter(exam_title: str) -> Chapter:
    """Return what a learner reads before the rules, which are those of the exam itself."""
    return Chapter(
        heading="This is a rehearsal",
        lines=(
            f"It is for the exam {exam_title}, and under its rules: what is allowed in any of its "
            "sections is allowed here.",
            "Nothing counts. Your answers are not marked, nobody is asked to look at you, no flag "
            "is raised, and no person checks who you are, whatever the rules below say of people.",
            "Your exam is not changed by it, and its link is not used up.",
            "When you hand in, three more pictures are taken, to see how fast they are sent.",
            f"Your pictures are erased {PRACTICE_KEPT_DAYS} days after the rehearsal at the "
            "latest, and so is the rest; but your last rehearsal stays without pictures until your "
            "exam is over: your course team sees when you rehearsed and which lines of its report "
            "are in order.",
        ),
    )
