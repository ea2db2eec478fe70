"""Verify a bundle, step by step, with nothing but its bytes and the server's public key.

The steps stand in `STEPS`, in order; each rests on those before it, so the first that does not hold
is the last one tried. What no step can show stands in `NOT_PROVEN`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Literal

from proctor.evidence.bundle import (
    BLOBS,
    LOGS,
    POLICY,
    SEAL,
    SESSION,
    Container,
    Facts,
    seal_text,
    unpack,
)
from proctor.evidence.errors import EvidenceError
from proctor.evidence.note import (
    Checkpoint,
    KeyKind,
    Note,
    VerifierKey,
    is_fork,
    only_signed_by,
    open_checkpoint,
    open_cosignature,
    origin_of,
)
from proctor.evidence.record import SERVER_DEVICE, Kind, Record, parse_in_place
from proctor.evidence.tree import Frontier, leaf_hash

NOT_PROVEN = (
    "That the camera was real: a device's key shows that nothing was changed or left out after it "
    "was recorded, not what stood before the lens.",
    "That the device's clock was right: times inside a log are its own, and the server's times "
    "only bracket them.",
    "That nothing is missing at a log's end: a log cut back to an earlier receipt verifies too, if "
    "the server seals it so. The learner's own last receipt, if longer, shows it.",
    "That the server showed everyone the same log: that takes an outside witness's cosignature.",
)

# A seal's line about one member: digest and name.
_SEALED = re.compile(
    r"([0-9a-f]{64}) (session\.json|policy\.json|logs/[A-Za-z0-9_-]+\.(?:jsonl|checkpoint))"
)
_Was = Literal["changed", "added"]
_YEAR_10000_S = 253_402_300_800  # no date of four digits from here on


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step and what came of it."""

    number: int
    title: str
    held: bool
    detail: str  # what held, in words; or why it did not
    device: str | None = None  # of a failure: whose log
    record: int | None = None  # of a failure: which record, by its seq


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying a bundle showed."""

    steps: tuple[Step, ...]
    server_key: str  # the key everything rests on; "" when the bundle was not even readable
    key_was_given: bool  # False: it was taken from the bundle, so compare it with the published one
    not_proven: tuple[str, ...] = NOT_PROVEN

    @property
    def holds(self) -> bool:
        return len(self.steps) == len(STEPS) and all(step.held for step in self.steps)


class Refuted(Exception):
    """A step does not hold."""

    def __init__(self, why: str, *, device: str | None = None, record: int | None = None) -> None:
        super().__init__(why)
        self.device = device
        self.record = record


@dataclass(slots=True)
class _Known:
    """What the steps have shown so far."""

    data: memoryview
    server_key: VerifierKey | None
    digests: Callable[[Sequence[memoryview]], Sequence[str]]
    facts: Facts = field(init=False)
    container: Container = field(init=False)
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=dict)

    def member(self, name: str) -> bytes:
        found = self.container.members.get(name)
        if found is None:
            raise Refuted(f"{name} is missing")
        return bytes(found.of(self.data))

    def key(self) -> VerifierKey:
        assert self.server_key is not None
        return self.server_key

    def of_kind(self, kind: Kind) -> Iterable[Record]:
        """Return the server's records of a kind."""
        return (record for record in self.records[SERVER_DEVICE] if record.kind is kind)


def sha256_all(blobs: Sequence[memoryview]) -> list[str]:
    """Return the digest of each, in hex."""
    return [sha256(blob).hexdigest() for blob in blobs]


def verify(
    data: bytes | memoryview,
    *,
    server_key: VerifierKey | None = None,
    digests: Callable[[Sequence[memoryview]], Sequence[str]] = sha256_all,
) -> Report:
    """Verify a bundle.

    Args:
        data: The file's bytes.
        server_key: The server's published key, from /.well-known/proctor-keys.json. Without it
            the bundle's own is taken, and all that is shown is that the bundle is of one piece.
        digests: SHA-256 of each of many blobs, in hex, in order: for callers with two cores.

    Returns:
        A report; it never raises, whatever the bytes are.
    """
    known = _Known(memoryview(data), server_key, digests)
    steps: list[Step] = []
    for number, (title, run) in enumerate(STEPS, 1):
        try:
            detail = run(known)
        except Refuted as no:
            steps.append(Step(number, title, False, str(no), no.device, no.record))
            break
        except EvidenceError as no:
            steps.append(Step(number, title, False, str(no)))
            break
        steps.append(Step(number, title, True, detail))
    found = known.server_key.encode() if known.server_key else ""
    return Report(tuple(steps), found, server_key is not None)


