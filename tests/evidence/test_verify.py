"""A bundle verifies as it was sealed, and in no other way."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.bundle import POLICY as POLICY_JSON
from proctor.evidence.bundle import SEAL, SESSION
from proctor.evidence.note import (
    KeyKind,
    Note,
    SigningKey,
    VerifierKey,
    cosignature,
    sign_checkpoint,
    sign_statement,
)
from proctor.evidence.record import SERVER_DEVICE, BlobRef, Kind
from proctor.evidence.verify import NOT_PROVEN, STEPS, Report, as_json, verify
from tests.evidence.building import (
    DESK,
    DESK_KEY,
    DOCUMENT,
    FACE,
    PHONE,
    POLICY,
    SERVER,
    SERVER_KEY,
    SHEET,
    Day,
    begin,
    checkpoint_of,
    digest_of,
    forked_notes,
    full_day,
    json_of,
    key_of,
    line_of,
    members_of,
    plain_zip,
    reseal,
    rezip,
)

DAY = full_day()
BUNDLE = DAY.bundle()
MEMBERS = members_of(BUNDLE)
OTHER_KEY = key_of(SERVER, KeyKind.COSIGNATURE, seed="an attacker")
given_or_not = pytest.mark.parametrize(
    "server_key",
    [
        pytest.param(SERVER_KEY.verifier, id="the server's key is given"),
        pytest.param(None, id="no key is given"),
    ],
)


def refused(data: bytes, server_key: VerifierKey | None = None) -> Report:
    """Verify what must not verify, and that the report says where and why."""
    report = verify(data, server_key=server_key)
    assert not report.holds
    *held, failed = report.steps
    assert all(step.held for step in held)
    assert not failed.held
    assert failed.detail
    json.dumps(as_json(report))
    return report


# -- what holds --


@given_or_not
def test_a_whole_bundle_holds(server_key: VerifierKey | None) -> None:
    report = verify(BUNDLE, server_key=server_key)
    assert report.holds
    assert [step.number for step in report.steps] == list(range(1, len(STEPS) + 1))
    assert report.server_key == SERVER_KEY.verifier.encode()
    assert report.key_was_given == (server_key is not None)
    assert report.not_proven == NOT_PROVEN


def test_a_day_on_which_nothing_happened_holds() -> None:
    assert verify(begin().bundle(), server_key=SERVER_KEY.verifier).holds


def test_logs_may_stand_in_any_order_that_was_sealed() -> None:
    for names in (reversed, sorted):
        members = DAY.members()
        assert verify(DAY.bundle(members={name: members[name] for name in names(members)})).holds


def test_a_device_that_was_admitted_and_never_wrote_is_counted() -> None:
    day = full_day()
    day.write(SERVER_DEVICE, Kind.DEVICE, id="d_silent", key="any")
    report = verify(day.bundle())
    assert report.holds
    assert "1 admitted device without a log" in report.steps[2].detail


@pytest.mark.parametrize(
    ("at_s", "date"),
    [
        pytest.param(1_795_295_416, "2026-11-21T21:10:16Z", id="a day"),
        pytest.param(253_402_300_799, "9999-12-31T23:59:59Z", id="the last second of year 9999"),
        pytest.param(253_402_300_800, "253402300800 s after 1970", id="year 10000"),
        pytest.param(2**63 - 1, f"{2**63 - 1} s after 1970", id="the last a cosignature can say"),
    ],
)
def test_the_last_receipt_is_dated(at_s: int, date: str) -> None:
    day = full_day()
    signed = Note.parse(day.note(DESK))
    line = cosignature(signed.text, key=SERVER_KEY, at_s=at_s)
    receipt = Note(signed.text, (signed.signatures[0], line)).encode()
    step = verify(with_members(day, {f"logs/{DESK}.checkpoint": receipt})).steps[3]
    assert step.held
    assert step.detail.endswith(f" of 2 devices, all receipted by {date}")


def test_a_session_in_which_no_device_wrote_has_no_last_receipt() -> None:
    day = full_day()
    members = {
        name: data
        for name, data in day.members().items()
        if not name.startswith("logs/") or SERVER_DEVICE in name
    }
    step = verify(day.bundle(members=members, devices={})).steps[3]
    assert (step.held, step.detail) == (True, "no device wrote a log")


def test_blobs_may_be_digested_by_the_caller() -> None:
    seen: list[int] = []

    def digests(blobs: Sequence[memoryview]) -> list[str]:
        seen.append(len(blobs))
        return [sha256(blob).hexdigest() for blob in blobs]

    assert verify(memoryview(BUNDLE), digests=digests).holds
    assert seen == [1]


def test_a_report_for_machines_says_all_that_one_for_people_says() -> None:
    report = as_json(verify(BUNDLE))
    assert report["holds"] is True
    assert report["not_tried"] == []
    assert report["not_proven"] == list(NOT_PROVEN)
    cut = as_json(verify(BUNDLE[:-1]))
    assert cut["holds"] is False
    assert cut["server_key"] == ""
    assert cut["not_tried"] == [title for title, _ in STEPS[1:]]


# -- someone who has the file and no key --


@given_or_not
def test_no_byte_of_the_file_is_free(server_key: VerifierKey | None) -> None:
    for at, byte in enumerate(BUNDLE):
        changed = bytearray(BUNDLE)
        changed[at] = byte ^ 1 << at % 8
        report = verify(bytes(changed), server_key=server_key)
        assert not report.holds, f"byte {at} may be changed"


@given(st.integers(0, len(BUNDLE) - 1), st.integers(1, 255))
def test_no_byte_of_the_file_is_free_for_any_value(at: int, mask: int) -> None:
    refused(BUNDLE[:at] + bytes([BUNDLE[at] ^ mask]) + BUNDLE[at + 1 :])


@given(st.integers(0, len(BUNDLE) - 1), st.integers(0, 400))
def test_bytes_cut_out_anywhere_are_missed(at: int, size: int) -> None:
    refused(BUNDLE[:at])
    refused(BUNDLE[:at] + BUNDLE[at + 1 + size :])


@given(st.integers(0, len(BUNDLE)), st.binary(min_size=1, max_size=200))
def test_bytes_put_in_anywhere_are_noticed(at: int, data: bytes) -> None:
    refused(BUNDLE[:at] + data + BUNDLE[at:])


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(data)


zippers = pytest.mark.parametrize(
    "zip_up", [pytest.param(rezip, id="same headers"), pytest.param(plain_zip, id="plain zip")]
)
places = st.integers(0, len(MEMBERS) - 1)
Zipper = Callable[[list[tuple[str, bytes]]], bytes]


@given_or_not
@zippers
@given(at=places, data=st.data())
def test_a_member_changed_by_hand_is_refused(
    zip_up: Zipper, server_key: VerifierKey | None, at: int, data: st.DataObject
) -> None:
    name, content = MEMBERS[at]
    cut = data.draw(st.integers(0, len(content) - 1))
    changes = {
        "dropped": [],
        "cut": [(name, content[:cut])],
        "cut before": [(name, content[cut + 1 :])],
        "longer": [(name, content + content[cut:])],
        "a byte": [(name, content[:cut] + bytes([content[cut] ^ 1]) + content[cut + 1 :])],
        "a line dropped": [(name, b"".join(content.splitlines(keepends=True)[:-1]))],
    }
    for members in changes.values():
        assert refused(
            zip_up([*MEMBERS[:at], *members, *MEMBERS[at + 1 :]]), server_key
        ).steps[-1].number <= 2  # fmt: skip


@given_or_not
@zippers
@given(one=places, other=places)
def test_members_swapped_moved_or_doubled_are_refused(
    zip_up: Zipper, server_key: VerifierKey | None, one: int, other: int
) -> None:
    if one == other:
        other = (one + 1) % len(MEMBERS)
    swapped, moved, overwritten = list(MEMBERS), list(MEMBERS), list(MEMBERS)
    swapped[one] = (MEMBERS[one][0], MEMBERS[other][1])
    swapped[other] = (MEMBERS[other][0], MEMBERS[one][1])
    moved[one], moved[other] = MEMBERS[other], MEMBERS[one]
    overwritten[one] = (MEMBERS[one][0], MEMBERS[other][1])
    for members in (swapped, moved, overwritten):
        refused(zip_up(members), server_key)


@given_or_not
@zippers
@pytest.mark.parametrize(
    "name",
    [
        "readme.txt",
        "logs/d_more.jsonl",
        f"blobs/{digest_of(b'more')}",
        f"blobs/{digest_of(DOCUMENT)}",
        "session.json/",
    ],
)
def test_a_member_added_is_refused(
    zip_up: Zipper, server_key: VerifierKey | None, name: str
) -> None:
    for at in (0, len(MEMBERS) - 1, len(MEMBERS)):
        refused(zip_up([*MEMBERS[:at], (name, b"more"), *MEMBERS[at:]]), server_key)


@given_or_not
def test_a_bundle_with_members_of_another_session_is_refused(
    server_key: VerifierKey | None,
) -> None:
    other = dict(members_of(full_day(session="s_other").bundle()))
    for name, _ in MEMBERS:
        if name.startswith("logs/") or name in (SESSION, SEAL):
            mixed = [(each, other[each] if each == name else data) for each, data in MEMBERS]
            refused(rezip(mixed), server_key)


DESK_LOG = dict(MEMBERS)[f"logs/{DESK}.jsonl"]
SERVER_LOG = dict(MEMBERS)[f"logs/{SERVER_DEVICE}.jsonl"]
LINES = DESK_LOG.splitlines(keepends=True)
ANSWER = next(seq for seq, line in enumerate(LINES) if b'["a"]' in line)
SUBMISSION = len(LINES) - 1
ANSWER_SHA256 = digest_of(LINES[ANSWER].removesuffix(b"\n")).encode()
DISAGREE = f"record {ANSWER} and the submission at {SUBMISSION} do not agree"
ONE_OF_THEM = f"one or more of its {len(LINES)} records, though each reads as one"


@given_or_not
@pytest.mark.parametrize(
    ("name", "data", "why", "device", "record"),
    [
        pytest.param(POLICY_JSON, b"{}", "was changed", None, None, id="the policy"),
        pytest.param(POLICY_JSON, None, "is missing", None, None, id="the policy dropped"),
        pytest.param(
            SESSION,
            dict(MEMBERS)[SESSION].replace(b"1795284090000", b"1795284090001"),
            "was changed", None, None, id="session.json",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", DESK_LOG.replace(b'["a"]', b'["b"]'),
            f"was changed: {DISAGREE}", DESK, ANSWER, id="an answer, still a record",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", DESK_LOG.replace(ANSWER_SHA256, digest_of(b"").encode()),
            f"was changed: {DISAGREE}", DESK, ANSWER, id="a digest in a submission",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", DESK_LOG.replace(b'"q1","seq":4,', b'"q1","seq":7,'),
            f"was changed: {ONE_OF_THEM}", DESK, None, id="a submission that names no earlier one",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", DESK_LOG.replace(b'"q1","seq":4,', b'"q1","seq":"4",'),
            f"was changed: {ONE_OF_THEM}", DESK, None, id="a submission that names no place",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", DESK_LOG.replace(b'"purpose":"face"', b'"purpose":"file"'),
            f"was changed: {ONE_OF_THEM}", DESK, None, id="what nobody handed in, still a record",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", b"".join(LINES[:3] + LINES[4:]),
            "was changed", DESK, 3, id="a line left out",
        ),
        pytest.param(
            f"logs/{DESK}.jsonl", b"".join(LINES)[:-2],
            "was changed", DESK, len(LINES) - 1, id="the last line cut",
        ),
        pytest.param(f"logs/{DESK}.jsonl", b"", "was changed", DESK, None, id="a log emptied"),
        pytest.param(
            f"logs/{SERVER_DEVICE}.jsonl", SERVER_LOG.replace(b'"v":1', b'"v":2', 1),
            "was changed", SERVER_DEVICE, 0, id="the server's log",
        ),
        pytest.param(
            f"logs/{DESK}.checkpoint", None, "is missing", DESK, None, id="a receipt dropped"
        ),
        pytest.param(
            f"logs/{DESK}.checkpoint", b"x", "was changed", DESK, None, id="a receipt changed"
        ),
        pytest.param("logs/d_x.jsonl", b"{}\n", "was added", "d_x", 0, id="a log added"),
        pytest.param(
            "logs/d_x.jsonl", DESK_LOG.replace(DESK.encode(), b"d_x"), "was added", "d_x", None,
            id="a log added, of whole records that do not agree",
        ),
        pytest.param("logs/d_x.checkpoint", b"", "was added", "d_x", None, id="a receipt added"),
    ],
)  # fmt: skip
def test_the_member_that_is_not_as_it_was_sealed_is_named(
    *,
    name: str,
    data: bytes | None,
    why: str,
    device: str | None,
    record: int | None,
    server_key: VerifierKey | None,
) -> None:
    *members, seal = MEMBERS
    changed = {**dict(members), name: data}
    assert changed != dict(members)
    left = [(each, found) for each, found in changed.items() if found is not None]
    step = refused(rezip([*left, seal]), server_key).steps[-1]
    found = (step.number, step.detail, step.device, step.record)
    assert found == (2, f"{name} {why}", device, record)


HELD, ERASED, MISSING = (f"blobs/{digest_of(each)}" for each in (FACE, DOCUMENT, SHEET))
MORE = f"blobs/{digest_of(b'more')}"
ANOTHER = "was changed: its SHA-256 is not the one it is named for"
GONE = "was added: session.json says that it is gone"


@given_or_not
@pytest.mark.parametrize(
    ("blobs", "name", "why", "device", "record"),
    [
        pytest.param({HELD: FACE[:-1] + b"f"}, HELD, ANOTHER, DESK, 1, id="changed"),
        pytest.param({HELD: b""}, HELD, ANOTHER, DESK, 1, id="emptied"),
        pytest.param({HELD: SHEET}, HELD, ANOTHER, DESK, 1, id="another in its place"),
        pytest.param({}, HELD, "is missing", DESK, 1, id="dropped"),
        pytest.param({MORE: b"more"}, HELD, "is missing", DESK, 1, id="another for it"),
        pytest.param({HELD: FACE, ERASED: DOCUMENT}, ERASED, GONE, DESK, 2, id="erased, put back"),
        pytest.param({HELD: FACE, ERASED: b""}, ERASED, GONE, DESK, 2, id="erased, falsely back"),
        pytest.param({HELD: FACE, MISSING: SHEET}, MISSING, GONE, PHONE, 2, id="never arrived"),
        pytest.param(
            {HELD: FACE, MORE: b"more"}, MORE, "was added: no record names it", None, None,
            id="added",
        ),
        pytest.param(
            {HELD: FACE, MORE: b"other"}, MORE, "was added: no record names it", None, None,
            id="added under a false name",
        ),
    ],
)  # fmt: skip
def test_the_picture_that_is_not_as_it_was_sealed_is_named(
    *,
    blobs: Mapping[str, bytes],
    name: str,
    why: str,
    device: str | None,
    record: int | None,
    server_key: VerifierKey | None,
) -> None:
    *members, seal = [each for each in MEMBERS if each[0] != HELD]
    step = refused(rezip([*members, *blobs.items(), seal]), server_key).steps[-1]
    found = (step.number, step.detail, step.device, step.record)
    assert found == (2, f"{name} {why}", device, record)


def test_of_two_pictures_exchanged_the_one_recorded_first_is_named() -> None:
    day = full_day()
    # Named by a second log too, which stands behind in the file.
    day.write(PHONE, Kind.SNAPSHOT, picture=FACE, purpose="periodic")
    day.missing.clear()
    day.hold(SHEET)
    exchange = {HELD: SHEET, MISSING: FACE}
    assert verify(day.bundle()).holds
    changed = [(name, exchange.get(name, data)) for name, data in members_of(day.bundle())]

    step = refused(rezip(changed)).steps[-1]

    assert (step.number, step.detail) == (2, f"{HELD} {ANOTHER}")
    assert (step.device, step.record) == (DESK, 1)


def test_a_picture_changed_in_place_is_named_by_the_step_that_takes_its_digest() -> None:
    """Without its checksum: then the seal still fits all that it covers."""
    at = BUNDLE.index(FACE)
    step = refused(BUNDLE[:at] + b"x" + BUNDLE[at + 1 :]).steps[-1]
    assert (step.number, step.detail) == (6, f"{HELD} {ANOTHER}")
    assert (step.device, step.record) == (DESK, 1)


def test_members_in_another_order_are_not_said_to_be_changed() -> None:
    *members, picture, seal = MEMBERS
    step = refused(rezip([members[0], picture, *members[1:], seal])).steps[-1]
    assert step.detail == "the seal was made for other members than these"


@given(
    lines=st.lists(
        st.binary(max_size=20)
        | st.sampled_from([line.removesuffix(b"\n") for line in LINES])
        | st.builds(
            lambda seq, size: line_of(
                seq, Kind.SNAPSHOT, blob=BlobRef(digest_of(b"more"), "image/jpeg", size)
            ),
            st.integers(0, 4),
            st.integers(0, 9),
        ),
        max_size=8,
    ),
    blobs=st.dictionaries(
        st.sampled_from([HELD, ERASED, MISSING, MORE]),
        st.sampled_from([b"", FACE, DOCUMENT, b"more"]),
    ),
    erased=st.lists(st.sampled_from([digest_of(FACE), digest_of(b"more"), "", "x"])),
)
def test_no_log_however_sealed_makes_the_search_for_a_picture_stumble(
    lines: list[bytes], blobs: Mapping[str, bytes], erased: list[str]
) -> None:
    """Whoever has a key of his own seals what he likes; then a picture is changed."""
    stated = json_of(DAY.facts()) | {"erased": erased}
    other = {
        SESSION: json.dumps(stated | {"server_key": OTHER_KEY.verifier.encode()}).encode(),
        f"logs/{DESK}.jsonl": b"\n".join(lines),
    }
    sealed = members_of(
        reseal([(n, other.get(n, data)) for n, data in MEMBERS], facts=DAY.facts(), key=OTHER_KEY)
    )
    *members, seal = [each for each in sealed if not each[0].startswith("blobs/")]
    refused(rezip([*members, *blobs.items(), seal]))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of all that the verifier takes a digest of, as it goes."""
    sizes: list[int] = []

    def counted(data: bytes | memoryview) -> Any:
        sizes.append(len(data))
        return sha256(data)

    monkeypatch.setattr("proctor.evidence.verify.sha256", counted)
    return sizes


