"""A bundle is a zip that any program opens, and of which no header byte is free."""

import json
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence import bundle as bundle_module
from proctor.evidence.bundle import MAX_MEMBERS, SEAL, Facts, pack, unpack
from proctor.evidence.errors import MalformedBundle
from tests.evidence.building import (
    FACE,
    PHONE_KEY,
    POLICY,
    SERVER_KEY,
    digest_of,
    full_day,
    json_of,
    members_of,
    plain_zip,
    rezip,
)

DAY = full_day()
BUNDLE = DAY.bundle()
END = struct.calcsize("<4sHHHHIIH")


def test_any_zip_program_reads_the_members_back() -> None:
    names = [name for name, _ in members_of(BUNDLE)]
    assert names[0] == "session.json"
    assert names[-1] == "seal"
    assert dict(members_of(BUNDLE)).items() >= DAY.members().items()


def test_our_headers_are_those_a_zip_program_can_be_asked_for() -> None:
    assert rezip(members_of(BUNDLE)) == BUNDLE
    assert plain_zip(members_of(BUNDLE)) != BUNDLE


def test_every_member_is_found_where_it_stands() -> None:
    found = unpack(memoryview(BUNDLE)).members
    for name, data in members_of(BUNDLE):
        assert bytes(found[name].of(memoryview(BUNDLE))) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_malformed(data: bytes) -> None:
    for changed in (data, BUNDLE + data + b"x", data + b"x" + BUNDLE, data + BUNDLE[-END:]):
        with pytest.raises(MalformedBundle):
            unpack(memoryview(changed))


def end_of(count: int, length: int, start: int) -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, length, start, 0)


def patched(old: bytes, new: bytes) -> bytes:
    assert old in BUNDLE
    return BUNDLE.replace(old, new)


def last_entry_cut() -> bytes:
    """Cut the directory in the middle of an entry, and let the end agree."""
    count, length, start = struct.unpack("<HII", BUNDLE[-12:-2])
    return BUNDLE[: start + length - 10] + end_of(count, length - 10, start)


def member_reaching_into_the_directory() -> bytes:
    """Let the directory begin before the last member ends."""
    count, length, start = struct.unpack("<HII", BUNDLE[-12:-2])
    shorter = BUNDLE[: start - 1] + BUNDLE[start : start + length]
    return shorter + end_of(count, length, start - 1)


def another_count() -> bytes:
    count, length, start = struct.unpack("<HII", BUNDLE[-12:-2])
    return BUNDLE[:-END] + end_of(count + 1, length, start)


def bytes_before_the_directory() -> bytes:
    count, length, start = struct.unpack("<HII", BUNDLE[-12:-2])
    return BUNDLE[:start] + b"x" + BUNDLE[start:-END] + end_of(count, length, start + 1)


def seal_damaged() -> bytes:
    at = BUNDLE.index(b"proctor-bundle/v1")
    return BUNDLE[:at] + b"P" + BUNDLE[at + 1 :]


def with_member(name: str) -> bytes:
    members = members_of(BUNDLE)
    return rezip([*members[:-1], (name, b""), members[-1]])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(end_of(0, 0, 0), id="an empty zip"),
        pytest.param(last_entry_cut(), id="a directory that is cut"),
        pytest.param(member_reaching_into_the_directory(), id="a member that is cut"),
        pytest.param(another_count(), id="another count"),
        pytest.param(bytes_before_the_directory(), id="bytes between"),
        pytest.param(seal_damaged(), id="a seal that is not what its checksum says"),
        pytest.param(rezip(members_of(BUNDLE)[:-1]), id="no seal"),
        pytest.param(rezip(members_of(BUNDLE)[::-1]), id="the seal first"),
        pytest.param(plain_zip(members_of(BUNDLE)), id="another program's headers"),
        pytest.param(patched(b"policy.json", b"Policy.json"), id="a name that is none"),
        pytest.param(patched(b"policy.json", b"seal.jsonxx"), id="another name that is none"),
        pytest.param(patched(b"d_phone.jsonl", b"d_desk1.jsonl"), id="a name twice"),
        pytest.param(with_member("logs/../../x.jsonl"), id="a way out of the folder"),
        pytest.param(with_member("readme.txt"), id="a member that no bundle has"),
        pytest.param(with_member("blobs/x"), id="a blob without a digest"),
    ],
)
def test_what_pack_would_not_write_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedBundle):
        unpack(memoryview(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(
            with_member("extra.txt"), "no bundle has a member of this name: 'extra.txt'",
            id="a name that no bundle has",
        ),
        pytest.param(
            patched(b"d_phone.jsonl", b"d_desk1.jsonl"),
            "a member stands twice: 'logs/d_desk1.jsonl'", id="a name twice",
        ),
    ],
)  # fmt: skip
def test_a_member_too_many_is_named_with_what_is_wrong_with_it(data: bytes, why: str) -> None:
    with pytest.raises(MalformedBundle) as no:
        unpack(memoryview(data))
    assert str(no.value) == why


