"""One small but complete exam day as bytes, from fixed seeds: what the evidence tests take apart.

Two devices, one picture held, one erased, one that never arrived. `Day` is the honest server; its
parts can be changed before `bundle()` signs them, which is what a lying server does. `rezip` is
someone who holds a bundle and no key.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proctor.evidence.bundle import BLOBS, SEAL, Facts, pack, seal_text, unpack
from proctor.evidence.note import (
    Checkpoint,
    KeyKind,
    Note,
    SignatureLine,
    SigningKey,
    VerifierKey,
    cosignature,
    origin_of,
    sign_checkpoint,
    sign_statement,
)
from proctor.evidence.record import SERVER_DEVICE, BlobRef, Kind, encode
from proctor.evidence.tree import Frontier, leaf_hash, root_of

SERVER = "proctor.example"
EXAM = "sds-2026"
SESSION = "s_7Q2M"
DESK, PHONE = "d_desk1", "d_phone"
START_MS = 1_795_284_000_000
POLICY = b'{"id":"mitx-sds-capstone","schema":1}\n'
FACE, DOCUMENT, SHEET = b"\xff\xd8 the face", b"\xff\xd8 the document", b"\xff\xd8 the sheet"


def key_of(name: str, kind: KeyKind = KeyKind.ED25519, *, seed: str = "") -> SigningKey:
    """Return the key that everyone who runs the vectors has for a name. No secret is in it."""
    secret = sha256(b"proctor evidence v1: " + (seed or name).encode()).digest()
    return SigningKey.from_seed(name, kind, secret)


class P256Key:
    """A device's key of P-256, as a browser without Ed25519 has one; the same for everyone."""

    def __init__(self, name: str) -> None:
        secret = sha256(b"proctor evidence v1, P-256: " + name.encode()).digest()
        self._private = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        spki = self._private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.verifier = VerifierKey(name, KeyKind.P256, spki)

    def numbers(self, message: bytes) -> tuple[int, int]:
        """Return r and the lower s of a signature, by RFC 6979 the same each time."""
        how = ec.ECDSA(SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._private.sign(message, how))
        return r, min(s, P256_ORDER - s)

    def sign(self, message: bytes) -> bytes:
        return encode_dss_signature(*self.numbers(message))

    def note(self, checkpoint: Checkpoint) -> bytes:
        """Return a checkpoint's note, signed."""
        text = checkpoint.text()
        line = SignatureLine(self.verifier.name, self.verifier.key_id, self.sign(text))
        return Note(text, (line,)).encode()


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SERVER_KEY = key_of(SERVER, KeyKind.COSIGNATURE)
DESK_KEY, PHONE_KEY = key_of(DESK), key_of(PHONE)
OLD_KEY = P256Key("d_old")


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def origin(device: str, *, session: str = SESSION) -> str:
    return origin_of(server=SERVER, exam=EXAM, session=session, device=device)


def line_of(
    seq: int,
    kind: Kind = Kind.FOCUS,
    *,
    device: str = DESK,
    session: str = SESSION,
    blob: BlobRef | None = None,
    **facts: Any,
) -> bytes:
    """Return a record whose time follows from its place."""
    return encode(
        session=session,
        device=device,
        seq=seq,
        at_ms=START_MS + 1000 * seq,
        kind=kind,
        facts=facts,
        blob=blob,
    )


def checkpoint_of(lines: list[bytes], *, device: str = DESK) -> Checkpoint:
    return Checkpoint(origin(device), len(lines), root_of([leaf_hash(line) for line in lines]))


def frontier_of(lines: Iterable[bytes]) -> Frontier:
    return Frontier().extended(leaf_hash(line) for line in lines)


