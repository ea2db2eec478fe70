"""Replay: which flags the sessions of an exam would have under another policy.

From what is stored: observations and records. No picture is looked at, and nothing is written.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from proctor.domain.exam import Exam
from proctor.domain.flags import Flag
from proctor.domain.policy import Policy, section_mismatches
from proctor.services.cases import pages_of
from proctor.services.ports import Store
from proctor.services.seen import flags_in, load, read


class PolicyForOtherSections(Exception):
    """The policy speaks of other sections than the exam has."""

    def __init__(self, *, exam: str, mismatches: Sequence[str]) -> None:
        super().__init__(f"the policy does not fit {exam}: {'; '.join(mismatches)}")
        self.exam = exam
        self.mismatches = tuple(mismatches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One incident as two policies tell it."""

    before: Flag
    after: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One session: its flags as they are, against those that it would have."""

    session: str
    place: int  # among those of the exam, from 1
    of: int
    snapshots: int  # observed
    compared: int  # of these, with the face of the check-in: what `another-person` is about
    appear: tuple[Flag, ...]
    disappear: tuple[Flag, ...]
    change: tuple[Change, ...]

    @property
    def differs(self) -> bool:
        return bool(self.appear or self.disappear or self.change)


async def replay(
    store: Store, exam_id: str, policy: Policy, policy_sha256: str
) -> AsyncIterator[Replayed]:
    """Yield each session of an exam that was begun, newest first; no rehearsal.

    Raises:
        NotFound: There is no such exam.
        PolicyForOtherSections: It has other sections, today or when a session was made.
    """
    _require_fit((await store.latest(exam_id)).exam, policy)
    sessions = [
        case.session
        async for page in pages_of(store, exam_id)
        for case in page
        if not case.session.rehearsal_of
        and any(section.opened_at is not None for section in case.session.sections)
    ]
    fitting: set[str] = set()
    for session in sessions:
        if session.exam_sha256 not in fitting:
            published = await store.published(session.exam_sha256, session.policy_sha256)
            _require_fit(published.exam, policy)
            fitting.add(session.exam_sha256)
    for place, session in enumerate(sessions, 1):
        rows = await load(store, session.id)
        seen = await asyncio.to_thread(read, session, rows)
        would = await asyncio.to_thread(flags_in, session, seen, policy, policy_sha256)
        are = await store.flags(session.id)
        pairs, appear, disappear = _paired(are, would)
        yield Replayed(
            session=session.id,
            place=place,
            of=len(sessions),
            snapshots=len(seen.observations),
            compared=sum(each.measured.same_person is not None for each in seen.observations),
            appear=tuple(appear),
            disappear=tuple(disappear),
            change=tuple(pair for pair in pairs if _differ(pair)),
        )


def _require_fit(exam: Exam, policy: Policy) -> None:
    limits = [(each.id, int(each.limit.total_seconds())) for each in exam.sections]
    if mismatches := section_mismatches(policy, limits):
        raise PolicyForOtherSections(exam=exam.id, mismatches=mismatches)


def _paired(
    are: Sequence[Flag], would: Sequence[Flag]
) -> tuple[list[Change], list[Flag], list[Flag]]:
    """Return which flags tell of the same incident, which are new, and which are no more."""
    pairs: list[Change] = []
    left = list(are)
    new: list[Flag] = []
    for after in would:
        # The same id, or of one camera at the same time: a longer `for_s` moves no start, but a
        # lower limit does.
        same = next((flag for flag in left if flag.id == after.id), None)
        before = same or next((flag for flag in left if _overlap(flag, after)), None)
        if before is None:
            new.append(after)
        else:
            left.remove(before)
            pairs.append(Change(before=before, after=after))
    return pairs, new, left


def _overlap(one: Flag, other: Flag) -> bool:
    same = (one.when, one.section_id, _device(one)) == (
        other.when,
        other.section_id,
        _device(other),
    )
    return same and one.started_at <= other.ended_at and other.started_at <= one.ended_at


def _device(flag: Flag) -> str:
    return flag.id.split(".")[1]


def _differ(pair: Change) -> bool:
    # What tells of the policy itself is another by nature.
    told = replace(
        pair.before, policy_sha256=pair.after.policy_sha256, id=pair.after.id, explanation=""
    )
    return told != replace(pair.after, explanation="")
