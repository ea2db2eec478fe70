"""A batch is taken whole or not at all."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.batch import (
    MAX_BATCH_BYTES,
    MAX_BLOBS,
    MAX_RECORDS,
    Batch,
    Opened,
    check_named,
    join,
    open_records,
    seal,
    split,
)
from proctor.evidence.errors import (
    BadSignature,
    BlobMismatch,
    EvidenceError,
    Inconsistent,
    MalformedBatch,
    MalformedRecord,
    OutOfPlace,
    WrongOrigin,
)
from proctor.evidence.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    SigningKey,
    cosignature,
    sign_checkpoint,
)
from proctor.evidence.record import MAX_BLOB_BYTES, BlobRef, Kind
from proctor.evidence.tree import Frontier
from tests.evidence.building import (
    DESK,
    DESK_KEY,
    FACE,
    PHONE,
    PHONE_KEY,
    SERVER_KEY,
    SESSION,
    checkpoint_of,
    digest_of,
    frontier_of,
    line_of,
    origin,
)

LINES = [
    line_of(0, Kind.HELLO),
    line_of(1, Kind.SNAPSHOT, blob=BlobRef(digest_of(FACE), "image/jpeg", len(FACE))),
    line_of(2),
]
NOTE = sign_checkpoint(checkpoint_of(LINES), DESK_KEY)
BEFORE = frontier_of(LINES[:1])
MESSAGE = seal(
    lines=LINES[1:], blobs=[FACE], frontier=frontier_of(LINES), origin=origin(DESK), key=DESK_KEY
)


def open_message(message: bytes, before: Frontier = BEFORE) -> Opened:
    batch = split(message)
    opened = open_records(
        batch,
        frontier=before,
        session=SESSION,
        device=DESK,
        origin=origin(DESK),
        key=DESK_KEY.verifier,
    )
    check_named(
        batch.blobs, {each.blob.sha256: each.blob.size for each in opened.records if each.blob}
    )
    return opened


def blobs_of(batch: Batch) -> list[tuple[str, bytes]]:
    return [(digest, bytes(blob)) for digest, blob in batch.blobs]


def test_a_batch_is_opened_as_it_was_sealed() -> None:
    opened = open_message(MESSAGE)
    assert opened.frontier == frontier_of(LINES)
    assert opened.checkpoint == checkpoint_of(LINES)
    assert [record.seq for record in opened.records] == [1, 2]
    assert blobs_of(split(MESSAGE)) == [(digest_of(FACE), FACE)]


def test_joined_parts_are_the_sealed_message_byte_for_byte() -> None:
    assert join(lines=LINES[1:], note=NOTE, blobs=[FACE]) == MESSAGE


def test_blobs_come_alone_too_even_empty_ones() -> None:
    message = seal(lines=[], blobs=[FACE, b""], frontier=BEFORE, origin=origin(DESK), key=DESK_KEY)
    batch = split(message)
    assert (batch.lines, batch.note) == ((), None)
    assert blobs_of(batch) == [(digest_of(FACE), FACE), (digest_of(b""), b"")]


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255))
def test_no_byte_of_a_batch_is_free(at: int, mask: int) -> None:
    changed = MESSAGE[:at] + bytes([MESSAGE[at] ^ mask]) + MESSAGE[at + 1 :]
    with pytest.raises(EvidenceError):
        open_message(changed)


@given(st.integers(0, len(MESSAGE) - 1))
def test_a_batch_that_is_cut_is_refused(at: int) -> None:
    with pytest.raises(MalformedBatch):
        split(MESSAGE[:at])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_a_malformed_one(data: bytes) -> None:
    for message in (data, b"proctor-batch/v1 0 0 " + data):
        try:
            batch = split(message)
        except EvidenceError:
            continue
        blobs = [blob for _, blob in blobs_of(batch)]
        assert join(lines=batch.lines, note=b"", blobs=blobs) == message


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"proctor-batch/v1 0 0\n", id="neither records nor blobs"),
        pytest.param(b"proctor-batch/v1 0\n", id="one length"),
        pytest.param(b"proctor-batch/v2 0 0 1\nx", id="version 2"),
        pytest.param(b"proctor-batch/v1 0 0 01\nx", id="a zero before a length"),
        pytest.param(b"proctor-batch/v1  0 0 1\nx", id="two blanks"),
        pytest.param(b"proctor-batch/v1 0 0 1\r\nx", id="a carriage return"),
        pytest.param(b"proctor-batch/v1 0 0 1\nxy", id="a byte too many"),
        pytest.param(b"proctor-batch/v1 0 0 2\nx", id="a byte too few"),
        pytest.param(b"proctor-batch/v1 0 0 9999999999\nx", id="ten digits"),
        pytest.param(join(lines=[], note=NOTE, blobs=[]), id="a checkpoint without records"),
        pytest.param(join(lines=LINES, note=b"", blobs=[]), id="records without a checkpoint"),
        pytest.param(join(lines=[], note=b"", blobs=[b""] * (MAX_BLOBS + 1)), id="65 blobs"),
        pytest.param(join(lines=[b""] * (MAX_RECORDS + 1), note=NOTE, blobs=[]), id="257 records"),
        pytest.param(join(lines=[], note=b"", blobs=[bytes(MAX_BLOB_BYTES + 1)]), id="a blob + 1"),
        pytest.param(
            join(lines=LINES, note=b"x" * (MAX_NOTE_BYTES + 1), blobs=[]), id="a long note"
        ),
        pytest.param(bytes(MAX_BATCH_BYTES + 1), id="9 MiB + 1"),
        pytest.param(
            b"proctor-batch/v1 5 %d\n{}\n{}" % len(NOTE) + NOTE, id="no newline after a record"
        ),
    ],
)
def test_what_is_no_batch_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedBatch):
        split(message)


@pytest.mark.parametrize("count", [MAX_RECORDS, 1])
def test_as_many_records_as_the_bound_says_are_a_batch(count: int) -> None:
    lines = [line_of(seq) for seq in range(count)]
    message = join(lines=lines, note=sign_checkpoint(checkpoint_of(lines), DESK_KEY), blobs=[])
    assert len(open_message(message, Frontier()).records) == count
    blobs = [b"%d" % at for at in range(MAX_BLOBS)]
    assert len(split(join(lines=lines, note=NOTE, blobs=blobs)).blobs) == MAX_BLOBS


def resigned(lines: list[bytes], *, key: SigningKey = DESK_KEY) -> bytes:
    """Return a batch whose signature and tree hold, whatever its second and third lines are."""
    checkpoint = checkpoint_of([LINES[0], *lines])
    return join(lines=lines, note=sign_checkpoint(checkpoint, key), blobs=[])


def with_a_line_more() -> bytes:
    note = Note.parse(NOTE)
    line = cosignature(note.text, key=SERVER_KEY, at_s=0)
    return Note(note.text, (*note.signatures, line)).encode()


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        pytest.param(resigned(LINES[1:], key=PHONE_KEY), BadSignature, id="another key"),
        pytest.param(
            join(lines=LINES[1:], note=with_a_line_more(), blobs=[]),
            BadSignature,
            id="a line that is not the device's",
        ),
        pytest.param(
            join(
                lines=LINES[1:],
                note=sign_checkpoint(
                    Checkpoint(origin(PHONE), 3, frontier_of(LINES).root()), DESK_KEY
                ),
                blobs=[],
            ),
            WrongOrigin,
            id="another log's checkpoint",
        ),
        pytest.param(join(lines=LINES[1:2], note=NOTE, blobs=[]), Inconsistent, id="cut"),
        pytest.param(join(lines=LINES, note=NOTE, blobs=[]), Inconsistent, id="sent again"),
        pytest.param(
            join(lines=LINES[2:0:-1], note=NOTE, blobs=[]), Inconsistent, id="another order"
        ),
        pytest.param(
            join(
                lines=LINES[1:],
                note=sign_checkpoint(Checkpoint(origin(DESK), 3, sha256(b"").digest()), DESK_KEY),
                blobs=[],
            ),
            Inconsistent,
            id="another root",
        ),
        pytest.param(resigned([LINES[1], b"{}"]), MalformedRecord, id="no record"),
        pytest.param(
            resigned([LINES[1], line_of(2, session="s_other")]),
            OutOfPlace,
            id="another session's record",
        ),
        pytest.param(
            resigned([LINES[1], line_of(2, device=PHONE)]), OutOfPlace, id="another device's"
        ),
        pytest.param(resigned([LINES[1], LINES[1]]), OutOfPlace, id="a record twice"),
        pytest.param(resigned([LINES[2]]), OutOfPlace, id="a record left out"),
        pytest.param(
            join(lines=LINES[1:], note=NOTE, blobs=[FACE + b"x"]), BlobMismatch, id="another blob"
        ),
    ],
)
def test_a_batch_that_does_not_grow_the_log_is_refused(
    message: bytes, refusal: type[EvidenceError]
) -> None:
    with pytest.raises(refusal):
        open_message(message)


def test_a_blob_of_another_size_than_named_is_refused() -> None:
    batch = split(join(lines=[], note=b"", blobs=[FACE]))
    check_named(batch.blobs, {digest_of(FACE): len(FACE)})
    others: list[dict[str, int]] = [{}, {digest_of(FACE): len(FACE) + 1}]
    for sizes in others:
        with pytest.raises(BlobMismatch):
            check_named(batch.blobs, sizes)