@dataclass
class Day:
    """A session's logs while they are written, and the bundle made of them."""

    keys: dict[str, SigningKey] = field(default_factory=lambda: {DESK: DESK_KEY, PHONE: PHONE_KEY})
    server_key: SigningKey = SERVER_KEY
    session: str = SESSION
    logs: dict[str, list[bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    policy: bytes = POLICY
    erased: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def write(
        self, device: str, kind: Kind, *, picture: bytes | None = None, **facts: Any
    ) -> bytes:
        """Append a record and return its line. The picture is not yet held."""
        blob = None
        if picture is not None:
            blob = BlobRef(digest_of(picture), "image/jpeg", len(picture))
        log = self.logs.setdefault(device, [])
        line = line_of(len(log), kind, device=device, session=self.session, blob=blob, **facts)
        log.append(line)
        return line

    def beat(self, device: str) -> bytes:
        server_log = self.logs[SERVER_DEVICE]
        root = root_of([leaf_hash(line) for line in server_log]).hex()
        return self.write(device, Kind.BEAT, size=len(server_log), root=root)

    def hold(self, picture: bytes) -> None:
        self.blobs[digest_of(picture)] = picture

    def facts(self) -> Facts:
        return Facts(
            v=1,
            server=SERVER,
            server_key=self.server_key.verifier.encode(),
            exam=EXAM,
            exam_sha256=digest_of(b"the exam"),
            policy_sha256=digest_of(self.policy),
            session=self.session,
            learner="Ada Löwe",
            devices={device: key.verifier.encode() for device, key in self.keys.items()},
            erased=tuple(self.erased),
            missing=tuple(self.missing),
            exported_at_ms=START_MS + 90_000,
        )

    def note(self, device: str) -> bytes:
        """Return the signed checkpoint of a log: of a device's, the last receipt."""
        lines = self.logs[device]
        root = root_of([leaf_hash(line) for line in lines])
        checkpoint = Checkpoint(origin(device, session=self.session), len(lines), root)
        at_s = START_MS // 1000 + 60
        if device == SERVER_DEVICE:
            return sign_statement(checkpoint.text(), key=self.server_key, at_s=at_s)
        note = Note.parse(sign_checkpoint(checkpoint, self.keys[device]))
        line = cosignature(note.text, key=self.server_key, at_s=at_s)
        return Note(note.text, (*note.signatures, line)).encode()

    def members(self) -> dict[str, bytes]:
        """Return what `pack` is given: all but session.json and the seal."""
        members = {"policy.json": self.policy}
        for device in (SERVER_DEVICE, *self.keys):
            log = b"".join(line + b"\n" for line in self.logs[device])
            members[f"logs/{device}.jsonl"] = log
            members[f"logs/{device}.checkpoint"] = self.note(device)
        return members | {f"blobs/{digest}": blob for digest, blob in self.blobs.items()}

    def bundle(self, *, members: Mapping[str, bytes] | None = None, **lies: Any) -> bytes:
        """Return the sealed file, with other members or facts than the true ones where given."""
        return b"".join(
            pack(
                (self.members() if members is None else members).items(),
                facts=replace(self.facts(), **lies),
                key=self.server_key,
                at_s=START_MS // 1000 + 90,
            )
        )


def begin(session: str = SESSION, server_key: SigningKey = SERVER_KEY) -> Day:
    """Return the day up to where the devices have said hello."""
    day = Day(server_key=server_key, session=session)
    day.write(
        SERVER_DEVICE,
        Kind.OPENED,
        exam=EXAM,
        exam_sha256=digest_of(b"the exam"),
        policy_sha256=digest_of(POLICY),
        in_order=True,
    )
    for device, key in day.keys.items():
        encoded = key.verifier.encode()
        form = "phone" if device == PHONE else "desktop"
        day.write(SERVER_DEVICE, Kind.DEVICE, id=device, key=encoded, device_kind=form)
        day.write(device, Kind.HELLO, key=encoded, policy_sha256=digest_of(POLICY))
    return day


def full_day(session: str = SESSION, server_key: SigningKey = SERVER_KEY) -> Day:
    """Return a whole day: every kind of record that verification looks into."""
    day = begin(session, server_key)
    day.write(DESK, Kind.SNAPSHOT, picture=FACE, purpose="face")
    day.write(DESK, Kind.SNAPSHOT, picture=DOCUMENT, purpose="document")
    day.beat(DESK)
    day.write(SERVER_DEVICE, Kind.SECTION, event="opened", section="part-a", by="learner")
    day.beat(PHONE)
    day.write(PHONE, Kind.SNAPSHOT, picture=SHEET, purpose="periodic")
    first = day.write(DESK, Kind.ANSWER, section="part-a", item="q1", response=["a"])
    second = day.write(
        DESK, Kind.ANSWER, section="part-a", item="q2", response="3,14 \u2248 \u03c0"
    )
    day.beat(DESK)
    day.write(
        DESK,
        Kind.SUBMISSION,
        answers=[
            {"item": "q1", "seq": 4, "sha256": digest_of(first)},
            {"item": "q2", "seq": 5, "sha256": digest_of(second)},
        ],
    )
    day.write(
        SERVER_DEVICE,
        Kind.FLAG,
        flag="f1",
        rule="second-person",
        policy_sha256=digest_of(POLICY),
        snapshots=[{"device": DESK, "seq": 1, "sha256": digest_of(FACE)}],
    )
    day.write(
        SERVER_DEVICE,
        Kind.VERDICT,
        by="p_lin",
        outcome="clear",
        reasons="A poster on the wall.",
        flags=[{"flag": "f1", "outcome": "not-upheld"}],
    )
    day.write(SERVER_DEVICE, Kind.FORK, notes=forked_notes(day))
    day.write(SERVER_DEVICE, Kind.ERASED, sha256=[digest_of(DOCUMENT)], why="30 days are over")
    day.hold(FACE)
    day.erased.append(digest_of(DOCUMENT))
    day.missing.append(digest_of(SHEET))
    return day


def forked_notes(day: Day) -> list[str]:
    """Return two histories of one size that the phone signed."""
    root = root_of([leaf_hash(line) for line in day.logs[PHONE]])
    size, at = len(day.logs[PHONE]), origin(PHONE, session=day.session)
    return [
        sign_checkpoint(Checkpoint(at, size, each), day.keys[PHONE]).decode()
        for each in (root, sha256(b"another history").digest())
    ]


def members_of(bundle: bytes) -> list[tuple[str, bytes]]:
    """Return names and contents as any zip program reads them."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        return [(info.filename, zipped.read(info)) for info in zipped.infolist()]


def rezip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Zip members with the very headers a bundle has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, data in members:
            info = zipfile.ZipInfo(name)  # 1 January 1980, stored, version 2.0
            info.create_system, info.external_attr = 3, 0o100644 << 16
            zipped.writestr(info, data)
    return out.getvalue()


def plain_zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Zip members as Python does when nobody asks for anything."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, data in members:
            zipped.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def reseal(members: Iterable[tuple[str, bytes]], *, facts: Facts, key: SigningKey) -> bytes:
    """Return the members, whatever they are, under a seal for these facts by this key."""
    inside = [(name, data) for name, data in members if name != SEAL]
    digests = [(digest_of(data), name) for name, data in inside if not name.startswith(BLOBS)]
    directory = unpack(memoryview(rezip([*inside, (SEAL, b"")]))).directory_sha256
    text = seal_text(facts, count=len(inside), directory=directory, digests=digests)
    return rezip([*inside, (SEAL, sign_statement(text, key=key, at_s=START_MS // 1000 + 90))])


def json_of(facts: Facts) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(facts.encode())
    return fields