def _container(known: _Known) -> str:
    known.container = unpack(known.data)
    known.facts = Facts.parse(known.member(SESSION))
    return f"{len(known.container.members)} members"


def _seal(known: _Known) -> str:
    stated = VerifierKey.parse(known.facts.server_key)
    if known.server_key is None:
        known.server_key = stated
    if stated != known.server_key or stated.kind is not KeyKind.COSIGNATURE:
        raise Refuted("sealed for another server's key than the one to verify with")
    if stated.name != known.facts.server:
        raise Refuted("the server's key bears another name than the server")
    note = Note.parse(known.member(SEAL))
    only_signed_by(note, [known.key()])
    open_cosignature(note, known.key())
    digests = [
        (sha256(member.of(known.data)).hexdigest(), name)
        for name, member in known.container.members.items()
        if not name.startswith(BLOBS) and name != SEAL
    ]
    count = len(known.container.members) - 1
    directory = known.container.directory_sha256
    if note.text != seal_text(known.facts, count=count, directory=directory, digests=digests):
        raise _sealed_otherwise(known, note.text, {name: digest for digest, name in digests})
    logs = [log for device in (SERVER_DEVICE, *known.facts.devices) for log in _log_names(device)]
    # In any order: JSON readers differ in the order they give an object's keys.
    if sorted(name for _, name in digests) != sorted([SESSION, POLICY, *logs]):
        raise Refuted("the members are not those of the session's devices")
    return f"signed by {stated.name}"


def _server_log(known: _Known) -> str:
    facts = known.facts
    note = _read_log(known, SERVER_DEVICE)
    only_signed_by(note, [known.key()])
    open_cosignature(note, known.key())
    _same_tree(known, SERVER_DEVICE, Checkpoint.parse(note.text))
    first = known.records[SERVER_DEVICE][0]
    stated = (facts.exam, facts.exam_sha256, facts.policy_sha256)
    said = tuple(first.facts.get(key) for key in ("exam", "exam_sha256", "policy_sha256"))
    if first.kind is not Kind.OPENED or said != stated:
        raise Refuted("the session was opened for another exam", device=SERVER_DEVICE, record=0)
    admitted: dict[str, object] = {}
    for record in known.of_kind(Kind.DEVICE):
        device, key = record.facts.get("id"), record.facts.get("key")
        if not isinstance(device, str) or admitted.setdefault(device, key) != key:
            raise _said_wrong("admits no device, or one device with two keys", record)
    for device, key in facts.devices.items():
        if admitted.get(device) != key:
            raise Refuted("the server's log admits no such device and key", device=device)
    silent = len(admitted) - len(facts.devices)
    records = _count(len(known.records[SERVER_DEVICE]), "record")
    return f"{records}; {_count(silent, 'admitted device')} without a log"


def _device_logs(known: _Known) -> str:
    count, last_s = 0, 0
    for device, encoded in known.facts.devices.items():
        key = VerifierKey.parse(encoded)
        if key.name != device:
            raise Refuted("its key is another device's", device=device)
        note = _read_log(known, device)
        only_signed_by(note, [key, known.key()])
        checkpoint = open_checkpoint(note, key=key, origin=_origin(known, device))
        _same_tree(known, device, checkpoint)
        last_s = max(last_s, open_cosignature(note, known.key()))
        hello = known.records[device][0]
        if hello.kind is not Kind.HELLO or hello.facts.get("key") != encoded:
            raise Refuted("the log does not begin with its key", device=device, record=0)
        count += len(known.records[device])
    if not known.facts.devices:
        return "no device wrote a log"
    devices = _count(len(known.facts.devices), "device")
    return f"{_count(count, 'record')} of {devices}, all receipted by {_date(last_s)}"


def _policy(known: _Known) -> str:
    digest = sha256(known.member(POLICY)).hexdigest()
    if digest != known.facts.policy_sha256:
        raise Refuted("the policy is not the one the session was opened under")
    for device in known.facts.devices:
        if known.records[device][0].facts.get("policy_sha256") != digest:
            raise Refuted("the learner accepted another policy", device=device, record=0)
    return f"policy {digest[:12]}, accepted on every device"


