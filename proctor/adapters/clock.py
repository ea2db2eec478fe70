"""The only place that reads a clock."""

from datetime import UTC, datetime


class SystemClock:
    """The server's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
