"""What an evaluation finds: counts, and how sure they make anybody."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

Z = 1.959964  # of a normal distribution: 95 % lie within


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: of so many trials, so many came out as named."""

    part: str  # "faces", "documents", …: the table it stands in
    name: str  # "face found", "read wrongly with all digits valid"
    how: str  # what was done to the pictures: "as given", "light x 0.03"
    count: int
    of: int
    goal: float | None = None  # None: measured, and no goal was set
    better: Literal["more", "less"] = "more"

    @property
    def rate(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % by Wilson's score; None where nothing was tried. Trials count as independent."""
        if not self.of:
            return None
        p, n = self.count / self.of, self.of
        middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def holds(self) -> bool | None:
        """Tell whether the goal is met; None where there is none, or nothing was tried."""
        if self.goal is None or self.rate is None:
            return None
        return self.rate >= self.goal if self.better == "more" else self.rate <= self.goal
