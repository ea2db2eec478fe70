"""Agreement: how far proctors judge alike, over what two of them judged blind.

Only what is decided counts, and of a contested decision only what it rests on: who answers a
contest has read the others.
"""

from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations

from proctor.domain.agreement import agreement
from proctor.domain.review import Review, Verdict, verdicts_for
from proctor.services.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """Of two people, on sessions that both judged."""

    one: str
    other: str
    n: int
    agree: float
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAgreement:
    """Of the first two who judged each flag of a rule."""

    rule: str
    n: int
    agree: float
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView:
    pairs: list[PairAgreement]
    rules: list[RuleAgreement]


async def agreement_of(store: Store, exam_id: str) -> AgreementView:
    """Return how far the proctors of an exam agree, by pairs of them and by rules.

    Raises:
        NotFound: No such exam was published.
    """
    await store.latest(exam_id)
    pairs: dict[tuple[str, str], list[tuple[Hashable, Hashable]]] = {}
    rules: dict[str, list[tuple[Hashable, Hashable]]] = {}
    for case in await store.cases(exam_id):
        blind = _blind(case.session.review)
        if case.session.rehearsal_of or len(blind) < 2:  # noqa: PLR2004 - two of them agree
            continue
        for one, other in combinations(sorted(blind, key=lambda each: each.by), 2):
            pairs.setdefault((one.by, other.by), []).append((one.outcome, other.outcome))
        rule_of = {flag.id: flag.rule for flag in await store.flags(case.session.id)}
        for flag, both in _judged_twice(blind):
            rules.setdefault(rule_of.get(flag, flag), []).append(both)
    return AgreementView(
        pairs=[
            PairAgreement(one=one, other=other, **asdict(agreement(said)))
            for (one, other), said in sorted(pairs.items())
        ],
        rules=[
            RuleAgreement(rule=rule, **asdict(agreement(said)))
            for rule, said in sorted(rules.items())
        ],
    )


def _blind(review: Review) -> tuple[Verdict, ...]:
    known = verdicts_for(review, None)
    return known if review.contest is None else known[: review.contest.rests_on]


def _judged_twice(
    verdicts: tuple[Verdict, ...],
) -> Iterator[tuple[str, tuple[Hashable, Hashable]]]:
    said: dict[str, list[Hashable]] = {}
    for verdict in verdicts:
        for flag, outcome in verdict.flags:
            said.setdefault(flag, []).append(outcome)
    for flag, outcomes in said.items():
        if len(outcomes) > 1:
            yield flag, (outcomes[0], outcomes[1])
