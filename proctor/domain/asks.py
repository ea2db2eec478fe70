"""What a learner is asked for while they work: light, an uncovered lens, to sit in the picture.

An ask is help, said at once and never held against anyone: it raises nothing, and no reviewer's
list counts it. It comes of the same conditions as the quality flags of the policy, sooner than
they do: what lasts no minute is no flag, and can be mended all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from proctor.domain.acts import Lift
from proctor.domain.flags import CLASS_OF, FlagClass
from proctor.domain.incidents import PICTURES, SectionAt, runs, unless_lifted
from proctor.domain.observation import Measured, Observation
from proctor.domain.policy import FlagRule, Policy, When

# With one snapshot nobody is asked: a hand passes before the lens.
ASKS_AFTER = 2
# Where a section's id stands otherwise: asked in check-in, of the picture of the face.
IN_CHECK_IN = ""
# A session is one row, and is sent whole to whoever watches it. Of more the newest are kept, and of
# those before them how long they lasted (`session.with_asks`).
ASKS_MOST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityAsk:
    """One thing the learner was asked for. Times are by the server's clock."""

    kind: When  # of a quality rule about pictures
    section: str  # its id, or `IN_CHECK_IN`
    since: datetime  # when the first snapshot that shows it was taken
    until: datetime | None = None  # None: it goes on, at most until the section closes


def ask_rules(policy: Policy) -> tuple[FlagRule, ...]:
    """Return the rules of a policy of which the learner is told at once."""
    return tuple(
        rule
        for rule in policy.flags
        if rule.when in PICTURES and CLASS_OF[rule.when] is FlagClass.QUALITY
    )


def wanting(rules: Iterable[FlagRule], seen: Measured) -> frozenset[When]:
    """Return the kinds of what one snapshot lacks."""
    return frozenset(rule.when for rule in rules if PICTURES[rule.when].holds(rule, seen))


def asks_of(
    policy: Policy,
    observations: Iterable[Observation],
    section_at: SectionAt,
    *,
    lifts: Sequence[Lift] = (),
) -> tuple[QualityAsk, ...]:
    """Return all that the learner of a session was asked for, by time.

    Args:
        policy: The session's policy.
        observations: Of the periodic snapshots, one for each, `at` by the server's clock.
        section_at: The open section at an instant, or None.
        lifts: Rules that a proctor lifted for this learner: nobody is asked what need not be.
    """
    pictures = sorted(observations, key=lambda seen: (seen.at, seen.device, seen.seq))
    asks = [
        QualityAsk(kind=rule.when, section=run.section_id, since=run.held[0].at, until=run.until)
        for rule in ask_rules(policy)
        for run in runs(
            policy,
            rule,
            pictures,
            unless_lifted(section_at, rule.when, lifts),
            needs=ASKS_AFTER,
        )
    ]
    return tuple(_told_once(sorted(asks, key=lambda ask: (ask.since, ask.kind))))


def ask_in_check_in(face: Observation | None) -> tuple[QualityAsk, ...]:
    """Return what is asked of who showed a face at check-in: nothing, or to take it again.

    One picture is enough to say so: the learner is looking at it, and may go on all the same.

    Args:
        face: The last one shown; None: none was looked at yet.
    """
    if face is None or face.measured.faces is None or face.measured.faces:
        return ()
    return (QualityAsk(kind="no-face", section=IN_CHECK_IN, since=face.at),)


def _told_once(asks: Sequence[QualityAsk]) -> list[QualityAsk]:
    """Join what two rules or two cameras say of one kind at the same time."""
    told: list[QualityAsk] = []
    last: dict[tuple[When, str], int] = {}  # where in `told`
    for ask in asks:
        place = last.get((ask.kind, ask.section))
        before = None if place is None else told[place]
        if place is None or before is None or (before.until and before.until < ask.since):
            last[ask.kind, ask.section] = len(told)
            told.append(ask)
        elif before.until is not None:
            until = None if ask.until is None else max(before.until, ask.until)
            told[place] = replace(before, until=until)
    return told