def _blobs(known: _Known) -> str:
    erased, missing = set(known.facts.erased), set(known.facts.missing)
    gone = erased | missing
    members = known.container.members
    held = _digests_held(known)
    sizes: dict[str, int] = {}
    for device, records in known.records.items():
        for record in records:
            if (blob := record.blob) is None:
                continue
            digest = held.get(blob.sha256)
            if (digest is None) != (blob.sha256 in gone):
                raise Refuted("its blob is absent unexplained", device=device, record=record.seq)
            if digest not in (None, blob.sha256):
                raise Refuted(_changed(blob.sha256), device=device, record=record.seq)
            if sizes.setdefault(blob.sha256, blob.size) != blob.size:
                raise Refuted("its blob has another size", device=device, record=record.seq)
            if digest and members[BLOBS + digest].size != blob.size:
                raise Refuted("its blob has another size", device=device, record=record.seq)
    listed = len(held) + len(known.facts.erased) + len(known.facts.missing)
    if len(sizes) != listed or held.keys() | gone != sizes.keys():
        raise Refuted("there are blobs that no record names")
    logged = {
        digest
        for record in known.of_kind(Kind.ERASED)
        for digest in _texts(record.facts.get("sha256"))
    }
    if not erased <= logged:
        raise Refuted("pictures are gone that the server's log does not say were erased")
    return f"{len(held)} held, {len(erased)} erased, {len(missing)} never arrived"


def _beats(known: _Known) -> str:
    """A device that names a root of the server's log wrote after it; and before its receipt."""
    beats = [
        (record.facts.get("size"), record.facts.get("root"), device, record.seq)
        for device in known.facts.devices
        for record in known.records[device]
        if record.kind is Kind.BEAT
    ]
    leaves = [leaf_hash(line) for line in known.lines[SERVER_DEVICE]]
    for size, _, device, seq in beats:
        if type(size) is not int or not 0 < size <= len(leaves):
            raise Refuted("the server's log was never that long", device=device, record=seq)
    frontier = Frontier()
    for size, root, device, seq in sorted(beats, key=lambda beat: (beat[0], beat[2], beat[3])):
        frontier = frontier.extended(leaves[frontier.size : size])
        if frontier.root().hex() != root:
            raise Refuted("the server's log never had that root", device=device, record=seq)
    return f"{_count(len(beats), 'root')} of the server's log, each found in it"


def _submissions(known: _Known) -> str:
    answers = 0
    for device in known.facts.devices:
        digest_of = _digests(known.lines[device])
        for record in known.records[device]:
            if record.kind is not Kind.SUBMISSION:
                continue
            for answer in _dicts(record.facts.get("answers")):
                seq = answer.get("seq")
                if type(seq) is not int or not 0 <= seq < record.seq:
                    raise Refuted("names no earlier record", device=device, record=record.seq)
                named = known.records[device][seq]
                if (
                    named.kind is not Kind.ANSWER
                    or named.facts.get("item") != answer.get("item")
                    or digest_of(seq) != answer.get("sha256")
                ):
                    raise Refuted("hands in another answer", device=device, record=record.seq)
                answers += 1
    return f"{_count(answers, 'answer')} handed in, each as it was recorded"


def _judgements(known: _Known) -> str:
    flags: set[str] = set()
    for flag in known.of_kind(Kind.FLAG):
        if flag.facts.get("policy_sha256") != known.facts.policy_sha256:
            raise _said_wrong("raised under another policy", flag)
        for shown in _dicts(flag.facts.get("snapshots")):
            named = _record_at(known, shown.get("device"), shown.get("seq"))
            if named is None or named.blob is None or named.blob.sha256 != shown.get("sha256"):
                raise _said_wrong("shows a snapshot that was not taken", flag)
        flags.update(_texts([flag.facts.get("flag")]))
    verdicts = 0
    for verdict in known.of_kind(Kind.VERDICT):
        if not verdict.facts.get("by") or not verdict.facts.get("reasons"):
            raise _said_wrong("a verdict without a person or a reason", verdict)
        judged = [each.get("flag") for each in _dicts(verdict.facts.get("flags"))]
        if any(not isinstance(flag, str) or flag not in flags for flag in judged):
            raise _said_wrong("judges a flag that was not raised", verdict)
        verdicts += 1
    for fork in known.of_kind(Kind.FORK):
        if not _shows_fork(known, _texts(fork.facts.get("notes"))):
            raise _said_wrong("a fork that no device signed", fork)
    return f"{len(flags)} flags, {verdicts} verdicts, all on records in the bundle"


