"""Which pictures a learner showed at check-in: those that a person decides on."""

from dataclasses import dataclass

from proctor.domain.second_camera import PHONE
from proctor.domain.session import ExamSession
from proctor.evidence.record import Kind, parse
from proctor.services.journal import milliseconds
from proctor.services.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRef:
    """A picture, by its record."""

    device: str
    seq: int
    sha256: str
    at_ms: int  # the device's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    face: PictureRef | None = None
    document: PictureRef | None = None


async def shown(store: Store, session: ExamSession) -> Shown:
    """Return the last pictures of face and document that came before the check-in was captured.

    What a device sends later under the same purpose changes nothing: people decide on what
    machines read, and the other way round. While nothing is captured, all that came count.
    """
    captured_at = session.id_check.captured_at
    until_ms = None if captured_at is None else milliseconds(captured_at)
    found: dict[str, tuple[int, PictureRef]] = {}
    for device in await store.devices(session.id):
        if device.kind == PHONE:
            continue
        for batch in await store.received(session.id, device.id):
            came_ms = milliseconds(batch.received_at)
            if until_ms is not None and came_ms > until_ms:
                continue
            for line in batch.lines:
                if b'"purpose":"' not in line:  # most lines need not be parsed
                    continue
                record = parse(line)
                purpose = record.facts.get("purpose")
                if (
                    record.kind is not Kind.SNAPSHOT
                    or record.blob is None
                    or purpose not in ("face", "document")
                ):
                    continue
                ref = PictureRef(
                    device=device.id,
                    seq=record.seq,
                    sha256=record.blob.sha256,
                    at_ms=record.at_ms,
                )
                if purpose not in found or found[purpose][0] <= came_ms:
                    found[purpose] = (came_ms, ref)
    return Shown(
        face=found["face"][1] if "face" in found else None,
        document=found["document"][1] if "document" in found else None,
    )
