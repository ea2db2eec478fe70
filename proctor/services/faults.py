"""What fails in the background again and again: tried again ever later, and said once.

A log line for each try would hide why, and tries at full speed would take from the exam what works.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

logger = logging.getLogger(__name__)

# The first try again is this much later, each further one twice as much, and never more than that.
FIRST_S = 1.0
MOST_S = 60.0
_DOUBLINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    cause: str
    item: int
    tries: int
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
        return tuple(sorted({each.cause for each in self._all()}))

    def failed(self, session: str, what: str, error: Exception, *, item: int = 0) -> int:
        """Note a failure, and return how often `item` of `what` failed running.

        Logged is the first of a cause, until nothing fails for it any more.
        """
        cause, of = type(error).__name__, self._faults.setdefault(session, {})
        if all(each.cause != cause for each in self._all()):
            logger.error("analysis fails", exc_info=error, extra={"session": session, "of": what})
        before = of.get(what)
        tries = 1 if before is None or before.item != item else before.tries + 1
        wait_s = min(MOST_S, FIRST_S * 2.0 ** min(tries - 1, _DOUBLINGS))
        again_at = asyncio.get_running_loop().time() + wait_s
        of[what] = _Fault(cause=cause, item=item, tries=tries, again_at=again_at)
        return tries

    def may_try(self, session: str, what: str | None = None) -> bool:
        """Tell whether it is time; where nothing is named, for all that failed of a session."""
        now, of = asyncio.get_running_loop().time(), self._faults.get(session, {})
        return all(each.again_at <= now for name, each in of.items() if what in (None, name))

    def over(self, session: str, what: str | None = None) -> None:
        """Note that something works; where nothing is named, that all of a session does."""
        of = self._faults.get(session)
        if of is None or what not in (None, *of):
            return
        before = self.causes
        if what is not None:
            del of[what]
        if what is None or not of:
            del self._faults[session]
        for cause in set(before) - set(self.causes):
            logger.info("analysis fails no more", extra={"cause": cause})

    def _all(self) -> Iterator[_Fault]:
        return (each for of in self._faults.values() for each in of.values())
