"""Which ID checks wait for a person, since when, and how long those decided lately had waited."""

from datetime import datetime, timedelta
from statistics import median

from proctor.domain.identity import UNDECIDED, IdState, waits_since
from proctor.domain.session import ExamSession, State
from proctor.services.cases import Cases
from proctor.services.own_exams import OwnExams, is_among
from proctor.services.ports import Case

# Over which the median of waits is taken.
LATELY = timedelta(hours=24)
# After these nobody needs the decision any more.
_OVER = frozenset({State.TERMINATED, State.EXPIRED})


class IdWaits:
    """Kept in memory, from every session as it is read or saved; the rows are the truth."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        # With the exam's id: who is for some exams is told of these alone.
        self._waiting: dict[str, tuple[datetime, str]] = {}
        self._decided: dict[str, tuple[datetime, timedelta, str]] = {}
        cases.when_kept(self.see)

    async def after_restart(self) -> None:
        """See all sessions once, those that have ended too."""
        await self._cases.tell_all()

    def see(self, case: Case) -> None:
        """Take note of where a session's ID check stands."""
        session = case.session
        since = waits_for_person_since(session)
        if since is None:
            self._waiting.pop(session.id, None)
        else:
            self._waiting[session.id] = (since, session.exam)
        check = session.id_check
        if check.decided_at is not None and check.waited is not None and not session.rehearsal_of:
            self._forget_old()
            self._decided[session.id] = (check.decided_at, check.waited, session.exam)

    def waiting(self, own: OwnExams = None) -> list[str]:
        """Return the sessions of these exams that wait, those that have waited longest first."""
        mine = [id_ for id_, (_, exam) in self._waiting.items() if is_among(exam, own)]
        return sorted(mine, key=lambda each: (self._waiting[each][0], each))

    def longest(self, own: OwnExams = None) -> timedelta | None:
        """Return for how long the first of them has waited; None where nobody waits."""
        mine = (since for since, exam in self._waiting.values() if is_among(exam, own))
        since = min(mine, default=None)
        return None if since is None else self._cases.now() - since

    def median(self, own: OwnExams = None) -> timedelta | None:
        """Return the median wait of those of these exams decided within the last 24 hours."""
        self._forget_old()
        waits = [waited for _, waited, exam in self._decided.values() if is_among(exam, own)]
        return timedelta(seconds=median(each.total_seconds() for each in waits)) if waits else None

    def _forget_old(self) -> None:
        oldest = self._cases.now() - LATELY
        # In the order they came in, which is nearly that of the decisions.
        while self._decided:
            first = next(iter(self._decided))
            if self._decided[first][0] > oldest:
                return
            del self._decided[first]


def waits_for_person_since(session: ExamSession) -> datetime | None:
    """Return since when a session's ID check waits for a person; None where it does not."""
    if session.rehearsal_of or session.state in _OVER:
        return None
    if session.state is State.SUBMITTED and session.id_check.state is IdState.RETAKE:
        return session.closed_at  # no new pictures come any more
    # Sessions of earlier versions may have been captured without a time.
    unknown = session.made_at if session.id_check.state in UNDECIDED else None
    return waits_since(session.id_check) or unknown
