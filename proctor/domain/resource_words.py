"""One thing that may be used, and one kind of computer that may not, in words."""

from typing import assert_never

from proctor.domain.flag_words import counted
from proctor.domain.policy import (
    ID_KINDS,
    Book,
    Calculator,
    IdentityRules,
    IdKind,
    Notes,
    Paper,
    Resource,
    Software,
    SystemRule,
    Website,
    Writing,
)

_OS = {
    "windows": "Windows",
    "macos": "macOS",
    "linux": "Linux",
    "android": "Android",
    "ios": "iOS",
    "chromeos": "ChromeOS",
}


def resource_words(thing: Resource) -> str:
    """Return one thing that may be used: "one blank sheet of paper, on both sides"."""
    match thing:
        case Paper():
            blank = "blank " if thing.must_be == "blank" else ""
            sides = "on both sides" if thing.sides == 2 else "on one side"  # noqa: PLR2004  a sheet has two
            sheets = "sheet" if thing.sheets == 1 else "sheets"
            return f"{thing.sheets} {blank}{sheets} of paper, used {sides}"
        case Writing():
            return "Pen or pencil" if thing.pen and thing.pencil else _either(thing)
        case Website():
            return _website_words(thing)
        case Software():
            return f"The software {thing.name}"
        case Calculator():
            return (
                "A calculator of any kind"
                if thing.model == "any"
                else f"A {thing.model} calculator"
            )
        case Book():
            return f"The printed book “{thing.title}”" if thing.title else "Printed books"
        case Notes():
            written = "handwritten " if thing.must_be == "handwritten" else ""
            much = counted(thing.sheets, "sheet") if thing.sheets else "any number of sheets"
            return f"Your own {written}notes on paper, {much}"
        case _:
            assert_never(thing)


_ID_KINDS: dict[IdKind, str] = {
    "passport": "a passport",
    "national-id": "a national ID",
    "driving-licence": "a driving licence",
}


def document_words(rules: IdentityRules) -> str:
    """Return what is to be shown: "a passport or a national ID, with photo and not expired".

    "" where no document is asked for.
    """
    valid = " and not expired" if rules.unexpired else ""
    match rules.document:
        case "government-photo-id":
            kinds = [_ID_KINDS[kind] for kind in rules.kinds or ID_KINDS]
            either = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
            return f"{either}, with photo{valid}"
        case "student-id":
            return f"a student ID, with photo{valid}"
        case "any-photo-id":
            return f"a document with your name, with photo{valid}"
        case "none":
            return ""
        case _:
            assert_never(rules.document)


def _either(thing: Writing) -> str:
    return "Pen" if thing.pen else "Pencil"


def _website_words(thing: Website) -> str:
    sites = "; ".join(f"{site.name} ({site.url})" for site in thing.of)
    if len(thing.of) == 1:
        return f"The website {sites}"
    if thing.choose == len(thing.of):
        return f"These websites: {sites}"
    if thing.choose == 1:
        return f"One of these websites, the same one throughout: {sites}"
    return f"Up to {thing.choose} of these websites: {sites}"


def system_rule_words(rule: SystemRule) -> str:
    """Return which computers a rule refuses: "Windows before 10", "Microsoft Surface"."""
    parts = []
    if rule.os:
        parts.append(_OS.get(rule.os, rule.os) + (f" before {rule.below}" if rule.below else ""))
    if rule.maker or rule.model:
        parts.append(f"{rule.maker} {rule.model}".strip())
    if rule.form:
        parts.append(f"{rule.form.capitalize()}s" if not parts else f"{rule.form}s")
    return ", ".join(parts)
