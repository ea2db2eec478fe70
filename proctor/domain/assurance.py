"""What a session's ID check rests on: which checks were made, and by whom, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from proctor.domain.identity import (
    Checked,
    CheckKind,
    CheckResult,
    IdCheck,
    IdState,
    counting,
)

_ZONE = "of the machine-readable zone"
_MADE: Mapping[CheckKind, Mapping[CheckResult, str]] = {
    CheckKind.FACES: {
        "agrees": "One face was found in the check-in picture",
        "unsure": "No face was found in the check-in picture",
        "differs": "More than one face was found in the check-in picture",
    },
    CheckKind.DIGITS: {
        "agrees": f"Check digits {_ZONE} hold",
        "unsure": f"Check digits {_ZONE} do not all hold",
    },
    CheckKind.EXPIRY: {
        "agrees": "The document is valid on the day of the exam",
        "unsure": "The document's date of expiry is not sure",
        "differs": "The document has expired by the day of the exam",
    },
    CheckKind.KIND: {
        "agrees": "The document is of a kind that the exam asks for",
        "unsure": "The document's kind is not sure",
        "differs": "The document is of another kind than the exam asks for",
    },
    CheckKind.NAME: {
        "agrees": "The name on the document agrees with the account's",
        "unsure": "The name on the document may be the account's",
        "differs": "The name on the document differs from the account's",
    },
    CheckKind.PORTRAIT: {
        "agrees": "A portrait was found on the document",
        "unsure": "No portrait was found on the document",
    },
    CheckKind.FACE: {
        "agrees": "The face shown looks like the document's portrait",
        "differs": "The face shown looks unlike the document's portrait",
    },
    CheckKind.ONE_DOCUMENT: {
        "agrees": "The document was found on no other account of the programme whose was read",
        "differs": "The same document was shown on another account of the programme",
    },
    CheckKind.ONE_FACE: {
        "agrees": "The face was found on no other account of the programme that was compared",
        "differs": "A face that looks the same is on another account of the programme",
    },
}
_NOT_MADE: Mapping[CheckKind, str] = {
    CheckKind.FACES: "faces in the check-in picture",
    CheckKind.DIGITS: "check digits",
    CheckKind.EXPIRY: "date of expiry",
    CheckKind.KIND: "kind of document",
    CheckKind.NAME: "name",
    CheckKind.PORTRAIT: "portrait",
    CheckKind.FACE: "face and portrait",
    CheckKind.ONE_DOCUMENT: "document on other accounts",
    CheckKind.ONE_FACE: "face on other accounts",
}


# What a search of other accounts found is for staff: of the learner it would be a suspicion that
# no person has looked at, and it is about somebody else, too.
_STAFF_ONLY = frozenset({CheckKind.ONE_DOCUMENT, CheckKind.ONE_FACE})


def assurance(check: IdCheck, *, staff: bool = True) -> tuple[str, ...]:
    """Return which checks were made by machine or person, each sentence with who made it.

    All are of the newest pictures; while newer ones are asked for, the last sentence says so.
    No sentence says that the learner is who they say: that is for the reader to conclude.

    Args:
        check: The ID check.
        staff: Who reads is of the staff; the learner reads nothing of other accounts.
    """
    made = [each for each in check.checks if staff or each.check not in _STAFF_ONLY]
    return (*_machine(made), *_people(check), *_before(check))


def _machine(checks: Sequence[Checked]) -> Iterator[str]:
    missing = []
    for each in checks:
        if each.result == "unavailable":
            missing.append(_NOT_MADE[each.check])
        else:
            # A result that a check does not have came from elsewhere: said as it is.
            words = _MADE[each.check].get(each.result, f"{each.check}: {each.result}")
            yield f"{words} (machine)"
    if missing:
        yield f"Not checked by machine: {', '.join(missing)}"


def _people(check: IdCheck) -> Iterator[str]:
    match check.state:
        case IdState.AWAITED:
            yield "Nothing was shown, and no person has decided"
        case IdState.CAPTURED:
            yield "No person has decided"
        case IdState.RETAKE:
            of = "; what was checked is of those before" if check.checks else ""
            yield f"New pictures were asked for by {check.by} (person){of}"
        case IdState.ACCEPTED if check.taken_back:
            yield f"New pictures were asked for, and that was taken back by {check.by} (person)"
        case IdState.ACCEPTED if check.vouched:
            # Who was vouched for at once may have shown nothing; what was shown was looked at.
            nothing = check.captured_at is None and not check.checks
            what = "No document" if nothing else "Accepted without a matching document"
            yield f"{what}: vouched for by {check.by} (person)"
        case IdState.ACCEPTED:
            yield f"Accepted by {check.by} (person)"
        case IdState.REFUSAL_PROPOSED:
            yield f"Refusal proposed by {check.by} (person); no second person has confirmed it"
        case _ if check.proposed is not None:
            yield f"Refused by {check.proposed.by}, confirmed by {check.by} (persons)"
        case _:
            yield f"Refused by {check.by} (person)"


def _before(check: IdCheck) -> Iterator[str]:
    """Say what was accepted before new pictures were asked for, where that still counts."""
    before = counting(check)
    # Of the same pictures, what was decided since is all there is to say.
    others = check.state is IdState.RETAKE or before.captured_at != check.captured_at
    if check.taken_back:
        yield f"No document: vouched for by {before.by} (person)"
        return
    if before is not check and before.state is IdState.ACCEPTED and others:
        how = "vouched for" if before.vouched else "accepted"
        yield f"The pictures before were {how} by {before.by} (person)"