def test_a_log_that_names_a_long_record_endlessly_is_soon_refused(hashed: list[int]) -> None:
    """Before any signature covers it: so anyone can write it."""
    essay = line_of(len(LINES), Kind.ANSWER, item="q1", response="x" * 65_000)
    named = [{"seq": len(LINES)}] * 5_000
    more = [
        essay,
        *(line_of(len(LINES) + at, Kind.SUBMISSION, answers=named) for at in range(1, 27)),
    ]
    log = DESK_LOG + b"".join(line + b"\n" for line in more)
    *members, seal = MEMBERS
    data = rezip([*{**dict(members), f"logs/{DESK}.jsonl": log}.items(), seal])

    step = refused(data).steps[-1]

    disagree = f"record {len(LINES)} and the submission at {len(LINES) + 1} do not agree"
    assert (step.number, step.record) == (2, len(LINES))
    assert step.detail.endswith(disagree)
    assert sum(hashed) < 2 * len(data)


def test_an_answer_handed_in_many_times_is_digested_once(hashed: list[int]) -> None:
    day = full_day()
    essay = day.write(DESK, Kind.ANSWER, item="q1", response="x" * 60_000)
    answer = {"item": "q1", "seq": len(day.logs[DESK]) - 1, "sha256": digest_of(essay)}
    day.write(DESK, Kind.SUBMISSION, answers=[answer] * 500)

    report = verify(day.bundle())

    assert report.holds
    assert report.steps[7].detail.startswith("502 answers")
    assert sum(size >= len(essay) for size in hashed) < 10  # once in each step that needs it


