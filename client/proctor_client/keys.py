"""The key that signs for this computer in one session: in the system's keyring, or a 0600 file.

`device.json` names the device and says where its key is; only if there is no working keyring does
the secret stand in it. What such a key proves, and what not, is in docs/THREAT_MODEL.md.
"""

import json
import os
import secrets
from base64 import b32encode, b64decode, b64encode
from pathlib import Path

import keyring

from proctor.evidence.note import KeyKind, SigningKey
from proctor_client.errors import KeyMissing, SpoolDamaged
from proctor_client.files import write_secret

_FILE = "device.json"
_SERVICE = "proctor-client"
_ID_CHARS = 10


def keyring_wanted() -> bool:
    """Tell whether the keyring may be used: PROCTOR_CLIENT_KEYRING=off forbids it."""
    return os.environ.get("PROCTOR_CLIENT_KEYRING", "").casefold() != "off"


def device_key(folder: Path, *, use_keyring: bool) -> SigningKey:
    """Return this session's key, made on the first call. Its name is the device's id.

    Args:
        folder: The session's; must exist.
        use_keyring: Whether a new key may go there. Where an old one is, its file says.

    Raises:
        KeyMissing: It was put into the keyring, which does not give it back.
        SpoolDamaged: `device.json` is not what was written.
    """
    path = folder / _FILE
    if path.exists():
        return _load(path)
    device = "d_" + b32encode(secrets.token_bytes(_ID_CHARS)).decode().lower()[:_ID_CHARS]
    key = SigningKey.generate(device, KeyKind.ED25519)
    secret = b64encode(key.seed()).decode()
    kept = use_keyring and _to_keyring(device, secret)
    write_secret(path, json.dumps({"device": device, "key": None if kept else secret}).encode())
    return key


def _load(path: Path) -> SigningKey:
    try:
        found = json.loads(path.read_bytes())
        device, secret = str(found["device"]), found["key"]
    except (ValueError, TypeError, KeyError):
        raise SpoolDamaged(_FILE) from None
    if secret is None:
        secret = _from_keyring(device)
    try:
        return SigningKey.from_seed(device, KeyKind.ED25519, b64decode(secret, validate=True))
    except ValueError:
        raise SpoolDamaged(_FILE) from None


def _to_keyring(device: str, secret: str) -> bool:
    try:
        if keyring.get_keyring().priority <= 0:  # the backends that keep nothing
            return False
        keyring.set_password(_SERVICE, device, secret)
        return keyring.get_password(_SERVICE, device) == secret
    except Exception:  # noqa: BLE001 - backends raise what their desktop raises; a file will do
        return False


def _from_keyring(device: str) -> str:
    try:
        secret = keyring.get_password(_SERVICE, device)
    except Exception:  # noqa: BLE001 - as above, but now there is no other place
        raise KeyMissing(device) from None
    if secret is None:
        raise KeyMissing(device)
    return secret
