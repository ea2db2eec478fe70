"""Observations and records in, flags out: when should a person look, and why.

A flag is a question to a person, never an answer. Its class follows from what was measured and
cannot be set by a policy: poor light, a face not found or a lost network (*quality*) can only
ask for help; *conduct* may ask for a review. Nothing is added up over a session, and what was
not measured raises nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar, assert_never

from proctor.domain.acts import Lift, lifted
from proctor.domain.flag_words import explain, rule_words
from proctor.domain.incidents import (
    PICTURES,
    Happening,
    Incident,
    RecordRef,
    SectionAt,
    SnapshotRef,
    Stretch,
    from_events,
    from_pictures,
    merged,
    unless_lifted,
)
from proctor.domain.observation import Model, Observation
from proctor.domain.policy import FlagRule, Policy, When

__all__ = [
    "CLASS_OF",
    "FORK_RULE",
    "REFS_MOST",
    "SEEN_CHARACTERS",
    "SEEN_MOST",
    "Flag",
    "FlagClass",
    "Happening",
    "RecordRef",
    "SnapshotRef",
    "evaluate",
    "rules_of",
]


class FlagClass(StrEnum):
    QUALITY = "quality"  # asks for help; never counted against the learner
    CONDUCT = "conduct"  # may ask a person for a review


CLASS_OF: Mapping[When, FlagClass] = {
    "person-count": FlagClass.CONDUCT,
    "another-person": FlagClass.CONDUCT,
    "no-face": FlagClass.QUALITY,
    "dark": FlagClass.QUALITY,
    "covered": FlagClass.QUALITY,
    "frozen": FlagClass.QUALITY,
    # Cameras, drivers and networks fail by standing still, going dark or going away, all of which
    # is quality. None of them fails by showing a minute that is past: that takes a recording in
    # the camera's place. A driver's stale buffer makes one such picture, and the rule needs two.
    "looped": FlagClass.CONDUCT,
    "camera-lost": FlagClass.QUALITY,
    "network-gap": FlagClass.QUALITY,
    "capture-gap": FlagClass.QUALITY,
    # A display is furniture: docks and televisions are seen as one. The learner is asked to
    # unplug it; what it was used for would show as a page left or a program seen.
    "second-display": FlagClass.QUALITY,
    "left-page": FlagClass.CONDUCT,
    "program": FlagClass.CONDUCT,
    "log-fork": FlagClass.CONDUCT,
}

# A flag is one record of at most 64 KiB, and a camera can be covered for two hours.
REFS_MOST = 64
SEEN_MOST = 8
SEEN_CHARACTERS = 120
# A policy sets how much a fork weighs; it cannot choose not to be told.
FORK_RULE = FlagRule(when="log-fork", severity=0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One incident of one rule.

    `id` is made of the rule and the incident's first record: evaluated again after more records
    came, the same incident has the same id and a later end.
    """

    id: str  # "person-count.d_web1.41"
    when: When
    rule: str  # in words, "more than 1 person for 10 seconds"
    flag_class: FlagClass
    severity: float  # 0 to 1, from the rule
    policy_sha256: str
    section_id: str
    started_at: datetime
    ended_at: datetime
    measurement: str  # "faces", "light_mean", "away_s", …
    value: float | None  # the most telling one measured; None where there is no number
    threshold: float | None
    snapshots: tuple[SnapshotRef, ...]  # at most REFS_MOST, spread evenly, first and last kept
    snapshot_count: int  # of which `snapshots` may be a selection
    records: tuple[RecordRef, ...]  # as `snapshots`, for what was no snapshot
    models: tuple[Model, ...]
    seen: tuple[str, ...]  # addresses without query, programs or causes that records name
    explanation: str  # for the learner; blames nobody
    times: int = 1  # one look, one verdict, for what went on several times shortly after another
    between: timedelta = timedelta()  # from start to end, how long it did not go on

    @property
    def lasted(self) -> timedelta:
        """Return how long it went on, all its times together."""
        return self.ended_at - self.started_at - self.between


Ref = TypeVar("Ref")


