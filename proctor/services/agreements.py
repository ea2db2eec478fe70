"""How far proctors judge alike, over what two of them judged blind; and what flags came to.

Only what is decided counts, and of a contested decision only what it rests on: who answers a
contest has read the others. Of flags that counts which stands.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from proctor.domain.agreement import agreement, share_of
from proctor.domain.flags import FlagClass
from proctor.domain.review import FlagOutcome, Review, Verdict, verdicts_for
from proctor.services.cases import pages_of
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
class RuleOutcomes:
    """What became of the flags of a rule, by the verdicts that stand."""

    rule: str
    n: int  # flags that were judged
    upheld: int
    not_upheld: int
    cannot_tell: int
    # Of those judged, the share that was not upheld, 0 to 1, with its 95 % interval.
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView:
    sessions: int  # of the exam, without rehearsals: all were looked through
    decided: int  # of them, those that count here
    pairs: list[PairAgreement]
    rules: list[RuleAgreement]
    flags: list[RuleOutcomes]  # by rule


async def agreement_of(store: Store, exam_id: str) -> AgreementView:
    """Return how far the proctors of an exam agree, by pairs of them and by rules.

    Raises:
        NotFound: No such exam was published.
    """
    await store.latest(exam_id)
    pairs: dict[tuple[str, str], list[tuple[Hashable, Hashable]]] = {}
    rules: dict[str, list[tuple[Hashable, Hashable]]] = {}
    outcomes: dict[str, Counter[FlagOutcome]] = {}
    sessions = decided = 0
    async for page in pages_of(store, exam_id):
        some = [each.session for each in page if not each.session.rehearsal_of]
        sessions += len(some)
        reviews = {each.id: each.review for each in some if each.review.decision is not None}
        decided += len(reviews)
        rules_of = await _rules_of(store, list(reviews))
        for session, review in reviews.items():
            rule_of = rules_of[session]
            assert review.decision is not None
            for flag, outcome in review.decision.flags:
                if flag in rule_of:
                    outcomes.setdefault(rule_of[flag], Counter())[outcome] += 1
            blind = _blind(review)
            for one, other in combinations(sorted(blind, key=lambda each: each.by), 2):
                pairs.setdefault((one.by, other.by), []).append((one.outcome, other.outcome))
            for flag, both in _judged_twice(blind):
                if flag in rule_of:
                    rules.setdefault(rule_of[flag], []).append(both)
    return AgreementView(
        sessions=sessions,
        decided=decided,
        pairs=[
            PairAgreement(one=one, other=other, **asdict(agreement(said)))
            for (one, other), said in sorted(pairs.items())
        ],
        rules=[
            RuleAgreement(rule=rule, **asdict(agreement(said)))
            for rule, said in sorted(rules.items())
        ],
        flags=[_outcomes(rule, said) for rule, said in sorted(outcomes.items())],
    )


async def _rules_of(store: Store, sessions: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return for each session of which rule each of its flags of conduct is, by id.

    An earlier version took verdicts on flags of quality, too: they count for nothing.
    """
    return {
        session: {flag.id: flag.rule for flag in raised if flag.flag_class is FlagClass.CONDUCT}
        for session, raised in (await store.flags_of(sessions)).items()
    }


def _outcomes(rule: str, said: Counter[FlagOutcome]) -> RuleOutcomes:
    n, not_upheld = said.total(), said[FlagOutcome.NOT_UPHELD]
    found = share_of(not_upheld, n)
    return RuleOutcomes(
        rule=rule,
        n=n,
        upheld=said[FlagOutcome.UPHELD],
        not_upheld=not_upheld,
        cannot_tell=said[FlagOutcome.CANNOT_TELL],
        share=found.share,
        low=found.low,
        high=found.high,
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
