"""Notes, keys and checkpoints are those of C2SP, with one spelling each."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.errors import BadSignature, EvidenceError, MalformedNote, WrongOrigin
from proctor.evidence.note import (
    MAX_NOTE_BYTES,
    MAX_TIME_S,
    Checkpoint,
    KeyKind,
    Note,
    SignatureLine,
    SigningKey,
    VerifierKey,
    cosignature,
    is_fork,
    only_signed_by,
    open_checkpoint,
    open_cosignature,
    sign_checkpoint,
    sign_statement,
)
from proctor.evidence.tree import EMPTY_ROOT, MAX_SIZE
from tests.evidence.building import DESK, DESK_KEY, PHONE_KEY, SERVER_KEY, key_of, origin

# golang.org/x/mod/sumdb/note, example_test.go and note_test.go.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n".encode()
)
GO_SECOND_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"

CHECKPOINT = Checkpoint(origin(DESK), 42, sha256(b"root").digest())
NOTE = sign_checkpoint(CHECKPOINT, DESK_KEY)
AT_S = 1_795_284_060


def receipt() -> Note:
    note = Note.parse(NOTE)
    line = cosignature(note.text, key=SERVER_KEY, at_s=AT_S)
    return Note(note.text, (*note.signatures, line))


def open_receipt(data: bytes) -> tuple[Checkpoint, int]:
    note = Note.parse(data)
    only_signed_by(note, [DESK_KEY.verifier, SERVER_KEY.verifier])
    checkpoint = open_checkpoint(note, key=DESK_KEY.verifier, origin=origin(DESK))
    return checkpoint, open_cosignature(note, SERVER_KEY.verifier)


def test_a_published_note_verifies_with_its_published_key() -> None:
    key, note = VerifierKey.parse(GO_KEY), Note.parse(GO_NOTE)
    key.verify(note.line_of(key).signature, note.text)
    assert note.text == GO_TEXT
    assert (key.encode(), note.encode()) == (GO_KEY, GO_NOTE)


def test_a_published_seed_signs_the_published_note() -> None:
    key = SigningKey.from_seed("PeterNeumann", KeyKind.ED25519, GO_SEED)
    line = SignatureLine(key.name, key.verifier.key_id, key.sign(GO_TEXT))
    assert key.verifier.encode() == GO_KEY
    assert Note(GO_TEXT, (line,)).encode() == GO_NOTE
    assert key.seed() == GO_SEED


def test_another_published_key_is_read_as_it_was_written() -> None:
    assert VerifierKey.parse(GO_SECOND_KEY).encode() == GO_SECOND_KEY


def test_a_receipt_is_signed_by_the_device_and_cosigned_with_a_time() -> None:
    assert open_receipt(receipt().encode()) == (CHECKPOINT, AT_S)


def test_a_generated_key_is_kept_by_its_seed_and_shows_no_secret() -> None:
    key = SigningKey.generate("d_new", KeyKind.ED25519)
    again = SigningKey.from_seed("d_new", KeyKind.ED25519, key.seed())
    assert again.verifier == key.verifier
    assert key.seed().hex() not in repr(key)
    assert "_private" not in repr(key)


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_no_byte_of_a_signed_checkpoint_is_free(at: int, mask: int) -> None:
    changed = NOTE[:at] + bytes([NOTE[at] ^ mask]) + NOTE[at + 1 :]
    with pytest.raises(EvidenceError):
        open_checkpoint(Note.parse(changed), key=DESK_KEY.verifier, origin=origin(DESK))


@given(st.data())
def test_no_byte_of_a_receipt_is_free(data: st.DataObject) -> None:
    whole = receipt().encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    mask = data.draw(st.integers(1, 255))
    changed = whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :]
    with pytest.raises(EvidenceError):
        open_receipt(changed)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_note_or_a_malformed_one(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except MalformedNote:
        return
    assert note.encode() == data


@given(st.text(max_size=80) | st.from_regex(r"[a-zé\ud800]+\+[0-9a-f]{8}\+.{0,60}"))
def test_any_text_is_a_key_or_a_malformed_one(text: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(text)


def line(name: str, raw: bytes) -> bytes:
    return f"— {name} ".encode() + b64encode(raw) + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text\n", id="no blank line"),
        pytest.param(NOTE[:-1], id="no newline at the end"),
        pytest.param(b"text\n\n", id="no signature line"),
        pytest.param(NOTE + b"\n", id="a blank line at the end"),
        pytest.param(b"text\n\n" + line("a b", b"x" * 68), id="a space in a name"),
        pytest.param(b"text\n\n" + line("a+b", b"x" * 68), id="a plus in a name"),
        pytest.param(b"text\n\n" + line("", b"x" * 68), id="no name"),
        pytest.param(b"text\n\n" + line("näme", b"x" * 68), id="a name beyond ASCII"),
        pytest.param(b"text\n\n" + line("d", b"x" * 4), id="a key id and no signature"),
        pytest.param(b"text\n\n" + line("d", b"x" * 68)[4:], id="no dash"),
        pytest.param(b"text\n\n" + "ab—d xxxx\n".encode(), id="a dash elsewhere"),
        pytest.param("text\n\n—\u00a0d eHh4eHh4\n".encode(), id="another space after the dash"),
        pytest.param(b"text\n\n-" + line("d", b"x" * 68)[3:], id="a hyphen for the dash"),
        pytest.param(b"text\n\n" + line("d", b"x" * 68)[:-3] + b"\n", id="base64 unpadded"),
        pytest.param("text\n\n— d eHh4eHh5eB==\n".encode(), id="base64 with stray bits"),
        pytest.param("text\n\n— d eHh4_Hh4\n".encode(), id="base64 of the other alphabet"),
        pytest.param(b"te\rxt\n\n" + line("d", b"x" * 68), id="a carriage return"),
        pytest.param(b"te\0xt\n\n" + line("d", b"x" * 68), id="a null"),
        pytest.param(b"te\xffxt\n\n" + line("d", b"x" * 68), id="not UTF-8"),
        pytest.param(b"x" * MAX_NOTE_BYTES + b"\n\n" + line("d", b"x" * 68), id="too long"),
    ],
)
def test_what_is_no_note_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        Note.parse(data)


def test_a_text_may_hold_blank_lines() -> None:
    for text in (b"a\n\nb\n", b"a\n\n"):
        assert Note.parse(text + b"\n" + line("d", b"x" * 68)).text == text


@pytest.mark.parametrize("size", [0, 1, 42, MAX_SIZE])
def test_a_checkpoint_is_read_as_it_was_written(size: int) -> None:
    checkpoint = Checkpoint("proctor.example:8443/a/b/c", size, EMPTY_ROOT)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


ROOT = b64encode(EMPTY_ROOT)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"o\n1\n" + ROOT, id="no newline at the end"),
        pytest.param(b"o\n1\n" + ROOT + b"\nmore\n", id="an extension line"),
        pytest.param(b"o\n1\n", id="no root"),
        pytest.param(b"o\n01\n" + ROOT + b"\n", id="a zero before the size"),
        pytest.param(b"o\n+1\n" + ROOT + b"\n", id="a sign before the size"),
        pytest.param(b"o\n\xd9\xa1\n" + ROOT + b"\n", id="a digit of another script"),
        pytest.param(b"o\n%d\n" % (MAX_SIZE + 1) + ROOT + b"\n", id="a size over the bound"),
        pytest.param(b"\n1\n" + ROOT + b"\n", id="no origin"),
        pytest.param(b"o p\n1\n" + ROOT + b"\n", id="a space in the origin"),
        pytest.param("ö\n1\n".encode() + ROOT + b"\n", id="an origin beyond ASCII"),
        pytest.param(b"o" * 256 + b"\n1\n" + ROOT + b"\n", id="a long origin"),
        pytest.param(b"o\n1\n" + b64encode(EMPTY_ROOT[1:]) + b"\n", id="a root of 31 bytes"),
        pytest.param(b"o\n1\n" + ROOT[:-1] + b"\n", id="a root that is no base64"),
        pytest.param(
            b"o\n1\n" + ROOT[:-2] + bytes([ROOT[-2] + 1]) + b"=\n", id="a root with stray bits"
        ),
    ],
)
def test_what_is_no_checkpoint_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedNote):
        Checkpoint.parse(text)


VKEY = DESK_KEY.verifier.encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(DESK + "+00000000", id="two parts"),
        pytest.param(VKEY.replace(DESK, "d_other"), id="another name"),
        pytest.param(VKEY.replace(DESK, ""), id="no name"),
        pytest.param(VKEY.replace(DESK, "d_\udc80"), id="half a surrogate pair"),
        pytest.param(VKEY.replace(DESK, "d desk"), id="a space in the name"),
        pytest.param(re.sub(r"\+[0-9a-f]{8}\+", "+00000000+", VKEY), id="another hash"),
        pytest.param(re.sub(r"\+[0-9a-f]{8}\+", lambda m: m[0].upper(), VKEY), id="capitals"),
        pytest.param(VKEY + "=", id="base64 padded too much"),
        pytest.param(VKEY + "\n", id="a newline"),
        pytest.param(VKEY[:-4], id="30 bytes"),
        pytest.param(VKEY + "AAAA", id="36 bytes"),
        pytest.param(f"d+00000000+{b64encode(bytes([2]) + b'x' * 32).decode()}", id="ECDSA"),
        pytest.param(f"d+00000000+{b64encode(bytes([6]) + b'x' * 32).decode()}", id="no type"),
    ],
)
def test_what_is_no_key_is_malformed(text: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(text)


P = 2**255 - 19


def _order_divides_eight(y: int) -> bool:
    """Tell by the curve's own arithmetic whether the point with this y has order 1, 2, 4 or 8."""
    d = -121665 * pow(121666, -1, P) % P
    for _ in range(3):
        square = y * y % P
        x_square = (square - 1) * pow(d * square + 1, -1, P) % P
        y = (square + x_square) * pow(2 + x_square - square, -1, P) % P
    return y == 1


