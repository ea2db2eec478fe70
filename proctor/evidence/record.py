"""A record: one line of JSON, exactly as its writer wrote it.

    {"v":1,"session":"s_7Q2M","device":"d_web1","seq":41,"at_ms":1795284000123,"kind":"snapshot",
     "blob":{"sha256":"9f…","type":"image/jpeg","size":40213}, …}      (one line, no newline inside)

The keys shown stand first, in this order and spelling; the keys of the record's kind follow as any
JSON. The line is what is hashed, signed, stored and exported. It is parsed after it is verified and
never encoded again.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from proctor.evidence.errors import MalformedRecord, OutOfPlace

VERSION = 1
# Facts in so few characters are read once: every periodic snapshot of a session has the same.
_SHORT = 64
_Number = TypeVar("_Number", int, float)
MAX_RECORD_BYTES = 65_536
MAX_BLOB_BYTES = 4 * 1024 * 1024
SERVER_DEVICE = "server"
MAX_DEPTH = 32  # of objects and lists in one another: readers' own limits differ
_MAX_NUMBER = 2**53 - 1  # what every JSON reader keeps exact
_MAX_DIGITS = len(str(_MAX_NUMBER))
_ID = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_COUNT = "0|[1-9][0-9]{0,15}"
_MEDIA_TYPE = "[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEAD = re.compile(
    rf'\{{"v":1,"session":"({_ID})","device":"({_ID})","seq":({_COUNT}),"at_ms":({_COUNT})'
    r',"kind":"([a-z-]{1,32})"'
    rf'(?:,"blob":\{{"sha256":"([0-9a-f]{{64}})","type":"({_MEDIA_TYPE})","size":({_COUNT})\}})?'
    "(?=[,}])"
)
_HEAD_KEYS = frozenset({"v", "session", "device", "seq", "at_ms", "kind", "blob"})


class Kind(StrEnum):
    """What a record tells. Devices write the first group, the server the second."""

    HELLO = "hello"  # key, client version, system report, digest of the policy accepted
    SNAPSHOT = "snapshot"  # a webcam still: blob and purpose (periodic, face, document)
    ANSWER = "answer"  # section, item, response
    FOCUS = "focus"  # the learner left for another page or program: where, for how long
    NOTICE = "notice"  # camera lost, second display, program seen
    GAP = "gap"  # capture or contact was impossible: cause, from, to
    BEAT = "beat"  # size and root of the server's log last seen
    MESSAGE = "message"
    SUBMISSION = "submission"  # seq and digest of each final answer

    OPENED = "opened"  # exam, policy and their digests
    DEVICE = "device"  # a device was admitted: its key
    ID_CHECK = "id-check"
    STATE = "state"  # the session's state moved: event, by whom, why
    SECTION = "section"  # a section was opened or closed
    TIME = "time"  # an entry of the time ledger
    FLAG = "flag"
    VERDICT = "verdict"
    FORK = "fork"  # a device signed two histories of one size
    ERASED = "erased"  # pictures destroyed, by digest


SERVER_KINDS = frozenset(list(Kind)[list(Kind).index(Kind.OPENED) :])


class BlobRef(NamedTuple):
    """A blob that a record names."""

    sha256: str
    type: str
    size: int


class Record(NamedTuple):  # thousands are made to verify one bundle: a dataclass is thrice as slow
    """A parsed line. `facts` holds the keys that belong to its kind."""

    session: str
    device: str
    seq: int
    at_ms: int
    kind: Kind
    blob: BlobRef | None
    facts: Mapping[str, Any]


def encode(
    *,
    session: str,
    device: str,
    seq: int,
    at_ms: int,
    kind: Kind,
    facts: Mapping[str, Any],
    blob: BlobRef | None = None,
) -> bytes:
    """Return the line of a new record, without a newline.

    Raises:
        MalformedRecord: The facts make no valid record, such as one over 64 KiB.
    """
    if not _HEAD_KEYS.isdisjoint(facts):
        raise MalformedRecord("facts with a key of the head")
    fields: dict[str, Any] = {
        "v": VERSION,
        "session": session,
        "device": device,
        "seq": seq,
        "at_ms": at_ms,
        "kind": str(kind),
    }
    if blob is not None:
        fields["blob"] = {"sha256": blob.sha256, "type": blob.type, "size": blob.size}
    try:
        # Not ASCII alone: an essay in Chinese would take twice the room it has in 64 KiB.
        text = json.dumps(
            fields | dict(facts), separators=(",", ":"), allow_nan=False, ensure_ascii=False
        )
        line = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedRecord(f"facts that are no JSON: {error}") from None
    parse(line)
    return line


def parse(line: bytes) -> Record:
    """Return what a line says.

    Raises:
        MalformedRecord: It is no record of version 1, or over 64 KiB.
    """
    if len(line) > MAX_RECORD_BYTES:
        raise MalformedRecord(f"a record of {len(line)} bytes; {MAX_RECORD_BYTES} at the most")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise MalformedRecord("not UTF-8") from None
    head = _HEAD.match(text)
    if head is None:
        raise MalformedRecord("it does not begin as a record of version 1 does")
    session, device, seq_digits, at_digits, name, blob_sha256, blob_type, blob_size = head.groups()
    kind, by_server = _KINDS.get(name, (None, False))
    seq, at_ms = int(seq_digits), int(at_digits)
    if kind is None or seq > _MAX_NUMBER or at_ms > _MAX_NUMBER:
        raise MalformedRecord("its kind, seq or at_ms is none of version 1")
    if by_server != (device == SERVER_DEVICE):
        raise MalformedRecord(f"{device} can't write a record of kind {kind}")
    blob = None
    if blob_sha256 is not None:
        blob = BlobRef(blob_sha256, blob_type, int(blob_size))
        if blob.size > MAX_BLOB_BYTES:
            raise MalformedRecord(f"a blob of {blob.size} bytes; {MAX_BLOB_BYTES} at the most")
    facts = _facts(text, head.end())
    return Record(session, device, seq, at_ms, kind, blob, facts)


def parse_in_place(line: bytes, *, session: str, device: str, seq: int) -> Record:
    """Return what a line says, at the place in the log where it was found.

    Raises:
        MalformedRecord: As `parse`.
        OutOfPlace: It is of another session, another device, or another place.
    """
    record = parse(line)
    if record.session != session or record.device != device or record.seq != seq:
        found = f"{record.session}/{record.device} {record.seq}"
        raise OutOfPlace(f"found {found} where {session}/{device} {seq} belongs")
    return record


def is_sha256(value: object) -> bool:
    """Tell whether a value is a digest as records write it: 64 lower-case hex digits."""
    return type(value) is str and _SHA256.fullmatch(value) is not None


def read_strictly(text: str) -> Any:
    """Return the JSON value that `text` is, if every reader takes it for the same value.

    Raises:
        ValueError: It is no JSON or more than one value; a key stands twice in an object; a number
            is beyond +-(2**53 - 1); half a surrogate pair is escaped; or it is deeper than
            `MAX_DEPTH`.
    """
    try:
        value, end = _DECODER.scan_once(text, 0)
    except (StopIteration, RecursionError):
        raise ValueError("no JSON") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    # Each looks at the text first: a record seldom has what would need a closer look.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _refuse_depth(value)
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _facts(text: str, at: int) -> Mapping[str, Any]:
    """Return the keys after the head, which ends before `at`."""
    more = text[at] == ","
    rest = "{" + (text[at + 1 :] if more else text[at:])
    facts = _read_again(rest) if len(rest) <= _SHORT else _read_once(rest)
    if more != bool(facts):
        raise MalformedRecord("a comma with no key after it")
    return facts


def _read_once(text: str) -> Mapping[str, Any]:
    # The head has no room for one.
    if "\n" in text or "\r" in text:
        raise MalformedRecord("a line break inside a record")
    try:
        facts: Mapping[str, Any] = read_strictly(text)
    except ValueError as error:
        raise MalformedRecord(f"no JSON object alone on its line: {error}") from None
    if not _HEAD_KEYS.isdisjoint(facts):
        raise MalformedRecord("a key of the head stands twice")
    return facts


_read_again = lru_cache(maxsize=256)(_read_once)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    # Readers differ in which of two equal keys they keep: a line must mean one thing.
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _whole(digits: str) -> int:
    # Shorter ones can't be over the bound.
    return int(digits) if len(digits) < _MAX_DIGITS else _exact(int(digits))


def _broken(digits: str) -> float:
    return _exact(float(digits))


def _exact(number: _Number) -> _Number:
    if not -_MAX_NUMBER <= number <= _MAX_NUMBER:
        raise ValueError("a number that readers round each in their own way")
    return number


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [
            inner
            for each in containers
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    if any(isinstance(each, dict | list) for each in level):
        raise ValueError(f"deeper than {MAX_DEPTH}")


def _refuse_lone_surrogates(value: Any) -> None:
    # An escaped half of a surrogate pair parses, and then breaks whoever writes it as UTF-8.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair") from None


# Each with whether it is the server's: a look into a set of an enum's members is a call of Python.
_KINDS = {str(kind): (kind, kind in SERVER_KINDS) for kind in Kind}
_DECODER: Any = json.JSONDecoder(
    object_pairs_hook=_no_duplicates,
    parse_constant=_no_constant,
    parse_int=_whole,
    parse_float=_broken,
)
