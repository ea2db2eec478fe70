"""Which pictures a learner showed at check-in: those that a person decides on."""

from dataclasses import dataclass

from proctor.domain.identity import IdState
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

    @property
    def digests(self) -> "Digests":
        return Digests(
            face=self.face.sha256 if self.face else None,
            document=self.document.sha256 if self.document else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Of the pictures of a check-in, SHA-256 in hex; None where there was none."""

    face: str | None
    document: str | None


async def shown(store: Store, session: ExamSession) -> Shown:
    """Return the last pictures of face and document that came before the check-in was captured.

    What a device sends later under the same purpose changes nothing: people decide on what
    machines read, and the other way round. While nothing is captured, all that came count.
    Of who was vouched for without that, it is what came last until then, or else first since; not
    what comes after new pictures were asked for, be that taken back or not.
    """
    check = session.id_check
    if check.taken_back and check.before is not None:
        check = check.before
    until = check.captured_at or check.decided_at
    is_asked = check.captured_at is not None or check.state is IdState.RETAKE
    vouched_at = None if is_asked else check.decided_at
    until_ms = None if until is None else milliseconds(until)
    found: dict[str, tuple[int, PictureRef]] = {}
    since: dict[str, tuple[int, PictureRef]] = {}
    for device in await store.devices(session.id):
        if device.kind == PHONE:
            continue
        for batch in await store.received(session.id, device.id):
            came_ms = milliseconds(batch.received_at)
            is_later = until_ms is not None and came_ms > until_ms
            if is_later and vouched_at is None:
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
                if is_later:
                    if purpose not in since or came_ms < since[purpose][0]:
                        since[purpose] = (came_ms, ref)
                elif purpose not in found or found[purpose][0] <= came_ms:
                    found[purpose] = (came_ms, ref)
    last = since | found
    return Shown(
        face=last["face"][1] if "face" in last else None,
        document=last["document"][1] if "document" in last else None,
    )
