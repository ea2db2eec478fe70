from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.policy import TimeRules
from proctor.domain.timing import (
    NO_TIME,
    Allowance,
    Cause,
    LedgerEntry,
    given_until,
    outage_gives,
    section_closes_at,
    total,
)

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
RULES = TimeRules(give_back="all", after_s=10, most_s=600)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def closes(
    *,
    limit: timedelta = timedelta(hours=1),
    factor: str = "1",
    extra: timedelta = NO_TIME,
    given: timedelta = NO_TIME,
    window_end: datetime | None = None,
) -> timedelta:
    end = section_closes_at(
        opened_at=START,
        limit=limit,
        allowance=Allowance(time_factor=Decimal(factor), extra=extra),
        given=given,
        window_end=window_end,
    )
    return end - START


@pytest.mark.parametrize(
    ("factor", "extra", "given", "expected"),
    [
        pytest.param("1", s(0), s(0), s(3600), id="the limit alone"),
        pytest.param("1.25", s(0), s(0), s(4500), id="a factor stretches the limit"),
        pytest.param("1.25", s(60), s(0), s(4560), id="extra time is not stretched"),
        pytest.param("1.25", s(60), s(7), s(4567), id="neither is what the ledger gives"),
        pytest.param("4", s(86400), s(0), s(100800), id="the greatest allowance"),
    ],
)
def test_a_section_is_open_for_its_stretched_limit_and_what_is_added(
    factor: str, extra: timedelta, given: timedelta, expected: timedelta
) -> None:
    assert closes(factor=factor, extra=extra, given=given) == expected


def test_a_factor_is_exact_where_a_float_is_not() -> None:
    assert int(180_000_000 * 1.15) == 206_999_999
    assert closes(limit=timedelta(minutes=3), factor="1.15") == timedelta(minutes=3, seconds=27)


def test_a_factor_that_does_not_divide_is_rounded_down() -> None:
    assert closes(limit=timedelta(microseconds=3), factor="1.5") == timedelta(microseconds=4)


@pytest.mark.parametrize(
    ("window_s", "expected"),
    [
        pytest.param(3599, s(3599), id="before the deadline"),
        pytest.param(3600, s(3600), id="at the deadline"),
        pytest.param(3601, s(3600), id="after the deadline"),
    ],
)
def test_the_window_cuts_and_never_stretches(window_s: int, expected: timedelta) -> None:
    assert closes(window_end=at(window_s)) == expected


def test_a_limit_of_nothing_is_a_bug_of_the_caller() -> None:
    with pytest.raises(AssertionError):
        closes(limit=NO_TIME)


def gives(
    *,
    lost_s: float,
    now_s: float,
    opened_s: float = 0,
    closes_s: float = 3600,
    before_s: float = 0,
    rules: TimeRules = RULES,
) -> float:
    given = outage_gives(
        lost_at=at(lost_s),
        now=at(now_s),
        opened_at=at(opened_s),
        closes_at=at(closes_s),
        given_before=s(before_s),
        rules=rules,
    )
    return given.total_seconds()


@pytest.mark.parametrize(
    ("lost_s", "now_s", "expected"),
    [
        pytest.param(100, 140, 40, id="an outage gives its length"),
        pytest.param(100, 110, 10, id="one of just after_s gives its length"),
        pytest.param(100, 109.999, 0, id="a shorter one gives nothing"),
        pytest.param(-50, 20, 20, id="what was lost before the section was opened is not counted"),
        pytest.param(-50, 5, 0, id="nor does it help to reach after_s"),
        pytest.param(100, 700, 600, id="just the most"),
        pytest.param(100, 701, 600, id="never more than the most"),
        pytest.param(3590, 3700, 110, id="over the deadline, after_s of it before"),
        pytest.param(3590.001, 3700, 0, id="over the deadline, less than after_s of it before"),
        pytest.param(3600, 3700, 0, id="begun at the deadline"),
        pytest.param(3700, 3800, 0, id="begun after the deadline"),
        pytest.param(100, 90, 0, id="contact came back before it was lost: a clock set back"),
    ],
)
def test_an_outage_gives_back_by_rule(lost_s: float, now_s: float, expected: float) -> None:
    assert gives(lost_s=lost_s, now_s=now_s) == expected


