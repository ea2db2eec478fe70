"""How far two people agree beyond chance: Cohen's kappa; and a share of some, each with interval.

kappa = (po - pe) / (1 - pe): `po` is the share in which both said the same, `pe` the share in
which they would by chance, given how often each says what. 1 is agreement throughout, 0 is as much
as chance gives. It says nothing of who is right.

Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
Measurement 20 (1960), 37-46; the standard error is that of J. L. Fleiss, J. Cohen, B. S. Everitt,
"Large sample standard errors of kappa and weighted kappa", Psychological Bulletin 72 (1969),
323-327, equation 13. The interval of a share is that of E. B. Wilson, "Probable inference, the law
of succession, and statistical inference", Journal of the American Statistical Association 22
(1927), 209-212.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

# The standard error is one of large samples: of fewer pairs than this it says nothing.
LEAST_FOR_INTERVAL = 10
# What is left of no width at all, once it was rounded.
_NO_WIDTH = 1e-12
_Z_95 = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    n: int  # pairs of judgements
    agree: float  # the share in which both are the same, 0 to 1; 0 of none
    kappa: float | None  # -1 to 1; None of none, and where both only ever say one thing
    # The 95 % interval, within -1 to 1; None where kappa is, of fewer than LEAST_FOR_INTERVAL, and
    # where the formula gives no width, as it does for agreement throughout.
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    share: float  # 0 to 1
    low: float  # of the 95 % interval, within 0 to 1
    high: float


def share_of(count: int, n: int) -> Share:
    """Return `count` of `n` as a share, 0 <= count <= n and n > 0, with Wilson's interval."""
    assert 0 <= count <= n
    assert n > 0
    share, z2 = count / n, _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return Share(share=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """Return how far the first of each pair agrees with the second."""
    n = len(pairs)
    agree = sum(one == other for one, other in pairs) / n if n else 0.0
    nothing = Agreement(n=n, agree=agree, kappa=None, low=None, high=None)
    if not n:
        return nothing
    ones = {what: count / n for what, count in Counter(one for one, _ in pairs).items()}
    others = {what: count / n for what, count in Counter(other for _, other in pairs).items()}
    chance = sum(share * others.get(what, 0.0) for what, share in ones.items())
    if len(ones) == len(others) == 1 and ones.keys() == others.keys():
        return nothing
    kappa = (agree - chance) / (1 - chance)
    variance = _variance(Counter(pairs), ones, others, agree=agree, chance=chance)
    if n < LEAST_FOR_INTERVAL or variance < _NO_WIDTH:
        return Agreement(n=n, agree=agree, kappa=kappa, low=None, high=None)
    half = _Z_95 * sqrt(variance)
    return Agreement(
        n=n, agree=agree, kappa=kappa, low=max(-1.0, kappa - half), high=min(1.0, kappa + half)
    )


def _variance(
    cells: Counter[tuple[Hashable, Hashable]],
    ones: dict[Hashable, float],
    others: dict[Hashable, float],
    *,
    agree: float,
    chance: float,
) -> float:
    n = cells.total()
    same = differ = 0.0
    for (one, other), count in cells.items():
        if one == other:
            margins = ones[one] + others[one]
            same += count / n * ((1 - chance) - margins * (1 - agree)) ** 2
        else:
            margins = others.get(one, 0.0) + ones.get(other, 0.0)
            differ += count / n * margins**2
    spread = same + (1 - agree) ** 2 * differ - (agree * chance - 2 * chance + agree) ** 2
    return spread / (n * (1 - chance) ** 4)