# -- someone with a key of his own --


def with_attackers_key_in_it() -> list[tuple[str, bytes]]:
    lie = json_of(DAY.facts()) | {"server_key": OTHER_KEY.verifier.encode()}
    return [(SESSION, json.dumps(lie).encode()), *MEMBERS[1:]]


@given_or_not
def test_a_bundle_sealed_by_another_key_is_refused(server_key: VerifierKey | None) -> None:
    for key in (OTHER_KEY, key_of("evil.example", KeyKind.COSIGNATURE)):
        sealed = reseal(MEMBERS, facts=DAY.facts(), key=key)
        assert refused(sealed, server_key).steps[-1].number == 2


def test_a_bundle_sealed_anew_is_refused_by_its_logs_when_no_key_is_given() -> None:
    sealed = reseal(with_attackers_key_in_it(), facts=DAY.facts(), key=OTHER_KEY)
    step = refused(sealed).steps[-1]
    assert (step.number, step.detail) == (3, "signature lines are not those expected")
    assert refused(sealed, SERVER_KEY.verifier).steps[-1].number == 2


def test_a_day_made_up_whole_holds_only_for_whom_its_key_is_the_servers() -> None:
    forged = full_day(server_key=OTHER_KEY).bundle()
    assert verify(forged, server_key=OTHER_KEY.verifier).holds
    report = verify(forged)
    assert report.holds
    assert not report.key_was_given
    assert refused(forged, SERVER_KEY.verifier).steps[-1].number == 2


