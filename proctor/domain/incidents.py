"""What a rule saw: runs of snapshots and other records, joined into incidents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from proctor.domain.observation import Measured, Model, Observation
from proctor.domain.policy import (
    FlagRule,
    Policy,
    Software,
    When,
    in_section,
    program_allowed,
    program_name,
    resources_for,
    site_covers,
    sites_for,
    website_allowed,
)

# Incidents of one rule this close together are one incident: one look, one verdict.
MERGE_WITHIN = timedelta(seconds=60)

SectionAt = Callable[[datetime], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a record says happened, other than a snapshot. Times are aware UTC.

    `until` is when it ended; for what still goes on, the end of the section or the time of
    evaluation, so that it has a length. None is an instant.

    | kind | facts |
    |---|---|
    | focus | `away_to`: the address or program that got the focus, "" when not known |
    | gap | `cause`: "network", "camera", or another word for why capture was impossible |
    | notice | `program` seen, or `displays` counted, or `cause` "camera-lost" |
    | fork | (from the server, not a device) two histories at one size; `device` is whose |
    """

    device: str
    seq: int
    at: datetime
    until: datetime | None = None
    kind: Literal["focus", "gap", "notice", "fork"]
    away_to: str = ""
    program: str = ""
    cause: str = ""
    displays: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RecordRef:
    device: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SnapshotRef:
    device: str
    seq: int
    sha256: str  # of the picture, lower-case hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    section_id: str
    started_at: datetime
    ended_at: datetime
    values: tuple[float, ...] = ()
    snapshots: tuple[SnapshotRef, ...] = ()
    records: tuple[RecordRef, ...] = ()
    models: frozenset[Model] = frozenset()
    seen: tuple[str, ...] = ()

    @property
    def first(self) -> RecordRef | SnapshotRef:
        return (self.records or self.snapshots)[0]


def merged(incidents: Iterable[Incident]) -> list[Incident]:
    """Join neighbours of one device and section. Given by start, returned by device."""
    lanes: dict[tuple[str, str], list[list[Incident]]] = {}
    ends: dict[tuple[str, str], datetime] = {}
    for incident in incidents:
        key = (incident.first.device, incident.section_id)
        lane = lanes.setdefault(key, [])
        if lane and incident.started_at - ends[key] <= MERGE_WITHIN:
            lane[-1].append(incident)
            ends[key] = max(ends[key], incident.ended_at)
        else:
            lane.append([incident])
            ends[key] = incident.ended_at
    return [_joined(neighbours) for lane in lanes.values() for neighbours in lane]


def _joined(neighbours: Sequence[Incident]) -> Incident:
    return replace(
        neighbours[0],
        ended_at=max(one.ended_at for one in neighbours),
        values=tuple(value for one in neighbours for value in one.values),
        snapshots=tuple(ref for one in neighbours for ref in one.snapshots),
        records=tuple(ref for one in neighbours for ref in one.records),
        models=frozenset(model for one in neighbours for model in one.models),
        seen=tuple(word for one in neighbours for word in one.seen),
    )


# --- snapshots -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _PictureRule:
    measurement: str
    holds: Callable[[FlagRule, Measured], bool]
    number: Callable[[Measured], float | None]
    most_telling: Callable[[Iterable[float]], float]
    needs: int = 1  # snapshots running


def _several(rule: FlagRule, seen: Measured) -> bool:
    return seen.faces is not None and len(seen.faces) > rule.above


def _nobody(_: FlagRule, seen: Measured) -> bool:
    # Where there is no light there is no face to find: `dark` and `covered` say the cause.
    return seen.faces == () and not seen.dark and not seen.covered


def _limit(
    number: Callable[[Measured], float | None], own: Callable[[Measured], bool | None]
) -> Callable[[FlagRule, Measured], bool]:
    """Hold by the rule's own limit when it has one, else by what vision decided."""

    def holds(rule: FlagRule, seen: Measured) -> bool:
        if rule.below is None:
            return own(seen) is True
        value = number(seen)
        return value is not None and value < rule.below

    return holds


def _unless_covered(
    holds: Callable[[FlagRule, Measured], bool],
) -> Callable[[FlagRule, Measured], bool]:
    # A covered camera is dark and never changes: one cause, one flag.
    return lambda rule, seen: not seen.covered and holds(rule, seen)


PICTURES: Mapping[When, _PictureRule] = {
    "person-count": _PictureRule(
        measurement="faces",
        holds=_several,
        number=lambda seen: None if seen.faces is None else len(seen.faces),
        most_telling=max,
        # A poster or a passing shape makes one snapshot; a person stays for two.
        needs=2,
    ),
    "no-face": _PictureRule(
        measurement="faces", holds=_nobody, number=lambda _: 0, most_telling=max
    ),
    "dark": _PictureRule(
        measurement="light_mean",
        holds=_unless_covered(_limit(lambda seen: seen.light_mean, lambda seen: seen.dark)),
        number=lambda seen: seen.light_mean,
        most_telling=min,
    ),
    "covered": _PictureRule(
        measurement="contrast",
        holds=_limit(lambda seen: seen.contrast, lambda seen: seen.covered),
        number=lambda seen: seen.contrast,
        most_telling=min,
    ),
    "frozen": _PictureRule(
        measurement="change",
        holds=_unless_covered(_limit(lambda seen: seen.change, lambda seen: seen.frozen)),
        number=lambda seen: seen.change,
        most_telling=min,
    ),
}


