import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from proctor.adapters import slices


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)  # of this thread, on Linux


def refused(*_: object) -> None:
    raise PermissionError


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_a_thread_that_steps_back_is_behind_the_one_that_made_it_which_stays_where_it_was() -> None:
    before = priority()
    with ThreadPoolExecutor(initializer=slices.step_back) as threads:
        assert threads.submit(priority).result() > before
    assert priority() == before


def test_where_a_thread_may_not_step_back_it_works_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "setpriority", refused)
    with ThreadPoolExecutor(initializer=slices.step_back) as threads:
        assert threads.submit(priority).result() == priority()
