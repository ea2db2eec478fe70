"""The spec says what the code does: samples, steps, bounds and kinds."""

import re

import pytest

from proctor.evidence import batch, bundle, note, record, tree
from proctor.evidence.errors import EvidenceError
from proctor.evidence.record import SERVER_KINDS, Kind
from proctor.evidence.verify import NOT_PROVEN, STEPS
from tests.vectors.make_evidence_v1 import FOLDER, SAMPLE, SPEC, samples, spec_with

TEXT = SPEC.read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())


def test_every_sample_is_what_the_code_writes() -> None:
    found = {name: text for _, name, text, _ in SAMPLE.findall(TEXT)}
    assert found == samples()
    assert spec_with(samples(), TEXT) == TEXT


def test_the_spec_begins_with_a_sample() -> None:
    assert TEXT.index("```") < TEXT.index("MUST")


def test_the_steps_are_those_of_the_code_in_order() -> None:
    titles = re.findall(r"^(\d+)\. \*\*(.+?)\.\*\*", TEXT, re.MULTILINE)
    assert titles == [(str(at), title) for at, (title, _) in enumerate(STEPS, 1)]


def test_what_is_not_proven_is_said_as_verify_says_it() -> None:
    section = TEXT.partition("## What is not proven\n")[2].partition("\n## ")[0]
    said = [" ".join(each.split()) for each in re.split(r"^\* ", section, flags=re.MULTILINE)[1:]]
    said[-1] = said[-1].partition(" A learner SHOULD")[0]
    assert said == list(NOT_PROVEN)


def test_every_kind_stands_on_its_side() -> None:
    rows = dict(re.findall(r"^\| (a device|the server) \| (`.+`) \|$", TEXT, re.MULTILINE))
    assert re.findall(r"`([a-z-]+)`", rows["the server"]) == [
        kind for kind in Kind if kind in SERVER_KINDS
    ]
    assert re.findall(r"`([a-z-]+)`", rows["a device"]) == [
        kind for kind in Kind if kind not in SERVER_KINDS
    ]


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        pytest.param("at most {:,} bytes, with neither newline", record.MAX_RECORD_BYTES, id="a"),
        pytest.param("its `size` is at most {:,} bytes", record.MAX_BLOB_BYTES, id="blob"),
        pytest.param("more than {} deep", record.MAX_DEPTH, id="depth"),
        pytest.param("narrowed: at most {:,} bytes", note.MAX_NOTE_BYTES, id="note"),
        pytest.param("one message of at most {:,} bytes", batch.MAX_BATCH_BYTES, id="batch"),
        pytest.param("at most {} records and", batch.MAX_RECORDS, id="records"),
        pytest.param("records and {} blobs", batch.MAX_BLOBS, id="blobs"),
        pytest.param("at most {:,} members", bundle.MAX_MEMBERS, id="members"),
        pytest.param("members and {:,} bytes", bundle.MAX_BUNDLE_BYTES, id="bundle"),
    ],
)
def test_every_bound_is_that_of_the_code(words: str, bound: int) -> None:
    assert words.format(bound) in WORDS


def test_powers_are_those_of_the_code() -> None:
    assert tree.MAX_SIZE == 2**48
    assert "at most 2^48 leaves" in WORDS
    assert note.MAX_TIME_S == 2**63 - 1
    assert "big endian, at most 2^63 - 1" in WORDS


def test_every_error_a_batch_can_meet_is_named() -> None:
    elsewhere = {"malformed-bundle"}
    for error in EvidenceError.__subclasses__():
        assert f"`{error.code}`" in TEXT or error.code in elsewhere


def test_every_file_of_vectors_is_described() -> None:
    for path in FOLDER.iterdir():
        assert f"`{path.name}`" in TEXT


def test_every_key_of_session_json_is_in_the_sample() -> None:
    for key in bundle.Facts.__slots__:
        assert f'"{key}":' in samples()["session"]