WEAK_YS = [
    0,
    1,
    P - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
]


@pytest.mark.parametrize("sign", [0, 2**255])
@pytest.mark.parametrize("y", [*WEAK_YS, P, P + 1, 2**255 - 1])
def test_a_key_that_anybody_could_sign_for_is_refused(y: int, sign: int) -> None:
    public = (y | sign).to_bytes(32, "little")
    with pytest.raises(MalformedNote):
        VerifierKey("d_weak", KeyKind.ED25519, public)


@pytest.mark.parametrize("y", WEAK_YS)
def test_the_weak_keys_are_those_of_small_order(y: int) -> None:
    assert _order_divides_eight(y)
    assert not _order_divides_eight(int.from_bytes(DESK_KEY.verifier.public, "little") % 2**255)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    key = VerifierKey("d_none", KeyKind.ED25519, b"\x02" + bytes(31))
    with pytest.raises(BadSignature):
        key.verify(DESK_KEY.sign(b"text"), b"text")


def open_desk(note: Note) -> Checkpoint:
    return open_checkpoint(note, key=DESK_KEY.verifier, origin=origin(DESK))


def signed(name: str, key_id: bytes, signature: bytes, text: bytes = b"") -> Note:
    return Note(text or CHECKPOINT.text(), (SignatureLine(name, key_id, signature),))


