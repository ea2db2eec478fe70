"""What a rule saw: runs of snapshots and other records, joined into incidents."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from proctor.domain.acts import Lift, lifted
from proctor.domain.observation import Measured, Model, Observation, is_unreadable
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

# While a document is held up, the smallest face is taken for its portrait if it is at most so high,
# where the largest is 1. The face on a passport or card is some 25 mm high, a sixth of a living
# one: held to the camera at a third of the learner's distance, it looks half as high. Whoever sits
# beside the learner looks larger than that.
PORTRAIT_HEIGHT = 0.5

SectionAt = Callable[[datetime], str | None]
# From when to when, both inclusive, aware UTC.
Stretch = tuple[datetime, datetime]


def unless_lifted(section_at: SectionAt, rule: When, lifts: Sequence[Lift]) -> SectionAt:
    """Return `section_at` for one rule: while it is lifted, it sees no section and so nothing."""
    mine = [each for each in lifts if each.rule == rule]
    if not mine:
        return section_at
    return lambda at: None if lifted(mine, rule, at) else section_at(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a record says happened, other than a snapshot. Times are aware UTC.

    `until` is when it ended; for what still goes on, the end of the section or the time of
    evaluation, so that it has a length. None is an instant, as notices and forks are.

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
    first: RecordRef | SnapshotRef  # by which a flag's id is made
    section_id: str
    started_at: datetime
    ended_at: datetime
    times: int = 1  # it went on, so often by itself
    between: timedelta = timedelta()  # of that time, how much it did not
    values: tuple[float, ...] = ()
    snapshots: tuple[SnapshotRef, ...] = ()
    records: tuple[RecordRef, ...] = ()
    models: frozenset[Model] = frozenset()
    seen: tuple[str, ...] = ()


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
    """Join incidents, given by start, into one. Where two overlap, it went on once."""
    ended_at = neighbours[0].ended_at
    times, between = 1, timedelta()
    for one in neighbours[1:]:
        if one.started_at > ended_at:
            times += 1
            between += one.started_at - ended_at
        ended_at = max(ended_at, one.ended_at)
    return replace(
        neighbours[0],
        ended_at=ended_at,
        times=times,
        between=between,
        values=tuple(value for one in neighbours for value in one.values),
        snapshots=tuple(ref for one in neighbours for ref in one.snapshots),
        records=tuple(ref for one in neighbours for ref in one.records),
        models=frozenset(model for one in neighbours for model in one.models),
        seen=tuple(word for one in neighbours for word in one.seen),
    )


# --- snapshots -------------------------------------------------------------------------------

# A run begins with what the rule needs and ends when the rule failed this often running: one good
# snapshot in a bad minute is no end. Nor is it part of what the flag shows.
ENDS_AFTER = 2
# The cosine of SFace below which two faces are not taken for the same one: OpenCV's own figure,
# and `adapters.vision.SAME_PERSON`.
SAME_PERSON = 0.363
# One snapshot in so many is compared with the face of the check-in, besides those in which the
# number of faces or their place jumped: to compare takes six times as long as to look.
COMPARE_EVERY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _PictureRule:
    measurement: str
    # None is "could not be measured", or is not this rule's to say.
    holds: Callable[[FlagRule, Measured], bool | None]
    number: Callable[[Measured], float | None] | None  # None: how many seconds a run held
    most_telling: Callable[[Iterable[float]], float]
    own_limit: float | None = None  # where the rule has none and vision does not decide
    needs: int = 1  # snapshots in which it must hold…
    out_of: int = 1  # …of this many, one after the other
    # What is measured in some snapshots only: the others are passed over, as if not taken.
    only_some: bool = False


def _several(rule: FlagRule, seen: Measured) -> bool | None:
    return None if seen.faces is None else len(seen.faces) > rule.above


def _without_portrait(seen: Measured) -> Measured:
    """Leave out the face that may be the portrait of a document: one, and a small one."""
    by_height = sorted(seen.faces or (), key=lambda face: face.height)
    if not by_height or by_height[0].height > PORTRAIT_HEIGHT * by_height[-1].height:
        return seen
    return replace(seen, faces=tuple(by_height[1:]))


def _nobody(_: FlagRule, seen: Measured) -> bool | None:
    # Where there is no light there is no face to find: `dark` and `covered` say the cause.
    return None if seen.faces is None else not (seen.faces or seen.dark or seen.covered)


def _another(rule: FlagRule, seen: Measured) -> bool | None:
    # Too little light, or something before the camera, makes any face unlike any other.
    if seen.same_person is None or not seen.faces or seen.dark or seen.covered:
        return None
    return seen.same_person < (SAME_PERSON if rule.below is None else rule.below)


def _limit(
    number: Callable[[Measured], float | None], own: Callable[[Measured], bool | None]
) -> Callable[[FlagRule, Measured], bool | None]:
    """Hold by the rule's own limit when it has one, else by what vision decided."""

    def holds(rule: FlagRule, seen: Measured) -> bool | None:
        if rule.below is None:
            return own(seen)
        value = number(seen)
        return None if value is None else value < rule.below

    return holds