FACTS = json_of(DAY.facts())
WRONG_VALUES: list[tuple[str, Any]] = [
    *[("v", value) for value in (2, True, 1.0, "1")],
    *[("server", value) for value in (1, None, "\ud800")],
    *[("learner", value) for value in (None, "\ud800")],
    *[("exported_at_ms", value) for value in ("1", 1.5, True)],
    ("devices", []),
    ("devices", {"d": 1}),
    *[("erased", value) for value in ("", [1], None)],
    ("missing", {}),
    ("missing", [None]),
]


def test_facts_are_read_as_they_were_written() -> None:
    facts = replace(DAY.facts(), learner="Ada \U0001f600 Löwe\n")
    assert Facts.parse(facts.encode()) == facts


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(json.dumps(FACTS).encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(FACTS).encode(), id="a byte order mark"),
        pytest.param(json.dumps(FACTS).encode() + b"\n\n", id="a second newline"),
        pytest.param(b'{"v":1,' + json.dumps(FACTS).encode()[1:], id="a key twice"),
        pytest.param(json.dumps(FACTS | {"more": 1}).encode(), id="a key too many"),
        pytest.param(json.dumps({"v": 1}).encode(), id="a key too few"),
        pytest.param(b"[" * 100_000, id="deep"),
        *(
            pytest.param(json.dumps(FACTS | {key: value}).encode(), id=f"{key} is {value!r:.20}")
            for key, value in WRONG_VALUES
        ),
    ],
)
def test_what_is_no_session_json_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedBundle):
        Facts.parse(data)


def test_devices_that_share_a_name_are_malformed() -> None:
    text = json.dumps(FACTS | {"devices": {"d_a": "k"}}).replace('"d_a": "k"', '"d":"k","d":"l"')
    with pytest.raises(MalformedBundle):
        Facts.parse(text.encode())


def packed(members: list[tuple[str, bytes]], **facts: Any) -> int:
    parts = pack(members, facts=replace(DAY.facts(), **facts), key=SERVER_KEY, at_s=0)
    return sum(map(len, parts))


def test_a_bundle_never_has_more_members_than_a_zip_can_count() -> None:
    members = [(f"blobs/{at:064x}", b"") for at in range(MAX_MEMBERS - 2)]
    parts = pack(members, facts=DAY.facts(), key=SERVER_KEY, at_s=0)
    whole = b"".join(parts)
    assert len(unpack(memoryview(whole)).members) == MAX_MEMBERS
    with pytest.raises(MalformedBundle):
        packed([*members, (f"blobs/{1:065x}", b"")])


def test_a_bundle_never_grows_beyond_what_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [("policy.json", POLICY), (f"blobs/{digest_of(FACE)}", FACE)]
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", 10_000)
    for padding in range(3_000, 6_000, 7):
        try:
            size = packed([*members, (f"blobs/{padding:064x}", bytes(padding))])
        except MalformedBundle:
            assert padding > 3_000
            break
        assert size <= 10_000
    else:
        pytest.fail("nothing was too large")


def test_more_devices_than_a_seal_can_name_are_refused_when_packed() -> None:
    members = [(f"logs/d_{at:060}.jsonl", b"") for at in range(40)]
    with pytest.raises(MalformedBundle):
        packed(members)


def test_the_seal_is_over_every_member() -> None:
    seal = dict(members_of(BUNDLE))[SEAL].decode()
    for name, data in members_of(BUNDLE):
        if name != SEAL and not name.startswith("blobs/"):
            assert f"{digest_of(data)} {name}\n" in seal
    assert seal.startswith("proctor-bundle/v1 proctor.example/sds-2026/s_7Q2M\ndirectory 9 ")
    assert PHONE_KEY.name not in seal.rpartition("\n\n")[2]
