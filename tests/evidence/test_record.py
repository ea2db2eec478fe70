"""A record is one line that every reader takes for the same."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.evidence.errors import MalformedRecord, OutOfPlace
from proctor.evidence.record import (
    MAX_BLOB_BYTES,
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    SERVER_KINDS,
    BlobRef,
    Kind,
    Record,
    encode,
    is_sha256,
    parse,
    parse_in_place,
)
from tests.evidence.building import DESK, SESSION, START_MS, digest_of, line_of

HEAD = b'{"v":1,"session":"s_7Q2M","device":"d_desk1","seq":41,"at_ms":1795284000123,"kind":"focus"'
BLOB = BlobRef(digest_of(b"picture"), "image/jpeg", 7)
BLOB_JSON = b',"blob":{"sha256":"%s","type":"image/jpeg","size":7}' % BLOB.sha256.encode()

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
HEAD_KEYS = {"v", "session", "device", "seq", "at_ms", "kind", "blob"}
some_facts = st.dictionaries(
    st.text(max_size=8).filter(lambda key: key not in HEAD_KEYS), json_values, max_size=4
)


@given(some_facts, st.sampled_from([None, BLOB]), st.integers(0, 2**53 - 1))
def test_a_record_says_what_it_was_made_of(
    facts: dict[str, Any], blob: BlobRef | None, seq: int
) -> None:
    line = encode(
        session=SESSION, device=DESK, seq=seq, at_ms=START_MS, kind=Kind.FOCUS, facts=facts,
        blob=blob,
    )  # fmt: skip
    assert parse(line) == Record(SESSION, DESK, seq, START_MS, Kind.FOCUS, blob, facts)
    assert json.loads(line)["seq"] == seq


@given(some_facts, st.data())
def test_a_changed_line_is_malformed_or_another_record(
    facts: dict[str, Any], data: st.DataObject
) -> None:
    line = line_of(41, fact=facts)
    at = data.draw(st.integers(0, len(line) - 1))
    changed = line[:at] + bytes([line[at] ^ data.draw(st.integers(1, 255))]) + line[at + 1 :]
    try:
        found = parse(changed)
    except MalformedRecord:
        return
    assert json.loads(changed)["session"] == found.session


@given(st.binary(max_size=200))
def test_any_bytes_after_a_head_are_a_record_or_malformed(tail: bytes) -> None:
    try:
        found = parse(HEAD + tail)
    except MalformedRecord:
        return
    assert json.loads(HEAD + tail)["device"] == found.device


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"}", id="no facts"),
        pytest.param(BLOB_JSON + b"}", id="a blob and no facts"),
        pytest.param(BLOB_JSON + b',"width":640}', id="a blob and facts"),
        pytest.param(b', "away_to" :\t"x" }', id="blanks between"),
        pytest.param(b',"x":"\\ud83d\\ude00"}', id="a whole surrogate pair"),
        pytest.param(b',"x":9007199254740991,"y":-9007199254740991}', id="the largest numbers"),
        pytest.param(b',"x":' + b"[" * 31 + b"]" * 31 + b"}", id="32 deep"),
        pytest.param(b',"x":"' + b"[" * 40 + b'"}', id="brackets in a string"),
        pytest.param(b',"x":{"v":2}}', id="a head's key further down"),
    ],
)
def test_a_line_that_every_reader_takes_for_the_same_is_a_record(tail: bytes) -> None:
    assert parse(HEAD + tail).seq == 41


BAD_TAILS = [
    pytest.param(b"", id="cut"),
    pytest.param(b"} ", id="a blank behind"),
    pytest.param(b"}{}", id="a second object"),
    pytest.param(b",}", id="a comma and no key"),
    pytest.param(b",  }", id="a comma, blanks and no key"),
    pytest.param(b',"x":1,}', id="a comma at the end"),
    pytest.param(b',"x":1,"x":2}', id="a key twice"),
    pytest.param(b',"x":{"y":1,"\\u0079":2}}', id="a key twice, once escaped, further down"),
    pytest.param(b',"seq":42}', id="a key of the head twice"),
    pytest.param(b',"\\u0073eq":42}', id="a key of the head twice, once escaped"),
    pytest.param(b',"x":1,"blob":null}', id="a blob behind"),
    pytest.param(b',"x":NaN}', id="not a number"),
    pytest.param(b',"x":Infinity}', id="infinity"),
    pytest.param(b',"x":1e999}', id="infinity by its size"),
    pytest.param(b',"x":9007199254740992}', id="an integer that readers round"),
    pytest.param(b',"x":-9007199254740992}', id="a negative integer that readers round"),
    pytest.param(b',"x":1e300}', id="a number beyond the integers"),
    pytest.param(b',"x":' + b"9" * 5000 + b"}", id="5,000 digits"),
    pytest.param(b',"x":01}', id="a zero before a number"),
    pytest.param(b',"x":"\\ud800"}', id="half a surrogate pair"),
    pytest.param(b',"\\udc00":1}', id="half a surrogate pair in a key"),
    pytest.param(b',"x":"\xff"}', id="not UTF-8"),
    pytest.param(b',"x":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
    pytest.param(b',"x":"\t"}', id="a control character in a string"),
    pytest.param(b',"x":"a\nb"}', id="a newline in a string"),
    pytest.param(b',\n"x":1}', id="a newline between"),
    pytest.param(b',"x":1}\r', id="a carriage return behind"),
    pytest.param(b',"x":' + b"[" * 32 + b"]" * 32 + b"}", id="33 deep"),
    pytest.param(b',"x":' + b'{"a":' * 32 + b"1" + b"}" * 33, id="33 objects deep"),
    pytest.param(b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", id="30,000 deep"),
    pytest.param(BLOB_JSON.replace(b"7}", b"07}") + b"}", id="a zero before a blob's size"),
    pytest.param(
        BLOB_JSON.replace(b"7}", b"%d}" % (MAX_BLOB_BYTES + 1)) + b"}", id="a blob over 4 MiB"
    ),
    pytest.param(BLOB_JSON.replace(b"image/jpeg", b"image") + b"}", id="no media type"),
    pytest.param(BLOB_JSON.replace(b"2cea", b"2CEA") + b"}", id="capitals in a digest"),
    pytest.param(BLOB_JSON + BLOB_JSON + b"}", id="a blob twice"),
]


@pytest.mark.parametrize("tail", BAD_TAILS)
def test_a_line_that_readers_could_differ_about_is_malformed(tail: bytes) -> None:
    with pytest.raises(MalformedRecord):
        parse(HEAD + tail)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"v":1', b'"v":2', id="version 2"),
        pytest.param(b'"v":1', b'"v":1.0', id="version 1.0"),
        pytest.param(b'"v":1', b'"v": 1', id="a blank in the head"),
        pytest.param(b'"v":1,"session":"s_7Q2M"', b'"session":"s_7Q2M","v":1', id="another order"),
        pytest.param(b"s_7Q2M", b"", id="no session"),
        pytest.param(b"s_7Q2M", b"s/7Q2M", id="a slash in the session"),
        pytest.param(b"d_desk1", b"d" * 65, id="a device of 65 characters"),
        pytest.param(b"d_desk1", b"server", id="the server reports no focus"),
        pytest.param(b"focus", b"verdict", id="a device gives no verdict"),
        pytest.param(b"focus", b"gaze", id="a kind that is none"),
        pytest.param(b":41", b":-1", id="a place before the first"),
        pytest.param(b":41", b":041", id="a zero before the place"),
        pytest.param(b":41", b":9007199254740992", id="a place beyond exact numbers"),
        pytest.param(b":1795284000123", b":9007199254740992", id="a time beyond exact numbers"),
        pytest.param(b":1795284000123", b":1.5", id="a time that is not whole"),
        pytest.param(b"{", b"\xef\xbb\xbf{", id="a byte order mark"),
        pytest.param(b"{", b" {", id="a blank before"),
    ],
)
def test_a_head_in_any_other_spelling_is_malformed(old: bytes, new: bytes) -> None:
    assert parse(HEAD + b"}")
    with pytest.raises(MalformedRecord):
        parse(HEAD.replace(old, new, 1) + b"}")


def test_64_kib_are_a_record_and_a_byte_more_is_none() -> None:
    line = HEAD + b',"x":"' + b"a" * (MAX_RECORD_BYTES - len(HEAD) - 8) + b'"}'
    assert len(line) == MAX_RECORD_BYTES
    assert parse(line)
    with pytest.raises(MalformedRecord):
        parse(line.replace(b"aa", b"aaa", 1))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"x": {1, 2}}, id="a set"),
        pytest.param({"x": float("nan")}, id="not a number"),
        pytest.param({"x": 2**53}, id="a number that readers round"),
        pytest.param({"x": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"x": "a" * MAX_RECORD_BYTES}, id="too long"),
        pytest.param({"kind": "desktop"}, id="a key of the head"),
        pytest.param({"1": 1, 1: 2}, id="two keys of one spelling"),
    ],
)
def test_facts_that_make_no_record_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(MalformedRecord):
        encode(session=SESSION, device=DESK, seq=0, at_ms=0, kind=Kind.FOCUS, facts=facts)


def test_facts_without_a_bottom_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    with pytest.raises(MalformedRecord):
        line_of(0, x=deep)


@pytest.mark.parametrize("frames", range(30))
def test_how_deep_a_line_may_be_does_not_hang_on_who_calls(frames: int) -> None:
    def call(left: int, line: bytes) -> bool:
        if left:
            return call(left - 1, line)
        try:
            return parse(line).seq == 41
        except MalformedRecord:
            return False

    stack = 10 * frames
    for depth, good in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False), (970 - stack + frames, False)):
        nested = b'"\\u0041",' + b"[" * (depth - 2) + b"]" * (depth - 2)
        assert call(stack, HEAD + b',"x":[' + nested + b"]}") is good


def test_every_kind_has_one_side_that_writes_it() -> None:
    for kind in Kind:
        right, wrong = ("server", DESK) if kind in SERVER_KINDS else (DESK, "server")
        assert parse(line_of(0, kind, device=right)).kind is kind
        with pytest.raises(MalformedRecord):
            line_of(0, kind, device=wrong)


@pytest.mark.parametrize(
    ("session", "device", "seq"),
    [
        pytest.param("s_other", DESK, 41, id="another session's"),
        pytest.param(SESSION, "d_phone", 41, id="another device's"),
        pytest.param(SESSION, DESK, 40, id="another place"),
    ],
)
def test_a_record_counts_only_in_its_place(session: str, device: str, seq: int) -> None:
    assert parse_in_place(HEAD + b"}", session=SESSION, device=DESK, seq=41).seq == 41
    with pytest.raises(OutOfPlace):
        parse_in_place(HEAD + b"}", session=session, device=device, seq=seq)


def test_a_digest_is_64_lower_case_hex_digits() -> None:
    assert is_sha256(digest_of(b""))
    for value in (digest_of(b"").upper(), digest_of(b"")[1:], digest_of(b"") + "\n", 5, None):
        assert not is_sha256(value)
