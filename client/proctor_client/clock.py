"""The device's clock, read here and nowhere else, and what it tells about the server's.

The device's time is testimony: it goes into records as it is. Deadlines are the server's, and are
shown by the offset that round trips reveal, on a clock that setting the computer's time can't move.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the device's time, ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back. Only differences mean something."""
    return time.monotonic()


def suspended_s() -> float:
    """Return for how long the computer has slept since it started; 0.0 where it can't be known."""
    # Windows and macOS offer no pair of clocks through Python that differ by sleep alone.
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def wall_time(at_ms: int) -> str:
    """Return an instant as the reader's clock on the wall shows it: "15:42 CET"."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%H:%M %Z")


def wall_day(at_ms: int) -> str:
    """Return an instant with its day, on the reader's calendar: "2026-06-15 15:42 CET"."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")


@dataclass(slots=True)
class ServerClock:
    """The server's time as round trips tell it. Before the first, the device's own."""

    _best_s: float = float("inf")  # shortest round trip so far, and what it said
    _offset_ms: float | None = None  # server's ms - monotonic ms

    def learn(self, *, server_ms: int, sent_s: float, heard_s: float) -> None:
        """Take in one answer's `now_ms`; `sent_s` and `heard_s` are monotonic."""
        trip_s = heard_s - sent_s
        # The error is half a round trip at the most, so the shortest one knows best.
        if self._offset_ms is None or trip_s <= self._best_s:
            self._best_s = trip_s
            self._offset_ms = server_ms - 1000 * (sent_s + heard_s) / 2

    def now_ms(self) -> int:
        """Return the server's time, ms since 1970 UTC, as well as it is known."""
        if self._offset_ms is None:
            return now_ms()
        return round(1000 * monotonic_s() + self._offset_ms)
