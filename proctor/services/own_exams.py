"""Whose exams: each of the staff is for every exam, or for some that are named.

Default-deny is `web/auth.py`'s, for all that an address names; this is what it and the lists go by.

    Refusal
    ├── NotYourExam     what was asked for is of no exam of one's own, or not there at all
    └── NotTheirExam    a session was to be given to somebody whose exam it is not
"""

from typing import ClassVar, TypeAlias

from proctor.domain.errors import Refusal

# By their ids. None: every exam, also those that are published later.
OwnExams: TypeAlias = frozenset[str] | None

# Of one account. Whoever needs more needs all.
MAX_OWN_EXAMS = 100


class NotYourExam(Refusal):
    code: ClassVar[str] = "not-your-exam"

    def __init__(self, *, exam: str = "") -> None:
        """`exam` is empty where a session was asked for: of another exam, or not there at all."""
        which = f"exam {exam}" if exam else "such session"
        super().__init__(
            f"there is no {which} among the exams that this account is for: "
            "an administrator can add an exam to them"
        )
        self.exam = exam


class NotTheirExam(Refusal):
    code: ClassVar[str] = "not-their-exam"

    def __init__(self, *, exam: str, name: str) -> None:
        super().__init__(
            f"{name} may not see the exam {exam}: choose somebody who may, "
            "or ask an administrator to add it"
        )
        self.exam = exam
        self.name = name


def is_among(exam: str, own: OwnExams) -> bool:
    """Tell whether an exam is one of somebody's own."""
    return own is None or exam in own


def in_words(own: OwnExams) -> str:
    """Return somebody's own exams as people read them: "every exam" or "algebra, statistics"."""
    return "every exam" if own is None else ", ".join(sorted(own))
