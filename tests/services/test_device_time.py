from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.record import Kind, encode
from proctor.services.device_time import SET_MS, dated
from proctor.services.ports import Received

AT = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
AT_MS = 1_780_308_000_000


def received(*batches: tuple[float, list[int]]) -> list[Received]:
    """Batches: seconds after AT at which one came, and the device's times in it."""
    made: list[Received] = []
    seq = 0
    for came_s, times in batches:
        lines = []
        for at_ms in times:
            lines.append(
                encode(
                    session="s_1",
                    device="d_1",
                    seq=seq,
                    at_ms=at_ms,
                    kind=Kind.ANSWER,
                    facts={"item": "x"},
                )
            )
            seq += 1
        at = AT + timedelta(seconds=came_s)
        made.append(Received(first=seq - len(lines), lines=tuple(lines), received_at=at))
    return made


def seconds(*batches: tuple[float, list[int]]) -> list[float]:
    return [(each.written_at - AT).total_seconds() for each in dated(received(*batches))]


def test_nothing_received_is_nothing_dated() -> None:
    assert dated([]) == []


def test_the_record_that_took_the_least_tells_how_far_the_clock_is_ahead() -> None:
    ahead = AT_MS + 3_600_000
    assert seconds((1, [ahead]), (2.5, [ahead + 2000]), (4, [ahead + 2500])) == [0.5, 2.5, 3.0]


def test_what_an_outage_kept_back_is_dated_by_its_own_clock() -> None:
    assert seconds((0, [AT_MS]), (3600, [AT_MS + 60_000, AT_MS + 1_800_000])) == [0, 60, 1800]


def test_a_clock_that_was_set_back_is_measured_anew() -> None:
    later = AT_MS + 7_200_000
    assert seconds((0, [later]), (1, [AT_MS + 1000]), (2, [AT_MS + 2000])) == [0, 1, 2]


def test_a_clock_that_was_set_on_is_measured_anew() -> None:
    later = AT_MS + 7_200_000
    assert seconds((0, [AT_MS]), (1, [later + 1000]), (2, [later + 2000])) == [0, 1, 2]


def test_a_small_step_is_not_a_clock_that_was_set() -> None:
    step = SET_MS - 1
    assert seconds((0, [AT_MS]), (100, [AT_MS + 100_000 - step])) == [0, 100 - step / 1000]


times = st.integers(0, 2**53 - 1)


@given(
    st.lists(st.tuples(st.floats(0, 10**6), st.lists(times, min_size=1, max_size=4)), max_size=6)
)
def test_whatever_a_device_writes_nothing_is_dated_after_it_came(
    batches: list[tuple[float, list[int]]],
) -> None:
    batches.sort(key=lambda batch: batch[0])
    for each in dated(received(*batches)):
        assert datetime(1970, 1, 1, tzinfo=UTC) <= each.written_at <= each.received_at
        assert each.at(-(2**60)) <= each.received_at
        assert each.at(2**60) <= each.received_at
