"""What may be used in an exam and how it is watched: a whole, resolved policy.

A policy file (`adapters/policies.py`) becomes these values; everything that is said to a learner,
asked of a client or raised as a flag comes from them. Lengths of time are whole seconds, days or
hours, as the name of the field says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit

Assist = Literal["assist", "none"]  # the machine suggests and a person confirms; or it stays out
DocumentKind = Literal["government-photo-id", "student-id", "any-photo-id", "none"]
IdKind = Literal["passport", "national-id", "driving-licence"]
GiveBack = Literal["all", "none"]
SecondCameraKind = Literal["none", "phone"]
ResultsHeld = Literal["until-decided", "until-contest-over"]
When = Literal[
    "person-count",  # more than `above` people in the picture
    "another-person",  # the face is unlike the one shown at check-in
    "no-face",  # nobody in the picture, though there is light
    "dark",  # too little light to see
    "covered",  # the camera sees a flat surface
    "frozen",  # the picture stopped changing
    "looped",  # pictures that were there before come again
    "camera-lost",  # the camera went away, or what comes from it is no picture
    "network-gap",  # the network was cut
    "capture-gap",  # capture stopped for another cause: the client closed, its disk was full
    "second-display",  # more displays than `system.displays_most`
    "left-page",  # the focus went to a site or program that is not allowed
    "program",  # a program that the rule names was seen
    "log-fork",  # the server was shown two histories of one device
]
WHENS: tuple[When, ...] = get_args(When)
ID_KINDS: tuple[IdKind, ...] = get_args(IdKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    sheets: int  # 1 to 50
    sides: int  # of each sheet that may be written on: 1 or 2
    must_be: Literal["blank", "anything"]
    sections: tuple[str, ...] = ()  # for every resource and rule: () is all sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    pen: bool
    pencil: bool
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place on the web. What its address covers is said at `site_covers`."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Website:
    choose: int  # how many of the sites one learner may use, 1 to len(of)
    of: tuple[Site, ...]
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    name: str
    programs: tuple[str, ...]  # process names without ".exe"; compared without case
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculator:
    model: Literal["basic", "scientific", "graphing", "any"]
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A printed book."""

    title: str  # "" is any book
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The learner's own notes, on paper."""

    sheets: int  # 0 is any number
    must_be: Literal["handwritten", "anything"]
    sections: tuple[str, ...] = ()


