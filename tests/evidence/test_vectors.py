"""The files that Python and TypeScript both read: each case is taken or refused as it says.

docs/spec/evidence-v1.md says what the fields mean.
"""

import json
from base64 import b64decode
from typing import Any

import pytest

from proctor.evidence.batch import check_named, open_records, split
from proctor.evidence.errors import EvidenceError, Fork
from proctor.evidence.note import (
    Note,
    VerifierKey,
    is_fork,
    only_signed_by,
    open_checkpoint,
    open_cosignature,
)
from proctor.evidence.record import parse_in_place
from proctor.evidence.tree import (
    Frontier,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from proctor.evidence.verify import verify
from tests.vectors.make_evidence_v1 import FOLDER, files

Case = dict[str, Any]
TOPICS = ("tree", "note", "record", "batch", "bundle")
CASES: dict[str, list[Case]] = {
    topic: json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8")) for topic in TOPICS
}


def check_tree(case: Case) -> None:
    if case["check"] == "root":
        leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]
        assert root_of(leaves).hex() == case["root"]
        return
    root, proof = bytes.fromhex(case["root"]), [bytes.fromhex(each) for each in case["proof"]]
    if case["check"] == "inclusion":
        leaf = bytes.fromhex(case["leaf_hash"])
        verify_inclusion(leaf=leaf, index=case["index"], size=case["size"], root=root, proof=proof)
    else:
        verify_consistency(
            old_size=case["old_size"],
            old_root=bytes.fromhex(case["old_root"]),
            size=case["size"],
            root=root,
            proof=proof,
        )


def check_note(case: Case) -> None:
    key = VerifierKey.parse(case["vkey"])
    if case["check"] == "key":
        assert key.encode() == case["vkey"]
        assert (key.name, key.key_id.hex()) == (case["key_name"], case["key_id"])
        return
    if case["check"] == "fork":
        one, other = (
            open_checkpoint(Note.parse(text.encode()), key=key, origin=case["origin"])
            for text in case["notes"]
        )
        if is_fork(one, other):
            raise Fork
        return
    text = case["note"].encode() if "note" in case else b64decode(case["note_base64"])
    note = Note.parse(text)
    if case["check"] == "signature":
        key.verify(note.line_of(key).signature, note.text)
        return
    if case["check"] == "receipt":
        server_key = VerifierKey.parse(case["server_vkey"])
        only_signed_by(note, [key, server_key])
        at_s = open_cosignature(note, server_key)
        assert at_s == case.get("at_s")
    checkpoint = open_checkpoint(note, key=key, origin=case["origin"])
    assert (checkpoint.size, checkpoint.root.hex()) == (case["size"], case["root"])


def check_record(case: Case) -> None:
    if "line_runs" in case:
        line = "".join(text * times for text, times in case["line_runs"]).encode()
    else:
        line = case["line"].encode() if "line" in case else b64decode(case["line_base64"])
    record = parse_in_place(line, session=case["session"], device=case["device"], seq=case["seq"])
    blob = record.blob and record.blob._asdict()
    assert (record.at_ms, record.kind, blob) == (case["at_ms"], case["kind"], case["blob"])
    assert "facts" not in case or record.facts == case["facts"]


def check_batch(case: Case) -> None:
    before = case["before"]
    frontier = Frontier.from_bytes(before["size"], bytes.fromhex(before["edge"]))
    batch = split(b64decode(case["message_base64"]))
    sizes = dict(case["owed"])
    if batch.note is not None:
        opened = open_records(
            batch,
            frontier=frontier,
            session=case["session"],
            device=case["device"],
            origin=case["origin"],
            key=VerifierKey.parse(case["vkey"]),
        )
        sizes |= {each.blob.sha256: each.blob.size for each in opened.records if each.blob}
        frontier = opened.frontier
    check_named(batch.blobs, sizes)
    assert {"size": frontier.size, "root": frontier.root().hex()} == case["after"]
    assert [digest for digest, _ in batch.blobs] == case["blobs"]


CHECKS = {"tree": check_tree, "note": check_note, "record": check_record, "batch": check_batch}


@pytest.mark.parametrize(
    ("topic", "case"),
    [
        pytest.param(topic, case, id=f"{topic}: {case['name']}")
        for topic in CHECKS
        for case in CASES[topic]
    ],
)
def test_a_case_is_taken_or_refused_as_the_vectors_say(topic: str, case: Case) -> None:
    if case["accept"]:
        CHECKS[topic](case)
        return
    with pytest.raises(EvidenceError) as refusal:
        CHECKS[topic](case)
    assert refusal.value.code == case["error"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES["bundle"]])
def test_a_bundle_verifies_or_fails_where_the_vectors_say(case: Case) -> None:
    key = case["server_vkey"] and VerifierKey.parse(case["server_vkey"])
    report = verify(b64decode(case["bundle_base64"]), server_key=key)
    assert report.holds == case["accept"]
    if not case["accept"]:
        step = report.steps[-1]
        found = (step.number, step.device, step.record)
        assert found == (case["failed_step"], case["device"], case["record"]), step.detail


def test_the_files_are_what_the_script_makes() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert found == files()


@pytest.mark.parametrize("topic", TOPICS)
def test_there_are_as_many_cases_to_refuse_as_to_take(topic: str) -> None:
    accepted = sum(case["accept"] for case in CASES[topic])
    assert 2 <= accepted <= len(CASES[topic]) - accepted
    names = [case["name"] for case in CASES[topic]]
    assert len(set(names)) == len(names)
    for case in CASES[topic]:
        assert case["accept"] or case.get("error") or case.get("failed_step")


@pytest.mark.parametrize(
    ("name", "topics"),
    [
        ("flipped byte", {"tree", "note", "batch", "bundle"}),
        ("truncated", {"batch", "bundle"}),
        ("shrunk tree", {"tree", "batch"}),
        ("fork", {"note", "batch", "bundle"}),
        ("swapped blob", {"batch", "bundle"}),
        ("another session's record", {"record", "batch", "bundle"}),
        ("wrong key", {"note", "batch", "bundle"}),
        ("wrong origin", {"note", "batch", "bundle"}),
        ("newline in a", {"record", "batch", "bundle"}),
        ("64 KiB + 1", {"record"}),
    ],
)
def test_every_attack_the_issue_names_is_there(name: str, topics: set[str]) -> None:
    refused = {
        topic
        for topic, cases in CASES.items()
        for case in cases
        if name in case["name"] and not case["accept"]
    }
    assert refused >= topics
