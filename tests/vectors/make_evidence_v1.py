"""Make tests/vectors/evidence-v1: what Python and TypeScript must agree on, byte for byte.

    python -m tests.vectors.make_evidence_v1        writes the files, and the samples in the spec

Every key grows from a fixed seed (`tests.evidence.building.key_of`), so the files come out the same
each time. docs/spec/evidence-v1.md says what the fields mean.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from proctor.evidence.batch import MAX_RECORDS, join
from proctor.evidence.bundle import SEAL
from proctor.evidence.bundle import SESSION as SESSION_JSON
from proctor.evidence.note import (
    Checkpoint,
    KeyKind,
    Note,
    SignatureLine,
    SigningKey,
    cosignature,
    sign_checkpoint,
    sign_statement,
)
from proctor.evidence.record import MAX_BLOB_BYTES, MAX_RECORD_BYTES, SERVER_DEVICE, BlobRef, Kind
from proctor.evidence.record import parse as parse_record
from proctor.evidence.tree import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from tests.evidence.building import (
    DESK,
    DESK_KEY,
    DOCUMENT,
    FACE,
    OLD_KEY,
    P256_ORDER,
    PHONE,
    PHONE_KEY,
    SERVER,
    SERVER_KEY,
    SESSION,
    SHEET,
    START_MS,
    Day,
    begin,
    checkpoint_of,
    digest_of,
    forked_notes,
    frontier_of,
    full_day,
    json_of,
    key_of,
    line_of,
    members_of,
    origin,
    plain_zip,
    reseal,
    rezip,
)

FOLDER = Path(__file__).parent / "evidence-v1"
SPEC = Path(__file__).parents[2] / "docs" / "spec" / "evidence-v1.md"
SAMPLE = re.compile(r"(<!-- sample: ([a-z-]+) -->\n```\w*\n)(.*?)(```\n)", re.DOTALL)
Case = dict[str, Any]

CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# golang.org/x/mod/sumdb/note: a published key, and a note it signed.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def files() -> dict[str, str]:
    """Return each file's name and text."""
    topics: Mapping[str, Callable[[], Iterator[Case]]] = {
        "tree": tree_cases,
        "note": note_cases,
        "record": record_cases,
        "batch": batch_cases,
        "bundle": bundle_cases,
    }
    return {
        f"{topic}.json": json.dumps(list(cases()), indent=1, ensure_ascii=False) + "\n"
        for topic, cases in topics.items()
    }


def flipped(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def good(name: str, **fields: Any) -> Case:
    return {"name": name, "accept": True, **fields}


def bad(name: str, error: str, **fields: Any) -> Case:
    return {"name": name, "accept": False, "error": error, **fields}


# -- tree --


def tree_cases() -> Iterator[Case]:
    for size, root in enumerate(CT_ROOTS):
        name = f"the published root of {size} leaves"
        yield good(name, check="root", leaves=CT_LEAVES[:size], root=root)
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]

    def inclusion(index: int, size: int, /, **changed: Any) -> Case:
        return {
            "check": "inclusion",
            "leaf_hash": leaves[index].hex(),
            "index": index,
            "size": size,
            "root": CT_ROOTS[size],
            "proof": hexes(inclusion_proof(leaves[:size], index)),
        } | changed

    def consistency(old_size: int, size: int, /, **changed: Any) -> Case:
        return {
            "check": "consistency",
            "old_size": old_size,
            "old_root": CT_ROOTS[old_size],
            "size": size,
            "root": CT_ROOTS[size],
            "proof": hexes(consistency_proof(leaves[:size], old_size)),
        } | changed

    for index, size in [(0, 1), (0, 8), (5, 8), (2, 3), (6, 7)]:
        yield good(f"leaf {index} of {size}", **inclusion(index, size))
    for old_size, size in [(1, 1), (1, 8), (6, 8), (2, 5), (4, 8), (6, 7), (8, 8)]:
        yield good(f"{old_size} grew into {size}", **consistency(old_size, size))

    no = "inconsistent"
    steps = inclusion_proof(leaves, 5)
    yield bad("a flipped byte in a proof", no, **inclusion(5, 8, proof=broken(steps)))
    yield bad("a proof cut short", no, **inclusion(5, 8, proof=hexes(steps[:-1])))
    yield bad("a proof too long", no, **inclusion(5, 8, proof=hexes([*steps, leaves[0]])))
    yield bad("no proof", no, **inclusion(5, 8, proof=[]))
    yield bad("a proof in another order", no, **inclusion(5, 8, proof=hexes(steps[::-1])))
    yield bad("a byte moved between two hashes", no, **inclusion(5, 8, proof=moved(steps)))
    yield bad("another leaf", no, **inclusion(5, 8, leaf_hash=leaves[4].hex()))
    yield bad("another place", no, **inclusion(5, 8, index=4))
    yield bad("a place behind the last", no, **inclusion(5, 8, index=8))
    yield bad("a place before the first", no, **inclusion(5, 8, index=-1))
    yield bad("another tree's root", no, **inclusion(5, 8, root=CT_ROOTS[7]))
    yield bad("a leaf of an empty tree", no, **inclusion(0, 1, size=0, root=CT_ROOTS[0]))

    steps = consistency_proof(leaves, 6)
    yield bad("a shrunk tree", no, **consistency(6, 8, old_size=8, size=6))
    yield bad("a tree grown from nothing", no, **consistency(6, 8, old_size=0))
    yield bad("another past", no, **consistency(6, 8, old_root=CT_ROOTS[5]))
    yield bad("another present", no, **consistency(6, 8, root=CT_ROOTS[7]))
    yield bad("two roots of one size", no, **consistency(8, 8, old_root=CT_ROOTS[7]))
    yield bad("a proof where none is needed", no, **consistency(8, 8, proof=hexes(steps)))
    yield bad("a flipped byte in a growth", no, **consistency(6, 8, proof=broken(steps)))
    yield bad("a growth cut short", no, **consistency(6, 8, proof=hexes(steps[:-1])))
    yield bad("a growth too long", no, **consistency(6, 8, proof=hexes([*steps, leaves[0]])))
    yield bad("a growth without a proof", no, **consistency(6, 8, proof=[]))
    yield bad("growth from a perfect tree without a proof", no, **consistency(4, 8, proof=[]))
    yield bad("a byte moved between two hashes of a growth", no,
              **consistency(6, 8, proof=moved(steps)))  # fmt: skip


