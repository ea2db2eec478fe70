"""What fails in the background again and again: tried again ever later, and said once.

A log line for each try would hide why, and tries at full speed would take from the exam what works.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb

logger = logging.getLogger(__name__)

# The first try again is this much later, each further one twice as much, and never more than that.
FIRST_S = 1.0
MOST_S = 60.0
_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class _Cause:
    error: str  # "ValueError"
    raised_at: str  # "analysis.py:246": two bugs may raise one kind of error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    cause: _Cause  # of the last try
    item: int
    tries: Mapping[_Cause, int]  # how many failed so
    again_at: float  # of the event loop's clock


class Faults:
    """What failed and is to be tried again: by session, and by what in it, such as a camera."""

    def __init__(self) -> None:
        self._faults: dict[str, dict[str, _Fault]] = {}

    def __len__(self) -> int:
        """Return how many sessions have one."""
        return len(self._faults)

    @property
    def causes(self) -> tuple[str, ...]:
        """Why something fails now, each once: "OSError"."""
        return tuple(sorted({each.cause.error for each in self._all()}))

    def failed(self, session: str, what: str, error: Exception, *, item: int = 0) -> None:
        """Note a failure.

        Logged is the first of a cause, until nothing fails for it any more.
        """
        cause = _cause_of(error)
        if cause not in self._causes():
            logger.error("analysis fails", exc_info=error, extra={"session": session, "of": what})
        tries = self.tries(session, what, error, item=item) + 1
        wait_s = min(MOST_S, FIRST_S * 2.0 ** min(tries - 1, _DOUBLINGS))
        self._faults.setdefault(session, {})[what] = _Fault(
            cause=cause,
            item=item,
            tries={**self._tries(session, what, item), cause: tries},
            again_at=asyncio.get_running_loop().time() + wait_s,
        )

    def tries(self, session: str, what: str, error: Exception, *, item: int = 0) -> int:
        """Return how often `item` of `what` failed for the cause of `error`, as far as noted."""
        return self._tries(session, what, item).get(_cause_of(error), 0)

    def may_try(self, session: str, what: str | None = None) -> bool:
        """Tell whether it is time; where nothing is named, for all that failed of a session."""
        now, of = asyncio.get_running_loop().time(), self._faults.get(session, {})
        return all(each.again_at <= now for name, each in of.items() if what in (None, name))

    def over(self, session: str, what: str | None = None) -> None:
        """Note that something works; where nothing is named, that all of a session does."""
        of = self._faults.get(session)
        if of is None or what not in (None, *of):
            return
        before = self._causes()
        if what is not None:
            del of[what]
        if what is None or not of:
            del self._faults[session]
        for cause in before - self._causes():
            logger.info("analysis fails no more", extra={"cause": cause.error})

    def _tries(self, session: str, what: str, item: int) -> Mapping[_Cause, int]:
        fault = self._faults.get(session, {}).get(what)
        return {} if fault is None or fault.item != item else fault.tries

    def _causes(self) -> set[_Cause]:
        return {cause for each in self._all() for cause in each.tries}

    def _all(self) -> Iterator[_Fault]:
        return (each for of in self._faults.values() for each in of.values())


def _cause_of(error: Exception) -> _Cause:
    raised_at = ""
    for frame, line in walk_tb(error.__traceback__):
        raised_at = f"{Path(frame.f_code.co_filename).name}:{line}"
    return _Cause(type(error).__name__, raised_at)
