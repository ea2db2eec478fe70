import asyncio
from collections.abc import Callable

import pytest

from proctor.services import faults
from proctor.services.faults import Faults


class Later:
    """The event loop's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.at)


async def test_each_try_comes_twice_as_late_and_none_later_than_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later, found = Later(monkeypatch), Faults()
    waits = []
    for tries in range(1, 40):
        began = later.at
        found.failed("s_1", "d_1", OSError(), item=7)
        assert found.tries("s_1", "d_1", OSError(), item=7) == tries
        while not found.may_try("s_1"):
            later.at += 0.5
        waits.append(later.at - began)
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits[-1] == faults.MOST_S


async def test_another_item_is_tried_from_the_start_and_other_sessions_at_once() -> None:
    found, tries = Faults(), []
    for item in (7, 7, 8):
        found.failed("s_1", "d_1", OSError(), item=item)
        tries.append(found.tries("s_1", "d_1", OSError(), item=item))
    assert tries == [1, 2, 1]
    assert not found.may_try("s_1", "d_1")
    assert found.may_try("s_1", "d_2")
    assert found.may_try("s_2")
    assert len(found) == 1


async def test_a_cause_is_logged_when_it_comes_and_when_it_is_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = Faults()
    with caplog.at_level("INFO"):
        found.failed("s_1", "d_1", OSError("first"))
        found.failed("s_1", "d_2", OSError("again"))
        found.failed("s_2", "flags", OSError("and again"))
        found.failed("s_2", "rows", ValueError("another"))
        assert found.causes == ("OSError", "ValueError")
        found.over("s_1")
        found.over("s_1")
        found.over("s_2", "d_9")
        assert len(caplog.records) == 2
        found.over("s_2", "flags")
        found.over("s_2")
    assert [each.message for each in caplog.records] == [
        *["analysis fails"] * 2,
        *["analysis fails no more"] * 2,
    ]
    assert len(found) == 0


async def test_tries_are_counted_by_cause() -> None:
    found = Faults()
    assert found.tries("s_1", "d_1", OSError(), item=7) == 0
    for _ in range(20):
        found.failed("s_1", "d_1", OSError(), item=7)
    assert found.tries("s_1", "d_1", ValueError(), item=7) == 0
    found.failed("s_1", "d_1", ValueError(), item=7)
    assert found.tries("s_1", "d_1", ValueError(), item=7) == 1
    assert found.tries("s_1", "d_1", OSError(), item=7) == 20
    assert found.causes == ("ValueError",)  # the last


def raised(bug: Callable[[], object]) -> Exception:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        bug()
    return caught.value


async def test_each_of_two_bugs_that_raise_one_kind_of_error_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = Faults()
    for session in ("s_1", "s_2"):
        found.failed(session, "flags", raised(lambda: int("one")))
    found.failed("s_3", "flags", raised(lambda: int("another")))
    said = [str(each.exc_info[1]) for each in caplog.records if each.exc_info]
    assert [each.rpartition(" ")[2] for each in said] == ["'one'", "'another'"]
    assert found.causes == ("ValueError",)