# -- a server that lies, with all of its own keys and some of the devices' --


def lying_bundle(change: Callable[[Day], Any]) -> bytes:
    day = full_day()
    sealed = change(day)
    # A change that seals nothing itself returns anything, such as the line it wrote.
    is_bundle = isinstance(sealed, bytes) and sealed.startswith(b"PK")
    return sealed if is_bundle else day.bundle()


def with_members(day: Day, changed: Mapping[str, bytes | None]) -> bytes:
    """Seal members of which some are changed, or left out where there is None."""
    assert day.members().keys() >= changed.keys()
    members = {**day.members(), **changed}
    return day.bundle(members={name: data for name, data in members.items() if data is not None})


def with_session_json(day: Day, data: bytes) -> bytes:
    members = [(SESSION, data), *members_of(day.bundle())[1:]]
    return reseal(members, facts=day.facts(), key=SERVER_KEY)


def with_fact(day: Day, key: str, value: object) -> bytes:
    return with_session_json(day, json.dumps(json_of(day.facts()) | {key: value}).encode())


def with_seal(day: Day, seal: bytes) -> bytes:
    return rezip([*members_of(day.bundle())[:-1], (SEAL, seal)])


def seal_and_a_line(day: Day) -> bytes:
    note = Note.parse(dict(members_of(day.bundle()))[SEAL])
    line = cosignature(note.text, key=OTHER_KEY, at_s=0)
    return with_seal(day, Note(note.text, (*note.signatures, line)).encode())


