"""What a machine compares in what a learner showed: hints for the person who decides.

None of it accepts, refuses or holds anybody. What could not be compared is said to be unavailable,
never to agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from proctor.domain.document import DocumentRead
from proctor.domain.identity import Checked, CheckKind, CheckResult
from proctor.domain.mrz import Mrz
from proctor.domain.names import compare_names
from proctor.domain.observation import Compared, Measured, Model, cause_words
from proctor.domain.policy import IdentityRules, IdKind

_DIGITS = {
    "number": "number",
    "birth": "date of birth",
    "expiry": "date of expiry",
    "optional": "optional data",
    "composite": "the whole",
}
_KINDS: Mapping[IdKind, str] = {
    "passport": "a passport",
    "national-id": "a national ID",
    "driving-licence": "a driving licence",
}
_OTHERS = {
    "student-id": "a student ID with a photo",
    "any-photo-id": "a document with name and photo",
    "none": "no document",
}
_CONCERNS: Mapping[CheckKind, tuple[str, str]] = {
    CheckKind.FACES: (
        "more than one face is in the check-in picture",
        "no face was found in the check-in picture",
    ),
    CheckKind.DIGITS: ("the check digits do not all hold", "the check digits do not all hold"),
    CheckKind.EXPIRY: ("the document has expired", "the date of expiry is not sure"),
    CheckKind.KIND: ("another kind of document is asked for", "the kind of document is not sure"),
    CheckKind.NAME: ("the name differs", "the name may differ"),
    CheckKind.PORTRAIT: ("no portrait was found", "no portrait was found"),
    CheckKind.FACE: ("the face and the portrait look unlike",) * 2,
    CheckKind.ONE_DOCUMENT: ("the same document was shown on this and another account",) * 2,
    CheckKind.ONE_FACE: ("a face that looks the same was shown on this and another account",) * 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCheck:
    """One thing that a machine compared."""

    check: CheckKind
    result: CheckResult
    words: str  # plain; may tell what the document says
    value: float | None = None
    threshold: float | None = None
    models: tuple[Model, ...] = ()

    @property
    def outcome(self) -> Checked:
        """Return that it was checked, and nothing of what was read."""
        return Checked(check=self.check, result=self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdReading:
    """What a machine made of the pictures that were shown. As secret as the pictures."""

    document: str  # SHA-256 of the picture; empty where none was asked for
    face: str  # SHA-256 of the picture; empty where none was shown
    read: DocumentRead | None  # None where no document was asked for
    checks: tuple[MachineCheck, ...] = ()


def asked_for(rules: IdentityRules) -> str:
    """Return which documents a policy takes, in words."""
    if rules.document != "government-photo-id":
        return _OTHERS[rules.document]
    kinds = [words for kind, words in _KINDS.items() if kind in (rules.kinds or _KINDS)]
    listed = " or ".join([*([", ".join(kinds[:-1])] if kinds[:-1] else []), kinds[-1]])
    return f"{listed}, with photo" + (" and not expired" if rules.unexpired else "")


def document_checks(
    read: DocumentRead, rules: IdentityRules, *, account: str, on: date
) -> tuple[MachineCheck, ...]:
    """Return what is compared of a document's text and portrait.

    Args:
        read: What was read in its picture.
        rules: The policy's.
        account: The learner's name on the account.
        on: The day of the exam.
    """
    made = [_digits(read.mrz)]
    if rules.unexpired:
        made.append(_expiry(read.mrz, on))
    if rules.document == "government-photo-id":
        made.append(_kind(read.mrz, rules))
    if rules.name == "assist":
        made.append(_name(read.mrz, account))
    made.append(_portrait(read))
    return tuple(made)


def face_check(compared: Compared | None, *, alike_from: float) -> MachineCheck:
    """Return how the face at check-in compares with a document's portrait.

    Args:
        compared: None where there was no picture, or no portrait, to compare.
        alike_from: The cosine from which two faces look alike, -1 to 1.
    """
    if compared is None or compared.same_person is None:
        why = _causes(compared.unavailable) if compared else "there is no portrait to compare"
        return MachineCheck(
            check=CheckKind.FACE,
            result="unavailable",
            words=f"Face and portrait were not compared: {why}.",
            models=compared.models if compared else (),
        )
    alike = compared.same_person >= alike_from
    words = "Face and portrait look alike." if alike else "Face and portrait look unlike."
    return MachineCheck(
        check=CheckKind.FACE,
        result="agrees" if alike else "differs",
        words=f"{words} Portraits are small and may be old: look for yourself.",
        value=compared.same_person,
        threshold=alike_from,
        models=compared.models,
    )


def faces_check(measured: Measured | None) -> MachineCheck:
    """Return how many faces are in the check-in picture: it becomes what others are compared with.

    Args:
        measured: Of the picture; None where there was none.
    """
    result: CheckResult
    if measured is None or measured.faces is None:
        why = _causes(measured.unavailable) if measured else ""
        why = why or "there is no picture of it"
        result, words = "unavailable", f"Faces in the check-in picture were not counted: {why}."
    elif len(measured.faces) == 1:
        result, words = "agrees", "One face was found in the check-in picture."
    elif not measured.faces:
        # Dim light or what covers a face are the more common cause.
        result, words = "unsure", "No face was found in the check-in picture: look for yourself."
    else:
        result = "differs"
        words = (
            f"{len(measured.faces)} faces were found in the check-in picture. One may be on a wall "
            "or a card: look for yourself. Only the largest is compared with anything."
        )
    return MachineCheck(
        check=CheckKind.FACES,
        result=result,
        words=words,
        models=measured.models if measured else (),
    )


def concerns(checks: Sequence[Checked]) -> list[str]:
    """Return in plain words what a person should look at first; what was not checked is none."""
    places = {"differs": 0, "unsure": 1}
    return list(
        dict.fromkeys(
            _CONCERNS[each.check][places[each.result]] for each in checks if each.result in places
        )
    )


def _causes(unavailable: Sequence[str]) -> str:
    return "; ".join(map(cause_words, unavailable))


def _digits(mrz: Mrz | None) -> MachineCheck:
    if mrz is None:
        words = "No machine-readable zone was found: compare what is printed."
        return MachineCheck(check=CheckKind.DIGITS, result="unavailable", words=words)
    if mrz.valid:
        words = "All check digits of the machine-readable zone hold."
        return MachineCheck(check=CheckKind.DIGITS, result="agrees", words=words)
    failed = ", ".join(_DIGITS.get(name, name) for name in mrz.failed)
    words = f"Check digits do not hold (of {failed}): misread, or no such document was issued."
    # A blurred picture is by far the more common cause.
    return MachineCheck(check=CheckKind.DIGITS, result="unsure", words=words)


def _expiry(mrz: Mrz | None, on: date) -> MachineCheck:
    result: CheckResult
    if mrz is None or mrz.expiry is None:
        result, words = "unavailable", "The date of expiry was not read."
    elif "expiry" in mrz.failed:
        result, words = "unsure", "The date of expiry was read, but its check digit does not hold."
    elif mrz.expiry >= on:
        result, words = "agrees", f"Valid until {mrz.expiry}; the exam is on {on}."
    else:
        result, words = "differs", f"Expired on {mrz.expiry}; the exam is on {on}."
    return MachineCheck(check=CheckKind.EXPIRY, result=result, words=words)


def _kind(mrz: Mrz | None, rules: IdentityRules) -> MachineCheck:
    result: CheckResult
    kind = None if mrz is None else _kind_of(mrz)
    if mrz is None:
        result, words = "unavailable", "The kind of document was not read."
    elif kind is None:
        result, words = "unsure", f"A document of the kind “{mrz.code}”: see whether it will do."
    elif kind in (rules.kinds or _KINDS):
        result, words = "agrees", f"It is {_KINDS[kind]}."
    else:
        result, words = "differs", f"It is {_KINDS[kind]}; the exam asks for {asked_for(rules)}."
    return MachineCheck(check=CheckKind.KIND, result=result, words=words)


def _kind_of(mrz: Mrz) -> IdKind | None:
    """Return what a zone's code says it is; residence permits, visas and the like are None.

    Source: ICAO 9303-4 and -5 (P, and A, C or I with a letter of the state's own); D for driving
    licences is used by some states.
    """
    if mrz.code[:1] == "P":
        return "passport"
    if mrz.code[:1] == "D":
        return "driving-licence"
    # IR is a residence permit, AC a crew member's; others with a second letter differ by state.
    return "national-id" if mrz.code in ("I", "ID", "C", "A") else None


def _name(mrz: Mrz | None, account: str) -> MachineCheck:
    if mrz is None or not (mrz.surname or mrz.given):
        words = "The name was not read: compare it yourself."
        return MachineCheck(check=CheckKind.NAME, result="unavailable", words=words)
    found = compare_names(account, surname=mrz.surname, given=mrz.given)
    return MachineCheck(check=CheckKind.NAME, result=found.result, words=found.why)


def _portrait(read: DocumentRead) -> MachineCheck:
    if read.portrait is None:
        # Which face is the document's is told by its text.
        unavailable = _causes(read.unavailable)
        return MachineCheck(
            check=CheckKind.PORTRAIT,
            result="unavailable" if unavailable else "unsure",
            words=f"No portrait was looked for: {unavailable}."
            if unavailable
            else "No portrait was found that is surely the document's: look for yourself.",
            models=read.models,
        )
    return MachineCheck(
        check=CheckKind.PORTRAIT,
        result="agrees",
        words="A portrait was found on the document.",
        value=read.portrait.score,
        models=read.models,
    )
