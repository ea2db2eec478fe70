"""What is exported of an exam: tables of plain values, a row at a time, column names first.

Nothing in them tells how a review stands that is not decided: whoever has yet to decide may read
them, too.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from proctor.domain.acts import REASON_WORDS, ActKind
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.review import state_for, verdicts_for
from proctor.domain.session import ExamSession
from proctor.services.cases import pages_of
from proctor.services.ports import Store

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = Sequence[Cell]


class Table(StrEnum):
    SESSIONS = "sessions"
    FLAGS = "flags"
    IRREGULARITIES = "irregularities"
    VERDICTS = "verdicts"


_WHOSE = ("session", "learner", "group")
_COLUMNS = {
    Table.SESSIONS: (
        *("state", "id_check", "invited_at", "opened_at", "ended_at", "given_s"),
        *("conduct_flags", "quality_flags", "irregularities"),
        *("review", "outcome", "decided_at", "released_at"),
    ),
    Table.FLAGS: (
        *(
            "flag",
            "rule",
            "class",
            "severity",
            "started_at",
            "ended_at",
            "lasted_s",
            "times",
            "section",
        ),
        *("measurement", "value", "threshold", "snapshots", "policy_sha256", "verdict"),
    ),
    Table.IRREGULARITIES: ("act", "of", "code", "reason", "note", "by", "at", "struck"),
    Table.VERDICTS: ("by", "at", "about", "outcome", "reasons", "stands"),
}


class ExamTables:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows(self, exam_id: str, table: Table) -> AsyncIterator[Row]:
        """Yield the names of the columns, then the rows of all sessions, of the newest first.

        Raises:
            NotFound: There is no such exam.
        """
        await self._store.latest(exam_id)
        yield (*_WHOSE, *_COLUMNS[table])
        async for page in pages_of(self._store, exam_id):
            some = [each.session for each in page if not each.session.rehearsal_of]
            flags: Mapping[str, Sequence[Flag]] = {}
            if table in (Table.SESSIONS, Table.FLAGS):
                flags = await self._store.flags_of([session.id for session in some])
            for session in some:
                for row in _rows(table, session, flags.get(session.id, ())):
                    yield (session.id, session.learner, session.group, *row)


def _rows(table: Table, session: ExamSession, flags: Sequence[Flag]) -> Iterator[Row]:
    match table:
        case Table.SESSIONS:
            yield _session(session, flags)
        case Table.FLAGS:
            yield from _flags(session, flags)
        case Table.IRREGULARITIES:
            yield from _irregularities(session)
        case Table.VERDICTS:
            yield from _verdicts(session)


def _session(session: ExamSession, flags: Sequence[Flag]) -> Row:
    conduct = sum(flag.flag_class is FlagClass.CONDUCT for flag in flags)
    marked = [a for a in session.acts if a.kind is ActKind.IRREGULARITY and not a.undone]
    opened = [run.opened_at for run in session.sections if run.opened_at is not None]
    decision = session.review.decision
    return (
        str(session.state),
        str(session.id_check.state),
        _time(session.made_at),
        _time(min(opened, default=None)),
        _time(session.closed_at),
        round(sum(entry.given.total_seconds() for entry in session.ledger)),
        conduct,
        len(flags) - conduct,
        len(marked),
        str(state_for(session.review, None)),
        None if decision is None else str(decision.outcome),
        None if decision is None else _time(decision.at),
        _time(session.released_at),
    )


def _flags(session: ExamSession, flags: Sequence[Flag]) -> Iterator[Row]:
    decision = session.review.decision
    judged = {} if decision is None else dict(decision.flags)
    for flag in flags:
        yield (
            flag.id,
            flag.rule,
            str(flag.flag_class),
            flag.severity,
            _time(flag.started_at),
            _time(flag.ended_at),
            flag.lasted.total_seconds(),
            flag.times,
            flag.section_id,
            flag.measurement,
            flag.value,
            flag.threshold,
            flag.snapshot_count,
            flag.policy_sha256,
            str(judged.get(flag.id, "")),
        )


def _irregularities(session: ExamSession) -> Iterator[Row]:
    for act in session.acts:
        if act.kind is ActKind.IRREGULARITY:
            reason = REASON_WORDS.get(act.code, "")
            struck = _yes(act.undone)
            yield (act.id, act.of, act.code, reason, act.note, act.by, _time(act.at), struck)


def _verdicts(session: ExamSession) -> Iterator[Row]:
    decision = session.review.decision
    final = {} if decision is None else dict(decision.flags)
    for verdict in verdicts_for(session.review, None):
        stands = decision is not None and verdict.outcome is decision.outcome
        who = (verdict.by, _time(verdict.at))
        yield (*who, "session", str(verdict.outcome), verdict.reasons, _yes(stands))
        reasons = dict(verdict.flag_reasons)
        for flag, outcome in verdict.flags:
            # Who says the same of a session may say another thing of a flag in it.
            stands = final.get(flag) is outcome
            yield (*who, flag, str(outcome), reasons.get(flag, ""), _yes(stands))


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")
