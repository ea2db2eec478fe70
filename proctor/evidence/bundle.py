"""A bundle: all evidence of one session in one file.

    session.json                facts and keys (`Facts`)
    policy.json                 the resolved policy; its SHA-256 is the policy digest
    logs/server.jsonl           the server's own log, a record a line
    logs/server.checkpoint      its length and root, signed by the server
    logs/<device>.jsonl         each device's log
    logs/<device>.checkpoint    signed by the device, cosigned by the server: the last receipt
    blobs/<sha256>              snapshots, documents and files, named by their digest
    seal                        the server's signature over all of the above

The file is a zip whose members are stored, not compressed, and whose every header byte follows
from names, sizes and contents, so that any zip program opens it and no byte of it is free. The
seal holds the digest of each member that isn't a blob, and of the zip's directory.
"""

import json
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from zlib import crc32

from proctor.evidence.errors import MalformedBundle
from proctor.evidence.note import MAX_NOTE_BYTES, SigningKey, sign_statement
from proctor.evidence.record import read_strictly

SESSION, POLICY, SEAL = "session.json", "policy.json", "seal"
LOGS, BLOBS = "logs/", "blobs/"
MAX_MEMBERS = 65_534  # what a zip directory without extensions counts, the seal among them
MAX_BUNDLE_BYTES = 2**32 - 2**20  # and addresses
_NAME = re.compile(
    r"session\.json|policy\.json|seal|blobs/[0-9a-f]{64}"
    r"|logs/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(?:jsonl|checkpoint)"
)
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
# What an entry says of its own: the checksum, the size, and the name's length.
_STATED = struct.Struct("<16xI4xIH")
_END = struct.Struct("<4sHHHHIIH")
# What stands in the file for the seal: its headers, itself, and the end of the directory.
_SEAL_BYTES = _LOCAL.size + _ENTRY.size + 2 * len(SEAL) + MAX_NOTE_BYTES + _END.size
_VERSION = 20
_MADE_BY_UNIX = 0x0314
_DATE = 0x0021  # 1 January 1980, the earliest a zip knows: no time is claimed here
_MODE = 0o100644 << 16
# What both headers of a member have, and what its entry has besides.
_COMMON = struct.Struct("<HHHHHIIIHH")
_ENTRY_BEGIN = struct.pack("<4sH", b"PK\1\2", _MADE_BY_UNIX)
_REST = struct.Struct("<HHHII")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `session.json` holds.

    Every value is verified against the logs, but for `learner` and `exported_at_ms`, which are the
    server's word.
    """

    v: int
    server: str
    server_key: str
    exam: str
    exam_sha256: str
    policy_sha256: str
    session: str
    learner: str  # the name the session was opened for; in no log, so that it can be erased
    devices: Mapping[str, str]  # device to its key
    erased: tuple[str, ...]  # blobs destroyed by rule, by digest
    missing: tuple[str, ...]  # blobs named by a record that never arrived
    exported_at_ms: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> "Facts":
        """Return the facts that `encode` wrote.

        Raises:
            MalformedBundle: A key is missing, unknown, twice there or of another type.
        """
        try:
            fields: Any = read_strictly(data.decode().removesuffix("\n"))
        except ValueError as error:  # UnicodeDecodeError is one
            raise MalformedBundle(f"session.json is no JSON: {error}") from None
        if type(fields) is not dict or fields.keys() != set(cls.__slots__):
            raise MalformedBundle("session.json has other keys than version 1 has")
        texts = ("server", "server_key", "exam", "exam_sha256", "policy_sha256", "session")
        digests = [fields["erased"], fields["missing"]]
        if (
            type(fields["v"]) is not int
            or fields["v"] != 1
            or any(type(fields[key]) is not str for key in (*texts, "learner"))
            or type(fields["exported_at_ms"]) is not int
            or type(fields["devices"]) is not dict
            or any(type(key) is not str for key in fields["devices"].values())
            or any(type(several) is not list for several in digests)
            or any(type(digest) is not str for several in digests for digest in several)
        ):
            raise MalformedBundle("session.json has a value of another type than version 1 has")
        return cls(
            **{**fields, "erased": tuple(fields["erased"]), "missing": tuple(fields["missing"])}
        )


class Member(NamedTuple):  # one for each picture: a dataclass is thrice as slow
    """Where a member's bytes lie in the file."""

    start: int
    size: int

    def of(self, data: memoryview) -> memoryview:
        return data[self.start : self.start + self.size]


@dataclass(frozen=True, slots=True)
class Container:
    """A bundle's members, and the digest of the directory entries before the seal's."""

    members: Mapping[str, Member]
    directory_sha256: str