def test_a_device_signature_by_another_key_is_refused() -> None:
    id_ = DESK_KEY.verifier.key_id
    for note in (
        Note.parse(sign_checkpoint(CHECKPOINT, PHONE_KEY)),
        signed(DESK, id_, PHONE_KEY.sign(CHECKPOINT.text())),
        signed("d_other", id_, DESK_KEY.sign(CHECKPOINT.text())),
        signed(DESK, id_, DESK_KEY.sign(CHECKPOINT.text())[:-1]),
    ):
        with pytest.raises(BadSignature):
            open_desk(note)


def test_a_signature_of_one_type_is_none_of_the_other() -> None:
    as_server = key_of(DESK, KeyKind.COSIGNATURE)
    with pytest.raises(BadSignature):
        open_checkpoint(Note.parse(NOTE), key=as_server.verifier, origin=origin(DESK))
    both = signed(DESK, as_server.verifier.key_id, DESK_KEY.sign(CHECKPOINT.text()))
    with pytest.raises(BadSignature):
        open_checkpoint(both, key=as_server.verifier, origin=origin(DESK))
    with pytest.raises(BadSignature):
        open_cosignature(Note.parse(NOTE), DESK_KEY.verifier)
    with pytest.raises(BadSignature):
        open_cosignature(both, as_server.verifier)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(WrongOrigin):
        open_checkpoint(Note.parse(NOTE), key=DESK_KEY.verifier, origin=origin("d_phone"))


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    text = b"proctor-join/v1\n"
    with pytest.raises(MalformedNote):
        open_desk(signed(DESK, DESK_KEY.verifier.key_id, DESK_KEY.sign(text), text))


def test_a_cosignature_holds_for_its_text_and_time_only() -> None:
    note = Note.parse(sign_statement(b"text\n", key=SERVER_KEY, at_s=AT_S))
    mine = note.signatures[0]
    earlier = SignatureLine(
        mine.name, mine.key_id, (AT_S - 1).to_bytes(8, "big") + mine.signature[8:]
    )
    for changed in (Note(b"other\n", (mine,)), Note(b"text\n", (earlier,))):
        with pytest.raises(BadSignature):
            open_cosignature(changed, SERVER_KEY.verifier)


def test_a_time_beyond_the_bound_is_refused_even_if_signed() -> None:
    at_s = MAX_TIME_S + 1
    signature = SERVER_KEY.sign(b"cosignature/v1\ntime %d\ntext\n" % at_s)
    raw = at_s.to_bytes(8, "big") + signature
    note = signed(SERVER_KEY.name, SERVER_KEY.verifier.key_id, raw, b"text\n")
    with pytest.raises(BadSignature):
        open_cosignature(note, SERVER_KEY.verifier)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([DESK_KEY], id="one line too many"),
        pytest.param([SERVER_KEY, DESK_KEY], id="the other order"),
        pytest.param([DESK_KEY, SERVER_KEY, PHONE_KEY], id="a line is missing"),
        pytest.param([DESK_KEY, PHONE_KEY], id="a stranger's line"),
    ],
)
def test_a_note_with_other_lines_than_expected_is_refused(keys: list[SigningKey]) -> None:
    with pytest.raises(BadSignature):
        only_signed_by(receipt(), [key.verifier for key in keys])


def test_two_roots_of_one_size_are_a_fork_and_nothing_else_is() -> None:
    other = sha256(b"other root").digest()
    assert is_fork(CHECKPOINT, Checkpoint(CHECKPOINT.origin, 42, other))
    assert not is_fork(CHECKPOINT, CHECKPOINT)
    assert not is_fork(CHECKPOINT, Checkpoint(CHECKPOINT.origin, 43, other))
    assert not is_fork(CHECKPOINT, Checkpoint(origin("d_phone"), 42, other))