STEPS: tuple[tuple[str, Callable[[_Known], str]], ...] = (
    ("the file is a bundle, byte for byte", _container),
    ("the server sealed exactly these members", _seal),
    ("the server's log is whole and signed", _server_log),
    ("each device's log is whole, signed by the device, cosigned by the server", _device_logs),
    ("the policy is the one announced and accepted", _policy),
    ("every blob is the one recorded: held, erased, or never arrived", _blobs),
    ("devices saw the server's log as it is", _beats),
    ("the answers handed in are the answers recorded", _submissions),
    ("flags, verdicts and forks rest on what is in this bundle", _judgements),
)


def as_json(report: Report) -> Mapping[str, object]:
    """Return a report for machines: plain dicts, lists, strings and numbers."""
    return {
        "holds": report.holds,
        "server_key": report.server_key,
        "key_was_given": report.key_was_given,
        "steps": [
            {
                "number": step.number,
                "title": step.title,
                "held": step.held,
                "detail": step.detail,
                "device": step.device,
                "record": step.record,
            }
            for step in report.steps
        ],
        "not_tried": [title for title, _ in STEPS[len(report.steps) :]],
        "not_proven": list(report.not_proven),
    }


def _log_names(device: str) -> tuple[str, str]:
    return f"{LOGS}{device}.jsonl", f"{LOGS}{device}.checkpoint"


def _sealed_otherwise(known: _Known, text: bytes, found: Mapping[str, str]) -> Refuted:
    """Return what refutes a seal of another text than these members give: the first that differs.

    Args:
        known: Of the steps so far.
        text: What the server did seal.
        found: The digest of each member that is no blob, by its name.
    """
    lines = map(_SEALED.fullmatch, text.decode("latin-1").split("\n"))
    sealed = {line[2]: line[1] for line in lines if line}
    other_members = Refuted("the seal was made for other members than these")
    # A text that names no member is no seal of a bundle: then none was added to it.
    if not sealed:
        return other_members
    for name in {**sealed, **found}:
        if sealed.get(name) == found.get(name):
            continue
        device = name.removeprefix(LOGS).rpartition(".")[0] if name.startswith(LOGS) else None
        if name not in found:
            return Refuted(f"{name} is missing", device=device)
        was: _Was = "changed" if name in sealed else "added"
        if device is None or not name.endswith(".jsonl"):
            return Refuted(f"{name} was {was}", device=device)
        return _other_log(known, device, was)
    return _other_blob(known) or other_members


def _other_blob(known: _Known) -> Refuted | None:
    """Return what refutes a seal that all members but the blobs fit: the first blob that differs.

    The first is by the records that name them, in the file's order; then, of those that no record
    names, by the file's. None if every blob is there as it is named: their order may be another.
    """
    first: dict[str, tuple[str, int]] = {}  # whose record names a blob first, and which
    for name in known.container.members:
        if not name.endswith(".jsonl"):
            continue
        device = name.removeprefix(LOGS).removesuffix(".jsonl")
        for seq, line in enumerate(known.member(name).split(b"\n")):
            # No step has read the logs yet: what is no record in its place names no blob.
            with suppress(EvidenceError):
                record = parse_in_place(line, session=known.facts.session, device=device, seq=seq)
                if record.blob is not None:
                    first.setdefault(record.blob.sha256, (device, seq))
    held = _digests_held(known)
    gone = {*known.facts.erased, *known.facts.missing}
    for digest, (device, seq) in first.items():
        if digest not in held and digest not in gone:
            return Refuted(f"{BLOBS}{digest} is missing", device=device, record=seq)
        if digest in held and digest in gone:
            why = f"{BLOBS}{digest} was added: session.json says that it is gone"
            return Refuted(why, device=device, record=seq)
        if held.get(digest, digest) != digest:
            return Refuted(_changed(digest), device=device, record=seq)
    for digest in held:
        if digest not in first:
            return Refuted(f"{BLOBS}{digest} was added: no record names it")
    return None


def _digests_held(known: _Known) -> dict[str, str]:
    """Return the digest of each blob in the file, by the digest it is named for."""
    blobs = {
        name.removeprefix(BLOBS): member.of(known.data)
        for name, member in known.container.members.items()
        if name.startswith(BLOBS)
    }
    return dict(zip(blobs, known.digests([*blobs.values()]), strict=True))


def _changed(digest: str) -> str:
    return f"{BLOBS}{digest} was changed: its SHA-256 is not the one it is named for"


