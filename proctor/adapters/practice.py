"""The practice exam, and the policy it is sat under: that of the exam which is rehearsed."""

from functools import cache
from pathlib import Path
from typing import TypeVar

import rfc8785
from pydantic import BaseModel

import proctor
from proctor.adapters import exams
from proctor.adapters.policy_schema import PolicyDoc, RetainDoc, SectionsDoc
from proctor.domain.rehearsal import PRACTICE_KEPT_DAYS

FOLDER = Path(proctor.__file__).parent / "demo" / "exams" / "practice"

Row = TypeVar("Row", bound=BaseModel)


@cache
def exam_body() -> bytes:
    """Return the body of the practice exam: three questions in one section."""
    return exams.load(FOLDER).body


def policy_body(body: bytes) -> bytes:
    """Return the body of a policy for rehearsals of an exam.

    All of it is the exam's own, but:

    1. Resources and rules for particular sections hold in the practice section, each once; order
       and length of sections are the practice exam's.
    2. Nobody is waited for at check-in: no person looks at a rehearsal.
    3. Pictures are kept a week at the most.

    Args:
        body: Of the exam's policy, as `LoadedPolicy.body`.

    Raises:
        ValidationError: These bytes are no policy.
    """
    doc = PolicyDoc.model_validate_json(body)
    kept = doc.retain
    practice = doc.model_copy(
        update={
            "allow": _everywhere(doc.allow),
            "flag": _everywhere(doc.flag),
            "sections": SectionsDoc(),
            "identity": doc.identity.model_copy(update={"hold": False}),
            "retain": RetainDoc(
                snapshots_days=min(kept.snapshots_days, PRACTICE_KEPT_DAYS),
                id_document_days=min(kept.id_document_days, PRACTICE_KEPT_DAYS),
            ),
        }
    )
    return rfc8785.dumps(practice.model_dump(by_alias=True, exclude_none=True))


def _everywhere(rows: list[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        anywhere = row.model_copy(update={"sections": []})
        if anywhere not in found:
            found.append(anywhere)
    return found
