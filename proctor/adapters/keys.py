"""The server's secrets, each in a file that only its owner can read.

    keys/signing        32-byte seed of the key that cosigns
    keys/master         32-byte key under which each session's key is wrapped

Made at first start and never overwritten. Who loses `master` loses every picture; who loses
`signing` can give no receipt that fits the published key.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from proctor.evidence.note import KeyKind, SigningKey

SECRET_BYTES = 32
NONCE_BYTES = 12


# Before every document's hash. Without it, 32 bytes long, one is of issuer and number, as versions
# before made it: an issuer that was misread made two of one document.
DOCUMENT_HASH = b"\2"
DOCUMENT_HASH_BYTES_BEFORE = 32


class KeyFileUnsafe(Exception):
    """A secret's file can be read by others, or is no secret."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


@dataclass(frozen=True)
class Keys:
    """What the server signs with, and what it wraps session keys with."""

    signing: SigningKey
    master: bytes

    def wrap(self, session_id: str, key: bytes) -> bytes:
        """Return a session's key, encrypted for the database."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.master).encrypt(nonce, key, session_id.encode())

    def document_hash(self, programme: str, document: str) -> bytes:
        """Return what tells a document from others as bytes that only this server can make.

        `DOCUMENT_HASH` and HMAC-SHA-256, 33 bytes, under a key of the programme's own, so that the
        same document in two programmes leaves nothing in common. Numbers are few enough to be
        tried out one by one: who has the master key can.

        Args:
            programme: The exam's.
            document: `Mrz.document`.
        """
        purpose = b"proctor document number\0" + programme.encode()
        key = HKDFExpand(hashes.SHA256(), SECRET_BYTES, purpose).derive(self.master)
        return DOCUMENT_HASH + hmac.digest(key, document.encode(), "sha256")

    def ticket_key(self) -> bytes:
        """Return the 32 bytes that tickets for looks at pictures are signed under."""
        purpose = b"proctor look tickets"
        return HKDFExpand(hashes.SHA256(), SECRET_BYTES, purpose).derive(self.master)

    def unwrap(self, session_id: str, wrapped: bytes) -> bytes:
        """Return the session's key that `wrap` encrypted.

        Raises:
            KeyFileUnsafe: Wrapped under another master key, or for another session.
        """
        nonce, rest = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return AESGCM(self.master).decrypt(nonce, rest, session_id.encode())
        except InvalidTag:
            why = "it is not the master key that this folder's sessions were stored under"
            raise KeyFileUnsafe(Path("keys/master"), why) from None


def new_session_key() -> bytes:
    """Return a fresh AES-256 key."""
    return secrets.token_bytes(SECRET_BYTES)


def load(folder: Path, *, server: str) -> Keys:
    """Return the keys in `folder`, making those that are not there yet.

    Args:
        folder: Made with mode 0700 if need be.
        server: The name the server signs under.

    Raises:
        KeyFileUnsafe: A file can be read by others, or has another length.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    seed = _secret(folder / "signing", secrets.token_bytes)
    master = _secret(folder / "master", secrets.token_bytes)
    return Keys(SigningKey.from_seed(server, KeyKind.COSIGNATURE, seed), master)


def _secret(path: Path, make: Callable[[int], bytes]) -> bytes:
    if not path.exists():
        _write_once(path, make(SECRET_BYTES))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeyFileUnsafe(path, f"others can read it; run: chmod 600 {path}")
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise KeyFileUnsafe(path, f"{len(secret)} bytes are no secret; restore it from a backup")
    return secret


def _write_once(path: Path, secret: bytes) -> None:
    """Write a secret so that a crash leaves it whole or not at all, and never overwrite one."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        opened = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(opened, secret)
            os.fsync(opened)
        finally:
            os.close(opened)
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first: its secret is the one
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