def from_pictures(
    policy: Policy, rule: FlagRule, pictures: Iterable[Observation], section_at: SectionAt
) -> list[Incident]:
    kind = PICTURES[rule.when]
    every = timedelta(seconds=policy.capture.snapshot_every_s)
    # Two snapshots say nothing about a long time between them: one may be missing in a run,
    # not more. A camera every second may stutter, hence five.
    apart_most = max(3 * every, timedelta(seconds=5))
    runs: list[tuple[str, list[Observation]]] = []
    running: dict[str, tuple[str, list[Observation]]] = {}  # by device
    for seen in pictures:
        section_id = section_at(seen.at)
        if (
            section_id is None
            or not in_section(rule.sections, section_id)
            or not kind.holds(rule, seen.measured)
        ):
            running.pop(seen.device, None)
            continue
        run = running.get(seen.device)
        if run and run[0] == section_id and seen.at - run[1][-1].at <= apart_most:
            run[1].append(seen)
        else:
            run = running[seen.device] = (section_id, [seen])
            runs.append(run)
    return [
        Incident(
            section_id=section_id,
            started_at=run[0].at,
            ended_at=run[-1].at,
            values=tuple(
                value for seen in run if (value := kind.number(seen.measured)) is not None
            ),
            snapshots=tuple(
                SnapshotRef(device=seen.device, seq=seen.seq, sha256=seen.sha256) for seen in run
            ),
            models=frozenset(model for seen in run for model in seen.measured.models),
        )
        for section_id, run in runs
        if len(run) >= kind.needs and run[-1].at - run[0].at >= timedelta(seconds=rule.for_s)
    ]


# --- other records ---------------------------------------------------------------------------


def from_events(
    policy: Policy, rule: FlagRule, events: Sequence[Happening], section_at: SectionAt
) -> list[Incident]:
    incidents = []
    chosen: dict[int, set[str]] = {}  # by website resource, the sites this learner went to
    for event in events:
        section_id = section_at(event.at)
        ended_at = event.at if event.until is None else max(event.at, event.until)
        needed = timedelta(seconds=rule.for_s)
        if (
            section_id is None
            or not in_section(rule.sections, section_id)
            or ended_at - event.at < needed
            # What goes on after the section closed is nobody's business.
            or section_at(event.at + needed) != section_id
        ):
            continue
        length_s = (ended_at - event.at).total_seconds()
        found = _found(policy, rule, event, length_s=length_s, section_id=section_id, chosen=chosen)
        if found is None:
            continue
        value, word = found
        incidents.append(
            Incident(
                section_id=section_id,
                started_at=event.at,
                ended_at=ended_at,
                values=() if value is None else (value,),
                records=(RecordRef(device=event.device, seq=event.seq),),
                seen=(word,) if word else (),
            )
        )
    return incidents


def _found(
    policy: Policy,
    rule: FlagRule,
    event: Happening,
    *,
    length_s: float,
    section_id: str,
    chosen: dict[int, set[str]],
) -> tuple[float | None, str] | None:
    """Return the number and the word of what the rule is about, or None if it is not there."""
    match rule.when, event.kind:
        case "camera-lost", "gap" if event.cause == "camera":
            return length_s, event.cause
        case "camera-lost", "notice" if event.cause == "camera-lost":
            return length_s, event.cause
        case "network-gap", "gap" if event.cause == "network":
            return length_s, event.cause
        case "capture-gap", "gap" if event.cause not in {"network", "camera"}:
            return length_s, event.cause
        case "second-display", "notice" if event.displays is not None:
            beyond = event.displays > policy.system.displays_most
            return (event.displays, "") if beyond else None
        case "left-page", "focus":
            allowed = _may_go(policy, event.away_to, section_id, chosen)
            return None if allowed else (length_s, _place(event.away_to))
        case "program", "notice" if event.program:
            name = program_name(event.program)
            named = name in map(program_name, rule.programs)
            if not named or program_allowed(policy, name, section_id):
                return None
            return None, name
        case "log-fork", "fork":
            return None, event.device
        case _:
            return None


def _may_go(policy: Policy, away_to: str, section_id: str, chosen: dict[int, set[str]]) -> bool:
    if not away_to:
        # A browser cannot say where the focus went. It may have been to something allowed,
        # and a doubt is no reason to flag; with nothing allowed there is no doubt.
        return any(
            isinstance(thing, Software) for thing in resources_for(policy, section_id)
        ) or bool(sites_for(policy, section_id))
    if "://" not in away_to:
        return program_allowed(policy, away_to, section_id)
    if not website_allowed(policy, away_to, section_id):
        return False
    # "One of three": the first sites a learner goes to are the chosen ones.
    for thing, site in sites_for(policy, section_id):
        if site_covers(site, away_to):
            used = chosen.setdefault(policy.allow.index(thing), set())
            if site.url in used or len(used) < thing.choose:
                used.add(site.url)
                return True
    return False


def _place(away_to: str) -> str:
    """Return an address without its query: what was looked up is not ours to show."""
    if "://" not in away_to:
        return away_to
    try:
        parts = urlsplit(away_to)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