Resource = Paper | Writing | Website | Software | Calculator | Book | Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """One line about when a person should look. Its class follows from `when` (flags.py)."""

    when: When
    above: int = 1  # person-count only: people, >= 1
    # Instead of the limit that comes with Proctor: dark, covered, frozen, looped: a grey level;
    # another-person: a likeness, 0 to 1.
    below: float | None = None
    for_s: int = 0  # how long it must last
    severity: float = 0.5  # 0 to 1: the order in a reviewer's list, never added up
    programs: tuple[str, ...] = ()  # program only: what is looked for, nothing else is
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRules:
    order: tuple[str, ...] = ()  # all sections, opened in this order; () leaves it to the exam
    limit_s: int = 0  # of every section, before allowances; 0 leaves it to the exam


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    document: DocumentKind = "government-photo-id"
    kinds: tuple[IdKind, ...] = ()  # of government IDs, those that will do; () is every kind
    unexpired: bool = True  # on the day of the exam
    face: Assist = "assist"
    name: Assist = "assist"
    hold: bool = True  # a person accepts the ID check before the first section opens


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRules:
    snapshot_every_s: int = 10  # 1 to 600
    max_px: int = 640  # the longer edge of a snapshot, pixels
    quality: int = 80  # of the JPEG, 30 to 95
    second_camera: SecondCameraKind = "none"  # a phone of the learner's shows the room


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRules:
    """What an outage gives back, and how long after closing a late record is still taken."""

    give_back: GiveBack = "all"
    after_s: int = 10  # a shorter outage gives nothing
    most_s: int = 1800  # given back in one section at most
    late_h: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRule:
    """A kind of computer that is refused: every field that is not empty must match."""

    os: str = ""  # "windows", "macos", "linux", "android", "ios", "chromeos"
    below: str = ""  # versions before this one, "10" or "10.15"; needs `os`
    maker: str = ""  # part of the maker's name, without case
    model: str = ""  # part of the model's name, without case
    form: Literal["", "phone", "tablet", "laptop", "desktop"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRules:
    refuse: tuple[SystemRule, ...] = ()
    displays_most: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    adverse_needs: int = 2  # people who must agree to an adverse verdict: 1 or 2
    terminate_needs: int = 2  # people who must agree to end a running session: 1 or 2
    due_days: int = 5  # from the session's end until a review should be decided, 1 to 365
    contest_days: int = 14  # in which the learner may answer a decision, 0 to 365; 0: not at all
    second_looks: float = 0.1  # share of first verdicts "clear" that a second person checks, 0 to 1
    results_held: ResultsHeld = "until-decided"
    # Messages, pauses and requests to one learner, 0 to 100: before one more, proctors are warned.
    # 0: never.
    interruptions_most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainRules:
    snapshots_days: int = 90
    id_document_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    id: str
    title: str
    schema: int = 1
    allow: tuple[Resource, ...] = ()
    sections: SectionRules = field(default_factory=SectionRules)
    identity: IdentityRules = field(default_factory=IdentityRules)
    capture: CaptureRules = field(default_factory=CaptureRules)
    time: TimeRules = field(default_factory=TimeRules)
    system: SystemRules = field(default_factory=SystemRules)
    flags: tuple[FlagRule, ...] = ()
    review: ReviewRules = field(default_factory=ReviewRules)
    retain: RetainRules = field(default_factory=RetainRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """What a client says about its computer. "" is "not known", and matches no rule."""

    os: str = ""
    os_version: str = ""  # "10.0.19045", "14.5", "XP"
    maker: str = ""
    model: str = ""
    form: str = ""


def in_section(sections: tuple[str, ...], section_id: str | None) -> bool:
    """Say whether something limited to `sections` holds in a section; () holds in all."""
    return not sections or section_id in sections


def resources_for(policy: Policy, section_id: str | None) -> tuple[Resource, ...]:
    """Return what may be used in a section, in the policy's order."""
    return tuple(thing for thing in policy.allow if in_section(thing.sections, section_id))


def program_allowed(policy: Policy, program: str, section_id: str | None) -> bool:
    """Say whether a section's software names this program: "C:/R/Rgui.exe" is "rgui"."""
    wanted = program_name(program)
    return any(
        wanted in map(program_name, thing.programs)
        for thing in resources_for(policy, section_id)
        if isinstance(thing, Software)
    )


def program_name(program: str) -> str:
    """Return a program's name without folder, case or the ending of its platform."""
    # Both kinds of slash: one rule reads the paths of every platform.
    name = re.split(r"[/\\]", program.strip().rstrip("/\\"))[-1].casefold()
    return name.removesuffix(".exe").removesuffix(".app")


def website_allowed(policy: Policy, url: str, section_id: str | None) -> bool:
    """Say whether one of the section's sites covers this address.

    How many of the sites one learner may use (`choose`) depends on what was used before:
    `flags.evaluate` counts that.
    """
    return any(site_covers(site, url) for _, site in sites_for(policy, section_id))


def sites_for(policy: Policy, section_id: str | None) -> tuple[tuple[Website, Site], ...]:
    """Return each site of a section beside the resource it belongs to."""
    return tuple(
        (thing, site)
        for thing in resources_for(policy, section_id)
        if isinstance(thing, Website)
        for site in thing.of
    )


def site_covers(site: Site, url: str) -> bool:
    """Say whether an address is part of a site.

    1. The scheme: an `http` site covers `https` too; an `https` site covers `https` alone.
    2. The host: exactly the site's, without case; `*.example.org` covers example.org and every
       host below it. `example.org` covers no other host, not even `www.example.org`.
    3. The port: the same, the scheme's own when none is written.
    4. The path: the site's, or below it: `/translator` covers `/translator/x`, not
       `/translators`. The query and the fragment do not count.

    What a browser would read differently from us (a backslash, white space, a dot segment) is
    covered by nothing.
    """
    seen = _address(url)
    base = _address(site.url)
    if seen is None or base is None:
        return False
    if seen.scheme not in ({"http", "https"} if base.scheme == "http" else {"https"}):
        return False
    host, wanted = _host(seen), _host(base)
    parent = wanted.removeprefix("*.")
    if host != parent and not (wanted != parent and host.endswith(f".{parent}")):
        return False
    if _port(seen) != _port(base):
        return False
    folder = base.path.rstrip("/")
    return seen.path.rstrip("/") == folder or seen.path.startswith(f"{folder}/")


def address_problem(url: str) -> str:
    """Return why a site's address can cover nothing, or ""."""
    base = _address(url)
    if base is None:
        return "not a plain http or https address"
    if base.query or base.fragment:
        return "has a query or a fragment, which are never compared"
    if "@" in base.netloc:
        return "has a login in it"
    if "*" in base.netloc.removeprefix("*."):
        return "has a * that does not stand for the first part of the host"
    return ""


# RFC 3986 has no backslash, white space or control character; browsers repair them, each
# in its own way, so that two readers could see two hosts in one address.
_ODD = re.compile(r"[\\\s\x00-\x1f\x7f]")


def _address(url: str) -> SplitResult | None:
    if _ODD.search(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is the check: a bad port raises here, not later
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    if any(unquote(segment) in {".", ".."} for segment in parts.path.split("/")):
        return None
    return parts


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _port(parts: SplitResult) -> int | None:
    # 80 and 443 are one here: rule 1 already says which scheme may stand for which.
    return None if parts.port in {80, 443} else parts.port


def system_refusals(policy: Policy, report: SystemReport) -> tuple[SystemRule, ...]:
    """Return the rules that refuse this computer; `wording.system_rule_words` says them."""
    return tuple(rule for rule in policy.system.refuse if _matches(rule, report))


def _matches(rule: SystemRule, report: SystemReport) -> bool:
    return (
        (not rule.os or rule.os == report.os.casefold())
        and (not rule.below or _older(report.os_version, rule.below))
        and rule.maker.casefold() in report.maker.casefold()
        and rule.model.casefold() in report.model.casefold()
        and (not rule.form or rule.form == report.form.casefold())
    )


# Names of Windows that are no version numbers, or read as ones far too high.
_NAMED_VERSIONS = {"95": (4,), "98": (4,), "me": (4,), "nt": (4,), "2000": (5,), "xp": (5,)} | {
    "vista": (6,)
}


def _older(version: str, below: str) -> bool:
    seen = version_numbers(version)
    # An unknown version is no reason to send a learner away on exam day.
    return seen is not None and seen < (version_numbers(below) or ())


def version_numbers(version: str) -> tuple[int, ...] | None:
    """Return "10.0.19045" as (10, 0, 19045), "XP" as (5,), and None for what has no number."""
    named = _NAMED_VERSIONS.get(version.strip().casefold())
    if named is not None:
        return named
    found = re.match(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})", version)
    return tuple(int(number) for number in found[1].split(".")) if found else None


def watched_programs(policy: Policy, section_id: str | None) -> tuple[str, ...]:
    """Return the programs a client looks for in a section: it looks for no other."""
    named = {
        program_name(program)
        for rule in policy.flags
        if rule.when == "program" and in_section(rule.sections, section_id)
        for program in rule.programs
        if not program_allowed(policy, program, section_id)
    }
    return tuple(sorted(named))


def section_mismatches(policy: Policy, limits_s: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Return what an exam's sections have against the policy, one sentence each.

    Args:
        policy: The resolved policy.
        limits_s: The exam's sections in their order: id and time limit in seconds.
    """
    ids = tuple(section_id for section_id, _ in limits_s)
    rules = policy.sections
    problems = []
    if rules.order and ids != rules.order:
        problems.append(
            f"the policy's sections are {', '.join(rules.order)}, in this order; "
            f"the exam's are {', '.join(ids) or 'none'}"
        )
    problems += [
        f"the policy gives every section {rules.limit_s} s; {section_id} has {limit_s} s"
        for section_id, limit_s in limits_s
        if rules.limit_s and limit_s != rules.limit_s
    ]
    named = {name for thing in (*policy.allow, *policy.flags) for name in thing.sections}
    problems += [
        f"a rule of the policy is for the section {name}, which the exam does not have"
        for name in sorted(named - set(ids) - set(rules.order))
    ]
    return tuple(problems)
