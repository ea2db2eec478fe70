"""The sentences a rule and its flags are told in: calm, and without blame."""

from collections.abc import Mapping
from typing import assert_never

from proctor.domain.policy import FlagRule, Policy, When

_NOT_HELD = "This is not held against you."
_LOOKS = "A person will look at it before anything is concluded."
_COMPARES = ": a person compares the pictures."
_NOT_BY_ITSELF = "People looked at the whole exam, and judged nothing by this."


def duration_words(seconds: float) -> str:
    """Return a length of time in words, rounded down to seconds: "1 hour 5 minutes"."""
    whole = int(seconds)
    parts = (whole // 3600, "hour"), (whole // 60 % 60, "minute"), (whole % 60, "second")
    words = [counted(number, unit) for number, unit in parts if number]
    return " ".join(words) or "0 seconds"


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 sheet" or "2 sheets"; `many` where an "s" is not enough."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def rule_words(rule: FlagRule) -> str:
    """Return a rule in words: "more than 1 person for 10 seconds"."""
    what: Mapping[When, str] = {
        "person-count": f"more than {counted(rule.above, 'person', 'people')}",
        "another-person": "a face unlike the one of the check-in, in two of three comparisons",
        "no-face": "no face found",
        "dark": "too dark to see",
        "covered": "camera covered",
        "frozen": "picture not changing",
        "looped": "pictures that were there before",
        "camera-lost": "camera lost or its pictures not readable",
        "network-gap": "network cut",
        "capture-gap": "capture interrupted",
        "second-display": "more displays than allowed",
        "left-page": "away at a site or program that is not allowed",
        "program": f"one of these programs seen: {', '.join(rule.programs)}",
        "log-fork": "two histories of one device",
    }
    words = [what[rule.when]]
    if rule.below is not None:
        words.append(
            f"(likeness below {rule.below:g})"
            if rule.when == "another-person"
            else f"(below {rule.below:g} grey levels)"
        )
    if rule.for_s:
        words.append(f"for {duration_words(rule.for_s)}")
    return " ".join(words)


def explain(
    policy: Policy,
    rule: FlagRule,
    *,
    snapshots: int,
    times: int,
    length_s: float,
    value: float | None,
    seen: tuple[str, ...],
) -> str:
    """Return what a learner may be shown about a flag.

    Args:
        policy: The session's policy.
        rule: The rule that raised it.
        snapshots: How many show it.
        times: How often it went on by itself, >= 1.
        length_s: For how long, all its times together.
        value: The flag's value, as in `Flag`.
        seen: The flag's words, as in `Flag`.
    """
    length = duration_words(length_s) + (f" in all, {times} times" if times > 1 else "")
    during = f"In {counted(snapshots, 'snapshot')}" + (f" over {length}" if length_s >= 1 else "")
    lasting = f" for {length}" if length_s >= 1 else ""
    named = " and ".join(seen)
    match rule.when:
        case "person-count":
            expected = counted(rule.above, "person is", "people are")
            return (
                f"{during}, up to {value:g} people could be seen; at most {expected} expected. "
                f"{_LOOKS}"
            )
        case "another-person":
            return (
                f"{during}, a program found the face less like the one you showed at check-in "
                "than it mostly finds two pictures of one person. Light, glasses, a mask or the "
                "angle of the camera can be the cause, and the program can be wrong. Nothing "
                f"follows from it by itself{_COMPARES}"
            )
        case "looped":
            return (
                f"{during}, the camera's picture was the same as one that it had shown before. A "
                f"program between camera and exam can be the cause. {_LOOKS}"
            )
        case "no-face":
            return (
                f"{during}, your face could not be found. Light, distance or the angle of the "
                f"camera can be the cause. {_NOT_HELD}"
            )
        case "dark":
            return f"{during}, there was too little light for the camera. {_NOT_HELD}"
        case "covered":
            return f"{during}, something was in front of the camera. {_NOT_HELD}"
        case "frozen":
            return f"{during}, the camera's picture did not change. {_NOT_HELD}"
        case "camera-lost" if snapshots and seen:  # records tell of it too
            return (
                f"The camera could not be read{lasting}: it was lost, or what came from it could "
                f"not be read as pictures. {_NOT_HELD}"
            )
        case "camera-lost" if snapshots:
            return (
                f"{during}, the pictures that came from the camera could not be read as pictures. "
                f"{_NOT_HELD}"
            )
        case "camera-lost":
            return f"The camera could not be read{lasting}. {_NOT_HELD}"
        case "network-gap":
            return f"The exam server could not be reached{lasting}. {_NOT_HELD}"
        case "capture-gap":
            cause = f" (cause: {named})" if named else ""
            return f"No snapshots could be taken{lasting}{cause}. {_NOT_HELD}"
        case "second-display":
            return (
                f"The computer counted {value:g} displays; this exam is taken with "
                f"{policy.system.displays_most}. Unplugging the others is enough. {_NOT_HELD}"
            )
        case "left-page":
            return (
                f"Another window than the exam's was in front{lasting}: "
                f"{named or 'which one is not known'}. It is not among what this section "
                f"allows. {_LOOKS}"
            )
        case "program":
            return f"A program that this section does not allow was seen: {named}. {_LOOKS}"
        case "log-fork":
            return (
                "Two different histories arrived from one device. A copied or restored disk can "
                f"be the cause. {_LOOKS}"
            )
        case _:
            assert_never(rule.when)


def decided_words(explanation: str, *, judged: bool) -> str:
    """Return what a flag was explained by as it reads once people have decided.

    Args:
        explanation: As `explain` wrote it, before anybody looked.
        judged: Somebody judged this flag by itself; what they made of it is told beside this.
    """
    looks, compares = _LOOKS in explanation, explanation.endswith(_COMPARES)
    words = explanation.replace(_LOOKS, "").strip()
    if compares:
        words = f"{words.removesuffix(_COMPARES)}."
    if judged or not (looks or compares):
        return words
    return f"{words} {_NOT_BY_ITSELF}"