def _unless_covered(
    holds: Callable[[FlagRule, Measured], bool | None],
) -> Callable[[FlagRule, Measured], bool | None]:
    # A covered camera is dark and never changes: one cause, one flag.
    return lambda rule, seen: False if seen.covered else holds(rule, seen)


def _again(rule: FlagRule, seen: Measured) -> bool | None:
    # A picture that stands still is like all before it: `frozen` says the cause. In the dark, and
    # where nobody sits before the camera, pictures are alike because nothing is there to change.
    if seen.frozen or seen.dark or seen.covered or seen.faces == ():
        return False
    return _repeats(rule, seen)


_repeats = _limit(lambda seen: seen.repeat, lambda seen: seen.looped)


def _unreadable(_: FlagRule, seen: Measured) -> bool | None:
    # Of what a server's own fault left unmeasured it is not known whether it is a picture.
    return is_unreadable(seen) or (None if seen.dark is None else False)


PICTURES: Mapping[When, _PictureRule] = {
    "person-count": _PictureRule(
        measurement="faces",
        holds=_several,
        number=lambda seen: None if seen.faces is None else len(seen.faces),
        most_telling=max,
        # A poster or a passing shape makes one snapshot; a person stays for two.
        needs=2,
        out_of=2,
    ),
    "another-person": _PictureRule(
        measurement="same_person",
        holds=_another,
        number=lambda seen: seen.same_person,
        most_telling=min,
        own_limit=SAME_PERSON,
        # A face turned away or half in shadow is unlike itself; rarely in two of three.
        needs=2,
        out_of=3,
        only_some=True,
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
    "looped": _PictureRule(
        measurement="repeat",
        holds=_again,
        number=lambda seen: seen.repeat,
        most_telling=min,
        # A driver that wakes up hands out an old picture of its buffer once.
        needs=2,
        out_of=2,
    ),
    # Besides what the device says of its camera.
    "camera-lost": _PictureRule(
        measurement="gap_s", holds=_unreadable, number=None, most_telling=max
    ),
}


def is_about(policy: Policy, seen: Measured) -> bool:
    """Tell whether a rule about pictures holds in one, be it enough for a flag or not."""
    return any(
        rule.when in PICTURES and PICTURES[rule.when].holds(rule, seen) is True
        for rule in policy.flags
    )


@dataclass(slots=True, kw_only=True)
class Run:
    """Snapshots of one camera, in one section, in which a rule held."""

    section_id: str
    held: list[Observation]  # empty until it began
    last: deque[tuple[Observation, bool]]  # what came last, and whether the rule held
    failing: list[Observation]  # since it held last, running
    until: datetime | None = None  # of the first good snapshot after it; None: it goes on


def runs(
    policy: Policy,
    rule: FlagRule,
    pictures: Iterable[Observation],
    section_at: SectionAt,
    *,
    needs: int = 0,
    documents: Sequence[Stretch] = (),
) -> list[Run]:
    """Return the runs of a rule, in the order in which they came to be.

    Args:
        policy: The session's policy.
        rule: One about pictures.
        pictures: By time.
        section_at: As for `flags.evaluate`.
        needs: Snapshots running with which a run begins; 0 leaves it to the rule.
        documents: As for `flags.evaluate`.
    """
    kind = PICTURES[rule.when]
    needs, out_of = (needs, needs) if needs else (kind.needs, kind.out_of)
    every = timedelta(seconds=policy.capture.snapshot_every_s)
    # Two snapshots say nothing about a long time between them: one may be missing in a run,
    # not more. A camera every second may stutter, hence five.
    apart_most = max(3 * every * (COMPARE_EVERY if kind.only_some else 1), timedelta(seconds=5))
    found: list[Run] = []
    running: dict[str, Run] = {}  # by device
    for seen in pictures:
        section_id = section_at(seen.at)
        if section_id is None or not in_section(rule.sections, section_id):
            _end(running, seen.device)
            continue
        measured = seen.measured
        # Other rules, and what a flag says was measured, go by all faces.
        if rule.when == "person-count" and any(start <= seen.at <= end for start, end in documents):
            measured = _without_portrait(measured)
        holds = kind.holds(rule, measured)
        if holds is None:
            # What was not measured says neither that it goes on nor that it is over.
            if not kind.only_some:
                _end(running, seen.device)
            continue
        run = running.get(seen.device)
        if run is None or run.section_id != section_id or seen.at - run.last[-1][0].at > apart_most:
            _end(running, seen.device)
            run = Run(section_id=section_id, held=[], last=deque(maxlen=out_of), failing=[])
            running[seen.device] = run
        run.last.append((seen, holds))
        if not run.held:
            held = [each for each, held in run.last if held]
            if len(held) >= needs:
                run.held = held
                found.append(run)
        elif holds:
            run.held.append(seen)
            run.failing.clear()
        else:
            run.failing.append(seen)
            if len(run.failing) == ENDS_AFTER:
                run.until = run.failing[0].at
                del running[seen.device]
    return found


def _end(running: dict[str, Run], device: str) -> None:
    """End a run that no good snapshot ended: all that is known is how long it held."""
    run = running.pop(device, None)
    if run is not None and run.held:
        run.until = run.held[-1].at


def from_pictures(
    policy: Policy,
    rule: FlagRule,
    pictures: Iterable[Observation],
    section_at: SectionAt,
    documents: Sequence[Stretch],
) -> list[Incident]:
    return [
        Incident(
            first=_ref(run.held[0]),
            section_id=run.section_id,
            started_at=run.held[0].at,
            ended_at=run.held[-1].at,
            values=_values(rule, run),
            snapshots=tuple(map(_ref, run.held)),
            models=frozenset(model for seen in run.held for model in seen.measured.models),
        )
        for run in runs(policy, rule, pictures, section_at, documents=documents)
        if run.held[-1].at - run.held[0].at >= timedelta(seconds=rule.for_s)
    ]


def _ref(seen: Observation) -> SnapshotRef:
    return SnapshotRef(device=seen.device, seq=seen.seq, sha256=seen.sha256)


def _values(rule: FlagRule, run: Run) -> tuple[float, ...]:
    number = PICTURES[rule.when].number
    if number is None:
        return ((run.held[-1].at - run.held[0].at).total_seconds(),)
    return tuple(value for seen in run.held if (value := number(seen.measured)) is not None)


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
        record = RecordRef(device=event.device, seq=event.seq)
        incidents.append(
            Incident(
                first=record,
                section_id=section_id,
                started_at=event.at,
                ended_at=ended_at,
                values=() if value is None else (value,),
                records=(record,),
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
