from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.agreement import LEAST_FOR_INTERVAL, agreement, share_of

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=60)


def pairs(table: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the judgements of a table: rows are what the one says, columns the other."""
    return [
        (row, column)
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        # Wikipedia, "Cohen's kappa", worked example and the two that follow it.
        pytest.param([[20, 5], [10, 15]], 0.40, id="fifty proposals for a grant"),
        pytest.param([[45, 15], [25, 15]], 0.1304, id="same share agreed, even margins"),
        pytest.param([[25, 35], [5, 35]], 0.2593, id="same share agreed, uneven margins"),
        # Fleiss, Levin, Paik, "Statistical Methods for Rates and Proportions", chapter 18.
        pytest.param([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.68, id="a hundred diagnoses"),
    ],
)
def test_kappa_is_that_of_published_examples(table: list[list[int]], kappa: float) -> None:
    assert agreement(pairs(table)).kappa == pytest.approx(kappa, abs=0.005)


def test_the_interval_is_that_of_published_examples() -> None:
    # R package statpsych, ci.kappa(.05, 31, 12, 4, 58), which names Fleiss and Paik (2003).
    found = agreement(pairs([[31, 12], [4, 58]]))
    assert found.n == 105
    assert found.agree == pytest.approx(89 / 105)
    assert found.kappa == pytest.approx(0.6756757, abs=1e-7)
    assert found.low == pytest.approx(0.5317210, abs=1e-6)
    assert found.high == pytest.approx(0.8196303, abs=1e-6)
    # Cohen's table of 200 cases in three classes: D. A. Kenny finds a standard error of .0537.
    found = agreement(pairs([[106, 10, 4], [22, 28, 10], [2, 12, 6]]))
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.0537, abs=5e-5)


def test_of_nothing_nothing_is_said() -> None:
    found = agreement([])
    assert (found.n, found.agree, found.kappa, found.low, found.high) == (0, 0.0, None, None, None)


def test_where_both_only_ever_say_one_thing_chance_explains_all() -> None:
    found = agreement([("clear", "clear")] * 40)
    assert (found.agree, found.kappa, found.low) == (1.0, None, None)


def test_agreement_throughout_is_one_and_has_no_interval() -> None:
    found = agreement([("a", "a"), ("b", "b")] * 20)
    assert found.kappa == pytest.approx(1)
    assert (found.low, found.high) == (None, None)


def test_few_pairs_have_no_interval() -> None:
    some = [("a", "a"), ("b", "b"), ("a", "b")] * LEAST_FOR_INTERVAL
    assert agreement(some[: LEAST_FOR_INTERVAL - 1]).low is None
    assert agreement(some[:LEAST_FOR_INTERVAL]).low is not None


def test_two_who_never_say_the_same_agree_less_than_by_chance() -> None:
    found = agreement([("a", "b"), ("b", "a")] * 10)
    assert found.agree == 0
    assert found.kappa == pytest.approx(-1)
    assert agreement([("a", "b")] * 10).kappa == pytest.approx(0)


@given(judged=PAIRS)
def test_kappa_lies_in_its_interval_and_is_the_same_for_both(judged: list[tuple[str, str]]) -> None:
    found = agreement(judged)
    turned = agreement([(other, one) for one, other in judged])
    assert 0 <= found.agree <= 1
    if found.kappa is None:
        assert len(set(judged)) <= 1
        return
    assert -1 - 1e-9 <= found.kappa <= 1 + 1e-9
    assert turned.kappa == pytest.approx(found.kappa)
    assert (found.low is None) == (found.high is None)
    if found.low is not None and found.high is not None:
        assert -1 <= found.low <= found.kappa <= found.high <= 1
        assert turned.low == pytest.approx(found.low)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        # Wilson's interval, by hand: of few it is wide, and never beyond 0 or 1.
        pytest.param(0, 1, 0.0, 0.7935, id="none of one"),
        pytest.param(1, 1, 0.2065, 1.0, id="one of one"),
        pytest.param(5, 10, 0.2366, 0.7634, id="half of ten"),
        pytest.param(81, 263, 0.2553, 0.3662, id="the example of Newcombe 1998"),
    ],
)
def test_a_share_has_the_interval_of_wilson(count: int, n: int, low: float, high: float) -> None:
    found = share_of(count, n)
    assert found.share == count / n
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