def evaluate(
    policy: Policy,
    policy_sha256: str,
    observations: Iterable[Observation],
    happenings: Iterable[Happening],
    section_at: SectionAt,
    *,
    lifts: Sequence[Lift] = (),
    documents: Sequence[Stretch] = (),
) -> tuple[Flag, ...]:
    """Return the flags of a session, by time. The order of what is given does not matter.

    Args:
        policy: The session's whole policy.
        policy_sha256: Its digest, lower-case hex; each flag names it.
        observations: Of the periodic snapshots, one for each snapshot.
        happenings: From the records of all devices, and forks from the server.
        section_at: The open section at an instant, or None. What is outside of every section,
            a break or the check-in, raises nothing. It is asked with the times of the records:
            where a device's clock is off, it must allow for that.
        lifts: Rules that a proctor lifted for this learner: what happens while one is lifted is
            not its business. What it saw before stays.
        documents: From when to when the learner held a document to the camera, because a person
            had asked for it: one small face more is its portrait, and no second person.

    A flag whose first snapshot is analysed only after its second gets a new, earlier id when
    evaluated again: evaluate in the order of the log where ids are kept.
    """
    pictures = sorted(observations, key=lambda seen: (seen.at, seen.device, seen.seq))
    events = sorted(happenings, key=lambda seen: (seen.at, seen.device, seen.seq))
    flags = []
    for number, rule in _numbered(rules_of(policy)):
        sees = unless_lifted(section_at, rule.when, lifts)
        incidents = from_events(policy, rule, events, sees)
        if rule.when in PICTURES:
            # A camera that goes, and then shows what is no picture, is one outage.
            incidents += from_pictures(policy, rule, pictures, sees, documents)
            incidents.sort(key=lambda incident: incident.started_at)
        flags += [_flag(policy, policy_sha256, rule, number, each) for each in merged(incidents)]
    return tuple(sorted(flags, key=lambda flag: (flag.started_at, flag.id)))


def rules_of(policy: Policy) -> tuple[FlagRule, ...]:
    """Return a policy's rules and those that hold without being written."""
    forks = any(rule.when == "log-fork" for rule in policy.flags)
    return policy.flags if forks else (*policy.flags, FORK_RULE)


def is_unseen(
    policy: Policy, pictures: Sequence[Observation], *, lifts: Sequence[Lift] = ()
) -> bool:
    """Tell whether something that a rule of conduct goes by was not measured in some pictures.

    Such a rule raised nothing, and that says nothing. What is compared in some pictures alone
    must have been compared in one. While a rule was lifted it raises nothing whatever is measured:
    pictures of then owe it nothing.
    """
    rules = [rule for rule in policy.flags if CLASS_OF[rule.when] is FlagClass.CONDUCT]
    for rule in rules:
        if rule.when not in PICTURES:
            continue
        held = [each for each in pictures if not lifted(lifts, rule.when, each.at)]
        if pictures and not held:
            continue
        holds = [PICTURES[rule.when].holds(rule, each.measured) for each in held]
        if all(each is None for each in holds) or (rule.when == "person-count" and None in holds):
            return True
    return False


def _numbered(rules: Sequence[FlagRule]) -> list[tuple[int, FlagRule]]:
    """Number the rules among those of the same kind: part of a flag's id."""
    counts: dict[When, int] = {}
    numbered = []
    for rule in rules:
        counts[rule.when] = counts.get(rule.when, 0) + 1
        numbered.append((counts[rule.when], rule))
    return numbered


def _flag(
    policy: Policy, policy_sha256: str, rule: FlagRule, number: int, incident: Incident
) -> Flag:
    picture = PICTURES.get(rule.when)
    first = incident.first
    measurement, threshold = _measure(policy, rule)
    value = (picture.most_telling if picture else max)(incident.values) if incident.values else None
    name = rule.when if number == 1 else f"{rule.when}-{number}"
    seen = tuple(dict.fromkeys(word[:SEEN_CHARACTERS] for word in incident.seen))[:SEEN_MOST]
    return Flag(
        id=f"{name}.{first.device}.{first.seq}",
        when=rule.when,
        rule=rule_words(rule),
        flag_class=CLASS_OF[rule.when],
        severity=rule.severity,
        policy_sha256=policy_sha256,
        section_id=incident.section_id,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        measurement=measurement,
        value=value,
        threshold=threshold,
        snapshots=_spread(incident.snapshots),
        snapshot_count=len(incident.snapshots),
        records=_spread(incident.records),
        models=tuple(sorted(incident.models, key=lambda m: (m.name, m.version, m.sha256))),
        seen=seen,
        explanation=explain(
            policy,
            rule,
            snapshots=len(incident.snapshots),
            times=incident.times,
            length_s=(incident.ended_at - incident.started_at - incident.between).total_seconds(),
            value=value,
            seen=seen,
        ),
        times=incident.times,
        between=incident.between,
    )


def _measure(policy: Policy, rule: FlagRule) -> tuple[str, float | None]:
    """Return what is measured and the limit it is held against."""
    match rule.when:
        case "person-count":
            return "faces", rule.above
        case "no-face":
            return "faces", 1
        case "dark" | "covered" | "frozen" | "looped" | "another-person":
            kind = PICTURES[rule.when]
            return kind.measurement, kind.own_limit if rule.below is None else rule.below
        case "camera-lost" | "network-gap" | "capture-gap":
            return "gap_s", rule.for_s
        case "left-page":
            return "away_s", rule.for_s
        case "second-display":
            return "displays", policy.system.displays_most
        case "program":
            return "program", None
        case "log-fork":
            return "fork", None
        case _:
            assert_never(rule.when)


def _spread(refs: tuple[Ref, ...]) -> tuple[Ref, ...]:
    if len(refs) <= REFS_MOST:
        return refs
    last = len(refs) - 1
    return tuple(refs[index * last // (REFS_MOST - 1)] for index in range(REFS_MOST))
