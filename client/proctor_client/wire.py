"""What the exam server says, read with suspicion: problems, sessions, receipts.

Only shapes are looked at here, and signatures; what to do about it is for the callers.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from proctor.evidence.errors import EvidenceError
from proctor.evidence.note import (
    Note,
    VerifierKey,
    only_signed_by,
    open_checkpoint,
    open_cosignature,
)
from proctor_client.camera import Size
from proctor_client.errors import ReceiptRefused, Refused

View = dict[str, Any]  # of a session, as GET /api/v1/session answers


class NotUnderstood(Exception):
    """Not what this version of the protocol says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What the server said when this computer joined: true for the whole session."""

    session: str
    device: str
    device_token: str = field(repr=False)
    origin: str
    server_keys: tuple[VerifierKey, ...]
    exam: dict[str, Any]
    policy_sha256: str
    policy: dict[str, Any]
    notice: list[dict[str, Any]]
    snapshot_every_s: float
    size: Size

    @classmethod
    def from_answer(cls, answer: dict[str, Any]) -> "Joined":
        """Read the answer of POST /api/v1/join.

        Raises:
            Refused: It is none: the link leads to another kind of server, or another version.
        """
        try:
            capture = answer["capture"]
            return cls(
                session=str(answer["session"]),
                device=str(answer["device"]),
                device_token=str(answer["device_token"]),
                origin=str(answer["origin"]),
                server_keys=tuple(VerifierKey.parse(key) for key in answer["server_keys"]),
                exam=dict(answer["exam"]),
                policy_sha256=str(answer["policy_sha256"]),
                policy=dict(answer["policy"]),
                notice=list(answer["notice"]),
                snapshot_every_s=float(capture["snapshot_every_s"]),
                size=Size(
                    width=int(capture["width"]),
                    height=int(capture["height"]),
                    quality=int(capture["jpeg_quality"]),
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError, EvidenceError) as no:
            raise Refused(
                code="not-understood",
                status=200,
                detail=f"its answer to joining can't be read ({no})",
                facts={},
            ) from None


@dataclass(frozen=True, slots=True)
class ServerLog:
    """The server's own log as it told of it."""

    size: int
    root: str  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    size: int
    root: bytes
    owed: frozenset[str]
    server_log: ServerLog | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    note: bytes
    size: int
    owed: frozenset[str]
    server_log: ServerLog | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    digests: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    refused: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    view: View
    server_log: ServerLog | None


Message = Welcome | Receipt | Held | Resume | Problem | Pushed


def read_message(text: str) -> Message:
    """Read one message of the uplink.

    Raises:
        NotUnderstood: It is none.
    """
    try:
        told = json.loads(text)
        kind: str = str(told["type"])
        match kind:
            case "welcome":
                return Welcome(
                    size=_count(told["size"]),
                    root=bytes.fromhex(told["root"]),
                    owed=_digests(told["owed"]),
                    server_log=_server_log(told.get("server_log")),
                )
            case "receipt":
                return Receipt(
                    note=str(told["note"]).encode(),
                    size=_count(told["size"]),
                    owed=_digests(told["owed"]),
                    server_log=_server_log(told.get("server_log")),
                )
            case "held":
                return Held(digests=_digests(told["sha256"]))
            case "resume":
                return Resume(size=_count(told["size"]), root=bytes.fromhex(told["root"]))
            case "problem":
                return Problem(refused=problem_of(dict(told["problem"])))
            case "session":
                return Pushed(
                    view=dict(told["session"]), server_log=_server_log(told.get("server_log"))
                )
            case _:
                raise NotUnderstood(kind)
    except (ValueError, TypeError, KeyError) as no:
        raise NotUnderstood(str(no)) from None


def problem_of(told: dict[str, Any], status: int = 0) -> Refused:
    """Return the refusal that a problem object tells of."""
    found = told.get("status")
    return Refused(
        code=str(told.get("type", "")).rpartition(":")[2] or "unknown",
        status=status or (found if isinstance(found, int) else 0),
        detail=str(told.get("detail") or told.get("title") or "no reason given"),
        facts=told,
    )


def open_receipt(
    encoded: bytes,
    *,
    key: VerifierKey,
    origin: str,
    server_keys: tuple[VerifierKey, ...],
    size: int,
    root: bytes,
) -> int:
    """Verify a receipt and return the server's time, POSIX seconds.

    Args:
        encoded: The cosigned checkpoint.
        key: The device's.
        origin: Of the device's log.
        server_keys: One of these must have cosigned.
        size: Of our log, that it must state.
        root: Of our tree at that size, that it must state.

    Raises:
        ReceiptRefused: It is none for these records.
    """
    try:
        note = Note.parse(encoded)
        checkpoint = open_checkpoint(note, key=key, origin=origin)
        ids = {line.key_id for line in note.signatures}
        server_key = next((each for each in server_keys if each.key_id in ids), None)
        if server_key is None:
            raise ReceiptRefused("no key of the exam server signed it")
        only_signed_by(note, [key, server_key])
        at_s = open_cosignature(note, server_key)
    except EvidenceError as no:
        raise ReceiptRefused(str(no)) from None
    if checkpoint.size != size or checkpoint.root != root:
        raise ReceiptRefused("it is for other records than were sent")
    return at_s


def _server_log(told: Any) -> ServerLog | None:
    if told is None:
        return None
    return ServerLog(_count(told["size"]), bytes.fromhex(told["root"]).hex())


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value


def _digests(value: list[Any]) -> frozenset[str]:
    return frozenset(str(digest) for digest in value)