def put(day: Day, device: str, at: int, line: bytes) -> None:
    day.logs[device][at] = line


def older(day: Day, device: str) -> bytes:
    """Return the receipt of a log as it was a record earlier."""
    log = day.logs[device]
    last = log.pop()
    note = day.note(device)
    log.append(last)
    return note


def signed_by_device_alone(day: Day) -> bytes:
    return sign_checkpoint(checkpoint_of(day.logs[DESK]), DESK_KEY)


def signed_by_server_alone(day: Day) -> bytes:
    text = checkpoint_of(day.logs[DESK]).text()
    return sign_statement(text, key=SERVER_KEY, at_s=0)


def another_device_key(day: Day) -> bytes:
    """The server makes up a device's log and signs it with a key it calls the device's."""
    true_keys = day.facts().devices
    day.keys[DESK] = key_of(DESK, seed="an attacker")
    return day.bundle(devices=true_keys)


def named_by_another(day: Day) -> bytes:
    """The phone's log is signed with the desk's key."""
    key = DESK_KEY.verifier.encode()
    day.keys[PHONE] = DESK_KEY
    put(day, SERVER_DEVICE, 2, line_of(2, Kind.DEVICE, device=SERVER_DEVICE, id=PHONE, key=key))
    hello = line_of(0, Kind.HELLO, device=PHONE, key=key, policy_sha256=digest_of(POLICY))
    put(day, PHONE, 0, hello)
    return day.bundle()


def key_that_is_none(day: Day) -> bytes:
    day.write(SERVER_DEVICE, Kind.DEVICE, id="d_x", key="no key")
    line = line_of(0, Kind.HELLO, device="d_x", key="no key")
    members = day.members() | {"logs/d_x.jsonl": line + b"\n", "logs/d_x.checkpoint": b"x"}
    ordered = sorted(members, key=lambda name: name.startswith("blobs/"))
    devices = dict(day.facts().devices) | {"d_x": "no key"}
    return day.bundle(members={name: members[name] for name in ordered}, devices=devices)


def snapshot(device: str, seq: int, data: bytes, size: int) -> bytes:
    blob = BlobRef(digest_of(data), "image/jpeg", size)
    return line_of(seq, Kind.SNAPSHOT, device=device, blob=blob, purpose="periodic")


def hand_in(day: Day, **changed: Any) -> None:
    answer = {"item": "q1", "seq": 4, "sha256": digest_of(day.logs[DESK][4])} | changed
    put(day, DESK, 7, line_of(7, Kind.SUBMISSION, answers=[answer]))


def flagged(**changed: Any) -> Callable[[Day], Any]:
    shown = {"device": DESK, "seq": 1, "sha256": digest_of(FACE)}
    return lambda day: day.write(
        SERVER_DEVICE,
        Kind.FLAG,
        flag="f1",
        policy_sha256=digest_of(POLICY),
        snapshots=[shown | changed],
    )


def judged(**changed: Any) -> Callable[[Day], Any]:
    facts = {"by": "p_lin", "reasons": "why", "flags": [{"flag": "f1"}]} | changed
    return lambda day: day.write(SERVER_DEVICE, Kind.VERDICT, **facts)


def beaten(**facts: Any) -> Callable[[Day], Any]:
    return lambda day: day.write(DESK, Kind.BEAT, **facts)


def opened(**changed: Any) -> Callable[[Day], Any]:
    facts = {
        "exam": "sds-2026",
        "exam_sha256": digest_of(b"the exam"),
        "policy_sha256": digest_of(POLICY),
    }
    line = line_of(0, Kind.OPENED, device=SERVER_DEVICE, **(facts | changed))
    return lambda day: put(day, SERVER_DEVICE, 0, line)


def greeted(**changed: Any) -> Callable[[Day], Any]:
    facts = {"key": DESK_KEY.verifier.encode(), "policy_sha256": digest_of(POLICY)} | changed
    return lambda day: put(day, DESK, 0, line_of(0, Kind.HELLO, **facts))


def fork_of(notes: Callable[[Day], Any]) -> Callable[[Day], Any]:
    return lambda day: day.write(SERVER_DEVICE, Kind.FORK, notes=notes(day))


ED25519_SERVER = key_of(SERVER)
NEXT = len(DAY.logs[SERVER_DEVICE])  # where a lie told last stands in the server's log
LAST = len(DAY.logs[DESK])

