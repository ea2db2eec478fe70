"""Rules that can never act, and pairs that contradict each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proctor.adapters.policy_schema import (
    FlagDoc,
    PolicyDoc,
    SoftwareDoc,
    WebsiteDoc,
    WritingDoc,
    policy_of,
)
from proctor.adapters.policy_words import nearest
from proctor.adapters.toml_lines import Path
from proctor.domain.incidents import PICTURES
from proctor.domain.policy import address_problem, program_allowed, program_name

# What a device or the server notes in one moment: no record says how long it lasted.
_AT_ONCE = frozenset({"second-display", "program", "log-fork"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    path: Path  # in the whole policy
    problem: str
    right: str


def faults_in(doc: PolicyDoc) -> list[Fault]:
    """Return what is wrong with a whole policy, though each of its values may be right."""
    return [fault for look in _LOOKS for fault in look(doc)]


def unknown_section(doc: PolicyDoc, section_id: str, path: Path) -> Iterator[Fault]:
    order = doc.sections.order
    # A policy without `order` is for any exam: services compare the two when it is published.
    if section_id and order and section_id not in order:
        like = nearest(section_id, order)
        yield Fault(
            path=path,
            problem=f'there is no section "{section_id}"',
            right=(f"did you mean {like}? " if like else "")
            + f"sections.order has {', '.join(order)}",
        )


def _sections(doc: PolicyDoc) -> Iterator[Fault]:
    order = doc.sections.order
    if len(set(order)) < len(order):
        yield Fault(
            path=("sections", "order"),
            problem="names a section twice",
            right="each section once, in the order in which they are opened",
        )
    for table, rows in (("allow", doc.allow), ("flag", doc.flag)):
        for index, row in enumerate(rows):
            for place, section_id in enumerate(row.sections):
                yield from unknown_section(doc, section_id, (table, index, "sections", place))


def _allowed_twice(doc: PolicyDoc) -> Iterator[Fault]:
    """One paper rule for a section, not two: a learner must know which one holds."""
    for index, row in enumerate(doc.allow):
        if row.kind not in {"paper", "writing", "calculator", "notes"}:
            continue
        if any(
            other.kind == row.kind and _overlap(other.sections, row.sections)
            for other in doc.allow[:index]
        ):
            yield Fault(
                path=("allow", index, "kind"),
                problem=f"{row.kind} is allowed twice for the same section",
                right="one row for each section, kept apart by `sections`",
            )


def _allowed_nothing(doc: PolicyDoc) -> Iterator[Fault]:
    for index, row in enumerate(doc.allow):
        if isinstance(row, WritingDoc) and not (row.pen or row.pencil):
            yield Fault(
                path=("allow", index),
                problem="allows neither pen nor pencil",
                right="pen = true or pencil = true, or no such row",
            )
        if isinstance(row, WebsiteDoc):
            if row.choose > len(row.of):
                yield Fault(
                    path=("allow", index, "choose"),
                    problem=f"is {row.choose}, of {len(row.of)}",
                    right=f"a whole number from 1 to {len(row.of)}",
                )
            for place, site in enumerate(row.of):
                problem = address_problem(site.url)
                if problem:
                    yield Fault(
                        path=("allow", index, "of", place, "url"),
                        problem=problem,
                        right='an address such as "https://example.org/path"',
                    )


def _flags_of_one_kind(doc: PolicyDoc) -> Iterator[Fault]:
    """Keys that only one kind of rule reads."""
    readers = {
        "above": {"person-count"},
        "below": {"dark", "covered", "frozen", "looped", "another-person"},
        "programs": {"program"},
    }
    for index, row in enumerate(doc.flag):
        for key, kinds in readers.items():
            if key in row.model_fields_set and row.when not in kinds:
                yield Fault(
                    path=("flag", index, key),
                    problem=f"says nothing for {row.when}",
                    right=f"leave it out; it is for {', '.join(sorted(kinds))}",
                )


def _flags_without_effect(doc: PolicyDoc) -> Iterator[Fault]:
    every_s = doc.capture.snapshot_every_s
    limit_s = doc.sections.limit_s
    for index, row in enumerate(doc.flag):
        if row.when in PICTURES.keys() - {"camera-lost"} and 0 < row.for_s < every_s:
            yield Fault(
                path=("flag", index, "for_s"),
                problem=f"is {row.for_s}, which a snapshot every {every_s} s cannot tell",
                right=f"0 for at once, {every_s} or more, or a shorter capture.snapshot_every_s",
            )
        if row.when in _AT_ONCE and row.for_s:
            yield Fault(
                path=("flag", index, "for_s"),
                problem=f"is {row.for_s}, but nothing tells how long a {row.when} lasted: "
                "this rule would never raise a flag",
                right="leave it out, or 0: it is seen at once",
            )
        if row.when == "another-person" and (row.below or 0) > 1:
            yield Fault(
                path=("flag", index, "below"),
                problem=f"is {row.below:g}, and no two faces are more alike than 1",
                right="a likeness from 0 to 1; without it, the limit that comes with Proctor",
            )
        if row.when == "another-person" and doc.identity.face == "none":
            yield Fault(
                path=("flag", index, "when"),
                problem="is another-person, but with identity.face = none no faces are compared",
                right='face = "assist" under [identity], or [drop] flag = ["another-person"]',
            )
        if limit_s and row.for_s >= limit_s:
            yield Fault(
                path=("flag", index, "for_s"),
                problem=f"is {row.for_s}, and a section ends after {limit_s} s",
                right=f"less than {limit_s}",
            )
        if row.when == "program" and not row.programs:
            yield Fault(
                path=("flag", index),
                problem="looks for no program",
                right='programs = ["name", …]: a client looks for these and no others',
            )
        same = [other for other in doc.flag[:index] if _alike(other, row)]
        if same:
            yield Fault(
                path=("flag", index, "when"),
                problem=f"{row.when} stands here twice with the same limit and time",
                right="one of the two, or other sections",
            )


def _alike(one: FlagDoc, other: FlagDoc) -> bool:
    def key(row: FlagDoc) -> tuple[object, ...]:
        return row.when, row.above, row.below, row.for_s, sorted(map(program_name, row.programs))

    return key(one) == key(other) and _overlap(one.sections, other.sections)


def _programs(doc: PolicyDoc) -> Iterator[Fault]:
    """A program that is looked for where it may be used is never found."""
    policy = policy_of(doc)
    for index, row in enumerate(doc.flag):
        sections = row.sections or doc.sections.order or [_anywhere(doc)]
        for place, program in enumerate(row.programs):
            if all(program_allowed(policy, program, section_id) for section_id in sections):
                yield Fault(
                    path=("flag", index, "programs", place),
                    problem=f"{program} is allowed software wherever this rule holds",
                    right="leave it out here, or limit the software to other sections",
                )


def _anywhere(doc: PolicyDoc) -> str:
    """Return a section that no rule names, to ask what holds without limits."""
    named = {name for row in doc.allow if isinstance(row, SoftwareDoc) for name in row.sections}
    return "-" + "-".join(named)


def _tables(doc: PolicyDoc) -> Iterator[Fault]:
    if doc.identity.kinds and doc.identity.document != "government-photo-id":
        yield Fault(
            path=("identity", "kinds"),
            problem=f"names government IDs, but the document is {doc.identity.document}",
            right='document = "government-photo-id", or no kinds',
        )
    if len(set(doc.identity.kinds)) < len(doc.identity.kinds):
        yield Fault(
            path=("identity", "kinds"),
            problem="names a kind twice",
            right="each kind once",
        )
    if doc.identity.document == "none" and doc.identity.name == "assist":
        yield Fault(
            path=("identity", "name"),
            problem="is assist, but no document is shown to read a name from",
            right='name = "none", or a document',
        )
    if doc.identity.document == "none" and doc.identity.face == "none" and doc.identity.hold:
        yield Fault(
            path=("identity", "hold"),
            problem="is true, but there is neither document nor face to accept",
            right="hold = false, or something to check",
        )
    if doc.time.give_back == "all" and doc.time.after_s >= doc.time.most_s:
        yield Fault(
            path=("time", "most_s"),
            problem=f"is {doc.time.most_s}, and outages under {doc.time.after_s} s give nothing",
            right='more than time.after_s, or give_back = "none"',
        )
    if doc.review.contest_days == 0 and doc.review.results_held == "until-contest-over":
        yield Fault(
            path=("review", "results_held"),
            problem="waits for the end of a contest that nobody can begin",
            right='results_held = "until-decided", or contest_days of 1 or more',
        )
    for index, rule in enumerate(doc.system.refuse):
        if not any(rule.model_dump().values()):
            yield Fault(
                path=("system", "refuse", index),
                problem="refuses every computer",
                right="at least one of os, maker, model, form",
            )
        elif rule.below and not rule.os:
            yield Fault(
                path=("system", "refuse", index, "below"),
                problem="is a version of nothing",
                right="an os beside it",
            )


def _overlap(one: list[str], other: list[str]) -> bool:
    return not one or not other or bool(set(one) & set(other))


_LOOKS: tuple[Callable[[PolicyDoc], Iterator[Fault]], ...] = (
    _sections,
    _allowed_twice,
    _allowed_nothing,
    _flags_of_one_kind,
    _flags_without_effect,
    _programs,
    _tables,
)