def _other_log(known: _Known, device: str, was: _Was) -> Refuted:
    """Return what refutes a log of other lines than were sealed, by the first that can be told.

    That is one that is no record in its place; or, in a log that was sealed and is changed, one on
    which it does not agree with itself.
    """
    name = _log_names(device)[0]
    why = f"{name} was {was}"
    lines = known.member(name).split(b"\n")
    if not lines[-1]:
        lines.pop()
    records = []
    for seq, line in enumerate(lines):
        try:
            record = parse_in_place(line, session=known.facts.session, device=device, seq=seq)
        except EvidenceError:
            return Refuted(why, device=device, record=seq)
        records.append(record)
    # In a log that was added no record was changed.
    if was == "added" or not lines:
        return Refuted(why, device=device)
    disagree, seq_named = _disagreement(lines, records)
    count = _count(len(lines), "record")
    which = disagree or f"one or more of its {count}, though each reads as one"
    return Refuted(f"{why}: {which}", device=device, record=seq_named)


def _disagreement(
    lines: Sequence[bytes], records: Sequence[Record]
) -> tuple[str, int] | tuple[None, None]:
    """Return the first record of a log that a later submission names by another digest.

    Returns:
        What does not agree, in words, and the record's seq. Either of the two may be the one that
        was changed: no signature tells.
    """
    digest_of = _digests(lines)
    # As many answers as a stranger likes: nothing signed covers these lines.
    pairs = (
        (seq, record.seq)
        for record in records
        if record.kind is Kind.SUBMISSION
        for answer in _dicts(record.facts.get("answers"))
        if type(seq := answer.get("seq")) is int and 0 <= seq < record.seq
        if digest_of(seq) != answer.get("sha256")
    )
    first = min(pairs, default=None)
    if first is None:
        return None, None
    named, submission = first
    return f"record {named} and the submission at {submission} do not agree", named


def _digests(lines: Sequence[bytes]) -> Callable[[int], str]:
    """Return what gives a line's SHA-256, in hex, and takes it once however often it is named."""
    return cache(lambda seq: sha256(lines[seq]).hexdigest())


def _origin(known: _Known, device: str) -> str:
    facts = known.facts
    return origin_of(server=facts.server, exam=facts.exam, session=facts.session, device=device)


def _read_log(known: _Known, device: str) -> Note:
    """Parse a log's lines and return its checkpoint, unverified."""
    name, checkpoint = _log_names(device)
    *lines, rest = known.member(name).split(b"\n")
    if rest or not lines:
        raise Refuted("the log is empty, or its last line is cut", device=device)
    records = []
    for seq, line in enumerate(lines):
        try:
            record = parse_in_place(line, session=known.facts.session, device=device, seq=seq)
        except EvidenceError as no:
            raise Refuted(str(no), device=device, record=seq) from None
        records.append(record)
    known.lines[device], known.records[device] = lines, records
    try:
        return Note.parse(known.member(checkpoint))
    except EvidenceError as no:
        raise Refuted(str(no), device=device) from None


def _same_tree(known: _Known, device: str, checkpoint: Checkpoint) -> None:
    if checkpoint.origin != _origin(known, device):
        raise Refuted("the checkpoint is of another log", device=device)
    # leaf_hash, written out: this is done for every record.
    tree = Frontier().extended([sha256(b"\x00" + line).digest() for line in known.lines[device]])
    if tree.size != checkpoint.size:
        raise Refuted(f"{tree.size} records where {checkpoint.size} were signed", device=device)
    if tree.root() != checkpoint.root:
        disagree, seq = _disagreement(known.lines[device], known.records[device])
        why = "a record was changed: the root is another"
        raise Refuted(f"{why}; {disagree}" if disagree else why, device=device, record=seq)


def _record_at(known: _Known, device: object, seq: object) -> Record | None:
    if not isinstance(device, str) or type(seq) is not int:
        return None
    log = known.records.get(device, [])
    return log[seq] if 0 <= seq < len(log) else None


def _shows_fork(known: _Known, notes: list[str]) -> bool:
    """Tell whether these are two notes that one device of the session signed, and a fork."""
    for device, encoded in known.facts.devices.items():
        key, origin = VerifierKey.parse(encoded), _origin(known, device)
        try:
            signed = [
                open_checkpoint(Note.parse(note.encode()), key=key, origin=origin) for note in notes
            ]
        except EvidenceError:
            continue
        return len(signed) == 2 and is_fork(*signed)  # noqa: PLR2004 - two histories
    return False


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _date(at_s: int) -> str:
    if at_s >= _YEAR_10000_S:
        return f"{at_s} s after 1970"
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _said_wrong(why: str, record: Record) -> Refuted:
    return Refuted(why, device=SERVER_DEVICE, record=record.seq)


def _dicts(value: object) -> list[dict[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