@pytest.mark.parametrize(
    ("before_s", "expected"),
    [
        pytest.param(560, 40, id="just enough left"),
        pytest.param(561, 39, id="some of it left"),
        pytest.param(600, 0, id="nothing left"),
        pytest.param(700, 0, id="more given than the policy now says"),
    ],
)
def test_the_most_counts_all_outages_of_a_section(before_s: float, expected: float) -> None:
    assert gives(lost_s=100, now_s=140, before_s=before_s) == expected


def test_nothing_is_given_back_where_the_policy_gives_none() -> None:
    assert gives(lost_s=100, now_s=140, rules=TimeRules(give_back="none")) == 0


def test_without_a_threshold_every_second_comes_back() -> None:
    rules = TimeRules(after_s=0, most_s=600)

    assert gives(lost_s=100, now_s=100.5, rules=rules) == 0.5
    assert gives(lost_s=100, now_s=100, rules=rules) == 0
    assert gives(lost_s=100, now_s=99, rules=rules) == 0
    assert gives(lost_s=3600, now_s=3700, rules=rules) == 0


seconds = st.floats(-7200, 7200, allow_nan=False).map(lambda x: round(x, 3))


@given(
    lost_s=seconds,
    now_s=seconds,
    more_s=st.floats(0, 3600).map(lambda x: round(x, 3)),
    before_s=st.integers(0, 900),
    rules=st.builds(
        TimeRules,
        give_back=st.sampled_from(["all", "none"]),
        after_s=st.integers(0, 600),
        most_s=st.integers(0, 900),
    ),
)
def test_a_longer_outage_never_gives_less_and_none_gives_more_than_it_took(
    lost_s: float, now_s: float, more_s: float, before_s: int, rules: TimeRules
) -> None:
    one = gives(lost_s=lost_s, now_s=now_s, before_s=before_s, rules=rules)
    longer = gives(lost_s=lost_s, now_s=now_s + more_s, before_s=before_s, rules=rules)

    assert 0 <= one <= longer
    assert one <= max(0, rules.most_s - before_s)
    assert s(one) <= max(NO_TIME, at(now_s) - max(at(lost_s), START))


def entry(section: str, given_s: float, cause: Cause, at_s: float = 0) -> LedgerEntry:
    return LedgerEntry(section=section, given=s(given_s), cause=cause, at=at(at_s))


LEDGER = (
    entry("a", 1, Cause.OUTAGE, 100),
    entry("a", 10, Cause.PAUSE, 200),
    entry("b", 100, Cause.OUTAGE, 300),
    entry("a", 1000, Cause.PROCTOR, 400),
    entry("a", 10000, Cause.OUTAGE, 150),
)


@pytest.mark.parametrize(
    ("section", "cause", "expected"),
    [
        pytest.param("a", None, 11011, id="by all causes"),
        pytest.param("a", Cause.OUTAGE, 10001, id="by outages"),
        pytest.param("a", Cause.PAUSE, 10, id="by pauses"),
        pytest.param("a", Cause.PROCTOR, 1000, id="by a proctor"),
        pytest.param("b", Cause.PAUSE, 0, id="by a cause that gave it nothing"),
        pytest.param("c", None, 0, id="to a section that got nothing"),
    ],
)
def test_the_ledger_sums_by_section_and_cause(
    section: str, cause: Cause | None, expected: int
) -> None:
    assert total(LEDGER, section, cause) == s(expected)


def test_what_a_proctor_gave_says_nothing_about_time_already_given_back() -> None:
    assert given_until(LEDGER, "a") == at(200)
    assert given_until(LEDGER, "b") == at(300)
    assert given_until(LEDGER, "c") is None