class Packer:
    """Makes a bundle member by member, so that no more than one is held in memory."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._at = 0
        self._count = 0
        self._directory = bytearray()
        self._digests: list[tuple[str, str]] = []

    def begin(self) -> bytes:
        """Return the bytes of `session.json`, the first member."""
        return self.add(SESSION, self._facts.encode())

    def add(self, name: str, data: bytes) -> bytes:
        """Return the bytes of one more member: `policy.json`, then logs, then blobs.

        Raises:
            MalformedBundle: More members or bytes than a zip directory can hold.
        """
        local, entry = _headers(name, crc32(data), len(data), self._at)
        self._directory += entry
        end = self._at + len(local) + len(data)
        over = end + len(self._directory) + _SEAL_BYTES > MAX_BUNDLE_BYTES
        if over or self._count + 1 == MAX_MEMBERS:
            raise MalformedBundle("more members or bytes than a bundle can hold")
        if not name.startswith(BLOBS):
            self._digests.append((sha256(data).hexdigest(), name))
        self._at, self._count = end, self._count + 1
        return local + data

    def seal(self, key: SigningKey, *, at_s: int) -> bytes:
        """Return the file's end: the server's seal and the directory.

        Args:
            key: The server's.
            at_s: When, POSIX seconds.

        Raises:
            MalformedBundle: More devices than a seal can name.
        """
        directory = sha256(self._directory).hexdigest()
        text = seal_text(self._facts, count=self._count, directory=directory, digests=self._digests)
        note = sign_statement(text, key=key, at_s=at_s)
        if len(note) > MAX_NOTE_BYTES:
            raise MalformedBundle("more devices than a seal can name")
        local, entry = _headers(SEAL, crc32(note), len(note), self._at)
        self._directory += entry
        count, end = self._count + 1, self._at + len(local) + len(note)
        tail = _END.pack(b"PK\5\6", 0, 0, count, count, len(self._directory), end, 0)
        return b"".join([local, note, self._directory, tail])


def pack(
    members: Iterable[tuple[str, bytes]], *, facts: Facts, key: SigningKey, at_s: int
) -> Iterator[bytes]:
    """Yield a bundle's bytes, member by member.

    Args:
        members: `policy.json`, logs and checkpoints, then blobs; `session.json` and the seal are
            made here.
        facts: What `session.json` will hold.
        key: The server's, which signs the seal.
        at_s: When, POSIX seconds.

    Raises:
        MalformedBundle: More members or bytes than a zip directory can hold, or more devices than
            a seal can name.
    """
    packer = Packer(facts)
    yield packer.begin()
    for name, data in members:
        yield packer.add(name, data)
    yield packer.seal(key, at_s=at_s)


def unpack(data: memoryview) -> Container:
    """Find a bundle's members. Contents are not looked at, but for the seal's own checksum.

    Raises:
        MalformedBundle: The file is not, byte for byte, what `pack` makes of such members.
    """
    if not _END.size <= len(data) <= MAX_BUNDLE_BYTES:
        raise MalformedBundle(f"{len(data)} bytes are no bundle")
    end = len(data) - _END.size
    count, length, start = _END.unpack_from(data, end)[4:7]
    if start + length != end or bytes(data[end:]) != _END.pack(
        b"PK\5\6", 0, 0, count, count, length, start, 0
    ):
        raise MalformedBundle("it does not end as a bundle does: cut short, or no bundle")
    members: dict[str, Member] = {}
    directory = bytes(data[start:end])
    at = offset = 0
    name, seal_at, seal_crc = "", 0, 0
    while at < length:
        if length - at < _ENTRY.size:
            raise MalformedBundle("the directory is cut short")
        crc, size, name_bytes = _STATED.unpack_from(directory, at)
        name = directory[at + _ENTRY.size : at + _ENTRY.size + name_bytes].decode("latin-1")
        if not _NAME.fullmatch(name):
            raise MalformedBundle(f"no bundle has a member of this name: {name!r}")
        if name in members:
            raise MalformedBundle(f"a member stands twice: {name!r}")
        local, entry = _headers(name, crc, size, offset)
        body = offset + len(local)
        # bytes(): a memoryview is compared item by item.
        if directory[at : at + len(entry)] != entry or bytes(data[offset:body]) != local:
            raise MalformedBundle(f"the headers of {name} are not those of a bundle")
        if body + size > start:
            raise MalformedBundle(f"{name} is cut short")
        members[name] = Member(body, size)
        seal_at, seal_crc = at, crc
        at, offset = at + len(entry), body + size
    if offset != start or len(members) != count or not members or name != SEAL:
        raise MalformedBundle("members are missing, or bytes stand between them")
    if crc32(members[SEAL].of(data)) != seal_crc:
        raise MalformedBundle("the seal is damaged")
    return Container(members, sha256(directory[:seal_at]).hexdigest())


def seal_text(
    facts: Facts, *, count: int, directory: str, digests: Iterable[tuple[str, str]]
) -> bytes:
    """Return the text the server signs to seal a bundle.

    Args:
        facts: Of the session.
        count: Members, without the seal.
        directory: SHA-256 of their directory entries, in hex.
        digests: (SHA-256 in hex, name) of each member that is no blob, in the file's order.
    """
    lines = [
        f"proctor-bundle/v1 {facts.server}/{facts.exam}/{facts.session}",
        f"directory {count} {directory}",
        *(f"{digest} {name}" for digest, name in digests),
    ]
    return "".join(line + "\n" for line in lines).encode()


def _headers(name: str, crc: int, size: int, offset: int) -> tuple[bytes, bytes]:
    """Return the local header and the directory entry of a member, names included."""
    raw = name.encode("ascii")
    common = _COMMON.pack(_VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0)
    rest = _REST.pack(0, 0, 0, _MODE, offset)
    return b"PK\3\4" + common + raw, _ENTRY_BEGIN + common + rest + raw
