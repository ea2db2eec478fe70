"""The [[test]] rows of a policy, played through the same rules as a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

from proctor.adapters.policy_schema import (
    FocusRow,
    GapRow,
    NoticeRow,
    PolicyTest,
    SnapshotsRow,
)
from proctor.domain.flags import evaluate
from proctor.domain.incidents import Happening
from proctor.domain.observation import Face, Measured, Observation
from proctor.domain.policy import Policy

_FACE = Face(x=0, y=0, width=100, height=100, score=0.9)
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    name: str
    expected: tuple[str, ...]  # names of rules, sorted
    raised: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.expected == self.raised

    @property
    def words(self) -> str:
        if self.passed:
            return f"passed: {self.name}"
        return f"FAILED: {self.name}: expected {_list(self.expected)}, raised {_list(self.raised)}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "no flag"


def outcomes(policy: Policy, sha256: str, tests: Sequence[PolicyTest]) -> list[Outcome]:
    """Play each test by itself, its rows one after the other."""
    return [_outcome(policy, sha256, test) for test in tests]


def _outcome(policy: Policy, sha256: str, test: PolicyTest) -> Outcome:
    first = policy.sections.order[0] if policy.sections.order else "section"
    every = timedelta(seconds=policy.capture.snapshot_every_s)
    observations: list[Observation] = []
    happenings: list[Happening] = []
    spans: list[tuple[datetime, datetime, str]] = []
    at = _START
    for seq, row in enumerate(test.given):
        length = timedelta(seconds=0 if isinstance(row, NoticeRow) else row.for_s)
        if isinstance(row, SnapshotsRow):
            taken = [at + every * step for step in range(length // every + 1)]
            observations += [
                _observation(row, seq=len(observations), at=moment) for moment in taken
            ]
            after = taken[-1] + every
        else:
            happenings.append(_happening(row, seq=seq, at=at))
            after = at + length + every
        section_id = row.section or first
        spans.append((at, after, section_id))
        at = after

    def section_at(moment: datetime) -> str | None:
        return next((name for start, end, name in spans if start <= moment < end), None)

    flags = evaluate(policy, sha256, observations, happenings, section_at)
    return Outcome(
        name=test.name,
        expected=tuple(sorted(set(test.expect))),
        raised=tuple(sorted({flag.when for flag in flags})),
    )


def _observation(row: SnapshotsRow, *, seq: int, at: datetime) -> Observation:
    measured = Measured(
        faces=(_FACE,) * row.faces,
        light_mean=row.light_mean,
        contrast=row.contrast,
        change=row.change,
        dark=row.dark,
        covered=row.covered,
        frozen=row.frozen,
        looped=row.looped,
        repeat=row.repeat,
        same_person=row.same_person,
    )
    return Observation(device="test", seq=seq, sha256="0" * 64, at=at, measured=measured)


def _happening(row: FocusRow | NoticeRow | GapRow, *, seq: int, at: datetime) -> Happening:
    match row:
        case FocusRow():
            until = at + timedelta(seconds=row.for_s)
            return Happening(
                device="test", seq=seq, at=at, until=until, kind="focus", away_to=row.away_to
            )
        case NoticeRow():
            # An instant, as a device's notice is: what is tested must be what happens.
            return Happening(
                device="test",
                seq=seq,
                at=at,
                kind="notice",
                program=row.program,
                displays=row.displays,
                cause=row.cause,
            )
        case GapRow():
            until = at + timedelta(seconds=row.for_s)
            return Happening(
                device="test", seq=seq, at=at, until=until, kind="gap", cause=row.cause
            )
        case _:
            assert_never(row)