# Step, device, record, and how to lie.
LIES: dict[str, tuple[int, str | None, int | None, Callable[[Day], Any]]] = {
    # 1: the file is a bundle
    "no session.json": (
        1, None, None,
        lambda day: reseal(members_of(day.bundle())[1:], facts=day.facts(), key=SERVER_KEY),
    ),
    "a session.json that is none": (1, None, None, lambda day: with_session_json(day, b"{}")),
    "a session.json of version 2": (1, None, None, lambda day: with_fact(day, "v", 2)),
    "half a surrogate pair in the session's name": (
        1, None, None, lambda day: with_fact(day, "session", "\ud800"),
    ),
    # 2: the seal
    "half a surrogate pair in the server's key": (
        1, None, None, lambda day: with_fact(day, "server_key", "\ud800+00000000+AAAA"),
    ),
    "a server's key that is none": (2, None, None, lambda day: with_fact(day, "server_key", "")),
    "a server's key beyond ASCII": (
        2, None, None, lambda day: with_fact(day, "server_key", "ü+00000000+AAAA"),
    ),
    "a server's key of a device's type": (
        2, None, None,
        lambda day: with_fact(day, "server_key", ED25519_SERVER.verifier.encode()),
    ),
    "a server with another name than its key": (
        2, None, None, lambda day: day.bundle(server="evil.example"),
    ),
    "a seal for another session": (2, None, None, lambda day: with_fact(day, "session", "s_x")),
    "a seal for another exam": (2, None, None, lambda day: with_fact(day, "exam", "x")),
    "a seal for another server": (2, None, None, lambda day: with_fact(day, "server", "x")),
    "a seal that is no note": (2, None, None, lambda day: with_seal(day, b"sealed")),
    "a seal with a line more": (2, None, None, seal_and_a_line),
    "a seal of another text": (
        2, None, None,
        lambda day: with_seal(day, sign_statement(b"sealed\n", key=SERVER_KEY, at_s=0)),
    ),
    "no policy": (2, None, None, lambda day: with_members(day, {"policy.json": None})),
    "no checkpoint": (
        2, None, None, lambda day: with_members(day, {"logs/d_desk1.checkpoint": None}),
    ),
    "a device without a log": (
        2, None, None, lambda day: day.bundle(devices={**day.facts().devices, "d_x": "k"}),
    ),
    "a log without a device": (
        2, None, None,
        lambda day: day.bundle(devices={DESK: DESK_KEY.verifier.encode()}),
    ),
    "the server as a device": (
        2, None, None, lambda day: day.bundle(devices={**day.facts().devices, "server": "k"}),
    ),
    "a device named by half a surrogate pair": (
        1, None, None, lambda day: with_fact(day, "devices", {"\ud800": "k"}),
    ),
    # 3: the server's log
    "an empty server log": (
        3, SERVER_DEVICE, None, lambda day: with_members(day, {"logs/server.jsonl": b""}),
    ),
    "a server log of one empty line": (
        3, SERVER_DEVICE, 0, lambda day: with_members(day, {"logs/server.jsonl": b"\n"}),
    ),
    "a server log cut within its last line": (
        3, SERVER_DEVICE, None,
        lambda day: with_members(
            day, {"logs/server.jsonl": day.members()["logs/server.jsonl"][:-1]}),
    ),
    "a server record that is none": (
        3, SERVER_DEVICE, 3, lambda day: put(day, SERVER_DEVICE, 3, b"{}"),
    ),
    "a server record as deep as no reader goes": (
        3, SERVER_DEVICE, NEXT,
        lambda day: day.logs[SERVER_DEVICE].append(
            line_of(NEXT, Kind.FLAG, device=SERVER_DEVICE)[:-1]
            + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
        ),
    ),
    "a server record of another session": (
        3, SERVER_DEVICE, 3,
        lambda day: put(day, SERVER_DEVICE, 3, full_day("s_other").logs[SERVER_DEVICE][3]),
    ),
    "a device's record in the server's log": (
        3, SERVER_DEVICE, 3, lambda day: put(day, SERVER_DEVICE, 3, day.logs[DESK][3]),
    ),
    "a server checkpoint that is none": (
        3, SERVER_DEVICE, None, lambda day: with_members(day, {"logs/server.checkpoint": b"x"}),
    ),
    "a server statement that is no checkpoint": (
        3, None, None,
        lambda day: with_members(
            day, {"logs/server.checkpoint": sign_statement(b"x\n", key=SERVER_KEY, at_s=0)}),
    ),
    "a server checkpoint by another key": (
        3, None, None,
        lambda day: with_members(
            day,
            {"logs/server.checkpoint": full_day(server_key=OTHER_KEY).note(SERVER_DEVICE)},
        ),
    ),
    "a server checkpoint of another session": (
        3, SERVER_DEVICE, None,
        lambda day: with_members(
            day, {"logs/server.checkpoint": full_day("s_other").note(SERVER_DEVICE)}),
    ),
    "an older server checkpoint": (
        3, SERVER_DEVICE, None,
        lambda day: with_members(day, {"logs/server.checkpoint": older(day, SERVER_DEVICE)}),
    ),
    "a server record changed after it was signed": (
        3, SERVER_DEVICE, None,
        lambda day: with_members(
            day,
            {"logs/server.jsonl": day.members()["logs/server.jsonl"].replace(
                b'"outcome":"clear"', b'"outcome":"breach"'
            )},
        ),
    ),
    "a server log that opens with something else": (
        3, SERVER_DEVICE, 0,
        lambda day: put(
            day, SERVER_DEVICE, 0, line_of(0, Kind.STATE, device=SERVER_DEVICE, event="x")
        ),
    ),
    "a session opened for another exam": (3, SERVER_DEVICE, 0, opened(exam="x")),
    "a session opened for another edition": (3, SERVER_DEVICE, 0, opened(exam_sha256="x")),
    "a session opened under another policy": (3, SERVER_DEVICE, 0, opened(policy_sha256="x")),
    "a device that was not admitted": (
        3, DESK, None,
        lambda day: put(
            day, SERVER_DEVICE, 1, line_of(1, Kind.DEVICE, device=SERVER_DEVICE, id="d_x")
        ),
    ),
    "a device admitted with another key": (
        3, DESK, None,
        lambda day: put(
            day, SERVER_DEVICE, 1, line_of(1, Kind.DEVICE, device=SERVER_DEVICE, id=DESK, key="x")
        ),
    ),
    "a device admitted twice with two keys": (
        3, SERVER_DEVICE, NEXT,
        lambda day: day.write(SERVER_DEVICE, Kind.DEVICE, id=DESK, key="x"),
    ),
    "an admitted device that is a list": (
        3, SERVER_DEVICE, NEXT,
        lambda day: day.write(SERVER_DEVICE, Kind.DEVICE, id=[DESK], key="x"),
    ),
    # 4: the devices' logs
    "a key that is none": (4, None, None, key_that_is_none),
    "a log signed by another key": (4, None, None, another_device_key),
    "a key with another device's name": (4, PHONE, None, named_by_another),
    "an empty log": (4, DESK, None, lambda day: with_members(day, {"logs/d_desk1.jsonl": b""})),
    "a record of another session": (
        4, DESK, 4, lambda day: put(day, DESK, 4, full_day("s_other").logs[DESK][4]),
    ),
    "a record of another device": (4, DESK, 1, lambda day: put(day, DESK, 1, day.logs[PHONE][1])),
    "a record twice": (4, DESK, 5, lambda day: put(day, DESK, 5, day.logs[DESK][4])),
    "a record left out": (4, DESK, 4, lambda day: day.logs[DESK].pop(4)),
    "a record over 64 KiB": (
        4, DESK, LAST,
        lambda day: day.logs[DESK].append(line_of(LAST)[:-1] + b',"x":"%0*d"}' % (65_536, 0)),
    ),
    "a receipt the device did not sign": (
        4, None, None,
        lambda day: with_members(day, {"logs/d_desk1.checkpoint": signed_by_server_alone(day)}),
    ),
    "a receipt the server did not cosign": (
        4, None, None,
        lambda day: with_members(day, {"logs/d_desk1.checkpoint": signed_by_device_alone(day)}),
    ),
    "a receipt of another session": (
        4, None, None,
        lambda day: with_members(day, {"logs/d_desk1.checkpoint": full_day("s_x").note(DESK)}),
    ),
    "an older receipt": (
        4, DESK, None, lambda day: with_members(day, {"logs/d_desk1.checkpoint": older(day, DESK)}),
    ),
    "a log cut under its receipt": (
        4, DESK, None,
        lambda day: with_members(
            day,
            {"logs/d_desk1.jsonl": b"".join(line + b"\n" for line in day.logs[DESK][:-1])},
        ),
    ),
    "an answer changed after it was signed": (
        4, DESK, 4,
        lambda day: with_members(
            day,
            {"logs/d_desk1.jsonl": day.members()["logs/d_desk1.jsonl"].replace(b'["a"]', b'["b"]')},
        ),
    ),
    "a digest of an answer changed after it was signed": (
        4, DESK, ANSWER,
        lambda day: with_members(
            day,
            {
                "logs/d_desk1.jsonl": day.members()["logs/d_desk1.jsonl"].replace(
                    ANSWER_SHA256, digest_of(b"").encode()
                )
            },
        ),
    ),
    "what nobody handed in changed after it was signed": (
        4, DESK, None,
        lambda day: with_members(
            day,
            {"logs/d_desk1.jsonl": day.members()["logs/d_desk1.jsonl"].replace(b"face", b"file")},
        ),
    ),
    "a log without a hello": (
        4, DESK, 0, lambda day: put(day, DESK, 0, line_of(0, Kind.MESSAGE, text="hello"))
    ),
    "a hello of another key": (4, DESK, 0, greeted(key="x")),
    # 5: the policy
    "another policy": (5, None, None, lambda day: with_members(day, {"policy.json": b"{}"})),
    "another policy accepted": (5, DESK, 0, greeted(policy_sha256=digest_of(b"{}"))),
    # 6: the blobs
    "a picture held and gone": (6, DESK, 1, lambda day: day.blobs.clear()),
    "a picture said to be erased but here": (6, DESK, 2, lambda day: day.hold(DOCUMENT)),
    "a picture said to be missing but here": (6, PHONE, 2, lambda day: day.hold(SHEET)),
    "a picture swapped": (
        6, DESK, 1, lambda day: day.blobs.update({digest_of(FACE): FACE + b"x"}),
    ),
    "a picture that no record names": (6, None, None, lambda day: day.hold(b"more")),
    "a picture erased that no record names": (
        6, None, None, lambda day: day.erased.append(digest_of(b"more")),
    ),
    "a picture erased twice": (
        6, None, None, lambda day: day.erased.append(digest_of(DOCUMENT)),
    ),
    "a picture both erased and missing": (
        6, None, None, lambda day: day.missing.append(digest_of(DOCUMENT)),
    ),
    "a picture gone that was not erased": (
        6, None, None,
        lambda day: (day.erased.append(day.missing.pop())),
    ),
    "a picture of another size": (
        6, DESK, 1, lambda day: put(day, DESK, 1, snapshot(DESK, 1, FACE, len(FACE) + 1)),
    ),
    "a picture of two sizes": (
        6, PHONE, 2, lambda day: put(day, PHONE, 2, snapshot(PHONE, 2, FACE, len(FACE) + 1)),
    ),
    "an erasure that names no list": (
        6, None, None,
        lambda day: put(
            day, SERVER_DEVICE, NEXT - 1,
            line_of(NEXT - 1, Kind.ERASED, device=SERVER_DEVICE, sha256=digest_of(DOCUMENT)),
        ),
    ),
    # 7: the beats
    "a beat of a root that never was": (7, DESK, LAST, beaten(size=3, root=digest_of(b"x"))),
    "a beat of another size's root": (
        7, DESK, 3,
        lambda day: put(
            day, DESK, 3, day.logs[DESK][3].replace(b'"size":3', b'"size":2')
        ),
    ),
    "a beat beyond the server's log": (7, DESK, LAST, beaten(size=99, root=digest_of(b"x"))),
    "a beat of nothing": (7, DESK, LAST, beaten(size=0, root=digest_of(b""))),
    "a beat without a size": (7, DESK, LAST, beaten(root=digest_of(b""))),
    "a beat whose size is true": (7, DESK, LAST, beaten(size=True, root=digest_of(b""))),
    "a beat without a root": (7, DESK, LAST, beaten(size=1)),
    # 8: the submission
    "an answer handed in that is another": (8, DESK, 7, lambda day: hand_in(day, sha256="x")),
    "an answer handed in to another item": (8, DESK, 7, lambda day: hand_in(day, item="q2")),
    "an answer that is none handed in": (
        8, DESK, 7, lambda day: hand_in(day, seq=3, sha256=digest_of(day.logs[DESK][3])),
    ),
    "an answer handed in before it was given": (8, DESK, 7, lambda day: hand_in(day, seq=7)),
    "an answer handed in from before the first": (8, DESK, 7, lambda day: hand_in(day, seq=-4)),
    "an answer handed in from nowhere": (8, DESK, 7, lambda day: hand_in(day, seq="4")),
    # 9: flags, verdicts, forks
    "a flag under another policy": (
        9, SERVER_DEVICE, NEXT,
        lambda day: day.write(SERVER_DEVICE, Kind.FLAG, flag="f2", policy_sha256="x"),
    ),
    "a flag that shows another picture": (9, SERVER_DEVICE, NEXT, flagged(sha256="x")),
    "a flag that shows no picture": (9, SERVER_DEVICE, NEXT, flagged(seq=0)),
    "a flag that shows what was never taken": (9, SERVER_DEVICE, NEXT, flagged(seq=99)),
    "a flag that shows what stands before the first": (9, SERVER_DEVICE, NEXT, flagged(seq=-7)),
    "a flag that shows another device": (9, SERVER_DEVICE, NEXT, flagged(device="d_x")),
    "a flag that shows a list": (9, SERVER_DEVICE, NEXT, flagged(device=[DESK])),
    "a flag that shows half a place": (9, SERVER_DEVICE, NEXT, flagged(seq=1.5)),
    "a verdict by nobody": (9, SERVER_DEVICE, NEXT, judged(by="")),
    "a verdict without a reason": (9, SERVER_DEVICE, NEXT, judged(reasons="")),
    "a verdict on a flag that was not raised": (
        9, SERVER_DEVICE, NEXT, judged(flags=[{"flag": "f2"}]),
    ),
    "a verdict on a flag that is a list": (
        9, SERVER_DEVICE, NEXT, judged(flags=[{"flag": ["f1"]}]),
    ),
    "a fork with one note": (9, SERVER_DEVICE, NEXT, fork_of(lambda day: forked_notes(day)[:1])),
    "a fork of one history": (
        9, SERVER_DEVICE, NEXT, fork_of(lambda day: forked_notes(day)[:1] * 2),
    ),
    "a fork of another session": (
        9, SERVER_DEVICE, NEXT, fork_of(lambda _: forked_notes(full_day("s_other"))),
    ),
    "a fork that is no notes": (9, SERVER_DEVICE, NEXT, fork_of(lambda _: ["x", "y"])),
    "a fork without notes": (9, SERVER_DEVICE, NEXT, fork_of(lambda _: None)),
    "a fork between two logs": (
        9, SERVER_DEVICE, NEXT,
        fork_of(lambda day: [forked_notes(day)[0], day.note(DESK).decode()]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_the_server_is_found_where_it_was_told(lie: str) -> None:
    number, device, record, change = LIES[lie]
    step = refused(lying_bundle(change), SERVER_KEY.verifier).steps[-1]
    assert (step.number, step.device, step.record) == (number, device, record), step.detail


def test_neither_of_two_records_that_do_not_agree_is_blamed_alone() -> None:
    step = refused(lying_bundle(LIES["an answer changed after it was signed"][3])).steps[-1]
    assert step.detail == f"a record was changed: the root is another; {DISAGREE}"


@given(st.data())
def test_no_session_json_however_sealed_makes_verification_stumble(data: st.DataObject) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=4,
    )
    true = json_of(DAY.facts())
    key = data.draw(st.sampled_from(sorted(set(true) - {"learner", "exported_at_ms"})))
    value = data.draw(values.filter(lambda value: value != true[key]))
    refused(with_fact(DAY, key, value))


FACT_KEYS = [
    *("id", "key", "flag", "flags", "snapshots", "by", "reasons", "notes", "sha256"),
    *("policy_sha256", "size", "root", "answers", "item"),
]


@given(st.data())
def test_no_record_of_the_server_however_signed_makes_verification_stumble(
    data: st.DataObject,
) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["device", "seq", "sha256", "flag", "item", "x"]), inner, max_size=2
            )
        ),
        max_leaves=6,
    )
    keys = st.sampled_from(FACT_KEYS)
    facts: dict[str, Any] = data.draw(st.dictionaries(keys, values, max_size=4))
    device = data.draw(st.sampled_from([SERVER_DEVICE, DESK]))
    kinds = [Kind.BEAT, Kind.SUBMISSION, Kind.ANSWER]
    if device == SERVER_DEVICE:
        kinds = [Kind.DEVICE, Kind.FLAG, Kind.VERDICT, Kind.FORK, Kind.ERASED]
    day = full_day()
    day.write(device, data.draw(st.sampled_from(kinds)), **facts)
    json.dumps(as_json(verify(day.bundle())))


def test_a_log_cut_back_to_an_earlier_receipt_is_what_no_bundle_can_show() -> None:
    day = full_day()
    day.logs[DESK].pop()
    assert verify(day.bundle(), server_key=SERVER_KEY.verifier).holds
    assert any("receipt" in hole for hole in NOT_PROVEN)


def test_a_key_of_another_name_is_another_key() -> None:
    same_bytes = SigningKey.from_seed("other.example", KeyKind.COSIGNATURE, SERVER_KEY.seed())
    assert refused(BUNDLE, same_bytes.verifier).steps[-1].number == 2
