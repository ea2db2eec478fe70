"""The shape of a policy file: pydantic in, frozen values of `domain.policy` out.

`FileDoc` is one file as written, `PolicyDoc` a whole policy with its parents and defaults in it.
What the models cannot say (a rule that can never act) is in `policy_lint.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from proctor.domain import policy as domain
from proctor.domain.policy import (
    Assist,
    DocumentKind,
    GiveBack,
    IdKind,
    ResultsHeld,
    SecondCameraKind,
    When,
)

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
DAYS_MOST = 1095  # three years, the longest that BIPA (740 ILCS 14/15) allows

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Program = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
SectionIds = Annotated[
    list[Id], Field(max_length=200, description="only in these sections; empty is in all")
]


class _Doc(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _whole(least: int, most: int, default: Any, words: str) -> Any:
    return Field(default, ge=least, le=most, description=words)


class PaperDoc(_Doc):
    kind: Literal["paper"]
    sheets: int = _whole(1, 50, 1, "how many sheets")
    sides: int = _whole(1, 2, 2, "sides of each sheet that may be written on")
    must_be: Literal["blank", "anything"] = Field(
        default="blank", description="when the exam begins"
    )
    sections: SectionIds = []


class WritingDoc(_Doc):
    kind: Literal["writing"]
    pen: bool = Field(default=True, description="a pen may be used")
    pencil: bool = Field(default=True, description="a pencil may be used")
    sections: SectionIds = []


class SiteDoc(_Doc):
    name: Text = Field(description="as learners know it")
    url: Text = Field(description="its address; what it covers is said above")


class WebsiteDoc(_Doc):
    kind: Literal["website"]
    choose: int = _whole(1, 50, 1, "how many of the sites one learner may use")
    of: list[SiteDoc] = Field(min_length=1, max_length=50, description="the sites")
    sections: SectionIds = []


class SoftwareDoc(_Doc):
    kind: Literal["software"]
    name: Text = Field(description="as learners know it")
    programs: list[Program] = Field(
        min_length=1, max_length=50, description="the names its processes and windows have"
    )
    sections: SectionIds = []


class CalculatorDoc(_Doc):
    kind: Literal["calculator"]
    model: Literal["basic", "scientific", "graphing", "any"] = Field(
        default="basic",
        description="the most able kind that may be used; a thing of its own, no program",
    )
    sections: SectionIds = []


class BookDoc(_Doc):
    kind: Literal["book"]
    title: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="empty is any printed book",
    )
    sections: SectionIds = []


class NotesDoc(_Doc):
    kind: Literal["notes"]
    sheets: int = _whole(0, 500, 0, "how many sheets; 0 is any number")
    must_be: Literal["handwritten", "anything"] = Field(
        default="anything", description="handwritten, or printed too"
    )
    sections: SectionIds = []


ResourceDoc = Annotated[
    PaperDoc | WritingDoc | WebsiteDoc | SoftwareDoc | CalculatorDoc | BookDoc | NotesDoc,
    Field(discriminator="kind"),
]


class SectionsDoc(_Doc):
    order: list[Id] = Field(
        default=[],
        max_length=200,
        description="all sections, opened in this order; empty: as the exam",
    )
    limit_s: int = _whole(0, 86_400, 0, "time for every section, seconds; 0: as the exam")


class IdentityDoc(_Doc):
    document: DocumentKind = Field(default="government-photo-id", description="shown to the camera")
    kinds: list[IdKind] = Field(
        default=[], max_length=3, description="government IDs that will do; empty: every kind"
    )
    unexpired: bool = Field(default=True, description="the document is valid on the day")
    face: Assist = Field(
        default="assist", description="compare faces and suggest; a person confirms"
    )
    name: Assist = Field(
        default="assist", description="read the name and suggest; a person confirms"
    )
    hold: bool = Field(
        default=True, description="a person accepts the ID check before the first section"
    )


class CaptureDoc(_Doc):
    snapshot_every_s: int = _whole(1, 600, 10, "seconds from one snapshot to the next")
    max_px: int = _whole(320, 1920, 640, "longer edge of a snapshot, pixels")
    quality: int = _whole(30, 95, 80, "JPEG quality of a snapshot")
    second_camera: SecondCameraKind = Field(
        default="none", description="a phone of the learner's that shows the room"
    )


class TimeDoc(_Doc):
    give_back: GiveBack = Field(
        default="all", description="time that an outage took from a section"
    )
    after_s: int = _whole(0, 600, 10, "seconds; a shorter outage gives nothing back")
    most_s: int = _whole(0, 14_400, 1800, "seconds given back in one section at most")
    late_h: int = _whole(0, 168, 24, "hours after closing in which records made in time are taken")


class SystemRuleDoc(_Doc):
    os: Literal["", "windows", "macos", "linux", "android", "ios", "chromeos"] = Field(
        default="", description="the operating system"
    )
    below: str = Field(
        default="",
        pattern=r"^([0-9]{1,9}(\.[0-9]{1,9}){0,5})?$",
        description="older than this version",
    )
    maker: str = Field(default="", max_length=64, description="part of the maker's name")
    model: str = Field(default="", max_length=64, description="part of the model's name")
    form: Literal["", "phone", "tablet", "laptop", "desktop"] = Field(
        default="", description="the form of the computer"
    )


class SystemDoc(_Doc):
    refuse: list[SystemRuleDoc] = Field(
        default=[], max_length=50, description="kinds of computer; all that a row says must match"
    )
    displays_most: int = _whole(1, 16, 1, "displays that may be connected")


class FlagDoc(_Doc):
    when: When = Field(description="what is looked for; it sets the class, quality or conduct")
    above: int = _whole(1, 20, 1, "person-count: more people than this")
    below: float | None = Field(
        default=None,
        ge=0,
        le=255,
        description="dark, covered, frozen, looped: a grey level of your own; "
        "another-person: a likeness of your own, 0 to 1",
    )
    for_s: int = _whole(
        0, 3600, 0, "seconds it must last; 0 is at once; not for second-display, program, log-fork"
    )
    severity: float = Field(default=0.5, ge=0, le=1, description="place in a reviewer's list")
    programs: list[Program] = Field(
        default=[], max_length=200, description="program: what is looked for; nothing else is"
    )
    sections: SectionIds = []


class ReviewDoc(_Doc):
    adverse_needs: int = _whole(1, 2, 2, "people who must agree to an adverse verdict")
    terminate_needs: int = _whole(1, 2, 2, "people who must agree to end a running session")
    due_days: int = _whole(1, 365, 5, "days from the session's end until it should be decided")
    contest_days: int = _whole(0, 365, 14, "days in which the learner may answer; 0: not at all")
    second_looks: float = Field(
        default=0.1, ge=0, le=1, description="share of clear verdicts that another person checks"
    )
    results_held: ResultsHeld = Field(
        default="until-decided", description="until when results are held back"
    )
    interruptions_most: int = _whole(
        0,
        100,
        0,
        "messages, pauses and requests to one learner; before one more, proctors are warned; "
        "0: never",
    )


class RetainDoc(_Doc):
    snapshots_days: int = _whole(
        1, DAYS_MOST, 90, "days from the session's end until snapshots are erased"
    )
    id_document_days: int = _whole(
        1, DAYS_MOST, 30, "days from the session's end until ID pictures are erased"
    )


class PolicyDoc(_Doc):
    # No Literal[1]: that takes `true` for 1.
    schema_: int = Field(alias="schema", ge=1, le=1, description="version of this format")
    id: Id = Field(description="of this policy; whoever names it looks for a file called so")
    title: Text = Field(description="as people read it")
    allow: list[ResourceDoc] = Field(default=[], max_length=100, description="what may be used")
    sections: SectionsDoc = Field(default_factory=SectionsDoc, description="what it knows of them")
    identity: IdentityDoc = Field(default_factory=IdentityDoc, description="the ID check")
    capture: CaptureDoc = Field(default_factory=CaptureDoc, description="the snapshots")
    time: TimeDoc = Field(default_factory=TimeDoc, description="outages and late records")
    system: SystemDoc = Field(default_factory=SystemDoc, description="the learner's computer")
    flag: list[FlagDoc] = Field(default=[], max_length=100, description="when a person should look")
    review: ReviewDoc = Field(default_factory=ReviewDoc, description="who decides")
    retain: RetainDoc = Field(default_factory=RetainDoc, description="how long things are kept")


ResourceKind = Literal["paper", "writing", "website", "software", "calculator", "book", "notes"]


class DropDoc(_Doc):
    allow: list[ResourceKind] = Field(default=[], max_length=20, description="kinds not taken over")
    flag: list[When] = Field(default=[], max_length=20, description="rules not taken over")


Section = Annotated[
    str, Field(pattern=f"^({ID_PATTERN[1:-1]})?$", description="empty is the policy's first")
]


class FocusRow(_Doc):
    kind: Literal["focus"]
    away_to: str = Field(
        default="", max_length=2000, description="address or program; empty: not known"
    )
    for_s: int = _whole(0, 3600, 0, "seconds away")
    section: Section = ""


class SnapshotsRow(_Doc):
    kind: Literal["snapshots"]
    faces: int = _whole(0, 20, 1, "faces in each")
    dark: bool = Field(default=False, description="vision calls them dark")
    covered: bool = Field(default=False, description="vision calls the camera covered")
    frozen: bool = Field(default=False, description="vision calls the picture frozen")
    looped: bool = Field(default=False, description="vision calls the picture one seen before")
    light_mean: float | None = Field(default=None, ge=0, le=255, description="mean grey level")
    contrast: float | None = Field(
        default=None, ge=0, le=255, description="standard deviation of grey"
    )
    change: float | None = Field(
        default=None, ge=0, le=255, description="mean difference to the last"
    )
    repeat: float | None = Field(
        default=None, ge=0, le=255, description="smallest difference to an earlier one"
    )
    same_person: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="likeness to the face of the check-in; none: not compared",
    )
    for_s: int = _whole(0, 3600, 0, "seconds; one snapshot at the start, then at the interval")
    section: Section = ""


class NoticeRow(_Doc):
    kind: Literal["notice"]
    program: str = Field(default="", max_length=200, description="a program that was seen")
    displays: int | None = _whole(1, 16, None, "displays that were counted")
    cause: Literal["", "camera-lost"] = Field(default="", description="what else was noticed")
    section: Section = ""


class GapRow(_Doc):
    kind: Literal["gap"]
    cause: Text = Field(description="network, camera, or another word")
    for_s: int = _whole(0, 3600, 0, "seconds it lasted")
    section: Section = ""


GivenRow = Annotated[FocusRow | SnapshotsRow | NoticeRow | GapRow, Field(discriminator="kind")]


class PolicyTest(_Doc):
    name: Text = Field(description="a sentence that can be false")
    given: list[GivenRow] = Field(
        min_length=1, max_length=20, description="what happens, one after the other"
    )
    expect: list[When] = Field(description="the rules that raise a flag; empty is none")


class FileDoc(PolicyDoc):
    extends: Id | None = Field(default=None, description="the policy this one changes")
    drop: DropDoc = Field(default_factory=DropDoc, description="what is not taken over")
    test: list[PolicyTest] = Field(
        default=[], max_length=200, description="what the policy must do"
    )


_RESOURCES: dict[str, type[domain.Resource]] = {
    "paper": domain.Paper,
    "writing": domain.Writing,
    "website": domain.Website,
    "software": domain.Software,
    "calculator": domain.Calculator,
    "book": domain.Book,
    "notes": domain.Notes,
}


def policy_of(doc: PolicyDoc) -> domain.Policy:
    """Return the whole policy as the core knows it."""
    return domain.Policy(
        id=doc.id,
        title=doc.title,
        schema=doc.schema_,
        allow=tuple(_resource(row) for row in doc.allow),
        sections=domain.SectionRules(**_plain(doc.sections)),
        identity=domain.IdentityRules(**_plain(doc.identity)),
        capture=domain.CaptureRules(**_plain(doc.capture)),
        time=domain.TimeRules(**_plain(doc.time)),
        system=domain.SystemRules(
            refuse=tuple(domain.SystemRule(**_plain(row)) for row in doc.system.refuse),
            displays_most=doc.system.displays_most,
        ),
        flags=tuple(domain.FlagRule(**_plain(row)) for row in doc.flag),
        review=domain.ReviewRules(**_plain(doc.review)),
        retain=domain.RetainRules(**_plain(doc.retain)),
    )


def _resource(doc: BaseModel) -> domain.Resource:
    fields = _plain(doc)
    kind = fields.pop("kind")
    if isinstance(doc, WebsiteDoc):
        fields["of"] = tuple(domain.Site(**_plain(site)) for site in doc.of)
    return _RESOURCES[kind](**fields)


def _plain(doc: BaseModel) -> dict[str, Any]:
    """Return a model's fields, lists as tuples: the names are the same in the core."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in doc.model_dump().items()
    }
