"""How often a link rehearses, what a report says, what a learner is told first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proctor.domain.rehearsal import (
    MAX_CHECKS,
    MAX_REHEARSALS,
    REHEARSALS_WITHIN,
    Check,
    Status,
    TooManyRehearsals,
    chapter,
    checks_of,
    is_wanted,
    require_room,
)
from proctor.domain.session import ExamSession, SectionRun, State

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
SESSION = ExamSession(
    id="s_1",
    exam="short",
    exam_sha256="e" * 64,
    policy_sha256="a" * 64,
    learner="Ada Lovelace",
    made_at=NOW,
    sections=(SectionRun(id="part-a", limit=timedelta(seconds=30)),),
    in_order=True,
)


def begun(count: int) -> list[datetime]:
    """Return as many instants, the last one hour ago, the others a minute before each other."""
    return [NOW - timedelta(hours=1, minutes=at) for at in range(count)]


def test_one_more_rehearsal_than_a_day_has_is_refused_and_told_when_the_next_can_begin() -> None:
    require_room(begun(MAX_REHEARSALS - 1), now=NOW)
    with pytest.raises(TooManyRehearsals) as no:
        require_room(begun(MAX_REHEARSALS), now=NOW)

    assert no.value.facts() == {"at_most": MAX_REHEARSALS, "again_at": no.value.again_at}
    require_room(begun(MAX_REHEARSALS), now=no.value.again_at)
    with pytest.raises(TooManyRehearsals):
        require_room(begun(MAX_REHEARSALS), now=no.value.again_at - timedelta(microseconds=1))


def test_rehearsals_of_the_day_before_do_not_count() -> None:
    old = [NOW - REHEARSALS_WITHIN for _ in range(100)]

    require_room([*old, *begun(MAX_REHEARSALS - 1)], now=NOW)


@pytest.mark.parametrize(
    ("session", "wanted"),
    [
        pytest.param(SESSION, True, id="invited"),
        pytest.param(replace(SESSION, state=State.RUNNING), True, id="running"),
        pytest.param(replace(SESSION, state=State.SUBMITTED), False, id="handed in"),
        pytest.param(replace(SESSION, rehearsal_of="s_0"), False, id="a rehearsal itself"),
    ],
)
def test_a_session_is_rehearsed_for_while_it_counts_and_goes_on(
    session: ExamSession, wanted: bool
) -> None:
    assert is_wanted(session) == wanted


def row(check: Any = "light", status: Any = "ok") -> dict[str, Any]:
    return {"check": check, "status": status, "facts": {}}


def test_a_report_is_its_checks_the_last_of_each_name() -> None:
    rows = [row("camera"), row("light", "ok"), row("face", "not-tried"), row("light", "mend")]

    assert checks_of({"notice": "readiness", "rows": rows}) == (
        Check(check="camera", status=Status.OK),
        Check(check="light", status=Status.MEND),
        Check(check="face", status=Status.NOT_TRIED),
    )


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"notice": "camera-lost"}, id="another notice"),
        pytest.param({"notice": "readiness"}, id="no rows"),
        pytest.param({"notice": "readiness", "rows": {"light": "ok"}}, id="rows that are no list"),
        pytest.param({"rows": [row()]}, id="no notice at all"),
    ],
)
def test_what_is_no_report_is_none(facts: dict[str, Any]) -> None:
    assert checks_of(facts) is None


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("light", id="a word"),
        pytest.param(row(check=1), id="a number for a name"),
        pytest.param(row(check=""), id="no name"),
        pytest.param(row(check="a" * 41), id="a name too long"),
        pytest.param(row(check="<b>light</b>"), id="markup for a name"),
        pytest.param(row(status="red"), id="a status that is none"),
        pytest.param(row(status=["ok"]), id="a list for a status"),
    ],
)
def test_an_odd_line_is_left_out_and_the_others_stay(odd: Any) -> None:
    found = checks_of({"notice": "readiness", "rows": [odd, row("camera", "mind")]})

    assert found == (Check(check="camera", status=Status.MIND),)


def test_a_report_is_no_longer_than_a_person_reads() -> None:
    names = [f"{first}{second}" for first in "abcdefgh" for second in "abcdefgh"]
    found = checks_of({"notice": "readiness", "rows": [row(name) for name in names]})

    assert found is not None
    assert len(found) == MAX_CHECKS


def test_a_learner_reads_first_that_nothing_counts_and_what_stays() -> None:
    told = chapter("Statistics and Data Science")

    assert told.heading == "This is a rehearsal"
    assert "Statistics and Data Science" in told.lines[0]
    assert any("Nothing counts" in line for line in told.lines)
    assert any("erased 7 days" in line and "course team" in line for line in told.lines)