def hexes(hashes: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def broken(hashes: Sequence[bytes]) -> list[str]:
    return hexes([flipped(hashes[0], 0), *hashes[1:]])


def moved(hashes: Sequence[bytes]) -> list[str]:
    first, second, *rest = hashes
    return hexes([first[:-1], first[-1:] + second, *rest])


# -- note --

# A point of order 8.
WEAK_POINT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")

AT_S = START_MS // 1000 + 60
CHECKPOINT = Checkpoint(origin(DESK), 42, sha256(b"root").digest())
OTHER_CHECKPOINT = Checkpoint(origin(DESK), 42, sha256(b"other root").digest())


def receipt(device_note: bytes, *keys: SigningKey, at_s: int = AT_S) -> bytes:
    note = Note.parse(device_note)
    lines = [cosignature(note.text, key=key, at_s=at_s) for key in keys]
    return Note(note.text, (*note.signatures, *lines)).encode()


def note_cases() -> Iterator[Case]:
    signed = sign_checkpoint(CHECKPOINT, DESK_KEY)
    vkey, server_vkey = DESK_KEY.verifier.encode(), SERVER_KEY.verifier.encode()
    as_desk = {"check": "checkpoint", "vkey": vkey, "origin": CHECKPOINT.origin}
    as_receipt = {"check": "receipt", "vkey": vkey, "server_vkey": server_vkey} | {
        "origin": CHECKPOINT.origin
    }
    says = {"size": 42, "root": CHECKPOINT.root.hex()}
    yield good(
        "a published key", check="key", vkey=GO_KEY, key_id="c74f20a3", key_name="PeterNeumann"
    )
    yield good(
        "a device's key",
        check="key",
        vkey=vkey,
        key_id=DESK_KEY.verifier.key_id.hex(),
        key_name=DESK,
    )
    yield good(
        "a server's key",
        check="key",
        vkey=server_vkey,
        key_id=SERVER_KEY.verifier.key_id.hex(),
        key_name=SERVER,
    )
    old_vkey = OLD_KEY.verifier.encode()
    as_old = {"check": "checkpoint", "vkey": old_vkey, "origin": CHECKPOINT.origin}
    yield good(
        "a device's key of P-256",
        check="key",
        vkey=old_vkey,
        key_id=OLD_KEY.verifier.key_id.hex(),
        key_name=OLD_KEY.verifier.name,
    )
    by_old = OLD_KEY.note(CHECKPOINT)
    yield good("a checkpoint signed with P-256", **as_old, note=by_old.decode(), **says)
    yield good("a published note", check="signature", vkey=GO_KEY, note=GO_NOTE)
    yield good("a device's checkpoint", **as_desk, note=signed.decode(), **says)
    yield good(
        "a checkpoint with a stranger's line",
        **as_desk,
        note=receipt(signed, SERVER_KEY).decode(),
        **says,
    )
    whole = receipt(signed, SERVER_KEY)
    yield good("a receipt", **as_receipt, note=whole.decode(), **says, at_s=AT_S)
    empty = sign_checkpoint(Checkpoint(origin(DESK), 0, EMPTY_ROOT), DESK_KEY)
    yield good(
        "a checkpoint of nothing", **as_desk, note=empty.decode(), size=0, root=EMPTY_ROOT.hex()
    )
    other = sign_checkpoint(OTHER_CHECKPOINT, DESK_KEY)
    longer = sign_checkpoint(Checkpoint(origin(DESK), 43, OTHER_CHECKPOINT.root), DESK_KEY)
    as_pair = {"check": "fork", "vkey": vkey, "origin": CHECKPOINT.origin}
    yield good("a checkpoint signed again", **as_pair, notes=[signed.decode(), signed.decode()])
    yield good("a log that grew", **as_pair, notes=[signed.decode(), longer.decode()])

    yield bad("a fork", "fork", **as_pair, notes=[signed.decode(), other.decode()])
    yield bad(
        "a fork, one side of it cosigned", "fork", **as_pair, notes=[whole.decode(), other.decode()]
    )
    by_phone = sign_checkpoint(OTHER_CHECKPOINT, PHONE_KEY)
    yield bad(
        "a fork that another key made up",
        "bad-signature",
        **as_pair,
        notes=[signed.decode(), by_phone.decode()],
    )

    for name, text in {
        "no key": "",
        "a key whose hash is another name's": vkey.replace(DESK, PHONE),
        "a key without a name": vkey.replace(DESK, ""),
        "a key with a blank in its name": vkey.replace(DESK, "d desk"),
        "a key with a letter beyond ASCII": vkey.replace(DESK, "d_\u00fc"),
        "a key whose hash is in capitals": "+".join(
            part.upper() if at == 1 else part for at, part in enumerate(vkey.split("+", 2))
        ),
        "a key of 31 bytes": key_text(b"\x01" + bytes(31)),
        "a key of an unknown type": key_text(b"\x03" + DESK_KEY.verifier.public),
        "a key of P-256 with an Ed25519 key's bytes": p256_text(DESK_KEY.verifier.public),
        "a key of P-256 that is no point of it": p256_text(flipped(OLD_KEY.verifier.public, -1)),
        "a key of P-256 with a compressed point": p256_text(compressed(OLD_KEY.verifier.public)),
        "a key of P-256 cut short": p256_text(OLD_KEY.verifier.public[:-1]),
        "a key of P-256 with a byte more": p256_text(OLD_KEY.verifier.public + b"\0"),
        "a key of another curve": p256_text(flipped(OLD_KEY.verifier.public, 22)),
        "a key of P-256 whose hash has its name in it": key_text(
            b"\x02" + OLD_KEY.verifier.public, "d_old"
        ),
        "a key of small order: 1": key_text(b"\x01\x01" + bytes(31)),
        "a key of small order: 0": key_text(b"\x01" + bytes(32)),
        "a key of small order: 8": key_text(
            b"\x01" + WEAK_POINT
        ),
        "a key of small order in another spelling": key_text(b"\x01\xee" + b"\xff" * 31),
        "a key with a newline": vkey + "\n",
    }.items():  # fmt: skip
        yield bad(name, "malformed-note", check="key", vkey=text)

    text, _, line = signed.decode().rpartition("\n\n")
    line_b64 = line.split(" ")[2].strip()
    no = "malformed-note"
    for name, note in {
        "nothing": "",
        "no signature": text + "\n\n",
        "no blank line": text + "\n" + line,
        "no newline at the end": signed.decode()[:-1],
        "a blank line at the end": signed.decode() + "\n",
        "a hyphen for the dash": signed.decode().replace("—", "-"),
        "a blank that is another": signed.decode().replace("— ", "—\u00a0"),
        "a plus in the name": signed.decode().replace(f" {DESK} ", " d+desk1 "),
        "base64 without padding": signed.decode().replace("=\n", "\n"),
        "base64 with stray bits": (
            f"{text}\n\n— {DESK} {b64encode(b64decode(line_b64)[:-2]).decode()[:-2]}B=\n"
        ),
        "base64 of the other alphabet": signed.decode().replace(line_b64[:8], "-_-_-_-_"),
        "a carriage return": signed.decode().replace("\n", "\r\n"),
        "a control character": signed.decode().replace("42", "4\u00012"),
        "4,097 bytes": "a" * (4097 - len(signed)) + signed.decode(),
    }.items():  # fmt: skip
        yield bad(f"a note: {name}", no, **as_desk, note=note)
    raw = b64encode(signed.replace(b"42", b"4\xff")).decode()
    yield bad("a note: not UTF-8", no, **as_desk, note_base64=raw)

    root = b64encode(CHECKPOINT.root).decode()
    for name, words in {
        "an extension line": f"{origin(DESK)}\n42\n{root}\nmore\n",
        "no root": f"{origin(DESK)}\n42\n",
        "a zero before the size": f"{origin(DESK)}\n042\n{root}\n",
        "a size over 2^48": f"{origin(DESK)}\n{MAX_SIZE + 1}\n{root}\n",
        "a negative size": f"{origin(DESK)}\n-1\n{root}\n",
        "a root of 31 bytes": f"{origin(DESK)}\n42\n{b64encode(CHECKPOINT.root[1:]).decode()}\n",
        "an origin with a blank": f"proctor example\n42\n{root}\n",
        "no origin": f"\n42\n{root}\n",
        "a byte order mark": f"\ufeff{origin(DESK)}\n42\n{root}\n",
    }.items():  # fmt: skip
        data = words.encode()
        line_ = SignatureLine(DESK, DESK_KEY.verifier.key_id, DESK_KEY.sign(data))
        yield bad(
            f"a signed text: {name}", no, **as_desk, note=Note(data, (line_,)).encode().decode()
        )

    no = "bad-signature"
    yield bad(
        "a flipped byte in the text",
        no,
        **as_desk,
        note=signed.decode().replace("\n42\n", "\n43\n"),
    )
    yield bad(
        "a flipped byte in the signature",
        no,
        **as_desk,
        note=with_signature(flipped(DESK_KEY.sign(CHECKPOINT.text()), 70)),
    )
    yield bad(
        "a signature of 63 bytes",
        no,
        **as_desk,
        note=with_signature(DESK_KEY.sign(CHECKPOINT.text())[:-1]),
    )
    yield bad(
        "a signature whose s is not reduced",
        no,
        **as_desk,
        note=with_signature(unreduced(DESK_KEY.sign(CHECKPOINT.text()))),
    )
    r, low = OLD_KEY.numbers(CHECKPOINT.text())
    for name, signature in {
        "a flipped byte": flipped(OLD_KEY.sign(CHECKPOINT.text()), -1),
        "the higher of two s": encode_dss_signature(r, P256_ORDER - low),
        "its two numbers alone": r.to_bytes(32, "big") + low.to_bytes(32, "big"),
        "a byte more": OLD_KEY.sign(CHECKPOINT.text()) + b"\0",
        "a byte less": OLD_KEY.sign(CHECKPOINT.text())[:-1],
        "a zero before r": longer_der(r, low),
        "nothing but zeros": encode_dss_signature(0, 0),
        "an r beyond the order": encode_dss_signature(r + P256_ORDER, low),
        "another text": OLD_KEY.sign(OTHER_CHECKPOINT.text()),
        "Ed25519": DESK_KEY.sign(CHECKPOINT.text()),
    }.items():
        line_ = SignatureLine(OLD_KEY.verifier.name, OLD_KEY.verifier.key_id, signature)
        note = Note(CHECKPOINT.text(), (line_,)).encode().decode()
        yield bad(f"a signature of P-256: {name}", no, **as_old, note=note)
    yield bad("a wrong key", no, **as_desk, note=sign_checkpoint(CHECKPOINT, PHONE_KEY).decode())
    yield bad(
        "a wrong key under the right name and hash",
        no,
        **as_desk,
        note=with_signature(PHONE_KEY.sign(CHECKPOINT.text())),
    )
    yield bad(
        "a signature of the server's type",
        no,
        **as_desk,
        note=sign_statement(
            CHECKPOINT.text(), key=key_of(DESK, KeyKind.COSIGNATURE), at_s=AT_S
        ).decode(),
    )
    elsewhere = sign_checkpoint(Checkpoint(origin(PHONE), 42, CHECKPOINT.root), DESK_KEY)
    yield bad("a wrong origin", "wrong-origin", **as_desk, note=elsewhere.decode())
    other_session = Checkpoint(origin(DESK, session="s_other"), 42, CHECKPOINT.root)
    yield bad(
        "another session's origin",
        "wrong-origin",
        **as_desk,
        note=sign_checkpoint(other_session, DESK_KEY).decode(),
    )

    attacker = key_of(SERVER, KeyKind.COSIGNATURE, seed="an attacker")
    yield bad("a receipt nobody cosigned", no, **as_receipt, note=signed.decode())
    yield bad(
        "a receipt cosigned by a wrong key",
        no,
        **as_receipt,
        note=receipt(signed, attacker).decode(),
    )
    yield bad(
        "a receipt with a line more",
        no,
        **as_receipt,
        note=receipt(signed, SERVER_KEY, attacker).decode(),
    )
    lines = Note.parse(whole)
    swapped = Note(lines.text, lines.signatures[::-1]).encode()
    yield bad("a receipt with its lines swapped", no, **as_receipt, note=swapped.decode())
    first, second = lines.signatures
    later = SignatureLine(
        second.name, second.key_id, (AT_S + 1).to_bytes(8, "big") + second.signature[8:]
    )
    yield bad(
        "a receipt moved in time",
        no,
        **as_receipt,
        note=Note(lines.text, (first, later)).encode().decode(),
    )
    beyond = 2**63
    raw_signature = SERVER_KEY.sign(b"cosignature/v1\ntime %d\n%s" % (beyond, lines.text))
    too_late = SignatureLine(second.name, second.key_id, beyond.to_bytes(8, "big") + raw_signature)
    yield bad(
        "a receipt of a time beyond 2^63 - 1",
        no,
        **as_receipt,
        note=Note(lines.text, (first, too_late)).encode().decode(),
    )


def key_text(raw: bytes, name: str = DESK) -> str:
    """Return a key whose hash is right, whatever its bytes are."""
    key_id = sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return f"{name}+{key_id}+{b64encode(raw).decode()}"


def p256_text(raw: bytes) -> str:
    """Return a key of type 0x02 whose hash is right, whatever its bytes are."""
    return f"d_old+{sha256(raw).hexdigest()[:8]}+{b64encode(bytes([2]) + raw).decode()}"


def compressed(spki: bytes) -> bytes:
    """Return the other spelling of a P-256 key: its point's x, and of its y the last bit."""
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return head + bytes([2 + spki[-1] % 2]) + spki[27:59]


def longer_der(r: int, s: int) -> bytes:
    """Return a signature whose r has a zero that DER does not allow."""
    first, second = (b"\0" + n.to_bytes(32, "big") for n in (r, s))
    if r >> 255:
        first = b"\0" + first
    second = second if s >> 255 else second[1:]
    body = b"".join(bytes([2, len(part)]) + part for part in (first, second))
    return bytes([0x30, len(body)]) + body


def with_signature(signature: bytes) -> str:
    line = SignatureLine(DESK, DESK_KEY.verifier.key_id, signature)
    return Note(CHECKPOINT.text(), (line,)).encode().decode()


def unreduced(signature: bytes) -> bytes:
    """Add the group's order to s: the same equation holds, but RFC 8032 refuses it."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + s.to_bytes(32, "little")


# -- record --

HEAD = '{"v":1,"session":"s_7Q2M","device":"d_desk1","seq":41,"at_ms":1795284000123,"kind":"answer"'
PICTURE = digest_of(b"picture")
BLOB = f',"blob":{{"sha256":"{PICTURE}","type":"image/jpeg","size":7}}'


def record_cases() -> Iterator[Case]:
    place = {"session": SESSION, "device": DESK, "seq": 41}

    def parsed(name: str, line: str, **where: Any) -> Case:
        record = parse_record(line.encode())
        blob = record.blob and record.blob._asdict()
        says = {"at_ms": record.at_ms, "kind": str(record.kind), "blob": blob}
        return good(name, line=line, **(place | where), **says, facts=dict(record.facts))

    yield parsed("a record without facts", HEAD + "}")
    yield parsed("a record with facts", HEAD + ',"section":"part-a","item":"q1","response":["a"]}')
    yield parsed("a record with a blob", HEAD.replace("answer", "snapshot") + BLOB + "}")
    yield parsed("a blob and facts", HEAD.replace("answer", "snapshot") + BLOB + ',"width":640}')
    yield parsed("blanks between facts", HEAD + ', "item" :\t"q1" }')
    yield parsed("letters of many scripts", HEAD + ',"response":"π ≈ 3,14 日本 😀"}')
    yield parsed("an escaped surrogate pair", HEAD + ',"response":"\\ud83d\\ude00"}')
    yield parsed("a line separator that is no newline", HEAD + ',"response":"a\u2028b\u0085c"}')
    yield parsed("the largest numbers", HEAD + ',"x":[9007199254740991,-9007199254740991,0.5]}')
    yield parsed("32 deep", HEAD + ',"x":' + "[" * 31 + "]" * 31 + "}")
    yield parsed("a head's key further down", HEAD + ',"x":{"seq":1}}')
    yield parsed("a key that a language keeps for itself", HEAD + ',"__proto__":{"toString":1}}')
    yield parsed("brackets in a string", HEAD + ',"x":"' + "[{" * 40 + '"}')
    server = HEAD.replace("d_desk1", "server").replace("answer", "opened")
    yield parsed("a server's record", server + "}", device=SERVER_DEVICE)
    runs = [[HEAD + ',"x":"', 1], ["a", MAX_RECORD_BYTES - len(HEAD) - 8], ['"}', 1]]
    yield good("64 KiB", line_runs=runs, **place, at_ms=1795284000123, kind="answer", blob=None)

    no = "malformed-record"
    over = [runs[0], ["a", MAX_RECORD_BYTES - len(HEAD) - 7], runs[2]]
    yield bad("64 KiB + 1", no, line_runs=over, **place)
    yield bad(
        "30,000 deep",
        no,
        line_runs=[[HEAD + ',"x":', 1], ["[", 30000], ["]", 30000], ["}", 1]],
        **place,
    )
    for name, tail in {
        "cut": "",
        "a newline in a string": ',"response":"a\nb"}',
        "a newline between facts": ',\n"item":"q1"}',
        "a newline behind": "}\n",
        "a carriage return behind": "}\r",
        "a blank behind": "} ",
        "a second object": "}{}",
        "a comma and no key": ",}",
        "a comma, a blank and no key": ", }",
        "a comma at the end": ',"x":1,}',
        "a key twice": ',"x":1,"x":2}',
        "a key twice, once escaped, further down": ',"x":{"y":1,"\\u0079":2}}',
        "a key of the head twice": ',"seq":42}',
        "a key of the head twice, once escaped": ',"\\u0073eq":42}',
        "a blob behind the facts": ',"x":1,"blob":null}',
        "a blob twice": BLOB + BLOB + "}",
        "not a number": ',"x":NaN}',
        "infinity": ',"x":-Infinity}',
        "infinity by its size": ',"x":1e999}',
        "an integer that readers round": ',"x":9007199254740992}',
        "a number beyond the integers": ',"x":1e300}',
        "a zero before a number": ',"x":01}',
        "half a surrogate pair": ',"x":"\\ud800"}',
        "half a surrogate pair in a key": ',"\\udc00":1}',
        "a tab in a string": ',"x":"\t"}',
        "single quotes": ",'x':1}",
        "a comment": ',"x":1/*2*/}',
        "33 deep": ',"x":' + "[" * 32 + "]" * 32 + "}",
        "a blob over 4 MiB": BLOB.replace("7}", f"{MAX_BLOB_BYTES + 1}}}") + "}",
        "a blob with a digest in capitals": BLOB.replace("2cea", "2CEA") + "}",
        "a blob without a media type": BLOB.replace("image/jpeg", "image") + "}",
        "a blob's keys in another order": (
            f',"blob":{{"size":7,"type":"image/jpeg","sha256":"{PICTURE}"}}}}'
        ),
    }.items():
        yield bad(name, no, line=HEAD + tail, **place)
    for name, (old, new) in {
        "version 2": ('"v":1', '"v":2'),
        "version 1.0": ('"v":1', '"v":1.0'),
        "another order in the head": ('"v":1,"session":"s_7Q2M"', '"session":"s_7Q2M","v":1'),
        "a blank in the head": ('"v":1', '"v": 1'),
        "a blank before": ("{", " {"),
        "a byte order mark": ("{", "\ufeff{"),
        "an escape in the head": ("answer", "\\u0061nswer"),
        "a session with a slash": ("s_7Q2M", "s/7Q2M"),
        "a device of 65 characters": ("d_desk1", "d" * 65),
        "a device that writes as the server": ("d_desk1", "server"),
        "a device that gives a verdict": ("answer", "verdict"),
        "an unknown kind": ("answer", "gaze"),
        "a negative place": (":41", ":-1"),
        "a zero before the place": (":41", ":041"),
        "a place beyond exact numbers": (":41", ":9007199254740992"),
        "a time with a fraction": ("0123", "0123.5"),
    }.items():
        yield bad(name, no, line=HEAD.replace(old, new, 1) + "}", **place)
    yield bad("not UTF-8", no, line_base64=b64(HEAD.encode() + b',"x":"\xff"}'), **place)
    surrogate = HEAD.encode() + b',"x":"\xed\xa0\x80"}'
    yield bad("a surrogate in UTF-8", no, line_base64=b64(surrogate), **place)

    no = "out-of-place"
    yield bad("another session's record", no, line=HEAD + "}", **(place | {"session": "s_other"}))
    yield bad("another device's record", no, line=HEAD + "}", **(place | {"device": PHONE}))
    yield bad("a record of another place", no, line=HEAD + "}", **(place | {"seq": 40}))


def b64(data: bytes) -> str:
    return b64encode(data).decode()


# -- batch --

LINES = [
    line_of(0, Kind.HELLO),
    line_of(1, Kind.SNAPSHOT, blob=BlobRef(digest_of(FACE), "image/jpeg", len(FACE))),
    line_of(2, Kind.ANSWER, item="q1", response="a"),
]


def batch_cases() -> Iterator[Case]:
    before = frontier_of(LINES[:1])
    note = sign_checkpoint(checkpoint_of(LINES), DESK_KEY)
    later = LINES[1:]

    def sent(message: bytes, edge: Frontier = before, owed: Mapping[str, int] = {}) -> Case:
        return {
            "message_base64": b64(message),
            "session": SESSION,
            "device": DESK,
            "origin": origin(DESK),
            "vkey": DESK_KEY.verifier.encode(),
            "before": {"size": edge.size, "edge": edge.to_bytes().hex()},
            "owed": dict(owed),
        }

    def signed(lines: list[bytes], *, key: SigningKey = DESK_KEY) -> bytes:
        whole = sign_checkpoint(checkpoint_of([LINES[0], *lines]), key)
        return join(lines=lines, note=whole, blobs=[])

    whole = join(lines=later, note=note, blobs=[FACE])
    after = {"size": 3, "root": frontier_of(LINES).root().hex()}
    yield good("records and a blob", **sent(whole), after=after, blobs=[digest_of(FACE)])
    yield good(
        "records whose blob comes later",
        **sent(join(lines=later, note=note, blobs=[])),
        after=after,
        blobs=[],
    )
    alone = join(lines=[], note=b"", blobs=[FACE])
    owed = {digest_of(FACE): len(FACE)}
    stays = {"size": 1, "root": before.root().hex()}
    yield good("a blob alone that is owed", **sent(alone, owed=owed), after=stays, blobs=[*owed])
    first = join(
        lines=LINES[:1], note=sign_checkpoint(checkpoint_of(LINES[:1]), DESK_KEY), blobs=[]
    )
    yield good("the first record", **sent(first, Frontier()), after=stays, blobs=[])

    no = "malformed-batch"
    for name, message in {
        "nothing": b"",
        "no header": b"hello\n",
        "version 2": whole.replace(b"/v1", b"/v2", 1),
        "neither records nor blobs": b"proctor-batch/v1 0 0\n",
        "a zero before a length": whole.replace(b"/v1 ", b"/v1 0", 1),
        "a byte too few": whole[:-1],
        "a byte too many": whole + b"x",
        "a checkpoint without records": join(lines=[], note=note, blobs=[]),
        "records without a checkpoint": join(lines=later, note=b"", blobs=[]),
        "no newline after a record": b"proctor-batch/v1 2 %d\n{}" % len(note) + note,
        "257 records": join(lines=[b""] * (MAX_RECORDS + 1), note=note, blobs=[]),
        "65 blobs": join(lines=[], note=b"", blobs=[b""] * 65),
        "a note of 4,097 bytes": join(lines=later, note=b"x" * 4097, blobs=[]),
    }.items():
        yield bad(name, no, **sent(message))
    yield bad(
        "a note that is none", "malformed-note", **sent(join(lines=later, note=b"x", blobs=[]))
    )
    no = "bad-signature"
    yield bad("a flipped byte in the checkpoint", no, **sent(whole.replace(b"\n3\n", b"\n2\n")))
    yield bad("a wrong key", no, **sent(signed(later, key=PHONE_KEY)))
    cosigned = receipt(note, SERVER_KEY)
    yield bad(
        "a checkpoint with a line more", no, **sent(join(lines=later, note=cosigned, blobs=[]))
    )
    elsewhere = Checkpoint(origin(DESK, session="s_other"), 3, frontier_of(LINES).root())
    wrong = join(lines=later, note=sign_checkpoint(elsewhere, DESK_KEY), blobs=[])
    yield bad("a wrong origin", "wrong-origin", **sent(wrong))
    no = "inconsistent"
    yield bad("a flipped byte in a record", no, **sent(whole.replace(b'"q1"', b'"q2"')))
    yield bad("a truncated log", no, **sent(join(lines=later[:1], note=note, blobs=[])))
    yield bad("a record before the log's end", no, **sent(join(lines=LINES, note=note, blobs=[])))
    yield bad("records in another order", no, **sent(join(lines=later[::-1], note=note, blobs=[])))
    yield bad("a batch that was taken already", no, **sent(whole, frontier_of(LINES)))
    yield bad("a shrunk tree", no, **sent(signed(later[:1]), frontier_of(LINES)))
    other = [line_of(0, Kind.HELLO, another="history")]
    yield bad("a fork's second half", no, **sent(whole, frontier_of(other)))
    yield bad(
        "a newline in a record",
        "malformed-record",
        **sent(signed([later[0], b'{"v":1,\r"session":'])),
    )
    split_line = LINES[2].replace(b",", b",\n", 1)
    yield bad("a record on two lines", no, **sent(signed([later[0], split_line])))
    yield bad("a line that is no record", "malformed-record", **sent(signed([later[0], b"{}"])))
    yield bad(
        "a verdict by a device",
        "malformed-record",
        **sent(signed([later[0], LINES[2].replace(b"answer", b"verdict")])),
    )
    no = "out-of-place"
    yield bad(
        "another session's record", no, **sent(signed([later[0], line_of(2, session="s_other")]))
    )
    yield bad("another device's record", no, **sent(signed([later[0], line_of(2, device=PHONE)])))
    yield bad("a record twice", no, **sent(signed([later[0], later[0]])))
    no = "blob-mismatch"
    yield bad("a swapped blob", no, **sent(join(lines=later, note=note, blobs=[DOCUMENT])))
    yield bad("a flipped byte in a blob", no, **sent(flipped(whole, -1)))
    yield bad("a blob that nobody owes", no, **sent(alone))
    longer = {digest_of(FACE): len(FACE) + 1}
    yield bad("a blob of another size than named", no, **sent(alone, owed=longer))


# -- bundle --


def small_day(session: str = SESSION, server_key: SigningKey = SERVER_KEY) -> Day:
    """Return a day with one device: a picture held and one erased, an answer, a verdict."""
    day = Day(keys={DESK: DESK_KEY}, server_key=server_key, session=session)
    policy = digest_of(day.policy)
    vkey = DESK_KEY.verifier.encode()
    exam = digest_of(b"the exam")
    day.write(SERVER_DEVICE, Kind.OPENED, exam="sds-2026", exam_sha256=exam, policy_sha256=policy)
    day.write(SERVER_DEVICE, Kind.DEVICE, id=DESK, key=vkey)
    day.write(DESK, Kind.HELLO, key=vkey, policy_sha256=policy)
    day.write(DESK, Kind.SNAPSHOT, picture=FACE, purpose="periodic")
    day.write(DESK, Kind.SNAPSHOT, picture=DOCUMENT, purpose="document")
    day.beat(DESK)
    answer = day.write(DESK, Kind.ANSWER, item="q1", response="a")
    handed_in = [{"item": "q1", "seq": 4, "sha256": digest_of(answer)}]
    day.write(DESK, Kind.SUBMISSION, answers=handed_in)
    shown = [{"device": DESK, "seq": 1, "sha256": digest_of(FACE)}]
    day.write(SERVER_DEVICE, Kind.FLAG, flag="f1", policy_sha256=policy, snapshots=shown)
    judged = [{"flag": "f1", "outcome": "not-upheld"}]
    day.write(SERVER_DEVICE, Kind.VERDICT, by="p_lin", reasons="A poster.", flags=judged)
    day.write(SERVER_DEVICE, Kind.ERASED, sha256=[digest_of(DOCUMENT)], why="30 days")
    day.hold(FACE)
    day.erased.append(digest_of(DOCUMENT))
    return day


def bundle_cases() -> Iterator[Case]:
    attacker = key_of(SERVER, KeyKind.COSIGNATURE, seed="an attacker")
    server_vkey = SERVER_KEY.verifier.encode()

    def right(name: str, data: bytes, vkey: str | None = server_vkey) -> Case:
        return good(name, bundle_base64=b64(data), server_vkey=vkey)

    def wrong(
        name: str,
        step: int,
        data: bytes,
        *,
        device: str | None = None,
        record: int | None = None,
        vkey: str | None = server_vkey,
    ) -> Case:
        where = {"failed_step": step, "device": device, "record": record}
        fields = {"bundle_base64": b64(data), "server_vkey": vkey} | where
        return {"name": name, "accept": False, **fields}

    whole = small_day().bundle()
    members = members_of(whole)
    yield right("a whole day of two devices", full_day().bundle())
    yield right("a day of one device", whole)
    yield right("no key given: the bundle's own is taken", whole, None)
    yield right("a day on which nothing happened", begin().bundle())
    forged = small_day(server_key=attacker).bundle()
    yield right("no key given: a day made up by an attacker is of one piece too", forged, None)

    # Whoever holds the file and no key.
    yield wrong("nothing", 1, b"")
    yield wrong("a bundle cut at its end", 1, whole[:-1])
    yield wrong("a byte behind the end", 1, whole + b"\0")
    yield wrong("a byte before the start", 1, b"\0" + whole)
    yield wrong("a flipped byte in a header", 1, flipped(whole, 10))
    yield wrong("a flipped byte in a date", 1, flipped(whole, 12))
    at = whole.index(b"directory ")
    yield wrong("a flipped byte in the seal", 1, flipped(whole, at))
    at = whole.index(b'"response"') + 12
    # A submission names its digest: the two do not agree, whichever of them was changed.
    yield wrong("a flipped byte in an answer", 2, flipped(whole, at), device=DESK, record=4)
    desk_log = f"logs/{DESK}.jsonl"
    for name, old, new, record in [
        ("a digest changed in a submission", answer_digest(), digest_of(b""), 4),
        ("a place changed in a submission", '"seq":4,"sha256"', '"seq":5,"sha256"', None),
        ("a record changed that no submission names", '"periodic"', '"document"', None),
    ]:
        changed = [
            (n, data.replace(old.encode(), new.encode()) if n == desk_log else data)
            for n, data in members
        ]
        yield wrong(name, 2, rezip(changed), device=DESK, record=record)
    yield wrong(
        "a flipped byte in a picture", 6, flipped(whole, whole.index(FACE)), device=DESK, record=1
    )
    yield wrong("another zip program's headers", 1, plain_zip(members))
    for name in [each for each, _ in members]:
        step = 1 if name in (SESSION_JSON, SEAL) else 2
        rest = [each for each in members if each[0] != name]
        device = name.removeprefix("logs/").partition(".")[0] if "logs/" in name else None
        record = None
        if name.startswith("blobs/"):
            device, record = DESK, 1
        yield wrong(f"a member dropped: {name}", step, rezip(rest), device=device, record=record)
    more = [*members[:-1], ("readme.txt", b"more"), members[-1]]
    yield wrong("a member that no bundle has", 1, rezip(more))
    more = [*members[:-1], (f"blobs/{digest_of(SHEET)}", SHEET), members[-1]]
    yield wrong("a picture added", 2, rezip(more))
    swapped = [(n, SHEET if n.startswith("blobs/") else data) for n, data in members]
    yield wrong("a swapped blob", 2, rezip(swapped), device=DESK, record=1)
    more = [*members[:-1], (f"blobs/{digest_of(DOCUMENT)}", DOCUMENT), members[-1]]
    yield wrong("an erased picture put back", 2, rezip(more), device=DESK, record=2)
    yield wrong(
        "members in another order", 2, rezip([members[0], members[2], members[1], *members[3:]])
    )
    cut = [(n, last_line_cut(data) if n == f"logs/{DESK}.jsonl" else data) for n, data in members]
    yield wrong("a truncated log", 2, rezip(cut), device=DESK)
    cut = [(n, data[:-2] if n == f"logs/{DESK}.jsonl" else data) for n, data in members]
    yield wrong("a log cut within its last line", 2, rezip(cut), device=DESK, record=5)
    more = [*members[:-1], ("logs/d_x.jsonl", b"{}\n"), members[-1]]
    yield wrong("a log added", 2, rezip(more), device="d_x", record=0)
    whole_log = dict(members)[desk_log].replace(DESK.encode(), b"d_x")
    more = [*members[:-1], ("logs/d_x.jsonl", whole_log), members[-1]]
    yield wrong("a log added, of whole records that do not agree", 2, rezip(more), device="d_x")
    swapped = [(n, b"{}" if n == "policy.json" else data) for n, data in members]
    yield wrong("a policy swapped", 2, rezip(swapped))

    # Whoever has a key of his own.
    yield wrong("a wrong key", 2, forged)
    true_facts = small_day().facts()
    sealed = reseal(members, facts=true_facts, key=attacker)
    yield wrong("a seal by a wrong key", 2, sealed)
    lie = json_of(true_facts) | {"server_key": attacker.verifier.encode()}
    lied = [(SESSION_JSON, json.dumps(lie).encode()), *members[1:]]
    sealed = reseal(lied, facts=true_facts, key=attacker)
    yield wrong("a seal by a wrong key that session.json names", 2, sealed)
    yield wrong("no key given: the server's log is not the sealer's", 3, sealed, vkey=None)

    # A server that lies.
    other = small_day("s_other")
    for name, step, device, record, change in server_lies(other):
        day = small_day()
        yield wrong(name, step, change(day) or day.bundle(), device=device, record=record)
    stated = json.dumps(json_of(true_facts))
    for name, said in {
        "a key twice in session.json": stated[:-1] + ', "v": 1}',
        "a version with a fraction in session.json": stated.replace('"v": 1', '"v": 1.0'),
    }.items():
        lied = [(SESSION_JSON, said.encode()), *members[1:]]
        yield wrong(name, 1, reseal(lied, facts=true_facts, key=SERVER_KEY))


Lie = tuple[str, int, str | None, int | None, Callable[[Day], bytes | None]]


def server_lies(other: Day) -> Iterator[Lie]:
    server = SERVER_DEVICE
    end = len(other.logs[server])

    def put(device: str, at: int, line: bytes) -> Callable[[Day], None]:
        return lambda day: day.logs[device].__setitem__(at, line)

    def add(kind: Kind, **facts: Any) -> Callable[[Day], None]:
        def change(day: Day) -> None:
            day.write(server, kind, **facts)

        return change

    def swap(name: str, of: Callable[[Day], bytes]) -> Callable[[Day], bytes]:
        return lambda day: day.bundle(members={**day.members(), name: of(day)})

    desk_log, desk_note = f"logs/{DESK}.jsonl", f"logs/{DESK}.checkpoint"
    vkey, policy = DESK_KEY.verifier.encode(), digest_of(small_day().policy)
    yield "another session's server record", 3, server, 1, put(server, 1, other.logs[server][1])
    yield (
        "a server log of another session's tree",
        3,
        server,
        None,
        swap(f"logs/{server}.checkpoint", lambda _: other.note(server)),
    )
    yield (
        "a session opened for another exam",
        3,
        server,
        0,
        put(server, 0, line_of(0, Kind.OPENED, device=server, exam="x")),
    )
    yield (
        "a device that was not admitted",
        3,
        DESK,
        None,
        put(server, 1, line_of(1, Kind.DEVICE, device=server, id="d_x", key=vkey)),
    )
    yield "another session's record", 4, DESK, 4, put(DESK, 4, other.logs[DESK][4])
    yield (
        "a record twice",
        4,
        DESK,
        4,
        put(DESK, 4, other.logs[DESK][3].replace(b"s_other", b"s_7Q2M")),
    )
    yield "an older checkpoint", 4, DESK, None, swap(desk_note, older_receipt)
    yield (
        "a log truncated under its receipt",
        4,
        DESK,
        None,
        swap(desk_log, lambda day: last_line_cut(day.members()[desk_log])),
    )
    yield (
        "a digest changed in a submission after it was signed",
        4,
        DESK,
        4,
        swap(
            desk_log,
            lambda day: day.members()[desk_log].replace(
                answer_digest().encode(), digest_of(b"").encode()
            ),
        ),
    )
    yield "a wrong origin", 4, None, None, swap(desk_note, lambda _: other.note(DESK))
    yield (
        "a newline in a record",
        4,
        DESK,
        5,
        put(DESK, 4, other.logs[DESK][4].replace(b"s_other", b"s_7Q2M") + b"\n"),
    )
    yield (
        "a checkpoint the device did not sign",
        4,
        None,
        None,
        swap(
            desk_note,
            lambda day: sign_statement(
                checkpoint_of(day.logs[DESK]).text(), key=SERVER_KEY, at_s=AT_S
            ),
        ),
    )
    yield (
        "a checkpoint the server did not cosign",
        4,
        None,
        None,
        swap(desk_note, lambda day: sign_checkpoint(checkpoint_of(day.logs[DESK]), DESK_KEY)),
    )
    yield "another policy", 5, None, None, swap("policy.json", lambda _: b"{}")
    yield (
        "another policy accepted",
        5,
        DESK,
        0,
        put(DESK, 0, line_of(0, Kind.HELLO, key=vkey, policy_sha256=digest_of(b"{}"))),
    )
    yield (
        "a blob sealed in another's place",
        6,
        DESK,
        1,
        lambda day: day.blobs.update({digest_of(FACE): SHEET}),
    )
    yield "a picture gone unexplained", 6, DESK, 1, lambda day: day.blobs.clear()
    yield (
        "a picture erased that the log does not say was",
        6,
        None,
        None,
        put(server, 4, line_of(4, Kind.ERASED, device=server, sha256=[])),
    )
    yield (
        "a fork in the server's log",
        7,
        DESK,
        3,
        put(
            server, 1, line_of(1, Kind.DEVICE, device=server, id=DESK, key=vkey, another="history")
        ),
    )
    root = frontier_of(small_day().logs[server][:2]).root().hex()
    yield (
        "a size with a fraction",
        7,
        DESK,
        3,
        put(DESK, 3, line_of(3, Kind.BEAT, size=2.0, root=root)),
    )
    answered = {"item": "q1", "seq": 4.0, "sha256": digest_of(small_day().logs[DESK][4])}
    yield (
        "a place with a fraction",
        8,
        DESK,
        5,
        put(DESK, 5, line_of(5, Kind.SUBMISSION, answers=[answered])),
    )
    yield "an answer handed in that was not recorded", 8, DESK, 5, put(
        DESK, 5,
        line_of(5, Kind.SUBMISSION, answers=[{"item": "q1", "seq": 4, "sha256": digest_of(b"")}]),
    )  # fmt: skip
    yield (
        "a flag under another policy",
        9,
        server,
        end,
        add(Kind.FLAG, flag="f2", policy_sha256=digest_of(b"{}")),
    )
    yield "a flag that shows another picture", 9, server, end, add(
        Kind.FLAG, flag="f2", policy_sha256=policy,
        snapshots=[{"device": DESK, "seq": 2, "sha256": digest_of(FACE)}],
    )  # fmt: skip
    yield "a verdict without a reason", 9, server, end, add(Kind.VERDICT, by="p_lin", reasons="")
    yield (
        "a verdict on a flag that was not raised",
        9,
        server,
        end,
        add(Kind.VERDICT, by="p_lin", reasons="why", flags=[{"flag": "f2"}]),
    )
    yield (
        "a fork that no device signed",
        9,
        server,
        end,
        add(Kind.FORK, notes=forked_notes(full_day())),
    )


def answer_digest() -> str:
    return digest_of(small_day().logs[DESK][4])


def older_receipt(day: Day) -> bytes:
    last = day.logs[DESK].pop()
    note = day.note(DESK)
    day.logs[DESK].append(last)
    return note


def last_line_cut(log: bytes) -> bytes:
    return b"".join(log.splitlines(keepends=True)[:-1])


# -- the samples in the spec --


def samples() -> dict[str, str]:
    """Return each sample's name and text: all of one small day."""
    day = small_day()
    members = {
        name: data.decode()
        for name, data in members_of(day.bundle())
        if not name.startswith("blobs/")
    }
    log = day.logs[DESK]
    note = sign_checkpoint(checkpoint_of(log), DESK_KEY)
    batch = join(lines=log[4:], note=note, blobs=[])
    keys = [SERVER_KEY, DESK_KEY]
    return {
        "keys": "".join(f"{key.seed().hex()}\n{key.verifier.encode()}\n" for key in keys),
        "log": members[f"logs/{DESK}.jsonl"],
        "receipt": members[f"logs/{DESK}.checkpoint"],
        "batch": batch.decode(),
        "server-log": members[f"logs/{SERVER_DEVICE}.jsonl"],
        "server-checkpoint": members[f"logs/{SERVER_DEVICE}.checkpoint"],
        "session": members[SESSION_JSON],
        "seal": members[SEAL],
        "cosigned": f"cosignature/v1\ntime {AT_S}\n" + checkpoint_of(log).text().decode(),
    }


def spec_with(texts: Mapping[str, str], spec: str) -> str:
    """Return the spec with its samples set anew."""
    return SAMPLE.sub(lambda found: found[1] + texts[found[2]] + found[4], spec)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    SPEC.write_text(spec_with(samples(), SPEC.read_text(encoding="utf-8")), encoding="utf-8")
