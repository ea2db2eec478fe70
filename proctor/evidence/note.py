"""Checkpoints, the signed notes around them, and the keys that sign.

    proctor.example/sds-2026/s_7Q2M/d_web1      origin: server, exam, session, device
    42                                          how many records
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root of the tree over them

    — d_web1 Az3grl…                            the device's line
    — proctor.example wzB6q9…                   the server's line, with its time: the receipt

A device signs the text itself: with Ed25519 (signature type 0x01), or with P-256 (0x02) where its
browser has no Ed25519. A server signs nothing but cosignatures (0x04), which carry their time, so
that no line of one can be passed off as the other's.

Source: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature (cosignature/v1).
"""

import re
from base64 import b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from proctor.evidence.errors import BadSignature, MalformedNote, WrongOrigin
from proctor.evidence.tree import MAX_SIZE

MAX_NOTE_BYTES = 4096  # a checkpoint with a dozen witnesses; nothing larger is parsed
MAX_TIME_S = 2**63 - 1
_KEY_ID_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_TIME_BYTES = 8
_NAME = re.compile(r"[!-*,-~]{1,255}")  # ASCII without space and plus
_CHECKPOINT = re.compile(
    rb"([A-Za-z0-9][A-Za-z0-9._:/-]{0,254})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n"
)
_DASH = "— "
_LINE = re.compile(_DASH.encode() + rb"([!-*,-~]{1,255}) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_FIELD = 2**255 - 19
# The y coordinates of the points of order 1, 2, 4 and 8 on Curve25519's Edwards form.
_SMALL_ORDER_YS = frozenset(
    {
        1,
        _FIELD - 1,
        0,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


# What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480), and its bytes.
_P256_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_P256_KEY_BYTES = 91
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class KeyKind(IntEnum):
    """Signature types of c2sp.org/signed-note."""

    ED25519 = 0x01
    P256 = 0x02
    COSIGNATURE = 0x04


# What devices sign with.
DEVICE_KEYS = frozenset({KeyKind.ED25519, KeyKind.P256})


@dataclass(frozen=True)
class VerifierKey:
    """A public key and who it belongs to: enough to verify, nothing to sign with."""

    name: str
    kind: KeyKind
    public: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise MalformedNote(f"no key name: {self.name!r}")
        if self.kind is KeyKind.P256:
            _ = self._p256
            return
        if len(self.public) != _KEY_BYTES:
            raise MalformedNote(f"no Ed25519 key: {self.name!r}")
        y = int.from_bytes(self.public, "little") & (2**255 - 1)
        # Under a key of small order one signature holds for many texts, and anybody can make it:
        # a learner who chose such a key could disown all it signed.
        if y >= _FIELD or y in _SMALL_ORDER_YS:
            raise MalformedNote(f"a weak Ed25519 key: {self.name!r}")

    @cached_property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256 over name, newline, type and key; of P-256, over the key."""
        of = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        if self.kind is KeyKind.P256:
            of = self.public
        return sha256(of).digest()[:_KEY_ID_BYTES]

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public)

    @cached_property
    def _p256(self) -> ec.EllipticCurvePublicKey:
        point = self.public.removeprefix(_P256_SPKI)
        if len(self.public) != _P256_KEY_BYTES or len(point) == len(self.public):
            raise MalformedNote(f"no P-256 key: {self.name!r}")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError:
            raise MalformedNote(f"no point of P-256: {self.name!r}") from None

    def verify(self, signature: bytes, message: bytes) -> None:
        """Verify a bare signature: 64 bytes of Ed25519, or DER of P-256 with the lower s.

        Raises:
            BadSignature: This key did not make it.
        """
        try:
            if self.kind is KeyKind.P256:
                _refuse_other_spellings(signature)
                self._p256.verify(signature, message, ec.ECDSA(SHA256()))
            else:
                self._key.verify(signature, message)
        except (InvalidSignature, ValueError):
            raise BadSignature(f"not signed by {self.name}") from None

    def encode(self) -> str:
        """Return the key in the `name+hash+base64` form of c2sp.org/signed-note."""
        key = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Return the key that `encode` wrote.

        Raises:
            MalformedNote: It is no key, or its hash is not that of its name and bytes.
        """
        # The key is base64, in which a plus is a digit: only the first two separate.
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - name, hash, key
            raise MalformedNote("a key is name+hash+base64")
        raw = _unbase64(parts[2].encode("ascii", "replace"))
        if not raw or raw[0] not in set(KeyKind):
            raise MalformedNote("no key of a known type")
        key = cls(parts[0], KeyKind(raw[0]), raw[1:])
        if key.encode() != text:
            raise MalformedNote("the key's hash is not that of its name and bytes")
        return key


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name it signs under."""

    name: str
    kind: KeyKind
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, name: str, kind: KeyKind) -> "SigningKey":
        return cls(name, kind, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, kind: KeyKind, seed: bytes) -> "SigningKey":
        """Return the key of a 32-byte secret seed (RFC 8032)."""
        return cls(name, kind, Ed25519PrivateKey.from_private_bytes(seed))

    def seed(self) -> bytes:
        """Return the 32 secret bytes the key grows from: for a 0600 file or a keyring."""
        return self._private.private_bytes_raw()

    @cached_property
    def verifier(self) -> VerifierKey:
        public = self._private.public_key().public_bytes_raw()
        return VerifierKey(self.name, self.kind, public)

    def sign(self, message: bytes) -> bytes:
        """Return the bare Ed25519 signature, 64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement of how long a log is and what its tree's root is."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Return the note text that is signed."""
        return b"%s\n%d\n%s\n" % (self.origin.encode(), self.size, b64encode(self.root))

    @classmethod
    def parse(cls, text: bytes) -> "Checkpoint":
        """Return the checkpoint of a note's text, which must be exactly what `text` writes.

        Raises:
            MalformedNote: It is anything else.
        """
        found = _CHECKPOINT.fullmatch(text)
        if found is None or int(found[2]) > MAX_SIZE:
            raise MalformedNote("a checkpoint is origin, size and root, a line each")
        return cls(found[1].decode(), int(found[2]), _unbase64(found[3]))


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line below a note: who signed, with which key, and what."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> bytes:
        encoded = b64encode(self.key_id + self.signature)
        return f"{_DASH}{self.name} ".encode() + encoded + b"\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signature lines below it. Nothing is verified yet."""

    text: bytes
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        return self.text + b"\n" + b"".join(line.encode() for line in self.signatures)

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Return the note in `data`, which must be exactly what `encode` writes.

        Raises:
            MalformedNote: It is anything else.
        """
        if len(data) > MAX_NOTE_BYTES:
            raise MalformedNote(f"a note of {len(data)} bytes; {MAX_NOTE_BYTES} at the most")
        try:
            data.decode()
        except UnicodeDecodeError:
            raise MalformedNote("a note is UTF-8") from None
        if _CONTROL.search(data):
            raise MalformedNote("a control character in a note")
        text, blank, below = data.rpartition(b"\n\n")
        if not blank or not below.endswith(b"\n"):
            raise MalformedNote("a note is a text, a blank line and signature lines")
        lines = tuple(_signature_line(line) for line in below[:-1].split(b"\n"))
        return cls(text + b"\n", lines)

    def line_of(self, key: VerifierKey) -> SignatureLine:
        """Return the line that claims to be made with `key`.

        Raises:
            BadSignature: There is none.
        """
        for line in self.signatures:
            if line.key_id == key.key_id and line.name == key.name:
                return line
        raise BadSignature(f"no signature by {key.name}")


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the note of a checkpoint, signed by the device whose log it is."""
    assert key.kind is KeyKind.ED25519
    text = checkpoint.text()
    line = SignatureLine(key.name, key.verifier.key_id, key.sign(text))
    return Note(text, (line,)).encode()


def open_checkpoint(note: Note, *, key: VerifierKey, origin: str) -> Checkpoint:
    """Verify the device's line and return the checkpoint.

    Raises:
        BadSignature: The line is missing or not the device's.
        MalformedNote: The text is no checkpoint.
        WrongOrigin: It is a checkpoint of another log.
    """
    signature = note.line_of(key).signature
    if key.kind not in DEVICE_KEYS:
        raise BadSignature(f"not a device's signature by {key.name}")
    key.verify(signature, note.text)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise WrongOrigin(f"a checkpoint of {checkpoint.origin}, not of {origin}")
    return checkpoint


def is_fork(one: Checkpoint, other: Checkpoint) -> bool:
    """Tell whether two checkpoints of one log tell two histories of the same size.

    Both must have been opened with the log's key: then they prove that its holder signed both.
    """
    same_place = (one.origin, one.size) == (other.origin, other.size)
    return same_place and one.root != other.root


def cosignature(text: bytes, *, key: SigningKey, at_s: int) -> SignatureLine:
    """Return the server's line below `text`, made at `at_s` (POSIX seconds, server clock)."""
    assert key.kind is KeyKind.COSIGNATURE
    assert 0 <= at_s <= MAX_TIME_S
    signature = at_s.to_bytes(_TIME_BYTES, "big") + key.sign(_timed(text, at_s))
    return SignatureLine(key.name, key.verifier.key_id, signature)


def open_cosignature(note: Note, key: VerifierKey) -> int:
    """Verify the server's line and return its time, POSIX seconds.

    Raises:
        BadSignature: The line is missing or not the server's.
    """
    signature = note.line_of(key).signature
    if key.kind is not KeyKind.COSIGNATURE or len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadSignature(f"not a cosignature by {key.name}")
    at_s = int.from_bytes(signature[:_TIME_BYTES], "big")
    if at_s > MAX_TIME_S:
        raise BadSignature(f"no time is {at_s} s")
    key.verify(signature[_TIME_BYTES:], _timed(note.text, at_s))
    return at_s


def sign_statement(text: bytes, *, key: SigningKey, at_s: int) -> bytes:
    """Return a note of the server's own: a checkpoint of its own log, or a bundle's seal."""
    return Note(text, (cosignature(text, key=key, at_s=at_s),)).encode()


def origin_of(*, server: str, exam: str, session: str, device: str) -> str:
    """Return the origin line of one device's log."""
    return f"{server}/{exam}/{session}/{device}"


def only_signed_by(note: Note, keys: Sequence[VerifierKey]) -> None:
    """Refuse a note that bears other lines than one by each key, in this order.

    A stranger's line proves nothing, and room for one is room to smuggle bytes in.

    Raises:
        BadSignature: The lines differ.
    """
    if [line.key_id for line in note.signatures] != [key.key_id for key in keys]:
        raise BadSignature("signature lines are not those expected")


def _refuse_other_spellings(signature: bytes) -> None:
    """Refuse a P-256 signature that is not spelt in the one way: DER, and the lower of two s.

    Raises:
        ValueError: It is.
    """
    r, s = decode_dss_signature(signature)
    if 2 * s > _P256_ORDER or encode_dss_signature(r, s) != signature:
        raise ValueError("a signature that could be spelt otherwise")


def _timed(text: bytes, at_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%s" % (at_s, text)


def _signature_line(line: bytes) -> SignatureLine:
    found = _LINE.fullmatch(line)
    raw = _unbase64(found[2]) if found else b""
    if found is None or len(raw) <= _KEY_ID_BYTES:
        raise MalformedNote("a signature line is dash, name and base64")
    return SignatureLine(found[1].decode(), raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _unbase64(text: bytes) -> bytes:
    """Decode base64 that has one spelling only: the decoder alone ignores stray low bits."""
    try:
        raw = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MalformedNote("not base64") from None
    if b2a_base64(raw, newline=False) != text:
        raise MalformedNote("not canonical base64")
    return raw
