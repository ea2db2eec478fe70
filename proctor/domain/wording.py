"""What a learner and a proctor read of a policy: the same rules, told to each of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from proctor.domain.flag_words import counted, duration_words, rule_words
from proctor.domain.flags import CLASS_OF, FlagClass, rules_of
from proctor.domain.policy import FlagRule, Policy, Resource, resources_for
from proctor.domain.resource_words import document_words, resource_words, system_rule_words
from proctor.domain.retention import Holding, kept_days

Names = Mapping[str, str]  # of sections, by id; a section without a name is called by its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    heading: str
    lines: tuple[str, ...]  # plain text, a sentence or two each


_DOCUMENT = {
    "government-photo-id": "government-issued photo ID",
    "student-id": "student ID with a photo",
    "any-photo-id": "document with your name and photo",
    "none": "",
}


def for_learner(policy: Policy, section_names: Names | None = None) -> tuple[Chapter, ...]:
    """Return what a learner reads before accepting the policy.

    Args:
        policy: The session's policy.
        section_names: The exam's titles of its sections, by id.
    """
    names = section_names or {}
    return (
        *_sections(policy, names),
        *_you_may_use(policy, names),
        *_your_computer(policy),
        *_id_check(policy),
        _watched(policy, names),
        _never(policy),
        _seen_and_kept(policy),
        _outage(policy),
    )


def for_proctor(policy: Policy, section_names: Names | None = None) -> tuple[Chapter, ...]:
    """Return what a proctor goes by: the same rules, as a list to check against."""
    names = section_names or {}
    return (
        *_sections(policy, names),
        *_you_may_use(policy, names, heading="Allowed"),
        *_refused(policy),
        _id_decision(policy),
        *_second_camera(policy),
        *_flag_list(policy, names),
        *_interrupting(policy),
        _deciding(policy),
        _ledger(policy),
        _retention(policy),
    )


# --- what may be used ------------------------------------------------------------------------


def _groups(policy: Policy) -> list[tuple[tuple[str, ...], tuple[Resource, ...]]]:
    """Return sections that allow the same beside each other; () is "in all sections"."""
    named = {section_id: None for thing in policy.allow for section_id in thing.sections}
    order = policy.sections.order or tuple(named)
    groups: dict[tuple[Resource, ...], tuple[str, ...]] = {}
    for section_id in order if named else ():
        things = resources_for(policy, section_id)
        groups[things] = (*groups.get(things, ()), section_id)
    if len(groups) > 1 or (named and not policy.sections.order):
        found = [(sections, things) for things, sections in groups.items()]
        everywhere = tuple(thing for thing in policy.allow if not thing.sections)
        rest = [] if policy.sections.order else [(("",), everywhere)]
        return [*found, *rest]
    return [((), policy.allow)]


def _you_may_use(
    policy: Policy, names: Names, heading: str = "What you may use"
) -> Iterator[Chapter]:
    for sections, things in _groups(policy):
        where = _in(sections, names) if sections != ("",) else " in the other sections"
        lines = tuple(f"{resource_words(thing)}." for thing in things)
        yield Chapter(
            heading=heading + where,
            lines=(*lines, "Nothing else.") if lines else ("Nothing but the exam's own page.",),
        )


def _in(sections: tuple[str, ...], names: Names) -> str:
    return f" in {_named(sections, names)}" if sections else ""


def _named(sections: tuple[str, ...], names: Names) -> str:
    titles = [names.get(section_id, section_id) for section_id in sections]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _sections(policy: Policy, names: Names) -> Iterator[Chapter]:
    rules = policy.sections
    lines = []
    if len(rules.order) > 1:
        lines.append(f"They open in this order: {', '.join(names.get(s, s) for s in rules.order)}.")
    if rules.limit_s:
        lines.append(f"Each is open for {duration_words(rules.limit_s)} once it is opened.")
    if lines:
        yield Chapter(heading="The sections", lines=tuple(lines))


# --- the computer ----------------------------------------------------------------------------


_PHONE = (
    "Beside it a phone with a camera is needed, as a second camera: it opens a page in its "
    "browser, and nothing is installed on it."
)


def _your_computer(policy: Policy) -> Iterator[Chapter]:
    displays = policy.system.displays_most
    phone = () if policy.capture.second_camera == "none" else (_PHONE,)
    refused = tuple(f"{system_rule_words(rule)} cannot be used." for rule in policy.system.refuse)
    yield Chapter(
        heading="Your computer",
        lines=(
            f"At most {counted(displays, 'display')} connected.",
            *refused,
            *phone,
            "Its system, maker, model and number of displays are told to the exam server.",
        ),
    )


def _refused(policy: Policy) -> Iterator[Chapter]:
    for chapter in _your_computer(policy):
        yield Chapter(heading="The computer", lines=chapter.lines)


# --- the ID check ----------------------------------------------------------------------------


def _id_check(policy: Policy) -> Iterator[Chapter]:
    rules = policy.identity
    lines = []
    if rules.document != "none":
        lines.append(
            f"You show your {_DOCUMENT[rules.document]} to the camera: {document_words(rules)}."
        )
        lines.append("A program reads its text. It suggests; a person looks and decides.")
    if rules.face == "assist":
        lines.append("A picture of your face is taken.")
        if rules.document != "none":
            lines.append(
                "A person compares it with your document. A program compares them, too: "
                "it suggests."
            )
    if rules.name == "assist" and rules.document != "none":
        lines.append("A person compares the name on the document with your account's.")
    lines += _compared(policy)
    if rules.hold:
        lines.append("A person accepts the check before your first section opens.")
    elif lines:
        lines.append("You need not wait: a person looks at it while you work.")
    if lines:
        lines.append(
            "A person may ask you for this once more, with a reason, until you hand in. You go on "
            "meanwhile, and show it when it suits you."
        )
        yield Chapter(heading="Who you are", lines=tuple(lines))


def _compared(policy: Policy) -> Iterator[str]:
    """Yield what is compared beyond the check-in itself, and what is not kept for it."""
    rules = policy.identity
    face = rules.face == "assist"
    things = [
        *(["the number of your document"] if rules.document != "none" else []),
        *(["your face"] if face else []),
    ]
    if things:
        yield (
            f"So that nobody sits for two, a program compares {' and '.join(things)} with those of "
            "other accounts in the same programme. Where two look the same, a person is told and "
            "asks: nothing happens by itself."
        )
    if rules.document != "none":
        yield (
            "For that a code of the number is kept, from which nobody can tell the number without "
            "the exam server's own key."
        )
    later = any(rule.when == "another-person" for rule in rules_of(policy))
    if later:
        yield (
            "While you work, a program compares some snapshots with the picture of your face from "
            "check-in. Where they look unlike again and again, a person looks and decides."
        )
    if face or later:
        yield "No code of your face is kept: each time, the pictures themselves are compared."


def _id_decision(policy: Policy) -> Chapter:
    rules = policy.identity
    lines = []
    if rules.document != "none":
        document = document_words(rules).replace("your name", "the learner's name")
        lines.append(f"The learner shows {document}.")
    if "assist" in {rules.face, rules.name}:
        lines.append("What a program suggests about face or name is a hint. You decide.")
    lines.append(
        "The first section opens after you accept."
        if rules.hold
        else "The learner does not wait for the decision."
    )
    return Chapter(heading="ID check", lines=tuple(lines))


def _second_camera(policy: Policy) -> Iterator[Chapter]:
    if policy.capture.second_camera == "phone":
        yield Chapter(
            heading="Second camera",
            lines=(
                "The learner's phone shows the room: in check-in, and while a section is open.",
                "Its pictures stand in the timeline. No program looks at them, and they raise no "
                "flag: you look.",
                "A phone that is lost holds nobody up. Help the learner.",
            ),
        )


# --- what is watched -------------------------------------------------------------------------

_NEVER = (
    "Nobody and nothing follows your eyes or guesses your feelings.",
    "No score is added up about you.",
    "No program punishes you, ends your exam or takes points: only people decide.",
    "Your room is not scanned, and nothing is watched before check-in or after the exam.",
)
# Of a policy with a second camera, which stands still, the first half of the last could mislead.
_NEVER_WITH_A_PHONE = (
    *_NEVER[:-1],
    "Nobody asks you to carry a camera through your room, and nothing is watched before check-in "
    "or after the exam.",
)


def _never(policy: Policy) -> Chapter:
    phone = policy.capture.second_camera != "none"
    return Chapter(heading="What is never done", lines=_NEVER_WITH_A_PHONE if phone else _NEVER)


_LOOKED_FOR = {
    "person-count": "more people in the picture than expected",
    "another-person": "whether your face looks like the one that you showed at check-in",
    "no-face": "whether your face can be found",
    "dark": "whether there is enough light",
    "covered": "whether something covers the camera",
    "frozen": "whether the picture stopped changing",
    "looped": "whether pictures that were there before come again",
    "camera-lost": "whether the camera works",
    "network-gap": "whether the network is there",
    "capture-gap": "whether snapshots could be taken",
    "second-display": "how many displays are connected",
    "left-page": "whether another window than the exam's is in front, and which",
    "log-fork": "whether your device's records are one unbroken story",
}


# Whatever the rules are: client/web/src/room/watch.ts writes it, and no rule raises a flag for it.
_IN_A_BROWSER = (
    "If you take the exam in a browser, it is also written down while a section is open: that full "
    "screen was left; and that a long text was pasted, in which question and how many characters, "
    "never what."
)


def _watched(policy: Policy, names: Names) -> Chapter:
    every = duration_words(policy.capture.snapshot_every_s).removeprefix("1 ")
    lines = [f"While a section is open, your webcam takes one still picture every {every}."]
    if policy.capture.second_camera == "phone":
        lines.append(
            "Your phone stands beside you and takes one as often; and one in check-in. "
            "No program looks at these pictures, only people do."
        )
    for flag_class, opening in (
        (FlagClass.QUALITY, "To help you, and never held against you: "),
        (FlagClass.CONDUCT, "A person is asked to look at: "),
    ):
        words = dict.fromkeys(
            _looked_for(rule) + _only_in(rule, names)
            for rule in rules_of(policy)
            if CLASS_OF[rule.when] is flag_class
        )
        if words:
            lines.append(f"{opening}{'; '.join(words)}.")
    lines.append(_IN_A_BROWSER)
    return Chapter(heading="What is watched", lines=tuple(lines))


def _looked_for(rule: FlagRule) -> str:
    if rule.when == "program":
        return f"whether one of these programs runs: {', '.join(rule.programs)}"
    return _LOOKED_FOR[rule.when]


def _only_in(rule: FlagRule, names: Names) -> str:
    return f" (only in {_named(rule.sections, names)})" if rule.sections else ""


def _flag_list(policy: Policy, names: Names) -> Iterator[Chapter]:
    for flag_class, heading, note in (
        (FlagClass.CONDUCT, "Flags to review", "Look at the evidence before you think of a cause."),
        (FlagClass.QUALITY, "Flags to help with", "Help the learner. These are no suspicion."),
    ):
        rules = sorted(
            (rule for rule in rules_of(policy) if CLASS_OF[rule.when] is flag_class),
            key=lambda rule: -rule.severity,
        )
        if rules:
            lines = [
                f"{rule_words(rule)}{_only_in(rule, names)}; severity {rule.severity:g}"
                for rule in rules
            ]
            yield Chapter(heading=heading, lines=(note, *lines))


# --- who decides, what is kept, what an outage does --------------------------------------------


def _people(policy: Policy) -> str:
    two = policy.review.adverse_needs > 1
    return "two people must agree" if two else "one person decides, and says why"


def _seen_and_kept(policy: Policy) -> Chapter:
    lines = [
        "Only the proctors and reviewers of this exam see your pictures and records.",
        f"Before anything is decided against you, {_people(policy)}.",
        _answered(policy),
        "Snapshots are erased from the exam server "
        f"{_days(policy, Holding.SNAPSHOT)} after your exam ends. "
        "The picture of your face from check-in is erased with them.",
    ]
    if policy.identity.document != "none":
        days = _days(policy, Holding.DOCUMENT)
        lines.append(
            f"Pictures of your document are erased {days} after your exam ends. What a program "
            "read on it, and the code of its number, are erased with them."
        )
    lines += [
        "If a review of what was seen is open then, pictures are kept until it is decided"
        + (", and until you can no longer answer." if policy.review.contest_days else "."),
        "Files that you hand in as answers stay with your answers.",
        "An e-mail address that was given for you is for your receipt: it is erased once that was "
        "mailed, and at the latest with your snapshots.",
    ]
    return Chapter(heading="Who sees it, and for how long", lines=tuple(lines))


def _answered(policy: Policy) -> str:
    days = policy.review.contest_days
    if not days:
        return "Once it is decided you read the reasons, and see what they saw."
    held = ""
    if policy.review.results_held == "until-contest-over":
        held = " Your result is held until then."
    return (
        "Once it is decided you read the reasons, see what they saw, and may answer within "
        f"{counted(days, 'day')}: another person then looks.{held}"
    )


def _outage(policy: Policy) -> Chapter:
    late = counted(policy.time.late_h, "hour")
    return Chapter(
        heading="If the network goes",
        lines=(
            "Keep working. Your answers are saved on your computer and sent by themselves later.",
            _given_back(policy, "you"),
            f"What you did in time but could not send is taken up to {late} after the end.",
        ),
    )


def _given_back(policy: Policy, whom: str) -> str:
    rules = policy.time
    if rules.give_back == "none":
        return "The clock goes on: time lost to an outage is not given back."
    after = f" of {duration_words(rules.after_s)} or more" if rules.after_s else ""
    return (
        f"The clock: an outage{after} gives {whom} its time back, up to "
        f"{duration_words(rules.most_s)} in each section."
    )


def _interrupting(policy: Policy) -> Iterator[Chapter]:
    if most := policy.review.interruptions_most:
        yield Chapter(
            heading="Interrupting a learner",
            lines=(
                f"At most {counted(most, 'time')} with a message, a pause or a request. The wall "
                "counts them and warns before one more; you decide.",
                "Answers to a learner who called are not counted.",
            ),
        )


def _deciding(policy: Policy) -> Chapter:
    return Chapter(
        heading="Deciding",
        lines=(
            "Every verdict has a reason in your words. The learner will read it.",
            f"For an adverse verdict {_people(policy)}.",
            "A quality flag alone is never a reason for one.",
            "Until you have decided you read nothing of what others said. Who alone acted on a "
            "session does not judge it.",
            *_twice(policy),
            f"Decide within {counted(policy.review.due_days, 'day')} of the session's end.",
            "Two people end an exam early: one proposes it, another confirms it within a minute."
            if policy.review.terminate_needs > 1
            else "One person may end an exam early, with a reason.",
        ),
    )


def _twice(policy: Policy) -> Iterator[str]:
    if policy.review.second_looks:
        yield (
            f"Of clear verdicts {policy.review.second_looks:.0%} are checked by another person, "
            "who does not know that it is a check."
        )


def _ledger(policy: Policy) -> Chapter:
    late = counted(policy.time.late_h, "hour")
    return Chapter(
        heading="Outages",
        lines=(
            _given_back(policy, "the learner"),
            f"Records made in time and sent late are taken for {late}, and marked late.",
        ),
    )


def _retention(policy: Policy) -> Chapter:
    return Chapter(
        heading="Kept",
        lines=(
            f"Snapshots for {_days(policy, Holding.SNAPSHOT)} after the session's end, "
            f"ID pictures for {_days(policy, Holding.DOCUMENT)}.",
            "While conduct flags or a verdict wait for people, pictures are kept longer.",
        ),
    )


def _days(policy: Policy, holding: Holding) -> str:
    return counted(kept_days(policy)[holding], "day")
